"""The search: Monte-Carlo tree search guided by an evaluator (AlphaGo's asynchronous policy-value MCTS).

One thread, the caller's, owns the tree. It selects and expands leaves, hands them in batches to the evaluator on other
threads, plays rollouts from them meanwhile where those have a share in the value, or makes its own share of the calls
where they are short, and backs up each answer when it arrives; so nothing is written twice and no lock stands in the
way. With one call at a time the same seed gives the same tree.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine import _expand, _tree
from engine.evaluator import AnyEvaluator, EvaluatorError
from engine.flight import CallTimer, Crew, evaluate, is_turned, new_batch, roll_out
from engine.result import Ending, MoveStats, RootEstimate, SearchResult, root_estimate
from engine.rollout import LeafRollouts
from engine.rollouts_first import ExpansionThreshold, RolloutsFirstRun, tree_policy_of
from engine.root import Root, root_of
from engine.search_config import Limits, SearchConfig
from engine.search_run import SearchRun
from engine.tree import Tree
from gozero._random import random_below, seed_state
from gozero.coords import move_index, opponent
from gozero.geometry import SYMMETRIES, symmetry_table
from gozero.position import Position

__all__ = ["Ending", "Limits", "MoveStats", "Search", "SearchConfig", "SearchResult", "Snapshot"]

Snapshot: TypeAlias = SearchResult
"""A result of a search that still runs."""

_LATE_SECONDS: Final = 0.03
"""How long answers are waited for after the time is up."""


class Search:
    """Searches one position after another, keeping of its tree what the next position can use."""

    def __init__(
        self,
        evaluator: AnyEvaluator,
        config: SearchConfig | None = None,
        seed: int = 0,
        rollouts: LeafRollouts | None = None,
    ) -> None:
        """Takes no memory and no threads before it first runs.

        Raises:
            ValueError: rollouts have a share in the value, but there are none, or none with a tree policy where
                placeholder priors are asked for.
        """
        self.evaluator = evaluator
        self.config = config or SearchConfig()
        if self.config.rollout_share > 0 and rollouts is None:
            raise ValueError(f"rollout_share is {self.config.rollout_share}, but the player has no rollouts")
        self.rollouts = rollouts if self.config.rollout_share > 0 else None
        self._placeholder = tree_policy_of(rollouts) if self.config.placeholder_priors else None
        if self.config.placeholder_priors and self._placeholder is None:
            raise ValueError("placeholder_priors need a tree policy, which random rollouts have not: name learned ones")
        self._threshold = ExpansionThreshold(self.config.expansion_threshold)
        self._rng = seed_state(seed)
        self._rollout_rng = seed_state(seed + 1)
        self._random = np.random.default_rng(seed)  # for noise at the root
        self._threads: ThreadPoolExecutor | None = None
        self._timer = CallTimer()
        self._tree: Tree | None = None
        self._position: Position | None = None  # the root's
        self._root_moves: NDArray[np.bool_] | None = None
        self._estimate: RootEstimate | None = None  # the root's; None where it must be asked for
        self._needs_noise = True  # at the root

    @property
    def tree(self) -> Tree | None:
        """The tree, its root where the last search was; None before the first."""
        return self._tree

    def run(
        self,
        position: Position,
        limits: Limits,
        stop: Callable[[], bool] | None = None,
        on_progress: Callable[[Snapshot], None] | None = None,
        progress_interval: float = 0.5,
        root_moves: NDArray[np.bool_] | None = None,
    ) -> SearchResult:
        """Searches a position for the player to move there.

        The statistics of the last search are kept where this position continues that one by moves. A game that is
        over by two passes is searched as if play resumed.

        Args:
            stop: asked every 10 ms or so, on this thread; the search ends when it answers true. The root is evaluated
                in any case.
            on_progress: given what is known so far, on this thread, every `progress_interval` seconds.
            root_moves: bool[S*S + 1] by move index, the moves that are searched at the root where they are legal; None
                for all. Below the root every move is searched. Only a search of the same moves goes on with this tree.

        Raises:
            EvaluatorError: the evaluator does not know this size of board, or answered what is no number.
            ValueError: none of `root_moves` is legal.
        """
        started = time.monotonic()
        root = root_of(position, self.config, self.is_turning)
        tree = self._tree_at(position, root_moves)
        visits_before = tree.visits
        estimate = self._estimate
        if visits_before == 0 or self.config.average_root or estimate is None:
            estimate = self._estimate = self._evaluate_root(tree, root, root_moves)
        if self.config.noise_share > 0 and self._needs_noise:
            self._add_noise(tree, root)
        run = self._new_run(tree, root, limits, started)
        next_progress = started + progress_interval
        ending: Ending | None = None
        try:
            while True:
                now = time.monotonic()
                if stop is not None and stop():
                    ending = "stopped"
                    break
                if run.deadline is not None and now >= run.deadline + _LATE_SECONDS:
                    ending = "seconds"
                    break
                if ending is None:
                    ending = run.select()
                if ending is not None and not run.flight.batches:
                    if not run.goes_on(ending):
                        break
                    ending = None
                if run.flight.batches:
                    run.wait()
                if on_progress is not None and now >= next_progress:
                    on_progress(run.summary(visits_before, now - started, None, estimate))
                    next_progress = now + progress_interval
        finally:
            run.abandon()
            self._tree = run.tree if self._position is not None else None  # None: it was told to forget meanwhile
        return run.summary(visits_before, time.monotonic() - started, ending, estimate)

    def forget(self) -> None:
        """Drops the tree, so that the next search starts afresh. One that runs goes on with its own to its end."""
        self._tree = self._position = self._estimate = None

    def close(self) -> None:
        """Ends the threads. The evaluator is left to whoever made it."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    @property
    def is_turning(self) -> bool:
        """Whether leaves are turned by a random symmetry before they are evaluated."""
        return self.config.random_symmetry and is_turned(self.evaluator)

    def _new_run(self, tree: Tree, root: Root, limits: Limits, started: float) -> SearchRun:
        common = (self.config, self._crew(), tree, root, limits, started, self._random)
        if self.config.rollouts_first:
            return RolloutsFirstRun(*common, self._threshold, self._placeholder)
        return SearchRun(*common)

    def _crew(self) -> Crew:
        threads, at_once = self._executor(), self.config.batches_in_flight
        return Crew(self.evaluator, self.rollouts, threads, at_once, self._timer, self._rng, self._rollout_rng)

    def _executor(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.config.batches_in_flight, thread_name_prefix="evaluator")
        return self._threads

    def _tree_at(self, position: Position, root_moves: NDArray[np.bool_] | None) -> Tree:
        """The tree with this position at its root: what the present one has below it, or a new one."""
        if not self.evaluator.supports(position.size):
            raise EvaluatorError(f"this network cannot play on a {position.size}x{position.size} board")
        node = self._node_of(position, root_moves)
        if self._tree is None or node is None:
            self._tree = self._estimate = None  # frees its memory before the next tree takes any
            self._tree = Tree(position.size, self.config.memory_mib << 20, self.config.rollout_share)
        elif node > 0:
            self._tree = self._tree.subtree(node)
            self._needs_noise = True
            if self._estimate is not None and self._estimate.score is not None:
                self._estimate = None  # the new root was evaluated as a leaf, of which that was not kept
        self._position = position.copy()
        self._root_moves = None if root_moves is None else root_moves.copy()
        return self._tree

    def _node_of(self, position: Position, root_moves: NDArray[np.bool_] | None) -> int | None:
        """The node of the present tree where this position stands, or None where there is none with an evaluation."""
        tree, old = self._tree, self._position
        if tree is None or old is None or tree.visits == 0 or not _continues(position, old):
            return None
        node, colour = 0, old.to_play
        for mover, point in position.moves[len(old.moves) :]:
            child = tree.child(node, move_index(point, position.size))
            if child is None or mover != colour:
                return None
            node, colour = child, opponent(colour)
        if colour != position.to_play or tree.arrays.nodes["status"][node] != _tree.EXPANDED:
            return None
        return node if _are_same(self._root_moves if node == 0 else None, root_moves) else None

    def _evaluate_root(self, tree: Tree, root: Root, root_moves: NDArray[np.bool_] | None) -> RootEstimate:
        """Evaluates the root: for the first time, or once more for what a leaf is not asked."""
        is_new = tree.nodes == 0
        if is_new:
            _expand.add_root(*tree.arrays, root.state, root.history, root.indices, root.terms)
            if root_moves is not None:
                tree.keep_moves(root_moves)
        table = symmetry_table(tree.size)
        if self.config.average_root and is_turned(self.evaluator):
            symmetries = list(range(SYMMETRIES))
        else:
            symmetries = [int(random_below(self._rng, int(root.terms["symmetries"][0])))]
        batch, count = new_batch(tree.size, len(symmetries)), len(symmetries)
        batch.boards[:], batch.recent[:], batch.symmetry[:] = root.state, root.recent, symmetries
        _expand.tell_leaves(batch.boards, count, root.terms, batch.global_values, batch.given)
        answer = evaluate(self.evaluator, batch, count)
        if is_new or self.config.average_root:
            value = result = float(answer.value.mean())
            if self.rollouts is not None:
                result = float(roll_out(self.rollouts, batch, 1, self._rollout_rng)[0])
            logits = np.take_along_axis(answer.policy_logits, table[symmetries], axis=1)
            _expand.set_root(*tree.arrays, _mean_policy(logits), value, result, table[0], root.terms)
            self._needs_noise = True
        ownership = answer.ownership
        if ownership is not None:
            ownership = np.take_along_axis(ownership, table[symmetries, :-1], axis=1)
        return root_estimate(ownership, answer.score, float(batch.given[0]))

    def _add_noise(self, tree: Tree, root: Root) -> None:
        """Mixes Dirichlet noise into the root's priors (AlphaGo Zero, Methods, "Self-play")."""
        self._needs_noise = False
        priors = tree.priors().astype(np.float64)
        moves = tree.arrays.move[tree.edges()]
        noise = self._random.dirichlet(np.full(len(moves), self.config.noise_total / len(moves)))
        priors[moves] += self.config.noise_share * (noise - priors[moves])
        # The kernel makes priors of logits.
        logits = (self.config.prior_temperature * np.log(np.maximum(priors, 1e-30))).astype(np.float32)
        value = float(tree.arrays.nodes["value"][0])
        _expand.set_root(*tree.arrays, logits, value, value, symmetry_table(tree.size)[0], root.terms)


def _continues(position: Position, old: Position) -> bool:
    """Whether a position is reached from an older one of the same game by moves alone."""
    length = old.history_length
    return (
        (position.size, position.komi, position.rules) == (old.size, old.komi, old.rules)
        and position.setup == old.setup
        and position.moves[: len(old.moves)] == old.moves
        and position.history_length >= length
        and np.array_equal(position.history[:length], old.history[:length])
    )


def _are_same(a: NDArray[np.bool_] | None, b: NDArray[np.bool_] | None) -> bool:
    """Whether two choices of moves are the same; None is the choice of all."""
    return a is b if a is None or b is None else np.array_equal(a, b)


def _mean_policy(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """One policy of several, float32[S*S + 1] of [n, S*S + 1]: the logits of their mean probabilities."""
    if len(logits) == 1:
        return logits.reshape(-1)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    mean: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    logarithm: NDArray[np.float32] = np.log(mean + np.float32(1e-30))
    return logarithm

"""The search: Monte-Carlo tree search guided by an evaluator (AlphaGo's asynchronous policy-value MCTS).

One thread, the caller's, owns the tree. It selects and expands leaves, hands them in batches to the evaluator on other
threads, and backs up each answer when it arrives; so nothing is written twice and no lock stands in the way. With one
batch in flight the same seed gives the same tree.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine import _tree
from engine._tree import Formula, Root, Tables
from engine.evaluator import BOARDS, NO_FEATURES, AnyEvaluator, EvaluatorError
from engine.flight import CallTimer, Flight, evaluate, new_batch
from engine.result import Ending, MoveStats, RootEstimate, SearchResult, root_estimate, summarise
from engine.tree import Tree
from gozero import _board, features
from gozero._features import HISTORY
from gozero._random import random_below, seed_state
from gozero.config import Config
from gozero.coords import PASS, WHITE, move_index, opponent
from gozero.geometry import SYMMETRIES, board_points, symmetry_table
from gozero.position import Position

__all__ = ["Ending", "Limits", "MoveStats", "Search", "SearchConfig", "SearchResult", "Snapshot"]

Snapshot: TypeAlias = SearchResult
"""A result of a search that still runs."""

_POLL_SECONDS: Final = 0.01
"""How often the clock and `stop` are looked at while the search waits for the evaluator."""
_CALL_SECONDS: Final = 0.03
"""A call of the evaluator is kept about this short, by smaller batches, where several are in flight."""
_LATE_SECONDS: Final = 0.03
"""How long answers are waited for after the time is up."""
_WIDENING: Final = 16
"""Visits that a tree needs for each further leaf in a batch: a large batch scatters over a small tree."""
_WALKS_A_LOOK: Final = 256
"""Walks to ends of games between two looks at the clock."""
_MOST_VISITS: Final = 2**30
"""What a node can count."""


class SearchConfig(Config, frozen=True):
    """How the tree is searched; values span -1 to 1.

    The weights of the policy follow what was measured for GoNN: c_puct 1.0 at 100 to 400 visits, 1.3 at 1200.
    """

    c_puct: float = 0.85
    """Weight of the policy against the values in selection, at a node with few visits."""
    c_puct_growth: float = 0.35
    """How fast that weight grows: by this times ln(1 + visits / `c_puct_base`)."""
    c_puct_base: float = 500.0
    """Visits at which the growth sets in."""
    fpu_reduction: float = 0.2
    """First-play urgency: an untried move counts as the network's value of its node, less this times the square root
    of the share of the policy that was tried."""
    fpu_average: bool = False
    """Whether that starts from the mean of the values seen below the node instead of the node's own value: for
    evaluators whose single answers are noisy, such as rollouts."""
    virtual_loss: float = 1.0
    """Lost games that a walk counts as while its evaluation is awaited."""
    prior_temperature: float = 1.0
    """Temperature of the softmax that makes priors of logits: above 1 flattens the policy."""
    batch_size: int = 4
    """Leaves in one call of the evaluator, at most."""
    batches_in_flight: int = 2
    """Calls of the evaluator at one time, each on a thread of its own. 1 makes the search reproducible."""
    random_symmetry: bool = True
    """Whether every evaluation sees the board turned by one of the eight symmetries, drawn anew."""
    average_root: bool = False
    """Whether the root is evaluated under all eight symmetries and the answers averaged."""
    memory_mib: int = 512
    """Memory for the tree in MiB; when it is full the search ends."""

    def __post_init__(self) -> None:
        for name in ("c_puct_base", "prior_temperature", "batch_size", "batches_in_flight", "memory_mib"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, but is {getattr(self, name)}")
        for name in ("c_puct", "c_puct_growth", "fpu_reduction", "virtual_loss"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be below 0, but is {getattr(self, name)}")


@dataclass(frozen=True)
class Limits:
    """When a search ends by itself. Without limits it goes on until it is stopped or its memory is full."""

    visits: int | None = None
    """Visits of the root, those kept from earlier searches included. The root's own evaluation is the first of them,
    so that 1 gives the policy alone."""
    seconds: float | None = None


class Search:
    """Searches one position after another, keeping of its tree what the next position can use."""

    def __init__(self, evaluator: AnyEvaluator, config: SearchConfig | None = None, seed: int = 0) -> None:
        """Takes no memory and no threads before it first runs."""
        self.evaluator = evaluator
        self.config = config or SearchConfig()
        self._rng = seed_state(seed)
        self.formula = Formula(**{name: float(getattr(self.config, name)) for name in Formula._fields})
        self._threads: ThreadPoolExecutor | None = None
        self._timer = CallTimer()
        self._tree: Tree | None = None
        self._position: Position | None = None  # the root's
        self._root_moves: NDArray[np.bool_] | None = None
        self._estimate: RootEstimate | None = None  # the root's; None where it must be asked for

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
        deadline = None if limits.seconds is None else started + limits.seconds
        most_visits = min(limits.visits or _MOST_VISITS, _MOST_VISITS)
        tables = self.tables(position.size)
        root = root_of(position)
        tree = self._tree_at(position, root_moves)
        visits_before = tree.visits
        if visits_before == 0 or self.config.average_root or self._estimate is None:
            self._estimate = self._evaluate_root(tree, root, tables, root_moves)
        estimate = self._estimate
        flight = Flight(self.evaluator, self._executor(), self._timer, tree.arrays, tables, self.formula)
        next_progress = started + progress_interval
        ending: Ending | None = None
        try:
            while True:
                now = time.monotonic()
                if stop is not None and stop():
                    ending = "stopped"
                    break
                if deadline is not None and now >= deadline + _LATE_SECONDS:
                    ending = "seconds"
                    break
                if ending is None:
                    ending = self._select(tree, root, tables, flight, most_visits, deadline)
                if ending is not None and not flight.batches:
                    break
                if flight.batches:
                    flight.land(_POLL_SECONDS)
                if on_progress is not None and now >= next_progress:
                    on_progress(summarise(tree, visits_before, now - started, None, estimate))
                    next_progress = now + progress_interval
        finally:
            flight.abandon()
        return summarise(tree, visits_before, time.monotonic() - started, ending, estimate)

    def forget(self) -> None:
        """Drops the tree, so that the next search starts afresh."""
        self._tree = self._position = self._estimate = None

    def close(self) -> None:
        """Ends the threads. The evaluator is left to whoever made it."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def tables(self, size: int) -> Tables:
        """What the kernels must know of boards of size x size points and of the evaluator."""
        reads_planes = self.evaluator.feature_set not in (NO_FEATURES, BOARDS)
        return Tables(
            points=np.append(board_points(size), np.int32(PASS)),
            symmetry=symmetry_table(size),
            komi_scale=features.KOMI_SCALE,
            feature_set=features.set_id(self.evaluator.feature_set) if reads_planes else -1,
            symmetries=SYMMETRIES if self.config.random_symmetry and self.evaluator.feature_set != BOARDS else 1,
        )

    def _select(
        self, tree: Tree, root: Root, tables: Tables, flight: Flight, most_visits: int, deadline: float | None
    ) -> Ending | None:
        """Selects, expands and launches leaves until enough are in flight; says why nothing more will be launched."""
        while flight.batches < self.config.batches_in_flight:
            allowed = most_visits - tree.visits - flight.leaves
            if allowed <= 0:
                return "visits"
            wanted = self._batch_limit(tree.visits)
            if deadline is not None and time.monotonic() + wanted * self._timer.seconds_per_leaf >= deadline:
                return "seconds"
            batch = new_batch(self.evaluator, tree.size, wanted)
            leaves, _, outcome = _tree.select_leaves(
                tree.arrays, root, tables, self.formula, self._rng, batch, wanted, min(allowed, _WALKS_A_LOOK)
            )
            if leaves:
                flight.launch(batch, leaves)
            if outcome == _tree.FULL:
                return "full"
            if leaves < wanted:
                break
        return None

    def _batch_limit(self, visits: int) -> int:
        """How many leaves the next batch may hold."""
        limit = min(self.config.batch_size, 1 + visits // _WIDENING)
        if self.config.batches_in_flight > 1 and self._timer.seconds_per_leaf > 0:
            limit = min(limit, int(_CALL_SECONDS / self._timer.seconds_per_leaf))
        return max(1, limit)

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
            self._tree = Tree(position.size, self.config.memory_mib << 20)
        elif node > 0:
            self._tree = self._tree.subtree(node)
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
        if colour != position.to_play or tree.arrays.status[node] != _tree.EXPANDED:
            return None
        return node if _are_same(self._root_moves if node == 0 else None, root_moves) else None

    def _evaluate_root(
        self, tree: Tree, root: Root, tables: Tables, root_moves: NDArray[np.bool_] | None
    ) -> RootEstimate:
        """Evaluates the root: for the first time, or once more for what a leaf is not asked."""
        is_new = tree.nodes == 0
        if is_new:
            _tree.add_root(tree.arrays, root)
            if root_moves is not None:
                tree.keep_moves(root_moves)
        if self.config.average_root and self.evaluator.feature_set != BOARDS:
            symmetries = list(range(SYMMETRIES))
        else:
            symmetries = [int(random_below(self._rng, tables.symmetries))]
        batch = new_batch(self.evaluator, tree.size, len(symmetries))
        batch.symmetry[:] = symmetries
        _tree.describe_root(root, tables, batch, len(symmetries))
        answer = evaluate(self.evaluator, batch, len(symmetries))
        places = tables.symmetry[symmetries]
        if is_new or self.config.average_root:
            logits = np.take_along_axis(answer.policy_logits, places, axis=1)
            _tree.set_root(tree.arrays, _mean_policy(logits), float(answer.value.mean()), tables, self.formula)
        ownership = answer.ownership
        if ownership is not None:
            ownership = np.take_along_axis(ownership, places[:, :-1], axis=1)
        komi = root.komi if root.state[_board.TO_PLAY] == WHITE else -root.komi
        return root_estimate(ownership, answer.score, komi)


def root_of(position: Position) -> Root:
    """What the kernels must know of the position at the root."""
    length = position.history_length
    history = np.empty(length + _tree.MAX_DEPTH, np.uint64)
    history[:length] = position.history[:length]
    black, white = _board.area(position.state)
    return Root(
        state=position.state.copy(),
        recent=position.recent_points(HISTORY),
        history=history,
        history_length=length,
        superko=position.rules.superko_code,
        komi=position.komi + position.rules.bonus_for(position.handicap),
        white_points=float(black - white - position.score()),
        territory=int(position.rules.scoring == "territory"),
        suicide=int(position.rules.suicide),
    )


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

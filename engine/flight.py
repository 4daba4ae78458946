"""Batches of leaves on their way to the evaluator and back, while the tree's own thread goes on.

Whoever asks the evaluator about a batch plays its rollouts too, so that two threads do twice the work of one.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from engine import _expand, _tree
from engine._expand import LeafBatch
from engine.evaluator import (
    BOARDS,
    NO_FEATURES,
    AnyEvaluator,
    BoardEvaluator,
    Evaluation,
    Evaluator,
    EvaluatorError,
    LeafEvaluator,
)
from engine.joined_evaluator import JoinedEvaluator
from engine.rollout import LeafRollouts
from engine.root import Root
from engine.tree import Tree
from gozero import features
from gozero._board import SIZE, state_length
from gozero._features import HISTORY
from gozero._random import next_u64, seed_state
from gozero.geometry import symmetry_table

_MEMORY: Final = 0.8
"""How much of the measured speed of calls is kept from one call to the next."""
_SHORT_SECONDS: Final = 0.01
"""Of calls that take no longer than this the tree's own thread makes its share: waking another thread, and being woken
by it, takes a tenth of a millisecond. It hears nothing meanwhile, which is why it leaves longer ones to others."""
_KEPT_BUSY: Final = 2
"""Batches that each of the others has then in a large tree: they last while this thread makes its own call."""
_VISITS_A_LEAF: Final = 64
"""Visits that a tree has for each leaf in flight before a batch may wait or grow: twelve leaves in flight cost searches
of 400 visits 59 Elo against one (9x9, 120 games on one busy core), eight 11."""
WIDENING: Final = 16
"""Visits that a tree needs for each further leaf in the batches before: a large batch scatters over a small tree."""

_NO_NUMBER: Final = "the network answered what is no number: its file is damaged, or its training diverged"

POLL_SECONDS: Final = 0.01
"""How often the clock and `stop` are looked at while the search waits for the evaluator."""


class CallTimer:
    """How long it takes to judge a leaf, lately: the evaluator, and the rollouts that are played in its calls."""

    def __init__(self) -> None:
        self.seconds_per_leaf = 0.0
        """0 before the first call."""

    def add(self, seconds: float, leaves: int) -> None:
        """Takes account of one call."""
        if self.seconds_per_leaf == 0.0:
            self.seconds_per_leaf = seconds / leaves
        else:
            self.seconds_per_leaf += (1.0 - _MEMORY) * (seconds / leaves - self.seconds_per_leaf)


@dataclass(frozen=True)
class Crew:
    """Who judges the leaves of a search.

    Attributes:
        evaluator: asked on `threads` and, where calls are short, on the tree's own, `at_once` calls at a time.
        rollouts: played in the same calls, or by the tree's own thread before them (`engine.rollouts_first`); None
            where they have no share.
        symmetry_rng, rollout_rng: uint64[1] of the tree's own thread, see gozero._random. The second seeds the rollouts
            of every call.
    """

    evaluator: AnyEvaluator
    rollouts: LeafRollouts | None
    threads: Executor
    at_once: int
    timer: CallTimer
    symmetry_rng: NDArray[np.uint64]
    rollout_rng: NDArray[np.uint64]


class _Answer(NamedTuple):
    """What comes back from an evaluator's thread."""

    ticket: int
    judged: _Judged | BaseException
    seconds: float


class _Judged(NamedTuple):
    """What is known of a batch."""

    evaluation: Evaluation
    results: NDArray[np.float32]
    """float32[filled] of the rollouts, for the player to move at each leaf; the evaluator's values where none are
    played."""


class _Batch(NamedTuple):
    """A batch on its way."""

    leaves: LeafBatch
    filled: int
    rollout_rng: NDArray[np.uint64] | None
    """uint64[1] of its own, so that its rollouts do not depend on who else plays some; None where none are played with
    the call."""


class Flight:
    """The batches in flight during one search. Everything but judging leaves happens on the caller's thread."""

    def __init__(self, crew: Crew, tree: Tree, root: Root, batch_size: int) -> None:
        """No batch yet; the crew's timer learns from every answer."""
        self.tree = tree
        """Where answers are backed up. It may be exchanged for another while nothing is in flight."""
        self._crew = crew
        self._terms = root.terms
        # Where they come first, the tree's thread has played them before a leaf is launched.
        self._rolls_first = bool(root.terms["rollouts_first"][0])
        self._batch_size = batch_size
        self._table = symmetry_table(tree.size)
        self._batches: dict[int, _Batch] = {}
        self._calls: SimpleQueue[tuple[int, _Batch] | None] = SimpleQueue()
        self._callers = 0
        self._ahead = 0  # this thread's own calls since an answer of the others
        self._answers: SimpleQueue[_Answer] = SimpleQueue()
        self._next_ticket = 0
        self._spare: list[LeafBatch] = []

    @property
    def batches(self) -> int:
        """How many batches wait for their answer."""
        return len(self._batches)

    @property
    def leaves(self) -> int:
        """How many leaves wait for their answer."""
        return sum(batch.filled for batch in self._batches.values())

    @property
    def most_leaves(self) -> int:
        """How many leaves the next batch may hold, by the size of the tree."""
        wide = self.tree.visits // (_VISITS_A_LEAF * self._most_batches)
        return min(self._batch_size, max(wide, min(self._few_leaves, 1 + self.tree.visits // WIDENING)))

    @property
    def has_room(self) -> bool:
        """Whether another batch may be launched now."""
        if not self._asks_here:
            return self.batches < self._crew.at_once
        # Were another thread to wait for a core, its leaves would weigh on the tree while this one makes many calls.
        return self.batches < self._held + (self._ahead < self._depth)

    def new_batch(self) -> LeafBatch:
        """Room for leaves that are to be launched."""
        return self._spare.pop() if self._spare else new_batch(self.tree.size, self._batch_size)

    def launch(self, leaves: LeafBatch, count: int) -> bool:
        """Sends the first `count` leaves of a batch to the evaluator, or asks it here where calls are short.

        Returns:
            whether the answer is there already, and backed up.

        Raises:
            EvaluatorError: as in `land`.
        """
        ticket, batch = self._next_ticket, _Batch(leaves, count, self._rollout_rng())
        self._next_ticket += 1
        others = self._crew.at_once - self._asks_here
        is_here = self._asks_here and self.batches >= self._held
        self._batches[ticket] = batch
        if is_here:
            self._back_up(self._answer(ticket, batch))
            self._ahead += self.batches > 0
            return True
        self._calls.put((ticket, batch))
        if self._callers < min(others, self.batches):
            self._callers += 1
            self._crew.threads.submit(self._make_calls)
        elif self._callers > others:
            self._dismiss()
        return False

    def land(self, timeout: float) -> None:
        """Waits for an answer, at most `timeout` seconds, and backs up all that are there, in the order they came.

        Raises:
            EvaluatorError: the evaluator answered what is no number. Whatever the evaluator raises is raised here too.
        """
        try:
            answer = self._answers.get(timeout=timeout) if timeout > 0 else self._answers.get_nowait()
            self._ahead = 0
            while True:
                self._back_up(answer)
                answer = self._answers.get_nowait()
        except Empty:
            return

    def abandon(self) -> None:
        """Gives up every leaf in flight, so that the tree is as if it had not been selected; answers go nowhere."""
        with contextlib.suppress(Empty):
            while True:
                self._callers += self._calls.get_nowait() is None  # who was to go home has not heard of it yet
        while self._callers:
            self._dismiss()
        for batch in self._batches.values():
            _tree.give_up(*self.tree.arrays, batch.leaves.node, batch.filled, self._terms)
        self._batches.clear()

    @property
    def _asks_here(self) -> bool:
        """Whether the tree's own thread makes calls; where it has rollouts to play first it does not."""
        expected = self._batch_size * self._crew.timer.seconds_per_leaf
        return not self._rolls_first and 0 < expected < _SHORT_SECONDS

    @property
    def _held(self) -> int:
        """Batches that the other threads have where this one makes calls too."""
        return (self._crew.at_once - 1) * self._depth

    @property
    def _depth(self) -> int:
        """How many batches each of the others may have, one of them waiting, and how many calls this thread may make
        before one of them answers."""
        is_large = self.tree.visits >= _VISITS_A_LEAF * self._most_batches * self._few_leaves
        return _KEPT_BUSY if is_large else 1

    @property
    def _few_leaves(self) -> int:
        """How many leaves a batch holds until the tree is large."""
        return max(1, self._batch_size // 2)

    @property
    def _most_batches(self) -> int:
        """How many may be in flight in a large tree: one that this thread is answering, and what keeps others busy."""
        return _KEPT_BUSY * (self._crew.at_once - 1) + 1

    def _make_calls(self) -> None:
        """Runs on an evaluator's thread until it is dismissed: a thread is not woken anew for every call."""
        while (call := self._calls.get()) is not None:
            self._answers.put(self._answer(*call))

    def _dismiss(self) -> None:
        """Sends one of the evaluator's threads home."""
        self._calls.put(None)
        self._callers -= 1

    def _rollout_rng(self) -> NDArray[np.uint64] | None:
        """The random state of the next batch's rollouts."""
        if self._crew.rollouts is None or self._rolls_first:
            return None
        return seed_state(int(next_u64(self._crew.rollout_rng)))

    def _answer(self, ticket: int, batch: _Batch) -> _Answer:
        started = time.monotonic()
        judged: _Judged | BaseException
        try:
            judged = _judge(self._crew, batch)
        except BaseException as error:  # noqa: BLE001  (raised again on the search's own thread)
            judged = error
        return _Answer(ticket, judged, time.monotonic() - started)

    def _back_up(self, answer: _Answer) -> None:
        batch = self._batches.pop(answer.ticket)
        if isinstance(answer.judged, BaseException):
            _tree.give_up(*self.tree.arrays, batch.leaves.node, batch.filled, self._terms)
            raise answer.judged
        self._crew.timer.add(answer.seconds, batch.filled)
        evaluation, results = answer.judged
        leaves = batch.leaves
        _expand.apply_answers(
            *self.tree.arrays,
            leaves.node,
            leaves.symmetry,
            batch.filled,
            evaluation.policy_logits,
            evaluation.value,
            results,
            self._table,
            self._terms,
        )
        self._spare.append(leaves)


def _judge(crew: Crew, batch: _Batch) -> _Judged:
    """Asks about a batch, on whichever thread, and plays its rollouts."""
    evaluation = evaluate(crew.evaluator, batch.leaves, batch.filled)
    if crew.rollouts is None or batch.rollout_rng is None:
        return _Judged(evaluation, evaluation.value)
    return _Judged(evaluation, roll_out(crew.rollouts, batch.leaves, batch.filled, batch.rollout_rng))


def roll_out(rollouts: LeafRollouts, leaves: LeafBatch, count: int, rng: NDArray[np.uint64]) -> NDArray[np.float32]:
    """float32[count]: the result of one rollout from each of the first leaves of a batch, for the player to move there.

    rng: uint64[1], which goes on.
    """
    return rollouts.leaf_values(leaves.boards[:count], leaves.given[:count], 1, rng)


def new_batch(size: int, leaves: int) -> LeafBatch:
    """Room for `leaves` leaves of a board of size x size points.

    What they are given is no number until it is told: a result counted without it is none either, and refused.
    """
    return LeafBatch(
        boards=np.empty((leaves, state_length(size)), np.uint32),
        recent=np.empty((leaves, HISTORY), np.int32),
        global_values=np.empty((leaves, len(features.GLOBALS)), np.float32),
        given=np.full(leaves, np.nan),
        node=np.empty(leaves, np.int32),
        symmetry=np.empty(leaves, np.int32),
        collided=np.empty(leaves, np.int32),
        asked=np.empty(leaves, np.uint8),
    )


def is_turned(evaluator: AnyEvaluator) -> bool:
    """Whether the evaluator, or a part of it, sees boards turned; what reads the boards themselves never does."""
    if isinstance(evaluator, JoinedEvaluator):
        return is_turned(evaluator.policy) or is_turned(evaluator.value)
    return evaluator.feature_set != BOARDS


def evaluate(evaluator: AnyEvaluator, leaves: LeafBatch, count: int) -> Evaluation:
    """Asks the evaluator about the first `count` leaves of a batch, turned as they are.

    Raises:
        EvaluatorError: the answer has the wrong shape or is no number.
    """
    size = int(leaves.boards[0, SIZE])
    if isinstance(evaluator, JoinedEvaluator):
        logits = evaluate(evaluator.policy, leaves, count).policy_logits
        if not is_turned(evaluator.policy):  # but the value's boards may be, and so must what the batch is answered
            logits = _turned(logits, symmetry_table(size)[leaves.symmetry[:count]])
        answer = evaluate(evaluator.value, leaves, count)
        return answer._replace(policy_logits=logits)
    if hasattr(evaluator, "evaluate_leaves"):  # isinstance takes 50 microseconds to see whether it is a protocol's
        found = cast(LeafEvaluator, evaluator).evaluate_leaves(leaves, count)
        if found is None:
            raise EvaluatorError(_NO_NUMBER)
        return found
    if evaluator.feature_set == BOARDS:
        told = leaves.boards[:count], leaves.global_values[:count], leaves.given[:count]
        answer = cast(BoardEvaluator, evaluator).evaluate_boards(*told)
    else:
        planes = _planes(evaluator.feature_set, leaves, count, size)
        answer = cast(Evaluator, evaluator).evaluate(planes, leaves.global_values[:count])
    if answer.policy_logits.shape != (count, size * size + 1) or answer.value.shape != (count,):
        raise EvaluatorError(
            f"the network answered policies of shape {answer.policy_logits.shape} and values of shape "
            f"{answer.value.shape} to {count} boards of {size}x{size}"
        )
    logits = np.ascontiguousarray(answer.policy_logits, np.float32)
    value = np.ascontiguousarray(answer.value, np.float32)
    if not _expand.are_numbers(logits, value):
        raise EvaluatorError(_NO_NUMBER)
    return answer._replace(policy_logits=logits, value=value)


def _planes(feature_set: str, leaves: LeafBatch, count: int, size: int) -> NDArray[np.uint8]:
    """The input planes of the first `count` leaves of a batch: uint8[count, C, S, S]."""
    if feature_set == NO_FEATURES:
        return np.empty((count, 0, size, size), np.uint8)
    number = features.plane_count(feature_set)
    planes = np.empty((count, number * size * size), np.uint8)
    table, code = symmetry_table(size), features.set_id(feature_set)
    _expand.fill_leaves(leaves.boards, leaves.recent, leaves.symmetry, count, table, code, planes)
    return planes.reshape(count, number, size, size)


def _turned(logits: NDArray[np.float32], places: NDArray[np.int32]) -> NDArray[np.float32]:
    """Logits [B, S*S + 1] of boards as they lie, moved to where `places`, int32[B, S*S + 1], says."""
    turned = np.empty_like(logits)
    np.put_along_axis(turned, places, logits, axis=1)
    return turned

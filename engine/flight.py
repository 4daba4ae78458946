"""Batches of leaves on their way to the evaluator and back, while the tree's own thread goes on."""

from __future__ import annotations

import time
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple, cast

import numpy as np

from engine import _tree
from engine._tree import Formula, LeafBatch, Tables, TreeArrays
from engine.evaluator import BOARDS, NO_FEATURES, AnyEvaluator, BoardEvaluator, Evaluation, Evaluator, EvaluatorError
from gozero import features
from gozero._board import state_length

_MEMORY: Final = 0.8
"""How much of the measured speed of calls is kept from one call to the next."""


class CallTimer:
    """How long the evaluator takes for a leaf, lately."""

    def __init__(self) -> None:
        self.seconds_per_leaf = 0.0
        """0 before the first call."""

    def add(self, seconds: float, leaves: int) -> None:
        """Takes account of one call."""
        if self.seconds_per_leaf == 0.0:
            self.seconds_per_leaf = seconds / leaves
        else:
            self.seconds_per_leaf += (1.0 - _MEMORY) * (seconds / leaves - self.seconds_per_leaf)


class _Answer(NamedTuple):
    """What comes back from an evaluator's thread."""

    ticket: int
    evaluation: Evaluation | BaseException
    seconds: float


class _Batch(NamedTuple):
    """A batch on its way."""

    leaves: LeafBatch
    filled: int
    future: Future[None]


class Flight:
    """The batches in flight during one search. Everything but the evaluation itself happens on the caller's thread."""

    def __init__(
        self,
        evaluator: AnyEvaluator,
        threads: Executor,
        timer: CallTimer,
        tree: TreeArrays,
        tables: Tables,
        formula: Formula,
    ) -> None:
        """No batch yet; `timer` learns from every answer."""
        self._evaluator = evaluator
        self._threads = threads
        self._timer = timer
        self._tree = tree
        self._tables = tables
        self._formula = formula
        self._batches: dict[int, _Batch] = {}
        self._answers: SimpleQueue[_Answer] = SimpleQueue()
        self._next_ticket = 0

    @property
    def batches(self) -> int:
        """How many batches wait for their answer."""
        return len(self._batches)

    @property
    def leaves(self) -> int:
        """How many leaves wait for their answer."""
        return sum(batch.filled for batch in self._batches.values())

    def launch(self, leaves: LeafBatch, count: int) -> None:
        """Sends the first `count` leaves of a batch to the evaluator."""
        ticket = self._next_ticket
        self._next_ticket += 1
        self._batches[ticket] = _Batch(leaves, count, self._threads.submit(self._answer, ticket, leaves, count))

    def land(self, timeout: float) -> None:
        """Waits for an answer, at most `timeout` seconds, and backs up all that are there, in the order they came.

        Raises:
            EvaluatorError: the evaluator answered what is no number. Whatever the evaluator raises is raised here too.
        """
        try:
            answer = self._answers.get(timeout=timeout)
            while True:
                self._back_up(answer)
                answer = self._answers.get_nowait()
        except Empty:
            return

    def abandon(self) -> None:
        """Gives up every leaf in flight, so that the tree is as if it had not been selected; answers go nowhere."""
        for batch in self._batches.values():
            batch.future.cancel()
            give_up(self._tree, batch.leaves, batch.filled)
        self._batches.clear()

    def _answer(self, ticket: int, leaves: LeafBatch, count: int) -> None:
        """Runs on an evaluator's thread."""
        started = time.monotonic()
        evaluation: Evaluation | BaseException
        try:
            evaluation = evaluate(self._evaluator, leaves, count)
        except BaseException as error:  # noqa: BLE001  (raised again on the search's own thread)
            evaluation = error
        self._answers.put(_Answer(ticket, evaluation, time.monotonic() - started))

    def _back_up(self, answer: _Answer) -> None:
        batch = self._batches.pop(answer.ticket)
        if isinstance(answer.evaluation, BaseException):
            give_up(self._tree, batch.leaves, batch.filled)
            raise answer.evaluation
        self._timer.add(answer.seconds, batch.filled)
        logits, value = answer.evaluation.policy_logits, answer.evaluation.value
        _tree.apply_answers(self._tree, batch.leaves, batch.filled, logits, value, self._tables, self._formula)


def give_up(tree: TreeArrays, leaves: LeafBatch, count: int) -> None:
    """Forgets the first `count` leaves of a batch whose answers are not waited for; they may be selected again."""
    for node in leaves.node[:count].tolist():
        tree.status[node] = _tree.NEW
        _tree.release(tree, node)


def new_batch(evaluator: AnyEvaluator, size: int, leaves: int) -> LeafBatch:
    """Room for `leaves` leaves of a board of size x size points."""
    reads_boards = evaluator.feature_set == BOARDS
    planes = 0 if reads_boards or evaluator.feature_set == NO_FEATURES else features.plane_count(evaluator.feature_set)
    return LeafBatch(
        planes=np.zeros((leaves, planes * size * size), np.uint8),
        boards=np.zeros((leaves, state_length(size) if reads_boards else 0), np.uint32),
        global_values=np.zeros((leaves, len(features.GLOBALS)), np.float32),
        node=np.zeros(leaves, np.int32),
        symmetry=np.zeros(leaves, np.int32),
        size=size,
    )


def evaluate(evaluator: AnyEvaluator, leaves: LeafBatch, count: int) -> Evaluation:
    """Asks the evaluator about the first `count` leaves of a batch, turned as they are.

    Raises:
        EvaluatorError: the answer has the wrong shape or is no number.
    """
    size = leaves.size
    if evaluator.feature_set == BOARDS:
        answer = cast(BoardEvaluator, evaluator).evaluate_boards(leaves.boards[:count], leaves.global_values[:count])
    else:
        planes = leaves.planes[:count].reshape(count, leaves.planes.shape[1] // (size * size), size, size)
        answer = cast(Evaluator, evaluator).evaluate(planes, leaves.global_values[:count])
    if answer.policy_logits.shape != (count, size * size + 1) or answer.value.shape != (count,):
        raise EvaluatorError(
            f"the network answered policies of shape {answer.policy_logits.shape} and values of shape "
            f"{answer.value.shape} to {count} boards of {size}x{size}"
        )
    if not (np.isfinite(answer.policy_logits).all() and np.isfinite(answer.value).all()):
        raise EvaluatorError("the network answered what is no number: its file is damaged, or its training diverged")
    return answer._replace(
        policy_logits=np.ascontiguousarray(answer.policy_logits, np.float32),
        value=np.ascontiguousarray(answer.value, np.float32),
    )

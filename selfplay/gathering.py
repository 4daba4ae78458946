"""Questions that several threads have at once, asked of a network as one batch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluation, Evaluator


@dataclass(eq=False)
class _Question:
    """What one thread asks, and where its answer comes to."""

    planes: NDArray[np.uint8]
    """[B, C, S, S]"""
    global_values: NDArray[np.float32]
    """[B, G]"""
    answer: Future[Evaluation]


class Gathering:
    """Lets one thread at a time ask; what the others want to know meanwhile makes the next batch."""

    def __init__(self) -> None:
        self._busy, self._lock = threading.Lock(), threading.Lock()
        self._waiting: list[_Question] = []

    def ask(
        self, planes: NDArray[np.uint8], global_values: NDArray[np.float32], evaluator: Callable[[], Evaluator]
    ) -> Evaluation:
        """The answer to planes uint8[B, C, S, S] and globals float32[B, G]; all threads' are of one board size.

        `evaluator` names whom to ask, when it is this thread's turn to.

        Raises:
            EvaluatorError: the batch that the question was in failed. Whatever else `evaluator` or who it names raises.
        """
        mine = _Question(planes, global_values, Future())
        with self._lock:
            self._waiting.append(mine)
        with self._busy:
            if not mine.answer.done():
                try:
                    asked = evaluator()
                except BaseException:
                    with self._lock:
                        self._waiting.remove(mine)  # nobody waits for it any more
                    raise
                with self._lock:
                    batch, self._waiting = self._waiting, []
                _answer(batch, asked)
        return mine.answer.result()


def _answer(batch: list[_Question], evaluator: Evaluator) -> None:
    """Answers several questions at once, or tells each of them why not."""
    planes = np.concatenate([each.planes for each in batch])
    try:
        whole = evaluator.evaluate(planes, np.concatenate([each.global_values for each in batch]))
    except Exception as error:  # noqa: BLE001 (whatever it is: all who wait must hear it)
        for each in batch:
            each.answer.set_exception(error)
        return
    start = 0
    for each in batch:
        rows = slice(start, start := start + len(each.planes))
        parts = (None if part is None else part[rows] for part in whole)
        each.answer.set_result(Evaluation(*parts))  # type: ignore[arg-type]

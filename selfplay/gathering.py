"""Questions that several threads have at once, asked of a network as one batch."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluation, Evaluator, EvaluatorError


class _Question:
    """What one thread asks, until it is answered."""

    def __init__(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> None:
        self.planes, self.global_values = planes, global_values
        self.answer: Evaluation | None = None
        self.error: EvaluatorError | None = None


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
            EvaluatorError: the batch that the question was in failed; whatever else `evaluator` raises.
        """
        mine = _Question(planes, global_values)
        with self._lock:
            self._waiting.append(mine)
        with self._busy:
            if mine.answer is None and mine.error is None:
                try:
                    asked = evaluator()
                except BaseException:
                    with self._lock:
                        self._waiting.remove(mine)  # nobody waits for it any more
                    raise
                with self._lock:
                    batch, self._waiting = self._waiting, []
                _answer(batch, asked)
        if mine.error is not None:
            raise EvaluatorError(str(mine.error)) from mine.error  # each thread its own: they add their own traceback
        assert mine.answer is not None
        return mine.answer


def _answer(batch: list[_Question], evaluator: Evaluator) -> None:
    """Answers several questions at once, or tells each of them why not."""
    planes = np.concatenate([each.planes for each in batch])
    try:
        whole = evaluator.evaluate(planes, np.concatenate([each.global_values for each in batch]))
    except EvaluatorError as error:
        for each in batch:
            each.error = error
        return
    start = 0
    for each in batch:
        rows = slice(start, start := start + len(each.planes))
        each.answer = Evaluation(*(None if part is None else part[rows] for part in whole))  # type: ignore[arg-type]

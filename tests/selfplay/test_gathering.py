"""Questions of several threads in one batch: each gets its own answer, or hears why there is none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluator import NO_FEATURES, Evaluation, EvaluatorError
from engine.network_file import NetworkFileError
from gozero.errors import GozeroError
from selfplay.gathering import Gathering


class Summing:
    """Says the sum of each board's planes as its value; holds the first call until it is let go."""

    feature_set = NO_FEATURES

    def __init__(self, error: GozeroError | None = None) -> None:
        self.batches: list[int] = []
        self.is_asked, self.go_on = threading.Event(), threading.Event()
        self.error = error

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        self.batches.append(len(planes))
        self.is_asked.set()
        assert self.go_on.wait(30)
        if self.error is not None and len(self.batches) > 1:
            raise self.error
        return Evaluation(np.zeros((len(planes), 10), np.float32), planes.sum((1, 2, 3)).astype(np.float32))

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass


def boards(value: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    return np.full((count, 1, 3, 3), value, np.uint8), np.zeros((count, 6), np.float32)


def asked_by_four(evaluator: Summing) -> list[Evaluation | BaseException | None]:
    """What becomes of one question, and of three (of one, two and three boards) that come while it is answered."""
    gathering = Gathering()
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(gathering.ask, *boards(1, 1), lambda: evaluator)
        assert evaluator.is_asked.wait(30)
        others = [threads.submit(gathering.ask, *boards(k, k), lambda: evaluator) for k in (1, 2, 3)]
        while len(gathering._waiting) < 3:
            threading.Event().wait(0.001)
        evaluator.go_on.set()
        return [each.exception(30) or each.result(30) for each in (first, *others)]


def test_what_comes_meanwhile_is_one_batch() -> None:
    evaluator = Summing()
    answers = asked_by_four(evaluator)
    assert evaluator.batches == [1, 6]
    for answer, (value, count) in zip(answers, [(1, 1), (1, 1), (2, 2), (3, 3)], strict=True):
        assert isinstance(answer, Evaluation)
        assert answer.value.tolist() == [9.0 * value] * count
        assert answer.policy_logits.shape == (count, 10)
        assert answer.ownership is None


@pytest.mark.parametrize("kind", [EvaluatorError, NetworkFileError])
def test_a_batch_that_fails_is_told_to_all_who_were_in_it(kind: type[GozeroError]) -> None:
    evaluator = Summing(kind("the device has gone"))
    first, *others = asked_by_four(evaluator)
    assert evaluator.batches == [1, 6]
    assert isinstance(first, Evaluation)
    for error in others:
        assert isinstance(error, kind)
        assert str(error) == "the device has gone"


def test_a_failure_is_no_hindrance_to_the_next_question() -> None:
    gathering, evaluator = Gathering(), Summing()
    evaluator.go_on.set()

    def gone() -> Summing:
        raise EvaluatorError("no network yet")

    with pytest.raises(EvaluatorError, match="no network yet"):
        gathering.ask(*boards(1, 1), gone)
    assert gathering.ask(*boards(2, 1), lambda: evaluator).value.tolist() == [18.0]
    assert evaluator.batches == [1]

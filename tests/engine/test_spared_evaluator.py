"""A device that fails in mid-game: the spare plays on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import network_file
from engine.evaluator import Evaluation, EvaluatorError, UniformEvaluator
from engine.network_file import NetworkInfo
from engine.spared_evaluator import SparedEvaluator

PLANES, FACTS = np.zeros((2, 1, 9, 9), np.uint8), np.zeros((2, 5), np.float32)


class Frail(UniformEvaluator):
    """Answers as many calls as it is told."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.closed = False

    @property
    def info(self) -> NetworkInfo:
        return network_file.load_metadata(network_file.find("compact-9"))

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        self.calls -= 1
        if self.calls < 0:
            raise EvaluatorError("out of memory")
        return super().evaluate(planes, global_values)

    def close(self) -> None:
        self.closed = True


def test_the_spare_answers_from_the_first_failure_on(capsys: pytest.CaptureFixture[str]) -> None:
    device, spare = Frail(1), Frail(3)
    evaluator = SparedEvaluator(device, lambda: spare)
    assert (evaluator.feature_set, evaluator.supports(9), evaluator.supports(13)) == ("compact", True, False)
    evaluator.evaluate(PLANES, FACTS)
    assert evaluator.playing is device
    assert evaluator.evaluate(PLANES, FACTS).value.shape == (2,)
    evaluator.evaluate(PLANES, FACTS)
    assert (evaluator.playing, device.closed, device.calls, spare.calls) == (spare, True, -1, 1)
    assert capsys.readouterr().err == "gozero: out of memory; the network plays on on the CPU\n"
    evaluator.close()
    assert spare.closed


def test_threads_that_see_it_fail_at_once_share_one_spare(capsys: pytest.CaptureFixture[str]) -> None:
    both, spares = threading.Barrier(2, timeout=30), []

    class Failing(Frail):
        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            both.wait()
            raise EvaluatorError("out of memory")

    def spare() -> Frail:
        spares.append(Frail(2))
        return spares[-1]

    evaluator = SparedEvaluator(Failing(0), spare)
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(evaluator.evaluate, PLANES, FACTS) for _ in range(2)]
    assert [answer.result().value.shape for answer in answers] == [(2,), (2,)]
    assert [each.calls for each in spares] == [0]
    assert capsys.readouterr().err.count("\n") == 1


def test_where_the_spare_fails_too_it_is_an_error() -> None:
    evaluator = SparedEvaluator(Frail(0), lambda: Frail(0))
    with pytest.raises(EvaluatorError, match="out of memory"):
        evaluator.evaluate(PLANES, FACTS)

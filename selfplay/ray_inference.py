"""Networks of a Ray cluster's workers on its GPUs: one actor for each device, shared by all."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from engine import network_file
from engine.evaluator import Evaluation, Evaluator, EvaluatorError
from engine.network_file import NetworkFileError, NetworkInfo
from engine.onnx_evaluator import CPU
from engine.runtimes import devices_here, load
from engine.spared_evaluator import SparedEvaluator
from selfplay.gathering import Gathering
from selfplay.ray_desk import Carrier


class OnDevice:
    """A network that an `Inference` evaluates."""

    def __init__(self, device: Any, path: Path) -> None:
        self._device, self._name = device, path.stem
        self.info: NetworkInfo = network_file.load_metadata(path)
        network_file.require_features(self.info, path)

    @property
    def feature_set(self) -> str:
        return self.info.feature_set

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.Evaluator`."""
        answer: Evaluation = ray.get(self._device.evaluate.remote(self._name, planes, global_values))
        return answer

    def supports(self, size: int) -> bool:
        return self.info.supports(size)

    def close(self) -> None:
        pass


class Inference:
    """Evaluates for all workers on one device; what comes while it is busy makes the next batch."""

    def __init__(self, desk: Any, runtimes: Sequence[str]) -> None:
        """`runtimes`: of those in `engine.runtimes.RUNTIMES`, the best first."""
        self._runtimes = runtimes
        self._folder = tempfile.TemporaryDirectory(prefix="gozero-")
        self._carrier = Carrier(desk, Path(self._folder.name))
        self._gathering = Gathering()
        self._known: set[str] = set()
        self._evaluator: Evaluator | None = None

    def usable(self) -> bool:
        """Whether any of its runtimes may work here."""
        return any(name in (CPU, *devices_here()) for name in self._runtimes)

    def evaluate(self, name: str, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """Evaluates with the newest network that it knows of; a `name` that it has not heard makes it fetch that."""
        return self._gathering.ask(planes, global_values, lambda: self._current(name))

    def _current(self, name: str) -> Evaluator:
        """The newest network, at least as new as the one called `name`."""
        if name not in self._known or self._evaluator is None:
            self._evaluator = self._opened(self._carrier.fetch(None))
            self._known.add(name)
        return self._evaluator

    def _opened(self, path: Path) -> Evaluator:
        """The network on the first of its runtimes that can play it, and on the CPU once that has failed.

        Raises what the last one raises.
        """
        *others, last = self._runtimes
        for name in others:
            with contextlib.suppress(EvaluatorError, NetworkFileError):
                return SparedEvaluator(load(path, name), lambda: load(path, CPU))
        return SparedEvaluator(load(path, last), lambda: load(path, CPU))

"""A network on a device that may fail in mid-game, and on the CPU from then on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluation, Evaluator, EvaluatorError
from engine.network_file import NetworkInfo


class FileEvaluator(Evaluator, Protocol):
    """An evaluator of a network file."""

    @property
    def info(self) -> NetworkInfo:
        """What the file says about itself."""


class SparedEvaluator:
    """Asks the device until it fails, for want of memory say; the call that failed and all later ones go to the spare.

    Attributes:
        info: what the network's file says about itself.
        playing: who is asked.
    """

    def __init__(self, device: FileEvaluator, spare: Callable[[], FileEvaluator]) -> None:
        """`spare` makes another evaluator of the same network, once the device has failed; it may raise."""
        self.playing, self._device, self._spare = device, device, spare
        self.info = device.info
        self._change = Lock()

    @property
    def feature_set(self) -> str:
        return self.info.feature_set

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.Evaluator`.

        Raises:
            EvaluatorError: the spare failed too.
            NetworkFileError: the device failed, and the network's file is not there for a spare any more.
        """
        if self.playing is self._device:
            try:
                return self._device.evaluate(planes, global_values)
            except EvaluatorError as error:
                self._give_up(error)
        return self.playing.evaluate(planes, global_values)

    def supports(self, size: int) -> bool:
        return self.info.supports(size)

    def close(self) -> None:
        self.playing.close()

    def _give_up(self, error: EvaluatorError) -> None:
        with self._change:
            if self.playing is self._device:  # of several threads that have seen it fail the first is here
                self.playing = self._spare()
                self._device.close()
                print(f"gozero: {error}; the network plays on on the CPU", file=sys.stderr, flush=True)

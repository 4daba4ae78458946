"""The newest network of a folder, and how much it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine import network_file
from engine.evaluator import Evaluation, Evaluator, EvaluatorError
from engine.runtimes import open_network
from gozero.config import Config
from gozero.errors import GozeroError
from selfplay.searched_games import Network

if TYPE_CHECKING:
    from engine.runtimes import NetworkEvaluator


class NetworkPlace(Config, frozen=True):
    """Where a network is to be found."""

    size: int
    """Of the board that it must play on."""
    start: str
    """A shipped name or a file: who plays while `folder` holds none."""
    folder: str | None = None
    """The `.onnx` file that was put there last is the newest network; None = `start` alone. A file that is there is
    whole, and so are weights that belong beside it: who puts it there renames it when all is written."""

    def newest(self) -> Path:
        """The file of who plays.

        Raises:
            NetworkFileError: there is none, or it does not play on such boards.
        """
        return network_file.find(self.latest() or self.start, self.size)

    def latest(self) -> Path | None:
        """The file that was put into the folder last, whatever it holds; None where there is none."""
        paths = list(Path(self.folder).glob("[!.]*.onnx")) if self.folder is not None else []
        return max(paths, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


class Newest:
    """Who plays now: `play_searched` asks it before every call of the network. Others take over between two calls."""

    def __init__(
        self,
        place: NetworkPlace,
        poll: float,
        on_problem: Callable[[str], object],
        opener: Callable[[Path], NetworkEvaluator | Evaluator] = open_network,
    ) -> None:
        """Loads the newest network, and looks for a newer one after every `poll` seconds.

        `on_problem` hears why a newer one is not taken up; `opener` makes an evaluator of a file.

        Raises:
            NetworkFileError, EvaluatorError: there is none that can be played.
        """
        self._place, self._poll, self._on_problem, self._opener = place, poll, on_problem, opener
        path = place.newest()
        self._seen = {_state(path)}
        self._looked = time.monotonic()
        self._asked = AskedEvaluator(opener(path))
        self._network = Network(self._asked, path.stem)

    @property
    def asked(self) -> AskedEvaluator:
        """The evaluator, which counts what it is asked; the same one whoever plays."""
        return self._asked

    @property
    def version(self) -> str:
        """The name of the network that plays."""
        return self._network.version

    def __call__(self) -> Network:
        now = time.monotonic()
        if self._place.folder is not None and now - self._looked > self._poll:
            self._look()
            self._looked = time.monotonic()
        return self._network

    def _look(self) -> None:
        try:
            path = self._place.latest()
            if path is None or (state := _state(path)) in self._seen:
                return
            self._seen.add(state)
            evaluator = self._opener(network_file.find(path, self._place.size))
            if evaluator.feature_set != self._asked.feature_set:
                raise EvaluatorError(
                    f"{path} reads the planes {evaluator.feature_set}, those before it {self._asked.feature_set}: "
                    f"start self-play anew with it"
                )
        except (GozeroError, OSError) as error:
            self._on_problem(f"{self._network.version} plays on: {error}")
            return
        self._asked.change(evaluator)
        self._network = Network(self._asked, path.stem)


def _state(path: Path) -> tuple[Path, int]:
    """What is another one when another network is there."""
    return path, path.stat().st_mtime_ns


class AskedEvaluator:
    """An evaluator that counts what it is asked, and can be exchanged for another of the same feature set."""

    def __init__(self, evaluator: NetworkEvaluator | Evaluator) -> None:
        self._evaluator = evaluator
        self.evaluations = 0
        self.batches = 0

    @property
    def feature_set(self) -> str:
        return self._evaluator.feature_set

    def change(self, evaluator: NetworkEvaluator | Evaluator) -> None:
        """Asks another one from now on. Not while it is being asked."""
        old, self._evaluator = self._evaluator, evaluator
        old.close()

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.Evaluator`."""
        self.evaluations += len(planes)
        self.batches += 1
        return self._evaluator.evaluate(planes, global_values)

    def supports(self, size: int) -> bool:
        return self._evaluator.supports(size)

    def close(self) -> None:
        self._evaluator.close()

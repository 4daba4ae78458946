"""Networks run by ONNX Runtime, on the CPU or on what else a build of it can use."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import network_file
from engine.evaluator import Evaluation, EvaluatorError

_OUTPUTS: Final = {"policy_logits": "policy"}
"""What a network file calls an answer, where that is not the name of the field of `Evaluation`."""
CPU: Final = "onnxruntime"
"""ONNX Runtime on the CPU."""
DIRECTML: Final = "directml"
PROVIDERS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    CPU: ("CPUExecutionProvider", {}),
    "cuda": ("CUDAExecutionProvider", {"use_tf32": "0"}),  # answers as exact as on the CPU
    DIRECTML: ("DmlExecutionProvider", {}),
    "coreml": ("CoreMLExecutionProvider", {"ModelFormat": "MLProgram"}),
}
"""What can run a network, by the name it has here: ONNX Runtime's name and its options."""


def providers_here() -> list[str]:
    """The names in `PROVIDERS` that the installed build of ONNX Runtime knows; whether they work shows when loading."""
    import onnxruntime

    known = set(onnxruntime.get_available_providers())
    return [name for name, (provider, _) in PROVIDERS.items() if provider in known]


class OnnxEvaluator:
    """A network file made by `gozero export`. Several threads may evaluate at once; each computes on its own thread.

    Attributes:
        info: what the file says about itself.
        has_value: whether it judges positions; a network that does not gives 0 for each.
    """

    def __init__(self, path: str | os.PathLike[str], threads: int = 1, provider: str = CPU) -> None:
        """Loads the network.

        Args:
            threads: how many threads one evaluation uses; with 1, two evaluations at once use two cores fully.
            provider: a name in `PROVIDERS`.

        Raises:
            NetworkFileError: the file is missing or unreadable, or wants input planes that this program does not make.
            EvaluatorError: ONNX Runtime cannot run it.
        """
        self._path = Path(path)
        self.info = network_file.load_metadata(path)
        network_file.require_features(self.info, self._path)
        import onnxruntime  # a tenth of a second, and not needed by who plays without a network

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while they wait take the core from the search.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # What goes wrong is raised; the runtime's own log would only disturb people and Go programs.
        options.log_severity_level = 4
        options.enable_mem_pattern = provider != DIRECTML  # which cannot have it
        onnxruntime.set_default_logger_severity(4)
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=[PROVIDERS[provider]])
        except Exception as error:  # onnxruntime raises a class of its own for each cause
            raise EvaluatorError(f"cannot run the network {path}: {_first_line(error)}") from error
        if self._session.get_providers()[0] != PROVIDERS[provider][0]:  # it takes the CPU without a word
            raise EvaluatorError(f"ONNX Runtime cannot run {path} by {PROVIDERS[provider][0]} on this machine")
        # DirectML's sessions take one call at a time.
        self._turn: AbstractContextManager[Any] = Lock() if provider == DIRECTML else nullcontext()
        answered = {output.name for output in self._session.get_outputs()}
        self.has_value = "value" in answered
        self._outputs = [name for name in Evaluation._fields if (_OUTPUTS.get(name, name)) in answered]
        self._reads_globals = any(entry.name == "globals" for entry in self._session.get_inputs())

    @property
    def feature_set(self) -> str:
        return self.info.feature_set

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.Evaluator`.

        A network of kind "policy" judges no position: its value is 0, even, everywhere. So with one visit a player
        plays the policy's first choice, never resigns, and passes by the player's rules alone, as the logit of its pass
        is far below every other (`engine.alphago_networks.PASS_LOGIT`).

        Raises:
            EvaluatorError: ONNX Runtime failed.
        """
        try:
            inputs = {"planes": planes, "globals": global_values} if self._reads_globals else {"planes": planes}
            with self._turn:
                answers = self._session.run([_OUTPUTS.get(name, name) for name in self._outputs], inputs)
        except Exception as error:
            raise EvaluatorError(f"the network {self._path} failed: {_first_line(error)}") from error
        found = dict(zip(self._outputs, answers, strict=True))
        return Evaluation(**{"value": np.zeros(len(planes), np.float32), **found})

    def supports(self, size: int) -> bool:
        return self.info.supports(size)

    def close(self) -> None:
        self._session = None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]

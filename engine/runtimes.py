"""Which runtime plays a network on this machine: ONNX Runtime, or our own kernels where there are some for it.

Both give the same answers but for rounding. The faster one is found by a trial of at most some seconds, whose outcome
is kept beside the compiled kernels.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.onnx_evaluator import OnnxEvaluator
from gozero import features, jit
from gozero.errors import GozeroError

if TYPE_CHECKING:
    from engine.compact_evaluator import CompactEvaluator

    NetworkEvaluator: TypeAlias = "OnnxEvaluator | CompactEvaluator"

ONNX: Final = "onnxruntime"
KERNELS: Final = "kernels"
TOLERANCE: Final = 1e-3
"""Largest difference of a logit or a value between the two; more, and the weights are not those of the network."""
TRIAL_SECONDS: Final = 0.6
"""CPU time for which the two take turns; on Windows it is counted in steps of 0.016."""
MOST_SECONDS: Final = 2.5
"""When a trial ends on a busy machine."""
_BATCH: Final = 4
"""Boards of a batch, as in a search."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a trial."""

    runtime: str
    """`ONNX` or `KERNELS`."""
    evaluations_per_s: dict[str, float] = {}
    """Of each runtime, on one core; empty where there was nothing to choose from."""
    reason: str = ""
    """Why kernels were out of the question; empty where they were not."""


def open_network(path: str | os.PathLike[str]) -> NetworkEvaluator:
    """The evaluator that plays the network file `path` fastest here.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does.
    """
    if choose(path).runtime == KERNELS:
        from engine.compact_evaluator import CompactEvaluator  # imports numba

        return CompactEvaluator(path)
    return OnnxEvaluator(path)


def choose(path: str | os.PathLike[str]) -> Choice:
    """The outcome of the trial for a network file, which is held where none has been.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does, where a trial is held.
    """
    path = Path(path)
    weights = path.with_suffix(".safetensors")
    if not (path.is_file() and weights.is_file()):
        return Choice(runtime=ONNX, reason=f"there are no weights beside it ({weights.name})")
    kept = _kept(path, weights)
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(kept.read_bytes(), type=Choice)
    choice = hold_trial(path)
    temporary = kept.with_suffix(f".{os.getpid()}.tmp")
    with contextlib.suppress(OSError):  # a folder that may only be read: the next process holds it again
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.encode(choice))
        temporary.replace(kept)
    return choice


def hold_trial(path: str | os.PathLike[str]) -> Choice:
    """Asks both runtimes the same, in turn, and compares answers and shortest times.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does.
    """
    from engine.compact_evaluator import CompactEvaluator

    theirs = OnnxEvaluator(path)
    try:
        ours = CompactEvaluator(path)
    except GozeroError as error:
        return Choice(runtime=ONNX, reason=str(error))
    evaluators: dict[str, NetworkEvaluator] = {ONNX: theirs, KERNELS: ours}
    size = 19 if theirs.supports(19) else max(size for size in range(1, 26) if theirs.supports(size))
    planes, facts = middle_positions(theirs.feature_set, size, _BATCH)
    expected, found = theirs.evaluate(planes, facts), ours.evaluate(planes, facts)
    for name, truth, answer in zip(expected._fields, expected, found, strict=True):
        if truth is not None and (answer is None or not np.allclose(truth, answer, rtol=TOLERANCE, atol=TOLERANCE)):
            return Choice(runtime=ONNX, reason=f"the weights beside it are not those of the network: another {name}")
    calls, seconds, end = 0, dict.fromkeys(evaluators, 0.0), time.monotonic() + MOST_SECONDS
    while sum(seconds.values()) < TRIAL_SECONDS and time.monotonic() < end:
        calls += 1
        for name, evaluator in evaluators.items():
            start = time.thread_time()  # what else runs on the machine does not count
            evaluator.evaluate(planes, facts)
            seconds[name] += time.thread_time() - start
    speeds = {name: round(_BATCH * calls / taken, 1) for name, taken in seconds.items()}
    return Choice(runtime=max(speeds, key=speeds.__getitem__), evaluations_per_s=speeds)


def middle_positions(feature_set: str, size: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Planes and globals of `count` positions from the middle of games of random moves.

    Planes of noise would not do: the kernels gain by points that look alike.
    """
    from gozero.position import Position  # imports numba

    random = np.random.default_rng(0)
    planes, facts = [], []
    for _ in range(count):
        position = Position(size)
        for _ in range(size * size // 2):
            position.play(str(random.choice(position.legal_vertices() or ["pass"])))
        planes.append(features.planes(position, feature_set))
        facts.append(features.globals_of(position))
    return np.stack(planes), np.stack(facts)


def _kept(path: Path, weights: Path) -> Path:
    """Where the outcome is kept for exactly these files, this processor and these versions of both runtimes."""
    import llvmlite.binding as llvm

    runtime = "unknown"
    with contextlib.suppress(PackageNotFoundError):  # there are builds of it by other names
        runtime = version("onnxruntime")
    digest = hashlib.sha256(path.read_bytes())
    digest.update(weights.read_bytes())
    digest.update(repr((llvm.get_host_cpu_name(), runtime)).encode())
    return jit.folder_in_use() / f"runtime-{digest.hexdigest()[:20]}.json"

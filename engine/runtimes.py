"""Which runtime plays a network on this machine: ONNX Runtime, on the CPU or on what else its build can use, or our
own kernels where there are some for the network.

All give the same answers but for rounding. The fastest is found by a trial of at most some seconds, whose outcome is
kept beside the compiled kernels.
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

from engine.evaluator import Evaluation, EvaluatorError
from engine.onnx_evaluator import CPU, OnnxEvaluator, providers_here
from gozero import features, jit
from gozero.errors import GozeroError

if TYPE_CHECKING:
    from engine.compact_evaluator import CompactEvaluator

    NetworkEvaluator: TypeAlias = "OnnxEvaluator | CompactEvaluator"

KERNELS: Final = "kernels"
TOLERANCE: Final = 1e-3
"""Largest difference of a logit or a value to ONNX Runtime's on the CPU; with more a runtime is out of the question."""
TRIAL_SECONDS: Final = 0.6
"""For how long they take turns: CPU time, which Windows counts in steps of 0.016, what passes where a device works."""
MOST_SECONDS: Final = 2.5
"""When a trial ends on a busy machine."""
_BATCH: Final = 8
"""Boards of a batch, as in a search."""
_BUILDS: Final = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-silicon")
"""Packages that bring ONNX Runtime."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a trial."""

    runtime: str
    """`KERNELS` or a name in `engine.onnx_evaluator.PROVIDERS`."""
    evaluations_per_s: dict[str, float] = {}
    """Of each runtime, asked by one core; empty where there was nothing to choose from."""
    reason: str = ""
    """Why kernels were out of the question; empty where they were not."""
    left_out: dict[str, str] = {}
    """Other runtimes that were out of the question, and why."""


def open_network(path: str | os.PathLike[str]) -> NetworkEvaluator:
    """The evaluator that plays the network file `path` fastest here.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does.
    """
    runtime = choose(path).runtime
    if runtime not in (CPU, KERNELS):
        with contextlib.suppress(EvaluatorError):  # a device that has gone since the trial
            return _load(Path(path), runtime)
        runtime = CPU
    return _load(Path(path), runtime)


def choose(path: str | os.PathLike[str]) -> Choice:
    """The outcome of the trial for a network file, which is held where none has been.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does, where a trial is held.
    """
    path = Path(path)
    if not path.is_file():
        return Choice(runtime=CPU, reason=f"there is no {path}")
    kept = _kept(path)
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
    """Asks all runtimes the same, in turn, and compares answers and times.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does on the CPU.
    """
    path = Path(path)
    truth = OnnxEvaluator(path)
    others = [name for name in providers_here() if name != CPU]
    weights = path.with_suffix(".safetensors")
    if not weights.is_file() and not others:
        return Choice(runtime=CPU, reason=f"there are no weights beside it ({weights.name})")
    size = 19 if truth.supports(19) else max(size for size in range(1, 26) if truth.supports(size))
    planes, facts = middle_positions(truth.feature_set, size, _BATCH)
    expected = truth.evaluate(planes, facts)
    evaluators: dict[str, NetworkEvaluator] = {CPU: truth}
    left_out: dict[str, str] = {}
    for name in [KERNELS, *others]:
        try:
            evaluator = _load(path, name)
            different = _difference(expected, evaluator.evaluate(planes, facts))
        except GozeroError as error:
            left_out[name] = str(error)
            continue
        if not different:
            evaluators[name] = evaluator
        elif name == KERNELS:
            left_out[name] = f"the weights beside it are not those of the network: another {different}"
        else:
            left_out[name] = f"its {different} is not what the CPU computes"
    reason = left_out.pop(KERNELS, "")
    if len(evaluators) == 1:
        return Choice(runtime=CPU, reason=reason, left_out=left_out)
    calls, seconds, end = 0, dict.fromkeys(evaluators, 0.0), time.monotonic() + MOST_SECONDS
    while sum(seconds.values()) < TRIAL_SECONDS and time.monotonic() < end:
        calls += 1
        for name, evaluator in evaluators.items():
            # On the CPU what else runs on the machine does not count; a device is waited for.
            clock = time.thread_time if name in (CPU, KERNELS) else time.perf_counter
            start = clock()
            evaluator.evaluate(planes, facts)
            seconds[name] += clock() - start
    speeds = {name: round(_BATCH * calls / taken, 1) for name, taken in seconds.items()}
    fastest = max(speeds, key=speeds.__getitem__)
    return Choice(runtime=fastest, evaluations_per_s=speeds, reason=reason, left_out=left_out)


def _load(path: Path, name: str) -> NetworkEvaluator:
    if name != KERNELS:
        return OnnxEvaluator(path, provider=name)
    from engine.compact_evaluator import CompactEvaluator  # imports numba

    return CompactEvaluator(path)


def _difference(expected: Evaluation, found: Evaluation) -> str:
    """Which answer is another one; empty where all are the same but for rounding."""
    for name, truth, answer in zip(expected._fields, expected, found, strict=True):
        if truth is not None and (answer is None or not np.allclose(truth, answer, rtol=TOLERANCE, atol=TOLERANCE)):
            return name
    return ""


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


def _kept(path: Path) -> Path:
    """Where the outcome is kept for exactly these files, this processor and these versions of the runtimes."""
    import llvmlite.binding as llvm

    builds = {}
    for name in _BUILDS:
        with contextlib.suppress(PackageNotFoundError):
            builds[name] = version(name)
    digest = hashlib.sha256(path.read_bytes())
    with contextlib.suppress(FileNotFoundError):
        digest.update(path.with_suffix(".safetensors").read_bytes())
    digest.update(repr((llvm.get_host_cpu_name(), builds)).encode())
    return jit.folder_in_use() / f"runtime-{digest.hexdigest()[:20]}.json"

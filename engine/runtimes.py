"""Which runtime plays a network on this machine: our own kernels where there are some for the network, ONNX Runtime on
the CPU or on what else its build can use, or torch on a GPU.

All give the same answers but for rounding. The fastest is found by a trial of at most some seconds, whose outcome is
kept beside the compiled kernels. A search asks about few boards at once and games in lock step about many, where a GPU
gains most: so each has a trial of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.agreement import agreement
from engine.evaluator import Evaluation, EvaluatorError
from engine.onnx_evaluator import CPU, PROVIDERS, OnnxEvaluator, providers_here
from engine.spared_evaluator import SparedEvaluator
from gozero import features, jit
from gozero.errors import GozeroError

if TYPE_CHECKING:
    from engine.compact_evaluator import CompactEvaluator
    from engine.cuda_evaluator import CudaEvaluator

    RuntimeEvaluator: TypeAlias = "OnnxEvaluator | CompactEvaluator | CudaEvaluator"
    NetworkEvaluator: TypeAlias = "RuntimeEvaluator | SparedEvaluator"

KERNELS: Final = "kernels"
TORCH_CUDA: Final = "torch-cuda"
"""torch on a GPU, in bfloat16."""
TORCH_CPU: Final = "torch-cpu"
"""The same on the CPU, in float32: slow, and never chosen; only to be measured."""
ON_CPU: Final = (CPU, KERNELS, TORCH_CPU)
"""Those whose speed CPU time tells; where a device works it is the time that passes."""
RUNTIMES: Final = (KERNELS, *PROVIDERS, TORCH_CUDA, TORCH_CPU)
"""All that there are, here or elsewhere."""
TOLERANCE: Final = 1e-3
"""Largest difference of a logit or a value to ONNX Runtime's on the CPU; with more a runtime is out of the question."""
BFLOAT16_TOLERANCE: Final = 0.1
"""The same for torch on a GPU, of all differences in `engine.agreement.Agreement`. Seen were up to 0.016 of a policy,
0.037 of a value and 0.028 of a point's owner (shipped networks, 64 positions each)."""
TRIAL_SECONDS: Final = 0.6
"""For how long they take turns: CPU time, which Windows counts in steps of 0.016, what passes where a device works."""
MOST_SECONDS: Final = 2.5
"""When a trial ends on a busy machine."""
FEW: Final = 8
"""Boards of a call, as in a search."""
MANY: Final = 64
"""The same in games in lock step, which may be many more; of so many the CPU's runtimes need no more than a second."""
_DIFFERENT: Final = 16
"""Positions that are played out; of random games on 19x19 a hundred would take longer than the trial."""
_BUILDS: Final = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-silicon")
"""Packages that bring ONNX Runtime."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a trial."""

    runtime: str
    """`KERNELS`, `TORCH_CUDA` or a name in `engine.onnx_evaluator.PROVIDERS`."""
    evaluations_per_s: dict[str, float] = {}
    """Of each runtime, asked by one core; empty where there was nothing to choose from."""
    reason: str = ""
    """Why kernels were out of the question; empty where they were not."""
    left_out: dict[str, str] = {}
    """Other runtimes that were out of the question, and why."""


def open_network(path: str | os.PathLike[str], boards: int = FEW) -> NetworkEvaluator:
    """The evaluator that plays the network file `path` fastest here, asked about so many `boards` at once.

    Where that is a device, the CPU takes over when it fails.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does.
    """
    path, choice = Path(path), choose(path, boards)
    on_cpu = {name: choice.evaluations_per_s.get(name, 0.0) for name in (CPU, KERNELS)}
    spare = max(on_cpu, key=on_cpu.__getitem__)
    if choice.runtime not in on_cpu:
        with contextlib.suppress(EvaluatorError):  # a device that has gone since the trial
            return SparedEvaluator(load(path, choice.runtime), lambda: load(path, spare))
    return load(path, spare)


def choose(path: str | os.PathLike[str], boards: int = FEW) -> Choice:
    """The outcome of the trial for a network file and so many `boards` at once; it is held where none has been.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does, where a trial is held.
    """
    path, batch = Path(path), MANY if boards >= MANY else FEW
    if not path.is_file():
        return Choice(runtime=CPU, reason=f"there is no {path}")
    kept = _kept(path, batch)
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(kept.read_bytes(), type=Choice)
    choice = hold_trial(path, batch)
    temporary = kept.with_suffix(f".{os.getpid()}.tmp")
    with contextlib.suppress(OSError):  # a folder that may only be read: the next process holds it again
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.encode(choice))
        temporary.replace(kept)
    return choice


def devices_here() -> list[str]:
    """What beside the CPU may run a network here; whether it does shows when loading."""
    others = [name for name in providers_here() if name != CPU]
    return [*others, TORCH_CUDA] if has_torch_cuda() else others


def has_torch_cuda() -> bool:
    """Whether there is torch, and a driver of NVIDIA's. torch knows better, and takes seconds to be imported."""
    if find_spec("torch") is None:
        return False
    if os.name == "nt":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvcuda.dll").is_file()
    return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/dxg"))  # the second in Windows' Linux


def hold_trial(path: str | os.PathLike[str], batch: int = FEW) -> Choice:
    """Asks all runtimes the same, in turn, and compares answers and times.

    Raises:
        NetworkFileError, EvaluatorError: as `OnnxEvaluator` does on the CPU.
    """
    path = Path(path)
    truth = OnnxEvaluator(path)
    others = devices_here()
    weights = path.with_suffix(".safetensors")
    if not weights.is_file() and not others:
        return Choice(runtime=CPU, reason=f"there are no weights beside it ({weights.name})")
    size = 19 if truth.supports(19) else max(size for size in range(1, 26) if truth.supports(size))
    planes, facts = middle_positions(truth.feature_set, size, batch)
    expected = truth.evaluate(planes, facts)
    evaluators: dict[str, RuntimeEvaluator] = {CPU: truth}
    left_out: dict[str, str] = {}
    for name in [KERNELS, *others]:
        try:
            evaluator = load(path, name)
            different = _difference(name, expected, evaluator.evaluate(planes, facts))
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
            clock = time.thread_time if name in ON_CPU else time.perf_counter
            start = clock()
            evaluator.evaluate(planes, facts)
            seconds[name] += clock() - start
    speeds = {name: round(batch * calls / taken, 1) for name, taken in seconds.items()}
    fastest = max(speeds, key=speeds.__getitem__)
    return Choice(runtime=fastest, evaluations_per_s=speeds, reason=reason, left_out=left_out)


def load(path: str | os.PathLike[str], name: str) -> RuntimeEvaluator:
    """The evaluator that plays the network file `path` on the runtime `name`, one of `RUNTIMES`.

    Raises:
        NetworkFileError: the network, or the weights beside it that the runtime reads, are missing or unreadable.
        EvaluatorError: the runtime cannot run it here.
    """
    if name in PROVIDERS:
        return OnnxEvaluator(path, provider=name)
    if name == KERNELS:
        from engine.compact_evaluator import CompactEvaluator  # imports numba

        return CompactEvaluator(path)
    try:
        from engine.cuda_evaluator import CudaEvaluator  # imports torch
    except (ImportError, OSError) as error:  # it is not there, or a library that it needs is not
        raise EvaluatorError(f"torch does not load: {error}") from error
    if name == TORCH_CPU:
        import torch

        torch.set_num_threads(1)  # as the others
        return CudaEvaluator(path, "cpu")
    return CudaEvaluator(path)


def _difference(name: str, expected: Evaluation, found: Evaluation) -> str:
    """Which answer of the runtime `name` is another one; empty where all are the same but for rounding."""
    if name == TORCH_CUDA:
        apart = agreement(expected, found)
        return next((field for field in apart.differences if not apart.differences[field] <= BFLOAT16_TOLERANCE), "")
    for field, truth, answer in zip(expected._fields, expected, found, strict=True):
        if truth is not None and (answer is None or not np.allclose(truth, answer, rtol=TOLERANCE, atol=TOLERANCE)):
            return field
    return ""


def middle_positions(feature_set: str, size: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Planes and globals of `count` positions from the middle of games of random moves, `_DIFFERENT` of them again and
    again.

    Planes of noise would not do: the kernels gain by points that look alike.
    """
    from gozero.position import Position  # imports numba

    random = np.random.default_rng(0)
    planes, facts = [], []
    for _ in range(min(count, _DIFFERENT)):
        position = Position(size)
        for _ in range(size * size // 2):
            position.play(str(random.choice(position.legal_vertices() or ["pass"])))
        planes.append(features.planes(position, feature_set))
        facts.append(features.globals_of(position))
    chosen = np.arange(count) % _DIFFERENT
    return np.stack(planes)[chosen], np.stack(facts)[chosen]


def _kept(path: Path, batch: int) -> Path:
    """Where the outcome is kept for exactly these files, this processor and these versions of the runtimes."""
    import llvmlite.binding as llvm

    builds = {}
    for name in (*_BUILDS, *(["torch"] if has_torch_cuda() else [])):
        with contextlib.suppress(PackageNotFoundError):
            builds[name] = version(name)
    digest = hashlib.sha256(path.read_bytes())
    with contextlib.suppress(FileNotFoundError):
        digest.update(path.with_suffix(".safetensors").read_bytes())
    digest.update(repr((llvm.get_host_cpu_name(), builds, batch)).encode())
    return jit.cache_directory() / f"runtime-{digest.hexdigest()[:20]}.json"

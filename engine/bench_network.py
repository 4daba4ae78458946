"""`gozero bench network`: evaluations a second of a network, on every runtime that can play it here."""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import network_file
from engine.agreement import agreement
from engine.evaluator import Evaluator, EvaluatorError
from engine.network_file import NetworkFileError
from engine.onnx_evaluator import CPU, OnnxEvaluator
from engine.runtimes import KERNELS, ON_CPU, RUNTIMES, choose, devices_here, load, middle_positions
from engine.tensors import read_tensors
from gozero import timing

BATCHES: Final = (1, 4, 8, 16)
DEVICE_BATCHES: Final = (1, 8, 64, 128, 256, 512, 1024)
"""Of GPUs and the like, which games in lock step ask about many boards at once."""
GFLOPS_BATCH: Final = 8
"""The batch whose speed `gflops` tells; where it is not measured, and on devices, that is the largest."""
COMPARED: Final = 16
"""Positions whose answers are compared."""
SECONDS: Final = 0.1
"""Of one measurement: CPU time, or what passes where a device works."""
_SGEMM_SIZE: Final = 1024
"""Rows and columns of the matrices whose product tells what a core can do."""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench network`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench network",
        description="Evaluations a second of a network, one thread, in batches of several sizes, on each runtime that "
        f"can play it here; and, in batches of {GFLOPS_BATCH} (of a GPU in the largest), the operations a second that "
        "direct convolutions would take, beside those of a large matrix product. CPU time, or the time that passes "
        "where a GPU works; medians of repeats that take turns. apart: the largest differences to ONNX Runtime's "
        f"answers on the CPU, and how often both have the same first choice, in {COMPARED} positions.",
        epilog="example: gozero bench network --network compact-19 --runtime torch-cuda --batches 64 256 1024 --json",
    )
    parser.add_argument("--network", default=network_file.AUTO, help="a shipped name, a file, or auto (default)")
    parser.add_argument("--size", type=int, default=19, help="board size (default: 19)")
    parser.add_argument("--runtime", choices=RUNTIMES, help="this one alone (default: all that play the network here)")
    parser.add_argument("--batches", type=int, nargs="+", metavar="N", help="boards of a call")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if options.batches and min(options.batches) < 1:
        raise ValueError(f"--batches must be at least 1, not {min(options.batches)}")
    path = network_file.find(options.network, options.size)
    figures = measure(path, options.size, options.runtime, options.batches)
    if options.json:
        print(json.dumps(figures))
    else:
        rows = {f"{row['runtime']} {row['precision']}": row for row in figures["rows"]}
        print(timing.table({**{key: figures[key] for key in ("network", "size", "sgemm_gflops")}, **rows}))
    return 0


def measure(path: Path, size: int, runtime: str | None = None, batches: Sequence[int] | None = None) -> dict[str, Any]:
    """The figures of one network: of the runtime that plays it here, and of each runtime under `rows`.

    Args:
        runtime: measured alone; None = all that can play the network here.
        batches: None = `BATCHES`, and for devices `DEVICE_BATCHES`.

    Raises:
        NetworkFileError, EvaluatorError: the runtime asked for cannot play it, or ONNX Runtime cannot.
    """
    truth = OnnxEvaluator(path)
    evaluators = _evaluators(path) if runtime is None else {runtime: load(path, runtime)}
    sizes = {name: batches or (BATCHES if name in ON_CPU else DEVICE_BATCHES) for name in evaluators}
    info = truth.info
    planes, facts = middle_positions(info.feature_set, size, max(COMPARED, *(max(each) for each in sizes.values())))
    speeds: dict[str, dict[int, list[float]]] = {name: {batch: [] for batch in sizes[name]} for name in evaluators}
    for _ in range(timing.REPEATS + 1):
        for name, evaluator in evaluators.items():
            for batch, found in speeds[name].items():
                found.append(_speed(evaluator, planes[:batch], facts[:batch], on_device=name not in ON_CPU))
    operations = operations_of(path, size)
    expected = truth.evaluate(planes[:COMPARED], facts[:COMPARED])
    rows = []
    for name, evaluator in evaluators.items():
        # The first of each is slow.
        by_batch = {str(batch): statistics.median(found[1:]) for batch, found in speeds[name].items()}
        told = GFLOPS_BATCH if name in ON_CPU and GFLOPS_BATCH in sizes[name] else max(sizes[name])
        apart = agreement(expected, evaluator.evaluate(planes[:COMPARED], facts[:COMPARED]))
        rows.append(
            {
                "runtime": name,
                "precision": getattr(evaluator, "precision", "fp32"),  # the others have no choice
                "threads": 1,
                "batches": by_batch,
                "gflops": by_batch[str(told)] * operations / 1e9 if operations else None,
                "apart": apart._asdict(),
            }
        )
    chosen = runtime or choose(path).runtime
    return {
        "network": info.name,
        "size": size,
        **next((row for row in rows if row["runtime"] == chosen), rows[0]),
        "sgemm_gflops": sgemm_gflops(),
        "rows": rows,
    }


def _evaluators(path: Path) -> dict[str, Evaluator]:
    """All that can play the network here, by the names of their runtimes."""
    evaluators: dict[str, Evaluator] = {CPU: OnnxEvaluator(path)}
    for name in (KERNELS, *devices_here()):
        with contextlib.suppress(EvaluatorError, NetworkFileError):  # it cannot
            evaluators[name] = load(path, name)
    return evaluators


def _speed(evaluator: Evaluator, planes: NDArray[np.uint8], facts: NDArray[np.float32], *, on_device: bool) -> float:
    clock = time.perf_counter if on_device else time.process_time
    calls, start = 0, clock()
    while (seconds := clock() - start) < SECONDS:
        evaluator.evaluate(planes, facts)
        calls += 1
    return calls * len(planes) / seconds


def operations_of(path: Path, size: int) -> float | None:
    """Additions and multiplications of an evaluation by direct convolutions, padding counted; None without weights."""
    try:
        tensors, _ = read_tensors(path.with_suffix(".safetensors"))
    except NetworkFileError:
        return None
    weights = [(tensor.size, tensor.ndim) for tensor in tensors.values() if tensor.ndim > 1]
    return 2.0 * sum(count * (size * size if dimensions == 4 else 1) for count, dimensions in weights)


def sgemm_gflops() -> float:
    """1e9 operations a second of numpy's product of two large matrices, per second of CPU time."""
    matrix = np.random.default_rng(0).standard_normal((_SGEMM_SIZE, _SGEMM_SIZE)).astype(np.float32)
    return 2 * _SGEMM_SIZE**3 / timing.median_cpu_seconds(lambda: matrix @ matrix) / 1e9

"""`gozero bench network`: evaluations a second of a network on one core, on every runtime that can play it."""

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
from engine.compact_evaluator import CompactEvaluator
from engine.evaluator import Evaluator, EvaluatorError
from engine.network_file import NetworkFileError
from engine.onnx_evaluator import CPU, OnnxEvaluator
from engine.runtimes import KERNELS, choose, middle_positions
from engine.tensors import read_tensors
from gozero import timing

BATCHES: Final = (1, 4, 8, 16)
GFLOPS_BATCH: Final = 8
"""The batch whose speed `gflops` tells."""
SECONDS: Final = 0.1
"""CPU time of one measurement."""
_SGEMM_SIZE: Final = 1024
"""Rows and columns of the matrices whose product tells what a core can do."""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench network`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench network",
        description="Evaluations a second of a network, one thread, in batches of several sizes, on each runtime that "
        f"can play it; and, in batches of {GFLOPS_BATCH}, the operations a second that direct convolutions would take, "
        "beside those of a large matrix product. CPU time, medians of repeats that take turns.",
        epilog="example: gozero bench network --network compact-9 --size 9 --json",
    )
    parser.add_argument("--network", default=network_file.AUTO, help="a shipped name, a file, or auto (default)")
    parser.add_argument("--size", type=int, default=19, help="board size (default: 19)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    figures = measure(network_file.find(options.network, options.size), options.size)
    if options.json:
        print(json.dumps(figures))
    else:
        rows = {f"{row['runtime']} {row['precision']}": row for row in figures["rows"]}
        print(timing.table({**{key: figures[key] for key in ("network", "size", "sgemm_gflops")}, **rows}))
    return 0


def measure(path: Path, size: int) -> dict[str, Any]:
    """The figures of one network: of the runtime that plays it here, and of each runtime under `rows`."""
    evaluators: dict[str, Evaluator] = {CPU: OnnxEvaluator(path)}
    with contextlib.suppress(EvaluatorError, NetworkFileError):  # there are none for it
        evaluators[KERNELS] = CompactEvaluator(path)
    info = network_file.load_metadata(path)
    planes, facts = middle_positions(info.feature_set, size, max(BATCHES))
    speeds: dict[str, dict[int, list[float]]] = {name: {batch: [] for batch in BATCHES} for name in evaluators}
    for _ in range(timing.REPEATS + 1):
        for batch in BATCHES:
            for name, evaluator in evaluators.items():
                speeds[name][batch].append(_speed(evaluator, planes[:batch], facts[:batch]))
    operations = operations_of(path, size)
    rows = []
    for name in evaluators:
        batches = {str(batch): statistics.median(speeds[name][batch][1:]) for batch in BATCHES}  # the first is slow
        gflops = batches[str(GFLOPS_BATCH)] * operations / 1e9 if operations else None
        rows.append({"runtime": name, "precision": "fp32", "threads": 1, "batches": batches, "gflops": gflops})
    chosen = choose(path).runtime
    return {
        "network": info.name,
        "size": size,
        **next(row for row in rows if row["runtime"] == chosen),
        "sgemm_gflops": sgemm_gflops(),
        "rows": rows,
    }


def _speed(evaluator: Evaluator, planes: NDArray[np.uint8], facts: NDArray[np.float32]) -> float:
    calls, start = 0, time.process_time()
    while (seconds := time.process_time() - start) < SECONDS:
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

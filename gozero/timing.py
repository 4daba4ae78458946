"""How benchmarks measure and print."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

REPEATS: Final = 5
"""Runs of each measurement; the median counts."""


def median_cpu_seconds(run: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median CPU time of this process over `repeats` runs, after one that does not count.

    CPU time, because other programs on the machine disturb it least; so `run` must not wait for threads or processes.
    """
    run()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times)


def rows(figures: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The figures of a benchmark, nested by name, as (dotted name, value) lines for people; None is "not measured"."""
    lines: list[tuple[str, str]] = []
    for key, value in figures.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            lines += rows(value, f"{name}.")
        elif isinstance(value, float):
            lines.append((name, f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"))
        else:
            lines.append((name, "not measured" if value is None else str(value)))
    return lines


def table(figures: Mapping[str, Any]) -> str:
    """`rows` in two columns."""
    lines = rows(figures)
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)

"""What a person sees of a run: a progress bar on a terminal, plain lines elsewhere; metrics.jsonl and TensorBoard."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from training.run_folder import RunFolder

SHOWN = (
    "return",
    "loss",
    "policy",
    "value",
    "ownership",
    "reply",
    "top1",
    "score",
    "entropy",
    "moves",
    "divergence",
    "data_wait",
)
"""Means that a plain line shows; `metrics.jsonl` has all."""


class Progress:
    """Reports of one session of a run; use as a context manager."""

    def __init__(
        self,
        folder: RunFolder,
        steps: int,
        batch_size: int,
        start: int,
        work: tuple[int, float | None] = (0, None),
        unit: str = "positions",
    ) -> None:
        """`work`: operations of the training step of one position, and TFLOP/s that the device could do, as far as they
        are known (0 and None where not). `unit`: what `batch_size` counts."""
        from torch.utils.tensorboard import SummaryWriter  # takes a second to import: only a run needs it

        self._folder, self._steps, self._batch_size = folder, steps, batch_size
        self._flops, self._peak = work
        self._unit = unit
        self._writer: Any = SummaryWriter(str(folder.tensorboard), purge_step=start)
        self._bar: Bar | None = None
        if sys.stderr.isatty():
            self._bar = Bar(
                TextColumn("{task.completed}/{task.total}"),
                BarColumn(bar_width=16),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("starting", total=steps, completed=start)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        self._writer.close()

    def trained(self, step: int, values: dict[str, float], times: tuple[float, float], steps: int) -> None:
        """Report means over the last `steps` steps; `times` = (seconds of the run, seconds of these steps)."""
        seconds, since = times
        speed = steps * self._batch_size / max(since, 1e-9)
        left = max(0, self._steps - step) * self._batch_size / speed
        rates = {f"{self._unit}_per_s": speed}
        if self._flops:
            rates["tflops"] = self._flops * speed / 1e12
            if self._peak:
                rates["peak_share"] = rates["tflops"] / self._peak
        self._write("train", step, {**values, **rates}, seconds)
        pace = f"{speed:.{0 if speed >= 100 else 1}f} {self._unit}/s{_efficiency(rates)}, {duration(left)} left"
        if self._bar:
            shown = " ".join(f"{key} {values[key]:.3f}" for key in ("return", "loss", "top1") if key in values)
            self._bar.update(self._task, completed=step, description=f"{shown} {pace}")
        else:
            shown = " ".join(f"{key} {values[key]:.3f}" for key in SHOWN if key in values)
            self._line(f"step {step}/{self._steps} {shown} {pace}")

    def evaluated(self, step: int, results: dict[str, float], seconds: float) -> None:
        """Report results on held-out data."""
        self._write("validation", step, results, seconds)
        self._line(f"step {step} validation: " + " ".join(f"{key} {value:.4f}" for key, value in results.items()))

    def _line(self, text: str) -> None:
        if self._bar:
            self._bar.console.print(text, highlight=False)
        else:
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def _write(self, kind: str, step: int, values: dict[str, float], seconds: float) -> None:
        seen = step * self._batch_size
        rounded = {key: float(f"{value:.6g}") for key, value in values.items()}
        self._folder.append_metrics(
            {"kind": kind, "step": step, self._unit: seen, "seconds": round(seconds, 1), **rounded}
        )
        for key, value in values.items():
            self._writer.add_scalar(f"{kind}/{key}", value, step)


def _efficiency(rates: dict[str, float]) -> str:
    """How well a GPU is used, for people; nothing where its peak is not known."""
    if "peak_share" not in rates:
        return ""
    return f", {rates['tflops']:.0f} TFLOP/s ({100 * rates['peak_share']:.0f} % of the peak)"


def settling_progress() -> Callable[[int, int], None]:
    """A reporter of how far the ends of a store's games are settled: a line on stderr every tenth of them."""
    told = 0
    started = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal told
        if done * 10 // max(total, 1) > told:
            told = done * 10 // total
            left = (time.monotonic() - started) * (total - done) / done
            print(
                f"settling the ends of {total:,} games, once a store: {done:,}, {duration(left)} left", file=sys.stderr
            )

    return report


def duration(seconds: float) -> str:
    """`seconds` for people: "45 s", "12 min", "3 h 05 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"

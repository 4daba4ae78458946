"""What a person sees of self-play while it goes on: a line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from selfplay.worker import Report

LINE_SECONDS: Final = 10.0
"""Between two plain lines."""
SPEED_SECONDS: Final = 1.0
"""From the first report of play, which is of no known time, to the first speeds."""


class SelfPlayProgress:
    """Adds up reports and shows them; use as a context manager."""

    def __init__(self, boards: int, wanted: int | None) -> None:
        """`boards`: games that a worker plays at a time; `wanted`: games to be played, None = without end."""
        self._boards, self._wanted = boards, wanted
        self._started = time.monotonic()
        self._told = self._started
        self._playing: float | None = None
        self._sums: Counter[str] = Counter()
        self._lives: set[str] = set()
        self._network = ""
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True) if sys.stderr.isatty() else None

    @property
    def lives(self) -> set[str]:
        """Of the workers that were heard of."""
        return self._lives

    def heard(self, report: Report) -> None:
        """Takes a report into account."""
        self._lives.add(report.life)
        if report.batches and self._playing is None:
            self._playing = time.monotonic()
        self._network = report.network or self._network
        for name in ("games", "positions", "black", "white", "evaluations", "batches"):
            self._sums[name] += getattr(report, name)
        for problem in report.problems:
            self._console.print(f"{report.life}: {problem}", markup=False, soft_wrap=True)
        if self._live:
            self._live.update(Text(self.text()), refresh=True)
        elif time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            print(f"{time.strftime('%H:%M:%S')} {self.text()}", file=sys.stderr, flush=True)

    def figures(self) -> dict[str, Any]:
        """Sums since the beginning, and speeds since the first worker played, by the names of `--json`; 0 at first."""
        now, sums = time.monotonic(), self._sums
        seconds = now - (self._playing or now)
        seconds = seconds if seconds >= SPEED_SECONDS else math.inf
        return {
            "games": sums["games"],
            "positions": sums["positions"],
            "seconds": round(now - self._started, 1),
            "games_per_h": round(3600 * sums["games"] / seconds, 1),
            "positions_per_s": round(sums["positions"] / seconds, 1),
            "evaluations_per_s": round(sums["evaluations"] / seconds, 1),
            "mean_batch": round(sums["evaluations"] / max(sums["batches"], 1), 2),
            "network": self._network,
        }

    def text(self) -> str:
        """The line."""
        facts, sums = self.figures(), self._sums
        of = "" if self._wanted is None else f"/{self._wanted}"
        drawn = sums["games"] - sums["black"] - sums["white"]
        return (
            f"{sums['games']}{of} games, {facts['games_per_h']:,.0f} games/h, "
            f"{facts['positions_per_s']:,.0f} positions/s, {facts['evaluations_per_s']:,.0f} evaluations/s, "
            f"batches {facts['mean_batch'] / self._boards:.0%} full, {self._network or 'starting'}, "
            f"Black {sums['black']} White {sums['white']} drawn {drawn}"
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

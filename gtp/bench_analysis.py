"""`gozero bench analysis`: what a line of analysis costs the search that it tells about."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any, Final

from engine.player_file import load_player
from engine.result import RootEstimate, summarise
from engine.search import Limits
from gozero import timing
from gozero.position import Position
from gtp.analysis import AnalysisOptions, Dialect, LineWriter

INTERVAL: Final = 0.1
"""Seconds between two lines, as Go programs ask for them."""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench analysis`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench analysis",
        description="A line of kata-analyze, ten of them a second, while the empty board is searched: CPU time of the "
        "thread that searches, from the tree to the text, mean over all lines. A player without a network has most "
        "moves to tell about.",
        epilog="example: gozero bench analysis --network none --visits 20000 --json",
    )
    parser.add_argument("--player", default="auto", help="a player file (default: auto)")
    parser.add_argument("--network", help="another network than the player's")
    parser.add_argument("--size", type=int, default=19, help="board size (default: 19)")
    parser.add_argument("--visits", type=int, default=5000, help="visits of the search (default: 5000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    figures = measure(options.player, options.network, options.size, options.visits)
    print(json.dumps(figures) if options.json else timing.table(figures))
    return 0


def measure(player: str, network: str | None, size: int, visits: int) -> dict[str, Any]:
    """The figures of one search, on one thread; `search_share` is the lines' part of the time that passes.

    Raises:
        ValueError: the search was over before a line was due.
    """
    loaded = load_player(player, size, network=network, threads=1, seed=0)
    search, position = loaded.search, Position(size)
    writer = LineWriter(size, Dialect.KATAGO, AnalysisOptions())
    writer.line(search.run(position, Limits(visits=2)))  # loads the kernels that read a tree
    seconds: list[float] = []
    line, due = "", time.monotonic() + INTERVAL

    def write() -> bool:
        nonlocal line, due
        if time.monotonic() >= due:
            assert search.tree is not None
            started = time.thread_time()
            line = writer.line(summarise(search.tree, 0, 0.0, None, RootEstimate()))
            seconds.append(time.thread_time() - started)
            due = time.monotonic() + INTERVAL
        return False

    search.run(position, Limits(visits=visits), stop=write)
    loaded.close()
    if not seconds:
        raise ValueError(f"{visits} visits were over before a line was due: ask for more")
    return {
        "player": player,
        "network": network or "auto",
        "size": size,
        "visits": visits,
        "lines": len(seconds),
        "moves": line.count("info move"),
        "bytes": len(line),
        "line_ms": 1000 * statistics.mean(seconds),
        "search_share": statistics.mean(seconds) / INTERVAL,
    }

"""`gozero bench`: how fast this machine plays Go, part by part.

Every benchmark stands beside what it measures; this is the table of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gozero.menu import Command, Menu

BENCHMARKS: Final[dict[str, Command]] = {
    "analysis": Command("gtp.bench_analysis:main", "what a line of analysis costs the search that it tells about"),
    "board": Command("gozero.bench_board:main", "random games to the end, and moves of a position with superko"),
    "env": Command("gozero.bench_env:main", "environments for learning, beside PettingZoo's and pgx's"),
    "features": Command("training.bench_features:main", "input planes and minibatches from positions of real games"),
    "network": Command("engine.bench_network:main", "evaluations a second of a network, on each runtime"),
    "rollout": Command("engine.bench_rollout:main", "learned rollouts from the empty board"),
    "search": Command("engine.bench_search:main", "visits a second of a player, and how much of it is the tree's"),
    "training": Command("training.bench_training:main", "a step of training on one core"),
    "selfplay": Command("selfplay.bench_selfplay:main", "games with search and without, many boards at a time"),
}

MENU: Final = Menu(
    "gozero bench",
    "benchmark",
    "How fast this machine plays Go: medians of repeated runs, CPU time of one thread where nothing else is said.",
    BENCHMARKS,
    "gozero bench board --json",
)


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench`. Raises ValueError when there is no such benchmark."""
    return MENU.run(argv)

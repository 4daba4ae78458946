"""`gozero bench rollout`: how many games the shipped rollout policies play to the end, from the empty board."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Final

from engine import rollout_file
from engine.rollout import RolloutPolicy
from gozero import timing
from gozero.position import Position

SIZES: Final = (9, 19)
_GAMES: Final = {9: 1000, 19: 200}


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench rollout`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench rollout",
        description="Rollouts a second from the empty board, CPU time of one thread, median of repeats.",
        epilog="example: gozero bench rollout --json",
    )
    parser.add_argument("--rollouts", default=rollout_file.AUTO, help="a shipped name, a file, or auto (default)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    figures = {}
    for size in SIZES:
        weights = rollout_file.load(rollout_file.find(options.rollouts, size))
        figures[str(size)] = speed(RolloutPolicy(weights), size)
    print(json.dumps({"sizes": figures}) if options.json else timing.table(figures))
    return 0


def speed(policy: RolloutPolicy, size: int) -> dict[str, float]:
    """Rollouts a second, microseconds a move, and moves a rollout, from the empty board on one thread."""
    state = Position(size).state
    games = _GAMES.get(size, 200)
    moves = policy.rollouts(state, games, 0)[1].sum()
    seconds = timing.median_cpu_seconds(lambda: policy.rollouts(state, games, 0))
    return {
        "rollouts_per_s": games / seconds,
        "us_per_move": seconds / float(moves) * 1e6,
        "moves_per_rollout": float(moves) / games,
    }

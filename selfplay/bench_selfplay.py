"""`gozero bench selfplay`: positions a second of games without search, and how much of the time is the network's."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import network_file
from engine.evaluator import Evaluation, Evaluator
from engine.runtimes import choose, open_network
from gozero import timing
from selfplay.game import GameSettings, alternating, play_games


class _Timed:
    """An evaluator that adds up the CPU time of its calls."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.feature_set = evaluator.feature_set
        self.supports = evaluator.supports
        self.close = evaluator.close
        self.seconds = 0.0

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        started = time.process_time()
        answer = self._evaluator.evaluate(planes, global_values)
        self.seconds += time.process_time() - started
        return answer


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench selfplay`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench selfplay",
        description="Games of a network against itself without search, many boards at a time, on one thread: positions "
        "and games for a second of CPU time, and the network's share of it. Medians of repeats.",
        epilog="example: gozero bench selfplay --size 9 --boards 256 --json",
    )
    parser.add_argument("--network", default=network_file.AUTO, help="shipped name or .onnx file (default: auto)")
    parser.add_argument("--size", type=int, default=9, help="board size (default: %(default)s)")
    parser.add_argument("--boards", type=int, default=256, help="games at a time (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if options.boards < 1:
        raise ValueError(f"--boards must be at least 1, not {options.boards}")
    figures = measure(options.network, options.size, options.boards)
    print(json.dumps(figures) if options.json else timing.table(figures))
    return 0


def measure(network: str, size: int, boards: int, repeats: int = timing.REPEATS) -> dict[str, Any]:
    """The figures of one network; each repeat plays `boards` games to their ends, so also with few boards left."""
    path = network_file.find(network, size)
    evaluator = open_network(path)
    timed = _Timed(evaluator)
    settings = GameSettings(size=size)
    speeds: list[float] = []
    shares: list[float] = []
    lengths: list[int] = []
    for repeat in range(repeats + 1):  # the first does not count
        timed.seconds, started = 0.0, time.process_time()
        games = play_games([timed, timed], alternating(), boards, settings, repeat, boards=boards)
        played = [game.record.moves.size for game in games]
        seconds = time.process_time() - started
        if repeat:
            speeds.append(sum(played) / seconds)
            shares.append(timed.seconds / seconds)
            lengths += played
    speed, length = statistics.median(speeds), statistics.mean(lengths)
    return {
        "network": evaluator.info.name,
        "runtime": choose(path).runtime,
        "size": size,
        "boards": boards,
        "positions_per_s": speed,
        "games_per_min": 60 * speed / length,
        "moves_per_game": length,
        "network_share": statistics.median(shares),
    }

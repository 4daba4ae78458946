"""`gozero bench selfplay`: speed of games with search and without, and how much of the time is the network's."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

from engine import network_file
from engine.runtimes import ON_CPU, RUNTIMES
from gozero import timing
from selfplay import bench_searched
from selfplay.bench_searched import Timed, opened
from selfplay.game import GameSettings, alternating, play_games
from selfplay.searched_settings import SearchedSettings


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench selfplay`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench selfplay",
        description="Games of a network against itself, many boards at a time: evaluations, positions and games for "
        "a second of CPU time, or with several processes or a GPU for a second that passes, and the network's share of "
        "that time. Medians of repeats. The length of games is the network's matter, so random weights say little of "
        "games.",
        epilog="example: gozero bench selfplay --size 9 --network 6x64 --visits 17 --processes 2 --json",
    )
    parser.add_argument(
        "--network",
        default=network_file.AUTO,
        help="shipped name, .onnx file, or blocks x channels of one with random weights, such as 6x64 (default: auto)",
    )
    parser.add_argument("--size", type=int, default=9, help="board size (default: %(default)s)")
    parser.add_argument("--boards", type=int, default=256, help="games at a time (default: %(default)s)")
    parser.add_argument(
        "--visits", type=int, default=1, help="visits of the root, its own evaluation included; 1 = no search (default)"
    )
    parser.add_argument("--root", choices=["gumbel", "puct"], default="gumbel", help="of searches (default: gumbel)")
    parser.add_argument("--processes", type=int, default=1, help="of games with search (default: %(default)s)")
    parser.add_argument("--runtime", choices=RUNTIMES, help="of the network (default: what a trial finds fastest)")
    parser.add_argument("--repeats", type=int, default=timing.REPEATS, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    for name in ("boards", "visits", "processes", "repeats"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, not {getattr(options, name)}")
    if options.visits == 1:
        if options.processes > 1:
            raise ValueError("--processes is for games with search: add --visits")
        figures = measure(options.network, options.size, options.boards, options.repeats, options.runtime)
    else:
        settings = SearchedSettings(size=options.size, root=options.root, visits=options.visits)
        figures = bench_searched.measure(
            options.network, settings, options.boards, options.processes, options.repeats, options.runtime
        )
    print(json.dumps(figures) if options.json else timing.table(figures))
    return 0


def measure(
    network: str, size: int, boards: int, repeats: int = timing.REPEATS, runtime: str | None = None
) -> dict[str, Any]:
    """The figures of one network; each repeat plays `boards` games to their ends, so also with few boards left.
    `runtime`: see `selfplay.bench_searched.opened`."""
    evaluator, name, plays = opened(network, size, boards, runtime)
    clock = time.process_time if plays in ON_CPU else time.perf_counter
    timed = Timed(evaluator, clock)
    settings = GameSettings(size=size)
    speeds: list[float] = []
    shares: list[float] = []
    lengths: list[int] = []
    for repeat in range(repeats + 1):  # the first does not count
        timed.seconds, started = 0.0, clock()
        games = play_games([timed, timed], alternating(), boards, settings, repeat, boards=boards)
        played = [game.record.moves.size for game in games]
        seconds = clock() - started
        if repeat:
            speeds.append(sum(played) / seconds)
            shares.append(timed.seconds / seconds)
            lengths += played
    speed, length = statistics.median(speeds), statistics.mean(lengths)
    return {
        "network": name,
        "runtime": plays,
        "size": size,
        "boards": boards,
        "positions_per_s": speed,
        "games_per_min": 60 * speed / length,
        "moves_per_game": length,
        "network_share": statistics.median(shares),
    }

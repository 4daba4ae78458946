"""`gozero eval reinforce`: how often one network beats another, as bare policies or with search."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import network_file
from engine.onnx_evaluator import OnnxEvaluator
from engine.runtimes import open_network
from gozero.amounts import komi_text
from gozero.coords import BLACK, WHITE
from selfplay.contest import Contest, contest
from selfplay.elo import elo_interval, elo_of_score
from selfplay.game import GameSettings
from selfplay.searched_match import quiet_search, searched_contest

if TYPE_CHECKING:
    from engine.runtimes import NetworkEvaluator

EPILOG = """\
Two series are played. `sampled`: moves drawn at --temperature from the first move on. `greedy`: each policy's best
move, after --opening random moves; a policy that has only become sharper gains nothing there. Colours alternate, no two
games of a series have the same moves and the same colours, reflections included, and every game is played until nobody
has a sensible move left, so that the area counts right. With --visits there is one series instead, `searched`: both
search with so many visits a move, without noise; the first moves, --opening at most, are drawn from the policy of
--against, and every opening is played with both colours. Intervals are Wilson's, 95 %.

examples:
  gozero eval reinforce --network policy-rl-9.onnx --against compact-9 --games 1000
  gozero eval reinforce --network policy-rl-9 --against compact-9 --games 200 --visits 64"""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero eval reinforce`."""
    parser = argparse.ArgumentParser(
        prog="gozero eval reinforce",
        description="Games of one network's policy against another's, without search or with, hundreds at a time.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--network", required=True, help="the policy that has learned: shipped name or .onnx file")
    add("--against", required=True, metavar="NETWORK", help="the other one, such as the network that it began as")
    add("--games", type=int, default=1000, metavar="N", help="games of each series (default: %(default)s)")
    add("--size", type=int, default=9, help="board size (default: %(default)s)")
    add("--komi", type=float, default=7.5, help="(default: %(default)s)")
    add("--temperature", type=float, default=0.3, help="of the sampled series (default: %(default)s)")
    add(
        "--opening",
        type=int,
        default=8,
        metavar="N",
        help="first moves of the greedy series, random (default: %(default)s)",
    )
    add(
        "--visits",
        type=int,
        default=0,
        metavar="N",
        help="both search, with so many visits a move (default: no search)",
    )
    add("--seed", type=int, default=0, help="of openings and draws (default: %(default)s)")
    add("--boards", type=int, default=256, metavar="N", help="games at a time (default: %(default)s)")
    add("--threads", type=int, default=1, metavar="N", help="cores to use (default: %(default)s)")
    add("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    for name in ("games", "boards", "threads"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, not {getattr(options, name)}")
    if options.temperature <= 0 or options.opening < 0:
        raise ValueError("--temperature must be above 0 and --opening not below")
    if options.visits != 0 and options.visits < 2:
        raise ValueError(f"--visits must be at least 2 for a search, not {options.visits}")
    result = _measure(options)
    print(json.dumps(result) if options.json else _text(result))
    return 0


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    first, second = (
        _evaluator(network_file.find(name, options.size), options.threads, options.boards)
        for name in (options.network, options.against)
    )
    result: dict[str, Any] = {
        "network": first.info.name,
        "against": second.info.name,
        "board_size": options.size,
        "komi": options.komi,
        "seed": options.seed,
    }
    play = partial(contest, first, second, games=options.games, seed=options.seed, boards=options.boards)
    settings = partial(GameSettings, size=options.size, komi=options.komi)
    if options.visits:
        search = quiet_search(
            size=options.size, komi=options.komi, visits=options.visits, opening_moves=options.opening
        )
        facts: dict[str, Any] = {"visits": options.visits, "opening": options.opening}
        searched = partial(searched_contest, first, second, second, search, options.games, options.seed)
        return result | {"searched": facts | _timed(partial(searched, boards=options.boards))}
    for name, temperature, opening in (("sampled", options.temperature, 0), ("greedy", 0.0, options.opening)):
        series = partial(play, settings(temperature=temperature), opening=opening, threads=options.threads)
        result[name] = {"temperature": temperature, "opening": opening, **_timed(series)}
    return result


def _timed(series: Callable[[], Contest]) -> dict[str, Any]:
    started = time.monotonic()
    figures = _figures(series())
    return {**figures, "seconds": round(time.monotonic() - started, 1)}


def _evaluator(path: Path, threads: int, boards: int) -> NetworkEvaluator:
    """What runs the network fastest on one core or a GPU, or ONNX Runtime on several cores."""
    return open_network(path, boards) if threads == 1 else OnnxEvaluator(path, threads=threads)


def _figures(found: Contest) -> dict[str, Any]:
    points = found.wins + found.draws / 2
    elo = (elo_of_score(found.score), *elo_interval(points, found.games))
    finite = [round(value, 1) if abs(value) < 1e9 else None for value in elo]
    return {
        "games": found.games,
        "repeated": found.repeated,
        "wins": found.wins,
        "losses": found.games - found.wins - found.draws,
        "draws": found.draws,
        "score": found.score,
        "score_ci95": found.interval,
        "elo": finite[0],
        "elo_ci95": finite[1:],
        "score_black": found.score_as(BLACK),
        "score_white": found.score_as(WHITE),
        "moves_per_game": found.moves_per_game,
    }


def _text(result: dict[str, Any]) -> str:
    size = result["board_size"]
    lines = [f"{result['network']} against {result['against']}, {size}x{size}, komi {komi_text(result['komi'])}"]
    hows = {
        "sampled": "temperature {temperature:g}",
        "greedy": "best moves after {opening} random ones",
        "searched": "{visits} visits after at most {opening} moves drawn",
    }
    for name, how in hows.items():
        if (row := result.get(name)) is None:
            continue
        low, high = row["score_ci95"]
        lines.append(
            f"{name}, {how.format(**row)}: {row['score']:.1%} [{low:.1%}, {high:.1%}] of {row['games']:,} games, "
            f"{row['moves_per_game']:.0f} moves each, {row['seconds']:.0f} s"
        )
    return "\n".join(lines)

"""`gozero match`: two GTP engines against each other, with progress, records and Elo."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from gozero import coords, sgf
from gozero.cli import EXIT_INTERRUPTED
from gozero.coords import BLACK
from gozero.rules import RULES, parse_rules
from selfplay.gtp_client import split_command
from selfplay.gtp_game import FIRST, SECOND, GameResult, GameSettings
from selfplay.match import MatchSettings, Tally, run_match, tally
from selfplay.referee import find_gnugo

EPILOG = """\
--black names the first engine and --white the second; colours alternate, the first engine has Black in games 1, 3, 5...
The result is told from the first engine's view. Quote a command line that has options of its own.

example:
  gozero match --black "gozero gtp --visits 100" --white "gnugo --mode gtp --chinese-rules --level 10" --games 20

Legality is judged under --rules, where Chinese rules forbid every repetition; GNU Go keeps to that with
--positional-superko. A game that ends with two passes is counted by GNU Go where it is found (it takes dead stones off
the board), otherwise with every stone alive."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit status."""
    options = _parser().parse_args(argv)
    settings = _settings(options)
    if options.sgf:
        _prepare_folder(options.sgf)
    results: list[GameResult] = []

    def on_game(result: GameResult) -> None:
        results.append(result)
        if options.sgf:
            path = options.sgf / f"game-{result.number:0{len(str(settings.games))}}.sgf"
            path.write_text(game_sgf(result), encoding="utf-8")
        print(progress_line(result, results, settings.games), file=sys.stderr, flush=True)

    finished = run_match(settings, on_game)
    if not finished:
        print(f"stopped after {len(results)} of {settings.games} games", file=sys.stderr)
    totals = tally(results)
    print(json.dumps(asdict(totals)) if options.json else summary(totals, results))
    return 0 if finished else EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gozero match",
        description="GTP engines against each other.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--black", metavar="CMD", required=True, help="command line of the first engine")
    add("--white", metavar="CMD", required=True, help="command line of the second engine")
    add("--games", type=int, metavar="N", required=True, help="how many games")
    add("--size", type=int, default=9, help="board size (default: %(default)s)")
    add("--komi", type=float, default=7.5, help="points for White (default: %(default)s)")
    add("--rules", default="chinese", help=f"one of {', '.join(RULES)} (default: %(default)s)")
    add("--parallel", type=int, default=2, metavar="N", help="games at the same time (default: %(default)s)")
    add("--time-per-move", type=float, metavar="S", help="tell the engines to think S seconds a move")
    add(
        "--move-timeout",
        type=float,
        metavar="S",
        help="an engine without a move after S seconds loses the game (default: 120, or 30 + 3 x --time-per-move)",
    )
    add(
        "--opening-plies",
        type=int,
        default=2,
        metavar="K",
        help="random moves that open each game, so that no two are the same (default: %(default)s)",
    )
    add("--seed", type=int, default=0, help="draws the openings (default: %(default)s)")
    add(
        "--referee",
        metavar="CMD",
        default="auto",
        help="who counts: 'auto' is GNU Go where it is found, 'area' leaves all stones alive, or the command line of a "
        "GTP engine (default: %(default)s)",
    )
    add("--sgf", type=Path, metavar="DIR", help="write every game, and what the engines say on stderr, to DIR")
    add("--json", action="store_true", help="print the result as one JSON object")
    return parser


def _settings(options: argparse.Namespace) -> MatchSettings:
    """What the options ask for. Raises ValueError where they ask for nonsense."""
    for name, lowest in (("games", 1), ("parallel", 1), ("opening_plies", 0)):
        if getattr(options, name) < lowest:
            raise ValueError(f"--{name.replace('_', '-')} must be {lowest} or more, not {getattr(options, name)}")
    for name in ("time_per_move", "move_timeout"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise ValueError(f"--{name.replace('_', '-')} must be more than 0 seconds, not {value:g}")
    if not coords.MIN_SIZE <= options.size <= coords.MAX_SIZE:
        raise ValueError(f"--size must be {coords.MIN_SIZE} to {coords.MAX_SIZE}, not {options.size}")
    commands = (options.black, options.white)
    referee = {"auto": find_gnugo(commands), "area": None}.get(options.referee, options.referee)
    for command in (*commands, referee):
        if command is not None:
            split_command(command)  # a misspelt program is an error, not a match of forfeits
    timeout = options.move_timeout
    if timeout is None:
        timeout = 120.0 if options.time_per_move is None else 30 + 3 * options.time_per_move
    return MatchSettings(
        commands=commands,
        games=options.games,
        game=GameSettings(
            size=options.size,
            komi=options.komi,
            rules=parse_rules(options.rules).name,
            time_per_move=options.time_per_move,
            move_timeout=timeout,
            referee=referee,
        ),
        parallel=min(options.parallel, options.games),
        opening_plies=options.opening_plies,
        seed=options.seed,
        logs=options.sgf,
    )


def _prepare_folder(folder: Path) -> None:
    """Make the folder for the records. Raises ValueError where it would mix two matches."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("game-*.sgf")):
        raise ValueError(f"{folder} holds the games of another match; name an empty folder")


def player_names(result: GameResult) -> tuple[str, str]:
    """What the two engines are called; numbered where both have one name."""
    first, second = result.names
    return (f"{first} (1)", f"{second} (2)") if first == second else (first, second)


def game_sgf(result: GameResult) -> str:
    """The game as SGF: names, result, and as the comment of the last move how it ended."""
    first, second = player_names(result)
    black, white = (first, second) if result.first_colour == BLACK else (second, first)
    comments = {len(result.record.moves): f"{sgf.format_result(result.record)}: {result.reason}"}
    return sgf.write(result.record, black_name=black, white_name=white, comments=comments)


def progress_line(result: GameResult, results: Sequence[GameResult], games: int) -> str:
    """One line about a game that just ended, with the score so far."""
    names = player_names(result)
    black, white = names if result.first_colour == BLACK else names[::-1]
    points = sum(each.points for each in results)
    return (
        f"game {result.number} ({len(results)}/{games}): {black} - {white}: {sgf.format_result(result.record)} in "
        f"{len(result.record.moves)} moves ({result.reason}); score {points:g}-{len(results) - points:g}"
    )


def summary(totals: Tally, results: Sequence[GameResult]) -> str:
    """The match in a few lines for people."""
    if totals.score is None:
        return "no game was finished"
    names = player_names(results[0])
    low, high = totals.score_ci95
    elo = _elo(totals.elo, "+inf" if totals.wins else "-inf")
    elo_low, elo_high = totals.elo_ci95
    lines = [
        f"{names[FIRST]} against {names[SECOND]}, {totals.games} games, {totals.black_first} of them with Black",
        f"  won {totals.wins}, lost {totals.losses}, drawn {totals.draws}",
        f"  score {totals.score:.1%}, 95 % interval {low:.1%} to {high:.1%}",
        f"  Elo {elo}, 95 % interval {_elo(elo_low, '-inf')} to {_elo(elo_high, '+inf')}",
    ]
    first, second = totals.seconds_per_move
    if first is not None and second is not None:
        lines.append(f"  seconds a move: {first:.3f} and {second:.3f}")
    if totals.repeated:
        lines.append(f"  {totals.repeated} games repeat an earlier one; more --opening-plies would vary them")
    lines += [f"  game {result.number}: {result.reason}" for result in results if result.failed is not None]
    return "\n".join(lines)


def _elo(value: float | None, unknown: str) -> str:
    return unknown if value is None else f"{value:+.0f}"

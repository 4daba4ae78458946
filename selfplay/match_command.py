"""`gozero match`: two GTP engines against each other, with progress, records and Elo; tournaments of more."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from gozero.cli import EXIT_INTERRUPTED
from selfplay import match_options
from selfplay.gtp_game import GameResult
from selfplay.match import MatchSettings, run_match, tally
from selfplay.match_text import game_sgf, progress_line, summary

TOURNAMENT_OPTIONS = ("--players", "--config", "--run")

EPILOG = """\
--black names the first engine and --white the second; colours alternate, the first engine has Black in games 1, 3, 5...
The result is told from the first engine's view. Quote a command line that has options of its own.

example:
  gozero match --black "gozero gtp --visits 100" --white "gnugo --mode gtp --chinese-rules --level 10" --games 20

Legality is judged under --rules, where Chinese rules forbid every repetition; GNU Go keeps to that with
--positional-superko. A game that ends with two passes is counted by --rules, area or territory: by GNU Go where it is
found (it takes dead stones off the board), otherwise with every stone alive. The engines are not told the rules: give
them options of their own, such as --japanese-rules for GNU Go and --rules japanese for gozero gtp.

More than two engines play a tournament, which can be stopped and continued:
  gozero match --run DIR --players A B C           'gozero match --run DIR --help' says more"""


def main(argv: list[str]) -> int:
    """Run the command and return the exit status."""
    if any(word.partition("=")[0] in TOURNAMENT_OPTIONS for word in argv):
        from selfplay import tournament_command

        return tournament_command.main(argv)
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
    match_options.add_conditions(parser)
    add("--sgf", type=Path, metavar="DIR", help="write every game, and what the engines say on stderr, to DIR")
    add("--json", action="store_true", help="print the result as one JSON object")
    return parser


def _settings(options: argparse.Namespace) -> MatchSettings:
    """What the options ask for. Raises ValueError where they ask for nonsense."""
    if options.games < 1:
        raise ValueError(f"games must be 1 or more, not {options.games}")
    conditions = {**match_options.DEFAULTS, **vars(options)}
    commands = (options.black, options.white)
    return MatchSettings(
        commands=commands,
        games=options.games,
        game=match_options.game_settings(conditions, commands),
        parallel=min(conditions["parallel"], options.games),
        opening_plies=conditions["opening_plies"],
        seed=conditions["seed"],
        logs=options.sgf,
    )


def _prepare_folder(folder: Path) -> None:
    """Make the folder for the records. Raises ValueError where it would mix two matches."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("game-*.sgf")):
        raise ValueError(f"{folder} holds the games of another match; name an empty folder")

"""`gozero match --players`: tournaments of several players that can be stopped and continued."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from engine import player_file
from gozero import config
from gozero.cli import EXIT_INTERRUPTED
from selfplay import match_options
from selfplay.boards import Game, play_games
from selfplay.gtp_client import split_command
from selfplay.gtp_game import GameResult, GameSettings
from selfplay.tournament import Played, TournamentConfig, is_wanted, schedule
from selfplay.tournament_folder import (
    CONFIG,
    TournamentFolder,
    alone_in,
    finished_games,
    require_tournament,
    stored,
)
from selfplay.tournament_text import as_json, print_tables, progress_line

PLOT: Final = "elo.png"
EPILOG: Final = """\
A player is the name of a player file (auto, alphago, no-value..., as in 'gozero gtp --player'), a path to one, or
NAME=CMD with the command line of any GTP engine. The first is the anchor, rated 0. Names that end in a number, such as
lambda-0.25, are drawn as a curve over it.

examples:
  gozero match --run table --players auto no-value rollouts "gnugo=gnugo --mode gtp --chinese-rules --level 10" \\
      --pairings gauntlet --games 40 --options="--threads 1 --visits 400"
  gozero match --run table               goes on where it was stopped
  gozero match --run table --games 80    plays more
  gozero match --run table --standings   says how it stands, also while it runs

The folder keeps the configuration, a line for each finished game, the records, and a plot of the ratings. Pairings take
turns in blocks of ten games."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit status."""
    options = vars(_parser().parse_args(argv))
    path: Path = options.pop("run")
    in_json, standings_only = options.pop("json"), options.pop("standings")
    if standings_only:
        _tell(stored(path), finished_games(path), in_json)
        return 0
    settings = _settings(path, options)
    commands = {name: command_of(player, settings.options) for name, player in settings.players.items()}
    game_settings = match_options.game_settings(
        {name: getattr(settings, name) for name in match_options.DEFAULTS}, tuple(commands.values())
    )
    import choix  # noqa: F401 (ratings want it in the end; who has it not should hear that before hours of games)

    with alone_in(path):
        return _play(path, settings, commands, game_settings, in_json)


def _play(
    path: Path, settings: TournamentConfig, commands: dict[str, str], game_settings: GameSettings, in_json: bool
) -> int:
    folder = TournamentFolder(path, settings, commands)
    games = schedule(settings, game_settings, commands, folder.played)
    before = len(folder.played)

    def on_game(game: Game, result: GameResult) -> None:
        played = folder.add(game, result)
        number = f"{len(folder.played) - before}/{len(games)}"
        print(progress_line(number, played, folder.played), file=sys.stderr, flush=True)

    def is_wanted_now(game: Game) -> bool:
        return is_wanted(settings, game, list(folder.played))

    finished = play_games(games, game_settings, settings.parallel, folder.logs, on_game, is_wanted_now)
    if not finished:
        left = len(games) - (len(folder.played) - before)
        print(f"stopped with {left} games to play; go on with: gozero match --run {path}", file=sys.stderr)
    _tell(settings, folder.played, in_json)
    _draw(settings, folder)
    return 0 if finished else EXIT_INTERRUPTED


def command_of(player: str, options: str) -> str:
    """The command line of a player of a tournament file: a player file's name becomes ours, with the `options`.

    Raises:
        ValueError: it is neither a player file nor a command line.
    """
    if player_file.exists(player):
        return f'"{sys.executable}" -m gozero gtp --player "{player}" {options}'.strip()
    try:
        split_command(player)
    except ValueError as error:
        if len(player.split()) > 1:
            raise
        known = ", ".join(player_file.names())
        raise ValueError(f"{player!r} is no player file ({known}, or a path that ends in .yaml), and {error}") from None
    return player


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gozero match",
        description="A tournament: several players, ratings with intervals. It can be stopped and continued.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("--run", type=Path, metavar="DIR", required=True, help="the tournament's folder: made, or continued")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--players", nargs="+", metavar="P", help="who plays")
    who.add_argument(
        "--config",
        metavar="FILE",
        help="a tournament file with all of this, by path or shipped name; options replace its values",
    )
    add("--options", metavar="O", help="options of 'gozero gtp' for the players that are player files")
    add("--pairings", choices=("all", "gauntlet", "neighbours"), help="who meets whom (default: all)")
    add("--games", type=int, metavar="N", help="games of each pairing (default: 40)")
    sure_help = (
        "a pairing ends where the 95 %% interval of its score leaves one half out (looked at every ten games; of the "
        "first ten one side must have won all, or all but one draw)"
    )
    add("--until-sure", action=argparse.BooleanOptionalAction, help=sure_help)
    match_options.add_conditions(parser)
    add("--standings", action="store_true", default=False, help="play nothing, say how it stands")
    add("--json", action="store_true", default=False, help="print the standings as one JSON object")
    return parser


def _settings(path: Path, options: dict[str, Any]) -> TournamentConfig:
    """What is to be played: the tournament file's, the folder's, or the options' players, under the other options.

    Raises:
        ConfigError: that makes no tournament.
        TournamentError: nobody is named.
        ValueError: two players have one name.
    """
    source = options.pop("config", None)
    if source is not None:
        source = config.find(source, "tournament")
    if "players" in options:
        options["players"] = _players(options["players"])
        if (path / CONFIG).exists():  # a tournament goes on with more players
            source = path / CONFIG
            options["players"] = {**stored(path).players, **options["players"]}
        else:
            return config.convert(options, TournamentConfig, "the command line")
    elif source is None:
        require_tournament(path)
        source = path / CONFIG
    return config.load(source, TournamentConfig, [f"{key}={json.dumps(value)}" for key, value in options.items()])


def _players(words: Sequence[str]) -> dict[str, str]:
    """Players by name. Raises ValueError where a name stands for two of them."""
    named = [_named(word) for word in words]
    for name, times in Counter(name for name, _ in named).items():
        if times > 1:
            raise ValueError(
                f"--players has {name} {times} times; give each a name of its own: NAME={dict(named)[name]}"
            )
    return dict(named)


def _named(player: str) -> tuple[str, str]:
    """A player's name and what follows it. "NAME=CMD" says both; a player file is called like itself."""
    name, equals, command = player.partition("=")
    if equals and " " not in name:
        return name, command
    return (Path(player).stem if player.endswith(".yaml") else player), player


def _tell(settings: TournamentConfig, played: list[Played], in_json: bool) -> None:
    if in_json:
        print(json.dumps(as_json(settings, played)))
    else:
        print_tables(settings, played)


def _draw(settings: TournamentConfig, folder: TournamentFolder) -> None:
    """The plot, where matplotlib is installed."""
    try:
        from selfplay.tournament_plot import draw

        draw(settings, folder.played, folder.path / PLOT)
    except ModuleNotFoundError as error:
        print(f"no plot was drawn, as that needs {error.name}: pip install 'gozero[train]'", file=sys.stderr)
    else:
        print(f"drawn: {folder.path / PLOT}", file=sys.stderr)

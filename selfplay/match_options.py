"""Options that a match of two engines and a tournament share: the conditions under which games are played."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Final

from gozero import coords
from gozero.rules import RULES, parse_rules
from selfplay.gtp_client import split_command
from selfplay.gtp_game import START_SECONDS, GameSettings
from selfplay.referee import find_gnugo

AUTO_REFEREE: Final = "auto"
AREA_REFEREE: Final = "area"
DEFAULTS: Final[Mapping[str, Any]] = {
    "size": 9,
    "komi": 7.5,
    "rules": "chinese",
    "time_per_move": None,
    "move_timeout": None,
    "referee": AUTO_REFEREE,
    "parallel": 2,
    "opening_plies": 2,
    "seed": 0,
}


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Adds the options. One that is not given is left out of what is parsed: its default is in `DEFAULTS`."""

    def add(option: str, **keywords: Any) -> None:
        parser.add_argument(option, default=argparse.SUPPRESS, **keywords)

    add("--size", type=int, metavar="N", help=_default("board size", "size"))
    add("--komi", type=float, metavar="K", help=_default("points for White", "komi"))
    add("--rules", metavar="R", help=_default(f"one of {', '.join(RULES)}", "rules"))
    add("--parallel", type=int, metavar="N", help=_default("games at the same time", "parallel"))
    add("--time-per-move", type=float, metavar="S", help="tell the engines to think S seconds a move")
    timeout = (
        "an engine without a move after S seconds loses the game (default: 120, or 30 + 3 x --time-per-move, and "
        f"{START_SECONDS:g} more for the first move of a process)"
    )
    add("--move-timeout", type=float, metavar="S", help=timeout)
    plies = "random moves that open each game, so that no two are the same"
    add("--opening-plies", type=int, metavar="K", help=_default(plies, "opening_plies"))
    add("--seed", type=int, metavar="N", help=_default("draws the openings", "seed"))
    referee = (
        "who counts: 'auto' is GNU Go where it is found, 'area' leaves all stones alive (both count territory where "
        "the rules do), or the command line of a GTP engine"
    )
    add("--referee", metavar="CMD", help=_default(referee, "referee"))


def _default(text: str, name: str) -> str:
    return f"{text} (default: {DEFAULTS[name]})"


def game_settings(conditions: Mapping[str, Any], commands: tuple[str, ...]) -> GameSettings:
    """What every game has in common, from conditions by the names of `DEFAULTS` and the engines' command lines.

    Raises:
        ValueError: a condition makes no sense, or a command line names no program: a misspelt one is an error, not a
            match of forfeits.
    """
    for name in ("time_per_move", "move_timeout"):
        value = conditions[name]
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be more than 0 seconds, not {value:g}")
    for name, lowest in (("parallel", 1), ("opening_plies", 0)):
        if conditions[name] < lowest:
            raise ValueError(f"{name} must be {lowest} or more, not {conditions[name]}")
    size, time_per_move, timeout = (conditions[name] for name in ("size", "time_per_move", "move_timeout"))
    if not coords.MIN_SIZE <= size <= coords.MAX_SIZE:
        raise ValueError(f"size must be {coords.MIN_SIZE} to {coords.MAX_SIZE}, not {size}")
    rules = parse_rules(conditions["rules"])
    named = conditions["referee"]
    referee = {AUTO_REFEREE: find_gnugo(rules.scoring, size, commands), AREA_REFEREE: None}.get(named, named)
    for command in (*commands, referee):
        if command is not None:
            split_command(command)
    first_timeout = None
    if timeout is None:
        timeout = 120.0 if time_per_move is None else 30 + 3 * time_per_move
        first_timeout = timeout + START_SECONDS
    return GameSettings(
        size=size,
        komi=conditions["komi"],
        rules=rules.name,
        time_per_move=time_per_move,
        move_timeout=timeout,
        first_timeout=first_timeout,
        referee=referee,
    )

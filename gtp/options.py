"""Command-line options that `gozero gtp` and `gozero play` share: who plays, for how long, on which board."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gozero import coords

if TYPE_CHECKING:
    from engine.network_file import NetworkInfo
    from engine.player import Player
    from engine.player_file import PlayerSettings, Wishes


DEFAULT_PLAYER: Final = "auto"
DEFAULT_RULES: Final = "chinese"
DEFAULT_KOMI: Final = 7.5
DEFAULT_SIZE: Final = 19
NETWORKS: Final = ("network", "policy", "value")
"""The options that name networks."""


def parser(program: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser with the shared options."""
    made = argparse.ArgumentParser(prog=program, description=description, epilog=example)
    add_player(made)
    add = made.add_argument
    add("--policy", metavar="X", help="another network for the policy")
    add("--value", metavar="X", help="another network for the value")
    add("--rollouts", metavar="X", help="rollouts: weights by name or path, auto, random or none")
    share = "how much a rollout counts in a value, 0 to 1 (lambda; the default player's is 0.25)"
    add("--lambda", dest="rollout_share", type=share_of_one, metavar="L", help=share)
    add("--visits", type=at_least(1), metavar="N", help="at most N visits a move; 1 plays the bare network")
    add("--time", type=positive, metavar="S", help="seconds a move where no clock is set (default 2)")
    add("--level", type=at_least(1), metavar="N", help="how strong: 1 (a beginner) to 10 (full strength)")
    key_help = "another value for a key of the player file, such as search.c_puct=1.2; may be repeated"
    add("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help=key_help)
    add("--threads", type=at_least(1), metavar="N", help="threads that evaluate positions")
    add("--temperature", type=not_negative, metavar="T", help="above 0: vary the moves (default 0)")
    size = f"board size at the start (default {DEFAULT_SIZE}, or what a named network plays on)"
    add("--size", type=board_size, metavar="N", help=size)
    add("--komi", type=finite, default=DEFAULT_KOMI, metavar="K", help="points for White at the start (default 7.5)")
    add("--rules", default=DEFAULT_RULES, metavar="R", help="rules at the start (default chinese)")
    return made


def add_player(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name a player and its network."""
    add = parser.add_argument
    add("--player", default=DEFAULT_PLAYER, metavar="P", help="a player file or its name (default: %(default)s)")
    add("--network", metavar="X", help="a shipped network ('gozero networks' lists them), a path, or none")


def check(arguments: argparse.Namespace) -> None:
    """Refuses what would fail at the first move: rules that nobody knows, a level, a player or a key of player files
    that there is not, options that do not go together, a player who would think for ever, and networks and rollouts,
    named by an option or by the player, that are not there or damaged.

    Paths are made absolute, and a size that nobody named is filled in.

    Raises:
        ValueError: there are no such rules, or the options do not go together.
        GozeroError: there is no such level, player, key, network or rollouts.
    """
    if arguments.level is not None:
        from engine import levels

        levels.find(arguments.level)
    if arguments.rules != DEFAULT_RULES:
        from gozero.rules import parse_rules

        parse_rules(arguments.rules)
    if arguments.player.endswith(".yaml"):
        arguments.player = _whole_path(arguments.player)
    infos = []
    for option in NETWORKS:
        named, info = _network(getattr(arguments, option))
        setattr(arguments, option, named)
        infos += [info] if info else []
    if arguments.rollouts is not None and _is_path(arguments.rollouts, ".npz"):
        arguments.rollouts = _whole_path(arguments.rollouts)
    rolls_out = arguments.rollouts is not None or arguments.rollout_share is not None
    if arguments.overrides or rolls_out or arguments.player != DEFAULT_PLAYER:  # the default one need import nothing
        from engine import player_file

        settings = player_file.settings_of(arguments.player, **_wishes(arguments))
        settings.require_limits()
        infos = check_files(settings)
    if arguments.size is None:
        arguments.size = _usual_size(infos)


def check_files(settings: PlayerSettings) -> list[NetworkInfo]:
    """Refuses a player whose networks or rollouts are not there; what the files of named networks say about themselves.

    Raises:
        NetworkFileError, RolloutFileError: there is no such file, or it cannot be read.
    """
    if settings.rollouts not in ("auto", "random", "none"):
        from engine import rollout_file

        rollout_file.load(rollout_file.find(settings.rollouts, DEFAULT_SIZE))
    infos = [_network(name)[1] for name in settings.networks]
    return [info for info in infos if info is not None]


def _usual_size(networks: Sequence[NetworkInfo]) -> int:
    """`DEFAULT_SIZE`, or the largest board that all of the networks play on where that is another one."""
    sizes = [DEFAULT_SIZE, *range(coords.MAX_SIZE, coords.MIN_SIZE - 1, -1)]
    return next((size for size in sizes if all(each.supports(size) for each in networks)), DEFAULT_SIZE)


def checked_network(named: str | None) -> str | None:
    """The network of this name, which must be there and whole; a path is made absolute.

    Raises:
        NetworkFileError: there is no such network, or its file cannot be read.
    """
    return _network(named)[0]


def _network(named: str | None) -> tuple[str | None, NetworkInfo | None]:
    """`checked_network`, and what the network's file says about itself, if one is named."""
    if named is None or named in ("auto", "none"):
        return named, None
    from engine import network_file

    if _is_path(named, ".onnx"):
        named = _whole_path(named)
    return named, network_file.load_metadata(network_file.find(named))


def _is_path(text: str, suffix: str) -> bool:
    return Path(text).suffix == suffix or len(Path(text).parts) > 1


def _whole_path(path: str) -> str:
    """Go programs start an engine in a folder of their own: messages must say which one was looked in."""
    return str(Path(path).expanduser().resolve())


def player_maker(arguments: argparse.Namespace) -> Callable[[int], Player]:
    """What makes the player that the options ask for, ready to move, for a board of a size."""

    def make(size: int) -> Player:
        from engine.player_file import load_player

        player = load_player(arguments.player, size, threads=arguments.threads, **_wishes(arguments))
        make_ready(player, size)
        return player

    return make


def _wishes(arguments: argparse.Namespace) -> Wishes:
    """What the options ask of a player."""
    return {
        "network": arguments.network,
        "visits": arguments.visits,
        "seconds": arguments.time,
        "temperature": arguments.temperature,
        "level": arguments.level,
        "policy": arguments.policy,
        "value": arguments.value,
        "rollouts": arguments.rollouts,
        "rollout_share": arguments.rollout_share,
        "overrides": arguments.overrides,
    }


def make_ready(player: Player, size: int) -> None:
    """Lets a player search once on a board of size x size, so that its first answer need not wait for the kernels."""
    from engine.search import Limits
    from gozero.position import Position

    player.search.run(Position(size), Limits(visits=2))  # loads the compiled kernels
    player.search.forget()


def at_least(least: int) -> Callable[[str], int]:
    """An argparse type: an integer from `least` up."""

    def integer(text: str) -> int:
        number = int(text)
        if number < least:
            raise ValueError
        return number

    integer.__name__ = f"integer of at least {least}"
    return integer


def finite(text: str) -> float:
    """An argparse type: a finite number."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def positive(text: str) -> float:
    """An argparse type: a number above 0."""
    number = finite(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def not_negative(text: str) -> float:
    """An argparse type: a number from 0 up."""
    number = finite(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def share_of_one(text: str) -> float:
    """An argparse type: a number from 0 to 1."""
    number = not_negative(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"{text} is above 1")
    return number


def board_size(text: str) -> int:
    """An argparse type: the size of a board."""
    size = int(text)
    if not coords.MIN_SIZE <= size <= coords.MAX_SIZE:
        raise argparse.ArgumentTypeError(f"boards are {coords.MIN_SIZE} to {coords.MAX_SIZE} wide, not {size}")
    return size

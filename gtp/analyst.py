"""Who looks at positions for `gozero analysis` and `gozero review`: options, and the player they name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from gtp import options

if TYPE_CHECKING:
    from engine.player import Player


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say who looks."""
    options.add_player(parser)
    parser.add_argument("--threads", type=options.at_least(1), metavar="N", help="threads that evaluate positions")


def load(name: str, network: str | None, threads: int | None, size: int, log: Callable[[str], None]) -> Player:
    """A player for boards of size x size points that is ready to search; `log` takes a line for people.

    It sees the position that it is asked about under all eight symmetries, as the ownership that one of them tells is
    rough, and nobody averages it over the moves of a search.

    Raises:
        GozeroError: it cannot be loaded, or plays no boards of this size.
    """
    import msgspec

    from engine.player_file import load_player
    from engine.warm import first_start_notice

    if notice := first_start_notice():
        log(notice)
    player = load_player(name, size=size, network=network, threads=threads)
    player.search.config = msgspec.structs.replace(player.search.config, average_root=True)
    options.make_ready(player, size)
    return player

"""Who looks at positions for `gozero analysis` and `gozero review`: options, and the player they name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gtp import options

if TYPE_CHECKING:
    from engine.player import Player


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say who looks."""
    add = parser.add_argument
    add("--player", default="auto", metavar="P", help="a player file or its name (default: by board size)")
    add("--network", metavar="X", help="a shipped network ('gozero networks' lists them), a path, or none")
    add("--threads", type=options.at_least(1), metavar="N", help="threads that evaluate positions")


def checked_network(named: str | None) -> str | None:
    """The network of this name, which must be there: a path is made absolute, for the message to name the whole of it.

    Raises:
        NetworkFileError: there is no such network.
    """
    from engine import network_file

    if named in (None, network_file.AUTO, "none"):
        return named
    assert named is not None
    path = Path(named)
    if path.suffix == ".onnx" or len(path.parts) > 1:
        named = str(path.expanduser().resolve())
    network_file.find(named)
    return named


def load(name: str, network: str | None, threads: int | None, size: int, log: Callable[[str], None]) -> Player:
    """A player for boards of size x size points that is ready to search; `log` takes a line for people.

    It sees the position that it is asked about under all eight symmetries, as the ownership that one of them tells is
    rough, and nobody averages it over the moves of a search.

    Raises:
        GozeroError: it cannot be loaded, or plays no boards of this size.
    """
    import msgspec

    from engine.player_file import load_player
    from engine.search import Limits
    from engine.warm import is_warm
    from gozero.position import Position

    if not is_warm():
        log("the first start on this machine: compiling takes a minute or two, once")
    player = load_player(name, size=size, network=network, threads=threads)
    player.search.config = msgspec.structs.replace(player.search.config, average_root=True)
    player.search.run(Position(size), Limits(visits=2))  # loads the compiled kernels
    player.search.forget()
    return player

"""What is alive and what is dead: for sure, by Benson's theorem, and at the end of a game, by an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gozero import _life, _settle, coords
from gozero._random import seed_state
from gozero.geometry import board_points

if TYPE_CHECKING:
    from gozero.position import Position

GAMES: Final = 64
"""Random games that decide what is dead; four times as many change nothing that could be measured."""


@dataclass(frozen=True)
class Settlement:
    """What the end of a game leaves, as `gozero.scoring` wants it.

    Attributes:
        dead: the points of stones that would be taken, ascending.
        seki: the points of living chains that share with the enemy a liberty which neither can fill, ascending.
    """

    dead: tuple[int, ...]
    seki: tuple[int, ...]


def pass_alive(position: Position) -> NDArray[np.int8]:
    """Who keeps each point even by passing from now on: int8[size, size], 1 Black, -1 White, 0 not settled.

    These are the unconditionally alive chains of Benson ("Life in the game of Go", Information Sciences 10, 1976) and
    the regions they surround in which the enemy has no room for two eyes. Stones of the enemy in there are dead.
    """
    owners = np.empty(coords.padded_points(position.size), np.int8)
    _life.sure_owners(position.state, owners)
    return owners[board_points(position.size)].reshape(position.size, position.size)


def settle(position: Position, games: int = GAMES, seed: int = 0) -> Settlement:
    """Estimates which stones are dead and which are in seki, for a game that is over: a few milliseconds on 19x19.

    What `pass_alive` settles is certain; the rest is the majority of `games` random games, in which neither player
    fills own eyes nor puts own chains in atari. They misjudge what takes reading: a semeai, a ko for life, bent four in
    the corner. The same position, games and seed give the same answer.

    Raises:
        ValueError: `games` is no positive number.
    """
    if games < 1:
        raise ValueError(f"{games} random games settle nothing: at least 1 is needed")
    dead, seki = np.empty((2, coords.padded_points(position.size)), np.uint8)
    _settle.settle(position.state, games, seed_state(seed), np.empty_like(position.state), dead, seki)
    return Settlement(tuple(np.flatnonzero(dead).tolist()), tuple(np.flatnonzero(seki).tolist()))

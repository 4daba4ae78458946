"""What a player must see on the board to know that a game is over: who leads, what is settled, what is left to play."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gozero import _board, _repetition
from gozero.coords import BLACK, EMPTY, opponent, point_of
from gozero.position import Position

FILLED_DENSITY: Final = 0.2
"""Stones for each point of the board from which on a count means something: before, one stone may own it all."""


def lead(position: Position) -> float:
    """By how much the count of the board as it stands favours the player to move, komi included."""
    return position.score() if position.to_play == BLACK else -position.score()


def is_filled(position: Position) -> bool:
    """Whether there are so many stones on the board that a count means something."""
    return int(np.count_nonzero(position.colours())) >= FILLED_DENSITY * position.size**2


def is_settled(position: Position) -> bool:
    """Whether every empty region touches one colour only."""
    black, white = _board.area(position.state)
    return bool(black + white == position.size**2)


def sensible_moves(position: Position) -> NDArray[np.bool_]:
    """The legal moves of the player to move that fill no own eye and take off no own stone: bool[size * size + 1].

    The pass is always among them.
    """
    colour = position.to_play
    state = position.state.copy()
    state[_board.SUICIDE] = 0
    mask = np.empty(position.size**2 + 1, np.uint8)
    _repetition.legal_mask(state, colour, position.history, position.history_length, position.rules.superko_code, mask)
    sensible = mask.astype(np.bool_)
    for index in np.flatnonzero(sensible[:-1]):
        sensible[index] = not _board.is_eye(state, point_of(int(index), position.size), colour)
    return sensible


def own_territory(position: Position) -> NDArray[np.bool_]:
    """The empty points whose region touches stones of the player to move and no others: bool[size * size]."""
    colours = position.colours()
    touched = _flooded(colours, position.to_play) & ~_flooded(colours, opponent(position.to_play))
    return touched.ravel()


def _flooded(colours: NDArray[np.uint8], colour: int) -> NDArray[np.bool_]:
    """The empty points from which stones of a colour are reached over empty points; colours: uint8[size, size]."""
    empty = colours == EMPTY
    reached = colours == colour
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= empty | reached
        if np.array_equal(grown, reached):
            inside: NDArray[np.bool_] = reached & empty
            return inside
        reached = grown

"""Boards that are set up outside play: nothing is captured, and every chain must have a liberty."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gozero import _board, _whole_board, coords
from gozero.coords import EMPTY, colour_name, format_vertex
from gozero.geometry import board_points

_KEPT: Final = np.array(
    [_board.TO_PLAY, _board.CAPTURED_BLACK, _board.CAPTURED_WHITE, _board.PLY, _board.LAST, _board.LAST2]
)
"""What a board keeps that is set up anew in mid-game."""


class NoLiberty(ValueError):
    """A chain would have no liberty.

    Attributes:
        point: its first stone.
    """

    def __init__(self, point: int) -> None:
        super().__init__(point)
        self.point = point


def put_stones(state: NDArray[np.uint32], stones: Iterable[tuple[int, int]]) -> None:
    """Puts stones, (colour, point) each, on empty points of a board.

    Raises:
        ValueError: a point is off the board or occupied; nothing has changed.
        NoLiberty: a chain would have no liberty; nothing has changed.
    """
    size = int(state[_board.SIZE])
    before = state.copy()
    try:
        for colour, point in stones:
            if not coords.is_on_board(point, size):
                raise ValueError(f"cannot set up point {point}: not on the {size}x{size} board")
            holder = int(state[_board.COLOUR + point * _board.WORDS])
            if holder != EMPTY:
                vertex = format_vertex(point, size)
                raise ValueError(f"cannot set up {vertex}: the point is occupied by {colour_name(holder)}")
            _board.set_stone(state, point, colour)
        _check_liberties(state)
    except ValueError:
        np.copyto(state, before)
        raise


def rebuild(state: NDArray[np.uint32], stones: Iterable[tuple[int, int]]) -> None:
    """Makes these the only stones, (colour, point) each, of a board whose turn, captures and last moves stay.

    Raises:
        NoLiberty: a chain would have no liberty; nothing has changed.
    """
    before = state.copy()
    _board.init(state, int(state[_board.SIZE]), int(state[_board.SUICIDE]))
    for colour, point in stones:
        _board.set_stone(state, point, colour)
    state[_KEPT] = before[_KEPT]
    try:
        _check_liberties(state)
    except NoLiberty:
        np.copyto(state, before)
        raise


def _check_liberties(state: NDArray[np.uint32]) -> None:
    size = int(state[_board.SIZE])
    liberties = np.empty(coords.padded_points(size), dtype=np.int16)
    _whole_board.liberties_map(state, liberties)
    points = board_points(size)
    occupied = state[_board.COLOUR + points * _board.WORDS] != EMPTY
    dead = points[occupied & (liberties[points] == 0)]
    if dead.size:
        raise NoLiberty(int(dead[0]))

"""Counting a finished game. Every score is Black's points minus White's.

The board is counted as Tromp and Taylor do: stones, and empty regions that reach one colour only. Whatever is dead has
to be captured first, or named in `dead`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gozero import _board, coords
from gozero.coords import BLACK, EMPTY

if TYPE_CHECKING:
    from gozero.position import Position


def area_score(position: Position, dead: Iterable[int] = ()) -> float:
    """Black's area minus White's, komi and the rules' handicap bonus, without the stones at the points `dead`.

    Under territory rules this approximates `territory_score` where all that is dead has been captured: it is off by how
    many more stones one player has put on the board than the other, at most one in an even game without passes. A
    handicap's stones after the first, which only an area count rewards, are taken back here.

    Raises:
        ValueError: there is no stone at one of the points `dead`.
    """
    black, white = _board.area(_without(position, dead))
    if position.rules.scoring == "territory":
        bonus = max(position.handicap - 1, 0)
    else:
        bonus = position.rules.bonus_for(position.handicap)
    return float(black - white - bonus) - position.komi


def territory_score(position: Position, dead: Iterable[int] = ()) -> float:
    """Black's territory and prisoners minus White's and komi, without the stones at the points `dead`.

    Prisoners are the stones captured during play and the dead ones. Eyes in a seki count as territory, which Japanese
    rules would not grant.

    Raises:
        ValueError: there is no stone at one of the points `dead`.
    """
    before = np.bincount(position.colours().ravel(), minlength=3)
    state = _without(position, dead)
    left = np.bincount(_colours(state, position.size), minlength=3)
    black_taken, white_taken = np.array(position.captured) + before[BLACK:] - left[BLACK:]
    black, white = np.array(_board.area(state)) - left[BLACK:]
    return float(black + white_taken - white - black_taken) - position.komi


def final_score(position: Position, dead: Iterable[int] = ()) -> float:
    """The score by the rules of the game, area or territory, without the stones at the points `dead`.

    Raises:
        ValueError: there is no stone at one of the points `dead`.
    """
    if position.rules.scoring == "territory":
        return territory_score(position, dead)
    return area_score(position, dead)


def format_result(score: float) -> str:
    """A score as GTP and SGF write results: "B+3.5", "W+0.5", or "0" for a draw."""
    if score == 0:
        return "0"
    return f"{'B' if score > 0 else 'W'}+{abs(score):g}"


def _colours(state: NDArray[np.uint32], size: int) -> NDArray[np.uint8]:
    board = np.empty(size * size, dtype=np.uint8)
    _board.colours(state, board)
    return board


def _without(position: Position, dead: Iterable[int]) -> NDArray[np.uint32]:
    """The board without the stones at some points; the position itself stays as it is."""
    removed = set(dead)
    if not removed:
        return position.state
    size = position.size
    board = _colours(position.state, size)
    for point in removed:
        index = coords.move_index(point, size)
        if point == coords.PASS or board[index] == EMPTY:
            raise ValueError(f"no stone to remove at {coords.format_vertex(point, size)}")
        board[index] = EMPTY
    state = np.empty_like(position.state)
    _board.init(state, size, 0)
    for index in np.flatnonzero(board).tolist():
        _board.set_stone(state, coords.point_of(index, size), int(board[index]))
    return state

"""Counting a finished game. Every score is Black's points minus White's.

The board is counted as Tromp and Taylor do: stones, and empty regions that reach one colour only. Whatever is dead has
to be captured first, or named in `dead`; `gozero.life.settle` estimates what is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gozero import _board, _scoring, _whole_board, coords
from gozero.amounts import score_text
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
    black, white = _whole_board.area(_without(position, dead))
    if position.rules.scoring == "territory":
        bonus = max(position.handicap - 1, 0)
    else:
        bonus = position.rules.bonus_for(position.handicap)
    return float(black - white - bonus) - position.komi


def territory_score(position: Position, dead: Iterable[int] = (), seki: Iterable[int] = ()) -> float:
    """Black's territory and prisoners minus White's and komi, by Japanese rules.

    Prisoners are the stones captured during play and the ones at the points `dead`. No territory are

    - dame: empty points that stones of both colours reach;
    - eyes of chains in seki, of which at least one stone each is named in `seki` (articles 8 and 9 of the Japanese
      rules of 1989); of the other chains that surround such an eye, no eye counts either;
    - points that their owner still has to fill. Players who stop before the dame are filled leave some: a chain that
      only such a point and dame keep from atari will have to be joined to the rest there. Where filling a dame
      would join it too, its owner is taken to get that dame.

    Raises:
        ValueError: there is no stone at one of the points `dead` or `seki`.
    """
    in_seki = np.zeros(coords.padded_points(position.size), np.uint8)
    in_seki[_stones_at(position, seki)] = 1
    state = _without(position, dead).copy()
    black_taken, white_taken = _prisoners(position, state)
    owners = np.empty(in_seki.shape, np.int8)
    _scoring.territory(state, in_seki, owners)
    return float(owners.sum(dtype=np.int64) + white_taken - black_taken) - position.komi


def final_score(position: Position, dead: Iterable[int] = (), seki: Iterable[int] = ()) -> float:
    """The score by the rules of the game, area or territory, without the stones at the points `dead`.

    `seki` is for territory rules (see `territory_score`); by area an eye is a point, in a seki too.

    Raises:
        ValueError: there is no stone at one of the points `dead` or `seki`.
    """
    if position.rules.scoring == "territory":
        return territory_score(position, dead, seki)
    return area_score(position, dead)


def format_result(score: float) -> str:
    """A score as GTP and SGF write results: "B+3.5", "W+0.5", or "0" for a draw."""
    if score == 0:
        return "0"
    return f"{'B' if score > 0 else 'W'}+{score_text(abs(score))}"


def _colours(state: NDArray[np.uint32], size: int) -> NDArray[np.uint8]:
    board = np.empty(size * size, dtype=np.uint8)
    _whole_board.colours(state, board)
    return board


def _prisoners(position: Position, state: NDArray[np.uint32]) -> tuple[int, int]:
    """Black's and White's stones that were captured in play or are not on `state` any more."""
    before = np.bincount(position.colours().ravel(), minlength=3)
    left = np.bincount(_colours(state, position.size), minlength=3)
    black, white = np.array(position.captured) + before[BLACK:] - left[BLACK:]
    return int(black), int(white)


def _stones_at(position: Position, points: Iterable[int]) -> list[int]:
    """The points, each once.

    Raises:
        ValueError: there is no stone at one of them.
    """
    board = position.colours().ravel()
    chosen = sorted(set(points))
    for point in chosen:
        if point == coords.PASS or board[coords.move_index(point, position.size)] == EMPTY:
            raise ValueError(f"no stone at {coords.format_vertex(point, position.size)}")
    return chosen


def _without(position: Position, dead: Iterable[int]) -> NDArray[np.uint32]:
    """The board without the stones at some points; the position itself stays as it is."""
    removed = _stones_at(position, dead)
    if not removed:
        return position.state
    size = position.size
    board = position.colours().ravel()
    for point in removed:
        board[coords.move_index(point, size)] = EMPTY
    state = np.empty_like(position.state)
    _board.init(state, size, 0)
    for index in np.flatnonzero(board).tolist():
        _board.set_stone(state, coords.point_of(index, size), int(board[index]))
    return state

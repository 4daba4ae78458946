"""Our board decides which colourings of a small board are legal; John Tromp counted them (oeis.org/A094777)."""

import numpy as np
import pytest

from gozero import _board, _whole_board
from gozero.coords import padded_points
from gozero.geometry import board_points
from gozero.jit import kernel


@kernel
def count_legal(points, states, liberties):
    """Number of colourings in which every chain has a liberty; states[d] is the board with d points coloured."""
    last = len(points)
    colours = np.full(last, -1, np.int64)
    depth = 0
    legal = 0
    while depth >= 0:
        if depth == last:
            _whole_board.liberties_map(states[depth], liberties)
            alive = True
            for i in range(last):
                alive = alive and (colours[i] == _board.EMPTY or liberties[points[i]] > 0)
            legal += alive
            depth -= 1
            continue
        colours[depth] += 1
        if colours[depth] > _board.WHITE:
            colours[depth] = -1
            depth -= 1
            continue
        states[depth + 1] = states[depth]
        if colours[depth] != _board.EMPTY:
            _board.set_stone(states[depth + 1], points[depth], colours[depth])
        depth += 1
    return legal


@pytest.mark.parametrize(
    ("size", "legal"),
    [(1, 1), (2, 57), (3, 12675), pytest.param(4, 24318165, marks=pytest.mark.slow)],
)
def test_number_of_legal_positions(size: int, legal: int) -> None:
    points = board_points(size).astype(np.int64)
    states = np.zeros((size * size + 1, _board.state_length(size)), dtype=np.uint32)
    _board.init(states[0], size, 0)
    assert count_legal(points, states, np.empty(padded_points(size), dtype=np.int16)) == legal

"""The words of a board's state, recounted from its stones alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gozero import _board, _whole_board
from gozero.coords import point_at
from tests.reference_board import SlowBoard


def assert_words(state: NDArray[np.uint32]) -> None:
    """Neighbour counts, chains, pseudo-liberties and the list of empty points are what the stones say."""
    size = int(state[_board.SIZE])
    stride = size + 1
    colours = np.empty(size * size, dtype=np.uint8)
    _whole_board.colours(state, colours)
    board = SlowBoard.of(colours.reshape(size, size))

    def word(name: int, point: int) -> int:
        return int(state[name + point * _board.WORDS])

    empties = {point_at(*place, size) for place in board.empties()}
    assert {word(_board.EMPTY_AT, i) for i in range(int(state[_board.EMPTIES]))} == empties
    assert len(empties) == state[_board.EMPTIES]
    assert all(word(_board.EMPTY_AT, word(_board.SLOT, point)) == point for point in empties)
    for place in board.places():
        point = point_at(*place, size)
        around = [word(_board.COLOUR, point + step) for step in (-stride, -1, 1, stride)]
        assert word(_board.BESIDE, point) == sum(1 << (8 * colour) for colour in around)
        assert word(_board.HEAD, point) in (0, 1) or place in board.stones
    for chain in board.chains():
        points = {point_at(*place, size) for place in chain}
        heads = {word(_board.HEAD, point) for point in points}
        assert len(heads) == 1
        head = heads.pop()
        assert head in points
        assert word(_board.STONES, head) == len(points)
        ring = [head]
        while (following := word(_board.NEXT, ring[-1])) != head:
            ring.append(following)
        assert sorted(ring) == sorted(points)
        pairs = [point_at(*beside, size) for place in chain for beside in board.beside(place)]
        pairs = [point for point in pairs if point in empties]
        assert word(_board.LIBERTIES, head) == sum(int(_board.LIBERTY) + point for point in pairs)
        assert _board.pseudo_liberties(state, head) == len(pairs)
        liberties = set(pairs)
        assert _board.last_liberty(state, head) == (liberties.pop() if len(liberties) == 1 else 0)

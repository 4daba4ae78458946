"""Kernels of `gozero.record`: replaying a whole game to see whether every move is legal."""

import numpy as np
from numpy.typing import NDArray

from gozero import _board, _legality
from gozero.jit import kernel

LEGAL = 0
OCCUPIED = 1
KO = 2
SUICIDE = 3
NO_LIBERTY = 4
OFF_BOARD = 5


@kernel
def replay(
    state: NDArray[np.uint32], size: int, suicide: bool, codes: NDArray[np.uint16], setup: int
) -> tuple[int, int]:
    """Sets up `codes[:setup]`, plays the rest; returns (fault, place of the code at fault), or (LEGAL, -1).

    `codes` are uint16 as in `record.GameRecord`. The rules are those of `_legality.is_legal`: occupation, simple ko,
    suicide. After a legal game `state` holds the last position; a set-up chain without liberties is a fault too.
    """
    _board.init(state, size, suicide)
    for i in range(setup):
        index = codes[i] & 0x7FFF
        if index >= size * size:
            return OFF_BOARD, i
        point = _point_of(index, size)
        if state[_board.COLOUR + point * _board.WORDS] != _board.EMPTY:
            return OCCUPIED, i
        _board.set_stone(state, point, 1 + (codes[i] >> 15))
    dead = _chain_without_liberties(state, size, codes, setup)
    if dead >= 0:
        return NO_LIBERTY, dead
    for i in range(setup, codes.size):
        index = codes[i] & 0x7FFF
        if index > size * size:
            return OFF_BOARD, i
        point = _point_of(index, size) if index < size * size else _board.PASS
        colour = 1 + (codes[i] >> 15)
        if not _legality.is_legal(state, point, colour):
            if state[_board.COLOUR + point * _board.WORDS] != _board.EMPTY:
                return OCCUPIED, i
            if point == state[_board.KO] and colour == state[_board.KO_COLOUR]:
                return KO, i
            return SUICIDE, i
        _board.play(state, np.uint32(point), colour)
    return LEGAL, -1


@kernel
def _point_of(index: int, size: int) -> int:
    """The point of a move index below size * size."""
    return (index // size + 1) * (size + 1) + index % size + 1


@kernel
def _chain_without_liberties(state: NDArray[np.uint32], size: int, codes: NDArray[np.uint16], setup: int) -> int:
    for i in range(setup):
        point = _point_of(codes[i] & 0x7FFF, size)
        head = state[_board.HEAD + point * _board.WORDS]
        if state[_board.LIBERTIES + head * _board.WORDS] == 0:
            return i
    return -1

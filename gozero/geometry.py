"""Tables of a board size: which points there are and how the eight symmetries move them."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from gozero import coords

SYMMETRIES = 8


@cache
def board_points(size: int) -> NDArray[np.int32]:
    """All points of the board in row-major order (the order of move indices): int32[size * size], read-only."""
    rows, columns = np.divmod(np.arange(size * size), size)
    points = ((rows + 1) * coords.stride(size) + columns + 1).astype(np.int32)
    points.setflags(write=False)
    return points


@cache
def symmetry_table(size: int) -> NDArray[np.int32]:
    """Where each symmetry sends each move index: int32[8, size * size + 1], read-only.

    `table[s, i]` is the index, on the transformed board, of what stands at index i; a pass stays a pass. Bit 0 of s
    mirrors left and right, bit 1 top and bottom, bit 2 then swaps rows and columns. s = 0 changes nothing.
    """
    rows, columns = np.divmod(np.arange(size * size), size)
    table = np.full((SYMMETRIES, size * size + 1), size * size, dtype=np.int32)
    for symmetry in range(SYMMETRIES):
        row, column = rows, columns
        if symmetry & 1:
            column = size - 1 - column
        if symmetry & 2:
            row = size - 1 - row
        if symmetry & 4:
            row, column = column, row
        table[symmetry, :-1] = row * size + column
    table.setflags(write=False)
    return table


def inverse_symmetry(symmetry: int) -> int:
    """The symmetry that undoes `symmetry`: only the two quarter turns are not their own inverse."""
    return {5: 6, 6: 5}.get(symmetry, symmetry)

"""Local patterns: the 3x3 neighbourhood of an empty point and the 12-point diamond around any point, as integers.

A pattern shows a point as one of eight *sights*: empty (0), off the board (4), or a stone whose chain has 1, 2, or 3
and more liberties (1 to 3 for Black, 5 to 7 for White). These are the patterns of AlphaGo's rollout policy: "the colour
(black, white, empty) and liberty count (1, 2, >= 3)" (Nature 2016, Methods and Extended Data Table 4).

- A 3x3 code, 20 bits: the sights of the four neighbours at bits 0, 3, 6, 9 (above, left, right, below), then the
  colours alone of the diagonals at bits 12, 14, 16, 18 (above left, above right, below left, below right). Whether a
  move there is suicide, and whether it fills an own eye, can be read off it.
- A diamond code, 36 bits: the sights of the twelve points at most two steps away, three bits each: the neighbours, the
  diagonals, then two steps above, left, right, below.
"""

import numpy as np

from gozero._board import (
    COLOUR,
    HEAD,
    STRIDE,
    WHITE,
    WORDS,
)
from gozero.jit import lean_kernel

OFF_BOARD = 4
"""The sight of a point off the board."""
OCCUPIED = 1 << 20
"""Stands where the 3x3 code of an empty point would; codes are below it."""
DIAMOND = 12
"""Points of a diamond."""

# Words of a point in `gozero._tracking.Tracked.cells`.
CODE = 0  # the point's 3x3 code, or OCCUPIED
CLASS = 1  # on a chain's representative: its number of liberties, 3 for more; 0 on cells 0 and 1, see `sight`
FIRST = 2  # on a representative of class 1 or 2: its liberty ...
SECOND = 3  # ... and its second one where the class is 2
CELL = 4

_LOW_BITS = 0o111111111111  # the lowest bit of each of twelve sights
_ORTHOGONAL = 0xFFF  # the bits of the neighbours in a 3x3 code


def _symmetric_order(offsets):
    """int64[8, n]: where each symmetry (numbered as in gozero.geometry) sends each of n offsets (row, column)."""
    order = np.empty((8, len(offsets)), np.int64)
    for symmetry in range(8):
        for i, (row, column) in enumerate(offsets):
            if symmetry & 1:
                column = -column
            if symmetry & 2:
                row = -row
            order[symmetry, i] = offsets.index((column, row) if symmetry & 4 else (row, column))
    return order


_BESIDE = [(-1, 0), (0, -1), (0, 1), (1, 0)]
_DIAGONAL = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
_BESIDE_ORDER = _symmetric_order(_BESIDE)
_DIAGONAL_ORDER = _symmetric_order(_DIAGONAL)
DIAMOND_ORDER = _symmetric_order(_BESIDE + _DIAGONAL + [(-2, 0), (0, -2), (0, 2), (2, 0)])
"""int64[8, DIAMOND]: where each symmetry sends each place of a diamond."""


# --- 3x3 codes -------------------------------------------------------------------------------------------------------


@lean_kernel
def sight(state, cells, point):
    """The sight of any point of the padded board.

    Empty and border cells name cell 0 or 1 as their chain, whose class is 0, so no case needs to be told apart.
    """
    cell = np.uint32(point * WORDS)
    return np.uint32(cells[CLASS + state[HEAD + cell] * CELL] + ((state[COLOUR + cell] >> 1) << 2))


@lean_kernel
def code_at(state, cells, point):
    """The 3x3 code of an empty point."""
    stride = state[STRIDE]
    up = np.uint32(point - stride)
    down = np.uint32(point + stride)
    return np.uint32(
        sight(state, cells, up)
        | (sight(state, cells, np.uint32(point - 1)) << 3)
        | (sight(state, cells, np.uint32(point + 1)) << 6)
        | (sight(state, cells, down) << 9)
        | (state[COLOUR + np.uint32(up - 1) * WORDS] << 12)
        | (state[COLOUR + np.uint32(up + 1) * WORDS] << 14)
        | (state[COLOUR + np.uint32(down - 1) * WORDS] << 16)
        | (state[COLOUR + np.uint32(down + 1) * WORDS] << 18)
    )


@lean_kernel
def seen_by(code, colour):
    """A 3x3 code in the view of `colour`: unchanged for Black, the colours exchanged for White."""
    if colour != WHITE:
        return np.uint32(code)
    beside = code & _ORTHOGONAL
    stones = (beside | (beside >> 1)) & 0o1111
    diagonals = code >> 12
    one_bit = (diagonals ^ (diagonals >> 1)) & 0x55
    return np.uint32((beside ^ (stones << 2)) | ((diagonals ^ (one_bit * 3)) << 12))


@lean_kernel
def turned(code, symmetry):
    """A 3x3 code as it looks on the board turned by a symmetry of gozero.geometry."""
    out = 0
    for i in range(4):
        out |= ((np.int64(code) >> (3 * i)) & 7) << (3 * _BESIDE_ORDER[symmetry, i])
        out |= ((np.int64(code) >> (12 + 2 * i)) & 3) << (12 + 2 * _DIAGONAL_ORDER[symmetry, i])
    return np.uint32(out)


@lean_kernel
def canonical(code):
    """The smallest of the eight codes that a 3x3 code turns into."""
    least = np.uint32(code)
    for symmetry in range(1, 8):
        least = min(least, turned(code, symmetry))
    return least


@lean_kernel
def is_sensible(code):
    """Whether Black may play at a point with this code and fills no own eye: what `is_legal` (without ko, and without
    suicide of several stones) and `is_eye` of gozero._legality say of the point."""
    has_liberty = False
    closed = True
    for i in range(4):
        beside = (np.int64(code) >> (3 * i)) & 7
        if beside == 0 or beside == 2 or beside == 3 or beside == 5:
            has_liberty = True
        if beside == 0 or beside > OFF_BOARD:
            closed = False
    if not has_liberty:
        return False
    if not closed:
        return True
    enemies = 0
    borders = 0
    for i in range(4):
        colour = (np.int64(code) >> (12 + 2 * i)) & 3
        enemies += colour == WHITE
        borders |= colour == 3
    return enemies + borders >= 2


# --- diamonds --------------------------------------------------------------------------------------------------------


@lean_kernel
def diamond_points(state, point, points):
    """Fills points, uint32[DIAMOND], with the diamond's points in order; what is off the board becomes point 0."""
    stride = state[STRIDE]
    up = np.uint32(point - stride)
    left = np.uint32(point - 1)
    right = np.uint32(point + 1)
    down = np.uint32(point + stride)
    points[0] = up
    points[1] = left
    points[2] = right
    points[3] = down
    points[4] = up - 1
    points[5] = up + 1
    points[6] = down - 1
    points[7] = down + 1
    # Two steps away a row ends in the next one, or outside the array; so look at the step between.
    points[8] = 0 if state[COLOUR + up * WORDS] == 3 else up - stride
    points[9] = 0 if state[COLOUR + left * WORDS] == 3 else left - 1
    points[10] = 0 if state[COLOUR + right * WORDS] == 3 else right + 1
    points[11] = 0 if state[COLOUR + down * WORDS] == 3 else down + stride


@lean_kernel
def diamond(state, cells, points, colour):
    """The diamond code, uint64, of the points that `diamond_points` gave, in the view of `colour`."""
    code = np.int64(0)
    for i in range(DIAMOND):
        code |= np.int64(sight(state, cells, points[i])) << (3 * i)
    if colour == WHITE:
        code ^= ((code | (code >> 1)) & _LOW_BITS) << 2
    return np.uint64(code)


@lean_kernel
def turned_diamond(code, symmetry):
    """A diamond code, uint64, as it looks on the board turned by a symmetry."""
    out = np.int64(0)
    for i in range(DIAMOND):
        out |= ((np.int64(code) >> (3 * i)) & 7) << (3 * DIAMOND_ORDER[symmetry, i])
    return np.uint64(out)

"""Local patterns: the 3x3 neighbourhood of an empty point and the 12-point diamond around any point, as integers.

A pattern shows a point as one of eight *sights*: empty (0), off the board (4), or a stone whose chain has 1, 2, or 3
and more liberties (1 to 3 for Black, 5 to 7 for White). These are the patterns of AlphaGo's rollout policy: "the colour
(black, white, empty) and liberty count (1, 2, >= 3)" (Nature 2016, Methods and Extended Data Table 4).

- A 3x3 code, 20 bits: the sights of the four neighbours at bits 0, 3, 6, 9 (above, left, right, below), then the
  colours alone of the diagonals at bits 12, 14, 16, 18 (above left, above right, below left, below right). Whether a
  move there is suicide, and whether it fills an own eye, can be read off it.
- A diamond code, 36 bits: the sights of the twelve points at most two steps away, three bits each: the neighbours, the
  diagonals, then two steps above, left, right, below.

`Tracked` holds the 3x3 codes of all empty points, and the liberties of weak chains, while moves are played. Only
neighbours show liberties, so a chain whose class changes (from 2 to 3 or more, say) changes the patterns at its own
liberties and nowhere else, and a chain on the lower side of such a change has two liberties at most. A move therefore
touches its eight neighbours, the points around stones that it captures, and a few liberties; nothing is approximated.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero._board import (
    COLOUR,
    EMPTIES,
    EMPTY,
    EMPTY_AT,
    HEAD,
    NEXT,
    PASS,
    SIZE,
    STONES,
    STRIDE,
    WHITE,
    WORDS,
    last_liberty,
    neighbour,
    play,
    pseudo_liberties,
)
from gozero.jit import lean_kernel

OFF_BOARD = 4
"""The sight of a point off the board."""
OCCUPIED = 1 << 20
"""Stands where the 3x3 code of an empty point would; codes are below it."""
DIAMOND = 12
"""Points of a diamond."""

# Words of a point in Tracked.cells.
CODE = 0  # the point's 3x3 code, or OCCUPIED
CLASS = 1  # on a chain's representative: its number of liberties, 3 for more; 0 on cells 0 and 1, see `sight`
FIRST = 2  # on a representative of class 1 or 2: its liberty ...
SECOND = 3  # ... and its second one where the class is 2
CELL = 4

_MANY = 8
"""A chain of two liberties has at most so many pseudo-liberties, four for each."""
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


class Tracked(NamedTuple):
    """The patterns of a board with P padded points, and what the last move changed."""

    cells: NDArray[np.uint32]  # [CELL * P]
    changed: NDArray[np.uint32]  # [10 * P] the points whose code changed, some more than once
    taken: NDArray[np.uint32]  # [P] the points of the stones that were captured
    waiting: NDArray[np.uint32]  # [9 * P + 64] scratch


def tracked(size: int) -> Tracked:
    """Room for the patterns of a size x size board; `track` fills it."""
    points = (size + 1) * (size + 2) + 1
    return Tracked(
        np.zeros(CELL * points, np.uint32),
        np.zeros(10 * points, np.uint32),
        np.zeros(points, np.uint32),
        np.zeros(9 * points + 64, np.uint32),
    )


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
    suicide of several stones) and `is_eye` of gozero._board say of the point."""
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


# --- upkeep ----------------------------------------------------------------------------------------------------------


@lean_kernel
def _classify(state, cells, head):
    """Counts a chain's liberties up to three and notes them on its representative; returns the class."""
    cell = np.uint32(head * CELL)
    if pseudo_liberties(state, head) > _MANY:
        cells[CLASS + cell] = 3
        return 3
    liberty = last_liberty(state, head)
    if liberty != 0:
        cells[CLASS + cell] = 1
        cells[FIRST + cell] = liberty
        return 1
    first = np.uint32(0)
    second = np.uint32(0)
    stone = np.uint32(head)
    while True:
        for direction in range(4):
            beside = neighbour(state, stone, direction)
            if state[COLOUR + beside * WORDS] == EMPTY and beside != first and beside != second:
                if first == 0:
                    first = beside
                elif second == 0:
                    second = beside
                else:
                    cells[CLASS + cell] = 3
                    return 3
        stone = state[NEXT + stone * WORDS]
        if stone == head:
            break
    cells[CLASS + cell] = 2
    cells[FIRST + cell] = first
    cells[SECOND + cell] = second
    return 2


@lean_kernel
def track(state, cells):
    """Works out all patterns of a board as it stands. cells: `Tracked.cells`."""
    size = np.int64(state[SIZE])
    cells[:] = 0
    for point in range(cells.shape[0] // CELL):
        cells[CODE + point * CELL] = OCCUPIED
    for row in range(1, size + 1):
        for column in range(1, size + 1):
            point = np.uint32(row * (size + 1) + column)
            if state[COLOUR + point * WORDS] != EMPTY and state[HEAD + point * WORDS] == point:
                _classify(state, cells, point)
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        cells[CODE + point * CELL] = code_at(state, cells, point)


@lean_kernel
def _show(cells, changed, count, viewer, shift, mask, shown):
    """Lets the empty point `viewer` see something else in one place of its 3x3 code; returns the new count."""
    cell = np.uint32(CODE + viewer * CELL)
    code = cells[cell]
    if code != OCCUPIED:
        cells[cell] = (code & ~np.uint32(mask << shift)) | np.uint32(shown << shift)
        changed[count] = viewer
        count += 1
    return count


@lean_kernel
def _show_around(cells, changed, count, point, stride, seen, colour):
    """Shows the eight neighbours what stands at `point`: its sight to the four beside it, its colour to the others."""
    up = np.uint32(point - stride)
    down = np.uint32(point + stride)
    count = _show(cells, changed, count, up, 9, 7, seen)
    count = _show(cells, changed, count, np.uint32(point - 1), 6, 7, seen)
    count = _show(cells, changed, count, np.uint32(point + 1), 3, 7, seen)
    count = _show(cells, changed, count, down, 0, 7, seen)
    count = _show(cells, changed, count, np.uint32(up - 1), 18, 3, colour)
    count = _show(cells, changed, count, np.uint32(up + 1), 16, 3, colour)
    count = _show(cells, changed, count, np.uint32(down - 1), 14, 3, colour)
    return _show(cells, changed, count, np.uint32(down + 1), 12, 3, colour)


@lean_kernel
def _list_prey(state, cells, taken, point, enemy):
    """Lists the stones that a move at `point` captures; their chains get class 0. Returns how many there are."""
    count = 0
    for direction in range(4):
        beside = neighbour(state, point, direction)
        if state[COLOUR + beside * WORDS] == enemy:
            head = state[HEAD + beside * WORDS]
            if cells[CLASS + head * CELL] == 1:
                cells[CLASS + head * CELL] = 0
                stone = head
                while True:
                    taken[count] = stone
                    count += 1
                    stone = state[NEXT + stone * WORDS]
                    if stone == head:
                        break
    return count


@lean_kernel
def _reclassify(state, cells, taken, taken_count, waiting, count, point, colour):
    """After the move: brings the classes of all chains that it touched up to date, and adds to the `waiting` points
    those whose patterns show a class that changed. Returns their number, `count` with them."""
    head = state[HEAD + point * WORDS]
    if _classify(state, cells, head) < 3 and state[STONES + head * WORDS] > 1:
        waiting[count] = cells[FIRST + head * CELL]
        waiting[count + 1] = cells[SECOND + head * CELL]
        count += np.int64(cells[CLASS + head * CELL])
    for direction in range(4):
        beside = neighbour(state, point, direction)
        if state[COLOUR + beside * WORDS] == 3 - colour:
            enemy = state[HEAD + beside * WORDS]
            cell = np.uint32(enemy * CELL)
            if cells[CLASS + cell] == 2:
                # A chain met a second time has its new liberties, none of which is `point`.
                if cells[FIRST + cell] == point or cells[SECOND + cell] == point:
                    cells[FIRST + cell] += cells[SECOND + cell] - np.uint32(point)
                    cells[CLASS + cell] = 1
                    waiting[count] = cells[FIRST + cell]
                    count += 1
            elif cells[CLASS + cell] == 3 and _classify(state, cells, enemy) == 2:
                waiting[count] = cells[FIRST + cell]
                waiting[count + 1] = cells[SECOND + cell]
                count += 2
    for i in range(taken_count):
        for direction in range(4):
            beside = neighbour(state, taken[i], direction)
            if state[COLOUR + beside * WORDS] == colour:
                own = state[HEAD + beside * WORDS]
                cell = np.uint32(own * CELL)
                if own != head and cells[CLASS + cell] < 3:
                    waiting[count] = cells[FIRST + cell]
                    waiting[count + 1] = cells[SECOND + cell]
                    count += np.int64(cells[CLASS + cell])
                    _classify(state, cells, own)
    return count


@lean_kernel
def play_tracked(state, cells, changed, taken, waiting, point, colour):
    """Plays a legal move like `gozero._board.play` and keeps the patterns; the arrays are those of `Tracked`.

    Returns how many points there are in `changed` (the move's own point among them) and in `taken`. After a suicide,
    which no rollout plays, everything is worked out anew and both lists are empty.
    """
    if point == PASS:
        play(state, np.uint32(PASS), colour)
        return 0, 0
    taken_count = _list_prey(state, cells, taken, point, 3 - colour)
    waiting_count = 0
    for direction in range(4):
        beside = neighbour(state, point, direction)
        if state[COLOUR + beside * WORDS] == colour:
            cell = np.uint32(state[HEAD + beside * WORDS] * CELL)
            if cells[CLASS + cell] == 2:  # whatever its chain becomes, this one's other liberty sees it
                waiting[waiting_count] = cells[FIRST + cell] + cells[SECOND + cell] - np.uint32(point)
                waiting_count += 1
    play(state, np.uint32(point), colour)
    if state[COLOUR + point * WORDS] == EMPTY:
        track(state, cells)
        return 0, 0
    waiting_count = _reclassify(state, cells, taken, taken_count, waiting, waiting_count, point, colour)
    stride = state[STRIDE]
    cells[CODE + point * CELL] = OCCUPIED
    changed[0] = point
    count = _show_around(cells, changed, 1, point, stride, sight(state, cells, point), colour)
    for i in range(taken_count):
        count = _show_around(cells, changed, count, taken[i], stride, 0, EMPTY)
        waiting[waiting_count] = taken[i]
        waiting_count += 1
    for i in range(waiting_count):
        beside = waiting[i]
        code = code_at(state, cells, beside)
        if code != cells[CODE + beside * CELL]:
            cells[CODE + beside * CELL] = code
            changed[count] = beside
            count += 1
    return count, taken_count

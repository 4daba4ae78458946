"""Local patterns kept up to date while moves are played.

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
    WORDS,
    last_liberty,
    neighbour,
    play,
    pseudo_liberties,
)
from gozero._patterns import CELL, CLASS, CODE, FIRST, OCCUPIED, SECOND, code_at, sight
from gozero.jit import lean_kernel

_MANY = 8
"""A chain of two liberties has at most so many pseudo-liberties, four for each."""


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

"""What a rollout sees near the last move: which points there, and why each of them may be worth more than its pattern.

The reasons are *slots*: save-atari, one for every kind of nakade, and twelve for each diamond pattern around the last
move, one for each of its points; row 0 of these belongs to all unknown patterns (AlphaGo 2016, Extended Data Table 4).
"""

import numpy as np

from gozero._board import BORDER, COLOUR, EMPTY, HEAD, LAST, PASS, STRIDE, TO_PLAY, WORDS, neighbour, pseudo_liberties
from gozero._ladders import begin_trial, chasers_in_atari, escapes_by
from gozero._legality import is_legal
from gozero._patterns import CELL, CLASS, CODE, DIAMOND, FIRST, OCCUPIED, SECOND, diamond, diamond_points
from gozero.jit import kernel, lean_kernel

NAKADE = 8192
"""Slots for nakade: a move inside the shape that captured stones left, as many as AlphaGo's."""
NAKADE_LEAST = 3
NAKADE_MOST = 6
"""The sizes of captured groups whose shapes count."""

MOST_LOCAL = 64
"""Room for the pairs that `list_local` finds: a diamond, four chains with their ways out, a nakade shape."""
_MOST_CHASERS = 8
UNSURE = 4
_SAFE = 12
"""A chain with more pseudo-liberties than these has four liberties or more."""

# Slots.
SAVE = 0
FIRST_NAKADE = 1
FIRST_ROW = FIRST_NAKADE + NAKADE  # row r of the diamonds has the slots from FIRST_ROW + 12 * r on

NO_KEY = np.uint64(0xFFFFFFFFFFFFFFFF)
"""Marks a free place of a pattern table."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_S17 = np.uint64(17)


@lean_kernel
def find(keys, code):
    """The place of a diamond code in a table of keys, uint64[power of two] with free places, or of the free place
    where it belongs (open addressing; Knuth's multiplicative hash)."""
    mask = np.uint64(keys.shape[0] - 1)
    place = ((code * _SPREAD) >> _S17) & mask
    while keys[place] != code and keys[place] != NO_KEY:
        place = (place + np.uint64(1)) & mask
    return np.int64(place)


@lean_kernel
def row_of(keys, rows, code):
    """The row of a diamond code, 0 where it is unknown. rows: int32, as long as `keys`."""
    place = find(keys, code)
    return np.int64(rows[place]) if keys[place] == code else 0


@lean_kernel
def nakade_slot(shape, count, move, stride):
    """Which of the `NAKADE` slots is a move at shape[move]; shape: uint32[count], the points that stones were taken
    from. The same under the eight symmetries: the smallest of eight hashes of the offsets from the move."""
    least = np.int64(1) << 62
    for symmetry in range(8):
        total = np.int64(0)
        for i in range(count):
            # Rows and columns from the padded index; offsets of a few points only.
            row = np.int64(shape[i]) // stride - np.int64(shape[move]) // stride
            column = np.int64(shape[i]) % stride - np.int64(shape[move]) % stride
            if symmetry & 1:
                column = -column
            if symmetry & 2:
                row = -row
            if symmetry & 4:
                row, column = column, row
            offset = (row + 32) * 64 + column + 32
            mixed = (offset * 2654435761) & 0xFFFFFFFF
            mixed ^= mixed >> 15
            total += (mixed * 2246822519) & 0xFFFFFFFF
        least = min(least, total)
    return (least ^ (least >> 13)) % NAKADE


@lean_kernel
def list_diamond(state, cells, keys, rows, around, points, slots):
    """Lists the empty points of the diamond around the last move with their slots; returns how many there are.

    The pattern is in the view of the player to move. around: uint32[DIAMOND], scratch.
    """
    last = np.uint32(state[LAST])
    if last == PASS:
        return 0
    diamond_points(state, last, around)
    row = row_of(keys, rows, diamond(state, cells, around, np.int64(state[TO_PLAY])))
    count = 0
    for i in range(DIAMOND):
        if cells[CODE + around[i] * CELL] != OCCUPIED:
            points[count] = around[i]
            slots[count] = FIRST_ROW + row * DIAMOND + i
            count += 1
    return count


@lean_kernel
def chain_in_atari(state, cells, direction):
    """The representative of the chain of the player to move beside the last move, there, that is in atari; else 0."""
    last = np.uint32(state[LAST])
    if last == PASS:
        return np.uint32(0)
    beside = neighbour(state, last, direction)
    if state[COLOUR + beside * WORDS] != state[TO_PLAY]:
        return np.uint32(0)
    head = state[HEAD + beside * WORDS]
    return head if cells[CLASS + head * CELL] == 1 else np.uint32(0)


@lean_kernel
def liberties_after(state, cells, point, colour):
    """How many liberties its chain has after a legal move: 0, 1, 2, or 3 for more.

    UNSURE where that is not seen at once: the move takes stones, or joins a chain that leaves it two or more.
    """
    first = np.uint32(0)
    second = np.uint32(0)
    count = 0
    unsure = False
    for direction in range(4):
        beside = neighbour(state, point, direction)
        beside_colour = state[COLOUR + beside * WORDS]
        liberty = beside
        if beside_colour == BORDER:
            continue
        if beside_colour != EMPTY:
            head = state[HEAD + beside * WORDS]
            liberties = cells[CLASS + head * CELL]
            if beside_colour != colour:
                if liberties == 1:
                    return UNSURE
                continue
            if liberties == 1:
                continue
            if liberties == 3:
                if pseudo_liberties(state, head) > _SAFE:
                    return 3
                unsure = True
                continue
            liberty = np.uint32(cells[FIRST + head * CELL] + cells[SECOND + head * CELL] - np.uint32(point))
        if liberty != first and liberty != second:
            if count == 2:
                return 3
            if count == 1:
                second = liberty
            else:
                first = liberty
            count += 1
    return UNSURE if unsure else count


@kernel
def list_saves(state, cells, boards, points, slots, count):
    """Adds the moves that save a chain which the last move put in atari to the list; returns the new count.

    They are the chain's liberty, if it escapes there as far as a ladder reader can tell, and the liberties of the
    chasers that can be taken. boards: scratch of `gozero._ladders`.
    """
    colour = np.int64(state[TO_PLAY])
    first = count
    ready = False
    chasers = np.empty(_MOST_CHASERS, np.uint32)
    for direction in range(4):
        head = chain_in_atari(state, cells, direction)
        if head == 0:
            continue
        liberty = np.uint32(cells[FIRST + head * CELL])
        found = chasers_in_atari(state, head, chasers)
        for i in range(-1, found):
            move = liberty if i < 0 else chasers[i]
            if i >= 0:
                saves = is_legal(state, move, colour)
            else:
                after = liberties_after(state, cells, move, colour)
                saves = after == 3
                if after == 2 or after == UNSURE:
                    if not ready:
                        begin_trial(state, boards)
                        ready = True
                    saves = escapes_by(boards, np.uint32(head), move)
            for j in range(first, count):
                saves &= points[j] != move
            if saves and count < MOST_LOCAL - NAKADE_MOST:
                points[count] = move
                slots[count] = SAVE
                count += 1
    return count


@lean_kernel
def list_nakade(state, taken, taken_count, points, slots, count):
    """Adds the points that the last move took 3 to 6 stones from to the list; returns the new count."""
    if NAKADE_LEAST <= taken_count <= NAKADE_MOST:
        for i in range(taken_count):
            points[count] = taken[i]
            slots[count] = FIRST_NAKADE + nakade_slot(taken, taken_count, i, np.int64(state[STRIDE]))
            count += 1
    return count


@kernel
def list_local(state, cells, keys, rows, taken, taken_count, boards, around, points, slots):
    """Lists the features near the last move as pairs of an empty point and a slot; returns how many there are.

    taken: uint32[taken_count ...], the stones that the last move took. points, slots: int64[MOST_LOCAL].
    """
    count = list_diamond(state, cells, keys, rows, around, points, slots)
    atari = False
    for direction in range(4):
        atari |= chain_in_atari(state, cells, direction) != 0
    if atari:
        count = list_saves(state, cells, boards, points, slots, count)
    return list_nakade(state, taken, taken_count, points, slots, count)

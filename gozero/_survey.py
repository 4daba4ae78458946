"""What stands on the board, and what every move would do, for kernels that ask about all points at once.

The board itself knows at once whether a chain is in atari, and no more about its liberties. A survey adds the exact
count of every chain's liberties and a list of the first few, in one uint16 buffer (every array that a kernel is given
costs time at each call): a row of words for every chain, at its representative, and some words for every point.
"""

import numpy as np

from gozero._board import BESIDE, COLOUR, EMPTIES, EMPTY_AT, NEXT, SIZE, STONES, WORDS, around, heads_around
from gozero.jit import inlined_kernel, lean_kernel

_CELLS = 704  # a padded 25x25 board has 703

# Words of the row of the chain with representative h, which begins at h * ROW. Rows 0 and 1 are those of border and
# empty points, as the board names them; what is written there is never read.
ROW = 16
KIND = 0  # what the chain is to the player to move
_MET = 1  # the last move that has met the chain
CHAIN_LIBERTIES = 2
CHAIN_LIST = 3
LISTED = 8
"""How many liberties of a chain are listed; the word after them takes those that are not."""

# A word for every padded point:
_MARKS = ROW * _CELLS  # the last move that has looked at it
TAKES = _MARKS + _CELLS  # stones that a move here takes
LEAVES = TAKES + _CELLS  # liberties that it leaves its chain
# Behind them, a list:
CHAINS = LEAVES + _CELLS  # the representatives of all chains
SURVEY = CHAINS + _CELLS
"""Words of a survey."""

# Kinds.
OWN = 1
ENEMY = 2
PREY = 4  # an enemy chain in atari

_STONES_BESIDE = np.uint32(0xFFFF00)
_EMPTIES_BESIDE = np.uint32(0xFF)


@inlined_kernel
def _list_liberty(notes, head, point, chains):
    """Adds a liberty to a chain, and to the list of chains a chain without one; returns where the list ends."""
    row = np.uint32(head * ROW)
    liberties = np.uint32(notes[row + CHAIN_LIBERTIES])
    notes[row + CHAIN_LIBERTIES] = liberties + 1
    notes[row + CHAIN_LIST + min(liberties, np.uint32(LISTED))] = point
    notes[chains] = head
    return np.uint32(chains + np.uint32(liberties == 0))


@lean_kernel
def survey(state, colour, notes):
    """Fills notes, uint16[SURVEY], for `colour` to move; returns how many chains there are."""
    size = np.int64(state[SIZE])
    cells = (size + 1) * (size + 2) + 1
    notes[: ROW * cells] = 0
    notes[_MARKS : _MARKS + cells] = 0
    notes[CHAIN_LIBERTIES] = 1  # so that no list of chains names the border
    notes[ROW + CHAIN_LIBERTIES] = 1
    end = np.uint32(CHAINS)
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + np.uint32(i) * WORDS]
        if state[BESIDE + point * WORDS] & _STONES_BESIDE:
            a, b, c, d = heads_around(state, point)
            end = _list_liberty(notes, a, point, end)
            end = _list_liberty(notes, b if b != a else np.uint32(0), point, end)
            end = _list_liberty(notes, c if (c != a) & (c != b) else np.uint32(0), point, end)
            end = _list_liberty(notes, d if (d != a) & (d != b) & (d != c) else np.uint32(0), point, end)
    for i in range(np.uint32(CHAINS), end):
        head = np.uint32(notes[np.uint32(i)])
        row = np.uint32(head * ROW)
        if state[COLOUR + head * WORDS] == colour:
            notes[row + KIND] = OWN
        else:
            notes[row + KIND] = ENEMY | PREY if notes[row + CHAIN_LIBERTIES] == 1 else ENEMY
    return np.int64(end - CHAINS)


@inlined_kernel
def _join(notes, head, point, cap):
    """Liberties that a move gains by joining a chain, `cap` or more where the chain has more than that."""
    row = np.uint32(head * ROW)
    if notes[row + KIND] != OWN or notes[row + _MET] == point:
        return np.int64(0)
    notes[row + _MET] = point
    listed = np.int64(notes[row + CHAIN_LIBERTIES])
    if listed > cap:
        return np.int64(cap)
    gained = np.int64(0)
    for i in range(listed):
        liberty = np.uint32(notes[row + np.uint32(CHAIN_LIST + i)])
        gained += notes[_MARKS + liberty] != point
        notes[_MARKS + liberty] = point
    return gained


@inlined_kernel
def _is_joined(notes, head, point):
    row = np.uint32(head * ROW)
    return (notes[row + KIND] == OWN) & (notes[row + _MET] == point)


@lean_kernel
def _take(state, notes, head, point):
    """Stones that a move takes with a chain, and how many of them stand beside its own, each to leave it a liberty.

    The chains that the move joins have been met by it.
    """
    row = np.uint32(head * ROW)
    if not notes[row + KIND] & PREY or notes[row + _MET] == point:
        return 0, 0
    notes[row + _MET] = point
    beside_own = 0
    stone = head
    while True:
        above, left, right, below = around(state, stone)
        a, b, c, d = heads_around(state, stone)
        beside_own += (
            (above == point)
            | (left == point)
            | (right == point)
            | (below == point)
            | _is_joined(notes, a, point)
            | _is_joined(notes, b, point)
            | _is_joined(notes, c, point)
            | _is_joined(notes, d, point)
        )
        stone = state[NEXT + stone * WORDS]
        if stone == head:
            return np.int64(state[STONES + head * WORDS]), beside_own


@inlined_kernel
def _kind(notes, head):
    return notes[np.uint32(head * ROW + KIND)]


@lean_kernel
def weigh_moves(state, cap, notes):
    """Works out what a move on every empty point would do: stones it takes, and liberties that its chain has then.

    They are written at notes[TAKES + point] and notes[LEAVES + point]. Liberties are counted up to `cap`, from 4 to
    LISTED; a move with none is suicide. Ko is left aside. notes: a fresh `survey` for the player who moves.
    """
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + np.uint32(i) * WORDS]
        liberties = np.int64(state[BESIDE + point * WORDS] & _EMPTIES_BESIDE)
        taken = 0
        a, b, c, d = heads_around(state, point)
        kinds = _kind(notes, a) | _kind(notes, b) | _kind(notes, c) | _kind(notes, d)
        if kinds & OWN:
            above, left, right, below = around(state, point)
            notes[_MARKS + point] = point
            notes[_MARKS + above] = point
            notes[_MARKS + left] = point
            notes[_MARKS + right] = point
            notes[_MARKS + below] = point
            liberties += _join(notes, a, point, cap)
            liberties += _join(notes, b, point, cap)
            liberties += _join(notes, c, point, cap)
            liberties += _join(notes, d, point, cap)
        if kinds & PREY:
            for head in (a, b, c, d):
                stones, beside_own = _take(state, notes, head, point)
                taken += stones
                liberties += beside_own
        notes[TAKES + point] = taken
        notes[LEAVES + point] = min(liberties, cap)


@lean_kernel
def stones_after(state, point, notes):
    """Stones of the chain that a move on an empty point makes."""
    a, b, c, d = heads_around(state, point)
    stones = np.int64(1)
    if _kind(notes, a) == OWN:
        stones += np.int64(state[STONES + a * WORDS])
    if _kind(notes, b) == OWN and b != a:
        stones += np.int64(state[STONES + b * WORDS])
    if _kind(notes, c) == OWN and c != b and c != a:
        stones += np.int64(state[STONES + c * WORDS])
    if _kind(notes, d) == OWN and d != c and d != b and d != a:
        stones += np.int64(state[STONES + d * WORDS])
    return stones

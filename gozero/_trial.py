"""Moves that are tried and taken back, for reading ahead without copying the board for every move.

A trial board is a copy of a board's state with room behind it (every array that a kernel is given costs time at each
call). These kernels keep its stones, chains, pseudo-liberties and ko, and leave the rest of the header (hash, empty
points, prisoners, turn) as it was: reading needs none of it. How to take a move back is noted in a frame in that room:
two rings of stones are joined and parted by the same swap of links, and a chain that was taken still lies in its cells.
"""

import numpy as np

from gozero._board import (
    BESIDE,
    COLOUR,
    EMPTY,
    HEAD,
    KO,
    KO_COLOUR,
    LIBERTIES,
    LIBERTY,
    NEXT,
    STONES,
    WORDS,
    around,
    liberty_at,
    merge,
    neighbour,
    pseudo_liberties,
    tell_neighbours,
)
from gozero.jit import inlined_kernel, lean_kernel

# Words of a frame.
_POINT = 0
_KO = 1
_KO_COLOUR = 2
_HEAD = 3  # words of the cell under the stone ...
_NEXT = 4
_LIBERTIES = 5
_STONES = 6
_JOINED = 7  # how many times two chains were joined ...
_TAKEN = 8  # ... and how many were taken
_JOINS = 9  # pairs of representatives: the one that stayed, the one that gave way
_PRISONERS = 17  # representatives
FRAME = 21

_ONE = np.uint32(1)


@inlined_kernel
def _put(board, point, colour, head):
    """Puts a stone of the chain `head` on an empty point, as far as its neighbours and their chains are told."""
    board[COLOUR + point * WORDS] = colour
    board[HEAD + point * WORDS] = head
    change = np.uint32((_ONE << np.uint32(8 * colour)) - _ONE)
    tell_neighbours(board, point, change, np.uint32(0) - np.uint32(LIBERTY + point))


@inlined_kernel
def _lift(board, point, colour, head):
    """Takes a stone off; `head` is what an empty point has for a chain."""
    board[COLOUR + point * WORDS] = EMPTY
    board[HEAD + point * WORDS] = head
    change = np.uint32(_ONE - (_ONE << np.uint32(8 * colour)))
    tell_neighbours(board, point, change, np.uint32(LIBERTY + point))


@lean_kernel
def try_move(board, point, colour, frame):
    """Plays a legal move that is no suicide and notes in the frame, FRAME words from `frame` on, what it changed."""
    point = np.uint32(point)
    own = np.uint32(colour)
    enemy = np.uint32(3 - colour)
    cell = np.uint32(point * WORDS)
    frame = np.uint32(frame)
    board[frame + _POINT] = point
    board[frame + _KO] = board[KO]
    board[frame + _KO_COLOUR] = board[KO_COLOUR]
    board[frame + _HEAD] = board[HEAD + cell]
    board[frame + _NEXT] = board[NEXT + cell]
    board[frame + _LIBERTIES] = board[LIBERTIES + cell]
    board[frame + _STONES] = board[STONES + cell]
    _put(board, point, own, point)
    above, left, right, below = around(board, point)
    board[NEXT + cell] = point
    board[STONES + cell] = 1
    board[LIBERTIES + cell] = np.uint32(
        liberty_at(board, above) + liberty_at(board, left) + liberty_at(board, right) + liberty_at(board, below)
    )
    head = point
    joins = np.uint32(frame + _JOINS)
    prisoners = np.uint32(frame + _PRISONERS)
    ko = np.uint32(0)
    if (board[BESIDE + cell] >> np.uint32(8 * own)) & np.uint32(255):
        for direction in range(4):
            beside = neighbour(board, point, direction)
            other = board[HEAD + beside * WORDS]
            if board[COLOUR + beside * WORDS] == own and other != head:
                both = np.uint32(head ^ other)
                head = np.uint32(merge(board, head, other))
                board[joins] = head
                board[joins + _ONE] = both ^ head
                joins += np.uint32(2)
    for direction in range(4):
        beside = neighbour(board, point, direction)
        other = board[HEAD + beside * WORDS]
        if board[COLOUR + beside * WORDS] == enemy and board[LIBERTIES + other * WORDS] == 0:
            board[prisoners] = other
            prisoners += _ONE
            if board[STONES + other * WORDS] == 1:
                ko = beside
            stone = other
            while True:
                _lift(board, stone, enemy, _ONE)
                stone = board[NEXT + stone * WORDS]
                if stone == other:
                    break
    taken = np.uint32(prisoners - frame - np.uint32(_PRISONERS))
    board[frame + _JOINED] = np.uint32(joins - frame - np.uint32(_JOINS)) // np.uint32(2)
    board[frame + _TAKEN] = taken
    is_ko = (taken == 1) & (board[STONES + head * WORDS] == 1) and pseudo_liberties(board, head) == 1
    board[KO] = ko if is_ko else np.uint32(0)
    board[KO_COLOUR] = enemy


@lean_kernel
def take_back(board, frame):
    """Undoes the last `try_move` that has not been undone, by its frame."""
    frame = np.uint32(frame)
    point = board[frame + _POINT]
    cell = np.uint32(point * WORDS)
    own = board[COLOUR + cell]
    enemy = np.uint32(3 - own)
    for i in range(board[frame + _TAKEN]):
        head = board[frame + np.uint32(_PRISONERS + i)]
        stone = head
        while True:
            _put(board, stone, enemy, head)
            stone = board[NEXT + stone * WORDS]
            if stone == head:
                break
        board[LIBERTIES + head * WORDS] = 0  # its own stones were told of each other; it was taken for having none
    join = np.uint32(frame + _JOINS + np.uint32(2) * board[frame + _JOINED])
    for _ in range(board[frame + _JOINED]):
        join -= np.uint32(2)
        _part(board, board[join], board[join + _ONE])
    _lift(board, point, own, board[frame + _HEAD])
    board[NEXT + cell] = board[frame + _NEXT]
    board[LIBERTIES + cell] = board[frame + _LIBERTIES]
    board[STONES + cell] = board[frame + _STONES]
    board[KO] = board[frame + _KO]
    board[KO_COLOUR] = board[frame + _KO_COLOUR]


@inlined_kernel
def _part(board, head, other):
    """Undoes the `merge` in which the chain `other` gave way to `head`."""
    to, source = np.uint32(head * WORDS), np.uint32(other * WORDS)
    board[STONES + to] -= board[STONES + source]
    board[LIBERTIES + to] -= board[LIBERTIES + source]
    board[NEXT + to], board[NEXT + source] = board[NEXT + source], board[NEXT + to]
    stone = other
    while True:
        board[HEAD + stone * WORDS] = other
        stone = board[NEXT + stone * WORDS]
        if stone == other:
            break

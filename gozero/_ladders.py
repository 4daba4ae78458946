"""Ladders: can a chain with two liberties be chased until it is taken?

The attacker plays on one of the two liberties; the defender answers on the last one or takes a chasing stone that is
in atari. The chain escapes with three liberties. Every line is read to its end, on a trial board (`gozero._trial`), but
for the few boards where that has none (`MAX_TRIES`).
"""

import numpy as np

from gozero._board import (
    COLOUR,
    EMPTY,
    HEAD,
    HEADER,
    NEXT,
    SIZE,
    SUICIDE,
    WORDS,
    in_atari,
    last_liberty,
    neighbour,
    state_length,
)
from gozero._legality import is_legal
from gozero._trial import FRAME, take_back, try_move
from gozero.jit import lean_kernel

MAX_DEPTH = 80
"""Attacking moves that are read ahead, more than a ladder across a 25x25 board takes; what lives on has escaped."""
MAX_TRIES = 4_000
"""Attacking moves that are looked at in all for one question, where lines branch; what lives on has escaped. Of 40,000
positions of games one wants over 1,000; there are boards on which two attacks with several answers want millions."""
MAX_CHASERS = 136
"""Moves that take a chaser of one chain; there is no room on a 25x25 board for so many with liberties of their own."""

# Words of a level: one attacking move and the answers to it.
_CHASE = 0  # frame of the attacking move
_ANSWER = FRAME  # frame of the answer
_FIRST = 2 * FRAME  # the two liberties that the attacker chooses from ...
_SECOND = _FIRST + 1
_CHOICE = _FIRST + 2  # ... and how many of them have been looked at
_COUNT = _FIRST + 3  # how many answers there are ...
_TRIED = _FIRST + 4  # ... and how many of them have been looked at
_ANSWERS = _FIRST + 5
_LEVEL = _ANSWERS + 1 + MAX_CHASERS
TRIAL_ROOM = (MAX_DEPTH + 2) * _LEVEL  # a level for a move before the first, and one to look behind the last
"""Words behind a board's state on which ladders are read."""


def trial_length(size: int) -> int:
    """Number of uint32 words of a board to read ladders on: a size x size board's state and working space."""
    return state_length(size) + TRIAL_ROOM


@lean_kernel
def begin_trial(state, board):
    """Makes board, uint32[trial_length], a copy of a board's state on which ladders can be read."""
    for i in range(state.shape[0]):  # three times as fast as an assignment to a slice
        board[np.uint32(i)] = state[np.uint32(i)]
    board[SUICIDE] = 0  # a suicide saves nobody and catches nothing


@lean_kernel
def _space(board):
    """Where the working space begins: behind the last cell."""
    size = np.int64(board[SIZE])
    return HEADER + WORDS * ((size + 1) * (size + 2) + 1)


@lean_kernel
def chasers_in_atari(state, head, found):
    """The moves that take an enemy chain beside the chain at `head`, in found, integers[n]; returns how many."""
    enemy = 3 - state[COLOUR + head * WORDS]
    count = 0
    stone = head
    while True:
        for direction in range(4):
            beside = neighbour(state, stone, direction)
            if state[COLOUR + beside * WORDS] == enemy:
                capture = last_liberty(state, state[HEAD + beside * WORDS])
                if capture != 0 and count < found.shape[0]:
                    known = False
                    for i in range(count):
                        known |= found[i] == capture
                    if not known:
                        found[count] = capture
                        count += 1
        stone = state[NEXT + stone * WORDS]
        if stone == head:
            return count


@lean_kernel
def _list_answers(board, prey, liberty, answers):
    """Lists what may save the chain in atari at `prey`: its last liberty, and taking an enemy chain beside it.

    The points are written from board[answers] on; returns how many there are.
    """
    board[answers] = liberty
    last = chasers_in_atari(board, prey, board[answers + 1 : answers + 1 + MAX_CHASERS])
    for i in range(1, last + 1):
        if board[answers + i] == liberty:
            board[answers + i] = board[answers + last]
            return last
    return last + 1


@lean_kernel
def chain_liberties(board, start, found):
    """Counts the liberties of the chain through a stone, up to three; two are written from board[found] on."""
    found = np.uint32(found)
    first = np.uint32(0)
    second = np.uint32(0)
    stone = start
    while True:
        for direction in range(4):
            beside = neighbour(board, stone, direction)
            if board[COLOUR + beside * WORDS] == EMPTY and beside != first and beside != second:
                if first == 0:
                    first = beside
                elif second == 0:
                    second = beside
                else:
                    return 3
        stone = board[NEXT + stone * WORDS]
        if stone == start:
            break
    board[found] = first
    board[found + 1] = second
    return np.int64(first != 0) + np.int64(second != 0)


@lean_kernel
def _runs_free(state, prey, chase, escape):
    """Whether the chain at `prey` surely has three liberties once the attacker played `chase` and it `escape`.

    A quick look at the board as it is before both moves: false where it is not that simple.
    """
    defender = state[COLOUR + prey * WORDS]
    for direction in range(4):
        beside = neighbour(state, chase, direction)
        if state[COLOUR + beside * WORDS] == defender and in_atari(state, state[HEAD + beside * WORDS]):
            return False
    first = np.uint32(0)
    second = np.uint32(0)
    for direction in range(4):
        beside = neighbour(state, escape, direction)
        if state[COLOUR + beside * WORDS] == EMPTY and beside != chase:
            if first == 0:
                first = beside
            elif second == 0:
                second = beside
            else:
                return True
    for direction in range(4):
        beside = neighbour(state, escape, direction)
        head = state[HEAD + beside * WORDS]
        if state[COLOUR + beside * WORDS] == defender and head != state[HEAD + prey * WORDS]:
            stone = head
            while True:
                for around in range(4):
                    liberty = neighbour(state, stone, around)
                    if (
                        state[COLOUR + liberty * WORDS] == EMPTY
                        and liberty != chase
                        and liberty != escape
                        and liberty != first
                        and liberty != second
                    ):
                        if first == 0:
                            first = liberty
                        elif second == 0:
                            second = liberty
                        else:
                            return True
                stone = state[NEXT + stone * WORDS]
                if stone == head:
                    break
    return False


@lean_kernel
def _is_taken(board, prey, bottom):
    """Whether the chain at `prey` is taken, the attacker to move on one of the liberties that level `bottom` offers.

    A depth-first search with its own stack: the attacker needs one move that works, the defender one answer. (Numba
    cannot cache kernels that call themselves.)
    """
    defender = np.int64(board[COLOUR + prey * WORDS])
    attacker = 3 - defender
    top = np.uint32(bottom + (MAX_DEPTH - 1) * _LEVEL)
    level = np.uint32(bottom)
    attacking = True
    tries = 0
    while True:
        if attacking:
            choice = board[level + _CHOICE]
            if choice == 2 or tries == MAX_TRIES:  # no attack works: the answer that led here saves the chain
                if level == bottom:
                    return False
                level -= np.uint32(_LEVEL)
                take_back(board, level + _ANSWER)
                take_back(board, level + _CHASE)
                continue
            board[level + _CHOICE] = choice + 1
            chase = board[level + _FIRST + choice]
            escape = board[level + _SECOND - choice]
            if not _runs_free(board, prey, chase, escape) and is_legal(board, chase, attacker):
                try_move(board, chase, attacker, level + _CHASE)
                tries += 1
                board[level + _COUNT] = _list_answers(board, prey, escape, np.int64(level + _ANSWERS))
                board[level + _TRIED] = 0
                attacking = False
        elif board[level + _TRIED] == board[level + _COUNT]:  # nothing saves it: the attack works
            take_back(board, level + _CHASE)
            if level == bottom:
                return True
            level -= np.uint32(_LEVEL)
            take_back(board, level + _ANSWER)
        else:
            tried = board[level + _TRIED]
            answer = board[level + _ANSWERS + tried]
            board[level + _TRIED] = tried + 1
            if not is_legal(board, answer, defender):
                continue
            try_move(board, answer, defender, level + _ANSWER)
            count = chain_liberties(board, prey, level + np.uint32(_LEVEL + _FIRST))
            if count == 2 and level != top:
                level += np.uint32(_LEVEL)
                board[level + _CHOICE] = 0
                attacking = True
                continue
            take_back(board, level + _ANSWER)
            if count >= 2:
                take_back(board, level + _CHASE)
                attacking = True


@lean_kernel
def captures_by(board, prey, move, other):
    """Whether the enemy of the chain at `prey`, whose liberties are `move` and `other`, takes it by playing `move`.

    board: from `begin_trial`, as it was afterwards.
    """
    level = _space(board)
    board[level + _FIRST] = other
    board[level + _SECOND] = move
    board[level + _CHOICE] = 1
    return _is_taken(board, prey, level)


@lean_kernel
def escapes_by(board, prey, move):
    """Whether the chain at `prey`, in atari with its owner to move, gets away by playing `move`.

    board: from `begin_trial`, as it was afterwards.
    """
    defender = np.int64(board[COLOUR + prey * WORDS])
    if not is_legal(board, move, defender):
        return False
    before = _space(board)
    level = before + _LEVEL
    try_move(board, move, defender, before + _ANSWER)
    count = chain_liberties(board, prey, level + _FIRST)
    board[level + _CHOICE] = 0
    escapes = count == 3 or (count == 2 and not _is_taken(board, prey, level))
    take_back(board, before + _ANSWER)
    return escapes

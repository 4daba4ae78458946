"""Ladders: can a chain with two liberties be chased until it is taken?

The attacker plays on one of the two liberties; the defender answers on the last one or takes a chasing stone that is
in atari. The chain escapes with three liberties. Every line is read to its end on copies of the board.
"""

import numpy as np

from gozero._board import BORDER, COLOUR, EMPTY, HEAD, NEXT, WORDS, in_atari, is_legal, neighbour, play
from gozero.jit import kernel

MAX_DEPTH = 80
"""Attacking moves read ahead; a ladder across a 25x25 board takes fewer. A chain that lives longer has escaped."""


@kernel
def chain_liberties(state, head, limit, found):
    """Collects up to `limit` different liberties of a chain in found, int64[limit]; returns how many there are."""
    count = 0
    stone = head
    while True:
        for direction in range(4):
            beside = neighbour(state, stone, direction)
            if state[COLOUR + beside * WORDS] == EMPTY:
                known = False
                for i in range(count):
                    known |= found[i] == beside
                if not known:
                    found[count] = beside
                    count += 1
                    if count == limit:
                        return count
        stone = state[NEXT + stone * WORDS]
        if stone == head:
            return count


@kernel
def chasers_in_atari(state, head, found):
    """Moves that take an enemy chain beside the chain, in found, int64[n]; returns how many (repeats kept)."""
    colour = state[COLOUR + head * WORDS]
    count = 0
    single = np.empty(1, np.int64)
    stone = head
    while True:
        for direction in range(4):
            beside = neighbour(state, stone, direction)
            beside_colour = state[COLOUR + beside * WORDS]
            if beside_colour != EMPTY and beside_colour != BORDER and beside_colour != colour:
                enemy = state[HEAD + beside * WORDS]
                if in_atari(state, enemy) and count < found.shape[0]:
                    chain_liberties(state, enemy, 1, single)
                    found[count] = single[0]
                    count += 1
        stone = state[NEXT + stone * WORDS]
        if stone == head:
            return count


@kernel
def can_escape(boards, level, prey):
    """Whether the owner of the stone at `prey`, in atari and to move on boards[level], gets away. See `can_capture`."""
    state = boards[level]
    answers = np.empty(9, np.int64)
    head = state[HEAD + prey * WORDS]
    count = chasers_in_atari(state, head, answers[1:]) + 1
    chain_liberties(state, head, 1, answers)
    for i in range(count):
        repeated = False
        for j in range(i):
            repeated |= answers[j] == answers[i]
        if not repeated and escapes_by(boards, level, prey, answers[i]):
            return True
    return False


@kernel
def escapes_by(boards, level, prey, move):
    """Whether the owner of the stone at `prey` gets away by playing `move` on boards[level]; no illegal move does."""
    state = boards[level]
    colour = np.int64(state[COLOUR + prey * WORDS])
    if not is_legal(state, move, colour):
        return False
    after = boards[level + 1]
    after[:] = state
    play(after, move, colour)
    liberties = np.empty(3, np.int64)
    count = chain_liberties(after, after[HEAD + prey * WORDS], 3, liberties)
    if count >= 3:
        return True
    return count == 2 and not can_capture(boards, level + 1, prey, liberties[0], liberties[1])


@kernel
def captures_by(boards, level, prey, move):
    """Whether the attacker takes the stone at `prey` by playing `move`, one of its chain's two liberties."""
    state = boards[level]
    attacker = 3 - np.int64(state[COLOUR + prey * WORDS])
    if not is_legal(state, move, attacker):
        return False
    after = boards[level + 1]
    after[:] = state
    play(after, move, attacker)
    return not can_escape(boards, level + 1, prey)


@kernel
def can_capture(boards, level, prey, first, second):
    """Whether the attacker, to move on boards[level], takes the chain at `prey` with liberties `first` and `second`.

    boards: uint32[2 * MAX_DEPTH + 2, state length] working space; rows above `level` are overwritten.
    """
    if level + 2 >= boards.shape[0]:
        return False
    return captures_by(boards, level, prey, first) or captures_by(boards, level, prey, second)

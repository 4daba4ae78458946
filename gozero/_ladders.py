"""Ladders: can a chain with two liberties be chased until it is taken?

The attacker plays on one of the two liberties; the defender answers on the last one or takes a chasing stone that is
in atari. The chain escapes with three liberties. Every line is read to its end on copies of the board.
"""

import numpy as np

from gozero._board import BORDER, COLOUR, EMPTY, HEAD, NEXT, WORDS, in_atari, is_legal, neighbour, play
from gozero.jit import kernel

MAX_DEPTH = 80
"""Attacking moves that are read ahead, more than a ladder across a 25x25 board takes; what lives on has escaped."""
MAX_ANSWERS = 9
"""Answers to an atari that are looked at: the last liberty and up to eight captures."""


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
def list_answers(state, prey, answers):
    """What may save the chain in atari at `prey`, in answers, int64[MAX_ANSWERS]; returns how many there are."""
    head = state[HEAD + prey * WORDS]
    chain_liberties(state, head, 1, answers)
    found = chasers_in_atari(state, head, answers[1:]) + 1
    count = 1
    for i in range(1, found):
        known = False
        for j in range(count):
            known |= answers[j] == answers[i]
        if not known:
            answers[count] = answers[i]
            count += 1
    return count


@kernel
def _try(boards, level, move, colour):
    """Plays a move of boards[level] on boards[level + 1]; False if illegal or a suicide, which no ladder needs."""
    if not is_legal(boards[level], move, colour):
        return False
    after = boards[level + 1]
    after[:] = boards[level]
    play(after, move, colour)
    return after[COLOUR + move * WORDS] == colour


@kernel
def _is_taken(boards, prey, chasing):
    """Whether the chain at `prey` is taken; on boards[1] the attacker (`chasing`) or the defender is to move.

    Where the attacker moves, the chain has two liberties, where the defender does, one. A depth-first search with its
    own stack: the attacker needs one move that works, the defender one answer. Numba cannot cache mutual recursion.
    """
    defender = np.int64(boards[1, COLOUR + prey * WORDS])
    levels = boards.shape[0]
    options = np.empty((levels, MAX_ANSWERS), np.int64)
    counts = np.empty(levels, np.int64)
    tried = np.zeros(levels, np.int64)
    bottom = 1
    level = 1
    if chasing:
        counts[1] = chain_liberties(boards[1], boards[1, HEAD + prey * WORDS], 2, options[1])
    else:
        counts[1] = list_answers(boards[1], prey, options[1])
    while True:
        attacking = chasing == ((level - bottom) % 2 == 0)
        decided = False
        taken = False
        if tried[level] == counts[level]:
            decided = True
            taken = not attacking
        else:
            move = options[level, tried[level]]
            tried[level] += 1
            if not _try(boards, level, move, 3 - defender if attacking else defender):
                continue
            after = boards[level + 1]
            if attacking:
                level += 1
                counts[level] = list_answers(after, prey, options[level])
                tried[level] = 0
                continue
            liberties = chain_liberties(after, after[HEAD + prey * WORDS], 3, options[level + 1])
            if liberties == 1:
                continue
            if liberties == 2 and level + 3 < levels:
                level += 1
                counts[level] = 2
                tried[level] = 0
                continue
            decided = True
        # The node at `level` is decided. A parent that wanted this outcome is decided by it, another one tries on.
        while decided:
            if level == bottom:
                return taken
            level -= 1
            attacking = not attacking
            decided = attacking == taken


@kernel
def captures_by(boards, prey, move):
    """Whether the enemy of the chain at `prey`, which has two liberties on boards[0], takes it by playing `move`.

    boards: uint32[2 * MAX_DEPTH + 2, state length], working space; rows above 0 are overwritten.
    """
    attacker = 3 - np.int64(boards[0, COLOUR + prey * WORDS])
    return _try(boards, 0, move, attacker) and _is_taken(boards, prey, False)


@kernel
def escapes_by(boards, prey, move):
    """Whether the chain at `prey`, in atari on boards[0] with its owner to move, gets away by playing `move`.

    boards: as in `captures_by`.
    """
    defender = np.int64(boards[0, COLOUR + prey * WORDS])
    if not _try(boards, 0, move, defender):
        return False
    liberties = np.empty(3, np.int64)
    count = chain_liberties(boards[1], boards[1, HEAD + prey * WORDS], 3, liberties)
    return count >= 3 or (count == 2 and not _is_taken(boards, prey, True))

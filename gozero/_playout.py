"""Random games to the end: the yardstick of the board's speed, and the simplest judge of a position."""

import numpy as np

from gozero._board import EMPTIES, EMPTY_AT, PASS, SLOT, TO_PLAY, WORDS, play
from gozero._legality import has_empty_beside, is_eye, may_fill
from gozero._random import STEP, below, mix
from gozero.jit import inlined_kernel, lean_kernel


@inlined_kernel
def swap_empties(state, place, other_place):
    """Exchanges two entries of the list of empty points."""
    point, other = state[EMPTY_AT + place * WORDS], state[EMPTY_AT + other_place * WORDS]
    state[EMPTY_AT + place * WORDS] = other
    state[EMPTY_AT + other_place * WORDS] = point
    state[SLOT + other * WORDS] = place
    state[SLOT + point * WORDS] = other_place


@inlined_kernel
def playout(state, rng, limit):
    """Plays random moves until both players pass or `limit` moves are played; returns the number of moves.

    Each is drawn uniformly from all moves that are legal (repetition aside) and fill no own eye, and is a pass where
    there is none. Draws are made from the list of empty points; what may not be played goes behind the end of what is
    still drawn from. rng: uint64[1].
    """
    colour = state[TO_PLAY]
    passes = 0
    moves = 0
    # The bits of the next draw are made while this one's are used: nothing has to wait for them.
    seed = rng[0] + STEP
    bits = mix(seed)
    while passes < 2 and moves < limit:
        move = np.uint32(PASS)
        left = state[EMPTIES]
        while left > 0:
            place = np.uint32(below(bits, left))
            seed += STEP
            bits = mix(seed)
            point = state[EMPTY_AT + place * WORDS]
            if has_empty_beside(state, point) or (not is_eye(state, point, colour) and may_fill(state, point, colour)):
                move = point
                break
            left = np.uint32(left - np.uint32(1))
            swap_empties(state, place, left)
        play(state, move, np.int64(colour))
        passes = passes + 1 if move == PASS else 0
        colour = np.uint32(3 - colour)
        moves += 1
    rng[0] = seed
    return moves


@lean_kernel
def playouts(start, state, rng, games, limit):
    """Plays `games` random games from the board `start`, one after the other on `state`; returns the moves of all."""
    moves = 0
    for _ in range(games):
        for i in range(start.size):
            state[i] = start[i]
        moves += playout(state, rng, limit)
    return moves

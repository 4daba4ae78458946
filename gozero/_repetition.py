"""What the rules allow with the game so far in view: repetition, and a move that is checked, played and noted at once.

Positions are told by their hashes; `history[:length]` (uint64) holds those since the board was set up, the present
one last: `situational_hash` values under situational superko, else `position_hash` values.
"""

import numpy as np

from gozero._board import (
    BORDER,
    COLOUR,
    EMPTIES,
    EMPTY,
    EMPTY_AT,
    HEAD,
    KO,
    KO_COLOUR,
    NEXT,
    PASS,
    SIMPLE_KO,
    SITUATIONAL_SUPERKO,
    SIZE,
    STRIDE,
    SUICIDE,
    TO_PLAY,
    WORDS,
    in_atari,
    neighbour,
    play,
    position_hash,
    situational_hash,
)
from gozero._legality import is_legal
from gozero._random import mix
from gozero._zobrist import stone_bits
from gozero.jit import lean_kernel

# Why a move is refused.
ALLOWED = 0
OFF_BOARD = 1
OCCUPIED = 2
KO_BAN = 3
SUICIDE_BAN = 4
SUPERKO_BAN = 5


@lean_kernel
def _chain_hash(state, head, colour):
    bits = np.uint64(0)
    stone = head
    while True:
        bits ^= stone_bits(stone, colour)
        stone = state[NEXT + stone * WORDS]
        if stone == head:
            return bits


@lean_kernel
def hash_after(state, point, colour):
    """What `position_hash` would be after a legal move, uint64."""
    bits = position_hash(state)
    if point == PASS:
        return bits
    bits ^= stone_bits(point, colour)
    alive = False
    for direction in range(4):
        beside = neighbour(state, point, direction)
        beside_colour = state[COLOUR + beside * WORDS]
        if beside_colour == EMPTY:
            alive = True
        elif beside_colour != BORDER:
            head = state[HEAD + beside * WORDS]
            atari = in_atari(state, head)
            if (beside_colour == colour) != atari:
                alive = True
            if beside_colour != colour and atari and is_first_beside(state, point, direction):
                bits ^= _chain_hash(state, head, beside_colour)
    if not alive:
        bits ^= stone_bits(point, colour)
        for direction in range(4):
            beside = neighbour(state, point, direction)
            if state[COLOUR + beside * WORDS] == colour:
                head = state[HEAD + beside * WORDS]
                if is_first_beside(state, point, direction):
                    bits ^= _chain_hash(state, head, colour)
    return bits


@lean_kernel
def is_first_beside(state, point, direction):
    """Whether no earlier direction leads from `point` to the chain that this one leads to."""
    head = state[HEAD + neighbour(state, point, direction) * WORDS]
    for earlier in range(direction):
        if state[HEAD + neighbour(state, point, earlier) * WORDS] == head:
            return False
    return True


@lean_kernel
def is_repetition(state, point, colour, history, length, situational):
    """Whether a legal move would bring back a position whose hash is among `history[:length]` (uint64).

    `history` holds `situational_hash` values where `situational`, else `position_hash` values. A pass never repeats.
    The earlier position had this stone here, so a point that never lost a stone needs no look-up; suicide aside.
    """
    if point == PASS or (state[HEAD + point * WORDS] == 0 and state[SUICIDE] == 0):
        return False
    wanted = hash_after(state, point, colour)
    if situational:
        wanted = mix(wanted + np.uint64(3 - colour))
    for i in range(length):
        if history[i] == wanted:
            return True
    return False


@lean_kernel
def legal_mask(state, colour, history, length, superko, mask):
    """Fills mask, uint8[size * size + 1] by move index, with 1 where `colour` may play; the pass is always legal.

    `superko` is SIMPLE_KO, POSITIONAL_SUPERKO or SITUATIONAL_SUPERKO; `history[:length]` as in `is_repetition`.
    """
    size = state[SIZE]
    stride = state[STRIDE]
    mask[:] = 0
    mask[size * size] = 1
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        if is_legal(state, point, colour) and (
            superko == SIMPLE_KO
            or not is_repetition(state, point, colour, history, length, superko == SITUATIONAL_SUPERKO)
        ):
            row = point // stride
            mask[np.uint32((row - 1) * size + (point - row * stride) - 1)] = 1


@lean_kernel
def refusal(state, point, colour, history, length, superko):
    """Why the rules forbid `colour` (0: the player to move) the move; ALLOWED where they do not."""
    if colour == EMPTY:
        colour = np.int64(state[TO_PLAY])
    if point == PASS:
        return ALLOWED
    if state[COLOUR + point * WORDS] == BORDER:
        return OFF_BOARD
    if is_legal(state, point, colour):
        situational = superko == SITUATIONAL_SUPERKO
        if superko != SIMPLE_KO and is_repetition(state, point, colour, history, length, situational):
            return SUPERKO_BAN
        return ALLOWED
    if state[COLOUR + point * WORDS] != EMPTY:
        return OCCUPIED
    if point == state[KO] and colour == state[KO_COLOUR]:
        return KO_BAN
    return SUICIDE_BAN


@lean_kernel
def note(state, history, length, superko):
    """Makes the hash of the position on the board the last one in the history."""
    if superko == SITUATIONAL_SUPERKO:
        history[length - 1] = situational_hash(state, state[TO_PLAY])
    else:
        history[length - 1] = position_hash(state)


@lean_kernel
def play_if_allowed(state, point, colour, history, length, superko):
    """Plays the move and notes the position after it in `history[length]`, or does nothing; returns `refusal`."""
    if colour == EMPTY:
        colour = np.int64(state[TO_PLAY])
    reason = refusal(state, point, colour, history, length, superko)
    if reason == ALLOWED:
        play(state, np.uint32(point), colour)
        note(state, history, length + 1, superko)
    return reason

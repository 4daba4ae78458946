"""Kernels of games that advance together, one move each: playing, drawing moves at random, what is seen, the count."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero._board import (
    EMPTIES,
    EMPTY_AT,
    HEAD,
    PASS,
    PASSES,
    SIMPLE_KO,
    SITUATIONAL_SUPERKO,
    SIZE,
    STRIDE,
    SUICIDE,
    TO_PLAY,
    WORDS,
    init,
    play,
)
from gozero._features import fill_planes
from gozero._legality import is_eye, is_legal
from gozero._playout import swap_empties
from gozero._random import mix, random_below
from gozero._repetition import hash_after, is_repetition, note
from gozero._whole_board import area
from gozero.jit import inlined_kernel, kernel, lean_kernel

# How a game stands.
GOES_ON = 0
PASSED = 1  # two passes have ended it
LIMIT = 2  # it has reached the greatest number of moves
ILLEGAL = 3  # a move was asked for that the rules forbid; it was not played


class Games(NamedTuple):
    """N games that are being played, each in its slot."""

    state: NDArray[np.uint32]  # [N, state], see gozero._board
    recent: NDArray[np.int32]  # [N, HISTORY] last points, newest first
    history: NDArray[np.uint64]  # [N, longest game + 1] hashes of the positions so far, see gozero._repetition
    seen: NDArray[np.uint64]  # [N, words] a bit for each of them, see `seen_words`
    length: NDArray[np.int64]  # [N] moves played
    codes: NDArray[np.uint16]  # [N, longest game] the moves, see gozero.record
    rng: NDArray[np.uint64]  # [N, 1] random numbers of each slot
    ending: NDArray[np.int8]  # [N] how each game stands: GOES_ON, PASSED, LIMIT or ILLEGAL


def seen_words(most: int) -> int:
    """Words of `Games.seen` for games of that many moves: at least 16 bits a position, a power of two of them.

    Where the bit of a hash is not set, no position had that hash, and the history need not be searched. That is how it
    is for nearly every move; with the search alone it takes most of the time to find out which moves are legal.
    """
    return max(1, 1 << (16 * (most + 1) - 1).bit_length() >> 6)


@lean_kernel
def begin(games, slot, size, suicide, superko):
    """Puts a new game in a slot; its random numbers go on. `games` may be any record with the fields used here."""
    init(games.state[slot], size, suicide)
    games.recent[slot, :] = 0
    games.length[slot] = 0
    note(games.state[slot], games.history[slot], 1, superko)


@inlined_kernel
def _mark(seen, bits):
    """Sets the bit of a hash."""
    place = bits & np.uint64(64 * seen.shape[0] - 1)
    seen[place >> np.uint64(6)] |= np.uint64(1) << (place & np.uint64(63))


@lean_kernel
def repeats(games, slot, point, colour, superko):
    """`gozero._repetition.is_repetition` for a legal stone in the game in `slot`, sooner."""
    state = games.state[slot]
    if superko == SIMPLE_KO or (state[HEAD + point * WORDS] == 0 and state[SUICIDE] == 0):
        return False
    situational = superko == SITUATIONAL_SUPERKO
    wanted = hash_after(state, point, colour)
    if situational:
        wanted = mix(wanted + np.uint64(3 - colour))
    seen = games.seen[slot]
    place = wanted & np.uint64(64 * seen.shape[0] - 1)
    if (seen[place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1) == 0:
        return False
    return is_repetition(state, point, colour, games.history[slot], games.length[slot] + 1, situational)


@lean_kernel
def begin_games(games, slots, size, suicide, superko):
    """`begin` in each of the slots, int64[n]."""
    for i in range(slots.shape[0]):
        slot = slots[i]
        begin(games, slot, size, suicide, superko)
        games.ending[slot] = GOES_ON
        games.seen[slot, :] = 0
        _mark(games.seen[slot], games.history[slot, 0])


@lean_kernel
def point_at_index(state, index):
    """The point of a move index: row * size + column; PASS for size * size."""
    size = np.int64(state[SIZE])
    if index == size * size:
        return np.int64(PASS)
    row = index // size
    return (row + 1) * (size + 1) + index - row * size + 1


@lean_kernel
def play_index(games, slot, index, superko):
    """Plays a legal move, given by its index, in the game in `slot`. `games` as in `begin`."""
    state = games.state[slot]
    colour = np.int64(state[TO_PLAY])
    point = point_at_index(state, index)
    play(state, np.uint32(point), colour)
    recent = games.recent[slot]
    for i in range(recent.shape[0] - 1, 0, -1):
        recent[i] = recent[i - 1]
    recent[0] = point
    length = games.length[slot]
    games.codes[slot, length] = index | (0x8000 if colour == 2 else 0)
    games.length[slot] = length + 1
    note(state, games.history[slot], length + 2, superko)


@lean_kernel
def play_moves(games, slots, moves, superko):
    """Plays moves, int64[n] indices of any value, in the games in `slots`, int64[n], and notes how they stand then.

    A game that has ended stays as it is.
    """
    for i in range(slots.shape[0]):
        slot = slots[i]
        if games.ending[slot] != GOES_ON:
            continue
        state = games.state[slot]
        size = np.int64(state[SIZE])
        length = games.length[slot]
        if moves[i] < 0 or moves[i] > size * size:
            games.ending[slot] = ILLEGAL
            continue
        point = np.uint32(point_at_index(state, moves[i]))
        colour = np.int64(state[TO_PLAY])
        if not is_legal(state, point, colour) or (point != PASS and repeats(games, slot, point, colour, superko)):
            games.ending[slot] = ILLEGAL
            continue
        play_index(games, slot, moves[i], superko)
        _mark(games.seen[slot], games.history[slot, length + 1])
        if state[PASSES] >= 2:
            games.ending[slot] = PASSED
        elif length + 1 >= games.codes.shape[1]:
            games.ending[slot] = LIMIT


@lean_kernel
def draw_moves(games, slots, superko, eyes, moves):
    """Fills moves, int64[n], with random moves for the games in `slots`, int64[n]; each slot draws its own numbers.

    With `eyes` each is any legal move, the pass among them; without, a legal move that fills no own eye, and a pass
    where there is none. All that can be drawn have the same chance.
    """
    for i in range(slots.shape[0]):
        slot = slots[i]
        state = games.state[slot]
        size = np.int64(state[SIZE])
        stride = np.int64(state[STRIDE])
        colour = np.int64(state[TO_PLAY])
        moves[i] = size * size
        left = state[EMPTIES]
        while left > 0:
            place = np.uint32(random_below(games.rng[slot], np.int64(left) + (eyes != 0)))
            if place == left:
                break
            point = state[EMPTY_AT + place * WORDS]
            if (
                is_legal(state, point, colour)
                and (eyes != 0 or not is_eye(state, point, colour))
                and not repeats(games, slot, point, colour, superko)
            ):
                row = np.int64(point) // stride
                moves[i] = (row - 1) * size + np.int64(point) - row * stride - 1
                break
            left = np.uint32(left - np.uint32(1))
            swap_empties(state, place, left)


@lean_kernel
def fill_mask(games, slot, superko, mask):
    """Fills mask, uint8[S*S+1] by move index, with 1 for every legal move of who is to move; the pass always is one."""
    state = games.state[slot]
    size = np.int64(state[SIZE])
    stride = np.int64(state[STRIDE])
    colour = np.int64(state[TO_PLAY])
    mask[:] = 0
    mask[size * size] = 1
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        if is_legal(state, point, colour) and not repeats(games, slot, point, colour, superko):
            row = np.int64(point) // stride
            mask[(row - 1) * size + np.int64(point) - row * stride - 1] = 1


@kernel
def show(games, slots, colours, superko, feature_set, where, planes, mask):
    """Fills what is seen of the games in `slots`, int64[n].

    colours: int8[n], from whose view; planes: uint8[n, C*S*S]; mask: uint8[n, S*S+1], the legal moves where that
    player is to move in a game that goes on, else 0. where: the row of the symmetry table that leaves all as it is.
    """
    for i in range(slots.shape[0]):
        slot = slots[i]
        state = games.state[slot]
        colour = np.int64(colours[i])
        fill_planes(state, games.recent[slot], colour, feature_set, where, planes[i])
        if games.ending[slot] == GOES_ON and colour == state[TO_PLAY]:
            fill_mask(games, slot, superko, mask[i])
        else:
            mask[i, :] = 0


@kernel
def count(games, slots, komi, scores):
    """Fills scores, float64[n], with Black's area minus White's and komi, of the games in `slots`, int64[n]."""
    for i in range(slots.shape[0]):
        black, white = area(games.state[slots[i]])
        scores[i] = np.float64(black) - np.float64(white) - komi

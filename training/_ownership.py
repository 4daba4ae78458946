"""Kernels that say who owns each point at the end of a game, dead stones taken off by random playouts."""

import numpy as np

from gozero._board import (
    BLACK,
    COLOUR,
    EMPTIES,
    EMPTY,
    EMPTY_AT,
    HEAD,
    PASS,
    TO_PLAY,
    WHITE,
    WORDS,
    init,
    play,
    set_stone,
)
from gozero._legality import is_eye, is_legal
from gozero._random import random_below
from gozero._scoring import surrounded
from gozero.jit import kernel
from training._batches import replay


@kernel
def play_out(state, colour, size, rng):
    """Plays random moves, `colour` first, that fill no eye of their own, until both sides have none left."""
    passes = 0
    for _ in range(3 * size * size):
        empties = np.int64(state[EMPTIES])
        found = False
        if empties:
            start = random_below(rng, empties)
            for i in range(empties):
                at = (start + i) % empties
                point = state[EMPTY_AT + at * WORDS]
                if not is_eye(state, point, colour) and is_legal(state, point, colour):
                    play(state, point, colour)
                    found = True
                    break
        passes = 0 if found else passes + 1
        if not found:
            play(state, np.uint32(PASS), colour)
        if passes == 2:
            break
        colour = 3 - colour


@kernel
def area_owners(state, size, owners):
    """Who owns each point by area: stones, and empty regions that reach only one colour (Tromp-Taylor).

    owners: int8[size * size] is filled with 1 for Black, -1 for White, 0 for neither.
    """
    stride = size + 1
    cells = stride * (size + 2) + 1
    around = np.empty(cells, np.int8)
    surrounded(state, around, np.empty(cells, np.int32))
    for index in range(size * size):
        point = (index // size + 1) * stride + index % size + 1
        colour = state[COLOUR + point * WORDS]
        if colour == EMPTY:
            owners[index] = around[point]
        else:
            owners[index] = 1 if colour == BLACK else -1


@kernel
def settle(state, size, playouts, rng, spare, sums, owners):
    """Who owns each point of a game's last position.

    A chain is dead if most random playouts give its points to the opponent; dead chains are taken off, the rest is
    counted by area, and points that reach both colours go to whom the playouts give them.

    state: the position, left as it was. spare: another board of its size. sums: int32[size * size], to work on.
    rng: uint64[1]. owners: int8[size * size] is filled with 1 for Black, -1 for White, 0 for neither.
    """
    area = size * size
    stride = size + 1
    sums[:] = 0
    for _ in range(playouts):
        spare[:] = state
        play_out(spare, np.int64(state[TO_PLAY]), size, rng)
        area_owners(spare, size, owners)
        for index in range(area):
            sums[index] += owners[index]
    chains = np.zeros(stride * (size + 2) + 1, np.int64)
    for index in range(area):
        point = (index // size + 1) * stride + index % size + 1
        if state[COLOUR + point * WORDS] != EMPTY:
            chains[state[HEAD + point * WORDS]] += sums[index]
    init(spare, size, 0)
    for index in range(area):
        point = (index // size + 1) * stride + index % size + 1
        colour = state[COLOUR + point * WORDS]
        if colour == EMPTY:
            continue
        balance = chains[state[HEAD + point * WORDS]]
        if (colour == BLACK and balance >= 0) or (colour == WHITE and balance <= 0):
            set_stone(spare, np.uint32(point), np.int64(colour))
    area_owners(spare, size, owners)
    for index in range(area):
        if owners[index] == 0:
            owners[index] = np.sign(sums[index])


@kernel
def settle_games(moves, offsets, setups, lengths, suicides, seeds, size, playouts, state, spare, owners):
    """`settle` for the last positions of games of one size.

    moves: uint16[:], the store. offsets, setups, lengths, suicides: int64[games]. seeds: uint64[games], of the
    playouts. state, spare: boards of this size to work on. owners: int8[games, size * size] is filled.
    """
    recent = np.empty(8, np.int32)
    sums = np.empty(size * size, np.int32)
    rng = np.empty(1, np.uint64)
    for game in range(offsets.shape[0]):
        replay(moves, offsets[game], setups[game], lengths[game], size, suicides[game], state, recent)
        rng[0] = seeds[game]
        settle(state, size, playouts, rng, spare, sums, owners[game])

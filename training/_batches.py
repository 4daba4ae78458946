"""Kernels that draw training positions and make their input planes by replaying the games."""

import numpy as np

from gozero._board import PASS, init, play, set_stone
from gozero._features import HISTORY, fill_planes
from gozero._random import mix
from gozero.jit import kernel

WHITE_BIT = 0x8000
INDEX_MASK = 0x7FFF


@kernel
def draw(seed, first, cumulative, games, plies, symmetries):
    """Draws one position a row: game number, ply and symmetry, each a function of (seed, first + row) alone.

    cumulative: int64[games + 1], positions before each game; every position is equally likely.
    games: int64[rows], plies: int64[rows], symmetries: int64[rows] are filled.
    """
    total = np.uint64(cumulative[-1])
    for row in range(games.shape[0]):
        bits = mix(mix(np.uint64(seed)) ^ mix(np.uint64(first + row)))
        position = np.int64(bits % total)
        game = np.searchsorted(cumulative, position, side="right") - 1
        games[row] = game
        plies[row] = position - cumulative[game]
        symmetries[row] = np.int64(mix(bits) & np.uint64(7))


@kernel
def _decode(code, size):
    """Point of a stored move: the move index in the low bits, the colour in the top one."""
    index = np.int64(code) & INDEX_MASK
    if index >= size * size:
        return PASS
    row = index // size
    return (row + 1) * (size + 1) + index - row * size + 1


@kernel
def replay(moves, offset, setup, ply, size, suicide, state, recent):
    """Replays a stored game up to `ply`; returns the number of passes that it ends with.

    moves: uint16[:], the store; the game's `setup` stones and then its moves start at `offset`.
    state: the board to use; recent: int32[HISTORY], filled with the last points, newest first.
    """
    init(state, size, suicide)
    for i in range(setup):
        code = moves[offset + i]
        set_stone(state, _decode(code, size), 2 if code & WHITE_BIT else 1)
    start = offset + setup
    passes = 0
    for i in range(start, start + ply):
        code = moves[i]
        point = _decode(code, size)
        play(state, point, 2 if code & WHITE_BIT else 1)
        passes = passes + 1 if point == PASS else 0
    for i in range(HISTORY):
        recent[i] = _decode(moves[start + ply - 1 - i], size) if i < ply else 0
    return passes


@kernel
def fill_rows(
    moves,
    offsets,
    setups,
    plies,
    symmetries,
    suicides,
    size,
    feature_set,
    tables,
    owners,
    owners_at,
    state,
    planes,
    indices,
    colours,
    passes,
    ownership,
):
    """Makes the rows of a batch.

    moves: uint16[:], the store. offsets, setups, plies, symmetries, suicides: int64[rows], which position and how seen.
    tables: int32[8, size * size + 1] from `geometry.symmetry_table`. owners: int8[:], who owns the points of
    each game at its end, from owners_at[row] on (see `training.ownership`). state: a board of this size to work on.
    planes: uint8[rows, planes * size * size]; indices: int64[rows], the move played, seen like the planes;
    colours: uint8[rows], the player to move; passes: int64[rows], passes just before the move;
    ownership: int8[rows, size * size], or int8[rows, 0] where it is not wanted, 1 where the player to move owns the
    point at the end of the game, -1 where the opponent does, seen like the planes. All five are filled.
    """
    area = size * size
    recent = np.empty(HISTORY, np.int32)
    scratch = np.empty(planes.shape[1], np.uint8)
    for row in range(offsets.shape[0]):
        offset = offsets[row]
        passes[row] = replay(moves, offset, setups[row], plies[row], size, suicides[row], state, recent)
        code = moves[offset + setups[row] + plies[row]]
        colour = 2 if code & WHITE_BIT else 1
        colours[row] = colour
        table = tables[symmetries[row]]
        indices[row] = table[min(np.int64(code) & INDEX_MASK, area)]
        fill_planes(state, recent, colour, feature_set, scratch)
        for i in range(ownership.shape[1]):
            owner = owners[owners_at[row] + i]
            ownership[row, table[i]] = owner if colour == 1 else -owner
        out = planes[row]
        for start in range(0, scratch.shape[0], area):
            for i in range(area):
                out[start + table[i]] = scratch[start + i]

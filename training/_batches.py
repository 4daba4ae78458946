"""Kernels that draw training positions and make their input planes by replaying the games."""

import numpy as np

from gozero._board import PASS, init, play, set_stone
from gozero._features import HISTORY, fill_planes
from gozero._random import mix
from gozero.jit import kernel

WHITE_BIT = 0x8000
INDEX_MASK = 0x7FFF
_S32 = np.uint64(32)


@kernel
def draw(seed, first, cumulative, dropout, games, plies, symmetries, forgets):
    """Draws one position a row: game number, ply, symmetry and whether its history is hidden.

    Each is a function of (seed, first + row) alone.
    cumulative: int64[games + 1], positions before each game; every position is equally likely.
    dropout: the probability of hiding the history.
    games: int64[rows], plies: int64[rows], symmetries: int64[rows], forgets: uint8[rows] are filled.
    """
    total = np.uint64(cumulative[-1])
    hidden_below = np.uint64(dropout * 2.0**32)
    for row in range(games.shape[0]):
        bits = mix(mix(np.uint64(seed)) ^ mix(np.uint64(first + row)))
        position = np.int64(bits % total)
        game = np.searchsorted(cumulative, position, side="right") - 1
        games[row] = game
        plies[row] = position - cumulative[game]
        more = mix(bits)
        symmetries[row] = np.int64(more & np.uint64(7))
        forgets[row] = (mix(more) >> _S32) < hidden_below


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
    lengths,
    plies,
    symmetries,
    forgets,
    suicides,
    size,
    feature_set,
    tables,
    owners,
    owners_at,
    state,
    planes,
    indices,
    replies,
    colours,
    passes,
    ownership,
):
    """Makes the rows of a batch.

    moves: uint16[:], the store. offsets, setups, lengths, plies, symmetries, suicides: int64[rows], which position and
    how seen; forgets: uint8[rows], 1 where the last moves are not shown, as in a position set up from a diagram.
    tables: int32[8, size * size + 1] from `geometry.symmetry_table`. owners: int8[:], who owns the points of
    each game at its end, from owners_at[row] on (see `training.ownership`). state: a board of this size to work on.
    planes: uint8[rows, planes * size * size]; indices: int64[rows], the move played, seen like the planes;
    replies: int64[rows], the opponent's next move, seen likewise, or -1 where the game ends or the same player moves;
    colours: uint8[rows], the player to move; passes: int64[rows], passes just before the move, where history is shown;
    ownership: int8[rows, size * size], or int8[rows, 0] where it is not wanted, 1 where the player to move owns the
    point at the end of the game, -1 where the opponent does, seen like the planes. All six are filled.
    """
    area = size * size
    recent = np.empty(HISTORY, np.int32)
    for row in range(offsets.shape[0]):
        offset = offsets[row]
        passes[row] = replay(moves, offset, setups[row], plies[row], size, suicides[row], state, recent)
        code = moves[offset + setups[row] + plies[row]]
        colour = 2 if code & WHITE_BIT else 1
        colours[row] = colour
        table = tables[symmetries[row]]
        indices[row] = table[min(np.int64(code) & INDEX_MASK, area)]
        replies[row] = -1
        if plies[row] + 1 < lengths[row]:
            reply = moves[offset + setups[row] + plies[row] + 1]
            if (reply ^ code) & WHITE_BIT:
                replies[row] = table[min(np.int64(reply) & INDEX_MASK, area)]
        if forgets[row]:
            passes[row] = 0
            recent[:] = 0
        fill_planes(state, recent, colour, feature_set, table, planes[row])
        for i in range(ownership.shape[1]):
            owner = owners[owners_at[row] + i]
            ownership[row, table[i]] = owner if colour == 1 else -owner

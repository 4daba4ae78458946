"""The rollout policy: games played to their end by a linear softmax over local patterns (AlphaGo 2016).

Every empty point has a weight, exp of the value of its 3x3 pattern, for either colour; it changes where patterns
change (`gozero._tracking`). Points near the last move have further features, gathered anew for every move, which
multiply their weight (`engine._last_move`). A move is drawn in proportion to the weights. What is illegal or fills an
own eye has weight 0.

Weights are whole numbers, so that their sums, kept by blocks of 16 points, never drift: after thousands of moves they
are what adding up anew would give.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._last_move import MOST_LOCAL, list_local
from gozero._board import KO, KO_COLOUR, PASS, PASSES, TO_PLAY
from gozero._patterns import CELL, CODE, DIAMOND
from gozero._random import random_float
from gozero._tracking import play_tracked
from gozero._whole_board import area
from gozero.jit import kernel, lean_kernel

BLOCK_BITS = 4
"""Points p with the same p >> BLOCK_BITS share a sum of weights."""


class MoveWeights(NamedTuple):
    """What the moves of a rollout are drawn by; `engine.rollout_tables.Tables` makes them."""

    patterns: NDArray[np.uint32]  # [OCCUPIED + 1, 2], the weight of each 3x3 code for Black and for White
    keys: NDArray[np.uint64]  # [a power of two], the diamonds around the last move (`_last_move.find`) ...
    rows: NDArray[np.int32]  # ... and the row of each
    factors: NDArray[np.float32]  # [slots], what a weight is multiplied by in each slot near the last move


# --- weights ---------------------------------------------------------------------------------------------------------


@lean_kernel
def spread(cells, table, weights, blocks):
    """Fills the weights of all points, and their sums, from the patterns.

    table: uint32[OCCUPIED + 1, 2], the weight of each 3x3 code for Black and for White. weights: uint32[2, P];
    blocks: int64[2, (P >> BLOCK_BITS) + 1].
    """
    for side in range(2):
        for block in range(blocks.shape[1]):
            blocks[side, block] = 0
        for point in range(weights.shape[1]):
            weight = table[cells[CODE + point * CELL], side]
            weights[side, point] = weight
            blocks[side, point >> BLOCK_BITS] += np.int64(weight)


@lean_kernel
def respread(cells, changed, count, table, weights, blocks):
    """Brings the weights of the first `count` points of `changed` up to date."""
    for i in range(count):
        point = changed[i]
        code = cells[CODE + point * CELL]
        for side in range(2):
            weight = table[code, side]
            blocks[side, point >> BLOCK_BITS] += np.int64(weight) - np.int64(weights[side, point])
            weights[side, point] = weight


@lean_kernel
def forbidden_point(state):
    """The point that the player to move may not play because of ko, or 0."""
    return np.int64(state[KO]) if state[KO_COLOUR] == state[TO_PLAY] else 0


@lean_kernel
def lift(weights, blocks, side, forbidden, points, slots, count, factors, near, lifted, values):
    """Takes the points near the last move out of the weights of one side, so that they can have weights of their own.

    points, slots: from `list_local`, `count` of them. factors: float32[slots]. forbidden: a point of weight 0, or 0.
    Filled: near, int64[MOST_LOCAL], the points; lifted, uint32, their weights, which `lower` puts back; values,
    float64, those weights times all their factors. Returns how many points there are.
    """
    found = 0
    for i in range(-1, count):
        point = forbidden if i < 0 else points[i]
        factor = 0.0 if i < 0 else np.float64(factors[slots[i]])
        weight = weights[side, point]
        if weight != 0:
            near[found] = point
            lifted[found] = weight
            values[found] = np.float64(weight) * factor
            weights[side, point] = 0
            blocks[side, point >> BLOCK_BITS] -= np.int64(weight)
            found += 1
        else:
            for j in range(found):
                if near[j] == point:
                    values[j] *= factor
    return found


@lean_kernel
def lower(weights, blocks, side, near, lifted, count):
    """Undoes `lift`."""
    for i in range(count):
        weights[side, near[i]] = lifted[i]
        blocks[side, near[i] >> BLOCK_BITS] += np.int64(lifted[i])


@lean_kernel
def draw(weights, blocks, side, near, values, count, rng):
    """Draws a point in proportion to the weights of one side and the values of the points near the last move.

    Returns PASS where there is nothing to draw.
    """
    local = 0.0
    for i in range(count):
        local += values[i]
    rest = np.int64(0)
    for block in range(blocks.shape[1]):
        rest += blocks[side, block]
    if rest == 0 and local <= 0.0:
        return PASS
    share = random_float(rng) * (local + np.float64(rest))
    if share < local or rest == 0:
        chosen = 0
        for i in range(count):
            if values[i] > 0.0:
                chosen = i
                if share < values[i]:
                    break
                share -= values[i]
        return near[chosen]
    left = min(np.int64(share - local), rest - 1)
    block = 0
    while left >= blocks[side, block]:
        left -= blocks[side, block]
        block += 1
    point = block << BLOCK_BITS
    while left >= np.int64(weights[side, point]):
        left -= np.int64(weights[side, point])
        point += 1
    return point


# --- rollouts --------------------------------------------------------------------------------------------------------


@kernel
def rollouts(root, root_cells, drawn_by, count, most_moves, rng, boards, leads, lengths):
    """Plays `count` games from a position to their end; the random state says how.

    A game ends with two passes, and nobody passes who has a sensible move; or after `most_moves` moves.

    root: the board; root_cells: its patterns (`gozero._tracking.track`). drawn_by: MoveWeights. boards: scratch of
    `gozero._ladders`. Filled: leads, int64[count], Black's points less White's at the end, komi left out; lengths,
    int64[count], moves played, passes included.
    """
    state = np.empty_like(root)
    cells = np.empty_like(root_cells)
    size_p = root_cells.shape[0] // CELL
    root_weights = np.empty((2, size_p), np.uint32)
    root_blocks = np.empty((2, (size_p >> BLOCK_BITS) + 1), np.int64)
    spread(root_cells, drawn_by.patterns, root_weights, root_blocks)
    weights = np.empty_like(root_weights)
    blocks = np.empty_like(root_blocks)
    changed = np.empty(10 * size_p, np.uint32)
    taken = np.empty(size_p, np.uint32)
    waiting = np.empty(9 * size_p + 64, np.uint32)
    around = np.empty(DIAMOND, np.uint32)
    points = np.empty(MOST_LOCAL, np.int64)
    slots = np.empty(MOST_LOCAL, np.int64)
    near = np.empty(MOST_LOCAL + 1, np.int64)
    lifted = np.empty(MOST_LOCAL + 1, np.uint32)
    values = np.empty(MOST_LOCAL + 1, np.float64)
    for game in range(count):
        state[:] = root
        cells[:] = root_cells
        weights[:] = root_weights
        blocks[:] = root_blocks
        taken_count = 0
        moves = 0
        state[PASSES] = 0
        while state[PASSES] < 2 and moves < most_moves:
            colour = np.int64(state[TO_PLAY])
            side = colour - 1
            found = list_local(
                state, cells, drawn_by.keys, drawn_by.rows, taken, taken_count, boards, around, points, slots
            )
            forbidden = forbidden_point(state)
            found = lift(weights, blocks, side, forbidden, points, slots, found, drawn_by.factors, near, lifted, values)
            point = draw(weights, blocks, side, near, values, found, rng)
            lower(weights, blocks, side, near, lifted, found)
            changes, taken_count = play_tracked(state, cells, changed, taken, waiting, point, colour)
            respread(cells, changed, changes, drawn_by.patterns, weights, blocks)
            moves += 1
        black, white = area(state)
        leads[game] = black - white
        lengths[game] = moves


@kernel
def score_moves(state, cells, drawn_by, taken, taken_count, boards, scores):
    """Fills scores, float64[P], with the weight of every point for the player to move, in a rollout's next move.

    Arguments as in `rollouts` and `list_local`.
    """
    size_p = scores.shape[0]
    weights = np.empty((2, size_p), np.uint32)
    blocks = np.empty((2, (size_p >> BLOCK_BITS) + 1), np.int64)
    around = np.empty(DIAMOND, np.uint32)
    points = np.empty(MOST_LOCAL, np.int64)
    slots = np.empty(MOST_LOCAL, np.int64)
    near = np.empty(MOST_LOCAL + 1, np.int64)
    lifted = np.empty(MOST_LOCAL + 1, np.uint32)
    values = np.empty(MOST_LOCAL + 1, np.float64)
    spread(cells, drawn_by.patterns, weights, blocks)
    side = np.int64(state[TO_PLAY]) - 1
    found = list_local(state, cells, drawn_by.keys, drawn_by.rows, taken, taken_count, boards, around, points, slots)
    forbidden = forbidden_point(state)
    found = lift(weights, blocks, side, forbidden, points, slots, found, drawn_by.factors, near, lifted, values)
    for point in range(size_p):
        scores[point] = weights[side, point]
    for i in range(found):
        scores[near[i]] = values[i]

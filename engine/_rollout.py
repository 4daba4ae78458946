"""The rollout policy: games played to their end by a linear softmax over local patterns (AlphaGo 2016).

Every empty point has a weight, exp of the value of its 3x3 pattern, for either colour; it changes where patterns
change (`gozero._patterns`). Points near the last move have further features, gathered anew for every move, which
multiply their weight. A move is drawn in proportion to the weights. What is illegal or fills an own eye has weight 0.

Weights are whole numbers, so that their sums, kept by blocks of 16 points, never drift: after thousands of moves they
are what adding up anew would give.

The features near the last move are *slots*: save-atari, one for every kind of nakade, and twelve for each diamond
pattern around the last move, one for each of its points; row 0 of these belongs to all unknown patterns.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero._board import (
    BORDER,
    COLOUR,
    EMPTY,
    HEAD,
    KO,
    KO_COLOUR,
    LAST,
    PASS,
    PASSES,
    STRIDE,
    TO_PLAY,
    WORDS,
    area,
    is_legal,
    neighbour,
    pseudo_liberties,
)
from gozero._ladders import begin_trial, chasers_in_atari, escapes_by
from gozero._patterns import (
    CELL,
    CLASS,
    CODE,
    DIAMOND,
    FIRST,
    OCCUPIED,
    SECOND,
    diamond,
    diamond_points,
    play_tracked,
)
from gozero._random import random_float
from gozero.jit import kernel, lean_kernel

BLOCK_BITS = 4
"""Points p with the same p >> BLOCK_BITS share a sum of weights."""

NAKADE = 8192
"""Slots for nakade: a move inside the shape that captured stones left, as many as AlphaGo's."""
NAKADE_LEAST = 3
NAKADE_MOST = 6
"""The sizes of captured groups whose shapes count."""

MOST_LOCAL = 64
"""Room for the pairs that `list_local` finds: a diamond, four chains with their ways out, a nakade shape."""
_MOST_CHASERS = 8
UNSURE = 4
_SAFE = 12
"""A chain with more pseudo-liberties than these has four liberties or more."""

# Slots.
SAVE = 0
FIRST_NAKADE = 1
FIRST_ROW = FIRST_NAKADE + NAKADE  # row r of the diamonds has the slots from FIRST_ROW + 12 * r on

NO_KEY = np.uint64(0xFFFFFFFFFFFFFFFF)
"""Marks a free place of a pattern table."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_S17 = np.uint64(17)


# --- tables ----------------------------------------------------------------------------------------------------------


class MoveWeights(NamedTuple):
    """What the moves of a rollout are drawn by; `engine.rollout_tables.Tables` makes them."""

    patterns: NDArray[np.uint32]  # [OCCUPIED + 1, 2], the weight of each 3x3 code for Black and for White
    keys: NDArray[np.uint64]  # [a power of two], the diamonds around the last move, see `find` ...
    rows: NDArray[np.int32]  # ... and the row of each
    factors: NDArray[np.float32]  # [slots], what a weight is multiplied by in each slot near the last move


@lean_kernel
def find(keys, code):
    """The place of a diamond code in a table of keys, uint64[power of two] with free places, or of the free place
    where it belongs (open addressing; Knuth's multiplicative hash)."""
    mask = np.uint64(keys.shape[0] - 1)
    place = ((code * _SPREAD) >> _S17) & mask
    while keys[place] != code and keys[place] != NO_KEY:
        place = (place + np.uint64(1)) & mask
    return np.int64(place)


@lean_kernel
def row_of(keys, rows, code):
    """The row of a diamond code, 0 where it is unknown. rows: int32, as long as `keys`."""
    place = find(keys, code)
    return np.int64(rows[place]) if keys[place] == code else 0


@lean_kernel
def nakade_slot(shape, count, move, stride):
    """Which of the `NAKADE` slots is a move at shape[move]; shape: uint32[count], the points that stones were taken
    from. The same under the eight symmetries: the smallest of eight hashes of the offsets from the move."""
    least = np.int64(1) << 62
    for symmetry in range(8):
        total = np.int64(0)
        for i in range(count):
            # Rows and columns from the padded index; offsets of a few points only.
            row = np.int64(shape[i]) // stride - np.int64(shape[move]) // stride
            column = np.int64(shape[i]) % stride - np.int64(shape[move]) % stride
            if symmetry & 1:
                column = -column
            if symmetry & 2:
                row = -row
            if symmetry & 4:
                row, column = column, row
            offset = (row + 32) * 64 + column + 32
            mixed = (offset * 2654435761) & 0xFFFFFFFF
            mixed ^= mixed >> 15
            total += (mixed * 2246822519) & 0xFFFFFFFF
        least = min(least, total)
    return (least ^ (least >> 13)) % NAKADE


# --- what is near the last move --------------------------------------------------------------------------------------


@lean_kernel
def list_diamond(state, cells, keys, rows, around, points, slots):
    """Lists the empty points of the diamond around the last move with their slots; returns how many there are.

    The pattern is in the view of the player to move. around: uint32[DIAMOND], scratch.
    """
    last = np.uint32(state[LAST])
    if last == PASS:
        return 0
    diamond_points(state, last, around)
    row = row_of(keys, rows, diamond(state, cells, around, np.int64(state[TO_PLAY])))
    count = 0
    for i in range(DIAMOND):
        if cells[CODE + around[i] * CELL] != OCCUPIED:
            points[count] = around[i]
            slots[count] = FIRST_ROW + row * DIAMOND + i
            count += 1
    return count


@lean_kernel
def chain_in_atari(state, cells, direction):
    """The representative of the chain of the player to move beside the last move, there, that is in atari; else 0."""
    last = np.uint32(state[LAST])
    if last == PASS:
        return np.uint32(0)
    beside = neighbour(state, last, direction)
    if state[COLOUR + beside * WORDS] != state[TO_PLAY]:
        return np.uint32(0)
    head = state[HEAD + beside * WORDS]
    return head if cells[CLASS + head * CELL] == 1 else np.uint32(0)


@lean_kernel
def liberties_after(state, cells, point, colour):
    """How many liberties its chain has after a legal move: 0, 1, 2, or 3 for more.

    UNSURE where that is not seen at once: the move takes stones, or joins a chain that leaves it two or more.
    """
    first = np.uint32(0)
    second = np.uint32(0)
    count = 0
    unsure = False
    for direction in range(4):
        beside = neighbour(state, point, direction)
        beside_colour = state[COLOUR + beside * WORDS]
        liberty = beside
        if beside_colour == BORDER:
            continue
        if beside_colour != EMPTY:
            head = state[HEAD + beside * WORDS]
            liberties = cells[CLASS + head * CELL]
            if beside_colour != colour:
                if liberties == 1:
                    return UNSURE
                continue
            if liberties == 1:
                continue
            if liberties == 3:
                if pseudo_liberties(state, head) > _SAFE:
                    return 3
                unsure = True
                continue
            liberty = np.uint32(cells[FIRST + head * CELL] + cells[SECOND + head * CELL] - np.uint32(point))
        if liberty != first and liberty != second:
            if count == 2:
                return 3
            if count == 1:
                second = liberty
            else:
                first = liberty
            count += 1
    return UNSURE if unsure else count


@kernel
def list_saves(state, cells, boards, points, slots, count):
    """Adds the moves that save a chain which the last move put in atari to the list; returns the new count.

    They are the chain's liberty, if it escapes there as far as a ladder reader can tell, and the liberties of the
    chasers that can be taken. boards: scratch of `gozero._ladders`.
    """
    colour = np.int64(state[TO_PLAY])
    first = count
    ready = False
    chasers = np.empty(_MOST_CHASERS, np.uint32)
    for direction in range(4):
        head = chain_in_atari(state, cells, direction)
        if head == 0:
            continue
        liberty = np.uint32(cells[FIRST + head * CELL])
        found = chasers_in_atari(state, head, chasers)
        for i in range(-1, found):
            move = liberty if i < 0 else chasers[i]
            if i >= 0:
                saves = is_legal(state, move, colour)
            else:
                after = liberties_after(state, cells, move, colour)
                saves = after == 3
                if after == 2 or after == UNSURE:
                    if not ready:
                        begin_trial(state, boards)
                        ready = True
                    saves = escapes_by(boards, np.uint32(head), move)
            for j in range(first, count):
                saves &= points[j] != move
            if saves and count < MOST_LOCAL - NAKADE_MOST:
                points[count] = move
                slots[count] = SAVE
                count += 1
    return count


@lean_kernel
def list_nakade(state, taken, taken_count, points, slots, count):
    """Adds the points that the last move took 3 to 6 stones from to the list; returns the new count."""
    if NAKADE_LEAST <= taken_count <= NAKADE_MOST:
        for i in range(taken_count):
            points[count] = taken[i]
            slots[count] = FIRST_NAKADE + nakade_slot(taken, taken_count, i, np.int64(state[STRIDE]))
            count += 1
    return count


@kernel
def list_local(state, cells, keys, rows, taken, taken_count, boards, around, points, slots):
    """Lists the features near the last move as pairs of an empty point and a slot; returns how many there are.

    taken: uint32[taken_count ...], the stones that the last move took. points, slots: int64[MOST_LOCAL].
    """
    count = list_diamond(state, cells, keys, rows, around, points, slots)
    atari = False
    for direction in range(4):
        atari |= chain_in_atari(state, cells, direction) != 0
    if atari:
        count = list_saves(state, cells, boards, points, slots, count)
    return list_nakade(state, taken, taken_count, points, slots, count)


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

    root: the board; root_cells: its patterns (`gozero._patterns.track`). drawn_by: MoveWeights. boards: scratch of
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

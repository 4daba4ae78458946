"""The features of every move of a position, for the rollout policy and, with more of them, for the tree policy.

A feature is an index into a vector of values; a move's value is the sum over its features, and the policy is the
softmax of the values over all moves that are legal and fill no own eye. Which index is what: `engine.rollout_tables`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._last_move import MOST_LOCAL, liberties_after, list_local, row_of
from engine._rollout import forbidden_point
from gozero._board import (
    EMPTIES,
    EMPTY_AT,
    LAST,
    LAST2,
    STRIDE,
    TO_PLAY,
    WORDS,
)
from gozero._patterns import CELL, CODE, DIAMOND, diamond, diamond_points, is_sensible, seen_by
from gozero.jit import kernel, lean_kernel

DISTANCES = 17
"""Classes of the distance to an earlier move, dx + dy + max(dx, dy) from 2 to 18 and more."""
PAIRS_A_MOVE = 5
"""Features that a move has at most, those near the last move left out: pattern, self-atari, two distances, diamond."""
FEATURES_A_SLOT = 3
"""A slot near the last move stands for so many features at most: a neighbour, a response, and which response."""


class FeatureTables(NamedTuple):
    """Where features are looked up; `engine.rollout_tables.Tables` makes them."""

    patterns: NDArray[np.int32]  # [OCCUPIED], the feature of each 3x3 code in the view of the player to move
    keys: NDArray[np.uint64]  # [a power of two], the diamonds around the last move, see `engine._last_move.find` ...
    rows: NDArray[np.int32]  # ... and the row of each
    slots: NDArray[np.int32]  # [slots, FEATURES_A_SLOT], the features of each slot near the last move, -1 for none
    diamond_keys: NDArray[np.uint64]  # [a power of two], the diamonds around the move itself ...
    diamond_features: NDArray[np.int32]  # ... and the feature of each
    tree: int  # the first of the tree policy's own (self-atari, two distances, diamonds); -1 for the rollout policy


@lean_kernel
def distance_class(a, b, stride):
    """Which of the DISTANCES lies between two points."""
    rows = abs(np.int64(a) // stride - np.int64(b) // stride)
    columns = abs(np.int64(a) % stride - np.int64(b) % stride)
    return min(max(rows + columns + max(rows, columns) - 2, 0), DISTANCES - 1)


@lean_kernel
def pair_room(points):
    """How many pairs `list_features` finds at most on a board of so many padded points."""
    return PAIRS_A_MOVE * points + FEATURES_A_SLOT * MOST_LOCAL


@kernel
def list_features(
    state,
    cells,
    tables,
    taken,
    taken_count,
    boards,
    places,
    moves,
    pair_moves,
    pair_features,
):
    """Lists the sensible moves of the player to move and their features; returns the two numbers.

    tables: FeatureTables. taken, taken_count, boards: as in `engine._last_move.list_local`. places: int32[P], scratch.
    Filled: moves, uint32[P], the points; pair_moves, int32[...], and pair_features, int32[...], pairs of a place in
    `moves` and a feature.
    """
    colour = np.int64(state[TO_PLAY])
    stride = np.int64(state[STRIDE])
    forbidden = forbidden_point(state)
    around = np.empty(DIAMOND, np.uint32)
    points = np.empty(MOST_LOCAL, np.int64)
    slots = np.empty(MOST_LOCAL, np.int64)
    for point in range(places.shape[0]):
        places[point] = -1
    count = 0
    pairs = 0
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        code = seen_by(cells[CODE + point * CELL], colour)
        if point == forbidden or not is_sensible(code):
            continue
        places[point] = count
        moves[count] = point
        pair_moves[pairs] = count
        pair_features[pairs] = tables.patterns[code]
        pairs += 1
        if tables.tree >= 0:
            if liberties_after(state, cells, point, colour) == 1:
                pair_moves[pairs] = count
                pair_features[pairs] = tables.tree
                pairs += 1
            for back in range(2):
                earlier = state[LAST] if back == 0 else state[LAST2]
                if earlier != 0:
                    pair_moves[pairs] = count
                    distance = distance_class(point, earlier, stride)
                    pair_features[pairs] = tables.tree + 1 + back * DISTANCES + distance
                    pairs += 1
            diamond_points(state, point, around)
            feature = row_of(tables.diamond_keys, tables.diamond_features, diamond(state, cells, around, colour))
            if feature > 0:
                pair_moves[pairs] = count
                pair_features[pairs] = feature
                pairs += 1
        count += 1
    found = list_local(state, cells, tables.keys, tables.rows, taken, taken_count, boards, around, points, slots)
    for i in range(found):
        place = places[points[i]]
        if place >= 0:
            for j in range(FEATURES_A_SLOT):
                feature = tables.slots[slots[i], j]
                if feature >= 0:
                    pair_moves[pairs] = place
                    pair_features[pairs] = feature
                    pairs += 1
    return count, pairs


@kernel
def tree_policy(
    state,
    cells,
    tables,
    values,
    taken,
    taken_count,
    boards,
    logits,
):
    """Fills logits, float64[P], with the value of every sensible move of the player to move, -inf elsewhere.

    values: float32[features]; the other arguments as in `list_features`.
    """
    points = logits.shape[0]
    places = np.empty(points, np.int32)
    moves = np.empty(points, np.uint32)
    pair_moves = np.empty(pair_room(points), np.int32)
    pair_features = np.empty(pair_room(points), np.int32)
    count, pairs = list_features(
        state,
        cells,
        tables,
        taken,
        taken_count,
        boards,
        places,
        moves,
        pair_moves,
        pair_features,
    )
    for point in range(points):
        logits[point] = -np.inf
    for i in range(count):
        logits[moves[i]] = 0.0
    for i in range(pairs):
        logits[moves[pair_moves[i]]] += np.float64(values[pair_features[i]])

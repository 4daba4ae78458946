"""Kernels that spread learned pattern values over the tables that playing looks them up in."""

import numpy as np

from engine._last_move import FIRST_ROW, find
from gozero._patterns import DIAMOND, DIAMOND_ORDER, OCCUPIED, is_sensible, seen_by, turned, turned_diamond
from gozero.jit import lean_kernel

PLACE_BIT = 36
"""A response is a diamond code with the place of the move in it above this bit."""

_CODE_MASK = np.int64((1 << PLACE_BIT) - 1)
_SYMMETRIES = 8


@lean_kernel
def canonical_diamond(code):
    """The smallest of the eight codes, uint64, that a diamond code turns into."""
    least = np.uint64(code)
    for symmetry in range(1, _SYMMETRIES):
        least = min(least, turned_diamond(code, symmetry))
    return least


@lean_kernel
def canonical_response(code, place):
    """The smallest of the eight responses, uint64, that a move at a place of a diamond turns into."""
    least = np.int64(0x7FFFFFFFFFFFFFFF)
    for symmetry in range(_SYMMETRIES):
        moved = np.int64(turned_diamond(code, symmetry)) | (DIAMOND_ORDER[symmetry, place] << PLACE_BIT)
        least = min(least, moved)
    return np.uint64(least)


@lean_kernel
def number_patterns(codes, first, features):
    """Gives the 3x3 code codes[i], uint32, and what it turns into the number first + i in features, int32[OCCUPIED]."""
    for i in range(codes.shape[0]):
        for symmetry in range(_SYMMETRIES):
            features[turned(codes[i], symmetry)] = first + i


@lean_kernel
def weigh_patterns(features, weights, table):
    """Fills table, uint32[OCCUPIED + 1, 2]: the weight of each 3x3 code for Black and White, 0 where it is no move.

    features: int32[OCCUPIED], in the view of the player to move; weights: uint32[features].
    """
    for code in range(OCCUPIED):
        for side in range(2):
            seen = seen_by(np.uint32(code), side + 1)
            table[code, side] = weights[features[seen]] if is_sensible(seen) else 0
    table[OCCUPIED, 0] = 0
    table[OCCUPIED, 1] = 0


@lean_kernel
def index_responses(responses, first, keys, rows, slot_features):
    """Gives the response responses[i], uint64, and what it turns into the feature first + i.

    keys: uint64, all free, and rows: int32, filled: a row for each diamond. slot_features: int32[slots, 3], whose last
    column is filled. Returns the number of rows, row 0 for unknown diamonds with them.
    """
    count = 1
    for i in range(responses.shape[0]):
        code = np.int64(responses[i]) & _CODE_MASK
        place = np.int64(responses[i]) >> PLACE_BIT
        for symmetry in range(_SYMMETRIES):
            moved = turned_diamond(code, symmetry)
            at = find(keys, moved)
            if keys[at] != moved:
                keys[at] = moved
                rows[at] = count
                count += 1
            slot_features[FIRST_ROW + rows[at] * DIAMOND + DIAMOND_ORDER[symmetry, place], 2] = first + i
    return count


@lean_kernel
def index_diamonds(diamonds, first, keys, features):
    """Gives the diamond code diamonds[i], uint64, and what it turns into the feature first + i: keys, uint64, all free
    before, and features, int32, are filled."""
    for i in range(diamonds.shape[0]):
        for symmetry in range(_SYMMETRIES):
            moved = turned_diamond(diamonds[i], symmetry)
            at = find(keys, moved)
            keys[at] = moved
            features[at] = first + i

"""Kernels that turn a board into network input planes; the planes are listed by name in `gozero.features`.

Every plane is from the view of the player to move. Counts are exact: what a move would take, and how many liberties
its chain would have, are worked out on the board as it stands.
"""

import numpy as np

from gozero._board import (
    COLOUR,
    EMPTIES,
    EMPTY,
    EMPTY_AT,
    HEAD,
    KO,
    KO_COLOUR,
    NEXT,
    SIZE,
    STONES,
    STRIDE,
    WORDS,
    in_atari,
    is_eye,
    is_legal,
    liberties_map,
    neighbour,
)
from gozero._ladders import (
    MAX_ANSWERS,
    MAX_DEPTH,
    captures_by,
    chain_liberties,
    escapes_by,
    list_answers,
)
from gozero.jit import kernel

HISTORY = 8
"""Past moves that a feature set can see."""

COMPACT = 0
ALPHAGO48 = 1
ALPHAGO49 = 2


@kernel
def move_effects(state, point, colour, cap, seen, stamp, effects):
    """What a legal move would do: effects[0] enemy stones taken, [1] liberties of its chain, [2] stones of its chain.

    Liberties are counted up to `cap`. seen: int32[padded points], marks cells with `stamp`; the caller gives every
    call its own stamp.
    """
    taken = 0
    liberties = 0
    stones = 1
    seen[point] = stamp
    # Points left by taken stones count as liberties where they touch the new chain, so they are marked first (-stamp).
    for direction in range(4):
        beside = neighbour(state, point, direction)
        beside_colour = state[COLOUR + beside * WORDS]
        if beside_colour == 3 - colour:
            head = state[HEAD + beside * WORDS]
            if seen[head] != -stamp and in_atari(state, head):
                taken += np.int64(state[STONES + head * WORDS])
                stone = head
                while True:
                    seen[stone] = -stamp
                    stone = state[NEXT + stone * WORDS]
                    if stone == head:
                        break
    for direction in range(4):
        beside = neighbour(state, point, direction)
        beside_colour = state[COLOUR + beside * WORDS]
        if beside_colour == EMPTY or seen[beside] == -stamp:
            if seen[beside] != stamp:
                seen[beside] = stamp
                liberties += 1
        elif beside_colour == colour:
            head = state[HEAD + beside * WORDS]
            if seen[head] != stamp:
                stones += np.int64(state[STONES + head * WORDS])
                stone = head
                while True:
                    seen[stone] = stamp
                    if liberties < cap:
                        for around in range(4):
                            liberty = neighbour(state, stone, around)
                            if (state[COLOUR + liberty * WORDS] == EMPTY or seen[liberty] == -stamp) and seen[
                                liberty
                            ] != stamp:
                                seen[liberty] = stamp
                                liberties += 1
                    stone = state[NEXT + stone * WORDS]
                    if stone == head:
                        break
    effects[0] = taken
    effects[1] = min(liberties, cap)
    effects[2] = stones


@kernel
def _index(state, point):
    """Move index of a point on the board."""
    row = np.int64(point) // np.int64(state[STRIDE])
    return (row - 1) * np.int64(state[SIZE]) + np.int64(point) - row * np.int64(state[STRIDE]) - 1


@kernel
def ladder_planes(state, colour, exact, capture, escape):
    """Marks moves that start a working ladder (capture) and moves that get out of one (escape).

    exact: int16[padded points] from `liberties_map`; capture, escape: uint8[size * size], zero on entry.
    """
    boards = np.empty((2 * MAX_DEPTH + 2, state.shape[0]), np.uint32)
    boards[0] = state
    liberties = np.empty(2, np.int64)
    answers = np.empty(MAX_ANSWERS, np.int64)
    size = np.int64(state[SIZE])
    for row in range(1, size + 1):
        for column in range(1, size + 1):
            head = np.uint32(row * np.int64(state[STRIDE]) + column)
            head_colour = state[COLOUR + head * WORDS]
            if head_colour == EMPTY or state[HEAD + head * WORDS] != head:
                continue
            if head_colour != colour and exact[head] == 2:
                chain_liberties(state, head, 2, liberties)
                for i in range(2):
                    move = liberties[i]
                    if not capture[_index(state, move)] and captures_by(boards, head, move):
                        capture[_index(state, move)] = 1
            elif head_colour == colour and exact[head] == 1:
                count = list_answers(state, head, answers)
                for i in range(count):
                    move = answers[i]
                    if not escape[_index(state, move)] and escapes_by(boards, head, move):
                        escape[_index(state, move)] = 1


@kernel
def _fill_compact(state, recent, colour, out):
    size = np.int64(state[SIZE])
    area = size * size
    cells = (size + 1) * (size + 2) + 1
    exact = np.empty(cells, np.int16)
    liberties_map(state, exact)
    for row in range(size):
        for column in range(size):
            point = np.uint32((row + 1) * (size + 1) + column + 1)
            index = np.uint32(row * size + column)
            stone = state[COLOUR + point * WORDS]
            if stone == EMPTY:
                out[2 * area + index] = 1
                continue
            own = stone == colour
            out[(0 if own else 1) * area + index] = 1
            if exact[point] <= 3:
                out[((2 if own else 5) + exact[point]) * area + index] = 1
    if state[KO] != 0 and state[KO_COLOUR] == colour:
        out[9 * area + _index(state, state[KO])] = 1
    for i in range(HISTORY):
        if recent[i] != 0:
            out[(10 + i) * area + _index(state, recent[i])] = 1
    seen = np.zeros(cells, np.int32)
    effects = np.empty(3, np.int64)
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        if not is_legal(state, point, colour):
            continue
        move_effects(state, point, colour, 4, seen, i + 1, effects)
        index = _index(state, point)
        if effects[0] > 0:
            out[(18 if effects[0] == 1 else 19) * area + index] = 1
        if effects[1] > 0:
            out[(19 + effects[1]) * area + index] = 1
    ladder_planes(state, colour, exact, out[24 * area : 25 * area], out[25 * area : 26 * area])


@kernel
def _fill_alphago(state, recent, colour, out, with_colour):
    """AlphaGo 2016, Extended Data Table 2, in its order; one-hot counts, the last plane of eight means 8 or more."""
    size = np.int64(state[SIZE])
    area = size * size
    cells = (size + 1) * (size + 2) + 1
    exact = np.empty(cells, np.int16)
    liberties_map(state, exact)
    out[3 * area : 4 * area] = 1
    for row in range(size):
        for column in range(size):
            point = np.uint32((row + 1) * (size + 1) + column + 1)
            index = np.uint32(row * size + column)
            stone = state[COLOUR + point * WORDS]
            if stone == EMPTY:
                out[2 * area + index] = 1
                continue
            out[(0 if stone == colour else 1) * area + index] = 1
            age = 0
            while age < 7 and recent[age] != point:
                age += 1
            out[(4 + age) * area + index] = 1
            out[(11 + min(8, exact[point])) * area + index] = 1
    seen = np.zeros(cells, np.int32)
    effects = np.empty(3, np.int64)
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        if not is_legal(state, point, colour):
            continue
        move_effects(state, point, colour, 8, seen, i + 1, effects)
        index = _index(state, point)
        if effects[0] > 0:
            out[(19 + min(8, effects[0])) * area + index] = 1
        if effects[1] == 1:
            out[(27 + min(8, effects[2])) * area + index] = 1
        if effects[1] > 0:
            out[(35 + effects[1]) * area + index] = 1
        if not is_eye(state, point, colour):
            out[46 * area + index] = 1
    ladder_planes(state, colour, exact, out[44 * area : 45 * area], out[45 * area : 46 * area])
    if with_colour and colour == 1:
        out[48 * area : 49 * area] = 1


@kernel
def fill_planes(state, recent, colour, feature_set, out):
    """Fills out, uint8[planes * size * size], with the planes of a feature set for `colour` to move.

    recent: int32[HISTORY], the points of the last moves, newest first; 0 for a pass or no move.
    feature_set: COMPACT, ALPHAGO48 or ALPHAGO49.
    """
    out[:] = 0
    if feature_set == COMPACT:
        _fill_compact(state, recent, colour, out)
    else:
        _fill_alphago(state, recent, colour, out, feature_set == ALPHAGO49)

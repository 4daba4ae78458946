"""Kernels that turn a board into network input planes; the planes are listed by name in `gozero.features`.

Every plane is from the view of the player to move, and is written where a symmetry of the board puts it. Counts are
exact: what a move would take, and how many liberties its chain would have, are worked out on the board as it stands.
"""

import numpy as np

from gozero._board import BLACK, COLOUR, EMPTY, HEAD, KO, KO_COLOUR, PASSES, SIZE, SUICIDE, WORDS
from gozero._ladders import MAX_CHASERS, TRIAL_ROOM, begin_trial, captures_by, chasers_in_atari, escapes_by
from gozero._legality import is_eye
from gozero._survey import (
    CHAIN_LIBERTIES,
    CHAIN_LIST,
    CHAINS,
    KIND,
    LEAVES,
    OWN,
    ROW,
    SURVEY,
    TAKES,
    stones_after,
    survey,
    weigh_moves,
)
from gozero.jit import kernel, lean_kernel

HISTORY = 8
"""Past moves that a feature set can see."""

COMPACT = 0
ALPHAGO48 = 1
ALPHAGO49 = 2
ALPHAGO12 = 3
STONES = 4


@kernel
def _places(state, where):
    """Where each padded point is seen: int32[padded points], from the row of a symmetry table."""
    size = np.int64(state[SIZE])
    places = np.empty((size + 1) * (size + 2) + 1, np.int32)
    for row in range(size):
        for column in range(size):
            places[(row + 1) * (size + 1) + column + 1] = where[row * size + column]
    return places


@kernel
def _fill_ladders(state, notes, chains, places, capture, escape):
    """Marks moves that start a working ladder (capture) and moves that get out of one (escape).

    notes, chains: the survey of the state for the player to move and how many chains it found. capture, escape:
    uint8[size * size], zero on entry.
    """
    board = np.empty(state.shape[0] + TRIAL_ROOM, np.uint32)
    chasers = np.empty(MAX_CHASERS, np.uint32)
    ready = False
    for i in range(CHAINS, CHAINS + chains):
        head = np.uint32(notes[np.uint32(i)])
        row = np.uint32(head * ROW)
        own = notes[row + KIND] == OWN
        if notes[row + CHAIN_LIBERTIES] != (1 if own else 2):
            continue
        if not ready:
            begin_trial(state, board)
            ready = True
        first = np.uint32(notes[row + CHAIN_LIST])
        second = np.uint32(notes[row + CHAIN_LIST + 1])
        if own:
            for j in range(-1, chasers_in_atari(state, head, chasers)):
                move = first if j < 0 else chasers[j]
                if not escape[places[move]] and escapes_by(board, head, move):
                    escape[places[move]] = 1
        else:
            if not capture[places[first]] and captures_by(board, head, first, second):
                capture[places[first]] = 1
            if not capture[places[second]] and captures_by(board, head, second, first):
                capture[places[second]] = 1


@kernel
def _fill_compact(state, recent, colour, where, out):
    size = np.int64(state[SIZE])
    area = size * size
    places = _places(state, where)
    notes = np.empty(SURVEY, np.uint16)
    chains = survey(state, colour, notes)
    weigh_moves(state, 4, notes)
    ko = state[KO] if state[KO_COLOUR] == colour else np.uint32(0)
    if ko != 0:
        out[9 * area + places[ko]] = 1
    for i in range(HISTORY):
        if recent[i] != 0:
            out[(10 + i) * area + places[recent[i]]] = 1
    for row in range(1, size + 1):
        for column in range(1, size + 1):
            point = np.uint32(row * (size + 1) + column)
            place = np.uint32(places[point])
            stone = state[COLOUR + point * WORDS]
            if stone != EMPTY:
                liberties = np.int64(notes[state[HEAD + point * WORDS] * ROW + CHAIN_LIBERTIES])
                out[(0 if stone == colour else area) + place] = 1
                if liberties <= 3:
                    out[((2 if stone == colour else 5) + liberties) * area + place] = 1
                continue
            out[2 * area + place] = 1
            taken = notes[TAKES + point]
            liberties = np.int64(notes[LEAVES + point])
            if liberties > 0 and point != ko:
                if taken > 0:
                    out[(18 if taken == 1 else 19) * area + place] = 1
                out[(19 + liberties) * area + place] = 1
    _fill_ladders(state, notes, chains, places, out[24 * area : 25 * area], out[25 * area : 26 * area])


@lean_kernel
def _fill_stones_and_turns(state, recent, colour, places, out):
    """The first 12 planes of AlphaGo's table: stones, ones, and how many turns ago each stone was played."""
    size = np.int64(state[SIZE])
    area = size * size
    out[3 * area : 4 * area] = 1
    for row in range(1, size + 1):
        for column in range(1, size + 1):
            point = np.uint32(row * (size + 1) + column)
            place = np.uint32(places[point])
            stone = state[COLOUR + point * WORDS]
            if stone == EMPTY:
                out[2 * area + place] = 1
            else:
                out[(0 if stone == colour else area) + place] = 1
                out[11 * area + place] = 1
    for age in range(6, -1, -1):  # where several moves were played on one point, the last one is its stone's
        point = np.uint32(recent[age])
        if point != 0 and state[COLOUR + point * WORDS] != EMPTY:
            place = np.uint32(places[point])
            for plane in range(4, 12):
                out[plane * area + place] = plane == 4 + age


@lean_kernel
def _fill_stones(state, colour, where, out):
    """Stones, whether the last move was a pass, and whether Black is to move: what nobody can do without."""
    size = np.int64(state[SIZE])
    area = size * size
    for row in range(size):
        for column in range(size):
            stone = state[COLOUR + ((row + 1) * (size + 1) + column + 1) * WORDS]
            place = where[row * size + column]
            out[place] = stone == colour
            out[area + place] = (stone != colour) & (stone != EMPTY)
    if state[PASSES] != 0:
        out[2 * area : 3 * area] = 1
    if colour == BLACK:
        out[3 * area :] = 1


@kernel
def _fill_alphago(state, recent, colour, where, out):
    """AlphaGo 2016, Extended Data Table 2, in its order; one-hot counts, the last plane of eight means 8 or more."""
    size = np.int64(state[SIZE])
    area = size * size
    places = _places(state, where)
    _fill_stones_and_turns(state, recent, colour, places, out)
    notes = np.empty(SURVEY, np.uint16)
    chains = survey(state, colour, notes)
    weigh_moves(state, 8, notes)
    ko = state[KO] if state[KO_COLOUR] == colour else np.uint32(0)
    for row in range(1, size + 1):
        for column in range(1, size + 1):
            point = np.uint32(row * (size + 1) + column)
            place = np.uint32(places[point])
            if state[COLOUR + point * WORDS] != EMPTY:
                liberties = np.int64(notes[state[HEAD + point * WORDS] * ROW + CHAIN_LIBERTIES])
                out[(11 + min(8, liberties)) * area + place] = 1
                continue
            taken = np.int64(notes[TAKES + point])
            liberties = np.int64(notes[LEAVES + point])
            if point == ko:
                continue
            if liberties > 0:
                out[(35 + liberties) * area + place] = 1
            if taken > 0:
                out[(19 + min(8, taken)) * area + place] = 1
            if liberties <= 1:
                stones = stones_after(state, point, notes)
                if liberties == 1:
                    out[(27 + min(8, stones)) * area + place] = 1
                elif stones == 1 or state[SUICIDE] == 0:
                    continue
            if not is_eye(state, point, colour):
                out[46 * area + place] = 1
    _fill_ladders(state, notes, chains, places, out[44 * area : 45 * area], out[45 * area : 46 * area])


@kernel
def fill_planes(state, recent, colour, feature_set, where, out):
    """Fills out, uint8[planes * size * size], with the planes of a feature set for `colour` to move.

    recent: int32[HISTORY], the points of the last moves, newest first; 0 for a pass or no move.
    feature_set: COMPACT, ALPHAGO12, ALPHAGO48, ALPHAGO49 or STONES.
    where: int32[size * size + 1], the row of `geometry.symmetry_table` by which the board is seen.
    """
    out[:] = 0
    if feature_set == COMPACT:
        _fill_compact(state, recent, colour, where, out)
    elif feature_set == STONES:
        _fill_stones(state, colour, where, out)
    elif feature_set == ALPHAGO12:
        _fill_stones_and_turns(state, recent, colour, _places(state, where), out)
    else:
        _fill_alphago(state, recent, colour, where, out)
        if feature_set == ALPHAGO49 and colour == BLACK:
            out[48 * state[SIZE] * state[SIZE] :] = 1

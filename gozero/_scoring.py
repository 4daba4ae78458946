"""Kernels that count a finished board: who surrounds which points, and which of them are territory."""

import numpy as np

from gozero._board import BLACK, BORDER, COLOUR, EMPTY, HEAD, WHITE, WORDS, neighbour, set_stone
from gozero.jit import kernel


@kernel
def surrounded(state, owners, regions):
    """Finds the regions of empty points and the colour that surrounds each; returns how many there are.

    owners: int8[padded points] is filled with 1 where only Black's stones border on the region, -1 where only White's,
    0 on stones and everywhere else. regions: int32[padded points] is filled with the number of each empty point's
    region, -1 elsewhere.
    """
    cells = owners.shape[0]
    owners[:] = 0
    regions[:] = -1
    region = np.empty(cells, np.uint32)
    count = 0
    for start in range(cells):
        if state[COLOUR + start * WORDS] != EMPTY or regions[start] >= 0:
            continue
        regions[start] = count
        region[0] = start
        done = 0
        found = 1
        reached = 0
        while done < found:
            point = region[done]
            done += 1
            for direction in range(4):
                beside = neighbour(state, point, direction)
                colour = state[COLOUR + beside * WORDS]
                if colour == EMPTY:
                    if regions[beside] < 0:
                        regions[beside] = count
                        region[found] = beside
                        found += 1
                elif colour != BORDER:
                    reached |= np.int64(colour)
        if reached == BLACK or reached == WHITE:
            for i in range(found):
                owners[region[i]] = 1 if reached == BLACK else -1
        count += 1
    return count


@kernel
def _drop_eyes_in_seki(state, seki, owners, regions, count):
    """Makes neutral what chains in seki surround, and with it what the other chains around it surround.

    seki: uint8[padded points], 1 on stones in seki; chains that share a region with one of them are added.
    """
    dropped = np.zeros(count, np.uint8)
    in_seki = np.zeros(owners.shape[0], np.uint8)  # by representative
    for point in range(owners.shape[0]):
        if seki[point]:
            in_seki[state[HEAD + point * WORDS]] = 1
    changed = True
    while changed:
        changed = False
        for point in range(owners.shape[0]):
            if owners[point] == 0:
                continue
            for direction in range(4):
                beside = neighbour(state, np.uint32(point), direction)
                colour = state[COLOUR + beside * WORDS]
                if colour != BLACK and colour != WHITE:
                    continue
                head = state[HEAD + beside * WORDS]
                if dropped[regions[point]] and not in_seki[head]:
                    in_seki[head] = 1
                    changed = True
                elif in_seki[head] and not dropped[regions[point]]:
                    dropped[regions[point]] = 1
                    changed = True
    for point in range(owners.shape[0]):
        if owners[point] and dropped[regions[point]]:
            owners[point] = 0


@kernel
def _fill_false_eyes(state, owners):
    """Fills, on the board too, the points of territory that their owner has to fill once the dame are filled.

    Such a point is the only liberty in its own territory of a chain that the other liberties, all dame, join to no
    other chain of its colour: the enemy fills them, and then the chain has to be joined to what else is beside the
    point. Returns whether there were any.
    """
    cells = owners.shape[0]
    liberty = np.zeros(cells, np.uint32)  # by representative: the only liberty in its own territory that was found ...
    several = np.zeros(cells, np.uint8)  # ... or whether there are more
    joined = np.zeros(cells, np.uint8)  # whether a stone on a dame would join it to another chain
    for point in range(cells):
        if state[COLOUR + point * WORDS] != EMPTY:
            continue
        for direction in range(4):
            beside = neighbour(state, np.uint32(point), direction)
            colour = state[COLOUR + beside * WORDS]
            if colour != BLACK and colour != WHITE:
                continue
            head = state[HEAD + beside * WORDS]
            if owners[point] == 0:
                for other_direction in range(4):
                    other = neighbour(state, np.uint32(point), other_direction)
                    if state[COLOUR + other * WORDS] == colour and state[HEAD + other * WORDS] != head:
                        joined[head] = 1
            elif liberty[head] == 0:
                liberty[head] = point
            elif liberty[head] != point:
                several[head] = 1
    filled = False
    for head in range(cells):
        point = liberty[head]
        if point == 0 or several[head] or joined[head] or owners[point] == 0:
            continue
        colour = state[COLOUR + head * WORDS]
        useful = False
        for direction in range(4):
            beside = neighbour(state, point, direction)
            beside_colour = state[COLOUR + beside * WORDS]
            useful |= beside_colour == EMPTY or (beside_colour == colour and state[HEAD + beside * WORDS] != head)
        if useful:
            owners[point] = 0
            set_stone(state, point, np.int64(colour))
            filled = True
    return filled


@kernel
def territory(state, seki, owners):
    """Whose territory each point is, by Japanese rules, on a board from which the dead stones have been taken.

    Territory is what the stones of one colour surround, without the eyes of chains in seki and without points that
    their owner still has to fill. State is changed. seki: uint8[padded points], 1 on stones in seki.
    owners: int8[padded points] is filled with 1 for Black, -1 for White, 0 for neither.
    """
    regions = np.empty(owners.shape[0], np.int32)
    count = surrounded(state, owners, regions)
    _drop_eyes_in_seki(state, seki, owners, regions, count)
    while _fill_false_eyes(state, owners):
        pass

"""Kernels that find what a colour keeps even if it passes from now on.

Benson, "Life in the game of Go" (1976). A *region* of a colour is a largest connected set of points without its
stones: empty points and enemy stones. A region is *vital* to a chain if every one of its empty points is a liberty of
the chain: the enemy can then never fill it. Chains with two vital regions each live for good, where all chains around
these regions do.
"""

import numpy as np

from gozero._board import BLACK, BORDER, COLOUR, EMPTY, HEAD, STRIDE, SUICIDE, WHITE, WORDS, neighbour
from gozero._repetition import is_first_beside
from gozero.jit import kernel, lean_kernel

STONE = 1
REGION = 2


@lean_kernel
def find_regions(state, colour, seen, points, starts):
    """Finds the regions of `colour`; returns how many there are.

    points: uint32[padded points] is filled with the points of one region after the other. starts: int64[padded points]
    is filled with the place in `points` where each region starts, and behind the last one with where that ends.
    seen: uint8[padded points], to work on.
    """
    seen[:] = 0
    count = 0
    found = 0
    starts[0] = 0
    for start in range(np.int64(state[STRIDE]), seen.shape[0]):
        start_colour = state[COLOUR + start * WORDS]
        if start_colour == BORDER or start_colour == colour or seen[start]:
            continue
        seen[start] = 1
        points[found] = start
        done = found
        found += 1
        while done < found:
            for direction in range(4):
                beside = neighbour(state, points[done], direction)
                beside_colour = state[COLOUR + beside * WORDS]
                if beside_colour != BORDER and beside_colour != colour and not seen[beside]:
                    seen[beside] = 1
                    points[found] = beside
                    found += 1
            done += 1
        count += 1
        starts[count] = found
    return count


@lean_kernel
def count_vital(state, colour, region, touched, seen_in, vital):
    """Adds one to `vital` of the chains of `colour` that a region is vital to.

    Where suicide is allowed, enemy stones may leave a region and so make room in it: there all its points have to touch
    the chain, empty or not.

    region: uint32[points of the region]. By representative of a chain: touched: int64, points of the region that touch
    it; seen_in: int64, the start of the last region beside it; vital: int64.
    """
    needed = 0
    for point in region:
        counts = np.int64(state[COLOUR + point * WORDS] == EMPTY or state[SUICIDE] == 1)
        needed += counts
        for direction in range(4):
            beside = neighbour(state, point, direction)
            if state[COLOUR + beside * WORDS] == colour and is_first_beside(state, point, direction):
                head = state[HEAD + beside * WORDS]
                if seen_in[head] != region[0]:
                    seen_in[head] = region[0]
                    touched[head] = 0
                touched[head] += counts
    for point in region:
        for direction in range(4):
            beside = neighbour(state, point, direction)
            if state[COLOUR + beside * WORDS] == colour:
                head = state[HEAD + beside * WORDS]
                if touched[head] == needed:
                    vital[head] += 1
                    touched[head] = -1  # counted


@lean_kernel
def is_enclosed(state, colour, region, vital):
    """Whether chains of `colour` are around a region and all of them have two vital regions.

    region: uint32[points of the region]. vital: int64 by representative.
    """
    enclosed = False
    for point in region:
        for direction in range(4):
            beside = neighbour(state, point, direction)
            if state[COLOUR + beside * WORDS] == colour:
                if vital[state[HEAD + beside * WORDS]] < 2:
                    return False
                enclosed = True
    return enclosed


@lean_kernel
def inner_points(state, colour, region):
    """How many points of a region touch no stone of `colour`."""
    inner = 0
    for point in region:
        touches = False
        for direction in range(4):
            touches |= state[COLOUR + neighbour(state, point, direction) * WORDS] == colour
        inner += not touches
    return inner


@kernel
def pass_alive(state, colour, kept):
    """Finds the chains of `colour` that live whatever the enemy does, and the regions where the enemy cannot live.

    The enemy cannot live in a region that only such chains surround if at most one point of it touches none of them:
    that is room for one eye.

    kept: uint8[padded points] is filled with STONE on the chains, REGION in the regions (enemy stones there are dead),
    0 elsewhere.
    """
    cells = kept.shape[0]
    points = np.empty(cells, np.uint32)
    starts = np.empty(cells, np.int64)
    count = find_regions(state, colour, kept, points, starts)
    is_open = np.zeros(count, np.uint8)  # regions that a chain which may die surrounds, or none at all
    vital = np.empty(cells, np.int64)  # number of vital regions, by the chain's representative
    touched = np.empty(cells, np.int64)
    seen_in = np.empty(cells, np.int64)
    changed = True
    while changed:
        changed = False
        vital[:] = 0
        seen_in[:] = 0
        for region in range(count):
            if not is_open[region]:
                count_vital(state, colour, points[starts[region] : starts[region + 1]], touched, seen_in, vital)
        for region in range(count):
            if not is_open[region]:
                is_open[region] = not is_enclosed(state, colour, points[starts[region] : starts[region + 1]], vital)
                changed |= is_open[region] != 0
    kept[:] = 0
    for point in range(cells):
        if state[COLOUR + point * WORDS] == colour and vital[state[HEAD + point * WORDS]] >= 2:
            kept[point] = STONE
    for region in range(count):
        if not is_open[region]:
            inside = points[starts[region] : starts[region + 1]]
            if inner_points(state, colour, inside) < 2:
                for point in inside:
                    kept[point] = REGION


@kernel
def sure_owners(state, owners):
    """Who owns the points that are settled whatever the players do.

    owners: int8[padded points] is filled with 1 on what is `pass_alive` for Black, -1 for White, 0 elsewhere.
    """
    kept = np.empty(owners.shape[0], np.uint8)
    owners[:] = 0
    for colour in range(BLACK, WHITE + 1):
        pass_alive(state, colour, kept)
        for point in range(kept.shape[0]):
            if kept[point]:
                owners[point] = 1 if colour == BLACK else -1

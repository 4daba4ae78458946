"""Which moves the board allows, and which fill an own eye; repetition is another question (`gozero._repetition`)."""

import numpy as np

from gozero._board import (
    BESIDE,
    BORDER,
    BYTE,
    COLOUR,
    EMPTY,
    KO,
    KO_COLOUR,
    LIBERTIES,
    LIBERTY,
    ONE,
    PASS,
    SUICIDE,
    WORDS,
    around,
    heads_around,
)
from gozero.jit import inlined_kernel


@inlined_kernel
def is_legal(state, point, colour):
    """Whether `colour` may play there by occupation, simple ko and the suicide rule (a lone suicide never is legal).

    Repetition of earlier positions is another question: see `gozero._repetition`.
    """
    if point == PASS:
        return True
    if state[COLOUR + point * WORDS] != EMPTY:
        return False
    return has_empty_beside(state, point) or may_fill(state, point, colour)


@inlined_kernel
def has_empty_beside(state, point):
    """Whether the point has an empty neighbour; an empty point that has one may always be played and is no eye."""
    return (state[BESIDE + point * WORDS] & BYTE) != 0


@inlined_kernel
def _breathes(state, point, beside, head, other_1, other_2, other_3, colour):
    """Whether the chain beside an empty point gives a stone there a liberty: an own one that has others, or an enemy's
    that is taken. `head` is its representative, the others are those at the point's other neighbours.
    """
    pairs = np.uint32(ONE + np.uint32(head == other_1) + np.uint32(head == other_2) + np.uint32(head == other_3))
    has_others = state[LIBERTIES + head * WORDS] != np.uint32(np.uint32(LIBERTY + point) * pairs)
    beside_colour = state[COLOUR + beside * WORDS]
    return (beside_colour != BORDER) & ((beside_colour == colour) == has_others)


@inlined_kernel
def may_fill(state, point, colour):
    """Whether an empty point without empty neighbours may be played: `is_legal` for the rare case."""
    if point == state[KO] and colour == state[KO_COLOUR]:
        return False
    here = np.uint32(point)
    above, left, right, below = around(state, here)
    a, b, c, d = heads_around(state, here)
    if (
        _breathes(state, here, above, a, b, c, d, colour)
        | _breathes(state, here, left, b, a, c, d, colour)
        | _breathes(state, here, right, c, a, b, d, colour)
        | _breathes(state, here, below, d, a, b, c, colour)
    ):
        return True
    own = np.uint32(state[BESIDE + here * WORDS] >> np.uint32(8 * colour)) & BYTE
    return own != 0 and state[SUICIDE] != 0


@inlined_kernel
def is_eye(state, point, colour):
    """Whether the empty point is an eye of `colour`: only own neighbours, and not enough enemy diagonals to break it.

    One enemy diagonal is tolerated in the open, none on the edge or in the corner.
    """
    enemy = np.uint32(3 - colour)
    if state[BESIDE + point * WORDS] & np.uint32(BYTE | (BYTE << np.uint32(8 * enemy))):
        return False
    above, _, _, below = around(state, point)
    a = state[COLOUR + np.uint32(above - ONE) * WORDS]
    b = state[COLOUR + np.uint32(above + ONE) * WORDS]
    c = state[COLOUR + np.uint32(below - ONE) * WORDS]
    d = state[COLOUR + np.uint32(below + ONE) * WORDS]
    enemies = np.uint32(a == enemy) + np.uint32(b == enemy) + np.uint32(c == enemy) + np.uint32(d == enemy)
    return enemies + np.uint32((a == BORDER) | (b == BORDER) | (c == BORDER) | (d == BORDER)) < 2

"""The board: stones, chains, liberties, capture, ko and hashes, on one flat uint32 buffer.

The buffer has the same type for every board size, so every kernel is compiled once. It starts with a header (the
words named below), then holds `WORDS` words for every cell of the padded board (see `gozero.coords`): the cell's
colour, the colours beside it, the chain it belongs to, and the chain's pseudo-liberties: pairs of a stone and an empty
point beside it. Their number and the sum of their points, in one word, tell atari without a search: n pairs at one
point p sum to n * p, and n stones of the chain stand beside p.

Unsigned words spare the wrap-around code that numba emits for signed indices. Neighbours are spelt out, and conditions
added up: a branch that depends on the board is often mispredicted, which costs more than the work it spares.

Points, colours and their sentinels are those of `gozero.coords`. Nothing here checks its arguments; `Position` does.
"""

import numpy as np

from gozero._random import mix
from gozero._zobrist import stone_bits
from gozero.jit import inlined_kernel, lean_kernel

# Header words.
SIZE = 0
STRIDE = 1
TO_PLAY = 2
KO = 3  # the point that KO_COLOUR may not take now, 0 for none
KO_COLOUR = 4
EMPTIES = 5  # number of empty points
CAPTURED_BLACK = 6  # black stones taken off the board so far
CAPTURED_WHITE = 7
HASH_LO = 8  # Zobrist hash of the stones, two halves
HASH_HI = 9
SUICIDE = 10  # 1 where suicide of several stones is allowed
PLY = 11  # moves played, passes included
LAST = 12  # the last move (PASS = 0), or 0 before the first
LAST2 = 13
PASSES = 14  # consecutive passes at the end
HEADER = 16

# Words of a cell; the cell of point p starts at HEADER + p * WORDS.
WORDS = 8
COLOUR = HEADER + 0
HEAD = HEADER + 1  # on a stone: the chain's representative; on an empty point: 1 if a stone was ever taken from it
NEXT = HEADER + 2  # on a stone: the next stone of the chain, a ring
LIBERTIES = HEADER + 3  # on a representative: the sum of LIBERTY + point over all pseudo-liberties
BESIDE = HEADER + 4  # number of neighbours of each colour, that of colour c at bit 8 * c
EMPTY_AT = HEADER + 6  # cell i holds the i-th empty point (a list over the cells, independent of the other words)
STONES = HEADER + 7  # on a representative: number of stones
SLOT = STONES  # on an empty point: its place in the list of empty points

# A board of 25x25 has 1,200 pairs of neighbours, whose points sum to less than 2**20: both fit into 32 bits.
LIBERTY_BITS = 20
LIBERTY = np.uint32(1 << LIBERTY_BITS)

PASS = 0
EMPTY = 0
BLACK = 1
WHITE = 2
BORDER = 3

SIMPLE_KO = 0
POSITIONAL_SUPERKO = 1
SITUATIONAL_SUPERKO = 2

ONE = np.uint32(1)
_TOP = np.uint32(1 << 31)
BYTE = np.uint32(255)
_PART = np.array([0, 65536, 32768, 21846, 16384], dtype=np.uint32)  # 1/n in 16 bits, for sums of at most 4 points


def state_length(size: int) -> int:
    """Number of uint32 words in the state of a size x size board."""
    return HEADER + WORDS * ((size + 1) * (size + 2) + 1)


@inlined_kernel
def around(state, point):
    """The four neighbours of a point: above, to the left, to the right, below."""
    stride = state[STRIDE]
    here = np.uint32(point)
    return np.uint32(here - stride), np.uint32(here - ONE), np.uint32(here + ONE), np.uint32(here + stride)


@inlined_kernel
def heads_around(state, point):
    """The chains of the four neighbours; cell 0 or 1, both off the board, where there is no stone."""
    above, left, right, below = around(state, point)
    return (
        state[HEAD + above * WORDS],
        state[HEAD + left * WORDS],
        state[HEAD + right * WORDS],
        state[HEAD + below * WORDS],
    )


@inlined_kernel
def neighbour(state, point, direction):
    """The adjacent point above (0), to the left (1), to the right (2) or below (3)."""
    if direction == 0:
        return np.uint32(point - state[STRIDE])
    if direction == 1:
        return np.uint32(point - 1)
    if direction == 2:
        return np.uint32(point + 1)
    return np.uint32(point + state[STRIDE])


@lean_kernel
def init(state, size, suicide):
    """Makes `state` the empty board with Black to play."""
    stride = size + 1
    cells = stride * (size + 2) + 1
    state[:] = 0
    state[SIZE] = size
    state[STRIDE] = stride
    state[TO_PLAY] = BLACK
    state[SUICIDE] = suicide
    for point in range(cells):
        state[COLOUR + point * WORDS] = BORDER
    count = 0
    for row in range(1, size + 1):
        for column in range(1, size + 1):
            point = row * stride + column
            state[COLOUR + point * WORDS] = EMPTY
            state[SLOT + point * WORDS] = count
            state[EMPTY_AT + count * WORDS] = point
            count += 1
    state[EMPTIES] = count
    for i in range(count):
        point = state[EMPTY_AT + i * WORDS]
        for direction in range(4):
            beside_colour = state[COLOUR + neighbour(state, point, direction) * WORDS]
            state[BESIDE + point * WORDS] += ONE << np.uint32(8 * beside_colour)


@inlined_kernel
def _flip_hash(state, bits):
    state[HASH_LO] ^= np.uint32(bits)
    state[HASH_HI] ^= np.uint32(bits >> np.uint64(32))


@inlined_kernel
def pseudo_liberties(state, head):
    """Number of pseudo-liberties of the chain with representative `head`: at least that of its liberties."""
    return state[LIBERTIES + np.uint32(head) * WORDS] >> np.uint32(LIBERTY_BITS)


@lean_kernel
def last_liberty(state, head):
    """The liberty of the chain with representative `head` if it is in atari (has just one), else 0."""
    count = pseudo_liberties(state, head)
    if count > 4 or count == 0:
        return np.uint32(0)
    total = state[LIBERTIES + np.uint32(head) * WORDS] & np.uint32(LIBERTY - 1)
    point = np.uint32(np.uint32(total * _PART[count]) >> np.uint32(16))
    above, left, right, below = heads_around(state, point)
    stones = np.uint32(above == head) + np.uint32(left == head) + np.uint32(right == head) + np.uint32(below == head)
    return point if stones == count and state[COLOUR + point * WORDS] == EMPTY else np.uint32(0)


@lean_kernel
def in_atari(state, head):
    """Whether the chain with representative `head` has exactly one liberty."""
    return last_liberty(state, head) != 0


@inlined_kernel
def _unlist_empty(state, point):
    last = np.uint32(state[EMPTIES] - ONE)
    moved = state[EMPTY_AT + last * WORDS]
    slot = state[SLOT + point * WORDS]
    state[EMPTY_AT + slot * WORDS] = moved
    state[SLOT + moved * WORDS] = slot
    state[EMPTIES] = last


@inlined_kernel
def tell_neighbours(state, point, change, liberty):
    """Adds to BESIDE of the four neighbours and to LIBERTIES of their chains.

    Empty and border cells name cell 0 or 1 as their chain, both off the board. What is added there is never read, and
    cheaper than asking.
    """
    above, left, right, below = around(state, point)
    state[BESIDE + above * WORDS] += change
    state[BESIDE + left * WORDS] += change
    state[BESIDE + right * WORDS] += change
    state[BESIDE + below * WORDS] += change
    head_above, head_left, head_right, head_below = heads_around(state, point)
    state[LIBERTIES + head_above * WORDS] += liberty
    state[LIBERTIES + head_left * WORDS] += liberty
    state[LIBERTIES + head_right * WORDS] += liberty
    state[LIBERTIES + head_below * WORDS] += liberty


@lean_kernel
def merge(state, a, b):
    """Joins the chains with representatives a and b; returns the representative of both."""
    if state[STONES + a * WORDS] < state[STONES + b * WORDS]:
        a, b = b, a
    to, source = np.uint32(a * WORDS), np.uint32(b * WORDS)
    state[STONES + to] += state[STONES + source]
    state[LIBERTIES + to] += state[LIBERTIES + source]
    stone = b
    while True:
        state[HEAD + stone * WORDS] = a
        stone = state[NEXT + stone * WORDS]
        if stone == b:
            break
    state[NEXT + to], state[NEXT + source] = state[NEXT + source], state[NEXT + to]
    return a


@lean_kernel
def _remove(state, head, colour):
    """Takes the chain of `colour` with representative `head` off the board; returns its number of stones."""
    minus = np.uint32(ONE - (ONE << np.uint32(8 * colour)))
    first = state[EMPTIES]
    count = first
    bits = np.uint64(0)
    stone = np.uint32(head)
    while True:
        cell = np.uint32(stone * WORDS)
        following = state[NEXT + cell]
        bits ^= stone_bits(stone, colour)
        state[COLOUR + cell] = EMPTY
        state[HEAD + cell] = 1
        state[EMPTY_AT + count * WORDS] = stone
        state[SLOT + cell] = count
        count = np.uint32(count + ONE)
        tell_neighbours(state, stone, minus, np.uint32(LIBERTY + stone))
        stone = following
        if stone == head:
            break
    state[EMPTIES] = count
    _flip_hash(state, bits)
    taken = np.int64(count - first)
    state[CAPTURED_BLACK - BLACK + colour] += np.uint32(taken)
    return taken


@inlined_kernel
def liberty_at(state, point):
    """What an empty point adds to the LIBERTIES of a chain for a stone beside it; 0 if the point is not empty."""
    return np.uint32(LIBERTY + point) if state[COLOUR + point * WORDS] == EMPTY else np.uint32(0)


@inlined_kernel
def _place(state, point, colour):
    """Puts a stone on an empty point and joins it to its neighbours; captures nothing. Returns the representative."""
    here = np.uint32(point)
    own = np.uint32(colour)
    cell = np.uint32(here * WORDS)
    _unlist_empty(state, here)
    _flip_hash(state, stone_bits(here, own))
    plus = np.uint32((ONE << np.uint32(8 * own)) - ONE)
    tell_neighbours(state, here, plus, np.uint32(0) - np.uint32(LIBERTY + here))
    above, left, right, below = around(state, here)
    head_above, head_left, head_right, head_below = heads_around(state, here)
    liberties = np.uint32(
        liberty_at(state, above) + liberty_at(state, left) + liberty_at(state, right) + liberty_at(state, below)
    )
    joins_above = state[COLOUR + above * WORDS] == own
    joins_left = state[COLOUR + left * WORDS] == own
    joins_right = state[COLOUR + right * WORDS] == own
    joins_below = state[COLOUR + below * WORDS] == own
    # The stone joins one of its own neighbours' chains, or begins one, without a branch ...
    head = head_below if joins_below else here
    head = head_right if joins_right else head
    head = head_left if joins_left else head
    head = head_above if joins_above else head
    to = np.uint32(head * WORDS)
    state[COLOUR + cell] = own
    state[HEAD + cell] = head
    state[NEXT + cell] = here
    state[STONES + cell] = 0
    state[LIBERTIES + cell] = 0
    state[STONES + to] += ONE
    state[LIBERTIES + to] += liberties
    after = state[NEXT + to]
    state[NEXT + to] = here
    state[NEXT + cell] = after if head != here else here
    # ... and only then joins it to the others.
    differs_left = head_left ^ head if joins_left else np.uint32(0)
    differs_right = head_right ^ head if joins_right else np.uint32(0)
    differs_below = head_below ^ head if joins_below else np.uint32(0)
    if differs_left | differs_right | differs_below:
        for direction in range(1, 4):
            beside = neighbour(state, here, direction)
            other = state[HEAD + beside * WORDS]
            if state[COLOUR + beside * WORDS] == own and other != head:
                head = merge(state, head, other)
    return head


@inlined_kernel
def _is_alive(state, beside, colour):
    """0 if the chain of `colour` at that point has no liberty; not 0 if it has, or where there is no such chain."""
    liberties = state[LIBERTIES + state[HEAD + beside * WORDS] * WORDS] & np.uint32(_TOP - 1)
    return np.uint32(liberties | (state[COLOUR + beside * WORDS] ^ np.uint32(colour)))


@inlined_kernel
def play(state, point, colour):
    """Plays a legal move (a point or PASS) and returns how many stones it took off, own ones included.

    Afterwards the other colour is to play; the ko point is set where exactly one stone was taken by a lone stone that
    could be taken back at once.
    """
    enemy = np.uint32(3 - colour)
    state[PLY] += ONE
    state[LAST2] = state[LAST]
    state[LAST] = point
    state[TO_PLAY] = enemy
    state[KO] = 0
    if point == PASS:
        state[PASSES] += ONE
        return 0
    state[PASSES] = 0
    head = _place(state, point, colour)
    above, left, right, below = around(state, point)
    dead = np.uint32(_is_alive(state, above, enemy) - ONE) | np.uint32(_is_alive(state, left, enemy) - ONE)
    dead |= np.uint32(_is_alive(state, right, enemy) - ONE) | np.uint32(_is_alive(state, below, enemy) - ONE)
    if dead >= _TOP:  # one of these numbers below 2**31 was 0
        return _capture(state, point, head, enemy)
    if state[LIBERTIES + head * WORDS] == 0:
        return _remove(state, head, colour)
    return 0


@lean_kernel
def _capture(state, point, head, enemy):
    """Takes off what the stone just placed, of the chain `head`, leaves without liberties; returns how many stones."""
    captured = 0
    for direction in range(4):
        beside = neighbour(state, point, direction)
        if _is_alive(state, beside, enemy) == 0:
            captured += _remove(state, state[HEAD + beside * WORDS], enemy)
            state[KO] = beside
            state[KO_COLOUR] = enemy
    if captured != 1 or pseudo_liberties(state, head) != 1 or state[STONES + head * WORDS] != 1:
        state[KO] = 0
    return captured


@lean_kernel
def set_stone(state, point, colour):
    """Puts a set-up stone on an empty point: no capture, no change of turn. Its chain must keep a liberty."""
    _place(state, point, colour)
    state[KO] = 0


@lean_kernel
def position_hash(state):
    """The Zobrist hash of the stones, uint64 (Zobrist 1970)."""
    return (np.uint64(state[HASH_HI]) << np.uint64(32)) | np.uint64(state[HASH_LO])


@lean_kernel
def situational_hash(state, to_play):
    """The hash of the stones and the player to move, uint64."""
    return mix(position_hash(state) + np.uint64(to_play))

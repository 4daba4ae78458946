"""The board: play, capture, ko, legality, eyes, liberties, hashes and area, on one flat uint32 buffer.

The buffer has the same type for every board size, so every kernel is compiled once. It starts with a header (the
words named below), then holds `WORDS` words for every cell of the padded board (see `gozero.coords`): the cell's
colour, the chain it belongs to, and pseudo-liberties (a liberty counts once for every adjacent stone) with their sum
and sum of squares, which tell atari without a search: n equal liberties are the only ones for which
n * (sum of squares) = sum squared. Unsigned words spare the wrap-around code that numba emits for signed indices.

Points, colours and their sentinels are those of `gozero.coords`. Nothing here checks its arguments; `Position` does.
"""

import numpy as np

from gozero._random import mix
from gozero.jit import kernel

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
LIBERTIES = HEADER + 3  # on a representative: number of pseudo-liberties ...
LIBERTY_SUM = HEADER + 4  # ... the sum of their points ...
LIBERTY_SQUARES = HEADER + 5  # ... and of their squares
EMPTY_AT = HEADER + 6  # cell i holds the i-th empty point (a list over the cells, independent of the other words)
STONES = HEADER + 7  # on a representative: number of stones
SLOT = STONES  # on an empty point: its place in the list of empty points

PASS = 0
EMPTY = 0
BLACK = 1
WHITE = 2
BORDER = 3

SIMPLE_KO = 0
POSITIONAL_SUPERKO = 1
SITUATIONAL_SUPERKO = 2

_LOW = np.uint64(0xFFFFFFFF)
_S32 = np.uint64(32)
_HASH_CELLS = 27 * 26 + 1  # the padded 25x25 board


def _zobrist_table():
    """uint32[2 * (2 * point + colour - 1) + half]: a random 64-bit number for each stone on each point."""
    generator = np.random.Generator(np.random.PCG64(20160127))
    return generator.integers(1, 2**32, size=4 * _HASH_CELLS, dtype=np.uint32)


_ZOBRIST = _zobrist_table()


def state_length(size: int) -> int:
    """Number of uint32 words in the state of a size x size board."""
    return HEADER + WORDS * ((size + 1) * (size + 2) + 1)


@kernel
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


@kernel
def neighbour(state, point, direction):
    """The adjacent point above (0), to the left (1), to the right (2) or below (3)."""
    if direction == 0:
        return np.uint32(point - state[STRIDE])
    if direction == 1:
        return np.uint32(point - 1)
    if direction == 2:
        return np.uint32(point + 1)
    return np.uint32(point + state[STRIDE])


@kernel
def _flip_hash(state, point, colour):
    entry = np.uint32(4 * point + 2 * colour - 2)
    state[HASH_LO] ^= _ZOBRIST[entry]
    state[HASH_HI] ^= _ZOBRIST[np.uint32(entry + 1)]


@kernel
def in_atari(state, head):
    """Whether the chain with representative `head` has exactly one liberty."""
    cell = np.uint32(head * WORDS)
    total = np.int64(state[LIBERTY_SUM + cell])
    return np.int64(state[LIBERTIES + cell]) * np.int64(state[LIBERTY_SQUARES + cell]) == total * total


@kernel
def _list_empty(state, point):
    count = state[EMPTIES]
    state[EMPTY_AT + count * WORDS] = point
    state[SLOT + point * WORDS] = count
    state[EMPTIES] = count + 1


@kernel
def _unlist_empty(state, point):
    last = np.uint32(state[EMPTIES] - 1)
    moved = state[EMPTY_AT + last * WORDS]
    slot = state[SLOT + point * WORDS]
    state[EMPTY_AT + slot * WORDS] = moved
    state[SLOT + moved * WORDS] = slot
    state[EMPTIES] = last


@kernel
def _merge(state, a, b):
    """Joins the chains with representatives a and b; returns the representative of both."""
    if state[STONES + a * WORDS] < state[STONES + b * WORDS]:
        a, b = b, a
    to, source = np.uint32(a * WORDS), np.uint32(b * WORDS)
    state[STONES + to] += state[STONES + source]
    state[LIBERTIES + to] += state[LIBERTIES + source]
    state[LIBERTY_SUM + to] += state[LIBERTY_SUM + source]
    state[LIBERTY_SQUARES + to] += state[LIBERTY_SQUARES + source]
    stone = b
    while True:
        state[HEAD + stone * WORDS] = a
        stone = state[NEXT + stone * WORDS]
        if stone == b:
            break
    after = state[NEXT + to]
    state[NEXT + to] = state[NEXT + source]
    state[NEXT + source] = after
    return a


@kernel
def _remove(state, head, colour):
    """Takes the chain of `colour` with representative `head` off the board; returns its number of stones.

    The words of empty and border cells name cell 0 or 1 as their chain, both on the border: their pseudo-liberties
    are changed along with the others' and never read, which is cheaper than asking.
    """
    count = 0
    stone = head
    while True:
        following = state[NEXT + stone * WORDS]
        _flip_hash(state, stone, colour)
        state[COLOUR + stone * WORDS] = EMPTY
        state[HEAD + stone * WORDS] = 1
        _list_empty(state, stone)
        for direction in range(4):
            cell = np.uint32(state[HEAD + neighbour(state, stone, direction) * WORDS] * WORDS)
            state[LIBERTIES + cell] += 1
            state[LIBERTY_SUM + cell] += stone
            state[LIBERTY_SQUARES + cell] += stone * stone
        count += 1
        stone = following
        if stone == head:
            break
    state[CAPTURED_BLACK - BLACK + colour] += count
    return count


@kernel
def _place(state, point, colour):
    """Puts a stone on an empty point and joins it to its neighbours; captures nothing. Returns the representative."""
    _unlist_empty(state, point)
    _flip_hash(state, point, colour)
    cell = np.uint32(point * WORDS)
    liberties = 0
    liberty_sum = 0
    liberty_squares = 0
    for direction in range(4):
        beside = neighbour(state, point, direction)
        chain = np.uint32(state[HEAD + beside * WORDS] * WORDS)
        state[LIBERTIES + chain] -= 1
        state[LIBERTY_SUM + chain] -= point
        state[LIBERTY_SQUARES + chain] -= point * point
        if state[COLOUR + beside * WORDS] == EMPTY:
            liberties += 1
            liberty_sum += beside
            liberty_squares += beside * beside
    state[COLOUR + cell] = colour
    state[HEAD + cell] = point
    state[NEXT + cell] = point
    state[STONES + cell] = 1
    state[LIBERTIES + cell] = liberties
    state[LIBERTY_SUM + cell] = liberty_sum
    state[LIBERTY_SQUARES + cell] = liberty_squares
    head = np.uint32(point)
    for direction in range(4):
        beside = neighbour(state, point, direction)
        if state[COLOUR + beside * WORDS] == colour:
            other_head = state[HEAD + beside * WORDS]
            if other_head != head:
                head = np.uint32(_merge(state, head, other_head))
    return head


@kernel
def play(state, point, colour):
    """Plays a legal move (a point or PASS) and returns how many stones it took off, own ones included.

    Afterwards the other colour is to play; the ko point is set where exactly one stone was taken by a lone stone that
    could be taken back at once.
    """
    state[PLY] += 1
    state[LAST2] = state[LAST]
    state[LAST] = point
    state[TO_PLAY] = 3 - colour
    state[KO] = 0
    if point == PASS:
        state[PASSES] += 1
        return 0
    state[PASSES] = 0
    head = _place(state, point, colour)
    captured = 0
    for direction in range(4):
        beside = neighbour(state, point, direction)
        if state[COLOUR + beside * WORDS] == 3 - colour:
            other_head = state[HEAD + beside * WORDS]
            if state[LIBERTIES + other_head * WORDS] == 0:
                captured += _remove(state, other_head, 3 - colour)
                state[KO] = beside
                state[KO_COLOUR] = 3 - colour
    cell = np.uint32(head * WORDS)
    liberties = state[LIBERTIES + cell]
    if captured != 1 or liberties != 1 or state[STONES + cell] != 1:
        state[KO] = 0
    if liberties == 0:
        captured = _remove(state, head, colour)
    return captured


@kernel
def set_stone(state, point, colour):
    """Puts a set-up stone on an empty point: no capture, no change of turn. Its chain must keep a liberty."""
    _place(state, point, colour)
    state[KO] = 0


@kernel
def is_legal(state, point, colour):
    """Whether `colour` may play there by occupation, simple ko and the suicide rule (a lone suicide never is legal).

    Repetition of earlier positions is another question: see `is_repetition`.
    """
    if point == PASS:
        return True
    if state[COLOUR + point * WORDS] != EMPTY:
        return False
    if point == state[KO] and colour == state[KO_COLOUR]:
        return False
    joins = False
    for direction in range(4):
        beside = neighbour(state, point, direction)
        beside_colour = state[COLOUR + beside * WORDS]
        if beside_colour == EMPTY:
            return True
        if beside_colour != BORDER:
            atari = in_atari(state, state[HEAD + beside * WORDS])
            if (beside_colour == colour) != atari:
                return True
            joins |= beside_colour == colour
    return joins and state[SUICIDE] == 1


@kernel
def is_eye(state, point, colour):
    """Whether the empty point is an eye of `colour`: only own neighbours, and not enough enemy diagonals to break it.

    One enemy diagonal is tolerated in the open, none on the edge or in the corner.
    """
    for direction in range(4):
        beside_colour = state[COLOUR + neighbour(state, point, direction) * WORDS]
        if beside_colour != colour and beside_colour != BORDER:
            return False
    stride = state[STRIDE]
    enemies = 0
    borders = 0
    for row in range(-1, 2, 2):
        for column in range(-1, 2, 2):
            diagonal = np.uint32(point + row * np.int64(stride) + column)
            diagonal_colour = state[COLOUR + diagonal * WORDS]
            enemies += diagonal_colour == 3 - colour
            borders |= diagonal_colour == BORDER
    return enemies + borders < 2


@kernel
def position_hash(state):
    """The Zobrist hash of the stones, uint64 (Zobrist 1970)."""
    return (np.uint64(state[HASH_HI]) << _S32) | np.uint64(state[HASH_LO])


@kernel
def situational_hash(state, to_play):
    """The hash of the stones and the player to move, uint64."""
    return mix(position_hash(state) + np.uint64(to_play))


@kernel
def _toggle_chain(state, head, colour, lo, hi):
    stone = head
    while True:
        entry = np.uint32(4 * stone + 2 * colour - 2)
        lo ^= _ZOBRIST[entry]
        hi ^= _ZOBRIST[np.uint32(entry + 1)]
        stone = state[NEXT + stone * WORDS]
        if stone == head:
            return lo, hi


@kernel
def hash_after(state, point, colour):
    """What `position_hash` would be after a legal move, uint64."""
    lo, hi = state[HASH_LO], state[HASH_HI]
    if point == PASS:
        return (np.uint64(hi) << _S32) | np.uint64(lo)
    entry = np.uint32(4 * point + 2 * colour - 2)
    lo ^= _ZOBRIST[entry]
    hi ^= _ZOBRIST[np.uint32(entry + 1)]
    alive = False
    for direction in range(4):
        beside = neighbour(state, point, direction)
        beside_colour = state[COLOUR + beside * WORDS]
        if beside_colour == EMPTY:
            alive = True
        elif beside_colour != BORDER:
            head = state[HEAD + beside * WORDS]
            atari = in_atari(state, head)
            if (beside_colour == colour) != atari:
                alive = True
            if beside_colour != colour and atari and _is_first_beside(state, point, direction, head):
                lo, hi = _toggle_chain(state, head, beside_colour, lo, hi)
    if not alive:
        lo ^= _ZOBRIST[entry]
        hi ^= _ZOBRIST[np.uint32(entry + 1)]
        for direction in range(4):
            beside = neighbour(state, point, direction)
            if state[COLOUR + beside * WORDS] == colour:
                head = state[HEAD + beside * WORDS]
                if _is_first_beside(state, point, direction, head):
                    lo, hi = _toggle_chain(state, head, colour, lo, hi)
    return (np.uint64(hi) << _S32) | np.uint64(lo)


@kernel
def _is_first_beside(state, point, direction, head):
    """Whether no earlier direction leads to the same chain."""
    for earlier in range(direction):
        beside = neighbour(state, point, earlier)
        colour = state[COLOUR + beside * WORDS]
        if (colour == BLACK or colour == WHITE) and state[HEAD + beside * WORDS] == head:
            return False
    return True


@kernel
def is_repetition(state, point, colour, history, length, situational):
    """Whether a legal move would bring back a position whose hash is among `history[:length]` (uint64).

    `history` holds `situational_hash` values where `situational`, else `position_hash` values. A pass never repeats.
    The earlier position had this stone here, so a point that never lost a stone needs no look-up; suicide aside.
    """
    if point == PASS or (state[HEAD + point * WORDS] == 0 and state[SUICIDE] == 0):
        return False
    wanted = hash_after(state, point, colour)
    if situational:
        wanted = mix(wanted + np.uint64(3 - colour))
    for i in range(length):
        if history[i] == wanted:
            return True
    return False


@kernel
def legal_mask(state, colour, history, length, superko, mask):
    """Fills mask, uint8[size * size + 1] by move index, with 1 where `colour` may play; the pass is always legal.

    `superko` is SIMPLE_KO, POSITIONAL_SUPERKO or SITUATIONAL_SUPERKO; `history[:length]` as in `is_repetition`.
    """
    size = state[SIZE]
    stride = state[STRIDE]
    mask[:] = 0
    mask[size * size] = 1
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        if is_legal(state, point, colour) and (
            superko == SIMPLE_KO
            or not is_repetition(state, point, colour, history, length, superko == SITUATIONAL_SUPERKO)
        ):
            row = point // stride
            mask[np.uint32((row - 1) * size + (point - row * stride) - 1)] = 1


@kernel
def liberties_map(state, out):
    """Fills out, int16[padded points], with the exact number of liberties of the chain at every stone, else 0."""
    out[:] = 0
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        for direction in range(4):
            beside = neighbour(state, point, direction)
            colour = state[COLOUR + beside * WORDS]
            if colour == BLACK or colour == WHITE:
                head = state[HEAD + beside * WORDS]
                if _is_first_beside(state, point, direction, head):
                    out[head] += 1
    size = state[SIZE]
    stride = state[STRIDE]
    for row in range(1, size + 1):
        for column in range(1, size + 1):
            point = np.uint32(row * stride + column)
            colour = state[COLOUR + point * WORDS]
            if colour == BLACK or colour == WHITE:
                out[point] = out[state[HEAD + point * WORDS]]


@kernel
def area(state):
    """Black's and White's points by area: stones, and empty regions that reach only one colour (Tromp-Taylor)."""
    points = np.zeros(3, np.int64)
    cells = (state[SIZE] + 1) * (state[SIZE] + 2) + 1
    seen = np.zeros(cells, np.uint8)
    stack = np.empty(cells, np.uint32)
    stride = state[STRIDE]
    for start in range(stride, cells):
        colour = state[COLOUR + start * WORDS]
        if colour == BORDER or seen[start]:
            continue
        if colour != EMPTY:
            points[colour] += 1
            continue
        seen[start] = 1
        stack[0] = start
        waiting = 1
        region = 0
        reached = 0
        while waiting > 0:
            waiting -= 1
            point = stack[waiting]
            region += 1
            for direction in range(4):
                beside = neighbour(state, point, direction)
                beside_colour = state[COLOUR + beside * WORDS]
                if beside_colour == EMPTY:
                    if not seen[beside]:
                        seen[beside] = 1
                        stack[waiting] = beside
                        waiting += 1
                elif beside_colour != BORDER:
                    reached |= beside_colour
        if reached == BLACK or reached == WHITE:
            points[reached] += region
    return points[BLACK], points[WHITE]


@kernel
def colours(state, out):
    """Fills out, uint8[size * size] by move index, with the colour of every point."""
    size = state[SIZE]
    for row in range(size):
        for column in range(size):
            point = np.uint32((row + 1) * state[STRIDE] + column + 1)
            out[row * size + column] = state[COLOUR + point * WORDS]

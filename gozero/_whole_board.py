"""Facts of a whole board at once: its area, the liberties of all its chains, its colours as an array."""

import numpy as np

from gozero._board import (
    BESIDE,
    BLACK,
    BORDER,
    BYTE,
    COLOUR,
    EMPTIES,
    EMPTY,
    EMPTY_AT,
    HEAD,
    SIZE,
    STRIDE,
    WHITE,
    WORDS,
    heads_around,
    neighbour,
)
from gozero.jit import kernel, lean_kernel


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


@lean_kernel
def liberties_map(state, out):
    """Fills out, int16[padded points], with the exact number of liberties of the chain at every stone, else 0."""
    out[:] = 0
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        if state[BESIDE + point * WORDS] & np.uint32(BYTE << 8 | BYTE << 16):
            a, b, c, d = heads_around(state, point)
            out[a] += 1
            out[b] += b != a
            out[c] += (c != a) & (c != b)
            out[d] += (d != a) & (d != b) & (d != c)
    # The chains of empty and border cells.
    out[0] = 0
    out[1] = 0
    size = state[SIZE]
    stride = state[STRIDE]
    for row in range(1, size + 1):
        for column in range(1, size + 1):
            point = np.uint32(row * stride + column)
            out[point] = out[state[HEAD + point * WORDS]]


@lean_kernel
def colours(state, out):
    """Fills out, uint8[size * size] by move index, with the colour of every point."""
    size = state[SIZE]
    for row in range(size):
        for column in range(size):
            out[row * size + column] = state[COLOUR + ((row + 1) * state[STRIDE] + column + 1) * WORDS]

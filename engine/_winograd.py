"""Kernels of Winograd's minimal filtering F(4x4, 3x3): from boards to transformed tiles and back, and the transposes.

Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016), section 4.3: A 3x3 convolution's 4x4
outputs come from 6x6 inputs by 36 products instead of 144; here with the points 0, 1, -1, 2, -2 and infinity.

Boards are flat float32 arrays [boards, height, width, channels], zero beyond their edges. They are cut into bands of
four rows, numbered through all boards, and a band into tiles of 4x4 points. `tiles` holds 36 numbers a tile and
channel, as planes [36, PLANE], each plane [tiles of the bands, channels]. In between lies `strip`, a band whose columns
are sorted by their remainder of 4, so that what is next to each other belongs to neighbouring tiles: [6, 4, COLUMNS].
Distances that are constants let the compiler see that its vectors do not overlap.
"""

import numpy as np

from engine._products import ROWS, add_product
from gozero.jit import inlined_kernel, lean_kernel

PLANE = 8192 + 16
"""Room of a plane of `tiles`, in numbers: tiles of some bands stay in the second and third cache. Not a power of 2,
whose planes would compete for the same lines of the cache."""
COLUMNS = 4096 + 80
"""Room of every fourth column of a band, in numbers."""
STRIP = 4 * COLUMNS

_0 = np.float32(0)
_1 = np.float32(1)
_2 = np.float32(2)
_4 = np.float32(4)
_5 = np.float32(5)
_8 = np.float32(8)


@inlined_kernel
def _row(y, height):
    """(the row to read instead of `y`, 1 or, for a row beyond the edge, 0 to multiply it with)."""
    return min(max(y, 0), height - 1), _1 if 0 <= y < height else _0


@lean_kernel
def bands_at_once(width, channels):
    """How many bands of tiles there is room for, with their number rounded up to the rows of a product's block."""
    return (PLANE // channels - ROWS + 1) // ((width + 3) // 4)


@lean_kernel
def input_tiles(x, height, width, channels, first, bands, strip, tiles):
    """B'dB of the 6x6 inputs d of every tile of so many bands from `first` on."""
    across, down = (width + 3) // 4, (height + 3) // 4
    run = across * channels
    line = width * channels
    for k in range(24):
        strip[k * COLUMNS : k * COLUMNS + run + channels] = _0
    for n in range(bands):
        board, top = (first + n) // down, (first + n) % down * 4 - 1
        y0, m0 = _row(top, height)
        y1, m1 = _row(top + 1, height)
        y2, m2 = _row(top + 2, height)
        y3, m3 = _row(top + 3, height)
        y4, m4 = _row(top + 4, height)
        y5, m5 = _row(top + 5, height)
        for column in range(width):
            at = board * height * line + column * channels
            x0 = x[at + y0 * line :]
            x1 = x[at + y1 * line :]
            x2 = x[at + y2 * line :]
            x3 = x[at + y3 * line :]
            x4 = x[at + y4 * line :]
            x5 = x[at + y5 * line :]
            out = strip[(column + 1) % 4 * COLUMNS + (column + 1) // 4 * channels :]
            for c in range(channels):
                d1, d2, d3, d4 = m1 * x1[c], m2 * x2[c], m3 * x3[c], m4 * x4[c]
                out[c] = _4 * m0 * x0[c] - _5 * d2 + d4
                out[STRIP + c] = (d4 - _4 * d2) + (d3 - _4 * d1)
                out[2 * STRIP + c] = (d4 - _4 * d2) - (d3 - _4 * d1)
                out[3 * STRIP + c] = (d4 - d2) + _2 * (d3 - d1)
                out[4 * STRIP + c] = (d4 - d2) - _2 * (d3 - d1)
                out[5 * STRIP + c] = _4 * d1 - _5 * d3 + m5 * x5[c]
        for i in range(6):
            source = strip[i * STRIP :]
            beside = strip[i * STRIP + channels :]
            out = tiles[6 * i * PLANE + n * run :]
            for e in range(run):
                d1, d2, d3 = source[COLUMNS + e], source[2 * COLUMNS + e], source[3 * COLUMNS + e]
                d4 = beside[e]
                out[e] = _4 * source[e] - _5 * d2 + d4
                out[PLANE + e] = (d4 - _4 * d2) + (d3 - _4 * d1)
                out[2 * PLANE + e] = (d4 - _4 * d2) - (d3 - _4 * d1)
                out[3 * PLANE + e] = (d4 - d2) + _2 * (d3 - d1)
                out[4 * PLANE + e] = (d4 - d2) - _2 * (d3 - d1)
                out[5 * PLANE + e] = _4 * d1 - _5 * d3 + beside[COLUMNS + e]


@lean_kernel
def output_of_tiles(tiles, height, width, channels, first, bands, strip, y):
    """A'mA, the 4x4 outputs, of the 36 numbers m of every tile."""
    across, down = (width + 3) // 4, (height + 3) // 4
    run = across * channels
    line = width * channels
    for n in range(bands):
        board, top = (first + n) // down, (first + n) % down * 4
        for i in range(6):
            m = tiles[6 * i * PLANE + n * run :]
            out = strip[i * STRIP :]
            for e in range(run):
                m1, m2, m3, m4 = m[PLANE + e], m[2 * PLANE + e], m[3 * PLANE + e], m[4 * PLANE + e]
                out[e] = m[e] + (m1 + m2) + (m3 + m4)
                out[COLUMNS + e] = (m1 - m2) + _2 * (m3 - m4)
                out[2 * COLUMNS + e] = (m1 + m2) + _4 * (m3 + m4)
                out[3 * COLUMNS + e] = (m1 - m2) + _8 * (m3 - m4) + m[5 * PLANE + e]
        for column in range(width):
            m = strip[column % 4 * COLUMNS + column // 4 * channels :]
            at = (board * height + top) * line + column * channels
            out = y[at:]
            for c in range(channels):
                m1, m2, m3, m4 = m[STRIP + c], m[2 * STRIP + c], m[3 * STRIP + c], m[4 * STRIP + c]
                out[c] = m[c] + (m1 + m2) + (m3 + m4)
            if top + 1 < height:
                out = y[at + line :]
                for c in range(channels):
                    m1, m2, m3, m4 = m[STRIP + c], m[2 * STRIP + c], m[3 * STRIP + c], m[4 * STRIP + c]
                    out[c] = (m1 - m2) + _2 * (m3 - m4)
            if top + 2 < height:
                out = y[at + 2 * line :]
                for c in range(channels):
                    m1, m2, m3, m4 = m[STRIP + c], m[2 * STRIP + c], m[3 * STRIP + c], m[4 * STRIP + c]
                    out[c] = (m1 + m2) + _4 * (m3 + m4)
            if top + 3 < height:
                out = y[at + 3 * line :]
                for c in range(channels):
                    m1, m2, m3, m4 = m[STRIP + c], m[2 * STRIP + c], m[3 * STRIP + c], m[4 * STRIP + c]
                    out[c] = (m1 - m2) + _8 * (m3 - m4) + m[5 * STRIP + c]


@lean_kernel
def output_gradient_tiles(dy, height, width, channels, first, bands, strip, tiles):
    """AgA', the transpose of `output_of_tiles`, of the gradients g of every tile's 4x4 outputs."""
    across, down = (width + 3) // 4, (height + 3) // 4
    run = across * channels
    line = width * channels
    for k in range(24):
        strip[k * COLUMNS : k * COLUMNS + run] = _0
    for n in range(bands):
        board, top = (first + n) // down, (first + n) % down * 4
        y1, k1 = _row(top + 1, height)
        y2, k2 = _row(top + 2, height)
        y3, k3 = _row(top + 3, height)
        for column in range(width):
            at = board * height * line + column * channels
            x0 = dy[at + top * line :]
            x1 = dy[at + y1 * line :]
            x2 = dy[at + y2 * line :]
            x3 = dy[at + y3 * line :]
            out = strip[column % 4 * COLUMNS + column // 4 * channels :]
            for c in range(channels):
                g0, g1, g2, g3 = x0[c], k1 * x1[c], k2 * x2[c], k3 * x3[c]
                out[c] = g0
                out[STRIP + c] = (g0 + g2) + (g1 + g3)
                out[2 * STRIP + c] = (g0 + g2) - (g1 + g3)
                out[3 * STRIP + c] = (g0 + _4 * g2) + _2 * (g1 + _4 * g3)
                out[4 * STRIP + c] = (g0 + _4 * g2) - _2 * (g1 + _4 * g3)
                out[5 * STRIP + c] = g3
        for i in range(6):
            g = strip[i * STRIP :]
            out = tiles[6 * i * PLANE + n * run :]
            for e in range(run):
                g0, g1, g2, g3 = g[e], g[COLUMNS + e], g[2 * COLUMNS + e], g[3 * COLUMNS + e]
                out[e] = g0
                out[PLANE + e] = (g0 + g2) + (g1 + g3)
                out[2 * PLANE + e] = (g0 + g2) - (g1 + g3)
                out[3 * PLANE + e] = (g0 + _4 * g2) + _2 * (g1 + _4 * g3)
                out[4 * PLANE + e] = (g0 + _4 * g2) - _2 * (g1 + _4 * g3)
                out[5 * PLANE + e] = g3


@lean_kernel
def input_gradient_of_tiles(tiles, height, width, channels, first, bands, strip, dx):
    """BtB', the transpose of `input_tiles`, of every tile's gradients t, summed where tiles overlap.

    All bands of a board must come one after the other, from the top.
    """
    across, down = (width + 3) // 4, (height + 3) // 4
    run = across * channels
    line = width * channels
    for n in range(bands):
        board, top = (first + n) // down, (first + n) % down * 4 - 1
        for i in range(6):
            t = tiles[6 * i * PLANE + n * run :]
            out = strip[i * STRIP :]
            for k in range(2):
                strip[i * STRIP + k * COLUMNS + run : i * STRIP + k * COLUMNS + run + channels] = _0
            for e in range(run):
                t1, t2, t3, t4 = t[PLANE + e], t[2 * PLANE + e], t[3 * PLANE + e], t[4 * PLANE + e]
                t5 = t[5 * PLANE + e]
                out[e] = _4 * t[e]
                out[COLUMNS + e] = _4 * (t2 - t1) + _2 * (t4 - t3) + _4 * t5
                out[2 * COLUMNS + e] = -_5 * t[e] - _4 * (t1 + t2) - (t3 + t4)
                out[3 * COLUMNS + e] = (t1 - t2) + _2 * (t3 - t4) - _5 * t5
            beside = strip[i * STRIP + channels :]
            for e in range(run):
                t1, t2, t3, t4 = t[PLANE + e], t[2 * PLANE + e], t[3 * PLANE + e], t[4 * PLANE + e]
                beside[e] += t[e] + (t1 + t2) + (t3 + t4)
                beside[COLUMNS + e] += t[5 * PLANE + e]
        for column in range(width):
            t = strip[(column + 1) % 4 * COLUMNS + (column + 1) // 4 * channels :]
            for k in range(6):
                y = top + k
                if not 0 <= y < height:
                    continue
                out = dx[(board * height + y) * line + column * channels :]
                if k > 1 or y == 0:  # no earlier band wrote here
                    out[:channels] = _0
                if k == 0:
                    for c in range(channels):
                        out[c] += _4 * t[c]
                elif k == 1:
                    for c in range(channels):
                        t1, t2, t3, t4 = t[STRIP + c], t[2 * STRIP + c], t[3 * STRIP + c], t[4 * STRIP + c]
                        out[c] += _4 * (t2 - t1) + _2 * (t4 - t3) + _4 * t[5 * STRIP + c]
                elif k == 2:
                    for c in range(channels):
                        t1, t2, t3, t4 = t[STRIP + c], t[2 * STRIP + c], t[3 * STRIP + c], t[4 * STRIP + c]
                        out[c] += -_5 * t[c] - _4 * (t1 + t2) - (t3 + t4)
                elif k == 3:
                    for c in range(channels):
                        t1, t2, t3, t4 = t[STRIP + c], t[2 * STRIP + c], t[3 * STRIP + c], t[4 * STRIP + c]
                        out[c] += (t1 - t2) + _2 * (t3 - t4) - _5 * t[5 * STRIP + c]
                elif k == 4:
                    for c in range(channels):
                        t1, t2, t3, t4 = t[STRIP + c], t[2 * STRIP + c], t[3 * STRIP + c], t[4 * STRIP + c]
                        out[c] += t[c] + (t1 + t2) + (t3 + t4)
                else:
                    for c in range(channels):
                        out[c] += t[5 * STRIP + c]


@lean_kernel
def convolve(x, kernel, height, width, inputs, outputs, begin, end, strip, from_x, to_y, y):
    """y, the 3x3 convolution of boards `begin` to `end` of x.

    `kernel` holds GgG' of the kernels g as [36, outputs / 16, inputs, 16]; `strip`, `from_x` and `to_y` are for tiles.
    """
    across, down = (width + 3) // 4, (height + 3) // 4
    most = bands_at_once(width, max(inputs, outputs))
    for first in range(begin * down, end * down, most):
        bands = min(most, end * down - first)
        rows = (bands * across + ROWS - 1) // ROWS * ROWS
        input_tiles(x, height, width, inputs, first, bands, strip, from_x)
        for k in range(36):
            place = k * inputs * outputs
            add_product(
                from_x,
                k * PLANE,
                inputs,
                1,
                kernel,
                place,
                16,
                16 * inputs,
                inputs,
                to_y,
                k * PLANE,
                rows,
                outputs,
                False,
            )
        output_of_tiles(to_y, height, width, outputs, first, bands, strip, y)


@lean_kernel
def convolve_back(x, dy, kernel, height, width, inputs, outputs, begin, end, strip, from_x, from_dy, dx, change):
    """dx, the gradient by x of boards `begin` to `end`; t, where the kernels' gradient is G'tG, is added to `change`.

    `kernel` holds GgG' as [36, inputs / 16, outputs, 16], `change` is [36, inputs, outputs].
    """
    across, down = (width + 3) // 4, (height + 3) // 4
    most = bands_at_once(width, max(inputs, outputs))
    for first in range(begin * down, end * down, most):
        bands = min(most, end * down - first)
        tiles = bands * across
        rows = (tiles + ROWS - 1) // ROWS * ROWS
        input_tiles(x, height, width, inputs, first, bands, strip, from_x)
        output_gradient_tiles(dy, height, width, outputs, first, bands, strip, from_dy)
        for k in range(36):
            place = k * inputs * outputs
            at = k * PLANE
            add_product(from_x, at, 1, inputs, from_dy, at, outputs, 16, tiles, change, place, inputs, outputs, True)
            add_product(
                from_dy, at, outputs, 1, kernel, place, 16, 16 * outputs, outputs, from_x, at, rows, inputs, False
            )
        input_gradient_of_tiles(from_x, height, width, inputs, first, bands, strip, dx)

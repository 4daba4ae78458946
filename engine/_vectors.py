"""Instructions for the vectors of the processor that numba does not find: what `engine._compact` is made of.

Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016), section 4: m x m outputs of a 3x3
convolution come from (m + 2) x (m + 2) inputs by (m + 2)^2 products. Here m is 4, with the points 0, 1, -1, 2, -2 and
infinity, or 3, with 0, 1, -1, 2 and infinity: three tiles of 3 are just as wide as a 9x9 board. The formulas stand
once: they compute with numbers, or write the instructions that do.

Arrays are flat, of float32 where nothing else is said, and `at` is where in them something begins.
"""

import numpy as np
from llvmlite import ir

from gozero.jit import instructions

LANES = 8
"""Channels of a tile that are computed at a time."""
WIDE = 16
"""The same of everything else."""
_NUMBER = ir.IntType(64)
_FUSED = ("contract",)
"""Products and sums may become one instruction, as they do in `engine._products`."""


def _of(lanes):
    return ir.VectorType(ir.FloatType(), lanes)


class Vector:
    """Numbers that instructions yet to be run will compute."""

    def __init__(self, builder, value):
        self.builder = builder
        self.value = value

    def __add__(self, other):
        return Vector(self.builder, self.builder.fadd(self.value, other.value, flags=_FUSED))

    def __sub__(self, other):
        return Vector(self.builder, self.builder.fsub(self.value, other.value, flags=_FUSED))

    def __rmul__(self, factor):
        constant = ir.Constant(self.value.type, [float(factor)] * self.value.type.count)
        return Vector(self.builder, self.builder.fmul(constant, self.value, flags=_FUSED))

    def __mul__(self, other):
        return Vector(self.builder, self.builder.fmul(self.value, other.value, flags=_FUSED))

    def at_least(self, other):
        """The larger number of each pair."""
        above = self.builder.fcmp_ordered(">", self.value, other.value)
        return Vector(self.builder, self.builder.select(above, self.value, other.value))


def _zero(builder, lanes):
    return Vector(builder, ir.Constant(_of(lanes), None))


def _place(builder, array, at, *steps, lanes=LANES):
    """Where array[at + sum of (how often, how far)] lies, as a pointer to a vector."""
    for count, step in steps:
        at = builder.add(at, builder.mul(step, _NUMBER(count)))
    return builder.bitcast(builder.gep(array, [at]), _of(lanes).as_pointer())


def _load(builder, *place, lanes=LANES):
    return Vector(builder, builder.load(_place(builder, *place, lanes=lanes), align=4))


def _store(vector, *place, lanes=LANES):
    vector.builder.store(vector.value, _place(vector.builder, *place, lanes=lanes), align=4)


def _to_six(d):
    p, q = d[4] - 4 * d[2], d[3] - 4 * d[1]
    r, s = d[4] - d[2], 2 * (d[3] - d[1])
    return [4 * d[0] - 5 * d[2] + d[4], p + q, p - q, r + s, r - s, 4 * d[1] - 5 * d[3] + d[5]]


def _from_six(m):
    a, b, c, d = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + a + c, b + 2 * d, a + 4 * c, b + 8 * d + m[5]]


def _to_five(d):
    p, q = d[3] - d[2], d[3] - d[1]
    return [2 * (d[0] - d[2]) + q, p - 2 * d[1], p + 2 * (d[1] - d[2]), q, d[4] - d[2] - 2 * q]


def _from_five(m):
    a = m[1] + m[2]
    return [m[0] + a + m[3], m[1] - m[2] + 2 * m[3], a + 4 * m[3] + m[4]]


def _both_ways(change, grid):
    """`change` of the columns, then of the rows."""
    columns = [change(column) for column in zip(*grid, strict=True)]
    return [change(row) for row in zip(*columns, strict=True)]


def _cutter(width, change):
    """B'dB of one tile's inputs d, `width` x `width`, of 8 channels.

    d(i, j) is x[at + i * line + j * step], the result's number (i, j) goes to tiles[to + (width * i + j) * plane].
    """
    places = [(i, j) for i in range(width) for j in range(width)]

    def plain(x, at, line, step, tiles, to, plane):
        grid = [[x[at + i * line + j * step :][:LANES] for j in range(width)] for i in range(width)]
        made = _both_ways(change, grid)
        for i, j in places:
            tiles[to + (width * i + j) * plane :][:LANES] = made[i][j]

    def write(builder, x, at, line, step, tiles, to, plane):
        grid = [[_load(builder, x, at, (i, line), (j, step)) for j in range(width)] for i in range(width)]
        made = _both_ways(change, grid)
        for i, j in places:
            _store(made[i][j], tiles, to, (width * i + j, plane))

    return instructions(plain)(write)


def _joiner(width, change):
    """relu(keep * y + A'mA + shift) of one tile's numbers m, of 8 channels.

    m(i, j) is tiles[at + (width * i + j) * plane], y(i, j) is y[to + i * line + j * step], shift is shift[shift_at] for
    all of the tile. `keep` is True or False.
    """
    places = [(i, j) for i in range(width - 2) for j in range(width - 2)]

    def plain(tiles, at, plane, shift, shift_at, y, to, line, step, keep):
        grid = [[tiles[at + (width * i + j) * plane :][:LANES] for j in range(width)] for i in range(width)]
        made = _both_ways(change, grid)
        for i, j in places:
            out = y[to + i * line + j * step :][:LANES]
            out[:] = (made[i][j] + shift[shift_at:][:LANES] + keep * out).clip(0)

    def write(builder, tiles, at, plane, shift, shift_at, y, to, line, step, keep):
        grid = [[_load(builder, tiles, at, (width * i + j, plane)) for j in range(width)] for i in range(width)]
        made = _both_ways(change, grid)
        zero, shifts = _zero(builder, LANES), _load(builder, shift, shift_at)
        for i, j in places:
            out = (y, to, (i, line), (j, step))
            before = Vector(builder, builder.select(keep, _load(builder, *out).value, zero.value))
            _store((made[i][j] + shifts + before).at_least(zero), *out)

    return instructions(plain)(write)


cut_6x6 = _cutter(6, _to_six)
cut_5x5 = _cutter(5, _to_five)
join_4x4 = _joiner(6, _from_six)
join_3x3 = _joiner(5, _from_five)


def _loop(builder, begin, end, starts, step):
    """Vectors that start as `starts`, and that `step` makes anew of each number from `begin` to `end` and of them."""
    before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.cbranch(builder.icmp_signed("<", begin, end), loop, after)
    builder.position_at_end(loop)
    i = builder.phi(_NUMBER)
    running = [builder.phi(start.value.type) for start in starts]
    made = step(i, [Vector(builder, phi) for phi in running])
    following = builder.add(i, _NUMBER(1))
    builder.cbranch(builder.icmp_signed("<", following, end), loop, after)
    body = builder.block
    i.add_incoming(begin, before)
    i.add_incoming(following, loop)
    builder.position_at_end(after)
    found = []
    for phi, start, vector in zip(running, starts, made, strict=True):
        phi.add_incoming(start.value, before)
        phi.add_incoming(vector.value, body)
        last = builder.phi(start.value.type)
        last.add_incoming(start.value, before)
        last.add_incoming(vector.value, body)
        found.append(Vector(builder, last))
    return found


def _add_looks(sums, c, channels, looks, corner, width, shift, shift_at, out, out_at):
    """out = relu(shift + what 5x5 points add), for 16 channels from c on.

    The point (i, j), from `corner` on in lines of `width`, adds sums[looks[i, j] + (5 i + j) * channels + c].
    """
    total = shift[shift_at:][:WIDE]
    for tap in range(25):
        total = total + sums[looks[corner + tap // 5 * width + tap % 5] + tap * channels + c :][:WIDE]
    out[out_at:][:WIDE] = total.clip(0)


@instructions(_add_looks)
def add_looks(builder, sums, c, channels, looks, corner, width, shift, shift_at, out, out_at):
    """See `_add_looks`."""
    totals = [
        _load(builder, shift, shift_at, lanes=WIDE),
        _zero(builder, WIDE),
    ]  # two, as a sum waits for the one before
    for tap in range(25):
        cell = builder.add(corner, builder.add(builder.mul(width, _NUMBER(tap // 5)), _NUMBER(tap % 5)))
        look = builder.add(builder.load(builder.gep(looks, [cell])), c)
        totals[tap % 2] += _load(builder, sums, look, (tap, channels), lanes=WIDE)
    _store((totals[0] + totals[1]).at_least(_zero(builder, WIDE)), out, out_at, lanes=WIDE)


def _pool_positive(x, at, step, count, shift, shift_at, out, out_at, apart):
    """Adds sums, largest numbers and sums of squares of max(x[at + i * step + c] + shift[c], 0) over i below `count`.

    For 16 c; they are joined to what stands at out[out_at + c] and on by `apart`.
    """
    numbers = np.array([x[at + i * step :][:WIDE] for i in range(count)]) + shift[shift_at:][:WIDE]
    numbers = np.maximum(numbers, 0)
    sums, largest, squares = (out[out_at + k * apart :][:WIDE] for k in range(3))
    sums += numbers.sum(0)
    np.maximum(largest, numbers.max(0), out=largest)
    squares += (numbers * numbers).sum(0)


@instructions(_pool_positive)
def pool_positive(builder, x, at, step, count, shift, shift_at, out, out_at, apart):
    """See `_pool_positive`."""
    zero, shifts = _zero(builder, WIDE), _load(builder, shift, shift_at, lanes=WIDE)

    def add(i, found):
        numbers = _load(builder, x, builder.add(at, builder.mul(i, step)), lanes=WIDE)
        numbers = (numbers + shifts).at_least(zero)
        return [found[0] + numbers, found[1].at_least(numbers), found[2] + numbers * numbers]

    before = [_load(builder, out, out_at, (k, apart), lanes=WIDE) for k in range(3)]
    for k, vector in enumerate(_loop(builder, _NUMBER(0), count, before, add)):
        _store(vector, out, out_at, (k, apart), lanes=WIDE)


def _weigh_positive(x, at, shift, shift_at, weights, weights_at, count, out, out_at):
    """out[out_at] = sum of weights[c] * max(x[c] + shift[c], 0) over c below `count`, a multiple of 16."""
    numbers = np.maximum(x[at:][:count] + shift[shift_at:][:count], 0)
    out[out_at] = (weights[weights_at:][:count] * numbers).sum()


@instructions(_weigh_positive)
def weigh_positive(builder, x, at, shift, shift_at, weights, weights_at, count, out, out_at):
    """See `_weigh_positive`."""
    zero = _zero(builder, WIDE)

    def load(array, start, i):
        return _load(builder, array, builder.add(start, builder.mul(i, _NUMBER(WIDE))), lanes=WIDE)

    def step(i, sums):
        numbers = (load(x, at, i) + load(shift, shift_at, i)).at_least(zero)
        return [sums[0] + load(weights, weights_at, i) * numbers]

    groups = builder.sdiv(count, _NUMBER(WIDE))
    total = _loop(builder, _NUMBER(0), groups, [zero], step)[0].value
    single = ir.FloatType()
    name = f"llvm.vector.reduce.fadd.v{WIDE}f32"
    reduce = builder.module.globals.get(name) or ir.Function(
        builder.module, ir.FunctionType(single, [single, total.type]), name
    )
    total = builder.call(reduce, [ir.Constant(single, 0.0), total], fastmath=("reassoc",))
    builder.store(total, builder.gep(out, [out_at]))

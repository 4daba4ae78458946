"""The kernel of matrix products: a block of 4 or 6 x 16 numbers that stays in registers while it is summed up.

numba's loops keep such sums in memory, at half of what a core can do; so the innermost part is written in the
compiler's own language, for vectors of 16 that it fits to the processor's.
"""

from functools import partial

from llvmlite import ir

from gozero.jit import instructions, lean_kernel

ROWS = 4
MOST_ROWS = 6
"""Of a block: with 12 vectors of 8 the sums and what they are made of just fit into 16 registers, and are 7 % faster
than with 4 rows; what 6 does not divide is left to blocks of 4."""
COLUMNS = 16
MULTIPLY_ADD = f"llvm.fmuladd.v{COLUMNS}f32"
"""Of vectors, fused where the processor can."""


def _add_block(rows, a, a_at, a_row, a_step, b, b_at, b_step, steps, out, out_at, out_row, keep):
    """out[i, j] = keep * out[i, j] + sum over k < steps of a[i, k] * b[k, j], for `rows` rows i and 16 columns j.

    All are flat float32 arrays: a[i, k] is a[a_at + i * a_row + k * a_step], b[k, j] is b[b_at + k * b_step + j],
    out[i, j] is out[out_at + i * out_row + j]. `keep` is True or False.
    """
    for i in range(rows):
        for j in range(COLUMNS):
            place = out_at + i * out_row + j
            total = out[place] if keep else out.dtype.type(0)
            for k in range(steps):
                total += a[a_at + i * a_row + k * a_step] * b[b_at + k * b_step + j]
            out[place] = total


def _write_block(rows, builder, a, a_at, a_row, a_step, b, b_at, b_step, steps, out, out_at, out_row, keep):
    """The instructions of `_add_block`."""
    number, vector = ir.IntType(64), ir.VectorType(ir.FloatType(), COLUMNS)
    all_first = ir.Constant(ir.VectorType(ir.IntType(32), COLUMNS), [0] * COLUMNS)
    multiply_add = builder.module.globals.get(MULTIPLY_ADD) or ir.Function(
        builder.module, ir.FunctionType(vector, [vector] * 3), MULTIPLY_ADD
    )

    def element(array, at, line, i):
        return builder.gep(array, [builder.add(at, builder.mul(line, number(i)))])

    places = [builder.bitcast(element(out, out_at, out_row, i), vector.as_pointer()) for i in range(rows)]
    zero = ir.Constant(vector, None)
    before = [builder.select(keep, builder.load(place, align=4), zero) for place in places]
    lines = [element(a, a_at, a_row, i) for i in range(rows)]

    start, loop, end = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.cbranch(builder.icmp_signed(">", steps, number(0)), loop, end)
    builder.position_at_end(loop)
    k = builder.phi(number)
    sums = [builder.phi(vector) for _ in range(rows)]
    right = builder.gep(b, [builder.add(b_at, builder.mul(k, b_step))])
    right = builder.load(builder.bitcast(right, vector.as_pointer()), align=4)
    after = []
    for line, total in zip(lines, sums, strict=True):
        left = builder.load(builder.gep(line, [builder.mul(k, a_step)]))
        left = builder.insert_element(ir.Constant(vector, ir.Undefined), left, ir.IntType(32)(0))
        left = builder.shuffle_vector(left, left, all_first)
        after.append(builder.call(multiply_add, [left, right, total]))
    following = builder.add(k, number(1))
    builder.cbranch(builder.icmp_signed("<", following, steps), loop, end)
    for phi, first, later in zip([k, *sums], [number(0), *before], [following, *after], strict=True):
        phi.add_incoming(first, start)
        phi.add_incoming(later, loop)

    builder.position_at_end(end)
    totals = []
    for first, later in zip(before, after, strict=True):
        total = builder.phi(vector)
        total.add_incoming(first, start)
        total.add_incoming(later, loop)
        totals.append(total)
    for total, place in zip(totals, places, strict=True):
        builder.store(total, place, align=4)


def _four_plain(a, a_at, a_row, a_step, b, b_at, b_step, steps, out, out_at, out_row, keep):
    _add_block(ROWS, a, a_at, a_row, a_step, b, b_at, b_step, steps, out, out_at, out_row, keep)


def _six_plain(a, a_at, a_row, a_step, b, b_at, b_step, steps, out, out_at, out_row, keep):
    _add_block(MOST_ROWS, a, a_at, a_row, a_step, b, b_at, b_step, steps, out, out_at, out_row, keep)


_four_rows = instructions(_four_plain)(partial(_write_block, ROWS))
_six_rows = instructions(_six_plain)(partial(_write_block, MOST_ROWS))


@lean_kernel
def add_product(a, a_at, a_row, a_step, b, b_at, b_step, b_panel, steps, out, out_at, rows, columns, keep):
    """out = keep * out + a b, with `rows`, a multiple of 4, and `columns`, of 16, of flat arrays.

    a[i, k] is a[a_at + i * a_row + k * a_step], so that it may be transposed. b comes in panels of 16 columns: b[k, j]
    is b[b_at + j // 16 * b_panel + k * b_step + j % 16]. out[i, j] is out[out_at + i * columns + j].
    """
    for j in range(0, columns, COLUMNS):
        panel = b_at + j // COLUMNS * b_panel
        i = 0
        while i < rows:
            left, right = a_at + i * a_row, out_at + i * columns + j
            if rows - i >= MOST_ROWS and rows - i != 2 * ROWS:
                _six_rows(a, left, a_row, a_step, b, panel, b_step, steps, out, right, columns, keep)
                i += MOST_ROWS
            else:
                _four_rows(a, left, a_row, a_step, b, panel, b_step, steps, out, right, columns, keep)
                i += ROWS

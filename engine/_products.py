"""The kernel of matrix products: a block of 4 x 16 numbers that stays in registers while it is summed up.

numba's loops keep such sums in memory, at half of what a core can do; so the innermost part is written in the
compiler's own language, for vectors of 16 that it fits to the processor's.
"""

from llvmlite import ir

from gozero.jit import instructions, lean_kernel

ROWS = 4
COLUMNS = 16
MULTIPLY_ADD = f"llvm.fmuladd.v{COLUMNS}f32"
"""Of vectors, fused where the processor can."""


def _add_block(a, a_at, a_row, a_step, b, b_at, b_step, steps, out, out_at, out_row, keep):
    """out[i, j] = keep * out[i, j] + sum over k < steps of a[i, k] * b[k, j], for 4 rows i and 16 columns j.

    All are flat float32 arrays: a[i, k] is a[a_at + i * a_row + k * a_step], b[k, j] is b[b_at + k * b_step + j],
    out[i, j] is out[out_at + i * out_row + j]. `keep` is True or False.
    """
    for i in range(ROWS):
        for j in range(COLUMNS):
            place = out_at + i * out_row + j
            total = out[place] if keep else out.dtype.type(0)
            for k in range(steps):
                total += a[a_at + i * a_row + k * a_step] * b[b_at + k * b_step + j]
            out[place] = total


@instructions(_add_block)
def _block(builder, a, a_at, a_row, a_step, b, b_at, b_step, steps, out, out_at, out_row, keep):
    number, vector = ir.IntType(64), ir.VectorType(ir.FloatType(), COLUMNS)
    all_first = ir.Constant(ir.VectorType(ir.IntType(32), COLUMNS), [0] * COLUMNS)
    multiply_add = builder.module.globals.get(MULTIPLY_ADD) or ir.Function(
        builder.module, ir.FunctionType(vector, [vector] * 3), MULTIPLY_ADD
    )

    def element(array, at, line, i):
        return builder.gep(array, [builder.add(at, builder.mul(line, number(i)))])

    places = [builder.bitcast(element(out, out_at, out_row, i), vector.as_pointer()) for i in range(ROWS)]
    zero = ir.Constant(vector, None)
    before = [builder.select(keep, builder.load(place, align=4), zero) for place in places]
    rows = [element(a, a_at, a_row, i) for i in range(ROWS)]

    start, loop, end = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.cbranch(builder.icmp_signed(">", steps, number(0)), loop, end)
    builder.position_at_end(loop)
    k = builder.phi(number)
    sums = [builder.phi(vector) for _ in range(ROWS)]
    right = builder.gep(b, [builder.add(b_at, builder.mul(k, b_step))])
    right = builder.load(builder.bitcast(right, vector.as_pointer()), align=4)
    after = []
    for i in range(ROWS):
        left = builder.load(builder.gep(rows[i], [builder.mul(k, a_step)]))
        left = builder.insert_element(ir.Constant(vector, ir.Undefined), left, ir.IntType(32)(0))
        left = builder.shuffle_vector(left, left, all_first)
        after.append(builder.call(multiply_add, [left, right, sums[i]]))
    following = builder.add(k, number(1))
    builder.cbranch(builder.icmp_signed("<", following, steps), loop, end)
    for phi, first, later in zip([k, *sums], [number(0), *before], [following, *after], strict=True):
        phi.add_incoming(first, start)
        phi.add_incoming(later, loop)

    builder.position_at_end(end)
    totals = []
    for i in range(ROWS):
        total = builder.phi(vector)
        total.add_incoming(before[i], start)
        total.add_incoming(after[i], loop)
        totals.append(total)
    for total, place in zip(totals, places, strict=True):
        builder.store(total, place, align=4)


@lean_kernel
def add_product(a, a_at, a_row, a_step, b, b_at, b_step, b_panel, steps, out, out_at, rows, columns, keep):
    """out = keep * out + a b, with `rows`, a multiple of 4, and `columns`, of 16, of flat arrays.

    a[i, k] is a[a_at + i * a_row + k * a_step], so that it may be transposed. b comes in panels of 16 columns: b[k, j]
    is b[b_at + j // 16 * b_panel + k * b_step + j % 16]. out[i, j] is out[out_at + i * columns + j].
    """
    for j in range(0, columns, COLUMNS):
        panel = b_at + j // COLUMNS * b_panel
        for i in range(0, rows, ROWS):
            place = out_at + i * columns + j
            _block(a, a_at + i * a_row, a_row, a_step, b, panel, b_step, steps, out, place, columns, keep)

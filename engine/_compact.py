"""Kernels that evaluate networks of kind "compact" (`engine.networks.Compact`) on one core.

Boards of the trunk are flat float32 arrays [boards, row, column, channel] within a border of zeros: one point wide to
the left and above, and to the right and below as wide as whole tiles need. 3x3 convolutions are Winograd's
(`engine._vectors`). The first layer adds up the weights of the input planes that are 1, once for all points that look
alike: these sums are kept from board to board.

All weights stand in one array, in the order in which they are needed (`engine.compact_evaluator`).
"""

from typing import NamedTuple

import numpy as np

from engine._expand import are_numbers, exponential, fill_leaves
from engine._products import COLUMNS, ROWS, add_product
from engine._vectors import LANES, add_looks, cut_5x5, cut_6x6, join_3x3, join_4x4, pool_positive, weigh_positive
from gozero._random import mix
from gozero.jit import inlined_kernel, kernel, lean_kernel, pasted_kernel

_0 = np.float32(0)
_1 = np.float32(1)
LOOKS = 1000
"""How many different looks of points are kept; in games there are a few hundred. More than a board has points."""
SLOTS = 4096
_TO_SLOT = np.uint64(52)


class Shape(NamedTuple):
    """What a network consists of; numbers of channels are multiples of 16."""

    planes: int
    others: int
    """Global inputs but for komi, which comes first."""
    channels: int
    blocks: int
    pool_every: int
    """Every n-th block pools; none where it is more than `blocks`."""
    policy_channels: int
    value_channels: int
    value_hidden: int
    komi_scale: float
    """Points of the board that count as 1."""
    least_sharpness: float


class Cut(NamedTuple):
    """How boards are cut into tiles."""

    size: int
    outputs: int
    """Outputs of a tile a side: 3 or 4; its inputs are 2 more."""
    across: int
    """Tiles a side."""
    width: int
    """Of a board in the trunk, border included."""
    at_once: int
    """How many boards go through the network together at most."""


class Room(NamedTuple):
    """Where a few boards are computed: flat arrays of float32, where nothing else is said."""

    x: np.ndarray
    """The trunk."""
    hidden: np.ndarray
    """What a block's first convolution says."""
    tiles: np.ndarray
    """[numbers of a tile, tiles, channels], and a little more."""
    products: np.ndarray
    """As `tiles`; at the end the heads' channels of one board."""
    looks: np.ndarray
    """int64[size + 4, size + 4]: where in `sums` each point's begin; 0, where zeros are, beyond the board."""
    bits: np.ndarray
    """uint64[points]: the planes of each point."""
    met: np.ndarray
    """int64[1]: how many looks have been met so far."""
    slots: np.ndarray
    """int64[SLOTS]: their numbers, from 1 on, where a hash finds them; 0 where none is."""
    masks: np.ndarray
    """uint64[LOOKS + 1]: their planes."""
    sums: np.ndarray
    """[LOOKS + 1, 25, channels]: what each adds to the 5x5 points around it."""
    shift: np.ndarray
    """[boards, channels]: what is added to a convolution."""
    pooled: np.ndarray
    """Sums, largest numbers and squares of a board's channels, then what is made of them."""


@lean_kernel
def apply_linear(inputs, inputs_at, count, weights, at, outputs, out, out_at):
    """out[j] += sum of inputs[i] * weights[i, j]; returns where the weights end."""
    for i in range(count):
        number = inputs[inputs_at + i]
        for j in range(outputs):
            out[out_at + j] += number * weights[at + i * outputs + j]
    return at + count * outputs


@lean_kernel
def note_look(mask, count, weights, taps, room):
    """Adds up what points add that look so; returns the look's number."""
    room.met[0] += 1
    look = room.met[0]
    room.masks[look] = mask
    at = look * taps
    room.sums[at : at + taps] = _0
    for plane in range(count):
        if (mask >> np.uint64(plane)) & np.uint64(1):
            for e in range(taps):
                room.sums[at + e] += weights[plane * taps + e]
    return look


@pasted_kernel
def find_looks(planes, first, count, size, weights, taps, room):
    """Writes to `room.looks` what the points of one board look like: which of the planes from `first` on are 1."""
    points = size * size
    if room.met[0] + points > LOOKS:
        room.met[0] = 0
        room.slots[:] = 0
    bits = room.bits
    bits[:] = np.uint64(0)
    for plane in range(count):
        at, place = first + plane * points, np.uint64(plane)
        for point in range(points):
            bits[point] |= np.uint64(planes[at + point]) << place
    for point in range(points):
        slot = np.int64(mix(bits[point]) >> _TO_SLOT)
        while room.slots[slot] != 0 and room.masks[room.slots[slot]] != bits[point]:
            slot = (slot + 1) % SLOTS
        if room.slots[slot] == 0:
            room.slots[slot] = note_look(bits[point], count, weights, taps, room)
        room.looks[(point // size + 2) * (size + 4) + point % size + 2] = room.slots[slot] * taps


@pasted_kernel
def first_layer(planes, answers, count, cut, weights, channels, room, board):
    """x = relu(planes convolved by 5x5 + room.shift) for one board; `weights` begin with [planes, 25, channels]."""
    size, width = cut.size, cut.width
    find_looks(planes, answers * count * size * size, count, size, weights, 25 * channels, room)
    for y in range(size):
        for column in range(size):
            corner, out = y * (size + 4) + column, ((board * width + y + 1) * width + column + 1) * channels
            for c in range(0, channels, COLUMNS):
                shift = board * channels + c
                add_looks(room.sums, c, channels, room.looks, corner, size + 4, room.shift, shift, room.x, out + c)


@pasted_kernel
def convolve(x, channels, cut, boards, weights, at, room, y, keep):
    """y = relu(keep * y + x convolved by 3x3 + room.shift) for so many boards.

    The weights are GgG' of the kernels g, as panels [(outputs + 2)^2, channels / 16, channels, 16].
    """
    outputs, across, width = cut.outputs, cut.across, cut.width
    line = width * channels
    count = boards * across * across
    rows = (count + ROWS - 1) // ROWS * ROWS
    # Not a multiple of 4096 bytes, whose numbers would compete for the same lines of the cache.
    plane = rows * channels + COLUMNS
    for n in range(count):
        board, row, column = n // (across * across), n // across % across, n % across
        corner = board * width * line + outputs * (row * line + column * channels)
        for c in range(0, channels, LANES):
            if outputs == 4:
                cut_6x6(x, corner + c, line, channels, room.tiles, n * channels + c, plane)
            else:
                cut_5x5(x, corner + c, line, channels, room.tiles, n * channels + c, plane)
    for k in range((outputs + 2) ** 2):
        a, b = k * plane, at + k * channels * channels
        factors = (room.tiles, a, channels, 1, weights, b, COLUMNS, COLUMNS * channels, channels)
        add_product(*factors, room.products, a, rows, channels, False)
    for n in range(count):
        board, row, column = n // (across * across), n // across % across, n % across
        corner = board * width * line + (outputs * row + 1) * line + (outputs * column + 1) * channels
        for c in range(0, channels, LANES):
            moved = board * channels + c
            if outputs == 4:
                join_4x4(room.products, n * channels + c, plane, room.shift, moved, y, corner + c, line, channels, keep)
            else:
                join_3x3(room.products, n * channels + c, plane, room.shift, moved, y, corner + c, line, channels, keep)
    for board in range(boards):
        clear_border(y, board * width * line, cut.size, width, channels)


@pasted_kernel
def clear_border(x, at, size, width, channels):
    """Zeros what the last tiles have written beyond the board."""
    for row in range(1, width - 1):
        first = size + 1 if row <= size else 1
        for e in range(at + (row * width + first) * channels, at + (row * width + width - 1) * channels):
            x[e] = _0


@lean_kernel
def pool_board(x, at, cells, channels, points, pooled):
    """Means and largest numbers of each channel; squares too, summed. All are at least 0, and 0 beyond the board."""
    pooled[: 3 * channels] = _0
    for c in range(0, channels, COLUMNS):
        # The first cell is of the border: nothing is added.
        pool_positive(x, at + c, channels, cells, x, at + c, pooled, c, channels)
    for c in range(channels):
        pooled[c] /= np.float32(points)


@pasted_kernel
def apply_policy(weights, at, shape, cut, seen, both, pooled, answers, policy):
    """Logits of one board's points and of its pass, from the pooled trunk and the head's channels in `seen`.

    Returns where its weights end.
    """
    channels, hidden, size = shape.channels, shape.policy_channels, cut.size
    first = answers * (size * size + 1)
    board = 3 * channels  # in `pooled`, beyond what the board was pooled to
    for j in range(hidden):
        pooled[board + j] = weights[at + j]
    at = apply_linear(pooled, 0, 2 * channels, weights, at + hidden, hidden, pooled, board)
    shifts, points, passing = at, at + hidden, at + 2 * hidden
    total = weights[at + 3 * hidden + 1]
    for j in range(hidden):
        total += weights[passing + j] * max(pooled[board + j], _0)
        pooled[board + j] += weights[shifts + j]
    policy[first + size * size] = total
    for y in range(size):
        for column in range(size):
            cell, answer = (y * cut.width + column) * both, first + y * size + column
            weigh_positive(seen, cell, pooled, board, weights, points, hidden, policy, answer)
            policy[answer] += weights[at + 3 * hidden]
    return at + 3 * hidden + 2


@inlined_kernel
def tanh(x):
    """tanh(x) of a float32, to 2e-7; without branches, as `exponential` is."""
    shrunk = exponential(np.float32(-2) * abs(x))
    return (_1 - shrunk) / (_1 + shrunk) * (_1 if x >= _0 else -_1)


@pasted_kernel
def apply_value(weights, at, shape, cut, seen, both, pooled, facts, answers, ownership, value):
    """One board's ownership and value (`engine.networks.ValueHead`)."""
    count, hidden, size = shape.value_channels, shape.value_hidden, cut.size
    owners = at + count
    pooled[: 3 * count] = _0
    for y in range(size):
        row = y * cut.width * both + shape.policy_channels
        for column in range(size):
            answer = (answers * size + y) * size + column
            weigh_positive(seen, row + column * both, weights, at, weights, owners, count, ownership, answer)
        for c in range(0, count, COLUMNS):
            pool_positive(seen, row + c, both, size, weights, at + c, pooled, c, count)
    for c in range(count):
        pooled[c] /= np.float32(size * size)
    at = owners + count
    inner = 3 * count
    for j in range(hidden):
        pooled[inner + j] = weights[at + j]
    at = apply_linear(pooled, 0, 2 * count, weights, at + hidden, hidden, pooled, inner)
    komi = answers * (1 + shape.others)
    at = apply_linear(facts, komi + 1, shape.others, weights, at, hidden, pooled, inner)
    for j in range(hidden):
        pooled[inner + j] = max(pooled[inner + j], _0)
    for j in range(2):  # the lead's correction, and how sharply it decides
        pooled[j] = weights[at + j]
    apply_linear(pooled, inner, hidden, weights, at + 2, 2, pooled, 0)
    first, end = answers * size * size, (answers + 1) * size * size
    for e in range(first, end):
        ownership[e] = tanh(ownership[e])
    owned = _0
    for e in range(first, end):
        owned += ownership[e]
    sharpness = np.float32(shape.least_sharpness) + max(pooled[1], _0) + np.log1p(np.exp(-abs(pooled[1])))
    lead = owned / np.float32(shape.komi_scale) + pooled[0] + facts[komi]
    value[answers] = np.tanh(sharpness * lead)


@pasted_kernel
def heads(weights, at, shape, cut, room, board, answers, facts, policy, ownership, value):
    """All answers for one board of the trunk, which it scales to a root mean square of 1."""
    channels, both, size, width = shape.channels, shape.policy_channels + shape.value_channels, cut.size, cut.width
    start, end = board * width * width * channels, (board + 1) * width * width * channels
    x, pooled, seen = room.x, room.pooled, room.products
    pool_board(x, start, width * width, channels, size * size, pooled)
    squares = _0
    for c in range(channels):
        squares += pooled[2 * channels + c]
    scale = np.float32(1) / np.sqrt(squares / np.float32(size * size * channels) + np.float32(1e-6))
    for e in range(start, end):
        x[e] *= scale
    for e in range(2 * channels):
        pooled[e] *= scale
    # From the first point of the board to its last one.
    rows = ((size - 1) * width + size + ROWS - 1) // ROWS * ROWS
    first = start + (width + 1) * channels
    add_product(x, first, channels, 1, weights, at, COLUMNS, COLUMNS * channels, channels, seen, 0, rows, both, False)
    at = apply_policy(weights, at + channels * both, shape, cut, seen, both, pooled, answers, policy)
    apply_value(weights, at, shape, cut, seen, both, pooled, facts, answers, ownership, value)


@lean_kernel
def evaluate(planes, facts, weights, shape, cut, count, room, policy, ownership, value):
    """Answers for `count` boards.

    Args:
        planes: uint8[boards, planes, size, size], 0 or 1.
        facts: [boards, 1 + others], the global inputs, komi first.
        policy: [boards, size * size + 1] logits, to be written.
        ownership: [boards, size * size], to be written.
        value: [boards], to be written.
    """
    channels, width = shape.channels, cut.width
    cells, points = width * width * channels, cut.size * cut.size
    layer = (cut.outputs + 2) ** 2 * channels * channels
    parts = (count + cut.at_once - 1) // cut.at_once
    for part in range(parts):  # of about the same size, as a small one wastes the weights that are read for it
        start = count * part // parts
        boards = count * (part + 1) // parts - start
        shifts = 25 * shape.planes * channels
        at = shifts + channels
        for board in range(boards):
            place, inputs = board * channels, (start + board) * (1 + shape.others) + 1
            for c in range(channels):
                room.shift[place + c] = weights[shifts + c]
            at = apply_linear(facts, inputs, shape.others, weights, shifts + channels, channels, room.shift, place)
            first_layer(planes, start + board, shape.planes, cut, weights, channels, room, board)
        for convolution in range(2 * shape.blocks):
            ends_block = convolution % 2 == 1
            pools = ends_block and (convolution // 2 + 1) % shape.pool_every == 0
            source, target = (room.hidden, room.x) if ends_block else (room.x, room.hidden)
            shifts = at + layer
            after = shifts + channels
            for board in range(boards):
                place = board * channels
                for c in range(channels):
                    room.shift[place + c] = weights[shifts + c]
                if pools:
                    pool_board(source, board * cells, width * width, channels, points, room.pooled)
                    kernel = shifts + channels
                    after = apply_linear(room.pooled, 0, 2 * channels, weights, kernel, channels, room.shift, place)
            convolve(source, channels, cut, boards, weights, at, room, target, ends_block)
            at = after
        for board in range(boards):
            heads(weights, at, shape, cut, room, board, start + board, facts, policy, ownership, value)


@kernel
def evaluate_leaves(
    boards,
    recent,
    symmetry,
    table,
    feature_set,
    planes,
    facts,
    weights,
    shape,
    cut,
    count,
    room,
    policy,
    ownership,
    value,
):
    """Fills planes of `count` leaves, evaluates them, and returns whether all answers are numbers.

    boards, recent, symmetry, table, feature_set, planes: see `engine._expand.fill_leaves`. The others: see `evaluate`,
    policy and value as [leaves, size * size + 1] and [leaves].
    """
    fill_leaves(boards, recent, symmetry, count, table, feature_set, planes)
    evaluate(planes.reshape(-1), facts, weights, shape, cut, count, room, policy.reshape(-1), ownership, value)
    return are_numbers(policy, value)

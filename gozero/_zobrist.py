"""Zobrist hashing: a random number for each stone on each point, whose exclusive or names a position (Zobrist 1970)."""

import numpy as np

from gozero.jit import inlined_kernel

_CELLS = 27 * 26 + 1  # the padded 25x25 board


def _numbers():
    """uint64[2 * point + colour - 1]."""
    generator = np.random.Generator(np.random.PCG64(20160127))
    return generator.integers(1, 2**64, size=2 * _CELLS, dtype=np.uint64)


_NUMBERS = _numbers()


@inlined_kernel
def stone_bits(point, colour):
    """What a stone adds to the hash of a position, uint64."""
    return _NUMBERS[np.uint32(2 * point + colour - 1)]

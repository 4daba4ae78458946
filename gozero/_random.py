"""Random numbers for kernels: splitmix64 with its state in an array, so that the caller owns and seeds it, and what
other distributions are made of it.

Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014). The state is uint64[1].
"""

import math

import numpy as np
from numpy.typing import NDArray

from gozero.jit import inlined_kernel, lean_kernel

STEP = np.uint64(0x9E3779B97F4A7C15)
"""What the state grows by with every number drawn."""

_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32), np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0


def seed_state(seed: int) -> NDArray[np.uint64]:
    """A fresh generator state, uint64[1]; equal seeds give equal sequences."""
    return np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)


@inlined_kernel
def mix(value):
    """Scrambles a uint64 so that every input bit moves every output bit (the splitmix64 finaliser)."""
    z = np.uint64(value)
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@inlined_kernel
def next_u64(rng):
    """The next 64 random bits; advances `rng`."""
    rng[0] = rng[0] + STEP
    return mix(rng[0])


@inlined_kernel
def below(bits, bound):
    """Turns 64 random bits into an integer in 0..bound-1 for 1 <= bound < 2**32 (bias below 2**-32 * bound)."""
    return np.int64(((bits >> _S32) * np.uint64(bound)) >> _S32)


@inlined_kernel
def random_below(rng, bound):
    """A random integer in 0..bound-1; see `below`."""
    return below(next_u64(rng), bound)


@inlined_kernel
def random_float(rng):
    """A random float64 in [0, 1)."""
    return np.float64(next_u64(rng) >> _S11) * _TO_UNIT


@inlined_kernel
def _random_inside(rng):
    """A random float64 in (0, 1): its logarithm is finite."""
    return (np.float64(next_u64(rng) >> _S11) + 0.5) * _TO_UNIT


@lean_kernel
def random_gumbel(rng):
    """A float64 of the standard Gumbel distribution."""
    return -math.log(-math.log(_random_inside(rng)))


@lean_kernel
def random_normal(rng):
    """A float64 of the standard normal distribution (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(_random_inside(rng)))
    return radius * math.cos(2.0 * math.pi * random_float(rng))


@lean_kernel
def random_gamma(rng, shape):
    """A float64 of the gamma distribution with this shape, above 0, and scale 1.

    Marsaglia and Tsang, "A simple method for generating gamma variables" (2000); below shape 1 as they say in its
    section 6.
    """
    factor = 1.0
    if shape < 1.0:
        factor = _random_inside(rng) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = random_normal(rng)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(_random_inside(rng)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return d * v * factor

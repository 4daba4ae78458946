"""What is drawn follows the distributions that it should: moments, and shares below some points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gozero import _random

DRAWS = 4000


def drawn(kernel, *more) -> np.ndarray:
    rng = _random.seed_state(7)
    return np.array([kernel(rng, *more) for _ in range(DRAWS)])


@pytest.mark.nojit
@pytest.mark.parametrize("shape", [0.05, 0.7, 1.0, 3.5])
def test_gamma(shape: float) -> None:
    """Mean and variance are both the shape; the fourth central moment, 3 shape^2 + 6 shape, says how sure that is."""
    values = drawn(_random.random_gamma, shape)
    assert (values >= 0).all()
    assert values.mean() == pytest.approx(shape, abs=4 * math.sqrt(shape / DRAWS))
    spread = math.sqrt((2 * shape**2 + 6 * shape) / DRAWS)
    assert values.var() == pytest.approx(shape, abs=4 * spread)
    if shape == 1.0:  # exponential
        assert (values < math.log(2)).mean() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(DRAWS))


@pytest.mark.nojit
def test_gumbel() -> None:
    """P(x < a) = exp(-exp(-a))."""
    values = drawn(_random.random_gumbel)
    for point in (-1.0, 0.0, 0.5, 2.0):
        share = math.exp(-math.exp(-point))
        assert (values < point).mean() == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / DRAWS))


@pytest.mark.nojit
def test_normal() -> None:
    values = drawn(_random.random_normal)
    for point in (-1.5, 0.0, 0.3, 2.0):
        share = (1 + math.erf(point / math.sqrt(2))) / 2
        assert (values < point).mean() == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / DRAWS))

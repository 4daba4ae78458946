"""Sums over a part of the rows that are right on average."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.thinning import importance, keep_chances

weights = arrays(np.float64, st.integers(1, 50), elements=st.floats(0, 1e6))


@given(weights, st.floats(0.05, 1.0))
def test_so_many_rows_are_kept_on_average(weights: np.ndarray, share: float) -> None:
    chances = keep_chances(weights, share)
    assert chances.shape == weights.shape
    assert ((chances > 0) & (chances <= 1)).all()
    assert chances.sum() == pytest.approx(share * len(weights))


@given(weights, st.floats(0.05, 1.0))
def test_rows_that_count_more_are_kept_more_often_and_in_proportion(weights: np.ndarray, share: float) -> None:
    chances = keep_chances(weights, share)
    order = np.argsort(weights)
    assert (np.diff(chances[order]) >= -1e-12).all()
    unsure = (chances < 1) & (weights > weights.mean() / 10)
    if unsure.any():
        ratios = weights[unsure] / chances[unsure]
        assert ratios == pytest.approx(ratios[0])


def test_a_sum_is_right_on_average() -> None:
    """A hundred rows of very different size, a third of them kept, a thousand times."""
    random = np.random.default_rng(1)
    rows = random.lognormal(0, 2, 100) * random.choice((-1.0, 1.0), 100)
    chances = keep_chances(np.abs(rows), 0.33)
    kept = random.random((1000, 100)) < chances
    sums = (kept * rows / chances).sum(1)
    even = ((random.random((1000, 100)) < 0.33) * rows / 0.33).sum(1)
    assert sums.mean() == pytest.approx(rows.sum(), abs=4 * sums.std() / 1000**0.5)
    assert kept.sum(1).mean() == pytest.approx(33, abs=0.5)
    assert sums.std() < even.std() / 5


def test_importance_is_the_length_of_the_gradient() -> None:
    random = np.random.default_rng(2)
    logits, moves = random.normal(0, 2, (40, 10)), random.integers(0, 10, 40)
    policy = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    advantages = random.uniform(-1, 1, 40).astype(np.float32)
    lengths = np.linalg.norm(advantages[:, None] * (np.eye(10)[moves] - policy), axis=1)
    found = importance(advantages, policy[np.arange(40), moves].astype(np.float32))
    ratio = lengths / found
    assert ((ratio > 1 - 1e-4) & (ratio < np.sqrt(2) + 1e-4)).all()


def test_weights_that_are_next_to_nothing_are_weights() -> None:
    assert keep_chances(np.array([5e-324]), 0.5).tolist() == [0.5]
    assert keep_chances(np.array([5e-324, 0.0]), 0.5).sum() == pytest.approx(1.0)

"""Intervals of shares and differences measured on positions that hang together by game."""

import numpy as np
import pytest

from selfplay.elo import wilson_interval
from training.intervals import difference_interval, share_interval, spread_of_mean


def test_independent_positions_have_wilsons_interval():
    hits = np.arange(1000) % 10 < 3
    low, high = share_interval(hits, np.arange(1000))
    expected = wilson_interval(300, 1000)
    # The estimated spread has n - 1 degrees of freedom, so a thousandth is allowed for.
    assert (low, high) == pytest.approx(expected, abs=1e-4)


def test_positions_that_only_repeat_their_game_count_as_games():
    hits = np.repeat(np.arange(100) < 40, 50)
    games = np.repeat(np.arange(100), 50)
    assert share_interval(hits, games) == pytest.approx(wilson_interval(40, 100), abs=1e-3)


def test_an_interval_is_never_narrower_than_for_independent_positions():
    hits = np.tile([True, False], 500)  # every game has exactly one of each: no spread between games at all
    assert share_interval(hits, np.repeat(np.arange(500), 2)) == pytest.approx(wilson_interval(500, 1000))


@pytest.mark.parametrize("right", [False, True])
def test_all_or_nothing_and_a_single_game(right):
    hits = np.full(20, right)
    assert share_interval(hits, np.arange(20)) == wilson_interval(20 * right, 20)
    mixed = np.arange(20) < 5
    assert share_interval(mixed, np.zeros(20, np.int64)) == pytest.approx(wilson_interval(5, 20))
    assert difference_interval(mixed - 0.5, np.zeros(20, np.int64)) is None


def test_spread_of_means_of_games_by_hand():
    # Games of sums 3 - 2*m and 1 - 1*m around the mean m = 4/3; (1/3, -1/3); sqrt(2 * (2/9)) / 3
    values, games = np.array([1.0, 2.0, 1.0]), np.array([7, 7, 9])
    assert spread_of_mean(values, games) == pytest.approx(np.sqrt(2 * 2 / 9) / 3)


def test_intervals_hold_what_they_promise():
    """Games of 2 to 40 positions whose difficulty differs: 95 % intervals hold the truth in about 95 %."""
    generator = np.random.default_rng(3)
    held = {"share": 0, "difference": 0, "independent": 0}
    trials = 600
    for _ in range(trials):
        lengths = generator.integers(2, 40, 80)
        games = np.repeat(np.arange(80), lengths)
        ease = np.repeat(generator.uniform(0.1, 0.9, 80), lengths)
        first, second = (generator.uniform(size=len(ease)) < ease for _ in range(2))
        low, high = share_interval(first, games)
        held["share"] += low <= 0.5 <= high
        low, high = wilson_interval(first.sum(), len(first))
        held["independent"] += low <= 0.5 <= high
        interval = difference_interval(first.astype(float) - second, games)
        assert interval is not None
        held["difference"] += interval[0] <= 0 <= interval[1]
    assert 0.92 < held["share"] / trials < 0.98
    assert 0.92 < held["difference"] / trials < 0.98
    assert held["independent"] / trials < 0.85  # what would be wrong to print

"""Elo and its intervals, against published numbers and their own algebra."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.elo import elo_interval, elo_of_score, wilson_interval


@pytest.mark.parametrize(
    ("points", "games", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3: the score method without correction
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(points, games, low, high):
    assert wilson_interval(points, games) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_without_games_says_nothing():
    assert wilson_interval(0, 0) == (0, 1)


@pytest.mark.parametrize(("points", "games"), [(-1, 3), (4, 3), (0, -1)])
def test_impossible_results_are_refused(points, games):
    with pytest.raises(ValueError, match="cannot come from"):
        wilson_interval(points, games)


@given(st.integers(1, 500), st.data())
def test_wilson_interval_holds_the_score_and_mirrors(games, data):
    points = data.draw(st.integers(0, 2 * games)) / 2
    low, high = wilson_interval(points, games)
    assert 0 <= low <= points / games <= high <= 1
    mirrored = wilson_interval(games - points, games)
    assert mirrored == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("score", "elo"), [(0.5, 0.0), (10 / 11, 400.0), (1 / 11, -400.0), (0.75, 190.848)])
def test_elo_of_score(score, elo):
    assert elo_of_score(score) == pytest.approx(elo, abs=1e-3)


def test_clean_sheets_have_an_open_end():
    assert elo_of_score(0) == -math.inf
    assert elo_of_score(1) == math.inf
    low, high = elo_interval(20, 20)
    assert low == pytest.approx(elo_of_score(0.8389), abs=0.1)  # the mirror image of 0 of 20 above
    assert high == math.inf


@given(st.floats(-1500, 1500))
def test_elo_is_the_inverse_of_the_logistic_curve(difference):
    score = 1 / (1 + 10 ** (-difference / 400))
    assert elo_of_score(score) == pytest.approx(difference, abs=1e-6)


def test_a_score_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        elo_of_score(1.5)

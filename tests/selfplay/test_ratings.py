"""Ratings: against statsmodels' binomial regression, closed forms, and what they refuse."""

from __future__ import annotations

import math

import pytest

from selfplay.elo import elo_of_score
from selfplay.ratings import Score, ratings

# Logistic regression of the same scores, half a point added on either side, by statsmodels 0.15 (GLM, binomial family,
# games as frequency weights; player 0 left out of the design): rating and both ends of its 95 % interval, in Elo.
SCORES = (Score(0, 1, 22, 32), Score(0, 2, 30.5, 40), Score(1, 2, 18, 30), Score(0, 3, 20, 20), Score(2, 3, 25, 30))
BY_STATSMODELS = (
    (-136.0306, -238.7241, -33.3370),
    (-207.6156, -306.7794, -108.4519),
    (-499.1688, -668.3381, -329.9995),
)


def test_ratings_are_those_of_a_logistic_regression():
    found = ratings(4, SCORES)
    assert found[0] == (0, 0, 0)
    for rating, expected in zip(found[1:], BY_STATSMODELS, strict=True):
        assert rating == pytest.approx(expected, abs=1e-3)


def test_another_anchor_moves_all_by_the_same():
    from_first, from_last = ratings(4, SCORES), ratings(4, SCORES, anchor=3)
    assert [a.elo - b.elo for a, b in zip(from_last, from_first, strict=True)] == pytest.approx(
        [499.1688] * 4, abs=1e-3
    )
    assert from_last[3] == (0, 0, 0)
    assert from_last[0].high - from_last[0].low == pytest.approx(668.3381 - 329.9995, abs=1e-3)


def test_two_players_get_the_elo_of_their_score_with_a_draw_more():
    rating = ratings(2, [Score(0, 1, 30, 40)])[1]
    assert rating.elo == pytest.approx(-elo_of_score(30.5 / 41))
    spread = 400 / math.log(10) * 1.959964 / math.sqrt(41 * 30.5 / 41 * 10.5 / 41)
    assert rating.high - rating.elo == pytest.approx(spread, rel=1e-5)


def test_a_clean_sheet_and_no_game_at_all_have_finite_ratings():
    lost, unplayed = ratings(3, [Score(0, 1, 20, 20), Score(0, 2, 0, 0)])[1:]
    assert lost.elo == pytest.approx(elo_of_score(0.5 / 21))
    assert unplayed.elo == pytest.approx(0, abs=1e-6)
    assert unplayed.high - unplayed.low > 1000


def test_players_who_never_meet_cannot_be_rated():
    with pytest.raises(ValueError, match="2 of 4 players never meet"):
        ratings(4, [Score(0, 1, 1, 2), Score(2, 3, 1, 2)])

"""Thresholds of resignation from games whose results are known."""

from __future__ import annotations

import numpy as np
import pytest

from gozero.coords import BLACK, WHITE
from selfplay.resigning import calibration, highest_threshold

LOWEST = np.array([[-0.95, 0.6], [-0.9, -0.3], [0.2, -0.85], [-0.7, -0.75], [1.0, 1.0]])
WINNERS = np.array([WHITE, BLACK, BLACK, 0, WHITE])


@pytest.mark.parametrize(
    ("threshold", "resignations", "wrong"),
    [
        (-1.0, 0, 0),
        (-0.92, 1, 0),  # Black, who lost
        (-0.88, 2, 1),  # and Black, who won
        (-0.8, 3, 1),
        (-0.72, 4, 2),  # White, who drew
        (0.0, 4, 2),
    ],
)
def test_what_a_threshold_would_have_done(threshold: float, resignations: int, wrong: int) -> None:
    found = calibration(LOWEST, WINNERS, threshold)
    assert (found.resignations, found.wrong) == (resignations, wrong)
    assert found.share_wrong == (wrong / resignations if resignations else 0)


@pytest.mark.parametrize(("most_wrong", "threshold"), [(0.0, -0.9), (0.3, -0.9), (0.4, -0.75), (0.5, 0.0), (1.0, 0.0)])
def test_the_highest_threshold_that_is_safe(most_wrong: float, threshold: float) -> None:
    """The second game would be resigned by its winner below any threshold above -0.9: one of two, and then of three."""
    found = highest_threshold(LOWEST, WINNERS, most_wrong, least_resignations=1)
    assert found.threshold == pytest.approx(threshold)
    assert found.share_wrong <= most_wrong


def test_one_early_recovery_does_not_rule_out_all_resigning() -> None:
    lowest = np.array([[-0.995, 1.0]] + 99 * [[-0.95, 1.0]] + 10 * [[-0.5, 1.0]])
    winners = np.array([BLACK] + 99 * [WHITE] + 10 * [BLACK])
    found = highest_threshold(lowest, winners)
    assert found.threshold == pytest.approx(-0.5)
    assert (found.resignations, found.wrong) == (100, 1)


@pytest.mark.parametrize(("games", "threshold"), [(0, -1.0), (19, -1.0), (20, 0.0)])
def test_few_games_speak_for_no_threshold(games: int, threshold: float) -> None:
    found = highest_threshold(np.tile([-0.9, 1.0], (games, 1)), np.full(games, WHITE))
    assert found.threshold == threshold
    assert found.resignations == (games if threshold == 0 else 0)

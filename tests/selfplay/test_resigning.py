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


@pytest.mark.parametrize(("most_wrong", "threshold"), [(0.0, -0.9), (0.4, -0.9), (0.5, 0.0), (1.0, 0.0)])
def test_the_highest_threshold_that_is_safe(most_wrong: float, threshold: float) -> None:
    """The second game would be resigned by its winner below any threshold above -0.9: one of two."""
    found = highest_threshold(LOWEST, WINNERS, most_wrong)
    assert found.threshold == pytest.approx(threshold)
    assert found.share_wrong <= most_wrong


def test_without_games_nothing_is_known_to_be_wrong() -> None:
    assert highest_threshold(np.zeros((0, 2)), np.zeros(0, np.int64)).resignations == 0

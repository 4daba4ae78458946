"""Advantages by hand, and what they become at both ends of their one number."""

from __future__ import annotations

import numpy as np
import pytest

from training.advantages import advantages
from training.reinforce_config import LearningConfig

VALUES = np.array([0.5, 0.1, -0.2, 0.4, 0.8], np.float32)
RESULTS = np.array([1, -1, 1, 1, -1], np.float32)
GAMES = np.array([7, 3, 7, 7, 3])
PLIES = np.array([5, 0, 1, 3, 2])
"""Game 7: v = -0.2, 0.4, 0.5 and won. Game 3: v = 0.1, 0.8 and lost."""


def test_by_hand() -> None:
    found = advantages(VALUES, RESULTS, GAMES, PLIES, trace=0.5)
    # 7: steps 0.6, 0.1, 0.5. 3: steps 0.7, -1.8.
    assert found.tolist() == pytest.approx([0.5, 0.7 - 0.9, 0.6 + 0.05 + 0.125, 0.1 + 0.25, -1.8])
    assert found.dtype == np.float32


def test_a_full_trace_is_reinforce_and_none_is_one_step() -> None:
    assert advantages(VALUES, RESULTS, GAMES, PLIES, trace=1.0) == pytest.approx(RESULTS - VALUES, abs=1e-6)
    assert advantages(VALUES, RESULTS, GAMES, PLIES, trace=0.0).tolist() == pytest.approx([0.5, 0.7, 0.6, 0.1, -1.8])


def test_nothing_is_learned_from_what_was_foreseen() -> None:
    sure = np.ones(5, np.float32)
    assert not advantages(sure, sure, GAMES, PLIES, trace=0.9).any()


def test_the_trace_rises_to_one() -> None:
    learning = LearningConfig(trace=0.8, trace_rise=200)
    assert [learning.trace_at(step) for step in (0, 100, 200, 900)] == pytest.approx([0.8, 0.9, 1.0, 1.0])
    assert LearningConfig(trace=0.8).trace_at(900) == 0.8

"""Returns and advantages against slow definitions, and the sign of two players."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.small_environments import Nim
from training.environments import Move, Outcome
from training.returns import advantages, discounted_returns, temporal_differences


def move(rows: list[int], rewards: list[float], ended: list[bool]) -> Move:
    n = len(rows)
    empty = np.zeros((n, 1))
    outcome = Outcome(
        np.array(rewards, np.float32), np.array(ended), np.zeros(n, np.bool_), empty, empty.astype(np.bool_)
    )
    return Move(np.array(rows), empty, empty.astype(np.bool_), np.zeros(n, np.int64), outcome)


def test_returns_by_hand():
    """Rewards 1, 2, 4 at half the worth an action later; the other episode is 8 alone."""
    moves = [move([0, 1], [1, 8], [False, True]), move([0], [2], [False]), move([0], [4], [True])]
    returns = discounted_returns(moves, 2, 0.5, 1)
    assert [each.tolist() for each in returns] == [[1 + 1 + 1, 8], [2 + 2], [4]]


def test_returns_of_two_players_change_sign():
    moves = [move([0], [0], [False]), move([0], [0], [False]), move([0], [1], [True])]
    returns = discounted_returns(moves, 1, 1.0, -1)
    assert [each.tolist() for each in returns] == [[1], [-1], [1]]


@pytest.mark.parametrize("next_player", [1, -1])
@pytest.mark.parametrize("trace", [0.0, 0.7, 1.0])
def test_advantages_are_sums_of_temporal_differences(next_player: int, trace: float):
    random = np.random.default_rng(1)
    steps, count, discount = 9, 4, 0.9
    differences = random.normal(size=(steps, count)).astype(np.float32)
    ended = random.random((steps, count)) < 0.2
    found = advantages(differences, ended, discount, next_player, trace)
    for n in range(count):
        for t in range(steps):
            total, weight = 0.0, 1.0
            for k in range(t, steps):
                total += weight * differences[k, n]
                weight *= discount * trace * next_player
                if ended[k, n]:
                    break
            assert found[t, n] == pytest.approx(total, abs=1e-5)


def test_a_difference_keeps_its_sign():
    """Better than expected is above 0, worse below; nothing follows an end."""
    rewards, values = np.float32([1, 1, 0]), np.float32([0.5, 3, 0.5])
    following, terminated = np.float32([1, 1, 100]), np.array([False, False, True])
    found = temporal_differences(rewards, values, following, terminated, 0.5)
    np.testing.assert_allclose(found, [1 + 0.5 - 0.5, 1 + 0.5 - 3, -0.5])


def test_nim_has_the_strategy_that_bouton_found():
    """The reference of other tests, against a search of all games."""

    def wins(left: int) -> bool:
        return any(not wins(left - taken) for taken in range(1, min(3, left) + 1))

    best = Nim.best()
    for left in range(1, 10):
        assert wins(left) == (left in best)
        if left in best:
            assert not wins(left - best[left] - 1)

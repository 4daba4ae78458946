"""The replay memory: what is kept, how often it is drawn, and several actions as one."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.small_environments import Nim
from training.environments import Outcome
from training.replay import NStep, Replay, Transitions


def numbered(first: int, count: int) -> Transitions:
    numbers = np.arange(first, first + count)
    seen = np.repeat(numbers[:, None], 10, axis=1).astype(np.float32)
    return Transitions(
        seen, numbers, numbers.astype(np.float32), np.ones(count, np.float32), seen, np.ones((count, 3), bool)
    )


def test_the_oldest_go_first():
    replay = Replay(10, Nim(1))
    for first in range(0, 24, 4):
        replay.add(numbered(first, 4))
    drawn = replay.draw(1000, np.random.default_rng(0))
    assert set(drawn.actions.tolist()) == set(range(14, 24))
    np.testing.assert_array_equal(drawn.observations[:, 0], drawn.actions)
    np.testing.assert_array_equal(drawn.rewards, drawn.actions)


def test_all_that_there_are_are_drawn_alike():
    replay = Replay(100, Nim(1))
    replay.add(numbered(0, 5))
    counts = np.bincount(replay.draw(10_000, np.random.default_rng(0)).actions)
    assert replay.size == 5
    assert counts.min() > 1850
    assert counts.max() < 2150  # 2000 +- 3.75 standard deviations


@pytest.mark.parametrize("next_player", [1.0, -1.0])
@pytest.mark.parametrize("n", [1, 3])
def test_several_actions_as_one(n: int, next_player: float):
    """Random episodes of two environments against a sum over what followed each action."""
    random = np.random.default_rng(2)
    length, count, discount = 40, 2, 0.9
    rewards = random.normal(size=(length, count)).astype(np.float32)
    terminated = random.random((length, count)) < 0.15
    truncated = ~terminated & (random.random((length, count)) < 0.15)
    summing = NStep(n, discount, next_player)
    found = []
    for t in range(length):
        seen = np.full((count, 1), t, np.float32)
        after = np.full((count, 1), t + 1, np.float32)
        outcome = Outcome(rewards[t], terminated[t], truncated[t], after, np.full((count, 3), t % 2 == 0))
        made = summing.add(seen, np.array([t, t]), outcome)
        if made is not None:
            found.append(made)
    assert len(found) == length - n + 1
    for t, made in enumerate(found):
        for i in range(count):
            total, weight, k = 0.0, 1.0, t
            while True:
                total += weight * rewards[k, i]
                weight *= discount * next_player
                if terminated[k, i] or truncated[k, i] or k == t + n - 1:
                    break
                k += 1
            assert made.observations[i, 0] == made.actions[i] == t
            assert made.rewards[i] == pytest.approx(total, abs=1e-5)
            assert made.weights[i] == pytest.approx(0 if terminated[k, i] else weight, abs=1e-6)
            assert made.following[i, 0] == k + 1
            assert made.masks[i].all() == (k % 2 == 0)

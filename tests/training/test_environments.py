"""Environments side by side: Gymnasium's own semantics, masks, seeds, cuts, one episode each."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.small_environments import CORRIDOR, Nim, register
from training.environments import (
    EnvironmentConfig,
    GymnasiumEnvironments,
    UnknownEnvironment,
    play_episodes,
    returns_of,
)


def first_allowed(observations: NDArray[Any], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    return masks.argmax(1)


def test_they_do_what_gymnasium_does_one_at_a_time():
    """Three CartPoles beside each other against three alone, over many episodes."""
    side_by_side = GymnasiumEnvironments(EnvironmentConfig(id="CartPole-v1", count=3))
    side_by_side.reset(7)
    alone = [gymnasium.make("CartPole-v1") for _ in range(3)]
    seen = np.array([each.reset(seed=7 + i)[0] for i, each in enumerate(alone)])
    random = np.random.default_rng(0)
    ended = 0
    for _ in range(200):
        np.testing.assert_array_equal(side_by_side.observations, seen)
        actions = random.integers(2, size=3)
        outcome = side_by_side.step(actions, np.arange(3))
        for i, each in enumerate(alone):
            after, reward, terminated, truncated, _ = each.step(int(actions[i]))
            np.testing.assert_array_equal(outcome.observations[i], after)
            assert (outcome.rewards[i], outcome.terminated[i], outcome.truncated[i]) == (reward, terminated, truncated)
            if terminated or truncated:
                after, _ = each.reset()
                ended += 1
            seen[i] = after
    assert ended > 10


def test_only_those_that_act_move():
    environments = GymnasiumEnvironments(EnvironmentConfig(id="CartPole-v1", count=4))
    environments.reset(1)
    before = environments.observations.copy()
    environments.step(np.array([0, 1]), np.array([1, 3]))
    changed = (environments.observations != before).any(axis=1)
    assert changed.tolist() == [False, True, False, True]


def test_a_cut_is_not_an_end():
    """Acrobot left alone never swings up: after 500 actions it is cut short."""
    environments = GymnasiumEnvironments(EnvironmentConfig(id="Acrobot-v1", count=1))
    environments.reset(1)
    for _ in range(499):
        assert not environments.step(np.array([1]), np.array([0])).ended[0]
    outcome = environments.step(np.array([1]), np.array([0]))
    assert outcome.truncated[0]
    assert not outcome.terminated[0]
    # what it led to, not the first view of the next episode, which stands in the environments already
    assert not np.array_equal(outcome.observations[0], environments.observations[0])


def test_masks_come_from_info():
    register()
    environments = GymnasiumEnvironments(EnvironmentConfig(id=CORRIDOR, count=2))
    environments.reset(0)
    assert environments.masks.tolist() == [[False, True, False]] * 2
    environments.step(np.array([1, 1]), np.arange(2))
    assert environments.masks.tolist() == [[True, True, False]] * 2


def test_few_states_are_seen_one_hot():
    environments = GymnasiumEnvironments(EnvironmentConfig(id="FrozenLake-v1", count=1, options={"is_slippery": False}))
    environments.reset(0)
    assert environments.shape == (16,)
    assert np.flatnonzero(environments.observations[0]).tolist() == [0]
    environments.step(np.array([2]), np.array([0]))  # to the right
    assert np.flatnonzero(environments.observations[0]).tolist() == [1]


def test_one_episode_in_each():
    environments = GymnasiumEnvironments(EnvironmentConfig(id="CartPole-v1", count=20))
    environments.reset(3)
    moves = play_episodes(environments, first_allowed)  # always to the left: 8 to 10 actions
    returns = returns_of(environments, moves)
    assert len(returns) == 20
    lengths = np.zeros(20)
    for move in moves:
        lengths[move.rows] += 1
    assert sorted(returns) == sorted(lengths.tolist())
    assert 8 <= min(returns) <= max(returns) <= 11


def test_returns_are_those_of_who_acts_first():
    """In Nim the reward goes to who takes the last match; of 9 taken one by one that is the first player."""
    nim = Nim(2)
    nim.left[:] = [9, 4]
    nim._see()
    moves = play_episodes(nim, first_allowed)
    assert returns_of(nim, moves) == [-1.0, 1.0]  # 4 matches end first


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CartPole-v9", "CartPole"),
        ("NoSuchThing-v0", "NoSuchThing"),
        ("Pendulum-v1", "Discrete"),
        ("Blackjack-v1", "vector"),
    ],
)
def test_what_cannot_be_learned_in_is_named(name: str, words: str):
    with pytest.raises(UnknownEnvironment, match=words):
        GymnasiumEnvironments(EnvironmentConfig(id=name))
    with pytest.raises(UnknownEnvironment, match="gravity_of_jupiter"):
        GymnasiumEnvironments(EnvironmentConfig(id="CartPole-v1", options={"gravity_of_jupiter": 1}))

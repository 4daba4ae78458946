"""Replay: past transitions, drawn at random to learn from again (Lin 1992; Mnih et al. 2015)."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.environments import Environments, Outcome


class Transitions(NamedTuple):
    """B times: what was seen, done and earned, and what was seen n actions later."""

    observations: NDArray[Any]  # [B, ...]
    actions: NDArray[np.int64]  # [B]
    rewards: NDArray[np.float32]  # [B] of up to n actions, discounted, for whoever did the first
    weights: NDArray[np.float32]  # [B] what the best value afterwards counts: (gamma sigma)^n, 0 after the end
    following: NDArray[Any]  # [B, ...] seen after them
    masks: NDArray[np.bool_]  # [B, A] the actions that are allowed there


class Replay:
    """The newest `capacity` transitions."""

    def __init__(self, capacity: int, environments: Environments) -> None:
        shape, dtype = (capacity, *environments.shape), environments.dtype
        self._rows = Transitions(
            np.zeros(shape, dtype),
            np.zeros(capacity, np.int64),
            np.zeros(capacity, np.float32),
            np.zeros(capacity, np.float32),
            np.zeros(shape, dtype),
            np.zeros((capacity, environments.actions), np.bool_),
        )
        self._capacity, self._next, self.size = capacity, 0, 0

    def add(self, transitions: Transitions) -> None:
        """Keep these, in place of the oldest where it is full."""
        count = len(transitions.actions)
        places = (self._next + np.arange(count)) % self._capacity
        for name in Transitions._fields:
            getattr(self._rows, name)[places] = getattr(transitions, name)
        self._next = (self._next + count) % self._capacity
        self.size = min(self.size + count, self._capacity)

    def draw(self, count: int, random: np.random.Generator) -> Transitions:
        """`count` of them, each as likely as any other."""
        rows = random.integers(self.size, size=count)
        return Transitions._make(kept[rows] for kept in self._rows)


class NStep:
    """Makes transitions of `n` actions each out of single ones, in environments that advance together.

    An episode's last transitions are shorter.
    """

    def __init__(self, n: int, discount: float, next_player: float) -> None:
        self._n, self._factor = n, np.float32(discount * next_player)
        self._waiting: deque[tuple[NDArray[Any], NDArray[np.int64], Outcome]] = deque()

    def add(self, observations: NDArray[Any], actions: NDArray[np.int64], outcome: Outcome) -> Transitions | None:
        """What all environments saw and did now; returns what began n actions ago, or None in the first n - 1 calls."""
        self._waiting.append((observations, actions, outcome))
        if len(self._waiting) < self._n:
            return None
        rewards = np.zeros(len(actions), np.float32)
        weights = np.ones(len(actions), np.float32)
        going_on = np.ones(len(actions), np.bool_)
        following, masks = outcome.observations.copy(), outcome.masks.copy()
        for _, _, each in self._waiting:
            rewards += np.where(going_on, weights * each.rewards, 0)
            weights = np.where(going_on, weights * self._factor * ~each.terminated, weights)
            stopping = going_on & each.ended
            following[stopping], masks[stopping] = each.observations[stopping], each.masks[stopping]
            going_on &= ~each.ended
        first_seen, first_action, _ = self._waiting.popleft()
        return Transitions(first_seen, first_action, rewards, weights, following, masks)

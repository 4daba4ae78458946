"""Environments whose best play is known, for the tests of the classic algorithms."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from training.environments import OPPONENT, Outcome

HEAP = 9
MOST = 3


class Nim:
    """Two players take 1 to 3 of 9 matches in turn; whoever takes the last one has won. A `training.environments`.

    The mover has lost where the number of matches is a multiple of 4 (C. L. Bouton, 1901), and else takes what makes it
    one. `next_player` may be set to 1 for the bug that it is.
    """

    def __init__(self, count: int, next_player: float = OPPONENT) -> None:
        self.count, self.actions, self.next_player = count, MOST, next_player
        self.shape: tuple[int, ...] = (HEAP + 1,)
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.left = np.full(count, HEAP)
        self._random = np.random.default_rng(0)
        self._see()

    def reset(self, seed: int, steps: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self.left = self._random.integers(1, HEAP + 1, self.count)
        self._see()

    def step(self, actions: NDArray[np.int64], rows: NDArray[np.int64]) -> Outcome:
        assert self.masks[rows, actions].all(), "an action that is not allowed"
        self.left[rows] -= actions + 1
        self._see()
        over = self.left[rows] == 0
        outcome = Outcome(
            over.astype(np.float32),
            over,
            np.zeros_like(over),
            self.observations[rows],
            self.masks[rows] | over[:, None],
        )
        self.left[rows[over]] = self._random.integers(1, HEAP + 1, over.sum())
        self._see()
        return outcome

    def close(self) -> None:
        pass

    def _see(self) -> None:
        self.observations: NDArray[Any] = np.eye(HEAP + 1, dtype=np.float32)[self.left]
        self.masks = np.arange(1, MOST + 1) <= self.left[:, None]

    @staticmethod
    def best() -> dict[int, int]:
        """The winning action for every number of matches that has one."""
        return {left: left % (MOST + 1) - 1 for left in range(1, HEAP + 1) if left % (MOST + 1)}


class Corridor(gymnasium.Env[NDArray[np.float32], np.int64]):
    """Five rooms in a row, the way in at the left, 1 point in the last; 0 goes left, 1 goes right, 2 into the wall.

    `info["action_mask"]` forbids the wall, and going left in the first room.
    """

    rooms = 5

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0, 1, (self.rooms,), np.float32)
        self.action_space = spaces.Discrete(3)
        self._room = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._room = 0
        return self._seen()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self._mask()[int(action)], f"action {action} is not allowed"
        self._room += 1 if action == 1 else -1
        over = self._room == self.rooms - 1
        seen, info = self._seen()
        return seen, float(over), over, False, info

    def _mask(self) -> NDArray[np.int8]:
        return np.array([self._room > 0, 1, 0], np.int8)

    def _seen(self) -> tuple[NDArray[np.float32], dict[str, Any]]:
        return np.eye(self.rooms, dtype=np.float32)[self._room], {"action_mask": self._mask()}

    @classmethod
    def values(cls, discount: float) -> list[float]:
        """Of going right, in every room but the last: what every shortest way is worth."""
        return [discount ** (cls.rooms - 2 - room) for room in range(cls.rooms - 1)]


CORRIDOR = "tests/Corridor-v0"


def register() -> None:
    """Makes the corridor known to Gymnasium."""
    if CORRIDOR not in gymnasium.registry:
        gymnasium.register(CORRIDOR, entry_point=lambda **options: Corridor(), max_episode_steps=50)

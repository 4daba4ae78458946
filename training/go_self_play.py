"""Go against oneself, as environments to learn in: one network plays both colours of many games."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gozero.coords import BLACK
from gozero.geometry import SYMMETRIES, inverse_symmetry, symmetry_table
from gozero.lockstep import LockStep
from training.environments import OPPONENT, EnvironmentConfig, Outcome, SelfPlayConfig, UnknownEnvironment


class GoSelfPlay:
    """`training.environments.Environments` of Go in which both players are the one who learns.

    The reward comes with a game's last move: 1 to who made it and won, -1 to who made it and lost.
    """

    next_player: float = OPPONENT

    def __init__(self, config: EnvironmentConfig, self_play: SelfPlayConfig, seed: int = 0) -> None:
        """Raises UnknownEnvironment when the options make no sense."""
        try:
            self._games = LockStep(config.count, seed=seed, **config.options)
        except ValueError as error:
            raise UnknownEnvironment(f"environment.options: {error}") from error
        size = self._games.size
        self._config, self._size = self_play, size
        self.count, self.actions = config.count, size**2 + 1
        self.shape: tuple[int, ...] = (len(self._games.feature_set.planes), size, size)
        self.dtype = np.dtype(np.uint8)
        self.observations: NDArray[Any] = np.zeros((self.count, *self.shape), np.uint8)
        self.masks = np.ones((self.count, self.actions), np.bool_)
        self._random = np.random.default_rng(seed)
        self._turned = symmetry_table(size)  # [8, S*S+1] where each move is on the turned board
        self._back = self._turned[[inverse_symmetry(each) for each in range(SYMMETRIES)]]
        self._symmetry = np.zeros(self.count, np.int64)  # in which each board is seen now
        self._steps = 0

    def reset(self, seed: int, steps: int = 0) -> None:
        """See `Environments`."""
        self._random, self._steps = np.random.default_rng(seed), steps
        self._games.reset(seed)
        self._see(np.arange(self.count))

    def step(self, actions: NDArray[np.int64], rows: NDArray[np.int64]) -> Outcome:
        """See `Environments`."""
        movers = self._games.to_play[rows]
        self._games.play(rows, self._back[self._symmetry[rows], actions])
        self._steps += len(rows)
        ended = self._games.ending[rows] != 0
        rewards = np.zeros(len(rows), np.float32)
        if ended.any():
            leads = self._games.scores(rows[ended]) + self._games.komi - self.komi
            rewards[ended] = np.where(movers[ended] == BLACK, 1, -1) * np.sign(leads)
        self._see(rows)
        outcome = Outcome(rewards, ended, np.zeros(len(rows), np.bool_), self.observations[rows], self.masks[rows])
        self._games.begin(rows[ended])
        self._see(rows[ended])
        return outcome

    def close(self) -> None:
        """See `Environments`."""
        self._games.close()

    @property
    def komi(self) -> float:
        """Points that White is given now, see `SelfPlayConfig`."""
        config, full = self._config, self._games.komi
        if config.komi_start is None or self._steps >= config.komi_steps:
            return full
        risen = config.komi_start + (full - config.komi_start) * self._steps / config.komi_steps
        return math.floor(risen) + 0.5  # never a draw

    def _see(self, rows: NDArray[np.int64]) -> None:
        """Notes what whoever is to move sees of some games, each turned by a symmetry of its own."""
        if not rows.size:
            return
        planes, mask = self._games.show(rows, self._games.to_play[rows])
        self._symmetry[rows] = self._random.integers(SYMMETRIES, size=len(rows)) if self._config.turning else 0
        source = self._back[self._symmetry[rows]]  # [n, S*S+1] which move of the board is seen at each place
        self.observations[rows] = np.take_along_axis(
            planes.reshape(len(rows), -1, self._size**2), source[:, None, :-1], axis=2
        ).reshape(planes.shape)
        seen = np.take_along_axis(mask, source, axis=1)
        self.masks[rows] = seen | ~seen.any(axis=1, keepdims=True)  # an ended game allows nothing

"""Environments to learn in, several side by side: all of Gymnasium's whose actions can be counted.

Games of two players fit in by one number. What follows an action is worth `next_player` times its value to whoever
acted: 1 where the same player goes on, -1 where the opponent is next (negamax).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import gymnasium
import msgspec
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gozero.config import Config
from gozero.errors import GozeroError

SAME_PLAYER: Final = 1.0
OPPONENT: Final = -1.0
GO: Final = "gozero/Go-v0"
"""Ours, from `gozero.env`."""


class UnknownEnvironment(GozeroError):
    """An environment that there is not, or that these algorithms cannot learn in."""


class SelfPlayConfig(Config, frozen=True):
    """How Go is learned against oneself."""

    komi_start: float | None = None
    """Points that White is given at first; they rise evenly, in whole steps, to the komi of the games. null: that is
    komi from the start. Where one colour nearly always wins, most games teach nothing."""
    komi_steps: int = 0
    """Moves, over all games, after which komi is that of the games."""
    turning: bool = True
    """Whether every position is seen in a random one of its eight symmetries, so that what is learned in one corner
    holds in all."""


class EnvironmentConfig(Config, frozen=True):
    """Which environment is learned in."""

    id: str
    """Its name in Gymnasium's registry."""
    count: int = 8
    """How many of them go on side by side, so that one call of the network serves all."""
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    """What else `gymnasium.make` is told, such as `board_size`."""
    self_play: SelfPlayConfig | None = None
    """Only for `gozero/Go-v0`: both colours are played by who learns. null: one of them, as with any environment."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"environment.count must be at least 1, it is {self.count}")


class Outcome(NamedTuple):
    """What n actions led to, one in each of n environments."""

    rewards: NDArray[np.float32]  # [n] for whoever acted
    terminated: NDArray[np.bool_]  # [n] whether the episode has ended: nothing follows
    truncated: NDArray[np.bool_]  # [n] whether it was only cut short: what would have followed has a value
    observations: NDArray[Any]  # [n, ...] what the actions led to, also where an episode ended with it
    masks: NDArray[np.bool_]  # [n, A] the actions that are allowed there

    @property
    def ended(self) -> NDArray[np.bool_]:
        """bool[n]: where a new episode has begun."""
        return self.terminated | self.truncated


class Environments(Protocol):
    """N environments side by side, each with A actions. One whose episode ends begins the next at once."""

    count: int
    actions: int
    shape: tuple[int, ...]
    """Of an observation."""
    dtype: np.dtype[Any]
    """Of an observation."""
    next_player: float
    """`SAME_PLAYER` or `OPPONENT`."""
    observations: NDArray[Any]
    """[N, *shape], what is seen now by whoever acts next; overwritten by `step`."""
    masks: NDArray[np.bool_]
    """[N, A], the actions that are allowed now; at least one in each row; overwritten by `step`."""

    def reset(self, seed: int, steps: int = 0) -> None:
        """Begin an episode in each. The same seed and actions give the same episodes. `steps`: actions of the run so
        far, for what changes with them."""

    def step(self, actions: NDArray[np.int64], rows: NDArray[np.int64]) -> Outcome:
        """Act in the environments int64[n] `rows`; the others stand still."""

    def close(self) -> None:
        """Free what they hold."""


class GymnasiumEnvironments:
    """`Environments` of Gymnasium's. An observation is a box of numbers, or one of a few states (seen one-hot)."""

    next_player: float = SAME_PLAYER

    def __init__(self, config: EnvironmentConfig, count: int | None = None) -> None:
        """`count` of them, else as many as the configuration says. Raises UnknownEnvironment."""
        self.count = count or config.count
        self._environments = [_make(config) for _ in range(self.count)]
        action, seen = self._environments[0].action_space, self._environments[0].observation_space
        if not isinstance(action, spaces.Discrete):
            raise UnknownEnvironment(
                f"the actions of {config.id} are {action}: only a fixed number of them can be learned (Discrete)"
            )
        self.actions, self._first_action = int(action.n), int(action.start)
        self.shape: tuple[int, ...]
        self.dtype: np.dtype[Any]
        self._states: spaces.Discrete | None = None
        if isinstance(seen, spaces.Discrete):
            self._states, self.shape, self.dtype = seen, (int(seen.n),), np.dtype(np.float32)
        elif isinstance(seen, spaces.Box) and len(seen.shape) in (1, 3):
            self.shape, self.dtype = seen.shape, np.dtype(np.uint8 if seen.dtype == np.uint8 else np.float32)
        else:
            raise UnknownEnvironment(
                f"what is seen of {config.id} is {seen}: a vector, planes [C, H, W] or Discrete can be learned from"
            )
        self.observations = np.zeros((self.count, *self.shape), self.dtype)
        self.masks = np.ones((self.count, self.actions), np.bool_)

    def reset(self, seed: int, steps: int = 0) -> None:
        """Begin an episode in each; environment i has the seed `seed` + i."""
        for i in range(self.count):
            self._begin(i, seed + i)

    def step(self, actions: NDArray[np.int64], rows: NDArray[np.int64]) -> Outcome:
        """See `Environments`."""
        rewards = np.zeros(len(rows), np.float32)
        terminated, truncated = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
        for k, i in enumerate(rows.tolist()):
            action = self._first_action + int(actions[k])
            seen, reward, terminated[k], truncated[k], info = self._environments[i].step(action)
            rewards[k] = float(reward)
            self._see(i, seen, info)
        outcome = Outcome(rewards, terminated, truncated, self.observations[rows], self.masks[rows])
        for i in rows[outcome.ended].tolist():
            self._begin(i, None)
        return outcome

    def close(self) -> None:
        """See `Environments`."""
        for environment in self._environments:
            environment.close()

    def _begin(self, i: int, seed: int | None) -> None:
        self._see(i, *self._environments[i].reset(seed=seed))

    def _see(self, i: int, seen: Any, info: dict[str, Any]) -> None:
        if self._states is None:
            self.observations[i] = seen
        else:
            self.observations[i] = 0
            self.observations[i, int(seen) - int(self._states.start)] = 1
        mask = info.get("action_mask")
        self.masks[i] = True if mask is None else np.asarray(mask, np.bool_)
        if not self.masks[i].any():  # an ended game may allow nothing
            self.masks[i] = True


def _make(config: EnvironmentConfig) -> gymnasium.Env[Any, Any]:
    if config.id.startswith("gozero/"):
        import gozero.env  # noqa: F401 (registers the name)
    try:
        return gymnasium.make(config.id, disable_env_checker=True, **config.options)
    except (gymnasium.error.Error, TypeError) as error:
        raise UnknownEnvironment(f"cannot make the environment {config.id}: {' '.join(str(error).split())}") from error


class Move(NamedTuple):
    """What n of the environments did at once in `play_episodes`."""

    rows: NDArray[np.int64]  # [n] which ones
    observations: NDArray[Any]  # [n, ...] before
    masks: NDArray[np.bool_]  # [n, A] before
    actions: NDArray[np.int64]  # [n]
    outcome: Outcome


class Chooser(Protocol):
    """Whoever acts."""

    def __call__(self, observations: NDArray[Any], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """One allowed action int64[n] each, for observations [n, ...] and masks bool[n, A]."""


def play_episodes(environments: Environments, choose: Chooser) -> list[Move]:
    """One episode in each environment, from a beginning to its end. An environment that is done waits for the others,
    so that short episodes are not more frequent among these than they are."""
    moves = []
    rows = np.arange(environments.count)
    while rows.size:
        observations, masks = environments.observations[rows], environments.masks[rows]
        actions = choose(observations, masks)
        outcome = environments.step(actions, rows)
        moves.append(Move(rows, observations, masks, actions, outcome))
        rows = rows[~outcome.ended]
    return moves


class ReturnCounter:
    """Adds up rewards, undiscounted, as the player sees them who acts first in each episode."""

    def __init__(self, environments: Environments) -> None:
        self._next_player = environments.next_player
        self._totals = np.zeros(environments.count)
        self._views = np.ones(environments.count)  # 1 where the first player acts next, else -1

    def add(self, outcome: Outcome, rows: NDArray[np.int64]) -> list[float]:
        """The returns of the episodes that ended with this."""
        self._totals[rows] += self._views[rows] * outcome.rewards
        self._views[rows] *= self._next_player
        over = rows[outcome.ended]
        returns: list[float] = self._totals[over].tolist()
        self._totals[over], self._views[over] = 0, 1
        return returns


def returns_of(environments: Environments, moves: Sequence[Move]) -> list[float]:
    """The undiscounted return of each episode of `play_episodes`."""
    counter = ReturnCounter(environments)
    return [value for move in moves for value in counter.add(move.outcome, move.rows)]

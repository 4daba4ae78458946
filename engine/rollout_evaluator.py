"""The evaluator of a player without a network: the tree policy as prior, rollouts as value (AlphaGo's variant "r")."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import BOARDS, Evaluation
from engine.rollout import LeafRollouts, RolloutPolicy
from gozero._random import seed_state


class RolloutEvaluator:
    """Reads boards, not planes. Several threads may evaluate at once."""

    feature_set: Final[str] = BOARDS

    def __init__(
        self, policy: RolloutPolicy, rollouts: LeafRollouts | None = None, games: int = 1, seed: int = 0
    ) -> None:
        """Plays `games` games for each position, by `rollouts` or else by the policy; with calls in the same order,
        equal seeds give equal answers."""
        self._policy = policy
        self._rollouts = rollouts or policy
        self._games = games
        self._seeds = np.random.SeedSequence(seed)

    def evaluate_boards(
        self, boards: NDArray[np.uint32], global_values: NDArray[np.float32], given: NDArray[np.float64]
    ) -> Evaluation:
        """See `engine.evaluator.BoardEvaluator`."""
        rng = seed_state(int(self._seeds.spawn(1)[0].generate_state(1, np.uint64)[0]))
        values = self._rollouts.leaf_values(boards, given, self._games, rng)
        return Evaluation(self._policy.leaf_priors(boards), values)

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass

"""The evaluator of a player without a network: the tree policy as prior, rollouts as value (AlphaGo's variant "r")."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine import _rollout_leaves, rollout_file
from engine.evaluator import BOARDS, Evaluation
from engine.rollout import MOST_MOVES_A_POINT, RolloutPolicy, ladder_boards
from gozero import _board
from gozero._random import seed_state
from gozero.features import KOMI_SCALE

PASS_SHARE: Final = 0.01
"""The prior of a pass: the tree policy never passes."""
_KOMI_STEPS: Final = 4.0
"""Komi comes as a float32 scaled for networks; it is a multiple of a quarter of a point."""


class RolloutEvaluator:
    """Reads boards, not planes. Several threads may evaluate at once.

    What the last move captured is not known here, so the first move of a rollout has no nakade features.
    """

    feature_set: Final[str] = BOARDS

    def __init__(self, policy: RolloutPolicy, rollouts: int = 1, seed: int = 0) -> None:
        """Plays `rollouts` games for each position; with calls in the same order, equal seeds give equal answers."""
        self._policy = policy
        self._rollouts = rollouts
        self._seeds = np.random.SeedSequence(seed)

    @classmethod
    def for_board(cls, size: int, seed: int = 0) -> RolloutEvaluator:
        """With the shipped policy for boards of size x size. Raises RolloutFileError."""
        return cls(RolloutPolicy(rollout_file.load(rollout_file.find(rollout_file.AUTO, size))), seed=seed)

    def evaluate_boards(self, boards: NDArray[np.uint32], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.BoardEvaluator`."""
        count, size = len(boards), int(boards[0, _board.SIZE])
        policy, values = np.empty((count, size * size + 1), np.float32), np.empty(count, np.float32)
        komi = np.rint(global_values[:, 0].astype(np.float64) * KOMI_SCALE * _KOMI_STEPS) / _KOMI_STEPS
        tables = self._policy.tables
        _rollout_leaves.judge_boards(
            boards,
            komi,
            tables.pattern_features,
            tables.keys,
            tables.rows,
            tables.slot_features,
            tables.diamond_keys,
            tables.diamond_features,
            tables.vocabulary.self_atari,
            self._policy.weights.tree_values,
            self._policy.pattern_weights,
            self._policy.slot_factors,
            self._rollouts,
            MOST_MOVES_A_POINT * size * size,
            PASS_SHARE,
            seed_state(int(self._seeds.spawn(1)[0].generate_state(1, np.uint64)[0])),
            ladder_boards(boards[0]),
            policy,
            values,
        )
        return Evaluation(policy, values)

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass

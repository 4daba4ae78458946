"""The tree policy as an evaluator: which moves are likely, and nothing about who wins."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import BOARDS, Evaluation
from engine.rollout import RolloutPolicy


class TreePolicyEvaluator:
    """Reads boards, not planes; every value is 0, even. Several threads may evaluate at once."""

    feature_set: Final[str] = BOARDS

    def __init__(self, policy: RolloutPolicy) -> None:
        self._policy = policy

    def evaluate_boards(
        self, boards: NDArray[np.uint32], global_values: NDArray[np.float32], given: NDArray[np.float64]
    ) -> Evaluation:
        """See `engine.evaluator.BoardEvaluator`."""
        return Evaluation(self._policy.leaf_priors(boards), np.zeros(len(boards), np.float32))

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass

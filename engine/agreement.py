"""How far the answers of two runtimes are apart, in what a search makes of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluation


class Agreement(NamedTuple):
    """Two answers to the same positions: each difference at the position where it is largest."""

    policy: float
    """Half of the sum of all differences of two policies: the share of moves drawn that would be others."""
    value: float
    """Difference of two values, from 0 to 2."""
    ownership: float
    """Difference of what two say of a point, from 0 to 2; 0 where both say nothing."""
    same_move: float
    """The share of positions in which both have the same first choice."""

    @property
    def differences(self) -> dict[str, float]:
        """What is 0 where both answer the same; no number where one of them answers none."""
        return {"policy": self.policy, "value": self.value, "ownership": self.ownership}


def agreement(expected: Evaluation, found: Evaluation) -> Agreement:
    """Compares answers to the same positions, at least one; ownership that only one of them has is infinitely apart."""
    policies = [_policies(answer.policy_logits) for answer in (expected, found)]
    first = [answer.policy_logits.argmax(1) for answer in (expected, found)]
    ownership = 0.0
    if expected.ownership is not None and found.ownership is not None:
        ownership = float(np.abs(expected.ownership - found.ownership).max())
    elif expected.ownership is not None or found.ownership is not None:
        ownership = np.inf
    return Agreement(
        policy=float(np.abs(policies[0] - policies[1]).sum(1).max() / 2),
        value=float(np.abs(expected.value - found.value).max()),
        ownership=ownership,
        same_move=float((first[0] == first[1]).mean()),
    )


def _policies(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities, [B, S*S+1] as the logits."""
    shares = np.exp((logits - logits.max(1, keepdims=True)).astype(np.float64))
    policies: NDArray[np.float64] = shares / shares.sum(1, keepdims=True)
    return policies

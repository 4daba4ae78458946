"""Losses: pure functions of a network's outputs and their targets."""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional


class PolicyValueLoss(NamedTuple):
    """Means over the batch; `total` is what is minimised."""

    total: Tensor
    policy: Tensor
    """Cross-entropy in nats of the move that was played."""
    value: Tensor
    """Mean squared error of the value against z in [-1, 1] (predicting 0 for every win or loss costs 1)."""


def policy_value_loss(
    logits: Tensor,
    value: Tensor,
    policy_target: Tensor,
    value_target: Tensor,
    value_mask: Tensor,
    *,
    value_weight: float,
) -> PolicyValueLoss:
    """Cross-entropy of the policy plus `value_weight` times the squared error of the value.

    logits [B, S*S+1]; value [B] and value_target [B] for the player to move; policy_target int64 [B] move indices;
    value_mask [B] weighs each position's value error (0 where the result of the game is unknown).
    """
    policy = functional.cross_entropy(logits, policy_target)
    squared = (value - value_target).square()
    mean_squared = (squared * value_mask).sum() / value_mask.sum().clamp(min=1.0)
    return PolicyValueLoss(policy + value_weight * mean_squared, policy, mean_squared)

"""Losses: pure functions of a network's outputs and their targets."""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from engine.networks import Answers


class Targets(NamedTuple):
    """What happened in B positions of games, seen by the player to move in each."""

    policy: Tensor
    """int64 [B], index of the move played."""
    value: Tensor
    """float32 [B], result in [-1, 1]."""
    value_weight: Tensor
    """float32 [B], 0 where the result is unknown."""
    ownership: Tensor
    """[B, S*S], who owns each point in the final position: 1 own, -1 opponent's, 0 neither."""


class Loss(NamedTuple):
    """Means over the batch; `total` is what is minimised."""

    total: Tensor
    policy: Tensor
    """Cross-entropy in nats of the move that was played."""
    value: Tensor
    """Mean squared error of the value against z in [-1, 1] (predicting 0 for every win or loss costs 1)."""
    ownership: Tensor
    """Mean squared error a point."""


def supervised_loss(answers: Answers, targets: Targets, *, value_weight: float, ownership_weight: float) -> Loss:
    """Cross-entropy of the policy plus weighted squared errors of the value and the ownership."""
    policy = functional.cross_entropy(answers.policy, targets.policy)
    squared = (answers.value - targets.value).square()
    value = (squared * targets.value_weight).sum() / targets.value_weight.sum().clamp(min=1.0)
    ownership = (answers.ownership - targets.ownership).square().mean()
    return Loss(policy + value_weight * value + ownership_weight * ownership, policy, value, ownership)

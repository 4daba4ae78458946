"""Losses: pure functions of a network's outputs and their targets."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from engine.networks import Answers
from gozero.config import Config

UNKNOWN = -1
"""A target move that nobody knows."""

LEAST = 1e-3
"""Below any weight of a batch that teaches something: a batch that teaches nothing has a loss of 0."""


class LossConfig(Config, frozen=True):
    """Weights of the parts of the loss."""

    policy: float = 1.0
    """Weight of the cross-entropy of the move that was played, or of what a search would play."""
    ownership: float = 0.5
    """Weight of the squared error a point of the ownership: without it a small network learns no value from records
    (9x9, 90,000 positions: value error 0.898 against 0.949, policy 1.914 against 1.936 nats)."""
    value: float = 0.3
    """Weight of the value's squared error beside the policy's cross-entropy. AlphaGo Zero needed 0.01 on human games to
    keep a large network from learning games by heart; a small one that sees a few positions of each game cannot."""
    reply: float = 0.0
    """Weight of the cross-entropy of the opponent's reply; above 0 where `network.reply` is set."""
    search_value: float = 0.0
    """Share of the search's value in what the value learns, from 0 to 1; the rest is the result of the game. Above 0
    where `data.searches` is set."""
    teacher: float = 0.0
    """Share of the teacher's policy in what the policy learns, from 0 to 1; the rest is what happened. This or the next
    is above 0 where `data.teacher` names a network."""
    teacher_value: float = 0.0
    """The same of its value and ownership. 0 where the teacher is wrong about what the games shall teach."""

    def __post_init__(self) -> None:
        for name in ("search_value", "teacher", "teacher_value"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"loss.{name} must be from 0 to 1, it is {getattr(self, name)}")


class Targets(NamedTuple):
    """What happened in B positions of games, seen by the player to move in each."""

    policy: Tensor
    """int64 [B], index of the move played; `UNKNOWN` where it teaches nothing."""
    value: Tensor
    """float32 [B], result in [-1, 1]."""
    value_weight: Tensor
    """float32 [B], 0 where the result is unknown."""
    ownership: Tensor
    """[B, S*S], who owns each point in the final position: 1 own, -1 opponent's, 0 neither; [B, 0] if not known."""
    reply: Tensor | None = None
    """int64 [B], index of the opponent's next move; `UNKNOWN` where the game has none."""
    shares: Tensor | None = None
    """float32 [B, S*S+1], how often a search would play each move; they add up to 1, or to 0 in a row that teaches
    nothing. Where they are there, they are what the policy learns."""
    search_value: Tensor | None = None
    """float32 [B] in [-1, 1], the value that this search found."""
    teacher_policy: Tensor | None = None
    """float32 [B, M], the policy of a teacher, by the moves of the network; rows add up to 1."""
    teacher_value: Tensor | None = None
    """float32 [B] in [-1, 1], its value."""
    teacher_ownership: Tensor | None = None
    """float32 [B, S*S] in [-1, 1], whose it thinks each point will be."""


class Loss(NamedTuple):
    """Means over the batch; `total` is what is minimised. None for what the network has no head for."""

    total: Tensor
    policy: Tensor
    """Cross-entropy in nats of the move that was played, or of a search's shares."""
    value: Tensor | None
    """Mean squared error of the value against z in [-1, 1] (predicting 0 for every win or loss costs 1), or z mixed
    with the value of a search or a teacher."""
    ownership: Tensor | None
    """Mean squared error a point."""
    reply: Tensor | None
    """Cross-entropy in nats of the opponent's reply."""
    teacher: Tensor | None = None
    """Cross-entropy in nats of a teacher's policy."""

    def parts(self) -> dict[str, Tensor]:
        """Every part that there is, by name, without the total."""
        return {name: part for name, part in self._asdict().items() if name != "total" and part is not None}


def as_is(count: Tensor) -> Tensor:
    """The weight of a batch when one process has all of it."""
    return count


def supervised_loss(
    answers: Answers, targets: Targets, weights: LossConfig, across: Callable[[Tensor], Tensor] = as_is
) -> Loss:
    """Cross-entropy of the policy plus, for the heads that there are, weighted errors of the others.

    `across` gives the mean over all processes of a weight that each process has of its own part of the batch; then
    the mean over the processes of this loss is the loss of the whole batch.
    """
    if targets.shares is None:
        policy = move_loss(answers.policy, targets.policy, across)
    else:
        policy = share_loss(answers.policy, targets.shares, across)
    value = ownership = reply = taught = None
    learned = policy
    if targets.teacher_policy is not None:
        taught = share_loss(answers.policy, targets.teacher_policy, across)
        learned = policy.lerp(taught, weights.teacher)
    total = weights.policy * learned
    if answers.value is not None:
        squared = (answers.value.float() - value_target(targets, weights)).square()
        value = (squared * targets.value_weight).sum() / across(targets.value_weight.sum()).clamp(min=LEAST)
        total = total + weights.value * value
    if answers.ownership is not None and targets.ownership.shape[1]:
        owners = mixed(targets.ownership.float(), targets.teacher_ownership, weights.teacher_value)
        ownership = (answers.ownership.float() - owners).square().mean()
        total = total + weights.ownership * ownership
    if answers.reply is not None and targets.reply is not None:
        reply = move_loss(answers.reply, targets.reply, across)
        total = total + weights.reply * reply
    return Loss(total, policy, value, ownership, reply, taught)


def move_loss(logits: Tensor, moves: Tensor, across: Callable[[Tensor], Tensor] = as_is) -> Tensor:
    """Cross-entropy in nats of `moves` [B] under `logits` [B, M], in float32, the mean over the moves that are known.

    A logit of -inf stands for an impossible move.
    """
    total = functional.cross_entropy(logits.float(), moves, ignore_index=UNKNOWN, reduction="sum")
    return total / across((moves != UNKNOWN).sum().float()).clamp(min=LEAST)


def share_loss(logits: Tensor, shares: Tensor, across: Callable[[Tensor], Tensor] = as_is) -> Tensor:
    """Cross-entropy in nats of `shares` [B, M] under `logits` [B, M], in float32, the mean over rows that have some.

    AlphaGo Zero's -pi log p (Silver et al. 2017, equation 1). Its least value is the shares' own entropy.
    """
    total = -(shares * functional.log_softmax(logits.float(), 1)).sum()
    return total / across(shares.sum()).clamp(min=LEAST)


def mixed(happened: Tensor, thought: Tensor | None, share: float) -> Tensor:
    """(1 - share) of what happened and `share` of what somebody thought would, where anybody did."""
    return happened if thought is None or not share else happened.lerp(thought, share)


def value_target(targets: Targets, weights: LossConfig) -> Tensor:
    """What the value learns, [B] in [-1, 1]: the result z, mixed with the search's value, mixed with the teacher's."""
    searched = mixed(targets.value, targets.search_value, weights.search_value)
    return mixed(searched, targets.teacher_value, weights.teacher_value)


def masked_log_policy(logits: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """Log-probabilities [B, M], float32, of the moves that `mask` [B, M] allows, as `selfplay.game` draws them; 0 for
    the others, which are never drawn, so that sums over all moves need not leave them out."""
    scaled = logits.float() / temperature
    allowed = mask.bool()
    return scaled.masked_fill(~allowed, -torch.inf).log_softmax(1).masked_fill(~allowed, 0.0)


def reinforce_loss(log_policy: Tensor, moves: Tensor, advantages: Tensor, games: int) -> Tensor:
    """REINFORCE: -(1/n) sum over games i and moves t of (z_i - v(s_t)) log p(a_t | s_t), whose gradient is the paper's.

    AlphaGo, Methods, "Reinforcement learning of policy networks" (Williams 1992). It is divided by the number of games
    n, not of moves: a long game moves the weights more than a short one. The advantage keeps its sign: moves of games
    that went worse than expected become less likely. (The lecture's box squares it, by which every move would become
    more likely.)

    log_policy: [B, M], of B moves of those games or of some of them. moves: int64 [B], what was played. advantages:
    float32 [B], z - v for the player who moved, without gradient.
    """
    played = log_policy.gather(1, moves[:, None])[:, 0]
    return -(advantages * played).sum() / games


def divergence(log_policy: Tensor, mask: Tensor, log_anchor: Tensor) -> Tensor:
    """KL(policy || anchor) in nats [B], over the moves of `mask`; both as `masked_log_policy` gives them."""
    return (log_policy.exp() * mask * (log_policy - log_anchor)).sum(1)


def entropy(log_policy: Tensor, mask: Tensor) -> Tensor:
    """Entropy of the policy in nats [B]; 0 where one move is left."""
    return -(log_policy.exp() * mask * log_policy).sum(1)

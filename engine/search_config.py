"""The constants of the search, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gozero.config import Config


class SearchConfig(Config, frozen=True):
    """How the tree is searched; values span -1 to 1.

    The weights of the policy follow what was measured for GoNN: c_puct 1.0 at 100 to 400 visits, 1.3 at 1200.
    """

    c_puct: float = 0.85
    """Weight of the policy against the values in selection, at a node with few visits. On 9x9 0.6 to 1.7 are alike at
    100 and at 400 visits, 0.4 is weaker (50 games each)."""
    c_puct_growth: float = 0.35
    """How fast that weight grows: by this times ln(1 + visits / `c_puct_base`)."""
    c_puct_base: float = 500.0
    """Visits at which the growth sets in."""
    fpu_reduction: float = 0.2
    """First-play urgency: an untried move counts as the network's value of its node, less this times the square root
    of the share of the policy that was tried."""
    fpu_average: bool = False
    """Whether that starts from the mean of the values seen below the node instead of the node's own value: for
    evaluators whose single answers are noisy, such as rollouts."""
    virtual_loss: float = 1.0
    """Lost games that a walk counts as while its evaluation is awaited."""
    prior_temperature: float = 1.0
    """Temperature of the softmax that makes priors of logits: above 1 flattens the policy."""
    rollout_share: float = 0.0
    """lambda, from 0 to 1: how much of a leaf's value is the result z of a rollout, V = (1 - lambda) v + lambda z."""
    expansion_threshold: int = 1
    """n_thr: visits at which a leaf is expanded and the evaluator asked about it. Below, a visit is worth its rollout
    alone, so this needs a share of rollouts. A number above 1, the paper's 40 for one, is where it begins: it is
    adjusted so that leaves are sent as fast as the evaluator answers, see `engine.rollouts_first`."""
    placeholder_priors: bool = False
    """Whether a leaf that the evaluator was asked about is searched on by the tree policy's priors until the answer is
    there. It needs a share of rollouts too, as their result is what such a leaf is worth, and the threshold above is
    adjusted from 1 on."""
    batch_size: int = 8
    """Leaves in one call of the evaluator, at most; half as many until the tree has 64 visits for each leaf that may be
    in flight."""
    batches_in_flight: int = 2
    """Calls of the evaluator at one time, each on a thread of its own. 1 makes the search reproducible. Where calls are
    short, one of the threads is the search's own, and each of the others has a further batch waiting in large trees."""
    random_symmetry: bool = True
    """Whether every evaluation sees the board turned by one of the eight symmetries, drawn anew."""
    average_root: bool = False
    """Whether the root is evaluated under all eight symmetries and the answers averaged."""
    choice: Literal["visits", "lcb"] = "visits"
    """Which move comes first: the most visited, or, of those with a tenth as many visits, the one with the highest
    lower confidence bound."""
    noise_share: float = 0.0
    """How much of the root's priors is Dirichlet noise, from 0 to 1: for self-play."""
    noise_total: float = 10.83
    """Sum of the noise's parameters over all legal moves; 0.03 a move on an empty 19x19 board (AlphaGo Zero)."""
    gumbel_moves: int = 0
    """Above 0: so many moves are drawn at the root (Gumbel top-k) and the visits shared out among them by sequential
    halving (Danihelka et al. 2022), for searches of few visits. It needs a limit of visits."""
    memory_mib: int = 512
    """Memory for the tree in MiB. When it is full, what is below the least visited nodes is dropped; half as much again
    is taken while that happens."""

    def __post_init__(self) -> None:
        for name in (
            "c_puct_base",
            "prior_temperature",
            "batch_size",
            "batches_in_flight",
            "noise_total",
            "memory_mib",
            "expansion_threshold",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, but is {getattr(self, name)}")
        for name in ("c_puct", "c_puct_growth", "fpu_reduction", "virtual_loss", "gumbel_moves"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be below 0, but is {getattr(self, name)}")
        for name in ("rollout_share", "noise_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, but is {getattr(self, name)}")
        if self.rollout_share == 0 and self.expansion_threshold > 1:
            raise ValueError(
                f"expansion_threshold is {self.expansion_threshold}, but without rollouts (rollout_share 0) a leaf "
                "that is not expanded has no value: leave it at 1, or give rollouts a share"
            )
        if self.rollout_share == 0 and self.placeholder_priors:
            raise ValueError(
                "placeholder_priors need rollouts: without them (rollout_share 0) a leaf has no value before the "
                "evaluator answers; leave them off, or give rollouts a share"
            )

    @property
    def rollouts_first(self) -> bool:
        """Whether a visit is worth its rollout at once, and the evaluator's answers count beside the rollouts."""
        return self.expansion_threshold > 1 or self.placeholder_priors


@dataclass(frozen=True)
class Limits:
    """When a search ends by itself. Without limits it goes on until it is stopped."""

    visits: int | None = None
    """Visits of the root, those kept from earlier searches included. The root's own evaluation is the first of them,
    so that 1 gives the policy alone."""
    seconds: float | None = None
    extension: float = 0.0
    """How much longer it may go on, as a share of both limits, where the most visited move is not the best valued."""

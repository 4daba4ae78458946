"""The formulas of the search, each once: the tree kernels call them, and so do their tests.

AlphaGo (Silver et al. 2016, Methods, "Searching with policy and value networks") selects

    a = argmax Q(s, a) + u(s, a),    u(s, a) = c_puct P(s, a) sqrt(sum_b N(s, b)) / (1 + N(s, a))

with Q in [-1, 1]. All values are for the player to move at the node they belong to, unless said otherwise.
"""

import math

from gozero.jit import kernel


@kernel
def other_side(value: float) -> float:
    """The same value seen by the other player. Nowhere else does a value change its sign."""
    return -value


@kernel
def exploration_weight(visits: float, c_puct: float, growth: float, base: float) -> float:
    """c_puct at a node with this many visits: it grows with their logarithm (AlphaZero, Silver et al. 2018)."""
    return c_puct + growth * math.log(1.0 + visits / base)


@kernel
def exploration_bonus(weight: float, prior: float, sqrt_visits: float, child_visits: float) -> float:
    """u(s, a); `sqrt_visits` is the root of the visits of all children, `child_visits` those of this one."""
    return weight * prior * sqrt_visits / (1.0 + child_visits)


@kernel
def first_play_value(network_value: float, tried_prior: float, reduction: float) -> float:
    """Q of a move that was never tried: the node's own value, less the more of the policy has been tried already.

    `tried_prior` is the sum of the priors of the moves that were tried.
    """
    return network_value - reduction * math.sqrt(tried_prior)


@kernel
def mean_with_losses(value_sum: float, visits: float, losses: float) -> float:
    """Q of a tried move with `losses` virtual losses, for the player who chooses it; visits + losses > 0."""
    return (value_sum - losses) / (visits + losses)


@kernel
def lower_bound(mean: float, square_sum: float, visits: float, deviations: float) -> float:
    """The value that a move's true value exceeds with some confidence: `deviations` standard errors below its mean.

    `square_sum` is the sum of the squared values. One imagined visit, one unit off the mean, keeps the error of a
    move with few visits large. Never below -1.
    """
    variance = (max(0.0, square_sum - visits * mean * mean) + 1.0) / visits
    return max(-1.0, mean - deviations * math.sqrt(variance / visits))


@kernel
def mixed_value(network_value: float, result: float, rollout_share: float) -> float:
    """V = (1 - lambda) v + lambda z: the value of a leaf from a network's and from the result of rollouts."""
    return (1.0 - rollout_share) * network_value + rollout_share * result

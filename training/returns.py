"""What actions turned out to be worth: returns, temporal differences and the advantages made of them.

r is the reward and s' what follows; gamma the discount; sigma is 1 where the same player acts next and -1 where the
opponent does (`training.environments`), so that sigma v(s') is what s' is worth to whoever acted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.environments import Move

Floats = NDArray[np.float32]


def discounted_returns(moves: Sequence[Move], count: int, discount: float, next_player: float) -> list[Floats]:
    """G_t = r_t + gamma sigma G_(t+1) for every action of whole episodes in `count` environments, float32[n] a move.

    Sutton and Barto 2018, equation 3.9. An episode that was cut short counts as one that ended.
    """
    following = np.zeros(count, np.float32)
    returns = []
    for move in reversed(moves):
        following[move.rows] = move.outcome.rewards + discount * next_player * following[move.rows]
        returns.append(following[move.rows])
    return returns[::-1]


def temporal_differences(
    rewards: Floats, values: Floats, following: Floats, terminated: NDArray[np.bool_], discount: float
) -> Floats:
    """delta = r + gamma v - v(s), where `following` is v, the value of s' to whoever acted in s: above 0 where the
    action did better than expected. Nothing follows where an episode terminated. All of one shape.

    Sutton and Barto 2018, equation 6.5.
    """
    left: Floats = np.where(terminated, np.float32(0), following)
    return rewards + np.float32(discount) * left - values


def advantages(
    differences: Floats, ended: NDArray[np.bool_], discount: float, next_player: float, trace: float
) -> Floats:
    """A_t = delta_t + gamma lambda sigma A_(t+1), within episodes; [T, N] like what it is made of.

    Schulman et al. 2016, equation 16. At a `trace` (lambda) of 0 it is the temporal difference alone; at 1 it is the
    sum of T rewards and the last value, less the value now (the n-step advantage of A3C).
    """
    found = np.empty_like(differences)
    following = np.zeros(differences.shape[1], np.float32)
    for t in range(len(differences) - 1, -1, -1):
        following = differences[t] + np.where(ended[t], 0, discount * trace * next_player * following)
        found[t] = following
    return found

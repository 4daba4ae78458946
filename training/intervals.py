"""95 % intervals of what was measured on many positions of a few games: the games are the independent part."""

import math

import numpy as np
from numpy.typing import NDArray

from selfplay.elo import Z95, wilson_interval


def spread_of_mean(values: NDArray[np.float64], games: NDArray[np.int64]) -> float | None:
    """Standard error of the mean of float64[n] `values`, of which those with equal numbers in int64[n] `games` may
    hang together in any way; None where there is but one game.

    The sandwich estimator for clusters of unequal sizes (W. G. Cochran, Sampling Techniques, 1977, section 9A.1).
    """
    clusters, of_value = np.unique(games, return_inverse=True)
    if len(clusters) < 2:
        return None
    sums = np.bincount(of_value, values - values.mean())
    return float(math.sqrt(np.square(sums).sum() * len(clusters) / (len(clusters) - 1)) / len(values))


def share_interval(hits: NDArray[np.bool_], games: NDArray[np.int64]) -> tuple[float, float]:
    """The interval of the share of bool[n] `hits`: Wilson's, for as many independent positions as would spread like
    these positions of these games. It is never narrower than for n independent ones."""
    positions = len(hits)
    share = float(hits.mean()) if positions else 0.0
    spread = spread_of_mean(hits.astype(np.float64), games) if 0 < share < 1 else None
    independent = min(positions, share * (1 - share) / spread**2) if spread else positions
    return wilson_interval(share * independent, independent)


def difference_interval(differences: NDArray[np.float64], games: NDArray[np.int64]) -> tuple[float, float] | None:
    """The interval of the mean of float64[n] paired `differences`; None where there is but one game."""
    spread = spread_of_mean(differences, games)
    if spread is None:
        return None
    mean = float(differences.mean())
    return mean - Z95 * spread, mean + Z95 * spread

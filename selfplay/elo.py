"""Elo from match scores: small pure functions.

A score is the first player's share of the points, in [0, 1]: a win counts 1, a draw one half.
Elo differences are positive where the first player is the stronger.
"""

from __future__ import annotations

import math

# The 97.5 and 99.5 % quantiles of the normal distribution: intervals hold 95 and 99 %.
Z95 = 1.959963984540054
Z99 = 2.5758293035489004


def wilson_interval(points: float, games: float, z: float = Z95) -> tuple[float, float]:
    """The interval of the score that `points` out of `games` speak for (E. B. Wilson, JASA 22, 1927).

    It stays inside [0, 1] and holds for few games. Draws are treated as if they had the spread of wins and losses,
    which errs on the wide side. Without games nothing is known: (0, 1). `games` need not be whole: games that hang
    together tell as much as some smaller number of independent ones.

    Raises:
        ValueError: the points cannot come from that many games.
    """
    if games < 0 or not 0 <= points <= games:
        raise ValueError(f"{points} points cannot come from {games} games")
    if games == 0:
        return 0.0, 1.0
    share = points / games
    spread = z * math.sqrt(share * (1 - share) / games + z * z / (4 * games * games))
    centre = share + z * z / (2 * games)
    scale = 1 + z * z / games
    # A clean sheet touches the end exactly; rounding must not leave it a hair inside or outside.
    low = 0.0 if points == 0 else (centre - spread) / scale
    high = 1.0 if points == games else (centre + spread) / scale
    return low, high


def elo_of_score(score: float) -> float:
    """The Elo difference at which `score` is expected; -inf and +inf for scores of 0 and 1.

    The logistic curve (A. E. Elo, The Rating of Chessplayers, Past and Present, 1978, chapter 8).

    Raises:
        ValueError: the score is outside [0, 1].
    """
    if not 0 <= score <= 1:
        raise ValueError(f"a score lies between 0 and 1, not {score}")
    if score == 0:
        return -math.inf
    if score == 1:
        return math.inf
    return 400 * math.log10(score / (1 - score))


def elo_interval(points: float, games: int) -> tuple[float, float]:
    """The 95 % interval of the Elo difference: the Wilson interval of the score on the logistic curve.

    An end is infinite where the games leave it open (no game lost, none won).
    """
    low, high = wilson_interval(points, games)
    return elo_of_score(low), elo_of_score(high)

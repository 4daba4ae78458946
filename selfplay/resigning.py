"""How low a position may be valued before its player resigns: what games that were played out say."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero.coords import BLACK, WHITE

MOST_WRONG: Final = 0.05
"""Resignations that may be wrong, as a share of all (AlphaGo Zero, Methods, "Self-play")."""
LEAST_RESIGNATIONS: Final = 20
"""Games that must speak for a threshold: of fewer, a single wrong one is more than that share."""


class Calibration(NamedTuple):
    """What resigning below one value would have done in games that were played out."""

    threshold: float
    resignations: int
    """Games in which one of the players, or both, found a position worth less than that."""
    wrong: int
    """Of those, how often such a player did not lose."""

    @property
    def share_wrong(self) -> float:
        """Wrong ones among the resignations, from 0 to 1; 0 where nobody would have resigned."""
        return self.wrong / self.resignations if self.resignations else 0.0


def calibration(lowest: NDArray[Any], winners: NDArray[Any], threshold: float) -> Calibration:
    """What `threshold` would have done in n games that nobody resigned.

    Args:
        lowest: floats [n, 2], the least that a search found a position worth to Black and to White.
        winners: integers [n], BLACK, WHITE or 0.
    """
    doubts = lowest < threshold
    lost = np.stack([winners == WHITE, winners == BLACK], axis=1)
    return Calibration(threshold, int(doubts.any(axis=1).sum()), int((doubts & ~lost).any(axis=1).sum()))


def highest_threshold(
    lowest: NDArray[Any],
    winners: NDArray[Any],
    most_wrong: float = MOST_WRONG,
    least_resignations: int = LEAST_RESIGNATIONS,
) -> Calibration:
    """The highest threshold, in steps of 0.01 from -1 to 0, at which there are so many resignations or more, and no
    more than that share of them is wrong; -1, where nobody resigns, if there is none.

    A lower one may have a greater share: where one recovery from almost nothing stands among few games. Arguments as
    for `calibration`.
    """
    for step in range(0, -100, -1):
        found = calibration(lowest, winners, step / 100)
        if found.resignations >= least_resignations and found.share_wrong <= most_wrong:
            return found
    return calibration(lowest, winners, -1.0)

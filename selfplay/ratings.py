"""Elo ratings of players who met each other, with intervals: the Bradley-Terry model.

The model says that i beats j with probability 1 / (1 + 10^((elo_j - elo_i) / 400)) (R. A. Bradley and M. E. Terry,
Biometrika 39, 1952). `choix` finds the ratings that make the results most likely.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from selfplay.elo import Z95

ELO_PER_NAT: Final = 400 / math.log(10)
PRIOR_POINTS: Final = 0.5
"""Either player of a pairing is given this much of a game: one draw that was never played. So a clean sheet has a
finite rating, and no rating is a guess before the first game."""


class Rating(NamedTuple):
    """One player's strength in Elo above the anchor's; the interval is of that difference, and the anchor's own 0."""

    elo: float
    low: float
    high: float


class Score(NamedTuple):
    """What two players, by number, made of their games: the first one's points out of so many."""

    first: int
    second: int
    points: float
    games: int


def ratings(players: int, scores: Sequence[Score], anchor: int = 0) -> list[Rating]:
    """The ratings of players 0 to `players` - 1, whose anchor is rated 0, with 95 % intervals (normal, from the Fisher
    information).

    `scores` has every pairing that is planned, those with no game yet too, for they tie the players together.

    Raises:
        ValueError: the pairings leave players in groups that never meet.
    """
    import choix

    won = np.zeros((players, players))
    for score in scores:
        won[score.first, score.second] += score.points + PRIOR_POINTS
        won[score.second, score.first] += score.games - score.points + PRIOR_POINTS
    apart = strangers(players, [(score.first, score.second) for score in scores], anchor)
    if apart:
        raise ValueError(f"{len(apart)} of {players} players never meet the others, so nothing rates them")
    strength = choix.ilsr_pairwise_dense(won)
    covariance = np.linalg.pinv(_information(won, strength))
    spread = covariance[anchor, anchor] + np.diag(covariance) - 2 * covariance[anchor]
    above = ELO_PER_NAT * (strength - strength[anchor])
    reach = ELO_PER_NAT * Z95 * np.sqrt(np.maximum(spread, 0))
    return [Rating(float(elo), float(elo - each), float(elo + each)) for elo, each in zip(above, reach, strict=True)]


def strangers(players: int, pairings: Sequence[tuple[int, int]], anchor: int = 0) -> set[int]:
    """The players whom no chain of pairings ties to the anchor."""
    known, new = {anchor}, {anchor}
    while new:
        new = {b for pair in pairings for a, b in (pair, pair[::-1]) if a in new} - known
        known |= new
    return set(range(players)) - known


def _information(won: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """The Fisher information of the strengths (in nats), given who won how often against whom.

    A game between i and j adds p (1 - p) to both diagonal elements and takes it from both elements (i, j).
    """
    games = won + won.T
    chance = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
    weight = games * chance * (1 - chance)
    information: np.ndarray = np.diag(weight.sum(axis=1)) - weight
    return information

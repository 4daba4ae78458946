"""How games with search are played: rules, searches, and what makes no two games alike."""

from __future__ import annotations

from typing import Literal

from selfplay.area_games import AreaGames


class SearchedSettings(AreaGames, frozen=True):
    """How games with search are played. Values span -1 to 1, for the player to move.

    Moves of a game are of three kinds. The first few, as many as are drawn for the game, are drawn from the network's
    policy. Of the others a share is searched in full, and those are what a network learns from; the rest is searched
    with fewer visits, so that there are more games for the same work (KataGo's playout-cap randomisation, Wu 2019,
    3.1).

    A game ends with two passes in a row, and all stones on the board count.
    """

    root: Literal["puct", "gumbel"] = "gumbel"
    """How moves are chosen at the root. `puct`: as everywhere in the tree; the policy learns the shares of the visits
    (AlphaGo Zero). `gumbel`: some are drawn and the visits shared out among them by sequential halving; the policy
    learns what the moves' values make of it (Danihelka et al. 2022), which needs few visits."""
    visits: int = 17
    """Visits of the root in a full search. The root's own evaluation is the first: 17 are 16 simulations."""
    gumbel_moves: int = 8
    """How many moves are drawn at a Gumbel root. Not looked at by `puct`."""

    full_share: float = 1.0
    """Share of the moves that are searched in full, drawn move by move; 1 = all of them."""
    quick_visits: int = 5
    """Visits of the root in the other searches. They are no training target and have no noise that is only there to
    explore. Not looked at where all searches are full."""

    opening_moves: int = 0
    """At most this many moves at the start of a game are drawn from the network's policy, without a search. How many,
    is drawn for each game."""
    sampled_moves: int = 20
    """So many moves after that are drawn, as the search would distribute them: at a `puct` root by their visits, at a
    Gumbel root by its noise. From then on the best one is played: the most visited one, or at a Gumbel root the one of
    the largest share in its policy that was visited."""
    temperature: float = 1.0
    """Shares of visits are raised to 1 / this where a move is drawn by them; above 1 more evenly. Not looked at by
    Gumbel roots."""
    noise_share: float = 0.25
    """How much of the priors at a `puct` root is Dirichlet noise in full searches, from 0 to 1."""
    noise_total: float = 10.83
    """Sum of the noise's parameters over all legal moves; 0.03 a move on an empty 19x19 board (AlphaGo Zero)."""

    c_puct: float = 0.85
    """Weight of the policy against the values in selection, at a node with few visits; see `SearchConfig`."""
    c_puct_growth: float = 0.35
    """How fast that weight grows: by this times ln(1 + visits / `c_puct_base`)."""
    c_puct_base: float = 500.0
    """Visits at which the growth sets in."""
    fpu_reduction: float = 0.2
    """An untried move counts as its node's value by the network, less this times the square root of the share of the
    policy that was tried."""
    turning: bool = True
    """Whether the network sees each position in a random one of its eight symmetries."""

    resign_below: float = -1.0
    """A player resigns when a search finds the position worth less than this to it; at -1 nobody does."""
    play_out: float = 0.1
    """Share of the games in which nobody resigns, to see who would have been wrong."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("visits", 2), ("quick_visits", 2), ("gumbel_moves", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, but is {getattr(self, name)}")
        for name in ("opening_moves", "sampled_moves", "c_puct", "c_puct_growth", "fpu_reduction"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be below 0, but is {getattr(self, name)}")
        for name in ("temperature", "noise_total", "c_puct_base"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, but is {getattr(self, name)}")
        for name in ("full_share", "noise_share", "play_out"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, but is {getattr(self, name)}")
        if not -1 <= self.resign_below <= 0:
            raise ValueError(f"resign_below must be from -1 to 0, but is {self.resign_below}")

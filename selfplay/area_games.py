"""What games with search and without have in common: their terms, their random numbers, how they end as records."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gozero._random import mix
from gozero.config import Config
from gozero.coords import BLACK, WHITE, opponent
from gozero.record import GameRecord
from gozero.rules import parse_rules

_U64: Final = 0xFFFFFFFFFFFFFFFF

_KOMI: Final = 0x5D1E8A90C6B3F247
"""Sets the draw of a game's komi apart from other draws."""


class AreaGames(Config, frozen=True):
    """The terms of games whose end is counted by area as the board stands.

    Raises ValueError, as configurations do, where they make no sense.
    """

    size: int = 9
    """Board size."""
    komi: float = 7.5
    """Points that White is given."""
    komi_spread: int = 0
    """How many points the komi of a game may lie above or below `komi`: a whole number, drawn for each game, all alike
    likely. Who has seen one komi alone plays others worse."""
    rules: str = "chinese"
    """Rule set; one that counts area."""
    longest: int = 0
    """Moves after which a game ends and is counted as it stands; 0 = three times the points of the board."""

    def __post_init__(self) -> None:
        if not 2 <= self.size <= 25:
            raise ValueError(f"size must be from 2 to 25, it is {self.size}")
        if parse_rules(self.rules).scoring != "area":
            raise ValueError(f"rules {self.rules!r} count territory; self-play wants rules that count area")
        for name in ("komi_spread", "longest"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be below 0, but is {getattr(self, name)}")

    @property
    def most_moves(self) -> int:
        """Moves that a game may have."""
        return self.longest or 3 * self.size**2


def game_seed(seed: int, number: int) -> int:
    """What the random numbers of a game are made from, 64 bits: of the seed of all games and its own number."""
    start = int(mix(np.uint64(seed & _U64)))
    return int(mix(np.uint64((start + number) & _U64)))


def komi_of(settings: AreaGames, seed: int) -> float:
    """The komi of the game whose random numbers are made of `seed`, 64 bits: points that White is given."""
    spread = settings.komi_spread
    return settings.komi + int(mix(np.uint64(seed ^ _KOMI))) % (2 * spread + 1) - spread


def record_of(
    settings: AreaGames, moves: NDArray[np.uint16], komi: float, lead: float, *, passed: bool, resigned: int
) -> GameRecord:
    """A game that is over as a record: counted by area as the board stands, or given up. A game that reached the
    longest length is counted as it stands, but its ending is "unknown", so that it teaches no value.

    moves: uint16[n] codes (`gozero.record`). komi: of this game. lead: of Black, in points by area, komi counted.
    passed: whether it ended with two passes. resigned: the colour that did, 0 for none.
    """
    margin: float | None = abs(lead)
    winner = 0 if lead == 0 else BLACK if lead > 0 else WHITE
    ending = "counted" if passed else "unknown"
    if resigned:
        ending, margin, winner = "resign", None, opponent(resigned)
    return GameRecord(
        size=settings.size,
        moves=moves,
        komi=komi,
        rules=parse_rules(settings.rules).name,
        winner=winner,
        margin=margin,
        ending=ending,
        source="self-play",
    )

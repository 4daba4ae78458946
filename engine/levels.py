"""Play levels: from a beginner's up to all that a player can do.

A weak player here is one who sees little and picks among the moves that look good to it: a level has few visits that
are scattered widely, a temperature that spreads the choice over what was visited, and a margin that keeps it from what
the search sees to be a blunder. Every level takes, or saves, stones in atari where the search would; it passes and
resigns like the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gozero.coords import PASS
from gozero.errors import GozeroError

if TYPE_CHECKING:
    from engine.result import MoveStats
    from gozero.position import Position


class LevelError(GozeroError):
    """A level that there is not."""


class Level(NamedTuple):
    """How a level differs from the whole player."""

    visits: int
    """Visits a move."""
    spread: float
    """How widely the search looks: a factor to its prior_temperature and c_puct."""
    temperature: float
    """Moves are drawn with probability visits^(1 / temperature), during the whole game; 0: the best is played."""
    margin: float
    """How much less than the best move's value a drawn move's may be."""


LEVELS: Final = (
    Level(40, 7.0, 12.0, 1.5),
    Level(40, 5.0, 5.5, 0.85),
    Level(36, 3.95, 4.0, 0.72),
    Level(32, 3.25, 3.0, 0.62),
    Level(28, 2.35, 1.85, 0.48),
    Level(24, 1.8, 1.35, 0.38),
    Level(24, 1.0, 0.0, 0.0),
    Level(128, 1.0, 0.0, 0.0),
    Level(800, 1.0, 0.0, 0.0),
)
"""The levels from 1 on; the one after the last is the player without any restraint. Each won 65 to
85 % of 20 to 40 games against the one below it on 9x9 with the shipped network."""
FULL_STRENGTH: Final = len(LEVELS) + 1


def find(level: int) -> Level | None:
    """What a level is; None for full strength.

    Raises:
        LevelError: there is no such level.
    """
    if not 1 <= level <= FULL_STRENGTH:
        raise LevelError(f"there is no level {level}: levels are 1 (a beginner) to {FULL_STRENGTH} (full strength)")
    return None if level == FULL_STRENGTH else LEVELS[level - 1]


def within_reach(position: Position, moves: list[MoveStats], margin: float) -> list[MoveStats]:
    """The moves that a weak player may draw among, of visited ones, best first; never empty where there is one.

    The best alone where it takes stones or saves some from atari; otherwise those that are worth at most `margin` less,
    and put no stones of their own in atari.
    """
    from engine.endgame import after, stones_in_atari  # here, as an engine checks its level before it loads kernels

    best = moves[0]
    before = stones_in_atari(position, position.to_play)
    left, taken = after(position, best.point)
    if taken or left < before:
        return [best]
    near = [move for move in moves[1:] if move.point != PASS and move.value >= best.value - margin]
    return [best, *(move for move in near if after(position, move.point)[0] <= before)]

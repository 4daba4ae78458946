"""Matches between two GTP engines, and their tally.

The *first* engine is the one whose wins are counted; it has Black in the odd games.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gozero.coords import BLACK
from selfplay.boards import Entrant, Game, play_games
from selfplay.elo import elo_interval, elo_of_score, wilson_interval
from selfplay.gtp_game import FIRST, SECOND, GameResult, GameSettings
from selfplay.openings import draw_openings


@dataclass(frozen=True)
class MatchSettings:
    """What is played. `commands` are the command lines of the first and the second engine."""

    commands: tuple[str, str]
    games: int
    game: GameSettings
    parallel: int = 2
    """Games at the same time."""
    opening_plies: int = 2
    """Random moves before the engines take over; every game has its own."""
    seed: int = 0
    logs: Path | None = None
    """Folder for what the engines print on stderr; None: not kept."""


@dataclass(frozen=True)
class Tally:
    """The match so far, from the first engine's view. `None` stands where the games leave a number open."""

    games: int
    black_first: int
    """Games in which the first engine had Black."""
    wins: int
    losses: int
    draws: int
    errors: int
    """Games that ended with an engine dying, hanging or breaking the rules, whichever it was."""
    errors_first: int
    """Those of them that the first engine lost."""
    repeated: int
    """Games whose moves had all been played in an earlier game of the match: they tell nothing new. Without those in
    which an engine failed before the first move."""
    score: float | None
    score_ci95: tuple[float, float]
    elo: float | None
    elo_ci95: tuple[float | None, float | None]
    seconds_per_move: tuple[float | None, float | None]
    """Wall clock."""


def tally(results: Sequence[GameResult]) -> Tally:
    """Sum up finished games."""
    games = len(results)
    begun = [result.record.moves.tobytes() for result in results if result.record.moves.size]
    points = sum(result.points for result in results)
    turns = [sum(result.turns[engine] for result in results) for engine in (FIRST, SECOND)]
    seconds = [sum(result.seconds[engine] for result in results) for engine in (FIRST, SECOND)]
    low, high = elo_interval(points, games)
    return Tally(
        games=games,
        black_first=sum(result.first_colour == BLACK for result in results),
        wins=sum(result.points == 1 for result in results),
        losses=sum(result.points == 0 for result in results),
        draws=sum(result.points == 0.5 for result in results),
        errors=sum(result.failed is not None for result in results),
        errors_first=sum(result.failed == FIRST for result in results),
        repeated=len(begun) - len(set(begun)),
        score=points / games if games else None,
        score_ci95=wilson_interval(points, games),
        elo=_finite(elo_of_score(points / games)) if games else None,
        elo_ci95=(_finite(low), _finite(high)),
        seconds_per_move=(_ratio(seconds[FIRST], turns[FIRST]), _ratio(seconds[SECOND], turns[SECOND])),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ratio(total: float, number: int) -> float | None:
    return total / number if number else None


def run_match(settings: MatchSettings, on_game: Callable[[GameResult], None]) -> bool:
    """Play the match; `on_game` gets each result as it comes, in the calling thread.

    Returns whether it was played to the end: Ctrl-C ends it early, and the games under way with it.
    """
    entrants = (Entrant(settings.commands[FIRST], "engine-1"), Entrant(settings.commands[SECOND], "engine-2"))
    openings = draw_openings(settings.game, settings.games, settings.opening_plies, settings.seed)
    games = [Game(entrants, number, opening) for number, opening in enumerate(openings, start=1)]
    return play_games(games, settings.game, settings.parallel, settings.logs, lambda _, result: on_game(result))

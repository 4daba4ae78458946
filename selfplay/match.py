"""Matches between two GTP engines: openings, several boards at once, the tally.

The *first* engine is the one whose wins are counted; it has Black in the odd games.
"""

from __future__ import annotations

import math
import queue
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from gozero import coords
from gozero.coords import BLACK
from gozero.position import Position
from selfplay.elo import elo_interval, elo_of_score, wilson_interval
from selfplay.gtp_game import FIRST, SECOND, GameResult, GameSettings, Seat, play_game

# Opening moves stay off the outer lines, where a random stone is a wasted move; small boards have no such lines.
OPENING_MARGIN = 2
# Openings drawn before one that was there already is taken: a small board has only so many.
OPENING_TRIES = 1000


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
    """Games whose moves had all been played in an earlier game of the match: they tell nothing new."""
    score: float | None
    score_ci95: tuple[float, float]
    elo: float | None
    elo_ci95: tuple[float | None, float | None]
    seconds_per_move: tuple[float | None, float | None]
    """Wall clock."""


def tally(results: Sequence[GameResult]) -> Tally:
    """Sum up finished games."""
    games = len(results)
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
        repeated=games - len({result.record.moves.tobytes() for result in results}),
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


def openings(settings: MatchSettings) -> list[tuple[int, ...]]:
    """The opening points of every game, drawn by the seed: all different as long as the board has enough of them."""
    draw = random.Random(settings.seed)
    size = settings.game.size
    margin = OPENING_MARGIN if size > 3 * OPENING_MARGIN else 0
    lines = range(margin, size - margin)
    points = [coords.point_at(row, column, size) for row in lines for column in lines]
    drawn: list[tuple[int, ...]] = []
    for _ in range(settings.games):
        opening = _random_moves(settings, points, draw)
        for _ in range(OPENING_TRIES):
            if opening not in drawn:
                break
            opening = _random_moves(settings, points, draw)
        drawn.append(opening)
    return drawn


def _random_moves(settings: MatchSettings, points: list[int], draw: random.Random) -> tuple[int, ...]:
    position = Position(settings.game.size, settings.game.komi, settings.game.rules)
    opening: list[int] = []
    while len(opening) < settings.opening_plies:
        legal = [point for point in points if position.legal(point)]
        if not legal:  # the board is full: what there is, is the opening
            break
        opening.append(draw.choice(legal))
        position.play(opening[-1])
    return tuple(opening)


class _Boards:
    """The boards that games are played on, each with a seat for either engine."""

    def __init__(self, settings: MatchSettings) -> None:
        self._settings = settings
        self._stopped = threading.Event()
        self._boards = [
            (self._seat(FIRST, number), self._seat(SECOND, number)) for number in range(1, settings.parallel + 1)
        ]
        self._free: queue.SimpleQueue[tuple[Seat, Seat]] = queue.SimpleQueue()
        for board in self._boards:
            self._free.put(board)

    def _seat(self, engine: int, board: int) -> Seat:
        logs = self._settings.logs
        log = logs / f"engine-{engine + 1}-board-{board}.log" if logs else None
        return Seat(self._settings.commands[engine], log, self._stopped)

    def play(self, number: int, opening: tuple[int, ...]) -> GameResult | None:
        """The game's result; None where the match was stopped before its end."""
        board = self._free.get()
        try:
            result = play_game(number, board, self._settings.game, opening)
        finally:
            self._free.put(board)
        return None if self._stopped.is_set() else result

    def stop(self) -> None:
        """End every engine, also one that is thinking: the games under way are over."""
        self._stopped.set()
        self._kill()

    def close(self) -> None:
        """End the engines when no game is under way any more."""
        if self._stopped.is_set():
            self._kill()  # one may have started while the others were being stopped
        for seats in self._boards:
            for seat in seats:
                seat.close()

    def _kill(self) -> None:
        for seats in self._boards:
            for seat in seats:
                seat.kill()


def run_match(settings: MatchSettings, on_game: Callable[[GameResult], None]) -> bool:
    """Play the match; `on_game` gets each result as it comes, in the calling thread.

    Returns whether it was played to the end: Ctrl-C ends it early, and the games under way with it.
    """
    boards = _Boards(settings)
    pool = ThreadPoolExecutor(settings.parallel)
    games: list[Future[GameResult | None]] = [
        pool.submit(boards.play, number, opening) for number, opening in enumerate(openings(settings), start=1)
    ]
    try:
        for game in as_completed(games):
            if (result := game.result()) is not None:
                on_game(result)
    except KeyboardInterrupt:
        return False
    else:
        return True
    finally:
        if not all(game.done() for game in games):
            pool.shutdown(wait=False, cancel_futures=True)
            boards.stop()
        pool.shutdown()
        boards.close()

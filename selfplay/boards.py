"""Games between GTP engines, several at the same time, each on a board whose engines stay for the next game."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from selfplay.gtp_game import FIRST, SECOND, GameResult, GameSettings, Seat, play_game


class Entrant(NamedTuple):
    """An engine that plays: its command line, and what its log is called."""

    command: str
    name: str


class Game(NamedTuple):
    """A game to be played. The first engine has Black where `number`, from 1, is odd."""

    entrants: tuple[Entrant, Entrant]
    number: int
    opening: tuple[int, ...]
    """Points that both engines are shown before they move themselves."""


class _Board:
    """A place to play at, with a seat for either engine: taken over from the last game where the same engine plays."""

    def __init__(self, number: int, logs: Path | None, stopped: threading.Event, started: set[str]) -> None:
        self._number = number
        self._logs = logs
        self._stopped = stopped
        self._started = started
        self._seats: dict[tuple[int, Entrant], Seat] = {}

    def seat(self, entrants: tuple[Entrant, Entrant]) -> tuple[Seat, Seat]:
        wanted = list(enumerate(entrants))
        for place in [place for place in self._seats if place not in wanted]:
            self._seats.pop(place).close()
        for place in wanted:
            if place not in self._seats:
                name = place[1].name
                log = self._logs / f"{name}-board-{self._number}.log" if self._logs else None
                self._seats[place] = Seat(place[1].command, log, self._stopped, self._started)
        return self._seats[wanted[FIRST]], self._seats[wanted[SECOND]]

    def kill(self) -> None:
        for seat in list(self._seats.values()):
            seat.kill()

    def close(self) -> None:
        for seat in self._seats.values():
            seat.close()


class _Boards:
    """All boards, those in use and those that wait."""

    def __init__(self, settings: GameSettings, number: int, logs: Path | None) -> None:
        self._settings = settings
        self._stopped = threading.Event()
        started: set[str] = set()
        self._boards = [_Board(each, logs, self._stopped, started) for each in range(1, number + 1)]
        self._free: queue.SimpleQueue[_Board] = queue.SimpleQueue()
        for board in self._boards:
            self._free.put(board)

    def play(self, game: Game) -> GameResult | None:
        """The game's result; None where everything was stopped before its end."""
        board = self._free.get()
        try:
            result = play_game(game.number, board.seat(game.entrants), self._settings, game.opening)
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
        for board in self._boards:
            board.close()

    def _kill(self) -> None:
        for board in self._boards:
            board.kill()


def play_games(
    games: Sequence[Game],
    settings: GameSettings,
    parallel: int,
    logs: Path | None,
    on_game: Callable[[Game, GameResult], None],
    is_wanted: Callable[[Game], bool] = lambda game: True,
) -> bool:
    """Play the games, begun in their order and `parallel` at the same time.

    `is_wanted` is asked about each when its turn has come, on the thread that would play it; if it says no, the game is
    left out. `on_game` gets each result as it comes, in the calling thread. What the engines print on stderr is kept in
    `logs`. An engine's process stays while games in a row at its board want it in the same place. Returns whether all
    that were wanted were played: Ctrl-C ends it early, and the games under way with it.

    Raises:
        NeverStarted: an engine does not come up, and never did; the games under way are over then too.
    """
    boards = _Boards(settings, parallel, logs)
    pool = ThreadPoolExecutor(parallel)

    def play(game: Game) -> GameResult | None:
        return boards.play(game) if is_wanted(game) else None

    futures: dict[Future[GameResult | None], Game] = {pool.submit(play, game): game for game in games}
    try:
        for future in as_completed(futures):
            if (result := future.result()) is not None:
                on_game(futures[future], result)
    except KeyboardInterrupt:
        return False
    else:
        return True
    finally:
        if not all(future.done() for future in futures):
            pool.shutdown(wait=False, cancel_futures=True)
            boards.stop()
        pool.shutdown()
        boards.close()

"""One game between two GTP engines: seats, moves, forfeits and the result.

Legality is judged on our own board. An engine that dies, hangs or plays an illegal move loses the game, and is started
anew for the next one. One that has never come up is none, and no game: there its command line is wrong.
"""

from __future__ import annotations

import contextlib
import datetime
import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gozero import coords
from gozero.amounts import komi_text
from gozero.coords import BLACK, WHITE
from gozero.errors import GozeroError
from gozero.position import Position
from gozero.record import GameRecord, code_of
from selfplay.gtp_client import EngineError, EngineFailure, EngineTimeout, GtpClient
from selfplay.referee import count

FIRST, SECOND = 0, 1

# An engine may compile or load before its first reply (seconds).
START_SECONDS = 180.0
# Any reply other than a move is a matter of moments; a busy machine gets some slack (seconds).
REPLY_SECONDS = 60.0
# Games without end are stopped and counted after this many moves for each point of the board.
MOVES_PER_POINT = 3


@dataclass(frozen=True)
class GameSettings:
    """What every game of a match has in common."""

    size: int = 9
    komi: float = 7.5
    rules: str = "chinese"
    time_per_move: float | None = None
    """Seconds that the engines are told to think for a move; None: they are told nothing."""
    move_timeout: float = 120.0
    """Seconds after which an engine without a move has lost."""
    first_timeout: float | None = None
    """The same for the first move of a process, which may have a network to load or code to compile; None: as for any
    other."""
    referee: str | None = None
    """Command line of the engine that counts; None: a plain count by the rules."""


@dataclass(frozen=True)
class GameResult:
    """One finished game. Pairs are (first engine, second engine)."""

    number: int
    names: tuple[str, str]
    first_colour: int
    """The colour that the first engine played."""
    record: GameRecord
    reason: str
    """Who resigned, who counted, or what went wrong."""
    failed: int | None
    """Which engine (FIRST, SECOND) died, hung or broke the rules."""
    seconds: tuple[float, float]
    """Wall-clock seconds that each engine took for its moves."""
    turns: tuple[int, int]
    """How many moves each engine was asked for."""

    @property
    def points(self) -> float:
        """1, 0.5 or 0 for the first engine."""
        return 0.5 if self.record.winner == 0 else float(self.record.winner == self.first_colour)


class Ending(NamedTuple):
    """How a game ended: the winner's colour or 0 for a draw, and by how much where the board was counted."""

    winner: int
    ending: str  # as in GameRecord
    reason: str
    margin: float | None = None


class Forfeit(Exception):
    """The player of `colour` lost by its own failure; ends the game that is being played."""

    def __init__(self, colour: int, reason: str, ending: str = "forfeit") -> None:
        super().__init__(reason)
        self.colour = colour
        self.ending = ending


class Refusal(Forfeit):
    """It said no to a command, and can go on."""


class NeverStarted(GozeroError):
    """An engine that has not answered a single command, at any board."""


@dataclass
class Seat:
    """One engine's place at a board: its process, started when needed and anew after a failure."""

    command: str
    log: Path | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set from another thread to end a game early: no reply is waited for, no process started any more."""
    started: set[str] = field(default_factory=set)
    """Commands whose engines came up, at this or another board."""
    name: str = ""
    colour: int = BLACK
    seconds: float = 0.0
    turns: int = 0
    _client: GtpClient | None = None
    _has_moved: bool = False  # the process that runs now

    def send(self, command: str, seconds: float) -> str:
        """The engine's reply.

        Raises:
            Forfeit: there is none within `seconds`, or the engine says no.
            NeverStarted: the engine does not come up, and never did.
        """
        if self.stopped.is_set():
            raise Forfeit(self.colour, "was stopped")
        try:
            client = self._client or self._start()
            return client.send(command, seconds)
        except EngineTimeout as error:
            raise Forfeit(self.colour, f"hung: {error}", "time") from None
        except EngineError as error:
            raise Forfeit(self.colour, f"failed: {error}") from None
        except EngineFailure as error:
            raise Refusal(self.colour, f"refused {command!r}: {error}") from None

    def _start(self) -> GtpClient:
        try:
            self._client = client = GtpClient(self.command, self.log)
            self._has_moved = False
            with contextlib.suppress(EngineFailure):  # up, though it does not say who it is
                self.name = client.send("name", START_SECONDS)
        except EngineError as error:
            if self.command in self.started or self.stopped.is_set():
                raise
            raise NeverStarted(f"cannot start the engine {self.command}: {error}") from None
        self.started.add(self.command)
        return client

    def new_game(self, colour: int, settings: GameSettings) -> None:
        """Empty the engine's board and tell it what is played."""
        self.colour, self.seconds, self.turns = colour, 0.0, 0
        self.send(f"boardsize {settings.size}", START_SECONDS)
        self.send("clear_board", REPLY_SECONDS)
        self.send(f"komi {komi_text(settings.komi)}", REPLY_SECONDS)
        if settings.time_per_move is not None:
            self._tell_time(settings.time_per_move)

    def _tell_time(self, seconds: float) -> None:
        """Canadian time with one stone a period is the one way that GTP 2 has to say "seconds a move"."""
        try:
            self.send(f"time_settings 0 {seconds:g} 1", REPLY_SECONDS)
        except Refusal:
            # GTP 2 knows whole seconds alone, and GNU Go keeps to that: half a second is two stones a second.
            whole = Fraction(seconds).limit_denominator(1000)
            if whole.denominator == 1:
                raise
            self.send(f"time_settings 0 {whole.numerator} {whole.denominator}", REPLY_SECONDS)

    def move(self, settings: GameSettings) -> str:
        """Ask for a move, on the clock."""
        start = time.monotonic()
        first = settings.first_timeout if not self._has_moved else None
        try:
            reply = self.send(f"genmove {coords.colour_letter(self.colour)}", first or settings.move_timeout)
            self._has_moved = True
            return reply
        finally:
            self.seconds += time.monotonic() - start
            self.turns += 1

    def kill(self) -> None:
        """End the process at once; a later command starts another. May be called from another thread."""
        if self._client is not None:
            self._client.kill()
            self._client = None

    def close(self) -> None:
        """End the process politely."""
        if self._client is not None:
            self._client.close()
            self._client = None


def play_game(number: int, seats: tuple[Seat, Seat], settings: GameSettings, opening: tuple[int, ...]) -> GameResult:
    """Play game `number` (from 1) between the first and the second engine, whatever they do.

    The first engine has Black in odd games. `opening` are points that both are shown before they move themselves.

    Raises:
        NeverStarted: one of them does not come up, and never did.
    """
    first_colour = BLACK if number % 2 else WHITE
    by_colour = {first_colour: seats[FIRST], coords.opponent(first_colour): seats[SECOND]}
    position = Position(settings.size, settings.komi, settings.rules)
    failed = None
    try:
        for colour, seat in by_colour.items():
            seat.new_game(colour, settings)
        end = _play_moves(position, by_colour, settings, opening)
    except Forfeit as forfeit:
        failed = FIRST if forfeit.colour == first_colour else SECOND
        seats[failed].kill()
        reason = f"{coords.colour_name(forfeit.colour)} {forfeit}"
        end = Ending(coords.opponent(forfeit.colour), forfeit.ending, reason)
    codes = [code_of(colour, coords.move_index(point, settings.size)) for colour, point in position.moves]
    record = GameRecord(
        size=settings.size,
        moves=np.array(codes, dtype=np.uint16),
        komi=settings.komi,
        rules=position.rules.name,
        winner=end.winner,
        margin=end.margin,
        ending=end.ending,
        year=datetime.date.today().year,
        source="match",
    )
    return GameResult(
        number=number,
        names=(seats[FIRST].name or seats[FIRST].command, seats[SECOND].name or seats[SECOND].command),
        first_colour=first_colour,
        record=record,
        reason=end.reason,
        failed=failed,
        seconds=(seats[FIRST].seconds, seats[SECOND].seconds),
        turns=(seats[FIRST].turns, seats[SECOND].turns),
    )


def _play_moves(position: Position, seats: dict[int, Seat], settings: GameSettings, opening: tuple[int, ...]) -> Ending:
    """Play to the end on `position`: a resignation, two passes or too many moves."""
    for point in opening:
        vertex = f"{coords.colour_letter(position.to_play)} {coords.format_vertex(point, settings.size)}"
        position.play(point)
        for seat in seats.values():
            seat.send(f"play {vertex}", REPLY_SECONDS)
    stopped = ""
    while not position.is_over:
        if len(position.moves) >= MOVES_PER_POINT * settings.size**2:
            stopped = f"stopped after {len(position.moves)} moves; "
            break
        colour = position.to_play
        answer = seats[colour].move(settings)
        if answer.lower() == "resign":
            return Ending(coords.opponent(colour), "resign", f"{coords.colour_name(colour)} resigned")
        try:
            point = coords.parse_vertex(answer, settings.size)
            position.play(point)
        except ValueError as error:
            raise Forfeit(colour, f"broke the rules with {answer[:40]!r}: {error}") from None
        vertex = f"{coords.colour_letter(colour)} {coords.format_vertex(point, settings.size)}"
        seats[coords.opponent(colour)].send(f"play {vertex}", REPLY_SECONDS)
    score, counted = count(position, settings.referee)
    winner = 0 if score == 0 else BLACK if score > 0 else WHITE
    return Ending(winner, "counted", stopped + counted, abs(score))

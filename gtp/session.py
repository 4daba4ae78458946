"""One conversation's state: the game on the board, its rules and clocks, and the player that thinks about it.

Whatever needs numpy or numba is imported on a background thread, so that this module can be imported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from gozero.coords import BLACK, WHITE
from gtp.loading import Background, StillLoading
from gtp.protocol import GtpError

if TYPE_CHECKING:
    from engine.clock import Clock, TimeSettings
    from engine.player import Player
    from engine.search import Limits
    from gozero.position import Position
    from gozero.rules import Rules

_Value = TypeVar("_Value")


class Attention(Protocol):
    """What a command that takes its time must know about the input; asked every few milliseconds."""

    def line_waits(self) -> bool:
        """Whether any line has come in since the command began: it ends an analysis."""

    def must_hurry(self) -> bool:
        """Whether the command should end at once: meanwhile the program said `quit`, or `# interrupt`."""

    def wait_for_line(self) -> None:
        """Returns when `line_waits`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says about a conversation."""

    max_visits: int | None = None
    """Visits after which an analysis rests."""
    size: int = 19
    komi: float = 7.5
    rules: str = "chinese"


class Session:
    """The state behind the commands. Every method is called from one thread.

    Attributes:
        over: set by `quit`.
        has_moved: whether the last command was a move of ours, so that it is the opponent's turn.
    """

    def __init__(
        self, settings: Settings, make_player: Callable[[int], Player], log: Callable[[str], None] = lambda text: None
    ) -> None:
        """Nothing is loaded before `start_loading`, or before it is needed.

        Args:
            make_player: the player for a board of this size; called on a background thread.
            log: takes a line for people.
        """
        self.settings = settings
        self.over = False
        self.has_moved = False
        self._make_player = make_player
        self._log = log
        self._board = Background(self._make_position)
        self._position: Position | None = None
        self._clocks: dict[int, Clock] = {}
        self._player_size = settings.size
        self._player = self._background_player(settings.size)

    # --- loading -----------------------------------------------------------------------------------------------------

    def start_loading(self) -> None:
        """Starts loading board and player behind; the player's thread waits for the board's."""
        self._player.start()

    def wait_for_board(self, attention: Attention) -> None:
        """Returns when `position` is there.

        Raises:
            GtpError: the board cannot be loaded, or the program said `quit` meanwhile.
        """
        if self._position is None:
            self.start_loading()
            self._position = _loaded(self._board, "board", attention)
            self.reset_clocks()

    def player(self, attention: Attention) -> Player:
        """The player for the present board size; waits for it.

        Raises:
            GtpError: it cannot be loaded, or the program said `quit` meanwhile.
        """
        return _loaded(self._player, "player", attention)

    def _make_position(self) -> Position:
        from gozero.position import Position

        settings = self.settings
        position = Position(settings.size, settings.komi, settings.rules)
        position.play("pass")  # loads the compiled kernels
        position.undo()
        return position

    def _background_player(self, size: int) -> Background[Player]:
        def make() -> Player:
            try:
                self._board.result()
                return self._make_player(size)
            except Exception as error:
                self._log(f"error: {error}")
                raise

        return Background(make, lambda player: player.close())

    # --- the game ----------------------------------------------------------------------------------------------------

    @property
    def position(self) -> Position:
        """The game. Call `wait_for_board` first."""
        assert self._position is not None
        return self._position

    @position.setter
    def position(self, position: Position) -> None:
        self._position = position
        if position.size != self._player_size:
            self._player_size = position.size
            self._player.dispose()
            self._player = self._background_player(position.size)
            self._player.start()

    def new_game(self, size: int | None = None) -> None:
        """An empty board, of another size if one is given; komi, rules and time settings stay, clocks start again.

        Raises:
            ValueError: the size is not supported.
        """
        from gozero.position import Position

        old = self.position
        self.position = Position(old.size if size is None else size, old.komi, old.rules)
        self.reset_clocks()

    def set_rules(self, rules: Rules) -> None:
        """Changes the rules of the game as it stands, which is replayed under them.

        Raises:
            ValueError: a move of the game would be illegal; nothing has changed.
        """
        old = self.position
        position = replayed(old, rules)
        if (position.colours() != old.colours()).any():
            raise ValueError("the rules cannot change after stones were set up in mid-game")
        position.to_play = old.to_play
        self.position = position

    def ponder(self, attention: Attention) -> None:
        """After a move of ours: thinks on the opponent's time, until a line comes in, where the player likes to."""
        if not self.has_moved:
            return
        self.has_moved = False
        try:
            self.player(attention).ponder(self.position, attention.line_waits)
        except Exception as error:  # noqa: BLE001  (what nobody asked for must not end the game)
            self._log(f"error: cannot think on the opponent's time: {error}")

    # --- time --------------------------------------------------------------------------------------------------------

    def clock(self, colour: int) -> Clock:
        """This player's clock."""
        return self._clocks[colour]

    def set_time(self, time_settings: TimeSettings) -> None:
        """Sets both players' clocks to the start of a game."""
        from engine.clock import Clock

        self._clocks = {colour: Clock(time_settings) for colour in (BLACK, WHITE)}

    def reset_clocks(self) -> None:
        """Sets both players' clocks to the start of a game with the present time settings."""
        from engine.clock import TimeSettings

        self.set_time(self._clocks[BLACK].settings if self._clocks else TimeSettings())

    def limits(self, player: Player, colour: int) -> Limits:
        """How long to think about the next move of `colour`: as the player likes, or its visits and a clock's time."""
        from engine.search import Limits

        clock = self.clock(colour)
        if clock.settings.system == "none":
            return player.limits
        position = self.position
        visits, seconds = player.limits.visits, clock.seconds_for_move(len(position.moves), position.size)
        # Who names visits is promised no more of them.
        return Limits(visits, seconds, clock.extension(seconds) if visits is None else 0.0)

    def analysis_limits(self) -> Limits:
        """How long an analysis goes on that nothing interrupts."""
        from engine.search import Limits

        return Limits(visits=self.settings.max_visits)


def replayed(position: Position, rules: Rules) -> Position:
    """The same game under other rules.

    Raises:
        ValueError: one of its moves would be illegal.
    """
    from gozero.position import Position

    copy = Position(position.size, position.komi, rules)
    if position.handicap:
        copy.place_handicap(point for _, point in position.setup)
    elif position.setup:
        copy.edit(position.setup)
    played = 0
    for number, changes in [*position.edits, (len(position.moves), [])]:
        for (colour, point), turn in zip(position.moves[played:number], position.turns[played:number], strict=True):
            copy.to_play = turn
            copy.play(point, colour)
        if changes:
            copy.edit(changes)
        played = number
    return copy


@contextmanager
def turn_of(position: Position, colour: int) -> Iterator[None]:
    """Gives the turn to `colour` for the length of a `with` block."""
    turn = position.to_play
    position.to_play = colour
    try:
        yield
    finally:
        position.to_play = turn


def _loaded(background: Background[_Value], what: str, attention: Attention) -> _Value:
    try:
        return background.result(give_up=attention.must_hurry)
    except StillLoading:
        raise GtpError(f"still loading the {what}") from None
    except Exception as error:  # noqa: BLE001  (whatever it was, it was logged when it happened, and the session goes on)
        raise GtpError(f"cannot load the {what}: {error}") from None

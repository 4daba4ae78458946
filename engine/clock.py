"""Time control: how long one player may think about the next move.

A `Clock` belongs to one player. Four systems are known: absolute (a main time, then the game is lost), Canadian
(after the main time a period for every so many moves), byo-yomi (after it a number of periods, of which one is lost
when a move takes longer than it) and Fischer (every move adds an increment, and there may be caps on what is left and
on what one move may take). Without a system there is no limit, and `seconds_for_move` answers `NO_CLOCK_SECONDS`.

Every allowance keeps back some time for what passes outside the engine at every move: the client, the network, the
last evaluation of a search. How much that is, a clock learns from the difference between what it counted and what it
is told, and from periods that are gone without need.

The first moves of a game get less than an even share of the main time, as the middle of a game needs it more
(S.-C. Huang, R. Coulom, S.-S. Lin, Time Management for Monte-Carlo Tree Search Applied to the Game of Go, 2010).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

NO_CLOCK_SECONDS: Final = 2.0
"""Seconds a move where nobody set a clock."""
LAG_SECONDS: Final = 0.3
"""Seconds set aside for what a move loses outside the engine, at least, and until the clock has learned of more."""
SHORTEST: Final = 0.01
"""Seconds a move when there is no time left: enough for one evaluation of a small network."""

_LAG_MEMORY: Final = 0.7
"""The lag that is reckoned with falls by this factor a move, down to what was seen last."""
_MIN_LAG: Final = 0.05
_MAX_LAG: Final = 5.0
"""A difference above this is no lag: a clock was set otherwise."""
_LAG_OF_LOST_PERIOD: Final = 1.0
_LAG_MARGIN: Final = 1.4
"""As the lag varies, so many times of it is set aside."""
_MIN_MOVES_LEFT: Final = 20
"""Own moves that the main time is kept for, however long the game has been."""
_MIN_MOVES_RESERVED: Final = 40
"""Own moves whose lag is set aside, however long the game has been."""
_LONG_GAME: Final = 400
"""Plies of a long game, on any board; longer only where the board has room for it."""
_OPENING: Final = 0.1
"""Plies for each point of the board in which a move gets less than an even share of the main time."""
_OPENING_SHARE: Final = 0.5
"""What the first move gets of an even share; the others of the opening lie evenly between."""

_EXTENSION: Final = 0.35
_MOST_OF_MAIN: Final = 0.1
"""Share of the main time that an extended move may take."""

System = Literal["none", "absolute", "canadian", "byo-yomi", "fischer"]


@dataclass(frozen=True)
class TimeSettings:
    """One time system. All times in seconds."""

    system: System = "none"
    main: float = 0.0
    """Time before overtime; for Fischer the time at the start."""
    period: float = 0.0
    """Canadian: the time for every `stones` moves; byo-yomi: the time of one period; Fischer: the increment."""
    stones: int = 0
    """Canadian: moves per period; byo-yomi: number of periods."""
    most: float = math.inf
    """Fischer: what is left after an increment at most; infinite without such a cap."""
    most_per_move: float = math.inf
    """Fischer: what one move may take; infinite without such a cap."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.main) and math.isfinite(self.period)):
            raise ValueError(f"times must be finite numbers, not {self.main} and {self.period}")
        if self.main < 0 or self.period < 0 or self.stones < 0:
            raise ValueError(f"times and stones cannot be negative: {self.main}, {self.period}, {self.stones}")
        if not (self.most >= 0 and self.most_per_move >= 0):
            raise ValueError(f"caps of times cannot be negative: {self.most}, {self.most_per_move}")

    @classmethod
    def absolute(cls, main: float) -> TimeSettings:
        """All moves in `main` seconds."""
        return cls("absolute", main)

    @classmethod
    def canadian(cls, main: float, period: float, stones: int) -> TimeSettings:
        """As GTP's `time_settings`: no stones in a positive period means no limit, no period means absolute time."""
        if period > 0 and stones == 0:
            return cls()
        if period == 0:
            return cls.absolute(main)
        return cls("canadian", main, period, stones)

    @classmethod
    def byo_yomi(cls, main: float, period: float, periods: int) -> TimeSettings:
        """As GTP's `kgs-time_settings byoyomi`: no periods, or none of any length, means absolute time."""
        if period == 0 or periods == 0:
            return cls.absolute(main)
        return cls("byo-yomi", main, period, periods)

    @classmethod
    def fischer(
        cls, main: float, increment: float, most: float = math.inf, most_per_move: float = math.inf
    ) -> TimeSettings:
        """`main` seconds and after every move `increment` more, up to `most`; no move may take over `most_per_move`."""
        return cls("fischer", main, increment, most=most, most_per_move=most_per_move)


class Clock:
    """One player's clock: what the controller said last, less what own moves took since."""

    def __init__(self, settings: TimeSettings | None = None) -> None:
        """The clock at the start of a game; no settings mean no limit."""
        self.settings = settings or TimeSettings()
        self._left = self.settings.main
        self._lag = LAG_SECONDS / _LAG_MARGIN
        # Canadian: moves still to play in this period; byo-yomi: periods left. 0 while in main time.
        self._stones = 0
        if self._left == 0:
            self._enter_overtime()

    @property
    def in_overtime(self) -> bool:
        """Whether the main time is over and a period runs."""
        return self._stones > 0

    @property
    def seconds_left(self) -> float:
        """Seconds of the main time or of the running period; infinite without a clock."""
        return math.inf if self.settings.system == "none" else self._left

    def time_left(self, seconds: float, stones: int) -> None:
        """What the controller says: seconds left, and stones (Canadian) or periods (byo-yomi); 0 in main time."""
        if self.settings.system == "byo-yomi" and 0 < stones < self._stones:
            # A period is gone that the engine thought it kept.
            self._lag = min(_MAX_LAG, max(2.0 * self._lag, _LAG_OF_LOST_PERIOD))
        elif seconds > 0 and stones == self._stones and not (self.settings.system == "byo-yomi" and self.in_overtime):
            self._lag = min(_MAX_LAG, max(_MIN_LAG, self._left - seconds, _LAG_MEMORY * self._lag))
        self._left = max(0.0, seconds)
        self._stones = max(0, stones) if self.settings.system in ("canadian", "byo-yomi") else 0
        if self._left == 0 and not self.in_overtime:
            self._enter_overtime()

    def spend(self, seconds: float) -> None:
        """Counts an own move that took `seconds`, for controllers that never send the time left."""
        settings = self.settings
        if settings.system == "none":
            return
        if not self.in_overtime:
            self._left -= seconds
            if settings.system == "fischer":
                self._left = min(settings.most, max(0.0, self._left) + settings.period)
            if self._left > 0 or settings.system not in ("canadian", "byo-yomi"):
                self._left = max(0.0, self._left)
                return
            seconds = -self._left
            self._enter_overtime()
        if settings.system == "canadian":
            self._left = max(0.0, self._left - seconds)
            self._stones -= 1
            if self._stones == 0:
                self._enter_overtime()
        else:
            self._stones = max(1, self._stones - int(seconds // settings.period))
            self._left = settings.period

    def seconds_for_move(self, ply: int, size: int) -> float:
        """Seconds to think about the next move.

        Args:
            ply: moves played so far by both players.
            size: the board is size x size.
        """
        settings = self.settings
        if settings.system == "none":
            return NO_CLOCK_SECONDS
        if self.in_overtime:
            return max(SHORTEST, self._overtime_share(self._left, self._stones))
        share = self._main_share(ply, size)
        if settings.system == "fischer":
            # The increment comes back after the move, so it may be used up, but only out of time that is there.
            share = min(share + settings.period - self._reserve, self._left - 2 * self._reserve, self._most_for_move)
        elif settings.system in ("canadian", "byo-yomi"):
            # Running into overtime is no loss: the last of the main time is worth a move of overtime at least.
            share = max(share, self._overtime_share(settings.period, settings.stones))
        return max(SHORTEST, share)

    def extension(self, seconds: float) -> float:
        """How much longer, as a share of `seconds`, a move may take that the search is in doubt about.

        Only out of main time, and as long as plenty of that is left; 0.35 as in AlphaGo's matches (Silver et al. 2016).
        """
        if self.settings.system == "none" or self.in_overtime:
            return 0.0
        return min(_EXTENSION, max(0.0, min(self._left * _MOST_OF_MAIN, self._most_for_move) / seconds - 1.0))

    def _enter_overtime(self) -> None:
        if self.settings.system in ("canadian", "byo-yomi"):
            self._stones = self.settings.stones
            self._left = self.settings.period

    @property
    def _reserve(self) -> float:
        """Seconds set aside for one move's lag where running out would lose."""
        return max(LAG_SECONDS, _LAG_MARGIN * self._lag)

    @property
    def _most_for_move(self) -> float:
        """Seconds that a move may be thought about where there is a cap on it; infinite where there is none."""
        return self.settings.most_per_move - self._reserve

    def _overtime_share(self, seconds: float, stones: int) -> float:
        """Seconds for one move of overtime."""
        if self.settings.system == "canadian":
            return seconds / stones - self._reserve
        return seconds - max(self._reserve, 0.1 * seconds)

    def _main_share(self, ply: int, size: int) -> float:
        """Seconds of the main time for one move: a share of what is left, the lag of all moves set aside.

        Games on a board of n points last 0.7 n plies on average, and hardly ever more than 1.2 n.
        """
        points = size * size
        expected = max(_MIN_MOVES_LEFT, (0.7 * points - ply) / 2)
        longest = max(_MIN_MOVES_RESERVED, (max(_LONG_GAME, 1.2 * points) - ply) / 2)
        # Fischer's increment pays for the lag.
        reserve = 0.0 if self.settings.system == "fischer" else _LAG_MARGIN * self._lag * longest
        opening = min(1.0, _OPENING_SHARE + (1.0 - _OPENING_SHARE) * ply / (_OPENING * points))
        return opening * (self._left - reserve) / expected

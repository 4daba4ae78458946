"""A player: a search, and the judgement of when to pass and when to resign.

Passing. The search itself knows what two passes lead to, as it counts the area there. Around it stand these rules, for
networks that pass too seldom or too soon:

- nothing sensible to play (every legal point is an own eye or a suicide): pass;
- the opponent passed, and the count wins: pass;
- every empty region is one player's, the count wins (or territory is counted), and a pass is worth as much as the best
  move: pass, rather than fill in own territory;
- the search wants to pass on a board that is nearly empty or where the count loses, and a sensible move outside own
  territory gives some hope: play that.

The count is that of the board as it stands under area rules, where taking off what is dead costs nothing. Under
territory rules it would cost points, so the count is without the stones that are dead, and where nothing else is open
the search sees the board without them, as its own count would have them alive. Whoever loses passes there too. A player
who is asked to clean up takes the opponent's dead stones first.

Resigning. Only when the search has seen no hope for several own moves on end, not early in a game, and never where the
count wins without the dead stones.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine import endgame, levels
from engine._puct import other_side
from engine.player_file import PlayerSettings
from engine.search import Limits, MoveStats, Search, SearchResult, Snapshot
from gozero import life
from gozero.coords import PASS, RESIGN, move_index, point_of
from gozero.life import Settlement
from gozero.position import Position

RESIGN_MOVES: Final = 3
"""Own moves on end without hope after which a player resigns."""
RESIGN_DENSITY: Final = 0.25
"""Nobody resigns before so many moves for each point of the board."""
PASS_MARGIN: Final = 0.1
"""A pass that wins by the count may be worth this much less than the best move."""
HOPELESS: Final = -0.98
"""A move of at most this value is no reason to go on where the search wants to pass."""
SMALL_DAME: Final = 4
"""Points of the largest region between the two players that may be dame."""
PASS_VISITS: Final = 32
"""Visits by which a pass is judged that the search did not look at, where the move's time allows so many."""
PASS_SECONDS: Final = 0.03
"""Seconds for that where the move's time is over: most of those visits for a fast network, one for a slow one."""


@dataclass(frozen=True)
class Choice:
    """A player's decision."""

    point: int
    """A point, `PASS` or `RESIGN`."""
    result: SearchResult | None
    """What the search found; None where none was needed."""
    reason: str
    """Why, in a few words, for logs."""


class Player:
    """Chooses moves for either colour of one game at a time; `search` may be used for analysis as well."""

    def __init__(self, search: Search, settings: PlayerSettings | None = None, seed: int | None = None) -> None:
        """`seed` is for drawing moves by temperature; without one, games differ."""
        self.search = search
        self.settings = settings or PlayerSettings()
        self._random = np.random.default_rng(seed)
        # The game so far when each colour last moved here, and the number of its moves on end without hope.
        self._hopeless: dict[int, tuple[list[tuple[int, int]], int]] = {}

    @property
    def limits(self) -> Limits:
        """How long to think where nobody says otherwise."""
        return Limits(self.settings.visits, self.settings.seconds)

    def choose(
        self,
        position: Position,
        limits: Limits | None = None,
        stop: Callable[[], bool] | None = None,
        on_progress: Callable[[Snapshot], None] | None = None,
        progress_interval: float = 0.5,
        cleanup: bool = False,
    ) -> Choice:
        """Decides what the player to move should do; `stop` and `on_progress` as in `Search.run`.

        With `cleanup` the players disagree about what is dead: no pass before the opponent's dead stones are taken.
        """
        limits = limits or self.limits
        deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
        sensible = endgame.sensible_moves(position)
        if not sensible[:-1].any():
            return Choice(PASS, None, "nothing sensible to play")
        settlement = self._settlement(position)
        wins = endgame.lead(position, settlement) > 0
        by_territory = position.rules.scoring == "territory"
        ended = self._has_ended(position, settlement)
        if wins and position.passes > 0 and not cleanup and (ended if by_territory else endgame.is_filled(position)):
            return Choice(PASS, None, "the opponent passed and the count wins")
        board = endgame.without(position, settlement.dead) if ended and not cleanup else position
        result = self.search.run(
            board,
            limits,
            stop,
            on_progress,
            progress_interval,
            root_moves=None if board is position else sensible,
        )
        if cleanup:
            dead = endgame.dead_stones(position, result.ownership).dead
            closing_in = endgame.closing_in(position, dead, sensible)
            if closing_in.any():
                return Choice(self._best_of(position, result, closing_in), result, "taking what is dead")
        if self._gives_up(position, result.root_value) and endgame.lead(position, life.settle(position)) <= 0:
            return Choice(RESIGN, result, "no hope")
        moves = [move for move in result.moves if sensible[move_index(move.point, position.size)]]
        if not moves:
            return Choice(self._likeliest(position, result.policy, sensible[:-1]), result, "the policy's sensible move")
        if moves[0].point == PASS:
            loses = endgame.lead(position, settlement) < 0 and not (ended and by_territory)
            if loses or not endgame.is_filled(position):
                return self._other_than_pass(position, result, moves, sensible)
            return Choice(PASS, result, "search")
        if ended and (wins or by_territory) and self._pass_is_as_good(board, result, moves[0].value, deadline, stop):
            return Choice(PASS, result, "nothing left to gain")
        if self._draws(position):
            if self.settings.margin is not None:
                moves = levels.within_reach(position, moves, self.settings.margin)
            return Choice(self._draw(position, moves, result.policy, sensible), result, "drawn by temperature")
        return Choice(moves[0].point, result, "search")

    def ponder(self, position: Position, stop: Callable[[], bool]) -> None:
        """Thinks on the opponent's time until `stop` says so: for a thread of its own, where the settings allow it.

        What it finds is kept for the next move. Nothing else of the player may be used before it returns.
        """
        if self.settings.ponder:
            self.search.run(position, Limits(self.settings.visits), stop)

    def close(self) -> None:
        """Frees the search's threads and the evaluator."""
        self.search.close()
        self.search.evaluator.close()

    def _draws(self, position: Position) -> bool:
        """Whether the next move is drawn by temperature."""
        plies = self.settings.temperature_plies
        return self.settings.temperature > 0 and (plies is None or len(position.moves) < plies)

    def _gives_up(self, position: Position, value: float) -> bool:
        """Keeps count of moves without hope, and says whether there were enough of them."""
        threshold = self.settings.resign_threshold
        if threshold is None:
            return False
        moves_then, low = self._hopeless.get(position.to_play, ([], 0))
        if position.moves[: len(moves_then)] != moves_then or len(position.moves) <= len(moves_then):
            low = 0
        low = low + 1 if value < threshold else 0
        self._hopeless[position.to_play] = (position.moves.copy(), low)
        return low >= RESIGN_MOVES and len(position.moves) >= RESIGN_DENSITY * position.size**2

    def _other_than_pass(
        self, position: Position, result: SearchResult, moves: list[MoveStats], sensible: NDArray[np.bool_]
    ) -> Choice:
        """What to do where the search wants to pass too soon, or where the count loses."""
        worth_trying = sensible[:-1].copy()
        if endgame.is_filled(position):
            worth_trying &= ~endgame.own_territory(position)
        if not worth_trying.any():
            return Choice(PASS, result, "nothing is worth trying")
        others = [move for move in moves if move.point != PASS and worth_trying[move_index(move.point, position.size)]]
        if not others:
            return Choice(self._likeliest(position, result.policy, worth_trying), result, "too soon to pass")
        if max(move.value for move in others) > HOPELESS:
            return Choice(others[0].point, result, "too soon to pass")
        return Choice(PASS, result, "nothing is worth trying")

    def _settlement(self, position: Position) -> Settlement:
        """What the count leaves out: see the top of this module."""
        if position.rules.scoring == "territory" and endgame.is_filled(position):
            return life.settle(position)
        return endgame.NOTHING

    def _has_ended(self, position: Position, settlement: Settlement) -> bool:
        """Whether nothing is open on the board; by territory a few dame may be, as they are worth nothing."""
        dame = SMALL_DAME if position.rules.scoring == "territory" else 0
        return endgame.is_filled(position) and endgame.is_settled(position, settlement.dead, dame)

    def _pass_is_as_good(
        self,
        position: Position,
        result: SearchResult,
        best: float,
        deadline: float | None,
        stop: Callable[[], bool] | None,
    ) -> bool:
        """Whether a finished board can be left as it is. deadline: the move's, by `time.monotonic`; None for none."""
        seen = [move for move in result.moves if move.point == PASS]
        if seen:
            return bool(seen[0].value >= best - PASS_MARGIN)
        after = position.copy()
        after.play(PASS)
        seconds = None if deadline is None else max(PASS_SECONDS, deadline - time.monotonic())
        value = other_side(self.search.run(after, Limits(PASS_VISITS, seconds), stop).root_value)
        return bool(value >= best - PASS_MARGIN)

    def _best_of(self, position: Position, result: SearchResult, marked: NDArray[np.bool_]) -> int:
        """The best move of those marked, bool[size * size + 1], or the likeliest where none was visited."""
        for move in result.moves:
            if marked[move_index(move.point, position.size)]:
                return move.point
        return self._likeliest(position, result.policy, marked[:-1])

    def _likeliest(self, position: Position, policy: NDArray[np.float32], marked: NDArray[np.bool_]) -> int:
        """The move that the policy likes best of those marked, bool[size * size]; there must be one."""
        return point_of(int(np.argmax(np.where(marked, policy[:-1], -1.0))), position.size)

    def _draw(
        self,
        position: Position,
        moves: list[MoveStats],
        policy: NDArray[np.float32],
        sensible: NDArray[np.bool_],
    ) -> int:
        """A sensible move, no pass, drawn by visits, or by the policy where no move was visited."""
        weights = np.zeros(len(policy) - 1)
        for move in moves:
            if move.point != PASS:
                weights[move_index(move.point, position.size)] = move.visits
        if not weights.any():
            weights = np.where(sensible, policy, 0.0)[:-1].astype(np.float64)
        weights = (weights / weights.max()) ** (1.0 / self.settings.temperature)
        return point_of(int(self._random.choice(len(weights), p=weights / weights.sum())), position.size)

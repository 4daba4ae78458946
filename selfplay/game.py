"""Games without search, many at a time: their boards advance in lock step, so that one network call serves them all.

Every game has random numbers of its own, made from the seed and the game's number: the same seed gives the same games.
(A network's answers may differ in the last bit with the size of the batch; so games are the same only where as many
boards are in flight.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._tree import TERMS
from engine.evaluator import NO_FEATURES, Evaluator
from gozero import _board, _whole_board, features
from gozero._features import HISTORY
from gozero._random import mix
from gozero.coords import BLACK, WHITE, opponent
from gozero.geometry import symmetry_table
from gozero.record import GameRecord
from gozero.rules import parse_rules
from selfplay import _game
from selfplay._game import Boards
from selfplay.area_games import AreaGames, game_seed, komi_of, record_of

RANDOM: Final = -1
"""Stands in a seat for who draws any move with equal chances."""

_PLAY_OUT: Final = 0x9A7E0F5C0DE2B1D3
"""Sets the draw of the games that are played out apart from other draws."""

Seats = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]
"""Who moves: numbers of games int64[n], moves played in each so far int64[n] -> places in the list of policies, or
`RANDOM`, int64[n]."""


class GameSettings(AreaGames, frozen=True):
    """How games are played. By rules without suicide nobody has to commit it before passing."""

    temperature: float = 1.0
    """Logits are divided by it; 0 plays the best move."""
    passing: Literal["last", "wanted"] = "last"
    """`last`: a policy passes where no other move is left, like AlphaGo's, which knew no pass; dead stones are taken
    off the board by then, and the area counts right. `wanted`: whenever it draws the pass."""
    turning: bool = False
    """Whether a policy sees each position in a random one of its eight symmetries."""
    resign_below: float = -1.0
    """A player resigns whose policy's value is below it; at -1 nobody does."""
    play_out: float = 0.1
    """Share of the games in which nobody resigns, to see who would have been wrong."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature < 0:
            raise ValueError(f"temperature must not be negative, it is {self.temperature}")
        if not -1 <= self.resign_below <= 0 or not 0 <= self.play_out <= 1:
            raise ValueError("resign_below must be from -1 to 0 and play_out from 0 to 1")


class Finished(NamedTuple):
    """A game that has ended."""

    number: int
    record: GameRecord
    """See `selfplay.area_games.record_of`."""
    gave_up: int
    """The colour whose value was the first to fall below `resign_below`, whether it resigned or had to play on; 0 for
    none."""


class Turn(NamedTuple):
    """What one policy was asked in n games at once, and what it played there."""

    policy: int
    games: NDArray[np.int64]  # [n] their numbers
    plies: NDArray[np.int64]  # [n] moves played before
    planes: NDArray[np.uint8]  # [n, C, S, S]
    global_values: NDArray[np.float32]  # [n, G]
    mask: NDArray[np.uint8]  # [n, S*S+1] the moves that it drew from, see `_game.sensible_moves`
    moves: NDArray[np.int64]  # [n] the moves drawn; like planes and mask as the position was turned
    chances: NDArray[np.float32]  # [n] the probabilities that they were drawn with
    value: NDArray[np.float32]  # [n] the policy's, for the player to move

    def only(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Turn:
        """The turn in some of the games alone: those where bool[n] `rows` is true, or of the numbers int64[k] in it."""
        mine = (
            self.games,
            self.plies,
            self.planes,
            self.global_values,
            self.mask,
            self.moves,
            self.chances,
            self.value,
        )
        return Turn(self.policy, *(array[rows] for array in mine))  # type: ignore[arg-type]


def alternating(opening: int = 0) -> Seats:
    """Policy 0 against policy 1: it has Black in games of even number; the first `opening` moves are random."""

    def seats(games: NDArray[np.int64], plies: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(plies < opening, RANDOM, (games + plies) % 2)

    return seats


def colour_of_first(game: int) -> int:
    """The colour of policy 0 in a game, where two alternate."""
    return WHITE if game % 2 else BLACK


def resignations(games: Sequence[Finished]) -> tuple[int, int, int]:
    """To calibrate `resign_below` by: how many games were resigned, and of those played out although a player's value
    had fallen below it, how many there were and how many that player won or drew."""
    resigned = sum(game.record.ending == "resign" for game in games)
    doubted = [game for game in games if game.gave_up and game.record.ending != "resign"]
    wrong = sum(game.record.winner != opponent(game.gave_up) for game in doubted)
    return resigned, len(doubted), wrong


def play_games(
    policies: Sequence[Evaluator],
    seats: Seats,
    games: int,
    settings: GameSettings,
    seed: int,
    *,
    boards: int = 256,
    threads: int = 1,
    watch: Callable[[Turn], None] | None = None,
    first: int = 0,
) -> Iterator[Finished]:
    """Plays `games` games, numbered from `first`, at most `boards` at a time, and yields each when it has ended.

    Args:
        policies: who can be given a seat; their values are looked at only where resigning is allowed.
        threads: how many threads fill input planes and play moves. (How many a network uses is its own matter.)
        watch: told of every turn that a policy, not `RANDOM`, has played; arrays are its own.

    Raises:
        ValueError: a policy does not play on boards of this size.
    """
    for policy in policies:
        if not policy.supports(settings.size):
            raise ValueError(f"a policy does not play on {settings.size}x{settings.size}")
    table = _Table(policies, seats, settings, seed, min(boards, games), threads, watch)
    try:
        yield from table.play(first, first + games)
    finally:
        table.close()


class _Table:
    """The boards in flight and everything that does not change while they are played."""

    def __init__(
        self,
        policies: Sequence[Evaluator],
        seats: Seats,
        settings: GameSettings,
        seed: int,
        count: int,
        threads: int,
        watch: Callable[[Turn], None] | None,
    ) -> None:
        self._policies, self._seats, self._settings, self._watch = policies, seats, settings, watch
        self._rules = parse_rules(settings.rules)
        self._seed = seed
        self._symmetries = symmetry_table(settings.size)
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        most = settings.most_moves
        self._boards = Boards(
            state=np.zeros((count, _board.state_length(settings.size)), np.uint32),
            recent=np.zeros((count, HISTORY), np.int32),
            history=np.zeros((count, most + 1), np.uint64),
            length=np.zeros(count, np.int64),
            codes=np.zeros((count, most), np.uint16),
            rng=np.zeros((count, 1), np.uint64),
            symmetry=np.zeros(count, np.int64),
        )
        self._numbers = np.full(count, -1, np.int64)
        self._gave_up = np.zeros(count, np.int64)
        self._resigns = np.zeros(count, np.bool_)
        self._terms = np.zeros(count, TERMS)  # of the game in each slot
        self._terms["superko"] = self._rules.superko_code
        self._terms["suicide"] = self._rules.suicide
        self._terms["komi_scale"] = features.KOMI_SCALE

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown()

    def play(self, first: int, end: int) -> Iterator[Finished]:
        following = first
        for slot in range(len(self._numbers)):
            self._begin(slot, following)
            following += 1
        while (active := np.flatnonzero(self._numbers >= 0)).size:
            seats = self._seats(self._numbers[active], self._boards.length[active])
            over = [self._turn(int(seat), active[seats == seat]) for seat in np.unique(seats)]
            for slot in np.sort(np.concatenate(over)).tolist():
                yield self._finish(slot)
                if following < end:
                    self._begin(slot, following)
                    following += 1
                else:
                    self._numbers[slot] = -1

    def _begin(self, slot: int, number: int) -> None:
        seed = np.uint64(game_seed(self._seed, number))
        _game.begin(self._boards, slot, self._settings.size, self._rules.suicide, self._rules.superko_code, seed)
        self._numbers[slot], self._gave_up[slot] = number, 0
        self._terms["komi"][slot] = komi_of(self._settings, int(seed))
        # Drawn apart from the numbers that moves are drawn by.
        self._resigns[slot] = int(mix(seed ^ np.uint64(_PLAY_OUT))) / 2.0**64 >= self._settings.play_out

    def _turn(self, seat: int, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Lets one policy move in the games in `slots`; returns the slots of those that have ended."""
        settings, boards = self._settings, self._boards
        count, moves = len(slots), settings.size**2 + 1
        passes, turns = settings.passing == "wanted", settings.turning and seat != RANDOM
        mask = np.empty((count, moves), np.uint8)
        told = np.empty((count, len(features.GLOBALS)), np.float32)
        chosen, chances = np.empty(count, np.int64), np.empty(count, np.float32)
        numbers, plies = self._numbers[slots], boards.length[slots].copy()
        planes = np.empty((count, 0, settings.size, settings.size), np.uint8)
        name = NO_FEATURES if seat == RANDOM else self._policies[seat].feature_set
        if name != NO_FEATURES:
            planes = np.empty((count, features.plane_count(name), settings.size, settings.size), np.uint8)

        def look(part: slice) -> None:
            _game.ask(boards, slots[part], self._symmetries, self._terms, passes, turns, told[part], mask[part])
            if name != NO_FEATURES:
                rows = planes[part].reshape(part.stop - part.start, -1)
                _game.show(boards, slots[part], self._symmetries, features.set_id(name), rows)

        self._in_parts(look, count)
        staying = np.ones(count, np.bool_)
        temperature = settings.temperature
        evaluation = None
        if seat == RANDOM:
            logits, temperature = np.zeros((count, moves), np.float32), 1.0
        else:
            evaluation = self._policies[seat].evaluate(planes, told)
            logits = evaluation.policy_logits
            if settings.resign_below > -1:
                staying = ~self._giving_up(slots, evaluation.value)

        def move(part: slice) -> None:
            superko = self._rules.superko_code
            kept = slots[part][staying[part]]
            drawn, drawn_with = np.empty(len(kept), np.int64), np.empty(len(kept), np.float32)
            rows = (logits[part][staying[part]], mask[part][staying[part]])
            _game.advance(boards, kept, *rows, temperature, self._symmetries, superko, drawn, drawn_with)
            chosen[part][staying[part]], chances[part][staying[part]] = drawn, drawn_with

        self._in_parts(move, count)
        if self._watch and evaluation is not None and staying.any():
            turn = Turn(seat, numbers, plies, planes, told, mask, chosen, chances, evaluation.value)
            self._watch(turn.only(staying))
        ended: NDArray[np.bool_] = (
            (boards.state[slots, _board.PASSES] >= 2) | (boards.length[slots] >= settings.most_moves) | ~staying
        )
        stopped: NDArray[np.int64] = slots[ended]
        return stopped

    def _giving_up(self, slots: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """bool[n]: who resigns; notes who would, for the first time in a game."""
        low = values < self._settings.resign_below
        first = low & (self._gave_up[slots] == 0)
        self._gave_up[slots[first]] = self._boards.state[slots[first], _board.TO_PLAY]
        resigning: NDArray[np.bool_] = low & self._resigns[slots]
        return resigning

    def _finish(self, slot: int) -> Finished:
        """The game in the slot as a record."""
        settings, boards = self._settings, self._boards
        state = boards.state[slot]
        black, white = _whole_board.area(state)
        length, passed = int(boards.length[slot]), bool(state[_board.PASSES] >= 2)
        gave_up_now = not passed and length < settings.most_moves
        komi = float(self._terms["komi"][slot])
        record = record_of(
            settings,
            boards.codes[slot, :length].copy(),
            komi,
            float(black) - float(white) - komi,
            passed=passed,
            resigned=int(state[_board.TO_PLAY]) if gave_up_now else 0,
        )
        return Finished(int(self._numbers[slot]), record, int(self._gave_up[slot]))

    def _in_parts(self, work: Callable[[slice], None], count: int) -> None:
        if self._pool is None or count < self._threads:
            work(slice(0, count))
            return
        ends = np.linspace(0, count, self._threads + 1).astype(int).tolist()
        list(self._pool.map(work, map(slice, ends[:-1], ends[1:])))

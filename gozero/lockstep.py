"""Many games in lock step, for whoever learns from them: every board moves at once, and arrays come and go.

    games = LockStep(64, board_size=5, komi=24.5, seed=0)
    turn = games.reset()
    while learning:
        moves = policy(turn.planes, turn.mask)        # int64[64]: row * size + column, or size * size to pass
        turn = games.step(moves)
        learn(turn.reward, turn.done, turn.planes)    # the reward is that of the players who have just moved

Both colours' moves are the caller's. A game that ends begins anew in the same step. No Python runs for a single board;
what does (`position`, `record`) is for looking at one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gozero import _board, _lockstep, coords, features
from gozero._features import HISTORY
from gozero._lockstep import Games
from gozero._random import mix
from gozero.coords import BLACK, WHITE
from gozero.geometry import symmetry_table
from gozero.position import Position
from gozero.record import MAX_CODES, GameRecord, decode
from gozero.rules import Superko, parse_rules

Ending = Literal["", "passes", "limit", "illegal"]
ENDINGS: Final[tuple[Ending, ...]] = ("", "passes", "limit", "illegal")
"""How a game stands, by its number in `Turn.ending`: it goes on; both players passed; it reached the greatest number of
moves; somebody chose an illegal move and has lost by it."""

DEFAULT_SIZE: Final = 9
DEFAULT_KOMI: Final = 7.5

_U64: Final = 0xFFFFFFFFFFFFFFFF


class Options(TypedDict, total=False):
    """The terms of games, and what is seen of them. All may be left out."""

    board_size: int
    """Points a side, 1 to 25; `DEFAULT_SIZE` unless told."""
    komi: float
    """Points that White is given; `DEFAULT_KOMI` unless told."""
    rules: str
    """A rule set of `gozero.rules` that counts area; "chinese" unless told."""
    superko: Superko | None
    """"simple", "positional" or "situational"; as the rules say unless told."""
    planes: str
    """A feature set of `gozero.features`; "stones" unless told: own stones, the opponent's, whether the last move was a
    pass, whether Black is to move."""
    max_moves: int | None
    """Moves after which a game ends and is counted as it stands; three times the points of the board unless told."""


class Turn(NamedTuple):
    """What is seen of N games, and what the last step has brought. The arrays are the caller's to keep."""

    planes: NDArray[np.uint8]  # [N, C, S, S] from the view of the player to move
    mask: NDArray[np.bool_]  # [N, S*S+1] the legal moves, by move index; the pass, S*S, always is one
    to_play: NDArray[np.int8]  # [N] BLACK (1) or WHITE (2)
    reward: NDArray[
        np.float32
    ]  # [N] of the player who has just moved: 1 has won, -1 lost, 0 a draw or a game that goes on
    done: NDArray[np.bool_]  # [N] the move ended its game; planes, mask and to_play are those of a new one
    ending: NDArray[np.int8]  # [N] how: a place in ENDINGS, 0 where the game goes on
    score: NDArray[np.float64]  # [N] Black's area minus White's and komi where a game was counted, else NaN


class LockStep:
    """N games of Go that advance together.

    Attributes:
        count: N.
        size: points a side.
        komi: points that White is given.
        rules: the rule set, with the superko rule that was asked for.
        feature_set: the table of the planes.
        max_moves: moves that a game may have.
    """

    def __init__(self, count: int, *, seed: int | None = None, threads: int = 1, **options: Unpack[Options]) -> None:
        """`count` empty boards with Black to move.

        Args:
            seed: of `random_moves`; without one, they differ from run to run.
            threads: how many share the work. The games do not depend on it.
            options: see `Options`.

        Raises:
            ValueError: there is no such option, or it has no such value; the text says which.
        """
        if unknown := options.keys() - Options.__annotations__.keys():
            known = ", ".join(Options.__annotations__)
            raise ValueError(f"there is no option {min(unknown)!r}: there are {known}")
        self.size = options.get("board_size", DEFAULT_SIZE)
        if not coords.MIN_SIZE <= self.size <= coords.MAX_SIZE:
            raise ValueError(f"board size {self.size} is not supported: {coords.MIN_SIZE} to {coords.MAX_SIZE} are")
        if count < 1 or threads < 1:
            raise ValueError(f"there must be at least one game and one thread, not {count} and {threads}")
        self.count = count
        self.komi = float(options.get("komi", DEFAULT_KOMI))
        if not np.isfinite(self.komi):
            raise ValueError(f"komi {self.komi} is not a finite number")
        self.rules = parse_rules(options.get("rules", "chinese"))
        if self.rules.scoring != "area":
            raise ValueError(f"{self.rules.name} rules count territory; an environment wants rules that count area")
        superko = options.get("superko") or self.rules.superko
        if superko not in ("simple", "positional", "situational"):
            raise ValueError(f"superko is simple, positional or situational, not {superko!r}")
        self.rules = replace(self.rules, superko=superko)
        self.feature_set = features.feature_set(options.get("planes", "stones"))
        most = options.get("max_moves")
        self.max_moves = 3 * self.size**2 if most is None else most
        if not 1 <= self.max_moves <= MAX_CODES:
            raise ValueError(f"max_moves must be from 1 to {MAX_CODES}, not {self.max_moves}")
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._threads = threads
        self._where = symmetry_table(self.size)[0]
        self.all_slots = np.arange(count)
        self._games = Games(
            state=np.zeros((count, _board.state_length(self.size)), np.uint32),
            recent=np.zeros((count, HISTORY), np.int32),
            history=np.zeros((count, self.max_moves + 1), np.uint64),
            seen=np.zeros((count, _lockstep.seen_words(self.max_moves)), np.uint64),
            length=np.zeros(count, np.int64),
            codes=np.zeros((count, self.max_moves), np.uint16),
            rng=np.zeros((count, 1), np.uint64),
            ending=np.zeros(count, np.int8),
        )
        self.seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]) if seed is None else seed)
        self.begin(self.all_slots)

    def close(self) -> None:
        """Ends the threads."""
        if self._pool:
            self._pool.shutdown()

    @property
    def moves(self) -> int:
        """How many moves there are to choose from, legal or not: S*S+1."""
        return self.size**2 + 1

    @property
    def to_play(self) -> NDArray[np.int8]:
        """Whose turn it is in each game: int8[N], BLACK or WHITE."""
        return self._games.state[:, _board.TO_PLAY].astype(np.int8)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Moves played in each game: int64[N]."""
        return self._games.length.copy()

    @property
    def ending(self) -> NDArray[np.int8]:
        """How each game stands: int8[N], places in `ENDINGS`."""
        return self._games.ending.copy()

    # Two players, N boards: what learning algorithms use.

    def reset(self, seed: int | None = None) -> Turn:
        """New games on all boards; rewards are 0. With a seed, random moves will be those of that seed."""
        if seed is not None:
            self.seed(seed)
        self.begin(self.all_slots)
        return self._turn(np.zeros(self.count, np.float32), np.zeros(self.count, np.int8), np.full(self.count, np.nan))

    def step(self, moves: ArrayLike) -> Turn:
        """Plays a move in every game, for the player to move there. A game that ends by it begins anew.

        Args:
            moves: int64[N] move indices. Whoever chooses one that is not legal, or any other number, loses the game
                by it.

        Raises:
            ValueError: it is not one move for every game.
        """
        movers = self.to_play
        self.play(self.all_slots, moves)
        ending = self.ending
        reward, score = np.zeros(self.count, np.float32), np.full(self.count, np.nan)
        ended = np.flatnonzero(ending)
        if ended.size:
            reward[ended], score[ended] = self.result(ended, movers[ended])
            self.begin(ended)
        return self._turn(reward, ending, score)

    def random_moves(self, slots: NDArray[np.int64] | None = None, *, fill_eyes: bool = True) -> NDArray[np.int64]:
        """A random move for each game, or each of those in `slots`: int64[n].

        Uniform over all legal moves, the pass among them. Without `fill_eyes` over those that fill no own eye, and a
        pass where there is none: random players whose games come to a natural end.
        """
        slots = self.all_slots if slots is None else slots
        moves = np.empty(len(slots), np.int64)
        superko = self.rules.superko_code
        self._in_parts(
            len(slots), lambda part: _lockstep.draw_moves(self._games, slots[part], superko, fill_eyes, moves[part])
        )
        return moves

    # Some boards at a time: what environments with opponents are made of. `slots` are the numbers of games, int64[n].

    def seed(self, seed: int) -> None:
        """Makes the random moves from here on those of this seed."""
        base = int(mix(np.uint64(seed & _U64)))
        for slot in range(self.count):
            self._games.rng[slot, 0] = mix(np.uint64((base + slot) & _U64))

    def begin(self, slots: NDArray[np.int64]) -> None:
        """New games in some slots."""
        _lockstep.begin_games(self._games, slots, self.size, self.rules.suicide, self.rules.superko_code)

    def play(self, slots: NDArray[np.int64], moves: ArrayLike) -> None:
        """Plays a move in each of some games. Those that have ended stay as they are; see `ending` for those that do.

        Raises:
            ValueError: it is not one move for each of them.
        """
        numbers = np.asarray(moves)
        if numbers.shape != slots.shape:
            raise ValueError(f"{len(slots)} games want an array of as many moves, not one of shape {numbers.shape}")
        indices = _move_indices(numbers, self.moves)
        superko = self.rules.superko_code
        self._in_parts(len(slots), lambda part: _lockstep.play_moves(self._games, slots[part], indices[part], superko))

    def show(self, slots: NDArray[np.int64], colours: NDArray[np.int8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """What `colours`, int8[n], see of some games: planes uint8[n, C, S, S] and legal moves bool[n, S*S+1].

        No move is legal to who is not to move, nor in a game that has ended.
        """
        planes = np.empty((len(slots), len(self.feature_set.planes), self.size, self.size), np.uint8)
        mask = np.empty((len(slots), self.moves), np.bool_)
        flat, bytes_of_mask = planes.reshape(len(slots), -1), mask.view(np.uint8)
        superko, code = self.rules.superko_code, self.feature_set.code

        def look(part: slice) -> None:
            shown = (flat[part], bytes_of_mask[part])
            _lockstep.show(self._games, slots[part], colours[part], superko, code, self._where, *shown)

        self._in_parts(len(slots), look)
        return planes, mask

    def scores(self, slots: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Black's area minus White's and komi (Tromp-Taylor) of the boards as they stand: float64[n]."""
        slots = self.all_slots if slots is None else slots
        scores = np.empty(len(slots), np.float64)
        _lockstep.count(self._games, slots, self.komi, scores)
        return scores

    def result(
        self, slots: NDArray[np.int64], colours: NDArray[np.int8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """What games that have ended brought to `colours`, int8[n], float32[n] in -1, 0, 1; and `Turn.score` of them.

        An illegal move loses the game of who is to move, and it is not counted.
        """
        illegal = self._games.ending[slots] == _lockstep.ILLEGAL
        scores = np.where(illegal, np.nan, self.scores(slots))
        to_black = np.where(illegal, np.where(self.to_play[slots] == BLACK, -1.0, 1.0), np.sign(scores))
        return np.where(colours == BLACK, to_black, -to_black).astype(np.float32), scores

    # One board, for people.

    def position(self, slot: int) -> Position:
        """The game in a slot with its history, replayed."""
        position = Position(self.size, self.komi, self.rules)
        for code in self._games.codes[slot, : self._games.length[slot]].tolist():
            position.play(coords.point_of(decode(code)[1], self.size))
        return position

    def record(self, slot: int) -> GameRecord:
        """The game in a slot as a record; with its result where it has ended and not begun anew."""
        game = GameRecord(
            size=self.size,
            moves=self._games.codes[slot, : self._games.length[slot]].copy(),
            komi=self.komi,
            rules=self.rules.name,
            source="environment",
        )
        ending = ENDINGS[self._games.ending[slot]]
        if not ending:
            return game
        reward, score = self.result(np.array([slot]), np.array([BLACK], np.int8))
        winner = 0 if reward[0] == 0 else BLACK if reward[0] > 0 else WHITE
        if ending == "illegal":
            return replace(game, winner=winner, ending="forfeit")
        return replace(game, winner=winner, margin=abs(float(score[0])), ending="counted")

    def _turn(self, reward: NDArray[np.float32], ending: NDArray[np.int8], score: NDArray[np.float64]) -> Turn:
        to_play = self.to_play
        planes, mask = self.show(self.all_slots, to_play)
        return Turn(planes, mask, to_play, reward, ending != 0, ending, score)

    def _in_parts(self, count: int, work: Callable[[slice], None]) -> None:
        """Gives each thread a part of the games."""
        if self._pool is None or count < self._threads:
            work(slice(0, count))
            return
        ends = np.linspace(0, count, self._threads + 1).astype(int).tolist()
        list(self._pool.map(work, map(slice, ends[:-1], ends[1:])))


def _move_indices(numbers: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Numbers of any kind as move indices, int64[n]; what is none of the `count` moves is illegal, as is -1."""
    if numbers.dtype.kind in "iu":
        return numbers.astype(np.int64)
    # A number may be no whole one, infinite, or of so many digits that numpy keeps it as an object.
    indices = np.where((numbers >= 0) & (numbers < count), numbers, -1).astype(np.int64)
    return np.where(indices == numbers, indices, np.int64(-1))

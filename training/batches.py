"""Minibatches of positions from a packed store.

A position is drawn as (game, ply) by a hash of (seed, step, row), its board is replayed and its planes are computed
anew: replaying costs less than reading stored planes would, and resuming needs nothing but the step number.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gozero import features
from gozero._board import state_length
from gozero.coords import BLACK, WHITE
from gozero.geometry import symmetry_table
from gozero.record import ENDINGS, RULE_NAMES, SPLITS, rules_of_code, split_of
from gozero.searches import Searches
from gozero.store import Store
from training import _batches
from training.ownership import Ownership

UNKNOWN_KOMI = 6.5
"""Told to the network where a record names no komi; such a game teaches no value."""
ALL = "all"
"""The split that takes every game."""
_DECIDED_ON_THE_BOARD = ("resign", "counted")


@dataclass(frozen=True)
class Batch:
    """Training rows; every row is seen by the player to move.

    Attributes:
        planes: uint8[B, C, S, S], see `gozero.features`.
        globals: float32[B, 6], see `gozero.features.GLOBALS`.
        policy: int64[B], index of the move played; S * S is a pass.
        reply: int64[B], index of the opponent's move after that; -1 where the game has none, because it ends there or
            the same player moves again.
        value: float32[B], the result for the player to move: 1 won, -1 lost, 0 drawn or unknown.
        value_weight: float32[B], 1 where the result is known and was not decided by the clock, else 0.
        ownership: int8[B, S * S], who owns the points when the game ends: 1 own, -1 the opponent's, 0 neither;
            int8[B, 0] from a source without ownership.
        shares: float32[B, S * S + 1], how often a search of the position would play each move; a row of zeros where it
            was not searched, and float32[B, 0] from a source without searches.
        search_value: float32[B] in [-1, 1], what that search thought of the position; float32[0] likewise.
    """

    planes: NDArray[np.uint8]
    globals: NDArray[np.float32]
    policy: NDArray[np.int64]
    reply: NDArray[np.int64]
    value: NDArray[np.float32]
    value_weight: NDArray[np.float32]
    ownership: NDArray[np.int8]
    shares: NDArray[np.float32]
    search_value: NDArray[np.float32]


class BatchSource:
    """Random positions of the games of one board size and one split of a store.

    Args:
        store: the packed games.
        feature_set: name of the input planes.
        size: board size; games of other sizes are passed over.
        split: "train", "validation", "test", or "all" for every game.
        batch_size: rows of a batch.
        seed: equal seeds draw equal positions.
        symmetry: whether each row is shown in a random one of the eight symmetries.
        history_dropout: how often, from 0 to 1, a row shows no last moves and no passes, only the board and its ko, so
            that a network also learns to play positions that were set up as a diagram.
        threads: how many threads share the work of one batch.
        sources: only games whose source contains one of these texts; all if empty.
        ownership: who owned the points at the end of the store's games, where batches shall say so.
        searches: what searches found in the store's games, where batches shall say so; then rows are drawn from the
            searched positions alone.

    Raises:
        ValueError: the store has no such game or no searched position in them, the feature set or split is unknown, or
            the dropout is no probability.
    """

    def __init__(
        self,
        store: Store,
        *,
        feature_set: str,
        size: int,
        split: str,
        batch_size: int,
        seed: int,
        symmetry: bool = True,
        history_dropout: float = 0.0,
        threads: int = 1,
        sources: Sequence[str] = (),
        ownership: Ownership | None = None,
        searches: Searches | None = None,
    ) -> None:
        if split not in (*SPLITS, ALL):
            raise ValueError(f"unknown split '{split}'; there are {', '.join(SPLITS)} and {ALL}")
        if not 0 <= history_dropout <= 1:
            raise ValueError(f"history_dropout is a probability from 0 to 1, not {history_dropout}")
        self.batch_size = batch_size
        self.size = size
        self._features = features.feature_set(feature_set)
        self._seed = seed
        self._symmetry = symmetry
        self._history_dropout = float(history_dropout)
        self._moves = store.moves
        chosen = (store.games["size"] == size) & (store.games["length"] > 0)
        if split != ALL:
            chosen &= split_of(store.games["key"]) == SPLITS.index(split)
        chosen &= store.from_sources(sources)
        games = store.games[chosen]
        if len(games) == 0:
            where = f"in its {split} split" if split != ALL else "at all"
            what = f" from {', '.join(sources)}" if sources else ""
            raise ValueError(f"{store.called} has no {size}x{size} game{what} {where}")
        self.games = len(games)
        self._store_rows = np.flatnonzero(chosen)
        self._cumulative = np.concatenate(([0], np.cumsum(games["length"], dtype=np.int64)))
        self._offsets = games["offset"].astype(np.int64)
        self._owners = ownership.owners if ownership else np.zeros(0, np.int8)
        self._owners_at = ownership.offsets[chosen] if ownership else np.zeros(self.games, np.int64)
        self._setups = games["setup"].astype(np.int64)
        self._lengths = games["length"].astype(np.int64)
        self._suicide = store.suicide()[chosen]
        rules = [rules_of_code(code) for code in range(len(RULE_NAMES))]
        self._territory = np.array([rule.scoring == "territory" for rule in rules], np.float32)[games["rules"]]
        bonus = np.array([[rule.bonus_for(stones) for stones in range(256)] for rule in rules], np.float32)
        komi = np.where(np.isnan(games["komi"]), UNKNOWN_KOMI, games["komi"])
        self._komi = (komi + bonus[games["rules"], games["handicap"]]).astype(np.float32)
        self._winner = games["winner"].copy()
        decided = np.isin(games["ending"], [ENDINGS.index(name) for name in _DECIDED_ON_THE_BOARD])
        self._weight = (decided & (self._winner >= 0) & ~np.isnan(games["komi"])).astype(np.float32)
        self._draws_from = self._cumulative
        self._chosen: NDArray[np.int64] | None = None
        self._searches = searches
        if searches is not None:
            self._take_searched(searches, chosen)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._threads = threads

    @property
    def positions(self) -> int:
        """Number of positions that rows are drawn from."""
        return int(self._draws_from[-1])

    def take_one_a_game(self, plies: NDArray[np.int64]) -> None:
        """From now on rows are drawn from one position of each game alone: the one after `plies[i]` moves, int64[games
        of the store], for the game in row i of the store. Games with -1, or with no move from there, are left out.

        Raises:
            ValueError: no game is left.
        """
        chosen = plies[self._store_rows]
        kept = (chosen >= 0) & (chosen < self._lengths)
        if not kept.any():
            raise ValueError("no game of this board size and split has a position to learn from")
        self._take((self._cumulative[:-1] + chosen)[kept])
        self.games = int(kept.sum())

    def _take_searched(self, searches: Searches, chosen: NDArray[np.bool_]) -> None:
        """From now on rows are drawn from the searched positions alone; bool[games of the store] `chosen` are ours."""
        rows = np.asarray(searches.rows)
        places = np.cumsum(chosen) - 1
        games, plies = places[rows["game"]], rows["ply"].astype(np.int64)
        # Where somebody resigned, the last position may have been searched, but it has no move.
        self._searched = np.flatnonzero(chosen[rows["game"]] & (plies < self._lengths[games]))
        if not len(self._searched):
            raise ValueError("no game of this board size and split has a searched position to learn from")
        self._searched_at = (self._cumulative[games] + plies)[self._searched]
        self._take(self._searched_at)
        self.games = len(np.unique(games[self._searched]))

    def _take(self, positions: NDArray[np.int64]) -> None:
        """From now on rows are drawn from these positions, numbered as for `at`, ascending."""
        self._chosen = positions
        self._draws_from = np.arange(len(positions) + 1)

    @property
    def chosen(self) -> NDArray[np.int64]:
        """Numbers, as for `at`, of the positions that rows are drawn from."""
        return np.arange(self._cumulative[-1]) if self._chosen is None else self._chosen

    def batch(self, step: int, feature_set: str = "") -> Batch:
        """The rows of a step, always the same ones; seen in planes of another set if one is named.

        Raises:
            ValueError: there is no such set.
        """
        rows = self.batch_size
        games, plies, symmetries = (np.empty(rows, np.int64) for _ in range(3))
        forgets = np.empty(rows, np.uint8)
        _batches.draw(
            self._seed, step * rows, self._draws_from, self._history_dropout, games, plies, symmetries, forgets
        )
        if self._chosen is not None:
            games, plies = self._place(self._chosen[games])
        if not self._symmetry:
            symmetries[:] = 0
        seen = features.feature_set(feature_set) if feature_set else self._features
        return self._rows(games, plies, symmetries, forgets, seen)

    def locate(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where chosen positions, numbered as for `at`, come from: rows of the store's games, and plies from 0."""
        games, plies = self._place(positions)
        return self._store_rows[games], plies

    def at(self, positions: NDArray[np.int64], symmetry: int = 0, *, history: bool = True) -> Batch:
        """The rows of chosen positions, numbered from 0 to `positions` - 1, all seen in one symmetry.

        Without `history` no row shows its last moves and passes, whatever the source's dropout.
        """
        games, plies = self._place(positions)
        symmetries = np.full(len(positions), symmetry)
        forgets = np.full(len(positions), not history, np.uint8)
        return self._rows(games, plies, symmetries, forgets, self._features)

    def _place(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(games of this source, plies) of the positions with these numbers."""
        games = np.searchsorted(self._cumulative, positions, side="right") - 1
        return games, positions - self._cumulative[games]

    def _rows(
        self,
        games: NDArray[np.int64],
        plies: NDArray[np.int64],
        symmetries: NDArray[np.int64],
        forgets: NDArray[np.uint8],
        seen: features.FeatureSet,
    ) -> Batch:
        rows = len(games)
        planes = np.empty((rows, len(seen.planes), self.size, self.size), np.uint8)
        indices = np.empty(rows, np.int64)
        replies = np.empty(rows, np.int64)
        colours = np.empty(rows, np.uint8)
        passes = np.empty(rows, np.int64)
        ownership = np.empty((rows, self.size * self.size if len(self._owners) else 0), np.int8)

        def fill(part: slice) -> None:
            _batches.fill_rows(
                self._moves,
                self._offsets[games[part]],
                self._setups[games[part]],
                self._lengths[games[part]],
                plies[part],
                symmetries[part],
                forgets[part],
                self._suicide[games[part]],
                self.size,
                seen.code,
                symmetry_table(self.size),
                self._owners,
                self._owners_at[games[part]],
                np.empty(state_length(self.size), np.uint32),
                planes[part].reshape(part.stop - part.start, len(seen.planes) * self.size**2),
                indices[part],
                replies[part],
                colours[part],
                passes[part],
                ownership[part],
            )

        if self._pool is None:
            fill(slice(0, rows))
        else:
            bounds = np.linspace(0, rows, self._threads + 1).astype(int)
            list(self._pool.map(fill, map(slice, bounds[:-1].tolist(), bounds[1:].tolist())))
        side = np.where(colours == WHITE, np.float32(1), np.float32(-1))
        facts = np.zeros((rows, len(features.GLOBALS)), np.float32)
        facts[:, 0] = side * self._komi[games] / features.KOMI_SCALE
        facts[:, 1] = self._territory[games]
        facts[:, 2] = self._suicide[games]
        facts[:, 3] = passes >= 1
        facts[:, 4] = passes >= 2
        facts[:, 5] = colours == BLACK
        winner = self._winner[games]
        value = np.where(winner == colours, 1, np.where((winner == BLACK) | (winner == WHITE), -1, 0))
        results = (value.astype(np.float32), self._weight[games], ownership)
        return Batch(planes, facts, indices, replies, *results, *self._found(games, plies, symmetries))

    def _found(
        self, games: NDArray[np.int64], plies: NDArray[np.int64], symmetries: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """`Batch.shares` and `Batch.search_value` of the positions, moves seen like the planes."""
        if self._searches is None:
            return np.zeros((len(games), 0), np.float32), np.zeros(0, np.float32)
        positions = self._cumulative[games] + plies
        place = np.minimum(np.searchsorted(self._searched_at, positions), len(self._searched_at) - 1)
        known = self._searched_at[place] == positions
        found = self._searches.rows[self._searched[place]]
        counts = np.where(known, found["count"].astype(np.int64), 0)
        # The shares of all rows, one row after the other: where they are in the file, and whose they are.
        of = np.repeat(np.arange(len(games)), counts)
        within = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        entries = self._searches.shares[found["first"].astype(np.int64)[of] + within]
        shares = np.zeros((len(games), self.size**2 + 1), np.float32)
        shares[of, symmetry_table(self.size)[symmetries[of], entries["move"]]] = entries["share"]
        return shares, np.where(known, found["value"], np.float32(0)).astype(np.float32)

"""The rollout and tree policies, learned from records: patterns are counted, then their values fitted.

Both policies are a softmax over sums of feature values (`engine.rollout_tables`), so the cross-entropy of the moves
played is convex, and one pass over a few million positions, a quarter of an hour of one core at most, is enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.rollout_file import RolloutWeights
from engine.rollout_tables import Tables, Vocabulary
from gozero._ladders import trial_length
from gozero._patterns import OCCUPIED
from gozero.config import Config
from gozero.record import SPLITS, split_of
from gozero.store import Store
from training import _rollout_fit

_ROUNDS: Final = 40
"""The rate falls in so many steps; between two of them progress is told."""
_LAST_RATE: Final = 0.05
"""The rate at the end, as a part of the rate at the start."""
_VALIDATION_POSITIONS: Final = 20_000


class RolloutConfig(Config, frozen=True):
    """How a rollout policy and its tree policy are learned."""

    name: str
    """What the weights are called: rollout-SIZE."""
    size: int
    """Board size of the games."""
    sources: tuple[str, ...] = ()
    """Only games whose source contains one of these texts; all if empty."""
    positions: int = 8_000_000
    """Positions to learn from, at most; each is seen once."""
    share: float = 0.25
    """Part of a game's positions that is used: positions of one game resemble each other."""
    min_seen: int = 200
    """A 3x3 pattern gets a value of its own if a player could have played it so often."""
    min_played: int = 20
    """A diamond pattern gets a value of its own if it was played so often."""
    rate: float = 0.1
    """Step size of Adagrad at the start."""
    square_start: float = 0.01
    """Where each feature's sum of squared gradients starts: more makes its first steps smaller."""
    seed: int = 0
    """Of the order of the games, and of the positions drawn."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {self.share}")
        for name in ("positions", "min_seen", "min_played", "rate", "square_start"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What is known while a policy is fitted: of the positions of the last round."""

    policy: str
    """ "rollout" or "tree"."""
    positions: int
    """Positions learned from so far."""
    of: int
    """About how many there will be."""
    nll: float
    """Cross-entropy in nats of the move played, before it was learned from."""
    top1: float
    """How often the move played was the likeliest."""


@dataclass(frozen=True, eq=False)
class Games:
    """The games of one board size in a store, as the kernels want them.

    Attributes:
        arguments: the store's moves, then of all its games: offsets, setups, lengths and suicide rule, int64[games].
        rows: int64[n], the rows of the games that were asked for.
        size: the board is size x size.
    """

    arguments: tuple[NDArray[Any], ...]
    rows: NDArray[np.int64]
    size: int

    @classmethod
    def of(cls, store: Store, size: int, split: str, sources: Sequence[str]) -> Games:
        """Chooses games. Raises ValueError when there is none."""
        games = store.games
        chosen = (games["size"] == size) & (games["length"] > 0)
        chosen &= split_of(games["key"]) == SPLITS.index(split)
        chosen &= store.from_sources(sources)
        rows = np.flatnonzero(chosen)
        if not len(rows):
            what = f" from {', '.join(sources)}" if sources else ""
            raise ValueError(f"{store.called} has no {size}x{size} game{what} in its {split} split")
        return cls(cls.arguments_of(store), rows, size)

    @staticmethod
    def arguments_of(store: Store) -> tuple[NDArray[Any], ...]:
        """What `arguments` says."""
        columns = [store.games[name].astype(np.int64) for name in ("offset", "setup", "length")]
        return (store.moves, *columns, store.suicide())

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64[n], moves of the chosen games."""
        lengths: NDArray[np.int64] = self.arguments[3][self.rows]
        return lengths


def fit(
    store: Store, config: RolloutConfig, threads: int = 1, on_progress: Callable[[Progress], Any] | None = None
) -> RolloutWeights:
    """Learns both policies from the training split of a store.

    With one thread the same config and store give the same weights; several threads change the same values without
    waiting for each other (Hogwild, Niu et al. 2011), which shows only in the last digits.

    Raises:
        ValueError: the store has no such games.
    """
    started = time.monotonic()
    games = Games.of(store, config.size, "train", config.sources)
    order = np.random.default_rng(config.seed).permutation(len(games.rows))
    positions = np.cumsum(games.lengths[order]) * config.share
    count = min(len(order), int(np.searchsorted(positions, config.positions)) + 1)
    rows = games.rows[order[:count]]
    expected = int(positions[count - 1])
    with ThreadPoolExecutor(threads) as pool:
        vocabulary = _count(games, rows, config, pool, threads)
        tables = Tables(vocabulary)
        measured: dict[str, Any] = {}
        values = {}
        for policy in ("rollout", "tree"):
            fitting = _Fitting(games, config, tables, policy == "tree", threads)
            learned = 0
            for step, part in enumerate(np.array_split(rows, _ROUNDS)):
                rate = config.rate * (1 + (_LAST_RATE - 1) * step / _ROUNDS)
                totals = fitting.run(part, rate, config.share, pool)
                learned += int(totals[0])
                if on_progress is not None and totals[0]:
                    nll, top1 = totals[1] / totals[0], totals[2] / totals[0]
                    on_progress(Progress(policy=policy, positions=learned, of=expected, nll=nll, top1=top1))
            measured[policy] = {"positions": learned, **fitting.validation(store, pool)}
            values[policy] = fitting.values
    facts = {
        "config": msgspec.to_builtins(config),
        "games": count,
        "counts": {
            "patterns": len(vocabulary.patterns),
            "responses": len(vocabulary.responses),
            "diamonds": len(vocabulary.diamonds),
            "nakade": int(np.count_nonzero(values["rollout"][_nakade(vocabulary)])),
        },
        "validation": measured,
        "seconds": round(time.monotonic() - started),
    }
    return RolloutWeights(config.name, config.size, vocabulary, values["rollout"], values["tree"], facts)


def _nakade(vocabulary: Vocabulary) -> slice:
    return slice(vocabulary.first_nakade, vocabulary.first_response)


def _count(
    games: Games, rows: NDArray[np.int64], config: RolloutConfig, pool: ThreadPoolExecutor, threads: int
) -> Vocabulary:
    """The patterns that are frequent enough."""

    def count(part: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
        seen = np.zeros(OCCUPIED, np.int64)
        most = int(games.arguments[3][part].sum())
        responses, diamonds = np.empty(most, np.uint64), np.empty(most, np.uint64)
        found = _rollout_fit.count_games(
            *games.arguments, part, config.size, config.seed, config.share, seen, responses, diamonds
        )
        return seen, responses[: found[0]].copy(), diamonds[: found[1]].copy()

    seen, responses, diamonds = zip(*pool.map(count, np.array_split(rows, threads)), strict=True)
    all_seen = np.sum(seen, axis=0)
    _rollout_fit.fold(all_seen)
    return Vocabulary(
        np.flatnonzero(all_seen >= config.min_seen).astype(np.uint32),
        _frequent(np.concatenate(responses), config.min_played),
        _frequent(np.concatenate(diamonds), config.min_played),
    )


def _frequent(codes: NDArray[np.uint64], least: int) -> NDArray[np.uint64]:
    different, counts = np.unique(codes, return_counts=True)
    frequent: NDArray[np.uint64] = different[counts >= least]
    return frequent


class _Fitting:
    """One policy while it is fitted.

    Attributes:
        values: float32[features].
    """

    def __init__(self, games: Games, config: RolloutConfig, tables: Tables, tree: bool, threads: int) -> None:
        vocabulary = tables.vocabulary
        features = vocabulary.tree_features if tree else vocabulary.rollout_features
        self.values = np.zeros(features, np.float32)
        self._squares = np.full(features, config.square_start, np.float32)
        self._games, self._config = games, config
        self._tables = tables.features if tree else tables.features._replace(tree=-1)
        self._boards = [np.empty(trial_length(config.size), np.uint32) for _ in range(threads)]

    def run(
        self,
        rows: NDArray[np.int64],
        rate: float,
        share: float,
        pool: ThreadPoolExecutor,
        games: Games | None = None,
    ) -> NDArray[np.float64]:
        """Learns from games, or only measures where the rate is 0; returns the totals of `fit_games`, float64[4]."""
        config = self._config

        def work(part: NDArray[np.int64], boards: NDArray[np.uint32]) -> NDArray[np.float64]:
            totals = np.zeros(4)
            _rollout_fit.fit_games(
                *(games or self._games).arguments,
                part,
                config.size,
                config.seed,
                share,
                self._tables,
                self.values,
                self._squares,
                rate,
                boards,
                totals,
            )
            return totals

        parts = np.array_split(rows, len(self._boards))
        summed: NDArray[np.float64] = np.sum(list(pool.map(work, parts, self._boards)), axis=0)
        return summed

    def validation(self, store: Store, pool: ThreadPoolExecutor) -> dict[str, float]:
        """Accuracy and loss on the validation split, {} where it has no such game."""
        try:
            games = Games.of(store, self._config.size, "validation", self._config.sources)
        except ValueError:
            return {}
        share = min(1.0, _VALIDATION_POSITIONS / int(games.lengths.sum()))
        totals = self.run(games.rows, 0.0, share, pool, games)
        if not totals[0]:
            return {}
        return {"top1": totals[2] / (totals[0] + totals[3]), "nll": totals[1] / totals[0]}

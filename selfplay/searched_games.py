"""Games with search, many at a time: one leaf of each in every call of the network.

Every game has random numbers of its own, made from the seed and the game's number: the same seed gives the same games.
(A network's answers may differ in the last bit with the size of the batch; so games are the same only where as many
boards are in flight. Those of `engine.compact_evaluator` do not.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from engine.evaluator import AnyEvaluator
from engine.flight import is_turned
from gozero.record import GameRecord
from gozero.searches import GameSearches
from selfplay.area_games import game_seed, record_of
from selfplay.forest import Forest, Standing
from selfplay.searched_settings import SearchedSettings


class Network(NamedTuple):
    """Who plays now."""

    evaluator: AnyEvaluator
    version: str
    """What games that it played in are to say of it, such as the name of its file."""


class SearchedGame(NamedTuple):
    """A game that has ended."""

    number: int
    record: GameRecord
    """See `selfplay.area_games.record_of`."""
    searches: GameSearches
    """Of the moves that were searched in full: what each search thought of the position, and its policy."""
    version: str
    """The newest network that took part in it."""
    evaluations: int
    """Positions that the network evaluated for it."""
    opened: int
    """Moves at its start that were drawn from the network's policy, without a search."""
    gave_up: int
    """The colour that first found its position worth less than `resign_below`, whether it resigned or had to play on; 0
    for none."""
    lowest: tuple[float, float]
    """The least that a search found a position worth to Black, and to White, who was to move there; 1 where there was
    none."""


def play_searched(
    network: Callable[[], Network],
    settings: SearchedSettings,
    seed: int,
    *,
    games: int | None = None,
    boards: int = 256,
    first_number: int = 0,
) -> Iterator[SearchedGame]:
    """Plays games, `boards` at a time, and yields each when it has ended.

    Args:
        network: asked before every call of the network who plays now, so that a newer one can take over while games go
            on; its answers count from then on, whatever a tree knows of its forerunner stays. It is not closed here.
        seed: two runs that shall not play the same games differ in it, or in their games' numbers.
        games: how many; None for games without end. (Whoever has enough of those closes the generator, and the games
            in flight are lost.)
        first_number: the number of the first game; the others follow.

    Raises:
        ValueError: the network does not play on boards of this size.
        EvaluatorError: the network answered what is no number.
    """
    table = _Table(network, settings, seed, boards if games is None else min(boards, games))
    yield from table.play(first_number, None if games is None else first_number + games)


def as_record(standing: Standing, settings: SearchedSettings) -> GameRecord:
    """A game that is over as a record."""
    return record_of(
        settings,
        standing.moves,
        standing.komi,
        standing.lead,
        passed=standing.passes >= 2,
        resigned=standing.to_play if standing.resigned else 0,
    )


class _Table:
    """The games in flight, and who plays them."""

    def __init__(self, network: Callable[[], Network], settings: SearchedSettings, seed: int, boards: int) -> None:
        self._network, self._settings, self._seed, self._boards = network, settings, seed, boards
        self._forest = Forest(settings, boards)
        self._numbers = np.full(boards, -1, np.int64)

    def play(self, following: int, end: int | None) -> Iterator[SearchedGame]:
        """Plays the games from number `following` on, up to `end`."""
        forest = self._forest
        answered = np.zeros(0, np.int64)
        version = ""
        free = np.arange(self._boards)
        while True:
            evaluator, newest = self._network()
            if not evaluator.supports(self._settings.size):
                raise ValueError(f"the network {newest} does not play on {self._settings.size}x{self._settings.size}")
            turning = self._settings.turning and is_turned(evaluator)
            if answered.size:
                free = np.sort(forest.grow(answered, turning))
            for slot in free.tolist():
                if self._numbers[slot] >= 0:
                    yield self._finished(slot, version)
            begun = free if end is None else free[: end - following]
            for slot in begun.tolist():
                forest.begin(slot, game_seed(self._seed, following))
                self._numbers[slot] = following
                following += 1
            forest.grow(begun, turning)
            answered, version = forest.waiting, newest
            if not answered.size:
                return
            forest.ask(evaluator)

    def _finished(self, slot: int, version: str) -> SearchedGame:
        standing = self._forest.standing(slot)
        return SearchedGame(
            number=int(self._numbers[slot]),
            record=as_record(standing, self._settings),
            searches=self._forest.searches(slot),
            version=version,
            evaluations=standing.evaluations,
            opened=standing.opened,
            gave_up=standing.gave_up,
            lowest=standing.lowest,
        )

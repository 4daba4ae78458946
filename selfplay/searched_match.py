"""Two networks against each other with search, many games at once: no noise, equal visits, every opening twice.

Both search whatever is their move in every game at the same time: one call of each network answers a leaf of all games
in which it is to move, and the two calls run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluation, Evaluator, EvaluatorError
from gozero.record import GameRecord
from selfplay.area_games import game_seed
from selfplay.contest import Contest, different_games
from selfplay.forest import Forest
from selfplay.searched_games import as_record
from selfplay.searched_settings import SearchedSettings


def quiet_search(
    *, size: int, komi: float, visits: int, opening_moves: int, rules: str = "chinese", gumbel_moves: int = 8
) -> SearchedSettings:
    """Games of a match: every search has so many visits and no noise, nobody resigns, and at most `opening_moves` moves
    at the start are drawn from a policy."""
    return SearchedSettings(
        size=size,
        komi=komi,
        rules=rules,
        root="gumbel",
        gumbel_moves=gumbel_moves,
        full_share=0.0,  # it is full searches that have noise
        quick_visits=visits,
        opening_moves=opening_moves,
        sampled_moves=0,
    )


class Played(NamedTuple):
    """A game that has ended."""

    number: int
    record: GameRecord


def searched_contest(
    first: Evaluator,
    second: Evaluator,
    opener: Evaluator,
    settings: SearchedSettings,
    games: int,
    seed: int,
    *,
    boards: int = 128,
) -> Contest:
    """`games` different games of `first` against `second`, both with the searches of `settings`.

    Games 2k and 2k + 1 begin with the same moves, drawn from the policy of `opener`, with the colours exchanged. Where
    one of them is the same as an earlier one, both are left out and two others played instead
    (`selfplay.contest.different_games`).

    Raises:
        ValueError: the root is no Gumbel root, whose trees are not kept from one player's search to the other's; or
            one of them does not play on boards of this size.
        EvaluatorError: they look at different planes, or one answers what is no number.
    """

    def play(count: int, seed: int) -> Iterator[Played]:
        return play_match((first, second, opener), settings, count, seed, boards)

    return different_games(play, games, seed)


def play_match(
    players: tuple[Evaluator, Evaluator, Evaluator], settings: SearchedSettings, games: int, seed: int, boards: int
) -> Iterator[Played]:
    """Plays games 0 to `games` - 1, at most `boards` at a time, and yields each when it has ended.

    players: the first, who has Black in games of even number; the second; and whose policy opens.

    Raises:
        ValueError, EvaluatorError: see `searched_contest`.
    """
    if settings.root != "gumbel":
        raise ValueError("a match wants Gumbel roots: trees of others are kept from one player's search to the next")
    if not all(player.supports(settings.size) for player in players):
        raise ValueError(f"a player does not play on {settings.size}x{settings.size}")
    boards = min(boards, games)
    forest = Forest(settings, boards)
    numbers = np.full(boards, -1, np.int64)
    following = 0
    free, answered = np.arange(boards), np.zeros(0, np.int64)
    with Players(players) as both:
        while True:
            if answered.size:
                free = np.sort(forest.grow(answered, settings.turning))
            for slot in free.tolist():
                if numbers[slot] >= 0:
                    yield Played(int(numbers[slot]), as_record(forest.standing(slot), settings))
            begun = free[: games - following]
            for slot in begun.tolist():
                forest.begin(slot, game_seed(seed, following // 2))
                numbers[slot] = following
                following += 1
            forest.grow(begun, settings.turning)
            answered = forest.waiting
            if not answered.size:
                return
            colours, opening = forest.turns(answered)
            seats = np.where(opening, OPENER, (colours - 1 + numbers[answered]) % 2)
            forest.ask(both.at(seats))


OPENER: Final = 2
"""The seat of whose policy opens; before it those of the two players."""


class Players:
    """An evaluator that asks each of three about the positions that are its own; use as a context manager."""

    def __init__(self, players: tuple[Evaluator, ...]) -> None:
        self._players = players
        self.feature_set = players[0].feature_set
        for player in players[1:]:
            if player.feature_set != self.feature_set:
                raise EvaluatorError(
                    f"a match in lock step wants networks with the same planes, not {self.feature_set} and "
                    f"{player.feature_set}: play it with gozero match"
                )
        self._seats = np.zeros(0, np.int64)
        self._pool = ThreadPoolExecutor(len(players), thread_name_prefix="players")

    def __enter__(self) -> Players:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def at(self, seats: NDArray[np.int64]) -> Players:
        """Itself, asked next about positions of which int64[B] `seats` says whose they are."""
        self._seats = seats
        return self

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.Evaluator`."""
        logits = np.empty((len(planes), planes.shape[-1] ** 2 + 1), np.float32)
        values = np.empty(len(planes), np.float32)

        def ask(seat: int) -> None:
            mine = self._seats == seat
            answer = self._players[seat].evaluate(planes[mine], global_values[mine])
            logits[mine], values[mine] = answer.policy_logits, answer.value

        list(self._pool.map(ask, np.unique(self._seats).tolist()))
        return Evaluation(logits, values)

    def supports(self, size: int) -> bool:
        return all(player.supports(size) for player in self._players)

    def close(self) -> None:
        """Ends its threads. The players are somebody else's."""
        self._pool.shutdown()

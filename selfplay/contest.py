"""Two policies against each other without search: many games at once, no two of them the same with the same colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from engine.evaluator import Evaluator
from gozero.record import GameRecord
from selfplay.elo import wilson_interval
from selfplay.game import GameSettings, alternating, colour_of_first, play_games

TRIES: Final = 20
"""How often games are played for those that turned out to be repetitions."""


class Numbered(Protocol):
    """A game that has ended."""

    @property
    def number(self) -> int: ...
    @property
    def record(self) -> GameRecord: ...


@dataclass(frozen=True)
class Contest:
    """The first policy's results. It had Black in half of the games, or in one more where their number is odd.

    Attributes:
        records: of all games, no two with the same moves and the same colours, reflections and rotations included.
        first: the first policy's colour in each.
        repeated: games that were left out, as they or their partners were the same as an earlier one.
    """

    records: list[GameRecord]
    first: list[int]
    repeated: int

    @property
    def games(self) -> int:
        return len(self.records)

    @property
    def wins(self) -> int:
        return sum(record.winner == colour for record, colour in zip(self.records, self.first, strict=True))

    @property
    def draws(self) -> int:
        return sum(record.winner == 0 for record in self.records)

    @property
    def score(self) -> float:
        """Its share of the points, a draw being half a win."""
        return (self.wins + self.draws / 2) / self.games if self.games else 0.5

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the score."""
        return wilson_interval(self.wins + self.draws / 2, self.games)

    def score_as(self, colour: int) -> float | None:
        """Its score with one colour; None where it had no such game."""
        points = [
            0.5 if record.winner == 0 else float(record.winner == colour)
            for record, own in zip(self.records, self.first, strict=True)
            if own == colour
        ]
        return sum(points) / len(points) if points else None

    @property
    def moves_per_game(self) -> float:
        return sum(record.moves.size for record in self.records) / max(self.games, 1)


def contest(
    first: Evaluator,
    second: Evaluator,
    settings: GameSettings,
    games: int,
    seed: int,
    *,
    opening: int = 0,
    boards: int = 256,
    threads: int = 1,
) -> Contest:
    """`games` different games of `first` against `second`, each begun with `opening` random moves.

    There may be fewer in the end where hardly any are different, as between policies that always play their best move.
    """
    policies, seats = (first, second), alternating(opening)

    def play(count: int, seed: int) -> Iterator[Numbered]:
        return play_games(policies, seats, count, settings, seed, boards=boards, threads=threads)

    return different_games(play, games, seed)


def different_games(play: Callable[[int, int], Iterable[Numbered]], games: int, seed: int) -> Contest:
    """`games` different games of those that `play(count, seed)` plays, numbered from 0, in the order of their numbers;
    colours as `colour_of_first` says.

    Games 2k and 2k + 1 are partners. Where one of them has the moves of an earlier game in which the first player had
    the same colour, both are left out and two others played instead; there may be fewer in the end where hardly any
    are different. Games with the same moves and the colours exchanged both count: whoever plays alike wins the one and
    loses the other, and a count of one of them would favour a colour.
    """
    records: list[GameRecord] = []
    colours: list[int] = []
    seen: set[tuple[int, int]] = set()
    repeated = 0
    for attempt in range(TRIES):
        missing = games - len(records)
        if missing == 0:
            break
        played = sorted(play(missing, seed * TRIES + attempt), key=lambda game: game.number)
        for start in range(0, missing, 2):
            partners = [(game.record, colour_of_first(game.number)) for game in played[start : start + 2]]
            new = {(record.key, colour) for record, colour in partners}
            if new & seen:
                repeated += len(partners)
                continue
            seen |= new
            for record, colour in partners:
                records.append(record)
                colours.append(colour)
    return Contest(records, colours, repeated)

"""Tournaments: several engines, who meets whom, the order of the games, and the standings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Final, Literal, NamedTuple

import msgspec

from gozero.config import Config
from selfplay.boards import Entrant, Game
from selfplay.elo import Z95, Z99, wilson_interval
from selfplay.gtp_game import GameSettings
from selfplay.openings import draw_openings
from selfplay.ratings import Rating, Score, ratings, strangers

BLOCK: Final = 10
"""Games of one pairing in a row, before the next pairing has its turn: engines start seldom, and the standings of a
tournament that is stopped early compare everyone."""
NAME_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
"""What players' names are made of: they become names of files."""

Pair = tuple[str, str]


class TournamentConfig(Config, frozen=True):
    """A tournament file: who plays, against whom, and under which conditions."""

    players: dict[str, str]
    """Every player's name, and the command line of its GTP engine or the name of a player file (`auto`, `alphago`, or a
    path that ends in .yaml). The first player is the anchor: it is rated 0."""
    options: str = ""
    """Options of `gozero gtp` for all players that are player files, such as "--threads 1 --visits 400"."""
    pairings: Literal["all", "gauntlet", "neighbours"] | tuple[Pair, ...] = "all"
    """Who meets: all pairs, the first player against each of the others, each player and the next one in the list, or
    pairs of names."""
    games: int = 40
    """Games of each pairing."""
    until_sure: bool = False
    """Whether a pairing is over after a block of ten games by which the 95 % interval of its score leaves one half out;
    after the first block it must be the 99 % interval, as it is with ten points or nine and a half of ten (ten wins
    come once in 512 between equals). It tells sooner who is stronger. But it is looked at again and again, so now and
    then a stronger one is found where neither is, and differences come out somewhat larger than they are."""
    size: int = 9
    komi: float = 7.5
    """Points for White."""
    rules: str = "chinese"
    time_per_move: float | None = None
    """Seconds that the engines are told to think for a move; null: they are told nothing."""
    move_timeout: float | None = None
    """Seconds after which an engine without a move has lost; null: 120, or 30 + 3 x time_per_move, and 180 more for the
    first move of a process, which may have a network to load or code to compile."""
    referee: str = "auto"
    """Who counts: "auto" is GNU Go where it is found, "area" leaves all stones alive (both count territory where the
    rules do), else the command line of a GTP engine."""
    parallel: int = 2
    """Games at the same time."""
    opening_plies: int = 2
    """Random moves that open each game. All pairings play the same openings."""
    seed: int = 0
    """Draws the openings."""

    def __post_init__(self) -> None:
        if len(self.players) < 2:
            raise ValueError("a tournament needs two players or more")
        for name in self.players:
            if not name or not NAME_LETTERS.issuperset(name):
                raise ValueError(f"the player's name {name!r} has to be of letters, digits and . _ + - alone")
        if len({name.lower() for name in self.players}) < len(self.players):
            raise ValueError("two players' names differ only in capital letters, which files do not always tell apart")
        if self.games < 1:
            raise ValueError(f"games must be 1 or more, not {self.games}")
        pairs = self.pairs
        for pair in pairs:
            for name in pair:
                if name not in self.players:
                    raise ValueError(f"pairings name {name!r}, who is not among the players {', '.join(self.players)}")
            if pair[0] == pair[1]:
                raise ValueError(f"{pair[0]} cannot be paired with itself; give the command line a second name")
        if len({frozenset(pair) for pair in pairs}) < len(pairs):
            raise ValueError("pairings has a pair twice; raise games instead")
        names = list(self.players)
        apart = strangers(len(names), [(names.index(first), names.index(second)) for first, second in pairs])
        if apart:
            raise ValueError(
                f"no pairings tie {', '.join(names[each] for each in sorted(apart))} to {names[0]}, so nothing would "
                "say who is stronger"
            )

    @property
    def pairs(self) -> list[Pair]:
        """Who meets whom."""
        names = list(self.players)
        if self.pairings == "all":
            return list(combinations(names, 2))
        if self.pairings == "gauntlet":
            return [(names[0], name) for name in names[1:]]
        if self.pairings == "neighbours":
            return list(pairwise(names))
        return list(self.pairings)


class Played(msgspec.Struct, frozen=True):
    """One finished game, as the tournament's folder keeps it. Pairs are (first player, second player)."""

    players: Pair
    number: int
    points: float
    """1, 0.5 or 0 for the first player."""
    failed: int | None
    """Which of the two (0, 1) died, hung or broke the rules."""
    result: str
    """As SGF has it: B+3.5."""
    reason: str
    plies: int
    moves: str
    """A digest of all moves: equal games have equal ones."""
    seconds: tuple[float, float]
    """Wall-clock seconds that each took for its moves."""
    turns: tuple[int, int]


class Standing(NamedTuple):
    """One player's place."""

    name: str
    rating: Rating
    games: int
    points: float
    errors: int
    """Games that it lost by dying, hanging or breaking the rules."""
    seconds_per_move: float | None


class PairScore(NamedTuple):
    """What a pairing came to, from the first player's view."""

    players: Pair
    games: int
    points: float
    score_ci95: tuple[float, float]
    repeated: int
    """Games whose moves had all been played in an earlier one of the pairing: they tell nothing new. Without those in
    which an engine failed before the first move."""


def schedule(
    config: TournamentConfig, settings: GameSettings, commands: Mapping[str, str], played: Iterable[Played]
) -> list[Game]:
    """The games that are left, in the order they are begun in: a block of each pairing, then the next block of each."""
    done = {(each.players, each.number) for each in played}
    openings = draw_openings(settings, config.games, config.opening_plies, config.seed)
    entrants = {name: Entrant(command, name) for name, command in commands.items()}
    return [
        Game((entrants[first], entrants[second]), number, openings[number - 1])
        for start in range(0, config.games, BLOCK)
        for first, second in config.pairs
        for number in range(start + 1, min(start + BLOCK, config.games) + 1)
        if ((first, second), number) not in done
    ]


def is_wanted(config: TournamentConfig, game: Game, played: Iterable[Played]) -> bool:
    """Whether a game of the schedule is to be played; with `until_sure` not where the blocks of its pairing before its
    own leave no doubt who is stronger."""
    first, second = game.entrants
    before = (game.number - 1) // BLOCK * BLOCK
    return not _is_decided(config, (first.name, second.name), played, before)


def is_finished(config: TournamentConfig, played: Sequence[Played]) -> bool:
    """Whether no game is left to be played."""
    counts = Counter(each.players for each in played)
    return all(counts[pair] >= config.games or _is_decided(config, pair, played, config.games) for pair in config.pairs)


def _is_decided(config: TournamentConfig, pair: Pair, played: Iterable[Played], games: int) -> bool:
    """Whether `until_sure` ends a pairing after one of the blocks of its first `games` games."""
    if not config.until_sure:
        return False
    points = {each.number: each.points for each in played if each.players == pair}
    for end in range(BLOCK, games + 1, BLOCK):
        block = [points[number] for number in range(1, end + 1) if number in points]
        low, high = wilson_interval(sum(block), len(block), Z99 if end == BLOCK else Z95)
        if len(block) == end and not low <= 0.5 <= high:
            return True
    return False


def pair_scores(config: TournamentConfig, played: Sequence[Played]) -> list[PairScore]:
    """Every pairing so far."""
    return [_pair_score(pair, [each for each in played if each.players == pair]) for pair in config.pairs]


def _pair_score(pair: Pair, played: Sequence[Played]) -> PairScore:
    points = sum(each.points for each in played)
    begun = [each.moves for each in played if each.plies]
    repeated = len(begun) - len(set(begun))
    return PairScore(pair, len(played), points, wilson_interval(points, len(played)), repeated)


def standings(config: TournamentConfig, played: Sequence[Played]) -> list[Standing]:
    """All players, the strongest first."""
    names = list(config.players)
    scores = [
        Score(names.index(score.players[0]), names.index(score.players[1]), score.points, score.games)
        for score in pair_scores(config, played)
    ]
    table = [
        _standing(name, rating, list(_views(name, config, played)))
        for name, rating in zip(names, ratings(len(names), scores), strict=True)
    ]
    return sorted(table, key=lambda standing: -standing.rating.elo)


def _views(name: str, config: TournamentConfig, played: Sequence[Played]) -> Iterator[tuple[Played, int]]:
    """A player's games, and whether it was the first (0) or the second (1) in them."""
    pairs = set(config.pairs)
    for each in played:
        if name in each.players and each.players in pairs:
            yield each, each.players.index(name)


def _standing(name: str, rating: Rating, games: Sequence[tuple[Played, int]]) -> Standing:
    turns = sum(each.turns[side] for each, side in games)
    return Standing(
        name=name,
        rating=rating,
        games=len(games),
        points=sum(1 - each.points if side else each.points for each, side in games),
        errors=sum(each.failed == side for each, side in games),
        seconds_per_move=sum(each.seconds[side] for each, side in games) / turns if turns else None,
    )

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
from engine.search import Limits, Search, SearchConfig
from gozero.coords import BLACK, WHITE, move_index
from gozero.position import Position
from gozero.record import GameRecord, code_of
from gozero.searches import GameSearches
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
    """Counted by area as the board stands, or given up. A game that reached the longest length is counted as it
    stands, but its ending is "unknown", so that it teaches no value."""
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
    number = first_number
    while games is None or number < first_number + games:
        yield _play_one(network, settings, seed, number)
        number += 1


def _play_one(network: Callable[[], Network], settings: SearchedSettings, seed: int, number: int) -> SearchedGame:
    random = np.random.default_rng([seed & 0xFFFFFFFFFFFFFFFF, number])
    position = Position(settings.size, komi=settings.komi, rules=settings.rules)
    config = SearchConfig(
        c_puct=settings.c_puct, batches_in_flight=1, batch_size=1, memory_mib=16, noise_share=settings.noise_share
    )
    codes: list[int] = []
    plies: list[int] = []
    values: list[float] = []
    counts: list[int] = []
    moves: list[int] = []
    shares: list[float] = []
    playing = network()
    while len(codes) < settings.most_moves and position.passes < 2:
        playing = network()
        search = Search(playing.evaluator, config, seed=int(random.integers(2**32)))
        found = search.run(position, Limits(visits=settings.visits))
        search.close()
        visits = np.array([move.visits for move in found.moves], np.float64)
        plies.append(len(codes))
        values.append(found.root_value)
        counts.append(len(visits))
        moves += [move_index(move.point, settings.size) for move in found.moves]
        shares += (visits / visits.sum()).tolist()
        chosen = 0
        if len(codes) < settings.sampled_moves:
            chosen = int(random.choice(len(visits), p=visits / visits.sum()))
        point = found.moves[chosen].point
        codes.append(code_of(position.to_play, move_index(point, settings.size)))
        position.play(point)
    score = position.score()
    winner = 0 if score == 0 else BLACK if score > 0 else WHITE
    black, white = (min(values[colour::2], default=1.0) for colour in (0, 1))
    return SearchedGame(
        number=number,
        record=GameRecord(
            size=settings.size,
            moves=np.array(codes, np.uint16),
            komi=settings.komi,
            rules=position.rules.name,
            winner=winner,
            margin=abs(score),
            ending="counted" if position.passes >= 2 else "unknown",
            source="self-play",
        ),
        searches=GameSearches(
            plies=np.array(plies, np.int64),
            values=np.array(values, np.float32),
            counts=np.array(counts, np.int64),
            moves=np.array(moves, np.uint16),
            shares=np.array(shares, np.float32),
        ),
        version=playing.version,
        evaluations=settings.visits * len(codes),
        opened=0,
        gave_up=0,
        lowest=(black, white),
    )

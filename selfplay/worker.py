"""One self-play worker: plays many games in lock step with the newest network, and hands over each that has ended.

A worker has no state that anybody needs. It may be killed at any moment, and loses the games in flight.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluation
from gozero.coords import BLACK, WHITE
from gozero.record import GameRecord
from selfplay.game import play_games
from selfplay.journal import NO_SEARCHES, PlayedGame
from selfplay.newest import AskedEvaluator, Newest
from selfplay.searched_games import Network, play_searched
from selfplay.selfplay_config import SelfPlayConfig
from selfplay.shards import SHARDS, names_in

WORKERS: Final = "workers"
"""The folder of the workers' logs: one file for every life, whose name nobody else can take."""
REPORT_SECONDS: Final = 0.5
_ENDLESS: Final = 2**62


class Report(NamedTuple):
    """What a worker has done since its last report."""

    life: str
    games: int = 0
    """Finished ones that are safe."""
    positions: int = 0
    """Moves of those."""
    black: int = 0
    """Of those, games that Black won; the others White, or nobody."""
    white: int = 0
    evaluations: int = 0
    """Positions that the network was asked about."""
    batches: int = 0
    """How often it was asked."""
    network: str = ""
    """Who plays."""
    problems: tuple[str, ...] = ()
    """What people should hear of."""


class Keeper(Protocol):
    """Puts finished games where they are safe, such as `selfplay.shelf.Shelf`."""

    def add(self, games: Sequence[PlayedGame]) -> Sequence[PlayedGame]:
        """Keeps games, and returns those that are safe from now on."""

    def close(self) -> Sequence[PlayedGame]:
        """No more will come; returns those that are safe only now."""


def claim_life(folder: Path, worker: str) -> tuple[str, Path]:
    """The name of a new life of `worker`, "worker-number", that nobody has had, and its log, an empty file.

    Neither logs nor shards are of a life with that number or a higher one: whoever deletes old logs must not have new
    games taken for the old ones.

    Raises:
        OSError: the log cannot be made.
    """
    logs = folder / WORKERS
    logs.mkdir(parents=True, exist_ok=True)
    lives = [path.stem for path in logs.glob("*.log")]
    lives += [name.rpartition("-")[0] for name in names_in(folder / SHARDS)]
    parts = [life.rpartition("-") for life in lives]
    numbers = [int(number) for owner, _, number in parts if owner == worker and number.isdigit()]
    number = max(numbers, default=0)
    while True:
        number += 1
        life = f"{worker}-{number:04d}"
        try:
            (logs / f"{life}.log").touch(exist_ok=False)
        except FileExistsError:  # somebody else was faster
            continue
        return life, logs / f"{life}.log"


def seed_of(seed: int, life: str) -> int:
    """The seed of the games of a life: from 0 to 2^63 - 1."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{life}".encode()).digest()[:8], "little") >> 1


class Worker:
    """One life of a worker."""

    def __init__(
        self,
        config: SelfPlayConfig,
        life: str,
        games: int | None,
        newest: Newest,
        keeper: Keeper,
        exchange: Callable[[Report], bool],
        problems: list[str],
    ) -> None:
        """
        Args:
            games: how many to play; None = without end.
            exchange: is given a report every half a second, and says whether to go on.
            problems: texts that somebody puts there go out with the next report.
        """
        self._config, self._life, self._games, self._newest = config, life, games, newest
        self._keeper, self._exchange, self._problems = keeper, exchange, problems
        self._safe: list[PlayedGame] = []  # since the last report
        self._reported, self._evaluations, self._batches = time.monotonic(), 0, 0

    def run(self) -> None:
        """Plays until all games have ended, or `exchange` says no.

        Raises:
            GozeroError: the network fails, or no disk takes the games.
        """
        try:
            for game in self._play():
                self._safe += self._keeper.add([game])
        except _Stopped:
            pass
        self._safe += self._keeper.close()
        self._report()

    def _play(self) -> Iterator[PlayedGame]:
        config, seed = self._config, seed_of(self._config.seed, self._life)
        if config.search is not None:
            searched = play_searched(self._network, config.search, seed, games=self._games, boards=config.boards)
            for game in searched:
                about = (game.number, game.version, time.time(), game.gave_up, game.opened, game.lowest)
                yield PlayedGame(*about, _by(game.record, game.version), game.searches)
        else:
            assert config.policy is not None
            count = _ENDLESS if self._games is None else self._games
            policy = _Policy(self._network, self._newest.asked)
            for ended in play_games([policy], _only_seat, count, config.policy, seed, boards=config.boards):
                version = self._newest.version
                yield PlayedGame(
                    ended.number,
                    version,
                    time.time(),
                    ended.gave_up,
                    0,
                    (1.0, 1.0),
                    _by(ended.record, version),
                    NO_SEARCHES,
                )

    def _network(self) -> Network:
        """Asked before every call of the network: the moment to report, and to stop."""
        if time.monotonic() - self._reported > REPORT_SECONDS and not self._report():
            raise _Stopped
        return self._newest()

    def _report(self) -> bool:
        asked = self._newest.asked
        winners = [game.record.winner for game in self._safe]
        report = Report(
            self._life,
            games=len(self._safe),
            positions=sum(game.record.moves.size for game in self._safe),
            black=winners.count(BLACK),
            white=winners.count(WHITE),
            evaluations=asked.evaluations - self._evaluations,
            batches=asked.batches - self._batches,
            network=self._newest.version,
            problems=tuple(self._problems),
        )
        self._safe, self._evaluations, self._batches = [], asked.evaluations, asked.batches
        self._problems.clear()
        going_on = self._exchange(report)
        self._reported = time.monotonic()
        return going_on


class _Stopped(Exception):
    """The worker was told to end."""


class _Policy:
    """The network of the moment as a policy for games without search."""

    def __init__(self, network: Callable[[], Network], asked: AskedEvaluator) -> None:
        self._network = network
        self.feature_set, self.supports, self.close = asked.feature_set, asked.supports, asked.close

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        return self._network().evaluator.evaluate(planes, global_values)  # type: ignore[union-attr]


def _only_seat(games: NDArray[np.int64], plies: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.zeros(len(games), np.int64)


def _by(record: GameRecord, version: str) -> GameRecord:
    return replace(record, source=f"self-play {version}")

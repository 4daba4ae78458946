"""The desk of a Ray cluster's workers: hands out networks, takes finished games, adds up reports."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import ray

from engine import network_file
from selfplay.backends import AT_ONCE, MOST_DEATHS, BackendError, Job
from selfplay.journal import PlayedGame
from selfplay.shards import count_games
from selfplay.shelf import Shelf
from selfplay.worker import Report, claim_life

Offer: TypeAlias = tuple[Path, int]
"""The file of the newest network and its time: another one where there is another network."""


class NetworkFiles(NamedTuple):
    """A network on its way to another machine."""

    name: str
    onnx: bytes
    weights: bytes | None


def finished_by(job: Job, worker: str) -> int:
    """How many games all lives of a worker have finished."""
    return count_games(Path(job.folder), lambda life: life.rpartition("-")[0] == worker)


class Desk:
    """Hands out networks, and keeps the games of all workers. It may die too: all that matters is on its disk."""

    def __init__(self, job: Job, quotas: dict[str, tuple[int | None, int]]) -> None:
        """`quotas`: of each worker, the games that it shall play (None = without end), and those it had before."""
        self._job, self._quotas = job, quotas
        self._lives: dict[str, tuple[str, float]] = {}  # of each worker: its life now, and when that began
        self._deaths: dict[str, int] = {}
        self._shelves: dict[str, Shelf] = {}  # by life
        self._reports: list[Report] = []
        self._going_on = True
        self._looked = 0.0
        self._offered: Offer | None = None
        self._files: Any = None

    def begin(self, worker: str) -> tuple[str, int | None]:
        """A new life of a worker, and how many games it shall play.

        Raises:
            BackendError: its lives end at once, again and again.
        """
        share, before = self._quotas[worker]
        if worker in self._lives:
            self._replace(worker)
        life, _ = claim_life(Path(self._job.folder), worker)
        self._lives[worker] = life, time.monotonic()
        return life, None if share is None else max(0, share + before - finished_by(self._job, worker))

    def _replace(self, worker: str) -> None:
        """Sees how the last life of a worker ended."""
        life, began = self._lives[worker]
        at_once = life not in self._shelves and time.monotonic() - began < AT_ONCE
        self._deaths[worker] = self._deaths.get(worker, 0) + 1 if at_once else 0
        if self._deaths[worker] >= MOST_DEATHS:
            raise BackendError(f"worker {worker} ended {MOST_DEATHS} times at once; Ray's logs have its last words")
        self.settle(life)
        self._reports.append(Report(life, problems=(f"worker {life} died: another one begins",)))

    def keep(self, life: str, games: list[PlayedGame]) -> list[int]:
        """Keeps finished games of a life; returns the numbers of those that are safe from now on."""
        if life not in self._shelves:
            config = self._job.config

            def tell(problem: str) -> None:
                self._reports.append(Report(life, problems=(problem,)))

            self._shelves[life] = Shelf(Path(self._job.folder), life, config.shard_games, config.sgf_every, tell)
        return [game.number for game in self._shelves[life].add(games)]

    def settle(self, life: str) -> list[int]:
        """A life has ended; returns the numbers of games that are safe only now."""
        shelf = self._shelves.pop(life, None)
        return [game.number for game in shelf.close()] if shelf else []

    def exchange(self, report: Report) -> tuple[bool, Offer]:
        """Takes a report; returns whether to go on, and what is another one when there is a newer network."""
        self._reports.append(report)
        return self._going_on, self.offered()

    def offered(self) -> Offer:
        """The newest network, as `network` has it; looked for as often as workers of one machine would."""
        if self._files is None or time.monotonic() - self._looked > self._job.config.poll:
            self._looked = time.monotonic()
            try:
                self._look()
            except OSError:  # the folder is away, or a file being replaced
                if self._files is None:
                    raise
        assert self._offered is not None
        return self._offered

    def _look(self) -> None:
        path = self._job.place.latest() or network_file.find(self._job.place.start, self._job.place.size)
        state = path, path.stat().st_mtime_ns
        if state != self._offered:
            weights = path.with_suffix(".safetensors")
            files = NetworkFiles(path.stem, path.read_bytes(), weights.read_bytes() if weights.is_file() else None)
            self._files, self._offered = ray.put(files), state

    def network(self) -> tuple[Any, Offer]:
        """A reference to the newest network's files, put into Ray's store once for all, and which one it is."""
        offered = self.offered()
        return [self._files], offered

    def reports(self) -> list[Report]:
        """What was reported since this was last asked."""
        reports, self._reports = self._reports, []
        return reports

    def stop(self) -> None:
        """Workers are told to end."""
        self._going_on = False

    def close(self) -> None:
        """Makes shards of what is left."""
        for life in list(self._shelves):
            self.settle(life)


class Carrier:
    """Brings networks from the desk to a folder of this machine."""

    def __init__(self, desk: Any, folder: Path) -> None:
        self._desk, self._folder = desk, folder
        self._have: Offer | None = None
        self._path: Path | None = None

    def fetch(self, offered: Offer | None) -> Path:
        """The newest network in the folder; fetched unless it is `offered`, and there already."""
        if self._path is not None and offered == self._have:
            return self._path
        while True:
            references, self._have = ray.get(self._desk.network.remote())
            try:
                files: NetworkFiles = ray.get(references[0])
                break
            except ray.exceptions.ObjectLostError:  # with the desk that had put it there: its next life does it again
                time.sleep(0.1)
        old = list(self._folder.iterdir())
        self._path = self._folder / f"{files.name}.onnx"
        if files.weights is not None:
            self._path.with_suffix(".safetensors").write_bytes(files.weights)
        temporary = self._folder / ".partial"
        temporary.write_bytes(files.onnx)
        temporary.replace(self._path)
        for path in old:
            if path.stem != files.name:
                path.unlink()
        return self._path

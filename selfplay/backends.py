"""Self-play workers as processes of this machine: started, listened to, replaced when they die."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.runtimes import open_network
from gozero.config import Config
from gozero.errors import GozeroError
from selfplay.newest import NetworkPlace, Newest
from selfplay.selfplay_config import SelfPlayConfig
from selfplay.shards import count_games
from selfplay.shelf import Shelf
from selfplay.worker import Report, Worker, claim_life

MOST_DEATHS: Final = 5
"""Lives of a worker that may end at once and without a game, one after the other."""
AT_ONCE: Final = 60.0
"""Seconds within which a life ends at once."""
PATIENCE: Final = 10.0
"""Seconds that workers have to end by themselves. They lose nothing when they are killed after that."""
_LAST_WORDS: Final = 2000
_FAILED: Final = 2
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class BackendError(GozeroError):
    """Workers that cannot work."""


class Job(Config, frozen=True):
    """What all workers are told."""

    config: SelfPlayConfig
    folder: str
    """Where finished games go."""
    place: NetworkPlace
    """Who plays."""


class _Failure(NamedTuple):
    """A worker's last message where something is wrong that another life would meet too."""

    message: str


def host_name() -> str:
    """This machine's name, fit for a file's."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", socket.gethostname()) or "host"


def shares(games: int | None, workers: int) -> list[int | None]:
    """How many games each of the workers plays: as even as can be; None for all where there is no end."""
    if games is None:
        return [None] * workers
    return [games // workers + (number < games % workers) for number in range(workers)]


def play_locally(job: Job, workers: int, games: int | None, on_report: Callable[[Report], object]) -> int | None:
    """Plays on `workers` processes of this machine until `games` more games have ended, or Ctrl-C or a
    request to terminate.

    Games that a dead worker has not finished are played by its next life. Every game that a report counts is on disk.
    Returns the number of the signal that ended it early, with the games in flight lost and nothing else; None where all
    were played.

    Raises:
        BackendError: workers die again and again, or one says why it cannot work.
        OSError: the folder cannot be written.
    """
    crew = _Crew(job, on_report)
    with interruptions() as interrupted:
        try:
            for number, share in enumerate(shares(games, workers)):
                if share != 0:
                    crew.start(f"{host_name()}-{number}", share, deaths=0)
            while crew.members and not interrupted:
                crew.listen(0.5)
            return interrupted[0] if crew.members else None
        finally:
            crew.end(interrupted)


@contextlib.contextmanager
def interruptions() -> Iterator[list[int]]:
    """A list that SIGINT (Ctrl-C) and SIGTERM put their numbers into, in the main thread, instead of breaking in."""
    heard: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield heard
        return
    before = {name: signal.signal(name, lambda number, _: heard.append(number)) for name in _SIGNALS}
    try:
        yield heard
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


class _Member(NamedTuple):
    """A life of a worker, seen from outside."""

    worker: str
    life: str
    log: Path
    process: Any  # of the spawn context
    reports: Connection
    games: int | None
    started: float
    deaths: int  # lives before it that ended at once


class _Crew:
    """The workers that are alive."""

    def __init__(self, job: Job, on_report: Callable[[Report], object]) -> None:
        self._job, self._on_report = job, on_report
        self.members: list[_Member] = []

    def start(self, worker: str, games: int | None, deaths: int) -> None:
        life, log = claim_life(Path(self._job.folder), worker)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(self._job, life, log, games, theirs), name=life, daemon=True)
        with _ctrl_c_ignored():
            process.start()
        theirs.close()
        self.members.append(_Member(worker, life, log, process, ours, games, time.monotonic(), deaths))

    def listen(self, seconds: float) -> None:
        """Hands on what workers report for at most so long, and replaces those that have died.

        Raises:
            BackendError: see `play_locally`.
        """
        ready = connection.wait([member.reports for member in self.members], seconds)
        for member in [member for member in self.members if member.reports in ready]:
            if self._heard(member) is None:
                self.members.remove(member)
                member.process.join()
                if member.process.exitcode:
                    self._replace(member)

    def end(self, interrupted: list[int]) -> None:
        """Tells all to end, hears their last reports, and kills who is still there after `PATIENCE` seconds.

        At once, where there comes another interruption.
        """
        for member in self.members:
            with contextlib.suppress(OSError):
                member.reports.send(None)
        before, latest = len(interrupted), time.monotonic() + PATIENCE
        while self.members and time.monotonic() < latest and len(interrupted) == before:
            for ready in connection.wait([member.reports for member in self.members], 0.5):
                member = next(each for each in self.members if each.reports is ready)
                with contextlib.suppress(BackendError):
                    if self._heard(member) is None:
                        self.members.remove(member)
                        member.process.join()
        for member in self.members:
            member.process.kill()
            member.process.join()
        self.members.clear()

    def _heard(self, member: _Member) -> Report | None:
        """Hands on one message; None where there will be none any more."""
        try:
            message = member.reports.recv()
        except (EOFError, OSError):
            return None
        if isinstance(message, _Failure):
            raise BackendError(message.message)
        report: Report = message
        self._on_report(report)
        return report

    def _replace(self, dead: _Member) -> None:
        """Starts the next life of a worker that has died."""
        finished = count_games(Path(self._job.folder), lambda life: life == dead.life)
        at_once = not finished and time.monotonic() - dead.started < AT_ONCE
        deaths = dead.deaths + 1 if at_once else 0
        if deaths >= MOST_DEATHS:
            words = dead.log.read_text(encoding="utf-8", errors="replace")[-_LAST_WORDS:].strip()
            raise BackendError(
                f"worker {dead.worker} ended {deaths} times at once (status {dead.process.exitcode}); its last words, "
                f"in {dead.log}: {words or 'none'}"
            )
        self._on_report(
            Report(
                dead.life, problems=(f"worker {dead.life} died (status {dead.process.exitcode}): another one begins",)
            )
        )
        left = None if dead.games is None else dead.games - finished
        if left != 0:
            self.start(dead.worker, left, deaths)


@contextlib.contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """A process started meanwhile never hears Ctrl-C: its parent tells it when to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(job: Job, life: str, log: Path, games: int | None, reports: Connection) -> None:
    """A worker's process from its beginning to its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    problems: list[str] = []
    config = job.config

    def exchange(report: Report) -> bool:
        """Whether to go on; not where the parent says so or has died."""
        try:
            reports.send(report)
            return not reports.poll()
        except OSError:
            return False

    try:
        newest = Newest(job.place, config.poll, problems.append, partial(open_network, boards=config.boards))
        shelf = Shelf(Path(job.folder), life, config.shard_games, config.sgf_every, problems.append)
        Worker(config, life, games, newest, shelf, exchange, problems).run()
    except (GozeroError, ValueError) as error:
        print(error, file=sys.stderr)
        with contextlib.suppress(OSError):
            reports.send(_Failure(str(error)))
        sys.exit(_FAILED)

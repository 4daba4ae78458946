"""Where one worker's finished games go: a journal at once, then a shard, then SGF; and what happens when it is full."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gozero import sgf
from gozero.durable import write_durably
from gozero.errors import GozeroError
from gozero.store import StoreError
from selfplay.journal import Journal, PlayedGame, pack
from selfplay.shards import JOURNAL, SHARDS, names_in, remove_abandoned, shard_name, write_shard

SGF: Final = "sgf"
"""The folder of records that people read: one file for every shard, with its games in a row."""
PATIENCE: Final = 600.0
"""Seconds for which games are kept in memory where the disk takes none."""
RETRY: Final = 5.0
"""Seconds between two tries to write."""


class ShelfError(GozeroError):
    """Finished games that no disk took."""


class Shelf:
    """Keeps the finished games of one life of a worker under the folder of `gozero selfplay`."""

    def __init__(
        self, folder: Path, life: str, shard_games: int, sgf_every: int, on_problem: Callable[[str], object]
    ) -> None:
        """`on_problem` hears what cannot be written, and that it will be tried again. Others as in `SelfPlayConfig`."""
        self._shards, self._sgf = folder / SHARDS, folder / SGF
        self._life, self._shard_games, self._sgf_every, self._on_problem = life, shard_games, sgf_every, on_problem
        self._journal: Journal | None = None
        self._games: list[PlayedGame] = []  # in the journal
        self._waiting: list[PlayedGame] = []  # in memory alone
        self._tried = -RETRY
        self._full_since: float | None = None
        self._shards.mkdir(parents=True, exist_ok=True)
        remove_abandoned(self._shards)
        mine = [name for name in names_in(self._shards) if name.rpartition("-")[0] == life]
        self._sequence = 1 + max((int(name.rpartition("-")[2]) for name in mine), default=-1)

    def add(self, games: Sequence[PlayedGame]) -> list[PlayedGame]:
        """Keeps games. Returns those that are safe from now on, also of earlier ones that had to wait.

        Raises:
            ShelfError: nothing could be written for `PATIENCE` seconds.
        """
        self._waiting += games
        if self._full_since is not None and time.monotonic() - self._tried < RETRY:
            return []
        safe = self._store_waiting()
        if self._full_since is not None and time.monotonic() - self._full_since > PATIENCE:
            raise ShelfError(self._lost())
        if safe and len(self._games) >= self._shard_games:
            self._close_shard()
        return safe

    def close(self) -> list[PlayedGame]:
        """Makes a shard of what is left. Returns the games that had waited, and are safe now.

        Raises:
            ShelfError: games in memory could not be written.
        """
        try:
            safe = self._store_waiting()
            if self._waiting:
                raise ShelfError(self._lost())
            if self._games:
                self._close_shard()
            return safe
        finally:
            if self._journal is not None:
                self._journal.close()

    def _store_waiting(self) -> list[PlayedGame]:
        self._tried = time.monotonic()
        if not self._waiting:
            return []
        try:
            if self._journal is None:
                self._journal = Journal(self._shards / f"{self._name}{JOURNAL}")
            self._journal.append([pack(game) for game in self._waiting])
        except OSError as error:
            if self._full_since is None:
                self._full_since = self._tried
                self._on_problem(
                    f"{self._shards} takes no games ({error.strerror}): they are kept in memory for "
                    f"{PATIENCE / 60:.0f} minutes; make room there"
                )
            return []
        if self._full_since is not None:
            self._full_since = None
            self._on_problem(f"{self._shards} takes games again")
        safe, self._waiting = self._waiting, []
        self._games += safe
        return safe

    @property
    def _name(self) -> str:
        return shard_name(self._life, self._sequence)

    def _close_shard(self) -> None:
        """The games of the journal as a shard and as SGF; where that fails, the journal goes on."""
        assert self._journal is not None
        try:
            write_shard(self._shards, self._name, self._games)
        except (StoreError, OSError) as error:
            self._on_problem(f"{self._name} stays a journal for now: {error}")
            return
        try:
            self._write_sgf()
        except OSError as error:
            self._on_problem(f"no SGF of {self._name} was written: {error}")
        self._journal.close()
        with contextlib.suppress(OSError):  # somebody is reading it, on Windows; what it holds counts once
            self._journal.path.unlink()
        self._journal, self._games = None, []
        self._sequence += 1

    def _write_sgf(self) -> None:
        chosen = [game for game in self._games if self._sgf_every and game.number % self._sgf_every == 0]
        if not chosen:
            return
        self._sgf.mkdir(exist_ok=True)
        write_durably(self._sgf / f"{self._name}.sgf", "".join(map(game_sgf, chosen)))

    def _lost(self) -> str:
        return (
            f"{self._shards} took no games: {len(self._waiting)} finished ones are lost; make room there, start again"
        )


def game_sgf(game: PlayedGame) -> str:
    """The game as SGF; searched positions say what the search thought of them."""
    comments = {
        ply: f"{value:+.2f} for the player to move"
        for ply, value in zip(game.searches.plies.tolist(), game.searches.values.tolist(), strict=True)
    }
    return sgf.write(game.record, black_name=game.network, white_name=game.network, comments=comments)

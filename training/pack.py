"""SGF records to a packed store: read here, parsed and checked by worker processes, written here in the given order.

The same inputs give the same store, however many workers there are.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from gozero import record, sgf
from gozero.cores import usable_cores
from gozero.errors import GozeroError
from gozero.record import GameRecord
from gozero.store import StoreWriter, encode
from training.archives import Input, Member, find_inputs, read_members

WRONG_SIZE: Final = "wrong size"
"""Reason for leaving out a game on a board that is not wanted, or that is none."""
OPENING_MOVES_A_LINE: Final = 3
"""Two games that begin with the same 3 * (size + 1) moves, 60 on 19x19, are one game recorded twice."""
_CHUNK_KEYS: Final = 4096  # games whose openings are hashed together, in 100 MB
_CHUNK_FILES: Final = 256
_CHUNK_BYTES: Final = 4 << 20  # one collection can hold thousands of games
_FIRST_SKIPPED: Final = 10


class PackError(GozeroError):
    """Records that cannot be packed."""


class Skipped(NamedTuple):
    """A record that was left out."""

    name: str
    reason: str
    detail: str


class Packed(NamedTuple):
    """What a worker made of a chunk: the games in order, ready to be appended to a store."""

    rows: NDArray[Any]  # store.GAME_DTYPE[n]
    codes: NDArray[np.uint16]
    names: list[str]  # of the games
    openings: list[int]  # `opening_keys` of them
    skipped: list[Skipped]


class Settings(NamedTuple):
    """Which sound records are wanted."""

    keep_unknown_results: bool = False
    sizes: tuple[int, ...] = ()  # board sizes to keep; all when empty


_ALL: Final = Settings()


@dataclass
class Progress:
    """How far a pack is."""

    bytes_total: int
    bytes_read: int = 0
    games: int = 0
    skipped: int = 0


@dataclass
class Report:
    """What a pack did."""

    store: Path
    games: int = 0
    positions: int = 0
    seconds: float = 0.0
    store_bytes: int = 0
    games_by_source: dict[str, int] = field(default_factory=dict)
    games_by_size: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)  # by reason
    first_skipped: list[Skipped] = field(default_factory=list)  # at most 10
    left_behind: list[str] = field(default_factory=list)  # sentences about files beside stores that did not come along


def read_games(members: Iterable[Member], settings: Settings) -> Iterator[tuple[str, GameRecord] | Skipped]:
    """The usable games of SGF files with their names, and a note for each record that is not."""
    for member in members:
        if member.data is None:
            yield Skipped(member.name, "unreadable file", member.problem)
            continue
        for number, game in enumerate(sgf.parse_each(member.data), start=1):
            name = member.name if number == 1 else f"{member.name}#{number}"
            if isinstance(game, sgf.SgfError):
                yield Skipped(name, game.reason, game.detail)
                continue
            if settings.sizes and game.size not in settings.sizes:
                yield Skipped(name, WRONG_SIZE, f"{game.size}x{game.size}, not asked for")
                continue
            if game.winner is None and not settings.keep_unknown_results:
                yield Skipped(name, sgf.NO_RESULT, "")
                continue
            fault = record.fault(game)
            if fault is not None:
                yield Skipped(name, *fault)
                continue
            yield name, game


def opening_keys(rows: NDArray[Any], codes: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """A 64-bit hash of how each of n games begins, uint64[n]: the same for all eight symmetries, and for a copy of the
    game that was cut short later, goes on for longer, or lacks the passes at the end.

    No two games of a store that `gozero pack` writes have the same. So splits by game hold no two copies of one game,
    although the key that splits are made from is of all moves.

    rows: store.GAME_DTYPE[n], games of a store, whose moves are in `codes`; neither is changed.
    """
    keys = np.zeros(len(rows), np.uint64)
    for size in np.unique(rows["size"]).tolist():
        alike = np.flatnonzero(rows["size"] == size)
        for first in range(0, len(alike), _CHUNK_KEYS):
            some = alike[first : first + _CHUNK_KEYS]
            keys[some] = _opening_keys(size, rows[some], codes)
    return keys


def _opening_keys(size: int, rows: NDArray[Any], codes: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """`opening_keys` of games on boards of that size."""
    setups, lengths = rows["setup"].astype(np.int64), rows["length"].astype(np.int64)
    starts = rows["offset"].astype(np.int64)
    ending = np.flatnonzero(lengths)
    while ending.size:  # once for each pass at the end of the game that has most of them
        last = codes[starts[ending] + setups[ending] + lengths[ending] - 1] & ~np.uint16(record.WHITE_BIT)
        ending = ending[last == size**2]
        lengths[ending] -= 1
        ending = ending[lengths[ending] > 0]
    lengths = np.minimum(lengths, OPENING_MOVES_A_LINE * (size + 1))
    both = setups + lengths
    places = np.repeat(starts - (np.cumsum(both) - both), both) + np.arange(both.sum())
    return record.game_keys(size, codes[places], setups, lengths)


def pack_chunk(members: Sequence[Member], settings: Settings) -> Packed:
    """The work of one worker process on some files."""
    names: list[str] = []
    games: list[GameRecord] = []
    skipped: list[Skipped] = []
    for outcome in read_games(members, settings):
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        else:
            names.append(outcome[0])
            games.append(outcome[1])
    rows, codes = encode(games)
    return Packed(rows, codes, names, opening_keys(rows, codes).tolist(), skipped)


def pack(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    settings: Settings = _ALL,
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Packs the records under `paths` into a new store at `out`.

    `workers` is the number of processes that parse (default: one a processor core; 1 works in this process).

    Raises:
        ArchiveError: an input is missing or cannot be read to its end. Nothing is left at `out`.
        StoreError: `out` cannot be written.
        PackError: not one record could be used.
    """
    started = time.monotonic()
    inputs = find_inputs(paths)
    progress = Progress(bytes_total=sum(source.size for source in inputs))
    report = Report(Path(out))
    seen: set[int] = set()
    with StoreWriter(out, overwrite=overwrite) as writer, _Workers(workers or usable_cores(), settings) as pool:
        for source, packed in pool.run(_chunks(inputs, progress)):
            fresh = drop_duplicates(packed, seen)
            writer.append_rows(fresh.rows, fresh.codes, source)
            for note in fresh.skipped:
                writer.skip(*note)
            report.first_skipped += fresh.skipped[: max(0, _FIRST_SKIPPED - len(report.first_skipped))]
            progress.games = writer.games
            progress.skipped = writer.skipped.total()
            if on_progress:
                on_progress(progress)
        if not writer.games:
            reasons = ", ".join(f"{reason} {count}" for reason, count in writer.skipped.most_common())
            raise PackError(f"none of the records could be used ({reasons or 'there were none'})")
    report.games, report.positions = writer.games, writer.positions
    report.games_by_source = dict(writer.games_by_source)
    report.games_by_size = {str(size): count for size, count in sorted(writer.games_by_size.items())}
    report.skipped = dict(writer.skipped.most_common())
    report.store_bytes = sum(file.stat().st_size for file in report.store.iterdir())
    report.seconds = time.monotonic() - started
    return report


def drop_duplicates(packed: Packed, seen: set[int]) -> Packed:
    """The chunk without the games whose openings are in `seen`, which learns those of the others."""
    fresh = np.ones(len(packed.rows), np.bool_)
    skipped = list(packed.skipped)
    for i, key in enumerate(packed.openings):
        if key in seen:
            fresh[i] = False
            skipped.append(Skipped(packed.names[i], "duplicate", "begins with the same moves as an earlier game"))
        seen.add(key)
    if fresh.all():
        return packed
    lengths = packed.rows["setup"].astype(np.int64) + packed.rows["length"]
    rows = packed.rows[fresh]
    rows["offset"] = np.cumsum(lengths[fresh]) - lengths[fresh]
    names = [name for name, is_fresh in zip(packed.names, fresh, strict=True) if is_fresh]
    openings = [key for key, is_fresh in zip(packed.openings, fresh, strict=True) if is_fresh]
    return Packed(rows, packed.codes[np.repeat(fresh, lengths)], names, openings, skipped)


def _chunks(inputs: Sequence[Input], progress: Progress) -> Iterator[tuple[str, list[Member]]]:
    """Lists of members worth a worker's while, each with the one source they are from."""
    chunk: list[Member] = []
    size = done = 0

    def advance(position: int) -> None:
        progress.bytes_read = done + position

    for i, source in enumerate(inputs):
        for member in read_members(source, advance):
            chunk.append(member)
            size += len(member.data or b"")
            if len(chunk) == _CHUNK_FILES or size > _CHUNK_BYTES:
                yield source.source, chunk
                chunk, size = [], 0
        done += source.size
        if chunk and (i + 1 == len(inputs) or inputs[i + 1].source != source.source):
            yield source.source, chunk
            chunk, size = [], 0


class _Workers:
    """Processes that pack chunks; their answers come in the order of the chunks, and only a few are in flight."""

    def __init__(self, count: int, settings: Settings) -> None:
        self._settings = settings
        self._in_flight = 2 * count + 2
        # "spawn" is the one start method of every platform, and the only one that is safe beside threads.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, initializer=_ignore_interrupts) if count > 1 else None

    def run(self, chunks: Iterable[tuple[str, list[Member]]]) -> Iterator[tuple[str, Packed]]:
        if self._pool is None:
            for source, chunk in chunks:
                yield source, pack_chunk(chunk, self._settings)
            return
        waiting: deque[tuple[str, Future[Packed]]] = deque()
        try:
            for source, chunk in chunks:
                with _interrupts_held():  # submitting may start a process, which inherits this
                    waiting.append((source, self._pool.submit(pack_chunk, chunk, self._settings)))
                while waiting and (len(waiting) >= self._in_flight or waiting[0][1].done()):
                    name, future = waiting.popleft()
                    yield name, future.result()
            for name, future in waiting:
                yield name, future.result()
        except BrokenProcessPool:
            raise PackError("a worker process died (out of memory?): try again with --workers 1") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keeps Ctrl-C waiting, and from processes that are started meanwhile: they could not even import in peace."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole group of processes; the parent alone decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

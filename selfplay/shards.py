"""Self-play games on disk: shards that workers write, and one store of them all that training reads.

For every piece of a worker's work there is `NAME.journal` while games are added to it (`selfplay.journal`), then
`NAME.store`: a packed store with the games' searches beside it (`gozero.searches`) and `played.npy`, one row of
`PLAYED_DTYPE` a game. NAME is worker-life-sequence; a life is one process. A shard is there whole or not at all, and
the journal goes when its shard has come. Whoever reads may meet a game twice and keeps it once: by its id, and by its
moves.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero import searches as searches_module
from gozero.durable import flush_folder
from gozero.searches import Searches, put_searches
from gozero.store import Store, StoreError, StoreMeta, StoreWriter, encode
from selfplay import journal
from selfplay.journal import PlayedGame

SHARDS: Final = "shards"
"""The folder of shards in the folder that `gozero selfplay` is given."""
JOURNAL: Final = ".journal"
STORE: Final = ".store"
PLAYED: Final = "played.npy"
PLAYED_DTYPE: Final = np.dtype(
    [
        ("id", "<u8"),  # of worker, life and number in it; see game_ids
        ("finished", "<f8"),  # seconds since 1970, UTC
        ("gave_up", "u1"),  # see selfplay.searched_games.SearchedGame, like the two that follow
        ("opened", "<u2"),
        ("lowest", "<f4", (2,)),
    ]
)
_ABANDONED: Final = 3600.0
"""Seconds after which a half-written shard is nobody's any more."""


class Shard(NamedTuple):
    """Some finished games: of one piece of work, or of many put together."""

    store: Store
    searches: Searches
    played: NDArray[Any]  # PLAYED_DTYPE[games], in the order of the store


class Gathered(NamedTuple):
    """What `gather` found and kept."""

    games: int
    """In the new store."""
    positions: int
    """Moves of those."""
    repeated: int
    """Games left out because they were there already, by id or by moves."""
    problems: list[str]
    """What could not be read, and why."""


def shard_name(life: str, sequence: int) -> str:
    """The name of a life's piece of work number `sequence`, from 0; `life` is worker-number (`selfplay.worker`)."""
    return f"{life}-{sequence:05d}"


def game_ids(life: str, numbers: Sequence[int]) -> NDArray[np.uint64]:
    """uint64[n]: what the games of a life are told apart by, from those of every other."""
    seed = int.from_bytes(hashlib.sha256(life.encode()).digest()[:8], "little")
    return np.uint64(seed) + np.array(numbers, np.uint64)


def write_shard(folder: Path, name: str, games: Sequence[PlayedGame]) -> Path:
    """Writes `NAME.store` into `folder`, whole or not at all.

    Raises:
        StoreError, OSError: it cannot be written.
    """
    path = folder / f"{name}{STORE}"
    life = name.rpartition("-")[0]
    with StoreWriter(path) as writer:
        for game in games:
            writer.append_rows(*encode([game.record]), game.record.source)
        put_searches(writer, [game.searches for game in games])
        writer.put_beside(PLAYED, _played(life, games))
    flush_folder(folder)
    return path


def names_in(folder: Path) -> list[str]:
    """The names of all shards and journals in `folder`; none where there is no such folder."""
    return (
        sorted({path.stem for path in folder.iterdir() if path.suffix in (JOURNAL, STORE)}) if folder.is_dir() else []
    )


def open_shard(folder: Path, name: str, on_problem: Callable[[str], object]) -> Shard:
    """The shard of that name: its store, or the journal where there is no readable one yet.

    `on_problem` hears of a damaged journal's games that are lost.

    Raises:
        StoreError: neither can be read.
    """
    try:
        return open_store(folder / f"{name}{STORE}")
    except StoreError as error:
        refused = error
    path = folder / f"{name}{JOURNAL}"
    try:
        games, problem = journal.read(path)
    except FileNotFoundError:  # its shard came meanwhile, or there never was a journal
        if (folder / f"{name}{STORE}").exists():
            return open_store(folder / f"{name}{STORE}")
        raise refused from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}): leave it out") from None
    if problem:
        on_problem(problem)
    return _in_memory(path, name.rpartition("-")[0], games)


def open_store(path: Path) -> Shard:
    """A shard's store, or one that `gather` made.

    Raises:
        StoreError: it is missing or damaged, or no games of self-play.
    """
    store = Store.open(path)
    try:
        played = np.load(path / PLAYED, allow_pickle=False)
    except FileNotFoundError:
        raise StoreError(f"{path} does not say who played its games: it was not made by self-play") from None
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{path / PLAYED} is damaged ({error}): leave that store out") from None
    if played.dtype != PLAYED_DTYPE or len(played) != len(store):
        raise StoreError(f"{path / PLAYED} does not fit the games beside it: leave that store out")
    return Shard(store, Searches.open(store), played)


def open_shards(
    folder: Path, on_problem: Callable[[str], object], chosen: Callable[[str], bool] = lambda _: True
) -> Iterator[Shard]:
    """All shards of `folder`, one after the other, or those of the `chosen` lives alone.

    `on_problem` hears of those that cannot be read.
    """
    for name in names_in(folder):
        if not chosen(name.rpartition("-")[0]):
            continue
        try:
            shard = open_shard(folder, name, on_problem)
        except StoreError as error:
            on_problem(str(error))
        else:
            yield shard


def count_games(folder: Path, chosen: Callable[[str], bool] = lambda _: True) -> int:
    """How many games `gozero selfplay --out folder` has finished so far, or the `chosen` lives of workers alone.

    Those that cannot be read do not count.
    """
    ids = [shard.played["id"] for shard in open_shards(folder / SHARDS, lambda _: None, chosen)]
    return len(np.unique(np.concatenate(ids))) if ids else 0


def gather(
    folder: str | Path,
    out: str | Path,
    *,
    newest: int | None = None,
    overwrite: bool = False,
    on_problem: Callable[[str], object] = lambda _: None,
) -> Gathered:
    """Puts the games that `gozero selfplay --out folder` has finished, also while it goes on, together as one store.

    The store at `out` is a shard as well: it has searches (`gozero.searches.Searches.open`), `open_store` opens it. Its
    games' sources are "self-play NETWORK". Shards that cannot be read are left out; `on_problem` hears of each at once.

    Args:
        newest: at most so many games, those that ended last; None = all.
        overwrite: whether a store that stands at `out` is replaced.

    Raises:
        StoreError: there is not one game, or `out` cannot be written.
    """
    folder, problems = Path(folder) / SHARDS, []

    def tell(problem: str) -> None:
        if problem not in problems:
            problems.append(problem)
            on_problem(problem)

    names: list[str] = []
    found: list[NDArray[Any]] = []
    keys: list[NDArray[np.uint64]] = []
    for name in names_in(folder):
        try:
            shard = open_shard(folder, name, tell)
        except StoreError as error:
            tell(str(error))
            continue
        names.append(name)
        found.append(shard.played)
        keys.append(np.array(shard.store.games["key"]))
    ids = np.concatenate([np.zeros(0, np.uint64), *(played["id"] for played in found)])
    if not len(ids):
        raise StoreError(
            f"there are no finished games in {folder}: play some with gozero selfplay --out {folder.parent}"
        )
    finished = np.concatenate([played["finished"] for played in found])
    kept = _kept(ids, np.concatenate(keys), finished, newest)
    repeated = len(ids) - int(np.count_nonzero(_kept(ids, np.concatenate(keys), finished, None)))
    ends = np.cumsum([0, *map(len, found)])
    mine = {name: kept[start:end] for name, (start, end) in zip(names, pairwise(ends.tolist()), strict=True)}
    oldest = {name: float(played["finished"].min()) for name, played in zip(names, found, strict=True) if len(played)}
    searches: list[searches_module.GameSearches] = []
    rows: list[NDArray[Any]] = []
    with StoreWriter(out, overwrite=overwrite) as writer:
        for name in sorted(oldest, key=oldest.__getitem__):
            if mine[name].any():
                shard = open_shard(folder, name, tell)
                _append(writer, shard, np.flatnonzero(mine[name]), searches, rows)
        put_searches(writer, searches)
        writer.put_beside(PLAYED, np.concatenate([np.zeros(0, PLAYED_DTYPE), *rows]))
    return Gathered(writer.games, writer.positions, repeated, problems)


def remove_abandoned(folder: Path) -> None:
    """Removes what killed workers left half-written in `folder`."""
    for path in folder.glob("*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                shutil.rmtree(path)


def _played(life: str, games: Sequence[PlayedGame]) -> NDArray[Any]:
    rows = np.zeros(len(games), PLAYED_DTYPE)
    rows["id"] = game_ids(life, [game.number for game in games])
    for name in ("finished", "gave_up", "opened"):
        rows[name] = [getattr(game, name) for game in games]
    rows["lowest"] = np.array([game.lowest for game in games]).reshape(-1, 2)
    return rows


def _in_memory(path: Path, life: str, games: Sequence[PlayedGame]) -> Shard:
    """The games of a journal as a shard."""
    rows, codes = encode([game.record for game in games])
    sources = sorted({game.record.source for game in games})
    rows["source"] = [sources.index(game.record.source) for game in games]
    meta = StoreMeta(len(rows), int(rows["length"].sum(dtype=np.int64)), codes.size, sources, {}, {}, {})
    searches = Searches(*searches_module.encode([game.searches for game in games]), len(games))
    return Shard(Store(path, rows, codes, meta), searches, _played(life, games))


def _kept(
    ids: NDArray[np.uint64], keys: NDArray[np.uint64], finished: NDArray[np.float64], newest: int | None
) -> NDArray[np.bool_]:
    """bool[games]: each game once, of games alike the one that ended last; of those the `newest`."""
    order = np.argsort(-finished, kind="stable")
    for names in (ids, keys):
        _, first = np.unique(names[order], return_index=True)
        order = order[np.sort(first)]
    kept = np.zeros(len(ids), np.bool_)
    kept[order[:newest]] = True
    return kept


def _append(
    writer: StoreWriter,
    shard: Shard,
    indices: NDArray[np.int64],
    searches: list[searches_module.GameSearches],
    played: list[NDArray[Any]],
) -> None:
    """Adds the games in those rows of a shard, and to the lists what is kept beside them in the same order."""
    store = shard.store
    for source in np.unique(store.games["source"][indices]).tolist():
        mine = indices[store.games["source"][indices] == source]
        rows = np.array(store.games[mine])
        starts = rows["offset"].astype(np.int64)
        lengths = rows["setup"].astype(np.int64) + rows["length"]
        codes = [store.moves[start : start + length] for start, length in zip(starts, lengths, strict=True)]
        rows["offset"] = np.cumsum(lengths) - lengths
        writer.append_rows(rows, np.concatenate(codes), store.meta.sources[source])
        searches += [shard.searches.of_game(index) for index in mine.tolist()]
        played.append(shard.played[mine])

"""Who owned each point at the end of every game of a store: computed once, kept beside the store.

Records say who won and not which points; a network learns to judge positions many times faster from the points. The
end of a game is settled by random playouts (see `_ownership.settle`): of 19x19 games that were counted, four of five
get the recorded winner, and half of the margins are at most three points off.
"""

import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gozero._board import state_length
from gozero.cores import usable_cores
from gozero.store import Store
from training import _ownership

PLAYOUTS = 16
"""Random games from each last position."""
VERSION = 2
"""Raised when the same store would give other owners."""
_CHUNK = 256
_MARK = 16
"""Bytes before the owners that say which games they are of."""


@dataclass(frozen=True)
class Ownership:
    """The owners of a store's games.

    Attributes:
        owners: int8[all points of all games], memory-mapped: 1 Black, -1 White, 0 neither.
        offsets: int64[games], where each game's size * size points start, row major.
    """

    owners: NDArray[np.int8]
    offsets: NDArray[np.int64]


def final_ownership(store: Store, on_progress: Callable[[int, int], Any] | None = None, threads: int = 1) -> Ownership:
    """The owners of all games of `store`; the first time computes and keeps them (a millisecond a game).

    `on_progress` hears (games done, games). Raises OSError when the folder of the store cannot be written.
    """
    sizes = store.games["size"].astype(np.int64)
    ends = np.cumsum(sizes * sizes)
    total = int(ends[-1]) if len(ends) else 0
    path = _place(Path(store.path))
    # As many other games of the same sizes may be compressed into a file of the same name later.
    mark = hashlib.blake2b(store.games["key"].tobytes(), digest_size=_MARK).digest()
    if not _is_kept(path, mark, total):
        temporary = path.with_name(f"{path.name}-{secrets.token_hex(4)}.partial")
        try:
            kept = np.memmap(temporary, np.int8, "w+", shape=(_MARK + total,))
            kept[:_MARK] = np.frombuffer(mark, np.int8)
            _compute(store, kept[_MARK:], ends - sizes * sizes, threads, on_progress)
            kept.flush()
            del kept  # an open map cannot be renamed on Windows
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return Ownership(np.memmap(path, np.int8, "r", shape=(_MARK + total,))[_MARK:], ends - sizes * sizes)


def _is_kept(path: Path, mark: bytes, total: int) -> bool:
    """Whether the file at `path` is whole and holds the owners of the games with this mark."""
    if not path.exists() or path.stat().st_size != _MARK + total:
        return False
    with path.open("rb") as file:
        return file.read(_MARK) == mark


def _place(store: Path) -> Path:
    """Where the owners are kept: in the folder of the store, or beside the file that it is compressed into."""
    name = f"ownership-{VERSION}.i8"
    return store / name if store.is_dir() else store.with_name(f"{store.name}-{name}")


def _compute(
    store: Store,
    owners: NDArray[np.int8],
    offsets: NDArray[np.int64],
    threads: int,
    on_progress: Callable[[int, int], Any] | None,
) -> None:
    games, suicide = store.games, store.suicide()
    chunks = []
    for size in np.unique(games["size"]).tolist():
        chosen = np.flatnonzero(games["size"] == size)
        chunks += [(size, chosen[start : start + _CHUNK]) for start in range(0, len(chosen), _CHUNK)]

    def work(chunk: tuple[int, NDArray[np.int64]]) -> int:
        size, rows = chunk
        some = games[rows]
        found = np.empty((len(rows), size * size), np.int8)
        boards = np.empty((2, state_length(size)), np.uint32)
        _ownership.settle_games(
            store.moves,
            some["offset"].astype(np.int64),
            some["setup"].astype(np.int64),
            some["length"].astype(np.int64),
            suicide[rows],
            some["key"].astype(np.uint64),
            size,
            PLAYOUTS,
            boards[0],
            boards[1],
            found,
        )
        owners[offsets[rows][:, None] + np.arange(size * size)] = found
        return len(rows)

    done = 0
    pool = ThreadPoolExecutor(min(threads, usable_cores()))
    try:
        for count in pool.map(work, chunks):
            done += count
            if on_progress:
                on_progress(done, len(games))
    finally:  # after Ctrl-C nobody waits for the chunks that have not begun
        pool.shutdown(cancel_futures=True)

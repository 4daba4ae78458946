"""What stands beside the games of packed stores, and goes with them where games are chosen for another store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero.searches import SEARCHES, SHARES, Searches, put_chosen
from gozero.store import Store, StoreError, StoreWriter
from selfplay.shards import PLAYED

POSITIONS: Final = "positions.npy"
"""Beside a store's files: int32[games], moves made before the position of each game that is to be learned from."""


class _Kind(NamedTuple):
    """Files that are there together, and what is missing where they are not."""

    files: tuple[str, ...]
    without: str


_KINDS: Final = (
    _Kind((POSITIONS,), "gozero train value will draw other positions of these games"),
    _Kind((SEARCHES, SHARES), "no policy can be taught what the searches found (data.searches)"),
    _Kind((PLAYED,), "nothing tells any more when these games of self-play were played"),
)


def carry(stores: Sequence[Store], rows: Sequence[NDArray[np.int64]], writer: StoreWriter) -> list[str]:
    """Keeps beside the games of `writer` what stands beside the same games of `stores`.

    rows: int64, ascending, of each store the games that were appended, one store after the other.

    Returns:
        A sentence for each kind of file that some of the stores have and others lack, and that is left behind: what
        there is must be there for all games.

    Raises:
        StoreError: a file is damaged, or does not fit the games beside it.
    """
    stores, rows = _with_games(stores, rows)
    left_behind = []
    for kind in _KINDS:
        having = [store for store in stores if _has(store, kind)]
        lacking = [store for store in stores if not _has(store, kind)]
        if having and lacking:
            why = f"there are none beside {_names(lacking)}"
            left_behind.append(_sentence(kind, having, why, "pack those stores apart"))
        elif having and kind.files == (SEARCHES, SHARES):
            put_chosen(writer, [(Searches.open(store), some) for store, some in zip(stores, rows, strict=True)])
        elif having:
            (name,) = kind.files
            parts = [_a_game(store, name)[some] for store, some in zip(stores, rows, strict=True)]
            writer.put_beside(name, np.concatenate(parts))
    return left_behind


def left_by_compressing(stores: Sequence[Store], rows: Sequence[NDArray[np.int64]]) -> list[str]:
    """A sentence for each kind of file that stands beside the chosen games of `stores`: a compressed store has none."""
    stores, _ = _with_games(stores, rows)
    return [
        _sentence(kind, having, "a compressed file holds games alone", "leave out --compress")
        for kind in _KINDS
        if (having := [store for store in stores if _has(store, kind)])
    ]


def _with_games(
    stores: Sequence[Store], rows: Sequence[NDArray[np.int64]]
) -> tuple[list[Store], list[NDArray[np.int64]]]:
    """Those of which a game was chosen."""
    chosen = [(store, some) for store, some in zip(stores, rows, strict=True) if len(some)]
    return [store for store, _ in chosen], [some for _, some in chosen]


def _has(store: Store, kind: _Kind) -> bool:
    return any((Path(store.path) / name).is_file() for name in kind.files)


def _a_game(store: Store, name: str) -> NDArray[Any]:
    """The array of that name, with an entry for each game. Raises StoreError."""
    path = Path(store.path) / name
    again = "remove it, or leave that store out"
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{path} is damaged ({error}): {again}") from None
    if array.shape != (len(store),):
        raise StoreError(f"{path} does not fit the games beside it: {again}")
    return array


def _sentence(kind: _Kind, having: Sequence[Store], why: str, remedy: str) -> str:
    files = " and ".join(kind.files)
    return f"{files} of {_names(having)} stayed behind, as {why}: {kind.without}. To keep them, {remedy}"


def _names(stores: Sequence[Store]) -> str:
    return ", ".join(store.called for store in stores)

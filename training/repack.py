"""Packed stores, and records beside them, to another store or a compressed file: all of their games or a choice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero import record, travel
from gozero.store import Store, StoreError, StoreWriter, is_store
from training.beside import carry, left_by_compressing
from training.pack import PackError, Progress, Report, Settings, opening_keys, pack

_CHUNK: Final = 4096


class Selection(NamedTuple):
    """Which games of packed stores are wanted."""

    sizes: tuple[int, ...] = ()  # board sizes; all when empty
    sources: tuple[str, ...] = ()  # only games whose source contains one of these texts; all when empty
    minimum_rank: str | None = None  # of both players, such as 6d; a rank that is not known is below all
    positions: int | None = None  # at most so many moves in all, of games drawn by their keys


EVERYTHING: Final = Selection()


def repack(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    selection: Selection = EVERYTHING,
    compress: bool = False,
    settings: Settings | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    on_records: Callable[[Progress], Any] | None = None,
    on_progress: Callable[[str, int, int], Any] | None = None,
) -> Report:
    """Makes a store at `out`, or with `compress` one compressed file, of the chosen games of stores and records.

    What stands beside the games of stores goes with them where it can (`training.beside`). Records are packed first,
    into a store that is removed again; `settings`, `workers` and `on_records` are told to `pack.pack`. `on_progress`
    hears (what is done now, done, total).

    Raises:
        ArchiveError, StoreError: an input cannot be read, or `out` not be written. Nothing is left at `out`.
        PackError: no game is left.
    """

    def tell(step: str) -> Callable[[int, int], Any] | None:
        return partial(on_progress, step) if on_progress else None

    started = time.monotonic()
    out = Path(out)
    stores = [Store.open(path) for path in paths if is_store(path)]
    records = [path for path in paths if not is_store(path)]
    if compress:
        _refuse_to_replace(out, overwrite)
    with ExitStack() as stack:
        scratch = _scratch_folder(out, stack)
        written = scratch / "chosen" if compress else out
        report = Report(out)
        with StoreWriter(written, overwrite=overwrite) as writer:
            if records:
                first = pack(
                    records,
                    scratch / "records",
                    settings=settings or Settings(),
                    workers=workers,
                    on_progress=on_records,
                )
                report.first_skipped = first.first_skipped
                stores.append(Store.open(first.store))
                stores[-1].called = ", ".join(map(str, records))
                for line in (first.store / "skipped.tsv").read_text(encoding="utf-8").splitlines():
                    writer.skip(*line.split("\t"))
            rows, left_out = select(stores, selection)
            writer.skipped.update(left_out)
            if not sum(map(len, rows)):
                reasons = ", ".join(f"{reason} {count}" for reason, count in writer.skipped.most_common())
                raise PackError(f"no game is left ({reasons or 'there was none'}): no store was written")
            copy(stores, rows, writer, tell("copying"))
            report.left_behind = left_by_compressing(stores, rows) if compress else carry(stores, rows, writer)
        if compress:
            travel.write(Store.open(written), out, tell("compressing"))
        stores.clear()  # an open map cannot be removed on Windows
    report.games, report.positions = writer.games, writer.positions
    report.games_by_source = dict(writer.games_by_source)
    report.games_by_size = {str(size): count for size, count in sorted(writer.games_by_size.items())}
    report.skipped = dict(writer.skipped.most_common())
    report.store_bytes = out.stat().st_size if compress else sum(file.stat().st_size for file in out.iterdir())
    report.seconds = time.monotonic() - started
    return report


def _refuse_to_replace(out: Path, overwrite: bool) -> None:
    """Raises StoreError if something stands at `out` that is not to be replaced by a compressed store."""
    if not out.exists():
        return
    if not travel.is_travel_file(out):
        raise StoreError(f"{out} exists and is no compressed store: choose another name for the file")
    if not overwrite:
        raise StoreError(f"{out} exists already: choose another name, or give --overwrite to replace that file")


def _scratch_folder(out: Path, stack: ExitStack) -> Path:
    """A folder beside `out`, on the same disk, that goes when the stack is left. Raises StoreError."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(
            prefix=f"{out.name}-", suffix=".partial", dir=out.parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror}") from None
    return Path(stack.enter_context(folder))


def select(stores: Sequence[Store], selection: Selection) -> tuple[list[NDArray[np.int64]], Counter[str]]:
    """The rows wanted from each store, ascending, and how many games were left out, by reason.

    Of games that begin with the same moves (`pack.opening_keys`), the copies of one game, the first counts. Games are
    drawn by a hash of their moves: a larger number of positions takes the same games and more, and each split keeps its
    share.
    """
    left_out: Counter[str] = Counter()
    wanted = [_wanted(store, selection, left_out) for store in stores]
    games = [store.games[rows] for store, rows in zip(stores, wanted, strict=True)]
    openings = np.concatenate([opening_keys(some, store.moves) for some, store in zip(games, stores, strict=True)])
    chosen = np.zeros(len(openings), np.bool_)
    chosen[np.unique(openings, return_index=True)[1]] = True
    left_out["duplicate"] += int((~chosen).sum())
    if selection.positions is not None:
        keys, lengths = (np.concatenate([some[name] for some in games]) for name in ("key", "length"))
        drawn = np.flatnonzero(chosen)
        drawn = drawn[np.argsort(record.draw_order(keys[drawn]), kind="stable")]
        total = np.cumsum(lengths[drawn], dtype=np.int64)
        surplus = drawn[total > selection.positions]
        chosen[surplus] = False
        left_out["not drawn"] += len(surplus)
    ends = np.cumsum([len(rows) for rows in wanted])
    parts = np.split(chosen, ends[:-1])
    return [rows[part] for rows, part in zip(wanted, parts, strict=True)], +left_out


def _wanted(store: Store, selection: Selection, left_out: Counter[str]) -> NDArray[np.int64]:
    """The rows of one store that have the size, the source and the ranks; counts the others in `left_out`."""
    games = store.games
    wanted = np.ones(len(games), np.bool_)

    def require(fits: NDArray[np.bool_], reason: str) -> None:
        nonlocal wanted
        left_out[reason] += int((wanted & ~fits).sum())
        wanted &= fits

    if selection.sizes:
        require(np.isin(games["size"], selection.sizes), "wrong size")
    if selection.sources:
        require(store.from_sources(selection.sources), "other source")
    if selection.minimum_rank:
        lowest = record.rank_code(selection.minimum_rank)
        for rank in (games["black_rank"], games["white_rank"]):
            require((rank != 0) & (rank >= lowest), "rank too low or unknown")
    return np.flatnonzero(wanted)


def copy(
    stores: Sequence[Store],
    rows: Sequence[NDArray[np.int64]],
    writer: StoreWriter,
    on_progress: Callable[[int, int], Any] | None = None,
) -> None:
    """Appends the chosen rows of each store to a new one. `on_progress` hears (games done, games).

    Raises:
        StoreError: the sources are more than a store can tell apart.
    """
    total = sum(map(len, rows))
    for store, chosen in zip(stores, rows, strict=True):
        for part in _runs(store.games["source"][chosen]):
            games = store.games[chosen[part]]
            lengths = games["setup"].astype(np.int64) + games["length"]
            starts = np.cumsum(lengths) - lengths
            places = np.repeat(games["offset"].astype(np.int64) - starts, lengths) + np.arange(lengths.sum())
            games["offset"] = starts
            writer.append_rows(games, store.moves[places], store.meta.sources[int(games["source"][0])])
            if on_progress:
                on_progress(writer.games, total)


def _runs(values: NDArray[np.uint16]) -> Iterator[slice]:
    """The places of equal neighbours, at most `_CHUNK` of them at a time."""
    ends = [*(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)] if len(values) else []
    start = 0
    for end in ends:
        for first in range(start, end, _CHUNK):
            yield slice(first, min(first + _CHUNK, end))
        start = end

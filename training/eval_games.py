"""The games that something is evaluated on: a store, or records packed for it, with what there is to tell on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gozero.store import Store, is_store
from training import pack
from training.batches import ALL

QUIET_SECONDS: Final = 5.0
"""Nobody needs to be told how far something is that takes no longer."""


@contextmanager
def read_games(paths: list[str], size: int, workers: int = 1) -> Iterator[tuple[Store, pack.Report | None]]:
    """Like `open_games`, and tells how far reading is, and which records are of no use."""
    with ExitStack() as stack:
        with reporting("reading", "bytes") as tell:

            def read(state: pack.Progress) -> None:
                tell(state.bytes_read, state.bytes_total)

            store, packed = stack.enter_context(open_games(paths, size, workers, read))
        if packed and packed.skipped:
            _print_skipped(packed)
        yield store, packed


@contextmanager
def open_games(
    paths: list[str], size: int, workers: int = 1, on_progress: Callable[[pack.Progress], None] | None = None
) -> Iterator[tuple[Store, pack.Report | None]]:
    """A store that holds the games under `paths`, for as long as the context lasts.

    SGF files and archives are packed for it by so many processes, of which `on_progress` hears; then the report of that
    comes with it. Raises StoreError, ArchiveError or PackError.
    """
    if len(paths) == 1 and is_store(paths[0]):
        yield Store.open(paths[0]), None
        return
    with TemporaryDirectory(prefix="gozero-eval-", ignore_cleanup_errors=True) as folder:
        settings = pack.Settings(keep_unknown_results=True, sizes=(size,))
        try:
            store = Path(folder) / "store"
            report = pack.pack(paths, store, settings=settings, workers=workers, on_progress=on_progress)
        except pack.PackError as error:
            raise pack.PackError(
                f"{', '.join(paths)}: {error}; wanted are {size}x{size} games, as --size or --network says"
            ) from None
        packed = Store.open(report.store)
        packed.called = ", ".join(paths)
        yield packed, report


def default_split(packed: bool) -> str:
    """The test split of a store; loose records are all taken, as nobody trained on them here."""
    return "test" if packed else ALL


@contextmanager
def reporting(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Progress on stderr: a bar on a terminal, else a line every tenth of what takes its time; yields what is told
    (done, total)."""
    if sys.stderr.isatty():
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None, visible=False)
            yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)
        return
    tenths, started = 0, time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal tenths
        seconds = time.monotonic() - started
        if tenths < done * 10 // total < 10 and seconds > QUIET_SECONDS:
            tenths = done * 10 // total
            left = seconds * (total - done) / done
            print(f"{what}: {done:,} of {total:,} {unit}, {left:.0f} s left", file=sys.stderr, flush=True)

    yield tell


def _print_skipped(packed: pack.Report) -> None:
    """Say which records could not be used; those of other board sizes were not asked for."""
    for note in packed.first_skipped:
        if note.reason != pack.WRONG_SIZE:
            print(f"skipped {note.name}: {note.reason}{f' ({note.detail})' if note.detail else ''}", file=sys.stderr)
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in packed.skipped.items())
    print(f"records left out: {reasons}", file=sys.stderr)

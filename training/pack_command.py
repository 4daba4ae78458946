"""`gozero pack`: SGF records and packed stores to a packed store or a compressed file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gozero import record
from gozero.cli import EXIT_INTERRUPTED
from gozero.errors import GozeroError
from gozero.store import is_store
from training import pack
from training.repack import EVERYTHING, Selection, repack

_DESCRIPTION = """\
Reads SGF records and writes the packed store that training reads. Records that are
broken, illegal, of a wrong size, without a result or seen before are skipped, counted
and listed. Packed stores may be read as well, to choose games from them, to put them
together, or to compress them for another machine."""
_EXAMPLE = """examples:
  gozero pack games/ more-games.tar.xz --out stores/mine
  gozero pack stores/mine --out mine.travel --compress --size 19 --min-rank 6d --positions 30000000
  gozero pack mine.travel --out stores/again
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `gozero pack` and returns its exit status: 0, 2 after an error, 130 after Ctrl-C."""
    options = _parser().parse_args(argv)
    try:
        report = _pack_with_progress(options)
    except GozeroError as error:
        print(f"gozero: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"gozero: error: {options.out} cannot be written: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"gozero: stopped; nothing was written to {options.out}", file=sys.stderr)
        return EXIT_INTERRUPTED
    for note in report.first_skipped:
        print(f"skipped {note.name}: {note.reason}{f' ({note.detail})' if note.detail else ''}", file=sys.stderr)
    if report.first_skipped and report.store.is_dir():
        print(f"all skipped records: {report.store / 'skipped.tsv'}", file=sys.stderr)
    for sentence in report.left_behind:
        print(f"gozero: warning: {sentence}", file=sys.stderr)
    if options.json:
        print(json.dumps(_facts(report)))
    else:
        _print_summary(report)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gozero pack",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help=".sgf file, folder, .zip, .tar, .tar.gz, .bz2 or .xz, or packed store"
    )
    parser.add_argument("--out", required=True, metavar="STORE", help="the directory to write; a file with --compress")
    parser.add_argument("--overwrite", action="store_true", help="replace the store at --out")
    parser.add_argument(
        "--compress",
        action="store_true",
        help="write one file, about a byte a move; whatever reads stores reads it too",
    )
    parser.add_argument("--workers", type=_positive, metavar="N", help="processes that parse (default: all cores)")
    parser.add_argument(
        "--size", type=_positive, action="append", metavar="N", help="keep only this board size; repeatable"
    )
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="TEXT",
        help="keep only games whose source contains TEXT; repeatable",
    )
    parser.add_argument(
        "--min-rank", type=_rank, metavar="RANK", help="keep only games where both players have it, as 6d"
    )
    parser.add_argument(
        "--positions", type=_positive, metavar="N", help="keep at most N positions, of games drawn by their moves"
    )
    parser.add_argument("--keep-unknown-results", action="store_true", help="keep games that do not say who won")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def _rank(text: str) -> str:
    if not record.rank_code(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no rank such as 5k, 6d or 9p")
    return text


def _pack_with_progress(options: argparse.Namespace) -> pack.Report:
    sizes = tuple(options.size or ())
    settings = pack.Settings(options.keep_unknown_results, sizes)
    selection = Selection(sizes, tuple(options.source), options.min_rank, options.positions)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("packing", total=None, note="")

        def show(state: pack.Progress) -> None:
            elapsed = bar.tasks[task].elapsed or 0.0
            rate = (state.games + state.skipped) / elapsed if elapsed else 0.0
            note = f"{state.games:,} games, {rate:,.0f}/s, {state.skipped:,} skipped"
            bar.update(task, total=state.bytes_total, completed=state.bytes_read, note=note)

        def show_step(step: str, done: int, total: int) -> None:
            if bar.tasks[task].description != step:
                bar.reset(task, description=step, note="")
            bar.update(task, total=total, completed=done)

        common = {"settings": settings, "workers": options.workers, "overwrite": options.overwrite}
        plain = not options.compress and selection == EVERYTHING._replace(sizes=sizes)
        if plain and not any(map(is_store, options.paths)):
            return pack.pack(options.paths, options.out, on_progress=show, **common)
        return repack(
            options.paths,
            options.out,
            selection=selection,
            compress=options.compress,
            on_records=show,
            on_progress=show_step,
            **common,
        )


def _facts(report: pack.Report) -> dict[str, object]:
    return {
        "store": str(report.store),
        "games": report.games,
        "positions": report.positions,
        "skipped": sum(report.skipped.values()),
        "skipped_by_reason": report.skipped,
        "left_behind": report.left_behind,
        "games_by_source": report.games_by_source,
        "games_by_size": report.games_by_size,
        "bytes": report.store_bytes,
        "seconds": round(report.seconds, 3),
        "games_per_s": round((report.games + sum(report.skipped.values())) / report.seconds, 1),
    }


def _print_summary(report: pack.Report) -> None:
    skipped = sum(report.skipped.values())
    rate = (report.games + skipped) / report.seconds
    print(f"{report.store}: {report.games:,} games, {report.positions:,} positions, {report.store_bytes / 1e6:,.1f} MB")
    for name, count in report.games_by_source.items():
        print(f"  from {name}: {count:,}")
    for size, count in report.games_by_size.items():
        print(f"  {size}x{size}: {count:,}")
    print(f"skipped: {skipped:,}")
    for reason, count in report.skipped.items():
        print(f"  {reason}: {count:,}")
    print(f"{report.seconds:.1f} s, {rate:,.0f} records/s")

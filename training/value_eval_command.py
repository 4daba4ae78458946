"""`gozero eval value`: how well a network says who will win."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from engine import network_file
from engine.network_file import POLICY, NetworkFileError
from gozero.record import SPLITS
from training.batches import ALL
from training.eval_games import default_split, read_games, reporting
from training.value_eval import ValueResult, ValueScores, draw_plot, evaluate_value

EPILOG = """\
Errors are mean squares of the value's distance from z, which is 1 where the player to move won and -1 where not. Games
decided by the clock, or with an unknown result, are left out. Intervals hold 95 % and allow for positions of one game
hanging together.

examples:
  gozero eval value --network compact-9 --games games.store
  gozero eval value --network value-9.onnx --games runs/value-9/games.store --one-a-game --plot calibration.png"""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero eval value`."""
    parser = argparse.ArgumentParser(
        prog="gozero eval value",
        description="How well a network says who will win, in games that it was not trained on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--network", help="shipped name or .onnx file (default: the shipped one for the board size)")
    add("--games", nargs="+", required=True, metavar="PATH", help="a packed store, or SGF files, folders or archives")
    add("--split", choices=[*SPLITS, ALL], help="default: test of a store, all of other records")
    add("--source", action="append", default=[], metavar="TEXT", help="only games whose source contains TEXT")
    add("--size", type=int, help="board size (default: the network's)")
    add("--positions", type=int, default=20_000, metavar="N", help="how many positions (default: %(default)s)")
    add("--one-a-game", action="store_true", help="one position of each game: the one it was played for, if any")
    add("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    add("--batch", type=int, default=32, metavar="N", help="positions a network call (default: %(default)s)")
    add("--threads", type=int, default=1, metavar="N", help="cores to use (default: %(default)s)")
    add("--plot", metavar="FILE", help="draw calibration and error by move number into this image")
    add("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    for name in ("positions", "batch", "threads"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, not {getattr(options, name)}")
    result = _evaluate(options)
    if options.plot:
        draw_plot(result, Path(options.plot))
    if options.json:
        print(msgspec.json.encode(result).decode())
    else:
        _print(result)
    return 0


def _evaluate(options: argparse.Namespace) -> ValueResult:
    path = network_file.find(options.network or network_file.AUTO, options.size)
    info = network_file.load_metadata(path)
    if info.kind == POLICY:
        raise NetworkFileError(f"the network {info.name} judges no position: it is of kind {info.kind!r}")
    size = options.size or (network_file.DEFAULT_SIZE if info.boards == "any" else info.boards[-1])
    with read_games(options.games, size, options.threads) as (store, packed):
        from engine.onnx_evaluator import OnnxEvaluator

        with reporting("evaluating", "positions") as tell:
            return evaluate_value(
                OnnxEvaluator(path, threads=options.threads),
                store,
                name=info.name,
                size=size,
                split=options.split or default_split(packed is None),
                positions=options.positions,
                seed=options.seed,
                sources=tuple(options.source),
                single=options.one_a_game,
                batch_size=options.batch,
                on_progress=tell,
            )


def _print(result: ValueResult) -> None:
    """The result as tables for people."""
    size = result.board_size
    print(
        f"{result.network} on {size}x{size}: {result.positions:,} positions of {result.games:,} games ({result.split})"
    )
    print(f"values spread by {result.spread:.3f}; {result.positions_per_s:,.0f} positions a second\n")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("moves", "positions", "squared error", "a quarter", "constant", "below it %", "winner named %"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("all", *_cells(result))
    for part in result.by_move:
        table.add_row(f"{part.first}-{part.last}", *_cells(part))
    marks = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("value", "positions", "mean value", "mean result"):
        marks.add_column(name, justify="right", no_wrap=True)
    for mark in result.calibration:
        bounds = f"{mark.low:+.1f} to {mark.high:+.1f}"
        marks.add_row(bounds, f"{mark.positions:,}", f"{mark.mean_value:+.3f}", f"{mark.mean_result:+.3f}")
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table, highlight=False)
    print()
    console.print(marks, highlight=False)


def _cells(scores: ValueScores) -> list[str]:
    below = 1 - scores.mse / scores.mse_constant if scores.mse_constant > 0 else 0.0
    return [
        f"{scores.positions:,}",
        f"{scores.mse:.3f}",
        f"{scores.mse_quarter:.3f}",
        f"{scores.mse_constant:.3f}",
        f"{below * 100:.1f}",
        "" if scores.sign_accuracy is None else f"{scores.sign_accuracy * 100:.1f}",
    ]

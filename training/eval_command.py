"""`gozero eval`: how well a network does on held-out games."""

import argparse
import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from engine import network_file
from engine.network_file import NetworkFileError
from gozero.record import SPLITS
from training.batches import ALL
from training.policy_eval import PolicyResult, default_split, evaluate_policy, open_games


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero eval`."""
    parser = argparse.ArgumentParser(
        prog="gozero eval",
        description="Accuracy and loss of a network on game records that it was not trained on.",
        epilog="example: gozero eval policy --network compact-19 --games games.store --source tygem",
    )
    parser.add_argument("what", choices=["policy"], help="which of the network's answers")
    parser.add_argument("--network", help="shipped name or .onnx file (default: the shipped one for the board size)")
    parser.add_argument(
        "--games", nargs="+", required=True, metavar="PATH", help="a packed store, or SGF files or archives"
    )
    parser.add_argument("--split", choices=[*SPLITS, ALL], help="default: test of a store, all of other records")
    parser.add_argument(
        "--source", action="append", default=[], metavar="TEXT", help="only games whose source contains TEXT"
    )
    parser.add_argument("--size", type=int, help="board size (default: the network's)")
    parser.add_argument("--positions", type=int, default=20_000, help="positions drawn over all games (default 20000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw (default 0)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the network (default 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if options.positions < 1:
        parser.error("--positions must be at least 1")
    if options.threads < 1:
        parser.error("--threads must be at least 1")
    result = _evaluate(options)
    if options.json:
        print(msgspec.json.encode(result).decode())
    else:
        _print_table(result)
    return 0


def _evaluate(options: argparse.Namespace) -> PolicyResult:
    from engine.onnx_evaluator import OnnxEvaluator

    path = network_file.find(options.network or network_file.AUTO, options.size)
    info = network_file.load_metadata(path)
    size = options.size or (network_file.DEFAULT_SIZE if info.boards == "any" else info.boards[-1])
    if not info.supports(size):
        raise NetworkFileError(f"the network {info.name} plays on {info.boards_text()}, not on {size}x{size}")
    evaluator = OnnxEvaluator(path, threads=options.threads)
    try:
        with (
            open_games(options.games, size) as (store, packed),
            Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar,
        ):
            task = bar.add_task("evaluating", total=options.positions)
            return evaluate_policy(
                evaluator,
                store,
                name=info.name,
                size=size,
                split=options.split or default_split(packed),
                positions=options.positions,
                seed=options.seed,
                sources=tuple(options.source),
                on_progress=lambda done: bar.update(task, completed=done),
            )
    finally:
        evaluator.close()


def _print_table(result: PolicyResult) -> None:
    low, high = result.top1_ci95
    table = Table(show_header=False, box=None)
    table.add_row("network", f"{result.network} on {result.board_size}x{result.board_size}")
    table.add_row("games", f"{result.games:,} ({result.split}: {', '.join(result.sources)})")
    table.add_row("positions", f"{result.positions:,}, {result.positions_per_s:,.0f} a second")
    table.add_row("top-1", f"{result.top1:.2%} (95 %: {low:.2%} to {high:.2%})")
    table.add_row("top-5", f"{result.top5:.2%}")
    table.add_row("cross-entropy", f"{result.nll:.3f} nats")
    if result.value_mse is not None:
        table.add_row("value error", f"{result.value_mse:.3f} (mean square on ±1; a constant 0 has about 1)")
    if result.value_accuracy is not None:
        table.add_row("winner named", f"{result.value_accuracy:.1%}")
    Console().print(table, highlight=False)

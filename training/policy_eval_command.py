"""`gozero eval policy`: how often a network finds the move that was played."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET
from rich.console import Console
from rich.table import Table

from engine import network_file
from engine.network_file import NetworkFileError, NetworkInfo
from gozero.record import SPLITS
from training.archives import ARCHIVES
from training.batches import ALL
from training.eval_games import default_split, read_games, reporting
from training.policy_eval import BATCH, LONGEST_GAME, Comparison, PolicyResult, Scores, evaluate_policy, phases

EPILOG = """\
Positions are drawn by --seed over all games of the split, those left out where the player passed: the same command
looks at the same positions whatever the network. Intervals hold 95 % and allow for positions of one game hanging
together.

examples:
  gozero eval policy --network compact-19 --games games.store --source tygem
  gozero eval policy --network mine.onnx --games my-games/ --symmetries
  gozero eval policy --network small-fp16.onnx --against small.onnx --games games.store"""
WITHOUT_VALUE = "policy"
"""The kind of network that says nothing about who wins."""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero eval policy`."""
    options = _parser().parse_args(argv)
    for name in ("positions", "batch", "threads"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, not {getattr(options, name)}")
    result = _evaluate(options)
    if options.json:
        print(msgspec.json.encode(result).decode())
    else:
        print_result(result)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gozero eval policy",
        description="How often a network finds the move that was played, in games that it was not trained on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--network", help="shipped name or .onnx file (default: the shipped one for the board size)")
    add("--against", metavar="NETWORK", help="another network to compare with, on the same positions")
    add("--games", nargs="+", required=True, metavar="PATH", help="a packed store, or SGF files, folders or archives")
    add("--split", choices=[*SPLITS, ALL], help="default: test of a store, all of other records")
    add("--source", action="append", default=[], metavar="TEXT", help="only games whose source contains TEXT")
    add("--size", type=int, help="board size (default: the network's)")
    add("--positions", type=int, default=20_000, metavar="N", help="how many positions (default: %(default)s)")
    add("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    add("--symmetries", action="store_true", help="also average over the board's eight symmetries (takes 8 x as long)")
    add("--batch", type=int, default=BATCH, metavar="N", help="positions a network call (default: %(default)s)")
    add("--threads", type=int, default=1, metavar="N", help="cores to use (default: %(default)s)")
    add("--json", action="store_true", help="print one JSON object")
    return parser


def _evaluate(options: argparse.Namespace) -> PolicyResult:
    path, info, size = _network(options.network or network_file.AUTO, options.size)
    against = _network(options.against, size)[:2] if options.against else None
    with read_games(options.games, size, options.threads) as (store, packed):
        from engine.onnx_evaluator import OnnxEvaluator

        evaluator = OnnxEvaluator(path, threads=options.threads)
        other = OnnxEvaluator(against[0], threads=options.threads) if against else None
        name, other_name = _names(path, info, against)
        with reporting("evaluating", "positions") as tell:
            return evaluate_policy(
                evaluator,
                store,
                name=name,
                size=size,
                split=options.split or default_split(packed is None),
                positions=options.positions,
                seed=options.seed,
                sources=tuple(options.source),
                with_value=info.kind != WITHOUT_VALUE,
                symmetries=options.symmetries,
                batch_size=options.batch,
                threads=options.threads,
                against=(other, other_name) if other else None,
                on_progress=tell,
            )


def _network(name: str, size: int | None) -> tuple[Path, NetworkInfo, int]:
    """(file, metadata, board size) of a network. Raises NetworkFileError."""
    path = network_file.find(name, size)
    info = network_file.load_metadata(path)
    size = size or (network_file.DEFAULT_SIZE if info.boards == "any" else info.boards[-1])
    if not info.supports(size):
        raise NetworkFileError(f"the network {info.name} plays on {info.boards_text()}, not on {size}x{size}")
    return path, info, size


def _names(path: Path, info: NetworkInfo, against: tuple[Path, NetworkInfo] | None) -> tuple[str, str]:
    """What the networks are called: by file where both say the same."""
    if against and against[1].name == info.name:
        return str(path), str(against[0])
    return info.name, against[1].name if against else ""


def print_result(result: PolicyResult) -> None:
    """The result as text and a table for people."""
    print(f"{result.network} on {result.board_size}x{result.board_size}")
    print(f"{result.games:,} games ({result.split}) from {', '.join(map(_bare, result.sources))}")
    print(f"{result.positions:,} positions, {result.positions_per_s:,.0f} a second\n")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for name in ("positions", "top-1 %", "top-5 %", "nats"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("8 symmetries: %", "nats") if result.top1_symmetries is not UNSET else ():
        table.add_column(name, justify="right", no_wrap=True)
    plies = {name: f"{name}, plies {_range(first, end)}" for name, first, end in phases(result.board_size)}
    _add_row(table, "all", result)
    for group in result.phases:
        _add_row(table, plies[group.name], group)
    for group in result.by_source if len(result.by_source) > 1 else ():
        _add_row(table, _bare(group.name), group)
    for group in result.by_rank:
        _add_row(table, f"rank {group.name}", group)
    if result.against is not UNSET:
        _add_row(table, result.against.network, result.against.scores)
    console = Console()
    # A file or a pipe has no width of its own; nothing may be cut there.
    Console(width=None if console.is_terminal else 200).print(table, highlight=False)
    if result.against is not UNSET:
        _print_comparison(result, result.against)
    if result.value_mse is not None:
        print(f"\nvalue: mean squared error {result.value_mse:.3f} on results of ±1 (a constant 0 has about 1)")
    if result.value_accuracy is not None:
        print(f"value: names the winner of {result.value_accuracy:.1%}")


def _bare(source: str) -> str:
    """An archive's name without what says how it is packed."""
    return next((source.removesuffix(end) for end in ARCHIVES if source.endswith(end)), source)


def _range(first: int, end: int) -> str:
    return f"{first}-{end - 1}" if end < LONGEST_GAME else f"{first} on"


def _add_row(table: Table, name: str, scores: Scores) -> None:
    cells = [
        f"{scores.positions:,}",
        _share(scores.top1, scores.top1_ci95),
        f"{scores.top5 * 100:.1f}",
        f"{scores.nll:.3f}",
    ]
    if scores.top1_symmetries is not UNSET and scores.top1_symmetries_ci95 is not UNSET:
        cells += [_share(scores.top1_symmetries, scores.top1_symmetries_ci95), f"{scores.nll_symmetries:.3f}"]
    table.add_row(name, *cells)


def _share(share: float, interval: tuple[float, float]) -> str:
    """Per cent, with the farther end of the interval (it is nearly even)."""
    return f"{share * 100:.2f} ± {max(interval[1] - share, share - interval[0]) * 100:.2f}"


def _print_comparison(result: PolicyResult, against: Comparison) -> None:
    how = ", averaged over the eight symmetries" if result.top1_symmetries is not UNSET else ""
    top1, nll = against.top1_difference_ci95, against.nll_difference_ci95
    points = f" (95 %: {top1[0] * 100:+.2f} to {top1[1] * 100:+.2f})" if top1 else ""
    nats = f" (95 %: {nll[0]:+.4f} to {nll[1]:+.4f})" if nll else ""
    print(f"\n{result.network} minus {against.network}{how}:")
    print(f"  top-1          {against.top1_difference * 100:+.2f} points{points}")
    print(f"  cross-entropy  {against.nll_difference:+.4f} nats{nats}")
    print(f"  both right or both wrong in {against.agreement:.1%}")

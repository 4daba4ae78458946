"""`gozero bench features`: input planes and minibatches from positions of real games."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero import timing
from gozero._board import state_length
from gozero._features import HISTORY
from gozero.data_files import data_dir
from gozero.features import feature_set
from gozero.geometry import symmetry_table
from gozero.record import decode, rules_of_code
from gozero.store import Store
from training import _batches, _bench_features
from training.batches import ALL, BatchSource
from training.eval_games import open_games
from training.pack import PackError

SIZES: Final = (9, 19)
SETS: Final = {"alphago48": "alphago48", "prefix12": "alphago12", "compact": "compact"}
"""What a figure is called -> the feature set that it is about."""
MOST_BOARDS: Final = 1000
"""Positions that planes are made of."""
PLANES_SECONDS: Final = 0.1
"""About how long a run of planes takes."""
ROWS: Final = 256
"""Rows of a minibatch."""
BATCHES: Final = 16
"""Minibatches in a run."""

EPILOG = """\
Planes are made of positions in the middle of the games, from ply 60 to 160 on 19x19 and 13 to 36 on 9x9 (a sixth to
four ninths of the board's points), ladders read out. `prefix12` is the first 12 planes of `alphago48`. Rows of
minibatches are positions of all plies, replayed from the start of the game, in a random one of the eight symmetries.

All is CPU time of one thread, but for --threads. For steady figures keep the process on one core and that core free:
  taskset -c 0 gozero bench features

examples: gozero bench features --json
          gozero bench features --games stores/mine --threads 4"""


class Boards(NamedTuple):
    """Positions of one board size."""

    states: NDArray[np.uint32]  # [boards, state]
    recent: NDArray[np.int32]  # [boards, HISTORY]
    colours: NDArray[np.int64]  # [boards], who is to move


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench features`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench features",
        description="How many positions a second become input planes, and rows of training minibatches.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--games",
        nargs="+",
        metavar="PATH",
        help="SGF files, folders, archives, or a packed store (default: the sample games)",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="also make minibatches on N threads, by the clock")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if options.threads is not None and options.threads < 1:
        parser.error(f"--threads is a number from 1, not {options.threads}")
    figures = measure(options.games or [str(data_dir() / "games")], options.threads)
    print(json.dumps(figures) if options.json else timing.table(figures))
    return 0


def measure(paths: list[str], threads: int | None = None) -> dict[str, Any]:
    """The figures by name and board size; None where there are no games of a size.

    Raises:
        ArchiveError, StoreError: the games cannot be read.
        PackError: there are games of neither size.
    """
    figures: dict[str, Any] = {name: {} for name in (*SETS, "minibatch", "minibatch_compact")}
    figures |= {"minibatch_threads": {"threads": threads}, "games": {}, "boards": {}}
    for size in SIZES:
        for name, value in _of_size(paths, size, threads).items():
            figures[name][str(size)] = value
    if not any(figures["games"].values()):
        raise PackError(f"{', '.join(paths)}: no game on 9x9 or 19x19 to make planes of")
    return figures


def _of_size(paths: list[str], size: int, threads: int | None) -> dict[str, float | int | None]:
    nothing: dict[str, float | int | None] = dict.fromkeys((*SETS, "minibatch", "minibatch_compact"))
    nothing |= {"minibatch_threads": None, "games": 0, "boards": 0}
    try:
        with open_games(paths, size) as (store, _):
            if not (store.games["size"] == size).any():
                return nothing
            boards = middle_boards(store, size)
            figures = {name: planes_per_s(boards, size, named) for name, named in SETS.items()}
            return figures | {
                "minibatch": rows_per_s(store, size, "alphago48"),
                "minibatch_compact": rows_per_s(store, size, "compact"),
                "minibatch_threads": None if threads is None else rows_per_s(store, size, "alphago48", threads),
                "games": int((store.games["size"] == size).sum()),
                "boards": len(boards.states),
            }
    except PackError:
        return nothing


def middle_boards(store: Store, size: int) -> Boards:
    """Positions in the middle of the store's games of one size, at most MOST_BOARDS, spread over all of them."""
    first, last = size * size // 6, size * size * 4 // 9
    games = store.games[(store.games["size"] == size) & (store.games["length"] > first)]
    ends = np.minimum(games["length"].astype(np.int64), last + 1)
    cumulative = np.concatenate(([0], np.cumsum(ends - first)))
    count = int(min(MOST_BOARDS, cumulative[-1]))
    boards = Boards(
        np.empty((count, state_length(size)), np.uint32),
        np.empty((count, HISTORY), np.int32),
        np.empty(count, np.int64),
    )
    for i, position in enumerate(np.linspace(0, cumulative[-1], count, endpoint=False).astype(np.int64).tolist()):
        number = int(np.searchsorted(cumulative, position, side="right")) - 1
        game = games[number]
        offset, setup, ply = int(game["offset"]), int(game["setup"]), first + position - int(cumulative[number])
        suicide = int(rules_of_code(int(game["rules"])).suicide)
        _batches.replay(store.moves, offset, setup, ply, size, suicide, boards.states[i], boards.recent[i])
        boards.colours[i], _ = decode(int(store.moves[offset + setup + ply]))
    return boards


def planes_per_s(boards: Boards, size: int, name: str) -> float | None:
    """Positions a second that become the planes of a feature set; None where there is no position."""
    count = len(boards.states)
    if count == 0:
        return None
    features = feature_set(name)
    planes = np.empty(len(features.planes) * size * size, np.uint8)
    where = symmetry_table(size)[0]

    def run(rounds: int) -> None:
        for _ in range(rounds):
            _bench_features.fill_all(*boards, features.code, where, planes)

    once = timing.median_cpu_seconds(lambda: run(1))
    rounds = max(1, round(PLANES_SECONDS / once))
    return count * rounds / timing.median_cpu_seconds(lambda: run(rounds))


def rows_per_s(store: Store, size: int, name: str, threads: int | None = None) -> float:
    """Rows of minibatches a second: by the CPU time of one thread, or by the clock where threads are given."""
    source = BatchSource(
        store,
        feature_set=name,
        size=size,
        split=ALL,
        batch_size=ROWS,
        seed=1,
        threads=1 if threads is None else threads,
    )
    step = 0

    def run() -> None:
        nonlocal step
        for _ in range(BATCHES):
            source.batch(step)
            step += 1

    if threads is None:
        return ROWS * BATCHES / timing.median_cpu_seconds(run)
    run()
    seconds = []
    for _ in range(timing.REPEATS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return ROWS * BATCHES / statistics.median(seconds)

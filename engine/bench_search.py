"""`gozero bench search`: visits a second of a player, what its network could do alone, and what the tree costs."""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from engine import _expand, _select
from engine._expand import LeafBatch
from engine.evaluator import AnyEvaluator, BoardEvaluator, Evaluation, LeafEvaluator
from engine.flight import evaluate, new_batch
from engine.joined_evaluator import JoinedEvaluator
from engine.network_file import NetworkInfo
from engine.player_file import NO_NETWORK, load_player
from engine.root import root_of
from engine.search import Limits, Search, SearchConfig
from engine.tree import Tree
from gozero import timing
from gozero._random import seed_state
from gozero.errors import GozeroError
from gozero.geometry import symmetry_table
from gozero.position import Position

Answer = TypeVar("Answer")

TREE_VISITS: Final = 10_000
"""Visits at which the tree alone is timed."""
_POOL: Final = 64
"""Different policies that the tree is given there."""


class _Timed:
    """An evaluator that adds up the CPU time of its calls."""

    def __init__(self, evaluator: AnyEvaluator) -> None:
        self._evaluator = evaluator
        self._lock = threading.Lock()
        self.feature_set = evaluator.feature_set
        self.supports = evaluator.supports
        self.close = evaluator.close
        self.seconds = 0.0
        if hasattr(evaluator, "evaluate_leaves"):
            self.evaluate_leaves = self._evaluate_leaves

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        return self._timed(lambda: self._evaluator.evaluate(planes, global_values))  # type: ignore[union-attr]

    def evaluate_boards(
        self, boards: NDArray[np.uint32], global_values: NDArray[np.float32], given: NDArray[np.float64]
    ) -> Evaluation:
        evaluator = cast(BoardEvaluator, self._evaluator)
        return self._timed(lambda: evaluator.evaluate_boards(boards, global_values, given))

    def _evaluate_leaves(self, leaves: LeafBatch, count: int) -> Evaluation | None:
        return self._timed(lambda: cast(LeafEvaluator, self._evaluator).evaluate_leaves(leaves, count))

    def _timed(self, call: Callable[[], Answer]) -> Answer:
        started = time.thread_time()
        answer = call()
        taken = time.thread_time() - started
        with self._lock:
            self.seconds += taken
        return answer


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench search`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench search",
        description="Visits a second of a player from the empty board, evaluations a second of its network alone in "
        "batches of the same size on as many threads, and the tree's time for a visit without the network. With one "
        "thread CPU time counts, with more the time that passes. Medians of repeats that take turns.",
        epilog="example: gozero bench search --size 9 --visits 2000 --threads 1 --json",
    )
    parser.add_argument("--player", default="auto", help="a player file (default: auto)")
    parser.add_argument("--network", help="another network than the player's")
    parser.add_argument("--size", type=int, default=19, help="board size (default: 19)")
    parser.add_argument("--visits", type=int, default=800, help="visits of a search (default: 800)")
    parser.add_argument("--threads", type=int, default=1, help="evaluations at one time (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    figures = measure(options.player, options.network, options.size, options.visits, options.threads)
    print(json.dumps(figures) if options.json else timing.table(figures))
    return 0


def measure(player: str, network: str | None, size: int, visits: int, threads: int) -> dict[str, Any]:
    """The figures of one player; speeds are a second's, `network_share` is the network's part of the CPU time."""
    loaded = load_player(player, size, network=network, threads=threads, seed=0)
    search_config = loaded.search.config
    whole = loaded.search.evaluator
    parts = [_Timed(part) for part in ((whole.policy, whole.value) if isinstance(whole, JoinedEvaluator) else (whole,))]
    evaluator = JoinedEvaluator(*parts) if len(parts) == 2 else parts[0]
    position = Position(size)
    clock = time.process_time if threads == 1 else time.perf_counter
    speeds: list[float] = []
    bare: list[float] = []
    shares: list[float] = []
    for repeat in range(timing.REPEATS + 1):  # the first does not count
        search = Search(evaluator, search_config, repeat, loaded.search.rollouts)
        before, started, cpu_started = sum(part.seconds for part in parts), clock(), time.process_time()
        found = search.run(position, Limits(visits=visits))
        seconds, cpu_seconds = clock() - started, time.process_time() - cpu_started
        shares.append((sum(part.seconds for part in parts) - before) / cpu_seconds)
        speeds.append(found.new_visits / seconds)
        bare.append(_bare_speed(search, position, visits, threads, clock))
        search.close()
    loaded.close()
    info: NetworkInfo | None = getattr(getattr(whole, "value", whole), "info", None)
    return {
        "player": player,
        "network": info.name if info else NO_NETWORK,
        "size": size,
        "visits": visits,
        "threads": threads,
        "visits_per_s": statistics.median(speeds[1:]),
        "evals_per_s": statistics.median(bare[1:]),
        "visits_per_eval": statistics.median(speed / other for speed, other in zip(speeds[1:], bare[1:], strict=True)),
        "tree_us_per_visit": tree_seconds(size, search_config) / TREE_VISITS * 1e6,
        "network_share": statistics.median(shares[1:]),
    }


def _bare_speed(
    search: Search, position: Position, evaluations: int, threads: int, clock: Callable[[], float]
) -> float:
    """Evaluations a second, in batches as large as the search's, of the positions that one batch of it holds."""
    assert search.tree is not None
    count = search.config.batch_size
    batch = new_batch(position.size, count)
    root, anywhere = root_of(position, search.config, search.is_turning), np.zeros(0, np.int32)
    batch.symmetry[:] = 0  # drawn only for leaves that the search would ask about
    arrays = search.tree.arrays
    found, _, _ = _select.select_leaves(*arrays, *root, *batch, seed_state(0), anywhere, count, count, count)
    if found == 0:
        raise GozeroError("the search finds no further leaf: measure it with fewer visits")
    batch = LeafBatch(*(part[np.arange(count) % found] for part in batch))  # it may find fewer than it is asked for
    calls = max(1, evaluations // (count * threads))

    def work() -> None:
        for _ in range(calls):
            evaluate(search.evaluator, batch, count)

    with ThreadPoolExecutor(threads) as pool:
        started = clock()
        for done in [pool.submit(work) for _ in range(threads)]:
            done.result()
        return calls * count * threads / (clock() - started)


def tree_seconds(size: int, search_config: SearchConfig) -> float:
    """CPU time of the first 10,000 visits of a tree in batches of a search's size, policies and values from a table."""
    count = search_config.batch_size
    root, table = root_of(Position(size), search_config, turns=False), symmetry_table(size)
    root.terms["rollout_share"] = root.terms["rollouts_first"] = 0
    random = np.random.default_rng(0)
    logits = (2 * random.standard_normal((_POOL + count, size * size + 1))).astype(np.float32)
    values = random.uniform(-0.5, 0.5, _POOL + count).astype(np.float32)
    batch, anywhere = new_batch(size, count), np.zeros(0, np.int32)

    def grow() -> None:
        tree, rng = Tree(size, search_config.memory_mib << 20), seed_state(0)
        _expand.add_root(*tree.arrays, root.state, root.history, root.indices, root.terms)
        _expand.set_root(*tree.arrays, logits[0], 0.0, 0.0, table[0], root.terms)
        while tree.visits < TREE_VISITS:
            found, _, _ = _select.select_leaves(*tree.arrays, *root, *batch, rng, anywhere, count, count, count)
            row = tree.visits % _POOL
            answers = (logits[row:], values[row:], values[row:])
            _expand.apply_answers(*tree.arrays, batch.node, batch.symmetry, found, *answers, table, root.terms)

    return timing.median_cpu_seconds(grow)

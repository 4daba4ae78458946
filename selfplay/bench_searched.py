"""`gozero bench selfplay`, games with search: how fast they are, and how much of the time is the network's."""

from __future__ import annotations

import multiprocessing
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine import network_file
from engine.compact_evaluator import CompactEvaluator
from engine.evaluator import Evaluation, Evaluator
from engine.network_file import NetworkInfo
from engine.runtimes import KERNELS, ON_CPU, choose, load, open_network
from gozero import features
from selfplay.searched_games import Network, SearchedGame, play_searched
from selfplay.searched_settings import SearchedSettings

_SHAPE: Final = re.compile(r"(\d+)x(\d+)")
_FEATURES: Final = "compact"


class Timed:
    """An evaluator that adds up what it is asked, and the time of its calls."""

    def __init__(self, evaluator: Evaluator, clock: Callable[[], float] = time.process_time) -> None:
        self._evaluator = evaluator
        self.feature_set = evaluator.feature_set
        self.supports = evaluator.supports
        self.close = evaluator.close
        self.clock = clock
        self.seconds = 0.0
        self.evaluations = 0
        self.calls = 0

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        started = self.clock()
        answer = self._evaluator.evaluate(planes, global_values)
        self.seconds += self.clock() - started
        self.evaluations += len(planes)
        self.calls += 1
        return answer


class Task(NamedTuple):
    """What one process plays."""

    network: str
    settings: SearchedSettings
    boards: int
    repeats: int
    seed: int
    runtime: str | None
    """None = what is fastest."""
    by_cpu: bool
    """Whether CPU time counts, or the time that passes."""


class Speed(NamedTuple):
    """What one process has measured: medians of repeats, means over all of their games."""

    evaluations_per_s: float
    network_share: float
    mean_batch: float
    moves: float  # of a game
    evaluations: float  # of a game


def opened(network: str, size: int, boards: int, runtime: str | None) -> tuple[Evaluator, str, str]:
    """An evaluator that is asked about so many `boards` at once, the network's name and the runtime.

    Args:
        network: a shipped name, a file, or the shape of a network with random weights, such as 6x64.
        runtime: one of `engine.runtimes.RUNTIMES`; None = what is fastest.

    Raises:
        NetworkFileError: there is none of this name that plays on such boards.
        EvaluatorError: the runtime cannot play it here.
        ValueError: random weights are played by our own kernels alone.
    """
    shape = _SHAPE.fullmatch(network)
    if shape is None:
        path = network_file.find(network, size)
        if runtime is not None:
            asked = load(path, runtime)
            return asked, asked.info.name, runtime
        evaluator = open_network(path, boards)
        return evaluator, evaluator.info.name, choose(path, boards).runtime
    if runtime not in (None, KERNELS):
        raise ValueError(f"random weights are no file, which --runtime {runtime} needs: export a network")
    return _random_network(int(shape[1]), int(shape[2]), network), f"random-{network}", KERNELS


def _random_network(blocks: int, channels: int, name: str) -> CompactEvaluator:
    import torch  # only here: playing does without

    from engine.networks import Architecture, Compact

    architecture = Architecture(blocks=blocks, channels=channels)
    feature_set = features.feature_set(_FEATURES)
    torch.manual_seed(0)
    weights = Compact(architecture, features.plane_count(_FEATURES)).state_dict()
    info = NetworkInfo(
        format=network_file.FORMAT,
        name=name,
        kind=network_file.COMPACT,
        feature_set=feature_set.name,
        feature_version=feature_set.version,
        globals=len(features.GLOBALS),
        boards="any",
        architecture=msgspec.to_builtins(architecture),
        parameters=sum(weight.numel() for weight in weights.values()),
        trained_on={},
        results={},
    )
    return CompactEvaluator.of({key: weight.numpy() for key, weight in weights.items()}, info, name)


def measure(
    network: str, settings: SearchedSettings, boards: int, processes: int, repeats: int, runtime: str | None = None
) -> dict[str, Any]:
    """The figures of one network in as many processes.

    Each repeat plays games without end until the first `boards` of them are over, so that long games count as they do
    in the long run and every batch is full. Of one process CPU time counts, of more, or with a device, the time that
    passes. `runtime`: see `opened`.
    """
    # Holds the trial of runtimes, and says what is wrong.
    _, name, plays = opened(network, settings.size, boards, runtime)
    by_cpu = processes == 1 and plays in ON_CPU
    tasks = [Task(network, settings, boards, repeats, seed, runtime, by_cpu) for seed in range(processes)]
    if processes == 1:
        speeds = [_speed(tasks[0], lambda: None)]
    else:
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(processes)
        with ProcessPoolExecutor(processes, context, _hold, (barrier,)) as pool:
            speeds = list(pool.map(_speed_at_once, tasks))
    evaluations_per_s = sum(speed.evaluations_per_s for speed in speeds)
    moves, evaluations = (statistics.mean(speed[i] for speed in speeds) for i in (3, 4))
    return {
        "network": name,
        "runtime": plays,
        "size": settings.size,
        "root": settings.root,
        "visits": settings.visits,
        "boards": boards,
        "processes": processes,
        "evaluations_per_s": evaluations_per_s,
        "positions_per_s": evaluations_per_s * moves / evaluations,
        "games_per_h": 3600 * evaluations_per_s / evaluations,
        "moves_per_game": moves,
        "mean_batch": statistics.mean(speed.mean_batch for speed in speeds),
        "network_share": statistics.mean(speed.network_share for speed in speeds),
    }


_barrier: Any = None


def _hold(barrier: Any) -> None:
    """Keeps what the processes meet at, in each of them."""
    global _barrier
    _barrier = barrier


def _speed_at_once(task: Task) -> Speed:
    return _speed(task, lambda: _barrier.wait())


def _speed(task: Task, ready: Callable[[], object]) -> Speed:
    """Plays, once all is compiled and the others are `ready`."""
    evaluator, name, _ = opened(task.network, task.settings.size, task.boards, task.runtime)
    clock = time.process_time if task.by_cpu else time.perf_counter
    short = msgspec.structs.replace(task.settings, longest=2)
    for _ in play_searched(lambda: Network(evaluator, name), short, 0, games=1):
        pass
    ready()
    speeds, shares, batches = [], [], []
    games: list[SearchedGame] = []
    for repeat in range(task.repeats):
        timed = Timed(evaluator, clock)
        started = clock()
        seed = task.repeats * task.seed + repeat
        games += _first_games(timed, name, task.settings, task.boards, seed)
        seconds = clock() - started
        speeds.append(timed.evaluations / seconds)
        shares.append(timed.seconds / seconds)
        batches.append(timed.evaluations / timed.calls)
    return Speed(
        evaluations_per_s=statistics.median(speeds),
        network_share=statistics.median(shares),
        mean_batch=statistics.median(batches),
        moves=statistics.mean(len(game.record.moves) for game in games),
        evaluations=statistics.mean(game.evaluations for game in games),
    )


def _first_games(
    evaluator: Evaluator, name: str, settings: SearchedSettings, boards: int, seed: int
) -> list[SearchedGame]:
    """The first `boards` games that are begun, all of them; others are played beside the last of them."""
    games: list[SearchedGame] = []
    for game in play_searched(lambda: Network(evaluator, name), settings, seed, boards=boards):
        if game.number < boards:
            games.append(game)
        if len(games) == boards:
            break
    return games

"""How well a network file says who wins, on held-out positions and through the runtime that plays."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluator
from gozero.store import Store
from selfplay.elo import Z95
from training.batches import ALL, BatchSource
from training.intervals import share_interval, spread_of_mean
from training.samples import one_a_game

BINS: Final = 10
"""Bins of the calibration, equally wide over [-1, 1]."""


class ValueScores(msgspec.Struct, kw_only=True, frozen=True):
    """How well the results of some positions were predicted; z is 1 or -1 (0 for a draw) for the player to move."""

    positions: int
    mse: float
    """Mean of (v - z)^2: a constant 0 has 1 where no game is drawn."""
    mse_ci95: tuple[float, float] | None
    """Positions of one game hang together; None where all are of one game."""
    mse_quarter: float
    """A quarter of it: the same for values and results in [0, 1], as AlphaGo Zero's paper prints it."""
    mse_constant: float
    """Of the best constant for these positions."""
    sign_accuracy: float | None
    """Share of results other than draws whose winner the value names; None where all are draws."""
    sign_accuracy_ci95: tuple[float, float] | None


class MoveRange(ValueScores, kw_only=True, frozen=True):
    """The scores of the positions between two plies."""

    first: int
    last: int


class Bin(msgspec.Struct, kw_only=True, frozen=True):
    """Positions whose values lie between two bounds: in a calibrated network both means agree."""

    low: float
    high: float
    positions: int
    mean_value: float
    mean_result: float


class ValueResult(ValueScores, kw_only=True, frozen=True):
    """What `gozero eval value --json` prints."""

    network: str
    games: int
    """Games that the positions were drawn from."""
    spread: float
    """Standard deviation of the values; near 0 the network says the same of every position."""
    by_move: list[MoveRange]
    calibration: list[Bin]
    one_a_game: bool
    split: str
    sources: list[str]
    board_size: int
    seed: int
    positions_per_s: float


def evaluate_value(
    evaluator: Evaluator,
    store: Store,
    *,
    name: str,
    size: int,
    split: str = ALL,
    positions: int = 20_000,
    seed: int = 0,
    sources: tuple[str, ...] = (),
    single: bool = False,
    batch_size: int = 32,
    on_progress: Callable[[int, int], Any] | None = None,
) -> ValueResult:
    """The scores of `evaluator`, called `name`, on `positions` of a store's games, drawn by `seed`.

    Only games count whose result is known and was not decided by the clock. With `single`, one position of each game
    is looked at: the one that the store names, where it was made for a value network.

    Raises:
        ValueError: the store has no such position.
    """
    source = BatchSource(
        store, feature_set=evaluator.feature_set, size=size, split=split, batch_size=1, seed=seed, sources=sources
    )
    if single:
        source.take_one_a_game(one_a_game(store, seed))
    numbers = np.random.default_rng(seed).permutation(source.chosen)
    taken: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float32]] = []
    results: list[NDArray[np.float32]] = []
    found, started = 0, time.monotonic()
    for start in range(0, len(numbers), batch_size):
        some = np.sort(numbers[start : start + batch_size])
        batch = source.at(some)
        known = np.flatnonzero(batch.value_weight > 0)[: positions - found]
        if len(known):
            answer = evaluator.evaluate(batch.planes[known], batch.globals[known])
            taken.append(some[known])
            values.append(answer.value)
            results.append(batch.value[known])
            found += len(known)
        if on_progress:
            on_progress(min(found, positions), min(positions, len(numbers)))
        if found >= positions:
            break
    seconds = time.monotonic() - started
    if not found:
        which = "" if split == ALL else f" of the {split} split"
        raise ValueError(f"no {size}x{size} game{which} says who won, other than by the clock, and with what komi")
    rows, plies = source.locate(np.concatenate(taken))
    value, result = np.concatenate(values).astype(np.float64), np.concatenate(results).astype(np.float64)
    whole = scores(value, result, rows)
    return ValueResult(
        **msgspec.structs.asdict(whole),
        network=name,
        games=len(np.unique(rows)),
        spread=float(value.std()),
        by_move=by_move(value, result, rows, plies),
        calibration=calibration(value, result),
        one_a_game=single,
        split=split,
        sources=[name for name in store.meta.sources if any(text in name for text in sources or ("",))],
        board_size=size,
        seed=seed,
        positions_per_s=found / max(seconds, 1e-9),
    )


def scores(values: NDArray[np.float64], results: NDArray[np.float64], games: NDArray[np.int64]) -> ValueScores:
    """The scores of float64[n] values for float64[n] results; those with equal `games`, int64[n], are of one game."""
    errors = np.square(values - results)
    mean, spread = float(errors.mean()), spread_of_mean(errors, games)
    decided = results != 0
    right: NDArray[np.bool_] = np.sign(values[decided]) == np.sign(results[decided])
    return ValueScores(
        positions=len(values),
        mse=mean,
        mse_ci95=None if spread is None else (mean - Z95 * spread, mean + Z95 * spread),
        mse_quarter=mean / 4,
        mse_constant=float(np.square(results - results.mean()).mean()),
        sign_accuracy=float(right.mean()) if len(right) else None,
        sign_accuracy_ci95=share_interval(right, games[decided]) if len(right) else None,
    )


def by_move(
    values: NDArray[np.float64], results: NDArray[np.float64], games: NDArray[np.int64], plies: NDArray[np.int64]
) -> list[MoveRange]:
    """The scores of every ten plies (of more on large boards, so that there are a dozen ranges)."""
    width = 10 * math.ceil((int(plies.max()) + 1) / 120)
    ranges = []
    for first in range(0, int(plies.max()) + 1, width):
        chosen = (plies >= first) & (plies < first + width)
        if chosen.any():
            part = scores(values[chosen], results[chosen], games[chosen])
            ranges.append(MoveRange(**msgspec.structs.asdict(part), first=first, last=first + width - 1))
    return ranges


def calibration(values: NDArray[np.float64], results: NDArray[np.float64]) -> list[Bin]:
    """What was predicted and what became of it, by value; bins without a position are left out."""
    place = np.clip(((values + 1) / 2 * BINS).astype(int), 0, BINS - 1)
    return [
        Bin(
            low=2 * i / BINS - 1,
            high=2 * (i + 1) / BINS - 1,
            positions=int((place == i).sum()),
            mean_value=float(values[place == i].mean()),
            mean_result=float(results[place == i].mean()),
        )
        for i in range(BINS)
        if (place == i).any()
    ]


def draw_plot(result: ValueResult, path: Path) -> None:
    """Calibration, and the error by move number beside that of a constant, as an image."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    left.plot([-1, 1], [-1, 1], color="0.7", label="calibrated")
    left.plot([b.mean_value for b in result.calibration], [b.mean_result for b in result.calibration], "o-")
    left.set(xlabel="value", ylabel="mean result", title=f"{result.network}: {result.positions:,} positions")
    middle = [(part.first + part.last) / 2 for part in result.by_move]
    right.plot(middle, [part.mse for part in result.by_move], "o-", label="network")
    right.plot(middle, [part.mse_constant for part in result.by_move], color="0.7", label="constant")
    right.set(xlabel="move", ylabel="squared error on z in {-1, 1}", ylim=(0, None))
    for axes in (left, right):
        axes.legend()
    figure.savefig(path)
    pyplot.close(figure)

"""How well a network file predicts held-out moves, measured through the runtime that plays."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluator
from gozero.record import Store
from selfplay.elo import wilson_interval
from training import pack
from training.batches import ALL, BatchSource

BATCH = 64
"""Positions a network call."""


class PolicyResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `gozero eval policy --json` prints; accuracies are shares of positions."""

    network: str
    games: int
    """Games that the positions were drawn from."""
    positions: int
    top1: float
    """The network's first choice was the move played."""
    top1_ci95: tuple[float, float]
    """Wilson interval over positions, taken as independent (a few positions a game)."""
    top5: float
    nll: float
    """Cross-entropy in nats of the move played."""
    value_mse: float | None
    """Mean squared error of the value on z in {-1, 0, 1}; None where no result is known."""
    value_accuracy: float | None
    """Share of known results other than draws whose winner the value names."""
    split: str
    sources: list[str]
    """Where the games came from."""
    board_size: int
    positions_per_s: float
    """Speed of the evaluation, board replay included."""


@contextmanager
def open_games(paths: list[str], size: int) -> Iterator[tuple[Store, bool]]:
    """A store that holds the games under `paths`, and whether it was one already: SGF files and archives are packed for
    as long as the context lasts. Raises StoreError, ArchiveError or PackError."""
    if len(paths) == 1 and (Path(paths[0]) / "meta.json").is_file():
        yield Store.open(paths[0]), True
        return
    with TemporaryDirectory(prefix="gozero-eval-", ignore_cleanup_errors=True) as folder:
        settings = pack.Settings(keep_unknown_results=True, sizes=(size,))
        report = pack.pack(paths, Path(folder) / "store", settings=settings)
        yield Store.open(report.store), False


def draw_positions(available: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """`wanted` different positions of `available`, or all of them, ascending."""
    if wanted >= available:
        return np.arange(available)
    return np.sort(np.random.default_rng(seed).choice(available, wanted, replace=False))


def evaluate_policy(
    evaluator: Evaluator,
    store: Store,
    *,
    name: str,
    size: int,
    split: str,
    positions: int,
    seed: int = 0,
    sources: tuple[str, ...] = (),
    on_progress: Callable[[int], Any] | None = None,
) -> PolicyResult:
    """Accuracy and loss of `evaluator` on positions drawn by `seed` over all games of `split`.

    `on_progress` hears how many positions are done. Raises ValueError when the store has no such game.
    """
    source = BatchSource(
        store,
        feature_set=evaluator.feature_set,
        size=size,
        split=split,
        batch_size=BATCH,
        seed=seed,
        symmetry=False,
        sources=sources,
    )
    drawn = draw_positions(source.positions, positions, seed)
    ranks: list[NDArray[np.int64]] = []
    losses: list[NDArray[np.float64]] = []
    values: list[NDArray[np.float32]] = []
    started = time.monotonic()
    for start in range(0, len(drawn), BATCH):
        batch = source.at(drawn[start : start + BATCH])
        answer = evaluator.evaluate(batch.planes, batch.globals)
        logits = answer.policy_logits.astype(np.float64)
        played = np.take_along_axis(logits, batch.policy[:, None], 1)
        ranks.append((logits >= played).sum(1) - 1)  # equal logits count against the network
        highest = logits.max(1)
        losses.append(highest + np.log(np.exp(logits - highest[:, None]).sum(1)) - played[:, 0])
        values.append(np.stack([answer.value, batch.value, batch.value_weight]))
        if on_progress:
            on_progress(start + len(batch.policy))
    seconds = time.monotonic() - started
    rank = np.concatenate(ranks)
    value, result, weight = np.concatenate(values, axis=1)
    known, decided = weight > 0, (weight > 0) & (result != 0)
    right = int((rank == 0).sum())
    used = sources or ("",)
    return PolicyResult(
        network=name,
        games=source.games,
        positions=len(drawn),
        top1=right / len(drawn),
        top1_ci95=wilson_interval(right, len(drawn)),
        top5=float((rank < 5).mean()),
        nll=float(np.concatenate(losses).mean()),
        value_mse=float(np.square(value - result)[known].mean()) if known.any() else None,
        value_accuracy=float((np.sign(value) == result)[decided].mean()) if decided.any() else None,
        split=split,
        sources=[origin for origin in store.meta.sources if any(text in origin for text in used)],
        board_size=size,
        positions_per_s=len(drawn) / max(seconds, 1e-9),
    )


def default_split(packed: bool) -> str:
    """The test split of a store; loose records are all taken, as nobody trained on them here."""
    return "test" if packed else ALL

"""How well a network file predicts held-out moves, measured through the runtime that plays."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from engine.evaluator import Evaluator
from gozero.geometry import SYMMETRIES, symmetry_table
from gozero.record import MAX_CODES, WHITE_BIT
from gozero.store import Store
from gozero.symmetry import transform_planes
from training.batches import Batch, BatchSource
from training.intervals import difference_interval, share_interval

BATCH: Final = 32
"""Positions a network call, where nobody says otherwise."""
LONGEST_GAME: Final = MAX_CODES + 1
"""No game of a store has so many plies."""
RANKS: Final = (("kyu", -30, -1), ("1d-5d", 1, 5), ("6d-10d", 6, 10), ("professional", 11, 20))
"""Groups of players: name, lowest and highest `record.rank_code`. AlphaGo learned from the third (KGS 6-9 dan)."""


class Scores(msgspec.Struct, kw_only=True, frozen=True):
    """How well some positions were predicted; accuracies are shares of positions.

    Intervals hold 95 % and take positions of one game to hang together. Keys with `symmetries` are of the average of
    the probabilities over the eight symmetries, and are there only where that was asked for.
    """

    positions: int
    top1: float
    """The network's first choice was the move played."""
    top1_ci95: tuple[float, float]
    top5: float
    nll: float
    """Cross-entropy in nats of the move played."""
    top1_symmetries: float | UnsetType = UNSET
    top1_symmetries_ci95: tuple[float, float] | UnsetType = UNSET
    top5_symmetries: float | UnsetType = UNSET
    nll_symmetries: float | UnsetType = UNSET


class Group(Scores, kw_only=True, frozen=True):
    """The scores of a part of the positions."""

    name: str


class Comparison(msgspec.Struct, kw_only=True, frozen=True):
    """Another network on the same positions. Differences are the first network's minus the other's; with symmetries,
    both are averaged over them."""

    network: str
    scores: Scores
    top1_difference: float
    top1_difference_ci95: tuple[float, float] | None
    """95 % interval of the paired difference; None where all positions are of one game."""
    nll_difference: float
    nll_difference_ci95: tuple[float, float] | None
    agreement: float
    """Share of positions where both networks are right or both are wrong."""


class PolicyResult(Scores, kw_only=True, frozen=True):
    """What `gozero eval policy --json` prints. Passes are not predicted: AlphaGo's paper leaves them out as well."""

    network: str
    games: int
    """Games that the positions were drawn from."""
    value_mse: float | None
    """Mean squared error of the value on z in {-1, 0, 1}; None where no result is known or the network has no value."""
    value_accuracy: float | None
    """Share of known results other than draws whose winner the value names."""
    phases: list[Group]
    """Opening, middle and end, see `phases`."""
    by_source: list[Group]
    """By archive or folder."""
    by_rank: list[Group]
    """By rank of the player to move, where known."""
    against: Comparison | UnsetType = UNSET
    split: str
    sources: list[str]
    """Where the games came from."""
    board_size: int
    seed: int
    positions_per_s: float
    """Speed of the evaluation, board replay included."""


def phases(size: int) -> list[tuple[str, int, int]]:
    """(name, first ply, ply after the last) of the phases of a game: 60 and 150 plies on 19x19 end the first two, and
    as much of smaller boards' points (9x9: 14 and 34)."""
    points = size * size
    opening, middle = round(points / 6), round(points * 5 / 12)
    return [("opening", 0, opening), ("middle", opening, middle), ("end", middle, LONGEST_GAME)]


@dataclass(frozen=True)
class Positions:
    """The positions drawn: where they come from.

    Attributes:
        numbers: int64[n], ascending, as `BatchSource.at` wants them.
        rows: int64[n], rows of the store's games.
        plies: int64[n], moves made before.
        colours: uint8[n], 1 where White is to move, else 0.
    """

    numbers: NDArray[np.int64]
    rows: NDArray[np.int64]
    plies: NDArray[np.int64]
    colours: NDArray[np.uint8]


def draw_positions(store: Store, source: BatchSource, wanted: int, seed: int) -> Positions:
    """`wanted` different positions of `source` in which the player did not pass, or all there are.

    Raises ValueError when there is none.
    """
    available = source.positions
    # Passes are rare, so twice as many as wanted hold enough.
    numbers = np.random.default_rng(seed).choice(available, min(available, 2 * wanted + 100), replace=False)
    rows, plies = source.locate(numbers)
    games = store.games[rows]
    codes = store.moves[games["offset"].astype(np.int64) + games["setup"] + plies]
    kept = np.flatnonzero((codes & ~np.uint16(WHITE_BIT)) < source.size**2)[:wanted]
    if not len(kept):
        raise ValueError(f"{store.called} has no {source.size}x{source.size} game with a move other than a pass")
    kept = kept[np.argsort(numbers[kept])]
    return Positions(numbers[kept], rows[kept], plies[kept], (codes[kept] >> np.uint16(15)).astype(np.uint8))


@dataclass(frozen=True)
class Predictions:
    """What a network said about n positions.

    Attributes:
        rank: int64[n], how many moves it liked at least as well as the one played: 0 is right.
        nll: float64[n], nats.
        rank_symmetries, nll_symmetries: the same of the average over the symmetries, or None.
        value: float32[3, n]: the network's value, the result, the result's weight; float32[3, 0] without a value.
        seconds: how long it took.
    """

    rank: NDArray[np.int64]
    nll: NDArray[np.float64]
    rank_symmetries: NDArray[np.int64] | None
    nll_symmetries: NDArray[np.float64] | None
    value: NDArray[np.float32]
    seconds: float


def predict(
    evaluator: Evaluator,
    source: BatchSource,
    positions: NDArray[np.int64],
    *,
    with_value: bool = True,
    symmetries: bool = False,
    batch_size: int = BATCH,
    on_progress: Callable[[int], Any] | None = None,
) -> Predictions:
    """The predictions of `evaluator` for the positions with the numbers `positions` of `source`.

    `on_progress` hears after each batch how many positions it had.
    """
    plain: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    averaged: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    values: list[NDArray[np.float32]] = [np.zeros((3, 0), np.float32)]
    started = time.monotonic()
    for start in range(0, len(positions), batch_size):
        batch = source.at(positions[start : start + batch_size])
        answer = evaluator.evaluate(batch.planes, batch.globals)
        probabilities = softmax(answer.policy_logits)
        plain.append(_judge(probabilities, batch.policy))
        if with_value:
            values.append(np.stack([answer.value, batch.value, batch.value_weight]))
        if symmetries:
            averaged.append(_judge(_average_over_symmetries(evaluator, batch, probabilities), batch.policy))
        if on_progress:
            on_progress(len(batch.policy))
    ranks, losses = zip(*plain, strict=True)
    symmetric = list(zip(*averaged, strict=True)) if symmetries else None
    return Predictions(
        np.concatenate(ranks),
        np.concatenate(losses),
        np.concatenate(symmetric[0]) if symmetric else None,
        np.concatenate(symmetric[1]) if symmetric else None,
        np.concatenate(values, axis=1),
        time.monotonic() - started,
    )


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of each row of logits [B, M]."""
    powers = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return shares


def _average_over_symmetries(evaluator: Evaluator, batch: Batch, identity: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the eight symmetries of the probabilities [B, S*S+1], turned back; `identity` are those of the
    batch as it is."""
    total = identity.copy()
    table = symmetry_table(batch.planes.shape[-1])
    for symmetry in range(1, SYMMETRIES):
        answer = evaluator.evaluate(transform_planes(batch.planes, symmetry), batch.globals)
        total += softmax(answer.policy_logits)[:, table[symmetry]]
    return total / SYMMETRIES


def _judge(
    probabilities: NDArray[np.float64], played: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(rank, loss) of the moves played; equally likely moves count against the network."""
    of_played = np.take_along_axis(probabilities, played[:, None], 1)
    # A move that is given no chance at all costs as much as the least float above 0, not infinitely much.
    nll = -np.log(np.maximum(of_played[:, 0], np.finfo(np.float64).tiny))
    return (probabilities >= of_played).sum(1) - 1, nll


def score(
    predictions: Predictions, games: NDArray[np.int64], chosen: NDArray[np.bool_] | slice = slice(None)
) -> Scores:
    """The scores of the chosen positions; int64[n] `games` says which are of one game."""
    rank, nll, games = predictions.rank[chosen], predictions.nll[chosen], games[chosen]
    result = Scores(
        positions=len(rank),
        top1=float((rank == 0).mean()),
        top1_ci95=share_interval(rank == 0, games),
        top5=float((rank < 5).mean()),
        nll=float(nll.mean()),
    )
    if predictions.rank_symmetries is None or predictions.nll_symmetries is None:
        return result
    rank = predictions.rank_symmetries[chosen]
    return msgspec.structs.replace(
        result,
        top1_symmetries=float((rank == 0).mean()),
        top1_symmetries_ci95=share_interval(rank == 0, games),
        top5_symmetries=float((rank < 5).mean()),
        nll_symmetries=float(predictions.nll_symmetries[chosen].mean()),
    )


def compare(predictions: Predictions, others: Predictions, games: NDArray[np.int64], other_name: str) -> Comparison:
    """The paired difference between two networks' predictions of the same positions."""
    ours, our_nll = _final(predictions)
    theirs, their_nll = _final(others)
    right = (ours == 0).astype(np.float64) - (theirs == 0)
    nll = our_nll - their_nll
    return Comparison(
        network=other_name,
        scores=score(others, games),
        top1_difference=float(right.mean()),
        top1_difference_ci95=difference_interval(right, games),
        nll_difference=float(nll.mean()),
        nll_difference_ci95=difference_interval(nll, games),
        agreement=float((right == 0).mean()),
    )


def _final(predictions: Predictions) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rank and loss, averaged over symmetries where that was done."""
    if predictions.rank_symmetries is not None and predictions.nll_symmetries is not None:
        return predictions.rank_symmetries, predictions.nll_symmetries
    return predictions.rank, predictions.nll


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
    with_value: bool = True,
    symmetries: bool = False,
    batch_size: int = BATCH,
    threads: int = 1,
    against: tuple[Evaluator, str] | None = None,
    on_progress: Callable[[int, int], Any] | None = None,
) -> PolicyResult:
    """Accuracy and loss of `evaluator` on positions drawn by `seed` over all games of `split`.

    Args:
        name: what the network is called.
        with_value: whether the network has a value to judge too.
        symmetries: whether to measure the average over the eight symmetries too, at eight times the cost.
        threads: that make the batches.
        against: another network, with its name, to compare with on the same positions.
        on_progress: hears (done, total) after each batch; with another network each position counts twice.

    Raises:
        ValueError: the store has no such game.
    """

    def source_for(network: Evaluator) -> BatchSource:
        return BatchSource(
            store,
            feature_set=network.feature_set,
            size=size,
            split=split,
            batch_size=batch_size,
            seed=seed,
            symmetry=False,
            sources=sources,
            threads=threads,
        )

    source = source_for(evaluator)
    drawn = draw_positions(store, source, positions, seed)

    done, total = 0, len(drawn.numbers) * (2 if against else 1)

    def advance(more: int) -> None:
        nonlocal done
        done += more
        if on_progress:
            on_progress(done, total)

    def predictions_of(network: Evaluator, its_source: BatchSource) -> Predictions:
        return predict(
            network,
            its_source,
            drawn.numbers,
            with_value=with_value,
            symmetries=symmetries,
            batch_size=batch_size,
            on_progress=advance,
        )

    predictions = predictions_of(evaluator, source)
    comparison: Comparison | UnsetType = UNSET
    if against:
        other, other_name = against
        comparison = compare(predictions, predictions_of(other, source_for(other)), drawn.rows, other_name)
    value, result, weight = predictions.value
    known, decided = weight > 0, (weight > 0) & (result != 0)
    rows = store.games[drawn.rows]
    rank = np.where(drawn.colours == 1, rows["white_rank"], rows["black_rank"])

    def groups(marks: list[tuple[str, NDArray[np.bool_]]]) -> list[Group]:
        return [
            Group(name=name, **msgspec.structs.asdict(score(predictions, drawn.rows, mark)))
            for name, mark in marks
            if mark.any()
        ]

    by_source = groups([(origin, rows["source"] == number) for number, origin in enumerate(store.meta.sources)])
    return PolicyResult(
        **msgspec.structs.asdict(score(predictions, drawn.rows)),
        network=name,
        games=source.games,
        value_mse=float(np.square(value - result)[known].mean()) if known.any() else None,
        value_accuracy=float((np.sign(value) == result)[decided].mean()) if decided.any() else None,
        phases=groups([(phase, (drawn.plies >= first) & (drawn.plies < end)) for phase, first, end in phases(size)]),
        by_source=by_source,
        by_rank=groups([(band, (rank >= low) & (rank <= high)) for band, low, high in RANKS]),
        against=comparison,
        split=split,
        sources=[group.name for group in by_source],
        board_size=size,
        seed=seed,
        positions_per_s=len(drawn.numbers) / max(predictions.seconds, 1e-9),
    )

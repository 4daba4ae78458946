"""`gozero eval rollout`: how often the rollout and tree policies find the move that was played, and how fast."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from engine import rollout_file
from engine.bench_rollout import speed
from engine.rollout import RandomRollouts, RolloutPolicy
from gozero import _board, _tracking
from gozero._board import state_length
from gozero._random import seed_state
from gozero.coords import BLACK, WHITE
from gozero.record import SPLITS, WHITE_BIT
from gozero.store import Store
from selfplay.elo import Z95
from training import _rollout_fit
from training.batches import ALL, BatchSource
from training.eval_games import default_split, read_games, reporting
from training.intervals import share_interval, spread_of_mean
from training.policy_eval import draw_positions
from training.rollout_fit import Games

_ANY_FEATURES = "compact"
_TELL_EVERY = 500
_JUDGED = 2000
"""Positions whose result is told by rollouts; on 19x19 each takes some milliseconds."""
_ROLLOUTS = 16
_ROLLOUT_SEED = 1


class WinnersTold(msgspec.Struct, frozen=True, kw_only=True):
    """How often most of 16 rollouts from a position are won by whoever won the game; where they are even, half."""

    positions: int
    learned: float
    learned_ci95: tuple[float, float]
    random: float
    """The same by moves drawn evenly: what learning is worth."""
    random_ci95: tuple[float, float]


class RolloutResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `gozero eval rollout --json` prints: shares of positions in which the player did not pass. The accuracies
    and the speeds are of the same weights in the same kernels."""

    rollouts: str
    games: int
    positions: int
    top1: float
    """The rollout policy's likeliest move was the move played; ties count against it."""
    top1_ci95: tuple[float, float]
    tree_top1: float
    tree_top1_ci95: tuple[float, float]
    tree_nll: float
    """Cross-entropy of the tree policy in nats, over positions whose move it can play at all."""
    us_per_move: float
    rollouts_per_s: float
    winners: WinnersTold | None
    """None where no game has a winner and a komi."""
    patterns: dict[str, int]
    """How many patterns have a value of their own."""
    split: str
    board_size: int


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero eval rollout`."""
    parser = argparse.ArgumentParser(
        prog="gozero eval rollout",
        description="Accuracy of the rollout and tree policies on game records that they were not learned from.",
        epilog="example: gozero eval rollout --games games.store --source tygem",
    )
    parser.add_argument(
        "--network", default=rollout_file.AUTO, help="shipped rollouts or a .npz file (default: the shipped ones)"
    )
    parser.add_argument(
        "--games", nargs="+", required=True, metavar="PATH", help="a packed store, or SGF files or archives"
    )
    parser.add_argument("--split", choices=[*SPLITS, ALL], help="default: test of a store, all of other records")
    parser.add_argument(
        "--source", action="append", default=[], metavar="TEXT", help="only games whose source contains TEXT"
    )
    parser.add_argument("--size", type=int, help="board size (default: the rollouts', 19 for the shipped ones)")
    parser.add_argument("--positions", type=int, default=20_000, help="positions drawn over all games (default 20000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw (default 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if options.positions < 1:
        parser.error("--positions must be at least 1")
    policy = RolloutPolicy(rollout_file.load(rollout_file.find(options.network, options.size or 19)))
    size = options.size or policy.weights.size
    with read_games(options.games, size) as (store, packed), reporting("evaluating", "positions") as tell:
        result = evaluate_rollout(
            policy,
            store,
            size=size,
            split=options.split or default_split(packed is None),
            positions=options.positions,
            seed=options.seed,
            sources=tuple(options.source),
            on_progress=tell,
        )
    if options.json:
        print(msgspec.json.encode(result).decode())
    else:
        _print_table(result)
    return 0


def evaluate_rollout(
    policy: RolloutPolicy,
    store: Store,
    *,
    size: int,
    split: str,
    positions: int,
    seed: int = 0,
    sources: tuple[str, ...] = (),
    on_progress: Callable[[int, int], Any] | None = None,
) -> RolloutResult:
    """Accuracy on positions drawn by `seed` over all games of `split`, and speed from the empty board.

    `on_progress` hears how many positions are done, of how many. Raises ValueError when the store has no such game.
    """
    source = BatchSource(
        store, feature_set=_ANY_FEATURES, size=size, split=split, batch_size=1, seed=seed, sources=sources
    )
    drawn = draw_positions(store, source, positions, seed)
    moves, offsets, setups, _, suicides = Games.arguments_of(store)
    patterns = _tracking.tracked(size)
    state = np.empty(state_length(size), np.uint32)
    first = np.zeros(len(drawn.rows), bool)
    tree_first = np.zeros(len(drawn.rows), bool)
    losses = []
    for i, (row, ply) in enumerate(zip(drawn.rows.tolist(), drawn.plies.tolist(), strict=True)):
        count = _rollout_fit.stand_at(
            moves, offsets[row], setups[row], ply, size, suicides[row], state, patterns.cells, patterns.taken
        )
        taken = patterns.taken[:count]
        played = int(moves[offsets[row] + setups[row] + ply]) & ~WHITE_BIT
        weights = policy.move_weights(state, patterns.cells, taken)
        first[i] = weights[played] > 0 and np.count_nonzero(weights >= weights[played]) == 1
        logits = policy.tree_logits(state, patterns.cells, taken)
        if np.isfinite(logits[played]):
            tree_first[i] = np.count_nonzero(logits >= logits[played]) == 1
            losses.append(np.log(np.exp(logits - logits[played]).sum()))
        if on_progress is not None and (i + 1) % _TELL_EVERY == 0:
            on_progress(i + 1, len(first))
    measured = speed(policy, size)
    winners = _winners_told(policy, store, size, drawn.rows, drawn.plies)
    vocabulary = policy.weights.vocabulary
    return RolloutResult(
        rollouts=policy.weights.name,
        games=source.games,
        positions=len(first),
        top1=float(first.mean()),
        top1_ci95=share_interval(first, drawn.rows),
        tree_top1=float(tree_first.mean()),
        tree_top1_ci95=share_interval(tree_first, drawn.rows),
        tree_nll=float(np.mean(losses)),
        us_per_move=measured["us_per_move"],
        rollouts_per_s=measured["rollouts_per_s"],
        winners=winners,
        patterns={
            "3x3": len(vocabulary.patterns),
            "responses": len(vocabulary.responses),
            "diamonds": len(vocabulary.diamonds),
        },
        split=split,
        board_size=size,
    )


def _winners_told(
    policy: RolloutPolicy, store: Store, size: int, rows: NDArray[np.int64], plies: NDArray[np.int64]
) -> WinnersTold | None:
    """Of some of the positions after `plies` moves of the games in `rows`."""
    games = store.games[rows]
    known = np.flatnonzero(np.isin(games["winner"], (BLACK, WHITE)) & np.isfinite(games["komi"]))
    if not len(known):
        return None
    chosen = known[np.linspace(0, len(known) - 1, min(_JUDGED, len(known))).astype(np.int64)]
    moves, offsets, setups, _, suicides = Games.arguments_of(store)
    cells, taken = _tracking.tracked(size).cells, _tracking.tracked(size).taken
    boards = np.empty((len(chosen), state_length(size)), np.uint32)
    for board, row, ply in zip(boards, rows[chosen].tolist(), plies[chosen].tolist(), strict=True):
        _rollout_fit.stand_at(moves, offsets[row], setups[row], ply, size, suicides[row], board, cells, taken)
    black = boards[:, _board.TO_PLAY] == BLACK
    komi = games["komi"][chosen].astype(np.float64) * np.where(black, -1.0, 1.0)
    results = np.where((games["winner"][chosen] == BLACK) == black, 1.0, -1.0)
    figures: dict[str, Any] = {}
    for name, player in (("learned", policy), ("random", RandomRollouts())):
        values = player.leaf_values(boards, komi, _ROLLOUTS, seed_state(_ROLLOUT_SEED))
        told = 0.5 + 0.5 * np.sign(values) * results
        spread = Z95 * (spread_of_mean(told, rows[chosen]) or 0.5)
        figures[name] = float(told.mean())
        figures[f"{name}_ci95"] = (max(0.0, float(told.mean()) - spread), min(1.0, float(told.mean()) + spread))
    return WinnersTold(positions=len(chosen), **figures)


def _print_table(result: RolloutResult) -> None:
    table = Table(show_header=False, box=None)
    table.add_row("rollouts", f"{result.rollouts} on {result.board_size}x{result.board_size}")
    table.add_row("games", f"{result.games:,} ({result.split})")
    table.add_row("positions", f"{result.positions:,}")
    for name, share, (low, high) in (
        ("rollout policy", result.top1, result.top1_ci95),
        ("tree policy", result.tree_top1, result.tree_top1_ci95),
    ):
        table.add_row(name, f"{share:.2%} of moves (95 %: {low:.2%} to {high:.2%})")
    if result.winners is not None:
        told = result.winners
        table.add_row(
            "winner told", f"{told.learned:.1%} of positions by {_ROLLOUTS} rollouts, {told.random:.1%} by random"
        )
    table.add_row("speed", f"{result.us_per_move:.2f} us a move, {result.rollouts_per_s:,.0f} rollouts a second")
    table.add_row("patterns", ", ".join(f"{count:,} {kind}" for kind, count in result.patterns.items()))
    Console().print(table, highlight=False)

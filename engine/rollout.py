"""Learned rollouts: whole games played by a fast policy, and the slower tree policy that stands in for a network."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine import _move_features, _rollout
from engine.rollout_file import RolloutWeights
from engine.rollout_tables import Tables
from gozero import _board, _patterns
from gozero._ladders import trial_length
from gozero._random import seed_state
from gozero.geometry import board_points
from gozero.position import Position

MOST_MOVES_A_POINT: Final = 3
"""A rollout ends after so many moves for each point of the board: only cycles that simple ko does not see go on so long
(a random game takes 1.4)."""


class RolloutPolicy:
    """What a weights file can do. Several threads may use it at once.

    Attributes:
        weights: as they were read.
        tables: where the kernels look features up.
        pattern_weights, slot_factors: see the methods of `Tables` of these names.
    """

    def __init__(self, weights: RolloutWeights) -> None:
        """Builds the tables, 20 MiB."""
        self.weights = weights
        self.tables = Tables(weights.vocabulary)
        self.pattern_weights = self.tables.pattern_weights(weights.rollout_values)
        self.slot_factors = self.tables.slot_factors(weights.rollout_values)

    def rollouts(self, state: NDArray[np.uint32], count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Plays `count` games from a board to their end.

        The first move knows nothing of what the move before it captured. Repetition is limited by simple ko and by
        `MOST_MOVES_A_POINT`.

        Args:
            state: uint32, see `gozero._board`; it is not changed.
            seed: equal seeds, equal games.

        Returns:
            int64[count], Black's points by area less White's at the end, komi left out; int64[count], moves played.
        """
        size = int(state[_board.SIZE])
        leads, lengths = np.empty(count, np.int64), np.empty(count, np.int64)
        _rollout.rollouts(
            state,
            tracked_cells(state),
            self.pattern_weights,
            self.tables.keys,
            self.tables.rows,
            self.slot_factors,
            count,
            MOST_MOVES_A_POINT * size * size,
            seed_state(seed),
            ladder_boards(state),
            leads,
            lengths,
        )
        return leads, lengths

    def rollouts_on(
        self, threads: Executor, state: NDArray[np.uint32], counts: Sequence[int], seed: int
    ) -> NDArray[np.int64]:
        """The leads of `rollouts`, played on several threads: `counts[i]` games by the seed `seed + i`, in order."""
        parts = [threads.submit(self.rollouts, state, count, seed + i) for i, count in enumerate(counts)]
        return np.concatenate([part.result()[0] for part in parts])

    def move_weights(
        self, state: NDArray[np.uint32], cells: NDArray[np.uint32], taken: NDArray[np.uint32]
    ) -> NDArray[np.float64]:
        """How likely a rollout plays each move next, up to a common factor: float64[S*S], 0 where it never does.

        Args:
            cells: the patterns of the board, see `tracked_cells`.
            taken: uint32[n], the points of the stones that the last move took.
        """
        scores = np.empty(len(cells) // _patterns.CELL, np.float64)
        _rollout.score_moves(
            state,
            cells,
            self.pattern_weights,
            self.tables.keys,
            self.tables.rows,
            self.slot_factors,
            taken,
            len(taken),
            ladder_boards(state),
            scores,
        )
        on_board: NDArray[np.float64] = scores[board_points(int(state[_board.SIZE]))]
        return on_board

    def tree_logits(
        self, state: NDArray[np.uint32], cells: NDArray[np.uint32], taken: NDArray[np.uint32]
    ) -> NDArray[np.float64]:
        """The tree policy: float64[S*S], logits, -inf for moves that are illegal or fill an own eye; as `move_weights`.

        Superko is not looked at.
        """
        logits = np.empty(len(cells) // _patterns.CELL, np.float64)
        tables = self.tables
        _move_features.tree_policy(
            state,
            cells,
            tables.pattern_features,
            tables.keys,
            tables.rows,
            tables.slot_features,
            tables.diamond_keys,
            tables.diamond_features,
            tables.vocabulary.self_atari,
            self.weights.tree_values,
            taken,
            len(taken),
            ladder_boards(state),
            logits,
        )
        on_board: NDArray[np.float64] = logits[board_points(int(state[_board.SIZE]))]
        return on_board


NOTHING_TAKEN: Final = np.zeros(0, np.uint32)
"""Where nobody knows what the last move took."""


def tracked_cells(state: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The patterns of a board as it stands, see `gozero._patterns.Tracked.cells`."""
    cells = _patterns.tracked(int(state[_board.SIZE])).cells
    _patterns.track(state, cells)
    return cells


def ladder_boards(state: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Working space for the ladder reader on boards of this size."""
    return np.empty(trial_length(int(state[_board.SIZE])), np.uint32)


def rollout_value(leads: NDArray[np.int64], position: Position) -> float:
    """The mean result of finished games for the player to move, in [-1, 1]. leads: from `RolloutPolicy.rollouts`."""
    black, white = _board.area(position.state)
    white_points = black - white - position.score()
    mean = float(np.sign(leads - white_points).mean())
    return mean if position.to_play == _board.BLACK else -mean

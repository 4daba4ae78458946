"""Learned rollouts: whole games played by a fast policy, and the slower tree policy that stands in for a network."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine import _move_features, _rollout, _rollout_leaves, rollout_file
from engine.rollout_file import RolloutWeights
from engine.rollout_tables import Tables
from gozero import _board, _patterns, _tracking
from gozero._ladders import trial_length
from gozero._random import seed_state
from gozero.geometry import board_points

MOST_MOVES_A_POINT: Final = 3
"""A rollout ends after so many moves for each point of the board: only cycles that simple ko does not see go on so long
(a random game takes 1.4)."""
SHARPNESS: Final = 1.5
"""Rollouts draw by exp of so many times the learned values: they are played as if by somebody surer than the players of
the records, and say more often who won (RESULTS.md). Which move is likeliest stays the same."""
PASS_SHARE: Final = 0.01
"""The prior of a pass: the tree policy never passes."""
_KEPT: Final = 2
"""Policies that stay in memory, for the next player: boards change size, and a player may have others beside it."""
RANDOM: Final = "random"
"""The name of rollouts that know nothing, see `load_rollouts`."""


class LeafRollouts(Protocol):
    """Plays games out from leaves of the search. Several threads may use it at once."""

    def leaf_values(
        self, boards: NDArray[np.uint32], given: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
    ) -> NDArray[np.float32]:
        """The mean result z of `games` games (1 in a search like AlphaGo's) from each of B boards of one size.

        Args:
            boards: uint32[B, state], see `gozero._board`, B at least 1; not changed.
            given: float64[B], points that the player to move on each board is given when the area is counted.
            rng: uint64[1], the state of a generator (`gozero._random.seed_state`); it goes on, so each thread needs its
                own. Equal states and boards give equal values.

        Returns:
            float32[B], in [-1, 1], for the player to move on each board; one game gives 1, -1, or 0 for a draw.
        """


class RolloutPolicy:
    """What a weights file can do. Several threads may use it at once.

    Attributes:
        weights: as they were read.
        tables: where the kernels look features up.
        drawn_by: what rollouts draw their moves by.
    """

    def __init__(self, weights: RolloutWeights, sharpness: float = SHARPNESS) -> None:
        """Builds the tables, 20 MiB. sharpness: 1 draws moves as often as they were played in the records."""
        self.weights = weights
        self.tables = Tables(weights.vocabulary)
        self.drawn_by = self.tables.move_weights(weights.rollout_values * np.float32(sharpness))

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
        leads, lengths = np.empty(count, np.int64), np.empty(count, np.int64)
        _rollout.rollouts(
            state,
            tracked_cells(state),
            self.drawn_by,
            count,
            _most_moves(state),
            seed_state(seed),
            ladder_boards(state),
            leads,
            lengths,
        )
        return leads, lengths

    def leaf_values(
        self, boards: NDArray[np.uint32], given: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
    ) -> NDArray[np.float32]:
        """See `LeafRollouts`. What the last move captured is not known here: the first move has no nakade features."""
        values = np.empty(len(boards), np.float32)
        _rollout_leaves.leaf_values(
            boards,
            given,
            self.drawn_by,
            games,
            _most_moves(boards[0]),
            rng,
            ladder_boards(boards[0]),
            values,
        )
        return values

    def leaf_priors(self, boards: NDArray[np.uint32]) -> NDArray[np.float32]:
        """The tree policy of B boards of one size, uint32[B, state], B at least 1, each for its player to move.

        Returns float32[B, S*S + 1], log-probabilities by move index: of all sensible moves together 1, of a pass beside
        them `PASS_SHARE`, of what is illegal or fills an own eye next to nothing.
        """
        size = int(boards[0, _board.SIZE])
        policy = np.empty((len(boards), size * size + 1), np.float32)
        _rollout_leaves.leaf_priors(
            boards,
            self.tables.features,
            self.weights.tree_values,
            PASS_SHARE,
            ladder_boards(boards[0]),
            policy,
        )
        return policy

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
            self.drawn_by,
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
        _move_features.tree_policy(
            state,
            cells,
            self.tables.features,
            self.weights.tree_values,
            taken,
            len(taken),
            ladder_boards(state),
            logits,
        )
        on_board: NDArray[np.float64] = logits[board_points(int(state[_board.SIZE]))]
        return on_board


class RandomRollouts:
    """Moves drawn evenly from all that are legal and fill no own eye: the yardstick of what learning adds."""

    def leaf_values(
        self, boards: NDArray[np.uint32], given: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
    ) -> NDArray[np.float32]:
        """See `LeafRollouts`."""
        values = np.empty(len(boards), np.float32)
        scratch = np.empty_like(boards[0])
        _rollout_leaves.random_leaf_values(boards, given, games, _most_moves(boards[0]), rng, scratch, values)
        return values


def load_policy(name: str, size: int) -> RolloutPolicy:
    """The policy of a shipped name, "auto" or a path, for boards of size x size. Raises RolloutFileError."""
    path = rollout_file.find(name, size)
    return _policy_of(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=_KEPT)
def _policy_of(path: Path, changed: int) -> RolloutPolicy:
    """The policy of a file as it was when it was last changed, in nanoseconds. Nobody writes to a policy's arrays."""
    return RolloutPolicy(rollout_file.load(path))


def load_rollouts(name: str, size: int) -> LeafRollouts:
    """What plays rollouts: "random", or as in `load_policy`."""
    return RandomRollouts() if name == RANDOM else load_policy(name, size)


def _most_moves(state: NDArray[np.uint32]) -> int:
    return MOST_MOVES_A_POINT * int(state[_board.SIZE]) ** 2


def tracked_cells(state: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The patterns of a board as it stands, see `gozero._tracking.Tracked.cells`."""
    cells = _tracking.tracked(int(state[_board.SIZE])).cells
    _tracking.track(state, cells)
    return cells


def ladder_boards(state: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Working space for the ladder reader on boards of this size."""
    return np.empty(trial_length(int(state[_board.SIZE])), np.uint32)

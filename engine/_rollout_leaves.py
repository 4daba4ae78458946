"""Kernels that judge leaves of the search: games played out are the value, the tree policy is the prior.

They work through a batch on the thread that calls, without the interpreter lock; several threads may call at once, each
with its own random state and scratch.
"""

import numpy as np

from engine._move_features import tree_policy
from engine._puct import other_side
from engine._rollout import rollouts
from gozero._board import SIZE, STRIDE, TO_PLAY, WHITE
from gozero._patterns import CELL
from gozero._playout import playout
from gozero._tracking import track
from gozero._whole_board import area
from gozero.jit import kernel, lean_kernel

UNLIKELY = -20.0
"""The log-probability of a legal move that is not sensible."""


@lean_kernel
def result_for(to_play, lead, given):
    """1.0, 0.0 or -1.0: the result of a game for the player to move. lead: Black's points less White's; given: points
    that the player to move is given."""
    own = np.float64(lead)
    return np.sign((other_side(own) if to_play == WHITE else own) + given)


@kernel
def leaf_values(boards, given, drawn_by, games, most_moves, rng, ladders, values):
    """Plays `games` rollouts from each of B boards of one size.

    boards: uint32[B, state], not changed. given: float64[B], points that the player to move is given at the end.
    drawn_by, most_moves: as in `engine._rollout.rollouts`. rng: uint64[1], goes on. ladders: scratch of
    `gozero._ladders`. Filled: values, float32[B], the mean result for the player to move on that board, in [-1, 1].
    """
    points = (boards[0, SIZE] + 1) * (boards[0, SIZE] + 2) + 1
    cells = np.empty(CELL * points, np.uint32)
    leads = np.empty(games, np.int64)
    lengths = np.empty(games, np.int64)
    for leaf in range(boards.shape[0]):
        board = boards[leaf]
        track(board, cells)
        rollouts(board, cells, drawn_by, games, most_moves, rng, ladders, leads, lengths)
        total = 0.0
        for game in range(games):
            total += result_for(board[TO_PLAY], leads[game], given[leaf])
        values[leaf] = total / games


@kernel
def random_leaf_values(boards, given, games, most_moves, rng, state, values):
    """The same by random games (`gozero._playout`). state: uint32[state], scratch."""
    for leaf in range(boards.shape[0]):
        total = 0.0
        for _ in range(games):
            for i in range(state.shape[0]):
                state[i] = boards[leaf, i]
            playout(state, rng, most_moves)
            black, white = area(state)
            total += result_for(boards[leaf, TO_PLAY], black - white, given[leaf])
        values[leaf] = total / games


@kernel
def leaf_priors(boards, tables, values, pass_share, ladders, policy):
    """The tree policy of B boards of one size, each for its player to move.

    boards: uint32[B, state]. tables, values: as in `engine._move_features.tree_policy`.
    pass_share: the probability of a pass beside the sensible moves. ladders: scratch of `gozero._ladders`.
    Filled: policy, float32[B, S*S + 1], log-probabilities, the pass last.
    """
    points = (boards[0, SIZE] + 1) * (boards[0, SIZE] + 2) + 1
    size = np.int64(boards[0, SIZE])
    stride = np.int64(boards[0, STRIDE])
    cells = np.empty(CELL * points, np.uint32)
    nothing = np.empty(0, np.uint32)
    logits = np.empty(points, np.float64)
    for leaf in range(boards.shape[0]):
        track(boards[leaf], cells)
        tree_policy(boards[leaf], cells, tables, values, nothing, np.int64(0), ladders, logits)
        greatest = -np.inf
        for point in range(points):
            greatest = max(greatest, logits[point])
        total = 0.0
        for point in range(points):
            if logits[point] > -np.inf:
                total += np.exp(logits[point] - greatest)
        # What no rollout plays, own eyes above all, is tried last of all; but it is legal, so it needs some prior.
        for index in range(size * size):
            logit = logits[(index // size + 1) * stride + index % size + 1]
            policy[leaf, index] = UNLIKELY if logit == -np.inf else logit - greatest - np.log(total)
        policy[leaf, size * size] = np.log(pass_share) if total > 0.0 else 0.0

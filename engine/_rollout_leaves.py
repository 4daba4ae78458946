"""Kernel that judges leaves of the search by rollouts: the tree policy is the prior, games played out are the value."""

import numpy as np

from engine._move_features import tree_policy
from engine._puct import other_side
from engine._rollout import rollouts
from gozero._board import SIZE, STRIDE, TO_PLAY, WHITE
from gozero._patterns import CELL, track
from gozero.jit import kernel

UNLIKELY = -20.0
"""The log-probability of a legal move that is not sensible."""


@kernel
def judge_boards(
    boards,
    komi,
    pattern_features,
    keys,
    rows,
    slot_features,
    diamond_keys,
    diamond_features,
    tree_features,
    tree_values,
    table,
    factors,
    count,
    most_moves,
    pass_share,
    rng,
    ladders,
    policy,
    values,
):
    """Judges B boards of one size, each for its player to move.

    boards: uint32[B, state]. komi: float64[B], points that the player to move is given at the end. From
    pattern_features to tree_values as in `engine._move_features.tree_policy`, table and factors as in
    `engine._rollout.rollouts`; `count` games are played, of at most `most_moves` moves. pass_share: the probability of
    a pass among the sensible moves. ladders: scratch of `gozero._ladders`.
    Filled: policy, float32[B, S*S + 1], log-probabilities, the pass last; values, float32[B], the mean result in
    [-1, 1].
    """
    points = (boards[0, SIZE] + 1) * (boards[0, SIZE] + 2) + 1
    size = np.int64(boards[0, SIZE])
    stride = np.int64(boards[0, STRIDE])
    cells = np.empty(CELL * points, np.uint32)
    nothing = np.empty(0, np.uint32)
    logits = np.empty(points, np.float64)
    leads = np.empty(count, np.int64)
    lengths = np.empty(count, np.int64)
    for leaf in range(boards.shape[0]):
        board = boards[leaf]
        track(board, cells)
        tree_policy(
            board,
            cells,
            pattern_features,
            keys,
            rows,
            slot_features,
            diamond_keys,
            diamond_features,
            tree_features,
            tree_values,
            nothing,
            0,
            ladders,
            logits,
        )
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
        rollouts(board, cells, table, keys, rows, factors, count, most_moves, rng, ladders, leads, lengths)
        mean = 0.0
        for game in range(count):
            lead = np.float64(leads[game])
            mean += np.sign((other_side(lead) if board[TO_PLAY] == WHITE else lead) + komi[leaf])
        values[leaf] = mean / count

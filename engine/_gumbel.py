"""Choosing at the root by Gumbel noise and sequential halving: the formulas, and the kernels of searches that have one
leaf at a time.

Danihelka, Guez, Schrittwieser and Silver, "Policy improvement by planning with Gumbel" (2022). Values are in [-1, 1]
for the player to move at the root; the paper's q spans 0 to 1.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._puct import other_side
from engine._tree import NO_NODE, mean_value, try_move
from gozero._random import random_gumbel
from gozero.jit import inlined_kernel, lean_kernel

C_VISIT = 50.0
C_SCALE = 1.0
"""The paper's constants of `sigma`."""
_LEAST_PRIOR = 1e-30

# What stands where in `Halving.stage`.
CONSIDERED = 0  # how many moves still are
PHASE = 1  # the present one, the first is 1
PHASES = 2
VISITS = 3  # for all phases together


class Halving(NamedTuple):
    """The moves that are still considered at a root, M at most. What stands behind them is left over."""

    edge: NDArray[np.int32]  # [M] their edges
    score: NDArray[np.float64]  # [M] Gumbel noise and log-prior
    target: NDArray[np.int32]  # [M] visits at which each has its share of the phase
    stage: NDArray[np.int32]  # [4] see CONSIDERED


@inlined_kernel
def sigma(value, most_visits):
    """sigma(q) = (c_visit + max_b N(b)) c_scale q: what a value weighs against log-priors."""
    return (C_VISIT + most_visits) * C_SCALE * (value + 1.0) / 2.0


@inlined_kernel
def mixed_root_value(network_value, visits, tried_prior, tried_value):
    """v_mix (the paper's Appendix D): what a move without visits is taken to be worth.

    visits: of all moves together. tried_prior, tried_value: sums over the moves with visits, of their priors, and of
    their priors times their values.
    """
    if visits == 0.0:
        return network_value
    return (network_value + visits * tried_value / tried_prior) / (1.0 + visits)


@inlined_kernel
def most_visits(tree):
    """The visits of the root's most visited move."""
    most = np.int64(0)
    first = np.int64(tree.nodes[0]["first_edge"])
    for edge in range(first, first + tree.nodes[0]["tried"]):
        most = max(most, np.int64(tree.nodes[tree.child[edge]]["visits"]))
    return most


@lean_kernel
def begin_halving(tree, halving, moves, visits, noisy, rng, scratch):
    """Draws at most `moves` moves of an evaluated root without visits below it, for `visits` further visits in all.

    Fewer are drawn where the tree has no room for a node for each; it must have room for one. noisy: 0 for the moves of
    the largest priors. scratch: float64[S*S + 1].
    """
    first = np.int64(tree.nodes[0]["first_edge"])
    count = np.int64(tree.nodes[0]["edge_count"])
    drawn = min(moves, count, max(1, visits), tree.nodes.shape[0] - tree.used[0])
    for i in range(count):
        scratch[i] = math.log(max(np.float64(tree.prior[first + i]), _LEAST_PRIOR))
        if noisy != 0:
            scratch[i] += random_gumbel(rng)
    for i in range(drawn):
        best = np.int64(0)
        for j in range(1, count):
            if scratch[j] > scratch[best]:
                best = j
        halving.edge[i] = tree.move[first + best]  # a move for now, since edges change their places
        halving.score[i] = scratch[best]
        scratch[best] = -np.inf
    for i in range(drawn):
        halving.edge[i] = try_move(
            tree.nodes, tree.move, tree.prior, tree.child, tree.used, np.int64(0), halving.edge[i]
        )
    phases = 1
    while 1 << phases < drawn:
        phases += 1
    halving.stage[CONSIDERED] = drawn
    halving.stage[PHASES] = phases
    halving.stage[VISITS] = visits
    begin_phase(tree, halving, 1)


@lean_kernel
def begin_phase(tree, halving, phase):
    """Shares the phase's visits out among the moves that are left."""
    considered = halving.stage[CONSIDERED]
    each = max(1, halving.stage[VISITS] // (halving.stage[PHASES] * considered))
    halving.stage[PHASE] = phase
    for i in range(considered):
        halving.target[i] = tree.nodes[tree.child[halving.edge[i]]]["visits"] + each


@lean_kernel
def rank(tree, edge, score, most):
    """g + logit + sigma(q) of a considered move; least where it has no visits."""
    node = tree.nodes[tree.child[edge]]
    if node["visits"] == 0:
        return -np.inf
    return score + sigma(other_side(mean_value(node, 0.0)), np.float64(most))


@lean_kernel
def next_edge(tree, halving):
    """The root's edge by which the next walk leaves it, worse halves left out where that is due; NO_NODE at the end."""
    while True:
        best = np.int64(-1)
        most = np.int64(0)
        for i in range(halving.stage[CONSIDERED]):
            due = np.int64(halving.target[i]) - tree.nodes[tree.child[halving.edge[i]]]["visits"]
            if due > most:
                best = i
                most = due
        if best >= 0:
            return np.int64(halving.edge[best])
        if halving.stage[PHASE] == halving.stage[PHASES]:
            return np.int64(NO_NODE)
        _sort(tree, halving)
        halving.stage[CONSIDERED] = max(1, (halving.stage[CONSIDERED] + 1) // 2)
        begin_phase(tree, halving, halving.stage[PHASE] + 1)


@lean_kernel
def _sort(tree, halving):
    """Puts the considered moves in the order of their ranks, the best first."""
    most = most_visits(tree)
    for i in range(1, halving.stage[CONSIDERED]):
        edge, score = halving.edge[i], halving.score[i]
        mine = rank(tree, edge, score, most)
        place = i
        while place > 0 and rank(tree, halving.edge[place - 1], halving.score[place - 1], most) < mine:
            halving.edge[place] = halving.edge[place - 1]
            halving.score[place] = halving.score[place - 1]
            place -= 1
        halving.edge[place] = edge
        halving.score[place] = score


@lean_kernel
def winner(tree, halving):
    """The edge of the best move that is still considered."""
    most = most_visits(tree)
    best = np.int64(0)
    for i in range(1, halving.stage[CONSIDERED]):
        if rank(tree, halving.edge[i], halving.score[i], most) > rank(
            tree, halving.edge[best], halving.score[best], most
        ):
            best = np.int64(i)
    return np.int64(halving.edge[best])


@lean_kernel
def improve_policy(tree, shares):
    """Fills shares, float64[edges of the root], with the policy that the search makes of the priors, and returns what
    the root is worth by it.

    pi' = softmax(logits + sigma(completed Q)); Q is completed by `mixed_root_value` for the moves without visits.
    """
    root = tree.nodes[0]
    first = np.int64(root["first_edge"])
    count = np.int64(root["edge_count"])
    visits = tried_prior = tried_value = 0.0
    for i in range(root["tried"]):
        node = tree.nodes[tree.child[first + i]]
        if node["visits"] > 0:
            prior = max(np.float64(tree.prior[first + i]), _LEAST_PRIOR)
            visits += np.float64(node["visits"])
            tried_prior += prior
            tried_value += prior * other_side(mean_value(node, 0.0))
    mixed = mixed_root_value(np.float64(root["value"]), visits, tried_prior, tried_value)
    most = np.float64(most_visits(tree))
    largest = -np.inf
    for i in range(count):
        shares[i] = math.log(max(np.float64(tree.prior[first + i]), _LEAST_PRIOR)) + sigma(
            _completed(tree, first, i, mixed), most
        )
        largest = max(largest, shares[i])
    total = 0.0
    for i in range(count):
        shares[i] = math.exp(shares[i] - largest)
        total += shares[i]
    value = 0.0
    for i in range(count):
        shares[i] /= total
        value += shares[i] * _completed(tree, first, i, mixed)
    return min(1.0, max(-1.0, value))


@inlined_kernel
def _completed(tree, first, i, mixed):
    """The value of the root's move in place `i` of its edges, `mixed` where it has no visits."""
    if i < tree.nodes[0]["tried"] and tree.nodes[tree.child[first + i]]["visits"] > 0:
        return other_side(mean_value(tree.nodes[tree.child[first + i]], 0.0))
    return mixed

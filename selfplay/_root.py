"""What a self-play search does at its root: noise on its priors, how its visits are shared, which move they give.

And then the tree below that move becomes the whole tree.
"""

import math

import numpy as np

from engine._tree import EXPANDED, NO_NODE, bring_forward, copy_subtree
from gozero._random import random_float, random_gamma
from gozero.jit import lean_kernel


@lean_kernel
def add_noise(tree, share, total, rng, noise):
    """Mixes Dirichlet noise into the root's priors (AlphaGo Zero, Methods, "Self-play"). noise: float64[S*S + 1]."""
    root = tree.nodes[0]
    first = np.int64(root["first_edge"])
    count = np.int64(root["edge_count"])
    drawn = 0.0
    for i in range(count):
        noise[i] = random_gamma(rng, total / count)
        drawn += noise[i]
    for i in range(count):
        prior = np.float64(tree.prior[first + i])
        tree.prior[first + i] = prior + share * (noise[i] / drawn - prior)
    if root["tried"] < count:
        bring_forward(tree, 0)
    root["tried_prior"] = 0.0
    for edge in range(first, first + root["tried"]):
        root["tried_prior"] += tree.prior[edge]


@lean_kernel
def share_visits(tree, shares):
    """Fills shares, float64[edges of the root], with how the visits of its moves are shared out."""
    root = tree.nodes[0]
    first = np.int64(root["first_edge"])
    for i in range(root["edge_count"]):
        shares[i] = 0.0
    total = 0.0
    for i in range(root["tried"]):
        shares[i] = tree.nodes[tree.child[first + i]]["visits"]
        total += shares[i]
    for i in range(root["tried"]):
        shares[i] /= total


@lean_kernel
def best_visited(tree, shares):
    """The root's edge of the largest share among those with visits; the first of equals."""
    root = tree.nodes[0]
    first = np.int64(root["first_edge"])
    best = np.int64(-1)
    for i in range(root["tried"]):
        if tree.nodes[tree.child[first + i]]["visits"] > 0 and (best < 0 or shares[i] > shares[best]):
            best = np.int64(i)
    return first + best


@lean_kernel
def draw(shares, count, temperature, rng):
    """One of the first `count` places, drawn by their shares (not below 0) raised to 1 / temperature."""
    largest = 0.0
    for i in range(count):
        largest = max(largest, shares[i])
    total = 0.0
    for i in range(count):
        total += math.pow(shares[i] / largest, 1.0 / temperature)
    left = random_float(rng) * total
    last = np.int64(0)
    for i in range(count):
        weight = math.pow(shares[i] / largest, 1.0 / temperature)
        if weight > 0.0:
            last = np.int64(i)
            left -= weight
            if left < 0.0:
                break
    return last


@lean_kernel
def keep_below(tree, edge, plan, scratch):
    """Makes the tree below an edge of the root the whole tree, where there is one and a search can go on with it."""
    root = tree.nodes[0]
    node = np.int64(NO_NODE)
    if plan["gumbel"] == 0 and edge < root["first_edge"] + root["tried"]:
        node = np.int64(tree.child[edge])
    if node == NO_NODE or tree.nodes[node]["status"] != EXPANDED:
        tree.used[0] = 0
        return
    scratch.used[0] = 0
    scratch.used[1] = 0
    copy_subtree(
        tree.nodes,
        tree.move,
        tree.prior,
        tree.child,
        tree.used,
        node,
        0,
        scratch.origin,
        scratch.nodes,
        scratch.move,
        scratch.prior,
        scratch.child,
        scratch.used,
    )
    for i in range(scratch.used[0]):
        tree.nodes[i] = scratch.nodes[i]
    for i in range(scratch.used[1]):
        tree.move[i] = scratch.move[i]
        tree.prior[i] = scratch.prior[i]
        tree.child[i] = scratch.child[i]
    tree.used[0] = scratch.used[0]
    tree.used[1] = scratch.used[1]

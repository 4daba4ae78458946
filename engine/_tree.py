"""The search tree as arrays: how it is laid out, values backed up through it, parts of it copied.

A node is an index; node 0 is the root. What is known of it lies in one record, so that looking at a child costs one
line of cache. A node's edges lie side by side: first those whose child exists, in the order in which they were first
tried, then the likeliest of the others, then the rest in no order. Selection (`engine._select`) therefore looks at the
tried edges and at one more, however many moves there are; `engine._expand` makes the edges.

Every value is for the player to move at the node that it belongs to, in [-1, 1].
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._puct import lower_bound, mixed_value, other_side
from gozero.jit import inlined_kernel, lean_kernel

# What has happened to a node.
NEW = 0  # nothing yet, or its evaluation was given up, or what was below it was pruned
PENDING = 1  # it is being evaluated
EXPANDED = 2  # evaluated: its edges have priors
TERMINAL = 3  # the game is over here; its value is a fact

NO_NODE = -1

NODE: Final = np.dtype(
    [
        ("value_sum", np.float64),
        ("visits", np.int32),  # values backed up through the node
        ("virtual_losses", np.int32),  # walks through the node whose value is still to come
        # Where rollouts come first (`engine.rollouts_first`), those are their results, and here are the evaluator's
        # values from the node and below; elsewhere 0.
        ("answer_sum", np.float64),
        ("answers", np.int32),
        ("own_visits", np.int32),  # visits that ended here instead of going on to a child
        ("square_sum", np.float64),  # of the squares of the values of visits
        ("value", np.float32),  # what the evaluator, or the end of the game, says of this node alone
        ("tried_prior", np.float32),  # the priors of the tried edges together
        ("parent", np.int32),  # NO_NODE at the root
        ("first_edge", np.int32),
        ("edge_count", np.int16),  # legal moves, the pass included; 0 until they are listed
        ("tried", np.int16),  # how many of the edges have a child
        ("status", np.int32),  # NEW, PENDING, EXPANDED or TERMINAL
    ],
    align=True,
)

TERMS: Final = np.dtype(
    [
        # The constants of selection, see `engine.search_config.SearchConfig`.
        ("c_puct", np.float64),
        ("c_puct_growth", np.float64),
        ("c_puct_base", np.float64),
        ("fpu_reduction", np.float64),
        ("fpu_average", np.float64),
        ("virtual_loss", np.float64),
        ("prior_temperature", np.float64),
        ("rollout_share", np.float64),
        ("rollouts_first", np.int64),  # 1 where a visit's value is its rollout's, and the evaluator's counts beside it
        ("expansion_threshold", np.float64),
        # The rules under which the root is searched.
        ("history_length", np.int64),  # entries of the history that are the game's own
        ("superko", np.int64),
        ("territory", np.int64),  # 1 under territory scoring
        ("suicide", np.int64),  # 1 where suicide is allowed
        ("komi", np.float64),  # what White is owed as networks are told it: komi and the rules' handicap bonus
        ("komi_scale", np.float64),
        ("white_points", np.float64),  # what White is given when the area is counted
        ("symmetries", np.int64),  # how many of the eight are drawn from: 8, or 1 for none but the identity
    ]
)

ROOT_MOVE: Final = np.dtype(
    [
        # What `read_root` says of a move at the root; values are for the player to move there.
        ("move", np.int16),  # move index
        ("visits", np.int32),
        ("value", np.float64),  # the mean
        ("prior", np.float32),
        ("lcb", np.float64),  # lower confidence bound of the value
        ("line", np.int32),  # where its most visited line begins, and where it ends
        ("line_end", np.int32),
    ],
    align=True,
)


class TreeArrays(NamedTuple):
    """A tree of at most N nodes and E edges."""

    nodes: NDArray[np.void]  # [N] of NODE
    move: NDArray[np.int16]  # [E] move index
    prior: NDArray[np.float32]  # [E] the policy's probability
    child: NDArray[np.int32]  # [E] not set where untried
    used: NDArray[np.int64]  # [2] number of nodes, number of edges


@inlined_kernel
def add_node(tree, parent):
    """Takes the next free node, or returns NO_NODE when there is none."""
    node = tree.used[0]
    if node == tree.nodes.shape[0]:
        return np.int64(NO_NODE)
    tree.used[0] = node + 1
    new = tree.nodes[node]
    new["value_sum"] = 0.0
    new["visits"] = 0
    new["virtual_losses"] = 0
    new["square_sum"] = 0.0
    new["value"] = 0.0
    new["tried_prior"] = 0.0
    new["parent"] = parent
    new["first_edge"] = 0
    new["edge_count"] = 0
    new["tried"] = 0
    new["status"] = NEW
    new["own_visits"] = 0
    new["answers"] = 0
    new["answer_sum"] = 0.0
    return np.int64(node)


@inlined_kernel
def release_walk(tree, leaf):
    """Takes one virtual loss off a node and every node above it."""
    node = np.int64(leaf)
    while node != NO_NODE:
        tree.nodes[node]["virtual_losses"] -= 1
        node = np.int64(tree.nodes[node]["parent"])


@lean_kernel
def give_up(nodes, move, prior, child, used, leaves, count, terms):
    """Forgets the first `count` of leaves, int32[B], that wait for an evaluation; they may be selected again.

    Where rollouts come first, their walks were backed up long ago; what is below them, if anything is, stays.
    """
    tree = TreeArrays(nodes, move, prior, child, used)
    for i in range(count):
        nodes[leaves[i]]["status"] = NEW
        if terms[0]["rollouts_first"] == 0:
            release_walk(tree, leaves[i])


@inlined_kernel
def back_up(tree, leaf, leaf_value):
    """Adds the value of a leaf to it and, as its players see it, to every node above; takes the virtual loss off."""
    node = np.int64(leaf)
    value = np.float64(leaf_value)
    tree.nodes[node]["own_visits"] += 1
    while node != NO_NODE:
        here = tree.nodes[node]
        here["visits"] += 1
        here["virtual_losses"] -= 1
        here["value_sum"] += value
        here["square_sum"] += value * value
        value = other_side(value)
        node = np.int64(here["parent"])


@inlined_kernel
def back_up_answer(tree, leaf, leaf_value):
    """Adds an evaluator's value of a leaf to it and to every node above, which were visited before it came."""
    node = np.int64(leaf)
    value = np.float64(leaf_value)
    while node != NO_NODE:
        here = tree.nodes[node]
        here["answers"] += 1
        here["answer_sum"] += value
        value = other_side(value)
        node = np.int64(here["parent"])


@inlined_kernel
def mean_value(node, rollout_share):
    """The mean value of a node (a record with visits): AlphaGo's Q, (1 - lambda) W_v / N_v + lambda W_r / N_r, for the
    player to move there. What no answer of the evaluator has come to yet is worth its visits alone."""
    mean = node["value_sum"] / np.float64(node["visits"])
    if node["answers"] > 0:
        mean = mixed_value(node["answer_sum"] / np.float64(node["answers"]), mean, rollout_share)
    return mean


@lean_kernel
def mean_values(nodes, which, rollout_share, means):
    """Fills means, float64[n], with the `mean_value` of the nodes int64[n], each of which has visits."""
    for i in range(which.shape[0]):
        means[i] = mean_value(nodes[which[i]], rollout_share)


@inlined_kernel
def bring_forward(tree, node):
    """Swaps the likeliest untried edge to the place where selection looks for it."""
    here = tree.nodes[node]
    place = here["first_edge"] + here["tried"]
    end = here["first_edge"] + here["edge_count"]
    best = place
    for edge in range(place + 1, end):
        if tree.prior[edge] > tree.prior[best]:
            best = edge
    if best != place:
        move, prior = tree.move[best], tree.prior[best]
        tree.move[best], tree.prior[best] = tree.move[place], tree.prior[place]
        tree.move[place], tree.prior[place] = move, prior


@inlined_kernel
def try_next(tree, node):
    """Gives a node's first untried edge its child and returns that, or NO_NODE when the tree is full."""
    made = add_node(tree, node)
    if made != NO_NODE:
        here = tree.nodes[node]
        edge = here["first_edge"] + here["tried"]
        tree.child[edge] = made
        here["tried_prior"] += tree.prior[edge]
        here["tried"] += 1
        bring_forward(tree, node)
    return made


@lean_kernel
def try_move(nodes, move, prior, child, used, node, wanted):
    """Gives the edge of a listed, untried move its child; returns the edge, or NO_NODE when the tree is full."""
    if used[0] == nodes.shape[0]:
        return np.int64(NO_NODE)
    tree = TreeArrays(nodes, move, prior, child, used)
    place = nodes[node]["first_edge"] + nodes[node]["tried"]
    edge = place
    while move[edge] != wanted:
        edge += 1
    move[edge], prior_there = move[place], prior[edge]
    prior[edge] = prior[place]
    move[place] = wanted
    prior[place] = prior_there
    try_next(tree, node)
    return np.int64(place)


@lean_kernel
def copy_subtree(
    nodes,
    move,
    prior,
    child,
    used,
    start,
    least_visits,
    origin,
    target_nodes,
    target_move,
    target_prior,
    target_child,
    target_used,
):
    """Copies the tree below `start`, which becomes the root of an empty tree; statistics are kept.

    Nodes with fewer than `least_visits` visits lose what is below them, and their edges; the root never does. Nothing
    may be pending. The target has room for as many nodes and edges as are kept. origin: int32[N], scratch.
    """
    target = TreeArrays(target_nodes, target_move, target_prior, target_child, target_used)
    origin[0] = start
    add_node(target, NO_NODE)
    node = 0
    while node < target_used[0]:
        old, new = nodes[origin[node]], target_nodes[node]
        new["value_sum"] = old["value_sum"]
        new["visits"] = old["visits"]
        new["square_sum"] = old["square_sum"]
        new["value"] = old["value"]
        new["status"] = old["status"]
        new["own_visits"] = old["own_visits"]
        new["answers"] = old["answers"]
        new["answer_sum"] = old["answer_sum"]
        # Given up while it was searched on, a node has children too.
        is_kept = old["status"] == EXPANDED or old["tried"] > 0
        if is_kept and node > 0 and old["visits"] < least_visits:
            new["status"] = NEW
            is_kept = False
        if is_kept:
            new["tried_prior"] = old["tried_prior"]
            new["edge_count"] = old["edge_count"]
            new["tried"] = old["tried"]
            first = target_used[1]
            new["first_edge"] = first
            target_used[1] = first + old["edge_count"]
            for i in range(old["edge_count"]):
                target_move[first + i] = move[old["first_edge"] + i]
                target_prior[first + i] = prior[old["first_edge"] + i]
            for i in range(old["tried"]):
                made = add_node(target, node)
                origin[made] = child[old["first_edge"] + i]
                target_child[first + i] = made
        node += 1


@inlined_kernel
def most_visited_edge(nodes, child, node):
    """The tried edge of a node whose child has most visits, the first of equals; NO_NODE where none has any."""
    first = np.int64(nodes[node]["first_edge"])
    best = np.int64(NO_NODE)
    most = np.int64(0)
    for edge in range(first, first + nodes[node]["tried"]):
        visits = np.int64(nodes[child[edge]]["visits"])
        if visits > most:
            best = np.int64(edge)
            most = visits
    return best


@lean_kernel
def read_root(nodes, move, prior, child, used, rollout_share, deviations, length, found, line_moves, line_visits):
    """What is known of the root's moves that have visits, in the order in which they were first tried.

    Args:
        nodes, move, prior, child, used: the tree, see TreeArrays.
        rollout_share: see `mean_value`.
        deviations: of the lower confidence bound, see `engine._puct.lower_bound`.
        length: the moves of a line at most, 1 or more.
        found: ROOT_MOVE[n], filled; n is the number of the root's tried moves, or more.
        line_moves, line_visits: int16[n * length] and int32[n * length], filled with the lines one after another: from
            each of the moves down the most visited children, and the visits of each.

    Returns:
        how many of `found`, and how many of `line_moves`, are filled.
    """
    count = 0
    end = 0
    first = nodes[0]["first_edge"]
    for edge in range(first, first + nodes[0]["tried"]):
        node = np.int64(child[edge])
        visits = np.float64(nodes[node]["visits"])
        if visits == 0.0:
            continue
        value = other_side(mean_value(nodes[node], rollout_share))
        here = found[count]
        here["move"] = move[edge]
        here["visits"] = nodes[node]["visits"]
        here["value"] = value
        here["prior"] = prior[edge]
        here["lcb"] = lower_bound(value, nodes[node]["square_sum"], visits, deviations)
        here["line"] = end
        step = np.int64(edge)
        left = length
        while step != NO_NODE and left > 0:
            node = np.int64(child[step])
            line_moves[end] = move[step]
            line_visits[end] = nodes[node]["visits"]
            end += 1
            left -= 1
            step = most_visited_edge(nodes, child, node)
        here["line_end"] = end
        count += 1
    return count, end

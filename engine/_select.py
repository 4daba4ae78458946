"""Selection: walks from the root of the search tree to the leaves that are evaluated next."""

import numpy as np

from engine._expand import final_value, list_moves, points_given, tell
from engine._puct import (
    exploration_bonus,
    exploration_weight,
    first_play_value,
    mean_with_losses,
    mixed_value,
    other_side,
)
from engine._tree import (
    EXPANDED,
    NEW,
    NO_NODE,
    PENDING,
    TERMINAL,
    TreeArrays,
    back_up,
    back_up_answer,
    mean_value,
    release_walk,
    try_next,
)
from gozero._board import PASSES, SITUATIONAL_SUPERKO, TO_PLAY, play, position_hash, situational_hash
from gozero._features import HISTORY
from gozero._random import random_below
from gozero.jit import inlined_kernel, lean_kernel

MAX_DEPTH = 1000
"""Moves below the root. Without superko a line may go round for ever; at this depth it counts as a draw."""

# Why `select_leaves` returned.
FILLED = 0  # it found the leaves that it was asked for
BLOCKED = 1  # too many ways led to leaves that wait for their evaluation
FULL = 2  # the arrays have no room for another node


@inlined_kernel
def select_edge(tree, node, terms):
    """The edge that maximises Q + u at an expanded node: a tried one, or the likeliest of the others."""
    here = tree.nodes[node]
    first = np.int64(here["first_edge"])
    untried = first + here["tried"]
    loss = terms["virtual_loss"]
    visits = np.float64(here["visits"] - here["own_visits"]) + loss * np.float64(here["virtual_losses"])
    weight = exploration_weight(visits, terms["c_puct"], terms["c_puct_growth"], terms["c_puct_base"])
    sqrt_visits = np.sqrt(visits)
    own_value = np.float64(here["value"])
    if terms["fpu_average"] != 0.0:
        own_value = mean_value(here, terms["rollout_share"])
    untried_q = first_play_value(own_value, np.float64(here["tried_prior"]), terms["fpu_reduction"])
    best = first
    best_score = -np.inf
    for edge in range(first, untried):
        child = tree.nodes[tree.child[edge]]
        child_visits = np.float64(child["visits"])
        losses = loss * np.float64(child["virtual_losses"])
        q = untried_q
        if child_visits + losses > 0.0:
            q = mean_with_losses(other_side(child["value_sum"]), child_visits, losses)
            if child["answers"] > 0:
                answer = other_side(child["answer_sum"]) / np.float64(child["answers"])
                q = mixed_value(answer, q, terms["rollout_share"])
        score = q + exploration_bonus(weight, np.float64(tree.prior[edge]), sqrt_visits, child_visits + losses)
        if score > best_score:
            best = edge
            best_score = score
    if untried < first + here["edge_count"]:
        score = untried_q + exploration_bonus(weight, np.float64(tree.prior[untried]), sqrt_visits, 0.0)
        if score > best_score:
            best = untried
    return best


@inlined_kernel
def _play_and_note(board, recent, history, length, superko, point):
    """Plays a move of a walk and writes down what later moves need to know of it."""
    play(board, np.uint32(point), np.int64(board[TO_PLAY]))
    for i in range(HISTORY - 1, 0, -1):
        recent[i] = recent[i - 1]
    recent[0] = point
    if superko == SITUATIONAL_SUPERKO:
        history[length] = situational_hash(board, board[TO_PLAY])
    else:
        history[length] = position_hash(board)


@lean_kernel
def walk_down(tree, terms, history, points, root_edge, board, recent):
    """Goes from the root to a node that is not expanded, leaving a virtual loss at every node of the way.

    `board` and `recent`, the root's, become those of the node; its position hashes follow the game's in `history`.
    root_edge: the tried edge by which to leave the root, or NO_NODE for the best. Returns the node and its depth;
    NO_NODE (and no virtual loss) when the way leads out of the tree and it is full.
    """
    node = np.int64(0)
    depth = np.int64(0)
    while tree.nodes[node]["status"] == EXPANDED:
        edge = np.int64(root_edge)
        if depth > 0 or root_edge == NO_NODE:
            edge = select_edge(tree, node, terms)
        here = tree.nodes[node]
        here["virtual_losses"] += 1
        point = points[tree.move[edge]]
        if edge == here["first_edge"] + here["tried"]:
            child = try_next(tree, node)
            if child == NO_NODE:
                release_walk(tree, node)
                return np.int64(NO_NODE), depth
        else:
            child = np.int64(tree.child[edge])
        _play_and_note(board, recent, history, terms["history_length"] + depth, terms["superko"], point)
        node = child
        depth += 1
    tree.nodes[node]["virtual_losses"] += 1
    return node, depth


@inlined_kernel
def status_here(tree, node, depth, board, terms):
    """The status of a node at the end of a walk; where the game is over, it is TERMINAL from now on."""
    if tree.nodes[node]["status"] == NEW and (board[PASSES] >= 2 or depth >= MAX_DEPTH):
        tree.nodes[node]["status"] = TERMINAL
        tree.nodes[node]["value"] = final_value(board, terms["white_points"]) if board[PASSES] >= 2 else 0.0
    return tree.nodes[node]["status"]


@lean_kernel
def select_leaves(
    nodes,
    move,
    prior,
    child,
    used,
    state,
    root_recent,
    history,
    points,
    indices,
    terms,
    boards,
    recent,
    global_values,
    given,
    leaf,
    symmetry,
    collided,
    asked,
    rng,
    root_edges,
    wanted,
    allowed,
    room,
):
    """Finds up to `wanted` leaves, expands them and writes into a batch what the evaluator must know of them.

    Walks that reach the end of a game are backed up at once. Walks that reach a leaf which waits for its evaluation
    are taken back, at the end: until then their virtual losses send the next ones elsewhere. Every other walk leaves
    its virtual losses until the leaf is backed up or given up.

    Where rollouts come first, every walk's leaf counts, one that waits for its evaluation or was found already too, and
    the evaluator is asked only about those that have as many visits as the expansion threshold says.

    Args:
        nodes, move, prior, child, used: the tree, see TreeArrays.
        state, root_recent, history: see `engine.root.Root`.
        points: int32[S*S + 1], the point of each move index, PASS last. indices: int16[padded points], the reverse.
        terms: TERMS[1].
        boards, recent, global_values, given, leaf, symmetry, collided, asked: the batch, see LeafBatch.
        rng: uint64[1], see gozero._random; one symmetry is drawn for each leaf.
        root_edges: int32[n], the tried edges by which the walks leave the root, one after the other and round again;
            empty where each takes the best.
        allowed: how many walks may count as visits, now or later: leaves and ends of games together.
        room: about how many of the leaves the evaluator may be asked; looked at where rollouts come first.

    Returns:
        the number of leaves, the number of games that ended, and FILLED, BLOCKED or FULL.
    """
    tree = TreeArrays(nodes, move, prior, child, used)
    term = terms[0]
    rollouts_first = term["rollouts_first"] != 0
    leaves = 0
    ended = 0
    collisions = 0
    sent = 0
    outcome = FILLED
    while leaves < wanted and leaves + ended < allowed:
        if collisions == wanted:
            outcome = BLOCKED
            break
        board, last = boards[leaves], recent[leaves]
        for i in range(board.shape[0]):
            board[i] = state[i]
        for i in range(HISTORY):
            last[i] = root_recent[i]
        root_edge = np.int64(NO_NODE)
        if root_edges.shape[0] > 0:
            root_edge = np.int64(root_edges[(leaves + ended + collisions) % root_edges.shape[0]])
        node, depth = walk_down(tree, term, history, points, root_edge, board, last)
        if node == NO_NODE:
            outcome = FULL
            break
        status = status_here(tree, node, depth, board, term)
        if status == PENDING and not rollouts_first:
            collided[collisions] = node
            collisions += 1
            continue
        if status == TERMINAL:
            back_up(tree, node, nodes[node]["value"])
            if rollouts_first:
                back_up_answer(tree, node, nodes[node]["value"])
            ended += 1
            continue
        asks = not rollouts_first
        if rollouts_first and status == NEW and sent < room:
            # This walk counts among the virtual losses.
            visits = nodes[node]["visits"] + nodes[node]["virtual_losses"]
            asks = np.float64(visits) >= term["expansion_threshold"]
        if asks:
            if not list_moves(tree, node, board, history, term["history_length"] + depth, term["superko"], indices):
                release_walk(tree, node)
                outcome = FULL
                break
            nodes[node]["status"] = PENDING
            symmetry[leaves] = random_below(rng, term["symmetries"])
            sent += 1
        asked[leaves] = asks
        leaf[leaves] = node
        tell(board, term, global_values[leaves])
        given[leaves] = points_given(board, term)
        leaves += 1
    for i in range(collisions):
        release_walk(tree, collided[i])
    return leaves, ended, outcome

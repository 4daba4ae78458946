"""The search tree as arrays, and the kernels that walk it: select, expand, back up (evaluation is the network's).

A node is an index; node 0 is the root. A node's edges lie side by side: first those whose child exists, in the order in
which they were first tried, then the likeliest of the others, then the rest in no order. Selection therefore looks at
the tried edges and at one more, however many moves there are.

Every value is for the player to move at the node that it belongs to, in [-1, 1].
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._puct import exploration_bonus, exploration_weight, first_play_value, mean_with_losses, other_side
from gozero._board import (
    PASSES,
    SITUATIONAL_SUPERKO,
    SIZE,
    TO_PLAY,
    WHITE,
    area,
    play,
    position_hash,
    situational_hash,
)
from gozero._features import HISTORY, fill_planes
from gozero._random import random_below
from gozero._repetition import legal_mask
from gozero.jit import kernel

# What has happened to a node.
NEW = 0  # nothing yet, or its evaluation was given up
PENDING = 1  # it is being evaluated
EXPANDED = 2  # evaluated: its edges have priors
TERMINAL = 3  # the game is over here; its value is a fact

NO_NODE = -1

MAX_DEPTH = 1000
"""Moves below the root. Without superko a line may go round for ever; at this depth it counts as a draw."""

# Why `select_leaves` returned.
FILLED = 0  # it found the leaves that it was asked for
BLOCKED = 1  # too many ways led to leaves that wait for their evaluation
FULL = 2  # the arrays have no room for another node


class TreeArrays(NamedTuple):
    """A tree of at most N nodes and E edges."""

    status: NDArray[np.uint8]  # [N] NEW, PENDING, EXPANDED or TERMINAL
    parent: NDArray[np.int32]  # [N] NO_NODE at the root
    visits: NDArray[np.int32]  # [N] values backed up through the node
    virtual_losses: NDArray[np.int32]  # [N] walks through the node whose value is still to come
    value_sum: NDArray[np.float64]  # [N]
    square_sum: NDArray[np.float64]  # [N] of the squares of the same values
    value: NDArray[np.float32]  # [N] what the evaluator, or the end of the game, says of this node alone
    first_edge: NDArray[np.int32]  # [N]
    edge_count: NDArray[np.int16]  # [N] legal moves, the pass included; 0 until they are listed
    tried: NDArray[np.int16]  # [N] how many of the edges have a child
    move: NDArray[np.int16]  # [E] move index
    prior: NDArray[np.float32]  # [E] the policy's probability
    child: NDArray[np.int32]  # [E] NO_NODE where untried
    used: NDArray[np.int64]  # [2] number of nodes, number of edges


class Root(NamedTuple):
    """The position at the root, and the rules under which it is searched."""

    state: NDArray[np.uint32]  # the board, see gozero._board
    recent: NDArray[np.int32]  # [HISTORY] last points, newest first
    history: NDArray[np.uint64]  # [history_length + MAX_DEPTH] position hashes; the tail is for the walks
    history_length: int
    superko: int
    komi: float  # what White is owed as networks are told it: komi and the rules' handicap bonus
    white_points: float  # what White is given when the area is counted
    territory: int  # 1 under territory scoring
    suicide: int  # 1 where suicide is allowed


class Tables(NamedTuple):
    """What every search on a board of S x S points with one feature set needs."""

    points: NDArray[np.int32]  # [S*S + 1] the point of each move index, PASS last
    symmetry: NDArray[np.int32]  # [8, S*S + 1] gozero.geometry.symmetry_table
    komi_scale: float
    feature_set: int  # its code, see gozero._features; not looked at where a batch has no planes
    symmetries: int  # how many of the eight are drawn from: 8, or 1 for none but the identity


class Formula(NamedTuple):
    """The constants of selection, see `engine.search.SearchConfig`."""

    c_puct: float
    c_puct_growth: float
    c_puct_base: float
    fpu_reduction: float
    fpu_average: float
    virtual_loss: float
    prior_temperature: float


class LeafBatch(NamedTuple):
    """Leaves on their way to the evaluator, B at most."""

    planes: NDArray[np.uint8]  # [B, C*S*S]
    boards: NDArray[np.uint32]  # [B, state], or [B, 0] for an evaluator that does not read them
    global_values: NDArray[np.float32]  # [B, G]
    node: NDArray[np.int32]  # [B]
    symmetry: NDArray[np.int32]  # [B] how the board was turned before it was described
    size: int  # S


@kernel
def add_node(tree, parent):
    """Takes the next free node, or returns NO_NODE when there is none."""
    node = tree.used[0]
    if node == tree.status.shape[0]:
        return NO_NODE
    tree.used[0] = node + 1
    tree.status[node] = NEW
    tree.parent[node] = parent
    tree.visits[node] = 0
    tree.virtual_losses[node] = 0
    tree.value_sum[node] = 0.0
    tree.square_sum[node] = 0.0
    tree.value[node] = 0.0
    tree.first_edge[node] = 0
    tree.edge_count[node] = 0
    tree.tried[node] = 0
    return node


# --- select ----------------------------------------------------------------------------------------------------------


@kernel
def select_edge(tree, node, formula):
    """The edge that maximises Q + u at an expanded node."""
    first = tree.first_edge[node]
    untried = first + tree.tried[node]
    visits = 0.0
    tried_prior = 0.0
    for edge in range(first, untried):
        child = tree.child[edge]
        visits += tree.visits[child] + formula.virtual_loss * tree.virtual_losses[child]
        tried_prior += tree.prior[edge]
    weight = exploration_weight(visits, formula.c_puct, formula.c_puct_growth, formula.c_puct_base)
    sqrt_visits = np.sqrt(visits)
    own_value = tree.value[node] if formula.fpu_average == 0.0 else tree.value_sum[node] / tree.visits[node]
    untried_q = first_play_value(own_value, tried_prior, formula.fpu_reduction)
    best = first
    best_score = -np.inf
    for edge in range(first, untried):
        child = tree.child[edge]
        child_visits = np.float64(tree.visits[child])
        losses = formula.virtual_loss * tree.virtual_losses[child]
        q = untried_q
        if child_visits + losses > 0.0:
            q = mean_with_losses(other_side(tree.value_sum[child]), child_visits, losses)
        score = q + exploration_bonus(weight, tree.prior[edge], sqrt_visits, child_visits + losses)
        if score > best_score:
            best = edge
            best_score = score
    if untried < first + tree.edge_count[node]:
        score = untried_q + exploration_bonus(weight, tree.prior[untried], sqrt_visits, 0.0)
        if score > best_score:
            best = untried
    return best


@kernel
def bring_forward(tree, node):
    """Swaps the likeliest untried edge to the place where selection looks for it."""
    place = tree.first_edge[node] + tree.tried[node]
    end = tree.first_edge[node] + tree.edge_count[node]
    best = place
    for edge in range(place + 1, end):
        if tree.prior[edge] > tree.prior[best]:
            best = edge
    if best != place:
        move, prior = tree.move[best], tree.prior[best]
        tree.move[best], tree.prior[best] = tree.move[place], tree.prior[place]
        tree.move[place], tree.prior[place] = move, prior


@kernel
def release(tree, node):
    """Takes one virtual loss off a node and every node above it."""
    while node != NO_NODE:
        tree.virtual_losses[node] -= 1
        node = tree.parent[node]


@kernel
def _play_and_note(board, recent, history, length, superko, point):
    """Plays a move of a walk and writes down what later moves need to know of it."""
    play(board, point, np.int64(board[TO_PLAY]))
    for i in range(HISTORY - 1, 0, -1):
        recent[i] = recent[i - 1]
    recent[0] = point
    if superko == SITUATIONAL_SUPERKO:
        history[length] = situational_hash(board, board[TO_PLAY])
    else:
        history[length] = position_hash(board)


@kernel
def _walk_down(tree, root, tables, formula, board, recent):
    """Goes from the root to a node that is not expanded, leaving a virtual loss at every node of the way.

    `board` and `recent` become those of the node; its position hashes follow the game's in `root.history`. Returns
    the node and its depth; NO_NODE (and no virtual loss) when the way leads out of the tree and it is full.
    """
    board[:] = root.state
    recent[:] = root.recent
    node = 0
    depth = 0
    while tree.status[node] == EXPANDED:
        edge = select_edge(tree, node, formula)
        tree.virtual_losses[node] += 1
        child = tree.child[edge]
        if child == NO_NODE:
            child = add_node(tree, node)
            if child == NO_NODE:
                release(tree, node)
                return NO_NODE, depth
            tree.child[edge] = child
            tree.tried[node] += 1
            bring_forward(tree, node)
        point = tables.points[tree.move[edge]]
        _play_and_note(board, recent, root.history, root.history_length + depth, root.superko, point)
        node = child
        depth += 1
    tree.virtual_losses[node] += 1
    return node, depth


# --- expand ----------------------------------------------------------------------------------------------------------


@kernel
def final_value(board, white_points):
    """1, 0 or -1: what the area count gives the player to move."""
    black, white = area(board)
    lead = np.float64(black) - np.float64(white) - white_points
    value = np.sign(lead)
    return other_side(value) if board[TO_PLAY] == WHITE else value


@kernel
def list_moves(tree, node, board, root, depth, mask):
    """Gives a node its edges: every legal move. Returns False when the tree has no room for them.

    mask: uint8[S*S + 1], scratch.
    """
    if tree.edge_count[node] > 0:
        return True
    legal_mask(board, np.int64(board[TO_PLAY]), root.history, root.history_length + depth, root.superko, mask)
    count = 0
    for index in range(mask.shape[0]):
        count += mask[index]
    edge = tree.used[1]
    if edge + count > tree.move.shape[0]:
        return False
    tree.first_edge[node] = edge
    tree.edge_count[node] = count
    tree.used[1] = edge + count
    for index in range(mask.shape[0]):
        if mask[index]:
            tree.move[edge] = index
            tree.prior[edge] = 0.0
            tree.child[edge] = NO_NODE
            edge += 1
    return True


@kernel
def describe(board, recent, root, tables, batch, slot):
    """Writes what the evaluator is told of a position into one slot of a batch, turned by the slot's symmetry."""
    colour = np.int64(board[TO_PLAY])
    told = batch.global_values[slot]
    told[0] = (root.komi if colour == WHITE else -root.komi) / tables.komi_scale
    told[1] = root.territory
    told[2] = root.suicide
    told[3] = board[PASSES] >= 1
    told[4] = board[PASSES] >= 2
    told[5] = colour != WHITE
    for word in range(batch.boards.shape[1]):
        batch.boards[slot, word] = board[word]
    planes = batch.planes[slot]
    if planes.shape[0] > 0:
        fill_planes(board, recent, colour, tables.feature_set, tables.symmetry[batch.symmetry[slot]], planes)


@kernel
def add_root(tree, root):
    """Makes the root of an empty tree and lists its moves."""
    node = add_node(tree, NO_NODE)
    board = root.state.copy()
    list_moves(tree, node, board, root, 0, np.empty(np.int64(board[SIZE]) * np.int64(board[SIZE]) + 1, np.uint8))


@kernel
def describe_root(root, tables, batch, count):
    """Describes the root's position in the first `count` slots, each by its own symmetry, which is set already."""
    board = root.state.copy()
    recent = root.recent.copy()
    for slot in range(count):
        describe(board, recent, root, tables, batch, slot)


@kernel
def select_leaves(tree, root, tables, formula, rng, batch, wanted, allowed):
    """Finds up to `wanted` leaves, expands them and describes them in a batch.

    Walks that reach the end of a game are backed up at once. Walks that reach a leaf which waits for its evaluation
    are taken back, at the end: until then their virtual losses send the next ones elsewhere. Every other walk leaves
    its virtual losses until the leaf is backed up or given up.

    Args:
        rng: uint64[1], see gozero._random; one symmetry is drawn for each leaf.
        allowed: how many walks may count as visits, now or later: leaves and ends of games together.

    Returns:
        the number of leaves, the number of games that ended, and FILLED, BLOCKED or FULL.
    """
    board = np.empty_like(root.state)
    recent = np.empty_like(root.recent)
    mask = np.empty(tables.points.shape[0], np.uint8)
    collisions = np.empty(wanted, np.int64)
    leaves = 0
    ended = 0
    collided = 0
    outcome = FILLED
    while leaves < wanted and leaves + ended < allowed:
        if collided == wanted:
            outcome = BLOCKED
            break
        node, depth = _walk_down(tree, root, tables, formula, board, recent)
        if node == NO_NODE:
            outcome = FULL
            break
        if tree.status[node] == PENDING:
            collisions[collided] = node
            collided += 1
            continue
        if tree.status[node] == NEW and (board[PASSES] >= 2 or depth >= MAX_DEPTH):
            tree.status[node] = TERMINAL
            tree.value[node] = final_value(board, root.white_points) if board[PASSES] >= 2 else 0.0
        if tree.status[node] == TERMINAL:
            back_up(tree, node, np.float64(tree.value[node]))
            ended += 1
            continue
        if not list_moves(tree, node, board, root, depth, mask):
            release(tree, node)
            outcome = FULL
            break
        tree.status[node] = PENDING
        batch.node[leaves] = node
        batch.symmetry[leaves] = random_below(rng, tables.symmetries)
        describe(board, recent, root, tables, batch, leaves)
        leaves += 1
    for i in range(collided):
        release(tree, collisions[i])
    return leaves, ended, outcome


# --- back up ---------------------------------------------------------------------------------------------------------


@kernel
def set_priors(tree, node, logits, places, temperature):
    """Turns logits, float32[S*S + 1] on the turned board, into priors of the node's legal moves.

    places: int32[S*S + 1], where the symmetry put each move index.
    """
    first = tree.first_edge[node]
    end = first + tree.edge_count[node]
    largest = -np.inf
    for edge in range(first, end):
        largest = max(largest, logits[places[tree.move[edge]]])
    total = 0.0
    for edge in range(first, end):
        weight = np.exp((logits[places[tree.move[edge]]] - largest) / temperature)
        tree.prior[edge] = weight
        total += weight
    for edge in range(first, end):
        tree.prior[edge] /= total
    bring_forward(tree, node)


@kernel
def back_up(tree, leaf, value):
    """Adds the value of a leaf to it and, as its players see it, to every node above; takes the virtual loss off."""
    node = leaf
    while node != NO_NODE:
        tree.visits[node] += 1
        tree.virtual_losses[node] -= 1
        tree.value_sum[node] += value
        tree.square_sum[node] += value * value
        value = other_side(value)
        node = tree.parent[node]


@kernel
def set_root(tree, logits, value, tables, formula):
    """Gives the root its priors and its value; the first time, the value counts as its first visit."""
    set_priors(tree, 0, logits, tables.symmetry[0], formula.prior_temperature)
    tree.value[0] = value
    if tree.status[0] != EXPANDED:
        tree.status[0] = EXPANDED
        tree.virtual_losses[0] += 1
        back_up(tree, 0, np.float64(tree.value[0]))


@kernel
def apply_answers(tree, batch, count, logits, values, tables, formula):
    """Gives the first `count` leaves of a batch their priors and values and backs them up.

    Args:
        logits: float32[B, S*S + 1].
        values: float32[B].
    """
    for slot in range(count):
        node = batch.node[slot]
        set_priors(tree, node, logits[slot], tables.symmetry[batch.symmetry[slot]], formula.prior_temperature)
        tree.value[node] = values[slot]
        tree.status[node] = EXPANDED
        back_up(tree, node, np.float64(values[slot]))


# --- between searches ------------------------------------------------------------------------------------------------


@kernel
def copy_subtree(source, start, target):
    """Copies the tree below `start`, which becomes the root of the empty tree `target`; statistics are kept.

    Nothing may be pending. `target` has room for as many nodes and edges as `source` uses.
    """
    origin = np.empty(source.used[0], np.int64)
    origin[0] = start
    add_node(target, NO_NODE)
    node = 0
    while node < target.used[0]:
        old = origin[node]
        target.status[node] = source.status[old]
        target.visits[node] = source.visits[old]
        target.value_sum[node] = source.value_sum[old]
        target.square_sum[node] = source.square_sum[old]
        target.value[node] = source.value[old]
        target.edge_count[node] = source.edge_count[old]
        target.tried[node] = source.tried[old]
        target.first_edge[node] = target.used[1]
        for old_edge in range(source.first_edge[old], source.first_edge[old] + source.edge_count[old]):
            edge = target.used[1]
            target.used[1] = edge + 1
            target.move[edge] = source.move[old_edge]
            target.prior[edge] = source.prior[old_edge]
            target.child[edge] = NO_NODE
            if source.child[old_edge] != NO_NODE:
                child = add_node(target, node)
                origin[child] = source.child[old_edge]
                target.child[edge] = child
        node += 1


@kernel
def most_visited_line(tree, node, moves):
    """Follows the most visited children downwards; fills moves, int16[length], and returns how many there are."""
    count = 0
    while count < moves.shape[0]:
        best = NO_NODE
        first = tree.first_edge[node]
        for edge in range(first, first + tree.tried[node]):
            child = tree.child[edge]
            if tree.visits[child] > 0 and (best == NO_NODE or tree.visits[child] > tree.visits[best]):
                best = child
                moves[count] = tree.move[edge]
        if best == NO_NODE:
            break
        node = best
        count += 1
    return count

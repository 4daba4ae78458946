"""Kernels of games with search that advance together: many trees, one leaf of each in every call of the network.

A tree is searched as in `engine._select`, by the same kernels. When its search is over the game's move is played here
too, and the next search begins, so that every game in play has a leaf for every call.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import _gumbel
from engine._expand import apply_answer, list_moves, points_given, tell
from engine._gumbel import Halving
from engine._select import status_here, walk_down
from engine._tree import (
    EXPANDED,
    NO_NODE,
    PENDING,
    TERMINAL,
    TreeArrays,
    add_node,
    back_up,
    mean_value,
)
from gozero._board import BLACK, PASSES, TO_PLAY
from gozero._features import HISTORY
from gozero._lockstep import play_index
from gozero._random import random_below, random_float
from gozero.jit import inlined_kernel, kernel, lean_kernel
from selfplay._game import Boards, begin
from selfplay._root import add_noise, best_visited, draw, keep_below, share_visits

LEAST_SHARE = 1e-4
"""Moves of a smaller share in a search's policy are not kept."""

PLAN: Final = np.dtype(
    [
        # `selfplay.searched_settings.SearchedSettings`, for kernels.
        ("gumbel", np.int64),  # 1 for Gumbel roots, 0 for PUCT
        ("visits", np.int64),
        ("gumbel_moves", np.int64),
        ("full_share", np.float64),
        ("quick_visits", np.int64),
        ("opening_moves", np.int64),
        ("sampled_moves", np.int64),
        ("temperature", np.float64),
        ("noise_share", np.float64),
        ("noise_total", np.float64),
        ("resign_below", np.float64),
        ("play_out", np.float64),
        ("longest", np.int64),
    ]
)

# What a game's search does next.
TO_BEGIN = 0  # the root is a new position
AT_ROOT = 1  # the root is to be evaluated, or has been and the search has not begun
SEARCHING = 2

PLAY: Final = np.dtype(
    [
        # How a game stands, beside its board and its tree.
        ("stage", np.int64),  # TO_BEGIN, AT_ROOT or SEARCHING
        ("visits", np.int64),  # of the root, at which the present search ends; 1 for none
        ("is_full", np.int64),  # whether the present search is one to learn from
        ("opened", np.int64),  # moves at the start that are drawn from the network's policy
        ("resigns", np.int64),  # whether players may resign
        ("resigned", np.int64),  # whether one did
        ("gave_up", np.int64),  # see `selfplay.searched_games.SearchedGame`
        ("lowest_black", np.float64),
        ("lowest_white", np.float64),
        ("evaluations", np.int64),
        ("searches", np.int64),  # how many searches are noted, and shares of all of them
        ("shares", np.int64),
    ]
)

NOTED: Final = np.dtype(
    [
        # A search to learn from, see `gozero.searches.GameSearches`.
        ("ply", np.int64),
        ("value", np.float32),
        ("count", np.int64),
    ]
)


class ForestArrays(NamedTuple):
    """N games, each with a tree, that are played at once. A tree has room for V nodes and E edges."""

    boards: Boards  # with room for the hashes of a walk behind those of the game
    plays: NDArray[np.void]  # [N] of PLAY
    terms: NDArray[np.void]  # [N] of TERMS
    nodes: NDArray[np.void]  # [N, V] of NODE
    move: NDArray[np.int16]  # [N, E]
    prior: NDArray[np.float32]  # [N, E]
    child: NDArray[np.int32]  # [N, E]
    used: NDArray[np.int64]  # [N, 2]
    edge: NDArray[np.int32]  # [N, M] to stage: what is considered at Gumbel roots, see Halving
    score: NDArray[np.float64]  # [N, M]
    target: NDArray[np.int32]  # [N, M]
    halving: NDArray[np.int32]  # [N, 4]
    noted: NDArray[np.void]  # [N, longest game] of NOTED
    noted_moves: NDArray[np.uint16]  # [N, longest game * (S*S + 1)]
    noted_shares: NDArray[np.float32]  # [N, longest game * (S*S + 1)]


class Scratch(NamedTuple):
    """What kernels write on as they like."""

    shares: NDArray[np.float64]  # [S*S + 1] of the root's edges
    origin: NDArray[np.int32]  # [V]
    nodes: NDArray[np.void]  # [V] a tree, to `used`
    move: NDArray[np.int16]  # [E]
    prior: NDArray[np.float32]  # [E]
    child: NDArray[np.int32]  # [E]
    used: NDArray[np.int64]  # [2]


@inlined_kernel
def tree_of(forest, slot):
    """The tree of the game in a slot."""
    return TreeArrays(forest.nodes[slot], forest.move[slot], forest.prior[slot], forest.child[slot], forest.used[slot])


@inlined_kernel
def halving_of(forest, slot):
    """What is considered at its root."""
    return Halving(forest.edge[slot], forest.score[slot], forest.target[slot], forest.halving[slot])


@lean_kernel
def begin_game(forest, slot, size, suicide, superko, seed, plan):
    """Puts a new game in a slot; its random numbers are a function of `seed` alone. plan: PLAN[1]."""
    begin(forest.boards, slot, size, suicide, superko, seed)
    forest.used[slot, 0] = 0
    rng = forest.boards.rng[slot]
    play = forest.plays[slot]
    play["stage"] = TO_BEGIN
    play["opened"] = random_below(rng, plan[0]["opening_moves"] + 1)
    play["resigns"] = np.int64(random_float(rng) >= plan[0]["play_out"])
    play["resigned"] = 0
    play["gave_up"] = 0
    play["lowest_black"] = 1.0
    play["lowest_white"] = 1.0
    play["evaluations"] = 0
    play["searches"] = 0
    play["shares"] = 0


@kernel
def next_leaves(forest, slots, plan, points, indices, scratch, batch, rows, filled, over):
    """Takes each of the games in `slots`, int64[n], to the next position that the network is to be asked about.

    Moves whose search is over are played on the way; so a game may come to its end.

    Args:
        plan: PLAN[1].
        points, indices: see `engine.root.Root`.
        batch: the leaves, as LeafBatch; `filled` of them are there already, the games' follow.
        rows: int64[B], the slot of each leaf of the batch.
        over: int64[n], filled with the slots of the games that are over.

    Returns:
        how many leaves are in the batch now, and how many games are over.
    """
    ended = 0
    for i in range(slots.shape[0]):
        slot = slots[i]
        board = batch.boards[filled]
        node = next_leaf(forest, slot, plan[0], points, indices, scratch, board, batch.recent[filled])
        if node == NO_NODE:
            over[ended] = slot
            ended += 1
            continue
        terms = forest.terms[slot]
        batch.node[filled] = node
        batch.symmetry[filled] = random_below(forest.boards.rng[slot], terms["symmetries"])
        tell(board, terms, batch.global_values[filled])
        batch.given[filled] = points_given(board, terms)
        rows[filled] = slot
        filled += 1
    return filled, ended


@lean_kernel
def next_leaf(forest, slot, plan, points, indices, scratch, board, recent):
    """The node of the next leaf of one game, which the board and the last points become; NO_NODE where it is over."""
    tree = tree_of(forest, slot)
    halving = halving_of(forest, slot)
    play, terms = forest.plays[slot], forest.terms[slot]
    history = forest.boards.history[slot]
    while True:
        if play["stage"] == TO_BEGIN:
            begin_search(forest, slot, plan, indices)
        root_edge = np.int64(NO_NODE)
        node = np.int64(0)
        depth = np.int64(0)
        if play["stage"] == AT_ROOT and tree.nodes[0]["status"] == EXPANDED:
            if play["visits"] > 1:
                prepare_root(forest, slot, plan, scratch)
            play["stage"] = SEARCHING
        if play["stage"] == SEARCHING:
            is_over = tree.nodes[0]["visits"] >= play["visits"]
            if not is_over and plan["gumbel"] != 0:
                root_edge = _gumbel.next_edge(tree, halving)
                is_over = root_edge == NO_NODE
            if is_over:
                if not end_search(forest, slot, plan, scratch):
                    return np.int64(NO_NODE)
                continue
        state, last = forest.boards.state[slot], forest.boards.recent[slot]
        for i in range(board.shape[0]):
            board[i] = state[i]
        for i in range(HISTORY):
            recent[i] = last[i]
        if play["stage"] == AT_ROOT:
            tree.nodes[0]["virtual_losses"] += 1
        else:
            node, depth = walk_down(tree, terms, history, points, root_edge, board, recent)
            if status_here(tree, node, depth, board, terms) == TERMINAL:
                back_up(tree, node, tree.nodes[node]["value"])
                continue
            list_moves(tree, node, board, history, terms["history_length"] + depth, terms["superko"], indices)
        tree.nodes[node]["status"] = PENDING
        play["evaluations"] += 1
        return node


@lean_kernel
def apply_leaves(forest, rows, batch, filled, logits, values, table):
    """Gives the first `filled` leaves of a batch their priors and values and backs them up in their trees.

    logits: float32[B, S*S + 1]. values: float32[B]. table: int32[8, S*S + 1], gozero.geometry.symmetry_table.
    """
    for i in range(filled):
        tree = tree_of(forest, rows[i])
        places = table[batch.symmetry[i]]
        apply_answer(tree, batch.node[i], logits[i], values[i], values[i], places, forest.terms[rows[i]])


@lean_kernel
def begin_search(forest, slot, plan, indices):
    """Says how the position on the board is searched, and makes it the root where there is no tree of it yet."""
    tree = tree_of(forest, slot)
    boards, play, terms = forest.boards, forest.plays[slot], forest.terms[slot]
    play["stage"] = AT_ROOT
    terms["history_length"] = boards.length[slot] + 1
    if tree.used[0] == 0:
        tree.used[1] = 0
        add_node(tree, NO_NODE)
        history = boards.history[slot]
        list_moves(tree, np.int64(0), boards.state[slot], history, terms["history_length"], terms["superko"], indices)
    play["is_full"] = 0
    play["visits"] = 1
    if boards.length[slot] >= play["opened"]:
        play["is_full"] = np.int64(random_float(boards.rng[slot]) < plan["full_share"])
        play["visits"] = plan["visits"] if play["is_full"] != 0 else plan["quick_visits"]


@lean_kernel
def prepare_root(forest, slot, plan, scratch):
    """Does what comes before the first walk from an evaluated root."""
    tree = tree_of(forest, slot)
    play, rng = forest.plays[slot], forest.boards.rng[slot]
    if plan["gumbel"] != 0:
        noisy = np.int64(play["is_full"] != 0 or is_sampled(forest, slot, plan))
        _gumbel.begin_halving(
            tree, halving_of(forest, slot), plan["gumbel_moves"], play["visits"] - 1, noisy, rng, scratch.shares
        )
    elif play["is_full"] != 0 and plan["noise_share"] > 0.0:
        add_noise(tree, plan["noise_share"], plan["noise_total"], rng, scratch.shares)


@inlined_kernel
def is_sampled(forest, slot, plan):
    """Whether the next move of a game is one of those that are drawn."""
    return forest.boards.length[slot] - forest.plays[slot]["opened"] < plan["sampled_moves"]


@lean_kernel
def end_search(forest, slot, plan, scratch):
    """Plays the move that a search has found; returns False where the game is over."""
    tree = tree_of(forest, slot)
    boards, play = forest.boards, forest.plays[slot]
    state, rng, shares = boards.state[slot], boards.rng[slot], scratch.shares
    first = np.int64(tree.nodes[0]["first_edge"])
    count = np.int64(tree.nodes[0]["edge_count"])
    if play["visits"] == 1:
        for i in range(count):
            shares[i] = tree.prior[first + i]
        edge = first + draw(shares, count, 1.0, rng)
    else:
        if plan["gumbel"] != 0:
            value = _gumbel.improve_policy(tree, shares)
        else:
            value = mean_value(tree.nodes[0], 0.0)
            share_visits(tree, shares)
        if is_given_up(play, state, value, plan):
            play["resigned"] = 1
            return False
        if play["is_full"] != 0:
            note_search(forest, slot, value, shares)
        if not is_sampled(forest, slot, plan):
            edge = best_visited(tree, shares)
        elif plan["gumbel"] != 0:
            edge = _gumbel.winner(tree, halving_of(forest, slot))
        else:
            edge = first + draw(shares, count, plan["temperature"], rng)
    play_index(boards, slot, np.int64(tree.move[edge]), forest.terms[slot]["superko"])
    play["stage"] = TO_BEGIN
    keep_below(tree, edge, plan, scratch)
    return state[PASSES] < 2 and boards.length[slot] < plan["longest"]


@lean_kernel
def is_given_up(play, state, value, plan):
    """Notes what a search found the position worth to the player to move, and says whether that player resigns."""
    colour = np.int64(state[TO_PLAY])
    if colour == BLACK:
        play["lowest_black"] = min(play["lowest_black"], value)
    else:
        play["lowest_white"] = min(play["lowest_white"], value)
    if value >= plan["resign_below"]:
        return False
    if play["gave_up"] == 0:
        play["gave_up"] = colour
    return play["resigns"] != 0


@lean_kernel
def note_search(forest, slot, value, shares):
    """Keeps a search to learn from. shares: float64[edges of the root]."""
    tree = tree_of(forest, slot)
    play = forest.plays[slot]
    first = np.int64(tree.nodes[0]["first_edge"])
    count = np.int64(tree.nodes[0]["edge_count"])
    begin = play["shares"]
    end = begin
    kept = 0.0
    for i in range(count):
        if shares[i] >= LEAST_SHARE:
            forest.noted_moves[slot, end] = tree.move[first + i]
            forest.noted_shares[slot, end] = shares[i]
            kept += shares[i]
            end += 1
    for i in range(begin, end):
        forest.noted_shares[slot, i] /= np.float32(kept)
    noted = forest.noted[slot, play["searches"]]
    noted["ply"] = forest.boards.length[slot]
    noted["value"] = value
    noted["count"] = end - begin
    play["searches"] += 1
    play["shares"] = end

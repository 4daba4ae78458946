"""Expanding leaves of the search tree: their moves, what the evaluator is told, and what becomes of its answers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._puct import mixed_value, other_side
from engine._tree import EXPANDED, TreeArrays, add_node, back_up, back_up_answer, bring_forward, mean_value
from gozero._board import EMPTIES, EMPTY_AT, PASSES, SIMPLE_KO, SITUATIONAL_SUPERKO, TO_PLAY, WHITE, WORDS
from gozero._features import fill_planes
from gozero._legality import is_legal
from gozero._repetition import is_repetition
from gozero._whole_board import area
from gozero.jit import inlined_kernel, kernel, lean_kernel


class LeafBatch(NamedTuple):
    """Leaves on their way to the evaluator, B at most; the walk to each is played on the board in its slot."""

    boards: NDArray[np.uint32]  # [B, state]
    recent: NDArray[np.int32]  # [B, HISTORY] last points, newest first
    global_values: NDArray[np.float32]  # [B, G]
    given: NDArray[np.float64]  # [B] points that the player to move is given when the area is counted
    node: NDArray[np.int32]  # [B]
    symmetry: NDArray[np.int32]  # [B] how the board is turned before the evaluator sees it
    collided: NDArray[np.int32]  # [B] scratch of `engine._select.select_leaves`
    asked: NDArray[np.uint8]  # [B] 1 where the evaluator is asked about the leaf, 0 where it is too early for that


@lean_kernel
def final_value(board, white_points):
    """1, 0 or -1: what the area count gives the player to move."""
    black, white = area(board)
    lead = np.float64(black) - np.float64(white) - white_points
    value = np.sign(lead)
    return other_side(value) if board[TO_PLAY] == WHITE else value


@lean_kernel
def list_moves(tree, node, board, history, length, superko, indices):
    """Gives a node its edges: every legal move. Returns False when the tree may have no room for them.

    history[:length]: hashes of the positions so far, see gozero._repetition. indices: int16[padded points], the move
    index of each point.
    """
    here = tree.nodes[node]
    if here["edge_count"] > 0:
        return True
    colour = np.int64(board[TO_PLAY])
    empties = np.int64(board[EMPTIES])
    first = tree.used[1]
    if first + empties + 1 > tree.move.shape[0]:
        return False
    edge = first
    situational = superko == SITUATIONAL_SUPERKO
    for i in range(empties):
        point = board[EMPTY_AT + np.uint32(i) * WORDS]
        if is_legal(board, point, colour) and (
            superko == SIMPLE_KO or not is_repetition(board, point, colour, history, length, situational)
        ):
            tree.move[edge] = indices[point]
            edge += 1
    tree.move[edge] = indices[0]
    here["first_edge"] = first
    here["edge_count"] = edge + 1 - first
    tree.used[1] = edge + 1
    return True


@inlined_kernel
def tell(board, terms, told):
    """Fills told, float32[G] (`gozero.features.GLOBALS`), for the player to move."""
    is_white = board[TO_PLAY] == WHITE
    told[0] = (terms["komi"] if is_white else -terms["komi"]) / terms["komi_scale"]
    told[1] = terms["territory"]
    told[2] = terms["suicide"]
    told[3] = board[PASSES] >= 1
    told[4] = board[PASSES] >= 2
    told[5] = not is_white


@inlined_kernel
def points_given(board, terms):
    """What the player to move is given when the area is counted. `tell` says something else where a handicap is played
    by territory: the count takes back Black's stones, which networks know nothing of (`gozero.scoring.area_score`)."""
    return terms["white_points"] if board[TO_PLAY] == WHITE else -terms["white_points"]


@kernel
def fill_leaves(boards, recent, symmetry, count, table, feature_set, planes):
    """Fills planes, uint8[B, C*S*S], of the first `count` boards, each turned by its symmetry.

    boards, recent, symmetry: as in LeafBatch. table: int32[8, S*S + 1], gozero.geometry.symmetry_table. feature_set:
    its code, see gozero._features.
    """
    for slot in range(count):
        board = boards[slot]
        fill_planes(board, recent[slot], np.int64(board[TO_PLAY]), feature_set, table[symmetry[slot]], planes[slot])


@lean_kernel
def add_root(nodes, move, prior, child, used, state, history, indices, terms):
    """Makes the root of an empty tree and lists its moves. state: uint32[state]."""
    tree = TreeArrays(nodes, move, prior, child, used)
    add_node(tree, -1)
    list_moves(tree, np.int64(0), state, history, terms[0]["history_length"], terms[0]["superko"], indices)


@lean_kernel
def tell_leaves(boards, count, terms, global_values, given):
    """Fills global_values, float32[B, G], and given, float64[B] (see LeafBatch), of the first `count` boards."""
    for slot in range(count):
        tell(boards[slot], terms[0], global_values[slot])
        given[slot] = points_given(boards[slot], terms[0])


@inlined_kernel
def exponential(x):
    """exp(x) of a float32 not above 0, to 2e-7 of it; without branches, so that a loop of it takes eight at once."""
    bounded = max(x, np.float32(-87.0)) * np.float32(1.44269504)
    whole = np.floor(bounded + np.float32(0.5))
    part = bounded - whole
    power = np.float32(0.00015403530)
    power = power * part + np.float32(0.0013333558)
    power = power * part + np.float32(0.0096181291)
    power = power * part + np.float32(0.055504109)
    power = power * part + np.float32(0.24022651)
    power = power * part + np.float32(0.69314718)
    power = power * part + np.float32(1.0)
    return power * np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)


@lean_kernel
def set_priors(tree, node, logits, places, temperature):
    """Turns logits, float32[S*S + 1] on the turned board, into priors of the node's legal moves.

    places: int32[S*S + 1], where the symmetry put each move index.
    """
    first = tree.nodes[node]["first_edge"]
    count = np.int64(tree.nodes[node]["edge_count"])
    moves = tree.move[first : first + count]
    priors = tree.prior[first : first + count]
    best = np.int64(0)
    largest = np.float32(-np.inf)
    for i in range(count):
        logit = logits[places[moves[i]]]
        priors[i] = logit
        if logit > largest:
            largest = logit
            best = i
    scale = np.float32(1.0 / temperature)
    for i in range(count):
        priors[i] = exponential((priors[i] - largest) * scale)
    # Four sums at a time: one after the other they would wait for each other.
    a = b = c = d = 0.0
    quarters = count // 4
    for i in range(quarters):
        a += priors[4 * i]
        b += priors[4 * i + 1]
        c += priors[4 * i + 2]
        d += priors[4 * i + 3]
    for i in range(4 * quarters, count):
        a += priors[i]
    share = np.float32(1.0 / ((a + b) + (c + d)))
    for i in range(count):
        priors[i] *= share
    if tree.nodes[node]["tried"] > 0:
        bring_forward(tree, node)
        here = tree.nodes[node]
        here["tried_prior"] = 0.0
        for edge in range(first, first + here["tried"]):
            here["tried_prior"] += tree.prior[edge]
    else:
        move, prior = moves[best], priors[best]
        moves[best], priors[best] = moves[0], priors[0]
        moves[0], priors[0] = move, prior


@lean_kernel
def set_root(nodes, move, prior, child, used, logits, value, result, places, terms):
    """Gives the root its priors and its value; the first time, they count as its first visit.

    result: of a rollout; not looked at where their share is 0.
    """
    tree = TreeArrays(nodes, move, prior, child, used)
    set_priors(tree, np.int32(0), logits, places, terms[0]["prior_temperature"])
    here = nodes[0]
    here["value"] = value
    if here["status"] != EXPANDED:
        here["status"] = EXPANDED
        here["virtual_losses"] += 1
        if terms[0]["rollouts_first"] != 0:
            back_up(tree, np.int32(0), np.float64(result))
            back_up_answer(tree, np.int32(0), np.float64(here["value"]))
        else:
            back_up_judged(tree, np.int32(0), np.float64(here["value"]), np.float64(result), terms[0])


@inlined_kernel
def back_up_judged(tree, node, value, result, terms):
    """Backs up V = (1 - lambda) v + lambda z."""
    if terms["rollout_share"] > 0.0:
        value = mixed_value(value, result, terms["rollout_share"])
    back_up(tree, node, value)


@inlined_kernel
def apply_answer(tree, node, logits, value, result, places, terms):
    """Gives one leaf its priors and its value and backs it up, see `apply_answers`. places: as in `set_priors`."""
    set_priors(tree, node, logits, places, terms["prior_temperature"])
    tree.nodes[node]["value"] = value
    tree.nodes[node]["status"] = EXPANDED
    if terms["rollouts_first"] != 0:
        back_up_answer(tree, node, np.float64(value))
    else:
        back_up_judged(tree, node, np.float64(value), np.float64(result), terms)


@lean_kernel
def apply_answers(nodes, move, prior, child, used, leaves, symmetry, count, logits, values, results, table, terms):
    """Gives the first `count` leaves of a batch their priors and values and backs them up.

    Where rollouts come first, a leaf's visits are backed up already and it may have been searched on by other priors:
    these are replaced, what was found below it stays, and the value is counted among the answers.

    Args:
        leaves, symmetry: int32[B], of the batch.
        logits: float32[B, S*S + 1].
        values: float32[B], the evaluator's.
        results: float32[B], the mean result of rollouts; not looked at where their share is 0 or they came first.
        table: int32[8, S*S + 1], gozero.geometry.symmetry_table.
    """
    tree = TreeArrays(nodes, move, prior, child, used)
    for slot in range(count):
        places = table[symmetry[slot]]
        apply_answer(tree, leaves[slot], logits[slot], values[slot], results[slot], places, terms[0])


@lean_kernel
def are_numbers(logits, values):
    """Whether none of logits, float32[B, S*S + 1], and values, float32[B], is infinite or no number."""
    total = np.float32(0)  # of zeros; becomes no number with the first that is none
    for slot in range(values.shape[0]):
        row = logits[slot]
        for index in range(row.shape[0]):
            total += np.float32(0) * row[index]
        total += np.float32(0) * values[slot]
    return total == np.float32(0)


@lean_kernel
def apply_results(nodes, move, prior, child, used, leaves, count, results):
    """Backs up the results of rollouts, float32[B], from the first `count` of leaves, int32[B], as their visits.

    A leaf may stand there more than once, and need not be expanded.
    """
    tree = TreeArrays(nodes, move, prior, child, used)
    for slot in range(count):
        back_up(tree, leaves[slot], np.float64(results[slot]))


@lean_kernel
def place_priors(nodes, move, prior, child, used, leaves, count, logits, places, terms):
    """Lets the first `count` of leaves, int32[B], be searched on by placeholder priors while they wait for the answer.

    AlphaGo took them from the tree policy (Methods, "Expansion"), without the temperature of the network's. A leaf is
    worth the mean of its visits until then. logits: float32[B, S*S + 1], of boards as they lie; places: where that
    leaves each move index, int32[S*S + 1].
    """
    tree = TreeArrays(nodes, move, prior, child, used)
    for slot in range(count):
        node = leaves[slot]
        set_priors(tree, node, logits[slot], places, 1.0)
        nodes[node]["value"] = mean_value(nodes[node], terms[0]["rollout_share"])
        nodes[node]["status"] = EXPANDED

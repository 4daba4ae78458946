"""The tree kernels: what selection, backing up and re-rooting must never break, whatever order answers come in."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from engine import _expand, _select, _tree
from engine._expand import LeafBatch
from engine._puct import lower_bound, other_side
from engine.evaluator import Evaluation
from engine.flight import evaluate, new_batch
from engine.root import root_of
from engine.search import Limits, Search, SearchConfig
from engine.tree import Tree
from gozero import features
from gozero._random import seed_state
from gozero.coords import point_of
from gozero.geometry import symmetry_table
from gozero.position import Position
from tests.toy_game import KOMI, EvenPolicy, HashEvaluator, positions_below, tried_moves

SMALL = SearchConfig(memory_mib=32)


def check_statistics(tree: Tree) -> None:
    """Visits and values of every node are its own and its children's, and nothing is pending."""
    arrays, nodes = tree.arrays, tree.arrays.nodes
    assert not nodes["virtual_losses"][: tree.nodes].any()
    for index, node in enumerate(nodes[: tree.nodes]):
        children = [child for _, child in tried_moves(tree, index)]
        assert all(nodes["parent"][child] == index for child in children)
        if node["status"] == _tree.EXPANDED:
            assert node["visits"] == 1 + sum(nodes["visits"][child] for child in children)
            assert node["own_visits"] == 1
            below = sum(other_side(nodes["value_sum"][child]) for child in children)
            assert node["value_sum"] == pytest.approx(float(node["value"]) + below, abs=1e-9)
            squares = sum(nodes["square_sum"][child] for child in children)
            assert node["square_sum"] == pytest.approx(float(node["value"]) ** 2 + squares, abs=1e-9)
            priors = arrays.prior[tree.edges(index)]
            assert priors.sum() == pytest.approx(1.0, abs=1e-4)
            assert node["tried_prior"] == pytest.approx(priors[: len(children)].sum(), abs=1e-5)
            untried = priors[len(children) :]
            assert not len(untried) or untried[0] == untried.max()
        else:
            assert node["status"] in (_tree.NEW, _tree.TERMINAL)
            assert not children
            assert node["status"] == _tree.TERMINAL or node["visits"] == 0


class Workshop:
    """A tree at a position, and the kernels to work on it by hand."""

    def __init__(
        self, position: Position, config: SearchConfig = SMALL, evaluator: HashEvaluator | None = None
    ) -> None:
        self.evaluator = evaluator or HashEvaluator()
        search = Search(self.evaluator, config)
        search.run(position, Limits(visits=1))
        assert search.tree is not None
        self.tree = search.tree
        self.root = root_of(position, config, search.is_turning)
        self.rng = seed_state(1)

    def select(self, wanted: int) -> tuple[LeafBatch, int]:
        batch, anywhere = new_batch(self.tree.size, wanted), np.zeros(0, np.int32)
        numbers = (wanted, wanted, wanted)
        leaves, _, _ = _select.select_leaves(*self.tree.arrays, *self.root, *batch, self.rng, anywhere, *numbers)
        return batch, leaves

    def answer(self, batch: LeafBatch, leaves: int) -> None:
        if not leaves:
            return
        policy, value, _, _ = evaluate(self.evaluator, batch, leaves)
        table = symmetry_table(self.tree.size)
        answers = (batch.node, batch.symmetry, leaves, policy, value, value, table, self.root.terms)
        _expand.apply_answers(*self.tree.arrays, *answers)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_visits_are_conserved_whatever_order_answers_come_in(order: tuple[int, ...]) -> None:
    work = Workshop(Position(5, KOMI))
    visits = 1
    for _ in range(8):
        batches = [work.select(3) for _ in order]
        in_flight = sum(leaves for _, leaves in batches)
        assert work.tree.arrays.nodes["virtual_losses"][0] == in_flight
        assert work.tree.visits == visits
        for i in order:
            work.answer(*batches[i])
        visits += in_flight
        assert work.tree.visits == visits
        check_statistics(work.tree)


@pytest.mark.nojit
def test_leaves_given_up_leave_no_trace_and_can_be_selected_again() -> None:
    work = Workshop(Position(5, KOMI))
    work.answer(*work.select(8))
    visits = work.tree.visits
    batch, leaves = work.select(4)
    given_up = set(batch.node[:leaves].tolist())
    _tree.give_up(*work.tree.arrays, batch.node, leaves, work.root.terms)
    check_statistics(work.tree)
    assert work.tree.visits == visits
    again, leaves = work.select(4)
    assert set(again.node[:leaves].tolist()) == given_up
    work.answer(again, leaves)
    check_statistics(work.tree)


def test_a_pending_leaf_is_never_selected_twice() -> None:
    """The root's first choice is so likely that every walk wants it; what collides is taken back."""
    work = Workshop(Position(3, KOMI), SearchConfig(memory_mib=1, virtual_loss=0.0))
    batches = [work.select(4) for _ in range(6)]
    nodes = [node for batch, leaves in batches for node in batch.node[:leaves].tolist()]
    assert len(set(nodes)) == len(nodes) > 0
    assert work.tree.arrays.nodes["virtual_losses"][0] == len(nodes)
    for batch, leaves in batches:
        work.answer(batch, leaves)
    check_statistics(work.tree)


def test_virtual_losses_spread_a_batch() -> None:
    """Without them, leaves of one batch crowd under the same moves."""

    def different_moves(virtual_loss: float) -> int:
        work = Workshop(Position(7, KOMI), SearchConfig(memory_mib=32, virtual_loss=virtual_loss))
        for _ in range(30):
            work.answer(*work.select(1))
        batch, leaves = work.select(12)
        parents = work.tree.arrays.nodes["parent"][batch.node[:leaves]]
        return len(set(parents.tolist()))

    assert different_moves(1.0) > different_moves(0.0)


@pytest.mark.parametrize("rules", ["tromp-taylor", "chinese", "japanese", "aga"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_node_lists_the_legal_moves_of_its_position(size: int, rules: str) -> None:
    """Boards so small that superko decides most of what is legal, inside the tree as in the game."""
    position = Position(size, 0.5, rules)
    one_at_a_time = msgspec.structs.replace(SMALL, batches_in_flight=1)  # the same tree every time
    search = Search(HashEvaluator(), one_at_a_time, seed=3)
    search.run(position, Limits(visits=400))
    assert search.tree is not None
    refused = 0
    for node, reached in positions_below(search.tree, position):
        if search.tree.arrays.nodes["status"][node] != _tree.EXPANDED:
            continue
        listed = np.zeros(size * size + 1, np.uint8)
        listed[search.tree.arrays.move[search.tree.edges(node)]] = 1
        np.testing.assert_array_equal(listed, reached.legal_mask())
        without_history = Position.from_ascii(str(reached), reached.to_play, rules="japanese")
        refused += int(reached.legal_mask().sum()) < int(without_history.legal_mask().sum())
    check_statistics(search.tree)
    if size == 2 and rules != "japanese":
        assert refused, "superko was never put to the test"


@pytest.mark.nojit
def test_the_games_own_history_forbids_moves_in_the_tree() -> None:
    """Black has just taken a ko; White may take back only after it changed elsewhere."""
    position = Position.from_ascii(". X O . .\nX O . O .\n. X O . .\n. . . . .\n. . . . .")
    position.play("C4")
    search = Search(EvenPolicy(), SMALL)
    search.run(position, Limits(visits=50))
    assert search.tree is not None
    assert search.tree.child(0, 6) is None
    retaken = [reached for _, reached in positions_below(search.tree, position) if reached.last_move == 0]
    assert retaken, "the tree holds a ko threat, a pass at least"


@pytest.mark.nojit
def test_a_subtree_keeps_every_statistic() -> None:
    position = Position(4, KOMI)
    search = Search(HashEvaluator(), SMALL, seed=5)
    search.run(position, Limits(visits=500))
    assert search.tree is not None
    whole = search.tree
    child = max((child for _, child in tried_moves(whole, 0)), key=lambda child: whole.arrays.nodes["visits"][child])
    part = whole.subtree(child)
    check_statistics(part)

    def compare(old: int, new: int) -> int:
        for name in ("status", "visits", "own_visits", "value_sum", "square_sum", "value", "edge_count", "tried"):
            assert whole.arrays.nodes[name][old] == part.arrays.nodes[name][new]
        for name in ("move", "prior"):
            before, after = (getattr(t.arrays, name)[t.edges(n)] for t, n in ((whole, old), (part, new)))
            np.testing.assert_array_equal(before, after)
        pairs = zip(tried_moves(whole, old), tried_moves(part, new), strict=True)
        return 1 + sum(compare(a, b) for (_, a), (_, b) in pairs)

    assert compare(child, 0) == part.nodes
    assert part.visits > 20


def test_a_full_tree_goes_on_without_its_least_visited_parts() -> None:
    """A mebibyte holds some thousand nodes: the visits are all made, and every node above the rest keeps its sums."""
    position = Position(9, KOMI)
    search = Search(HashEvaluator(), SearchConfig(memory_mib=1, batch_size=8))
    result = search.run(position, Limits(visits=3000))
    assert (result.visits, result.ending) == (3000, "visits")
    tree = search.tree
    assert tree is not None
    assert tree.nodes <= len(tree.arrays.nodes) < 1300
    assert sum(array.nbytes for array in tree.arrays) <= (1 << 20) + 100
    assert sum(move.visits for move in result.moves) == 2999
    nodes = tree.arrays.nodes
    assert not nodes["virtual_losses"][: tree.nodes].any()
    for index in np.flatnonzero(nodes["status"][: tree.nodes] == _tree.EXPANDED).tolist():
        below = sum(int(nodes["visits"][child]) for _, child in tried_moves(tree, index))
        assert nodes["visits"][index] >= 1 + below
        assert tree.arrays.prior[tree.edges(index)].sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.nojit
@pytest.mark.parametrize("size", [2, 5])
def test_what_a_result_says_of_the_moves_is_what_stands_in_the_tree(size: int) -> None:
    """Every move with visits once, best first, with its most visited line; read here step by step.

    The tree was read before, when it had fewer visits.
    """
    search = Search(HashEvaluator(), SMALL, seed=4)
    earlier = search.run(Position(size, KOMI), Limits(visits=100))
    result = search.run(Position(size, KOMI), Limits(visits=300))
    assert sum(move.visits for move in earlier.moves) == 99, "what was told before stands"
    tree = search.tree
    assert tree is not None
    nodes = tree.arrays.nodes
    seen = {}
    for index, child in tried_moves(tree, 0):
        visits = int(nodes["visits"][child])
        if not visits:
            continue
        value = other_side(float(nodes["value_sum"][child]) / visits)
        lcb = lower_bound(value, float(nodes["square_sum"][child]), float(visits), 2.0)
        prior = float(tree.priors()[index])
        line, along = [point_of(index, size)], [visits]
        while len(line) < 20:
            below = [(int(nodes["visits"][node]), index, node) for index, node in tried_moves(tree, child)]
            if not any(visits for visits, _, _ in below):
                break
            most, index, child = max(below, key=lambda entry: entry[0])
            line.append(point_of(index, size))
            along.append(most)
        seen[line[0]] = (visits, value, prior, lcb, line, along)
    assert [move.point for move in result.moves] == sorted(seen, key=lambda p: seen[p][:2], reverse=True)
    for move in result.moves:
        visits, value, prior, lcb, line, along = seen[move.point]
        assert (move.visits, move.pv, move.pv_visits) == (visits, line, along)
        assert (move.value, move.prior, move.lcb) == pytest.approx((value, prior, lcb))
    found, lines, line_visits = tree.root_moves(2.0, 3)
    for move, start, end in found[["move", "line", "line_end"]].tolist():
        cut = seen[point_of(move, size)]
        assert [point_of(index, size) for index in lines[start:end].tolist()] == cut[4][:3]
        assert line_visits[start:end].tolist() == cut[5][:3]
    assert any(len(entry[4]) > 3 for entry in seen.values())


@pytest.mark.nojit
def test_only_moves_with_more_visits_are_made_anew() -> None:
    search = Search(HashEvaluator(), SMALL, seed=4)
    before = {move.point: move for move in search.run(Position(5, KOMI), Limits(visits=200)).moves}
    after = search.run(Position(5, KOMI), Limits(visits=203)).moves
    kept = [move for move in after if before.get(move.point) is move]
    assert kept == [move for move in after if before.get(move.point) == move]
    assert len(after) - 3 <= len(kept) < len(after)


@pytest.mark.nojit
def test_pruning_keeps_the_statistics_of_what_stays() -> None:
    position = Position(5, KOMI)
    search = Search(HashEvaluator(), SMALL, seed=2)
    search.run(position, Limits(visits=600))
    whole = search.tree
    assert whole is not None
    part = whole.subtree(0, least_visits=10)
    assert part.nodes < whole.nodes

    def compare(old: int, new: int) -> None:
        before, after = whole.arrays.nodes[old], part.arrays.nodes[new]
        assert [before[name] for name in ("visits", "value_sum", "square_sum", "value")] == [
            after[name] for name in ("visits", "value_sum", "square_sum", "value")
        ]
        pruned = old > 0 and before["status"] == _tree.EXPANDED and before["visits"] < 10
        assert after["status"] == (_tree.NEW if pruned else before["status"])
        assert after["edge_count"] == (0 if pruned else before["edge_count"])
        if not pruned:
            for (_, a), (_, b) in zip(tried_moves(whole, old), tried_moves(part, new), strict=True):
                compare(a, b)

    compare(0, 0)


@pytest.mark.nojit
def test_priors_are_the_softmax_of_the_logits_to_float32() -> None:
    """However far apart the logits are, at any temperature, and for the legal moves alone."""

    class Wide(HashEvaluator):
        def __init__(self, spread: float) -> None:
            self.spread = spread

        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            answer = super().evaluate(planes, global_values)
            return answer._replace(policy_logits=answer.policy_logits * np.float32(self.spread))

    position = Position.from_ascii(". X . O .\nX . . . O\n. . . . .\nO . . . X\n. O . X .", komi=KOMI)
    for spread, temperature in ((0.01, 1.0), (1.0, 0.67), (1.0, 1.5), (30.0, 1.0)):
        config = msgspec.structs.replace(SMALL, prior_temperature=temperature, random_symmetry=False)
        evaluator = Wide(spread)
        priors = Search(evaluator, config).run(position, Limits(visits=1)).policy
        planes, facts = features.planes(position, "compact"), features.globals_of(position)
        logits = evaluator.evaluate(planes[np.newaxis], facts[np.newaxis]).policy_logits[0].astype(np.float64)
        weights = np.exp((logits - logits.max()) / temperature) * position.legal_mask()
        expected = weights / weights.sum()
        np.testing.assert_allclose(priors, expected, rtol=2e-5, atol=1e-30)

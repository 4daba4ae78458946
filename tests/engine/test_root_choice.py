"""What is decided at the root: noise, sequential halving, which move comes first, and whether to go on."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from engine import _expand, _gumbel, _tree, search_run
from engine.evaluator import Evaluation
from engine.gumbel import GumbelRoot
from engine.root import root_of
from engine.search import Limits, Search, SearchConfig
from engine.tree import Tree
from gozero._random import seed_state
from gozero.coords import format_vertex
from gozero.geometry import symmetry_table
from gozero.position import Position
from tests.engine.test_search import mask_of, position_index, started
from tests.engine.test_tree import check_statistics
from tests.toy_game import KOMI, EvenPolicy, HashEvaluator


class Material(EvenPolicy):
    """A position is worth the stones on it, less the opponent's."""

    feature_set = "compact"

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        own, other = (planes[:, i].sum(axis=(1, 2), dtype=np.float32) for i in (0, 1))
        return super().evaluate(planes, global_values)._replace(value=np.tanh((own - other) / 12))


@pytest.mark.parametrize("in_flight", [1, 2])
@pytest.mark.parametrize("visits", [2, 9, 33, 120])
def test_gumbel_visits_are_exact_and_halved(visits: int, in_flight: int) -> None:
    config = SearchConfig(gumbel_moves=8, batches_in_flight=in_flight, memory_mib=32)
    search = Search(HashEvaluator(), config, seed=3)
    result = search.run(Position(5, KOMI), Limits(visits=visits))
    assert search.tree is not None
    check_statistics(search.tree)
    assert result.visits <= visits
    assert result.visits > 0.75 * visits
    counts = sorted((move.visits for move in result.moves), reverse=True)
    assert sum(counts) == result.visits - 1
    assert len(counts) <= 8
    if visits == 120:
        # 8, 4 and 2 moves with a third of 119 visits for each round: 4, then 4 + 9, then 4 + 9 + 19.
        assert counts == [32, 32, 13, 13, 4, 4, 4, 4]
        assert result.moves[0].visits == 32


def test_gumbel_finds_the_capture_in_few_visits() -> None:
    """Two white stones are in atari at D3; the policy does not know, and 24 visits are fewer than the moves twice."""
    position = Position.from_ascii(". . . . .\n. X X . .\nX O O . .\n. X X . .\n. . . . .")
    drawn_often = found = 0
    for seed in range(12):
        config = SearchConfig(gumbel_moves=16, batch_size=1, batches_in_flight=1, memory_mib=16)
        result = Search(Material(), config, seed).run(position, Limits(visits=40))
        drawn = {format_vertex(move.point, 5) for move in result.moves}
        if "D3" in drawn:
            drawn_often += 1
            found += format_vertex(result.moves[0].point, 5) == "D3"
    assert drawn_often > 6, "16 of 18 moves are drawn"
    assert found >= 0.75 * drawn_often, "the noise may prefer another"


@pytest.mark.nojit
def test_gumbel_serves_a_tree_that_is_kept_and_few_moves() -> None:
    position = started("C3", 5)
    search = Search(HashEvaluator(), SearchConfig(gumbel_moves=4, memory_mib=32), seed=1)
    first = search.run(position, Limits(visits=60), root_moves=mask_of("A1 B4 D2", 5))
    assert len(first.moves) <= 3
    position.play(first.moves[0].point)
    second = search.run(position, Limits(visits=90))
    assert 0 < second.new_visits < 90
    assert search.tree is not None
    check_statistics(search.tree)
    position = Position(1, KOMI)
    assert search.run(position, Limits(visits=20)).visits > 1


def test_gumbel_makes_room_in_a_full_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves that are drawn when a position is searched again need nodes: what is below the least visited ones goes."""
    drawn: list[int] = []

    class Watched(GumbelRoot):
        def __init__(self, tree: Tree, *others: Any) -> None:
            super().__init__(tree, *others)
            drawn.append(len(set(self.next_edges(tree, 1000).tolist())))

    monkeypatch.setattr(search_run, "GumbelRoot", Watched)
    search = Search(EvenPolicy(), SearchConfig(gumbel_moves=16, memory_mib=1), seed=3)
    position = Position(19, KOMI)
    for visits in (300, 600):
        result = search.run(position, Limits(visits=visits))
        assert result.new_visits > 0.75 * 300
        assert sum(move.visits for move in result.moves) == result.visits - 1
        if visits == 300:
            assert search.tree is not None
            assert not search.tree.has_room(16)
    assert drawn == [16, 16]


def small_tree(nodes: int) -> Tree:
    """A tree with room for so many nodes, of which there is the root: an empty board of 5x5 points."""
    tree = Tree(5, nodes * (_tree.NODE.itemsize + 26 * 10))
    assert len(tree.arrays.nodes) == nodes
    root = root_of(Position(5, KOMI), SearchConfig(), turns=False)
    _expand.add_root(*tree.arrays, root.state, root.history, root.indices, root.terms)
    _expand.set_root(*tree.arrays, np.zeros(26, np.float32), 0.0, 0.0, symmetry_table(5)[0], root.terms)
    return tree


@pytest.mark.parametrize(("nodes", "tried"), [(5, 4), (5, 2), (9, 4)])
def test_gumbel_considers_only_moves_that_have_nodes(nodes: int, tried: int) -> None:
    """In a tree too small for all that are drawn the moves that were tried before are left, however unlikely."""
    for seed in range(10):
        tree = small_tree(nodes)
        for move in range(tried):
            _tree.try_move(*tree.arrays, 0, move)
        root = GumbelRoot(tree, 8, 100, np.random.default_rng(seed))
        edges = set(root.next_edges(tree, 1000).tolist())
        assert len(edges) == nodes - 1
        assert edges == set(range(tree.tried_edges().start, tree.tried_edges().stop))
        assert 0 <= root.best(tree) < 26
        order = tree.arrays.move[tree.edges()].copy()
        assert _tree.try_move(*tree.arrays, 0, int(order[-1])) == _tree.NO_NODE
        assert np.array_equal(tree.arrays.move[tree.edges()], order), "a full tree stays as it is"


@pytest.mark.nojit
@pytest.mark.parametrize("nodes", [3, 6, 40])
def test_the_kernel_draws_no_more_moves_than_there_is_room_for(nodes: int) -> None:
    tree = small_tree(nodes)
    halving = _gumbel.Halving(np.zeros(8, np.int32), np.zeros(8), np.zeros(8, np.int32), np.zeros(4, np.int32))
    _gumbel.begin_halving(tree.arrays, halving, 8, 100, 1, seed_state(2), np.empty(26))
    drawn = min(8, nodes - 1)
    assert halving.stage[_gumbel.CONSIDERED] == drawn
    assert tree.arrays.child[halving.edge[:drawn]].tolist() == list(range(1, drawn + 1))
    assert (np.diff(halving.score[:drawn]) < 0).all()


def test_noise_changes_the_roots_priors_alone_and_only_once() -> None:
    def priors(share: float, visits: int) -> tuple[NDArray[np.float32], Search]:
        config = SearchConfig(noise_share=share, random_symmetry=False, batches_in_flight=1, memory_mib=32)
        search = Search(HashEvaluator(), config, seed=9)
        return search.run(Position(5, KOMI), Limits(visits=visits)).policy, search

    plain, _ = priors(0.0, 1)
    noisy, search = priors(0.25, 1)
    noise = (noisy - 0.75 * plain) / 0.25
    assert noise.sum() == pytest.approx(1.0, abs=1e-4)
    assert noise.min() > -1e-5
    assert np.abs(noise - plain).max() > 0.05
    again = search.run(Position(5, KOMI), Limits(visits=50))
    np.testing.assert_allclose(again.policy, noisy, atol=1e-6)
    assert search.tree is not None
    check_statistics(search.tree)
    after = Position(5, KOMI)
    after.play(again.moves[0].point)
    below = search.tree.child(0, position_index(again.moves[0].point))
    assert below is not None
    untouched = search.tree.priors(below)
    noisy_again = search.run(after, Limits(visits=60)).policy
    assert np.abs(noisy_again - untouched).max() > 0.01


def test_noise_comes_back_whenever_the_root_is_evaluated_anew() -> None:
    """As it is at every search where the answers under all symmetries are averaged."""
    config = SearchConfig(noise_share=0.5, average_root=True, batches_in_flight=1, memory_mib=32)
    search = Search(EvenPolicy(), config, seed=9)
    policies = [search.run(Position(5, KOMI), Limits(visits=visits)).policy for visits in (1, 20, 40)]
    for policy in policies:
        assert policy.std() > 0.01, "without noise all moves are alike"
        assert policy.sum() == pytest.approx(1.0, abs=1e-4)
    assert search.tree is not None
    check_statistics(search.tree)


class Trap(EvenPolicy):
    """The policy wants A1 on an empty board; a stone there is worth less than one elsewhere."""

    feature_set = "compact"

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        answer = super().evaluate(planes, global_values)
        corner = planes[:, 0, 4, 0].astype(np.float32) - planes[:, 1, 4, 0]
        answer.policy_logits[:, 20] += 1.5
        return answer._replace(value=(-0.05 * corner).astype(np.float32))


def test_the_lower_bound_may_come_before_the_visits() -> None:
    results = {}
    plain = SearchConfig(random_symmetry=False, batches_in_flight=1, c_puct=3.0, memory_mib=32)
    for choice in ("visits", "lcb"):
        config = msgspec.structs.replace(plain, choice=choice)
        results[choice] = Search(Trap(), config).run(Position(5, KOMI), Limits(visits=300))
    by_visits, by_lcb = results["visits"].moves, results["lcb"].moves
    assert by_visits[0].visits == max(move.visits for move in by_visits)
    enough = [move for move in by_lcb if move.visits >= 0.1 * by_visits[0].visits]
    assert by_lcb[0].lcb == max(move.lcb for move in enough)
    assert {move.point for move in by_lcb} == {move.point for move in by_visits}


def test_a_disputed_move_is_searched_longer_and_an_agreed_one_is_not() -> None:
    config = SearchConfig(random_symmetry=False, batches_in_flight=1, c_puct=3.0, memory_mib=32)
    result = Search(Trap(), config).run(Position(5, KOMI), Limits(visits=40, extension=0.5))
    assert result.visits == 60
    position = Position.from_ascii(". . . . .\n. X X . .\nX O O . .\n. X X . .\n. . . . .")
    agreed = Search(Material(), SearchConfig(memory_mib=32)).run(position, Limits(visits=1000, extension=0.5))
    assert agreed.visits == 1000

"""Visits worth their rollouts, answers of the evaluator that come late: expansion threshold, placeholder priors."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import _expand, _select, _tree
from engine._expand import LeafBatch
from engine.evaluator import Evaluation
from engine.flight import evaluate, new_batch
from engine.rollout import RandomRollouts
from engine.rollouts_first import ExpansionThreshold
from engine.root import root_of
from engine.search import Limits, Search, SearchConfig
from engine.tree import Tree
from gozero import features
from gozero._board import PLY, SIZE, TO_PLAY, position_hash
from gozero._random import seed_state
from gozero.coords import BLACK, point_of
from gozero.geometry import symmetry_table
from gozero.position import Position
from tests.engine.test_search import Faulty, started
from tests.toy_game import KOMI, BlackLeads, EvenPolicy, HashEvaluator, Slow, tried_moves

ANYWHERE = np.zeros(0, np.int32)
LATER_VISITS = 100_000
"""More than any search here makes."""


def settings(threshold: int = 1, placeholder: bool = False, **others: float) -> SearchConfig:
    defaults = {"rollout_share": 0.5, "memory_mib": 32, "random_symmetry": False}
    chosen = {**defaults, "expansion_threshold": threshold, "placeholder_priors": placeholder, **others}
    return SearchConfig(**chosen)  # type: ignore[arg-type]


class HashRollouts:
    """Results and priors drawn from the position: arbitrary, and always the same."""

    def leaf_values(
        self, boards: NDArray[np.uint32], given: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
    ) -> NDArray[np.float32]:
        return np.array([1.0 if self._random(board).random() < 0.5 else -1.0 for board in boards], np.float32)

    def leaf_priors(self, boards: NDArray[np.uint32]) -> NDArray[np.float32]:
        moves = int(boards[0, SIZE]) ** 2 + 1
        return np.stack([self._random(board).standard_normal(moves) for board in boards]).astype(np.float32)

    def _random(self, board: NDArray[np.uint32]) -> np.random.Generator:
        return np.random.default_rng([int(position_hash(board)), int(board[PLY]), int(board[TO_PLAY])])


# --- the plain search ------------------------------------------------------------------------------------------------


@dataclass
class Node:
    """A position in the plain tree, with the statistics that the paper names. Values are for the player to move."""

    position: Position
    priors: dict[int, float] | None = None  # by point; None before it is expanded
    children: dict[int, Node] = field(default_factory=dict)
    rollouts: int = 0  # N_r
    results: float = 0.0  # W_r
    answers: int = 0  # N_v
    answered: float = 0.0  # W_v
    value: float = 0.0
    is_asked: bool = False

    @property
    def is_over(self) -> bool:
        return self.position.passes >= 2

    def mean(self, share: float) -> float:
        mean = self.results / self.rollouts
        return mean if not self.answers else (1 - share) * self.answered / self.answers + share * mean


class PlainSearch:
    """One walk at a time; each answer comes `delay` walks after it was asked for."""

    def __init__(self, position: Position, config: SearchConfig, delay: int) -> None:
        self.config, self.delay, self.rollouts = config, delay, HashRollouts()
        self.root = Node(position)
        self.asked: list[tuple[int, list[Node]]] = []
        self.walks = 1
        self.count_rollout([self.root])
        self.answer([self.root])

    def walk(self) -> None:
        path = [self.root]
        while path[-1].priors is not None:
            node = path[-1]
            point = max(node.priors or {}, key=lambda point, node=node: self.score(node, point))  # type: ignore[misc]
            if point not in node.children:
                after = node.position.copy()
                after.play(point)
                node.children[point] = Node(after)
            path.append(node.children[point])
        leaf = path[-1]
        self.walks += 1
        if leaf.is_over:
            lead = leaf.position.score() if leaf.position.to_play == BLACK else -leaf.position.score()
            leaf.value = float(np.sign(lead))
            self.count(path, "rollouts", "results", leaf.value)
            self.count(path, "answers", "answered", leaf.value)
        else:
            self.count_rollout(path)
            if not leaf.is_asked and leaf.rollouts >= self.config.expansion_threshold:
                leaf.is_asked = True
                self.asked.append((self.walks, path))
                if self.config.placeholder_priors:
                    logits = self.rollouts.leaf_priors(leaf.position.state[np.newaxis])[0]
                    leaf.priors, leaf.value = softmax(leaf.position, logits, 1.0), leaf.mean(self.config.rollout_share)
        while self.asked and self.walks - self.asked[0][0] >= self.delay:
            self.answer(self.asked.pop(0)[1])

    def count_rollout(self, path: list[Node]) -> None:
        state = path[-1].position.state[np.newaxis]
        result = float(self.rollouts.leaf_values(state, np.zeros(1), 1, seed_state(0))[0])
        self.count(path, "rollouts", "results", result)

    def answer(self, path: list[Node]) -> None:
        position = path[-1].position
        planes, facts = features.planes(position, "compact"), features.globals_of(position)
        answer = HashEvaluator().evaluate(planes[np.newaxis], facts[np.newaxis])
        path[-1].value = float(answer.value[0])
        path[-1].priors = softmax(position, answer.policy_logits[0], self.config.prior_temperature)
        self.count(path, "answers", "answered", path[-1].value)

    def count(self, path: list[Node], number: str, total: str, value: float) -> None:
        for distance, node in enumerate(reversed(path)):
            setattr(node, number, getattr(node, number) + 1)
            setattr(node, total, getattr(node, total) + (value if distance % 2 == 0 else -value))

    def score(self, node: Node, point: int) -> float:
        assert node.priors is not None
        config, child = self.config, node.children.get(point)
        total = sum(child.rollouts for child in node.children.values())
        if not total:
            return node.priors[point]
        weight = config.c_puct + config.c_puct_growth * math.log((total + config.c_puct_base) / config.c_puct_base)
        tried = sum(node.priors[point] for point in node.children)
        q = (node.mean(config.rollout_share) if config.fpu_average else node.value) - config.fpu_reduction * tried**0.5
        if child is not None:
            q = -child.mean(config.rollout_share)
        return q + weight * node.priors[point] * total**0.5 / (1 + (child.rollouts if child else 0))


def softmax(position: Position, logits: NDArray[np.float32], temperature: float) -> dict[int, float]:
    legal = np.flatnonzero(position.legal_mask())
    scaled = logits[legal].astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    points = [point_of(int(index), position.size) for index in legal]
    return dict(zip(points, (weights / weights.sum()).tolist(), strict=True))


def assert_same(tree: Tree, node: int, plain: Node) -> None:
    record = tree.arrays.nodes[node]
    assert (record["visits"], record["answers"]) == (plain.rollouts, plain.answers)
    sums = (float(record["value_sum"]), float(record["answer_sum"]), float(record["value"]))
    assert sums == pytest.approx((plain.results, plain.answered, plain.value), abs=1e-4)
    if plain.priors is not None:
        edges = tree.edges(node)
        priors = {
            point_of(int(m), tree.size): float(p)
            for m, p in zip(tree.arrays.move[edges], tree.arrays.prior[edges], strict=True)
        }
        assert priors == pytest.approx(plain.priors, abs=1e-6)
    children = {point_of(move, tree.size): child for move, child in tried_moves(tree, node)}
    assert children.keys() == plain.children.keys()
    for point, child in children.items():
        assert_same(tree, child, plain.children[point])


# --- the kernels, by hand --------------------------------------------------------------------------------------------


def nodes_below(tree: Tree, node: int) -> Iterator[int]:
    yield node
    for _, child in tried_moves(tree, node):
        yield from nodes_below(tree, child)


def check_statistics(tree: Tree) -> None:
    """Visits and answers of every node are its own and its children's; nothing is on its way down."""
    nodes = tree.arrays.nodes
    assert not nodes["virtual_losses"][: tree.nodes].any()
    for index, node in enumerate(nodes[: tree.nodes]):
        children = [child for _, child in tried_moves(tree, index)]
        assert node["visits"] == node["own_visits"] + nodes["visits"][children].sum()
        own_answers = node["answers"] - nodes["answers"][children].sum()
        own_sum = float(node["answer_sum"] + nodes["answer_sum"][children].sum())
        if node["status"] == _tree.TERMINAL:
            assert own_answers == node["own_visits"]
            assert own_sum == pytest.approx(float(node["value"]) * int(own_answers), abs=1e-9)
        elif own_answers:
            assert node["status"] == _tree.EXPANDED
            assert own_answers == 1
            assert own_sum == pytest.approx(float(node["value"]), abs=1e-6)
        if node["status"] == _tree.EXPANDED:
            priors = tree.arrays.prior[tree.edges(index)]
            assert priors.sum() == pytest.approx(1.0, abs=1e-4)
            assert node["tried_prior"] == pytest.approx(priors[: len(children)].sum(), abs=1e-5)
            untried = priors[len(children) :]
            assert not len(untried) or untried[0] == untried.max()


class Workshop:
    """A tree at a position, its walks made and its answers given by hand."""

    def __init__(self, position: Position, config: SearchConfig) -> None:
        search = Search(HashEvaluator(), config, rollouts=HashRollouts())
        search.run(position, Limits(visits=1))
        assert search.tree is not None
        self.config, self.tree, self.rollouts = config, search.tree, HashRollouts()
        self.root = root_of(position, config, turns=False)
        self.table = symmetry_table(position.size)
        self.rng = seed_state(1)

    def walk(self, walks: int, room: int = 100) -> tuple[LeafBatch, int, int]:
        """Some visits; returns the leaves that the evaluator is asked about, and how many visits and games ended."""
        batch = new_batch(self.tree.size, walks)
        leaves, ended, _ = _select.select_leaves(
            *self.tree.arrays, *self.root, *batch, self.rng, ANYWHERE, walks, walks, room
        )
        if leaves:
            results = self.rollouts.leaf_values(batch.boards[:leaves], np.zeros(leaves), 1, self.rng)
            _expand.apply_results(*self.tree.arrays, batch.node, leaves, results)
        slots = np.flatnonzero(batch.asked[:leaves])
        asked = LeafBatch(**{name: getattr(batch, name)[slots] for name in LeafBatch._fields})
        if len(asked.node) and self.config.placeholder_priors:
            logits = self.rollouts.leaf_priors(asked.boards)
            arguments = (asked.node, len(asked.node), logits, self.table[0], self.root.terms)
            _expand.place_priors(*self.tree.arrays, *arguments)
        return asked, leaves, ended

    def answer(self, asked: LeafBatch) -> None:
        count = len(asked.node)
        if count:
            policy, value, _, _ = evaluate(HashEvaluator(), asked, count)
            answers = (asked.node, asked.symmetry, count, policy, value, value, self.table, self.root.terms)
            _expand.apply_answers(*self.tree.arrays, *answers)

    def forget(self, asked: LeafBatch) -> None:
        _tree.give_up(*self.tree.arrays, asked.node, len(asked.node), self.root.terms)


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("config", "delay"),
    [
        (settings(3), 0),
        (settings(3), 7),
        (settings(1, placeholder=True), 5),
        (settings(2, placeholder=True, rollout_share=0.3, prior_temperature=1.5), 11),
        (settings(2, placeholder=True, rollout_share=1.0, fpu_average=True), 4),
    ],
    ids=["threshold", "late answers", "placeholder", "both", "rollouts alone"],
)
@pytest.mark.parametrize(
    "position", [started("C3 B3", 4), started("B2", 3, "aga"), started("", 2)], ids=["4x4", "3x3", "2x2"]
)
def test_the_tree_is_the_plain_searchs(position: Position, config: SearchConfig, delay: int) -> None:
    work, plain = Workshop(position, config), PlainSearch(position, config, delay)
    asked: list[tuple[int, LeafBatch]] = []
    for walks in range(2, 120):
        sent, leaves, ended = work.walk(1)
        assert leaves + ended == 1
        if len(sent.node):
            asked.append((walks, sent))
        while asked and walks - asked[0][0] >= delay:
            work.answer(asked.pop(0)[1])
        plain.walk()
    assert_same(work.tree, 0, plain.root)
    assert work.tree.root_value == pytest.approx(plain.root.mean(config.rollout_share), abs=1e-6)
    check_statistics(work.tree)


@pytest.mark.parametrize("placeholder", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_visits_and_answers_are_conserved_whatever_order_they_come_in(seed: int, placeholder: bool) -> None:
    random = np.random.default_rng(seed)
    work = Workshop(Position(5, KOMI), settings(2 + seed, placeholder))
    waiting: list[LeafBatch] = []
    visits = given = 1
    for _ in range(60):
        asked, leaves, ended = work.walk(int(random.integers(1, 7)))
        visits += leaves + ended
        given += ended
        waiting.append(asked)
        while len(waiting) > 4:
            answered = waiting.pop(int(random.integers(len(waiting))))
            work.answer(answered)
            given += len(answered.node)
        assert work.tree.visits == visits
        assert work.tree.arrays.nodes["answers"][0] == given
        check_statistics(work.tree)
    assert given > 5


@pytest.mark.nojit
def test_priors_are_replaced_and_what_was_found_by_the_placeholders_stays() -> None:
    work = Workshop(Position(4, KOMI), settings(1, placeholder=True))
    waiting = [work.walk(1)[0] for _ in range(60)]
    tree, nodes = work.tree, work.tree.arrays.nodes
    node = next(int(asked.node[0]) for asked in waiting if nodes["tried"][asked.node[0]] > 2)
    statistics = ["visits", "value_sum", "square_sum", "own_visits", "tried", "edge_count"]
    before = nodes[statistics][: tree.nodes].copy()
    children, placeholders = dict(tried_moves(tree, node)), tree.priors(node)
    work.answer(next(asked for asked in waiting if asked.node[0] == node))
    np.testing.assert_array_equal(nodes[statistics][: tree.nodes], before)
    assert dict(tried_moves(tree, node)) == children
    assert np.abs(tree.priors(node) - placeholders).max() > 0.01
    assert nodes["answers"][node] == 1
    assert nodes["answer_sum"][node] == nodes["value"][node]
    check_statistics(tree)
    for asked in waiting:
        if asked.node[0] != node:
            work.answer(asked)
    check_statistics(tree)
    assert tree.visits == nodes["answers"][0] == 61


@pytest.mark.nojit
@pytest.mark.parametrize("placeholder", [False, True])
def test_answers_given_up_are_asked_for_again_and_no_visit_is_lost(placeholder: bool) -> None:
    work = Workshop(Position(4, KOMI), settings(2, placeholder))
    waiting = [work.walk(3)[0] for _ in range(40)]
    given_up = {int(node) for asked in waiting for node in asked.node}
    assert len(given_up) > 1
    searched_on = [node for node in given_up if work.tree.arrays.nodes["tried"][node]]
    assert bool(searched_on) == placeholder
    for asked in waiting:
        work.forget(asked)
    check_statistics(work.tree)
    assert work.tree.visits == 121
    # The tree may be copied now, as it is for the next move; nothing is lost by that either.
    work.tree = work.tree.subtree(0)
    check_statistics(work.tree)
    nodes = work.tree.arrays.nodes
    kept = np.flatnonzero(nodes["tried"][: work.tree.nodes])
    assert len(kept) == 1 + len(searched_on)
    visits_before = nodes["visits"][kept].copy()
    for _ in range(60):
        work.answer(work.walk(3)[0])
    check_statistics(work.tree)
    visited_again = kept[nodes["visits"][kept] > visits_before]
    assert len(visited_again) > 1 or not placeholder
    assert (nodes["status"][visited_again] == _tree.EXPANDED).all()
    assert work.tree.visits == 301


@pytest.mark.parametrize("threshold", [2, 5])
def test_a_leaf_is_asked_about_at_the_visit_that_the_threshold_says(threshold: int) -> None:
    work = Workshop(Position(5, KOMI), settings(threshold))
    for _ in range(200):
        asked = work.walk(1)[0]
        assert (work.tree.arrays.nodes["visits"][asked.node] == threshold).all()
        work.answer(asked)
    nodes = work.tree.arrays.nodes[: work.tree.nodes]
    assert (nodes["own_visits"][nodes["status"] == _tree.NEW] < threshold).all()
    assert (nodes["own_visits"][nodes["status"] == _tree.EXPANDED][1:] == threshold).all()


def test_without_room_nothing_is_asked_and_the_leaf_comes_later() -> None:
    work = Workshop(Position(5, KOMI), settings(2))
    for _ in range(40):
        assert not len(work.walk(4, room=0)[0].node)
    assert work.tree.visits == 161
    asked = work.walk(4, room=1)[0]
    assert len(asked.node) == 1
    assert work.tree.arrays.nodes["visits"][asked.node[0]] > 2


# --- the whole search ------------------------------------------------------------------------------------------------


class BlackWins:
    """Black wins every rollout; the tree policy likes all moves alike."""

    def leaf_values(
        self, boards: NDArray[np.uint32], given: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
    ) -> NDArray[np.float32]:
        return np.where(boards[:, TO_PLAY] == BLACK, 1.0, -1.0).astype(np.float32)

    def leaf_priors(self, boards: NDArray[np.uint32]) -> NDArray[np.float32]:
        return np.zeros((len(boards), int(boards[0, SIZE]) ** 2 + 1), np.float32)


@pytest.mark.parametrize("placeholder", [False, True])
@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_share_holds_however_few_answers_there_are(share: float, placeholder: bool) -> None:
    """Black leads by 0.5 for the evaluator: a node with an answer below it is worth the mix, any other a win."""
    config = settings(3, placeholder, rollout_share=share)
    search = Search(BlackLeads(0.5), config, rollouts=BlackWins())
    position = Position(9, KOMI)
    result = search.run(position, Limits(visits=150))  # too few to come to two passes
    tree = search.tree
    assert tree is not None
    nodes = tree.arrays.nodes[: tree.nodes]
    assert 1 < nodes["answers"][0] < 150
    mix = 0.5 * (1 - share) + share
    visited = np.flatnonzero(nodes["visits"])
    signs = np.ones(tree.nodes)
    for node in visited[1:]:
        signs[node] = -signs[nodes["parent"][node]]
    expected = signs[visited] * np.where(nodes["answers"][visited] > 0, mix, 1.0)
    np.testing.assert_allclose(tree.mean_values(visited), expected)
    assert result.root_value == pytest.approx(mix)
    for move in result.moves:
        assert move.value == pytest.approx(mix) or move.value == pytest.approx(1.0)
    check_statistics(tree)


@pytest.mark.parametrize("in_flight", [1, 3])
@pytest.mark.parametrize("visits", [1, 2, 7, 333])
@pytest.mark.parametrize("placeholder", [False, True])
def test_visits_are_exact_and_every_answer_lands(visits: int, in_flight: int, placeholder: bool) -> None:
    config = settings(2, placeholder, batches_in_flight=in_flight, random_symmetry=True)
    search = Search(Slow(0.001), config, rollouts=HashRollouts())
    result = search.run(Position(5, KOMI), Limits(visits=visits))
    assert (result.visits, result.ending) == (visits, "visits")
    assert sum(move.visits for move in result.moves) == visits - 1
    assert search.tree is not None
    check_statistics(search.tree)
    assert not (search.tree.arrays.nodes["status"][: search.tree.nodes] == _tree.PENDING).any()


@pytest.mark.parametrize("placeholder", [False, True])
def test_the_search_does_not_wait_for_a_slow_network_but_raises_the_threshold(placeholder: bool) -> None:
    """An answer is given out only after 300 more visits; the search would stand still for ever if it waited."""
    visited = threading.Semaphore(0)

    class Counting(HashRollouts):
        def leaf_values(
            self, boards: NDArray[np.uint32], given: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
        ) -> NDArray[np.float32]:
            visited.release(len(boards))
            time.sleep(0.002)  # a busy machine may take as long to tell the search of an answer as 300 visits take else
            return super().leaf_values(boards, given, games, rng)

    class Patient(EvenPolicy):
        calls = leaves = 0

        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            if threading.current_thread() is not threading.main_thread():
                self.calls += 1
                self.leaves += len(planes)
                for _ in range(300):
                    if not visited.acquire(timeout=5):
                        break
            return super().evaluate(planes, global_values)

    evaluator = Patient()
    config = settings(2, placeholder, batches_in_flight=1)
    search = Search(evaluator, config, rollouts=Counting())
    result = search.run(Position(5, KOMI), Limits(visits=3000))
    assert result.visits == 3000
    assert 5 <= evaluator.calls <= 13, "ten calls fit in, and what was sent last is waited for"
    assert search.tree is not None
    assert search.tree.arrays.nodes["answers"][0] >= evaluator.leaves
    check_statistics(search.tree)


def test_the_threshold_follows_the_queue() -> None:
    threshold = ExpansionThreshold(40)
    for _ in range(100):
        threshold.adjust(is_crowded=True, is_starved=False)
    assert 200 < threshold.visits < 400
    threshold.adjust(is_crowded=False, is_starved=False)
    raised = threshold.visits
    threshold.adjust(is_crowded=False, is_starved=True)
    assert threshold.visits < raised
    for _ in range(1000):
        threshold.adjust(is_crowded=False, is_starved=True)
    assert threshold.visits == 1.0


@pytest.mark.parametrize("placeholder", [False, True])
def test_stop_is_heeded_at_once_and_the_tree_is_whole(placeholder: bool) -> None:
    search = Search(Slow(0.4), settings(2, placeholder), rollouts=HashRollouts())
    stopped_at = time.monotonic() + 0.6
    result = search.run(Position(5, KOMI), Limits(), stop=lambda: time.monotonic() > stopped_at)
    assert result.ending == "stopped"
    assert time.monotonic() - stopped_at < 0.25, "50 ms, and slack for a busy machine"
    tree = search.tree
    assert tree is not None
    assert result.visits > 50
    check_statistics(tree)
    assert not (tree.arrays.nodes["status"][: tree.nodes] == _tree.PENDING).any()
    assert search.run(Position(5, KOMI), Limits(visits=result.visits + 30)).new_visits == 30
    check_statistics(tree)


def test_the_tree_is_kept_when_the_game_goes_on() -> None:
    position = Position(5, KOMI)
    search = Search(HashEvaluator(), settings(2, placeholder=True), rollouts=HashRollouts())
    for _ in range(6):
        result = search.run(position, Limits(visits=400))
        assert result.visits == 400
        assert search.tree is not None
        check_statistics(search.tree)
        position.play(result.moves[0].point)
    assert result.new_visits < 400


def test_a_full_tree_goes_on_without_its_least_visited_parts() -> None:
    config = settings(1, placeholder=True, memory_mib=1)
    search = Search(Slow(0.0), config, rollouts=HashRollouts())
    result = search.run(Position(9, KOMI), Limits(visits=4000))
    assert (result.visits, result.ending) == (4000, "visits")
    tree = search.tree
    assert tree is not None
    assert tree.nodes < 1300
    assert not tree.arrays.nodes["virtual_losses"][: tree.nodes].any()


def test_sequential_halving_shares_out_the_visits() -> None:
    config = settings(2, placeholder=True, gumbel_moves=4)
    result = Search(HashEvaluator(), config, rollouts=HashRollouts()).run(Position(5, KOMI), Limits(visits=121))
    assert len(result.moves) == 4
    assert sorted((move.visits for move in result.moves), reverse=True)[:2] == [45, 45]
    assert 100 < result.visits <= 121


@pytest.mark.parametrize(("fault", "text"), [("raises", "the accelerator is gone"), ("wrong shape", "shape")])
def test_an_evaluators_fault_is_raised_and_leaves_the_tree_whole(fault: str, text: str) -> None:
    search = Search(Faulty(fault), settings(1, placeholder=True), rollouts=HashRollouts())
    with pytest.raises(Exception, match=text):
        search.run(Position(5), Limits(visits=LATER_VISITS))
    assert search.tree is not None
    check_statistics(search.tree)


# --- what does not go together ---------------------------------------------------------------------------------------


def test_without_rollouts_a_leaf_is_expanded_at_its_first_visit() -> None:
    with pytest.raises(ValueError, match="expansion_threshold is 40, but without rollouts"):
        SearchConfig(expansion_threshold=40)
    with pytest.raises(ValueError, match="placeholder_priors need rollouts"):
        SearchConfig(placeholder_priors=True)
    with pytest.raises(ValueError, match="expansion_threshold must be above 0"):
        SearchConfig(rollout_share=0.5, expansion_threshold=0)


def test_random_rollouts_have_no_placeholders() -> None:
    with pytest.raises(ValueError, match="need a tree policy"):
        Search(HashEvaluator(), settings(1, placeholder=True), rollouts=RandomRollouts())

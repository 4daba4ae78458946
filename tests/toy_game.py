"""Games whose values are known, and a search so plain that it can be believed.

`HashEvaluator` gives every position a policy and a value of its own, none of them zero; `BlackLeads` says of every
position that Black is ahead by so much. `plain_search` grows a tree of Python objects on `Position`, one leaf at a
time, from the formulas as the paper prints them; it shares no code with the engine's tree.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import NO_FEATURES, Evaluation
from engine.search import SearchConfig
from engine.tree import Tree
from gozero import features
from gozero.coords import BLACK, PASS, point_of
from gozero.position import Position

KOMI = 7.5
"""Of the toy games: its sign tells an evaluator who is to move."""


class HashEvaluator:
    """Answers drawn from a hash of the planes and globals: arbitrary, different for every position, never zero."""

    feature_set = "compact"

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        answers = [self._answer(*inputs) for inputs in zip(planes, global_values, strict=True)]
        return Evaluation(
            np.stack([policy for policy, _ in answers]), np.array([value for _, value in answers], np.float32)
        )

    def _answer(
        self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float]:
        digest = hashlib.sha256(planes.tobytes() + global_values.tobytes()).digest()
        random = np.random.default_rng(int.from_bytes(digest[:8], "little"))
        policy = (2 * random.standard_normal(planes.shape[-1] ** 2 + 1)).astype(np.float32)
        value = random.uniform(0.1, 0.9) * (1 if digest[8] & 1 else -1)
        return policy, value

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass


class EvenPolicy:
    """All moves equally likely; what the values are, subclasses say. It reads no planes."""

    feature_set = NO_FEATURES

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        count, _, size, _ = planes.shape
        return Evaluation(np.zeros((count, size * size + 1), np.float32), self.values(global_values))

    def values(self, global_values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.zeros(len(global_values), np.float32)

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass


class BlackLeads(EvenPolicy):
    """Every position is worth `lead` to Black, so -`lead` to White. Komi must be positive."""

    def __init__(self, lead: float) -> None:
        self.lead = lead

    def values(self, global_values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(global_values[:, 0] > 0, -self.lead, self.lead).astype(np.float32)


class Numbered(EvenPolicy):
    """Answers that depend on nothing but how many were given before: for trees that no feature set changes."""

    def __init__(self) -> None:
        self._given = 0

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        count, _, size, _ = planes.shape
        policy = np.empty((count, size * size + 1), np.float32)
        value = np.empty(count, np.float32)
        for i in range(count):
            random = np.random.default_rng(self._given)
            policy[i] = 2 * random.standard_normal(size * size + 1)
            value[i] = random.uniform(-0.9, 0.9)
            self._given += 1
        return Evaluation(policy, value)


class Slow(EvenPolicy):
    """Takes `seconds` for every call, and counts how many run at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.most_at_once = 0
        self._running = 0
        self._lock = threading.Lock()

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        time.sleep(self.seconds)
        with self._lock:
            self._running -= 1
        return super().evaluate(planes, global_values)


@dataclass
class Node:
    """A position in the plain tree. Values are for the player to move there."""

    position: Position
    value: float
    terminal: bool
    priors: dict[int, float]  # by point
    children: dict[int, Node] = field(default_factory=dict)
    visits: int = 0
    value_sum: float = 0.0


def plain_search(position: Position, evaluator: HashEvaluator, config: SearchConfig, visits: int) -> Node:
    """The tree after so many visits, one leaf at a time."""
    root = _new_node(position, evaluator, is_root=True)
    _visit([root])
    while root.visits < visits:
        path = [root]
        while not path[-1].terminal:
            node = path[-1]
            point = max(node.priors, key=lambda point, node=node: _score(node, point, config))  # type: ignore[misc]
            if point in node.children:
                path.append(node.children[point])
                continue
            after = node.position.copy()
            after.play(point)
            node.children[point] = _new_node(after, evaluator)
            path.append(node.children[point])
            break
        _visit(path)
    return root


def _new_node(position: Position, evaluator: HashEvaluator, is_root: bool = False) -> Node:
    if position.passes >= 2 and not is_root:
        lead = position.score() if position.to_play == BLACK else -position.score()
        return Node(position, float(np.sign(lead)), True, {})
    planes = features.planes(position, evaluator.feature_set)
    answer = evaluator.evaluate(planes[np.newaxis], features.globals_of(position)[np.newaxis])
    legal = np.flatnonzero(position.legal_mask())
    logits = answer.policy_logits[0][legal].astype(np.float64)
    weights = np.exp(logits - logits.max())
    priors = weights / weights.sum()
    points = [point_of(int(index), position.size) for index in legal]
    return Node(position, float(answer.value[0]), False, dict(zip(points, priors.tolist(), strict=True)))


def _score(node: Node, point: int, config: SearchConfig) -> float:
    total = sum(child.visits for child in node.children.values())
    c_puct = config.c_puct + config.c_puct_growth * math.log((total + config.c_puct_base) / config.c_puct_base)
    child = node.children.get(point)
    if child is None:
        tried = sum(node.priors[tried] for tried in node.children)
        q = node.value - config.fpu_reduction * tried**0.5
    else:
        q = -child.value_sum / child.visits
    bonus = c_puct * node.priors[point] * total**0.5 / (1 + (child.visits if child else 0))
    # Before any child is visited every bonus is nought; the likeliest move comes first.
    return q + bonus if total else node.priors[point]


def _visit(path: list[Node]) -> None:
    for distance, node in enumerate(reversed(path)):
        node.visits += 1
        node.value_sum += path[-1].value if distance % 2 == 0 else -path[-1].value


def same_tree(tree: Tree, node: int, plain: Node) -> int:
    """Asserts that the engine's tree below a node is the plain one; returns how many nodes they have."""
    arrays = tree.arrays
    assert arrays.nodes["visits"][node] == plain.visits
    assert math.isclose(arrays.nodes["value"][node], plain.value, abs_tol=1e-6)
    assert math.isclose(arrays.nodes["value_sum"][node], plain.value_sum, abs_tol=1e-4)
    edges = tree.edges(node)
    if not plain.terminal:
        size = plain.position.size
        priors = dict(zip(arrays.move[edges].tolist(), arrays.prior[edges].tolist(), strict=True))
        assert {point_of(move, size) for move in priors} == plain.priors.keys()
        for move, prior in priors.items():
            assert math.isclose(prior, plain.priors[point_of(move, size)], abs_tol=1e-6)
    children = dict(tried_moves(tree, node))
    assert {point_of(move, tree.size) for move in children} == plain.children.keys()
    return 1 + sum(
        same_tree(tree, child, plain.children[point_of(move, tree.size)]) for move, child in children.items()
    )


def tried_moves(tree: Tree, node: int) -> Iterator[tuple[int, int]]:
    """Move index and child of every tried edge."""
    tried = tree.tried_edges(node)
    yield from zip(tree.arrays.move[tried].tolist(), tree.arrays.child[tried].tolist(), strict=True)


def positions_below(tree: Tree, position: Position, node: int = 0) -> Iterator[tuple[int, Position]]:
    """Every node of a tree with its position, reached by playing the moves from the root's."""
    yield node, position
    for move, child in tried_moves(tree, node):
        after = position.copy()
        after.play(point_of(move, position.size))
        yield from positions_below(tree, after, child)


def pass_position(position: Position) -> Position:
    """The same position after a pass."""
    after = position.copy()
    after.play(PASS)
    return after

"""What a leaf is worth and which moves are likely there, where that comes from more than one source."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluator import BOARDS, Evaluation
from engine.joined_evaluator import JoinedEvaluator
from engine.search import Limits, Search, SearchConfig
from gozero._board import PLY, TO_PLAY, WHITE
from gozero.position import Position
from tests.engine.test_search import Owning, Turning, started
from tests.toy_game import KOMI, BlackLeads, HashEvaluator, positions_below, tried_moves

SERIAL = SearchConfig(batch_size=1, batches_in_flight=1, memory_mib=32)


class PlyRollouts:
    """Black wins every rollout from an even ply and loses every other; it remembers who played it."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.games = 0

    def leaf_values(
        self, boards: NDArray[np.uint32], komi: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
    ) -> NDArray[np.float32]:
        self.threads.add(threading.get_ident())
        self.games += games * len(boards)
        to_play = boards[:, TO_PLAY]
        np.testing.assert_array_equal(komi, np.where(to_play == WHITE, KOMI, -KOMI))
        black = np.where(boards[:, PLY] % 2 == 0, 1.0, -1.0)
        return np.where(to_play == WHITE, -black, black).astype(np.float32)


@pytest.mark.nojit
@pytest.mark.parametrize("share", [0.25, 1.0])
@pytest.mark.parametrize("in_flight", [1, 2])
def test_a_leaf_is_worth_a_mean_of_value_and_rollout(share: float, in_flight: int) -> None:
    """Black leads by 0.5 for the evaluator. On even plies Black is to move and wins, on odd ones White does."""
    config = SearchConfig(rollout_share=share, batches_in_flight=in_flight, memory_mib=32)
    rollouts = PlyRollouts()
    search = Search(BlackLeads(0.5), config, rollouts=rollouts)
    position = Position(9, KOMI)
    search.run(position, Limits(visits=80))
    tree = search.tree
    assert tree is not None
    even, odd = 0.5 * (1 - share) + share, -0.5 * (1 - share) + share
    seen = set()
    for node, reached in positions_below(tree, position):
        own = float(tree.arrays.nodes["value_sum"][node])
        own += sum(float(tree.arrays.nodes["value_sum"][child]) for _, child in tried_moves(tree, node))
        if tree.arrays.nodes["visits"][node]:
            assert own == pytest.approx(odd if len(reached.moves) % 2 else even, abs=1e-6)
            seen.add(len(reached.moves) % 2)
    assert seen == {0, 1}
    assert rollouts.threads == {threading.get_ident()}, "the tree's own thread plays them"
    assert rollouts.games == 80


def test_rollouts_are_played_while_the_network_works() -> None:
    """No answer of the network comes before the rollout from the same leaf was played."""
    played = threading.Event()
    in_time: list[bool] = []

    class Signalling(PlyRollouts):
        def leaf_values(
            self, boards: NDArray[np.uint32], komi: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
        ) -> NDArray[np.float32]:
            values = super().leaf_values(boards, komi, games, rng)
            played.set()
            return values

    class Patient(HashEvaluator):
        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            if threading.current_thread() is not threading.main_thread():  # the root is evaluated on this one
                in_time.append(played.wait(timeout=5))
                played.clear()
            return super().evaluate(planes, global_values)

    config = SearchConfig(batch_size=1, batches_in_flight=1, rollout_share=0.5, memory_mib=32)
    Search(Patient(), config, rollouts=Signalling()).run(Position(9, KOMI), Limits(visits=11))
    assert in_time == [True] * 10


def test_a_share_of_rollouts_needs_rollouts() -> None:
    with pytest.raises(ValueError, match="rollout_share"):
        Search(HashEvaluator(), SearchConfig(rollout_share=0.5))


class BoardPolicy:
    """Likes the points of the board in order, from the first row on; it never sees a board turned."""

    feature_set = BOARDS

    def evaluate_boards(self, boards: NDArray[np.uint32], global_values: NDArray[np.float32]) -> Evaluation:
        logits = np.tile(-np.arange(26) / 4, (len(boards), 1)).astype(np.float32)
        return Evaluation(logits, np.zeros(len(boards), np.float32))

    def supports(self, size: int) -> bool:
        return size == 5

    def close(self) -> None:
        pass


def test_policy_and_value_of_two_evaluators() -> None:
    """The value's boards are turned at random; the policy's answers stay where they belong all the same."""
    position = started("B4 C2 D3 E5", 5, komi=6.5)
    search = Search(JoinedEvaluator(BoardPolicy(), Owning()), SERIAL)
    result = search.run(position, Limits(visits=60))
    tree = search.tree
    assert tree is not None
    for node, _ in positions_below(tree, position):
        edges = tree.edges(node)
        if tree.arrays.nodes["visits"][node]:
            order = np.argsort(-tree.arrays.prior[edges], kind="stable")
            assert (np.diff(tree.arrays.move[edges][order]) > 0).all()
    alone = Search(Owning(), SERIAL)
    assert alone.run(position, Limits(visits=1)).root_value == pytest.approx(tree.arrays.nodes["value"][0], abs=1e-6)
    assert result.ownership is not None
    assert search.evaluator.supports(5)
    assert not search.evaluator.supports(9)


def test_two_networks_joined_are_what_they_are_apart() -> None:
    position = started("B4 C2 D3 E5", 5)
    joined, alone = Search(JoinedEvaluator(Turning(), Turning()), SERIAL), Search(Turning(), SERIAL)
    one, other = (search.run(position, Limits(visits=100)) for search in (joined, alone))
    assert [move[:2] for move in one.moves] == [move[:2] for move in other.moves]

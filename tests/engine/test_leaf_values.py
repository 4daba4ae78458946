"""What a leaf is worth and which moves are likely there, where that comes from more than one source."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluator import BOARDS, Evaluation
from engine.joined_evaluator import JoinedEvaluator
from engine.rollout import RandomRollouts
from engine.search import Limits, Search, SearchConfig
from gozero._board import PLY, TO_PLAY, WHITE
from gozero.coords import parse_vertex
from gozero.position import Position
from tests.engine.test_search import Owning, Turning, mask_of, started
from tests.toy_game import KOMI, BlackLeads, EvenPolicy, HashEvaluator, positions_below, tried_moves

SERIAL = SearchConfig(batch_size=1, batches_in_flight=1, memory_mib=32)


class PlyRollouts:
    """Black wins every rollout from an even ply and loses every other; it remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, int]] = []  # thread, games, random state

    def leaf_values(
        self, boards: NDArray[np.uint32], given: NDArray[np.float64], games: int, rng: NDArray[np.uint64]
    ) -> NDArray[np.float32]:
        self.calls.append((threading.get_ident(), games * len(boards), int(rng[0])))
        to_play = boards[:, TO_PLAY]
        np.testing.assert_array_equal(given, np.where(to_play == WHITE, KOMI, -KOMI))
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
    assert sum(games for _, games, _ in rollouts.calls) == 80


@pytest.mark.parametrize("in_flight", [1, 2])
def test_whoever_asks_the_network_about_a_batch_plays_its_rollouts(in_flight: int) -> None:
    """So that two threads share both; and with a random state of the batch's own, as nobody knows who is faster."""
    asked: list[tuple[int, int]] = []

    class Slow(HashEvaluator):
        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            asked.append((threading.get_ident(), len(planes)))
            time.sleep(0.001)
            return super().evaluate(planes, global_values)

    rollouts = PlyRollouts()
    config = SearchConfig(batches_in_flight=in_flight, rollout_share=0.5, memory_mib=32)
    Search(Slow(), config, rollouts=rollouts).run(Position(9, KOMI), Limits(visits=200))
    assert sorted((thread, games) for thread, games, _ in rollouts.calls) == sorted(asked)
    assert len({thread for thread, _ in asked}) > 1, "the tree's own thread and an evaluator's"
    assert len({state for _, _, state in rollouts.calls}) == len(rollouts.calls)


# Rollouts only pass here; Black has 16 points, White 9.
SEVEN_AHEAD = ". X X O .\nX X X O O\n. X X O .\nX X X O O\nX X X X O"


def finished_handicap_game(rules: str) -> Position:
    """The same after a game with four handicap stones, but that Black has 14 points, White 11; White is to move."""
    position = Position(5, 0.5, rules)
    position.place_handicap([parse_vertex(vertex, 5) for vertex in ("B5", "B4", "B3", "B2")])
    moves = "D5 C5 D4 A4 E4 C4 D3 C3 D2 A2 E2 C2 C1 A1 D1 B1"  # White's is the first
    for move in moves.split():
        position.play(move)
    return position


def value_of_passing(position: Position, config: SearchConfig) -> float:
    """The mean of two rollouts, one from the root and one from the leaf after a pass, for the player to move."""
    search = Search(EvenPolicy(), config, rollouts=RandomRollouts())
    result = search.run(position, Limits(visits=2), root_moves=mask_of("pass", 5))
    assert result.visits == 2
    return result.root_value


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(("rules", "white_wins"), [("japanese", True), ("aga", True), ("tromp-taylor", False)])
def test_rollouts_count_a_handicap_as_the_end_of_a_game_does(rules: str, white_wins: bool, first: bool) -> None:
    """Territory rules take three of the stones back; networks are told of what area rules take back alone."""
    position = finished_handicap_game(rules)
    assert (position.score() < 0) == white_wins
    config = SearchConfig(rollout_share=1.0, expansion_threshold=2 if first else 1, memory_mib=32)
    assert value_of_passing(position, config) == (1.0 if white_wins else -1.0)


@pytest.mark.parametrize(("komi", "value"), [(6.9, 1.0), (7.0, 0.0), (7.1, -1.0)])
def test_rollouts_are_given_komi_as_it_is(komi: float, value: float) -> None:
    position = Position.from_ascii(SEVEN_AHEAD, komi=komi)
    assert value_of_passing(position, SearchConfig(rollout_share=1.0, memory_mib=32)) == value


def test_a_share_of_rollouts_needs_rollouts() -> None:
    with pytest.raises(ValueError, match="rollout_share"):
        Search(HashEvaluator(), SearchConfig(rollout_share=0.5))


class BoardPolicy:
    """Likes the points of the board in order, from the first row on; it never sees a board turned."""

    feature_set = BOARDS

    def evaluate_boards(
        self, boards: NDArray[np.uint32], global_values: NDArray[np.float32], given: NDArray[np.float64]
    ) -> Evaluation:
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

"""A search without a network: boards instead of planes, the tree policy as prior, rollouts as value."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluator import BOARDS, Evaluation
from engine.player_file import load_player
from engine.rollout import PASS_SHARE, RANDOM, load_policy, load_rollouts
from engine.rollout_evaluator import RolloutEvaluator
from engine.search import Limits, Search, SearchConfig
from gozero import _board
from gozero._random import seed_state
from gozero.coords import BLACK, WHITE, move_index, parse_vertex
from gozero.features import GLOBALS, globals_of
from gozero.position import Position
from tests.engine.test_leaf_values import finished_handicap_game
from tests.toy_game import KOMI


class Listener:
    """An evaluator of boards that remembers what it was shown."""

    feature_set = BOARDS

    def __init__(self) -> None:
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def evaluate_boards(self, boards: np.ndarray, global_values: np.ndarray, given: np.ndarray) -> Evaluation:
        np.testing.assert_array_equal(given, np.where(boards[:, _board.TO_PLAY] == WHITE, KOMI, -KOMI))
        self.seen += [(board.copy(), told.copy()) for board, told in zip(boards, global_values, strict=True)]
        return Evaluation(np.zeros((len(boards), 26), np.float32), np.zeros(len(boards), np.float32))

    def supports(self, size: int) -> bool:
        return size == 5

    def close(self) -> None:
        pass


def test_boards_are_shown_as_they_are_and_never_turned() -> None:
    listener = Listener()
    position = Position(5, KOMI)
    position.play("A1")
    search = Search(listener, SearchConfig(batches_in_flight=1, random_symmetry=True, average_root=True), seed=3)
    search.run(position, Limits(visits=30))
    search.close()
    corner = _board.COLOUR + parse_vertex("A1", 5) * _board.WORDS
    assert len(listener.seen) >= 30
    assert np.array_equal(listener.seen[0][0], position.state)
    for board, told in listener.seen:
        assert board[corner] in (BLACK, 0)  # captured at most, never elsewhere
        assert told[5] == (board[_board.TO_PLAY] == BLACK)


def inputs_of(position: Position) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    given = position.komi if position.to_play == WHITE else -position.komi
    return position.state[None].copy(), globals_of(position)[None], np.array([given])


# Black has the left side, White the right one; whoever moves, three points are open in the middle row.
DIAGRAM = """
. X O . .
X X O O O
. X O . .
X X O O .
. X O . .
"""


@pytest.mark.parametrize(("komi", "black_wins"), [(-6.5, True), (7.5, False), (0.5, False)])
@pytest.mark.parametrize("rollouts", ["auto", RANDOM])
def test_values_are_results_for_the_player_to_move(komi: float, black_wins: bool, rollouts: str) -> None:
    """Left has 10 points, right 15."""
    evaluator = RolloutEvaluator(load_policy("auto", 5), load_rollouts(rollouts, 5), games=80)
    for colour in (BLACK, WHITE):
        position = Position.from_ascii(DIAGRAM, to_play=colour, komi=komi)
        answer = evaluator.evaluate_boards(*inputs_of(position))
        assert answer.value[0] * (1 if (colour == BLACK) == black_wins else -1) > 0.5


def test_what_is_given_for_a_handicap_by_territory_rules_counts() -> None:
    """It is not among the globals; White has won, by half a point."""
    position = finished_handicap_game("japanese")
    search = Search(RolloutEvaluator(load_policy("auto", 5)), SearchConfig(memory_mib=32))
    assert search.run(position, Limits(visits=30)).root_value == 1.0


@pytest.mark.parametrize("rollouts", ["auto", RANDOM])
def test_every_leaf_of_a_batch_has_its_own_komi_and_random_games(rollouts: str) -> None:
    player = load_rollouts(rollouts, 9)
    boards = np.repeat(Position(9).state[None], 60, axis=0)
    untouched = boards.copy()
    given = np.where(np.arange(60) % 3 == 0, 100.0, np.where(np.arange(60) % 3 == 1, -100.0, 0.5))
    rng = seed_state(4)
    first, second = player.leaf_values(boards, given, 1, rng), player.leaf_values(boards, given, 1, rng)
    assert np.array_equal(boards, untouched)
    assert (first[::3] == 1).all()
    assert (first[1::3] == -1).all()
    assert set(first[2::3]) == {-1, 1}
    assert not np.array_equal(first, second)  # the random state goes on
    assert np.array_equal(player.leaf_values(boards, given, 1, seed_state(4)), first)


def test_priors_are_probabilities_of_sensible_moves() -> None:
    position = Position(9)
    for vertex in ("E5", "C3", "G7", "F6"):
        position.play(vertex)
    answer = RolloutEvaluator(load_policy("auto", 9)).evaluate_boards(*inputs_of(position))
    chances = np.exp(answer.policy_logits[0].astype(np.float64))
    assert chances[:-1].sum() == pytest.approx(1, abs=1e-4)
    assert chances[-1] == pytest.approx(PASS_SHARE)
    assert chances[move_index(parse_vertex("E5", 9), 9)] < 1e-6
    assert answer.policy_logits.shape == (1, 82)


def test_equal_seeds_give_equal_answers() -> None:
    inputs = [np.repeat(part, 6, axis=0) for part in inputs_of(Position(9))]
    policy = load_policy("auto", 9)
    first, second, other = (RolloutEvaluator(policy, seed=seed) for seed in (1, 1, 2))
    answers = [np.stack([e.evaluate_boards(*inputs).value for _ in range(4)]) for e in (first, second, other)]
    assert np.array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[0], answers[2])
    assert not (answers[0][0] == answers[0]).all()  # and a later call plays other games


def test_the_player_without_a_network_sees_a_capture_and_ends_a_game() -> None:
    player = load_player(size=5, network="none", visits=400, threads=1, seed=1)
    assert player.search.config.fpu_average
    position = Position.from_ascii(". . . . .\n. X O . .\n. O . O .\n. X O X .\n. . X . .", to_play=BLACK, komi=0.5)
    assert player.choose(position).point == parse_vertex("C3", 5)
    position = Position(5, komi=0.5)
    while not position.is_over and len(position.moves) < 80:
        point = player.choose(position, Limits(visits=60)).point
        if point < 0:
            break
        position.play(point)
    assert len(position.moves) < 80
    player.close()


def test_globals_begin_with_komi() -> None:
    assert GLOBALS[0].startswith("komi")

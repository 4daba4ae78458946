"""When a player passes, plays on and resigns."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.endgame import is_filled, is_settled, lead, own_territory, sensible_moves
from engine.evaluator import Evaluation
from engine.player import PASS_VISITS, RESIGN_MOVES, Choice, Player
from engine.player_file import PlayerSettings
from engine.search import Limits, Search, SearchConfig
from gozero.coords import BLACK, PASS, RESIGN, WHITE, format_vertex, parse_vertex
from gozero.position import Position
from tests.toy_game import EvenPolicy

ANSWERS = Limits(visits=200)


class Wants(EvenPolicy):
    """Likes one move index above all others, and says that every position is worth `value` to the player to move."""

    def __init__(self, index: int, strength: float = 8.0, value: float = 0.0) -> None:
        self.index = index
        self.strength = strength
        self.value = value

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        answer = super().evaluate(planes, global_values)
        answer.policy_logits[:, self.index] = self.strength
        answer.value[:] = self.value
        return answer


def player(evaluator: EvenPolicy | None = None, **settings) -> Player:
    search = Search(evaluator or EvenPolicy(), SearchConfig(memory_mib=32, random_symmetry=False))
    return Player(search, PlayerSettings(**settings), seed=1)


def board(diagram: str, to_play: int = BLACK, komi: float = 0.5, rules: str = "chinese") -> Position:
    return Position.from_ascii(diagram.replace("/", "\n"), to_play, komi, rules)


def vertex(choice: Choice, position: Position) -> str:
    return format_vertex(choice.point, position.size)


# Black has the left, White the right; each has two eyes and a dividing line without dame.
FINISHED = ". X O O ./X X X O O/. X O O ./X X X O O/X X O O O"
# The same, but E5, E3 are one eye each and C5 is a dame.
DAME = ". X . O ./X X X O O/. X O O ./X X X O O/X X O O O"
# Black owns three columns, White two; the outer ones are empty.
WALL = ". X X O ./. X X O ./. X X O ./. X X O ./. X X O ."
# White's stone at B5 is dead, but stands on the board: the upper left is nobody's until Black fills it and takes B5.
DEAD_STONE = ". . . X O ./. O . X O O/. . . X O ./X X X X O O/O O O O O O/O . O O O O"


# --- passing ---------------------------------------------------------------------------------------------------------


def test_passes_when_the_opponent_passed_and_the_count_wins() -> None:
    position = board(FINISHED, WHITE)
    position.play("pass")
    choice = player().choose(position)
    assert (choice.point, choice.result) == (PASS, None)


def test_does_not_pass_when_the_opponent_passed_and_the_count_loses() -> None:
    position = board(DEAD_STONE, WHITE, komi=1.5)
    position.play("pass")
    assert position.score() < 0
    choice = player(Wants(36)).choose(position, ANSWERS)
    assert choice.point not in (PASS, RESIGN)


def test_takes_dead_stones_off_before_it_passes() -> None:
    """Against an opponent who only passes. Black needs every point of the upper left, so that B5 must go."""
    position = board(DEAD_STONE, komi=-5.5)
    assert position.score() < 0
    me = player()
    while not position.is_over:
        position.play(me.choose(position, ANSWERS).point)
        if not position.is_over:
            position.play("pass")
    assert position.score() > 0
    assert position.colours()[1, 1] != WHITE


def test_passes_when_nothing_sensible_is_left() -> None:
    position = board(". X ./X X X/. X X")
    assert [format_vertex(point, 3) for point in points_of(sensible_moves(position))] == []
    choice = player().choose(position)
    assert (choice.point, choice.result) == (PASS, None)


def points_of(mask: NDArray[np.bool_]) -> list[int]:
    size = round((len(mask) - 1) ** 0.5)
    return [(int(i) // size + 1) * (size + 1) + int(i) % size + 1 for i in np.flatnonzero(mask[:-1])]


def test_a_board_of_one_point() -> None:
    choice = player().choose(Position(1))
    assert (choice.point, choice.result) == (PASS, None)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("rules", ["tromp-taylor", "japanese"])
def test_games_on_tiny_boards_end(size: int, rules: str) -> None:
    position = Position(size, 0.5, rules)
    me = player()
    while not position.is_over:
        choice = me.choose(position, Limits(visits=50))
        assert choice.point != RESIGN
        position.play(choice.point)
        assert len(position.moves) < 200


def test_passes_rather_than_fill_its_own_territory() -> None:
    """The network would rather play on; but no point is anybody's but its owner's, and Black wins."""
    position = board(WALL)
    assert position.score() > 0
    choice = player(Wants(0, strength=3.0)).choose(position, ANSWERS)
    assert choice.point == PASS


class Slow(Wants):
    """Takes `seconds` for every leaf, and counts them."""

    def __init__(self, seconds: float) -> None:
        super().__init__(0, strength=3.0)
        self.seconds = seconds
        self.leaves = 0

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        self.leaves += len(planes)
        time.sleep(self.seconds * len(planes))
        return super().evaluate(planes, global_values)


def test_a_pass_is_judged_in_what_is_left_of_the_moves_time() -> None:
    """Where the search was too short to try it: once, where nothing is left."""
    position, slow, fast = board(WALL), Slow(0.1), Slow(0.0)
    hurried = player(slow).choose(position, Limits(seconds=0.3))
    patient = player(fast).choose(position, Limits(visits=4, seconds=60))
    for choice in (hurried, patient):
        assert choice.result is not None
        assert all(move.point != PASS for move in choice.result.moves)
        assert (choice.point, choice.reason) == (PASS, "nothing left to gain")
    assert slow.leaves < 12
    assert fast.leaves == 4 + PASS_VISITS


def test_a_pass_is_judged_no_longer_than_until_it_is_stopped() -> None:
    evaluator = Slow(0.01)
    choice = player(evaluator).choose(board(WALL), Limits(visits=1000), stop=lambda: evaluator.leaves >= 3)
    assert choice.reason == "nothing left to gain"
    assert evaluator.leaves < 12


def test_plays_the_last_dame() -> None:
    position = board(DAME, komi=0.5)
    choice = player().choose(position, Limits(visits=400))
    assert vertex(choice, position) == "C5"


def test_a_pass_too_soon_is_not_played() -> None:
    """A network that has only seen passes: on the empty board the second choice is played."""
    position = Position(5, 0.5)
    position.play("C3")
    position.play("pass")
    choice = player(Wants(25)).choose(position, ANSWERS)
    assert choice.point != PASS
    assert position.legal(choice.point)


def test_a_pass_too_soon_is_not_played_without_search_either() -> None:
    position = Position(5, 0.5)
    choice = player(Wants(25)).choose(position, Limits(visits=1))
    assert choice.point != PASS


def test_hopeless_moves_are_no_reason_not_to_pass() -> None:
    """The count loses, and so does whatever Black tries: every answer says that the player who moved is lost."""
    position = board(FINISHED, komi=20.5)

    class Lost(Wants):
        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            answer = super().evaluate(planes, global_values)
            # Komi is positive for White.
            return answer._replace(value=np.where(global_values[:, 0] > 0, 1.0, -1.0).astype(np.float32))

    choice = player(Lost(25), resign_threshold=None).choose(position, Limits(visits=40))
    assert choice.point == PASS


def test_own_eyes_and_suicide_are_not_sensible() -> None:
    # Black: A5 and A3 are eyes; White may not, by Chinese rules, and would not, by Tromp-Taylor's, play into them.
    for rules in ("chinese", "tromp-taylor"):
        for_black = sensible_moves(board(DAME, BLACK, rules=rules))
        for_white = sensible_moves(board(DAME, WHITE, rules=rules))
        assert [format_vertex(point, 5) for point in points_of(for_black)] == ["C5"]
        assert [format_vertex(point, 5) for point in points_of(for_white)] == ["C5"]
        assert for_black[-1]
        assert for_white[-1]


def test_an_eye_that_the_network_wants_to_fill_is_not_filled() -> None:
    position = board(DAME, komi=0.5)
    choice = player(Wants(0, value=0.5)).choose(position, Limits(visits=1))
    assert vertex(choice, position) == "C5"


def test_a_lost_game_is_not_dragged_out_in_own_territory() -> None:
    """The count loses, the network passes, and all that Black could still play is at home."""
    position = board(WALL, komi=5.5)
    assert is_settled(position)
    choice = player(Wants(25)).choose(position, Limits(visits=20))
    assert choice.point not in (PASS, RESIGN), "White's column may still be invaded"
    assert format_vertex(choice.point, 5)[0] == "E"
    alone = board(". X O O ./. X O . O/. X O O O/. X O O O/. X O O .", komi=1.5)
    assert lead(alone) < 0
    assert player(Wants(25)).choose(alone, Limits(visits=20)).point == PASS


def test_the_board_is_read_right() -> None:
    position = board(WALL, komi=0.5)
    assert own_territory(position).reshape(5, 5)[:, 0].all()
    assert own_territory(position).sum() == 5
    assert (lead(position), is_settled(position), is_filled(position)) == (4.5, True, True)
    position.to_play = WHITE
    assert lead(position) == -4.5
    assert own_territory(position).reshape(5, 5)[:, 4].all()
    opening = Position(5)
    opening.play("C3")
    assert (is_settled(opening), is_filled(opening)) == (True, False)
    assert not is_settled(board(DAME))
    assert not own_territory(board(DAME)).reshape(5, 5)[0, 2]


# --- resigning -------------------------------------------------------------------------------------------------------


def lost_game(value: Callable[[int], float], komi: float = 300.5, moves: int = 40, **settings) -> list[int]:
    """What Black answers, move after move, in a game that is worth value(own move number) to Black."""
    position = Position(5, komi, "japanese")
    evaluator = Wants(25, strength=-20.0)
    me = player(evaluator, **settings)
    answers = []
    for number in range(moves):
        evaluator.value = value(number)
        choice = me.choose(position, Limits(visits=1))
        answers.append(choice.point)
        if choice.point == RESIGN or position.is_over:
            break
        position.play(choice.point)
        legal = [point for point in points_of(sensible_moves(position)) if point]
        position.play(legal[0] if legal else PASS)
    return answers


def test_resigns_after_some_moves_without_hope_but_not_early() -> None:
    answers = lost_game(lambda number: -0.95)
    assert answers[-1] == RESIGN
    plies = 2 * (len(answers) - 1)
    assert plies >= 0.25 * 25
    assert len(answers) >= RESIGN_MOVES


def test_one_move_of_hope_starts_the_count_again() -> None:
    answers = lost_game(lambda number: 0.0 if number % RESIGN_MOVES == 0 else -0.95, moves=8)
    assert RESIGN not in answers


def test_never_resigns_where_it_may_not() -> None:
    assert RESIGN not in lost_game(lambda number: -0.99, moves=8, resign_threshold=None)


def test_never_resigns_what_the_count_wins() -> None:
    assert RESIGN not in lost_game(lambda number: -0.99, komi=-300.5, moves=8)


def test_the_count_of_hopeless_moves_is_forgotten_in_another_game() -> None:
    evaluator = Wants(36, strength=-20.0, value=-0.99)
    me = player(evaluator)
    for _ in range(2 * RESIGN_MOVES):  # the first moves of ever new games
        position = board(DEAD_STONE, komi=90.5)
        for _ in range(4):
            position.play("pass")
        assert me.choose(position, Limits(visits=1)).point != RESIGN


# --- temperature and limits ------------------------------------------------------------------------------------------


def test_temperature_varies_the_first_moves_and_only_those() -> None:
    me = player(temperature=1.0, temperature_plies=2)
    drawn = {me.choose(Position(5), Limits(visits=60)).point for _ in range(20)}
    assert len(drawn) > 3
    assert PASS not in drawn
    later = Position(5)
    later.play("C3")
    later.play("B2")
    me.search.forget()
    best = me.choose(later, Limits(visits=60))
    assert best.result is not None
    assert best.point == best.result.moves[0].point


def test_temperature_samples_the_raw_policy() -> None:
    """One visit: the policy itself is drawn from, so a move of 3/4 comes in three games of four."""
    wants = Wants(12, strength=float(np.log(3 * 24)))  # against 24 other points of weight 1, and the pass
    me = player(wants, temperature=1.0)
    drawn = [vertex(me.choose(Position(5), Limits(visits=1)), Position(5)) for _ in range(200)]
    assert 0.6 < drawn.count("C3") / 200 < 0.9


def test_without_temperature_the_best_move_is_played() -> None:
    choice = player(Wants(12)).choose(Position(5), ANSWERS)
    assert vertex(choice, Position(5)) == "C3"
    assert choice.result is not None
    assert choice.result.moves[0].point == choice.point


def test_two_seconds_where_nobody_says_anything() -> None:
    assert PlayerSettings().seconds == 2.0
    assert player(seconds=0.2).limits == Limits(None, 0.2)
    choice = player(seconds=0.2).choose(Position(9))
    assert choice.result is not None
    assert 0.15 < choice.result.seconds < 0.5


def test_choices_are_legal_whatever_the_network_says() -> None:
    """A network of noise against itself, with superko and captures all over a small board."""

    class Noise(EvenPolicy):
        def __init__(self) -> None:
            self.random = np.random.default_rng(2)

        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            answer = super().evaluate(planes, global_values)
            answer.policy_logits[:] = 4 * self.random.standard_normal(answer.policy_logits.shape)
            return answer._replace(value=self.random.uniform(-1, 1, len(answer.value)).astype(np.float32))

    for rules in ("tromp-taylor", "chinese", "japanese", "aga"):
        position = Position(4, 0.5, rules)
        me = player(Noise(), temperature=1.0, temperature_plies=1000)
        while not position.is_over and len(position.moves) < 150:
            choice = me.choose(position, Limits(visits=12))
            if choice.point == RESIGN:
                break
            position.play(choice.point)


# --- the opponent's time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ponders", [True, False])
def test_what_was_found_on_the_opponents_time_is_kept(ponders: bool) -> None:
    me, position, asked = player(ponder=ponders), Position(5), 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return me.search.tree is not None and me.search.tree.visits >= 300

    me.ponder(position, stop)
    assert (asked > 0) == ponders
    position.play("C3")
    result = me.choose(position, Limits(visits=40)).result
    assert result is not None
    assert (result.visits > result.new_visits) == ponders


def test_who_counts_visits_gets_no_more_on_the_opponents_time() -> None:
    me = player(ponder=True, visits=20)
    me.ponder(Position(5), lambda: False)
    assert me.search.tree is not None
    assert me.search.tree.visits == 20


def test_vertices_used_here_are_what_they_seem() -> None:
    """The diagrams above are read from the top: row 0 is line 5."""
    assert board(DAME).colours()[0].tolist() == [0, 1, 0, 2, 0]
    assert parse_vertex("C5", 5) == points_of(np.eye(26, dtype=np.bool_)[2])[0]

"""What is dead, who leads, and how dead stones are taken off."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.endgame import closing_in, dead_stones, is_settled, lead, sensible_moves, without
from engine.evaluator import Evaluation
from engine.player import Player
from engine.player_file import PlayerSettings
from engine.search import Limits, Search, SearchConfig
from gozero import life
from gozero.coords import BLACK, PASS, WHITE, format_vertex, parse_vertex, point_of
from gozero.position import Position
from tests.toy_game import BlackLeads, EvenPolicy

# White's stone at B5 is dead; the right is White's, alive with two eyes. The left is Black's.
DEAD_STONE = """
. . . X O .
. O . X O O
. . . X O .
X X X X O O
X . X X O O
. X . X O .
"""


def board(to_play: int = BLACK, komi: float = 0.5, rules: str = "chinese", text: str = DEAD_STONE) -> Position:
    return Position.from_ascii(text, to_play, komi, rules)


def vertices(points: tuple[int, ...] | list[int], size: int = 6) -> list[str]:
    return [format_vertex(point, size) for point in points]


def expects(position: Position, owners: dict[str, float]) -> NDArray[np.float32]:
    """Ownership for the player to move: every stone its own colour's, but for some vertices."""
    colours = position.colours().ravel()
    ownership = np.where(colours == 0, 0, np.where(colours == position.to_play, 0.9, -0.9)).astype(np.float32)
    for vertex, value in owners.items():
        index = np.flatnonzero([point_of(i, position.size) == parse_vertex(vertex, position.size) for i in range(36)])
        ownership[index] = value
    return ownership


def test_without_ownership_random_games_decide() -> None:
    assert dead_stones(board(), None) == life.settle(board())
    assert vertices(dead_stones(board(), None).dead) == ["B5"]


@pytest.mark.parametrize("to_play", [BLACK, WHITE])
def test_ownership_says_what_is_dead_for_either_player(to_play: int) -> None:
    text = ". . . . .\n. X X . .\n. . . . .\n. O O . .\n. . . . ."  # where nothing is certain
    position = Position.from_ascii(text, to_play)
    black = np.zeros((5, 5), np.float32)
    black[1, 1:3], black[3, 1:3] = [0.9, -0.1], [0.9, 0.8]  # Black is sure of White's stones, not of its own
    ownership = (black if to_play == BLACK else -black).ravel()
    assert vertices(dead_stones(position, ownership).dead, 5) == ["B2", "C2"]
    assert dead_stones(position, np.zeros(25, np.float32)).dead == ()


def test_ownership_is_not_asked_about_what_is_certain() -> None:
    position = board()
    owners = dict.fromkeys(("E6", "E5", "F5", "E4", "E3", "F3", "E2", "F2", "E1"), 0.9)
    assert dead_stones(position, expects(position, owners)).dead == dead_stones(position, expects(position, {})).dead


def test_the_lead_is_that_of_the_player_to_move_without_the_dead() -> None:
    for rules, with_dead, cleaned in (("chinese", 1.5, 11.5), ("japanese", -0.5, 9.5)):
        black, white = board(BLACK, rules=rules), board(WHITE, rules=rules)
        dead = dead_stones(black, None)
        assert (lead(black), lead(white)) == (with_dead, -with_dead)
        assert (lead(black, dead), lead(white, dead)) == (cleaned, -cleaned)
        assert (is_settled(black), is_settled(black, dead.dead)) == (False, True)


def test_dead_stones_are_closed_in_on_from_without_self_atari() -> None:
    position = board()
    moves = closing_in(position, dead_stones(position, None).dead, sensible_moves(position))
    assert vertices([point_of(int(i), 6) for i in np.flatnonzero(moves)]) == ["B6", "A5", "C5", "B4"]
    mine = board(WHITE)
    assert not closing_in(mine, dead_stones(mine, None).dead, sensible_moves(mine)).any(), "own dead stones stay"


class WantsToPass(EvenPolicy):
    """Would pass, and says that every position is won by the player to move there: whoever moved has lost."""

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        answer = super().evaluate(planes, global_values)
        answer.policy_logits[:, -1] = 8.0
        return answer


def player() -> Player:
    return Player(Search(WantsToPass(), SearchConfig(memory_mib=16, random_symmetry=False)), PlayerSettings(), seed=1)


def test_cleaning_up_takes_dead_stones_that_the_count_does_not_need() -> None:
    position = board()
    assert lead(position) > 0
    me, taken = player(), []
    while not position.is_over:
        choice = me.choose(position, Limits(visits=20), cleanup=True)
        taken.append(choice.point)
        position.play(choice.point)
        if not position.is_over:
            position.play(PASS)
    assert taken[-1] == PASS
    assert position.colours()[1, 1] != WHITE
    assert len(taken) == 5, "four liberties and the pass"


def test_a_player_asked_to_clean_up_passes_when_all_is_clean() -> None:
    position = board(WHITE, komi=20.5)  # the stone in the corner is White's own
    position.play(PASS)
    position.to_play = WHITE
    assert player().choose(position, Limits(visits=20), cleanup=True).point == PASS


def test_by_territory_dead_stones_are_left_where_they_are() -> None:
    """White passed: taking B5 would cost Black points; as the board stands, with B5 alive, Black would be behind."""
    position = board(WHITE, rules="japanese")
    position.play(PASS)
    assert lead(position) < 0
    assert player().choose(position, Limits(visits=20)).point == PASS


def test_by_territory_the_loser_passes_too_where_nothing_is_left() -> None:
    position = board(komi=30.5, rules="japanese")
    lost = Player(Search(BlackLeads(-0.95), SearchConfig(memory_mib=16)), PlayerSettings(resign_threshold=None), seed=1)
    assert lost.choose(position, Limits(visits=20)).point == PASS


def test_small_dame_leave_a_board_settled() -> None:
    dame = board(text=". X . O .\nX X . O O\n. X X O .\nX X O O O\n. X O . O")
    assert not is_settled(dame)
    assert not is_settled(dame, dame=1)
    assert is_settled(dame, dame=2)


def test_a_position_without_its_dead_stones_keeps_turn_and_pass() -> None:
    position = board(WHITE)
    assert without(position, ()) is position
    position.play(PASS)
    cleaned = without(position, dead_stones(position, None).dead)
    assert (cleaned.to_play, cleaned.passes, cleaned.colours()[1, 1]) == (BLACK, 1, 0)
    assert cleaned.score() == lead(position, dead_stones(position, None))
    assert position.colours()[1, 1] == WHITE


def test_by_area_they_are_taken_where_the_count_needs_it() -> None:
    position = board(WHITE, komi=7.5)
    position.play(PASS)
    assert lead(position) < 0 < lead(position, dead_stones(position, None))
    assert player().choose(position, Limits(visits=60)).point != PASS

"""Play levels: what a weak player may still not do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluator import Evaluation
from engine.levels import FULL_STRENGTH, LEVELS, LevelError, find, within_reach
from engine.player import Player
from engine.player_file import PlayerSettings, load_player
from engine.result import MoveStats
from engine.search import Limits, Search, SearchConfig
from gozero.coords import BLACK, PASS, RESIGN, WHITE, format_vertex, parse_vertex
from gozero.position import Position
from tests.toy_game import EvenPolicy

# Black's stone at B3 is in atari, to be saved at B2; White's at D4 is too, to be taken at D5.
ATARI = """
. . X . .
. O X O X
O X O X .
. . . . .
. . . . .
"""


def moves(*found: tuple[str, int, float], size: int = 5) -> list[MoveStats]:
    return [
        MoveStats(parse_vertex(vertex, size), visits, value, 0.1, value, [parse_vertex(vertex, size)])
        for vertex, visits, value in found
    ]


def names(drawn: list[MoveStats], size: int = 5) -> list[str]:
    return [format_vertex(move.point, size) for move in drawn]


def test_moves_that_lose_too_much_are_not_drawn() -> None:
    found = moves(("C3", 9, 0.5), ("B2", 4, 0.3), ("D2", 2, 0.1), ("pass", 1, 0.5))
    assert names(within_reach(Position(5), found, 0.25)) == ["C3", "B2"]
    assert names(within_reach(Position(5), found, 1.0)) == ["C3", "B2", "D2"]


@pytest.mark.parametrize("urgent", ["B2", "D5"])
def test_what_takes_or_saves_stones_in_atari_is_played_where_the_search_wants_it(urgent: str) -> None:
    position = Position.from_ascii(ATARI, BLACK)
    assert names(within_reach(position, moves((urgent, 9, 0.5), ("D2", 4, 0.5)), 1.0)) == [urgent]
    assert len(within_reach(position, moves(("D2", 9, 0.5), (urgent, 4, 0.5)), 1.0)) == 2


def test_nobody_draws_a_move_into_atari() -> None:
    position = Position.from_ascii(". O . . .\n" + ". . . . .\n" * 4, BLACK)
    assert names(within_reach(position, moves(("C3", 9, 0.0), ("A5", 9, 0.0), ("B4", 9, 0.0)), 1.0)) == ["C3", "B4"]
    assert names(within_reach(position, moves(("A5", 9, 0.0), ("B4", 9, 0.0)), 1.0)) == ["A5", "B4"], "the best may"


def test_levels_begin_at_one_and_end_at_full_strength() -> None:
    assert find(1) == LEVELS[0]
    assert find(FULL_STRENGTH) is None
    for level in (0, -1, FULL_STRENGTH + 1):
        with pytest.raises(LevelError, match=f"no level {level}.*1 .*{FULL_STRENGTH}"):
            find(level)


def test_higher_levels_wander_less() -> None:
    for lower, higher in itertools.pairwise(LEVELS):
        assert lower != higher
        assert lower.spread >= higher.spread
        assert lower.temperature >= higher.temperature
        assert lower.margin >= higher.margin


def test_a_level_replaces_what_the_file_says() -> None:
    third = load_player(size=9, level=3, seed=1)
    assert third.limits == Limits(LEVELS[2].visits, None)
    assert (third.settings.temperature, third.settings.temperature_plies) == (LEVELS[2].temperature, None)
    assert third.settings.margin == LEVELS[2].margin
    assert third.search.config.prior_temperature == LEVELS[2].spread
    assert load_player(size=9, level=3, seconds=5.0).limits == Limits(LEVELS[2].visits, 5.0)
    assert load_player(size=9, level=3, visits=7).limits == Limits(7, None)
    assert load_player(size=9, level=FULL_STRENGTH).settings == load_player(size=9).settings


class BlackHasLost(EvenPolicy):
    """Every position is worth -0.99 to Black."""

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        value = np.where(global_values[:, 0] > 0, 0.99, -0.99).astype(np.float32)
        return super().evaluate(planes, global_values)._replace(value=value)


def test_a_beginner_resigns_and_passes_like_the_others() -> None:
    level = LEVELS[0]
    settings = PlayerSettings(visits=level.visits, temperature=level.temperature, margin=level.margin)
    beginner = Player(Search(BlackHasLost(), SearchConfig(memory_mib=16)), settings, seed=1)
    position = Position(5, 60.5)
    while position.moves[-1:] != [(WHITE, PASS)]:
        choice = beginner.choose(position)
        if choice.point == RESIGN:
            break
        position.play(choice.point)
        position.play(next(point for point in range(7, 36) if position.legal(point)))
    assert choice.point == RESIGN
    finished = Position.from_ascii(". X O O .\nX X X O O\n. X O O .\nX X X O O\nX X O O O", BLACK, 0.5)
    finished.play("pass")
    finished.play("pass")
    assert beginner.choose(finished).point == PASS

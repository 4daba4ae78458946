"""`Position` and its kernels against the slow reference board: random games on every size under all rules."""

import random

import pytest

from gozero.coords import BLACK, WHITE
from gozero.illegal_move import IllegalMove
from gozero.position import Position
from gozero.rules import Rules
from tests.reference_board import SlowGame
from tests.reference_comparison import (
    ALL_RULES,
    assert_same_board,
    assert_same_history,
    assert_same_rules,
    lively_move,
    new_games,
    point_of,
    set_up_ko,
)

SIZES = [pytest.param(size, marks=pytest.mark.nojit) if size in (1, 2, 3, 7) else size for size in range(1, 26)]


@pytest.mark.parametrize("size", SIZES)
def test_random_games_equal_the_reference_on_every_size(size: int) -> None:
    plies = 120 if size <= 5 else 60
    for seed, rules in enumerate(ALL_RULES if size <= 5 else ALL_RULES[size % 6 :: 6]):
        rng = random.Random(1000 * size + seed)
        position, game = new_games(size, rules)
        for ply in range(plies):
            colour = game.to_play if rng.random() < 0.9 else 3 - game.to_play
            place = lively_move(game, colour, rng)
            game.play(place, colour)
            position.play(point_of(place, size), colour)
            assert_same_board(position, game)
            if ply % (3 if size <= 5 else 30) == 2:
                assert_same_rules(position, game)
        assert_same_history(position, game)


def refusals(position: Position, game: SlowGame) -> list[str]:
    """Why each point that is not occupied is refused to either colour, after checking that it is, and unchanged."""
    reasons = []
    for colour in (BLACK, WHITE):
        for place in game.board.empties():
            if not game.is_legal(place, colour):
                with pytest.raises(IllegalMove) as caught:
                    position.play(point_of(place, game.size), colour)
                reasons.append(caught.value.reason)
    assert_same_board(position, game)
    return reasons


@pytest.mark.parametrize("rules", ALL_RULES, ids=lambda rules: rules.name)
def test_random_games_meet_every_kind_of_refusal(rules: Rules) -> None:
    """Says that the games above are worth playing: superkos and suicides happen by themselves, and kos go on."""
    met: set[str] = set()
    for size in (2, 3, 4, 5):
        rng = random.Random(size)
        position, game = new_games(size, rules)
        set_up_ko(position, game, 0, 0, BLACK)
        for _ in range(80):
            place = lively_move(game, game.to_play, rng)
            position.play(point_of(place, size))
            game.play(place, game.to_play)
            met.update(refusals(position, game))
    assert met == {"ko", "suicide"} | ({"superko"} if rules.superko != "simple" else set())

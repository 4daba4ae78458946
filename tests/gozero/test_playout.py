"""Random games: every move uniform over the legal moves that fill no own eye, against a slow enumeration."""

import numpy as np
import pytest

from gozero import _board, _playout
from gozero._random import seed_state
from gozero.coords import BLACK, PASS, WHITE, format_vertex, point_at, row_col
from gozero.position import Position
from gozero.rules import RULES
from tests.board_words import assert_words
from tests.reference_board import SlowBoard
from tests.reference_comparison import assert_same_board, new_games

# What is drawn from is a list of empty points in the order in which they became empty. These boards have long runs of
# points in it that may not be played, which a walk from a random place of the list would favour the next one after.
BOARDS = {
    "nothing on it": """
        . . . . .
        . . . . .
        . . . . .
        . . . . .
        . . . . .
    """,
    "eyes, false eyes and suicide": """
        . X . X . X O
        X X X X X X O
        . X O . O O .
        X O O O O . O
        . X . O . O O
        X X X O O O .
        . . X O . . O
    """,
    "a ko that White may not take back": """
        . X O . .
        X O . O .
        . X O . .
        . . . . .
        . . . . .
    """,
    "suicide allowed": """
        . X . O .
        X X O . O
        O O X X X
        . O X . X
        O . X X .
    """,
    "two moves only": """
        . X X . X
        X X X X .
        . X X X X
        X X . X .
        . X X X .
    """,
    "no move at all": """
        . X . X .
        X X X X X
        X . X . X
        X X X X X
        . X . X .
    """,
}


def prepared(name: str) -> Position:
    position = Position.from_ascii(BOARDS[name], rules="tromp-taylor" if name.startswith("suicide") else "chinese")
    if name.startswith("a ko"):
        position.play("C4")
    return position


def tempting(position: Position) -> set[int]:
    """What the player to move may play (repetition aside) without filling an own eye, slowly; a pass if nothing."""
    size, colour = position.size, position.to_play
    board = SlowBoard.of(position.colours())
    ko = {int(position.state[_board.KO])} if position.state[_board.KO_COLOUR] == colour else set()
    points = {
        point_at(*place, size)
        for place in board.empties()
        if not board.is_eye(place, colour)
        and (board.put(place, colour).stones != board.stones if position.rules.suicide else board.after(place, colour))
    }
    return points - ko or {PASS}


@pytest.mark.parametrize("colour", [BLACK, WHITE])
@pytest.mark.parametrize("name", BOARDS)
def test_moves_are_drawn_uniformly(name: str, colour: int) -> None:
    position = prepared(name)
    position.to_play = colour
    expected = tempting(position)
    rng, state = seed_state(len(name) + colour), position.state.copy()
    draws = 400 * len(expected)
    counts = dict.fromkeys(expected, 0)
    for _ in range(draws):
        np.copyto(state, position.state)
        assert _playout.playouts(position.state, state, rng, 1, 1) == 1
        move = int(state[_board.LAST])
        assert move in counts, f"{format_vertex(move, position.size)} on\n{position}"
        counts[move] += 1
    # Of 400 expected draws a move; the sum has mean k - 1 and variance 2 (k - 1) for k moves.
    chi_square = sum((count - 400) ** 2 / 400 for count in counts.values())
    assert chi_square <= len(counts) - 1 + 5 * (2 * (len(counts) - 1)) ** 0.5


@pytest.mark.nojit
@pytest.mark.parametrize("size", [2, 5, 9])
def test_every_move_of_a_playout_is_as_the_reference_plays_it(size: int) -> None:
    """And leaves the board's words in order, though draws shuffle the list of empty points."""
    position, game = new_games(size, RULES["japanese"])
    rng, state = seed_state(size), position.state.copy()
    while position.passes < 2:
        allowed = tempting(position)
        _playout.playouts(position.state, state, rng, 1, 1)
        move = int(state[_board.LAST])
        assert move in allowed
        game.play(None if move == PASS else row_col(move, size), position.to_play)
        np.copyto(position.state, state)
        assert_same_board(position, game)
        assert_words(state)
    assert state[_board.PLY] == len(game.moments) - 1 > 0


@pytest.mark.parametrize(("size", "games", "length", "tolerance"), [(9, 8000, 111, 1), (19, 1500, 455, 3)])
def test_playouts_are_as_long_as_uniform_ones(size: int, games: int, length: int, tolerance: int) -> None:
    """The mean length of uniformly random games, which libego's light playouts have too; biased ones differ."""
    start = Position(size).state
    moves = _playout.playouts(start, start.copy(), seed_state(1), games, 3 * size * size)
    assert abs(moves / games - length) < tolerance


@pytest.mark.nojit
@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_a_playout_ends_when_nobody_has_a_move(size: int) -> None:
    start = Position(size)
    before, state = start.state.copy(), start.state.copy()
    for seed in range(3):
        moves = _playout.playouts(start.state, state, seed_state(seed), 1, 1000)
        assert moves == state[_board.PLY] < 1000
        assert state[_board.PASSES] == 2
        end = start.copy()
        np.copyto(end.state, state)
        for colour in (BLACK, WHITE):
            end.to_play = colour
            assert tempting(end) == {PASS}
    assert np.array_equal(start.state, before)


@pytest.mark.nojit
def test_the_limit_and_the_seed_count() -> None:
    start = Position(5).state
    ends = []
    for seed in (1, 1, 2):
        rng, state = seed_state(seed), start.copy()
        assert _playout.playouts(start, state, rng, 3, 10) == 30
        assert state[_board.PLY] == 10
        ends.append(state.tobytes())
        drawn = int(rng[0])
        _playout.playouts(start, state, rng, 3, 10)
        assert int(rng[0]) != drawn
    assert ends[0] == ends[1] != ends[2]

"""The board kernels on diagrams. What random games cannot state as well: each rule by its name."""

from __future__ import annotations

import os

import numpy as np
import pytest

from gozero import _board, _legality, _playout, _repetition, _whole_board
from gozero._random import seed_state
from gozero.coords import BLACK, PASS, WHITE, format_vertex, padded_points, parse_vertex
from gozero.geometry import board_points
from gozero.position import Position
from tests.board_words import assert_words

pytestmark = pytest.mark.nojit


def diagram(state: np.ndarray) -> str:
    size = int(state[_board.SIZE])
    board = np.empty(size * size, dtype=np.uint8)
    _whole_board.colours(state, board)
    return "\n".join(" ".join(".XO"[colour] for colour in row) for row in board.reshape(size, size).tolist())


def board(text: str, suicide: bool = False) -> np.ndarray:
    return Position.from_ascii(text, rules="tromp-taylor" if suicide else "chinese").state


def clean(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


KO = """
    . X O .
    X O . O
    . X O .
    . . . .
"""

# name, board, moves, how many stones each takes, the board afterwards, the ko point afterwards
MOVES = [
    (
        "capture in the corner",
        ". O X \n X X . \n . . .",
        "B A3",
        [1],
        "X . X \n X X . \n . . .",
        None,
    ),
    (
        "one stone takes four chains",
        """
        . X O X .
        X O . O X
        . X O X .
        . . X . .
        . . . . .
        """,
        "B C4",
        [4],
        """
        . X . X .
        X . X . X
        . X . X .
        . . X . .
        . . . . .
        """,
        None,
    ),
    (
        "ko: one stone takes one and could be taken back",
        KO,
        "B C3",
        [1],
        """
        . X O .
        X . X O
        . X O .
        . . . .
        """,
        "B3",
    ),
    (
        "ko is over after a move elsewhere",
        KO,
        "B C3, W A1",
        [1, 0],
        """
        . X O .
        X . X O
        . X O .
        O . . .
        """,
        None,
    ),
    (
        "ko is taken back after an exchange elsewhere",
        KO,
        "B C3, W A1, B D1, W B3",
        [1, 0, 0, 1],
        """
        . X O .
        X O . O
        . X O .
        O . . X
        """,
        "C3",
    ),
    (
        "a pass ends the ko",
        KO,
        "B C3, W pass, B pass, W B3",
        [1, 0, 0, 1],
        KO,
        "C3",
    ),
    (
        "snapback: the stone that took one is part of five that are taken at once",
        """
        . . . . .
        . . . . .
        . O O O .
        O X X X O
        O X . . O
        """,
        "W C1, B D1, W C1",
        [0, 1, 5],
        """
        . . . . .
        . . . . .
        . O O O .
        O . . . O
        O . O . O
        """,
        None,
    ),
    (
        "one for two: a chain of two that took one stone may be taken at once",
        """
        . . . .
        . . . .
        X O O O
        O . X O
        """,
        "B B1, W A1",
        [1, 2],
        """
        . . . .
        . . . .
        X O O O
        O . . O
        """,
        None,
    ),
    (
        "two for one: taking two stones is no ko",
        """
        . . . .
        . . . .
        X X O O
        . O . O
        """,
        "W A1, B C1, W B1",
        [0, 2, 1],
        """
        . . . .
        . . . .
        X X O O
        . O . O
        """,
        None,
    ),
    (
        "a move without liberties that captures is no suicide",
        """
        . O X
        O O X
        X X .
        """,
        "B A3",
        [3],
        """
        X . X
        . . X
        X X .
        """,
        None,
    ),
]


def play_all(state: np.ndarray, moves: str) -> list[int]:
    """Plays moves such as "B C3, W pass", each legal; how many stones each took."""
    size = int(state[_board.SIZE])
    taken = []
    for move in moves.split(", "):
        letter, vertex = move.split()
        point, colour = parse_vertex(vertex, size), BLACK if letter == "B" else WHITE
        assert _legality.is_legal(state, point, colour), move
        foreseen = _repetition.hash_after(state, point, colour)
        taken.append(int(_board.play(state, point, colour)))
        assert foreseen == _board.position_hash(state)
    return taken


@pytest.mark.parametrize(("name", "before", "moves", "taken", "after", "ko"), MOVES, ids=[row[0] for row in MOVES])
def test_moves(name: str, before: str, moves: str, taken: list[int], after: str, ko: str | None) -> None:
    state = board(before)
    assert play_all(state, moves) == taken
    assert diagram(state) == clean(after)
    assert state[_board.KO] == (parse_vertex(ko, int(state[_board.SIZE])) if ko else 0)


def test_the_ko_point_is_forbidden_to_one_colour_only() -> None:
    state = board(KO)
    play_all(state, "B C3")
    ko = parse_vertex("B3", 4)
    assert not _legality.is_legal(state, ko, WHITE)
    assert _legality.is_legal(state, ko, BLACK)


# board, a move, stones taken off where suicide is allowed (0: the move is illegal under every rule)
SUICIDES = [
    ("lone stone in the corner", ". O . \n O . . \n . . .", "B A3", 0),
    ("lone stone in the middle", ". O . \n O . O \n . O .", "B B2", 0),
    ("two stones", "X . O . \n O O . . \n . . . . \n . . . .", "B B4", 2),
    ("two chains and the stone between them", "X . X O \n O O O . \n . . . . \n . . . .", "B B4", 3),
    ("the whole board but one point is filled", "X X \n X .", "B B1", 4),
]


@pytest.mark.parametrize(("name", "before", "move", "taken"), SUICIDES, ids=[row[0] for row in SUICIDES])
def test_suicide(name: str, before: str, move: str, taken: int) -> None:
    forbidding, allowing = board(before), board(before, suicide=True)
    vertex = move.split()[1]
    point = parse_vertex(vertex, int(allowing[_board.SIZE]))
    assert not _legality.is_legal(forbidding, point, BLACK)
    assert _legality.is_legal(allowing, point, BLACK) == (taken > 0)
    if taken:
        assert play_all(allowing, move) == [taken]
        assert allowing[_board.CAPTURED_BLACK] == taken
        assert diagram(allowing) == clean(before).replace("X", ".")
        assert allowing[_board.KO] == 0


# a diagram, and the empty points that are eyes of X
EYES = [
    ("corner", ". X . \n X X . \n . . .", {"A3"}),
    ("a corner needs its diagonal", ". X . \n X O . \n . . .", set()),
    ("edge", "X . X \n X X X \n . . .", {"B3"}),
    ("an edge needs both diagonals", "X . X \n O X X \n . . .", set()),
    ("the open tolerates one enemy", ". . . . . \n . O X . . \n . X . X . \n . . X . . \n . . . . .", {"C3"}),
    ("but not two", ". . . . . \n . O X . . \n . X . X . \n . . X O . \n . . . . .", set()),
    ("empty diagonals do no harm", ". X . \n X . X \n . X .", {"A3", "C3", "A1", "C1", "B2"}),
    ("two empty points are no eye", ". . X \n X X X \n . . .", set()),
]


@pytest.mark.parametrize(("name", "text", "eyes"), EYES, ids=[row[0] for row in EYES])
def test_eyes(name: str, text: str, eyes: set[str]) -> None:
    state = board(text)
    size = int(state[_board.SIZE])
    found = {
        format_vertex(point, size)
        for point in board_points(size).tolist()
        if state[_board.COLOUR + point * _board.WORDS] == 0 and _legality.is_eye(state, point, BLACK)
    }
    assert found == eyes


@pytest.mark.parametrize("size", [1, 2, 3, 7, 25])
def test_words_are_what_the_stones_say(size: int) -> None:
    """At moments of random games, the end of the longest ones on the largest board among them."""
    rng = seed_state(size)
    start = Position(size).state
    for moves in (0, size, size * size // 2, size * size, 3 * size * size):
        state = start.copy()
        _playout.playouts(start, state, rng, 1, moves)
        assert_words(state)


def test_the_liberty_of_a_chain_in_atari() -> None:
    state = board(
        """
        X X X O .
        X . X O .
        X X X O .
        O O O O O
        . X O . .
        """
    )
    points = {vertex: parse_vertex(vertex, 5) for vertex in ("A5", "D5", "B1", "C1", "B4", "A1")}
    heads = {vertex: int(state[_board.HEAD + point * _board.WORDS]) for vertex, point in points.items()}
    assert _board.last_liberty(state, heads["A5"]) == points["B4"]  # eight stones, four of them beside the one liberty
    assert _board.last_liberty(state, heads["B1"]) == points["A1"]
    assert _board.last_liberty(state, heads["D5"]) == 0
    assert [_board.in_atari(state, heads[vertex]) for vertex in ("A5", "B1", "D5")] == [True, True, False]


# Chains whose liberties have the mean point of the first vertex, which is none of them.
BALANCED = [
    ("the stone itself", ". O . \n . X . \n . O .", "B2"),
    ("all around the stone", ". . . \n . X . \n . . .", "B2"),
    ("an enemy between two stones of the chain", ". X X X . \n . X O X . \n O X . X O \n . O . O . \n . . . . .", "B5"),
]


@pytest.mark.parametrize(("name", "text", "stone"), BALANCED, ids=[row[0] for row in BALANCED])
def test_liberties_on_opposite_sides_are_no_atari(name: str, text: str, stone: str) -> None:
    state = board(text)
    head = int(state[_board.HEAD + parse_vertex(stone, int(state[_board.SIZE])) * _board.WORDS])
    assert _board.pseudo_liberties(state, head) >= 2
    assert not _board.in_atari(state, head)


def test_liberties_are_counted_once_a_chain() -> None:
    state = board(
        """
        . X X .
        X . X O
        X X X O
        . O O .
        """
    )
    out = np.empty(padded_points(4), dtype=np.int16)
    _whole_board.liberties_map(state, out)
    assert out[board_points(4)].reshape(4, 4).tolist() == [
        [0, 4, 4, 0],
        [4, 0, 4, 2],
        [4, 4, 4, 2],
        [0, 2, 2, 0],
    ]
    assert out.sum() == 4 * 7 + 4 * 2


def test_area_leaves_shared_regions_out() -> None:
    state = board(
        """
        . X O . O
        X X O O .
        . X . O O
        X . X O .
        . X O O O
        """
    )
    assert _whole_board.area(state) == (7 + 4, 10 + 3)


def test_hash_depends_on_the_stones_alone_and_on_the_turn_where_asked() -> None:
    one, other = board(". . . \n . . . \n . . ."), board(". . . \n . . . \n . . .")
    empty = _board.position_hash(one)
    play_all(one, "B A1, W B2, B C3, W C2")
    play_all(other, "B C3, W C2, B pass, W B2, B A1")
    assert _board.position_hash(one) == _board.position_hash(other) != empty
    assert _board.situational_hash(one, BLACK) != _board.situational_hash(one, WHITE)
    assert _board.situational_hash(one, BLACK) == _board.situational_hash(other, BLACK)


def test_boards_of_different_sizes_live_side_by_side() -> None:
    small, large = Position(5), Position(19)
    for vertex in ["C3", "A1", "E5", "B4"]:
        small.play(vertex)
        large.play(vertex)
    assert sorted(small.colours().ravel().tolist()) == [0] * 21 + [1, 1, 2, 2]
    assert large.colours()[16, 2] == small.colours()[2, 2] == BLACK
    assert large.colours()[18, 0] == small.colours()[4, 0] == WHITE
    assert _whole_board.area(small.state) == _whole_board.area(large.state) == (2, 2)


def test_a_pass_changes_the_turn_and_nothing_else() -> None:
    state = board(KO)
    before = state.copy()
    assert _board.play(state, PASS, BLACK) == 0
    assert diagram(state) == diagram(before)
    assert _board.position_hash(state) == _board.position_hash(before)
    assert state[_board.TO_PLAY] == WHITE
    assert state[_board.PASSES] == 1


@pytest.mark.skipif(os.environ.get("NUMBA_BOUNDSCHECK") != "1", reason="needs NUMBA_BOUNDSCHECK=1")
def test_an_index_out_of_range_is_noticed() -> None:
    """Says that the run with bounds checks does check them."""
    state = board(KO)
    with pytest.raises(IndexError):
        _legality.is_legal(state, 1000, BLACK)

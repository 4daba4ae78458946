"""Ladders: cases from the textbooks as diagrams, the trial board, and the reader against a slow one.

The ladder planes are compared with the slow reader on thousands of positions in test_features.
"""

from itertools import pairwise

import numpy as np
import pytest

from gozero import _board, _ladders, _legality, _trial, _whole_board, features
from gozero.coords import BLACK, WHITE, format_vertex, parse_vertex, point_at
from gozero.geometry import board_points
from gozero.position import Position
from tests.board_words import assert_words
from tests.positions import random_position
from tests.reference_board import SlowBoard
from tests.reference_features import answers, can_be_chased_to_death, gets_away_by

TO_RUN = """
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . X . . . . .
    . . X O . . . . .
    . . . X X . . . .
    . . . . . . . . .
"""
"""White's stone is in atari; running, it is chased up and to the right."""

TO_CHASE = """
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . X . . . . .
    . . X O . . . . .
    . . . . X . . . .
    . . . . . . . . .
"""
"""Black's D2 begins the same ladder; his E3 one that ends on the edge below."""

CAPTURABLE_CHASER = """
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . O . . . . .
    . . O X . . . . .
    . . X O . . . . .
    . . . X X . . . .
    . . . . . . . . .
"""

SNAPBACK = """
    . . . . .
    . . . . .
    X X X . .
    O O O X .
    . . O X .
"""
"""Whichever stone Black throws in, White can take it, and is taken where it stood."""

EDGE = """
    . . . . . . .
    . . . . . . .
    . . . . . . .
    . . . . . . .
    . . . . . . .
    X X X X X X .
    . . O . . . .
"""

KO_LADDER = """
    . . O . . . .
    . . O . . . .
    . X O X . . .
    X O . O X . .
    . X O . X . .
    . . X X . . .
    . . . . . . .
"""
"""Black takes a ko at C4, which puts D4 in atari; only taking back saves it."""


def marked(position: Position) -> tuple[str, str]:
    """The moves that start a ladder and those that get out of one."""
    planes = features.planes(position, "alphago48")[44:46]
    captures, escapes = (
        " ".join(sorted(format_vertex(point_at(row, column, position.size), position.size) for row, column in where))
        for where in (np.argwhere(plane).tolist() for plane in planes)
    )
    return captures, escapes


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("diagram", "colour", "more", "captures", "escapes"),
    [
        (TO_RUN, WHITE, "", "", ""),
        (TO_RUN, WHITE, "H7", "", "E3"),  # on its way
        (TO_RUN, WHITE, "B8", "", ""),  # beside its way
        (TO_RUN, WHITE, "E6", "", "E3"),  # takes E5, once that has chased the chain past it
        (TO_CHASE, BLACK, "", "D2 E3", ""),
        (TO_CHASE, BLACK, "H7", "E3", ""),
        (TO_CHASE, BLACK, "D6", "D2 E3", ""),
        (TO_CHASE, BLACK, "E6", "E3", ""),
        (CAPTURABLE_CHASER, WHITE, "", "", "E3 E4"),
        (SNAPBACK, BLACK, "", "A1 B1", ""),
        (EDGE, BLACK, "", "B1 D1", ""),
        (EDGE, BLACK, "F1", "B1 D1 E1 G1", ""),
    ],
)
def test_diagrams(diagram: str, colour: int, more: str, captures: str, escapes: str) -> None:
    """`more`: a white stone besides."""
    position = Position.from_ascii(diagram, to_play=colour)
    if more:
        position.add_stone(parse_vertex(more, position.size), WHITE)
    assert marked(position) == (captures, escapes)


def test_ko_forbids_an_answer_until_a_threat_was_answered() -> None:
    position = Position.from_ascii(KO_LADDER, to_play=BLACK, rules="japanese")
    position.play("C4")
    assert marked(position) == ("", "")
    position.play("G1")
    position.play("G4")
    assert marked(position)[1] == "B4"


@pytest.mark.parametrize("size", [19, 25])
@pytest.mark.parametrize("breaks", [True, False])
def test_ladders_are_read_across_the_board(size: int, breaks: bool) -> None:
    """From D3 to the far corner, where a stone on the way saves it and one beside it does not."""
    position = Position(size)
    for vertex in ("D4", "C3", "D2", "E2"):
        position.add_stone(parse_vertex(vertex, size), BLACK)
    position.add_stone(parse_vertex("D3", size), WHITE)
    place = (3, size - 4) if breaks else (3, 3)
    position.add_stone(point_at(*place, size), WHITE)
    position.to_play = WHITE
    assert marked(position)[1] == ("E3" if breaks else "")


@pytest.mark.parametrize(("tries", "taken"), [(20, True), (3, False)])
def test_a_chain_has_escaped_where_too_many_moves_are_tried(
    tries: int, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernels as plain Python, for which the limit is no constant; the trial board is left as it was."""
    for kernel in ("_is_taken", "captures_by"):
        monkeypatch.setattr(_ladders, kernel, getattr(getattr(_ladders, kernel), "py_func", getattr(_ladders, kernel)))
    monkeypatch.setattr(_ladders, "MAX_TRIES", tries)
    position = Position.from_ascii(TO_CHASE)
    board = np.zeros(_ladders.trial_length(9), np.uint32)
    _ladders.begin_trial(position.state, board)
    before = board[: len(position.state)].copy()
    prey, chase, other = (np.uint32(parse_vertex(vertex, 9)) for vertex in ("D3", "D2", "E3"))
    assert _ladders.captures_by(board, prey, chase, other) == taken
    assert np.array_equal(board[: len(before)], before)


@pytest.mark.parametrize(("size", "seeds"), [(5, 150), (7, 60), (9, 40), (19, 3)])
def test_the_reader_equals_the_slow_one(size: int, seeds: int) -> None:
    """Every chain with two liberties and every chain in atari, of either colour, move by move. Ko is left aside."""
    board = np.zeros(_ladders.trial_length(size), np.uint32)
    found = [0, 0, 0, 0]
    for seed in range(seeds):
        position = random_position(size, seed)
        state = position.state.copy()
        state[_board.KO] = 0
        _ladders.begin_trial(state, board)
        before = board[: len(state)].copy()
        slow = SlowBoard.of(position.colours())
        for chain in slow.chains():
            prey = min(chain)
            head = int(state[_board.HEAD + point_at(*prey, size) * _board.WORDS])
            liberties = slow.liberties(prey)
            if len(liberties) == 2:
                for move, other in pairwise([*liberties, *liberties][:3]):
                    wanted = can_be_chased_to_death(slow, prey, move)
                    assert _ladders.captures_by(board, head, point_at(*move, size), point_at(*other, size)) == wanted
                    found[wanted] += 1
            if len(liberties) == 1:
                for move in answers(slow, prey):
                    wanted = gets_away_by(slow, prey, move)
                    assert _ladders.escapes_by(board, head, point_at(*move, size)) == wanted, (
                        prey,
                        move,
                        str(position),
                    )
                    found[2 + wanted] += 1
        dummies = np.isin((np.arange(len(before)) - _board.HEADER) // _board.WORDS, (0, 1))
        assert np.array_equal(board[: len(before)][~dummies], before[~dummies])
    assert min(found) > 10


@pytest.mark.nojit
@pytest.mark.parametrize("seed", range(6))
def test_moves_are_tried_and_taken_back(seed: int) -> None:
    """Twelve random moves deep, over and over: stones, chains, liberties and ko are those of played moves."""
    size = 5
    generator = np.random.default_rng(seed)
    position = random_position(size, seed)
    length = len(position.state)
    board = np.zeros(length + 12 * _trial.FRAME, np.uint32)
    board[:length] = position.state
    boards = [position.state.copy()]
    taken = 0
    for _ in range(60):
        colour = int(generator.integers(1, 3))
        points = generator.permutation(board_points(size)).tolist()
        legal = [point for point in points if _legality.is_legal(boards[-1], point, colour)]
        if legal and len(boards) <= 12:
            _trial.try_move(board, legal[0], colour, length + (len(boards) - 1) * _trial.FRAME)
            boards.append(boards[-1].copy())
            taken += _board.play(boards[-1], legal[0], colour)
            assert np.array_equal(stones(board), stones(boards[-1]))
            assert ko(board) == ko(boards[-1])
            check_words(board, boards[-1])
        else:
            while len(boards) > 1 and generator.random() < 0.8:
                boards.pop()
                _trial.take_back(board, length + (len(boards) - 1) * _trial.FRAME)
                assert np.array_equal(stones(board), stones(boards[-1]))
                assert ko(board) == ko(boards[-1])
            check_words(board, boards[-1])
    assert taken > 0


def stones(state: np.ndarray) -> np.ndarray:
    size = int(state[_board.SIZE])
    colours = np.empty(size * size, np.uint8)
    _whole_board.colours(state, colours)
    return colours


def ko(state: np.ndarray) -> tuple[int, int]:
    """The point that may not be taken, and by whom."""
    return (int(state[_board.KO]), int(state[_board.KO_COLOUR])) if state[_board.KO] else (0, 0)


def check_words(board: np.ndarray, played: np.ndarray) -> None:
    """The words that a trial board keeps are what its stones say; those that it does not keep are lent by the other."""
    whole = board[: len(played)].copy()
    whole[_board.EMPTIES] = played[_board.EMPTIES]
    cells = slice(_board.EMPTY_AT, None, _board.WORDS)
    whole[cells] = played[cells]
    for row, column in SlowBoard.of(stones(played).reshape((int(played[_board.SIZE]),) * 2)).empties():
        slot = _board.SLOT + point_at(row, column, int(played[_board.SIZE])) * _board.WORDS
        whole[slot] = played[slot]
    assert_words(whole)

"""`Position.edit`: the board as somebody wants it, in the middle of a game too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gozero import Position, coords
from gozero.coords import BLACK, EMPTY, PASS, WHITE


def at(vertex: str, size: int = 9) -> int:
    return coords.parse_vertex(vertex, size)


def played(*vertices: str, size: int = 9, rules: str = "japanese") -> Position:
    position = Position(size, rules=rules)
    for vertex in vertices:
        position.play(vertex)
    return position


def board(position: Position) -> list[str]:
    return ["".join(".XO"[colour] for colour in row) for row in position.colours().tolist()]


def test_stones_are_put_on_taken_off_and_replaced():
    position = played("A1", "B2", "C3")
    position.edit([(WHITE, at("A1")), (EMPTY, at("B2")), (BLACK, at("J9")), (EMPTY, at("D4"))])
    assert board(position) == ["........X", *["........."] * 5, "..X......", ".........", "O........"]
    assert position.to_play == WHITE
    assert position.moves == [(BLACK, at("A1")), (WHITE, at("B2")), (BLACK, at("C3"))]
    assert position.last_move == at("C3")
    assert position.setup == []
    changes = [(WHITE, at("A1")), (EMPTY, at("B2")), (BLACK, at("J9")), (EMPTY, at("D4"))]
    assert position.edits == [(3, changes)]


def test_the_last_word_on_a_point_counts():
    position = Position(9)
    position.edit([(BLACK, at("A1")), (WHITE, at("A1"))])
    assert position.setup == [(WHITE, at("A1"))]


def test_prisoners_are_kept():
    position = played("B1", "A1", "A2")
    assert position.captured == (0, 1)
    position.edit([(BLACK, at("E5"))])
    assert position.captured == (0, 1)


def test_undo_takes_the_whole_edit_back():
    position = played("E5", "pass")
    before = position.copy()
    position.edit([(EMPTY, at("E5")), (WHITE, at("C3"))])
    position.add_stone(at("D4"), BLACK)
    assert (position.passes, len(position.edits)) == (0, 1)
    position.play("A1")
    position.undo()
    position.undo()
    assert np.array_equal(position.state, before.state)
    assert (position.moves, position.edits, position.to_play) == (before.moves, [], before.to_play)


def test_before_the_first_move_it_is_the_set_up():
    position = Position(9)
    position.edit([(BLACK, at("A1")), (BLACK, at("C3")), (WHITE, at("D4"))])
    position.edit([(EMPTY, at("A1"))])
    assert sorted(position.setup) == sorted([(BLACK, at("C3")), (WHITE, at("D4"))])
    assert position.edits == []
    position.undo()
    assert (position.setup, board(position)) == ([], ["........."] * 9)


def test_repetition_counts_from_the_edit():
    position = played("B9", "C9", "A8", "D8", "B7", "C7", "C8", rules="chinese")
    position.play("B8")  # takes C8
    assert not position.legal("C8")
    position.edit([(BLACK, at("J1"))])
    assert position.legal("C8")


@pytest.mark.parametrize(
    ("stones", "text"),
    [
        ([(BLACK, 0)], "not on the 9x9 board"),
        ([(BLACK, at("B1")), (BLACK, at("B2")), (BLACK, at("A2"))], "the chain at A1 would have no liberty"),
        ([(BLACK, at("E5")), (3, at("D4"))], "colour 3 is neither"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(stones: list[tuple[int, int]], text: str):
    position = played("J9", "A1")
    before = position.copy()
    with pytest.raises(ValueError, match=text):
        position.edit(stones)
    assert np.array_equal(position.state, before.state)
    assert (position.edits, position.moves) == ([], before.moves)


def test_a_copy_has_edits_of_its_own():
    position = played("E5")
    other = position.copy()
    other.edit([(WHITE, at("A1"))])
    assert (position.edits, len(other.edits)) == ([], 1)


@given(st.lists(st.tuples(st.sampled_from([EMPTY, BLACK, WHITE]), st.integers(0, 24)), max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_an_edited_board_is_the_board_of_its_diagram(changes, data):
    """Legal moves and score after an edit are those of a game that begins with the diagram."""
    position = Position(5, rules="tromp-taylor")
    for index in data.draw(st.lists(st.integers(0, 25), max_size=12)):
        point = coords.point_of(index, 5)
        if point == PASS or position.legal(point):
            position.play(point)
    try:
        position.edit([(colour, coords.point_of(index, 5)) for colour, index in changes])
    except ValueError:
        return
    again = Position.from_ascii("\n".join(board(position)).replace(".", "+"), position.to_play, rules="tromp-taylor")
    assert (position.legal_mask() == again.legal_mask()).all()
    assert position.score() == again.score()
    assert position.history[: position.history_length].tolist() == again.history[: again.history_length].tolist()

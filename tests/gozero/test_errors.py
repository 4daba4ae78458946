"""What a person reads who made a mistake: one sentence that says what is wrong, where, and what would be right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gozero import coords
from gozero.coords import BLACK, EMPTY, PASS, RESIGN, WHITE, parse_vertex
from gozero.handicap import fixed_handicap, free_handicap
from gozero.illegal_move import IllegalMove
from gozero.position import Position
from gozero.rules import parse_rules

DIAGRAMS = [
    ("", "a board of 0 rows is not supported: 1 to 25 are"),
    ("\n  \n", "a board of 0 rows is not supported: 1 to 25 are"),
    ("A B C", "a board of 0 rows is not supported: 1 to 25 are"),
    ("\n".join(["." * 26] * 26), "a board of 26 rows is not supported: 1 to 25 are"),
    ("X . O\n. # .\n. . .", "row 2, column 2: '#' is not X, O, . or +"),
    ("X . O\n. . .\nA . .", "row 3, column 1: 'A' is not X, O, . or +"),
    ("● . ○\n. . .\n. . .", "row 1, column 1: '●' is not X, O, . or +"),
    ("X . O\n. . 0\n. . .", "row 2 from the top is numbered 0 but should be 2"),
    ("X . O\n. . .\n. .", "row 3 has 2 points, but the board has 3 rows"),
    ("X . O .\n. . . .\n. . . .", "row 1 has 4 points, but the board has 3 rows"),
    ("X .\n. .\n. .", "row 1 has 2 points, but the board has 3 rows"),
    ("1 X .\n2 . .", "row 1 from the top is numbered 1 but should be 2"),
    ("2 X .\n" + "1" * 5000 + " . .", f"row 2 from the top is numbered {'1' * 5000} but should be 1"),
    (". O X\n. O O\n. . .", "row 1, column 3: the chain there has no liberty"),
    ("A B C\n3 . X O\n2 . X O\n1 . X X", "row 1, column 3: the chain there has no liberty"),
    ("O O\nO O", "row 1, column 1: the chain there has no liberty"),
    ("X", "row 1, column 1: the chain there has no liberty"),
]


@pytest.mark.parametrize(("text", "message"), DIAGRAMS)
def test_a_diagram_that_is_no_position(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Position.from_ascii(text)
    assert str(caught.value) == message


def test_column_letters_may_count_the_i_or_not() -> None:
    rows = "\n".join([". X . . . . . . ."] * 9)
    boards = [Position.from_ascii(f"{letters}\n{rows}") for letters in ("A B C D E F G H J", "abcdefghi")]
    assert [board.size for board in boards] == [9, 9]


VERTICES = [
    ("I5", "bad vertex 'I5': GTP columns skip the letter I"),
    ("i19", "bad vertex 'i19': GTP columns skip the letter I"),
    ("Z99", "bad vertex 'Z99': outside the 19x19 board (A1 to T19)"),
    ("t20", "bad vertex 't20': outside the 19x19 board (A1 to T19)"),
    ("U1", "bad vertex 'U1': outside the 19x19 board (A1 to T19)"),
    ("A0", "bad vertex 'A0': outside the 19x19 board (A1 to T19)"),
    ("D100", "bad vertex 'D100': outside the 19x19 board (A1 to T19)"),
    ("", "bad vertex '': expected a letter and a number such as D4, or pass"),
    ("D", "bad vertex 'D': expected a letter and a number such as D4, or pass"),
    ("4", "bad vertex '4': expected a letter and a number such as D4, or pass"),
    ("4D", "bad vertex '4D': expected a letter and a number such as D4, or pass"),
    ("D-4", "bad vertex 'D-4': expected a letter and a number such as D4, or pass"),
    ("D 4", "bad vertex 'D 4': expected a letter and a number such as D4, or pass"),
    ("illegal", "bad vertex 'illegal': expected a letter and a number such as D4, or pass"),
    ("resign", "bad vertex 'resign': expected a letter and a number such as D4, or pass"),
    ("D4\nE5", r"bad vertex 'D4\nE5': expected a letter and a number such as D4, or pass"),
]


@pytest.mark.parametrize(("vertex", "message"), VERTICES)
@pytest.mark.parametrize("ask", [Position.play, Position.legal, lambda position, text: parse_vertex(text, 19)])
def test_a_vertex_that_is_none(ask: Callable[[Position, str], object], vertex: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        ask(Position(19), vertex)
    assert str(caught.value) == message


KO = """
    . X O .
    X O . O
    . X O .
    . . . .
"""
TWO_FOR_ONE = """
    . . . .
    . . . .
    X X O O
    . O . O
"""
SUICIDE = """
    X . O .
    O O . .
    . O . .
    O . . .
"""

# diagram, rules, moves before (White's first where it begins with "W"), the illegal move, its reason and text
ILLEGAL_MOVES = [
    (KO, "chinese", "", "B3", "occupied", "B3: the point is occupied by White"),
    (KO, "chinese", "", "c4", "occupied", "C4: the point is occupied by White"),
    (KO, "chinese", "C3", "c3", "occupied", "C3: the point is occupied by Black"),
    (KO, "chinese", "C3", "B3", "ko", "B3: White may not take the ko back at once"),
    (KO, "japanese", "C3 A1 D1 B3", "C3", "ko", "C3: Black may not take the ko back at once"),
    (KO, "aga", "C3 pass pass", "B3", "superko", "B3: repeats the starting position (situational superko)"),
    (SUICIDE, "chinese", "", "B4", "suicide", "B4: it would be suicide, which chinese rules forbid"),
    (SUICIDE, "japanese", "", "A2", "suicide", "A2: it would be suicide, which japanese rules forbid"),
    (SUICIDE, "new-zealand", "", "A2", "suicide", "A2: Black's lone stone would have no liberty"),
    (TWO_FOR_ONE, "tt", "W A1 C1", "B1", "superko", "B1: repeats the starting position (positional superko)"),
    (TWO_FOR_ONE, "cn", "W D4 A4 A1 C1", "B1", "superko", "B1: repeats the position after move 2 (positional superko)"),
    (
        TWO_FOR_ONE,
        "nz",
        "W A1 C1 B1 pass",
        "A1",
        "superko",
        "A1: repeats the position after move 1 (situational superko)",
    ),
]


@pytest.mark.parametrize(("diagram", "rules", "moves", "vertex", "reason", "message"), ILLEGAL_MOVES)
def test_an_illegal_move(diagram: str, rules: str, moves: str, vertex: str, reason: str, message: str) -> None:
    position = Position.from_ascii(diagram, to_play=WHITE if moves.startswith("W") else BLACK, rules=rules)
    for move in moves.removeprefix("W ").split():
        position.play(move)
    before = str(position)
    assert not position.legal(vertex)
    with pytest.raises(IllegalMove) as caught:
        position.play(vertex)
    assert caught.value.reason == reason
    assert str(caught.value) == f"illegal move {message}"
    assert str(position) == before


def test_a_repeat_of_what_was_set_up_in_mid_game() -> None:
    position = Position.from_ascii(TWO_FOR_ONE.replace("O . O", ". . O"), to_play=WHITE)
    position.play("D4")
    position.play("A4")
    position.add_stone(parse_vertex("B1", 4), WHITE)
    for move in ("A1", "C1"):
        position.play(move)
    with pytest.raises(IllegalMove, match=r"^illegal move B1: repeats the set-up after move 2 \(positional superko\)$"):
        position.play("B1")


# what was done, and what it says
MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: Position(26), "board size 26 is not supported: 1 to 25 are"),
    (lambda: Position(0), "board size 0 is not supported: 1 to 25 are"),
    (lambda: Position(9, komi=float("nan")), "komi nan is not a finite number"),
    (
        lambda: Position(9, rules="chinees"),
        "unknown rules 'chinees': did you mean chinese? known are tromp-taylor, chinese, japanese, aga, new-zealand",
    ),
    (lambda: parse_rules(""), "unknown rules '': known are tromp-taylor, chinese, japanese, aga, new-zealand"),
    (lambda: Position(9).play("D4", 3), "colour 3 is neither BLACK (1) nor WHITE (2)"),
    (lambda: Position(9).play(5), "illegal move 5: no such point on the 9x9 board"),
    (lambda: Position(9).play(RESIGN), "illegal move -1: no such point on the 9x9 board"),
    (lambda: Position(9).undo(), "cannot undo: nothing has been played"),
    (lambda: Position.from_ascii(KO).undo(), "cannot undo: nothing has been played"),
    (lambda: Position.from_ascii(KO, to_play=EMPTY), "colour 0 is neither BLACK (1) nor WHITE (2)"),
    (
        lambda: Position.from_ascii(KO).add_stone(parse_vertex("B3", 4), BLACK),
        "cannot set up B3: the point is occupied by White",
    ),
    (
        lambda: Position.from_ascii(". O .\nO . .\n. . .").add_stone(parse_vertex("A3", 3), BLACK),
        "cannot set up A3: the chain at A3 would have no liberty",
    ),
    (lambda: Position(9).add_stone(PASS, BLACK), "cannot set up point 0: not on the 9x9 board"),
    (lambda: Position(9).edit([(EMPTY, 3)]), "cannot set up point 3: not on the 9x9 board"),
    (
        lambda: Position.from_ascii(KO).place_handicap([parse_vertex("D1", 4)]),
        "board not empty: handicap stones come before the first move",
    ),
    (
        lambda: Position(9).place_handicap([parse_vertex("D4", 9)] * 2),
        "cannot set up D4: the point is occupied by Black",
    ),
    (lambda: fixed_handicap(19, 10), "invalid number of stones: 10, 2 to 9 are possible on 19x19"),
    (lambda: fixed_handicap(8, 5), "invalid number of stones: 5, 2 to 4 are possible on 8x8"),
    (lambda: fixed_handicap(5, 2), "invalid number of stones: 2, there are no fixed points on 5x5"),
    (lambda: free_handicap(9, 81), "invalid number of stones: 81, 2 to 80 are possible on 9x9"),
    (lambda: free_handicap(1, 2), "invalid number of stones: 2, there is room for none on 1x1"),
    (lambda: coords.parse_colour("red"), "bad colour 'red': expected b, w, black or white"),
    (lambda: coords.parse_sgf_point("jj", 9), "bad SGF point 'jj': outside the 9x9 board (aa to ii)"),
    (lambda: coords.parse_sgf_point("d4", 9), "bad SGF point 'd4': outside the 9x9 board (aa to ii)"),
    (lambda: coords.parse_sgf_point("abc", 9), "bad SGF point 'abc': expected two letters"),
]


@pytest.mark.parametrize(("do", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake(do: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        do()
    assert str(caught.value) == message

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gozero import _board
from gozero.coords import BLACK, NO_MOVE, PASS, RESIGN, WHITE, format_vertex, parse_vertex
from gozero.illegal_move import IllegalMove
from gozero.position import Position
from gozero.rules import RULES, Rules

KO = """
    . X O .
    X O . O
    . X O .
    . . . .
"""
SEND_TWO_RETURN_ONE = """
    . . . .
    . . . .
    X X O O
    . O . O
"""
# Three kos; White holds the first and the last, Black the second.
TRIPLE_KO = """
    . X O . . . . . .
    X O . O . . . . .
    . X O . . . . . .
    . X O . . . . . .
    X . X O . . . . .
    . X O . . . . . .
    . X O . . . . . .
    X O . O . . . . .
    . X O . . . . . .
"""
SUICIDE_OF_TWO = """
    X . O .
    O O . .
    . . . .
    . . . .
"""


def refused(position: Position, move: int | str, colour: int | None = None) -> IllegalMove:
    """The error of a move that the rules forbid, after checking that it changes nothing and that `legal` agrees."""
    before, history = position.state.copy(), position.history[: position.history_length].copy()
    moves = list(position.moves)
    assert not position.legal(move, colour)
    with pytest.raises(IllegalMove) as caught:
        position.play(move, colour)
    assert np.array_equal(position.state, before)
    assert np.array_equal(position.history[: position.history_length], history)
    assert position.moves == moves
    return caught.value


def play_all(position: Position, moves: str) -> None:
    for vertex in moves.split():
        position.play(vertex)


def test_a_new_position_is_empty_and_black_is_to_play() -> None:
    position = Position()
    assert (position.size, position.komi, position.rules) == (19, 7.5, RULES["chinese"])
    assert position.to_play == BLACK
    assert position.moves == position.setup == []
    assert position.last_move == NO_MOVE
    assert position.captured == (0, 0)
    assert not position.colours().any()
    assert position.history_length == 1
    assert not position.is_over
    assert len(position.legal_vertices()) == 361
    assert position.legal_vertices()[:2] == ["A19", "B19"]


@pytest.mark.parametrize("size", [0, -1, 26, 361])
def test_sizes_outside_1_to_25_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"board size {size} is not supported: 1 to 25 are"):
        Position(size)


@pytest.mark.parametrize("komi", [float("nan"), float("inf"), -float("inf")])
def test_komi_must_be_a_number(komi: float) -> None:
    with pytest.raises(ValueError, match=r"komi .* is not a finite number"):
        Position(9, komi=komi)
    position = Position(9)
    with pytest.raises(ValueError, match="komi"):
        position.komi = komi
    assert position.komi == 7.5


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown rules 'chinees'"):
        Position(9, rules="chinees")


def test_moves_are_points_or_vertices_and_the_turn_alternates() -> None:
    position = Position(9)
    position.play("d4")
    assert position.to_play == WHITE
    position.play(parse_vertex("E5", 9))
    position.play(PASS)
    position.play("pass")
    assert position.moves == [
        (BLACK, parse_vertex("D4", 9)),
        (WHITE, parse_vertex("E5", 9)),
        (BLACK, PASS),
        (WHITE, PASS),
    ]
    assert position.last_move == PASS
    assert position.colours()[5, 3] == BLACK
    assert position.colours()[4, 4] == WHITE


def test_either_colour_may_move_at_any_time() -> None:
    position = Position(9)
    position.play("D4", BLACK)
    position.play("E5", BLACK)
    assert position.to_play == WHITE
    position.play("F6", BLACK)
    assert np.bincount(position.colours().ravel(), minlength=3).tolist() == [78, 3, 0]
    position.undo()
    assert position.to_play == WHITE
    for colour in (0, 3, -1):
        with pytest.raises(ValueError, match="neither BLACK"):
            position.play("A1", colour)
        with pytest.raises(ValueError, match="neither BLACK"):
            position.legal("A1", colour)
        with pytest.raises(ValueError, match="neither BLACK"):
            position.to_play = colour


def test_two_passes_end_the_game_and_play_may_resume() -> None:
    position = Position(9)
    position.play("pass")
    assert (position.passes, position.is_over) == (1, False)
    position.play("pass")
    assert (position.passes, position.is_over) == (2, True)
    position.play("C3")
    assert (position.passes, position.is_over) == (0, False)
    position.undo()
    assert position.is_over


def test_an_occupied_point() -> None:
    position = Position(9)
    position.play("D4")
    error = refused(position, "d4")
    assert error.reason == "occupied"
    assert str(error) == "illegal move D4: the point is occupied by Black"
    assert str(refused(position, "D4", BLACK)) == "illegal move D4: the point is occupied by Black"


@pytest.mark.parametrize("point", [1, -1, 10, 20, 110, RESIGN, NO_MOVE, 10**6])
def test_a_point_off_the_board(point: int) -> None:
    error = refused(Position(9), point)
    assert error.reason == "off the board"
    assert str(error) == f"illegal move {point}: no such point on the 9x9 board"


def test_a_bad_vertex() -> None:
    position = Position(9)
    for ask in (position.play, position.legal):
        with pytest.raises(ValueError, match="bad vertex 'I5': GTP columns skip the letter I"):
            ask("I5")
        with pytest.raises(ValueError, match=r"bad vertex 'K1': outside the 9x9 board \(A1 to J9\)"):
            ask("K1")
    with pytest.raises(TypeError):
        position.play(3.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("rules", RULES)
def test_ko(rules: str) -> None:
    position = Position.from_ascii(KO, rules=rules)
    position.play("C3")
    error = refused(position, "B3")
    assert error.reason == "ko"
    assert str(error) == "illegal move B3: White may not take the ko back at once"
    assert "B3" not in position.legal_vertices()
    assert position.legal("B3", BLACK)
    play_all(position, "A1 D1 B3")
    assert str(refused(position, "C3")) == "illegal move C3: Black may not take the ko back at once"


def test_sending_two_and_returning_one() -> None:
    moves = "A1 C1"
    simple = Position.from_ascii(SEND_TWO_RETURN_ONE, to_play=WHITE, rules="japanese")
    play_all(simple, f"{moves} B1 pass {moves} B1")
    positional = Position.from_ascii(SEND_TWO_RETURN_ONE, to_play=WHITE, rules="chinese")
    play_all(positional, moves)
    error = refused(positional, "B1")
    assert error.reason == "superko"
    assert str(error) == "illegal move B1: repeats the starting position (positional superko)"
    # With Black to move the board is another situation; once Black has passed, White may not begin again.
    situational = Position.from_ascii(SEND_TWO_RETURN_ONE, to_play=WHITE, rules="aga")
    play_all(situational, f"{moves} B1 pass")
    assert str(refused(situational, "A1")) == "illegal move A1: repeats the position after move 1 (situational superko)"


@pytest.mark.parametrize("rules", RULES)
def test_triple_ko(rules: str) -> None:
    position = Position.from_ascii(TRIPLE_KO, rules=rules)
    play_all(position, "C8 B5 C2 B8 C5")
    if position.rules.superko == "simple":
        play_all(position, "B2 C8 B5 C2 B8 C5 B2")
    else:
        error = refused(position, "B2")
        assert str(error) == f"illegal move B2: repeats the starting position ({position.rules.superko} superko)"
        play_all(position, "J9 J1 B2")


def test_a_superko_repeat_names_the_move() -> None:
    position = Position(9, rules="tromp-taylor")
    setup = TRIPLE_KO.split()
    for colour, letter in ((BLACK, "X"), (WHITE, "O")):
        for index in (i for i, cell in enumerate(setup) if cell == letter):
            position.play(f"{'ABCDEFGHJ'[index % 9]}{9 - index // 9}", colour)
    stones = len(position.moves)
    position.play("H8", BLACK)
    position.play("H2", WHITE)
    play_all(position, "C8 B5 C2 B8 C5")
    assert str(refused(position, "B2")) == (
        f"illegal move B2: repeats the position after move {stones + 2} (positional superko)"
    )


def test_a_pass_never_repeats() -> None:
    position = Position(9, rules="tromp-taylor")
    for _ in range(5):
        position.play("pass")
    assert position.history_length == 6


@pytest.mark.parametrize("rules", RULES)
def test_suicide(rules: str) -> None:
    position = Position.from_ascii(SUICIDE_OF_TWO, rules=rules)
    if position.rules.suicide:
        position.play("B4")
        assert position.captured == (2, 0)
        assert not (position.colours() == BLACK).any()
        position.undo()
        assert position.colours()[0, 0] == BLACK
    else:
        error = refused(position, "B4")
        assert error.reason == "suicide"
        assert str(error) == f"illegal move B4: it would be suicide, which {rules} rules forbid"
    lone = Position.from_ascii(". O . \n O . . \n . . .", rules=rules)
    assert refused(lone, "A3").reason == "suicide"
    assert lone.legal("A3", WHITE)


def test_a_lone_suicide_says_so_where_suicide_is_allowed() -> None:
    position = Position.from_ascii(". O . \n O . . \n . . .", rules="tromp-taylor")
    assert str(refused(position, "A3")) == "illegal move A3: Black's lone stone would have no liberty"


def test_suicide_may_not_repeat_either() -> None:
    position = Position(2, rules="tromp-taylor")
    play_all(position, "A1 pass A2 pass B1 pass")
    error = refused(position, "B2")
    assert str(error) == "illegal move B2: repeats the starting position (positional superko)"


def test_legal_mask_says_what_legal_says_and_ends_with_the_pass() -> None:
    position = Position.from_ascii(KO)
    position.play("C3")
    mask = position.legal_mask()
    assert mask.dtype == np.uint8
    assert mask.shape == (17,)
    assert mask[-1] == 1
    legal = {format_vertex(p, 4) for p in range(1, 31) if position.legal(p)}
    assert legal == set(position.legal_vertices()) == {"D4", "A2", "D2", "A1", "B1", "C1", "D1"}
    assert position.legal("pass")
    assert position.legal_mask(BLACK).sum() == len(legal | {"A4", "B3"}) + 1


def test_recent_points_are_newest_first_and_zero_for_passes() -> None:
    position = Position(9)
    assert position.recent_points().tolist() == [0] * 8
    play_all(position, "A1 B2 pass C3")
    a1, b2, c3 = (parse_vertex(vertex, 9) for vertex in ("A1", "B2", "C3"))
    assert position.recent_points().tolist() == [c3, 0, b2, a1, 0, 0, 0, 0]
    assert position.recent_points(2).tolist() == [c3, 0]
    assert position.recent_points().dtype == np.int32
    for row in range(1, 9):
        position.play(f"J{row}")
    assert position.recent_points()[[0, -1]].tolist() == [parse_vertex("J8", 9), parse_vertex("J1", 9)]


@pytest.mark.parametrize("rules", RULES)
def test_undo_of_everything(rules: str) -> None:
    rng = np.random.default_rng(7)
    position = Position(7, rules=rules)
    boards, masks, turns = [], [], []
    for _ in range(150):
        boards.append(position.state.copy())
        masks.append(position.legal_mask())
        turns.append(position.to_play)
        vertices = position.legal_vertices()
        position.play(vertices[rng.integers(len(vertices))] if vertices else "pass")
    assert position.captured != (0, 0)
    while boards:
        position.undo()
        expected = boards.pop()
        assert np.array_equal(position.legal_mask(), masks.pop())
        assert position.to_play == turns.pop()
        assert np.array_equal(position.state[: _board.PASSES + 1], expected[: _board.PASSES + 1])
        assert _board.position_hash(position.state) == _board.position_hash(expected)
    with pytest.raises(ValueError, match="cannot undo: nothing has been played"):
        position.undo()
    assert position.history_length == 1


def test_undo_restores_ko_prisoners_and_the_turn_that_was_set() -> None:
    position = Position.from_ascii(KO)
    position.play("C3")
    position.play("A1")
    position.undo()
    assert refused(position, "B3").reason == "ko"
    assert position.captured == (0, 1)
    position.to_play = BLACK
    position.play("D1")
    position.undo()
    assert position.to_play == BLACK
    position.undo()
    assert position.captured == (0, 0)
    assert position.to_play == BLACK
    with pytest.raises(ValueError, match="cannot undo"):
        position.undo()


def test_undo_takes_a_handicap_back_as_one_step() -> None:
    position = Position(9)
    position.place_handicap([parse_vertex(vertex, 9) for vertex in ("C3", "G7", "C7")])
    assert position.to_play == WHITE
    assert position.handicap == 3
    assert position.moves == []
    play_all(position, "E5 D5")
    assert position.handicap == 3
    position.undo()
    position.undo()
    position.undo()
    assert not position.colours().any()
    assert (position.to_play, position.handicap, position.setup) == (BLACK, 0, [])
    with pytest.raises(ValueError, match="cannot undo"):
        position.undo()


def test_stones_set_up_in_mid_game_are_one_step_and_start_the_count_of_repetitions_anew() -> None:
    position = Position.from_ascii(SEND_TWO_RETURN_ONE, to_play=WHITE, rules="chinese")
    play_all(position, "A1 C1")
    assert not position.legal("B1")
    position.add_stone(parse_vertex("D4", 4), BLACK)
    position.add_stone(parse_vertex("A4", 4), WHITE)
    assert position.history_length == 1
    assert position.to_play == WHITE
    assert position.captured == (0, 2)
    position.play("B1")
    position.undo()
    position.undo()
    assert position.colours()[0].tolist() == [0, 0, 0, 0]
    assert position.history_length == 3
    assert not position.legal("B1")


def test_set_up_mistakes_change_nothing() -> None:
    position = Position(3)
    position.add_stone(parse_vertex("B3", 3), WHITE)
    before = position.state.copy()
    with pytest.raises(ValueError, match="cannot set up B3: the point is occupied by White"):
        position.add_stone(parse_vertex("B3", 3), BLACK)
    with pytest.raises(ValueError, match="cannot set up point 2: not on the 3x3 board"):
        position.add_stone(2, BLACK)
    with pytest.raises(ValueError, match="colour 3 is neither"):
        position.add_stone(parse_vertex("A1", 3), 3)
    position.add_stone(parse_vertex("A2", 3), WHITE)
    with pytest.raises(ValueError, match="cannot set up A3: the chain at A3 would have no liberty"):
        position.add_stone(parse_vertex("A3", 3), BLACK)
    position.undo()
    assert not position.colours().any()
    assert before[_board.EMPTIES] == 8


def test_handicap_mistakes_change_nothing() -> None:
    position = Position(3)
    with pytest.raises(ValueError, match="cannot set up A1: the point is occupied by Black"):
        position.place_handicap([parse_vertex("A1", 3)] * 2)
    with pytest.raises(ValueError, match="cannot set up point 0"):
        position.place_handicap([PASS])
    with pytest.raises(ValueError, match="cannot place 9 handicap stones: no point would stay empty"):
        position.place_handicap([parse_vertex(c + r, 3) for c in "ABC" for r in "123"])
    assert not position.colours().any()
    assert position.to_play == BLACK
    position.play("A1")
    with pytest.raises(ValueError, match="board not empty"):
        position.place_handicap([parse_vertex("B2", 3)])


def test_handicap_is_counted_only_where_white_moves_first_against_set_up_black_stones() -> None:
    position = Position(9)
    position.add_stone(parse_vertex("C3", 9), BLACK)
    position.add_stone(parse_vertex("G7", 9), BLACK)
    assert position.handicap == 0
    position.to_play = WHITE
    assert position.handicap == 2
    position.play("E5", BLACK)
    assert position.handicap == 0
    position.undo()
    position.add_stone(parse_vertex("A1", 9), WHITE)
    assert position.handicap == 0


def test_copies_are_independent() -> None:
    position = Position(9, komi=5.5, rules="aga")
    for index in range(40):
        position.play(f"{'ABCDEFGHJ'[index % 9]}{index // 9 + 1}")
    other = position.copy()
    other.play("J9")
    other.komi = 0
    for _ in range(30):
        position.undo()
    position.play("H9")
    assert len(other.moves) == 41
    assert (position.komi, other.komi) == (5.5, 0)
    assert (position.colours() != 0).sum() == 11 - sum(position.captured)
    assert (other.colours() != 0).sum() == 41 - sum(other.captured)
    for _ in range(41):
        other.undo()
    assert not other.colours().any()
    assert position.last_move == parse_vertex("H9", 9)


def test_positions_can_be_sent_to_another_process() -> None:
    position = Position.from_ascii(KO, rules="aga")
    position.play("C3")
    other = pickle.loads(pickle.dumps(position))
    assert str(other) == str(position)
    assert refused(other, "B3").reason == "ko"
    error = pickle.loads(pickle.dumps(refused(position, "B3")))
    assert (error.reason, str(error)) == ("ko", "illegal move B3: White may not take the ko back at once")


def test_history_grows_with_long_games() -> None:
    position = Position(2, rules="japanese")
    for _ in range(300):
        position.play("pass")
    assert position.history_length == 301 <= len(position.history)
    assert len(set(position.history[:301].tolist())) == 1


def test_the_diagram_can_be_read_back() -> None:
    position = Position(11)
    play_all(position, "D4 L11 A1 K10")
    text = str(position)
    assert text.splitlines()[0] == "   A B C D E F G H J K L"
    assert text.splitlines()[1] == "11 . . . . . . . . . . O 11"
    assert text.splitlines()[2] == "10 . . . . . . . . .(O). 10"
    assert text.splitlines()[11] == " 1 X . . . . . . . . . . 1"
    again = Position.from_ascii(text)
    assert np.array_equal(again.colours(), position.colours())
    assert again.to_play == BLACK
    assert again.moves == []
    assert len(again.setup) == 4
    with pytest.raises(ValueError, match="cannot undo"):
        again.undo()


@pytest.mark.parametrize("size", [1, 2, 9, 10, 19, 25])
def test_diagrams_of_every_width_can_be_read_back(size: int) -> None:
    position = Position(size)
    if size > 1:
        position.play(f"A{size}")
        position.play(format_vertex(size * (size + 1) + size, size))
    assert np.array_equal(Position.from_ascii(str(position)).colours(), position.colours())


def test_diagrams_may_be_typed_in_several_ways() -> None:
    texts = [
        "X.O\n.+.\nO.X",
        "\n\n  x . o\n  . . .\n  o . x\n\n",
        "  a b c\n3 X . O\n2 . . .\n1 O . X",
        "X . O 3\n. . . 2\nO . X 1\nA B C",
        "3 X . O 3\r\n2 . + .\r\n1 O .(X)",
    ]
    boards = [Position.from_ascii(text).colours().tolist() for text in texts]
    assert boards == [[[1, 0, 2], [0, 0, 0], [2, 0, 1]]] * 5


def test_a_typed_position_takes_turn_komi_and_rules() -> None:
    position = Position.from_ascii(KO, to_play=WHITE, komi=0.5, rules="nz")
    assert (position.to_play, position.komi, position.rules.name) == (WHITE, 0.5, "new-zealand")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a board of 0 rows is not supported"),
        ("X . O\n. # .\n. . .", "row 2, column 2: '#' is not X, O, . or +"),
        ("X . O\n. . .\n. .", "row 3 has 2 points, but the board has 3 rows"),
        ("X . O .\n. . .\n. . .", "row 1 has 4 points, but the board has 3 rows"),
        ("1 X .\n2 . .", "row 1 from the top is numbered 1 but should be 2"),
        ("X . 2\n. . 2", "row 2 from the top is numbered 2 but should be 1"),
        (". O X\n. O O\n. . .", "row 1, column 3: the chain there has no liberty"),
        ("O O\nO O", "row 1, column 1: the chain there has no liberty"),
        ("\n".join(["." * 26] * 26), "a board of 26 rows is not supported: 1 to 25 are"),
    ],
)
def test_mistakes_in_a_diagram_are_named_by_row_and_column(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Position.from_ascii(text)
    assert str(caught.value).startswith(message)


def test_own_rules() -> None:
    rules = Rules("house", superko="simple", suicide=True, scoring="area")
    assert Position.from_ascii(SUICIDE_OF_TWO, rules=rules).legal("B4")


def test_the_package_alone_loads_neither_numpy_nor_numba(checkout: Path) -> None:
    code = (
        "import sys, gozero\n"
        "assert gozero.__version__ and 'Position' in dir(gozero)\n"
        "heavy = {'numpy', 'numba', 'dataclasses'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from gozero import BLACK, PASS, RULES, IllegalMove, Position, Rules, parse_rules\n"
        "assert Position(9).rules is RULES['chinese'] and 'numba' in sys.modules\n"
        "assert not hasattr(gozero, 'nonsense')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr

"""SGF games on the board: set-up in mid-game, handicaps, turns, and what cannot be played."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sgfmill import sgf as sgfmill_sgf
from sgfmill import sgf_moves
from sgfmill.boards import Board

from gozero import Position, coords, sgf, sgf_position, sgf_tree
from gozero.coords import BLACK, EMPTY, WHITE
from gozero.rules import RULES


def load(text: str | bytes, before_move: int | None = None, **options: object) -> Position:
    (tree,) = sgf_tree.parse(text.encode() if isinstance(text, str) else text)
    nodes = [node.properties for node in tree.root.main_line()]
    return sgf_position.play_through(nodes, before_move, **options)  # type: ignore[arg-type]


def stones(position: Position) -> dict[str, str]:
    """The board: vertices by colour letter."""
    board = position.colours()
    return {
        letter: " ".join(coords.format_vertex(coords.point_of(int(i), position.size), position.size) for i in found)
        for letter, found in (
            ("B", (board.ravel() == BLACK).nonzero()[0]),
            ("W", (board.ravel() == WHITE).nonzero()[0]),
        )
    }


def reason(text: str) -> str:
    with pytest.raises(sgf.SgfError) as caught:
        load(text)
    return str(caught.value)


def test_a_plain_game():
    position = load("(;SZ[9]KM[5.5]RU[Japanese];B[ee];W[cc];B[];W[tt])")
    assert stones(position) == {"B": "E5", "W": "C7"}
    assert (position.komi, position.rules.name, position.to_play, position.passes) == (5.5, "japanese", BLACK, 2)


def test_tt_is_a_point_where_the_board_has_one():
    assert load("(;SZ[19];B[tt];W[])").passes == 2
    assert stones(load("(;SZ[20];B[tt];W[])")) == {"B": "U1", "W": ""}


def test_what_the_file_does_not_say_is_the_callers():
    position = load("(;SZ[9];B[ee])", komi=3.0, rules="aga")
    assert (position.komi, position.rules.name) == (3.0, "aga")
    assert load("(;SZ[9]KM[0]RU[NZ];B[ee])", komi=3.0, rules="aga").komi == 0.0


def test_stones_are_put_on_taken_off_and_replaced_in_mid_game():
    position = load("(;SZ[9];B[ee];W[cc];AE[ee]AB[cc][aa:ca]AW[gg];W[ff];B[dd])")
    assert stones(position) == {"B": "A9 B9 C9 C7 D6", "W": "F4 G3"}
    assert [colour for colour, _ in position.moves] == [BLACK, WHITE, WHITE, BLACK]
    ((number, changes),) = position.edits
    assert (number, len(changes)) == (2, 6)
    assert position.to_play == WHITE


def test_prisoners_survive_a_set_up():
    position = load("(;SZ[9]RU[Japanese];B[ba];W[aa];B[ab];AE[ba]AB[ee])")
    assert position.captured == (0, 1)


@pytest.mark.parametrize(
    ("before", "black", "white", "turn"),
    [
        (0, "", "", BLACK),
        (1, "", "", BLACK),
        (2, "E5", "", WHITE),
        (3, "A9", "C7", WHITE),
        (4, "A9", "C7 D6", BLACK),
        (99, "A9 A8", "C7 D6", WHITE),
        (None, "A9 A8", "C7 D6", WHITE),
    ],
)
def test_the_position_before_a_move_has_what_was_set_up_before_it(before, black, white, turn):
    text = "(;SZ[9];B[ee];W[cc];AE[ee]PL[W];AB[aa];W[dd];B[ab])"
    position = load(text, before)
    assert (stones(position), position.to_play) == ({"B": black, "W": white}, turn)


def test_a_problem_without_moves():
    position = load("(;SZ[9]AB[aa:ac]AW[ba:bc]PL[W]C[White to live])")
    assert stones(position) == {"B": "A9 A8 A7", "W": "B9 B8 B7"}
    assert (position.to_play, position.moves, len(position.setup)) == (WHITE, [], 6)
    assert load("(;SZ[9]AB[aa]AW[bb])").to_play == BLACK
    assert load("(;SZ[9])").to_play == BLACK


@pytest.mark.parametrize(
    "text",
    [
        "(;SZ[9]HA[2]AB[gc][cg];W[ee];B[cc])",
        "(;SZ[9]HA[2];AB[gc];AB[cg];W[ee];B[cc])",
        "(;SZ[9]HA[2];B[gc];B[cg];W[ee];B[cc])",
    ],
)
def test_handicaps_however_they_are_written(text: str):
    position = load(text)
    assert (position.handicap, len(position.moves)) == (2, 2)
    assert position.setup == [(BLACK, coords.parse_vertex(vertex, 9)) for vertex in ("G7", "C3")]
    assert stones(position) == {"B": "C7 G7 C3", "W": "E5"}
    before = load(text, 1)
    assert (before.handicap, before.to_play, before.moves) == (2, WHITE, [])
    assert before.score() == load("(;SZ[9]HA[2]AB[gc][cg])").score()


def test_handicap_stones_that_are_missing_are_no_fault_here():
    assert load("(;SZ[9]HA[2];W[ee];B[cc])").handicap == 0
    assert load("(;SZ[9]HA[2];B[ee];W[cc])").moves == [
        (BLACK, coords.parse_vertex("E5", 9)),
        (WHITE, coords.parse_vertex("C7", 9)),
    ]
    assert load("(;SZ[9]HA[2];B[];B[cc];W[dd])").handicap == 0


def test_turns():
    assert load("(;SZ[9]PL[White])").to_play == WHITE
    assert load("(;SZ[9];B[aa];PL[1])").to_play == BLACK
    assert load("(;SZ[9];B[aa];PL[nobody])").to_play == WHITE
    assert load("(;SZ[9];W[aa];B[bb])", 1).to_play == WHITE
    assert load("(;SZ[9];B[aa];B[bb])").moves[1][0] == BLACK


@pytest.mark.parametrize(("rules", "name"), [("RU[Chinese]", "chinese"), ("RU[AGA]", "aga"), ("", "tromp-taylor")])
def test_a_game_that_repeats_a_position_is_played_all_the_same(rules: str, name: str):
    # White sends two stones and Black returns one.
    start = f"(;SZ[4]{rules}AB[ac][bc]AW[cc][dc][bd][dd]PL[W]"
    round_trip = ";W[ad];B[cd];W[bd];B[]"
    assert load(f"{start};W[ad];B[cd])", rules=name).rules == RULES[name]
    position = load(f"{start}{round_trip}{round_trip})", rules=name)
    assert position.rules == replace(RULES[name], superko="simple")
    assert len(position.moves) == 8
    assert len(load(f"{start}{round_trip}{round_trip})", before_move=3, rules=name).moves) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(;SZ[9];B[aa];W[aa])", "illegal move: move 2, White A9: the point is occupied by Black"),
        ("(;SZ[9];B[ba];W[ee];B[ab];W[aa])", "illegal move: move 4, White A9: it would be suicide"),
        ("(;SZ[9];B[ab];AB[ba]AW[aa])", "illegal set-up: after move 1: the chain at A9 would have no liberty"),
        ("(;SZ[9];B[zz])", "point off the board: 'zz' on a 9x9 board"),
        ("(;SZ[9];AE[aa:jj])", "point off the board: 'jj' on a 9x9 board"),
        ("(;SZ[9];B[aa]W[bb])", "broken SGF: two moves in one node, B[aa] and W[bb]"),
        ("(;SZ[9:13];B[aa])", "wrong size: SZ[9:13]"),
        ("(;GM[3]SZ[9];B[aa])", "not Go: GM[3]"),
    ],
)
def test_what_cannot_be_played(text: str, message: str):
    assert reason(text).startswith(message)


def test_a_game_that_goes_wrong_can_be_seen_up_to_there():
    assert stones(load("(;SZ[9];B[aa];W[aa])", 2)) == {"B": "A9", "W": ""}


def test_files(tmp_path: Path):
    path = tmp_path / "two.sgf"
    path.write_bytes(b"(;SZ[9];B[aa])(;SZ[9];B[zz]")
    with pytest.raises(sgf.SgfError, match=r"two\.sgf"):
        sgf.read(path)
    assert stones(sgf_position.read(path))["B"] == "A9"  # the first game is sound
    path.write_bytes(b"(;SZ[9];B[aa]\n;W[b")
    with pytest.raises(sgf.SgfError, match=r"two\.sgf: broken SGF: a '\[' without its '\]', line 2, column 3"):
        sgf_position.read(path)
    path.write_bytes(b"(;SZ[9];B[aa];W[aa])")
    with pytest.raises(sgf.SgfError, match=r"two\.sgf: illegal move: move 2"):
        sgf_position.read(path)
    assert len(sgf_position.read(path, 2).moves) == 1


def test_mid_game_set_up_is_written_and_read_back():
    position = load("(;SZ[9]AB[gg];W[ee];B[cc];AE[ee]AB[aa]AW[bb]PL[B];B[dd];AW[ff])")
    game = sgf.parse(b"(;SZ[9]AB[gg]PL[W];W[ee];B[cc];B[dd])")[0]
    text = sgf.write(game, edits=position.edits, to_play=position.to_play)
    again = load(text)
    assert (again.colours() == position.colours()).all()
    assert (again.moves, again.setup, again.edits) == (position.moves, position.setup, position.edits)
    assert again.to_play == position.to_play
    (tree,) = sgf_tree.parse(text.encode())
    assert [sorted(node.properties) for node in tree.root.main_line()][2:] == [
        ["B"],
        ["AB", "AE", "AW", "PL"],
        ["B"],
        ["AW", "PL"],
    ]
    assert sgf.SgfError is type(next(sgf.parse_each(text.encode())))  # and no record takes it for something else


def test_every_branch_of_the_golden_file_is_sgfmills_board(checkout: Path):
    """Boards after each node that sgfmill plays too: it sets stones up by itself and has captures of its own."""
    data = (checkout / "tests" / "golden" / "ff4.sgf").read_bytes()
    compared = 0
    for number, tree in enumerate(sgf_tree.parse(data)):
        for branch in _branches(tree.root):
            position = sgf_position.play_through([node.properties for node in branch])
            board = _sgfmill_board(branch, position.size)
            assert [[{None: EMPTY, "b": BLACK, "w": WHITE}[cell] for cell in row] for row in board] == (
                position.colours().tolist()
            ), (number, branch[-1])
            compared += 1
    assert compared == 18


def _branches(root: sgf_tree.SgfNode) -> list[list[sgf_tree.SgfNode]]:
    branches = [[root]]
    while any(branch[-1].children for branch in branches):
        branches = [[*branch, *nodes] for branch in branches for nodes in ([[c] for c in branch[-1].children] or [[]])]
    return branches


def _sgfmill_board(branch: list[sgf_tree.SgfNode], size: int) -> list[list[str | None]]:
    root = sgf_tree.SgfNode(branch[0].properties)
    last = root
    for node in branch[1:]:
        last.children.append(sgf_tree.SgfNode(node.properties))
        (last,) = last.children
    game = sgfmill_sgf.Sgf_game.from_bytes(sgf_tree.write([sgf_tree.SgfTree(root)]))
    board = Board(size)
    for node in game.get_main_sequence():
        black, white, empty = node.get_setup_stones()
        board.apply_setup(black, white, empty)
        colour, point = node.get_move()
        if point is not None:
            board.play(*point, colour)
    return [[board.get(size - 1 - row, column) for column in range(size)] for row in range(size)]


def test_real_records_give_sgfmills_boards(shared_sgf: Path):
    """The last position of real games, and the same through the record that training sees."""
    for path in sorted((shared_sgf / "sample").glob("*.sgf"))[::4]:
        position = sgf_position.read(path, rules="japanese")
        game = sgfmill_sgf.Sgf_game.from_bytes(path.read_bytes())
        board, plays = sgf_moves.get_setup_and_moves(game)
        for colour, point in plays:
            if point is not None:
                board.play(*point, colour)
        size = position.size
        theirs = [[board.get(size - 1 - row, column) for column in range(size)] for row in range(size)]
        assert [[" bw"[cell].strip() or None for cell in row] for row in position.colours().tolist()] == theirs, path
        assert len(position.moves) == len(sgf.read(path)[0].moves)

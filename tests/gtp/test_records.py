"""`loadsgf` and `printsgf` on games that are more than moves: stones set up in mid-game, problems, several games."""

from __future__ import annotations

import pytest

from gozero import coords, sgf
from tests.gtp.conftest import Conversation


@pytest.fixture
def conversation() -> Conversation:
    return Conversation()


def stones(conversation: Conversation, colour: str) -> str:
    """The vertices of one colour's stones, in alphabetical order."""
    position = conversation.session.position
    holder = {"b": coords.BLACK, "w": coords.WHITE}[colour]
    indices = (position.colours().ravel() == holder).nonzero()[0].tolist()
    return " ".join(sorted(coords.format_vertex(coords.point_of(i, position.size), position.size) for i in indices))


def reloaded(conversation: Conversation, tmp_path, name: str = "x.sgf") -> None:
    """Prints the game, loads it after something else, and compares what can be seen."""
    before = [conversation.ok(line) for line in ("printsgf", "showboard")]
    conversation.ok(f"printsgf {tmp_path / name}")
    conversation.ok("boardsize 13")
    conversation.ok(f"loadsgf {tmp_path / name}")
    assert [conversation.ok(line) for line in ("printsgf", "showboard")] == before


def test_stones_set_up_in_mid_game_are_printed_and_loaded(conversation, tmp_path):
    conversation.ok("gogui-play_sequence b D4 w E5 b C3")
    conversation.ok("gogui-setup b G7 w G8")
    conversation.ok("play w A1")
    text = conversation.ok("printsgf")
    assert "AB[gc]AW[gb]PL[W]" in text.replace("\n", "")
    reloaded(conversation, tmp_path)
    conversation.ok("gogui-setup w J9")
    conversation.ok("gogui-setup_player w")
    reloaded(conversation, tmp_path)
    assert "White to play" in conversation.ok("showboard")


def test_a_record_that_takes_stones_off(conversation, tmp_path):
    path = tmp_path / "edited.sgf"
    path.write_text("(;SZ[9]KM[5.5];B[ee];W[cc];AE[ee]AB[cc];W[dd];B[ff])")
    conversation.ok(f"loadsgf {path}")
    assert stones(conversation, "b") == "C7 F4"
    assert stones(conversation, "w") == "D6"
    reloaded(conversation, tmp_path)
    conversation.ok(f"loadsgf {path} 3")
    assert stones(conversation, "b") == "C7"
    conversation.ok("undo")
    assert (stones(conversation, "b"), stones(conversation, "w")) == ("E5", "C7")


@pytest.mark.parametrize("name", ["棋譜 3.sgf", "übung", "3"])
def test_names_of_files_may_be_in_any_script(conversation, tmp_path, name):
    conversation.ok("gogui-play_sequence b D4 w E5")
    reloaded(conversation, tmp_path, name)
    conversation.ok(f"loadsgf {tmp_path / name} 2")
    assert (stones(conversation, "b"), stones(conversation, "w")) == ("D4", "")


def test_a_problem_without_moves(conversation, tmp_path):
    path = tmp_path / "problem.sgf"
    path.write_text("(;SZ[9]AB[aa:ac]AW[ba:bc]PL[W]C[White first])")
    conversation.ok(f"loadsgf {path}")
    assert "White to play" in conversation.ok("showboard")
    assert stones(conversation, "b") == "A7 A8 A9"
    reloaded(conversation, tmp_path)


def test_the_first_of_several_games_counts(conversation, tmp_path):
    path = tmp_path / "two.sgf"
    path.write_text("(;SZ[9];B[aa])(;SZ[9];B[zz]")
    conversation.ok(f"loadsgf {path}")
    assert stones(conversation, "b") == "A9"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(;SZ[9];B[aa]\n;W[b", "broken SGF: a '[' without its ']', line 2, column 3"),
        ("(;SZ[9];B[aa];W[aa])", "illegal move: move 2, White A9: the point is occupied by Black"),
        ("(;SZ[9:13];B[aa])", "wrong size: SZ[9:13]"),
    ],
)
def test_the_log_says_what_is_wrong_and_where(conversation, tmp_path, text, why):
    conversation.ok("play b D4")
    (tmp_path / "bad.sgf").write_text(text)
    assert conversation.refused(f"loadsgf {tmp_path / 'bad.sgf'}") == "cannot load file"
    assert conversation.logged[-1].startswith(f"{tmp_path / 'bad.sgf'}: {why}")
    assert stones(conversation, "b") == "D4"


def test_other_rules_leave_what_was_set_up(conversation):
    conversation.ok("set_free_handicap C3 G7")
    conversation.ok("gogui-play_sequence w E5 b D6")
    conversation.ok("gogui-setup w A1 w A2")
    conversation.ok("play w J9")
    text = conversation.ok("printsgf").replace("\n", "")
    conversation.ok("kata-set-rules tromp-taylor")
    assert conversation.ok("printsgf").replace("\n", "").replace("Tromp-Taylor", "Chinese") == text


def test_other_rules_leave_whose_turn_it_was(conversation):
    conversation.ok("gogui-setup b A1 w B2")
    conversation.ok("gogui-setup_player w")
    conversation.ok("gogui-play_sequence w C3 b D4 b E5")
    conversation.ok("kata-set-rules aga")
    for turn in ("White", "White", "Black", "White"):
        assert f"{turn} to play" in conversation.ok("showboard")
        conversation.ok("undo")


def test_who_has_moved_last_may_be_to_move(conversation, tmp_path):
    conversation.ok("gogui-play_sequence b D4 w E5")
    assert "PL[" not in conversation.ok("printsgf")
    conversation.ok("gogui-setup_player w")
    reloaded(conversation, tmp_path)
    assert "White to play" in conversation.ok("showboard")


def test_white_may_begin_on_an_empty_board(conversation, tmp_path):
    conversation.ok("gogui-setup_player w")
    reloaded(conversation, tmp_path)
    assert "White to play" in conversation.ok("showboard")


def test_what_is_printed_has_no_blank_lines(conversation):
    conversation.ok("gogui-play_sequence b D4 w E5 b C3")
    conversation.ok("gogui-setup b G7")
    text = conversation.ok("printsgf")
    assert "\n\n" not in text
    assert not text.endswith("\n")
    with pytest.raises(sgf.SgfError, match="set-up in mid-game"):
        sgf.parse(text.encode())

"""Reviews: what is written into a record, and the command, with a search whose answers are known."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from engine.result import MoveStats, SearchResult
from gozero import cli, sgf_tree
from gozero.coords import PASS, parse_vertex
from gtp import review
from gtp.review_command import DEFAULT_SECONDS

# Black's third move is bad; a variation, marks, an unknown property and an odd encoding are there before us.
RECORD = """(;FF[4]GM[1]CA[UTF-8]SZ[9]KM[7]PB[Žofie]XX[kept]C[A game]
;B[ee]LB[ee:1]
;W[cc]C[hello \\[w\\] there]
(;B[aa]TE[1]C[];W[gg];B[tt])
(;B[gc];W[cg]C[another line]))"""

VALUES = [0.0, 0.06, -0.06, 0.7, -0.7, 0.7]
"""Of the position after each move, for the player to move there: the third move costs Black 32 %."""


def result(position, value, best="F3", ending="visits"):
    point = parse_vertex(best, position.size)
    moves = [MoveStats(point, 9, value, 0.5, value - 0.1, [point, parse_vertex("C7", position.size), PASS])]
    policy = np.zeros(position.size**2 + 1, np.float32)
    return SearchResult(moves, value, 10, 10, 0.1, policy, ending)


def judged(text, values=VALUES, best="F3"):
    tree = sgf_tree.parse(text.encode())[0]
    places = review.places(tree)
    return tree, [review.judge(p, result(p.position, v, best)) for p, v in zip(places, values, strict=False)]


def main_line(tree):
    return list(tree.root.main_line())


def test_every_position_gets_win_rate_and_score_of_black():
    tree, found = judged(RECORD)
    review.annotate(found)
    nodes = main_line(tree)
    assert [node.text("SBKV") for node in nodes] == ["50.00", "47.00", "47.00", "15.00", "15.00", "15.00"]
    assert [node.text("SBKS") for node in nodes] == ["0.00", "-0.49", "-0.49", "-7.03", "-7.03", "-7.03"]
    assert "Black wins 47.0%, W+0.5 (10 visits)\n47.0%: F3 C7 pass" in nodes[1].text("C")


def test_what_was_in_the_file_stays():
    before = sgf_tree.parse(RECORD.encode())[0]
    tree, found = judged(RECORD)
    review.annotate(found)
    again = sgf_tree.parse(sgf_tree.write([tree]))[0]

    def compare(old, new):
        for name, values in old.properties.items():
            if name == "C":
                assert new.properties["C"][0].startswith(values[0])
            else:
                assert new.properties[name] == values
        assert len(new.children) >= len(old.children)
        for child, copy in zip(old.children, new.children, strict=False):
            compare(child, copy)

    compare(before.root, again.root)
    assert again.root.text("C").startswith("A game\n\nBlack wins 50.0%")
    assert main_line(again)[2].text("C").startswith("hello [w] there\n\n")
    other = main_line(again)[2].children[1].children[0]
    assert other.text("C") == "another line", "other variations are nobody's business"
    assert "SBKV" not in other.properties


def test_a_mistake_is_named_and_has_a_better_line():
    tree, found = judged(RECORD)
    (mistake,) = review.mistakes(found)
    assert (mistake.after.place.number, mistake.colour, round(mistake.loss, 6)) == (3, 1, 0.32)
    review.annotate(found)
    nodes = main_line(tree)
    assert nodes[3].text("C").startswith("Blunder: Black's chances fall by 32.0%; F3 was better.")
    better = nodes[2].children[2]
    assert [dict(node.properties) for node in better.main_line()] == [
        {"B": [b"fg"], "SBKV": [b"47.00"], "C": [b"Better: Black wins 47.0%"]},
        {"W": [b"cc"]},
        {"B": [b""]},
    ]
    assert "BM" not in nodes[3].properties, "somebody has judged this move already"


@pytest.mark.parametrize(
    ("loss", "mark"),
    [(0.02, None), (0.06, ("DO", b"")), (0.15, ("BM", b"1")), (0.3, ("BM", b"2"))],
)
def test_marks(loss, mark):
    tree, found = judged("(;SZ[9];B[ee];W[cc])", [0.0, 2 * loss, -2 * loss])
    review.annotate(found)
    node = main_line(tree)[1]
    marks = {name: values for name, values in node.properties.items() if name in ("DO", "BM")}
    assert marks == ({} if mark is None else {mark[0]: [mark[1]]})
    assert len(tree.root.children) == (1 if mark is None else 2)


def test_the_engine_s_own_choice_is_no_mistake():
    _, found = judged("(;SZ[9];B[fg];W[cc])", [0.0, 0.8, -0.8])
    assert review.mistakes(found) == []


def test_a_line_that_the_record_has_is_not_added_again():
    tree, found = judged("(;SZ[9](;B[ee];W[cc])(;B[fg]C[mine]))", [0.0, 0.8, -0.8])
    review.annotate(found)
    assert len(tree.root.children) == 2
    assert dict(tree.root.children[1].properties) == {"B": [b"fg"], "C": [b"mine"]}


def test_nodes_without_a_move_set_up_stones_and_handicaps():
    text = "(;SZ[9]HA[2];B[cc];B[gg];W[ee];C[thinking];B[ec];AW[aa]PL[W];W[ge])"
    places = review.places(sgf_tree.parse(text.encode())[0])
    assert [(place.number, place.move is not None) for place in places] == [
        (0, False),
        (0, False),  # a handicap stone, as the next one
        (0, False),
        (1, True),
        (2, True),
        (2, False),
        (3, True),
    ]
    assert [int(place.position.colours().sum()) for place in places[:3]] == [0, 1, 2]
    assert places[4].before.text("C") == "thinking"
    assert places[-1].position.handicap == 2
    tree, found = judged(text, [0.0, 0.0, 0.0, 0.0, 0.9, 0.9, -0.9])
    (mistake,) = review.mistakes(found)
    assert mistake.after.place.number == 2
    review.annotate(found)
    thinking = main_line(tree)[4]
    assert "SBKV" not in thinking.properties
    assert len(thinking.children) == 2


def test_a_pass_can_be_a_mistake():
    tree, found = judged("(;SZ[9];B[];W[])", [0.0, 0.9, -0.9])
    (mistake,) = review.mistakes(found)
    assert mistake.after.place.move == (1, PASS)
    review.annotate(found)
    assert len(tree.root.children) == 2


# --- the command -----------------------------------------------------------------------------------------------------


class Search:
    """Answers with `VALUES`, one after the other."""

    def __init__(self, interrupt_at):
        self.asked = []
        self._interrupt_at = interrupt_at

    def run(self, position, limits):
        if len(self.asked) == self._interrupt_at:
            raise KeyboardInterrupt
        self.asked.append(limits)
        return result(position, VALUES[len(self.asked) - 1])


@pytest.fixture
def run(monkeypatch, tmp_path):
    """`run(*words)` reviews RECORD; status and the limits of each search."""
    record = tmp_path / "game.sgf"
    record.write_text(RECORD, encoding="utf-8")

    def begin(*words, file=record, interrupt_at=None):
        search = Search(interrupt_at)
        player = SimpleNamespace(search=search, close=lambda: None)
        monkeypatch.setattr("gtp.analyst.load", lambda *arguments: player)
        return cli.main(["review", str(file), *map(str, words)]), search.asked

    return begin


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_review_stands_beside_the_record(run, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    status, asked = run()
    out = capsys.readouterr().out
    assert status == 0
    assert {limits.seconds for limits in asked} == {DEFAULT_SECONDS}
    assert files(tmp_path) == ["game-review.png", "game-review.sgf", "game.sgf"]
    assert (tmp_path / "game.sgf").read_text(encoding="utf-8") == RECORD
    assert (tmp_path / "game-review.png").read_bytes().startswith(b"\x89PNG")
    assert "9x9, 5 moves, at most 6 seconds" in out
    row = next(line for line in out.splitlines() if "blunder" in line)
    assert row.split() == ["3", "Black", "A9", "47%", "to", "15%", "F3", "blunder"]
    # The next one takes a name that is free.
    assert run("--visits", 50)[1][0].seconds is None
    assert "game-review-2.sgf" in files(tmp_path)


def test_no_file_is_lost_to_a_curve(run, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    (tmp_path / "game-review.png").write_text("mine")
    (tmp_path / "other.png").write_text("mine")
    assert run()[0] == 0
    assert {"game-review-2.png", "game-review-2.sgf"} < set(files(tmp_path))
    assert run("--out", tmp_path / "other.sgf")[0] == 0
    assert f"other.sgf and {tmp_path / 'other-2.png'}" in capsys.readouterr().out.replace("\n", "")
    assert {(tmp_path / f"{name}.png").read_text() for name in ("game-review", "other")} == {"mine"}


def test_what_cannot_be_written_is_refused_before_thinking(run, tmp_path, capsys):
    (tmp_path / "away.sgf").symlink_to(tmp_path / "nowhere" / "away.sgf")  # root may write wherever there is a place
    for name, said in (("curve.png", "a picture's name"), ("curve.PNG", "picture"), ("away.sgf", "cannot be written")):
        status, asked = run("--out", tmp_path / name)
        assert (status, asked) == (2, [])
        assert said in capsys.readouterr().err
    assert files(tmp_path) == ["away.sgf", "game.sgf"]


def test_ctrl_c_keeps_what_was_done(run, tmp_path, capsys):
    status, _ = run(interrupt_at=2)
    assert status == 130
    assert "stopped after move 1 of 5" in capsys.readouterr().err
    tree = sgf_tree.read(tmp_path / "game-review.sgf")[0]
    assert ["SBKV" in node.properties for node in main_line(tree)] == [True, True, False, False, False, False]
    assert run("--out", tmp_path / "none.sgf", interrupt_at=0)[0] == 130
    assert not (tmp_path / "none.sgf").exists()


def test_without_matplotlib_there_is_no_curve_but_a_sentence(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run()[0] == 0
    assert "pip install 'gozero[train]'" in capsys.readouterr().out
    assert files(tmp_path) == ["game-review.sgf", "game.sgf"]


def test_of_several_games_the_first_is_reviewed(run, tmp_path, capsys):
    several = tmp_path / "several.sgf"
    several.write_text(f"{RECORD}\n(;SZ[9];B[aa])", encoding="utf-8")
    assert run(file=several)[0] == 0
    assert "holds 2 games" in capsys.readouterr().out
    first, second = sgf_tree.read(tmp_path / "several-review.sgf")
    assert first.root.text("SBKV")
    assert dict(main_line(second)[1].properties) == {"B": [b"aa"]}


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (None, [], "game.sgf"),
        ("", [], "the file is empty"),
        ("hello", [], "no '(;'"),
        (RECORD[:80], [], "cut short"),
        ("(;SZ[9];B[ee];W[ee])", [], "move 2"),
        ("(;SZ[9]C[nothing])", [], "no moves"),
        ("(;SZ[9:7];B[aa])", [], "wrong size"),
        ("(;GM[2];B[aa])", [], "not Go"),
        (RECORD, ["--network", "compakt-9"], "did you mean compact-9?"),
        (RECORD, ["--out", "game.sgf"], "never overwritten"),
        (RECORD, ["--out", "nowhere/out.sgf"], "nowhere"),
        (RECORD, ["--out", "."], "cannot be written"),
        (RECORD, ["--player", "nobody"], "there is no player nobody"),
    ],
)
def test_bad_input_is_said_in_one_sentence(text, words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    record = tmp_path / "game.sgf"
    if text is not None:
        record.write_text(text, encoding="utf-8")
    assert cli.main(["review", "game.sgf", *words]) == 2
    # Where no kernel is compiled yet, that is said first.
    (line,) = [said for said in capsys.readouterr().err.splitlines() if "first start" not in said]
    assert line.startswith("gozero: error: ")
    assert said in line
    assert files(tmp_path) == ([] if text is None else ["game.sgf"])


def test_a_real_review(tmp_path, checkout):
    record = tmp_path / "game.sgf"
    record.write_text(RECORD, encoding="utf-8")
    command = [sys.executable, "-m", "gozero", "review", str(record), "--visits", "4"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tree = sgf_tree.read(tmp_path / "game-review.sgf")[0]
    assert all(0 <= float(node.text("SBKV")) <= 100 for node in main_line(tree))
    assert "visits)" in tree.root.text("C")
    assert done.stdout.splitlines()[0].endswith("9x9, 5 moves")

"""A game in the terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from gozero import sgf
from gozero.coords import BLACK, PASS, WHITE
from gozero.position import Position
from gtp.terminal import AFTERWARDS, Game, draw, new_position
from tests.gtp.fake_player import FakePlayer


def play(lines, colour=BLACK, resigns=False, **options):
    """What a person reads who types these lines."""
    said = []
    position = new_position(**{"size": 9, "komi": None, "rules": "chinese", "handicap": 0, **options})
    player = FakePlayer()
    player.resigns = resigns
    game = Game(position, player, colour, said.append)
    game.play(iter(f"{line}\n" for line in lines))
    return "\n".join(said), game.position


def test_moves_are_answered():
    said, position = play(["d4", "E4", "pass"])
    assert [colour for colour, _ in position.moves] == [BLACK, WHITE] * 3
    assert said.count("GoZero plays ") == 3
    assert "75% for White" in said


def test_the_engine_begins_when_it_is_black():
    _, position = play(["pass"], colour=WHITE)
    assert [colour for colour, _ in position.moves] == [BLACK, WHITE, BLACK]


def test_handicap():
    said, position = play([], handicap=4)
    assert position.handicap == 4
    assert position.komi == 0.5
    assert len(position.moves) == 1
    assert "You are Black" in said


def test_bad_input_is_explained_and_changes_nothing():
    said, position = play(["", "  ", "foo", "i5", "z99", "play", "undo", "save", "d4", "d4"])
    assert len(position.moves) == 2
    for words in ("Bad vertex 'foo'", "skip the letter I", "outside", "no move of yours", "Name a file", "occupied"):
        assert words in said


def test_undo_takes_back_a_move_and_its_answer():
    _, position = play(["d4", "undo", "undo"])
    assert position.moves == []
    _, position = play(["d4", "undo"], colour=WHITE)
    assert [colour for colour, _ in position.moves] == [BLACK]


class Passer(FakePlayer):
    def choose(self, position, *arguments):
        choice = super().choose(position, *arguments)
        choice.point = PASS
        return choice


def test_two_passes_end_the_game_with_a_count(tmp_path):
    said = []
    game = Game(new_position(9, 6.5, "chinese", 0), Passer(), BLACK, said.append)
    file = tmp_path / "game.sgf"
    # The engine passes after D4, so that the person's pass ends the game; it stays to be saved.
    game.play(iter(["d4\n", "pass\n", "e5\n", "hint\n", f"save {file}\n"]))
    assert "Black wins by 74.5; no stones are dead." in said[-4]
    assert said[-3] == said[-2] == AFTERWARDS
    (record,) = sgf.read(file)
    assert len(record.moves) == 3
    assert (record.winner, record.margin, record.ending) == (BLACK, 74.5, "counted")


def test_dead_stones_do_not_count_at_the_end():
    # Black holds the left, White the right, and a white stone lies dead at B3.
    rows = [". . . X O . ."] * 4 + [". O . X O . ."] + [". . . X O . ."] * 2
    said = []
    position = Position.from_ascii("\n".join(rows), komi=0.5, rules="japanese")
    Game(position, Passer(), BLACK, said.append).play(iter(["pass\n", "score\n", "quit\n", "undo\n"]))
    assert "Black wins by 7.5; taken as dead: B3." in said[-2]
    assert said[-1] == "Black wins by 7.5; taken as dead: B3."


def test_a_finished_game_can_be_taken_up_again():
    said, position = play(["d4", "resign", "e5", "resign", "undo", "f6", "e5"])
    assert said.count("You resign. White wins.") == 1
    assert len(position.moves) == 4
    said, position = play(["d4", "undo"], resigns=True)
    assert "GoZero resigns. Black wins." in said
    assert len(position.moves) == 0


def test_saving_overwrites_nothing_but_the_same_game(tmp_path):
    mine = tmp_path / "mine.sgf"
    mine.write_text("mine")
    said, _ = play([f"save {mine}", f"save {tmp_path}/game.sgf", "d4", f"save {tmp_path}/game.sgf"])
    assert f"{mine} is there already" in said
    assert mine.read_text() == "mine"
    assert len(sgf.read(tmp_path / "game.sgf")[0].moves) == 2


def test_a_record_says_who_resigned_until_the_game_goes_on(tmp_path):
    names = [tmp_path / f"{number}.sgf" for number in range(2)]
    play(["d4", "resign", f"save {names[0]}", "undo", "e5", f"save {names[1]}"])
    records = [sgf.read(name)[0] for name in names]
    assert [(record.winner, record.ending) for record in records] == [(WHITE, "resign"), (None, "unknown")]


def test_resigning():
    assert "You resign. White wins." in play(["resign", "d4"])[0]
    assert "GoZero resigns. Black wins." in play(["d4"], resigns=True)[0]


def test_komi_and_score_are_said_with_all_their_digits():
    said, _ = play(["score", "quit"], komi=123456.5)
    assert "9x9, komi 123456.5, chinese rules." in said
    assert "White leads by 123456.5;" in said


def test_small_commands(tmp_path):
    file = tmp_path / "game.sgf"
    said, position = play(
        ["help", "hint", "score", "d4", "board", f"save {file}", f"save {tmp_path}/no/x", "quit", "e5"]
    )
    assert len(position.moves) == 2
    assert "GoZero would play" in said
    assert "As the board stands, White leads by 7.5" in said
    assert "Cannot write" in said
    assert len(sgf.read(file)[0].moves) == 2


@pytest.mark.parametrize(("size", "stars"), [(1, 0), (2, 0), (9, 5), (13, 9), (19, 9), (25, 9)])
def test_the_board_is_drawn(size, stars):
    position = new_position(size, 7.5, "chinese", 0)
    drawn = draw(position)
    assert drawn.count("+") == stars
    if size == 9:
        position.play("E5")
        assert draw(position).count("+") == stars - 1
        assert "(X)" in draw(position)


def command(checkout, *words):
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.Popen(
        [sys.executable, "-m", "gozero", "play", "--network", "none", "--visits", "5", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )


def test_the_command_ends_cleanly_at_the_end_of_input(checkout):
    process = command(checkout, "--size", "5", "--colour", "white")
    out, err = process.communicate("a1\n")
    assert process.returncode == 0
    assert err == ""
    assert out.count("GoZero plays") == 2


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send to one process")
def test_the_command_ends_cleanly_at_ctrl_c(checkout):
    process = command(checkout, "--size", "5")
    while "move 1" not in process.stdout.readline():
        pass
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 0
    assert err == ""
    assert out.endswith("Good-bye.\n")


def test_more_handicap_than_room_is_one_sentence(checkout):
    process = command(checkout, "--size", "3", "--handicap", "9")
    _, err = process.communicate("")
    assert process.returncode == 2
    assert err.startswith("gozero: error: ")
    assert len(err.splitlines()) == 1

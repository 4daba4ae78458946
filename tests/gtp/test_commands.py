"""Every command, without pipes and without a network."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gozero.coords import BLACK, WHITE, parse_vertex
from gtp.commands import COMMANDS
from gtp.protocol import parse_line
from gtp.session import Settings
from tests.gtp.conftest import Conversation, Waiting
from tests.gtp.fake_player import FakePlayer


def vertices(conversation):
    """The stones on the board as {"D4": "b"}."""
    rows = conversation.session.position.colours().tolist()
    size = len(rows)
    columns = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
    return {
        f"{columns[column]}{size - row}": " bw"[colour]
        for row, line in enumerate(rows)
        for column, colour in enumerate(line)
        if colour
    }


# --- the conversation ------------------------------------------------------------------------------------------------


def test_handshake(conversation):
    assert conversation.ok("protocol_version") == "2"
    assert conversation.ok("name") == "GoZero"
    major, minor = conversation.ok("version").split(".")
    assert major.isdigit()
    assert int(minor) >= 15, "Lizzie refuses smaller ones"


def test_list_commands(conversation):
    commands = conversation.ok("list_commands").split("\n")
    assert commands == list(COMMANDS)
    # Sabaki would prefer these, and misread them.
    assert not {"analyze", "genmove_analyze"} & set(commands)
    for command in commands:
        assert conversation.ok(f"known_command {command}") == "true"


# What GTP version 2 names, and what Go programs send beyond it where an engine lists it.
WANTED = """protocol_version name version known_command list_commands quit boardsize clear_board komi play genmove
fixed_handicap place_free_handicap set_free_handicap undo time_settings time_left final_score final_status_list loadsgf
reg_genmove showboard rectangular_boardsize gg-undo gogui-play_sequence set_position gogui-setup gogui-setup_player
kgs-time_settings kata-time_settings kata-list_time_settings kgs-genmove_cleanup kgs-rules kata-set-rules kata-get-rules
kata-analyze lz-analyze kata-genmove_analyze lz-genmove_analyze clear_cache stop printsgf cputime gomill-cpu_time
gogui-interrupt gogui-analyze_commands"""


@pytest.mark.parametrize("command", WANTED.split())
def test_what_programs_ask_for_is_there(conversation, command):
    assert conversation.ok(f"known_command {command}") == "true"


def test_known_command_never_fails(conversation):
    assert conversation.ok("known_command") == "false"
    assert conversation.ok("known_command NAME") == "false"
    assert conversation.ok("known_command known_command") == "true"


def test_ids_are_echoed(conversation):
    assert conversation.reply("17 name") == "=17 GoZero\n\n"
    assert conversation.reply("18 foo") == "?18 unknown command\n\n"
    assert conversation.reply("19 kata-analyze B 1", Waiting(9)).startswith("=19\ninfo ")
    assert conversation.reply("20") == "?20 syntax error\n\n"


def test_command_names_are_case_sensitive_and_colours_and_vertices_are_not(conversation):
    assert conversation.refused("NAME") == "unknown command"
    conversation.ok("play BLACK d4")
    conversation.ok("play White E5\r")
    conversation.ok("play w PASS")
    assert vertices(conversation) == {"D4": "b", "E5": "w"}


def test_a_bug_is_an_internal_error_and_the_session_goes_on(conversation, monkeypatch):
    def broken(call):
        raise ZeroDivisionError

    monkeypatch.setitem(COMMANDS, "play", broken)
    assert conversation.refused("play b D4") == "internal error"
    assert "ZeroDivisionError" in conversation.logged[-1]
    assert conversation.ok("name") == "GoZero"


def test_a_player_that_cannot_be_loaded_costs_only_the_commands_that_need_it():
    def missing(size):
        raise ValueError("there is no network x.onnx")

    conversation = Conversation(Settings(size=9), missing)
    conversation.ok("play b D4")
    assert conversation.refused("genmove w") == "cannot load the player: there is no network x.onnx"
    assert conversation.refused("kata-analyze w 10") == "cannot load the player: there is no network x.onnx"
    assert any("there is no network" in line for line in conversation.logged)
    assert conversation.ok("final_score") == "B+73.5"


def test_another_board_size_gets_another_player():
    players = []

    def make(size):
        players.append(FakePlayer())
        return players[-1]

    conversation = Conversation(Settings(size=9), make)
    conversation.ok("genmove b")
    conversation.ok("boardsize 9")
    conversation.ok("genmove b")
    assert len(players) == 1
    conversation.ok("boardsize 13")
    conversation.ok("genmove b")
    assert [player.closed for player in players] == [True, False]


# --- the board -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["1", "2", "9", "13", "19", "25"])
def test_boardsize(conversation, size):
    conversation.ok("play b D4")
    conversation.ok("komi 3.5")
    conversation.ok(f"boardsize {size}")
    assert vertices(conversation) == {}
    assert conversation.session.position.size == int(size)
    assert conversation.session.position.komi == 3.5


@pytest.mark.parametrize("words", ["0", "26", "-9", "9 13", "99999999"])
def test_boards_that_are_refused(conversation, words):
    conversation.ok("play b D4")
    assert conversation.refused(f"boardsize {words}") == "unacceptable size"
    assert vertices(conversation) == {"D4": "b"}


def test_boardsize_of_other_programs(conversation):
    conversation.ok("boardsize 13 13")
    conversation.ok("rectangular_boardsize 9 9")
    assert conversation.refused("rectangular_boardsize 9 10") == "unacceptable size"
    assert conversation.refused("boardsize x") == "boardsize not an integer"
    assert conversation.refused("boardsize") == "boardsize not an integer"


@pytest.mark.parametrize("komi", ["0.5", "7", "-3", "1e2", "0"])
def test_komi(conversation, komi):
    conversation.ok(f"komi {komi}")
    assert conversation.session.position.komi == float(komi)
    conversation.ok("clear_board")
    assert conversation.session.position.komi == float(komi)


@pytest.mark.parametrize("komi", ["nan", "inf", "-inf", "x", "", "1_0", "1e300", "٣"])
def test_komi_that_is_refused(conversation, komi):
    assert conversation.refused(f"komi {komi}") == "unacceptable komi"


def test_play(conversation):
    for line in ("play b D4", "play b E4", "play w pass", "play w D5 surplus"):
        conversation.ok(line)
    assert conversation.refused("play w D4") == "illegal move"
    assert "occupied" in conversation.logged[-1]
    for line in ("play b", "play", "play x D5", "play b I5", "play b K5", "play b Z99", "play w resign", "play b D4D5"):
        assert conversation.refused(line) == "invalid color or coordinate"
    assert vertices(conversation) == {"D4": "b", "E4": "b", "D5": "w"}


def test_ko_and_suicide_are_illegal(conversation):
    for vertex in ("C4", "D5", "E4", "D3"):
        conversation.ok(f"play b {vertex}")
    assert conversation.refused("play w D4") == "illegal move"
    conversation.ok("clear_board")
    for vertex in ("b D5", "b C4", "b D3", "w E5", "w F4", "w E3", "w D4", "b E4"):
        conversation.ok(f"play {vertex}")
    assert conversation.refused("play w D4") == "illegal move"


def test_which_repetitions_are_illegal_is_the_rules_affair(conversation):
    """Programs send what is legal under the rules of the game that they show: two stones sent, one returned."""
    for rules, answer in (("japanese", "= \n\n"), ("chinese", "? illegal move\n\n")):
        conversation.ok("clear_board")
        conversation.ok(f"kgs-rules {rules}")
        conversation.ok("gogui-setup b A2 b B2 w B1 w C2 w D1")
        conversation.ok("gogui-play_sequence w A1 b C1")
        assert conversation.reply("play w B1") == answer


def test_undo_brings_back_stones_ko_and_turn(conversation):
    conversation.ok("gogui-play_sequence b D5 b C4 b D3 w E5 w F4 w E3 w D4")
    before = conversation.ok("showboard")
    conversation.ok("play b E4")
    assert conversation.refused("play w D4") == "illegal move"
    conversation.ok("undo")
    assert conversation.ok("showboard") == before
    conversation.ok("play b E4")
    conversation.ok("gogui-play_sequence w A9 b A8")
    conversation.ok("gg-undo 2")
    assert conversation.refused("play w D4") == "illegal move"


def test_undo_takes_back_everything(conversation):
    conversation.ok("set_free_handicap C3 G7")
    conversation.ok("play w E5")
    move = conversation.ok("genmove b")
    assert len(vertices(conversation)) == 4
    conversation.ok("undo")
    assert move not in vertices(conversation)
    conversation.ok("undo")
    conversation.ok("undo")
    assert vertices(conversation) == {}
    assert conversation.refused("undo") == "cannot undo"


def test_gg_undo_takes_back_all_or_nothing(conversation):
    conversation.ok("gogui-play_sequence b D4 w E5 b pass")
    assert conversation.refused("gg-undo 4") == "cannot undo"
    assert len(conversation.session.position.moves) == 3
    conversation.ok("gg-undo 2")
    assert vertices(conversation) == {"D4": "b"}
    assert conversation.refused("gg-undo -1") == "cannot undo"
    conversation.ok("gg-undo 0")
    conversation.ok("gg-undo")
    assert vertices(conversation) == {}


def test_play_sequence_plays_all_or_nothing(conversation):
    assert conversation.refused("gogui-play_sequence b D4 w D4") == "illegal move"
    assert conversation.refused("gogui-play_sequence b D4 w") == "invalid color or coordinate"
    assert vertices(conversation) == {}
    conversation.ok("gogui-play_sequence")


# --- set-up ----------------------------------------------------------------------------------------------------------


def test_fixed_handicap(conversation):
    assert set(conversation.ok("fixed_handicap 4").split()) == {"C3", "G7", "C7", "G3"}
    assert conversation.session.position.to_play == WHITE
    assert conversation.refused("fixed_handicap 2") == "board not empty"
    conversation.ok("clear_board")
    for stones in ("1", "10", "0", "-2"):
        assert conversation.refused(f"fixed_handicap {stones}") == "invalid number of stones"
    assert conversation.refused("fixed_handicap x") == "handicap not an integer"


@pytest.mark.parametrize("stones", [2, 5, 9, 17, 80])
def test_place_free_handicap_places_exactly_so_many(conversation, stones):
    placed = conversation.ok(f"place_free_handicap {stones}").split()
    assert len(set(placed)) == stones
    assert set(vertices(conversation)) == set(placed)


def test_set_free_handicap_takes_any_stones_in_any_order(conversation):
    conversation.ok("set_free_handicap a1 J9 E5 B2 h8")
    assert set(vertices(conversation)) == {"A1", "J9", "E5", "B2", "H8"}
    assert conversation.refused("set_free_handicap C3 D3") == "board not empty"
    conversation.ok("undo")
    everywhere = [f"{column}{row}" for column in "ABCDEFGHJ" for row in range(1, 10)]
    assert conversation.refused(f"set_free_handicap {' '.join(everywhere)}") == "bad vertex list"
    conversation.ok(f"set_free_handicap {' '.join(everywhere[1:])}")
    assert len(vertices(conversation)) == 80


@pytest.mark.parametrize("stones", ["", "A1", "A1 A1", "A1 a1", "A1 pass", "A1 K1", "A1 B2 Z99"])
def test_bad_handicaps_leave_the_board_empty(conversation, stones):
    assert conversation.refused(f"set_free_handicap {stones}") == "bad vertex list"
    assert vertices(conversation) == {}


def test_set_position(conversation):
    conversation.ok("play b E5")
    conversation.ok("set_position b D4 white D5")
    assert vertices(conversation) == {"D4": "b", "D5": "w"}
    assert conversation.refused("set_position b A1 w A2 w B1").startswith("cannot set up")
    assert vertices(conversation) == {"D4": "b", "D5": "w"}
    conversation.ok("set_position")
    assert vertices(conversation) == {}


def test_gogui_setup(conversation):
    conversation.ok("gogui-setup b D4 w D5 b E4")
    conversation.ok("gogui-setup_player w")
    assert conversation.session.position.to_play == WHITE
    assert conversation.refused("gogui-setup b D4").startswith("cannot set up D4")
    assert vertices(conversation) == {"D4": "b", "D5": "w", "E4": "b"}
    conversation.ok("undo")
    assert vertices(conversation) == {}


# --- moves -----------------------------------------------------------------------------------------------------------


def test_genmove_plays_for_either_colour(conversation):
    for colour in ("b", "black", "W", "w"):
        move = conversation.ok(f"genmove {colour}")
        assert vertices(conversation)[move] == colour[0].lower()
        assert conversation.player.to_play == {"b": BLACK, "w": WHITE}[colour[0].lower()]
    assert conversation.refused("genmove") == "invalid color"
    assert conversation.refused("genmove x") == "invalid color"


def test_genmove_still_answers_when_the_game_is_over(conversation):
    conversation.ok("play b pass")
    conversation.ok("play w pass")
    assert conversation.ok("genmove b") == "pass"
    assert conversation.ok("genmove w") == "pass"


def test_a_resignation_leaves_the_board_as_it_is(conversation):
    conversation.ok("play b D4")
    conversation.player.resigns = True
    assert conversation.ok("genmove b") == "resign"
    assert conversation.session.position.to_play == WHITE
    assert len(conversation.session.position.moves) == 1
    assert conversation.reply("kata-genmove_analyze b 10").endswith("play resign\n\n")
    conversation.ok("undo")
    assert conversation.refused("undo") == "cannot undo"


def test_reg_genmove_changes_nothing(conversation):
    conversation.ok("play b D4")
    before = conversation.ok("showboard")
    move = conversation.ok("reg_genmove b")
    assert conversation.ok("reg_genmove b") == move
    assert conversation.ok("showboard") == before
    assert conversation.ok("genmove b") == move


def test_kgs_genmove_cleanup_and_clear_cache(conversation):
    conversation.ok("genmove b")
    assert not conversation.player.cleanup
    assert parse_vertex(conversation.ok("kgs-genmove_cleanup b"), 9)
    assert conversation.player.cleanup
    conversation.ok("clear_cache")
    assert conversation.player.search.forgotten == 1


def test_pondering_after_a_move(conversation):
    conversation.session.ponder(Waiting())
    assert conversation.player.pondered is None
    conversation.ok("genmove b")
    conversation.session.ponder(Waiting())
    assert conversation.player.pondered == 1
    conversation.ok("genmove w")
    conversation.ok("undo")
    conversation.player.pondered = None
    conversation.ok("play b D4")
    conversation.session.ponder(Waiting())
    assert conversation.player.pondered is None, "it is not the opponent's turn any more"


# --- time ------------------------------------------------------------------------------------------------------------


def seconds_of_a_move(conversation):
    conversation.ok("reg_genmove b")
    return conversation.player.asked.seconds


def test_two_seconds_a_move_without_a_clock(conversation):
    assert seconds_of_a_move(conversation) == 2
    for line in ("time_settings 0 1 0", "time_settings 1 1 0", "kgs-time_settings none"):
        conversation.ok("time_settings 60 0 0")
        conversation.ok(line)
        assert seconds_of_a_move(conversation) == 2


def test_visits_hold_beside_a_clock(conversation):
    conversation.ok("time_settings 0 5 1")
    assert 3 < seconds_of_a_move(conversation) < 5
    assert conversation.player.asked.visits == 1000


@pytest.mark.parametrize(
    "line",
    [
        "time_settings 300 30 5",
        "time_settings 300.5 30 5.0 surplus",
        "time_settings 0 0 0",
        "time_settings -1 10 1",
        "kgs-time_settings absolute 300",
        "kgs-time_settings byoyomi 300 30 5",
        "kgs-time_settings canadian 300 30 25",
        "kata-time_settings fischer 300 10",
        "kata-time_settings fischer-capped 300 10 600 -1",
        "kata-time_settings fischer-capped 300 10",
        "kata-time_settings none",
    ],
)
def test_time_settings(conversation, line):
    conversation.ok(line)
    conversation.ok("time_left b 0 0")
    conversation.ok("time_left black 12.50 3")
    assert 0 < seconds_of_a_move(conversation) < 13
    conversation.ok("time_left W -3 0")


def test_time_left_bounds_the_next_move(conversation):
    conversation.ok("time_settings 600 0 0")
    conversation.ok("time_left b 2 0")
    assert seconds_of_a_move(conversation) < 1
    conversation.ok("time_left b 0 0")
    assert seconds_of_a_move(conversation) < 0.1


def test_fischer_s_caps(conversation):
    conversation.ok("kata-time_settings fischer-capped 3600 30 3600 10")
    assert 9 < seconds_of_a_move(conversation) < 10
    conversation.ok("kata-time_settings fischer-capped 12 10 12 -1")
    clock = conversation.session.clock(BLACK)
    clock.spend(1)
    assert clock.seconds_left == 12
    conversation.ok("kata-time_settings fischer-capped 12 10 -1 -1")
    clock = conversation.session.clock(BLACK)
    clock.spend(1)
    assert clock.seconds_left == 21


def test_a_new_game_starts_the_clocks_again(conversation):
    conversation.ok("time_settings 600 0 0")
    before = seconds_of_a_move(conversation)
    conversation.ok("time_left b 2 0")
    conversation.ok("clear_board")
    assert seconds_of_a_move(conversation) == before


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("time_settings 1", "not three integers"),
        ("time_settings a b c", "not three integers"),
        ("time_settings nan 1 1", "not three integers"),
        ("time_left b", "time and stones not two integers"),
        ("time_left x 1 1", "invalid color"),
        ("kgs-time_settings fischer 1 1", "unknown time system 'fischer'"),
        ("kgs-time_settings byoyomi 1 1", "bad times for 'byoyomi'"),
        ("kata-time_settings fischer-capped 1 1 most", "bad times for 'fischer-capped'"),
        ("kata-time_settings", "time system missing"),
    ],
)
def test_time_that_is_refused(conversation, line, complaint):
    assert conversation.refused(line) == complaint


def test_listed_time_systems(conversation):
    assert "fischer-capped" in conversation.ok("kata-list_time_settings").split(" ")


# --- rules, score, records -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chinese", "japanese", "aga", "new_zealand", "tromp-taylor", "Chinese-OGS", "korean"])
def test_rules_by_name(conversation, name):
    conversation.ok(f"kgs-rules {name}")
    conversation.ok(f"kata-set-rules {name}")
    rules = conversation.ok("kata-get-rules")
    assert set(json.loads(rules)) >= {"ko", "scoring", "suicide", "tax", "whiteHandicapBonus", "hasButton"}
    conversation.ok(f"kata-set-rules {rules}")
    assert conversation.ok("kata-get-rules") == rules


def test_rules_in_json(conversation):
    conversation.ok('kata-set-rules {"ko": "SIMPLE", "scoring": "AREA", "suicide": true}')
    rules = json.loads(conversation.ok("kata-get-rules"))
    assert (rules["ko"], rules["scoring"], rules["suicide"]) == ("SIMPLE", "AREA", True)
    assert conversation.ok("printsgf").startswith("(;")
    for words in ("", "no-such-rules", "{", "{}", '{"ko":1,"scoring":"AREA","suicide":false}', "[" * 5000):
        conversation.refused(f"kata-set-rules {words}")
    for word in ('"false"', "0", "null"):
        line = f'kata-set-rules {{"ko":"SIMPLE","scoring":"AREA","suicide":{word}}}'
        assert conversation.refused(line) == "bad rules: suicide is true or false"


def test_rules_change_in_the_middle_of_a_game_that_allows_it(conversation):
    conversation.ok("kgs-rules tromp-taylor")
    conversation.ok("set_free_handicap A2 B2")
    conversation.ok("gogui-play_sequence w B1 b C1")
    conversation.ok("kgs-rules japanese")
    assert set(vertices(conversation)) == {"A2", "B2", "B1", "C1"}
    conversation.ok("kgs-rules tromp-taylor")
    conversation.ok("play w A1")  # two stones of White's own
    assert set(vertices(conversation)) == {"A2", "B2", "C1"}
    assert conversation.refused("kgs-rules japanese").startswith("cannot change the rules now")
    assert set(vertices(conversation)) == {"A2", "B2", "C1"}


def test_final_score(conversation):
    conversation.ok("boardsize 5")
    conversation.ok("komi 0.5")
    assert conversation.ok("final_score") == "W+0.5"
    conversation.ok("komi 0")
    assert conversation.ok("final_score") == "0"
    conversation.ok("play b C3")
    conversation.ok("komi 6.5")
    assert conversation.ok("final_score") == "B+18.5"
    conversation.ok("komi 123456.5")
    assert conversation.ok("final_score") == "W+123431.5"


def test_final_status_list(conversation):
    assert conversation.ok("final_status_list dead") == ""
    conversation.ok("gogui-play_sequence b D4 w E5 b D5")
    assert conversation.ok("final_status_list alive") == "D5 D4\nE5"
    assert conversation.ok("final_status_list seki") == ""
    assert conversation.refused("final_status_list") == "missing status"
    assert conversation.refused("final_status_list foo") == "invalid status"


BORDER = "b E9 w F9 b E8 w F8 b E7 w F7 b E6 w F6 b E5 w F5 b E4 w F4 b E3 w F3 b E2 w F2 b E1 w F1"


def test_dead_stones_are_found_and_counted(conversation):
    conversation.ok(f"gogui-play_sequence {BORDER} b B5 w H5 b B6 w B8 b pass w C8")
    assert conversation.ok("final_status_list dead") == "B8 C8"
    assert conversation.ok("final_status_list seki") == ""
    assert "B8" not in conversation.ok("final_status_list alive")
    assert conversation.ok("final_score") == "B+1.5"
    conversation.ok("kgs-rules japanese")
    assert conversation.ok("final_score") == "B+2.5", "34 points and 2 prisoners against 26 and komi"


def test_the_network_says_what_is_dead(conversation):
    conversation.ok("gogui-play_sequence b A9 w J1")
    assert conversation.ok("final_status_list dead") == ""
    conversation.player.search.tells_ownership = True  # the upper half the player to move's
    assert conversation.ok("final_status_list dead") == ""
    conversation.ok("gogui-setup_player w")
    assert conversation.ok("final_status_list dead") == "A9\nJ1"


def test_showboard(conversation):
    conversation.ok("play b D4")
    board = conversation.ok("showboard")
    assert board.startswith("\n")
    assert "(X)" in board
    assert not any(line.strip() == "" for line in board[1:].split("\n"))


def test_records(conversation, tmp_path):
    file = tmp_path / "a game 1.sgf"
    conversation.ok("komi 0.5")
    conversation.ok("set_free_handicap C3 G7")
    conversation.ok("gogui-play_sequence w E5 b pass w D4")
    conversation.ok(f"printsgf {file}")
    text = conversation.ok("printsgf")
    board = conversation.ok("showboard")
    assert "AB[" in text
    assert "KM[0.5]" in text

    conversation.ok("boardsize 19")
    conversation.ok(f"loadsgf {file}")
    assert conversation.ok("printsgf") == text
    assert conversation.ok("showboard") == board
    conversation.ok(f"loadsgf {file} 2")
    assert [point for _, point in conversation.session.position.moves] == [parse_vertex("E5", 9)]
    conversation.ok("undo")
    conversation.ok("undo")
    assert conversation.refused("undo") == "cannot undo"


@pytest.mark.skipif(os.name != "posix", reason="the whole path would be too long for Windows")
def test_a_record_with_the_longest_name_is_loaded_up_to_a_move(conversation, tmp_path):
    file = tmp_path / ("x" * 251 + ".sgf")
    file.write_text("(;SZ[9];B[aa];W[bb])")
    conversation.ok(f"loadsgf {file} 2")
    assert vertices(conversation) == {"A9": "b"}


@pytest.mark.parametrize("komi", ["150", "0.25", "-100", "123456.5", "1e6"])
def test_any_komi_survives_a_record(conversation, tmp_path, komi):
    conversation.ok(f"komi {komi}")
    conversation.ok("play b E5")
    board, score = conversation.ok("showboard"), conversation.ok("final_score")
    assert f"komi {komi.replace('1e6', '1000000')}," in board
    conversation.ok(f"printsgf {tmp_path / 'x.sgf'}")
    conversation.ok("komi 7.5")
    conversation.ok(f"loadsgf {tmp_path / 'x.sgf'}")
    assert conversation.ok("showboard") == board
    assert conversation.ok("final_score") == score


def test_a_record_out_of_turn_comes_back(conversation, tmp_path):
    conversation.ok("gogui-play_sequence b D4 b E5 w D5")
    conversation.ok(f"printsgf {tmp_path / 'x.sgf'}")
    conversation.ok("clear_board")
    conversation.ok(f"loadsgf {tmp_path / 'x.sgf'}")
    assert vertices(conversation) == {"D4": "b", "E5": "b", "D5": "w"}


def test_records_that_cannot_be_loaded(conversation, tmp_path):
    conversation.ok("play b D4")
    (tmp_path / "broken.sgf").write_text("(;B[aa")
    (tmp_path / "illegal.sgf").write_text("(;GM[1]SZ[9];B[aa];W[aa])")
    for file in ("missing.sgf", "broken.sgf", "illegal.sgf", ""):
        assert conversation.refused(f"loadsgf {tmp_path / file}") == "cannot load file"
        assert str(tmp_path) in conversation.logged[-1] or "illegal" in conversation.logged[-1]
    for words in ("x" * 300, "x" * 300 + " 12"):  # no file system has such names
        assert conversation.refused(f"loadsgf {words}") == "cannot load file"
    assert conversation.refused("loadsgf") == "missing filename"
    assert conversation.refused(f"printsgf {tmp_path}") == "cannot write file"
    assert vertices(conversation) == {"D4": "b"}


def test_small_commands(conversation):
    assert float(conversation.ok("cputime")) > 0
    assert float(conversation.ok("gomill-cpu_time")) > 0
    for line in ("stop", "gogui-interrupt", "clear_cache"):
        assert conversation.ok(line) == ""
    for line in conversation.ok("gogui-analyze_commands").split("\n"):
        kind, label, command = line.split("/")
        assert kind in ("gfx", "dboard", "string", "plist", "none")
        assert label
        assert command.split()[0] in COMMANDS


# --- anything --------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ("b", "w", "D4", "pass", "z99", "9", "0", "-1", "1e9", "nan", "dead", "{", "true", "#", "é", "\t")
)
# Analysis ends at once here, as a line always waits; `printsgf` would write files.
NAMES = st.sampled_from([name for name in COMMANDS if name not in ("quit", "printsgf")]) | st.text(max_size=6)
LINES = st.builds(lambda words: " ".join(words), st.lists(WORDS, max_size=6))


@pytest.fixture(scope="module")
def long_conversation():
    return Conversation(Settings(size=9))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, arguments=LINES, id=st.sampled_from(["", "7 "]))
def test_every_command_line_has_one_reply(long_conversation, name, arguments, id):
    line = f"{id}{name} {arguments}".replace("\n", " ").encode("utf-8", "surrogateescape")
    reply = long_conversation.reply(line)
    if parse_line(line) is None:
        assert reply == ""
    else:
        assert reply[0] in "=?"
        assert reply.endswith("\n\n")
        assert reply.count("\n\n") == 1
    assert "internal error" not in reply, long_conversation.logged[-1]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_garbage_never_breaks_the_session(long_conversation, data):
    for line in data.split(b"\n"):
        reply = long_conversation.reply(line)
        assert reply == "" or (reply[0] in "=?" and reply.count("\n\n") == 1)
        assert "internal error" not in reply, long_conversation.logged[-1]

"""Matches: results, forfeits, the tally, and the command around them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from gozero import cli, coords, sgf, sgf_info
from gozero.coords import BLACK, WHITE
from gozero.position import Position
from selfplay import match_options
from selfplay.gtp_game import FIRST, SECOND, GameResult, GameSettings, Seat, play_game
from selfplay.match import MatchSettings, run_match, tally
from selfplay.referee import count, find_gnugo, parse_score

QUICK = GameSettings(size=5, komi=0.5, move_timeout=5)


def play(first: str, second: str, number: int = 1, settings: GameSettings = QUICK, opening=()):
    seats = (Seat(first), Seat(second))
    try:
        return play_game(number, seats, settings, opening)
    finally:
        for seat in seats:
            seat.close()


def test_two_passes_are_counted(fake):
    result = play(fake("pass"), fake("pass"))
    assert sgf_info.format_result(result.record) == "W+0.5"
    assert result.points == 0
    assert result.failed is None
    assert result.reason == "area count"
    assert result.turns == (1, 1)


def test_the_opening_is_on_both_boards_and_in_the_record(fake):
    point = coords.parse_vertex("C3", 5)
    result = play(fake("pass"), fake("pass"), opening=(point,))
    assert result.record.moves[0] == coords.move_index(point, 5)
    assert sgf_info.format_result(result.record) == "B+24.5"


def test_colours_alternate(fake):
    assert play(fake("resign"), fake("pass"), number=1).first_colour == BLACK
    second_game = play(fake("resign"), fake("pass"), number=2)
    assert second_game.first_colour == WHITE
    assert second_game.record.winner == BLACK
    assert second_game.points == 0


def test_a_resignation(fake):
    result = play(fake("pass"), fake("resign"))
    assert sgf_info.format_result(result.record) == "B+R"
    assert result.points == 1
    assert result.reason == "White resigned"


def test_an_engine_without_a_name_plays_and_goes_by_its_command_line(fake):
    nameless = fake("refuse", "name")
    game = play(nameless, fake("resign"))
    assert sgf_info.format_result(game.record) == "B+R"
    assert game.names == (nameless, "fake resign")


@pytest.mark.parametrize(
    ("words", "result", "reason"),
    [
        (("die", 1), "W+F", r"Black failed: the engine ended .*out of ideas"),
        (("hang", 1), "W+T", r"Black hung: no reply to 'genmove B' within 1 s"),
        (("offboard",), "W+F", r"Black broke the rules with 'Z99': .*outside"),
        (("refuse", "komi"), "W+F", r"Black refused 'komi 0\.5': not today"),
        (("refuse", "genmove"), "W+F", r"Black refused 'genmove B'"),
    ],
)
def test_a_failing_engine_loses_with_its_reason(words, result, reason, fake):
    settings = GameSettings(size=5, komi=0.5, move_timeout=1)
    game = play(fake(*words), fake("pass"), settings=settings)
    assert sgf_info.format_result(game.record) == result
    assert game.failed == FIRST
    assert game.points == 0
    assert re.search(reason, game.reason)


@pytest.mark.parametrize(("seconds", "stones", "failed"), [(0.5, 2, None), (2.4, 5, None), (2, 1, None), (2, 7, FIRST)])
def test_an_engine_that_wants_whole_seconds_is_told_them(seconds, stones, failed, fake):
    """GNU Go refuses `time_settings 0 0.5 1`."""
    settings = GameSettings(size=5, komi=0.5, time_per_move=seconds)
    game = play(fake("whole", stones), fake("pass"), settings=settings)
    assert game.failed == failed, game.reason


@pytest.mark.parametrize(("first_timeout", "turns"), [(None, 1), (30.0, 2)])
def test_the_first_move_of_a_process_may_take_longer(fake, first_timeout, turns):
    """Compiling on a busy machine is no reason to lose the first game of a match."""
    settings = GameSettings(size=5, komi=0.5, move_timeout=1, first_timeout=first_timeout)
    game = play(fake("slow", 3), fake("random", 1), settings=settings)
    assert re.search("Black hung: no reply to 'genmove B' within 1 s", game.reason)
    assert game.turns[FIRST] == turns


def test_a_time_that_the_user_names_holds_for_every_move():
    conditions = {**match_options.DEFAULTS, "referee": "area"}
    usual = match_options.game_settings(conditions, ())
    assert (usual.move_timeout, usual.first_timeout) == (120, 300)
    named = match_options.game_settings({**conditions, "move_timeout": 7.0}, ())
    assert (named.move_timeout, named.first_timeout) == (7, None)


def test_an_illegal_move_on_an_occupied_point(fake):
    game = play(fake("pass"), fake("illegal"), opening=(coords.parse_vertex("A1", 5), coords.parse_vertex("C3", 5)))
    assert game.failed == SECOND
    assert sgf_info.format_result(game.record) == "B+F"
    assert re.search("White broke the rules with 'A1': .*occupied", game.reason)


def test_games_without_end_are_stopped_and_counted(fake, monkeypatch):
    monkeypatch.setattr("selfplay.gtp_game.MOVES_PER_POINT", 0.2)
    game = play(fake("random", 1), fake("random", 2))
    assert len(game.record.moves) == 5
    assert game.reason == "stopped after 5 moves; area count"
    assert game.record.ending == "counted"


def test_random_players_finish_legally(fake):
    game = play(fake("random", 1), fake("random", 2))
    assert game.failed is None, game.reason
    assert len(game.record.moves) > 10
    (replayed,) = sgf.parse(sgf.write(game.record).encode())
    assert replayed.moves.tolist() == game.record.moves.tolist()


def match_settings(commands, **options) -> MatchSettings:
    return MatchSettings(commands, **{"games": 4, "game": QUICK, **options})


def test_a_failure_costs_one_game_and_the_match_goes_on(fake, tmp_path):
    results: list[GameResult] = []
    settings = match_settings((fake("once", tmp_path / "mark"), fake("pass")), parallel=1, games=3)
    assert run_match(settings, results.append)
    assert [result.failed for result in results] == [FIRST, None, None]
    totals = tally(results)
    assert totals.games == 3
    assert totals.black_first == 2
    assert totals.errors == totals.errors_first == 1
    assert totals.wins + totals.losses + totals.draws == 3


def test_tally_is_from_the_first_engines_view(fake):
    results: list[GameResult] = []
    run_match(match_settings((fake("pass"), fake("resign")), games=3, opening_plies=1), results.append)
    totals = tally(results)
    assert (totals.wins, totals.losses, totals.draws, totals.errors) == (3, 0, 0, 0)
    assert totals.score == 1
    assert totals.elo is None  # all won: the games set no upper end
    assert totals.elo_ci95[0] == pytest.approx(-42.95, abs=0.01)  # Wilson, 3 of 3: 3 / (3 + 1.96^2)
    assert totals.elo_ci95[1] is None


def test_repeated_games_are_noticed(fake):
    results: list[GameResult] = []
    run_match(match_settings((fake("pass"), fake("pass")), games=3, opening_plies=0), results.append)
    assert tally(results).repeated == 2


def test_games_that_an_engine_lost_before_its_first_move_are_no_repetitions(fake):
    results: list[GameResult] = []
    run_match(match_settings((fake("refuse", "komi"), fake("pass")), games=3), results.append)
    totals = tally(results)
    assert (totals.errors, totals.repeated) == (3, 0)


def test_tally_of_nothing():
    totals = tally([])
    assert totals.score is None
    assert totals.score_ci95 == (0.0, 1.0)
    assert totals.elo_ci95 == (None, None)


@pytest.mark.parametrize(("text", "score"), [("B+3.5", 3.5), ("W+0.5", -0.5), ("0", 0), ("b+12 (upper bound)", 12)])
def test_parse_score(text, score):
    assert parse_score(text) == score


@pytest.mark.parametrize("text", ["", "unknown", "B+R"])
def test_parse_score_refuses(text):
    with pytest.raises(ValueError, match=r"could not|no score"):
        parse_score(text)


def test_a_referee_that_fails_leaves_the_area(fake):
    position = Position(5, komi=0.5)
    score, who = count(position, fake("die", 1))
    assert score == -0.5
    assert who.startswith("area count, as the referee failed")


def test_gnu_go_takes_dead_stones_off(gnugo):
    """White's lone stone in Black's area is dead, which no area count of the standing board can know."""
    position = Position(5, komi=0.5)
    for move in ("C3", "pass", "C4", "pass", "C2", "pass", "B3", "pass", "D3", "A1", "pass", "pass"):
        position.play(move)
    referee = find_gnugo("area", 5)
    assert referee is not None
    assert position.score() < 24.5
    assert count(position, referee) == (24.5, "counted by the referee")


def with_the_last_dame(rules: str) -> Position:
    """A finished game on 7x7 of two walls and seven dame: Black, who took four of them, is a point ahead by area."""
    position = Position(7, komi=0.5, rules=rules)
    walls = [f"{column}{row}" for row in range(1, 8) for column in "CE"]
    for move in (*walls, *(f"D{row}" for row in range(1, 8)), "pass", "pass"):
        position.play(move)
    return position


@pytest.mark.parametrize(
    ("rules", "score", "who"), [("chinese", 0.5, "area count"), ("japanese", -0.5, "territory count")]
)
def test_games_are_counted_by_their_rules(rules, score, who, gnugo):
    position = with_the_last_dame(rules)
    assert count(position, None) == (score, who)
    settings = match_options.game_settings({**match_options.DEFAULTS, "rules": rules}, ())
    assert count(position, settings.referee) == (score, "counted by the referee")
    among = match_options.game_settings({**match_options.DEFAULTS, "rules": rules}, (f"{gnugo[0]} --mode gtp",))
    assert count(position, among.referee) == (score, "counted by the referee")


def test_a_board_too_large_for_gnu_go_is_counted_by_a_referee_that_is_named(fake):
    def referee(**conditions) -> str | None:
        return match_options.game_settings({**match_options.DEFAULTS, "size": 21, **conditions}, ()).referee

    assert referee() is None
    assert referee(referee=fake("pass")) == fake("pass")
    _, who = count(Position(21), fake("die", 1))
    assert who.startswith("area count, as the referee failed")


def test_a_referee_that_fails_leaves_the_count_by_the_rules(fake):
    score, who = count(with_the_last_dame("japanese"), fake("die", 1))
    assert score == -0.5
    assert who.startswith("territory count, as the referee failed")


# --- the command -----------------------------------------------------------------------------------------------------


def run_command(*arguments: str) -> int:
    return cli.main(["match", *arguments])


def test_json_has_the_promised_keys(fake, capsys, tmp_path):
    folder = tmp_path / "records"
    black, white = fake("resign"), fake("random", 3)
    options = ("--games", "2", "--size", "5", "--referee", "area", "--json", "--sgf", str(folder))
    status = run_command("--black", black, "--white", white, *options)
    out, err = capsys.readouterr()
    assert status == 0
    result = json.loads(out)
    assert (result["games"], result["black_first"], result["wins"], result["losses"]) == (2, 1, 0, 2)
    keys = "games black_first wins losses draws errors score score_ci95 elo elo_ci95 seconds_per_move"
    assert set(keys.split()) <= set(result)
    assert len(result["seconds_per_move"]) == 2
    assert err.count("\n") == 2
    (game,) = sgf.read(folder / "game-1.sgf")
    assert game.winner == WHITE
    text = (folder / "game-1.sgf").read_text()
    assert "PB[fake resign]" in text
    assert "PW[fake random]" in text
    assert "Black resigned" in text


def test_the_help_names_the_command_that_helps_with_tournaments(capsys):
    with pytest.raises(SystemExit):
        run_command("--help")
    command = re.search("'gozero match (.*)' says more", capsys.readouterr().out)
    assert command
    with pytest.raises(SystemExit) as ended:
        run_command(*command[1].split())
    assert ended.value.code == 0
    assert "--pairings" in capsys.readouterr().out


def test_people_get_a_summary(fake, capsys):
    status = run_command(
        "--black", fake("die", 1), "--white", fake("pass"), "--games", "2", "--size", "5", "--referee", "area"
    )
    out = capsys.readouterr().out
    assert status == 0
    assert "won 0, lost 2, drawn 0" in out
    assert "Elo -inf, 95 % interval -inf to +113" in out
    assert "out of ideas" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--games", "0"), "games must be 1 or more"),
        (("--games", "1", "--size", "26"), "size must be 1 to 25"),
        (("--games", "1", "--rules", "chines"), "did you mean chinese"),
        (("--games", "1", "--move-timeout", "0"), "move_timeout must be more than 0"),
        (("--games", "1", "--white", "no-such-engine"), "cannot find the program 'no-such-engine'"),
        (("--games", "1", "--referee", "no-such-engine"), "cannot find the program 'no-such-engine'"),
    ],
)
def test_bad_options_are_one_sentence(arguments, sentence, fake, capsys):
    assert run_command("--black", fake("pass"), "--white", fake("pass"), *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_records_of_two_matches_are_not_mixed(fake, capsys, tmp_path):
    (tmp_path / "game-1.sgf").write_text("(;)")
    arguments = ("--black", fake("pass"), "--white", fake("pass"), "--games", "1", "--sgf", str(tmp_path))
    assert run_command(*arguments) == 2
    assert "holds the games of another match" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_reports_what_was_played(fake, checkout, tmp_path):
    """One game ends, the next hangs; Ctrl-C reports the first and leaves no engine behind."""
    black, white = fake("pass"), fake("hang", 2)
    process = subprocess.Popen(
        [sys.executable, "-m", "gozero", "match", "--black", black, "--white", white, "--games", "3", "--size", "5",
         "--parallel", "1", "--referee", "area", "--json"],
        cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    assert "game 1 (1/3)" in process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert json.loads(out)["games"] == 1
    assert "stopped after 1 of 3 games" in err


@pytest.mark.parametrize("size", [5, 9])
def test_gnu_go_plays(gnugo, fake, size, capsys):
    """A real engine at both ends of the pipe: no errors, all games won against random moves."""
    status = run_command(
        "--black", " ".join(gnugo), "--white", fake("random", 1), "--games", "2", "--size", str(size), "--json"
    )
    result = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (result["wins"], result["errors"]) == (2, 0)


def test_an_engine_that_never_comes_up_ends_the_match(fake, tmp_path, capsys):
    """Its command line is wrong, as where a network's file is not there: all games would be lost in the same way."""
    dead = f'"{sys.executable}" -c "import sys; sys.exit(\'there is no network\')"'
    command = ("--black", dead, "--white", fake("pass"), "--games", "50", "--size", "5", "--referee", "area")
    assert run_command(*command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "cannot start the engine" in err
    assert "there is no network" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows finds no program of this kind")
def test_an_engine_that_no_machine_can_run_ends_the_match(fake, tmp_path, capsys):
    """Such as a script without its first line."""
    program = tmp_path / "engine"
    program.write_text("no executable format")
    program.chmod(0o755)
    assert run_command("--black", str(program), "--white", fake("pass"), "--games", "50", "--size", "5") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"gozero: error: cannot start the engine {program}: cannot start {program}: .*\n", err)


def test_an_engine_that_came_up_once_may_fail_to_later(fake, tmp_path):
    """A long match outlives a moment without memory: that game is lost, the others are played."""
    gone = Seat(f'"{sys.executable}" -c "import sys; sys.exit(1)"')
    gone.started.add(gone.command)
    seats = (gone, Seat(fake("pass")))
    game = play_game(1, seats, QUICK, ())
    assert (game.failed, game.points) == (FIRST, 0)
    for seat in seats:
        seat.close()

"""Tournaments: who meets whom and when, standings, what is kept, and the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from engine import player_file
from gozero import cli, config, sgf
from gozero.data_files import data_dir
from selfplay.gtp_game import GameSettings
from selfplay.tournament import (
    BLOCK,
    Played,
    TournamentConfig,
    is_finished,
    is_wanted,
    pair_scores,
    schedule,
    standings,
)
from selfplay.tournament_command import command_of
from selfplay.tournament_folder import GAMES, TournamentError, TournamentFolder, alone_in, finished_games
from selfplay.tournament_plot import draw, split_curves

FIVE = GameSettings(size=5, komi=0.5)


def made(names: str = "a b c", **options) -> TournamentConfig:
    players = {name: f"engine {name}" for name in names.split()}
    return config.convert({"players": players, "size": 5, "komi": 0.5, **options}, TournamentConfig, "test")


def game(first: str, second: str, number: int, points: float, **values) -> Played:
    usual = {"failed": None, "result": "B+R", "reason": "", "plies": 9, "moves": f"{first}{second}{number}"}
    return Played(**{**usual, "players": (first, second), "number": number, "points": points, "seconds": (8.0, 2.0),
                     "turns": (4, 4), **values})  # fmt: skip


# --- who meets whom --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairings", "pairs"),
    [
        ("all", "ab ac ad bc bd cd"),
        ("gauntlet", "ab ac ad"),
        ("neighbours", "ab bc cd"),
        ([["b", "a"], ["b", "c"], ["d", "c"]], "ba bc dc"),
    ],
)
def test_pairings(pairings, pairs):
    assert [f"{first}{second}" for first, second in made("a b c d", pairings=pairings).pairs] == pairs.split()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"names": "a"}, "two players or more"),
        ({"names": "a A"}, "capital letters"),
        ({"names": "a b/c"}, "'b/c' has to be of letters"),
        ({"pairings": [["a", "z"]]}, "pairings name 'z'"),
        ({"pairings": [["a", "a"]]}, "a cannot be paired with itself"),
        ({"pairings": [["a", "b"], ["b", "a"], ["a", "c"]]}, "has a pair twice"),
        ({"pairings": [["a", "b"]]}, "no pairings tie c to a"),
        ({"games": 0}, "games must be 1 or more"),
    ],
)
def test_what_makes_no_tournament_is_refused(options, sentence):
    with pytest.raises(config.ConfigError, match=sentence):
        made(**options)


def test_pairings_take_turns_in_blocks_and_share_openings():
    settings = made(games=BLOCK + 2, pairings="neighbours")
    games = schedule(settings, FIVE, settings.players, [])
    order = [(each.entrants[0].name + each.entrants[1].name, each.number) for each in games]
    first, last = range(1, BLOCK + 1), (BLOCK + 1, BLOCK + 2)
    assert order == [(pair, number) for numbers in (first, last) for pair in ("ab", "bc") for number in numbers]
    assert games[0].entrants[0].command == "engine a"
    by_number = {(each.number, each.opening) for each in games}
    assert len(by_number) == BLOCK + 2


def test_played_games_are_not_scheduled_again():
    settings = made("a b", games=4)
    left = schedule(settings, FIVE, settings.players, [game("a", "b", 2, 1), game("a", "b", 3, 0)])
    assert [each.number for each in left] == [1, 4]


def test_a_pairing_ends_where_it_is_sure_who_is_stronger():
    """15 of 20 leave one half out by Wilson's interval, 14 of 20 do not, of the first 10 only all do by that of 99 %,
    or all but a draw; the block under way is played to its end."""
    settings = made("a b", games=5 * BLOCK, until_sure=True)
    games = schedule(settings, FIVE, settings.players, [])
    after = {
        won: [game("a", "b", number, 6 < number <= won + 6) for number in range(1, 2 * BLOCK + 1)]
        for won in (0, 5, 6, 14)
    }
    after[15] = [game("a", "b", number, number > 5) for number in range(1, 2 * BLOCK + 1)]
    first_block = {
        won: [game("a", "b", number, number <= won) for number in range(1, BLOCK + 1)] for won in (0, 1, 9, 10)
    }
    assert {won: is_wanted(settings, games[BLOCK], played) for won, played in first_block.items()} == {
        0: False, 1: True, 9: True, 10: False,
    }  # fmt: skip
    assert {won: is_wanted(settings, games[2 * BLOCK], played) for won, played in after.items()} == {
        0: False, 5: False, 6: True, 14: True, 15: False,
    }  # fmt: skip
    assert is_finished(settings, after[15])
    assert not is_finished(settings, after[14])
    assert is_finished(made("a b", games=BLOCK), after[14]), "more were played than are wanted now"
    all_but_a_draw = [*first_block[9][:9], game("a", "b", BLOCK, 0.5)]
    assert not is_wanted(settings, games[BLOCK], all_but_a_draw)
    others = [game("b", "a", number, 1) for number in range(1, 2 * BLOCK + 1)]
    assert is_wanted(settings, games[2 * BLOCK], others), "another pairing"
    assert is_wanted(settings, games[2 * BLOCK - 1], after[15]), "of a block that has begun"
    assert is_wanted(settings, games[BLOCK - 1], first_block[10][:-1]), "too few"
    assert is_wanted(made("a b", games=5 * BLOCK), games[2 * BLOCK], after[15]), "nobody asked for that"


def test_standings_are_sorted_and_count_both_sides():
    played = [
        *(game("a", "b", number, points) for number, points in enumerate((1, 0, 0, 0.5, 0), start=1)),
        game("a", "c", 1, 1, failed=1),
        game("a", "c", 2, 1, moves="ac1"),
    ]
    settings = made(pairings="gauntlet")
    table = standings(settings, played)
    assert [each.name for each in table] == ["b", "a", "c"]
    b, a, c = table
    assert (b.games, b.points, a.games, a.points, c.errors) == (5, 3.5, 7, 3.5, 1)
    assert (a.rating.elo, a.seconds_per_move, b.seconds_per_move) == (0, 2.0, 0.5)
    assert [(each.games, each.points, each.repeated) for each in pair_scores(settings, played)] == [
        (5, 1.5, 0),
        (2, 2, 1),
    ]


def test_games_lost_before_their_first_move_are_no_repetitions():
    played = [game("a", "b", number, 0, failed=0, moves="none", plies=0) for number in (1, 2, 3)]
    assert [each.repeated for each in pair_scores(made("a b"), played)] == [0]


def test_games_of_players_who_left_do_not_count():
    played = [game("a", "b", 1, 1), game("a", "gone", 1, 0)]
    table = standings(made("a b"), played)
    assert [(each.name, each.games) for each in table] == [("a", 1), ("b", 1)]


# --- what is drawn ---------------------------------------------------------------------------------------------------


def test_names_that_end_in_numbers_are_curves(tmp_path):
    settings = made("gnugo-10 x-0.5 x-2 x-0 y1 y2", pairings="gauntlet")
    curves, others = split_curves(standings(settings, []))
    assert {series: [number for number, _ in curve] for series, curve in curves.items()} == {"x": [0, 0.5, 2]}
    assert {each.name for each in others} == {"gnugo-10", "y1", "y2"}
    for number, config_drawn in enumerate((settings, made())):
        path = tmp_path / f"{number}.png"
        draw(config_drawn, [], path)
        assert path.read_bytes().startswith(b"\x89PNG")


# --- what is kept ----------------------------------------------------------------------------------------------------


def keep(folder: Path, *games: Played) -> None:
    with (folder / GAMES).open("ab") as file:
        file.writelines(json.dumps({name: getattr(each, name) for name in each.__struct_fields__}).encode() + b"\n"
                        for each in games)  # fmt: skip


def test_half_a_line_is_cut_off_and_the_next_one_is_whole(tmp_path):
    folder = TournamentFolder(tmp_path, made())
    keep(folder.path, game("a", "b", 1, 1))
    whole = (tmp_path / GAMES).read_bytes()
    (tmp_path / GAMES).write_bytes(whole + b'{"players": ["a", ')
    assert len(finished_games(tmp_path)) == 1
    assert (tmp_path / GAMES).read_bytes() != whole  # looking on changes nothing: the line may be in the making
    TournamentFolder(tmp_path, made())
    assert (tmp_path / GAMES).read_bytes() == whole


def test_a_game_that_is_there_twice_counts_once(tmp_path):
    TournamentFolder(tmp_path, made())
    keep(tmp_path, game("a", "b", 1, 1), game("a", "b", 1, 0), game("a", "b", 2, 0))
    assert [each.points for each in finished_games(tmp_path)] == [1, 0]


def test_a_broken_line_is_named(tmp_path):
    TournamentFolder(tmp_path, made())
    keep(tmp_path, game("a", "b", 1, 1))
    with (tmp_path / GAMES).open("a") as file:
        file.write("what?\n")
    with pytest.raises(TournamentError, match=r"games\.jsonl, line 2 is no finished game .*delete that line"):
        finished_games(tmp_path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"komi": 5.5}, "in which komi differed"),
        ({"size": 9, "seed": 1}, "in which size, seed differed"),
        ({"players": {"a": "engine a", "b": "another"}}, "in which the player b differed"),
    ],
)
def test_games_of_different_kinds_are_not_mixed(options, sentence, tmp_path):
    TournamentFolder(tmp_path, made())
    keep(tmp_path, game("a", "b", 1, 1))
    with pytest.raises(TournamentError, match=sentence):
        TournamentFolder(tmp_path, made(**options))
    more = made("a b c d", games=80, parallel=1)
    assert TournamentFolder(tmp_path, more).played == [game("a", "b", 1, 1)]
    assert config.load(tmp_path / "config.yaml", TournamentConfig) == more


@pytest.mark.parametrize("changed", ["own.yaml", "own.onnx", "other.onnx"])
def test_a_player_whose_files_have_changed_is_another_one(changed, tmp_path):
    own, network, other = (tmp_path / name for name in ("own.yaml", "own.onnx", "other.onnx"))
    own.write_text(f"network: {network}\n")
    network.write_bytes(b"one")
    other.write_bytes(b"one")
    python = f'"{sys.executable}"'
    commands = {"a": command_of(str(own), ""), "b": f"{python} bot.py --network={other}", "c": f"{python} bot.py"}
    run = tmp_path / "run"
    TournamentFolder(run, made(), commands)
    before = (tmp_path / changed).read_text()
    (tmp_path / changed).write_text(f"{before}\n")  # nobody has played yet
    TournamentFolder(run, made(), commands)
    keep(run, game("a", "b", 1, 1))
    TournamentFolder(run, made("a b c d"), {**commands, "d": f"{python} bot.py"})
    (tmp_path / changed).write_text(before)
    with pytest.raises(
        TournamentError, match=rf"{changed}, which is part of the player .*put the old file back.*--run"
    ):
        TournamentFolder(run, made(), commands)
    (tmp_path / changed).unlink()
    with pytest.raises(TournamentError, match=changed):
        TournamentFolder(run, made(), commands)
    (run / "files.json").unlink()  # as in folders that were made before
    assert len(TournamentFolder(run, made(), commands).played) == 1


# --- the command -----------------------------------------------------------------------------------------------------


def run_command(*arguments: object) -> int:
    return cli.main(["match", *map(str, arguments)])


QUICK = ("--size", 5, "--komi", 0.5, "--referee", "area", "--opening-plies", 3)


def test_a_tournament_from_its_first_game_to_more_players(fake, tmp_path, capsys):
    run = tmp_path / "run"
    black, white = f"pass={fake('pass')}", f"quitter={fake('resign')}"
    assert run_command("--players", black, white, "--run", run, "--games", 4, *QUICK, "--json") == 0
    out, err = capsys.readouterr()
    first = json.loads(out)
    assert first["finished"]
    assert [(each["name"], each["points"]) for each in first["players"]] == [("pass", 4), ("quitter", 0)]
    assert set(first["players"][1]) == {"name", "elo", "elo_ci95", "games", "points", "errors", "seconds_per_move"}
    assert err.count("game ") == 4
    assert (run / "elo.png").exists()
    (record,) = sgf.read(run / "records" / "pass,quitter-002.sgf")
    assert "PB[quitter]" in (run / "records" / "pass,quitter-002.sgf").read_text()
    assert record.ending == "resign"

    assert run_command("--run", run, "--players", f"die={fake('die', 1)}", "--games", 5) == 0
    out, err = capsys.readouterr()
    assert "game 1/11:" in err  # one more of the first pairing, five of each new one
    assert "quitter" in out
    assert "5 of 5" in out
    assert Counter(each.players for each in finished_games(run)) == {
        ("pass", "quitter"): 5,
        ("pass", "die"): 5,
        ("quitter", "die"): 5,
    }

    assert run_command("--run", run, "--standings", "--json") == 0
    out, err = capsys.readouterr()
    standing = {each["name"]: each for each in json.loads(out)["players"]}
    assert standing["die"]["errors"] > 0
    assert err == ""


def test_no_more_is_played_than_tells_who_is_stronger(fake, tmp_path, capsys):
    players = [f"slow={fake('slow', 0.2)}", f"quitter={fake('resign')}"]
    assert run_command("--players", *players, "--run", tmp_path, "--games", 60, "--until-sure", *QUICK, "--json") == 0
    out, _ = capsys.readouterr()
    assert json.loads(out)["finished"]
    assert BLOCK <= len(finished_games(tmp_path)) < 2 * BLOCK  # some are over before the last one is on disk
    assert run_command("--run", tmp_path, "--games", 80) == 0
    assert "game " not in capsys.readouterr().err
    assert run_command("--run", tmp_path, "--games", 3 * BLOCK, "--no-until-sure") == 0
    assert len(finished_games(tmp_path)) == 3 * BLOCK


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--run", "{}"), "there is no tournament in"),
        (("--run", "{}", "--standings"), "there is no tournament in"),
        (("--run", "{}", "--players", "auto", "nobody"), "'nobody' is no player file (alphago, auto"),
        (("--run", "{}", "--players", "auto"), "two players or more"),
        (("--run", "{}", "--players", "auto", "policy", "auto"), "--players has auto 2 times; give each a name of its"),
        (("--run", "{}", "--players", "auto", "x=gnugo", "x=gnugo --level 1"), "--players has x 2 times"),
        (("--run", "{}", "--players", "auto", "x=gnugoo --level 1"), "cannot find the program 'gnugoo'"),
        (("--run", "{}", "--players", "auto", "policy", "--size", "40"), "size must be 1 to 25"),
        (("--run", "{}", "--config", "none.yaml"), "none.yaml; presets: tournament-table-19, tournament-table-9"),
    ],
)
def test_bad_options_are_one_sentence(arguments, sentence, tmp_path, capsys):
    assert run_command(*(str(each).format(tmp_path / "run") for each in arguments)) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_two_do_not_play_one_tournament_at_a_time(fake, tmp_path, capsys):
    arguments = ("--players", f"a={fake('pass')}", f"b={fake('resign')}", "--run", tmp_path, "--games", 2, *QUICK)
    assert run_command(*arguments) == 0
    with alone_in(tmp_path):
        assert run_command("--run", tmp_path, "--games", 4) == 2
        assert "another process plays the tournament in" in capsys.readouterr().err
        assert run_command("--run", tmp_path, "--standings") == 0
    assert len(finished_games(tmp_path)) == 2
    assert run_command("--run", tmp_path, "--games", 4) == 0
    assert len(finished_games(tmp_path)) == 4


def test_no_game_is_played_where_ratings_are_missing(fake, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "choix", None)
    players = [f"a={fake('pass')}", f"b={fake('resign')}"]
    assert run_command("--players", *players, "--run", tmp_path / "run", *QUICK) == 2
    assert "'gozero match' needs choix: pip install 'gozero[train]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("file", sorted((data_dir() / "configs").glob("tournament-*.yaml")), ids=lambda file: file.stem)
def test_shipped_tournaments_name_players_that_there_are(file):
    settings = config.load(file, TournamentConfig)
    for player in settings.players.values():
        assert player_file.exists(player) or player.startswith("gnugo ")


def test_a_shipped_tournament_is_found_by_name(fake, tmp_path, capsys, monkeypatch):
    (tmp_path / "configs").mkdir()
    players = f"players: {{a: {json.dumps(fake('pass'))}, b: {json.dumps(fake('resign'))}}}"
    (tmp_path / "configs" / "mine.yaml").write_text(f"{players}\ngames: 50\nsize: 5\nreferee: area\n")
    monkeypatch.setattr("gozero.config.data_dir", lambda: tmp_path)
    assert run_command("--config", "mine", "--run", tmp_path / "run", "--games", 1) == 0
    assert [each.points for each in finished_games(tmp_path / "run")] == [1]


def test_a_player_file_becomes_our_engine_with_the_options():
    command = command_of("alphago", "--threads 1")
    assert command.endswith('-m gozero gtp --player "alphago" --threads 1')


@pytest.mark.skipif(os.name == "nt", reason="kills by signal")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_tournament_goes_on_with_nothing_lost_and_nothing_twice(fake, checkout, tmp_path, kill):
    players = [f"{name}={fake('slow', 0.1)}" for name in "abc"]
    run = tmp_path / "run"
    words = [sys.executable, "-m", "gozero", "match", "--run", str(run)]
    process = subprocess.Popen(
        [*words, "--players", *players, "--games", "6", *map(str, QUICK)],
        cwd=checkout, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stderr
    told = [process.stderr.readline() for _ in range(4)]
    assert all(line.startswith("game ") for line in told), told
    process.send_signal(kill)
    _, err = process.communicate(timeout=30)
    assert process.returncode == (130 if kill == signal.SIGINT else -signal.SIGKILL)
    if kill == signal.SIGINT:
        assert "go on with: gozero match --run" in err
    kept = finished_games(run)
    assert 4 <= len(kept) < 18
    time.sleep(0.1)
    assert subprocess.run([*words, "--json"], cwd=checkout, capture_output=True, check=False).returncode == 0
    after = finished_games(run)
    assert after[: len(kept)] == kept
    assert Counter(each.players for each in after) == {("a", "b"): 6, ("a", "c"): 6, ("b", "c"): 6}
    assert len(list((run / "records").glob("*.sgf"))) == 18

"""Workers as processes: how many games, deaths, Ctrl-C, and the command around them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gozero import cli
from selfplay import backends, shards, worker
from selfplay.backends import BackendError, Job, play_locally
from selfplay.newest import NetworkPlace
from selfplay.selfplay_config import SelfPlayConfig, load
from selfplay.worker import Report
from tests.selfplay.finished_games import FinishedGames
from tests.selfplay.test_shards import game

SMOKE = ["--config", "selfplay-smoke", "--set", "search.longest=16", "--set", "boards=8", "--set", "shard_games=4"]


def job(folder, config=None):
    return Job(
        config=config or SelfPlayConfig(name="t", search=load("selfplay-smoke").search),
        folder=str(folder),
        place=NetworkPlace(size=9, start="compact-9"),
    )


def selfplay(folder, *options, checkout, environment=None, **others):
    command = [sys.executable, "-m", "gozero", "selfplay", "--out", str(folder), *map(str, options)]
    return subprocess.Popen(
        command, cwd=checkout, env={**os.environ, **(environment or {})}, text=True, stdout=-1, stderr=-1, **others
    )


def workers_of(folder):
    """The process ids of the workers whose logs are in the folder: whoever holds one open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "fd" / "2").readlink().parent == (folder / worker.WORKERS).resolve():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_for(what, seconds=60.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


@pytest.mark.parametrize(("games", "workers"), [(None, 3), (7, 3), (2, 3), (6, 2), (1, 1)])
def test_games_are_shared_out_evenly(games, workers):
    parts = backends.shares(games, workers)
    assert len(parts) == workers
    if games is None:
        assert parts == [None] * workers
    else:
        numbers = [part or 0 for part in parts]
        assert sum(numbers) == games
        assert max(numbers) - min(numbers) <= 1


def test_the_smoke_preset_without_torch(tmp_path, checkout, capsys):
    """As many games as asked for, one JSON object on stdout, and one store of them in the end."""
    (tmp_path / "torch.py").write_text("raise ImportError('torch')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    out = tmp_path / "out"
    process = selfplay(
        out, *SMOKE, "--games", 5, "--workers", 2, "--json", checkout=checkout, environment={"PYTHONPATH": path}
    )
    text, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    figures = json.loads(text)
    assert figures["games"] == 5 == shards.count_games(out)
    assert {"positions", "seconds", "games_per_h", "evaluations_per_s", "mean_batch", "files"} <= figures.keys()
    assert figures["files"] == len(shards.names_in(out / shards.SHARDS)) == 2
    assert cli.main(["selfplay", "--out", str(out), "--gather", str(tmp_path / "all"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["games"] + found["repeated"] == 5
    assert -1 <= found["safe_resignation"]["threshold"] <= 0
    assert found["games"] == len(shards.open_store(tmp_path / "all").store)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--games", "3"], "--config is missing"),
        (["--config", "selfplay-smok"], "selfplay-smoke"),
        (["--config", "selfplay-smoke", "--games", "0"], "--games must be at least 1"),
        (["--config", "selfplay-smoke", "--network", "compact-8"], "compact-9"),
        (["--config", "selfplay-smoke", "--set", "search.size=7"], "7x7"),
        (["--config", "selfplay-smoke", "--address", "auto"], "--backend ray"),
        (["--config", "selfplay-smoke", "--overwrite"], "--overwrite is for --gather"),
        (["--gather", "x"], "no finished games"),
        (["--gather", "x", "--games", "0"], "--games must be at least 1"),
        (["--gather", "x", "--games", "-1"], "--games must be at least 1"),
    ],
)
def test_what_cannot_be_played_is_told_before_anything_starts(tmp_path, monkeypatch, options, words, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["selfplay", "--out", str(tmp_path / "out"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_store_is_replaced_where_that_is_wanted(tmp_path, capsys):
    """The error of the second time names the option that helps."""
    out, store = tmp_path / "out", tmp_path / "all"
    for number in (1, 2):
        shards.write_shard(out / shards.SHARDS, shards.shard_name("here-0001", number), [game(number)])
        assert cli.main(["selfplay", "--out", str(out), "--gather", str(store), "--overwrite"]) == 0
        assert cli.main(["selfplay", "--out", str(out), "--gather", str(store)]) == 2
        assert "give --overwrite to replace that store" in capsys.readouterr().err
        assert len(shards.open_store(store).store) == number


@pytest.mark.slow
def test_ctrl_c_ends_it_with_all_finished_games(tmp_path, checkout):
    process = selfplay(tmp_path, *SMOKE, "--workers", 2, "--json", checkout=checkout, start_new_session=True)
    wait_for(lambda: shards.count_games(tmp_path) >= 5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    text, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(text)["games"] == shards.count_games(tmp_path) >= 5
    assert "stopped" in errors
    assert "Traceback" not in errors
    assert not list((tmp_path / shards.SHARDS).glob(f"*{shards.JOURNAL}"))
    assert [path.read_text() for path in (tmp_path / worker.WORKERS).iterdir()] == ["", ""]


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_so_many_games_are_played(tmp_path, checkout):
    process = selfplay(tmp_path, *SMOKE, "--workers", 2, "--games", 200, "--json", checkout=checkout)
    wait_for(lambda: shards.count_games(tmp_path) >= 3)
    os.kill(workers_of(tmp_path)[0], signal.SIGKILL)
    text, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "died" in errors
    assert shards.count_games(tmp_path) == 200
    assert json.loads(text)["games"] <= 200  # the last report of the dead one may have been lost
    assert len(list((tmp_path / worker.WORKERS).iterdir())) == 3


@pytest.mark.slow
def test_chaos(tmp_path, checkout):
    """Workers and the driver are killed at random, for GOZERO_CHAOS_SECONDS (six unless it is set).

    Workers end when their driver is killed; every game that anybody has seen finished is there in the end, each once;
    and the same command goes on.
    """
    draw = random.Random(10)
    end = time.monotonic() + float(os.environ.get("GOZERO_CHAOS_SECONDS", "6"))
    games, kills = FinishedGames(tmp_path), {"worker": 0, "driver": 0}
    while time.monotonic() < end or not all(kills.values()):
        process = selfplay(tmp_path, *SMOKE, "--workers", 2, checkout=checkout)
        for _ in range(draw.randint(1, 4)):
            before = games.look()
            wait_for(lambda before=before: games.look() > before, 180)  # however slow the machine is, somebody plays
            time.sleep(draw.uniform(0, 1.5))
            if alive := workers_of(tmp_path):
                os.kill(draw.choice(alive), signal.SIGKILL)
                kills["worker"] += 1
        process.kill()
        kills["driver"] += 1
        process.communicate()
    wait_for(lambda: not workers_of(tmp_path))
    print(kills, games.gather(tmp_path / "all"))
    before = games.look()
    assert cli.main(["selfplay", "--out", str(tmp_path), *SMOKE, "--workers", "1", "--games", "2"]) == 0
    assert games.look() == before + 2


def _dies(job, life, log, games, reports):
    log.write_text("out of luck")
    os._exit(3)


def _finds_no_network(job, life, log, games, reports):
    reports.send(backends._Failure("there is no network"))
    sys.exit(2)


def _dies_after_a_game(job, life, log, games, reports):
    """Finishes one game a life, and reports none."""
    folder = Path(job.folder) / shards.SHARDS
    shards.write_shard(folder, shards.shard_name(life, 0), [game(0)])
    os._exit(1 if games > 1 else 0)


def _interrupts(job, life, log, games, reports):
    """Sends the driver the signal of that number and plays nothing until it is told to end."""
    os.kill(os.getppid(), games)
    reports.recv()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_signal_that_ended_it_is_told(tmp_path, monkeypatch, number):
    monkeypatch.setattr(backends, "_work", _interrupts)
    assert play_locally(job(tmp_path), 1, int(number), lambda _: None) == number


def test_workers_that_die_at_once_again_and_again_are_given_up_with_their_last_words(tmp_path, monkeypatch):
    monkeypatch.setattr(backends, "_work", _dies)
    monkeypatch.setattr(backends, "MOST_DEATHS", 2)
    with pytest.raises(BackendError, match=r"2 times at once \(status 3\).*out of luck"):
        play_locally(job(tmp_path), 1, None, lambda _: None)


def test_what_another_life_would_meet_too_is_told_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(backends, "_work", _finds_no_network)
    with pytest.raises(BackendError, match="there is no network"):
        play_locally(job(tmp_path), 2, None, lambda _: None)


def test_a_dead_workers_games_are_counted_on_disk_and_the_others_played(tmp_path, monkeypatch):
    monkeypatch.setattr(backends, "_work", _dies_after_a_game)
    monkeypatch.setattr(backends, "MOST_DEATHS", 2)
    reports: list[Report] = []
    assert play_locally(job(tmp_path), 1, 3, reports.append) is None
    assert shards.count_games(tmp_path) == 3
    assert [bool(report.problems) for report in reports] == [True, True]

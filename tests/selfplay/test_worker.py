"""One worker: what it plays, which network, and when it stops."""

import os
import shutil
import threading

import numpy as np
import pytest

from engine import network_file
from gozero import config as configs
from gozero.data_files import data_dir
from gozero.store import Store
from selfplay import newest as newest_module
from selfplay import selfplay_config, shards, worker
from selfplay.game import GameSettings
from selfplay.newest import NetworkPlace, Newest
from selfplay.searched_settings import SearchedSettings
from selfplay.selfplay_config import SelfPlayConfig
from selfplay.shelf import Shelf
from selfplay.worker import Report, Worker, claim_life

POLICY = SelfPlayConfig(name="p", network="compact-9", policy=GameSettings(size=5), boards=4, shard_games=3)
SEARCHED = SelfPlayConfig(
    name="s", network="compact-9", search=SearchedSettings(size=9, visits=3, longest=8), boards=2, shard_games=2
)


@pytest.fixture(autouse=True)
def report_always(monkeypatch):
    monkeypatch.setattr(worker, "REPORT_SECONDS", 0.0)


def play(config, folder, games=None, life="w-0001", exchange=None):
    """Runs a worker; returns its reports."""
    reports: list[Report] = []

    def listen(report):
        reports.append(report)
        return exchange is None or exchange(report)

    problems: list[str] = []
    start = "compact-19" if config.size == 5 else config.network
    place = NetworkPlace(size=config.size, start=start, folder=str(folder / "networks"))
    shelf = Shelf(folder, life, config.shard_games, config.sgf_every, problems.append)
    Worker(config, life, games, Newest(place, 0.0, problems.append), shelf, listen, problems).run()
    return reports


@pytest.mark.parametrize("config", [POLICY, SEARCHED], ids=["policy", "searched"])
def test_so_many_games_are_played_kept_and_reported(config, tmp_path):
    reports = play(config, tmp_path, games=5)
    found = list(shards.open_shards(tmp_path / shards.SHARDS, pytest.fail))
    assert [len(shard.store) for shard in found] == ([3, 2] if config is POLICY else [2, 2, 1])
    games = np.concatenate([shard.store.games for shard in found])
    assert sum(report.games for report in reports) == 5
    assert sum(report.positions for report in reports) == games["length"].sum()
    assert sum(report.black for report in reports) == np.count_nonzero(games["winner"] == 1)
    assert sum(report.white for report in reports) == np.count_nonzero(games["winner"] == 2)
    asked, batches = (sum(getattr(report, name) for report in reports) for name in ("evaluations", "batches"))
    assert asked >= games["length"].sum()
    assert 1 <= asked / batches <= config.boards
    assert not any(path.suffix == shards.JOURNAL for path in (tmp_path / shards.SHARDS).iterdir())
    assert all((len(shard.searches.rows) > 0) == (config.search is not None) for shard in found)


def test_the_same_life_plays_the_same_games_and_another_one_others(tmp_path):
    moves = []
    for folder, life in (("a", "w-0001"), ("b", "w-0001"), ("c", "w-0002")):
        play(POLICY, tmp_path / folder, games=3, life=life)
        shards.gather(tmp_path / folder, tmp_path / f"{folder}.store")
        store = Store.open(tmp_path / f"{folder}.store")
        moves.append(sorted(store.record(i).moves.tolist() for i in range(3)))
    assert moves[0] == moves[1] != moves[2]


def test_a_worker_stops_when_it_is_told_and_keeps_what_has_ended(tmp_path):
    total = 0

    def exchange(report):
        nonlocal total
        total += report.games
        return total < 2

    play(POLICY, tmp_path, exchange=exchange)
    assert shards.count_games(tmp_path) == total >= 2


def put_network(folder, name, shipped="compact-19", age=0.0):
    """Puts a network into the folder as the loop does: whole, and the .onnx last."""
    folder.mkdir(exist_ok=True)
    for suffix in (".safetensors", ".onnx"):
        temporary = folder / f".{name}{suffix}"
        shutil.copy(data_dir() / "networks" / f"{shipped}{suffix}", temporary)
        then = temporary.stat().st_mtime - age
        os.utime(temporary, (then, then))
        temporary.rename(folder / f"{name}{suffix}")


def test_a_newer_network_takes_over_while_games_go_on(tmp_path):
    seen: list[str] = []

    def exchange(report):
        seen.append(report.network)
        if len(seen) == 3:
            put_network(tmp_path / "networks", "generation-1")
        return len(seen) < 400

    play(POLICY, tmp_path, games=12, exchange=exchange)
    assert seen[0] == "compact-19"
    assert seen[-1] == "generation-1"
    shards.gather(tmp_path, tmp_path / "all")
    assert "self-play generation-1" in Store.open(tmp_path / "all").meta.sources


def test_the_newest_network_is_the_one_that_was_put_there_last(tmp_path):
    put_network(tmp_path, "z", age=10.0)
    put_network(tmp_path, "a", age=5.0)
    place = NetworkPlace(size=9, start="compact-9", folder=str(tmp_path))
    assert place.newest() == tmp_path / "a.onnx"
    assert NetworkPlace(size=9, start="compact-9").newest() == network_file.find("compact-9")


def test_a_network_that_cannot_be_played_is_named_once_and_the_old_one_plays_on(tmp_path):
    problems: list[str] = []
    newest = Newest(NetworkPlace(size=9, start="compact-9", folder=str(tmp_path)), 0.0, problems.append)
    (tmp_path / "broken.onnx").write_bytes(b"\xff" * 100)
    versions = {newest().version for _ in range(3)}
    assert versions == {"compact-9"}
    assert len(problems) == 1
    assert "broken.onnx" in problems[0]
    put_network(tmp_path, "good", age=-10.0)
    assert newest().version == "good"


def test_a_network_of_other_planes_is_not_taken_up(tmp_path, monkeypatch):
    problems: list[str] = []
    newest = Newest(NetworkPlace(size=9, start="compact-9", folder=str(tmp_path)), 0.0, problems.append)
    put_network(tmp_path, "other")
    opened = newest_module.open_network(tmp_path / "other.onnx")
    monkeypatch.setattr(type(opened), "feature_set", "alphago48")
    monkeypatch.setattr(newest.asked, "_evaluator", _Old())
    assert newest().version == "compact-9"
    assert "alphago48" in problems[0]


class _Old:
    feature_set = "compact"


def test_no_two_lives_share_a_name(tmp_path):
    found: list[str] = []

    def claim():
        found.extend(claim_life(tmp_path, "host-0")[0] for _ in range(20))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 80
    assert claim_life(tmp_path, "host-0")[0] == "host-0-0081"
    assert claim_life(tmp_path, "host-00")[0] == "host-00-0001"
    assert len({worker.seed_of(0, life) for life in found}) == 80


def test_a_life_whose_log_was_deleted_is_not_lived_again(tmp_path):
    """Its games' ids would be those of older games, and the older ones be taken for copies."""
    config, lives = POLICY, []
    for _ in range(2):
        lives.append(claim_life(tmp_path, "host-0")[0])
        play(config, tmp_path, games=4, life=lives[-1])
        shutil.rmtree(tmp_path / worker.WORKERS)
    assert lives == ["host-0-0001", "host-0-0002"]
    assert shards.count_games(tmp_path) == 8


PRESETS = sorted(path.stem for path in (data_dir() / "configs").glob("selfplay-*.yaml"))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_loads(name):
    loaded = selfplay_config.load(name)
    assert loaded.name == name
    network_file.find(loaded.network, loaded.size)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a", "search or policy"),
        ("name: a\nsearch: {}\npolicy: {}", "search or policy"),
        ("name: a\nsearch: {}\nboards: 0", "boards must be at least 1"),
        ("name: a\nserach: {}", "did you mean 'search'"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(tmp_path, text, words):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(configs.ConfigError, match=words):
        selfplay_config.load(str(tmp_path / "a.yaml"))


def test_an_unknown_preset_is_told_with_those_that_there_are():
    with pytest.raises(configs.ConfigError, match="selfplay-smoke"):
        selfplay_config.load("selfplay-smok")

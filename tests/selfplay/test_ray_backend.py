"""Workers on a Ray of this machine, with several processes, and what happens when those are killed."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from engine import network_file
from engine.onnx_evaluator import CPU, OnnxEvaluator
from engine.runtimes import middle_positions
from selfplay import shards
from selfplay.backends import BackendError, Job
from selfplay.newest import NetworkPlace
from selfplay.selfplay_config import SelfPlayConfig
from selfplay.shelf import SGF
from selfplay.worker import Report
from tests.selfplay.ray_processes import processes
from tests.selfplay.test_worker import POLICY, SEARCHED, put_network

ray = pytest.importorskip("ray", reason="self-play on a cluster needs the ray extra")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # ray's own


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A Ray with room for the workers, whose processes do not stand behind all others."""
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (that is how Ray spells it)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def job(folder, config: SelfPlayConfig = SEARCHED) -> Job:
    start = "compact-19" if config.size == 5 else "compact-9"
    place = NetworkPlace(size=config.size, start=start, folder=str(folder / "networks"))
    return Job(config=config, folder=str(folder), place=place)


def play(folder, workers, games, on_report=lambda _: None, config: SelfPlayConfig = SEARCHED) -> list[Report]:
    from selfplay.ray_backend import play_on_ray

    reports: list[Report] = []

    def heard(report):
        reports.append(report)
        on_report(report)

    assert play_on_ray(job(folder, config), workers, games, heard) is None
    return reports


@pytest.mark.parametrize("config", [SEARCHED, POLICY], ids=["searched", "policy"])
def test_games_come_to_this_machine(tmp_path, config):
    reports = play(tmp_path, 2, 5, config=config)
    found = list(shards.open_shards(tmp_path / shards.SHARDS, pytest.fail))
    assert sum(len(shard.store) for shard in found) == shards.count_games(tmp_path) == 5
    assert sum(report.games for report in reports) == 5
    assert sum(report.positions for report in reports) == sum(shard.store.meta.positions for shard in found)
    assert not list((tmp_path / shards.SHARDS).glob(f"*{shards.JOURNAL}"))
    assert list((tmp_path / SGF).glob("*.sgf"))


@pytest.mark.parametrize("name", ["Player", "Desk"])
def test_a_killed_process_is_replaced_and_no_game_is_lost_or_counted_twice(tmp_path, name):
    killed: list[int] = []
    games = 0

    def kill(report):
        nonlocal games
        games += report.games
        if games >= 3 and not killed and (alive := processes(name)):
            killed.append(alive[0])
            os.kill(alive[0], signal.SIGKILL)

    play(tmp_path, 2, 60, kill)
    assert killed
    assert shards.count_games(tmp_path) == 60


def test_a_newer_network_reaches_the_workers(tmp_path):
    seen: list[str] = []

    def put(report):
        if report.network and not seen:
            put_network(tmp_path / "networks", "generation-1")
        seen.append(report.network)

    play(tmp_path, 1, 400, put, SelfPlayConfig(name="p", policy=POLICY.policy, boards=4, poll=0.1))
    assert "compact-19" in seen
    assert "generation-1" in seen


def test_what_is_wrong_is_told_in_one_sentence(tmp_path):
    put_network(tmp_path / "networks", "nine", "compact-9")
    with pytest.raises(BackendError, match="9x9, not on 5x5"):
        play(tmp_path, 1, 3, config=POLICY)


def test_a_device_answers_several_at_once_as_it_would_one_by_one(tmp_path):
    from selfplay.ray_desk import Desk
    from selfplay.ray_inference import Inference, OnDevice

    desk = ray.remote(num_cpus=0)(Desk).remote(job(tmp_path), {})
    device = ray.remote(num_cpus=0, max_concurrency=4)(Inference).remote(desk, [CPU])
    assert ray.get(device.usable.remote())
    path = network_file.find("compact-9")
    expected = OnnxEvaluator(path)
    answers: dict[int, bool] = {}

    def ask(count):
        planes, facts = middle_positions(expected.feature_set, 9, count)
        found, truth = OnDevice(device, path).evaluate(planes, facts), expected.evaluate(planes, facts)
        answers[count] = all(
            np.allclose(mine, its, atol=1e-4) for mine, its in zip(found, truth, strict=True) if its is not None
        )

    threads = [threading.Thread(target=ask, args=(count,)) for count in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == dict.fromkeys(range(1, 6), True)

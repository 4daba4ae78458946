"""Self-play on Ray whose processes are killed at random: workers, the desk, the inference actor, the driver."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.selfplay.finished_games import FinishedGames
from tests.selfplay.ray_processes import processes

ray = pytest.importorskip("ray", reason="self-play on a cluster needs the ray extra")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # ray's own

ON_CPU = """
import sys
from engine.onnx_evaluator import CPU
from gozero.cli import main
from selfplay import ray_backend
ray_backend.DEVICE = CPU
sys.exit(main(sys.argv[1:]))
"""
"""A driver whose inference actor does without the GPU that the cluster is said to have."""
PLAY = ["--config", "selfplay-smoke", "--set", "search.longest=20", "--set", "shard_games=4", "--workers", "2"]


@pytest.fixture(scope="module")
def cluster():
    """The address of a Ray with a GPU by word alone."""
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (that is how Ray spells it)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    context = ray.init(address="local", num_cpus=3, num_gpus=1, include_dashboard=False, log_to_driver=False)
    yield context.address_info["gcs_address"]
    ray.shutdown()


def test_chaos(tmp_path, checkout, cluster):
    """For GOZERO_CHAOS_SECONDS, a third of a minute unless it is set: no finished game is lost, none counted twice.

    A desk that dies before it has said that a game is kept hears of it again: shards may hold it twice, stores do not.
    """
    draw = random.Random(10)
    end = time.monotonic() + float(os.environ.get("GOZERO_CHAOS_SECONDS", "20"))
    games, kills = FinishedGames(tmp_path), dict.fromkeys(("Player", "Desk", "Inference", "driver"), 0)
    command = [sys.executable, "-c", ON_CPU, "selfplay", "--out", str(tmp_path), *PLAY, "--backend", "ray"]

    while time.monotonic() < end or not min(kills.values()):
        driver = subprocess.Popen(
            [*command, "--address", cluster], cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for _ in range(draw.randint(2, 8)):
            before, latest = games.look(), time.monotonic() + 180
            while games.look() <= before:  # however slow the machine is, somebody plays
                assert driver.poll() is None, driver.stderr.read()
                assert time.monotonic() < latest, f"no game in three minutes, after {kills}"
                time.sleep(0.1)
            time.sleep(draw.uniform(0, 1.5))
            name = draw.choice(["Player", "Player", "Desk", "Inference"])
            if alive := processes(name):
                os.kill(draw.choice(alive), signal.SIGKILL)
                kills[name] += 1
        driver.kill()
        driver.communicate()
        kills["driver"] += 1
        while processes("Player") or processes("Desk"):  # Ray ends the actors of a dead driver
            time.sleep(0.1)
    print(kills, games.gather(tmp_path / "all"))

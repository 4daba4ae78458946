"""A loop of generations: its settings, what its folder says is done, and that it goes on wherever it was killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from engine import network_file
from engine.evaluator import UniformEvaluator
from gozero import cli
from gozero import config as configs
from gozero.data_files import data_dir
from selfplay.contest import Contest
from selfplay.shards import count_games
from training import checkpoint, generations, loop_command
from training.generations import Generations
from training.generations_config import GenerationsConfig, WindowConfig
from training.generations_folder import Generation, GenerationsFolder, MatchResult, write
from training.generations_plot import draw
from training.run_folder import RunError

PRESET = data_dir() / "configs" / "loop-smoke.yaml"


@pytest.mark.parametrize("finished", [0, 1, 1999, 2000])
def test_the_window_has_all_games_at_first(finished: int) -> None:
    assert WindowConfig(least=2000).games(finished) == finished


def test_the_window_grows_more_slowly_than_the_games() -> None:
    window = WindowConfig(least=250_000, growth=0.4, power=0.75)
    sizes = [window.games(finished) for finished in range(250_000, 20_000_000, 50_000)]
    steps = [after - before for before, after in pairwise(sizes)]
    assert all(step > 0 for step in steps)
    assert max(after - before for before, after in pairwise(steps)) <= 1  # but for rounding
    assert steps[0] == pytest.approx(0.4 * 50_000, rel=0.05)
    assert window.games(4_000_000) == pytest.approx(250_000 * (1 + 0.4 * (16**0.75 - 1) / 0.75), abs=1)
    assert WindowConfig(least=100, growth=1.0, power=1.0).games(12_345) == 12_345
    assert WindowConfig(least=100, growth=0.0).games(12_345) == 100


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("training.data.size=9", "must be the same"),
        ("training.data.searches=false training.loss.search_value=0", "must be true"),
        ("training.data.store=somewhere", "must be empty"),
        ("training.network=null", "either network or alphago"),
        ("play.games=0", "at least 1"),
        ("window.power=0", "window"),
        ("gate.needed=1", "from 0 to below 1"),
        ("gate.visits=1", "at least 2"),
        ("generations=0", "at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(override: str, words: str) -> None:
    with pytest.raises(configs.ConfigError, match=words):
        configs.load(PRESET, GenerationsConfig, override.split())


def test_a_network_that_is_not_there_leaves_no_loop_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert cli.main(["loop", "--config", "loop-smoke", "--set", "training.init=nope", "--run", str(run)]) == 2
    assert "no network nope" in capsys.readouterr().err
    assert not run.exists()


def test_where_there_is_no_loop_one_is_begun_with_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "none"
    assert cli.main(["loop", "--run", str(run)]) == 2
    assert f"there is no loop in {run}: start one with --config" in capsys.readouterr().err
    assert cli.main(["loop", "--run", str(run), "--resume"]) == 2
    assert "or start it without --resume" in capsys.readouterr().err
    assert not run.exists()


def test_matches_have_no_noise_and_the_learner_s_steps_are_those_of_all_generations() -> None:
    config = configs.load(PRESET, GenerationsConfig, ["generations=7", "gate.visits=50"])
    matches = config.matches
    assert (matches.root, matches.full_share, matches.quick_visits, matches.sampled_moves) == ("gumbel", 0.0, 50, 0)
    assert matches.resign_below == -1
    learner = config.learner("games.store")
    assert learner.loop.steps == 7 * config.training.loop.steps
    assert (learner.data.store, learner.data.searches, learner.name) == ("games.store", True, "loop-smoke")


@pytest.fixture
def folder(tmp_path: Path) -> GenerationsFolder:
    """Three generations are done: the first and the third were accepted."""
    folder = GenerationsFolder(tmp_path / "run")
    for number, accepted in ((1, True), (2, False), (3, True)):
        folder.add_generation(Generation(number, 100 * number, 90, 50 * number, accepted, {"play": 1.0}))
    for number, against, wins in ((1, 0, 60), (2, 1, 40), (2, 0, 55), (3, 1, 70), (3, 0, 85)):
        folder.add_match(MatchResult(number, against, 100, wins, 0, 0, 1.0))
    return folder


def test_what_is_done_is_what_is_on_disk(folder: GenerationsFolder) -> None:
    assert [each.number for each in folder.generations()] == [1, 2, 3]
    assert folder.best() == 3
    found = folder.match(3, 1)
    assert found is not None
    assert found.elo[0] == pytest.approx(147, abs=1)
    assert folder.match(3, 2) is None
    (folder.path / "generations" / "0002.json").unlink()  # then what follows is not done either
    assert folder.best() == 1


def test_ratings_are_above_the_first_generation(folder: GenerationsFolder) -> None:
    table = folder.ratings()
    assert list(table) == [0, 1, 2, 3]
    assert table[0].elo == 0
    assert 0 < table[1].elo < table[3].elo
    assert table[3].low > 150
    assert GenerationsFolder(folder.path / "nowhere").ratings() == {}


def test_elo_is_drawn(folder: GenerationsFolder) -> None:
    folder.add_match(MatchResult(4, 3, 10, 10, 0, 0, 1.0))  # whose interval has no end
    draw(configs.load(PRESET, GenerationsConfig), folder)
    assert folder.plot.read_bytes().startswith(b"\x89PNG")


def test_damage_is_told(folder: GenerationsFolder) -> None:
    (folder.path / "matches" / "0003-0001.json").write_text("{")
    with pytest.raises(RunError, match=r"0003-0001\.json is damaged .*delete it"):
        folder.match(3, 1)


def test_what_is_written_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    write(Generation(1, 2, 3, 4, True, {}), path)
    assert json.loads(path.read_text())["window"] == 3
    assert list(path.parent.iterdir()) == [path]


def test_a_loop_is_not_begun_twice_nor_resumed_with_other_settings(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(RunError, match="there is no loop in"):
        loop_command.main(["--run", str(run)])
    GenerationsFolder(run).create(configs.load(PRESET, GenerationsConfig))
    with pytest.raises(RunError, match="already holds a loop"):
        loop_command.main(["--run", str(run), "--config", "loop-smoke"])
    with pytest.raises(RunError, match="leave --config out"):
        loop_command.main(["--run", str(run), "--config", "loop-smoke", "--resume"])
    with pytest.raises(RunError, match=r"gate\.needed"):
        loop_command.main(["--run", str(run), "--set", "gate.needed=0.6"])
    with pytest.raises(ValueError, match="--workers must be at least 1"):
        loop_command.main(["--run", str(run), "--workers", "0"])


def test_a_window_goes_only_when_its_generation_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that is killed while a window is being removed must not find half of it as the one to learn from."""
    config = configs.load(PRESET, GenerationsConfig, ["generations=2"])
    folder = GenerationsFolder(tmp_path / "run")
    loop = Generations(config, folder, torch.device("cpu"), 1, print)
    removed: list[tuple[str, int]] = []

    def learn(number: int, finished: int) -> int:
        folder.window(number).mkdir(parents=True)
        return finished

    def remove(path: Path, ignore_errors: bool) -> None:
        if path.exists():
            removed.append((path.name, len(folder.generations())))

    monkeypatch.setattr(loop, "_begin", lambda: None)
    monkeypatch.setattr(loop, "_play", lambda number: 10 * number)
    monkeypatch.setattr(loop, "_learn", learn)
    monkeypatch.setattr(loop, "_judge", lambda number: True)
    monkeypatch.setattr(generations, "draw", lambda *_: None)
    monkeypatch.setattr(shutil, "rmtree", remove)
    loop.run()
    assert removed == [("0001.store", 1), ("0002.store", 2)]
    loop.run()  # as after a kill between the two: what is left is removed then
    assert removed[2:] == [("0002.store", 2)]


@pytest.mark.parametrize("seed", [1, 5_000_000_000, -1])
def test_any_seed_has_matches(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Self-play takes any, so a match may not be the first to refuse one, after all the work of a generation."""
    seeds: list[int] = []

    def contest(*arguments: Any, boards: int) -> Contest:
        seeds.append(arguments[-1])
        return Contest([], [], 0)

    config = configs.load(PRESET, GenerationsConfig, [f"seed={seed}"])
    loop = Generations(config, GenerationsFolder(tmp_path / "run"), torch.device("cpu"), 1, print)
    monkeypatch.setattr(generations, "open_network", lambda *_: UniformEvaluator())
    monkeypatch.setattr(generations, "searched_contest", contest)
    for number, against in ((1, 0), (2, 0), (2, 1)):
        loop._match(number, against)
    assert len(set(seeds)) == 3
    assert all(0 <= each < 2**64 for each in seeds)


TINY = """
generations: 2
play:
  games: 12
  boards: 12
  search: {size: 5, komi: 0.5, visits: 3, gumbel_moves: 2, opening_moves: 2, longest: 20}
window: {least: 20}
gate: {games: 4, visits: 3, gumbel_moves: 2, opening_moves: 4, needed: 0.5, boards: 4}
training:
  name: tiny
  network: {blocks: 1, channels: 16, policy_channels: 8, value_channels: 4, value_hidden: 8}
  data: {size: 5, searches: true, validation_positions: 256}
  loop: {steps: 24, batch_size: 16, log_every: 4, evaluate_every: 24, checkpoint_every: 4, keep: 2}
  schedule: {warmup: 5}
"""


def options(run: Path, *more: str) -> list[str]:
    return ["--run", str(run), "--workers", "1", "--threads", "1", *more]


def command(run: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "gozero", "loop", *options(run, *more)]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_games_are_played_is_the_exit_status(
    number: int, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generations, "play_locally", lambda *_: number)
    assert loop_command.main(options(tmp_path / "run", "--config", str(config))) == 128 + number
    assert "continue with: gozero loop --run" in capsys.readouterr().err


@pytest.mark.slow
def test_generations_come_one_after_the_other(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert loop_command.main(options(run, "--config", str(config))) == 0
    folder = GenerationsFolder(run)
    first, second = folder.generations()
    assert (first.finished, second.finished) == (12, 24)
    assert first.window <= 12 < second.window <= 21
    assert (first.step, second.step) == (24, 48)
    assert {each.generation for each in folder.matches()} == {1, 2}
    assert all(each.games == 4 for each in folder.matches())
    for number in (0, 1, 2):
        path = folder.network("tiny", number)
        assert network_file.load_metadata(path).name == f"tiny-{number:04d}"
        assert path.with_suffix(".safetensors").is_file()
    assert folder.plot.is_file()
    assert not list((run / "window").iterdir())
    losses = [line["loss"] for line in folder.learner.read_metrics() if line["kind"] == "train"]
    assert losses[-1] < losses[0]
    # Further on, and nothing that is done is done again.
    before = {path: path.stat().st_mtime_ns for path in (run / "networks").iterdir()}
    assert loop_command.main(options(run, "--set", "generations=3")) == 0
    assert [each.number for each in folder.generations()] == [1, 2, 3]
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())


@pytest.mark.slow
def test_a_killed_learner_goes_on_exactly(config: Path, tmp_path: Path, checkout: Path) -> None:
    """Killed while it learns, at a step that nobody chose: then the same weights and losses as without.

    Lines of metrics are as far apart as checkpoints, for a line's means begin anew where a run is resumed.
    """
    run, other, last = tmp_path / "killed", tmp_path / "whole", 100
    folder = GenerationsFolder(run)
    longer = ("--set", "generations=1", "--set", f"training.loop.steps={last}")
    process = subprocess.Popen(command(run, "--config", str(config), *longer), cwd=checkout)
    deadline = time.monotonic() + 600
    while (folder.learner.latest_step() or 0) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.random() * 0.1)
    process.kill()
    process.wait()
    died_after = folder.learner.latest_step() or 0
    assert 8 <= died_after < last, "the learner was not learning any more"
    shutil.copytree(run, other)
    shutil.rmtree(other / "learner")
    for path in (run, other):
        assert loop_command.main(options(path)) == 0
    ends = [GenerationsFolder(path).learner for path in (run, other)]
    tensors = [checkpoint.load(checkpoint.path_of(learner.checkpoints, last))[0] for learner in ends]
    assert tensors[0].keys() == tensors[1].keys()
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0]), f"killed after {died_after}"
    losses = [
        [(line["step"], line["loss"]) for line in learner.read_metrics() if line["kind"] == "train"] for learner in ends
    ]
    assert losses[0] == losses[1]


def files_in(run: Path) -> set[str]:
    """All of them at the moment; folders may vanish meanwhile."""
    return {f"{folder}/{name}" for folder, _, names in os.walk(run) for name in names}


@pytest.mark.slow
def test_a_loop_that_is_killed_again_and_again_comes_to_the_same_end(
    config: Path, tmp_path: Path, checkout: Path
) -> None:
    """Killed, with its workers left alone, whenever it has written some more files: no generation is missing, no
    finished game is lost, and every step was made once.

    It writes 71 files or more, up to 8 at once: with 12 more before a kill there are three kills, whatever is drawn.
    """
    run, errors = tmp_path / "run", tmp_path / "errors.txt"
    folder = GenerationsFolder(run)
    arguments, kills, games = command(run, "--config", str(config)), 0, 0
    seen: set[str] = set()
    while True:
        with errors.open("ab") as file:
            process = subprocess.Popen(arguments, cwd=checkout, stderr=file)
        files = random.randint(1, 12) if kills < 8 else sys.maxsize
        while process.poll() is None and len(new := files_in(run) - seen) < files:
            time.sleep(0.01)
        process.kill()
        status = process.wait()
        seen |= new
        finished = count_games(folder.selfplay)
        assert finished >= games
        games = finished
        if status != -signal.SIGKILL:
            break
        kills += 1
        if folder.run.config.is_file():
            arguments = command(run)
    assert status == 0, f"after {kills} kills: {errors.read_text()[-3000:]}"
    assert kills >= 3
    assert [each.step for each in folder.generations()] == [24, 48]
    steps = [line["step"] for line in folder.learner.read_metrics() if line["kind"] == "train"]
    assert steps == list(range(4, 49, 4))
    _, record = checkpoint.load(checkpoint.path_of(folder.learner.checkpoints, 48))
    assert record["positions"] == 48 * 16
    assert len(folder.matches()) in (2, 3)
    assert not list((run / "window").iterdir())

"""The whole way of a network: train, resume, export, list, evaluate; and what is said when it cannot be done."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from engine import networks_command
from engine.alphago_networks import PolicyArchitecture
from engine.player_file import load_player
from gozero import cli
from gozero import config as configs
from gozero.coords import BLACK, RESIGN
from gozero.data_files import data_dir
from gozero.position import Position
from gozero.record import WHITE_BIT, GameRecord
from gozero.store import Store, StoreWriter
from training import checkpoint, eval_command, export_command, train_command
from training.losses import UNKNOWN
from training.run_folder import RunFolder
from training.supervised import PolicyConfig, PolicyStage, make_network
from training.weights import read_weights

STEPS = 60
SMALL = ["--set", "loop.batch_size=64", "--set", "loop.log_every=20", "--set", "loop.evaluate_every=30"]
FAST = [*SMALL, "--set", "data.validation_positions=256", "--set", "schedule.warmup=5", "--threads", "1"]


def train(run: Path, *arguments: str) -> int:
    return train_command.main(["policy", "--run", str(run), *arguments])


@pytest.fixture(scope="module")
def run(row_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the smoke preset on the row games, done in two parts."""
    folder = tmp_path_factory.mktemp("runs") / "smoke"
    store = ["--store", str(row_store)]
    assert train(folder, "--config", "cpu-smoke", *store, "--set", f"loop.steps={STEPS // 2}", *FAST) == 0
    assert train(folder, "--resume", "--set", f"loop.steps={STEPS}", "--threads", "1") == 0
    return folder


@pytest.fixture(scope="module")
def network(run: Path) -> Path:
    path = run.parent / "smoke.onnx"
    assert export_command.main(["--run", str(run), "--out", str(path), "--licence", "made up"]) == 0
    return path


def test_run_folder(run: Path, row_store: Path):
    folder = RunFolder(run)
    records = folder.read_metrics()
    results = [record["top1"] for record in records if record["kind"] == "validation"]
    assert [record["step"] for record in records if record["kind"] == "validation"] == [30, 60]
    assert results[-1] > 0.5
    assert folder.latest_step() == STEPS
    assert (run / "code.txt").read_text().strip()
    _, record = checkpoint.load(checkpoint.path_of(folder.checkpoints, STEPS))
    assert record["positions"] == STEPS * 64
    assert record["sources"] == ["rows.zip"]
    assert record["games"] < len(Store.open(row_store))


def test_exported_network_says_what_it_is(network: Path, capsys: pytest.CaptureFixture[str]):
    assert networks_command.main([str(network), "--json"]) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert {key: facts[key] for key in ("name", "kind", "boards", "features", "file")} == {
        "name": "cpu-smoke",
        "kind": "compact",
        "boards": [9],
        "features": "compact 1",
        "file": str(network),
    }
    assert facts["architecture"]["channels"] == 16
    assert facts["trained_on"]["licence"] == "made up"
    assert facts["trained_on"]["positions_seen"] in (1920, 3840)
    assert 0 < facts["results"]["validation"]["top1"] <= 1
    assert networks_command.main([str(network)]) == 0
    assert "9x9" in capsys.readouterr().out
    assert networks_command.main(["wide-19"]) == 0
    assert "any size" in capsys.readouterr().out


def test_eval_on_a_store(network: Path, row_store: Path, capsys: pytest.CaptureFixture[str]):
    command = ["policy", "--network", str(network), "--games", str(row_store)]
    assert eval_command.main([*command, "--positions", "200", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["network"] == "cpu-smoke"
    assert result["split"] == "test"
    assert 0 < result["positions"] <= 200
    low, high = result["top1_ci95"]
    assert low < result["top1"] < high
    assert result["top1"] <= result["top5"] <= 1
    assert 0 < result["nll"] < 4.4
    assert eval_command.main([*command, "--positions", "50", "--split", "all"]) == 0
    assert "top-1" in capsys.readouterr().out


def test_eval_on_loose_records_takes_each_position_once(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "a.sgf").write_text("(;GM[1]SZ[9]KM[7]RE[B+R];B[aa];W[ba];B[ca];W[da])")
    (tmp_path / "b.sgf").write_text("(;GM[1]SZ[9]KM[7]RE[W+R];B[ee];W[fe])")
    assert eval_command.main(["policy", "--network", str(network), "--games", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["games"], result["positions"], result["split"]) == (2, 6, "all")


def test_start_from_an_exported_network(network: Path, row_store: Path, tmp_path: Path):
    arguments = ["--config", "cpu-smoke", "--store", str(row_store), "--init", str(network), *FAST]
    assert train(tmp_path / "again", *arguments, "--set", "loop.steps=5", "--set", "loop.evaluate_every=5") == 0
    first = RunFolder(tmp_path / "again").read_metrics()[0]
    assert first["policy"] < 3.0  # a fresh network starts at ln 82 = 4.4


def test_a_teacher_s_answers_are_learned(network: Path, row_store: Path, tmp_path: Path):
    """A network that learns its teacher alone comes near to it from random weights; nobody shows it a move."""
    taught = ["--set", f"data.teacher={network}", "--set", "loss.teacher=1", "--set", "loss.teacher_value=1"]
    arguments = ["--config", "cpu-smoke", "--store", str(row_store), *FAST, *taught, "--set", "loop.steps=60"]
    assert train(tmp_path / "pupil", *arguments) == 0
    records = RunFolder(tmp_path / "pupil").read_metrics()
    costs = [record["teacher"] for record in records if record["kind"] == "train"]
    assert costs[-1] < costs[0] < 4.5
    assert "teacher" not in records[-1]  # held-out games judge it by what happened
    assert records[-1]["top1"] > 0.5
    assert export_command.main(["--run", str(tmp_path / "pupil"), "--out", str(tmp_path / "pupil.onnx")]) == 0
    assert read_weights(str(tmp_path / "pupil.onnx"))[1].trained_on["taught_by"] == str(network)
    config = configs.load(
        data_dir() / "configs" / "cpu-smoke.yaml",
        PolicyConfig,
        [f"data.store={row_store}", f"data.teacher={network}", "loss.teacher=1"],
    )
    targets = PolicyStage(config, torch.device("cpu")).batch(0).targets
    assert targets.teacher_policy is not None
    torch.testing.assert_close(targets.teacher_policy.sum(1), torch.ones(config.loop.batch_size))


def test_a_teacher_may_read_other_planes_than_its_pupil(network: Path, row_store: Path):
    """AlphaGo's network, which knows no pass, is taught about the positions that others are."""
    taught = [f"data.store={row_store}", f"data.teacher={network}", "loss.teacher=1", "data.history_dropout=0.5"]
    small = PolicyArchitecture(filters=4, layers=3, board=9)
    own = configs.load(data_dir() / "configs" / "cpu-smoke.yaml", PolicyConfig, taught)
    paper = msgspec.structs.replace(
        own, network=None, alphago=small, data=msgspec.structs.replace(own.data, features="alphago48")
    )
    stages = [PolicyStage(config, torch.device("cpu")) for config in (own, paper)]
    same, other = (stage.batch(3) for stage in stages)
    assert other.planes.shape[1:] == (48, 9, 9)
    torch.testing.assert_close(other.planes[:, :3], same.planes[:, :3])  # own stones, the opponent's, empty points
    assert same.targets.teacher_policy is not None
    without_pass = same.targets.teacher_policy.index_fill(1, torch.tensor(81), 0)
    torch.testing.assert_close(
        other.targets.teacher_policy, without_pass / without_pass.sum(1, keepdim=True), atol=1e-6, rtol=1e-4
    )
    _, parts = stages[1].loss(make_network(paper, torch.device("cpu")), other)
    assert parts["teacher"] < 5  # ln 81 = 4.4 of random weights


def test_who_cannot_teach(row_store: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    smoke = ("train", "policy", "--run", tmp_path / "new", "--config", "cpu-smoke", "--store", row_store)
    share = ("--set", "loss.teacher=0.5")
    assert "data.teacher wants a loss.teacher or loss.teacher_value above 0" in complaint(capsys, *smoke, *share)
    assert "data.teacher wants" in complaint(capsys, *smoke, "--set", f"data.teacher={network}")
    assert "there is no network nobody" in complaint(capsys, *smoke, *share, "--set", "data.teacher=nobody")
    assert "plays on 9x9" in complaint(
        capsys, *smoke, *share, "--set", f"data.teacher={network}", "--set", "data.size=19"
    )
    assert not (tmp_path / "new").exists()


def test_a_killed_run_goes_on_as_if_nothing_had_happened(row_store: Path, tmp_path: Path):
    """Batches are made on three threads, and nobody chooses the step at which the process dies."""
    settings = ["loop.steps=80", "loop.batch_size=32", "loop.checkpoint_every=4", "loop.keep=2", "data.threads=3"]
    few = ["loop.evaluate_every=30", "data.validation_positions=256"]
    changes = [part for setting in (*settings, *few) for part in ("--set", setting)]
    arguments = ["--config", "cpu-smoke", "--store", str(row_store), "--threads", "1", *changes]
    killed, whole = RunFolder(tmp_path / "killed"), RunFolder(tmp_path / "whole")
    program = [sys.executable, "-m", "gozero", "train", "policy", "--run", str(killed.path), *arguments]
    process = subprocess.Popen(program, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while (killed.latest_step() or 0) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.random() * 0.2)
    process.kill()
    process.wait()
    died_after = killed.latest_step() or 0
    assert 8 <= died_after < 80
    assert train(killed.path, "--resume", "--threads", "1", "--set", "data.threads=2") == 0
    assert train(whole.path, *arguments) == 0
    tensors = [checkpoint.load(checkpoint.path_of(folder.checkpoints, 80))[0] for folder in (killed, whole)]
    assert tensors[0].keys() == tensors[1].keys()
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0]), f"killed after {died_after}"


TINY_ALPHAGO = """
name: tiny-alphago
alphago: {filters: 8, layers: 4, board: 9}
data: {size: 9, features: alphago48}
loop: {steps: 30}
optimiser: {rate: 0.01}
"""


def test_alphagos_network_from_records_to_moves(row_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "tiny.yaml").write_text(TINY_ALPHAGO)
    arguments = ["--config", str(tmp_path / "tiny.yaml"), "--store", str(row_store), *FAST]
    assert train(tmp_path / "run", *arguments, "--set", "data.threads=2") == 0
    records = RunFolder(tmp_path / "run").read_metrics()
    assert records[0]["top1"] < records[-1]["top1"]
    assert "value" not in records[0]
    assert records[0]["tflops"] > 0
    export = ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "tiny.onnx"), "--weights", "fp16"]
    assert export_command.main(export) == 0
    player = load_player(size=9, network=str(tmp_path / "tiny.onnx"), visits=1, seed=1)
    position = Position(9)
    while not position.is_over and len(position.moves) < 200:
        choice = player.choose(position)
        assert choice.point != RESIGN
        position.play(choice.point)
    player.close()
    assert position.is_over  # it never resigns, and passes when nothing sensible is left
    assert len(position.moves) > 20
    assert "one board size" in complaint(capsys, "export", *export, "--boards", "9,13")


def test_the_reply_head_is_trained_and_left_out_of_the_file(row_store: Path, tmp_path: Path):
    reply = ["--set", "network.reply=true", "--set", "loss.reply=0.2", "--set", "data.history_dropout=0.1"]
    arguments = ["--config", "cpu-smoke", "--store", str(row_store), *FAST, *reply, "--set", "loop.steps=30"]
    assert train(tmp_path / "run", *arguments) == 0
    records = RunFolder(tmp_path / "run").read_metrics()
    assert records[-1]["kind"] == "validation"
    assert 0 < records[-1]["reply_nll"] < 4.0  # a guess costs ln 82 = 4.4
    assert export_command.main(["--run", str(tmp_path / "run"), "--out", str(tmp_path / "r.onnx")]) == 0
    network, info = read_weights(str(tmp_path / "r.onnx"))
    assert not any(name.startswith("reply") for name in network.state_dict())
    assert info.architecture["reply"] is False
    again = ["--init", str(tmp_path / "r.onnx"), "--set", "loop.steps=3"]
    assert train(tmp_path / "again", *arguments, *again) == 0


def test_passes_are_no_targets_of_alphagos_network(tmp_path: Path):
    with StoreWriter(tmp_path / "store") as writer:
        for start in range(400):
            moves = np.array([start % 40, 81 | WHITE_BIT, 80 - start // 10], np.uint16)
            writer.append(GameRecord(size=9, moves=moves, komi=7.0, winner=BLACK, ending="resign"))
    (tmp_path / "tiny.yaml").write_text(TINY_ALPHAGO)
    config = configs.load(tmp_path / "tiny.yaml", PolicyConfig, [f"data.store={tmp_path / 'store'}"])
    stage = PolicyStage(config, torch.device("cpu"))
    batch = stage.batch(0)
    known = batch.targets.policy != UNKNOWN
    assert 0.5 < float(known.float().mean()) < 0.8
    assert int(batch.targets.policy.max()) < 81
    network = make_network(config, torch.device("cpu"))
    loss, _ = stage.loss(network, batch)
    assert loss.item() == pytest.approx(np.log(81), abs=0.3)  # not the 10,000 that its logit of a pass would cost
    assert not (tmp_path / "store" / "ownership-2.i8").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["network.reply=true"], "loss.reply above 0"),
        (["loss.reply=0.1"], "loss.reply above 0"),
        (["alphago.filters=8"], "one network"),
        (["data.history_dropout=1.5"], "history_dropout"),
    ],
)
def test_settings_that_contradict_each_other(settings: list[str], words: str, row_store: Path, tmp_path: Path, capsys):
    changes = [part for setting in settings for part in ("--set", setting)]
    smoke = ("--config", "cpu-smoke", "--store", row_store)
    assert words in complaint(capsys, "train", "policy", "--run", tmp_path / "new", *smoke, *changes)


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What the command line says on stderr, exit status 2 checked."""
    capsys.readouterr()
    assert cli.main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert error[-1].startswith("gozero: error: ")
    return error[-1]


def test_complaints_of_train(run: Path, row_store: Path, network: Path, tmp_path: Path, capsys):
    new = ("train", "policy", "--run", tmp_path / "new")
    old = ("train", "policy", "--run", run)
    store = ("--store", row_store)
    smoke = (*store, "--config", "cpu-smoke")
    assert "presets: " in complaint(capsys, *new, *store, "--config", "cpu-smock")
    assert "--config is missing" in complaint(capsys, *new, *store)
    assert "'loop.stepz'; did you mean 'loop.steps'" in complaint(capsys, *new, *smoke, "--set", "loop.stepz=3")
    assert "--store" in complaint(capsys, *new, "--config", "cpu-smoke")
    assert "does not exist" in complaint(capsys, *new, "--config", "cpu-smoke", "--store", tmp_path / "absent")
    assert "has no 19x19 game" in complaint(capsys, *new, *smoke, "--set", "data.size=19")
    assert "unknown feature set" in complaint(capsys, *new, *smoke, "--set", "data.features=compakt")
    assert "there is no run" in complaint(capsys, *new, "--resume")
    assert "already holds a run" in complaint(capsys, *old, *smoke)
    assert "network.channels = 16, now 24" in complaint(capsys, *old, "--resume", "--set", "network.channels=24")
    assert "use one of them" in complaint(capsys, *old, "--resume", "--init", network)
    assert "channels = 8 is below the 16" in complaint(
        capsys, *new, *smoke, "--init", network, "--set", "network.channels=8"
    )
    assert "there is no network compact-20" in complaint(capsys, *new, *smoke, "--init", "compact-20")
    assert "device" in complaint(capsys, *new, *smoke, "--device", "abacus")
    assert not (tmp_path / "new").exists()


def test_complaints_of_eval_and_export(run: Path, row_store: Path, network: Path, tmp_path: Path, capsys):
    games = ("eval", "policy", "--games", row_store)
    assert "there is no network file" in complaint(capsys, *games, "--network", tmp_path / "absent.onnx")
    assert "plays on 9x9, not on 19x19" in complaint(capsys, *games, "--network", network, "--size", "19")
    assert "has no 9x9 game from chess" in complaint(capsys, *games, "--network", network, "--source", "chess")
    (tmp_path / "empty").mkdir()
    assert "empty" in complaint(capsys, "eval", "policy", "--network", network, "--games", tmp_path / "empty")
    assert "there is no run" in complaint(capsys, "export", "--run", tmp_path)
    assert "no checkpoint" in complaint(capsys, "export", "--run", run, "--step", "7")
    assert "board sizes" in complaint(capsys, "export", "--run", run, "--boards", "9x9")
    (tmp_path / "bad.json").write_text("[")
    assert "eval policy --json" in complaint(capsys, "export", "--run", run, "--results", tmp_path / "bad.json")


def test_validation_never_sees_a_training_game(row_store: Path):
    preset = configs.load(data_dir() / "configs" / "cpu-smoke.yaml", PolicyConfig, [f"data.store={row_store}"])
    stage = PolicyStage(preset, torch.device("cpu"))
    total = int((Store.open(row_store).games["length"]).sum())
    assert 0 < stage.validation.positions < 0.05 * total
    assert stage.train.positions > 0.9 * total
    assert stage.train.positions + stage.validation.positions < total

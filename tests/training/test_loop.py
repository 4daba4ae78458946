"""The loop on a tiny network: exact resume, also after kill -9; metrics, schedule and errors."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.networks import Architecture, Compact
from gozero.features import GLOBALS
from training import checkpoint
from training.loop import LoopConfig, TrainingError, train
from training.losses import LossConfig, Targets, supervised_loss
from training.optimisers import OptimiserConfig, ScheduleConfig
from training.run_folder import RunFolder

PLANES, SIZE, BATCH = 5, 5, 16


class Copycat:
    """A stage whose answer is mostly the point marked on the first plane; the value is won where globals say so."""

    name = "copycat"
    unit = "positions"
    goal = "top1"

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause

    def batch(self, step: int) -> tuple[Tensor, ...]:
        time.sleep(self.pause)
        generator = torch.Generator().manual_seed(step)
        planes = torch.rand(BATCH, PLANES, SIZE, SIZE, generator=generator).round()
        policy = torch.randint(0, SIZE * SIZE, (BATCH,), generator=generator)
        planes[:, 0] = nn.functional.one_hot(policy, SIZE * SIZE).view(BATCH, SIZE, SIZE)
        # A fifth of the moves is anything: Muon's steps do not shrink with the gradient, so a loss of 0 would not last.
        surprise = torch.rand(BATCH, generator=generator) < 0.2
        policy = torch.where(surprise, policy.roll(1), policy)
        globals_ = torch.randn(BATCH, len(GLOBALS), generator=generator)
        ownership = planes[:, 1].flatten(1)
        return planes, globals_, policy, globals_[:, 0].sign(), torch.ones(BATCH), ownership

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        planes, globals_, *targets = batch
        loss = supervised_loss(network(planes, globals_), Targets(*targets), LossConfig(value=0.5, ownership=0.1))
        return loss.total, {"policy": loss.policy.detach()}

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        planes, globals_, policy, *_ = self.batch(10**6)
        return {"top1": float((network(planes, globals_).policy.argmax(1) == policy).float().mean())}


class Broken(Copycat):
    """A stage whose loss stops being a number."""

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        total, metrics = super().loss(network, batch)
        return total * torch.nan, metrics


class Overflowing(Copycat):
    """A stage whose gradient stops being a number, once, though its loss is one."""

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        total, metrics = super().loss(network, batch)
        weights = next(network.parameters())
        return total + 0 * (weights - weights.detach()).sqrt().sum(), metrics


class Told(Copycat):
    """A stage whose evaluations have these results, in turn."""

    def __init__(self, *results: float) -> None:
        super().__init__()
        self.results = list(results)

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        return {"top1": self.results.pop(0)}


def tiny(batch_norm: bool = False, channels: int = 8) -> Compact:
    torch.manual_seed(3)
    architecture = Architecture(
        blocks=2, channels=channels, policy_channels=8, value_channels=4, value_hidden=8, batch_norm=batch_norm
    )
    return Compact(architecture, PLANES)


def run(
    folder: Path,
    steps: int,
    *,
    total: int = 60,
    resume: bool = False,
    stage: Copycat | None = None,
    optimiser: str = "muon",
    batch_norm: bool = False,
    threads: int = 1,
    channels: int = 8,
    winograd: bool = True,
) -> dict[str, Tensor]:
    """Train to `steps` with the schedule of a run of `total` steps; returns the newest checkpoint's tensors."""
    target = RunFolder(folder)
    target.checkpoints.mkdir(parents=True, exist_ok=True)
    loop = LoopConfig(
        steps=total,
        batch_size=BATCH,
        winograd=winograd,
        log_every=10,
        evaluate_every=25,
        checkpoint_every=10,
        keep=100,
    )
    stage = stage or Copycat()
    network = tiny(batch_norm, channels)
    if steps < total:
        stage = StopAt(steps)
    train(
        stage,
        network,
        target,
        loop,
        OptimiserConfig(name="muon" if optimiser == "muon" else "adamw"),
        ScheduleConfig(warmup=5),
        resume=resume,
        facts={},
        threads=threads,
    )
    return checkpoint.load(checkpoint.path_of(target.checkpoints, target.latest_step() or 0))[0]


class StopAt(Copycat):
    """Sends this process SIGINT when the loss of a step is asked for."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return super().loss(network, batch)


def assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


@pytest.mark.parametrize(("optimiser", "batch_norm"), [("muon", False), ("adamw", True)])
def test_resumed_run_ends_with_the_same_weights(tmp_path: Path, optimiser: str, batch_norm: bool) -> None:
    whole = run(tmp_path / "whole", 60, optimiser=optimiser, batch_norm=batch_norm)
    first = run(tmp_path / "parts", 23, optimiser=optimiser, batch_norm=batch_norm)
    assert not torch.equal(first["network.first.weight"], whole["network.first.weight"])
    parts = run(tmp_path / "parts", 60, resume=True, optimiser=optimiser, batch_norm=batch_norm, threads=3)
    assert_equal(whole, parts)


def test_winograds_convolutions_learn_the_same_and_resume_exactly(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", 30, total=30, channels=16, batch_norm=True)
    run(tmp_path / "parts", 13, total=30, channels=16, batch_norm=True)
    assert_equal(whole, run(tmp_path / "parts", 30, total=30, channels=16, batch_norm=True, resume=True))
    direct = run(tmp_path / "direct", 30, total=30, channels=16, batch_norm=True, winograd=False)
    losses, others = (
        [record["loss"] for record in RunFolder(tmp_path / name).read_metrics() if record["kind"] == "train"]
        for name in ("whole", "direct")
    )
    name = "network.trunk.0.conv1.weight"
    assert not torch.equal(whole[name], direct[name])  # so the setting is looked at
    assert losses == pytest.approx(others, rel=0.01)


def test_killed_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        f"from pathlib import Path\nfrom tests.training.test_loop import Copycat, run\n"
        f"import torch; torch.set_num_threads({torch.get_num_threads()})\n"
        f"run(Path({str(tmp_path / 'killed')!r}), 60, stage=Copycat(pause=0.02))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    folder = RunFolder(tmp_path / "killed")
    deadline = time.monotonic() + 60
    while (folder.latest_step() or 0) < 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert 20 <= (folder.latest_step() or 0) < 60
    assert_equal(run(tmp_path / "whole", 60), run(tmp_path / "killed", 60, resume=True))
    steps = [(record["kind"], record["step"]) for record in folder.read_metrics()]
    assert len(steps) == len(set(steps))
    assert [step for kind, step in steps if kind == "train"] == [10, 20, 30, 40, 50, 60]


def test_it_learns_and_keeps_the_best(tmp_path: Path) -> None:
    run(tmp_path, 300, total=300)
    folder = RunFolder(tmp_path)
    records = folder.read_metrics()
    results = {record["step"]: record["top1"] for record in records if record["kind"] == "validation"}
    assert max(results.values()) > 0.7
    assert results[folder.best_step() or 0] == max(results.values())
    losses = [record["loss"] for record in records if record["kind"] == "train"]
    assert losses[-1] < 0.7 * losses[0]
    assert list((tmp_path / "tensorboard").iterdir())
    assert all(0 <= record["data_wait"] <= 1 for record in records if record["kind"] == "train")


@pytest.mark.parametrize("step", [25, 60])
def test_a_run_stopped_in_a_step_that_is_evaluated_is_evaluated_there(tmp_path: Path, step: int) -> None:
    run(tmp_path, 60, stage=StopAt(step))
    if step < 60:
        run(tmp_path, 60, resume=True)
    records = RunFolder(tmp_path).read_metrics()
    assert [record["step"] for record in records if record["kind"] == "validation"] == [25, 50, 60]


def test_a_best_result_is_not_forgotten_where_a_run_dies_while_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_best", lambda *_: sys.exit())
        with pytest.raises(SystemExit):
            run(tmp_path, 60, stage=Told(1.0))
    run(tmp_path, 60, resume=True, stage=Told(1.0, 0.5, 0.5))
    assert RunFolder(tmp_path).best_step() == 25


def test_prune_keeps_the_newest_and_the_best(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (10, 20, 30, 40):
        checkpoint.save(checkpoint.path_of(folder.checkpoints, step), {"a": torch.zeros(1)}, {})
    folder.write_best(20, {"top1": 0.5})
    folder.prune(1)
    assert checkpoint.steps_in(folder.checkpoints) == [20, 40]


def test_a_loss_that_is_no_number_stops_the_run_before_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no number"):
        run(tmp_path, 60, stage=Broken())
    assert checkpoint.steps_in(tmp_path / "checkpoints") == []


def test_weights_that_are_no_numbers_are_not_kept(tmp_path: Path) -> None:
    run(tmp_path, 20)
    with pytest.raises(TrainingError, match="no numbers any more at step 25"):
        run(tmp_path, 60, resume=True, stage=Overflowing())
    assert checkpoint.steps_in(tmp_path / "checkpoints") == [10, 20]


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    run(tmp_path, 23)
    with pytest.raises(checkpoint.CheckpointError, match="another network"):
        run(tmp_path, 60, resume=True, batch_norm=True)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    run(tmp_path, 23)
    path = checkpoint.path_of(tmp_path / "checkpoints", 23)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(checkpoint.CheckpointError, match="not a readable checkpoint"):
        run(tmp_path, 60, resume=True)

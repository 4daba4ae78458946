"""Two processes, as torchrun starts them, against one with the whole batch, or with batch norm one with each half."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file

from gozero import config as configs
from gozero.data_files import data_dir
from gozero.errors import GozeroError
from training.distributed import World
from training.loop import train
from training.run_folder import RunFolder
from training.supervised import PolicyConfig, PolicyStage, facts, make_network

CHECKOUT = Path(__file__).parents[2]

PROGRAM = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from tests.training.test_distributed import NORMED, gradients, settings, trained
from training.distributed import join
from training.supervised import PolicyStage, make_network

store, out = sys.argv[1:]
torch.set_num_threads(1)
with join(torch.device("cpu")) as (world, device):
    config = settings(store)
    stage = PolicyStage(config, device, world)
    batch = stage.batch(3)
    network = make_network(config, device)
    rows = {"planes": batch.planes.contiguous(), "policy": batch.targets.policy}
    after = trained(config, stage, Path(out) / "run", world)
    state = {**rows, **gradients(stage, world.wrap(network), network, batch), **after}
    config = settings(store, *NORMED)
    stage = PolicyStage(config, device, world)
    network = make_network(config, device)
    normed = gradients(stage, world.wrap(network), network, stage.batch(3)) | dict(network.named_buffers())
    state |= {f"normed.{name}": tensor for name, tensor in normed.items()}
    state = {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}
    save_file(state, f"{out}/rank{world.rank}.safetensors")
"""


NORMED = ("network.batch_norm=true", "network.reply=false", "loss.reply=0")
"""Changes of settings for a network with batch norms, all of whose targets every row has."""


def settings(store: str | Path, *more: str) -> PolicyConfig:
    changes = [
        f"data.store={store}",
        "network.reply=true",
        "loss.reply=0.3",
        "loop.steps=6",
        "loop.batch_size=64",
        "loop.log_every=2",
        "loop.evaluate_every=3",
        "data.validation_positions=256",
        "optimiser.name=adamw",
        "data.threads=2",
        *more,
    ]
    return configs.load(data_dir() / "configs" / "cpu-smoke.yaml", PolicyConfig, changes)


class Half(World):
    """One of two processes, of which there is no other."""

    def wait(self) -> None:
        pass


def gradients(stage, worker, network, batch) -> dict[str, torch.Tensor]:
    network.zero_grad()
    stage.loss(worker, batch)[0].backward()
    return {f"gradient.{name}": parameter.grad for name, parameter in network.named_parameters()}


def trained(config: PolicyConfig, stage: PolicyStage, run: Path, world: World) -> dict[str, torch.Tensor]:
    network = make_network(config, torch.device("cpu"))
    folder = RunFolder(run)
    folder.checkpoints.mkdir(parents=True, exist_ok=True)
    train(
        stage,
        network,
        folder,
        config.loop,
        config.optimiser,
        config.schedule,
        resume=False,
        facts=facts(config, stage),
        threads=2,
        world=world,
    )
    return {f"after.{name}": weight for name, weight in network.state_dict().items()}


class Ranks(NamedTuple):
    """What the two processes wrote, and the folder where they did."""

    first: dict[str, torch.Tensor]
    second: dict[str, torch.Tensor]
    folder: Path


@pytest.fixture(scope="module")
def ranks(row_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Ranks:
    PolicyStage(settings(row_store), torch.device("cpu")).batch(3)  # so that the two find every kernel compiled
    tmp_path = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "program.py"]
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*command, str(row_store), str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (load_file(tmp_path / f"rank{rank}.safetensors") for rank in (0, 1))
    return Ranks(first, second, tmp_path)


def test_two_processes_do_what_one_does(row_store: Path, ranks: Ranks, tmp_path: Path):
    config, (first, second, folder) = settings(row_store), ranks
    stage = PolicyStage(config, torch.device("cpu"))
    batch = stage.batch(3)
    assert torch.equal(torch.cat([first["planes"], second["planes"]]), batch.planes)
    assert torch.equal(torch.cat([first["policy"], second["policy"]]), batch.targets.policy)
    network = make_network(config, torch.device("cpu"))
    for name, gradient in gradients(stage, network, network, batch).items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], gradient, rtol=1e-4, atol=1e-6)
    alone = trained(config, stage, tmp_path / "alone", World())
    for name, weight in alone.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], weight, rtol=0, atol=2e-3)  # six steps of up to 3e-3 each

    together, apart = (RunFolder(path).read_metrics() for path in (folder / "run", tmp_path / "alone"))
    assert [(r["kind"], r["step"], r["positions"]) for r in together] == [
        (r["kind"], r["step"], r["positions"]) for r in apart
    ]
    assert together[0]["loss"] == pytest.approx(apart[0]["loss"], rel=1e-4)


def test_batch_norms_norm_the_rows_of_each_process(row_store: Path, ranks: Ranks):
    """The gradient is the mean of those of both halves, and the first one's statistics are kept."""
    config = settings(row_store, *NORMED)
    alone = PolicyStage(config, torch.device("cpu"))
    halves, kept = [], []
    for rank in (0, 1):
        network = make_network(config, torch.device("cpu"))
        half = PolicyStage(config, torch.device("cpu"), Half(rank, 2)).batch(3)
        halves.append(gradients(alone, network, network, half))
        kept.append(dict(network.named_buffers()))
    for name, gradient in halves[0].items():
        assert torch.equal(ranks.first[f"normed.{name}"], ranks.second[f"normed.{name}"])
        mean = (gradient + halves[1][name]) / 2
        torch.testing.assert_close(ranks.first[f"normed.{name}"], mean, rtol=1e-4, atol=1e-6)
    assert any(not torch.allclose(kept[0][name], kept[1][name]) for name in kept[0])
    for name, statistic in kept[0].items():
        torch.testing.assert_close(ranks.first[f"normed.{name}"], statistic)


def test_a_batch_that_cannot_be_shared_out():
    assert World(1, 4).part(64) == 16
    with pytest.raises(GozeroError, match=r"loop\.batch_size = 63 cannot be shared out among 2"):
        World(0, 2).part(63)

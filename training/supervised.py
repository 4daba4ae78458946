"""The supervised stage: predict the move that was played and who won, from game records."""

import os
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from engine.networks import Answers, Architecture, Compact
from gozero import features
from gozero.config import Config
from gozero.record import Store
from training.batches import Batch, BatchSource
from training.loop import LoopConfig
from training.losses import Loss, Targets, supervised_loss
from training.optimisers import OptimiserConfig, ScheduleConfig
from training.ownership import final_ownership
from training.progress import settling_progress


class DataConfig(Config, frozen=True):
    """Which positions are drawn, and what the network sees of them."""

    store: str = ""
    """Folder of the packed store (`gozero pack`); given with `--store`."""
    size: int = 19
    """Board size."""
    features: str = "compact"
    """Feature set of the input planes."""
    symmetry: bool = True
    """Show every training position in a random one of its eight symmetries."""
    sources: tuple[str, ...] = ()
    """Only games whose source contains one of these texts; all if empty."""
    threads: int = 1
    """Threads that make batches."""
    validation_positions: int = 4096
    """Positions of the validation split that an evaluation looks at."""


class LossConfig(Config, frozen=True):
    """Weights of the parts of the loss."""

    ownership: float = 0.5
    """Weight of the squared error a point of the ownership: without it a small network learns no value from records
    (9x9, 90,000 positions: value error 0.898 against 0.949, policy 1.914 against 1.936 nats)."""
    value: float = 0.3
    """Weight of the value's squared error beside the policy's cross-entropy. AlphaGo Zero needed 0.01 on human games to
    keep a large network from learning games by heart; a small one that sees a few positions of each game cannot."""


class PolicyConfig(Config, frozen=True):
    """`gozero train policy`: everything that decides a run."""

    name: str
    """What the network will be called."""
    network: Architecture
    loop: LoopConfig
    init: str = ""
    """Network whose weights the run starts from (shipped name or file); empty = random weights. Given with `--init`."""
    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()


class Tensors(NamedTuple):
    """A batch as the network wants it; every value is for the player to move."""

    planes: Tensor
    """float32 [B, C, S, S], channels last in memory (a tenth faster on CPUs than the default layout)."""
    globals: Tensor
    """float32 [B, len(GLOBALS)]."""
    targets: Targets


def to_tensors(batch: Batch, device: torch.device) -> Tensors:
    """A numpy batch on `device`."""
    planes = torch.from_numpy(batch.planes).to(device).to(torch.float32, memory_format=torch.channels_last)
    targets = (batch.policy, batch.value, batch.value_weight, batch.ownership)
    return Tensors(
        planes,
        torch.from_numpy(batch.globals).to(device),
        Targets(*(torch.from_numpy(array).to(device) for array in targets)),
    )


class PolicyStage:
    """Supplies the loop with random positions of the training games and tests on validation games."""

    name = "policy"
    goal = "top1"

    def __init__(self, config: PolicyConfig, device: torch.device) -> None:
        """Opens the store. Raises StoreError or ValueError when it is unreadable or has no game of that size."""
        data = config.data
        store = Store.open(data.store)
        ownership = final_ownership(store, settling_progress(), os.cpu_count() or 1)
        self.device = device
        self.sources = [name for name in store.meta.sources if any(text in name for text in data.sources or ("",))]
        self.weights = config.loss
        self.train = BatchSource(
            store,
            feature_set=data.features,
            size=data.size,
            split="train",
            batch_size=config.loop.batch_size,
            seed=config.loop.seed,
            symmetry=data.symmetry,
            threads=data.threads,
            sources=data.sources,
            ownership=ownership,
        )
        self.validation_batches = max(1, data.validation_positions // 256)
        self.validation = BatchSource(
            store,
            feature_set=data.features,
            size=data.size,
            split="validation",
            batch_size=256,
            seed=0,
            symmetry=False,
            threads=data.threads,
            sources=data.sources,
            ownership=ownership,
        )

    def batch(self, step: int) -> Tensors:
        """The training batch of `step`."""
        return to_tensors(self.train.batch(step), self.device)

    def loss(self, network: nn.Module, batch: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of the move played plus weighted squared errors of value and ownership."""
        answers = network(batch.planes, batch.globals)
        loss = self._loss(answers, batch)
        parts = {name: part.detach() for name, part in loss._asdict().items() if name != "total"}
        top1 = (answers.policy.detach().argmax(1) == batch.targets.policy).float().mean()
        return loss.total, {**parts, "top1": top1}

    def _loss(self, answers: Answers, batch: Tensors) -> Loss:
        return supervised_loss(
            answers, batch.targets, value_weight=self.weights.value, ownership_weight=self.weights.ownership
        )

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Accuracy, cross-entropy in nats and value error, always on the same positions of validation games."""
        sums: dict[str, float] = {}
        for step in range(self.validation_batches):
            batch = to_tensors(self.validation.batch(step), self.device)
            answers = network(batch.planes, batch.globals)
            loss = self._loss(answers, batch)
            top = answers.policy.topk(5, dim=1).indices == batch.targets.policy[:, None]
            results = {
                "top1": top[:, 0],
                "top5": top.any(1),
                "nll": loss.policy,
                "mse": loss.value,
                "ownership": loss.ownership,
            }
            for key, result in results.items():
                sums[key] = sums.get(key, 0.0) + float(result.float().mean())
        return {key: total / self.validation_batches for key, total in sums.items()}


def make_network(config: PolicyConfig, device: torch.device) -> Compact:
    """The untrained network of `config`; the same weights for the same `loop.seed`."""
    torch.manual_seed(config.loop.seed)
    network = Compact(config.network, features.plane_count(config.data.features))
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def facts(config: PolicyConfig, stage: PolicyStage) -> dict[str, Any]:
    """What a checkpoint's record says about the data it saw."""
    return {
        "sources": stage.sources,
        "games": stage.train.games,
        "positions_available": stage.train.positions,
        "started_from": config.init,
    }

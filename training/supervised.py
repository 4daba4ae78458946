"""The supervised stage: predict the move that was played and who won, from game records; or, from self-play games, what
a search would play."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import msgspec
import torch
from torch import Tensor, nn

from engine.alphago_networks import PolicyArchitecture
from engine.evaluator import Evaluation
from engine.network_kinds import Network, build
from engine.networks import Architecture
from gozero import features
from gozero.cores import usable_cores
from gozero.searches import Searches
from gozero.store import Store
from training.ahead import Ahead
from training.batches import Batch, BatchSource
from training.distributed import ALONE, World, first_before_others
from training.losses import UNKNOWN, Targets, supervised_loss
from training.ownership import final_ownership
from training.progress import settling_progress
from training.records_config import RecordsConfig
from training.speed import TRAINING_COST, forward_flops
from training.teacher import Teacher

VALIDATION_BATCH = 256
"""Positions that are evaluated at a time."""

METRICS = {"policy": "nll", "value": "mse", "ownership": "ownership", "reply": "reply_nll"}
"""What an evaluation calls the parts of the loss."""


class PolicyConfig(RecordsConfig, frozen=True):
    """`gozero train policy`: everything that decides a run."""

    network: Architecture | None = None
    """Shape of a residual network that learns policy, value and ownership; or:"""
    alphago: PolicyArchitecture | None = None
    """Shape of the paper's policy network, which learns the policy alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network is not None and self.network.reply != (self.loss.reply > 0):
            raise ValueError("network.reply wants a loss.reply above 0, and the other way round")
        if self.data.searches and self.network is None:
            raise ValueError("data.searches wants a residual network: the paper's policy network knows no pass")
        if self.loss.search_value and not self.data.searches:
            raise ValueError("loss.search_value wants data.searches: records of games have no search's value")


class Tensors(NamedTuple):
    """A batch as the network wants it; every value is for the player to move."""

    planes: Tensor
    """[B, C, S, S], bytes as they come and go from memory to memory; for the network float32, channels last in memory
    (a tenth faster on CPUs than the default layout, and what tensor cores want)."""
    globals: Tensor
    """float32 [B, len(GLOBALS)]."""
    targets: Targets


def to_tensors(batch: Batch, *, passes: bool) -> Tensors:
    """A numpy batch as tensors, sharing its memory.

    Without `passes` a pass is no target: AlphaGo's policy network learned from all positions but those. Where the
    positions were searched, the move to predict is the one that the search would play most often.
    """
    searched = batch.shares.shape[1] > 0
    moves = torch.from_numpy(batch.shares.argmax(1) if searched else batch.policy)
    if not passes:
        moves = moves.where(moves < batch.planes.shape[-1] ** 2, UNKNOWN)
    planes = torch.from_numpy(batch.planes)
    others = (batch.value, batch.value_weight, batch.ownership, batch.reply)
    found = (batch.shares, batch.search_value) if searched else ()
    targets = Targets(moves, *(torch.from_numpy(array) for array in (*others, *found)))
    return Tensors(planes, torch.from_numpy(batch.globals), targets)


def over(tensors: Tensors, change: Callable[[Tensor], Tensor]) -> Tensors:
    """`tensors` with each one changed."""
    targets = Targets(*(None if target is None else change(target) for target in tensors.targets))  # type: ignore[arg-type]
    return Tensors(change(tensors.planes), change(tensors.globals), targets)


def as_input(tensors: Tensors) -> Tensors:
    """`tensors` with planes as the first layer wants them."""
    return tensors._replace(planes=tensors.planes.to(torch.float32, memory_format=torch.channels_last))


class PolicyStage:
    """Supplies the loop with random positions of the training games and tests on validation games."""

    name = "policy"
    unit = "positions"
    goal = "top1"

    def __init__(self, config: RecordsConfig, device: torch.device, world: World = ALONE, store_path: str = "") -> None:
        """Opens the store, `data.store` unless another is named.

        Raises StoreError or ValueError when it is unreadable or has no game of that size; ValueError, NetworkFileError
        or EvaluatorError when there is a teacher that nobody heeds, none to be heeded, or one that cannot teach this.
        """
        data = config.data
        if bool(data.teacher) != (max(config.loss.teacher, config.loss.teacher_value) > 0):
            raise ValueError("data.teacher wants a loss.teacher or loss.teacher_value above 0, and the other way round")
        store = Store.open(store_path or data.store)
        rows = world.part(config.loop.batch_size)
        self.teacher: Teacher | None = None
        if data.teacher:
            self.teacher = Teacher(data.teacher, data.size, rows, turns=data.teacher_turns)
        self.feature_set = data.features
        self.device = device
        self.world = world
        self.passes = config.network is not None
        self.weights = config.loss
        self.judged_by = msgspec.structs.replace(config.loss, search_value=0.0, teacher=0.0, teacher_value=0.0)
        self.threads = data.threads
        self.sources = [name for name in store.meta.sources if any(text in name for text in data.sources or ("",))]
        ownership = None
        if self.passes and self.weights.ownership:
            with first_before_others(world):
                ownership = final_ownership(store, settling_progress(), usable_cores())
        source = partial(
            BatchSource,
            store,
            feature_set=data.features,
            size=data.size,
            sources=data.sources,
            ownership=ownership,
            searches=Searches.open(store) if data.searches else None,
        )
        self.train = source(
            split="train",
            batch_size=rows,
            seed=config.loop.seed,
            symmetry=data.symmetry,
            history_dropout=data.history_dropout,
        )
        self.validation_batches = max(1, data.validation_positions // VALIDATION_BATCH)
        held_out = partial(source, batch_size=VALIDATION_BATCH, seed=0, symmetry=False)
        try:
            self.validation = held_out(split="validation")
        except ValueError:
            if not data.searches:
                raise
            self.validation = held_out(split="train")
        self._validation: list[Tensors] = []

    def batch(self, step: int) -> Tensors:
        """This process's part of the training batch of `step`, in the host's memory."""
        # The source numbers rows from step * batch_size on: so all parts together are the whole batch of one process.
        number = step * self.world.size + self.world.rank
        rows = self.train.batch(number)
        if self.teacher is None:
            return self._prepared(rows, None)
        same = self.teacher.feature_set == self.feature_set
        seen = rows if same else self.train.batch(number, self.teacher.feature_set)
        return self._prepared(rows, self.teacher.answers(seen, step))

    def loss(self, network: nn.Module, batch: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of the move played plus, where the network has such heads, what else it learns from a game."""
        batch = self._here(batch)
        answers = network(batch.planes, batch.globals)
        loss = supervised_loss(answers, batch.targets, self.weights, self.world.mean)
        parts = {name: part.detach() for name, part in loss.parts().items()}
        if self.weights.policy:
            parts["top1"] = _share(answers.policy.detach().argmax(1) == batch.targets.policy, batch)
        else:
            del parts["policy"]  # of a head that learns nothing
        return loss.total, parts

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Accuracy, cross-entropy in nats and what else there is, always on the same positions of validation games.

        A value is judged by the results of the games, whatever it learns.
        """
        if not self._validation:
            with Ahead(self.validation.batch, 0, self.validation_batches, self.threads) as batches:
                # As bytes: whole evaluations are kept, and floats would be four times their size.
                self._validation = [to_tensors(rows, passes=self.passes) for _, rows in batches]
        sums: dict[str, float] = {}
        for kept in self._validation:
            batch = self._here(kept)
            answers = network(batch.planes, batch.globals)
            loss = supervised_loss(answers, batch.targets, self.judged_by)
            top = answers.policy.topk(5, dim=1).indices == batch.targets.policy[:, None]
            results = {"top1": _share(top[:, 0], batch), "top5": _share(top.any(1), batch)}
            results |= {METRICS[name]: part for name, part in loss.parts().items()}
            for key, result in results.items():
                sums[key] = sums.get(key, 0.0) + float(result)
        return {key: total / self.validation_batches for key, total in sums.items()}

    def _prepared(self, rows: Batch, answer: Evaluation | None) -> Tensors:
        """A batch, with the teacher's answer, as a thread that makes batches hands it on: most work is done there."""
        tensors = to_tensors(rows, passes=self.passes)
        if answer is not None:
            tensors = tensors._replace(targets=self._taught(tensors.targets, answer))
        return over(tensors, Tensor.pin_memory) if self.device.type == "cuda" else as_input(tensors)

    def _taught(self, targets: Targets, answer: Evaluation) -> Targets:
        """`targets` with what the teacher says; of a pass nothing to a network that knows none."""
        logits = torch.from_numpy(answer.policy_logits)
        if not self.passes:
            logits = logits.index_fill(1, torch.tensor(logits.shape[1] - 1), -torch.inf)
        policy = logits.softmax(1)
        ownership = None if answer.ownership is None else torch.from_numpy(answer.ownership)
        return targets._replace(
            teacher_policy=policy, teacher_value=torch.from_numpy(answer.value), teacher_ownership=ownership
        )

    def _here(self, batch: Tensors) -> Tensors:
        """A batch on the network's device; planes travel as bytes and are turned to floats there."""
        return as_input(over(batch, lambda tensor: tensor.to(self.device, non_blocking=True)))


def _share(right: Tensor, batch: Tensors) -> Tensor:
    """The share of known moves that were `right` [B]."""
    known = (batch.targets.policy != UNKNOWN).sum()
    return right.float().sum() / known.clamp(min=1)


def make_network(config: RecordsConfig, device: torch.device) -> Network:
    """The untrained network of `config`; the same weights for the same `loop.seed`."""
    torch.manual_seed(config.loop.seed)
    network = build(config.architecture, features.plane_count(config.feature_set))
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def step_flops(network: Network, config: RecordsConfig) -> int:
    """Operations of the training step of one position."""
    return TRAINING_COST * forward_flops(network, features.plane_count(config.data.features), config.data.size)


def facts(config: RecordsConfig, stage: PolicyStage) -> dict[str, Any]:
    """What a checkpoint's record says about the data it saw."""
    return {
        "sources": stage.sources,
        "games": stage.train.games,
        "positions_available": stage.train.positions,
        "started_from": config.init,
        "taught_by": config.data.teacher,
    }

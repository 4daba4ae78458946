"""The value stage: who will win, from positions of self-play or of records."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from engine.alphago_networks import ValueArchitecture
from engine.networks import Architecture
from gozero.store import Store
from training.distributed import ALONE, World
from training.losses import LossConfig
from training.records_config import RecordsConfig
from training.samples import SamplingConfig, one_a_game
from training.supervised import VALIDATION_BATCH, PolicyStage, to_tensors


class ValueConfig(RecordsConfig, frozen=True):
    """`gozero train value`: everything that decides a run."""

    network: Architecture | None = None
    """Shape of a residual network, whose value knows komi and who will own what; or:"""
    alphago: ValueArchitecture | None = None
    """Shape of the paper's value network, which knows the komi of its games alone."""
    positions: Literal["one", "all"] = "one"
    """`one` position of each game, as in the paper: all of them together teach a large network the games by heart.
    `all` does no harm where the policy is learned too and `loss.value` is small (0.01 in AlphaGo Zero)."""
    sampling: SamplingConfig = SamplingConfig()
    loss: LossConfig = LossConfig(policy=0.0, value=1.0, ownership=0.3)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network is not None and self.network.reply:
            raise ValueError("network.reply predicts moves: a value network has no use for it")
        if self.data.searches:
            raise ValueError("data.searches teaches a policy what a search would play: use gozero train policy for it")
        if self.loss.value <= 0:
            raise ValueError("loss.value must be above 0: it is what this stage learns")


class ValueStage(PolicyStage):
    """Supplies the loop with positions whose result is known; measures errors, and whether the network is alive."""

    name = "value"
    goal = "explained"

    def __init__(self, config: ValueConfig, store: str, device: torch.device, world: World = ALONE) -> None:
        """Opens the `store`, the one that `config` names or the run's own.

        Raises StoreError or ValueError when it is unreadable or has no position of use.
        """
        super().__init__(config, device, world, store)
        plies = one_a_game(Store.open(store), config.loop.seed)
        if config.positions == "one":
            self.train.take_one_a_game(plies)
        # What is measured is comparable between both ways to learn.
        self.validation.take_one_a_game(plies)
        self.validation_batches = max(
            1, min(config.data.validation_positions, self.validation.games) // VALIDATION_BATCH
        )

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Of one position of each validation game whose result is known, the same ones every time:

        `mse` on z in {-1, 1} and `mse_constant`, that of the best constant; `explained`, the share of it that is gone;
        `sign_accuracy`; `spread`, the predictions' standard deviation (near 0: a parked network that says the same of
        every position); `dead`, the share of rectifiers that were 0 in all positions.
        """
        if not self._validation:
            self._validation = [
                to_tensors(self.validation.batch(step), passes=self.passes) for step in range(self.validation_batches)
            ]
        predictions, results, weights = [], [], []
        with Rectifiers() as rectifiers:
            for kept in self._validation:
                batch = self._here(kept)
                rectifiers.next_pass()
                value = network(batch.planes, batch.globals).value
                assert value is not None
                predictions.append(value.float())
                results.append(batch.targets.value)
                weights.append(batch.targets.value_weight)
        known = torch.cat(weights) > 0
        return measures(torch.cat(predictions)[known], torch.cat(results)[known]) | {"dead": rectifiers.dead()}


def measures(predictions: Tensor, results: Tensor) -> dict[str, float]:
    """How well values [n] agree with results z [n] in [-1, 1]; all for the player to move."""
    error = float((predictions - results).square().mean())
    constant = float((results - results.mean()).square().mean())
    decided = results != 0
    right = predictions[decided].sign() == results[decided].sign()
    return {
        "mse": error,
        "mse_constant": constant,
        "explained": 1 - error / max(constant, 1e-9),
        "sign_accuracy": float(right.float().mean()),
        "spread": float(predictions.std(correction=0)),
    }


class Rectifiers(TorchFunctionMode):
    """Notes, while it is entered, which channels behind each rectifier of a network were ever above 0."""

    def __init__(self) -> None:
        super().__init__()
        self._alive: list[Tensor] = []
        self._call = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in (functional.relu, torch.relu):
            self._note(result)
        return result

    def _note(self, result: Tensor) -> None:
        above = (result > 0).flatten(2).any(2).any(0) if result.ndim > 2 else (result > 0).any(0)
        if self._call == len(self._alive):
            self._alive.append(above)
        else:
            self._alive[self._call] = self._alive[self._call] | above
        self._call += 1

    def next_pass(self) -> None:
        """The next rectifier is the network's first again. Called before every pass."""
        self._call = 0

    def dead(self) -> float:
        """The share of channels that never were above 0."""
        if not self._alive:
            return 0.0
        return float((~torch.cat(self._alive)).float().mean())

"""Optimisers and the learning-rate schedule.

Hidden layers' matrices may be trained with Muon, everything else (first layer, heads, biases, norms) with AdamW.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from gozero.config import Config


class OptimiserConfig(Config, frozen=True):
    """How weights change."""

    name: Literal["muon", "adamw"] = "muon"
    """`muon`: Muon for the trunk's matrices and AdamW for the rest; `adamw`: AdamW for all."""
    rate: float = 3e-3
    """AdamW's learning rate after the warm-up."""
    muon_rate: float = 2e-2
    """Muon's learning rate after the warm-up."""
    weight_decay: float = 0.01
    """Decoupled decay of weights (not of biases and norms), times the learning rate a step."""
    clip: float = 1.0
    """Largest norm of the gradient over all weights; 0 = no limit."""


class ScheduleConfig(Config, frozen=True):
    """Learning rate over the run: linear warm-up, constant, linear decay, at `final` one step behind the last."""

    warmup: int = 200
    """Steps of the warm-up."""
    decay: float = 0.4
    """Share of all steps at the end in which the rate falls."""
    final: float = 0.01
    """Share of the full rate where the fall ends, behind the last step. That one has what a step falls by more,
    (1 - final) / (decay * steps): 0.0125 of the full rate in a run of 1,000 steps with these settings."""

    def __post_init__(self) -> None:
        if self.warmup < 0 or not 0 <= self.decay <= 1 or not 0 <= self.final <= 1:
            raise ValueError("schedule: warmup must not be negative, decay and final must be between 0 and 1")


def rate_factor(step: int, steps: int, schedule: ScheduleConfig) -> float:
    """Share of the full learning rate at `step` (0-based) of a run of `steps`."""
    warm = (step + 1) / schedule.warmup if step < schedule.warmup else 1.0
    falling = schedule.decay * steps
    left = (steps - step) / falling if falling else 1.0
    return min(warm, 1.0) * (schedule.final + (1 - schedule.final) * min(1.0, max(0.0, left)))


def orthogonalised(matrices: Tensor, iterations: int = 5) -> Tensor:
    """`matrices` [..., m, n] with their singular values moved to about 1 (0.7 to 1.2) by Newton-Schulz iterations.

    The quintic and its coefficients are Keller Jordan's (https://kellerjordan.github.io/posts/muon/).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x: Tensor = matrices / matrices.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(Optimizer):
    """Momentum whose step is orthogonalised, for matrices and for convolution kernels seen as [out, in*k*k].

    Every direction of a weight matrix moves equally far, however small its gradient: the step of a matrix [m, n] has
    a root mean square of about `rate / sqrt(n)`. torch's own Muon takes 2-D parameters only.
    """

    def __init__(
        self, params: list[nn.Parameter], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update from the gradients (Nesterov momentum). Takes no closure."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            momentum, rate = group["momentum"], group["lr"]
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
            for parameters in alike.values():
                # Together: on a GPU many small products would take longer than the few large ones of the network.
                directions = torch.stack([self._direction(parameter, momentum) for parameter in parameters])
                shape_factor = math.sqrt(max(1.0, directions.size(1) / directions.size(2)))
                for parameter, change in zip(parameters, orthogonalised(directions), strict=True):
                    parameter.mul_(1 - rate * group["weight_decay"])
                    parameter.add_(change.view(parameter.shape), alpha=-rate * shape_factor)
        return None

    def _direction(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """Nesterov's direction of a parameter that has a gradient, as a matrix; its running average moves on."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(state["momentum"], momentum).flatten(1)


def make_optimisers(network: nn.Module, config: OptimiserConfig) -> list[Optimizer]:
    """The optimisers of `network`; every parameter is in exactly one of them."""
    muon: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if parameter.ndim < 2:
            vectors.append(parameter)
        elif config.name == "muon" and name.startswith("trunk."):
            muon.append(parameter)
        else:
            matrices.append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimisers: list[Optimizer] = [
        AdamW([group for group in groups if group["params"]], lr=config.rate, betas=(0.9, 0.98))
    ]
    if muon:
        optimisers.append(Muon(muon, lr=config.muon_rate, weight_decay=config.weight_decay))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["full_rate"] = group["lr"]
    return optimisers


def set_rate(optimisers: list[Optimizer], factor: float) -> None:
    """Set every learning rate to `factor` times its full value."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = factor * group["full_rate"]

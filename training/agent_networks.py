"""Small networks for the classic algorithms: an observation to the value of each action, or to a policy and a value."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gozero.config import Config


class AgentNetworkConfig(Config, frozen=True):
    """Shape of the network."""

    hidden: tuple[int, ...] = (64, 64)
    """Widths of the fully connected layers."""
    channels: int = 32
    """Of the 3x3 convolutions before them, where planes are seen."""
    convolutions: int = 3
    """How many of those there are."""
    activation: Literal["relu", "tanh"] = "relu"
    shared: bool = False
    """Whether policy and value see through the same layers. Convolutions are worth sharing; on vectors two networks of
    their own learn faster, as the value's large errors do not disturb the policy."""

    def __post_init__(self) -> None:
        if not self.hidden or min(*self.hidden, self.channels, self.convolutions) < 1:
            raise ValueError("network.hidden, channels and convolutions must be at least 1, and hidden not empty")


class QNetwork(nn.Module):
    """Q(s, a) of all A actions at once."""

    def __init__(self, config: AgentNetworkConfig, shape: tuple[int, ...], actions: int) -> None:
        super().__init__()
        self.body = _body(config, shape)
        self.head = nn.Linear(config.hidden[-1], actions)

    def forward(self, observations: Tensor) -> Tensor:
        """[B, ...] -> float32 [B, A]."""
        values: Tensor = self.head(self.body(observations.float()))
        return values

    def preferences(self, observations: Tensor) -> Tensor:
        """[B, A], higher for better actions."""
        values: Tensor = self(observations)
        return values


class PolicyValueNetwork(nn.Module):
    """A policy (the actor) and a value (the critic, or REINFORCE's baseline)."""

    def __init__(self, config: AgentNetworkConfig, shape: tuple[int, ...], actions: int) -> None:
        super().__init__()
        self.body = _body(config, shape)
        self.value_body = None if config.shared else _body(config, shape)
        self.policy_head = _linear(config.hidden[-1], actions, 0.01)  # all actions about equally likely
        self.value_head = _linear(config.hidden[-1], 1, 1.0)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """[B, ...] -> logits float32 [B, A] and v(s) float32 [B], for whoever acts."""
        seen = observations.float()
        features = self.body(seen)
        valued = features if self.value_body is None else self.value_body(seen)
        return self.policy_head(features), self.value_head(valued)[:, 0]

    def preferences(self, observations: Tensor) -> Tensor:
        """[B, A], higher for better actions."""
        preferences: Tensor = self.policy_head(self.body(observations.float()))
        return preferences


AgentNetwork = QNetwork | PolicyValueNetwork


def _body(config: AgentNetworkConfig, shape: tuple[int, ...]) -> nn.Sequential:
    """Observations [B, *shape] to features [B, hidden[-1]]."""
    activation = nn.ReLU if config.activation == "relu" else nn.Tanh
    layers: list[nn.Module] = []
    width = math.prod(shape)
    if len(shape) == 3:
        channels = shape[0]
        for _ in range(config.convolutions):
            layers += [nn.Conv2d(channels, config.channels, 3, padding=1), activation()]
            channels = config.channels
        layers.append(nn.Flatten())
        width = channels * shape[1] * shape[2]
    for hidden in config.hidden:
        layers += [_linear(width, hidden, math.sqrt(2)), activation()]
        width = hidden
    return nn.Sequential(*layers)


def _linear(inputs: int, outputs: int, gain: float) -> nn.Linear:
    """A layer with orthogonal first weights (Saxe et al. 2014), so that signals neither fade nor grow."""
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def draw_actions(logits: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Actions int64 [B] drawn from the softmax of `logits` [B, A] over the allowed ones.

    The largest of the logits with Gumbel noise added is such a draw (Gumbel 1954), without the sums of a softmax.
    """
    noise = torch.empty_like(logits).exponential_(generator=generator).log_().neg_()
    return (logits + noise).masked_fill(~masks, -torch.inf).argmax(1)


@torch.inference_mode()
def best_actions(network: AgentNetwork, observations: NDArray, masks: NDArray[np.bool_]) -> NDArray[np.int64]:  # type: ignore[type-arg]
    """What the network thinks best, int64[n], of the allowed actions."""
    preferences = network.preferences(torch.from_numpy(observations))
    best: NDArray[np.int64] = preferences.masked_fill(~torch.from_numpy(masks), -torch.inf).argmax(1).numpy()
    return best

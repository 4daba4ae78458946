"""AlphaGo's own policy network, as published (Nature 2016, Methods, "Neural network architecture")."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.networks import Answers
from engine.winograd import Convolution3x3
from gozero.config import Config

PASS_LOGIT = -10_000.0
"""The logit of the pass, which this network never plays: its share of any softmax is 0 in all number formats."""


class PolicyArchitecture(Config, frozen=True):
    """Shape of AlphaGo's policy network."""

    filters: int = 192
    """Channels of every hidden layer: 192 in the version that played, 128, 256 and 384 were tried (Table 3)."""
    layers: int = 13
    """Convolutions in all: one of 5x5, then 3x3, the last one 1x1."""
    board: int = 19
    """Board size: the bias of each point ties the network to one."""

    def __post_init__(self) -> None:
        for name, least in (("filters", 1), ("layers", 2), ("board", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"alphago.{name} must be at least {least}, it is {getattr(self, name)}")


class PolicyNetwork(nn.Module):
    """5x5 convolution, 3x3 convolutions, one 1x1 filter with a bias for each point; softmax over the board's points.

    Every hidden layer pads with zeros and is followed by a rectifier. There is no value and no pass: the pass gets a
    logit (`PASS_LOGIT`) only so that a policy has the same shape whichever network it comes from.

    Hidden layers have no biases. The paper mentions none but the last layer's, and the published counts of parameters
    (3,880,489 with 192 filters, 6,795,881 with 256) leave room for none; the input plane of ones serves as the first
    layer's.
    """

    def __init__(self, architecture: PolicyArchitecture, planes: int) -> None:
        """`planes`: the number of input planes of the feature set, 48 in the paper."""
        super().__init__()
        self.architecture = architecture
        filters = architecture.filters
        self.first = nn.Conv2d(planes, filters, 5, padding=2, bias=False)
        self.trunk = nn.ModuleList(Convolution3x3(filters, filters, bias=False) for _ in range(architecture.layers - 2))
        self.last = nn.Conv2d(filters, 1, 1, bias=False)
        self.point_bias = nn.Parameter(torch.zeros(architecture.board**2))
        for layer in (self.first, *self.trunk):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        # A fresh network finds all points about equally likely.
        nn.init.normal_(self.last.weight, std=0.1 / filters**0.5)

    def forward(self, planes: Tensor, globals_: Tensor) -> Answers:
        """The policy for planes [B, C, S, S], uint8 or float; `globals_` is not looked at."""
        x = functional.relu(self.first(planes.to(self.first.weight.dtype)))
        for layer in self.trunk:
            x = functional.relu(layer(x))
        points = self.last(x).flatten(1) + self.point_bias
        return Answers(functional.pad(points, (0, 1), value=PASS_LOGIT))

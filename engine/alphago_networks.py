"""AlphaGo's own policy and value networks, as published (Nature 2016, Methods, "Neural network architecture")."""

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


class ValueArchitecture(Config, frozen=True):
    """Shape of AlphaGo's value network."""

    filters: int = 192
    """Channels of every hidden convolution."""
    layers: int = 15
    """Layers in all: convolutions, one of 5x5, then 3x3 (one more than the policy's), one 1x1; two fully connected."""
    hidden: int = 256
    """Units of the last layer but one."""
    board: int = 19
    """Board size: the fully connected layers tie the network to one."""

    def __post_init__(self) -> None:
        for name, least in (("filters", 1), ("layers", 4), ("hidden", 1), ("board", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"value_network.{name} must be at least {least}, it is {getattr(self, name)}")


class ValueNetwork(nn.Module):
    """Convolutions as in the policy network, one 1x1 filter, a layer of rectifiers on the whole board, one tanh.

    Its planes are the policy's and one more that says whose turn it is (`alphago49`): komi and rules it is not told, so
    that it knows those alone that it was trained with. It has no policy: every move is equally likely.
    """

    def __init__(self, architecture: ValueArchitecture, planes: int) -> None:
        """`planes`: the number of input planes of the feature set, 49 in the paper."""
        super().__init__()
        self.architecture = architecture
        filters, points = architecture.filters, architecture.board**2
        self.first = nn.Conv2d(planes, filters, 5, padding=2)
        self.trunk = nn.ModuleList(Convolution3x3(filters, filters, bias=True) for _ in range(architecture.layers - 4))
        self.last = nn.Conv2d(filters, 1, 1)
        self.hidden = nn.Linear(points, architecture.hidden)
        self.out = nn.Linear(architecture.hidden, 1)
        for layer in (self.first, *self.trunk, self.last, self.hidden):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        # A fresh network finds all positions about even: at the ends of tanh it would hardly learn.
        nn.init.normal_(self.out.weight, std=0.1 / architecture.hidden**0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, planes: Tensor, globals_: Tensor) -> Answers:
        """The value for planes [B, C, S, S], uint8 or float; `globals_` is not looked at."""
        x = functional.relu(self.first(planes.to(self.first.weight.dtype)))
        for layer in self.trunk:
            x = functional.relu(layer(x))
        points = functional.relu(self.last(x)).flatten(1)
        value = torch.tanh(self.out(functional.relu(self.hidden(points))))[:, 0]
        return Answers(functional.pad(torch.zeros_like(points), (0, 1)), value)

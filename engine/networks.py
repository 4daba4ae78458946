"""Network definitions in torch: `Compact`, a small residual policy and value network for any board size.

Building blocks from the literature: residual blocks and a trunk shared by both heads (AlphaGo Zero, Nature 2017),
global pooling in the trunk and heads (KataGo, arXiv 1902.10565, section 3.3).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.network_file import LEAST_SHARPNESS
from engine.winograd import Convolution3x3
from gozero.config import Config
from gozero.features import GLOBALS, KOMI_SCALE

KOMI = 0
"""Index of komi (in units of 15 points, from the view of the player to move) in the global input vector."""

OTHER_GLOBALS = len(GLOBALS) - 1
"""Global inputs that are not komi; they follow it."""


class Architecture(Config, frozen=True):
    """Shape of a `Compact` network."""

    blocks: int
    """Residual blocks of two 3x3 convolutions each."""
    channels: int
    """Channels of the trunk; multiples of 8 suit the CPU's vector units."""
    pool_every: int = 2
    """Every n-th block adds a bias per channel computed from the whole board; 0 = none."""
    batch_norm: bool = False
    """Batch normalisation after each trunk convolution (folded away on export)."""
    policy_channels: int = 32
    """Channels of the policy head's hidden layer."""
    value_channels: int = 16
    """Channels of the value head before pooling."""
    value_hidden: int = 48
    """Units of the value head's hidden layer."""
    reply: bool = False
    """Whether a second policy head predicts the opponent's reply: only to train with, left out on export. With
    `loss.reply` 0.15 it is worth 0.010 nats of the policy (9x9, 90,000 positions, two sets of 8,192)."""

    def __post_init__(self) -> None:
        for name in ("blocks", "channels", "policy_channels", "value_channels", "value_hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"network.{name} must be at least 1, it is {getattr(self, name)}")
        if self.pool_every < 0:
            raise ValueError(f"network.pool_every must not be negative, it is {self.pool_every}")


class Answers(NamedTuple):
    """What a network says about B positions on boards of S x S points, for the player to move in each; None for what
    it has no head for."""

    policy: Tensor
    """[B, S*S+1] logits by move index, the pass last."""
    value: Tensor | None = None
    """[B] in [-1, 1], 1 = the player to move wins."""
    ownership: Tensor | None = None
    """[B, S*S] in [-1, 1], 1 = the point will be the player to move's at the end."""
    reply: Tensor | None = None
    """[B, S*S+1] logits of the move that the opponent will play after the move played here."""


def pool_board(x: Tensor) -> Tensor:
    """Mean and maximum of each channel over the board: [B, C, S, S] -> [B, 2C]."""
    return torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)


def unit_scale(x: Tensor) -> Tensor:
    """Each position's features [B, C, S, S] scaled to a root mean square of 1.

    The trunk adds up its blocks and grows all through training; without this the heads' steps grow with it, and one of
    them threw the value's sharpness to zero. It is worth 0.03 nats of policy too. The squares are summed in float32 at
    any precision of the rest.
    """
    scale = torch.rsqrt(x.float().square().mean((1, 2, 3), keepdim=True) + 1e-6)
    return x * scale.to(x.dtype)


class Block(nn.Module):
    """relu(x + f(x)), where f starts at zero, so that a fresh network is as easy to train as its first layer."""

    def __init__(self, channels: int, *, pooled: bool, batch_norm: bool) -> None:
        super().__init__()
        self.conv1 = Convolution3x3(channels, channels, bias=not batch_norm)
        self.conv2 = Convolution3x3(channels, channels, bias=not batch_norm)
        self.norm1 = nn.BatchNorm2d(channels) if batch_norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(channels) if batch_norm else nn.Identity()
        self.pool = nn.Linear(2 * channels, channels) if pooled else None
        nn.init.kaiming_normal_(self.conv1.weight, nonlinearity="relu")
        if isinstance(self.norm2, nn.BatchNorm2d):
            nn.init.kaiming_normal_(self.conv2.weight, nonlinearity="relu")
            nn.init.zeros_(self.norm2.weight)
        else:
            nn.init.zeros_(self.conv2.weight)
        for layer in (self.conv1, self.conv2):
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        if self.pool is not None:
            nn.init.zeros_(self.pool.weight)
            nn.init.zeros_(self.pool.bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu(self.norm1(self.conv1(x)))
        change = self.norm2(self.conv2(hidden))
        if self.pool is not None:
            change = change + self.pool(pool_board(hidden))[:, :, None, None]
        return functional.relu(x + change)


class PolicyHead(nn.Module):
    """One logit a point from 1x1 convolutions, one for the pass from the pooled board: [B, S*S+1]."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, hidden, 1)
        self.board = nn.Linear(2 * channels, hidden)
        self.point = nn.Conv2d(hidden, 1, 1)
        self.passing = nn.Linear(hidden, 1)
        nn.init.kaiming_normal_(self.hidden.weight, nonlinearity="relu")
        nn.init.zeros_(self.board.weight)
        nn.init.normal_(self.point.weight, std=0.1 / hidden**0.5)

    def forward(self, x: Tensor) -> Tensor:
        board = self.board(pool_board(x))
        hidden = functional.relu(self.hidden(x) + board[:, :, None, None])
        return torch.cat([self.point(hidden).flatten(1), self.passing(functional.relu(board))], dim=1)


class ValueHead(nn.Module):
    """tanh(sharpness * (lead + komi)), for the player to move: [B] in [-1, 1].

    The lead on the board without komi is the sum over the points of who will own them (-1 to 1) plus a correction, in
    units of 15 points, as komi is given; so a point of komi weighs what a point on the board does, and the value rises
    with the player's own komi in every position, also for a komi that no game record has. The ownership is learned from
    final positions: a result teaches one bit a game, a final position hundreds.

    The sharpness, how much a point matters, has a floor: a head that may shrink it to nothing predicts 0 for every
    game, from where no gradient reaches the lead (seen in the first run: the squared error stayed at 1.000).
    """

    def __init__(self, channels: int, pooled: int, hidden: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, pooled, 1)
        self.ownership = nn.Conv2d(pooled, 1, 1, bias=False)
        self.hidden = nn.Linear(2 * pooled + OTHER_GLOBALS, hidden)
        self.out = nn.Linear(hidden, 2)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.normal_(self.ownership.weight, std=0.1 / pooled**0.5)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, globals_: Tensor) -> tuple[Tensor, Tensor]:
        """Value [B] and ownership [B, S*S]."""
        x = functional.relu(self.conv(x))
        ownership = torch.tanh(self.ownership(x)).flatten(1)
        hidden = functional.relu(self.hidden(torch.cat([pool_board(x), globals_[:, KOMI + 1 :]], dim=1)))
        correction, sharpness = self.out(hidden).unbind(1)
        lead = ownership.sum(1) / KOMI_SCALE + correction
        value = torch.tanh((LEAST_SHARPNESS + functional.softplus(sharpness)) * (lead + globals_[:, KOMI]))
        return value, ownership


class Compact(nn.Module):
    """Residual policy and value network, independent of the board size (zero padding, pooled means, no weight a point).

    Komi reaches the value head alone (see `ValueHead`): the trunk gets the rule flags and passes, so an unusual komi
    cannot disturb the policy.
    """

    def __init__(self, architecture: Architecture, planes: int) -> None:
        """`planes`: the number of input planes of the feature set."""
        super().__init__()
        self.architecture = architecture
        channels = architecture.channels
        self.first = nn.Conv2d(planes, channels, 5, padding=2, bias=not architecture.batch_norm)
        self.first_norm = nn.BatchNorm2d(channels) if architecture.batch_norm else nn.Identity()
        self.first_globals = nn.Linear(OTHER_GLOBALS, channels)
        every = architecture.pool_every
        self.trunk = nn.ModuleList(
            Block(channels, pooled=every > 0 and (i + 1) % every == 0, batch_norm=architecture.batch_norm)
            for i in range(architecture.blocks)
        )
        self.policy = PolicyHead(channels, architecture.policy_channels)
        self.value = ValueHead(channels, architecture.value_channels, architecture.value_hidden)
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")
        # Made last, so that the rest starts with the weights that it has without this head.
        self.reply = PolicyHead(channels, architecture.policy_channels) if architecture.reply else None

    def forward(self, planes: Tensor, globals_: Tensor) -> Answers:
        """Answers for planes [B, C, S, S], uint8 or float, and globals_ float32 [B, len(GLOBALS)]."""
        x = self.first_norm(self.first(planes.to(self.first.weight.dtype)))
        x = functional.relu(x + self.first_globals(globals_[:, KOMI + 1 :])[:, :, None, None])
        for block in self.trunk:
            x = block(x)
        x = unit_scale(x)
        value, ownership = self.value(x, globals_)
        reply = self.reply(x) if self.reply is not None else None
        return Answers(self.policy(x), value, ownership, reply)


def parameter_count(network: nn.Module) -> int:
    """Trainable numbers of `network`."""
    return sum(parameter.numel() for parameter in network.parameters())

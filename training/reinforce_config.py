"""Settings of the reinforcement stage, and the network that a run begins with."""

from __future__ import annotations

import msgspec
import torch

from engine.alphago_networks import PolicyArchitecture
from engine.network_file import NetworkFileError
from engine.network_kinds import AnyArchitecture, Network, build
from engine.networks import Architecture
from gozero import features
from gozero.config import Config
from selfplay.game import GameSettings
from training.loop import LoopConfig
from training.optimisers import OptimiserConfig, ScheduleConfig
from training.weights import read_weights

NO_BASELINE = "none"
HEAD = "head"


class LearningConfig(Config, frozen=True):
    """What is learned from the games."""

    opponent: str = ""
    """A network of the same shape and planes, by name or file, that begins the pool in place of `init`, opens the games
    and is measured against: for a run that goes on, with other settings, from what an earlier one has learned."""
    pool_every: int = 50
    """Steps after which the present weights join the pool; 500 in the paper."""
    baseline: str = HEAD
    """v(s) in the advantage z - v(s): `none` for 0 (the paper's first pass), `head` for the network's own value head,
    or the name of a network with the same input planes whose value is used (the paper's second pass)."""
    trace: float = 1.0
    """lambda of the advantages, from 0 to 1 (`training.advantages`): 1 is REINFORCE, below it the value's own changes
    count and not only the result. On 9x9 with compact-9's value, at temperature 0.5, the share of signal in a step's
    gradient is 16 % at 1, 29 % at 0.9 and 42 % at 0.8; the cosine to REINFORCE's is 0.91 and 0.85."""
    trace_rise: int = 0
    """Steps over which `trace` rises to 1, evenly; 0 = it stays. What the value does not see is never learned at 0.8:
    after 200 steps nothing was left of that gradient, and a tenth of REINFORCE's."""
    value: float = 0.5
    """Weight of the value head's mean squared error on z. The policy's loss is summed over the moves of a game: on 9x9
    the gradients of both are about as long at 4, and at 20 the policy hardly learns. At 0 the head's own weights stay
    as they are, but the trunk below it moves with the policy, so that its answers drift: `value_error` tells."""
    anchor: float = 0.0
    """Weight of KL(policy || the pool's first member) in nats, summed over the moves of a game like the
    policy's part of the loss."""
    start_moves: int = 0
    """Games start from a position in the middle: their first moves, a number drawn evenly from 0 to this, are those of
    the pool's first member, for both sides, and teach nothing."""
    random_moves: int = 0
    """Games start from odd positions: their first moves, a number drawn evenly from 0 to this, are drawn with equal
    chances, before or instead of those of `start_moves`, and teach nothing. 360 steps with 8 on 9x9 lost 4 points
    against the start and gained nothing in greedy play."""
    share: float = 1.0
    """Share of the moves whose gradient is computed; the others are left out by chance, those that teach least first
    (`training.thinning`). On 9x9 0.5 makes a step's gradient 0.5 % noisier, 0.33 11 %, 0.2 60 %."""
    slice: int = 256
    """Positions whose gradient is computed at once."""
    least_entropy: float = 0.1
    """The run stops when the policy's mean entropy in a step's positions is below it, in nats."""
    least_moves: float = 0.3
    """The run stops when a step's games are shorter on average, in moves for each point of the board."""
    most_moves: float = 2.5
    """The same when they are longer."""

    def __post_init__(self) -> None:
        for name in ("pool_every", "slice"):
            if getattr(self, name) < 1:
                raise ValueError(f"learning.{name} must be at least 1, it is {getattr(self, name)}")
        for name in ("value", "anchor", "start_moves", "random_moves", "trace_rise"):
            if getattr(self, name) < 0:
                raise ValueError(f"learning.{name} must not be negative, it is {getattr(self, name)}")
        if not 0 <= self.trace <= 1:
            raise ValueError(f"learning.trace must be from 0 to 1, it is {self.trace}")
        if not 0 < self.share <= 1:
            raise ValueError(f"learning.share must be above 0 and at most 1, it is {self.share}")

    def trace_at(self, step: int) -> float:
        """The trace at a step, counted from 0."""
        risen = min(1.0, step / self.trace_rise) if self.trace_rise else 0.0
        return self.trace + (1 - self.trace) * risen


class EvaluationConfig(Config, frozen=True):
    """How a run measures its policy: the average of its weights, in games without search."""

    games: int = 200
    """Games against the pool's first member, and as many against the pool."""
    temperature: float = 0.3
    """What logits are divided by, on both sides."""
    opponents: int = 4
    """Members of the pool that share the games against it."""


class ReinforceConfig(Config, frozen=True):
    """`gozero train reinforce`: everything that decides a run. `loop.batch_size` counts games."""

    name: str
    """What the network will be called."""
    loop: LoopConfig
    init: str = ""
    """The network that it starts from, by name or file. Given with `--init`."""
    network: Architecture | None = None
    """Shape of the network, written by the run itself when it starts: that of `init`; or:"""
    alphago: PolicyArchitecture | None = None
    features: str = ""
    """Input planes, written by the run itself when it starts."""
    sources: tuple[str, ...] = ()
    """What `init` was trained on, written by the run itself when it starts."""
    play: GameSettings = GameSettings()
    learning: LearningConfig = LearningConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()

    def __post_init__(self) -> None:
        if self.play.temperature == 0:
            raise ValueError("play.temperature = 0 tries nothing out: a policy learns only from moves that it draws")

    @property
    def architecture(self) -> AnyArchitecture:
        """The shape of the network, of whichever kind."""
        architecture = self.network or self.alphago
        if architecture is None:
            raise ValueError("the run does not say which network it trains: start it with --init")
        return architecture

    @property
    def feature_set(self) -> str:
        """The name of the network's input planes."""
        return self.features

    @property
    def board_size(self) -> int:
        """Of the games."""
        return self.play.size


def complete(config: ReinforceConfig) -> tuple[ReinforceConfig, Network]:
    """`config` with shape and planes of its `init`, and that network; torch's random state is that of `loop.seed`.

    Raises NetworkFileError.
    """
    torch.manual_seed(config.loop.seed)
    network, info = read_weights(config.init)
    if not info.supports(config.play.size):
        size = config.play.size
        raise NetworkFileError(f"the network {info.name} plays on {info.boards_text()}, not on {size}x{size}")
    shape = {"network": None, "alphago": None, "features": info.feature_set}
    sources = tuple(info.trained_on.get("sources", ()))
    kind = "alphago" if isinstance(network.architecture, PolicyArchitecture) else "network"
    return msgspec.structs.replace(config, sources=sources, **{**shape, kind: network.architecture}), network


def untrained(config: ReinforceConfig) -> Network:
    """A network of the shape that a run's own configuration names."""
    return build(config.architecture, features.plane_count(config.features))

"""The reinforcement stage: a policy that plays its own past and learns from who won (REINFORCE).

AlphaGo, Methods, "Reinforcement learning of policy networks": every step plays a minibatch of games against one
opponent, drawn from a pool of past policies, and makes the moves of won games more likely and those of lost games less.
A step is a function of the weights, the pool and the step's number, so that a run resumes exactly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.alphago_networks import PolicyArchitecture
from engine.network_file import NetworkFileError
from engine.network_kinds import AnyArchitecture, Network, build
from engine.networks import Architecture
from engine.torch_evaluator import TorchEvaluator
from gozero import features
from gozero.config import Config
from gozero.errors import GozeroError
from selfplay.contest import Contest, contest
from selfplay.game import GameSettings, Turn, alternating, colour_of_first, play_games, resignations
from selfplay.pool import Pool
from training.loop import LoopConfig
from training.losses import divergence, entropy, masked_log_policy, reinforce_loss
from training.optimisers import OptimiserConfig, ScheduleConfig
from training.run_folder import RunFolder
from training.slices import in_slices
from training.weights import read_weights

NO_BASELINE = "none"
HEAD = "head"
START = 0
"""The pool's first member, with whose weights the run began."""


class CollapseError(GozeroError):
    """A policy that plays no real games any more."""


class LearningConfig(Config, frozen=True):
    """What is learned from the games."""

    pool_every: int = 50
    """Steps after which the present weights join the pool; 500 in the paper."""
    baseline: str = HEAD
    """v(s) in the advantage z - v(s): `none` for 0 (the paper's first pass), `head` for the network's own value head,
    or the name of a network with the same input planes whose value is used (the paper's second pass)."""
    value: float = 0.5
    """Weight of the value head's squared error on z. At 0 the head's own weights stay as they are, but the trunk below
    it moves with the policy, so that its answers drift: `value_error` tells."""
    anchor: float = 0.0
    """Weight of KL(policy || the policy that the run began with) in nats, summed over the moves of a game like the
    policy's part of the loss."""
    start_moves: int = 0
    """Games start from a position in the middle: their first moves, a number drawn evenly from 0 to this, are those of
    the policy that the run began with, for both sides, and teach nothing."""
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
        for name in ("value", "anchor", "start_moves"):
            if getattr(self, name) < 0:
                raise ValueError(f"learning.{name} must not be negative, it is {getattr(self, name)}")


class EvaluationConfig(Config, frozen=True):
    """How a run measures its policy: the average of its weights, in games without search."""

    games: int = 200
    """Games against the policy that the run began with, and as many against the pool."""
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


class _Rows(NamedTuple):
    """The learner's moves in the games of a step."""

    planes: NDArray[np.uint8]  # [B, C, S, S]
    globals: NDArray[np.float32]  # [B, G]
    mask: NDArray[np.uint8]  # [B, M]
    moves: NDArray[np.int64]  # [B]
    value: NDArray[np.float32]  # [B] of the policy when it played
    results: NDArray[np.float32]  # [B] z for the learner: 1 won, -1 lost


class ReinforceStage:
    """Plays and learns from the games of a step; measures the policy against its start and its past.

    Batch norms keep their statistics: the policy that learns must be the policy that played.
    """

    name = "reinforce"
    goal = "score_start"
    unit = "games"

    def __init__(self, config: ReinforceConfig, network: Network, folder: RunFolder) -> None:
        """`network`: what the loop trains; put into evaluation mode.

        Raises ValueError for a baseline that it does not have, NetworkFileError for one that cannot be loaded.
        """
        self.config = config
        self.network = network.eval()
        self.pool = Pool(folder.path / "pool")
        self.learner = TorchEvaluator(network, config.features)
        self.opponent = self._like()
        self.start = self._like()
        self._start_ready = False
        learning = config.learning
        has_value = config.network is not None
        if not has_value and (learning.baseline == HEAD or learning.value > 0):
            raise ValueError("this network has no value head: set learning.baseline=none and learning.value=0")
        self.critic: TorchEvaluator | None = None
        if learning.baseline not in (NO_BASELINE, HEAD):
            critic, info = read_weights(learning.baseline)
            if info.feature_set != config.features:
                raise ValueError(
                    f"the baseline {info.name} reads the planes {info.feature_set}, the policy {config.features}"
                )
            self.critic = TorchEvaluator(critic.to(self._device), config.features)

    def batch(self, step: int) -> int:
        """The step's number: its games are played with the weights that it begins with."""
        return step

    def loss(self, network: nn.Module, batch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Plays the games of step `batch` and returns their loss; see `training.losses.reinforce_loss`.

        Raises:
            CollapseError: entropy or the length of games left their limits.
        """
        step, learning = batch, self.config.learning
        if step % learning.pool_every == 0:
            self.pool.add(step, self.network.state_dict())
        rows, games, given_up = self._play(step)
        anchored = learning.anchor > 0
        if anchored:
            self._load_start()
        results = self._here(rows.results)
        advantages = results - self._here(self._baseline(rows))
        sums = dict.fromkeys(("entropy", "anchor", "value"), torch.zeros((), device=self._device))
        count = games.games

        def part(of: slice) -> Tensor:
            planes = self._here(rows.planes[of]).to(torch.float32, memory_format=torch.channels_last)
            told, mask = self._here(rows.globals[of]), self._here(rows.mask[of])
            answers = network(planes, told)
            log_policy = masked_log_policy(answers.policy, mask, self.config.play.temperature)
            loss = reinforce_loss(log_policy, self._here(rows.moves[of]), advantages[of], count)
            sums["entropy"] = sums["entropy"] + entropy(log_policy.detach(), mask).sum()
            if anchored:
                with torch.no_grad():
                    start = self.start.network(planes, told).policy
                distance = divergence(
                    log_policy, mask, masked_log_policy(start, mask, self.config.play.temperature)
                ).sum()
                sums["anchor"] = sums["anchor"] + distance.detach()
                loss = loss + learning.anchor * distance / count
            if answers.value is not None:
                error = (answers.value.float() - results[of]).square().sum()
                sums["value"] = sums["value"] + error.detach()
                if learning.value > 0:
                    loss = loss + learning.value * error / len(rows.moves)
            return loss

        total = in_slices(network, len(rows.moves), learning.slice, part)
        moves = len(rows.moves)
        metrics = {
            "score": torch.tensor(games.score),
            "moves": torch.tensor(games.moves_per_game),
            "entropy": sums["entropy"] / moves,
            "advantage": advantages.square().mean(),
        }
        if self.config.network is not None:
            metrics["value_error"] = sums["value"] / moves
        if self.config.play.resign_below > -1:
            resigned, doubted, wrong = given_up
            metrics["resigned"] = torch.tensor(resigned / count)
            # Their means' ratio is the share of resignations that would have been wrong.
            metrics["played_out"] = torch.tensor(doubted / count)
            metrics["played_out_wrong"] = torch.tensor(wrong / count)
        if anchored:
            metrics["divergence"] = sums["anchor"] / count
        self._refuse_collapse(step, float(metrics["entropy"]), games.moves_per_game)
        return total, metrics

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Scores with Wilson's 95 % intervals against the start of the run (`start`) and against its past (`pool`)."""
        learner = TorchEvaluator(network, self.config.features)
        settings, chosen = self._evaluation_settings(), self.config.evaluation
        self._load_start()
        results = _named("start", [contest(learner, self.start, settings, chosen.games, seed=0)])
        newest = self.pool.steps(until=2**62)[-1]
        members = self.pool.draw(self.config.loop.seed, newest, min(chosen.opponents, len(self.pool.steps(newest))))
        against = []
        for number, member in enumerate(members):
            self.opponent.network.load_state_dict(self.pool.weights(member))
            games = chosen.games // len(members) + (number < chosen.games % len(members))
            if games:
                against.append(contest(learner, self.opponent, settings, games, seed=1 + number))
        return results | _named("pool", against)

    def _play(self, step: int) -> tuple[_Rows, Contest, tuple[int, int, int]]:
        """The games of a step: the learner's moves in them, the results as a contest's, and `game.resignations`."""
        config = self.config
        (member,) = self.pool.draw(config.loop.seed, step)
        self.opponent.network.load_state_dict(self.pool.weights(member))
        turns: list[Turn] = []

        def watch(turn: Turn) -> None:
            if turn.policy == 0:
                turns.append(turn)

        count = config.loop.batch_size
        seed = (config.loop.seed << 32) + step
        seats, alternate = alternating(), alternating()
        if config.learning.start_moves:
            self._load_start()
            # A number of its own for every game, apart from those that its moves are drawn by.
            begun = np.random.default_rng((config.loop.seed, step, 1)).integers(
                0, config.learning.start_moves + 1, count
            )

            def seats(games: NDArray[np.int64], plies: NDArray[np.int64]) -> NDArray[np.int64]:
                return np.where(plies < begun[games], 2, alternate(games, plies))

        policies = [self.learner, self.opponent, self.start]
        played = sorted(play_games(policies, seats, count, config.play, seed, boards=count, watch=watch))
        first = [colour_of_first(game.number) for game in played]
        signs = [
            0.0 if game.record.winner == 0 else 1.0 if game.record.winner == colour else -1.0
            for game, colour in zip(played, first, strict=True)
        ]
        results = np.array(signs, np.float32)[np.concatenate([turn.games for turn in turns])]
        rows = _Rows(
            np.concatenate([turn.planes for turn in turns]),
            np.concatenate([turn.global_values for turn in turns]),
            np.concatenate([turn.mask for turn in turns]),
            np.concatenate([turn.moves for turn in turns]),
            np.concatenate([turn.value for turn in turns]),
            results,
        )
        return rows, Contest([game.record for game in played], first, repeated=0), resignations(played)

    def _baseline(self, rows: _Rows) -> NDArray[np.float32]:
        """v(s) of every row, float32[B]."""
        if self.critic is None:
            return rows.value if self.config.learning.baseline == HEAD else np.zeros_like(rows.value)
        size = self.config.learning.slice
        starts = range(0, len(rows.moves), size)
        parts = [self.critic.evaluate(rows.planes[i : i + size], rows.globals[i : i + size]) for i in starts]
        return np.concatenate([part.value for part in parts])

    def _refuse_collapse(self, step: int, mean_entropy: float, moves: float) -> None:
        learning = self.config.learning
        a_point = moves / self.config.play.size**2
        why = ""
        if not mean_entropy >= learning.least_entropy:
            why = (
                f"its mean entropy is {mean_entropy:.3f} nats, below learning.least_entropy = {learning.least_entropy}"
            )
        elif not learning.least_moves <= a_point <= learning.most_moves:
            bounds = f"learning.least_moves = {learning.least_moves} to learning.most_moves = {learning.most_moves}"
            why = f"its games take {a_point:.2f} moves for each point of the board, outside {bounds}"
        if why:
            raise CollapseError(
                f"the policy collapsed at step {step}: {why}. Its checkpoints are kept; start a new run from one with "
                f"a lower optimiser.rate or a higher learning.anchor"
            )

    def _evaluation_settings(self) -> GameSettings:
        return msgspec.structs.replace(
            self.config.play, temperature=self.config.evaluation.temperature, turning=False, resign_below=-1.0
        )

    def _load_start(self) -> None:
        if not self._start_ready:
            self.start.network.load_state_dict(self.pool.weights(START))
            self._start_ready = True

    def _like(self) -> TorchEvaluator:
        """A network of the same shape, for others' weights."""
        network = untrained(self.config).to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return TorchEvaluator(network.eval().requires_grad_(False), self.config.features)

    def _here(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device


def _named(name: str, contests: list[Contest]) -> dict[str, float]:
    """All games of some contests together, as metrics whose names end in `name`."""
    whole = Contest(
        [record for one in contests for record in one.records], [colour for one in contests for colour in one.first], 0
    )
    low, high = whole.interval
    scores = {f"score_{name}": whole.score, f"score_{name}_low": low, f"score_{name}_high": high}
    return scores | {f"moves_{name}": whole.moves_per_game}


def facts(config: ReinforceConfig) -> dict[str, Any]:
    """What a checkpoint's record says about where its games come from."""
    return {"sources": [*config.sources, "self-play"], "started_from": config.init}

"""The reinforcement stage: a policy that plays its own past and learns from who won (REINFORCE).

AlphaGo, Methods, "Reinforcement learning of policy networks": every step plays a minibatch of games against one
opponent, drawn from a pool of past policies, and makes the moves of won games more likely and those of lost games less.
A step is a function of the weights, the pool and the step's number, so that a run resumes exactly.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.evaluator import Evaluator
from engine.network_kinds import Network
from gozero.errors import GozeroError
from selfplay.contest import Contest, contest
from selfplay.game import RANDOM, GameSettings, Turn, alternating, colour_of_first, play_games, resignations
from selfplay.pool import Pool
from training.advantages import advantages
from training.losses import divergence, entropy, masked_log_policy, reinforce_loss
from training.playing import player_of
from training.reinforce_config import HEAD, NO_BASELINE, ReinforceConfig, untrained
from training.run_folder import RunFolder
from training.slices import in_slices
from training.thinning import importance, keep_chances
from training.weights import read_weights

START = 0
"""The pool's first member: the policy that the run began with, unless `learning.opponent` names another."""


class CollapseError(GozeroError):
    """A policy that plays no real games any more."""


class _Games(NamedTuple):
    """The games of a step."""

    moves: Turn  # all B moves of the learner's, as if they had been one turn
    results: NDArray[np.float32]  # [B] z for the learner in the game of each: 1 won, -1 lost
    contest: Contest
    resignations: tuple[int, int, int]  # see selfplay.game.resignations


class ReinforceStage:
    """Plays and learns from the games of a step; measures the policy against its start and its past.

    Batch norms keep their statistics: the policy that learns must be the policy that played.
    """

    name = "reinforce"
    goal = "score_start"
    unit = "games"

    def __init__(self, config: ReinforceConfig, network: Network, folder: RunFolder) -> None:
        """`network`: what the loop trains; put into evaluation mode.

        Raises ValueError for a baseline or an opponent that does not fit, NetworkFileError for one that cannot be read.
        """
        self.config = config
        self.network = network.eval()
        self.pool = Pool(folder.path / "pool")
        self.opponent = self._like()
        self.start = self._like()
        self._first_player: Evaluator | None = None
        self._step = START  # the last one whose loss was asked for
        learning = config.learning
        has_value = config.network is not None
        if not has_value and (learning.baseline == HEAD or learning.value > 0):
            raise ValueError("this network has no value head: set learning.baseline=none and learning.value=0")
        self.critic: Evaluator | None = None
        if learning.baseline not in (NO_BASELINE, HEAD):
            critic = self._companion("baseline", learning.baseline)
            self.critic = player_of(critic.to(self._device), config.features)
        self._given_first: Network | None = None
        if learning.opponent:
            self._given_first = self._companion("opponent", learning.opponent)
            if self._given_first.architecture != config.architecture:
                raise ValueError(f"the opponent {learning.opponent} has another shape than the policy")

    def batch(self, step: int) -> int:
        """The step's number: its games are played with the weights that it begins with."""
        return step

    def loss(self, network: nn.Module, batch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Plays the games of step `batch` and returns their loss; see `training.losses.reinforce_loss`.

        Raises:
            CollapseError: entropy or the length of games left their limits.
        """
        step, learning = batch, self.config.learning
        self._step = step
        if step % learning.pool_every == 0:
            self.pool.add(
                step, (self._given_first if step == START and self._given_first else self.network).state_dict()
            )
        played = self._play(step)
        every, games = played.moves, played.contest
        better = advantages(self._baseline(every), played.results, every.games, every.plies, learning.trace_at(step))
        kept, worth = self._thinned(step, better, every.chances)
        rows, gains, weights = every.only(kept), self._here(better[kept]), self._here(worth)
        results = self._here(played.results[kept])
        anchored = learning.anchor > 0
        if anchored:
            self._first_member()
        sums = dict.fromkeys(("entropy", "anchor", "value"), torch.zeros((), device=self._device))
        count, moves = games.games, len(every.moves)

        def part(of: slice) -> Tensor:
            planes = self._here(rows.planes[of]).to(torch.float32, memory_format=torch.channels_last)
            told, mask = self._here(rows.global_values[of]), self._here(rows.mask[of])
            answers = network(planes, told)
            log_policy = masked_log_policy(answers.policy, mask, self.config.play.temperature)
            loss = reinforce_loss(log_policy, self._here(rows.moves[of]), weights[of] * gains[of], count)
            sums["entropy"] = sums["entropy"] + (weights[of] * entropy(log_policy.detach(), mask)).sum()
            if anchored:
                with torch.no_grad():
                    start = masked_log_policy(self.start(planes, told).policy, mask, self.config.play.temperature)
                distance = (weights[of] * divergence(log_policy, mask, start)).sum()
                sums["anchor"] = sums["anchor"] + distance.detach()
                loss = loss + learning.anchor * distance / count
            if answers.value is not None:
                error = (weights[of] * (answers.value.float() - results[of]).square()).sum()
                sums["value"] = sums["value"] + error.detach()
                if learning.value > 0:
                    loss = loss + learning.value * error / moves
            return loss

        total = in_slices(network, len(rows.moves), learning.slice, part)
        metrics = {
            "score": torch.tensor(games.score),
            "moves": torch.tensor(games.moves_per_game),
            "entropy": sums["entropy"] / moves,
            "advantage": torch.tensor(np.square(better).mean()),
        }
        if self.config.network is not None:
            metrics["value_error"] = sums["value"] / moves
        if self.config.play.resign_below > -1:
            resigned, doubted, wrong = played.resignations
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
        settings, chosen = self._evaluation_settings(), self.config.evaluation
        # The loop's network with the average of its weights, which may be another than the one that learns.
        learner = player_of(cast(Network, network), self.config.features)
        results = _named("start", [contest(learner, self._first_member(), settings, chosen.games, seed=0)])
        # A run that went back to an older checkpoint has members in its folder that have not joined yet.
        newest = self.pool.steps(self._step)[-1]
        members = self.pool.draw(self.config.loop.seed, newest, min(chosen.opponents, len(self.pool.steps(newest))))
        against = []
        for number, member in enumerate(members):
            opponent = self._member(member)
            games = chosen.games // len(members) + (number < chosen.games % len(members))
            if games:
                against.append(contest(learner, opponent, settings, games, seed=1 + number))
        return results | _named("pool", against)

    def _play(self, step: int) -> _Games:
        """The games of a step against a member of the pool."""
        config = self.config
        (member,) = self.pool.draw(config.loop.seed, step)
        policies = [player_of(self.network, config.features), self._member(member)]
        turns: list[Turn] = []

        def watch(turn: Turn) -> None:
            if turn.policy == 0:
                turns.append(turn)

        count = config.loop.batch_size
        seed = (config.loop.seed << 32) + step
        alternate = alternating()
        # A pair of numbers for every game, drawn apart from its moves.
        random = np.random.default_rng((config.loop.seed, step, 1))
        given_until = random.integers(0, config.learning.start_moves + 1, count)
        random_until = random.integers(0, config.learning.random_moves + 1, count)
        if config.learning.start_moves:
            policies.append(self._first_member())

        def seats(games: NDArray[np.int64], plies: NDArray[np.int64]) -> NDArray[np.int64]:
            unless_random = np.where(plies < given_until[games], 2, alternate(games, plies))
            return np.where(plies < random_until[games], RANDOM, unless_random)

        played = sorted(play_games(policies, seats, count, config.play, seed, boards=count, watch=watch))
        first = [colour_of_first(game.number) for game in played]
        signs = [
            0.0 if game.record.winner == 0 else 1.0 if game.record.winner == colour else -1.0
            for game, colour in zip(played, first, strict=True)
        ]
        moves = Turn(0, *(np.concatenate(arrays) for arrays in zip(*(turn[1:] for turn in turns), strict=True)))
        results = np.array(signs, np.float32)[moves.games]
        contest_of = Contest([game.record for game in played], first, repeated=0)
        return _Games(moves, results, contest_of, resignations(played))

    def _thinned(
        self, step: int, better: NDArray[np.float32], chances: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Numbers int64[K] of the moves that are learned from, and float32[K] what each of them weighs."""
        keep = keep_chances(importance(better, chances), self.config.learning.share)
        drawn = np.random.default_rng((self.config.loop.seed, step, 2)).random(len(keep))
        kept = np.flatnonzero(drawn < keep)
        return kept, (1 / keep[kept]).astype(np.float32)

    def _baseline(self, moves: Turn) -> NDArray[np.float32]:
        """v(s) before every move, float32[B]."""
        if self.critic is None:
            return moves.value if self.config.learning.baseline == HEAD else np.zeros_like(moves.value)
        size = self.config.learning.slice
        starts = range(0, len(moves.moves), size)
        inputs = ((moves.planes[i : i + size], moves.global_values[i : i + size]) for i in starts)
        return np.concatenate([self.critic.evaluate(*some).value for some in inputs])

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

    def _member(self, step: int) -> Evaluator:
        """The pool's member that joined at `step`, as a player."""
        self.opponent.load_state_dict(self.pool.weights(step))
        return player_of(self.opponent, self.config.features)

    def _first_member(self) -> Evaluator:
        """The pool's first member, as a player; `start` has its weights from then on."""
        if self._first_player is None:
            self.start.load_state_dict(self.pool.weights(START))
            self._first_player = player_of(self.start, self.config.features)
        return self._first_player

    def _companion(self, role: str, name: str) -> Network:
        """Another network by name or file, which must read the same planes and play on the same board."""
        network, info = read_weights(name)
        if not info.supports(self.config.play.size):
            raise ValueError(f"the {role} {info.name} does not play on boards of {self.config.play.size}")
        if info.feature_set != self.config.features:
            raise ValueError(
                f"the {role} {info.name} reads the planes {info.feature_set}, the policy {self.config.features}"
            )
        return network

    def _like(self) -> Network:
        """A network of the same shape, for others' weights."""
        network = untrained(self.config).eval().requires_grad_(False)
        network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

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

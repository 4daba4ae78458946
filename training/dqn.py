"""Deep Q-learning with replay and a fixed target network (Mnih et al. 2015).

Every action goes into a replay memory. Every `learn_every` actions a batch is drawn from it, and Q(s, a) moves towards

    y = r + gamma sigma max_a' Q'(s', a'),

where Q' is an older copy of Q, renewed every `target_every` actions, and sigma is -1 where the opponent acts in s' and
1 elsewhere (negamax: what is best for the opponent is worst for us; without the sign a program learns to help its
opponent). Of s' only the allowed actions count. Actions are the best ones by Q, and random ones with a falling
probability.

(The lecture writes the gradient without the factor -2 of the derivative, which leaves its sign out, and "a = max_a Q"
for the argmax.)
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gozero.config import Config
from training.agent_networks import AgentNetworkConfig, QNetwork, best_actions
from training.agent_run import AgentLoopConfig, AgentOptimiserConfig, AgentRun
from training.environments import EnvironmentConfig, Environments
from training.replay import NStep, Replay, Transitions


class DqnLearning(Config, frozen=True):
    """What is learned from the actions."""

    discount: float = 0.99
    """gamma: what a reward is worth one action later."""
    n_steps: int = 1
    """Rewards that are summed up before Q' tells the rest. More carry a game's result back faster, but are those of
    what was tried then, not of what is best now."""
    capacity: int = 10_000
    """Transitions in the replay memory."""
    batch_size: int = 128
    """Transitions of a step of learning."""
    begin: int = 10_000
    """Actions before the first step of learning."""
    learn_every: int = 10
    """Actions for each step of learning."""
    target_every: int = 500
    """Actions after which Q' becomes a copy of Q."""
    explore_start: float = 1.0
    """Probability of a random action at the start."""
    explore_end: float = 0.05
    """The same from the moment on when it has fallen, evenly."""
    explore_share: float = 0.5
    """Share of the run in which it falls."""

    def __post_init__(self) -> None:
        for name in ("n_steps", "capacity", "batch_size", "begin", "learn_every", "target_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"learning.{name} must be at least 1, it is {getattr(self, name)}")
        for name in ("discount", "explore_start", "explore_end", "explore_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"learning.{name} must be from 0 to 1, it is {getattr(self, name)}")

    def exploration(self, done: float) -> float:
        """The probability of a random action when a share `done` of the run is done."""
        fallen = min(1.0, done / self.explore_share) if self.explore_share else 1.0
        return self.explore_start + (self.explore_end - self.explore_start) * fallen


class DqnConfig(Config, frozen=True):
    """`gozero train dqn`: everything that decides a run."""

    name: str
    """What the run is called in plots."""
    environment: EnvironmentConfig
    loop: AgentLoopConfig
    learning: DqnLearning = DqnLearning()
    network: AgentNetworkConfig = AgentNetworkConfig()
    optimiser: AgentOptimiserConfig = AgentOptimiserConfig()


def make_network(config: DqnConfig, environments: Environments) -> QNetwork:
    """A network that has learned nothing, by torch's random state."""
    return QNetwork(config.network, environments.shape, environments.actions)


def learn(config: DqnConfig, environments: Environments, network: QNetwork, run: AgentRun) -> None:
    """Learn until the run is over."""
    learning, everyone = config.learning, np.arange(environments.count)
    random = np.random.default_rng([config.loop.seed, run.step])
    target = copy.deepcopy(network).requires_grad_(False)
    replay = Replay(learning.capacity, environments)
    summing = NStep(learning.n_steps, learning.discount, environments.next_player)
    environments.reset(config.loop.seed + run.step, run.step)
    begin = run.step + learning.begin  # the memory of a run that is resumed is empty, too
    while run.goes_on():
        observations, masks = environments.observations.copy(), environments.masks.copy()
        actions = try_out(network, observations, masks, learning.exploration(run.done), random)
        outcome = environments.step(actions, everyone)
        transitions = summing.add(observations, actions, outcome)
        if transitions is not None:
            replay.add(transitions)
        before = run.step
        run.acted(outcome, everyone)
        if run.step > begin and replay.size > 0:  # the first transitions are whole after n actions each
            for _ in range(run.step // learning.learn_every - before // learning.learn_every):
                loss, q = td_loss(network, target, replay.draw(learning.batch_size, random))
                run.learn(loss, {"q": q})
            if run.step // learning.target_every > before // learning.target_every:
                target.load_state_dict(network.state_dict())
        run.report()


def try_out(
    network: QNetwork,
    observations: NDArray,  # type: ignore[type-arg]
    masks: NDArray[np.bool_],
    exploration: float,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """The best action by Q, or with probability `exploration` any of the allowed ones, int64[n]."""
    actions = best_actions(network, observations, masks)
    for i in np.flatnonzero(random.random(len(actions)) < exploration):
        actions[i] = random.choice(np.flatnonzero(masks[i]))
    return actions


def td_targets(rewards: Tensor, weights: Tensor, following: Tensor, masks: Tensor) -> Tensor:
    """y = r + w max Q'(s', a') over the allowed actions, float32 [B].

    rewards: [B]. weights: [B], gamma sigma, 0 where nothing follows (`training.replay.Transitions`). following:
    [B, A], Q' of s' for whoever acts there. masks: bool [B, A], what is allowed there.
    """
    return rewards + weights * following.masked_fill(~masks, -torch.inf).max(1).values


def td_loss(network: QNetwork, target: QNetwork, batch: Transitions) -> tuple[Tensor, Tensor]:
    """The mean squared error of Q(s, a) on its target, and the mean of Q(s, a).

    (Mnih et al. 2015, Methods, cut the error's gradient at 1, for rewards cut to -1 to 1. Where values are larger that
    makes a median of the mean: a few ends of episodes count for nothing beside many that go on, and Q
    grew forever. The whole gradient is cut instead, `optimiser.clip`.)
    """
    with torch.no_grad():
        following = target(torch.from_numpy(batch.following))
        y = td_targets(
            torch.from_numpy(batch.rewards), torch.from_numpy(batch.weights), following, torch.from_numpy(batch.masks)
        )
    q = network(torch.from_numpy(batch.observations))
    played = q.gather(1, torch.from_numpy(batch.actions)[:, None])[:, 0]
    return functional.mse_loss(played, y), played.mean()

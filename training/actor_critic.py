"""Actor-critic: a policy learns from what a value saw better and worse than it had expected.

After every `rollout` actions in each environment, for all of them at once:

- the temporal difference, delta = r + gamma v(s') - v(s), says whether an action did better than v expected;
- the actor makes actions with a positive advantage likelier and those with a negative one less likely, along
  A grad log p(a|s), where A is delta itself at `trace` 0, and a mean over longer and longer sums of rewards above;
- the critic moves v(s) towards v(s) + A.

The difference keeps its sign. (The lecture's box has delta = (y - V)^2 and multiplies log p by that square, which is
never negative: every action, good or bad, would become likelier. Its earlier slide has the signed one.)

Sutton and Barto 2018, section 13.5; with several environments at a time and an entropy bonus, Mnih et al. 2016 (A2C).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gozero.config import Config
from training.agent_networks import AgentNetworkConfig, PolicyValueNetwork, draw_actions
from training.agent_run import AgentLoopConfig, AgentOptimiserConfig, AgentRun
from training.environments import EnvironmentConfig, Environments, Outcome
from training.losses import entropy, masked_log_policy, reinforce_loss
from training.returns import Floats, advantages, temporal_differences


class ActorCriticLearning(Config, frozen=True):
    """What is learned from the actions."""

    discount: float = 0.99
    """gamma: what a reward is worth one action later."""
    rollout: int = 5
    """Actions in each environment between two steps of learning."""
    trace: float = 1.0
    """lambda of the advantages, from 0 to 1: 0 is the lecture's one-step temporal difference, 1 the longest sum that a
    rollout allows (`training.returns.advantages`)."""
    value: float = 0.5
    """Weight of the critic's mean squared error."""
    entropy: float = 0.0
    """Weight of the policy's entropy in nats, which is to stay high: against a policy that is too sure too soon."""
    entropy_end: float = 0.0
    """The same at the end of the run; in between it changes evenly."""

    def __post_init__(self) -> None:
        if self.rollout < 1:
            raise ValueError(f"learning.rollout must be at least 1, it is {self.rollout}")
        for name in ("discount", "trace"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"learning.{name} must be from 0 to 1, it is {getattr(self, name)}")


class ActorCriticConfig(Config, frozen=True):
    """`gozero train actor-critic`: everything that decides a run."""

    name: str
    """What the run is called in plots."""
    environment: EnvironmentConfig
    loop: AgentLoopConfig
    learning: ActorCriticLearning = ActorCriticLearning()
    network: AgentNetworkConfig = AgentNetworkConfig()
    optimiser: AgentOptimiserConfig = AgentOptimiserConfig()


def make_network(config: ActorCriticConfig, environments: Environments) -> PolicyValueNetwork:
    """A network that has learned nothing, by torch's random state."""
    return PolicyValueNetwork(config.network, environments.shape, environments.actions)


def learn(config: ActorCriticConfig, environments: Environments, network: PolicyValueNetwork, run: AgentRun) -> None:
    """Learn until the run is over."""
    learning, count = config.learning, environments.count
    everyone = np.arange(count)
    generator = torch.Generator().manual_seed(config.loop.seed + run.step)
    environments.reset(config.loop.seed + run.step, run.step)
    while run.goes_on():
        observations, masks, actions, values, outcomes = [], [], [], [], []
        for _ in range(learning.rollout):
            seen, mask = torch.from_numpy(environments.observations.copy()), torch.from_numpy(environments.masks.copy())
            with torch.inference_mode():
                logits, value = network(seen)
                action = draw_actions(logits, mask, generator)
            outcome = environments.step(action.numpy(), everyone)
            run.acted(outcome, everyone)
            observations.append(seen)
            masks.append(mask)
            actions.append(action)
            values.append(value.numpy())
            outcomes.append(outcome)
        after = values_after(network, values, outcomes, environments.observations)
        after = environments.next_player * after  # to whoever acted before
        rewards = np.stack([outcome.rewards for outcome in outcomes])
        terminated, ended = (np.stack([getattr(each, name) for each in outcomes]) for name in ("terminated", "ended"))
        differences = temporal_differences(rewards, np.stack(values), after, terminated, learning.discount)
        gained = advantages(differences, ended, learning.discount, environments.next_player, learning.trace)
        advantage = torch.from_numpy(gained.reshape(-1))
        target = advantage + torch.from_numpy(np.concatenate(values))
        mask, action = torch.cat(masks), torch.cat(actions).clone()
        logits, value = network(torch.cat(observations))
        log_policy = masked_log_policy(logits, mask, 1.0)
        policy_loss = reinforce_loss(log_policy, action, advantage, len(action))  # the mean over the actions
        value_loss = (value - target).square().mean()
        spread = entropy(log_policy, mask).mean()
        bonus = learning.entropy + (learning.entropy_end - learning.entropy) * run.done
        loss = policy_loss + learning.value * value_loss - bonus * spread
        run.learn(loss, {"policy": policy_loss, "value_error": value_loss, "entropy": spread})
        run.report()


@torch.inference_mode()
def values_after(
    network: PolicyValueNetwork, values: Sequence[Floats], outcomes: Sequence[Outcome], now: NDArray[Any]
) -> Floats:
    """v(s') for whoever acts there, float32 [T, N], of T outcomes in N environments.

    That is the value of what was seen next, [N] each, known but for the last, which is seen `now`. Where an episode was
    cut short it is that of what it was cut off from.
    """
    after = np.stack([*values[1:], network(torch.from_numpy(now))[1].numpy()])
    for t, outcome in enumerate(outcomes):
        if outcome.truncated.any():
            left = outcome.observations[outcome.truncated]
            after[t, outcome.truncated] = network(torch.from_numpy(left))[1].numpy()
    return after

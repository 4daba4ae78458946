"""REINFORCE in any environment: whole episodes are played, and actions of good ones become likelier (Williams 1992).

A round plays one episode in each environment. The return that followed each action, less what a baseline expected
there, is its advantage A; the policy moves along A grad log p(a|s), by the loss of AlphaGo's second stage
(`training.losses.reinforce_loss`), which this is without the pool of opponents and the large network
(`training.reinforce`). The baseline does not change which way the steps lead on average, only how much they scatter.

(The lecture's box asks for the gradient of minus the return and then adds it to the weights: one of the two signs must
go.)
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from gozero.config import Config
from training.agent_networks import AgentNetworkConfig, PolicyValueNetwork, draw_actions
from training.agent_run import AgentLoopConfig, AgentOptimiserConfig, AgentRun
from training.environments import EnvironmentConfig, Environments, play_episodes
from training.losses import entropy, masked_log_policy, reinforce_loss
from training.returns import discounted_returns


class PolicyGradientLearning(Config, frozen=True):
    """What is learned from the episodes."""

    discount: float = 0.99
    """gamma: what a reward is worth one action later."""
    baseline: Literal["none", "value"] = "value"
    """What the return is compared with: 0, or the network's value of the situation."""
    value: float = 0.5
    """Weight of the value's mean squared error."""
    scaled: bool = True
    """Whether advantages are divided by their standard deviation over the round, which spares a new learning rate for
    every size of reward."""
    entropy: float = 0.0
    """Weight of the policy's entropy in nats, which is to stay high: against a policy that is too sure too soon."""

    def __post_init__(self) -> None:
        if not 0 <= self.discount <= 1:
            raise ValueError(f"learning.discount must be from 0 to 1, it is {self.discount}")


class PolicyGradientConfig(Config, frozen=True):
    """`gozero train policy-gradient`: everything that decides a run. `environment.count` is the episodes of a round."""

    name: str
    """What the run is called in plots."""
    environment: EnvironmentConfig
    loop: AgentLoopConfig
    learning: PolicyGradientLearning = PolicyGradientLearning()
    network: AgentNetworkConfig = AgentNetworkConfig()
    optimiser: AgentOptimiserConfig = AgentOptimiserConfig()


def make_network(config: PolicyGradientConfig, environments: Environments) -> PolicyValueNetwork:
    """A network that has learned nothing, by torch's random state."""
    return PolicyValueNetwork(config.network, environments.shape, environments.actions)


def learn(config: PolicyGradientConfig, environments: Environments, network: PolicyValueNetwork, run: AgentRun) -> None:
    """Learn until the run is over."""
    learning = config.learning
    generator = torch.Generator().manual_seed(config.loop.seed + run.step)
    environments.reset(config.loop.seed + run.step, run.step)

    def choose(observations: NDArray[Any], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        with torch.inference_mode():
            logits = network.preferences(torch.from_numpy(observations))
            actions: NDArray[np.int64] = draw_actions(logits, torch.from_numpy(masks), generator).numpy()
        return actions

    while run.goes_on():
        moves = play_episodes(environments, choose)
        for move in moves:
            run.acted(move.outcome, move.rows)
        returns = discounted_returns(moves, environments.count, learning.discount, environments.next_player)
        earned = torch.from_numpy(np.concatenate(returns))
        mask = torch.from_numpy(np.concatenate([move.masks for move in moves]))
        action = torch.from_numpy(np.concatenate([move.actions for move in moves]))
        logits, value = network(torch.from_numpy(np.concatenate([move.observations for move in moves])))
        advantage = earned - value.detach() if learning.baseline == "value" else earned
        if learning.scaled:
            advantage = advantage / advantage.std().clamp(min=1e-6)
        log_policy = masked_log_policy(logits, mask, 1.0)
        policy_loss = reinforce_loss(log_policy, action, advantage, environments.count)
        value_loss = (value - earned).square().mean()
        spread = entropy(log_policy, mask).mean()
        loss = policy_loss + learning.value * value_loss - learning.entropy * spread
        run.learn(loss, {"policy": policy_loss, "value_error": value_loss, "entropy": spread})
        run.report()

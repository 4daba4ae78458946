"""The classic algorithms by name, and agents: what a run of one of them has learned."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any, Final, NamedTuple

from gozero import config as configs
from training import checkpoint
from training.agent_networks import AgentNetwork
from training.environments import GO, EnvironmentConfig, Environments, GymnasiumEnvironments, UnknownEnvironment
from training.run_folder import RunError, RunFolder

ALGORITHMS: Final[dict[str, tuple[str, str]]] = {
    "dqn": ("training.dqn", "DqnConfig"),
    "actor-critic": ("training.actor_critic", "ActorCriticConfig"),
    "policy-gradient": ("training.policy_gradient", "PolicyGradientConfig"),
}
"""Name -> (module, class of its configurations). A module has `make_network` and `learn`."""


def algorithm_of(name: str) -> tuple[ModuleType, type[Any]]:
    """The module of an algorithm, and the class of its configurations."""
    module_name, kind = ALGORITHMS[name]
    module = importlib.import_module(module_name)
    return module, getattr(module, kind)


def make_environments(config: EnvironmentConfig) -> Environments:
    """The environments that are learned in. Raises UnknownEnvironment."""
    if config.self_play is not None:
        if config.id != GO:
            raise UnknownEnvironment(f"environment.self_play is for {GO}: leave it out with {config.id}")
        from training.go_self_play import GoSelfPlay  # compiles kernels, which CartPole can do without

        return GoSelfPlay(config, config.self_play)
    return GymnasiumEnvironments(config)


class Agent(NamedTuple):
    """What a run has learned."""

    algorithm: str
    config: Any
    """The run's, with `environment`."""
    network: AgentNetwork
    steps: int
    """Actions that it has learned from."""


def load_agent(path: str | os.PathLike[str]) -> Agent:
    """The agent of the newest checkpoint in a run's folder. Raises RunError or CheckpointError."""
    folder = RunFolder(path)
    folder.require_run()
    newest = folder.latest_step()
    if newest is None:
        raise RunError(f"the run in {folder.path} has no checkpoint yet: wait for the first (loop.checkpoint_every)")
    file = checkpoint.path_of(folder.checkpoints, newest)
    tensors, record = checkpoint.load(file)
    algorithm = record.get("algorithm")
    if algorithm not in ALGORITHMS:
        raise RunError(f"the run in {folder.path} is not one of gozero train {', '.join(ALGORITHMS)}")
    module, kind = algorithm_of(algorithm)
    config = configs.load(folder.config, kind)
    environments = make_environments(config.environment)
    network = module.make_network(config, environments)
    environments.close()
    checkpoint.load_weights(network, tensors, "network.", file)
    return Agent(algorithm, config, network, int(record["step"]))

"""`gozero train dqn`, `actor-critic` and `policy-gradient`: the classic algorithms, in any environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final

from gozero import config as configs
from training import stage_command
from training.run_folder import RunError, RunFolder, resumed_config

WHAT: Final = {
    "dqn": "deep Q-learning with replay and a fixed target network",
    "actor-critic": "actor-critic with signed TD advantages",
    "policy-gradient": "REINFORCE with a baseline, over whole episodes",
}


def main(algorithm: str, argv: Sequence[str]) -> int:
    """Entry point of `gozero train ALGORITHM`; returns 128 + the signal's number when a signal stopped the run."""
    parser = argparse.ArgumentParser(
        prog=f"gozero train {algorithm}",
        description=f"Let an agent learn in an environment of Gymnasium's: {WHAT[algorithm]}. "
        "Ctrl-C saves; --resume goes on.",
        epilog=f"example: gozero train {algorithm} --config {algorithm}-cartpole --run runs/cartpole",
    )
    stage_command.add_run(parser)
    parser.add_argument("--env", metavar="ID", help="another environment than the preset's, such as Acrobot-v1")
    parser.add_argument("--seed", type=int, metavar="N", help="short for --set loop.seed=N")
    stage_command.add_settings(parser, "loop.steps=50000")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch (default: 1; networks are small)")
    return _train(algorithm, parser.parse_args(argv))


def _train(algorithm: str, arguments: argparse.Namespace) -> int:
    import torch

    from training.agent_eval import evaluate
    from training.agent_run import AgentRun
    from training.agents import algorithm_of, make_environments

    module, kind = algorithm_of(algorithm)
    folder = RunFolder(arguments.run)
    settings = list(arguments.set)
    if arguments.env is not None:
        settings.append(f"environment.id={arguments.env}")
    if arguments.seed is not None:
        settings.append(f"loop.seed={arguments.seed}")
    if arguments.resume:
        if arguments.config:
            raise RunError("a resumed run has its own settings: leave --config out, or use --set for one")
        config = resumed_config(folder, kind, settings)
    else:
        name = arguments.config or f"{algorithm}-cartpole"
        config = configs.load(configs.find(name), kind, settings)

    torch.set_num_threads(max(1, arguments.threads))
    torch.manual_seed(config.loop.seed)
    environments = make_environments(config.environment)
    network = module.make_network(config, environments)
    if arguments.resume:
        folder.write_config(config)
    else:
        folder.create(config)
    evaluation = partial(evaluate, config.environment)
    try:
        with AgentRun(
            folder,
            config.loop,
            config.optimiser,
            network,
            environments,
            evaluation,
            algorithm=algorithm,
            resume=arguments.resume,
        ) as run:
            module.learn(config, environments, network, run)
    finally:
        environments.close()
    if run.stopped_by is not None and run.step < config.loop.steps:
        command = f"gozero train {algorithm} --run {arguments.run} --resume"
        print(f"stopped and saved after {run.step} actions; continue with: {command}", file=sys.stderr)
        return 128 + run.stopped_by
    print(f"done: {run.step} actions in {arguments.run}; next: gozero report {arguments.run}", file=sys.stderr)
    return 0

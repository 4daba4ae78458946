"""`gozero train reinforce`: a policy that plays its own past."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence

from gozero import config as configs
from gozero.errors import GozeroError
from training import stage_command
from training.run_folder import RunError, RunFolder, resumed_config


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero train reinforce`; returns 128 + the signal's number when a signal stopped the run."""
    parser = argparse.ArgumentParser(
        prog="gozero train reinforce",
        description="Let a policy network play games against a pool of its past selves and learn from who won "
        "(REINFORCE, AlphaGo's second stage). Ctrl-C saves; --resume continues exactly.",
        epilog="example: gozero train reinforce --config reinforce-9 --init compact-9 --run runs/rl",
    )
    stage_command.add_run(parser, "pool")
    parser.add_argument("--init", metavar="NETWORK", help="the network to start from, by name or file")
    stage_command.add_settings(parser)
    stage_command.add_machine(parser)
    return _train(parser.parse_args(argv))


def _train(arguments: argparse.Namespace) -> int:
    import torch

    from training import reinforce, reinforce_config
    from training.loop import train
    from training.reinforce import ReinforceStage
    from training.reinforce_config import ReinforceConfig

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise GozeroError("gozero train reinforce runs as one process: start it without torchrun")
    folder = RunFolder(arguments.run)
    settings = list(arguments.set)
    if arguments.resume:
        if arguments.init or arguments.config:
            raise RunError("a resumed run has its own settings: leave --init and --config out, or use --set for one")
        config = resumed_config(folder, ReinforceConfig, settings)
    else:
        if not arguments.config:
            raise RunError("--config is missing: name a preset (such as reinforce-9) or a YAML file, or add --resume")
        if arguments.init:
            settings.append(f"init={json.dumps(arguments.init)}")
        config = configs.load(configs.find(arguments.config), ReinforceConfig, settings)
        if not config.init:
            raise RunError("--init is missing: name the network that the run starts from, such as compact-9")

    torch.set_num_threads(max(1, arguments.threads))
    device = stage_command.pick_device(arguments.device)
    stage_command.tune(device, config.loop.precision)
    if arguments.resume:
        network = reinforce_config.untrained(config)
    else:
        config, network = reinforce_config.complete(config)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    stage = ReinforceStage(config, network, folder)
    if arguments.resume:
        folder.write_config(config)
    else:
        folder.create(config)
    outcome = train(
        stage,
        network,
        folder,
        config.loop,
        config.optimiser,
        config.schedule,
        resume=arguments.resume,
        facts=reinforce.facts(config),
    )
    return stage_command.conclude(outcome, "reinforce", arguments.run)

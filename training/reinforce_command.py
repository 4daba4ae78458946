"""`gozero train reinforce`: a policy that plays its own past."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from gozero import config as configs
from gozero.errors import GozeroError
from training.run_folder import RunError, RunFolder, resumed_config


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero train reinforce`; returns 128 + the signal's number when a signal stopped the run."""
    parser = argparse.ArgumentParser(
        prog="gozero train reinforce",
        description="Let a policy network play games against a pool of its past selves and learn from who won "
        "(REINFORCE, AlphaGo's second stage). Ctrl-C saves; --resume continues exactly.",
        epilog="example: gozero train reinforce --config reinforce-9 --init compact-9 --run runs/rl",
    )
    parser.add_argument("--config", help="a preset in data/configs, or a YAML file (a resumed run has its own)")
    parser.add_argument("--run", required=True, metavar="DIR", help="folder of the run: settings, metrics, pool")
    parser.add_argument("--init", metavar="NETWORK", help="the network to start from, by name or file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting, e.g. loop.steps=500"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in DIR from its newest checkpoint")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads of torch (default: all)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto (default): a GPU if there is one")
    return _train(parser.parse_args(argv))


def _train(arguments: argparse.Namespace) -> int:
    import torch

    from training import reinforce, reinforce_config, train_command
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
    device = train_command.pick_device(arguments.device)
    train_command.tune(device, config.loop.precision)
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
    if outcome.stopped_by is not None:
        command = f"gozero train reinforce --run {arguments.run} --resume"
        print(f"stopped and saved after step {outcome.step}; continue with: {command}", file=sys.stderr)
        return 128 + outcome.stopped_by
    print(f"done: {outcome.step} steps in {arguments.run}; next: gozero export --run {arguments.run}", file=sys.stderr)
    return 0

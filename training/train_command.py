"""`gozero train`: one command for every stage."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gozero import config as configs
from training import agent_command, stage_command
from training.run_folder import RunError, RunFolder, refuse_changes

STAGES: Final = ("policy", "rollout", "reinforce", "value", *agent_command.WHAT)
"""AlphaGo's stages, and the classic algorithms for any environment of Gymnasium's."""
_FLAGS: Final = ("--resume", "--help", "-h")
"""The options of all stages that take no value."""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero train`; returns 128 + the signal's number when a signal stopped the run."""
    argv = _stage_first(argv)
    if argv[:1] == ["rollout"]:
        from training import rollout_command

        return rollout_command.main(argv[1:])
    if argv[:1] == ["reinforce"]:
        from training import reinforce_command

        return reinforce_command.main(argv[1:])
    if argv[:1] == ["value"]:
        from training import value_command

        return value_command.main(argv[1:])
    if argv[:1] and argv[0] in agent_command.WHAT:
        return agent_command.main(argv[0], argv[1:])
    parser = argparse.ArgumentParser(
        prog="gozero train",
        usage="%(prog)s STAGE --run DIR [options]",
        description="Train a network from records. Ctrl-C saves; the same command with --resume continues. "
        "The options below are those of the stage policy; 'gozero train STAGE --help' tells about the other stages.",
        epilog="example: gozero train policy --config compact-19 --store games.store --run runs/first",
    )
    parser.add_argument("stage", choices=STAGES, metavar="STAGE", help=f"one of {', '.join(STAGES)}")
    stage_command.add_run(parser)
    parser.add_argument("--store", metavar="DIR", help="packed store made by `gozero pack`")
    stage_command.add_settings(parser)
    parser.add_argument("--init", metavar="NETWORK", help="start from the weights of a network, by name or file")
    stage_command.add_machine(parser)
    return train_policy(parser.parse_args(argv))


def _stage_first(argv: Sequence[str]) -> list[str]:
    """The arguments with the stage, wherever it is, before the others: every stage has a parser of its own.

    A word after an option is that option's value, also where it is a stage's name: `--run value`.
    """
    for place, word in enumerate(argv):
        before = argv[place - 1] if place else ""
        is_value = before.startswith("-") and "=" not in before and not any(flag.startswith(before) for flag in _FLAGS)
        if word in STAGES and not is_value:
            return [word, *argv[:place], *argv[place + 1 :]]
    return list(argv)


def train_policy(arguments: argparse.Namespace) -> int:
    """The supervised stage."""
    import torch

    from training import supervised
    from training.distributed import join
    from training.loop import train
    from training.supervised import PolicyConfig
    from training.weights import start_from

    folder = RunFolder(arguments.run)
    settings = list(arguments.set)
    if arguments.store:
        settings.append(f"data.store={json.dumps(str(Path(arguments.store).resolve()))}")
    if arguments.init:
        settings.append(f"init={json.dumps(arguments.init)}")
    if arguments.resume:
        if arguments.init:
            raise RunError("--init starts a new run and --resume continues one: use one of them")
        folder.require_run()
        own = configs.load(folder.config, PolicyConfig)
        if arguments.config:
            # A preset names no records: those come from the command line, now or when the run began.
            settings = [f"data.store={json.dumps(own.data.store)}", f"init={json.dumps(own.init)}", *settings]
            config = configs.load(configs.find(arguments.config), PolicyConfig, settings)
        else:
            config = configs.load(folder.config, PolicyConfig, settings)
        refuse_changes(own, config, folder)
    elif arguments.config:
        config = configs.load(configs.find(arguments.config), PolicyConfig, settings)
    else:
        raise RunError("--config is missing: name a preset (such as compact-19) or a YAML file, or add --resume")
    if not config.data.store:
        raise RunError("no records to learn from: name a packed store with --store (`gozero pack` makes one)")

    torch.set_num_threads(max(1, arguments.threads))
    with join(stage_command.pick_device(arguments.device)) as (world, device):
        stage_command.tune(device, config.loop.precision)
        stage = supervised.PolicyStage(config, device, world)
        network = supervised.make_network(config, device)
        if config.init and folder.latest_step() is None:  # also a run that was killed before its first checkpoint
            start_from(network, config.init)
        if world.writes and arguments.resume:
            folder.write_config(config)
        elif world.writes:
            folder.create(config)
        outcome = train(
            stage,
            network,
            folder,
            config.loop,
            config.optimiser,
            config.schedule,
            resume=arguments.resume,
            facts=supervised.facts(config, stage),
            threads=config.data.threads,
            flops=supervised.step_flops(network, config),
            world=world,
        )
    return stage_command.conclude(outcome, "policy", arguments.run, says=world.writes)

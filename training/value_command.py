"""`gozero train value`: a network that says who will win."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gozero import config as configs
from gozero.cli import EXIT_INTERRUPTED
from training import stage_command
from training.run_folder import RunError, RunFolder, resumed_config

if TYPE_CHECKING:
    from engine.evaluator import Evaluator
    from training.value import ValueConfig

LINE_SECONDS: Final = 10.0
"""Between two lines that say how many games are played."""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero train value`; returns 128 + the signal's number when a signal stopped the run."""
    parser = argparse.ArgumentParser(
        prog="gozero train value",
        description="Train a network to say who will win (AlphaGo's third stage): from one position each of games that "
        "two policies play for it, or of a packed store. Ctrl-C saves; --resume continues.",
        epilog="example: gozero train value --config value-9 --supervised compact-9 --reinforced rl.onnx --run runs/v",
    )
    stage_command.add_run(parser, "games")
    add = parser.add_argument
    add("--supervised", metavar="NETWORK", help="the policy that plays the first moves of each game")
    add("--reinforced", metavar="NETWORK", help="the policy that plays the rest, whose wins are predicted")
    add("--store", metavar="DIR", help="learn from the games of this store instead; none are played")
    add("--init", metavar="NETWORK", help="start from the weights of a network, by name or file")
    stage_command.add_settings(parser, "sampling.games=20000")
    stage_command.add_machine(parser)
    return _train(parser.parse_args(argv))


def _train(arguments: argparse.Namespace) -> int:
    import torch

    from training import supervised
    from training.distributed import first_before_others, join
    from training.loop import train
    from training.value import ValueConfig, ValueStage
    from training.weights import start_from

    folder = RunFolder(arguments.run)
    settings = list(arguments.set)
    if arguments.store:
        settings.append(f"data.store={json.dumps(str(Path(arguments.store).resolve()))}")
    for option, key in (("supervised", "sampling.supervised"), ("reinforced", "sampling.reinforced"), ("init", "init")):
        if value := getattr(arguments, option):
            settings.append(f"{key}={json.dumps(value)}")
    if arguments.resume:
        if arguments.init or arguments.config:
            raise RunError("a resumed run has its own settings: leave --init and --config out, or use --set for one")
        config = resumed_config(folder, ValueConfig, settings)
    elif arguments.config:
        config = configs.load(configs.find(arguments.config), ValueConfig, settings)
    else:
        raise RunError("--config is missing: name a preset (such as value-9) or a YAML file, or add --resume")
    if not config.data.store and not (config.sampling.supervised and config.sampling.reinforced):
        raise RunError(
            "no games to learn from: name the policies that play them with --supervised and --reinforced, or a packed "
            "store with --store"
        )

    torch.set_num_threads(max(1, arguments.threads))
    with join(stage_command.pick_device(arguments.device)) as (world, device):
        stage_command.tune(device, config.loop.precision)
        players = [] if config.data.store else _players(config)
        network = supervised.make_network(config, device)
        if config.init and folder.latest_step() is None:  # also a run that was killed before its first checkpoint
            start_from(network, config.init)
        # A store or a network that is not there shall not leave a run behind.
        stage = ValueStage(config, config.data.store, device, world) if config.data.store else None
        if world.writes and not arguments.resume:
            folder.create(config)
        if stage is None:
            try:
                with first_before_others(world):
                    store = _games(config, players, folder)
            except KeyboardInterrupt:
                if world.writes:
                    lost = f"stopped; of the games, at most the last {config.sampling.piece} are lost"
                    command = f"gozero train value --run {arguments.run} --resume"
                    print(f"{lost}; continue with: {command}", file=sys.stderr)
                return EXIT_INTERRUPTED
            stage = ValueStage(config, str(store), device, world)
        if world.writes and arguments.resume:
            folder.write_config(config)
        outcome = train(
            stage,
            network,
            folder,
            config.loop,
            config.optimiser,
            config.schedule,
            resume=arguments.resume,
            facts={**supervised.facts(config, stage), **_played_by(config)},
            threads=config.data.threads,
            flops=supervised.step_flops(network, config),
            world=world,
        )
    return stage_command.conclude(outcome, "value", arguments.run, says=world.writes)


def _played_by(config: ValueConfig) -> dict[str, list[str]]:
    """Who played the games that a run made for itself, for its checkpoints' records."""
    return {} if config.data.store else {"played_by": [config.sampling.supervised, config.sampling.reinforced]}


def _players(config: ValueConfig) -> list[Evaluator]:
    """The policies that play the run's games. Raises RunError or NetworkFileError."""
    from engine import network_file
    from engine.runtimes import open_network

    sampling = config.sampling
    size = sampling.play.size
    if size != config.data.size:
        raise RunError(f"sampling.play.size = {size} and data.size = {config.data.size} must be the same")
    paths = [network_file.find(name, size) for name in (sampling.supervised, sampling.reinforced)]
    return [open_network(path, sampling.boards) for path in paths]


def _games(config: ValueConfig, players: list[Evaluator], folder: RunFolder) -> Path:
    """The store of the games that the run's policies have played; plays what is missing."""
    from training.samples import make_samples

    last = -math.inf

    def told(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_SECONDS or done == total:
            last = time.monotonic()
            print(f"games: {done:,} of {total:,}", file=sys.stderr, flush=True)

    return make_samples(config.sampling, players[0], players[1], folder.path, told)

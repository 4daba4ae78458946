"""`gozero loop`: AlphaGo Zero's way: self-play with search, learning from it, a match, the next network."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from gozero import config as configs
from gozero.cli import EXIT_INTERRUPTED
from gozero.cores import usable_cores
from gozero.errors import GozeroError
from training.run_folder import RunError, resumed_config

EPILOG = """\
DIR holds selfplay/ (all games), learner/ (a run of `gozero train policy`: see it with `gozero report`), networks/ (one
of every generation, to play with), matches/, generations/ and elo.png. It may be killed at any moment: the same command
without --config goes on with the first thing that is missing, a step of training exactly where it stood.

examples:
  gozero loop --config loop-smoke --run runs/zero
  gozero loop --run runs/zero                                   after Ctrl-C, a crash, a reboot
  gozero loop --run runs/zero --set generations=16              goes on, twice as far
  gozero gtp --network runs/zero/networks/loop-smoke-0010.onnx"""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero loop`; returns 128 + the signal's number when a signal stopped it."""
    parser = argparse.ArgumentParser(
        prog="gozero loop",
        description="Generation after generation: a network plays itself with search, learns what the searches found, "
        "and is replaced by what it has become where that wins a match.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--config",
        help="a preset in data/configs, such as loop-smoke, or a YAML file (a loop that goes on has its own)",
    )
    add("--run", required=True, metavar="DIR", help="folder of the loop: games, learner, networks, matches")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting, e.g. generations=16")
    add(
        "--resume",
        action="store_true",
        help="go on with the loop in DIR, as without --config; an error if there is none",
    )
    add(
        "--workers",
        type=int,
        default=usable_cores(),
        metavar="N",
        help="processes that play (default: one a core)",
    )
    add("--threads", type=int, default=usable_cores(), metavar="N", help="CPU threads of torch (default: all)")
    add(
        "--device",
        default="auto",
        help="what the learner computes on: cpu, cuda, or auto (default): a GPU if there is one",
    )
    options = parser.parse_args(argv)
    for name in ("workers", "threads"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, not {getattr(options, name)}")
    return _loop(options)


def _loop(options: argparse.Namespace) -> int:
    import torch

    from training import stage_command
    from training.generations import Generations, Stopped
    from training.generations_config import MAY_CHANGE, GenerationsConfig
    from training.generations_folder import GenerationsFolder
    from training.weights import read_weights

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise GozeroError("gozero loop runs as one process, which starts its workers: start it without torchrun")
    folder = GenerationsFolder(options.run)
    if options.config and not options.resume:
        config = configs.load(configs.find(options.config), GenerationsConfig, options.set)
        if config.training.init:
            read_weights(config.training.init)  # where that fails, no loop is left behind
        folder.create(config)
    else:
        if options.config:
            raise RunError("a loop that goes on has its own settings: leave --config out, or use --set for one")
        if not options.resume and not folder.run.config.is_file():
            raise RunError(
                f"there is no loop in {options.run}: start one with --config and a preset, such as loop-smoke, or a "
                "YAML file"
            )
        config = resumed_config(folder.run, GenerationsConfig, options.set, MAY_CHANGE)
        folder.run.write_config(config)
    torch.set_num_threads(options.threads)
    device = stage_command.pick_device(options.device)
    stage_command.tune(device, config.training.loop.precision)

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    command = f"gozero loop --run {options.run}"
    try:
        Generations(config, folder, device, options.workers, tell).run()
    except Stopped as stopped:
        tell(f"stopped; everything that is finished is kept; continue with: {command}")
        return 128 + stopped.number
    except KeyboardInterrupt:
        tell(f"stopped; everything that is finished is kept; continue with: {command}")
        return EXIT_INTERRUPTED
    best = folder.network(config.name, folder.best())
    tell(f"done: {config.generations} generations in {options.run}; the best is {best}; strengths: {folder.plot}")
    return 0

"""`gozero bench training`: what a step of training costs on one core, by each way to compute the 3x3 convolutions."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import nn

from engine.winograd import use_winograd
from gozero import config as configs
from gozero import features, timing
from training.loop import update
from training.losses import Targets, supervised_loss
from training.optimisers import make_optimisers
from training.speed import TRAINING_COST, forward_flops
from training.supervised import PolicyConfig, make_network

STONES: Final = 0.3
"""Share of a plane's points that are set."""

EPILOG = """\
A step is forward and backward pass, gradient clipping and the optimiser on a batch of random boards that is made
before, so no records are needed. The ways take turns, each once a round; the medians count. CPU time of one thread; for
steady figures keep the process on one core and that core free.

examples: taskset -c 0 gozero bench training --config wide-19 --json
          gozero bench training --config compact-9 --set loop.batch_size=64 --compile"""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench training`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench training",
        description="How many positions a second one core learns from.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--config", default="compact-19", metavar="C", help="a preset or a YAML file (default: %(default)s)")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting, e.g. network.channels=64")
    add("--compile", action="store_true", help="also the network compiled by torch (wants a C++ compiler, minutes)")
    add("--repeats", type=int, default=timing.REPEATS, metavar="N", help="rounds (default: %(default)s)")
    add("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if options.repeats < 1:
        parser.error(f"--repeats is a number from 1, not {options.repeats}")
    config = configs.load(configs.find(options.config), PolicyConfig, options.set)
    figures = measure(config, options.repeats, compiled=options.compile)
    print(json.dumps(figures) if options.json else timing.table(figures))
    return 0


def measure(config: PolicyConfig, repeats: int, *, compiled: bool = False) -> dict[str, Any]:
    """What a step costs with direct convolutions, with Winograd's, and with those in a compiled network."""
    torch.set_num_threads(1)
    planes = features.plane_count(config.data.features)
    network = make_network(config, torch.device("cpu"))
    ways = {"direct": _step(network, network, config, planes), "winograd": _step(network, network, config, planes)}
    if compiled:
        ways["winograd_compiled"] = _step(network, torch.compile(network), config, planes)
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(repeats + 1):
        for way, step in ways.items():
            use_winograd(network, way != "direct")
            start = time.process_time()
            step()
            if turn:  # the first round compiles and fills caches
                seconds[way].append(time.process_time() - start)
    flops = TRAINING_COST * forward_flops(network, planes, config.data.size)
    batch = config.loop.batch_size
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    return {
        "config": config.name,
        "size": config.data.size,
        "batch": batch,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "ways": {
            way: {
                "seconds": median,
                "positions_per_s": batch / median,
                "gflops": 1e-9 * flops * batch / median,
            }
            for way, median in medians.items()
        },
    }


def _step(network: nn.Module, worker: Callable[..., Any], config: PolicyConfig, planes: int) -> Callable[[], None]:
    """A training step of `network`, computed by `worker`, on one batch of random boards."""
    batch, size = config.loop.batch_size, config.data.size
    x = (torch.rand(batch, planes, size, size) < STONES).float().to(memory_format=torch.channels_last)
    told = torch.rand(batch, len(features.GLOBALS))
    moves = torch.randint(0, size * size, (batch,))
    owners = torch.randint(-1, 2, (batch, size * size)).float()
    targets = Targets(moves, torch.randint(0, 2, (batch,)) * 2.0 - 1, torch.ones(batch), owners, moves)
    optimisers = make_optimisers(network, config.optimiser)

    def step() -> None:
        loss = supervised_loss(worker(x, told), targets, config.loss)
        update(network, loss.total, optimisers, config.optimiser.clip, 1e-6)

    return step

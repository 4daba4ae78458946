"""What the commands of all stages of training share: their options, where they compute, what they say in the end."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from gozero.cores import usable_cores
from gozero.errors import GozeroError

if TYPE_CHECKING:
    import torch

    from training.loop import Outcome


def add_run(parser: argparse.ArgumentParser, kept: str = "") -> None:
    """Adds `--config` and `--run`; `kept`: what else the run's folder keeps."""
    parser.add_argument("--config", help="a preset in data/configs, or a YAML file (a resumed run has its own)")
    folder = f"folder of the run: settings, metrics, checkpoints{kept and f', {kept}'}"
    parser.add_argument("--run", required=True, metavar="DIR", help=folder)


def add_settings(parser: argparse.ArgumentParser, example: str = "loop.steps=500") -> None:
    """Adds `--set`, with an `example` of a setting, and `--resume`."""
    change = f"change one setting, e.g. {example}"
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=change)
    parser.add_argument("--resume", action="store_true", help="continue the run in DIR from its newest checkpoint")


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Adds `--threads` and `--device`."""
    parser.add_argument("--threads", type=int, default=usable_cores(), help="CPU threads of torch (default: all)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto (default): a GPU if there is one")


def pick_device(name: str) -> torch.device:
    """The torch device called `name`; auto prefers a GPU. Raises GozeroError when it cannot be used."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise GozeroError(f"cannot use the device {name!r}; try --device cpu") from error
    return device


def tune(device: torch.device, precision: str) -> None:
    """Let a GPU choose its fastest kernels, and use its tensor cores where bfloat16 leaves float32 products over."""
    import torch

    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        if precision == "bfloat16":
            torch.set_float32_matmul_precision("high")


def conclude(outcome: Outcome, stage: str, run: str, *, says: bool = True) -> int:
    """The exit status of a run that has ended: 128 + the signal's number when a signal stopped it.

    It `says` on stderr how the run goes on or what comes next, in one process of those that train together.
    """
    if outcome.stopped_by is None:
        text = f"done: {outcome.step} steps in {run}; next: gozero export --run {run}"
    else:
        text = f"stopped and saved after step {outcome.step}; continue with: gozero train {stage} --run {run} --resume"
    if says:
        print(text, file=sys.stderr)
    return 0 if outcome.stopped_by is None else 128 + outcome.stopped_by

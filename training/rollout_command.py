"""`gozero train rollout`: the rollout policy and the tree policy, from a packed store to a weights file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gozero import config as configs
from gozero.cores import usable_cores
from gozero.store import Store
from training.run_folder import RunError, RunFolder


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero train rollout`."""
    parser = argparse.ArgumentParser(
        prog="gozero train rollout",
        description="Learn a rollout policy and its tree policy from records; a few minutes for millions of positions.",
        epilog="example: gozero train rollout --config rollout-19 --store games.store --run runs/rollout-19",
    )
    parser.add_argument("--config", required=True, help="a preset in data/configs, or a YAML file")
    parser.add_argument("--run", required=True, metavar="DIR", help="folder for the settings and the weights")
    parser.add_argument("--store", required=True, metavar="STORE", help="packed store made by `gozero pack`")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting, e.g. positions=1000000"
    )
    parser.add_argument("--threads", type=int, default=usable_cores(), help="threads (default: all)")
    options = parser.parse_args(argv)
    if options.threads < 1:
        parser.error("--threads must be at least 1")
    return train_rollout(options)


def train_rollout(options: argparse.Namespace) -> int:
    """Fits both policies and writes NAME.npz, `config.yaml` and `metrics.jsonl` into the run folder."""
    from engine import rollout_file
    from training.rollout_fit import Progress, RolloutConfig, fit

    config = configs.load(configs.find(options.config), RolloutConfig, options.set)
    folder = RunFolder(options.run)
    out = Path(options.run) / f"{config.name}.npz"
    if folder.config.exists():
        raise RunError(f"{options.run} already holds a run: name another folder with --run")
    store = Store.open(options.store)
    folder.path.mkdir(parents=True, exist_ok=True)
    on_terminal = sys.stderr.isatty()  # where a line may be written over
    with folder.metrics.open("w", encoding="utf-8") as metrics:

        def tell(progress: Progress) -> None:
            facts = {
                "policy": progress.policy,
                "positions": progress.positions,
                "nll": progress.nll,
                "top1": progress.top1,
            }
            print(json.dumps(facts), file=metrics, flush=True)
            text = (
                f"{progress.policy} policy: {progress.positions:,} of {progress.of:,} positions, "
                f"{progress.top1:.1%} of moves, {progress.nll:.3f} nats"
            )
            print(f"\r{text} " if on_terminal else f"{text}\n", end="", file=sys.stderr, flush=True)

        weights = fit(store, config, options.threads, tell)
    rollout_file.save(out, weights)
    folder.write_config(config)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in weights.facts["counts"].items())
    if on_terminal:
        print(file=sys.stderr)
    print(f"{counts}; validation: {json.dumps(weights.facts['validation'])}", file=sys.stderr)
    print(f"done: {out}; next: gozero eval rollout --network {out} --games {options.store}", file=sys.stderr)
    return 0

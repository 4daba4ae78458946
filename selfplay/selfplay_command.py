"""`gozero selfplay`: workers that play a network against itself, on this machine or on a cluster."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gozero import config as configs
from gozero.cores import usable_cores
from gozero.durable import write_durably
from gozero.errors import GozeroError
from gozero.record import ENDINGS
from selfplay.backends import Job, play_locally
from selfplay.newest import NetworkPlace
from selfplay.resigning import highest_threshold
from selfplay.selfplay_config import SelfPlayConfig, load
from selfplay.selfplay_progress import SelfPlayProgress
from selfplay.shards import SHARDS, gather, names_in, open_store

NETWORKS: Final = "networks"
"""The folder that workers watch for newer networks, in the folder that the command is given."""
CONFIG: Final = "config.yaml"
EPILOG: Final = """\
DIR holds shards/ (finished games with what searches found: each is there whole or not at all), sgf/ (the same games for
people, but for the last ones of a worker that was killed), workers/ (logs) and networks/: a network file that is put
there plays from then on, without a restart.
Everything may be killed at any moment; games that were not finished are lost, and nothing else.

examples:
  gozero selfplay --config selfplay-smoke --out runs/smoke --games 20
  gozero selfplay --config selfplay-9 --out runs/games --workers 2          until Ctrl-C; the same again goes on
  gozero selfplay --out runs/games --gather games.store                     one packed store for training"""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero selfplay`; returns 128 + the signal's number when a signal stopped it."""
    options = _parser().parse_args(argv)
    for name in ("workers", "games"):
        if (number := getattr(options, name)) is not None and number < 1:
            raise ValueError(f"--{name} must be at least 1, not {number}")
    if options.gather is not None:
        return _gather(options)
    if options.overwrite:
        raise GozeroError("--overwrite is for --gather: games that are played are added to those of DIR")
    if options.config is None:
        raise GozeroError("--config is missing: name a preset, such as selfplay-smoke, or a YAML file")
    if options.address is not None and options.backend != "ray":
        raise GozeroError("--address is for --backend ray")
    config = load(options.config, options.set)
    folder = Path(options.out)
    job = Job(config=config, folder=str(folder), place=place_of(config, folder, options.network))
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / CONFIG, configs.dump(config))  # for people
    with SelfPlayProgress(config.boards, options.games) as progress:
        if options.backend == "ray":
            from selfplay.ray_backend import play_on_ray

            stopped_by = play_on_ray(job, options.workers, options.games, progress.heard, options.address)
        else:
            stopped_by = play_locally(job, options.workers, options.games, progress.heard)
    return _tell(progress, folder, stopped_by, options.json)


def place_of(config: SelfPlayConfig, folder: Path, network: str | None) -> NetworkPlace:
    """Where the workers of `folder` find who plays: in `network`, a folder, a file or a shipped name, alone; where that
    is None, in the folder `NETWORKS`, and until there is one the configuration's.

    Raises:
        NetworkFileError: there is none, or it does not play on such boards.
    """
    if network is None:
        place = NetworkPlace(start=config.network, folder=str(folder / NETWORKS), size=config.size)
    elif Path(network).is_dir():
        place = NetworkPlace(start=config.network, folder=network, size=config.size)
    else:
        place = NetworkPlace(start=network, size=config.size)
    place.newest()
    return place


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gozero selfplay",
        description="Games of a network against itself, with search or without, kept for training.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--config", metavar="FILE", help="what is played: a YAML file or a preset, such as selfplay-9")
    add("--out", metavar="DIR", required=True, help="where games go")
    add("--workers", type=int, default=usable_cores(), metavar="N", help="processes (default: one a core)")
    add("--games", type=int, metavar="N", help="end after N more games (default: at Ctrl-C)")
    add("--network", metavar="X", help="who plays: a shipped name, a file, or a folder that is watched for newer ones")
    add("--backend", choices=("local", "ray"), default="local", help="this machine, or a cluster (default: local)")
    add("--address", metavar="A", help="of the cluster, as ray.init knows it (default: RAY_ADDRESS, or start one here)")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="another value for a key of the configuration")
    add("--gather", metavar="STORE", help="play nothing: put the games of DIR together, --games N = the newest N")
    add("--overwrite", action="store_true", help="let --gather replace a store that stands at STORE")
    add("--json", action="store_true", help="print one JSON object at the end")
    return parser


def _tell(progress: SelfPlayProgress, folder: Path, stopped_by: int | None, in_json: bool) -> int:
    shards = folder / SHARDS
    files = sum(name.rpartition("-")[0] in progress.lives for name in names_in(shards))
    figures: dict[str, Any] = {**progress.figures(), "files": files}
    print(progress.text(), file=sys.stderr)
    if stopped_by is not None:
        print(f"stopped; {figures['games']} finished games are in {shards}", file=sys.stderr)
    if in_json:
        print(json.dumps(figures))
    else:
        print(f"{figures['games']} games, {figures['positions']} positions in {files} shards in {shards}")
    return 0 if stopped_by is None else 128 + stopped_by


def _gather(options: argparse.Namespace) -> int:
    def tell(problem: str) -> None:
        print(f"left out: {problem}", file=sys.stderr)

    found = gather(options.out, options.gather, newest=options.games, overwrite=options.overwrite, on_problem=tell)
    finished = open_store(Path(options.gather))
    rows = finished.store.games
    played_out = rows["ending"] != ENDINGS.index("resign")
    safe = highest_threshold(finished.played["lowest"][played_out], rows["winner"][played_out])
    resigning = {"threshold": safe.threshold, "resignations": safe.resignations, "wrong": safe.wrong}
    figures = {**found._asdict(), "problems": len(found.problems), "safe_resignation": resigning}
    text = f"{found.games} games, {found.positions} positions in {options.gather}"
    if safe.resignations:
        text += (
            f"\nresign_below {safe.threshold:.2f} would have ended {safe.resignations} of the {played_out.sum()} that "
            f"nobody resigned, {safe.wrong} of them wrongly"
        )
    print(json.dumps(figures) if options.json else text)
    return 0

"""What a run's folder tells: its measurements as series, and the run in a line of words."""

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from training.progress import duration
from training.run_folder import RunError, RunFolder

HEADINGS: Final = (
    "run",
    "network",
    "seen",
    "time",
    "positions/s",
    "best top-1",
    "nats",
    "batch",
    "optimiser",
    "records",
    "started from",
    "code",
)
"""What `facts` tells of a run. Beside the median speed stands the share of the device's peak, where it is known."""


@dataclass(frozen=True)
class Run:
    """What a run's folder tells.

    Attributes:
        name: of its folder.
        settings: its configuration, as written.
        train: lines of training metrics, each a mean over some steps, by step.
        validation: lines of results on held-out games, by step.
        code: commit that it was made with, or "".
    """

    name: str
    settings: dict[str, Any]
    train: list[dict[str, Any]]
    validation: list[dict[str, Any]]
    code: str

    @property
    def board_size(self) -> int | None:
        """Board size of its records, where its settings tell."""
        size = self.settings.get("data", {}).get("size")
        return size if isinstance(size, int) else None

    @property
    def teaches_moves(self) -> bool:
        """Whether it teaches a policy; otherwise values alone, and only what is held out tells for sure."""
        return any("top1" in line for line in self.validation or self.train)

    @property
    def best(self) -> dict[str, Any] | None:
        """The validation line of highest accuracy."""
        return max((line for line in self.validation if "top1" in line), key=lambda line: line["top1"], default=None)


def read_run(path: str | os.PathLike[str]) -> Run:
    """The run in the folder `path`, which may still be going on. Raises RunError when there is nothing to show."""
    folder = RunFolder(path)
    if not folder.path.is_dir():
        raise RunError(f"there is no folder {folder.path}: name the folder of a run (--run of gozero train)")
    if not folder.metrics.is_file():
        raise RunError(f"{folder.path} is not the folder of a run, or the run has not begun: it has no metrics.jsonl")
    lines = [line for line in folder.read_metrics() if isinstance(line, dict) and "positions" in line]
    if not lines:
        raise RunError(f"{folder.metrics} holds no measurement yet: wait for the first one (loop.log_every steps)")
    if not any("top1" in line or "mse" in line for line in lines):
        raise RunError(
            f"{folder.metrics} holds no accuracy (top1) and no squared error of values (mse): a report is drawn of "
            "runs of gozero train policy, and of gozero train value once they have been evaluated (loop.evaluate_every)"
        )
    try:
        settings = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        settings = None
    try:
        code = (folder.path / "code.txt").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        code = ""
    return Run(
        name=folder.path.resolve().name,
        settings=settings if isinstance(settings, dict) else {},
        train=[line for line in lines if line.get("kind") == "train"],
        validation=[line for line in lines if line.get("kind") == "validation"],
        code=code,
    )


def series(lines: Iterable[dict[str, Any]], *keys: str) -> tuple[list[float], list[float]]:
    """(positions, values) of the first of `keys` that each line has; lines without any are left out."""
    pairs = [
        (float(line["positions"]), float(line[key]))
        for line in lines
        for key in keys[:1]
        if line.get(key) is not None and line["positions"] > 0
    ]
    if not pairs and len(keys) > 1:
        return series(lines, *keys[1:])
    return [x for x, _ in pairs], [y for _, y in pairs]


def facts(run: Run) -> list[str]:
    """What a line about a run says, in the order of HEADINGS."""
    settings = run.settings
    last = (run.train or run.validation)[-1]
    speeds, shares = (series(run.train, key)[1] for key in ("positions_per_s", "peak_share"))
    speed = count(statistics.median(speeds)) if speeds else ""
    optimiser = settings.get("optimiser", {})
    rate = optimiser.get("muon_rate") if optimiser.get("name") == "muon" else optimiser.get("rate")
    best = run.best
    sources = settings.get("data", {}).get("sources") or ["all"]
    return [
        run.name,
        shape(settings),
        count(last["positions"]),
        duration(last.get("seconds", 0.0)),
        f"{speed} ({statistics.median(shares):.0%})" if shares else speed,
        f"{best['top1']:.2%}" if best else "",
        f"{best['nll']:.3f}" if best and "nll" in best else "",
        str(settings.get("loop", {}).get("batch_size", "")),
        f"{optimiser.get('name', '')} {rate:g}" if rate is not None else "",
        ", ".join(map(str, sources)),
        Path(str(settings.get("init") or "")).stem,
        run.code[:7],
    ]


def shape(settings: dict[str, Any]) -> str:
    """The network in a few words."""
    inputs = settings.get("data", {}).get("features", "")
    if network := settings.get("network"):
        return f"{network.get('blocks')}x{network.get('channels')} residual, {inputs}"
    if network := settings.get("alphago"):
        return f"AlphaGo {network.get('layers')}x{network.get('filters')}, {inputs}"
    return ""


def title(runs: Sequence[Run]) -> str:
    """What the page shows."""
    names = ", ".join(run.name for run in runs[:4]) + (f" and {len(runs) - 4} more" if len(runs) > 4 else "")
    sizes = sorted({run.board_size for run in runs if run.board_size})
    return f"{names} on {' and '.join(f'{size}x{size}' for size in sizes)}" if sizes else names


def count(number: float) -> str:
    """A number for people: 12.8 k, 1.92 M, 5.4 G."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return f"{number:.3g}"

"""The folder of one training run: configuration, metrics, checkpoints, and what code made them."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gozero import config as configs
from gozero.durable import write_durably
from gozero.errors import GozeroError
from training import checkpoint

C = TypeVar("C", bound=msgspec.Struct)


class RunError(GozeroError):
    """A run folder that cannot be started in, resumed or read."""


MAY_CHANGE_ON_RESUME = (
    "loop.steps",
    "loop.log_every",
    "loop.evaluate_every",
    "loop.checkpoint_every",
    "loop.keep",
    "loop.precision",
    "loop.compile",
    "loop.winograd",
    "data.store",
    "data.threads",
)
"""Settings that a resumed run may change: how long it goes on, what it reports, where the same records lie, and what
another machine computes best with."""


class RunFolder:
    """Paths and files of a run: `config.yaml`, `metrics.jsonl`, `checkpoints/`, `tensorboard/`, `code.txt`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.metrics = self.path / "metrics.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"

    def create(self, config: msgspec.Struct) -> None:
        """Start a new run here. Raises RunError when the folder already holds one."""
        if self.config.exists():
            raise RunError(
                f"{self.path} already holds a run; add --resume to continue it, or name another folder with --run"
            )
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        (self.path / "code.txt").write_text(git_state() + "\n", encoding="utf-8")
        self.write_config(config)

    def write_config(self, config: msgspec.Struct) -> None:
        """Write `config.yaml`, complete or not at all."""
        write_durably(self.config, configs.dump(config))

    def require_run(self) -> None:
        """Raise RunError when there is no run here to continue or to read."""
        if not self.config.is_file():
            raise RunError(
                f"there is no run in {self.path} (no config.yaml): name the folder of one, or start it without --resume"
            )

    def latest_step(self) -> int | None:
        """The newest checkpoint's step, or None."""
        steps = checkpoint.steps_in(self.checkpoints)
        return steps[-1] if steps else None

    def best_step(self) -> int | None:
        """The step of the kept checkpoint with the best validation result, or None before the first evaluation."""
        try:
            best = json.loads((self.path / "best.json").read_text(encoding="utf-8"))
            step = int(best["step"])
        except (OSError, ValueError, KeyError):
            return None
        return step if checkpoint.path_of(self.checkpoints, step).exists() else None

    def write_best(self, step: int, results: dict[str, float]) -> None:
        """Remember `step` as the one with the best validation result."""
        write_durably(self.path / "best.json", json.dumps({"step": step, **results}) + "\n")

    def prune(self, keep: int) -> None:
        """Delete all checkpoints but the newest `keep` and the best."""
        steps = checkpoint.steps_in(self.checkpoints)
        for step in set(steps[:-keep]) - {self.best_step()}:
            checkpoint.delete(checkpoint.path_of(self.checkpoints, step))

    def append_metrics(self, record: dict[str, Any]) -> None:
        """Add one line to `metrics.jsonl`."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def read_metrics(self) -> list[dict[str, Any]]:
        """All lines of `metrics.jsonl`; a line cut short by a crash is left out."""
        records = []
        if self.metrics.exists():
            for line in self.metrics.read_text(encoding="utf-8").splitlines():
                try:
                    records.append(json.loads(line))
                except ValueError:
                    continue
        return records

    def forget_metrics_after(self, step: int) -> None:
        """Drop lines of steps that a resumed run will do again."""
        kept = [record for record in self.read_metrics() if record["step"] <= step]
        write_durably(self.metrics, "".join(json.dumps(record) + "\n" for record in kept))


def resumed_config(
    folder: RunFolder, kind: type[C], settings: Sequence[str], may_change: Sequence[str] = MAY_CHANGE_ON_RESUME
) -> C:
    """The run's own configuration with `settings` ("a.b=value") changed.

    Raises RunError where there is no run, or another key than those of `may_change` differs; ConfigError.
    """
    folder.require_run()
    own = configs.load(folder.config, kind)
    config = configs.load(folder.config, kind, settings)
    refuse_changes(own, config, folder, may_change)
    return config


def refuse_changes(
    old: msgspec.Struct, new: msgspec.Struct, folder: RunFolder, allowed: Sequence[str] = MAY_CHANGE_ON_RESUME
) -> None:
    """Raise RunError when `new` differs from the run's own configuration in more than the `allowed` keys."""
    before, after = configs.flatten(old), configs.flatten(new)
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key) and key not in allowed]
    if changed:
        key = changed[0]
        more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise RunError(
            f"the run in {folder.path} was made with {key} = {before.get(key)!r}, now {after.get(key)!r}{more}; "
            f"a resumed run may change only {', '.join(allowed)}; "
            f"for other changes start a new run with --init"
        )


def git_state() -> str:
    """Commit of this checkout with `+changes` when files differ, or a line saying that there is none."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=10)
        status = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "no git checkout"
    if commit.returncode:
        return "no git checkout"
    return commit.stdout.strip() + ("+changes" if status.stdout.strip() else "")

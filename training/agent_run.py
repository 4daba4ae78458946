"""What the classic algorithms share beside the learning: counting, reporting, evaluating, keeping, stopping."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gozero.config import Config
from training import checkpoint
from training.agent_networks import AgentNetwork
from training.environments import Environments, Outcome, ReturnCounter
from training.loop import Clock, Stop, TrainingError, stop_signals
from training.progress import Progress
from training.run_folder import RunFolder


class AgentLoopConfig(Config, frozen=True):
    """How long a run is and how often it reports, in actions over all environments."""

    steps: int
    """Actions of the whole run; the learning rate's decay ends there. May be raised when resuming."""
    seed: int = 1
    """Of the first weights, the environments and what is drawn. Other seeds give other runs."""
    log_every: int = 10_000
    """Actions between two lines of training metrics."""
    evaluate_every: int = 25_000
    """Actions between two evaluations."""
    evaluate_episodes: int = 20
    """Episodes of each evaluation but the last: the best action is taken in each, nothing is tried out."""
    final_episodes: int = 100
    """Episodes of the last one, at the end of the run."""
    checkpoint_every: int = 100_000
    """Actions between two checkpoints."""
    keep: int = 2
    """Newest checkpoints to keep."""

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "log_every",
            "evaluate_every",
            "evaluate_episodes",
            "final_episodes",
            "checkpoint_every",
            "keep",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"loop.{name} must be at least 1, it is {getattr(self, name)}")


class AgentOptimiserConfig(Config, frozen=True):
    """Adam (Kingma and Ba 2015)."""

    rate: float = 0.001
    """Learning rate at the start."""
    rate_end: float = 1.0
    """Share of it that is left at the end; it falls evenly."""
    clip: float = 0.5
    """The longest gradient: longer ones are shortened to it. 0 = any."""
    epsilon: float = 1e-5
    """Added to the root of the mean squared gradient."""


Evaluation = Callable[[AgentNetwork, int], dict[str, float]]
"""A network and a number of episodes -> results by name; `return` is the one that is reported first."""


class AgentRun(AbstractContextManager["AgentRun"]):
    """One session of a run: use as a context manager around the algorithm's loop."""

    def __init__(
        self,
        folder: RunFolder,
        loop: AgentLoopConfig,
        optimiser: AgentOptimiserConfig,
        network: AgentNetwork,
        environments: Environments,
        evaluation: Evaluation,
        *,
        algorithm: str,
        resume: bool,
    ) -> None:
        """`algorithm` is its name in `training.agents`. With `resume`, weights, optimiser and actions are those of
        the newest checkpoint, and what is not kept (a replay memory, episodes that had begun) begins anew.

        Raises CheckpointError.
        """
        self.folder, self.loop, self.network, self._algorithm = folder, loop, network, algorithm
        self._config, self._evaluation = optimiser, evaluation
        self.optimiser = torch.optim.Adam(network.parameters(), lr=optimiser.rate, eps=optimiser.epsilon, fused=True)
        self.step, seconds = 0, 0.0
        newest = folder.latest_step() if resume else None
        if newest is not None:
            path = checkpoint.path_of(folder.checkpoints, newest)
            tensors, record = checkpoint.load(path)
            checkpoint.unpack_state(tensors, network, None, [self.optimiser], path)
            self.step, seconds = int(record["step"]), float(record["seconds"])
        folder.forget_metrics_after(self.step)
        self._clock = Clock(seconds)
        self._logged = self._reported = self.step
        self._returns: list[float] = []
        self._means: dict[str, list[float]] = {}
        self._counter = ReturnCounter(environments)
        self._signals = stop_signals()
        self._stop = Stop()
        self._progress = Progress(folder, loop.steps, 1, self.step, unit="actions")

    def __enter__(self) -> Self:
        self._stop = self._signals.__enter__()
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)
        self._signals.__exit__(kind, error, trace)

    @property
    def stopped_by(self) -> int | None:
        """The number of the signal that stopped it, or None."""
        return self._stop.number

    @property
    def done(self) -> float:
        """Share of the run that is done, from 0 to 1."""
        return min(1.0, self.step / self.loop.steps)

    def goes_on(self) -> bool:
        """Whether there is more to do and nobody has asked to stop."""
        return self.step < self.loop.steps and not self._stop.is_set()

    def acted(self, outcome: Outcome, rows: NDArray[np.int64]) -> None:
        """Count the actions of some environments and the episodes that ended with them."""
        self.step += len(rows)
        self._returns += self._counter.add(outcome, rows)

    def learn(self, loss: Tensor, parts: dict[str, Tensor]) -> None:
        """One step down the gradient of `loss`; `parts` are reported as means. Raises TrainingError."""
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss is no number any more after {self.step} actions; lower optimiser.rate and start a new run"
            )
        for group in self.optimiser.param_groups:
            group["lr"] = self._config.rate * (1 + (self._config.rate_end - 1) * self.done)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._config.clip > 0:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._config.clip)
        self.optimiser.step()
        for name, part in {"loss": loss, **parts}.items():
            self._means.setdefault(name, []).append(float(part.detach()))

    def report(self) -> None:
        """Log, evaluate and save what is due; to be called after every round of acting and learning."""
        last = not self.goes_on()
        if last or self._is_due(self.loop.log_every):
            self._log()
        if self.step >= self.loop.steps or (self._is_due(self.loop.evaluate_every) and not last):
            self._evaluate(self.loop.final_episodes if last else self.loop.evaluate_episodes)
        if last or self._is_due(self.loop.checkpoint_every):
            self._save()
        self._reported = self.step

    def _is_due(self, every: int) -> bool:
        return self.step // every > self._reported // every

    def _log(self) -> None:
        values = {name: statistics.fmean(means) for name, means in self._means.items()}
        if self._returns:
            values["return"] = statistics.fmean(self._returns)
            values["episodes"] = len(self._returns)
        self._progress.trained(self.step, values, self._clock.lap(), self.step - self._logged)
        self._logged, self._means, self._returns = self.step, {}, []

    def _evaluate(self, episodes: int) -> None:
        results = self._evaluation(self.network, episodes)
        self._progress.evaluated(self.step, results, self._clock.seconds)
        self._clock.skip()

    def _save(self) -> None:
        record = {"algorithm": self._algorithm, "step": self.step, "seconds": self._clock.seconds}
        tensors = checkpoint.pack_state(self.network, None, [self.optimiser])
        checkpoint.save(checkpoint.path_of(self.folder.checkpoints, self.step), tensors, record)
        self.folder.prune(self.loop.keep)

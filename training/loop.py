"""The one training loop: every stage supplies batches, a loss and an evaluation.

A run is a pure function of its configuration and step number: batches are drawn by step, so that resuming needs the
weights, the optimiser, the random state and the number of the step, and nothing else.
"""

import copy
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from engine.winograd import use_winograd
from gozero.config import Config
from gozero.errors import GozeroError
from training import checkpoint
from training.ahead import Ahead, Pace
from training.distributed import ALONE, World
from training.optimisers import OptimiserConfig, ScheduleConfig, make_optimisers, rate_factor, set_rate
from training.progress import Progress
from training.run_folder import RunFolder
from training.speed import device_peak

B = TypeVar("B")


class TrainingError(GozeroError):
    """A run that cannot go on, such as one whose loss is no number any more."""


class LoopConfig(Config, frozen=True):
    """How long a run is and how often it reports."""

    steps: int
    """Steps of the whole run; the learning rate's schedule ends there. May be raised when resuming."""
    batch_size: int = 256
    """Positions a step, over all processes; games where a stage plays them."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic of the forward and backward pass; weights, their average and the optimiser stay float32. Evaluation is
    float32 in any case. bfloat16 wants a GPU."""
    compile: bool = False
    """Whether torch compiles the network, for which it wants a C++ compiler and a minute or two at the start. On a CPU
    steps take a quarter less time."""
    winograd: bool = True
    """Whether 3x3 convolutions on a CPU are trained by Winograd's method (`engine.winograd`): half of their time, and
    the same but for rounding. Only float32, and channels in multiples of 16."""
    seed: int = 1
    """Seed of the first weights and of the draw of positions."""
    average: float = 0.998
    """Share of the old value that the running average of the weights keeps a step; the average is what is evaluated and
    exported."""
    log_every: int = 50
    """Steps between two lines of training metrics."""
    evaluate_every: int = 1000
    """Steps between two evaluations on held-out games."""
    checkpoint_every: int = 500
    """Steps between two checkpoints."""
    keep: int = 3
    """Newest checkpoints to keep, beside the best one."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "log_every", "evaluate_every", "checkpoint_every", "keep"):
            if getattr(self, name) < 1:
                raise ValueError(f"loop.{name} must be at least 1, it is {getattr(self, name)}")
        if not 0 <= self.average < 1:
            raise ValueError(f"loop.average must be at least 0 and below 1, it is {self.average}")


class Stage(Protocol[B]):
    """What one kind of training supplies to the loop."""

    name: str
    unit: str
    """What a batch is counted in: positions or games."""
    goal: str
    """Key of `evaluate`'s result that is better when higher; decides the best checkpoint."""

    def batch(self, step: int) -> B:
        """The batch of `step`; the same for the same step, whichever thread asks."""
        ...

    def loss(self, network: nn.Module, batch: B) -> tuple[Tensor, dict[str, Tensor]]:
        """What is minimised, and scalars to report as means over the steps between two lines."""
        ...

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Results on held-out data, in evaluation mode without gradients."""
        ...


class Outcome(NamedTuple):
    """How a call of `train` ended."""

    step: int
    """Finished steps."""
    stopped_by: int | None
    """Number of the signal that stopped it, or None when all steps are done."""


def train(
    stage: Stage[B],
    network: nn.Module,
    folder: RunFolder,
    loop: LoopConfig,
    optimiser: OptimiserConfig,
    schedule: ScheduleConfig,
    *,
    resume: bool,
    facts: dict[str, Any],
    threads: int = 1,
    flops: int = 0,
    world: World = ALONE,
    until: int | None = None,
) -> Outcome:
    """Train `network` in place until `loop.steps`, or until SIGINT or SIGTERM; both end with a checkpoint.

    `facts` goes into every checkpoint's record for whoever exports it. With `resume`, the newest checkpoint in
    `folder` is continued; a run that has none yet starts at the beginning. Batches are made on `threads` threads.
    `flops` are the operations of a position's step, to report the speed in; 0 = not known. In a `world` of several
    processes each gets its part of every batch from `stage`, and the first one alone evaluates and writes. `until` ends
    this call at an earlier step, evaluated and saved like the last one, for a run whose records grow on the way.
    """
    end = loop.steps if until is None else min(until, loop.steps)
    device = next(network.parameters()).device
    average = copy.deepcopy(network).requires_grad_(False)
    optimisers = make_optimisers(network, optimiser)
    start, seconds, best = 0, 0.0, -math.inf
    newest = folder.latest_step() if resume else None
    if newest is not None:
        path = checkpoint.path_of(folder.checkpoints, newest)
        tensors, record = checkpoint.load(path)
        checkpoint.unpack_state(tensors, network, average, optimisers, path)
        start, seconds = int(record["step"]), float(record["seconds"])
        best = -math.inf if record["best"] is None else float(record["best"])
    if world.writes:
        folder.forget_metrics_after(start)

    def save(step: int) -> None:
        require_numbers(step, *network.parameters())
        record = {
            **facts,
            "stage": stage.name,
            "step": step,
            stage.unit: step * loop.batch_size,
            "seconds": clock.seconds,
            "best": None if best == -math.inf else best,
        }
        tensors = checkpoint.pack_state(network, average, optimisers)
        checkpoint.save(checkpoint.path_of(folder.checkpoints, step), tensors, record)

    step = start
    saved = newest
    clock = Clock(seconds)
    means = Means()
    pace = Pace(device)
    work = (flops, device_peak(device, world.size))
    progress = Progress(folder, end, loop.batch_size, start, work, stage.unit) if world.writes else None
    use_winograd(network, loop.winograd and device.type == "cpu" and loop.precision == "float32")
    worker = world.wrap(torch.compile(network) if loop.compile else network)  # type: ignore[arg-type]
    with (
        stop_signals() as stop,
        progress or nullcontext(),
        Ahead(stage.batch, start, end, threads) as batches,
    ):
        for step, batch in batches:
            with torch.autocast(device.type, torch.bfloat16, enabled=loop.precision == "bfloat16"):
                total, metrics = stage.loss(worker, batch)
            gradient = update(network, total, optimisers, optimiser.clip, rate_factor(step, loop.steps, schedule))
            follow(average, network, min(loop.average, (1 + step) / (10 + step)))
            means.add({"loss": total.detach(), "gradient": gradient, **metrics})
            pace.step()
            step += 1
            due = step % loop.log_every == 0
            # Several processes must stop at the same step, and agree only where they exchange numbers anyway.
            stopping = stop.is_set() if world.size == 1 else due and world.any(stop.is_set())
            last = step == end or stopping
            if due or last:
                steps, values = means.take(world)
                require_numbers(step, torch.tensor(values["loss"]))
                rate = rate_factor(step - 1, loop.steps, schedule)
                times = clock.lap()
                waited = batches.waited() / max(times[1], 1e-9)
                if progress:
                    progress.trained(step, {**values, "rate": rate, "data_wait": waited}, times, steps)
            if not world.writes:
                if last:
                    break
                continue
            if stopping:  # before an evaluation, which whoever stops a run may not wait for
                save(step)
                saved = step
            if step % loop.evaluate_every == 0 or step == end:
                results = evaluate(stage, average)
                if progress:
                    progress.evaluated(step, results, clock.seconds)
                clock.skip()
                batches.waited()
                if results[stage.goal] > best:
                    best = results[stage.goal]
                    # A best step without a checkpoint is none; a checkpoint that knows of it would hear of no other.
                    folder.write_best(step, results)
                    save(step)
                    saved = step
            if (step % loop.checkpoint_every == 0 or last) and saved != step:
                save(step)
                saved = step
            if saved == step:
                folder.prune(loop.keep)
            if last:
                break
    return Outcome(step, stop.number)


def require_numbers(step: int, *values: Tensor) -> None:
    """Raise TrainingError where the loss or the weights after `step` are no finite numbers."""
    if not all(value.isfinite().all() for value in values):
        raise TrainingError(
            f"the run diverged: loss or weights are no numbers any more at step {step}; lower the learning rates "
            f"(optimiser.rate, optimiser.muon_rate) and start a new run"
        )


def update(network: nn.Module, total: Tensor, optimisers: list[Optimizer], clip: float, rate: float) -> Tensor:
    """One step down the gradient of `total`; returns the gradient's norm before clipping."""
    set_rate(optimisers, rate)
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(network.parameters(), clip if clip > 0 else math.inf)
    for optimiser in optimisers:
        optimiser.step()
    return norm


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the running average of weights and norm statistics towards `network`."""
    for mean, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(now, 1 - keep)
        else:
            mean.copy_(now)


def evaluate(stage: Stage[Any], network: nn.Module) -> dict[str, float]:
    """The stage's results for `network`, which is left in the mode it had."""
    training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            return stage.evaluate(network)
    finally:
        network.train(training)


class Means:
    """Running means of scalars that stay on the device until somebody looks."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, values: dict[str, Tensor]) -> None:
        """Add one step's values."""
        for key, value in values.items():
            self._sums[key] = self._sums[key] + value if key in self._sums else value.clone()
        self._count += 1

    def take(self, world: World = ALONE) -> tuple[int, dict[str, float]]:
        """(number of steps since the last call, their means over all processes)."""
        count = self._count
        sums = world.mean(torch.stack([total.float() for total in self._sums.values()]))
        means = {key: total / count for key, total in zip(self._sums, sums.tolist(), strict=True)}
        self._sums, self._count = {}, 0
        return count, means


class Clock:
    """Seconds spent training, over all sessions of a run."""

    def __init__(self, seconds: float) -> None:
        self._before = seconds
        self._start = self._lap = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds so far, evaluations included."""
        return self._before + time.monotonic() - self._start

    def lap(self) -> tuple[float, float]:
        """(seconds so far, seconds since the last call of `lap` or `skip`)."""
        now = time.monotonic()
        since, self._lap = now - self._lap, now
        return self.seconds, since

    def skip(self) -> None:
        """Start the next lap now."""
        self._lap = time.monotonic()


class Stop:
    """Set by the first SIGINT or SIGTERM; `number` says which."""

    def __init__(self) -> None:
        self.number: int | None = None

    def is_set(self) -> bool:
        """Whether a signal came."""
        return self.number is not None


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Turn SIGINT and SIGTERM into a flag, so that a step is never cut; a second SIGINT interrupts at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.number == signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.number = number

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

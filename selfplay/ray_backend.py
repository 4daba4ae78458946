"""Self-play workers on a Ray cluster: the machine that the command runs on keeps their games; the others need no disk.

A desk, an actor beside the driver, hands out networks and takes finished games, which it keeps as local workers do
(`selfplay.shelf`). Workers are actors that Ray starts again when they or their machines die; each has
at most two tasks in flight at the desk. Where the cluster has GPUs, an actor on each evaluates for all.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import ray

from engine.runtimes import TORCH_CUDA, open_network
from gozero.errors import GozeroError
from selfplay import backends
from selfplay.backends import PATIENCE, BackendError, Job
from selfplay.journal import PlayedGame
from selfplay.newest import NetworkPlace, Newest
from selfplay.ray_desk import Carrier, Desk, finished_by
from selfplay.ray_inference import Inference, OnDevice
from selfplay.selfplay_config import SelfPlayConfig
from selfplay.worker import Report, Worker

DEVICES: Final = (TORCH_CUDA, "cuda")
"""What evaluates on the cluster's GPUs, the best first; see `engine.runtimes.RUNTIMES`."""
_FOREVER = {"max_restarts": -1, "max_task_retries": -1}
"""Ray's own defaults are 0: an actor that dies stays dead, and its task fails."""


def play_on_ray(
    job: Job, workers: int, games: int | None, on_report: Callable[[Report], object], address: str | None = None
) -> int | None:
    """As `selfplay.backends.play_locally`, with the workers on a cluster.

    Args:
        address: of the cluster, as `ray.init` knows it; None = RAY_ADDRESS, or a Ray that is started on this machine.

    Raises:
        BackendError: there is no such cluster, workers die again and again, or one says why it cannot work.
    """
    ours = not ray.is_initialized()
    if ours:
        _connect(address)
    try:
        with backends.interruptions() as interrupted:
            return _Cluster(job, workers, games, on_report).play(interrupted)
    finally:
        if ours:
            ray.shutdown()


def _connect(address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told of what people play here
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        try:
            ray.init(address=address or os.environ.get("RAY_ADDRESS", "auto"), **quiet)
        except ConnectionError:
            if address is not None or "RAY_ADDRESS" in os.environ:
                raise
            ray.init(address="local", include_dashboard=False, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        words = " ".join(str(error).split())
        raise BackendError(f"there is no Ray cluster at {address or 'this machine'}: {words}") from error


class _Cluster:
    """The driver's view of its actors."""

    def __init__(self, job: Job, workers: int, games: int | None, on_report: Callable[[Report], object]) -> None:
        self._config, self._on_report = job.config, on_report
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        names = [f"{backends.host_name()}-{number}" for number in range(workers)]
        shares = dict(zip(names, backends.shares(games, workers), strict=True))
        quotas = {name: (share, finished_by(job, name)) for name, share in shares.items() if share != 0}
        beside = ray.remote(num_cpus=0, scheduling_strategy=here, **_FOREVER)
        self._desk = beside(Desk).remote(job, quotas)
        device = ray.remote(num_cpus=0, num_gpus=1, max_concurrency=workers, **_FOREVER)
        gpus = int(ray.cluster_resources().get("GPU", 0))
        self._devices = [device(Inference).remote(self._desk, DEVICES) for _ in range(gpus)]
        if not all(ray.get([each.usable.remote() for each in self._devices])):
            self._tell(
                "the cluster has GPUs that neither torch nor ONNX Runtime uses: install torch or onnxruntime-gpu there"
            )
            self._devices = []
        place = ray.remote(num_cpus=1, **_FOREVER)
        self._workers = [
            (place(Player).remote(), name, self._devices[number % gpus] if self._devices else None)
            for number, name in enumerate(quotas)
        ]
        cpus = ray.cluster_resources().get("CPU", 0)
        if cpus < len(quotas):
            self._tell(f"the cluster has {cpus:g} CPUs now for {len(quotas)} workers: the others wait")

    def play(self, interrupted: list[int]) -> int | None:
        """Until all workers are done or there is an interruption; returns its signal's number, None where they are."""
        running = [worker.run.remote(self._config, name, self._desk, device) for worker, name, device in self._workers]
        try:
            while running and not interrupted:
                running = self._listen(running)
            return interrupted[0] if running else None
        finally:
            self._end(running, interrupted)

    def _listen(self, running: list[Any]) -> list[Any]:
        """Hands on reports for half a second; returns the tasks that are not done.

        Raises:
            BackendError: one has failed.
        """
        done, running = ray.wait(running, num_returns=len(running), timeout=0.5)
        self._hand_on()
        for task in done:
            try:
                ray.get(task)
            except ray.exceptions.RayError as error:
                raise BackendError(_words(error)) from error
        return list(running)

    def _tell(self, problem: str) -> None:
        self._on_report(Report(backends.host_name(), problems=(problem,)))

    def _hand_on(self) -> None:
        for report in ray.get(self._desk.reports.remote()):
            self._on_report(report)

    def _end(self, running: list[Any], interrupted: list[int]) -> None:
        """Tells all to end; after `PATIENCE` seconds or another interruption they are ended."""
        ray.get(self._desk.stop.remote())
        before, latest = len(interrupted), time.monotonic() + PATIENCE
        while running and time.monotonic() < latest and len(interrupted) == before:
            with contextlib.suppress(BackendError):
                running = self._listen(running)
        for actor in (*(worker for worker, _, _ in self._workers), *self._devices):
            ray.kill(actor)
        ray.get(self._desk.close.remote())
        self._hand_on()
        ray.kill(self._desk)


def _words(error: BaseException) -> str:
    """What went wrong, without the ways that it took through the cluster."""
    while isinstance(error, ray.exceptions.RayTaskError) and isinstance(error.cause, Exception):
        error = error.cause
    return str(error) if isinstance(error, GozeroError) else f"{type(error).__name__}: {error}"


class _RemoteDesk:
    """The desk as a worker sees it: its keeper, and whom it reports to.

    A worker plays on while the desk works, and waits where its call before is not done: one of each kind is in flight.
    """

    def __init__(self, desk: Any, life: str, carrier: Carrier) -> None:
        self._desk, self._life, self._carrier = desk, life, carrier
        self._waiting: dict[int, PlayedGame] = {}
        self._keeping: Any = None
        self._reporting: Any = None

    def add(self, games: Sequence[PlayedGame]) -> list[PlayedGame]:
        """See `selfplay.worker.Keeper`; returns the games of the call before."""
        safe = self._kept()
        self._waiting |= {game.number: game for game in games}
        self._keeping = self._desk.keep.remote(self._life, list(games))
        return safe

    def close(self) -> list[PlayedGame]:
        """See `selfplay.worker.Keeper`."""
        return self._kept() + self._safe(self._desk.settle.remote(self._life))

    def exchange(self, report: Report) -> bool:
        """Takes the answer to the report before."""
        going_on = self.heard()
        self._reporting = self._desk.exchange.remote(report)
        return going_on

    def heard(self) -> bool:
        """Waits until the last report has arrived; returns whether to go on."""
        if self._reporting is None:
            return True
        going_on, offered = ray.get(self._reporting)
        self._carrier.fetch(offered)
        return bool(going_on)

    def _kept(self) -> list[PlayedGame]:
        keeping, self._keeping = self._keeping, None
        return [] if keeping is None else self._safe(keeping)

    def _safe(self, call: Any) -> list[PlayedGame]:
        return [self._waiting.pop(number) for number in ray.get(call)]


class Player:
    """A worker somewhere in the cluster."""

    def run(self, config: SelfPlayConfig, worker: str, desk: Any, device: Any) -> None:
        """Plays its games; Ray calls it again when it has died."""
        life, games = ray.get(desk.begin.remote(worker))
        if games == 0:
            return
        problems: list[str] = []
        with tempfile.TemporaryDirectory(prefix="gozero-") as name:
            carrier = Carrier(desk, Path(name))
            carrier.fetch(None)

            def opened(path: Path) -> Any:
                return open_network(path, config.boards) if device is None else OnDevice(device, path)

            place = NetworkPlace(size=config.size, start="", folder=name)
            newest = Newest(place, 0.0, problems.append, opened)
            remote = _RemoteDesk(desk, life, carrier)
            Worker(config, life, games, newest, remote, remote.exchange, problems).run()
            remote.heard()

"""Batches made ahead of the steps that want them, on threads, in the order of the steps."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Self, TypeVar

import torch

B = TypeVar("B")


class Ahead(Generic[B]):
    """Iterates over (step, batch) from `start` to `stop` while the next batches are made on `threads` threads.

    As every batch is a function of its step, neither the number of threads nor their speed changes what comes out. Use
    as a context manager.
    """

    def __init__(self, make: Callable[[int], B], start: int, stop: int, threads: int = 1) -> None:
        self._make, self._next, self._stop = make, start, stop
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batches")
        self._pending: deque[tuple[int, Future[B]]] = deque()
        self._waited = 0.0
        for _ in range(threads + 1):
            self._order()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __iter__(self) -> Iterator[tuple[int, B]]:
        while self._pending:
            step, future = self._pending.popleft()
            began = time.monotonic()
            batch = future.result()
            self._waited += time.monotonic() - began
            self._order()
            yield step, batch

    def waited(self) -> float:
        """Seconds that the consumer has waited for batches since the last call."""
        seconds, self._waited = self._waited, 0.0
        return seconds

    def _order(self) -> None:
        if self._next < self._stop:
            self._pending.append((self._next, self._pool.submit(self._make, self._next)))
            self._next += 1


class Pace:
    """Keeps the host at most two steps before the GPU, so that waiting for a batch means that one was missing.

    Without it the host would run ahead by as many steps as the device's queue holds, and keep all their batches.
    """

    def __init__(self, device: torch.device) -> None:
        self._events: deque[torch.cuda.Event] | None = deque() if device.type == "cuda" else None

    def step(self) -> None:
        """A step was queued; wait for the one before the last."""
        if self._events is None:
            return
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record()
        self._events.append(event)
        if len(self._events) > 2:
            self._events.popleft().synchronize()

"""Values that take a while to make, made on a thread of their own while the handshake is being answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")

_LOOK_EVERY = 0.1
"""Seconds between two looks at whether a waiting command should give up; Windows cannot interrupt an endless wait."""


class StillLoading(Exception):
    """The value was asked for, and waiting for it was given up."""


class Background(Generic[_Value]):
    """One value, made once on a daemon thread.

    Making starts with `start` or with the first `result`; an exception is kept and raised by every `result`.
    """

    def __init__(self, make: Callable[[], _Value], release: Callable[[_Value], None] | None = None) -> None:
        """`release` is given the value when it is no longer wanted (`dispose`)."""
        self._make = make
        self._release = release
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._started = False
        self._unwanted = False
        self._value: _Value | None = None
        self._error: Exception | None = None

    def start(self) -> None:
        """Starts making the value, unless that was done before."""
        with self._lock:
            if self._started:
                return
            self._started = True
        threading.Thread(target=self._run, name="loader", daemon=True).start()

    def result(self, give_up: Callable[[], bool] = lambda: False) -> _Value:
        """Waits for the value.

        Raises:
            StillLoading: `give_up` answered true first.
            Exception: whatever making the value raised.
        """
        self.start()
        while not self._done.wait(_LOOK_EVERY):
            if give_up():
                raise StillLoading
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it was made, as there was no error

    def dispose(self) -> None:
        """Releases the value, now or as soon as it is made; it is not asked for any more."""
        with self._lock:
            self._unwanted = True
            value, self._value = self._value, None
        if value is not None and self._release is not None:
            self._release(value)

    def _run(self) -> None:
        try:
            value = self._make()
        except Exception as error:  # noqa: BLE001  (kept for whoever asks for the value)
            self._error = error
        else:
            with self._lock:
                unwanted = self._unwanted
                self._value = None if unwanted else value
            if unwanted and self._release is not None:
                self._release(value)
        self._done.set()

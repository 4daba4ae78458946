"""Values that take a while to make, made on a thread of their own while the handshake is being answered."""

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

    def __init__(self, make: Callable[[], _Value]) -> None:
        self._make = make
        self._done = threading.Event()
        self._value: _Value | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._start_lock = threading.Lock()
        self._started = False

    @property
    def is_working(self) -> bool:
        """Whether the value is being made at this moment."""
        return self._started and not self._done.is_set()

    def start(self) -> None:
        """Starts making the value, unless that was done before."""
        with self._start_lock:
            if not self._started:
                self._started = True
                self._thread.start()

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
        return self._value  # type: ignore[return-value]  # made, as there was no error

    def _run(self) -> None:
        try:
            self._value = self._make()
        except Exception as error:  # noqa: BLE001  (kept for whoever asks for the value)
            self._error = error
        self._done.set()

"""Lines of input, read on a thread of their own, so that they are noticed while a command is being carried out."""

from __future__ import annotations

import os
import queue
import threading
import time
from enum import Enum
from typing import Final

from gtp.protocol import LineSplitter, parse_line

WAITING_LINES: Final = 1000
"""How many lines may wait before whoever writes them is left to block."""
LAST_SECONDS: Final = 0.6
"""How long a move may still be thought about after `quit` came in; Go programs kill an engine after 2 to 5 seconds."""
QUIT_IS_LATER: Final = 0.1
"""A `quit` that comes at least so many seconds after a command began is meant to end it. A script's `genmove` and
`quit`, written in one go, are not: there the move is thought about to its end."""
_WAKE_EVERY: Final = 1.0
"""Seconds between two wake-ups of a waiting main thread; Windows delivers Ctrl-C only then."""
_CHUNK: Final = 1 << 16


class Mark(Enum):
    """What may come instead of a line."""

    TOO_LONG = "a line over the limit"
    END = "the end of input"


Item = bytes | Mark


class Input:
    """The lines from a file descriptor, in order. Tells a running command what came in (`session.Attention`).

    All methods but the reading itself are called from one thread.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.Queue[Item] = queue.Queue(WAITING_LINES)
        self._ahead: Item | None = None  # taken from the queue to see it, not yet handed out
        self._began = 0.0  # when the present command was handed out
        self._quit_at = 0.0  # when the last `quit` came in
        self._interrupt_at = 0.0  # when the last `# interrupt` came in

    def start(self) -> None:
        """Starts reading."""
        threading.Thread(target=self._read, name="input", daemon=True).start()

    def next(self, seconds: float | None = None) -> Item | None:
        """The next line or mark; waits for it, at most so long. `None` when the time is up."""
        item, self._ahead = self._ahead, None
        until = None if seconds is None else time.monotonic() + seconds
        while item is None:
            left = _WAKE_EVERY if until is None else until - time.monotonic()
            if left <= 0:
                return None
            try:
                item = self._lines.get(timeout=left)
            except queue.Empty:
                continue
        self._began = time.monotonic()
        return item

    def line_waits(self) -> bool:
        """Whether a line, blank ones too, or the end of input has come in behind the present command."""
        return self._ahead is not None or not self._lines.empty()

    def must_hurry(self) -> bool:
        """Whether `# interrupt` (GoGui) has come in since the present command began, or `quit` a moment ago."""
        if self._interrupt_at > self._began:
            return True
        return self._quit_at > self._began + QUIT_IS_LATER and time.monotonic() > self._quit_at + LAST_SECONDS

    def wait_for_line(self) -> None:
        """Returns when `line_waits`."""
        if self._ahead is None:
            self._ahead = self.next()

    def _read(self) -> None:
        splitter = LineSplitter()
        while True:
            try:
                data = os.read(self._descriptor, _CHUNK)
            except OSError:  # the other end has vanished: as good as the end
                data = b""
            now = time.monotonic()
            for line in splitter.feed(data) if data else splitter.finish():
                self._put(line, now)
            if not data:
                self._lines.put(Mark.END)
                return

    def _put(self, line: bytes | None, now: float) -> None:
        if line is None:
            self._lines.put(Mark.TOO_LONG)
            return
        text = line.strip()
        if text == b"# interrupt":
            self._interrupt_at = now
        elif text.endswith(b"quit") and len(text) < 20:
            command = parse_line(line)
            if command is not None and command.name == "quit":
                self._quit_at = now
        self._lines.put(line)

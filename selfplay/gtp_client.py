"""The controller's side of GTP 2: one engine process, its pipes and its time limits.

Portable: reader threads instead of select. The engine's stderr is drained at all times (an engine that
fills the pipe would stop), kept in a log file where one is wanted, and its last lines are quoted when the engine dies.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, cast

from gozero.errors import GozeroError

# Sabaki gives an engine this long to leave after `quit` (seconds).
QUIT_SECONDS = 3.0
# Debian installs GNU Go where not every account looks for programs.
GAMES_FOLDER = "/usr/games"
# The longest that a reply is waited for in one go (seconds), see _Patience.
WAIT_SECONDS = 1.0
# The longest line that is read in one piece (bytes), and how many lines may wait before the engine is left to block.
LINE_BYTES = 1 << 20
WAITING_LINES = 10_000
STDERR_LINES = 4
# The most lines up to the end of one reply: a program that prints without end is no engine, and leaves no silence in
# which its time could run out.
REPLY_LINES = 100_000


class EngineError(GozeroError):
    """The engine died, hung or does not speak GTP: it has to be started again before it can be used."""


class EngineTimeout(EngineError):
    """The engine did not answer in time, and was ended for it."""


class EngineFailure(GozeroError):
    """The engine answered a command with `?`: it said no, and can go on."""


def find_program(program: str) -> str | None:
    """The full path of a program; None if there is none.

    Looked for where the shell would, then beside the running Python (`gozero` of an environment that is not activated),
    then where Debian installs games.
    """
    places = [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent), GAMES_FOLDER]
    return shutil.which(program, path=os.pathsep.join(places))


def split_command(command: str) -> list[str]:
    """Program (its full path) and arguments of an engine's command line, quoted as in a shell.

    Raises:
        ValueError: nothing is there, quotes do not close, or there is no such program.
    """
    try:
        # Windows paths are full of backslashes, which a POSIX shell would take for escapes.
        words = shlex.split(command.replace("\\", "\\\\") if os.name == "nt" else command)
    except ValueError as error:
        raise ValueError(f"cannot read the command line {command!r}: {error}") from None
    if not words:
        raise ValueError("an engine needs a command line, for example: gnugo --mode gtp")
    program = find_program(words[0])
    if program is None:
        raise ValueError(f"cannot find the program {words[0]!r} of the engine {command!r}; name it by its full path")
    return [program, *words[1:]]


class _Patience:
    """How long a reply may take, and how many lines came meanwhile. Seconds in which the machine slept or this process
    was stopped do not count: engines are stopped along with it, and nobody should lose a game by that.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.lines = 0
        self._left = seconds

    def wait(self, lines: queue.Queue[str | None]) -> str | None:
        """The next of `lines`. Raises queue.Empty when there is none in time."""
        while True:
            # A wait that takes longer than it was to take was interrupted.
            wait = max(0.0, min(WAIT_SECONDS, self._left))
            start = time.monotonic()
            try:
                line = lines.get(timeout=wait)
            except queue.Empty:
                self._left -= wait
                if self._left <= 0:
                    raise
            else:
                self._left -= min(wait, time.monotonic() - start)
                self.lines += 1
                return line


class GtpClient:
    """One GTP engine in a process of its own. Use as a context manager, or call `close`.

    `seconds` arguments are limits for one reply, by the clock while the machine is awake. After an EngineError the
    process has been ended.
    """

    def __init__(self, command: str, log: Path | None = None) -> None:
        """Start the engine; what it prints on stderr is appended to `log`.

        Raises:
            ValueError: the command line names no program.
            EngineError: the program cannot be started.
        """
        self.command = command
        self._stderr_tail: deque[str] = deque(maxlen=STDERR_LINES)
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self._closed = threading.Event()
        words = split_command(command)
        try:
            # A session of its own: Ctrl-C in the terminal is for us, and must not end the engines in mid-game.
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"cannot start {words[0]}: {error.strerror or error}") from None
        self._stdin = cast(IO[bytes], self._process.stdin)
        self._readers = [
            threading.Thread(target=self._read_stdout, args=(cast(IO[bytes], self._process.stdout),), daemon=True),
            threading.Thread(target=self._read_stderr, args=(cast(IO[bytes], self._process.stderr), log), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> GtpClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def returncode(self) -> int | None:
        """The status that the process ended with; None while it runs."""
        return self._process.poll()

    def send(self, command: str, seconds: float) -> str:
        """Send one command and return the body of the reply, without `=` and surrounding blanks.

        Raises:
            EngineFailure: the reply was `?`.
            EngineTimeout: no whole reply came within `seconds`.
            EngineError: the engine is gone, or prints without end.
        """
        patience = _Patience(seconds)
        try:
            self._stdin.write(f"{command}\n".encode())
            self._stdin.flush()
        except (OSError, ValueError):  # ValueError: we closed the pipe ourselves
            raise self._death(command) from None
        head = self._next_line(command, patience)
        while head[:1] not in ("=", "?"):  # what is printed before a reply is noise (Sabaki skips it too)
            head = self._next_line(command, patience)
        body = [head[1:].lstrip("0123456789")]
        while line := self._next_line(command, patience):
            body.append(line)
        text = "\n".join(body).strip()
        if head[0] == "?":
            raise EngineFailure(text or "the engine said no")
        return text

    def close(self, seconds: float = QUIT_SECONDS) -> None:
        """End the engine: `quit`, and after `seconds` by force. May be called again, and from another thread."""
        with contextlib.suppress(OSError, ValueError):
            self._stdin.write(b"quit\n")
            self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End the engine at once. A thread that waits for its reply gets an EngineError."""
        self._closed.set()
        if self._process.poll() is None and hasattr(os, "killpg"):
            # The engine leads a session of its own: this ends what a wrapper script started, too.
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError, ValueError):
            self._stdin.close()
        for reader in self._readers:
            # A grandchild may hold the pipe open: the reader is a daemon, and need not be waited for beyond a moment.
            reader.join(timeout=1)

    def _next_line(self, command: str, patience: _Patience) -> str:
        """The next line of stdout without its end; control characters other than tab are dropped (GTP 2, 3.1)."""
        try:
            line = patience.wait(self._lines)
        except queue.Empty:
            self.kill()
            raise EngineTimeout(f"no reply to {command!r} within {patience.seconds:g} s") from None
        if line is None:
            raise self._death(command)
        if patience.lines > REPLY_LINES:
            self.kill()
            raise EngineError(f"no end of a reply to {command!r} in {REPLY_LINES} lines")
        return "".join(c for c in line if c >= " " or c == "\t").rstrip()

    def _death(self, command: str) -> EngineError:
        """The error that says how the engine ended, with its last words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self.kill()
        words = " | ".join(self._stderr_tail)
        return EngineError(
            f"the engine ended (status {self._process.returncode}) at {command!r}" + (f": {words}" if words else "")
        )

    def _read_stdout(self, pipe: IO[bytes]) -> None:
        """Thread: stdout to the queue, then None."""
        with pipe:
            while line := pipe.readline(LINE_BYTES):
                self._put(line.decode("utf-8", "replace"))
        self._put(None)

    def _put(self, line: str | None) -> None:
        """Queue a line; a full queue holds the engine up until someone reads or the client is closed."""
        while True:
            try:
                self._lines.put(line, timeout=0.5)
                return
            except queue.Full:
                if self._closed.is_set():
                    return

    def _read_stderr(self, pipe: IO[bytes], log: Path | None) -> None:
        """Thread: stderr to the log file and the tail."""
        with pipe, contextlib.ExitStack() as stack:
            file = stack.enter_context(log.open("ab")) if log else None
            while line := pipe.readline(LINE_BYTES):
                if file:
                    file.write(line)
                    file.flush()
                if text := line.decode("utf-8", "replace").strip():
                    self._stderr_tail.append(text)

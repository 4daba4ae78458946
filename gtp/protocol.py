"""The wire format of GTP 2, without any input or output: bytes become commands, answers become bytes.

Source: Gunnar Farnebäck, Specification of the Go Text Protocol, version 2, draft 2. Where the draft is silent, GNU Go
3.8, the reference implementation, is followed; `tests/gtp/test_gnugo.py` lists the differences.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINE_BYTES = 1 << 20
"""Longer lines are refused as a whole, so that a stream of garbage can fill no memory."""
MAX_ID = 2**31 - 1
"""The largest command id of the specification; GNU Go drops larger ones, and so do we."""
UTF8_MARK = b"\xef\xbb\xbf"
"""What programs on Windows put before a text."""

_CONTROL_BYTES = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n")
_COMMAND = re.compile(rb"([+-]?[0-9]+)? *([^ ]*) *(.*)", re.DOTALL)


class GtpError(Exception):
    """A command cannot be carried out; its text is the failure message of the reply."""


class OutputClosed(Exception):
    """Nobody reads the replies any more."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command line, taken apart.

    `id` holds the digits to echo, or "" without an id. `name` is "" where the line held nothing but an id. `rest` is
    everything behind the name, with inner spaces kept, for the few commands that take a file name.
    """

    id: str
    name: str
    arguments: tuple[str, ...]
    rest: str


def parse_line(line: bytes) -> Command | None:
    """The command on a line (with or without its line end), or `None` for a blank line or a comment.

    Control characters are dropped, `#` starts a comment, tabs are spaces. Bytes that are no UTF-8 survive as surrogate
    escapes, as in Python's file names, and are shown escaped when a reply quotes them.
    """
    text = line.removeprefix(UTF8_MARK).translate(None, _CONTROL_BYTES).partition(b"#")[0]
    text = text.replace(b"\t", b" ").strip(b" \n")
    if not text:
        return None
    match = _COMMAND.fullmatch(text)
    assert match is not None  # every part of the pattern may be empty
    number, name, rest = match.groups()
    return Command(
        id=_echoed_id(number),
        name=_decode(name),
        arguments=tuple(_decode(argument) for argument in rest.split()),
        rest=_decode(rest),
    )


def _echoed_id(number: bytes | None) -> str:
    # The length test keeps Python from converting a megabyte of digits.
    if number is None or number.startswith(b"-") or len(number) > 20 or int(number) > MAX_ID:
        return ""
    return str(int(number))


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def success(id: str, body: str = "") -> bytes:
    """The reply to a command that was carried out."""
    return f"={id} {_clean(body)}\n\n".encode("utf-8", "backslashreplace")


def failure(id: str, message: str) -> bytes:
    """The reply to a command that could not be carried out."""
    return f"?{id} {_clean(message)}\n\n".encode("utf-8", "backslashreplace")


def begin_stream(id: str) -> bytes:
    """Opens a reply whose lines follow one by one (`stream_line`) until `end_stream`."""
    return f"={id}\n".encode()


def stream_line(text: str) -> bytes:
    """One line of an open reply."""
    return f"{text}\n".encode("utf-8", "backslashreplace")


def end_stream() -> bytes:
    """Closes an open reply."""
    return b"\n"


def _clean(body: str) -> str:
    """The body without blank lines, which would end the reply early; one leading line end is kept (boards use it)."""
    first, *others = body.replace("\r", "").split("\n")
    return "\n".join([first, *(line for line in others if line.strip())])


class LineSplitter:
    """Cuts a stream of bytes into lines of any length up to `MAX_LINE_BYTES`."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Yields each line that `data` completes, without its line end; `None` stands for a line that was too long."""
        *ends, tail = data.split(b"\n")
        for end in ends:
            self._keep(end)
            yield self._take()
        self._keep(tail)

    def finish(self) -> Iterator[bytes | None]:
        """Yields the last line where the stream ended without a line end."""
        if self._length:
            yield self._take()

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > MAX_LINE_BYTES:
            self._parts.clear()  # the length stays: it marks the line as too long
        elif part:
            self._parts.append(part)

    def _take(self) -> bytes | None:
        line = b"".join(self._parts) if self._length <= MAX_LINE_BYTES else None
        self._parts.clear()
        self._length = 0
        return line

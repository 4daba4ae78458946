"""What a handler of a command is given, and how it reads its arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gozero import coords
from gtp.protocol import Command, GtpError, begin_stream, stream_line
from gtp.session import Attention, Session

if TYPE_CHECKING:
    from engine.player import Player
    from gozero.position import Position

Write = Callable[[bytes], None]


class Stream:
    """A reply that is written line by line, for analysis; its first line opens it."""

    def __init__(self, id: str, write: Write) -> None:
        self._id = id
        self._write = write
        self.is_open = False

    def open(self) -> None:
        """Writes the `=` line, once."""
        if not self.is_open:
            self.is_open = True
            self._write(begin_stream(self._id))

    def line(self, text: str) -> None:
        """Writes one line."""
        self.open()
        self._write(stream_line(text))


@dataclass(frozen=True, slots=True)
class Call:
    """One command on its way through a handler."""

    session: Session
    command: Command
    stream: Stream
    attention: Attention
    log: Callable[[str], None]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind the name."""
        return self.command.arguments

    @property
    def position(self) -> Position:
        """The game on the board; waits until it is loaded, and raises GtpError where that fails."""
        self.session.wait_for_board(self.attention)
        return self.session.position

    @property
    def player(self) -> Player:
        """The player for this board; waits until it is loaded, and raises GtpError where that fails."""
        self.session.wait_for_board(self.attention)
        return self.session.player(self.attention)

    def argument(self, index: int, complaint: str) -> str:
        """The argument at `index`.

        Raises:
            GtpError: with the text `complaint`, where there is none.
        """
        if index >= len(self.arguments):
            raise GtpError(complaint)
        return self.arguments[index]

    def integer(self, index: int, complaint: str) -> int:
        """The argument at `index` as an integer; raises as `argument`."""
        return parse_integer(self.argument(index, complaint), complaint)

    def number(self, index: int, complaint: str) -> float:
        """The argument at `index` as a finite number; raises as `argument`."""
        return parse_number(self.argument(index, complaint), complaint)

    def colour(self, index: int = 0) -> int:
        """The argument at `index` as a colour."""
        return parse_colour(self.argument(index, "invalid color"), "invalid color")

    def stones(self) -> list[tuple[int, int]]:
        """All arguments as `COLOUR VERTEX ...`: (colour, point), or a pass for a point."""
        words, size = self.arguments, self.position.size
        if len(words) % 2:
            raise GtpError(BAD_MOVE)
        return [(parse_colour(words[i]), parse_vertex(words[i + 1], size)) for i in range(0, len(words), 2)]


Handler = Callable[[Call], str]
"""Carries out a command and returns the body of the reply."""

BAD_MOVE = "invalid color or coordinate"
"""GNU Go's complaint about a move that cannot be read."""


def parse_integer(text: str, complaint: str) -> int:
    """A decimal integer of a size that a command can mean.

    Raises:
        GtpError: with the text `complaint`.
    """
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise GtpError(complaint)
    return int(text)


def parse_number(text: str, complaint: str) -> float:
    """A finite decimal number.

    Raises:
        GtpError: with the text `complaint`.
    """
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise GtpError(complaint)
    return number


def parse_colour(text: str, complaint: str = BAD_MOVE) -> int:
    """A colour.

    Raises:
        GtpError: with the text `complaint`.
    """
    try:
        return coords.parse_colour(text)
    except ValueError:
        raise GtpError(complaint) from None


def parse_vertex(text: str, size: int, complaint: str = BAD_MOVE) -> int:
    """A point of the board, or `PASS`.

    Raises:
        GtpError: with the text `complaint`.
    """
    try:
        return coords.parse_vertex(text, size)
    except ValueError:
        raise GtpError(complaint) from None


def format_points(points: Sequence[int], size: int) -> str:
    """Points of a board as vertices, with spaces between them."""
    return " ".join(coords.format_vertex(point, size) for point in points)

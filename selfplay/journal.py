"""Finished self-play games on disk at once, one after the other in a file, until a shard takes them up.

A journal holds frames: the length of what follows and its checksum (4 bytes each, little-endian), then one game. The
operating system has a game when `Journal.append` returns, so that a worker that is killed loses none; of a last frame
that was cut short nothing is read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from gozero.errors import GozeroError
from gozero.record import GameRecord
from gozero.searches import GameSearches
from gozero.store import GAME_DTYPE, Store, StoreMeta, encode

NO_SEARCHES: Final = GameSearches(
    np.zeros(0, np.int64),
    np.zeros(0, np.float32),
    np.zeros(0, np.int64),
    np.zeros(0, np.uint16),
    np.zeros(0, np.float32),
)
"""Those of a game that was played without search."""
_HEAD: Final = struct.Struct("<II")
_CODES: Final = np.dtype("<u2")
_SEARCH_TYPES: Final = tuple(np.dtype(kind) for kind in ("<i8", "<f4", "<i8", "<u2", "<f4"))


class PlayedGame(NamedTuple):
    """A finished game as its worker keeps it."""

    number: int
    """From 0, among the games that this life of the worker began."""
    network: str
    """The network that played it, or at least its last move."""
    finished: float
    """When: seconds since 1970, UTC."""
    gave_up: int
    """See `selfplay.searched_games.SearchedGame`, like the two that follow."""
    opened: int
    lowest: tuple[float, float]
    record: GameRecord
    searches: GameSearches


class JournalError(GozeroError):
    """A frame that is no game."""


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    """A game as one message; arrays as their bytes, little-endian."""

    number: int
    network: str
    finished: float
    gave_up: int
    opened: int
    lowest: tuple[float, float]
    row: bytes
    codes: bytes
    searches: tuple[bytes, bytes, bytes, bytes, bytes]


def pack(game: PlayedGame) -> bytes:
    """The game as bytes: what a journal's frame holds."""
    row, codes = encode([game.record])
    searches = tuple(
        np.asarray(part).astype(kind).tobytes() for part, kind in zip(game.searches, _SEARCH_TYPES, strict=True)
    )
    return msgspec.msgpack.encode(_Packed(*game[:-2], row.tobytes(), codes.tobytes(), searches))  # type: ignore[arg-type]


def unpack(message: bytes) -> PlayedGame:
    """The game that `pack` made bytes of.

    Raises:
        JournalError: they are something else.
    """
    try:
        packed = msgspec.msgpack.decode(message, type=_Packed)
        rows, codes = np.frombuffer(packed.row, GAME_DTYPE), np.frombuffer(packed.codes, _CODES)
        searches = GameSearches(*map(np.frombuffer, packed.searches, _SEARCH_TYPES))
        meta = StoreMeta(1, int(rows["length"][0]), codes.size, [f"self-play {packed.network}"], {}, {}, {})
        record = Store(Path(), rows, codes, meta).record(0)
    except (msgspec.DecodeError, ValueError, IndexError) as error:
        raise JournalError(f"that is no finished game ({error})") from error
    about = (packed.number, packed.network, packed.finished, packed.gave_up, packed.opened, packed.lowest)
    return PlayedGame(*about, record, searches)


class Journal:
    """A new journal that is being written."""

    def __init__(self, path: Path) -> None:
        """Begins the file `path`. Raises OSError where it cannot be made, or is there."""
        self.path = path
        self._file = path.open("xb", buffering=0)
        self._end = 0

    def append(self, messages: Sequence[bytes]) -> None:
        """Adds packed games. Raises OSError where they do not fit on the disk; then none of them is there."""
        frames = memoryview(b"".join(_HEAD.pack(len(each), zlib.crc32(each)) + each for each in messages))
        written = 0
        try:
            while written < len(frames):
                written += self._file.write(frames[written:]) or 0
        except OSError:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise
        self._end += written

    def close(self) -> None:
        """No more games."""
        self._file.close()


def read(path: Path) -> tuple[list[PlayedGame], str]:
    """The games of a journal, and what is wrong with it: empty where nothing is but a last frame cut short.

    Raises:
        OSError: it cannot be read.
    """
    content = memoryview(path.read_bytes())
    games: list[PlayedGame] = []
    at = 0
    while at + _HEAD.size <= len(content):
        length, checksum = _HEAD.unpack_from(content, at)
        message = content[at + _HEAD.size : at + _HEAD.size + length]
        if len(message) < length:
            break
        try:
            if zlib.crc32(message) != checksum:
                raise JournalError("its checksum is another")
            games.append(unpack(bytes(message)))
        except JournalError as error:
            return games, f"{path} is damaged after {len(games)} games: {error}; those before it count"
        at += _HEAD.size + length
    return games, ""

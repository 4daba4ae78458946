"""A packed store as one compressed file, for the way to another machine: about one byte a move.

The file is a zip archive of numpy arrays under LZMA, which `numpy.load` can open too:

- `gozero-store.json`: format, version and what `meta.json` of the store says;
- `games/NAME.npy`: a column of `store.GAME_DTYPE` each, all but the offsets, which follow from the lengths;
- `moves.npy`: the codes of all games, less the colours that follow from whose turn it is.

Every array has a checksum, so a file that opens is what was written.
"""

from __future__ import annotations

import json
import lzma
import secrets
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gozero.coords import WHITE
from gozero.durable import replace_durably
from gozero.store import GAME_DTYPE, Store, StoreError, StoreMeta

_FORMAT: Final = "gozero-travel"
_VERSION: Final = 1
_HEADER: Final = "gozero-store.json"
_MOVES: Final = "moves.npy"
_COLUMNS: Final = tuple(name for name in GAME_DTYPE.names or () if name != "offset")
_CHUNK: Final = 1 << 20  # bytes between two reports of progress
_GAMES: Final = 10_000  # worked on together
# A damaged byte can also ask for another compression, a password or more memory than there is.
_DAMAGED: Final = (
    *(zipfile.BadZipFile, lzma.LZMAError, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, TypeError, KeyError, RuntimeError, MemoryError),
)


def is_travel_file(path: Path) -> bool:
    """Whether `path` begins as a compressed store does; it may be cut short or damaged all the same."""
    name = _HEADER.encode()
    try:
        with path.open("rb") as file:
            start = file.read(
                30 + len(name)
            )  # a zip archive begins with 30 bytes about its first member, then its name
    except OSError:
        return False
    return start.startswith(b"PK\x03\x04") and start.endswith(name)


def write(store: Store, path: Path, on_progress: Callable[[int, int], Any] | None = None) -> None:
    """Compresses `store` into the file `path`, which stands there when it is complete.

    `on_progress` hears (bytes done, bytes), uncompressed.

    Raises:
        OSError: the file cannot be written. Nothing is left at `path`.
    """
    columns = {f"games/{name}.npy": np.ascontiguousarray(store.games[name]) for name in _COLUMNS}
    codes = np.array(store.moves, "<u2")
    _flip_turns(store.games, codes)
    total = sum(column.nbytes for column in columns.values()) + codes.nbytes
    done = 0

    def add(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
        nonlocal done
        with archive.open(_member(name), "w") as member:
            header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
            np.lib.format.write_array_header_1_0(member, header)
            raw = memoryview(array.tobytes())
            for start in range(0, len(raw), _CHUNK):
                member.write(raw[start : start + _CHUNK])
                done += len(raw[start : start + _CHUNK])
                if on_progress:
                    on_progress(done, total)

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}-{secrets.token_hex(4)}.partial")
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            facts = {"format": _FORMAT, "version": _VERSION, **asdict(store.meta)}
            archive.writestr(_member(_HEADER), json.dumps(facts))
            for name, column in columns.items():
                add(archive, name, column)
            add(archive, _MOVES, codes)
        replace_durably(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> Store:
    """The store that was compressed into `path`, in memory.

    Raises:
        StoreError: the file is no compressed store, of another version, cut short or damaged.
    """
    if not is_travel_file(path):
        raise StoreError(
            f"{path} is no packed store: name the folder or the compressed file that gozero pack wrote, "
            f"or make one with gozero pack PATHS... --out STORE"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read(_HEADER))
            version = facts.pop("version")
            if facts.pop("format") == _FORMAT and version != _VERSION:
                raise StoreError(
                    f"{path} is a compressed store of version {version}, this program reads {_VERSION}: "
                    f"compress the store again (gozero pack STORE --compress --out FILE)"
                )
            meta = StoreMeta(**facts)
            games = np.zeros(meta.games, GAME_DTYPE)
            for name in _COLUMNS:
                games[name] = _array(archive, f"games/{name}.npy", GAME_DTYPE[name], meta.games)
            lengths = games["setup"].astype(np.uint64) + games["length"]
            games["offset"] = np.cumsum(lengths) - lengths
            moves = _array(archive, _MOVES, np.dtype("<u2"), meta.codes)
            if int(lengths.sum()) != meta.codes:
                raise ValueError(f"{_MOVES} is not as long as its games")
    except _DAMAGED as error:
        what = str(error) or type(error).__name__
        raise StoreError(f"{path} is cut short or damaged ({what}): copy it again") from None
    _flip_turns(games, moves)
    games.setflags(write=False)
    moves.setflags(write=False)
    return Store(path, games, moves, meta)


def _member(name: str) -> zipfile.ZipInfo:
    """How a member is stored; without a date, so that equal stores give equal files."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_LZMA
    return info


def _array(archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], length: int) -> NDArray[Any]:
    """The array of that name; raises one of `_DAMAGED` if it is not as announced or its checksum is wrong."""
    with archive.open(name) as member:
        np.lib.format.read_magic(member)
        shape, _, found = np.lib.format.read_array_header_1_0(member)
        if shape != (length,) or found != dtype:
            raise ValueError(f"{name} holds {shape} of {found}, not ({length},) of {dtype}")
        array = np.frombuffer(bytearray(member.read()), dtype)
    if array.size != length:
        raise ValueError(f"{name} is too short")
    return array


def _flip_turns(games: NDArray[Any], codes: NDArray[np.uint16]) -> None:
    """Flips `WHITE_BIT`, in place, in every move that White makes if the colours alternate; twice changes nothing.

    codes: uint16[n], the codes of the games, one behind the other.
    """
    end = 0
    for chunk in (games[start : start + _GAMES] for start in range(0, len(games), _GAMES)):
        setups, lengths = chunk["setup"].astype(np.int64), chunk["length"].astype(np.int64)
        both = setups + lengths
        ply = np.arange(both.sum()) - np.repeat(np.cumsum(both) - lengths, both)  # below 0 for set-up stones
        is_white = (ply >= 0) & ((ply + np.repeat(chunk["first"] == WHITE, both)) % 2 == 1)
        start, end = end, end + len(ply)
        codes[start:end] ^= is_white.astype(np.uint16) << 15

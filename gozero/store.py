"""The packed store that training reads game records from.

A store is a directory of three files, all little-endian and memory-mapped when read:

- `moves.u16`: uint16 codes; for each game its set-up stones, then its moves (see `gozero.record.GameRecord`);
- `games.npy`: one row of `GAME_DTYPE` a game;
- `meta.json`: format, version, counts, the names of the sources, what was skipped by reason (`skipped.tsv` beside it
  lists every skipped record).

A store is written under a temporary name and renamed when it is complete, so a directory that opens is whole.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from gozero.errors import GozeroError
from gozero.record import (
    ENDINGS,
    MAX_CODES,
    RULE_NAMES,
    GameRecord,
    illegal,
    rank_code,
    rank_text,
    rules_of_code,
)

GAME_DTYPE: Final = np.dtype(
    [
        ("key", "<u8"),  # GameRecord.key
        ("offset", "<u8"),  # place of the first code of this game in moves.u16
        ("komi", "<f4"),  # points for White, nan where unknown
        ("margin", "<f4"),  # points the winner was ahead, nan where it was not counted
        ("setup", "<u2"),  # number of set-up stones
        ("length", "<u2"),  # number of moves, passes included, set-up stones not
        ("year", "<u2"),  # 0 where unknown
        ("source", "<u2"),  # index into meta.json's sources
        ("size", "u1"),
        ("first", "u1"),  # colour of the first move
        ("winner", "i1"),  # 1 Black, 2 White, 0 a draw, -1 unknown
        ("ending", "u1"),  # index into ENDINGS
        ("rules", "u1"),  # index into RULE_NAMES
        ("handicap", "u1"),  # black set-up stones given as a handicap
        ("black_rank", "i1"),  # see rank_code
        ("white_rank", "i1"),
    ]
)

_FORMAT: Final = "gozero-store"
_VERSION: Final = 1
_UNKNOWN_WINNER: Final = -1
_OLD: Final = ".old"  # ends the name of a store from when the next one is whole until that one has its place


class StoreError(GozeroError):
    """A packed store that cannot be opened or written."""


def encode(records: Sequence[GameRecord]) -> tuple[NDArray[Any], NDArray[np.uint16]]:
    """The rows (`GAME_DTYPE`, offsets from 0, source 0) and the codes of some records, as a store holds them.

    Raises:
        ValueError: a record has more moves than a row can count.
    """
    rows = np.zeros(len(records), GAME_DTYPE)
    codes: list[NDArray[np.uint16]] = []
    offset = 0
    for i, record in enumerate(records):
        if max(record.moves.size, record.setup.size) > MAX_CODES:
            raise ValueError(f"a record of {record.moves.size} moves does not fit a store (at most {MAX_CODES})")
        rows[i] = (
            record.key,
            offset,
            math.nan if record.komi is None else record.komi,
            math.nan if record.margin is None else record.margin,
            record.setup.size,
            record.moves.size,
            record.year or 0,
            0,
            record.size,
            record.first_player,
            _UNKNOWN_WINNER if record.winner is None else record.winner,
            ENDINGS.index(record.ending),
            RULE_NAMES.index(record.rules or ""),
            record.handicap,
            rank_code(record.black_rank),
            rank_code(record.white_rank),
        )
        codes += [record.setup, record.moves]
        offset += record.setup.size + record.moves.size
    return rows, np.concatenate(codes).astype("<u2") if codes else np.zeros(0, "<u2")


@dataclass(frozen=True)
class StoreMeta:
    """What `meta.json` says about a store."""

    games: int
    positions: int  # moves of all games
    codes: int  # moves and set-up stones of all games
    sources: list[str]  # names, by the number that a row holds
    games_by_source: dict[str, int]
    games_by_size: dict[str, int]
    skipped: dict[str, int]  # records left out, by reason


class Store:
    """A packed store opened for reading. Its arrays are read-only, and memory-mapped where it is a directory."""

    def __init__(self, path: Path, games: NDArray[Any], moves: NDArray[np.uint16], meta: StoreMeta) -> None:
        self.path = path
        self.called = str(path)  # what messages call it: records packed in passing have names that people know
        self.games = games  # GAME_DTYPE[n]
        self.moves = moves  # uint16[all codes]
        self.meta = meta

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Opens the store at `path`: a directory, or a compressed file (`gozero.travel`), which is read into memory.

        Raises:
            StoreError: there is none, it is of another version, or a file is missing, damaged or of the wrong length.
        """
        path = Path(path)
        if path.is_file():
            from gozero import travel

            return travel.read(path)
        again = "pack it again (gozero pack PATHS... --out STORE)"
        try:
            meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            what = "is no packed store (it has no meta.json)" if path.exists() else "does not exist"
            if not path.exists() and (old := _left_over(path)):
                raise StoreError(
                    f"{path} {what}, but {old} is the store that stood there when a program that replaced it was "
                    f"killed: rename that one to {path}, or make a new one with gozero pack PATHS... --out {path}"
                ) from None
            raise StoreError(f"{path} {what}: make one with gozero pack PATHS... --out {path}") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path / 'meta.json'} cannot be read ({error}): {again}") from None
        if not isinstance(meta, dict) or meta.get("format") != _FORMAT:
            raise StoreError(f"{path} is no packed store: make one with gozero pack PATHS... --out STORE")
        if meta.get("version") != _VERSION:
            raise StoreError(f"{path} is of version {meta.get('version')}, this program reads {_VERSION}: {again}")
        try:
            facts = StoreMeta(**{name: value for name, value in meta.items() if name not in ("format", "version")})
            games = np.load(path / "games.npy", mmap_mode="r", allow_pickle=False)
            moves_bytes = (path / "moves.u16").stat().st_size
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise StoreError(f"{path} is damaged ({error}): {again}") from None
        if games.dtype != GAME_DTYPE or len(games) != facts.games or moves_bytes != 2 * facts.codes:
            raise StoreError(f"{path} is damaged (its files do not have the lengths that meta.json names): {again}")
        empty: NDArray[np.uint16] = np.zeros(0, "<u2")
        moves = np.memmap(path / "moves.u16", dtype="<u2", mode="r") if moves_bytes else empty
        return cls(path, games, moves, facts)

    def __len__(self) -> int:
        return len(self.games)

    def record(self, index: int) -> GameRecord:
        """The game in row `index`; its arrays are views of the store."""
        row = self.games[index]
        start, setup = int(row["offset"]), int(row["setup"])
        end = start + setup + int(row["length"])
        return GameRecord(
            size=int(row["size"]),
            moves=self.moves[start + setup : end],
            setup=self.moves[start : start + setup],
            first_player=int(row["first"]),
            komi=_known(row["komi"]),
            rules=RULE_NAMES[int(row["rules"])] or None,
            winner=None if row["winner"] == _UNKNOWN_WINNER else int(row["winner"]),
            margin=_known(row["margin"]),
            ending=ENDINGS[int(row["ending"])],
            black_rank=rank_text(int(row["black_rank"])),
            white_rank=rank_text(int(row["white_rank"])),
            handicap=int(row["handicap"]),
            year=int(row["year"]) or None,
            source=str(self.meta.sources[int(row["source"])]),
        )

    def from_sources(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """bool[games]: whether a game's source contains one of these texts; where there are none, all do."""
        wanted = [any(text in name for text in texts or ("",)) for name in self.meta.sources]
        fits: NDArray[np.bool_] = np.array(wanted, np.bool_)[self.games["source"]]
        return fits

    def suicide(self) -> NDArray[np.int64]:
        """int64[games]: 1 where the rules of a game allow suicide, as kernels want to know, else 0."""
        by_code = [rules_of_code(code).suicide for code in range(len(RULE_NAMES))]
        allowed: NDArray[np.int64] = np.array(by_code, np.int64)[self.games["rules"]]
        return allowed


def _known(number: np.float32) -> float | None:
    return None if math.isnan(number) else float(str(number))  # 6.9, where 32 bits are 6.900000095367432


class StoreWriter:
    """Writes a new store; nothing stands at `path` before `close` has made it complete.

    Use it in a `with` statement: an exception inside, Ctrl-C included, removes what was written.

    Raises:
        StoreError: something stands at `path` already and is not to be overwritten, or is no store.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self._overwrite = overwrite
        self._check_free()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._folder = self.path.with_name(f"{self.path.name}-{secrets.token_hex(4)}.partial")
            self._folder.mkdir()
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}") from None
        self._moves = (self._folder / "moves.u16").open("wb")
        self._games = (self._folder / "games.npy").open("w+b")
        self._skipped = (self._folder / "skipped.tsv").open("w", encoding="utf-8", newline="\n")
        self._header_length = self._write_games_header()
        self._sources: dict[str, int] = {}
        self.games_by_source: Counter[str] = Counter()
        self.games_by_size: Counter[int] = Counter()
        self.skipped: Counter[str] = Counter()
        self.games = 0
        self.positions = 0
        self._codes = 0

    def _check_free(self, way_out: str = "") -> None:
        """Raises StoreError, with a `way_out`, where something stands at the path that is not to be replaced."""
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if not _is_store_folder(self.path):
            raise StoreError(f"{self.path} exists and is no packed store: choose another name for the store{way_out}")
        if not self._overwrite:
            hint = "use another name, or give --overwrite to replace that store"
            raise StoreError(f"{self.path} exists already: {hint}{way_out}")

    def append(self, record: GameRecord) -> None:
        """Adds one game.

        Raises:
            ValueError: the record has more moves than a store can hold, or cannot be replayed (`record.illegal`):
                whoever reads a store replays its games without another look.
        """
        rows = encode([record])
        if problem := illegal(record):
            raise ValueError(f"a store holds games that can be replayed, and not this one: {': '.join(problem)}")
        self.append_rows(*rows, record.source)

    def append_rows(self, rows: NDArray[Any], codes: NDArray[np.uint16], source: str) -> None:
        """Adds games that can be replayed, all from one source, of which `encode` made `rows` and `codes`.

        Raises:
            StoreError: there are more sources than a store can tell apart.
        """
        if not len(rows):
            return
        number = self._sources.setdefault(source, len(self._sources))
        if number > np.iinfo(np.uint16).max:
            raise StoreError(f"a store holds at most {number} sources: pack {self.path} in several stores")
        rows = rows.copy()
        rows["offset"] += self._codes
        rows["source"] = number
        self._games.write(rows.tobytes())
        self._moves.write(codes.astype("<u2").tobytes())
        self._codes += codes.size
        self.games += len(rows)
        self.positions += int(rows["length"].sum(dtype=np.int64))
        self.games_by_source[source] += len(rows)
        self.games_by_size.update(rows["size"].tolist())

    def put_beside(self, name: str, array: NDArray[Any]) -> None:
        """Keeps an array beside the games, as the file `name` of the store's folder; it is there when the store is."""
        with (self._folder / name).open("wb") as file:
            np.save(file, array, allow_pickle=False)
            _flush_to_disk(file)

    def skip(self, name: str, reason: str, detail: str = "") -> None:
        """Notes that the record `name` was left out."""
        self.skipped[reason] += 1
        line = "\t".join(" ".join(text.split()) for text in (name, reason, detail))
        self._skipped.write(line.encode("utf-8", "replace").decode() + "\n")

    def close(self) -> None:
        """Completes the store and gives it its name. Raises StoreError, and keeps it, where another has taken that."""
        self._games.seek(0)
        if self._write_games_header() != self._header_length:
            raise AssertionError("the header of games.npy grew: numpy no longer leaves room for the number of rows")
        meta = StoreMeta(
            games=self.games,
            positions=self.positions,
            codes=self._codes,
            sources=list(self._sources),
            games_by_source=dict(self.games_by_source),
            games_by_size={str(size): count for size, count in sorted(self.games_by_size.items())},
            skipped=dict(self.skipped.most_common()),
        )
        with (self._folder / "meta.json").open("w", encoding="utf-8") as file:
            json.dump({"format": _FORMAT, "version": _VERSION, **asdict(meta)}, file, indent=1)
            _flush_to_disk(file)
        for stream in (self._moves, self._games, self._skipped):
            _flush_to_disk(stream)
            stream.close()
        self._check_free(f". What was written is in {self._folder}, which may be renamed")
        if self.path.exists():
            self._replace()
        else:
            self._folder.rename(self.path)

    def _replace(self) -> None:
        """Gives the new store the name of the old one, which goes; or, if anything fails, the old one has it again."""
        old = self._folder.with_suffix(_OLD)
        try:
            self.path.rename(old)
            self._folder.rename(self.path)
        except BaseException:  # Ctrl-C between the two included
            if old.exists() and not self.path.exists():
                old.rename(self.path)
            raise
        finally:
            if self.path.exists():
                shutil.rmtree(old, ignore_errors=True)

    def abort(self) -> None:
        """Removes what was written so far."""
        for stream in (self._moves, self._games, self._skipped):
            with contextlib.suppress(OSError):  # a full disk cannot take what is buffered
                stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_games_header(self) -> int:
        shape = (getattr(self, "games", 0),)
        header = {"descr": np.lib.format.dtype_to_descr(GAME_DTYPE), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._games, header)
        return self._games.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abort()
            return
        try:
            self.close()
        except BaseException as caught:  # a full disk says so only now, or somebody pressed Ctrl-C
            if not isinstance(caught, StoreError):
                self.abort()
            raise


def is_store(path: str | Path) -> bool:
    """Whether a store stands at `path`, whole or not: a directory or a compressed file."""
    from gozero import travel

    return travel.is_travel_file(Path(path)) or _is_store_folder(Path(path))


def _is_store_folder(path: Path) -> bool:
    """Whether a store, whole or not, is in the directory `path`: nothing else may be overwritten."""
    try:
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(meta, dict) and meta.get("format") == _FORMAT


def _left_over(path: Path) -> Path | None:
    """The store that was at `path` before `StoreWriter` was killed between taking it away and putting another there."""
    named = re.compile(re.escape(path.name) + r"-[0-9a-f]{8}" + re.escape(_OLD))
    try:
        return max((entry for entry in path.parent.iterdir() if named.fullmatch(entry.name)), default=None)
    except OSError:
        return None


def _flush_to_disk(stream: IO[Any]) -> None:
    stream.flush()
    os.fsync(stream.fileno())

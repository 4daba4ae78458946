"""Where records lie: loose files, folders, .zip and .tar archives, read one member at a time."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Self

from gozero.errors import GozeroError

ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_RECORD: Final = ".sgf"
# Compression is told by the first bytes, so that a wrongly named archive still opens.
_OPENERS: Final[tuple[tuple[bytes, Callable[..., Any]], ...]] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
_UNREADABLE: Final = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, RuntimeError)


class ArchiveError(GozeroError):
    """An input that is missing, of an unknown kind, or cannot be read to its end."""


class Input(NamedTuple):
    """One file to read records from."""

    path: Path
    source: str  # what the store names as the origin of its games
    size: int  # bytes


class Member(NamedTuple):
    """The text of one SGF file."""

    name: str  # archive!member, or the path of a loose file
    data: bytes | None  # None where it could not be read, for the reason in `problem`
    problem: str = ""


def find_inputs(paths: Sequence[str | Path]) -> list[Input]:
    """The files and archives that the paths name, folders searched recursively, in a fixed order.

    Raises:
        ArchiveError: a path does not exist, is of an unknown kind, or is a folder without records.
    """
    inputs = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if _is_input(file) and file.is_file())
            if not found:
                raise ArchiveError(f"the folder {path} holds no {_RECORD} file and no archive ({', '.join(ARCHIVES)})")
            inputs += [_input(file, folder=path) for file in found]
        elif not path.exists():
            raise ArchiveError(f"{path} does not exist: check the path of the records")
        elif not _is_input(path):
            raise ArchiveError(f"{path} is no {_RECORD} file, folder or archive ({', '.join(ARCHIVES)})")
        else:
            inputs.append(_input(path, folder=None))
    return inputs


def _is_input(path: Path) -> bool:
    return path.name.lower().endswith((_RECORD, *ARCHIVES))


def _input(path: Path, folder: Path | None) -> Input:
    if not path.name.lower().endswith(_RECORD):
        source = path.name
    elif folder is not None:
        source = folder.resolve().name
    else:
        source = "files"
    return Input(path, source, path.stat().st_size)


def read_members(source: Input, advance: Callable[[int], None]) -> Iterator[Member]:
    """The SGF files of one input, in order; members of other kinds are passed over.

    `advance` is told, now and then, how many bytes of the input have been read so far.

    Raises:
        ArchiveError: the input cannot be read to its end.
    """
    try:
        with source.path.open("rb") as file:
            if source.path.name.lower().endswith(_RECORD):
                yield Member(str(source.path), file.read())
            elif source.path.name.lower().endswith(".zip"):
                yield from _read_zip(source, file, advance)
            else:
                yield from _read_tar(source, file, advance)
    except _UNREADABLE as error:
        what = str(error) or type(error).__name__
        raise ArchiveError(
            f"{source.path} cannot be read to its end ({what}): fetch it again, or leave it out"
        ) from None
    advance(source.size)


def _read_zip(source: Input, file: IO[bytes], advance: Callable[[int], None]) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            name = f"{source.path}!{entry.filename}"
            if entry.is_dir() or not entry.filename.lower().endswith(_RECORD):
                if entry.filename.lower().endswith(ARCHIVES):
                    yield Member(name, None, "an archive inside an archive: unpack it first")
                continue
            try:
                data = archive.read(entry)
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
                yield Member(name, None, str(error))  # damaged or encrypted; the others may be sound
                continue
            yield Member(name, data)
            advance(file.tell())


def _read_tar(source: Input, file: IO[bytes], advance: Callable[[int], None]) -> Iterator[Member]:
    start = file.read(6)
    file.seek(0)
    stream = next((opener(file) for magic, opener in _OPENERS if start.startswith(magic)), file)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictTarInfo) as archive:
        while (entry := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # or a large archive's headers would pile up
            name = f"{source.path}!{entry.name}"
            if entry.isfile() and entry.name.lower().endswith(_RECORD):
                content = archive.extractfile(entry)
                assert content is not None  # it is a plain file
                yield Member(name, content.read())
                advance(file.tell())
            elif entry.isfile() and entry.name.lower().endswith(ARCHIVES):
                yield Member(name, None, "an archive inside an archive: unpack it first")


class _StrictTarInfo(tarfile.TarInfo):
    """tarfile takes a damaged header for the end of the archive; here it is an error."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except (tarfile.TruncatedHeaderError, tarfile.InvalidHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from None

"""Files are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gozero import durable
from gozero.durable import write_durably


@pytest.mark.parametrize(("content", "found"), [(b"\x00\r\n\xff", b"\x00\r\n\xff"), ("5½\n", b"5\xc2\xbd\n")])
def test_what_is_written_replaces_what_was_there(tmp_path: Path, content: bytes | str, found: bytes) -> None:
    path = tmp_path / "file"
    for before in (None, b"a longer one than what comes"):
        if before is not None:
            path.write_bytes(before)
        write_durably(path, content)
        assert path.read_bytes() == found
        assert list(tmp_path.iterdir()) == [path]


def full_disk(*_: object) -> None:
    raise OSError("no space left")


@pytest.mark.parametrize(("where", "what"), [(Path, "write_bytes"), (os, "fsync"), (durable, "replace_durably")])
def test_the_old_file_stays_where_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: object, what: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr(where, what, full_disk)
        with pytest.raises(OSError, match="no space left"):
            write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its name is there when `write_durably` returns."""
    path, flush = tmp_path / "file", os.fsync
    there: list[bool] = []  # the name, at every flush: of the file, then of its folder where that can be flushed

    def noted(descriptor: int) -> None:
        there.append(path.exists())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_durably(path, b"new")
    assert there == [False, True][: 2 if os.name == "posix" else 1]

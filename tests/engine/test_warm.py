"""What is said before kernels are compiled. That they are: `test_doctor.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import warm
from gozero import jit


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty folder of kernels, in a process in which nothing has been said."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    warm._notice.cache_clear()
    yield jit.cache_directory()
    warm._notice.cache_clear()


def test_the_first_start_is_named_once_a_process() -> None:
    assert "gozero doctor --warm" in (warm.first_start_notice() or "")
    assert warm.first_start_notice() is None


@pytest.mark.parametrize("file", ["warm", "engine_0123/_select.walk-1.py311.1.nbc"])
def test_it_is_no_first_start_where_kernels_are_kept(folder: Path, file: str) -> None:
    (folder / file).parent.mkdir(parents=True)
    (folder / file).touch()
    assert warm.first_start_notice() is None


def test_kernels_of_the_board_alone_are_not_what_takes_a_minute(folder: Path) -> None:
    (folder / "gozero_0123").mkdir(parents=True)
    (folder / "gozero_0123" / "_board.play-1.py311.1.nbc").touch()
    assert warm.first_start_notice() is not None

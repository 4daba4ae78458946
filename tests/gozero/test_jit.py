"""Where compiled kernels are kept: keyed on all sources, out of the way of other switches, and not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gozero import jit

KERNEL = """
from gozero.jit import kernel, lean_kernel

@{decorator}
def {name}(number):
    return number + 1
"""


def test_kernels_imported_after_the_first_compilation_are_kept_with_the_others(checkout: Path, tmp_path: Path) -> None:
    """numba looks at its settings again whenever it compiles; kernels beside their sources would outlive edits."""
    for name, decorator in (("first", "kernel"), ("second", "lean_kernel")):
        (tmp_path / f"{name}.py").write_text(KERNEL.format(name=name, decorator=decorator))
    script = "import first; first.first(1); import second; second.second(1); import gozero.jit as j; print(j._folder)"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        environment[variable] = str(tmp_path / "cache")
    environment["PYTHONPATH"] = os.pathsep.join([str(checkout), str(tmp_path)])
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert folder.is_relative_to(tmp_path / "cache")
    kept = {path.name.split("-")[0]: path for path in tmp_path.rglob("*.nbc")}
    assert sorted(kept) == ["first.first", "second.second"]
    assert all(path.is_relative_to(folder) for path in kept.values())


def test_any_edit_of_a_kernel_source_begins_a_new_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = [path.relative_to(Path(jit.__file__).parent.parent).as_posix() for path in jit.kernel_sources()]
    assert {"gozero/_board.py", "gozero/_features.py", "engine/_tree.py", "training/_batches.py"} <= set(names)
    source = tmp_path / "_kernels.py"
    source.write_text("one = 1\n")
    monkeypatch.setattr(jit, "kernel_sources", lambda: [source])
    folders = {jit.cache_directory()}
    source.write_text("one = 2\n")
    folders.add(jit.cache_directory())
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1" if os.environ.get("NUMBA_BOUNDSCHECK") != "1" else "0")
    folders.add(jit.cache_directory())
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "named"))
    folders.add(jit.cache_directory())
    source.write_text("one = 3\n")
    folders.add(jit.cache_directory())
    assert len(folders) == 5
    assert sum(folder.parent == tmp_path / "named" for folder in folders) == 2


def kept_for(parent: Path, number: int, days: float) -> Path:
    """A folder of kernels last used so many days ago."""
    folder = parent / f"{number:020x}"
    (folder / "module").mkdir(parents=True)
    (folder / "module" / "kernel.nbc").touch()
    used = time.time() - days * 86_400
    os.utime(folder, (used, used))
    return folder


def test_what_is_stale_is_removed_when_a_new_folder_begins(tmp_path: Path) -> None:
    recent = [kept_for(tmp_path, i, i / 24) for i in range(3)]
    older = [kept_for(tmp_path, 100 + i, 2 + i) for i in range(jit.MOST_FOLDERS)]
    old = kept_for(tmp_path, 200, jit.MOST_DAYS + 1)
    (tmp_path / f"{300:020x}.stale").mkdir()  # a removal that was cut short
    (tmp_path / "something else").mkdir()
    jit.note_use(tmp_path / f"{1000:020x}")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {path.name for path in [*recent, *older[: jit.MOST_FOLDERS - len(recent)]]} | {"something else"}
    assert old.name not in left


def test_what_was_used_today_stays_however_much_there_is(tmp_path: Path) -> None:
    folders = [kept_for(tmp_path, i, 0.5) for i in range(3 * jit.MOST_FOLDERS)]
    jit.note_use(tmp_path / f"{1000:020x}")
    assert all(folder.is_dir() for folder in folders)


def test_use_is_noted_and_removes_nothing(tmp_path: Path) -> None:
    used, old = kept_for(tmp_path, 1, 40), kept_for(tmp_path, 2, 40)
    jit.note_use(used)
    assert time.time() - used.stat().st_mtime < 3600
    assert old.is_dir()
    jit.note_use(tmp_path / f"{1000:020x}")
    assert used.is_dir()
    assert not old.is_dir()


def test_a_cache_that_does_not_exist_yet_is_no_trouble(tmp_path: Path) -> None:
    jit.note_use(tmp_path / "nowhere" / f"{1:020x}")
    assert not (tmp_path / "nowhere").exists()

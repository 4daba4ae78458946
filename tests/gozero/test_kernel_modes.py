"""The kernel tests again as plain Python. (With bounds checks they run in `.ci/run`.)"""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run_tests_with(checkout: Path, setting: str, *arguments: str) -> None:
    """Runs tests in a process of their own, with kernels compiled for it: the cache must not be this process's."""
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=checkout,
        env={**environment, setting: "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="is itself such a run")
def test_the_board_passes_as_plain_python(checkout: Path) -> None:
    run_tests_with(checkout, "NUMBA_DISABLE_JIT", "-m", "nojit and not slow", "tests/gozero/test_board.py")


@pytest.mark.slow
@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="is itself such a run")
def test_every_kernel_passes_as_plain_python(checkout: Path) -> None:
    """The tests that are marked nojit, which together have to call every kernel there is."""
    files = [
        path for path in sorted((checkout / "tests").rglob("test_*.py")) if "mark.nojit" in path.read_text("utf-8")
    ]
    run_tests_with(
        checkout, "NUMBA_DISABLE_JIT", "-p", "tests.kernel_calls", "-m", "nojit and not slow", *map(str, files)
    )

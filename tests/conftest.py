"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

# On a busy machine torch's threads wait for each other far longer than they save on networks as small as the tests'.
os.environ.setdefault("OMP_NUM_THREADS", "1")

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Makes tests run alike however they were started."""
    # A shell that starts them in the background has Ctrl-C ignored, and every program that they start would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # As plain Python, the unsigned words of the kernels warn when they wrap, which compiled code does silently.
    if "NUMBA_DISABLE_JIT" in os.environ:
        config.addinivalue_line("filterwarnings", "ignore:overflow encountered:RuntimeWarning")


def require(present: bool, what: str) -> None:
    """Skips the test where a program is not installed; on CI, which installs them all, that is a failure."""
    if not present:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is not installed")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder that holds pyproject.toml."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared_sgf() -> Path:
    """The folder of game archives beside the checkout; the test is skipped where there is none."""
    folder = CHECKOUT.parent / "shared" / "sgf"
    if not folder.is_dir():
        pytest.skip(f"no game archives in {folder}")
    return folder


@pytest.fixture(scope="session")
def gnugo() -> list[str]:
    """The command line of GNU Go at level 1; the test is skipped where it is not installed."""
    path = shutil.which("gnugo", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/games"]))
    require(path is not None, "GNU Go")
    assert path is not None
    return [path, "--mode", "gtp", "--chinese-rules", "--level", "1", "--quiet"]

"""Engines to play with."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FAKE_ENGINE = Path(__file__).parent / "fake_engine.py"


@pytest.fixture
def fake(monkeypatch, checkout) -> Callable[..., str]:
    """The command line of a fake engine: `fake("die", 3)`."""
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    return lambda *words: shlex.join([sys.executable, str(FAKE_ENGINE), *map(str, words)])

"""A pytest plugin for runs with NUMBA_DISABLE_JIT=1: they fail if there is a kernel that no test called.

NUMBA_DISABLE_JIT=1 python -m pytest -p tests.kernel_calls -m nojit
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import pytest

from gozero import jit

TOO_SLOW = ("engine._rollout_leaves", "training._rollout_fit")
"""Modules whose tests take a minute or more as plain Python; they run with bounds checks only."""

known: set[str] = set()
called: set[str] = set()


def noted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Stands in for the decorators of `gozero.jit`."""
    name = f"{function.__module__}.{function.__name__}"
    known.add(name)

    @functools.wraps(function)
    def noting(*arguments: Any) -> Any:
        called.add(name)
        return function(*arguments)

    return noting


jit.kernel = jit.lean_kernel = jit.inlined_kernel = jit.pasted_kernel = noted


def pytest_sessionfinish(session: pytest.Session) -> None:
    modules = [f"{path.parent.name}.{path.stem}" for path in jit.kernel_sources()]
    for module in modules:
        importlib.import_module(module)
    checked = set(modules) - set(TOO_SLOW)
    missing = sorted(name for name in known - called if name.rpartition(".")[0] in checked)
    if missing:
        print(f"\nno test that is marked nojit calls: {', '.join(missing)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

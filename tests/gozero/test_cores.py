"""The cores that a process may run on."""

from __future__ import annotations

import os

import pytest

from gozero.cores import usable_cores


def test_a_process_that_is_tied_to_some_cores_uses_those(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 4, 5}, raising=False)
    assert usable_cores() == 3


@pytest.mark.parametrize(("there", "usable"), [(6, 6), (None, 1)])
def test_where_nobody_tells_it_may_use_all(monkeypatch: pytest.MonkeyPatch, there: int | None, usable: int):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: there)
    assert usable_cores() == usable

"""`gozero bench env` plays what it says it plays, and does without libraries that are not there."""

from __future__ import annotations

import json

import pytest

from gozero import bench_env, cli


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_env, "BOARDS", {9: 4})
    monkeypatch.setattr(bench_env, "PLIES", {9: 10})


def test_figures_hang_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "env", "--size", "9", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    rows = figures["9"]
    assert min(rows[f"{name}_steps_per_s"] for name in ("lockstep", "vector_env", "env")) > 0
    for name in ("pettingzoo", "pgx"):
        theirs, multiple = rows[f"{name}_steps_per_s"], rows[f"lockstep_{name}_multiple"]
        assert (theirs is None) == (multiple is None)
        if theirs is not None:
            assert multiple == pytest.approx(rows["lockstep_steps_per_s"] / theirs)


def test_libraries_that_are_not_there_are_not_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_env, "_installed", lambda *modules: False)
    figures = bench_env.measure([9], repeats=1)["9"]
    assert [name for name, steps in figures.items() if steps is not None] == ["lockstep_steps_per_s"]
    assert cli.main(["bench", "env", "--size", "9"]) == 0
    assert "pgx_steps_per_s" in capsys.readouterr().out

"""The doctor finds what it is there to find."""

from __future__ import annotations

import json
import os
import sys

import pytest

from engine import doctor, network_file, warm
from gozero import cli
from gozero.errors import GozeroError
from gozero.jit import cache_directory


@pytest.fixture(autouse=True)
def short_search(monkeypatch):
    monkeypatch.setattr(doctor, "SPEED_VISITS", 4)


def test_json_is_one_object_with_the_facts(capsys):
    status = cli.main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == (1 if found["problems"] else 0)
    assert found["cpu"]["cores"] >= 1
    assert found["libraries"]["numba"]
    assert found["kernels"]["folder"] == str(cache_directory())


def test_people_get_a_line_for_every_fact(capsys):
    cli.main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("gozero ")
    assert {"system", "libraries", "processor", "kernels"} <= {line.split()[0] for line in lines}


def test_people_are_told_what_runs_a_network():
    facts = {"name": "n", "file": "n.onnx", "boards": "any", "parameters": 1000}
    fast = {
        "runtime": "kernels",
        "evaluations_per_s": {"onnxruntime": 900.0, "kernels": 2100.0},
        "reason": "",
        "left_out": {},
    }
    alone = {
        "runtime": "onnxruntime",
        "evaluations_per_s": {},
        "reason": "no weights",
        "left_out": {"cuda": "no driver"},
    }
    found = {**doctor.examine(), "networks": [facts, facts | fast, facts | alone]}
    lines = [line for line in doctor.report(found).splitlines() if line.startswith("network ")]
    assert " on " not in lines[0]
    assert "on own kernels (ONNX Runtime 900/s, own kernels 2,100/s)" in lines[1]
    assert "on ONNX Runtime (no weights; not on CUDA: no driver)" in lines[2]


def test_no_network_is_a_problem(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(network_file, "data_dir", lambda: tmp_path)
    assert cli.main(["doctor"]) == 1
    assert "PROBLEM     no network was found" in capsys.readouterr().out


def test_missing_data_files_are_a_problem(monkeypatch):
    def data_dir():
        raise GozeroError("the data files are missing")

    monkeypatch.setattr(network_file, "data_dir", data_dir)
    assert "the data files are missing" in doctor.examine()["problems"]


def test_a_broken_network_is_named(monkeypatch, tmp_path):
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "broken.onnx").write_bytes(b"not a network")
    monkeypatch.setattr(network_file, "data_dir", lambda: tmp_path)
    problems = doctor.examine()["problems"]
    assert any("broken.onnx" in problem for problem in problems)


def test_an_unwritable_cache_is_a_problem(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    found = doctor.examine(warm=True)
    assert not found["kernels"]["writable"]
    assert any("cannot be kept" in problem for problem in found["problems"])


def test_a_missing_library_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "LIBRARIES", ("numpy", "no-such-library"))
    assert doctor.examine()["problems"] == ["missing: no-such-library; install gozero again in this environment"]


def test_a_kernel_that_does_not_compile_is_a_problem(monkeypatch, capsys):
    def broken():
        raise RuntimeError("no compiler")

    monkeypatch.setitem(warm.STEPS, "board", broken)
    assert any("no compiler" in problem for problem in doctor.examine(warm=True)["problems"])


def test_an_engine_that_starts_is_timed():
    problems = []
    started = doctor._start(problems)
    assert problems == []
    assert 0 < started["first_reply_s"] <= started["first_move_s"]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.exit('no such thing')", "no such thing"),
        ("import sys, time; print('ready', file=sys.stderr, flush=True); time.sleep(60)", "no move within 3 s"),
        ("pass", "it ended at once"),
    ],
)
def test_an_engine_that_does_not_start_is_a_problem(monkeypatch, program, reason):
    monkeypatch.setattr(doctor, "engine_command", lambda: [sys.executable, "-c", program])
    monkeypatch.setattr(doctor, "START_SECONDS", 3.0)
    problems = []
    assert doctor._start(problems) is None
    assert len(problems) == 1
    assert reason in problems[0]


def test_an_installed_program_is_named_by_its_whole_path(monkeypatch, tmp_path):
    program = tmp_path / ("gozero.exe" if os.name == "nt" else "gozero")
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert doctor.engine_command() == [str(program)]
    program.unlink()
    assert doctor.engine_command()[1:] == ["-m", "gozero"]


@pytest.mark.slow
def test_warm_compiles_and_says_so(capsys):
    assert doctor.examine(warm=True)["kernels"]["compiled"]
    assert f"{len(warm.STEPS)}/{len(warm.STEPS)} {warm.LONGEST}" in capsys.readouterr().err

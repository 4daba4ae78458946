"""`gozero bench network` measures every runtime that can play a network."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pytest

from engine import bench_network, network_file
from engine.onnx_evaluator import PROVIDERS, providers_here
from gozero import cli


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_network, "SECONDS", 0.005)
    monkeypatch.setattr(bench_network, "_SGEMM_SIZE", 64)
    monkeypatch.setattr(bench_network, "devices_here", lambda: [])


def test_figures_hang_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "network", "--network", "compact-9", "--size", "9", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["network"], figures["size"], figures["threads"]) == ("compact-9", 9, 1)
    assert [row["runtime"] for row in figures["rows"]] == ["onnxruntime", "kernels"]
    assert figures["sgemm_gflops"] > 0
    (chosen,) = (row for row in figures["rows"] if row["runtime"] == figures["runtime"])
    assert figures["batches"] == chosen["batches"]
    for row in figures["rows"]:
        assert list(row["batches"]) == ["1", "4", "8", "16"]
        # 4 blocks of 32 channels: 8 convolutions of 9 * 32 * 32 weights, and the first layer's 25 * 26 * 32.
        least = 2 * 81 * (8 * 9 * 32 * 32 + 25 * 26 * 32) / 1e9
        assert least < row["gflops"] / row["batches"]["8"] < 1.2 * least
        assert row["apart"]["same_move"] == 1
        assert row["apart"]["policy"] < 1e-4


def test_one_runtime_in_batches_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--network", "compact-9", "--size", "9", "--runtime", "torch-cpu", "--batches", "2", "32", "--json"]
    assert cli.main(["bench", "network", *options]) == 0
    figures = json.loads(capsys.readouterr().out)
    (row,) = figures["rows"]
    assert (figures["runtime"], row["runtime"], row["precision"]) == ("torch-cpu", "torch-cpu", "fp32")
    assert list(row["batches"]) == ["2", "32"]
    assert row["gflops"] / row["batches"]["32"] > 2 * 81 * 8 * 9 * 32 * 32 / 1e9
    assert row["apart"]["policy"] < 1e-4


def test_a_runtime_that_is_not_here_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    missing = next(name for name in PROVIDERS if name not in providers_here())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ONNX Runtime says so too
        assert cli.main(["bench", "network", "--network", "compact-9", "--size", "9", "--runtime", missing]) == 2
    assert PROVIDERS[missing][0] in capsys.readouterr().err
    assert cli.main(["bench", "network", "--batches", "0"]) == 2


def test_a_network_without_weights_runs_on_one_runtime(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lonely.onnx"
    shutil.copy(network_file.find("compact-9"), path)
    assert cli.main(["bench", "network", "--network", str(path), "--size", "9"]) == 0
    shown = capsys.readouterr().out
    assert "onnxruntime" in shown
    assert "kernels" not in shown
    assert "not measured" in shown

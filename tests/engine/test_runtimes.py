"""Which runtime plays a network: the one that is faster here, if both give the same answers."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from engine import network_file, runtimes
from engine.compact_evaluator import CompactEvaluator
from engine.onnx_evaluator import OnnxEvaluator
from gozero import jit


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where outcomes are kept."""
    folder = tmp_path / "kept"
    monkeypatch.setattr(jit, "folder_in_use", lambda: folder)
    monkeypatch.setattr(runtimes, "TRIAL_SECONDS", 0.2)
    return folder


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A shipped network and its weights."""
    return copied("compact-9", "compact-9", tmp_path)


def copied(network: str, weights: str, folder: Path) -> Path:
    shutil.copy(network_file.find(network), folder / "copy.onnx")
    shutil.copy(network_file.find(weights).with_suffix(".safetensors"), folder / "copy.safetensors")
    return folder / "copy.onnx"


def slow_down(monkeypatch: pytest.MonkeyPatch, evaluator: type[OnnxEvaluator] | type[CompactEvaluator]) -> None:
    evaluate = evaluator.evaluate

    def slow(*arguments: Any) -> Any:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass
        return evaluate(*arguments)

    monkeypatch.setattr(evaluator, "evaluate", slow)


def no_trial(path: Path) -> runtimes.Choice:
    raise AssertionError("a second trial")


def test_the_faster_one_plays(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    slow_down(monkeypatch, OnnxEvaluator)
    choice = runtimes.choose(network)
    assert choice.runtime == runtimes.KERNELS
    assert choice.evaluations_per_s[runtimes.KERNELS] > choice.evaluations_per_s[runtimes.ONNX] > 0
    assert choice.reason == ""
    assert isinstance(runtimes.open_network(network), CompactEvaluator)


def test_kernels_that_are_slower_do_not(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    slow_down(monkeypatch, CompactEvaluator)
    assert runtimes.choose(network).runtime == runtimes.ONNX
    assert isinstance(runtimes.open_network(network), OnnxEvaluator)


def test_the_outcome_is_kept(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    first = runtimes.choose(network)
    monkeypatch.setattr(runtimes, "hold_trial", no_trial)
    assert runtimes.choose(network) == first


def test_other_files_are_tried_anew(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    runtimes.choose(network)
    copied("compact-19", "compact-19", network.parent)
    monkeypatch.setattr(runtimes, "hold_trial", no_trial)
    with pytest.raises(AssertionError, match="second trial"):
        runtimes.choose(network)


def test_a_damaged_outcome_is_found_again(network: Path, kept: Path) -> None:
    runtimes.choose(network)
    (file,) = kept.iterdir()
    file.write_bytes(b"garbage")
    assert runtimes.choose(network).evaluations_per_s
    assert file.read_bytes() != b"garbage"


def test_a_folder_that_cannot_be_written_is_no_hindrance(network: Path, kept: Path) -> None:
    kept.touch()  # a file, where a folder should be
    assert runtimes.choose(network).evaluations_per_s


def test_without_weights_there_is_nothing_to_choose(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    network.with_suffix(".safetensors").unlink()
    monkeypatch.setattr(runtimes, "hold_trial", no_trial)
    choice = runtimes.choose(network)
    assert choice.runtime == runtimes.ONNX
    assert "copy.safetensors" in choice.reason
    assert isinstance(runtimes.open_network(network), OnnxEvaluator)


def test_weights_of_another_network_are_not_played(tmp_path: Path) -> None:
    choice = runtimes.choose(copied("compact-19", "compact-9", tmp_path))
    assert choice.runtime == runtimes.ONNX
    assert "not those of the network" in choice.reason


def test_weights_that_cannot_be_read_are_not_played(network: Path) -> None:
    network.with_suffix(".safetensors").write_bytes(b"garbage")
    choice = runtimes.choose(network)
    assert choice.runtime == runtimes.ONNX
    assert "copy.safetensors" in choice.reason


def test_a_missing_network_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(network_file.NetworkFileError, match="nowhere"):
        runtimes.open_network(tmp_path / "nowhere.onnx")

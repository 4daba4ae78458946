"""Which runtime plays a network: the one that is faster here, if both give the same answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import cuda_evaluator, network_file, runtimes
from engine.compact_evaluator import CompactEvaluator
from engine.cuda_evaluator import CudaEvaluator
from engine.evaluator import Evaluation, EvaluatorError
from engine.onnx_evaluator import CPU, PROVIDERS, OnnxEvaluator, providers_here
from engine.spared_evaluator import SparedEvaluator
from gozero import jit


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where outcomes are kept."""
    folder = tmp_path / "kept"
    monkeypatch.setattr(jit, "cache_directory", lambda: folder)
    monkeypatch.setattr(runtimes, "TRIAL_SECONDS", 0.2)
    monkeypatch.setattr(runtimes, "has_torch_cuda", lambda: False)
    return folder


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A shipped network and its weights."""
    return copied("compact-9", "compact-9", tmp_path)


def copied(network: str, weights: str, folder: Path) -> Path:
    shutil.copy(network_file.find(network), folder / "copy.onnx")
    shutil.copy(network_file.find(weights).with_suffix(".safetensors"), folder / "copy.safetensors")
    return folder / "copy.onnx"


SLOW: Final = 0.5
"""Seconds of CPU time. What a device takes is told by the clock, which other work on the machine stretches."""


def spend(seconds: float) -> None:
    """Takes so much CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def slow_down(
    monkeypatch: pytest.MonkeyPatch, evaluator: type[OnnxEvaluator] | type[CompactEvaluator], seconds: float = SLOW
) -> None:
    evaluate = evaluator.evaluate

    def slow(*arguments: Any) -> Any:
        spend(seconds)
        return evaluate(*arguments)

    monkeypatch.setattr(evaluator, "evaluate", slow)


def no_trial(path: Path, batch: int) -> runtimes.Choice:
    raise AssertionError("a second trial")


def test_the_faster_one_plays(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    slow_down(monkeypatch, OnnxEvaluator)
    choice = runtimes.choose(network)
    assert choice.runtime == runtimes.KERNELS
    assert choice.evaluations_per_s[runtimes.KERNELS] > choice.evaluations_per_s[CPU] > 0
    assert choice.reason == ""
    assert isinstance(runtimes.open_network(network), CompactEvaluator)


def test_kernels_that_are_slower_do_not(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    slow_down(monkeypatch, CompactEvaluator)
    assert runtimes.choose(network).runtime == CPU
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


def test_without_weights_there_is_nothing_to_choose(network: Path) -> None:
    network.with_suffix(".safetensors").unlink()
    choice = runtimes.choose(network)
    assert choice.runtime == CPU
    assert "copy.safetensors" in choice.reason
    assert choice.evaluations_per_s == {}
    assert isinstance(runtimes.open_network(network), OnnxEvaluator)


def test_weights_of_another_network_are_not_played(tmp_path: Path) -> None:
    choice = runtimes.choose(copied("compact-19", "compact-9", tmp_path))
    assert choice.runtime == CPU
    assert "not those of the network" in choice.reason


def test_weights_that_cannot_be_read_are_not_played(network: Path) -> None:
    network.with_suffix(".safetensors").write_bytes(b"garbage")
    choice = runtimes.choose(network)
    assert choice.runtime == CPU
    assert "copy.safetensors" in choice.reason


def test_a_missing_network_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(network_file.NetworkFileError, match="nowhere"):
        runtimes.open_network(tmp_path / "nowhere.onnx")


class Device(OnnxEvaluator):
    """ONNX Runtime on a device that this machine need not have: the CPU computes for it."""

    loads = True
    error = 0.0
    opened: ClassVar[list[str]] = []

    def __init__(self, path: Path, threads: int = 1, provider: str = CPU) -> None:
        if provider != CPU and not self.loads:
            raise EvaluatorError("no driver")
        self.provider = provider
        self.opened.append(provider)
        super().__init__(path, threads)

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        found = super().evaluate(planes, global_values)
        return found._replace(value=found.value + self.error) if self.provider != CPU else found


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> type[Device]:
    """A machine with CUDA, in whose trials everything else is slow, and our kernels the slowest."""
    slow_down(monkeypatch, CompactEvaluator, 2 * SLOW)

    class Here(Device):
        opened: ClassVar[list[str]] = []

        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            if self.provider == CPU:
                spend(SLOW)
            return super().evaluate(planes, global_values)

    monkeypatch.setattr(runtimes, "OnnxEvaluator", Here)
    monkeypatch.setattr(runtimes, "providers_here", lambda: [CPU, "cuda"])
    return Here


@pytest.mark.parametrize("has_weights", [True, False])
def test_a_device_that_is_faster_plays(device: type[Device], network: Path, has_weights: bool) -> None:
    if not has_weights:
        network.with_suffix(".safetensors").unlink()
    choice = runtimes.choose(network)
    assert choice.runtime == "cuda"
    assert set(choice.evaluations_per_s) == {CPU, "cuda"} | ({runtimes.KERNELS} if has_weights else set())
    opened = runtimes.open_network(network)
    assert isinstance(opened, SparedEvaluator)
    assert isinstance(opened.playing, Device)
    assert opened.playing.provider == "cuda"


def test_a_device_that_does_not_load_is_left_out(device: type[Device], network: Path) -> None:
    device.loads = False
    choice = runtimes.choose(network)
    assert choice.runtime != "cuda"
    assert choice.left_out == {"cuda": "no driver"}


def test_a_device_that_computes_something_else_is_left_out(device: type[Device], network: Path) -> None:
    device.error = 0.01
    choice = runtimes.choose(network)
    assert choice.runtime != "cuda"
    assert "value is not what the CPU computes" in choice.left_out["cuda"]


def test_a_device_that_has_gone_is_no_trouble(device: type[Device], network: Path) -> None:
    assert runtimes.choose(network).runtime == "cuda"
    device.loads = False
    opened = runtimes.open_network(network)
    assert isinstance(opened, Device)
    assert opened.provider == CPU


def test_a_provider_that_quietly_becomes_the_cpu_is_refused(network: Path) -> None:
    """ONNX Runtime takes the CPU where what it was asked for is not there."""
    missing = next(name for name in PROVIDERS if name not in providers_here())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ONNX Runtime says so too
        with pytest.raises(EvaluatorError, match=PROVIDERS[missing][0]):
            OnnxEvaluator(network, provider=missing)


class OnGpu(CudaEvaluator):
    """torch on a GPU that this machine need not have: the CPU computes for it, in bfloat16."""

    memory = True

    def __init__(self, path: Path) -> None:
        super().__init__(path, "cpu", "bf16")

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        if not self.memory:
            raise EvaluatorError("out of memory")
        return super().evaluate(planes, global_values)


@pytest.fixture
def gpu(device: type[Device], monkeypatch: pytest.MonkeyPatch) -> type[OnGpu]:
    """A machine with torch and a GPU, in whose trials everything else is slow, and our kernels the slowest."""

    class Here(OnGpu):
        pass

    monkeypatch.setattr(cuda_evaluator, "CudaEvaluator", Here)
    monkeypatch.setattr(runtimes, "has_torch_cuda", lambda: True)
    monkeypatch.setattr(runtimes, "providers_here", lambda: [CPU])
    return Here


def test_torch_on_a_gpu_plays_and_the_cpu_when_it_fails(
    gpu: type[OnGpu], network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choice = runtimes.choose(network)
    assert choice.runtime == runtimes.TORCH_CUDA, choice  # though its answers are not ONNX Runtime's to 0.001
    opened = runtimes.open_network(network)
    assert isinstance(opened, SparedEvaluator)
    players: list[object] = [opened.playing]
    inputs = runtimes.middle_positions("compact", 9, 2)
    before = opened.evaluate(*inputs)
    gpu.memory = False  # in mid-game
    after = opened.evaluate(*inputs)
    assert np.allclose(before.value, after.value, atol=runtimes.BFLOAT16_TOLERANCE)
    players.append(opened.playing)
    assert isinstance(players[0], OnGpu)
    assert isinstance(players[1], OnnxEvaluator)  # the faster one of the CPU's
    assert "out of memory" in capsys.readouterr().err


def test_torch_on_a_gpu_that_cannot_play_is_left_out(gpu: type[OnGpu], network: Path) -> None:
    gpu.memory = False
    choice = runtimes.choose(network)
    assert choice.runtime == CPU
    assert choice.left_out == {runtimes.TORCH_CUDA: "out of memory"}


def test_torch_with_other_weights_is_left_out(gpu: type[OnGpu], tmp_path: Path) -> None:
    choice = runtimes.choose(copied("compact-9", "zero-9", tmp_path))
    assert choice.runtime == CPU
    assert "is not what the CPU computes" in choice.left_out[runtimes.TORCH_CUDA]


def test_games_in_lock_step_have_a_trial_of_their_own(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    held: list[int] = []

    def trial(path: Path, batch: int) -> runtimes.Choice:
        held.append(batch)
        return runtimes.Choice(runtime=CPU)

    monkeypatch.setattr(runtimes, "hold_trial", trial)
    for boards in (1, 8, 63, 64, 512):
        runtimes.choose(network, boards)
    assert held == [runtimes.FEW, runtimes.MANY]


@pytest.mark.skipif(runtimes.has_torch_cuda(), reason="where there is a GPU torch is asked")
def test_without_a_gpu_torch_is_not_imported(network: Path) -> None:
    program = f"""
import sys
from engine import runtimes
runtimes.hold_trial({str(network)!r})
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")

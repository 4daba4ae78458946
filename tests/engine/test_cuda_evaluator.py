"""A network file on torch: ONNX Runtime's answers, whatever the batch was filled up to. With a GPU there, on it too."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from engine import cuda_evaluator, network_file
from engine.agreement import agreement
from engine.alphago_networks import PASS_LOGIT, PolicyArchitecture, ValueArchitecture
from engine.cuda_evaluator import CudaEvaluator, Precision, padded
from engine.evaluator import EvaluatorError
from engine.network_file import NetworkFileError, NetworkInfo
from engine.network_kinds import AnyArchitecture, build, kind_of
from engine.networks import parameter_count
from engine.onnx_evaluator import OnnxEvaluator
from engine.runtimes import BFLOAT16_TOLERANCE, middle_positions
from gozero import features
from training.export import write_onnx, write_weights

ALPHAGO: dict[str, tuple[AnyArchitecture, str]] = {
    "policy": (PolicyArchitecture(filters=8, layers=3, board=5), "alphago48"),
    "value": (ValueArchitecture(filters=8, layers=4, hidden=8, board=5), "alphago49"),
}
TOLERANCES: dict[Precision, float] = {"fp32": 1e-4, "bf16": BFLOAT16_TOLERANCE}
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A network file of each kind, with its weights beside it; AlphaGo's with random ones."""
    folder = tmp_path_factory.mktemp("networks")
    return {"compact": network_file.find("compact-9")} | {kind: exported(kind, folder) for kind in ALPHAGO}


def exported(kind: str, folder: Path) -> Path:
    architecture, feature_set = ALPHAGO[kind]
    torch.manual_seed(0)
    network = build(architecture, features.plane_count(feature_set)).eval()
    info = NetworkInfo(
        format=1,
        name=kind,
        kind=kind_of(architecture),
        feature_set=feature_set,
        feature_version=features.feature_set(feature_set).version,
        globals=len(features.GLOBALS),
        boards=[5],
        architecture=msgspec.to_builtins(architecture),
        parameters=parameter_count(network),
        trained_on={},
        results={},
    )
    write_onnx(network, info, folder / f"{kind}.onnx")
    write_weights(network, info, folder / f"{kind}.safetensors")
    return folder / f"{kind}.onnx"


def positions(evaluator: CudaEvaluator | OnnxEvaluator, count: int) -> Any:
    return middle_positions(evaluator.feature_set, 9 if evaluator.supports(9) else 5, count)


@pytest.mark.parametrize("kind", ["compact", "policy", "value"])
@pytest.mark.parametrize(
    ("device", "precision"),
    [
        ("cpu", "fp32"),
        ("cpu", "bf16"),
        pytest.param("cuda", "fp32", marks=on_gpu),
        pytest.param("cuda", None, marks=on_gpu),
    ],
)
def test_the_answers_are_onnx_runtimes(
    files: dict[str, Path], kind: str, device: str, precision: Precision | None
) -> None:
    truth, evaluator = OnnxEvaluator(files[kind]), CudaEvaluator(files[kind], device, precision)
    inputs = positions(truth, 11)
    expected, found = truth.evaluate(*inputs), evaluator.evaluate(*inputs)
    apart = agreement(expected, found)
    assert max(apart.differences.values()) <= TOLERANCES[evaluator.precision], apart
    assert apart.same_move >= 0.9
    assert [part is None for part in expected] == [part is None for part in found]
    for part in (part for part in found if part is not None):
        assert part.dtype == np.float32
        assert part.flags.c_contiguous
    if kind == "policy":
        assert set(found.policy_logits[:, -1]) == {PASS_LOGIT}
    assert (evaluator.has_value, evaluator.info.name) == (truth.has_value, truth.info.name)
    assert [evaluator.supports(size) for size in (5, 9)] == [kind != "compact", kind == "compact"]


def test_logits_in_bfloat16_do_not_tie(files: dict[str, Path]) -> None:
    """The heads compute in float32: there are few numbers of bfloat16, and moves would share some."""
    evaluator = CudaEvaluator(files["compact"], "cpu", "bf16")
    logits = evaluator.evaluate(*positions(evaluator, 4)).policy_logits
    rounded = torch.from_numpy(logits).bfloat16().float().numpy()
    assert np.unique(logits).size > 0.9 * logits.size > np.unique(rounded).size


@pytest.mark.parametrize(("boards", "batch"), [(1, 8), (8, 8), (9, 16), (64, 64), (65, 128), (1024, 1024)])
def test_batches_are_filled_up_to_powers_of_two(boards: int, batch: int) -> None:
    assert padded(boards) == batch


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=on_gpu)])
def test_what_fills_a_batch_changes_nothing(
    files: dict[str, Path], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_evaluator, "MOST", 8)  # more boards are evaluated in parts
    evaluator = CudaEvaluator(files["compact"], device, "fp32")
    planes, facts = positions(evaluator, 13)
    whole = evaluator.evaluate(planes, facts)
    for rows in (slice(0, 1), slice(5, 12), slice(3, 13)):  # each leaves its boards behind in the memory of the next
        part = evaluator.evaluate(planes[rows], facts[rows])
        for mine, its in zip(part, whole, strict=True):
            if its is not None and mine is not None:
                np.testing.assert_allclose(mine, its[rows], atol=1e-5)
    assert whole.policy_logits.shape == (13, 82)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=on_gpu)])
def test_threads_get_their_own_answers(files: dict[str, Path], device: str) -> None:
    evaluator = CudaEvaluator(files["compact"], device)
    planes, facts = positions(evaluator, 12)
    whole = evaluator.evaluate(planes, facts)
    wrong: list[int] = []

    def ask(first: int) -> None:
        for _ in range(5):
            part = evaluator.evaluate(planes[first : first + 4], facts[first : first + 4])
            if not np.allclose(part.policy_logits, whole.policy_logits[first : first + 4], atol=0.5):
                wrong.append(first)

    threads = [threading.Thread(target=ask, args=(first,)) for first in (0, 4, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_it_cannot_do_is_told(files: dict[str, Path], tmp_path: Path) -> None:
    evaluator = CudaEvaluator(files["policy"], "cpu")
    planes, facts = positions(evaluator, 2)
    with pytest.raises(EvaluatorError, match=r"policy\.safetensors reads 48 planes, not 47"):
        evaluator.evaluate(planes[:, :47], facts)
    with pytest.raises(EvaluatorError, match="cannot run the network"):  # its bias of each point is for 5x5
        evaluator.evaluate(np.zeros((1, 48, 9, 9), np.uint8), facts[:1])
    shutil.copy(files["policy"], tmp_path / "lonely.onnx")
    with pytest.raises(NetworkFileError, match=r"lonely\.safetensors"):
        CudaEvaluator(tmp_path / "lonely.onnx", "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_there_is_no_cuda(files: dict[str, Path]) -> None:
    with pytest.raises(EvaluatorError, match="finds no CUDA device"):
        CudaEvaluator(files["compact"])

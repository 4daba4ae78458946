"""The ONNX file against torch, and damaged files."""

from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from engine import network_file
from engine.alphago_networks import PASS_LOGIT, PolicyArchitecture
from engine.network_file import NetworkFileError, NetworkInfo
from engine.network_kinds import AnyArchitecture, Network, build, kind_of
from engine.networks import Architecture, Compact, parameter_count
from engine.onnx_evaluator import OnnxEvaluator
from gozero import features
from training import export
from training.grow import GrowError
from training.weights import read_weights, start_from

PLANES = features.plane_count("compact")


def made(batch_norm: bool) -> tuple[Compact, NetworkInfo]:
    """A network with nothing at its initial value, norms included."""
    torch.manual_seed(1)
    architecture = Architecture(
        blocks=2, channels=8, policy_channels=8, value_channels=4, value_hidden=8, batch_norm=batch_norm
    )
    network = Compact(architecture, PLANES)
    shake(network)
    with torch.no_grad():
        for name, buffer in network.named_buffers():
            if "running_var" in name:
                buffer.uniform_(0.5, 2.0)
            elif "running_mean" in name:
                buffer.normal_()
    return network.eval(), described(network, "compact", [9, 13])


def made_policy() -> tuple[Network, NetworkInfo]:
    """AlphaGo's network, small."""
    torch.manual_seed(1)
    network = build(PolicyArchitecture(filters=16, layers=4, board=9), features.plane_count("alphago48"))
    shake(network)
    return network.eval(), described(network, "alphago48", [9])


def shake(network: nn.Module) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)


def described(network: Network, feature_set: str, boards: list[int]) -> NetworkInfo:
    architecture: AnyArchitecture = network.architecture
    return NetworkInfo(
        format=1,
        name="made",
        kind=kind_of(architecture),
        feature_set=feature_set,
        feature_version=features.feature_set(feature_set).version,
        globals=len(features.GLOBALS),
        boards=boards,
        architecture=msgspec.to_builtins(architecture),
        parameters=parameter_count(network),
        trained_on={"positions_seen": 0},
        results={},
    )


@pytest.mark.parametrize("batch_norm", [False, True])
def test_onnx_answers_as_torch_does(tmp_path: Path, batch_norm: bool):
    network, info = made(batch_norm)
    path = tmp_path / "made.onnx"
    export.write_onnx(network, info, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert {entry.name: entry.type for entry in session.get_inputs()} == {
        "planes": "tensor(uint8)",
        "globals": "tensor(float)",
    }
    rng = np.random.default_rng(0)
    for batch, size in ((1, 9), (5, 13), (2, 19), (1, 1)):
        planes = rng.integers(0, 2, (batch, PLANES, size, size), np.uint8)
        globals_ = rng.normal(size=(batch, info.globals)).astype(np.float32)
        answers = session.run(["policy", "value", "ownership"], {"planes": planes, "globals": globals_})
        with torch.inference_mode():
            truth = network(torch.from_numpy(planes), torch.from_numpy(globals_))[:3]
        for answer, expected in zip(answers, truth, strict=True):
            assert answer.dtype == np.float32
            assert answer.shape == tuple(expected.shape)
            np.testing.assert_allclose(answer, expected.numpy(), atol=1e-4)
    kinds = {node.op_type for node in onnx.load(str(path)).graph.node}
    assert "BatchNormalization" not in kinds
    assert network_file.load_metadata(path) == info


def test_alphagos_network_is_exported_without_a_value(tmp_path: Path):
    network, info = made_policy()
    path = tmp_path / "made.onnx"
    export.write_onnx(network, info, path)
    evaluator = OnnxEvaluator(path)
    assert not evaluator.has_value
    assert [size for size in range(1, 26) if evaluator.supports(size)] == [9]
    rng = np.random.default_rng(0)
    for batch in (1, 3):
        planes = rng.integers(0, 2, (batch, 48, 9, 9), np.uint8)
        globals_ = rng.normal(size=(batch, info.globals)).astype(np.float32)
        answer = evaluator.evaluate(planes, globals_)
        with torch.inference_mode():
            truth = network(torch.from_numpy(planes), torch.from_numpy(globals_)).policy
        np.testing.assert_allclose(answer.policy_logits, truth.numpy(), atol=1e-4)
        assert answer.policy_logits[:, 81].tolist() == [PASS_LOGIT] * batch
        assert answer.value.tolist() == [0.0] * batch


@pytest.mark.parametrize("kind", ["compact", "policy"])
def test_float16_weights_are_half_as_large_and_nearly_the_same(tmp_path: Path, kind: str):
    network, info = made(True) if kind == "compact" else made_policy()
    full, half = tmp_path / "full.onnx", tmp_path / "half.onnx"
    for path, is_half in ((full, False), (half, True)):
        export.write_onnx(network, info, path, half=is_half)
        export.write_weights(network, info, path.with_suffix(".safetensors"), half=is_half)
    saved = 2 * sum(weight.numel() for weight in network.state_dict().values() if weight.numel() >= export.HALF_FROM)
    for suffix in (".onnx", ".safetensors"):
        sizes = [path.with_suffix(suffix).stat().st_size for path in (full, half)]
        assert sizes[0] - sizes[1] > 0.8 * saved
    planes = np.random.default_rng(0).integers(0, 2, (4, features.plane_count(info.feature_set), 9, 9), np.uint8)
    globals_ = np.zeros((4, info.globals), np.float32)
    exact, rounded = (OnnxEvaluator(path).evaluate(planes, globals_) for path in (full, half))
    assert np.abs(exact.policy_logits - rounded.policy_logits).max() > 0
    np.testing.assert_allclose(exact.policy_logits, rounded.policy_logits, atol=0.02)
    np.testing.assert_allclose(exact.value, rounded.value, atol=0.01)
    again, _ = read_weights(str(half))
    for name, weight in network.state_dict().items():
        assert again.state_dict()[name].dtype == weight.dtype
        torch.testing.assert_close(again.state_dict()[name], weight, rtol=1e-3, atol=1e-6)


def test_networks_start_from_their_like(tmp_path: Path):
    network, info = made_policy()
    export.write_weights(network, info, tmp_path / "made.safetensors")
    like = build(network.architecture, 48)
    assert start_from(like, str(tmp_path / "made.safetensors")) == "made"
    assert torch.equal(like.first.weight, network.first.weight)
    with pytest.raises(NetworkFileError, match="kind policy, the configuration's is compact"):
        start_from(Compact(Architecture(blocks=1, channels=8), 48), str(tmp_path / "made.safetensors"))
    with pytest.raises(NetworkFileError, match="filters=16"):
        start_from(build(PolicyArchitecture(filters=8, layers=4, board=9), 48), str(tmp_path / "made.safetensors"))


def test_weights_come_back(tmp_path: Path):
    network, info = made(True)
    export.write_weights(network, info, tmp_path / "made.safetensors")
    (tmp_path / "made.onnx").touch()
    for name in ("made.safetensors", "made.onnx"):
        again, its_info = read_weights(str(tmp_path / name))
        assert its_info == info
        assert all(
            torch.equal(a, b) for a, b in zip(network.state_dict().values(), again.state_dict().values(), strict=True)
        )


def test_wrong_answers_are_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    network, info = made(False)
    monkeypatch.setattr(export, "TOLERANCE", 0.0)
    with pytest.raises(export.ExportError, match="differs from torch"):
        export.write_onnx(network, info, tmp_path / "made.onnx")
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_network_are_refused(tmp_path: Path):
    network, info = made(False)
    export.write_weights(network, info, tmp_path / "made.safetensors")
    other = Compact(Architecture(blocks=1, channels=8), PLANES)
    with pytest.raises(GrowError, match=r"network\.blocks = 1 is below the 2"):
        start_from(other, str(tmp_path / "made.safetensors"))
    twisted = msgspec.structs.replace(info, architecture={**info.architecture, "channels": 16})
    export.write_weights(network, twisted, tmp_path / "twisted.safetensors")
    with pytest.raises(NetworkFileError, match="do not fit"):
        read_weights(str(tmp_path / "twisted.safetensors"))
    (tmp_path / "noise.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(NetworkFileError, match="not a readable weights file"):
        read_weights(str(tmp_path / "noise.safetensors"))
    (tmp_path / "made2.onnx").touch()
    with pytest.raises(NetworkFileError, match=r"made2\.safetensors is missing"):
        read_weights(str(tmp_path / "made2.onnx"))

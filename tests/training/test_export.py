"""The ONNX file against torch, and damaged files."""

from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from engine import network_file
from engine.network_file import NetworkFileError, NetworkInfo
from engine.networks import Architecture, Compact, parameter_count
from gozero import features
from training import export
from training.grow import GrowError

PLANES = features.plane_count("compact")


def made(batch_norm: bool) -> tuple[Compact, NetworkInfo]:
    """A network with nothing at its initial value, norms included."""
    torch.manual_seed(1)
    architecture = Architecture(
        blocks=2, channels=8, policy_channels=8, value_channels=4, value_hidden=8, batch_norm=batch_norm
    )
    network = Compact(architecture, PLANES)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
        for name, buffer in network.named_buffers():
            if "running_var" in name:
                buffer.uniform_(0.5, 2.0)
            elif "running_mean" in name:
                buffer.normal_()
    info = NetworkInfo(
        format=1,
        name="made",
        kind="compact",
        feature_set="compact",
        feature_version=features.feature_set("compact").version,
        globals=len(features.GLOBALS),
        boards=[9, 13],
        architecture=msgspec.to_builtins(architecture),
        parameters=parameter_count(network),
        trained_on={"positions_seen": 0},
        results={},
    )
    return network.eval(), info


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
            truth = network(torch.from_numpy(planes), torch.from_numpy(globals_))
        for answer, expected in zip(answers, truth, strict=True):
            assert answer.dtype == np.float32
            assert answer.shape == tuple(expected.shape)
            np.testing.assert_allclose(answer, expected.numpy(), atol=1e-4)
    kinds = {node.op_type for node in onnx.load(str(path)).graph.node}
    assert "BatchNormalization" not in kinds
    assert network_file.load_metadata(path) == info


def test_weights_come_back(tmp_path: Path):
    network, info = made(True)
    export.write_weights(network, info, tmp_path / "made.safetensors")
    (tmp_path / "made.onnx").touch()
    for name in ("made.safetensors", "made.onnx"):
        again, its_info = export.read_weights(str(tmp_path / name))
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
        export.start_from(other, str(tmp_path / "made.safetensors"))
    twisted = msgspec.structs.replace(info, architecture={**info.architecture, "channels": 16})
    export.write_weights(network, twisted, tmp_path / "twisted.safetensors")
    with pytest.raises(NetworkFileError, match="do not fit"):
        export.read_weights(str(tmp_path / "twisted.safetensors"))
    (tmp_path / "noise.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(NetworkFileError, match="not a readable weights file"):
        export.read_weights(str(tmp_path / "noise.safetensors"))
    (tmp_path / "made2.onnx").touch()
    with pytest.raises(NetworkFileError, match=r"made2\.safetensors is missing"):
        export.read_weights(str(tmp_path / "made2.onnx"))

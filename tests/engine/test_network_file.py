"""Finding shipped networks, and refusing files that are none, or not for this board or program."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import network_file, networks_command
from engine.network_file import NetworkFileError, NetworkInfo
from gozero import features

onnx = pytest.importorskip("onnx")


def info(name: str, boards: list[int] | str, **changes: Any) -> NetworkInfo:
    facts = {
        "format": 1,
        "name": name,
        "kind": "compact",
        "feature_set": "compact",
        "feature_version": features.feature_set("compact").version,
        "globals": len(features.GLOBALS),
        "boards": boards,
        "architecture": {},
        "parameters": 1234,
        "trained_on": {"positions_seen": 5678},
        "results": {"policy": {"top1": 0.4321}},
    }
    return msgspec.convert({**facts, **changes}, NetworkInfo)


def write(path: Path, metadata: str | None) -> Path:
    """A network file whose graph hands its input on."""
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [tensor("x", onnx.TensorProto.FLOAT, [1])],
        [tensor("y", onnx.TensorProto.FLOAT, [1])],
    )
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    if metadata is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = network_file.KEY, metadata
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


@pytest.fixture
def ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with three shipped networks."""
    monkeypatch.setattr(network_file, "data_dir", lambda: tmp_path)
    folder = tmp_path / "networks"
    for name, boards in (("all-any", "any"), ("compact-9", [9]), ("mid", [9, 13])):
        write(folder / f"{name}.onnx", msgspec.json.encode(info(name, boards)).decode())
    return folder


def test_names_paths_and_auto(ships: Path):
    assert network_file.find("mid") == ships / "mid.onnx"
    assert network_file.find("mid", 13) == ships / "mid.onnx"
    assert network_file.find(ships / "mid.onnx", 9) == ships / "mid.onnx"
    assert network_file.find("auto", 9) == ships / "compact-9.onnx"
    assert network_file.find("auto", 13) == ships / "mid.onnx"
    assert network_file.find("auto", 19) == ships / "all-any.onnx"
    assert network_file.find("auto") == ships / "all-any.onnx"


def test_of_networks_for_the_same_boards_the_smallest_is_automatic(ships: Path):
    for name, parameters in (("a-larger", 2_000_000), ("smaller", 10), ("smaller-too", 10)):
        write(ships / f"{name}.onnx", msgspec.json.encode(info(name, "any", parameters=parameters)).decode())
    assert network_file.find("auto", 19) == ships / "smaller.onnx"
    assert network_file.find("auto", 9) == ships / "compact-9.onnx"


def test_a_network_without_a_value_is_no_ones_automatic_choice(ships: Path):
    policy = msgspec.json.encode(info("policy-19", [19], kind="policy")).decode()
    write(ships / "policy-19.onnx", policy)
    assert network_file.find("auto", 19) == ships / "all-any.onnx"
    assert network_file.find("policy-19", 19) == ships / "policy-19.onnx"


def test_what_cannot_be_found_is_named(ships: Path, tmp_path: Path):
    with pytest.raises(NetworkFileError, match=r"there is no network compact-8; did you mean compact-9"):
        network_file.find("compact-8")
    with pytest.raises(NetworkFileError, match=r"there is no network zzz; shipped: all-any, compact-9, mid"):
        network_file.find("zzz")
    with pytest.raises(NetworkFileError, match=r"absent\.onnx; shipped: all-any, compact-9, mid"):
        network_file.find(tmp_path / "absent.onnx")
    with pytest.raises(NetworkFileError, match=r"mid plays on 9x9 and 13x13, not on 19x19"):
        network_file.find("mid", 19)
    (ships / "all-any.onnx").unlink()
    with pytest.raises(NetworkFileError, match=r"no network for 19x19 is shipped \(there is compact-9, mid\)"):
        network_file.find("auto", 19)


def test_files_that_are_no_networks(tmp_path: Path):
    (tmp_path / "noise.onnx").write_bytes(b"\x00\x01garbage")
    with pytest.raises(NetworkFileError, match="not a readable ONNX file"):
        network_file.load_metadata(tmp_path / "noise.onnx")
    with pytest.raises(NetworkFileError, match="says nothing about its inputs"):
        network_file.load_metadata(write(tmp_path / "bare.onnx", None))
    with pytest.raises(NetworkFileError, match="no network of this program"):
        network_file.load_metadata(write(tmp_path / "odd.onnx", '{"format": 1}'))
    newer = msgspec.json.encode(info("newer", [9], format=99)).decode()
    with pytest.raises(NetworkFileError, match="format 99, this version reads 1"):
        network_file.load_metadata(write(tmp_path / "newer.onnx", newer))


@given(st.binary(max_size=60))
def test_noise_is_never_more_than_an_error_that_names_the_file(tmp_path_factory: pytest.TempPathFactory, noise: bytes):
    path = tmp_path_factory.mktemp("noise") / "noise.onnx"
    path.write_bytes(noise)
    with pytest.raises(NetworkFileError, match=r"noise\.onnx"):
        network_file.load_metadata(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99, 0.9999])
def test_a_network_that_was_cut_short_is_an_error(tmp_path: Path, share: float):
    whole = network_file.shipped()[0].read_bytes()
    (tmp_path / "short.onnx").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(NetworkFileError, match=r"short\.onnx"):
        network_file.load_metadata(tmp_path / "short.onnx")


def test_the_runtime_reads_the_same_metadata():
    onnxruntime = pytest.importorskip("onnxruntime")
    for path in network_file.shipped():
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        text = session.get_modelmeta().custom_metadata_map[network_file.KEY]
        assert network_file.load_metadata(path) == network_file.parse_info(text, path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"feature_set": "planes99"}, ["planes99", "compact"]),
        ({"feature_version": 77}, ["version 77", "compact"]),
        ({"globals": 99}, ["99 globals"]),
    ],
)
def test_other_inputs_are_refused_with_both_names(changes: dict[str, Any], words: list[str]):
    with pytest.raises(NetworkFileError) as caught:
        network_file.require_features(info("x", [9], **changes), "x.onnx")
    for word in ["x.onnx", *words]:
        assert word in str(caught.value)
    network_file.require_features(info("x", [9]), "x.onnx")


def test_the_list_of_networks(ships: Path, capsys: pytest.CaptureFixture[str]):
    assert networks_command.main(["--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [network["name"] for network in listed] == ["all-any", "compact-9", "mid"]
    keys = {"name", "file", "kind", "boards", "features", "architecture", "parameters", "trained_on", "results"}
    assert keys <= listed[0].keys()
    assert networks_command.main([]) == 0
    shown = capsys.readouterr().out
    assert "43.2%" in shown
    assert "any size" in shown


def test_no_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(network_file, "data_dir", lambda: tmp_path)
    assert networks_command.main([]) == 0
    assert "no networks are shipped" in capsys.readouterr().out

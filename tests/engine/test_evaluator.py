"""Evaluators: the uniform one, and networks on ONNX Runtime, with small graphs made here."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.evaluator import EvaluatorError, UniformEvaluator
from engine.network_file import NetworkFileError
from engine.onnx_evaluator import OnnxEvaluator
from engine.search import Limits, Search, SearchConfig
from gozero import features
from gozero.position import Position

onnx = pytest.importorskip("onnx", reason="making network files needs the train extra")


def write_network(path: Path, **changes: Any) -> Path:
    """A network file whose logits are the opponent's stones, pass first global; its value is tanh of that global."""
    from onnx import TensorProto, helper

    planes = features.plane_count("compact")
    nodes = [
        helper.make_node("Cast", ["planes"], ["stones"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["stones", "one", "two", "axis"], ["opponent"]),
        helper.make_node("Flatten", ["opponent"], ["points"]),
        helper.make_node("Slice", ["globals", "zero", "one", "axis"], ["komi"]),
        helper.make_node("Concat", ["points", "komi"], ["policy"], axis=1),
        helper.make_node("Squeeze", ["komi", "axis"], ["flat"]),
        helper.make_node("Tanh", ["flat"], ["value"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [
            helper.make_tensor_value_info("planes", TensorProto.UINT8, ["B", planes, "S", "S"]),
            helper.make_tensor_value_info("globals", TensorProto.FLOAT, ["B", len(features.GLOBALS)]),
        ],
        [
            helper.make_tensor_value_info("policy", TensorProto.FLOAT, ["B", "M"]),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, ["B"]),
        ],
        [
            helper.make_tensor(name, TensorProto.INT64, [1], [value])
            for name, value in (("zero", 0), ("one", 1), ("two", 2), ("axis", 1))
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    info: dict[str, Any] = {
        "format": 1,
        "name": "toy",
        "kind": "compact",
        "feature_set": "compact",
        "feature_version": features.FEATURE_SETS["compact"].version,
        "globals": len(features.GLOBALS),
        "boards": [5, 9],
        "architecture": {},
        "parameters": 0,
        "trained_on": {},
        "results": {},
    }
    helper.set_model_props(model, {"gozero": json.dumps(info | changes)})
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write_network(tmp_path / "toy.onnx")


def test_uniform_knows_nothing() -> None:
    answer = UniformEvaluator().evaluate(np.zeros((3, 0, 5, 5), np.uint8), np.zeros((3, 5), np.float32))
    assert answer.policy_logits.shape == (3, 26)
    assert not answer.policy_logits.any()
    assert answer.value.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("size", [5, 9])
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_a_network_file_is_evaluated(network: Path, size: int, batch: int) -> None:
    evaluator = OnnxEvaluator(network)
    random = np.random.default_rng(0)
    planes = random.integers(0, 2, (batch, features.plane_count("compact"), size, size)).astype(np.uint8)
    global_values = random.standard_normal((batch, len(features.GLOBALS))).astype(np.float32)
    answer = evaluator.evaluate(planes, global_values)
    np.testing.assert_array_equal(answer.policy_logits[:, :-1], planes[:, 1].reshape(batch, -1))
    np.testing.assert_allclose(answer.policy_logits[:, -1], global_values[:, 0])
    np.testing.assert_allclose(answer.value, np.tanh(global_values[:, 0]), rtol=1e-5)


def test_it_names_its_features_and_boards(network: Path) -> None:
    evaluator = OnnxEvaluator(network)
    assert evaluator.feature_set == "compact"
    assert [size for size in range(1, 26) if evaluator.supports(size)] == [5, 9]
    assert OnnxEvaluator(write_network(network, boards="any")).supports(19)


def test_many_threads_may_evaluate_at_once(network: Path) -> None:
    evaluator = OnnxEvaluator(network)

    def value(komi: float) -> float:
        planes = np.zeros((1, features.plane_count("compact"), 9, 9), np.uint8)
        return float(evaluator.evaluate(planes, np.full((1, len(features.GLOBALS)), komi, np.float32)).value[0])

    komis = np.linspace(-1, 1, 200).tolist()
    with ThreadPoolExecutor(4) as threads:
        np.testing.assert_allclose(list(threads.map(value, komis)), np.tanh(komis), rtol=1e-5)


def test_the_search_plays_with_it(network: Path) -> None:
    position = Position(9, komi=15.0)
    search = Search(OnnxEvaluator(network), SearchConfig(memory_mib=32))
    result = search.run(position, Limits(visits=50))
    assert result.root_value == pytest.approx(-np.tanh(1.0), abs=1e-4)
    with pytest.raises(EvaluatorError, match="13x13"):
        search.run(Position(13), Limits(visits=1))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"feature_set": "alphago99"}, ["alphago99", "compact", "alphago48"]),
        ({"feature_version": 99}, ["compact", "99", str(features.FEATURE_SETS["compact"].version)]),
        ({"format": 99}, ["99"]),
    ],
)
def test_networks_of_other_inputs_are_refused(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    path = write_network(tmp_path / "toy.onnx", **changes)
    with pytest.raises(NetworkFileError) as caught:
        OnnxEvaluator(path)
    assert all(word in str(caught.value) for word in words)


def test_wrong_planes_are_an_error_that_names_the_network(network: Path) -> None:
    with pytest.raises(EvaluatorError, match=r"toy\.onnx"):
        OnnxEvaluator(network).evaluate(np.zeros((1, 3, 9, 9), np.uint8), np.zeros((1, 5), np.float32))


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 100])
def test_missing_and_broken_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NetworkFileError, match=r"broken\.onnx"):
        OnnxEvaluator(path)


def test_the_runtime_is_imported_only_when_a_network_is_loaded_and_stays_silent(network: Path) -> None:
    program = f"""
import sys
import engine.player
assert "onnxruntime" not in sys.modules and "torch" not in sys.modules
from engine.onnx_evaluator import OnnxEvaluator
from engine.network_file import NetworkFileError
import numpy as np
evaluator = OnnxEvaluator({str(network)!r})
try:
    evaluator.evaluate(np.zeros((1, 3, 9, 9), np.uint8), np.zeros((1, 5), np.float32))
except Exception:
    pass
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

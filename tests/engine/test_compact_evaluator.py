"""Networks on kernels of our own, against the same networks in torch in float64."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from engine import _compact, _expand, network_file
from engine._expand import LeafBatch
from engine.compact_evaluator import CompactEvaluator, cut_of
from engine.evaluator import Evaluation, EvaluatorError
from engine.flight import evaluate, new_batch
from engine.network_file import COMPACT, NetworkFileError, NetworkInfo
from engine.onnx_evaluator import OnnxEvaluator
from engine.root import root_of
from engine.search_config import SearchConfig
from engine.tensors import read_tensors
from gozero import features
from gozero.position import Position
from gozero.symmetry import transform_planes

torch = pytest.importorskip("torch", reason="making networks needs the train extra")
from safetensors.torch import save_file  # noqa: E402

from engine.networks import Architecture, Compact  # noqa: E402

PLANES = features.plane_count("compact")
SMALL = Architecture(blocks=2, channels=16, policy_channels=16, value_channels=16, value_hidden=8)


@dataclass
class Made:
    """A network of random weights in torch and as a file."""

    network: Compact
    path: Path

    def truth(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        with torch.inference_mode():
            found = self.network(torch.from_numpy(planes), torch.from_numpy(global_values).double())
        return [answer.numpy() for answer in (found.policy, found.value, found.ownership)]


def make(folder: Path, shape: Architecture = SMALL, **changes: Any) -> Made:
    generator = torch.Generator().manual_seed(1)
    network = Compact(shape, PLANES).eval()
    for name, weight in [*network.named_parameters(), *network.named_buffers()]:
        if name.endswith("running_var"):
            torch.nn.init.uniform_(weight, 0.5, 2.0, generator=generator)
        elif weight.is_floating_point():
            torch.nn.init.normal_(
                weight, std=weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.3, generator=generator
            )
    info = NetworkInfo(
        format=network_file.FORMAT,
        name="random",
        kind="compact",
        feature_set="compact",
        feature_version=features.FEATURE_SETS["compact"].version,
        globals=len(features.GLOBALS),
        boards="any",
        architecture=msgspec.to_builtins(shape),
        parameters=0,
        trained_on={},
        results={},
    )
    text = msgspec.json.encode(msgspec.structs.replace(info, **changes)).decode()
    path = folder / "random.safetensors"
    save_file(network.state_dict(), path, {network_file.KEY: text})
    return Made(network.double(), path)


def boards(count: int, size: int, seed: int = 0, share: float = 0.1) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    planes = (random.random((count, PLANES, size, size)) < share).astype(np.uint8)
    return planes, random.standard_normal((count, len(features.GLOBALS))).astype(np.float32)


def fields(answer: Evaluation) -> list[NDArray[np.float32]]:
    assert answer.ownership is not None
    return [answer.policy_logits, answer.value, answer.ownership]


def agree(made: Made, evaluator: CompactEvaluator, planes: NDArray[np.uint8], facts: NDArray[np.float32]) -> None:
    """Every answer within 1e-4 of the truth, where the spread is about 1."""
    for mine, true in zip(fields(evaluator.evaluate(planes, facts)), made.truth(planes, facts), strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, true, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [*range(1, 20), 25])
def test_boards_of_every_size(tmp_path: Path, size: int) -> None:
    made = make(tmp_path)
    evaluator = CompactEvaluator(made.path)
    at_once = cut_of(size).at_once
    for count in {1, at_once, at_once + 1}:
        agree(made, evaluator, *boards(count, size))


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(blocks=1, channels=32),
        Architecture(blocks=3, channels=48, batch_norm=True),
        Architecture(blocks=2, channels=16, pool_every=0, batch_norm=True),
        Architecture(blocks=2, channels=64, pool_every=1, policy_channels=48, value_channels=32),
        Architecture(blocks=1, channels=16, policy_channels=80, value_channels=64, value_hidden=7),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [9, 19])
def test_shapes_of_networks(tmp_path: Path, architecture: Architecture, size: int) -> None:
    made = make(tmp_path, architecture)
    agree(made, CompactEvaluator(made.path), *boards(3, size))


def test_dense_and_empty_planes(tmp_path: Path) -> None:
    made = make(tmp_path)
    evaluator = CompactEvaluator(made.path)
    for share in (0.0, 0.5, 1.0):
        agree(made, evaluator, *boards(2, 9, share=share))


def test_more_looks_than_are_kept(tmp_path: Path) -> None:
    """Points of random boards hardly ever look alike: each board brings 361 new looks."""
    made = make(tmp_path)
    evaluator = CompactEvaluator(made.path)
    for seed in range(2 * _compact.LOOKS // 361 + 2):
        agree(made, evaluator, *boards(1, 19, seed, share=0.5))


def test_an_answer_does_not_depend_on_the_rest_of_the_batch(tmp_path: Path) -> None:
    evaluator = CompactEvaluator(make(tmp_path).path)
    for size in (9, 19):
        planes, facts = boards(7, size)
        together = fields(evaluator.evaluate(planes, facts))
        for i in range(7):
            alone = fields(evaluator.evaluate(planes[i : i + 1], facts[i : i + 1]))
            for one, all_of_them in zip(alone, together, strict=True):
                np.testing.assert_array_equal(one[0], all_of_them[i])


def test_many_threads_may_evaluate_at_once(tmp_path: Path) -> None:
    evaluator = CompactEvaluator(make(tmp_path).path)
    batches = [boards(2, size, seed) for seed in range(20) for size in (9, 13)]
    expected = [fields(evaluator.evaluate(*batch)) for batch in batches]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda batch: fields(evaluator.evaluate(*batch)), batches * 3))
    for answer, truth in zip(answers, expected * 3, strict=True):
        for mine, true in zip(answer, truth, strict=True):
            np.testing.assert_array_equal(mine, true)


@pytest.mark.parametrize(
    "name", [path.stem for path in network_file.shipped() if network_file.load_metadata(path).kind == COMPACT]
)
@pytest.mark.parametrize("size", [9, 19])
def test_shipped_networks_answer_as_on_the_runtime(name: str, size: int) -> None:
    path = network_file.find(name)
    inputs = boards(5, size, share=0.15)
    ours, theirs = fields(CompactEvaluator(path).evaluate(*inputs)), fields(OnnxEvaluator(path).evaluate(*inputs))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-3)


def test_weights_stored_in_half_precision(tmp_path: Path) -> None:
    made = make(tmp_path)
    text = msgspec.json.encode(CompactEvaluator(made.path).info).decode()
    save_file(made.network.half().state_dict(), made.path, {network_file.KEY: text})
    made.network.double()
    agree(made, CompactEvaluator(made.path), *boards(2, 9))


def leaves_of(positions: list[Position], symmetries: list[int]) -> LeafBatch:
    """A batch as the search fills it, of one board size."""
    batch = new_batch(positions[0].size, len(positions))
    for slot, position in enumerate(positions):
        root = root_of(position, SearchConfig(), turns=True)
        batch.boards[slot], batch.recent[slot], batch.symmetry[slot] = root.state, root.recent, symmetries[slot]
        _expand.tell_leaves(batch.boards[slot:], 1, root.terms, batch.global_values[slot:], batch.given[slot:])
    return batch


@pytest.mark.parametrize("size", [9, 19])
def test_leaves_are_answered_like_the_planes_that_they_show(tmp_path: Path, size: int) -> None:
    evaluator = CompactEvaluator(make(tmp_path).path)
    random = np.random.default_rng(3)
    positions = [Position(size, komi=0.5 + count) for count in range(9)]
    for count, position in enumerate(positions):
        for _ in range(7 * count):
            position.play(str(random.choice(position.legal_vertices() or ["pass"])))
    symmetries = [*range(8), 5]
    found = evaluate(evaluator, leaves_of(positions, symmetries), 9)
    for slot, (position, symmetry) in enumerate(zip(positions, symmetries, strict=True)):
        planes, facts = features.planes(position, "compact"), features.globals_of(position)
        alone = evaluator.evaluate(transform_planes(planes, symmetry)[None], facts[None])
        for mine, other in zip(fields(found), fields(alone), strict=True):
            np.testing.assert_array_equal(mine[slot], other[0])


@pytest.mark.parametrize("name", ["value.ownership.weight", "value.out.weight"])
def test_weights_that_are_no_numbers_show_in_the_value(tmp_path: Path, name: str) -> None:
    """The search looks for that; the kernels' own tanh would hide it, were it made of comparisons."""
    made = make(tmp_path)
    tensors = made.network.float().state_dict()
    tensors[name] = torch.full_like(tensors[name], torch.nan)
    text = msgspec.json.encode(CompactEvaluator(made.path).info).decode()
    save_file(tensors, made.path, {network_file.KEY: text})
    evaluator = CompactEvaluator(made.path)
    assert np.isnan(evaluator.evaluate(*boards(2, 9)).value).all()
    with pytest.raises(EvaluatorError, match="no number"):
        evaluate(evaluator, leaves_of([Position(9)], [0]), 1)


def test_it_says_what_the_file_says(tmp_path: Path) -> None:
    evaluator = CompactEvaluator(make(tmp_path, boards=[5, 9]).path.with_suffix(".onnx"))
    assert (evaluator.feature_set, evaluator.info.name, evaluator.has_value) == ("compact", "random", True)
    assert [size for size in range(1, 26) if evaluator.supports(size)] == [5, 9]


@pytest.mark.parametrize(
    ("architecture", "changes", "words"),
    [
        (Architecture(blocks=1, channels=24), {}, "channels"),
        (Architecture(blocks=1, channels=16, policy_channels=8), {}, "policy_channels"),
        (SMALL, {"kind": "policy"}, "policy"),
    ],
)
def test_networks_without_kernels_are_refused(
    tmp_path: Path, architecture: Architecture, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(EvaluatorError, match=words):
        CompactEvaluator(make(tmp_path, architecture, **changes).path)


def test_missing_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkFileError, match="nowhere"):
        CompactEvaluator(tmp_path / "nowhere.onnx")
    path = make(tmp_path).path
    whole = path.read_bytes()
    for content in (b"", b"garbage" * 100, whole[:-100], whole[:100], b"\2\0\0\0\0\0\0\0[]", b"\2\0\0\0\0\0\0\0{}"):
        path.write_bytes(content)
        with pytest.raises(NetworkFileError, match=r"random\.safetensors"):
            CompactEvaluator(path)


@pytest.mark.parametrize("change", [{"blocks": 3}, {"channels": 32}, {"value_hidden": 9}, {"pool_every": 1}])
def test_weights_of_another_shape_are_refused(tmp_path: Path, change: dict[str, int]) -> None:
    path = make(tmp_path).path
    tensors, info = read_tensors(path)
    text = msgspec.json.encode(msgspec.structs.replace(info, architecture=info.architecture | change)).decode()
    save_file({name: torch.from_numpy(tensor) for name, tensor in tensors.items()}, path, {network_file.KEY: text})
    with pytest.raises(NetworkFileError, match="architecture"):
        CompactEvaluator(path)


def test_a_file_that_does_not_say_its_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkFileError, match="channels"):
        CompactEvaluator(make(tmp_path, architecture={}).path)


def test_wrong_planes_are_an_error_that_names_the_network(tmp_path: Path) -> None:
    evaluator = CompactEvaluator(make(tmp_path).path)
    with pytest.raises(EvaluatorError, match="random"):
        evaluator.evaluate(np.zeros((1, 3, 9, 9), np.uint8), np.zeros((1, len(features.GLOBALS)), np.float32))


@pytest.mark.nojit
@pytest.mark.parametrize("size", [3, 4])  # with tiles of 3x3 and of 4x4 outputs
def test_kernels_as_plain_python(tmp_path: Path, size: int) -> None:
    made = make(tmp_path, Architecture(blocks=1, channels=16, pool_every=1, policy_channels=16, value_hidden=8))
    evaluator = CompactEvaluator(made.path)
    agree(made, evaluator, *boards(1, size))
    position = Position(size)
    found = evaluate(evaluator, leaves_of([position], [0]), 1)
    alone = evaluator.evaluate(features.planes(position, "compact")[None], features.globals_of(position)[None])
    for mine, other in zip(fields(found), fields(alone), strict=True):
        np.testing.assert_array_equal(mine, other)

"""A run's weights as network files: `.onnx` for players, `.safetensors` beside it to train on from."""

import os
import warnings
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save
from torch import Tensor, nn

from engine import network_file
from engine.network_file import COMPACT, POLICY, VALUE, NetworkInfo
from engine.network_kinds import Network, build, kind_of
from engine.networks import Architecture, Compact, parameter_count
from gozero import config as configs
from gozero import features
from gozero.durable import replace_durably, write_durably
from gozero.errors import GozeroError
from training import checkpoint
from training.reinforce_config import ReinforceConfig
from training.run_folder import RunError, RunFolder
from training.supervised import PolicyConfig
from training.value import ValueConfig

OPSET = 17
"""ONNX operator set: the oldest one with every operator needed, for old runtimes' sake."""
TOLERANCE = 1e-3
"""Largest difference of a logit or value between torch and the exported graph."""
HALF_TOLERANCE = 0.1
"""The same where weights were rounded to float16."""
HALF_FROM = 256
"""Numbers of a weight that is worth storing as float16; smaller ones, such as biases, stay as they are."""


_SEEN = {"games": "games", "positions_available": "positions_available", "positions": "positions_seen"}
"""What a network file says of a run's records, by the names that its checkpoints have for it."""


_ANSWERS = {COMPACT: ["policy", "value", "ownership"], POLICY: ["policy"], VALUE: ["policy", "value"]}
"""What each kind of network answers; AlphaGo's value network finds all moves equally likely."""


class ExportError(GozeroError):
    """An export for boards that the network cannot play on, or whose outputs are not the network's."""


RunConfig: TypeAlias = PolicyConfig | ReinforceConfig | ValueConfig
"""The settings of a run that trained a network."""
_CONFIGS: dict[str, type[RunConfig]] = {"policy": PolicyConfig, "reinforce": ReinforceConfig, "value": ValueConfig}
"""By the stage that a checkpoint names."""


def network_of_run(folder: RunFolder, step: int | None = None) -> tuple[Network, RunConfig, dict[str, Any]]:
    """The averaged network of a run's best checkpoint (or of `step`), its settings and the record of the checkpoint.

    What only training needs is left out: the head that predicts the reply.
    """
    folder.require_run()
    chosen = step if step is not None else folder.best_step() or folder.latest_step()
    if chosen is None:
        raise RunError(f"the run in {folder.path} has no checkpoint yet")
    path = checkpoint.path_of(folder.checkpoints, chosen)
    tensors, record = checkpoint.load(path)
    if "algorithm" in record:
        raise RunError(
            f"the run in {folder.path} taught an agent ({record['algorithm']}), whose network plays in its own "
            f"environment alone: agents have no network files; gozero eval agent --run {folder.path} measures them"
        )
    config = configs.load(folder.config, _CONFIGS[record["stage"]])
    architecture = config.architecture
    if isinstance(architecture, Architecture) and architecture.reply:
        architecture = msgspec.structs.replace(architecture, reply=False)
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("average.reply.")}
    network = build(architecture, features.plane_count(config.feature_set))
    checkpoint.load_weights(network, tensors, "average.", path)
    return network.eval(), config, record


def describe(
    network: Network,
    config: RunConfig,
    record: dict[str, Any],
    *,
    name: str,
    boards: list[int] | Literal["any"],
    results: dict[str, Any],
    licence: str,
) -> NetworkInfo:
    """The metadata of a run's network. Raises ExportError for boards that it cannot play on."""
    if not isinstance(network, Compact) and boards != [network.architecture.board]:
        size = network.architecture.board
        raise ExportError(
            f"a network of kind {kind_of(network.architecture)!r} plays on one board size, {name} on {size}x{size}"
        )
    feature_set = features.feature_set(config.feature_set)
    trained_on = {
        "sources": record["sources"],
        **{name: record[key] for key, name in _SEEN.items() if key in record},
        "steps": record["step"],
        "hours": round(record["seconds"] / 3600, 2),
        "board_size": config.board_size,
        "optimiser": config.optimiser.name,
        **{key: record[key] for key in ("played_by", "started_from", "taught_by") if record.get(key)},
        **({"licence": licence} if licence else {}),
    }
    return NetworkInfo(
        format=network_file.FORMAT,
        name=name,
        kind=kind_of(network.architecture),
        feature_set=feature_set.name,
        feature_version=feature_set.version,
        globals=len(features.GLOBALS),
        boards=boards,
        architecture=msgspec.to_builtins(network.architecture),
        parameters=parameter_count(network),
        trained_on=trained_on,
        results=results,
    )


def write_onnx(network: Network, info: NetworkInfo, path: Path, *, half: bool = False) -> None:
    """Write the network as ONNX: uint8 planes [B, C, S, S] with any B and S, norms folded, `info` in the metadata.

    AlphaGo's networks have one S. With `half`, weights are stored as float16 and turned back to float32 when a player
    loads the file: half the size, the same speed. Raises ExportError when the runtime's outputs differ from torch's.
    """
    size = network_file.DEFAULT_SIZE if info.boards == "any" else info.boards[0]
    planes, globals_ = _random_inputs(features.plane_count(info.feature_set), info.globals, 2, size)
    outputs = _ANSWERS[info.kind]
    sides = {2: "size", 3: "size"} if info.kind == COMPACT else {}
    widths = {"policy": {1: "moves"}, "value": {}, "ownership": {1: "points"}}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            # The newer exporter needs one more package and gives this network the same operators.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Named(network).eval(),
                (planes, globals_),
                str(temporary),
                input_names=["planes", "globals"],  # one that the network does not look at is left out
                output_names=outputs,
                dynamic_axes={
                    "planes": {0: "batch", **sides},
                    "globals": {0: "batch"},
                    **{name: {0: "batch", **(widths[name] if sides else {})} for name in outputs},
                },
                opset_version=OPSET,
                dynamo=False,
            )
        model = onnx.load(str(temporary))
        if half:
            store_as_float16(model)
        model.producer_name = "gozero"
        entry = model.metadata_props.add()
        entry.key, entry.value = network_file.KEY, msgspec.json.encode(info).decode()
        onnx.checker.check_model(model)
        onnx.save(model, str(temporary))
        for batch, side in ((1, size), (3, size), (2, 7 if sides else size)):
            inputs = _random_inputs(planes.shape[1], info.globals, batch, side)
            compare(network, temporary, *inputs, tolerance=HALF_TOLERANCE if half else TOLERANCE)
        replace_durably(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def store_as_float16(model: onnx.ModelProto) -> None:
    """Turn the large weights of `model` into float16, each followed by a cast that a runtime folds away on loading."""
    graph = model.graph
    casts, weights = [], []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= HALF_FROM:
            stored = f"{weight.name}.float16"
            casts.append(onnx.helper.make_node("Cast", [stored], [weight.name], to=onnx.TensorProto.FLOAT))
            weight = numpy_helper.from_array(values.astype(np.float16), stored)
        weights.append(weight)
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(weights)
    graph.node.extend(nodes)


def compare(network: Network, path: Path, planes: Tensor, globals_: Tensor, *, tolerance: float) -> None:
    """Raise ExportError unless the file gives the same answers as torch."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = {name: truth for name, truth in network(planes, globals_)._asdict().items() if truth is not None}
    wanted = {entry.name for entry in session.get_inputs()}
    inputs = {"planes": planes.numpy(), "globals": globals_.numpy()}
    answers = session.run(list(expected), {name: values for name, values in inputs.items() if name in wanted})
    for (name, truth), answer in zip(expected.items(), answers, strict=True):
        difference = float(np.abs(answer - truth.numpy()).max())
        if answer.shape != tuple(truth.shape) or not difference < tolerance:
            raise ExportError(f"the exported {name} differs from torch's by {difference:.2g}: this is a fault of ours")


def write_weights(network: nn.Module, info: NetworkInfo, path: Path, *, half: bool = False) -> None:
    """Write the weights and `info` as safetensors, large weights as float16 if `half`."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if half:
        large = {name for name, tensor in weights.items() if tensor.numel() >= HALF_FROM}
        weights = {name: tensor.half() if name in large else tensor for name, tensor in weights.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    # save_file would make it readable by its owner alone.
    write_durably(path, save(weights, metadata={network_file.KEY: msgspec.json.encode(info).decode()}))


class _Named(nn.Module):
    """The network with the outputs that it has as a plain tuple, as the exporter traces it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, planes: Tensor, globals_: Tensor) -> tuple[Tensor, ...]:
        return tuple(answer for answer in self.network(planes, globals_) if answer is not None)


def _random_inputs(planes: int, globals_: int, batch: int, size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(size)
    boards = torch.randint(0, 2, (batch, planes, size, size), generator=generator, dtype=torch.uint8)
    return boards, torch.randn(batch, globals_, generator=generator)

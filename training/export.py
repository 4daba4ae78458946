"""A run's weights as network files: `.onnx` for players, `.safetensors` beside it to train on from."""

import os
import warnings
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import onnx
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from engine import network_file
from engine.network_file import NetworkFileError, NetworkInfo
from engine.networks import Answers, Architecture, Compact, parameter_count
from gozero import config as configs
from gozero import features
from gozero.errors import GozeroError
from training import checkpoint
from training.grow import grow
from training.run_folder import RunError, RunFolder
from training.supervised import PolicyConfig

OPSET = 17
"""ONNX operator set: the oldest one with every operator needed, for old runtimes' sake."""
TOLERANCE = 1e-3
"""Largest difference of a logit or value between torch and the exported graph."""


class ExportError(GozeroError):
    """An export whose outputs are not those of the network."""


def network_of_run(folder: RunFolder, step: int | None = None) -> tuple[Compact, PolicyConfig, dict[str, Any]]:
    """The averaged network of a run's best checkpoint (or of `step`), its settings and the record of the checkpoint."""
    folder.require_run()
    config = configs.load(folder.config, PolicyConfig)
    chosen = step if step is not None else folder.best_step() or folder.latest_step()
    if chosen is None:
        raise RunError(f"the run in {folder.path} has no checkpoint yet")
    path = checkpoint.path_of(folder.checkpoints, chosen)
    tensors, record = checkpoint.load(path)
    network = Compact(config.network, features.plane_count(config.data.features))
    checkpoint.load_weights(network, tensors, "average.", path)
    return network.eval(), config, record


def describe(
    network: Compact,
    config: PolicyConfig,
    record: dict[str, Any],
    *,
    name: str,
    boards: list[int] | Literal["any"],
    results: dict[str, Any],
    licence: str,
) -> NetworkInfo:
    """The metadata of a run's network."""
    feature_set = features.feature_set(config.data.features)
    trained_on = {
        "sources": record["sources"],
        "games": record["games"],
        "positions_available": record["positions_available"],
        "positions_seen": record["positions"],
        "steps": record["step"],
        "hours": round(record["seconds"] / 3600, 2),
        "board_size": config.data.size,
        "optimiser": config.optimiser.name,
        **({"started_from": record["started_from"]} if record.get("started_from") else {}),
        **({"licence": licence} if licence else {}),
    }
    return NetworkInfo(
        format=network_file.FORMAT,
        name=name,
        kind="compact",
        feature_set=feature_set.name,
        feature_version=feature_set.version,
        globals=len(features.GLOBALS),
        boards=boards,
        architecture=msgspec.to_builtins(config.network),
        parameters=parameter_count(network),
        trained_on=trained_on,
        results=results,
    )


def write_onnx(network: Compact, info: NetworkInfo, path: Path) -> None:
    """Write the network as ONNX: uint8 planes [B, C, S, S] with any B and S, norms folded, `info` in the metadata.

    Raises ExportError when the runtime's outputs differ from torch's.
    """
    size = network_file.DEFAULT_SIZE if info.boards == "any" else info.boards[0]
    planes, globals_ = _random_inputs(features.plane_count(info.feature_set), info.globals, 2, size)
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
                input_names=["planes", "globals"],
                output_names=list(Answers._fields),
                dynamic_axes={
                    "planes": {0: "batch", 2: "size", 3: "size"},
                    "globals": {0: "batch"},
                    "policy": {0: "batch", 1: "moves"},
                    "value": {0: "batch"},
                    "ownership": {0: "batch", 1: "points"},
                },
                opset_version=OPSET,
                dynamo=False,
            )
        model = onnx.load(str(temporary))
        model.producer_name = "gozero"
        entry = model.metadata_props.add()
        entry.key, entry.value = network_file.KEY, msgspec.json.encode(info).decode()
        onnx.checker.check_model(model)
        onnx.save(model, str(temporary))
        for batch, side in ((1, size), (3, size), (2, 7)):
            compare(network, temporary, *_random_inputs(planes.shape[1], info.globals, batch, side))
        checkpoint.replace_durably(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def compare(network: Compact, path: Path, planes: Tensor, globals_: Tensor) -> None:
    """Raise ExportError unless the file gives the same answers as torch."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answers = session.run(list(Answers._fields), {"planes": planes.numpy(), "globals": globals_.numpy()})
    with torch.inference_mode():
        expected = network(planes, globals_)
    for name, answer, truth in zip(Answers._fields, answers, expected, strict=True):
        difference = float(np.abs(answer - truth.numpy()).max())
        if answer.shape != tuple(truth.shape) or not difference < TOLERANCE:
            raise ExportError(f"the exported {name} differs from torch's by {difference:.2g}: this is a fault of ours")


def write_weights(network: nn.Module, info: NetworkInfo, path: Path) -> None:
    """Write the weights and `info` as safetensors."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # save_file would make it readable by its owner alone.
        temporary.write_bytes(save(weights, metadata={network_file.KEY: msgspec.json.encode(info).decode()}))
        checkpoint.replace_durably(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_weights(name: str) -> tuple[Compact, NetworkInfo]:
    """The torch network of a shipped name, an `.onnx` with its `.safetensors` beside it, or a `.safetensors`.

    Raises NetworkFileError.
    """
    path = Path(name)
    if path.suffix != ".safetensors":
        path = network_file.find(name).with_suffix(".safetensors")
    if not path.is_file():
        raise NetworkFileError(f"there are no weights to train from: {path} is missing")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(network_file.KEY)
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise NetworkFileError(f"{path} is not a readable weights file ({error})") from error
    if text is None:
        raise NetworkFileError(f"{path} does not say which network it holds (no metadata {network_file.KEY!r})")
    info = network_file.parse_info(text, path)
    network_file.require_features(info, path)
    architecture = configs.convert(info.architecture, Architecture, str(path))
    network = Compact(architecture, features.plane_count(info.feature_set))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise NetworkFileError(f"the weights in {path} do not fit its architecture") from error
    return network, info


def start_from(network: Compact, name: str) -> str:
    """Give `network` the weights of the network file `name`, which may be smaller (`training.grow`); returns its name.

    Raises NetworkFileError, or GrowError when `network` cannot contain it.
    """
    source, info = read_weights(name)
    if source.first.weight.shape[1] != network.first.weight.shape[1]:
        raise NetworkFileError(f"cannot start from {name}: it was trained on the feature set {info.feature_set}")
    grow(source, network)
    return info.name


class _Named(nn.Module):
    """The network with its outputs as a plain tuple, as the exporter traces it."""

    def __init__(self, network: Compact) -> None:
        super().__init__()
        self.network = network

    def forward(self, planes: Tensor, globals_: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(planes, globals_))


def _random_inputs(planes: int, globals_: int, batch: int, size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(size)
    boards = torch.randint(0, 2, (batch, planes, size, size), generator=generator, dtype=torch.uint8)
    return boards, torch.randn(batch, globals_, generator=generator)

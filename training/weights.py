"""Weights of network files as networks in torch, to train on from."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from engine import network_file
from engine.network_file import NetworkFileError, NetworkInfo
from engine.network_kinds import Network, build, kind_of, parse_architecture
from engine.networks import Compact
from gozero import features
from training.grow import grow


def read_weights(name: str) -> tuple[Network, NetworkInfo]:
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
    architecture = parse_architecture(info.kind, info.architecture, str(path))
    network = build(architecture, features.plane_count(info.feature_set))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise NetworkFileError(f"the weights in {path} do not fit its architecture") from error
    return network, info


def start_from(network: Network, name: str) -> str:
    """Give `network` the weights of the network file `name`, which may be smaller (`training.grow`); returns its name.

    Raises NetworkFileError, or GrowError when `network` cannot contain it.
    """
    source, info = read_weights(name)
    if kind_of(source.architecture) != kind_of(network.architecture):
        raise NetworkFileError(
            f"cannot start from {name}: it is a network of kind {info.kind}, the configuration's is "
            f"{kind_of(network.architecture)}"
        )
    if source.first.weight.shape[1] != network.first.weight.shape[1]:
        raise NetworkFileError(f"cannot start from {name}: it was trained on the feature set {info.feature_set}")
    if isinstance(source, Compact) and isinstance(network, Compact):
        grow(source, network)
    elif source.architecture != network.architecture:
        raise NetworkFileError(f"cannot start from {name}: its shape is {source.architecture}")
    else:
        network.load_state_dict(source.state_dict())
    return info.name

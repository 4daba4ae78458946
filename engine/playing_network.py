"""Networks of files in torch that only play: norms folded away, bfloat16 where that is exact enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engine.network_file import COMPACT, POLICY, VALUE, NetworkFileError, NetworkInfo, require_features
from engine.network_kinds import Network, build, parse_architecture
from engine.networks import Compact
from engine.tensors import read_tensors
from gozero import features

HEADS: Final = {COMPACT: ("policy", "value"), POLICY: ("last",), VALUE: ("last", "hidden", "out")}
"""The layers that answer, by the kind of network: in float32 always. bfloat16 has 8 significant bits, so that logits
from 8 to 16 would be multiples of 1/16 and likely moves would tie; and these layers are the least of the work."""
_COUNTER: Final = "num_batches_tracked"
"""What a batch norm keeps beside its weights, and needs for training alone."""


def read_network(path: Path, precision: torch.dtype) -> tuple[Network, NetworkInfo]:
    """The network of a `.safetensors` file, ready to play on the CPU, and what the file says about itself.

    It answers in float32. Its layers but those in `HEADS` compute in `precision`, and it is not to be trained.

    Raises:
        NetworkFileError: the file is missing or unreadable, wants input planes that this program does not make, or its
            weights are not those of its architecture.
        ConfigError: its architecture is none.
    """
    tensors, info = read_tensors(path)
    require_features(info, path)
    architecture = parse_architecture(info.kind, info.architecture, str(path))
    network = build(architecture, features.plane_count(info.feature_set)).eval()
    counters = {name: tensor for name, tensor in network.state_dict().items() if name.endswith(_COUNTER)}
    try:
        network.load_state_dict(counters | {name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise NetworkFileError(f"the weights in {path} do not fit its architecture") from error
    if isinstance(network, Compact):
        _fold_norms(network)
    network.requires_grad_(False)
    if precision != torch.float32:
        _lower(network, HEADS[info.kind], precision)
    return network.to(memory_format=torch.channels_last), info  # type: ignore[call-overload]


def _fold_norms(network: Compact) -> None:
    """Makes each batch norm a part of the convolution before it, which saves its time and its rounding."""
    pairs: list[tuple[nn.Module, str, str]] = [(network, "first", "first_norm")]
    for block in network.trunk:
        pairs += [(block, "conv1", "norm1"), (block, "conv2", "norm2")]
    for owner, convolution, norm in pairs:
        if isinstance(getattr(owner, norm), nn.BatchNorm2d):
            setattr(owner, convolution, fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, norm)))
            setattr(owner, norm, nn.Identity())


def _lower(network: Network, heads: tuple[str, ...], precision: torch.dtype) -> None:
    """Lets the layers outside `heads` compute in `precision`. (Weights of the network's own, such as the policy's bias
    of each point, belong to its answers.)"""
    for name, part in network.named_children():
        wanted = torch.float32 if name in heads else precision
        part.to(wanted)
        part.register_forward_pre_hook(_Cast(wanted))


class _Cast:
    """Turns all inputs of a layer into its precision, where another layer's was a different one."""

    def __init__(self, precision: torch.dtype) -> None:
        self._precision = precision

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Any, ...]:
        return tuple(each.to(self._precision) for each in inputs)

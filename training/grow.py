"""A larger network that begins with what a smaller one has learned.

Chen, Goodfellow and Shlens, "Net2Net: accelerating learning via knowledge transfer" (ICLR 2016): weights are added so
that the answers stay the same. Here new channels start with random weights behind them that nobody reads yet: every
weight from a new channel into an old one is zero, and learns at once, because what comes in is not. New blocks of the
trunk start as the identity, as blocks of a fresh network do.
"""

import math

import torch
from torch import Tensor

from engine.networks import Architecture, Compact
from gozero.errors import GozeroError

_READ_SCALED = ("policy.hidden.weight", "policy.board.weight", "value.conv.weight")
"""Weights that read the trunk after it was scaled to a root mean square of 1 over all its channels."""

_WIDTHS = ("blocks", "channels", "policy_channels", "value_channels", "value_hidden")
"""What may grow."""


class GrowError(GozeroError):
    """A network that the larger one cannot contain."""


def require_growable(small: Architecture, large: Architecture) -> None:
    """Raise GrowError, naming the setting, unless a network of shape `large` can contain one of shape `small`."""
    for name in _WIDTHS:
        if getattr(large, name) < getattr(small, name):
            raise GrowError(
                f"network.{name} = {getattr(large, name)} is below the {getattr(small, name)} it starts from"
            )
    for name in ("pool_every", "batch_norm"):
        if getattr(large, name) != getattr(small, name):
            raise GrowError(
                f"network.{name} = {getattr(large, name)} differs from the {getattr(small, name)} it starts from"
            )


@torch.no_grad()
def grow(small: Compact, large: Compact) -> None:
    """Give `large`, freshly initialised, the weights of `small`, so that its answers are almost the same.

    "Almost": the scale before the heads is measured over all channels, new ones too, which are small beside trained
    ones. Raises GrowError when the shapes do not allow it; both must have the same input planes.
    """
    require_growable(small.architecture, large.architecture)
    widening = math.sqrt(small.architecture.channels / large.architecture.channels)
    old = small.state_dict()
    new = large.state_dict()
    for name, weight in old.items():
        if not weight.is_floating_point():
            continue  # a norm's count of batches, which is not used
        scale = widening if name in _READ_SCALED else 1.0
        halves = name.endswith(("pool.weight", "policy.board.weight", "value.hidden.weight"))
        _embed(weight * scale, new[name], _pooled(name, small) if halves else 0)


def _pooled(name: str, network: Compact) -> int:
    """How many channels the layer `name` reads as means and, behind them, as maxima."""
    shape = network.architecture
    return shape.value_channels if name.startswith("value.") else shape.channels


def _embed(old: Tensor, new: Tensor, pooled: int) -> None:
    """Put `old` into the corner of `new`; old outputs read nothing from new inputs.

    `pooled`: where inputs are means and then maxima of that many channels, then others; 0 elsewhere.
    """
    if old.ndim < 2:
        new[: old.shape[0]] = old
        return
    outputs, inputs = old.shape[0], old.shape[1]
    new[:outputs] = 0
    if not pooled:
        new[:outputs, :inputs] = old
        return
    others = inputs - 2 * pooled
    wide = (new.shape[1] - others) // 2
    new[:outputs, :pooled] = old[:, :pooled]
    new[:outputs, wide : wide + pooled] = old[:, pooled : 2 * pooled]
    new[:outputs, 2 * wide :] = old[:, 2 * pooled :]

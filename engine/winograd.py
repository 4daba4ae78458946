"""3x3 convolutions in float32 on the CPU by Winograd's F(4x4, 3x3), with gradients, for training."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine import _products, _winograd

_G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
_BOTH_WAYS = torch.from_numpy(np.kron(_G, _G).astype(np.float32))
"""[36, 9]: what makes GgG' of a 3x3 kernel g."""


class Convolution3x3(nn.Conv2d):
    """A 3x3 convolution, padded with zeros, that computes by Winograd's method where `winograd` says so.

    The answers differ by rounding alone, up to 3e-5 of their spread (those of direct convolutions by 4e-6).

    Attributes:
        winograd: whether to use it where gradients are wanted; only for float32 on CPUs.
    """

    winograd = False

    def __init__(self, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.winograd and torch.is_grad_enabled() and has_kernels(x.shape[-1], *self.weight.shape[:2])):
            return super().forward(x)
        y: Tensor = _convolution(x, self.weight)
        return y if self.bias is None else y + self.bias[:, None, None]


def use_winograd(network: nn.Module, wanted: bool) -> None:
    """Sets `winograd` of every `Convolution3x3` in `network`."""
    for layer in network.modules():
        if isinstance(layer, Convolution3x3):
            layer.winograd = wanted


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def has_kernels(width: int, inputs: int, outputs: int) -> bool:
    """Whether boards so wide can be computed here with so many channels: multiples of 16 that there is room for."""
    most = max(inputs, outputs)
    columns = width // 4 + 2
    fits = _winograd.bands_at_once(width, most) > 0 and columns * most <= _winograd.COLUMNS
    return bool(fits and inputs % _products.COLUMNS == outputs % _products.COLUMNS == 0)


@torch.library.custom_op("gozero::winograd", mutates_args=(), device_types="cpu")
def _convolution(x: Tensor, weight: Tensor) -> Tensor:
    """y [B, O, H, W] for x [B, I, H, W] and weight [O, I, 3, 3]; an operator of torch's, so that torch can compile what
    stands around it."""
    x = x.contiguous(memory_format=torch.channels_last)
    boards, inputs, *size = x.shape
    outputs = len(weight)
    y = torch.empty((boards, outputs, *size), memory_format=torch.channels_last)
    source, target, kernel = _flat(x), _flat(y), _panels(_transformed(weight))

    def part(begin: int, end: int) -> None:
        _winograd.convolve(source, kernel, *size, inputs, outputs, begin, end, *_room(), target)

    _in_parts(boards, part)
    return y


@torch.library.custom_op("gozero::winograd_gradients", mutates_args=(), device_types="cpu")
def _gradients(x: Tensor, weight: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients by x [B, I, H, W] and weight [O, I, 3, 3], shaped like them, from dy [B, O, H, W], those by y.

    The weight's sums run over parts of the batch, one a thread.
    """
    x, dy = (tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, dy))
    boards, inputs, *size = x.shape
    outputs = len(weight)
    dx = torch.empty_like(x)
    source, slopes, target = _flat(x), _flat(dy), _flat(dx)
    kernel = _panels(_transformed(weight).mT)

    def part(begin: int, end: int) -> Tensor:
        change = torch.zeros(36, inputs, outputs)
        places = (begin, end, *_room(), target, change.view(-1).numpy())
        _winograd.convolve_back(source, slopes, kernel, *size, inputs, outputs, *places)
        return change

    change = torch.stack(_in_parts(boards, part)).sum(0)
    dw = torch.einsum("kn,kio->oin", _BOTH_WAYS, change).reshape(weight.shape)
    return dx, dw


@_convolution.register_fake
def _(x: Tensor, weight: Tensor) -> Tensor:
    shape = (len(x), len(weight), *x.shape[2:])
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)


@_gradients.register_fake
def _(x: Tensor, weight: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    dx = torch.empty_like(x, memory_format=torch.channels_last)
    return dx, torch.empty(weight.shape, dtype=weight.dtype, device=weight.device)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _back(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
    gradients: tuple[Tensor, Tensor] = _gradients(*ctx.saved_tensors, dy)
    return gradients


_convolution.register_autograd(_back, setup_context=_keep)


def _in_parts(boards: int, work: Callable[[int, int], Any]) -> list[Any]:
    """What `work` (the first board, the one after the last) returns, for parts of the batch, each on a thread."""
    count = min(torch.get_num_threads(), boards)
    ends = [boards * i // count for i in range(count + 1)]
    if count == 1:
        return [work(0, boards)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, ends[:-1], ends[1:]))


def _flat(x: Tensor) -> NDArray[np.float32]:
    """The memory of channels-last x [B, C, H, W]."""
    flat: NDArray[np.float32] = x.detach().permute(0, 2, 3, 1).view(-1).numpy()
    return flat


def _transformed(weight: Tensor) -> Tensor:
    """GgG' of all kernels: [36, inputs, outputs]."""
    return torch.einsum("kn,oin->kio", _BOTH_WAYS, weight.detach().flatten(2))


def _panels(kernel: Tensor) -> NDArray[np.float32]:
    """[36, I, O] in the order of [36, O / 16, I, 16]."""
    planes, inputs, outputs = kernel.shape
    panels = kernel.reshape(planes, inputs, outputs // _products.COLUMNS, _products.COLUMNS).transpose(1, 2)
    flat: NDArray[np.float32] = panels.reshape(-1).numpy()
    return flat


def _room() -> tuple[NDArray[np.float32], ...]:
    """Memory for a strip and two sets of tiles."""
    sizes = (6 * _winograd.STRIP, 36 * _winograd.PLANE, 36 * _winograd.PLANE)
    return tuple(np.empty(size, np.float32) for size in sizes)

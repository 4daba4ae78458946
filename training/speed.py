"""How fast a network trains, in operations: what it needs, and what the chip could do."""

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gozero.features import GLOBALS

TRAINING_COST = 3
"""A step of training costs about three forward passes: one forward, and two products for each in the backward pass."""

PEAKS = {"H100 NVL": 835.0, "H100 PCIe": 756.0, "H100": 989.0, "H200": 989.0, "A100": 312.0, "L40S": 362.0}
"""Dense bf16 peak in TFLOP/s by a part of the device's name, from the data sheets; the first that fits holds."""


def forward_flops(network: nn.Module, planes: int, size: int) -> int:
    """Floating-point operations of the convolutions and matrix products of one position (a multiply-add counts two)."""
    shapes = copy.deepcopy(network).to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shapes(torch.empty(1, planes, size, size, device="meta"), torch.empty(1, len(GLOBALS), device="meta"))
    return int(counter.get_total_flops())


def chip_peak(name: str) -> float | None:
    """Dense bf16 peak in TFLOP/s of the device called `name`; None where it is not known."""
    return next((peak for part, peak in PEAKS.items() if part in name), None)


def device_peak(device: torch.device, count: int = 1) -> float | None:
    """Dense bf16 peak in TFLOP/s of `count` GPUs like `device`; None without a GPU or where it is not known."""
    if device.type != "cuda":
        return None
    peak = chip_peak(torch.cuda.get_device_name(device))
    return peak * count if peak else None

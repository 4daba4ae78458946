"""Operations against the paper's network worked out by hand."""

import pytest
import torch

from engine.alphago_networks import PolicyArchitecture, PolicyNetwork
from engine.networks import Architecture, Compact
from training.speed import chip_peak, device_peak, forward_flops


@pytest.mark.parametrize(("filters", "giga"), [(128, 1.28), (192, 2.80), (256, 4.91)])
def test_operations_of_the_papers_network(filters: int, giga: float):
    with torch.device("meta"):
        network = PolicyNetwork(PolicyArchitecture(filters=filters), 48)
    by_hand = 2 * 361 * (48 * filters * 25 + 11 * filters * filters * 9 + filters)
    assert forward_flops(network, 48, 19) == by_hand
    assert by_hand / 1e9 == pytest.approx(giga, abs=0.01)


def test_operations_grow_with_the_board():
    network = Compact(Architecture(blocks=2, channels=8), 5)
    trunk = 2 * (5 * 8 * 25 + 2 * 2 * 8 * 8 * 9)
    assert forward_flops(network, 5, 19) - forward_flops(network, 5, 9) >= trunk * (361 - 81)
    assert next(network.parameters()).device.type == "cpu"


def test_known_chips():
    assert chip_peak("NVIDIA H100 80GB HBM3") == 989.0
    assert chip_peak("NVIDIA H100 PCIe") == 756.0
    assert chip_peak("NVIDIA H200") == 989.0
    assert chip_peak("Abacus") is None
    assert device_peak(torch.device("cpu")) is None

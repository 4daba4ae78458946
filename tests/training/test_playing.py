"""Networks that learn play on our own kernels where there are some, and answer the same."""

from __future__ import annotations

import numpy as np
import torch

from engine.alphago_networks import PolicyArchitecture, PolicyNetwork
from engine.compact_evaluator import CompactEvaluator
from engine.networks import Architecture, Compact
from engine.runtimes import middle_positions
from engine.torch_evaluator import TorchEvaluator
from gozero import features
from training.playing import player_of


def compact(channels: int) -> Compact:
    torch.manual_seed(3)
    shape = Architecture(blocks=2, channels=channels, policy_channels=16, value_channels=16, value_hidden=8)
    return Compact(shape, features.plane_count("compact")).eval()


def test_kernels_play_with_the_weights_of_the_moment() -> None:
    network = compact(16)
    inputs = middle_positions("compact", 5, 3)
    for _ in range(2):
        player = player_of(network, "compact")
        assert isinstance(player, CompactEvaluator)
        ours, theirs = player.evaluate(*inputs), TorchEvaluator(network, "compact").evaluate(*inputs)
        assert np.allclose(ours.policy_logits, theirs.policy_logits, atol=1e-4)
        assert np.allclose(ours.value, theirs.value, atol=1e-4)
        with torch.no_grad():
            network.first.weight.add_(0.1)


def test_torch_plays_what_there_are_no_kernels_for() -> None:
    assert isinstance(player_of(compact(12), "compact"), TorchEvaluator)
    policy = PolicyNetwork(PolicyArchitecture(board=5, filters=4, layers=3), features.plane_count("alphago48"))
    assert isinstance(player_of(policy, "alphago48"), TorchEvaluator)

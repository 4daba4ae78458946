"""A network in torch as an evaluator: the same answers as its exported file gives."""

import numpy as np
import torch

from engine import network_file
from engine.alphago_networks import PolicyArchitecture, PolicyNetwork
from engine.onnx_evaluator import OnnxEvaluator
from engine.torch_evaluator import TorchEvaluator
from gozero import features
from gozero.position import Position
from training.weights import read_weights


def test_it_answers_as_the_exported_network_does() -> None:
    network, info = read_weights("compact-9")
    network.train()  # what batch norm makes of that must not show
    evaluator = TorchEvaluator(network, info.feature_set, frozenset({9}))
    position = Position(9)
    position.play("C3")
    inputs = features.planes(position, "compact")[None], features.globals_of(position)[None]
    expected, answer = OnnxEvaluator(network_file.find("compact-9")).evaluate(*inputs), evaluator.evaluate(*inputs)
    for name in ("policy_logits", "value", "ownership"):
        assert np.allclose(getattr(expected, name), getattr(answer, name), atol=1e-4), name
    assert network.training
    assert evaluator.supports(9)
    assert not evaluator.supports(13)


def test_a_network_without_a_value_finds_every_position_even() -> None:
    torch.manual_seed(0)
    network = PolicyNetwork(PolicyArchitecture(filters=4, layers=2, board=5), features.plane_count("alphago12"))
    evaluator = TorchEvaluator(network, "alphago12")
    planes = np.zeros((3, features.plane_count("alphago12"), 5, 5), np.uint8)
    answer = evaluator.evaluate(planes, np.zeros((3, len(features.GLOBALS)), np.float32))
    assert answer.policy_logits.shape == (3, 26)
    assert answer.value.tolist() == [0, 0, 0]
    assert answer.ownership is None
    assert evaluator.supports(5)

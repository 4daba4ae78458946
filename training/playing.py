"""Networks that learn, as players of games: on our own kernels where there are some, which are faster on a CPU."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine import network_file
from engine.compact_evaluator import CompactEvaluator
from engine.evaluator import Evaluator, EvaluatorError
from engine.network_file import NetworkInfo
from engine.network_kinds import Network, kind_of
from engine.networks import parameter_count
from engine.torch_evaluator import TorchEvaluator
from gozero import features


def player_of(network: Network, feature_set: str) -> Evaluator:
    """An evaluator of the network as it is now. What it learns later may count or not: ask for another one then."""
    if next(network.parameters()).device.type != "cpu":
        return TorchEvaluator(network, feature_set)
    try:
        return CompactEvaluator.of(_arrays(network.state_dict()), _info(network, feature_set), "the network")
    except EvaluatorError:  # there are no kernels for it
        return TorchEvaluator(network, feature_set)


def _arrays(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    return {name: tensor.numpy() for name, tensor in weights.items() if tensor.is_floating_point()}


def _info(network: Network, feature_set: str) -> NetworkInfo:
    """What a file of the network would say about itself, without where it comes from."""
    return NetworkInfo(
        format=network_file.FORMAT,
        name="the network",
        kind=kind_of(network.architecture),
        feature_set=feature_set,
        feature_version=features.feature_set(feature_set).version,
        globals=len(features.GLOBALS),
        boards="any",
        architecture=msgspec.to_builtins(network.architecture),
        parameters=parameter_count(network),
        trained_on={},
        results={},
    )

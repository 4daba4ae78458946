"""An evaluator on a network in torch: for training, whose weights change all the time, and for GPUs."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine.evaluator import Evaluation


class TorchEvaluator:
    """Asks a network in torch, in evaluation mode and without gradients; what it learns meanwhile counts at once."""

    def __init__(self, network: nn.Module, feature_set: str, boards: frozenset[int] | None = None) -> None:
        """`boards`: the sizes that it can evaluate; None for any."""
        self.network = network
        self.feature_set = feature_set
        self._boards = boards
        self._device = next(network.parameters()).device

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.Evaluator`; a network that judges no position gives 0 for each."""
        training = self.network.training
        self.network.eval()
        try:
            with torch.inference_mode():
                x = torch.from_numpy(planes).to(self._device).to(torch.float32, memory_format=torch.channels_last)
                answers = self.network(x, torch.from_numpy(global_values).to(self._device))
        finally:
            self.network.train(training)
        value = answers.value
        return Evaluation(
            answers.policy.float().cpu().numpy(),
            np.zeros(len(planes), np.float32) if value is None else value.float().cpu().numpy(),
            ownership=None if answers.ownership is None else answers.ownership.float().cpu().numpy(),
        )

    def supports(self, size: int) -> bool:
        return self._boards is None or size in self._boards

    def close(self) -> None:
        pass

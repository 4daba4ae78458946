"""A network file on torch, for GPUs: in bfloat16, with a CUDA graph for each of a few sizes of batches.

A GPU needs less time for a small network than Python needs to ask for its layers one by one. So they are recorded, once
for each size, on memory that stays where it is; from then on a call is one copy to the device, one replay, one copy
back. Batches are filled up to the next power of two. On a CPU the same layers are computed one by one in float32: there
it can be tested, and is slower than what `engine.runtimes` finds.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import Final, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.evaluator import Evaluation, EvaluatorError
from engine.network_file import COMPACT, POLICY
from engine.network_kinds import Network
from engine.playing_network import read_network
from gozero.features import GLOBALS

Precision: TypeAlias = Literal["bf16", "fp32"]
_DTYPES: Final[dict[Precision, torch.dtype]] = {"bf16": torch.bfloat16, "fp32": torch.float32}
LEAST: Final = 8
"""The smallest batch that is computed; fewer boards take a GPU as long."""
MOST: Final = 1024
"""The largest; of more boards several are made."""
_WARM_UP: Final = 3
"""Runs before one is recorded: meanwhile torch's libraries choose how to compute, which cannot be recorded."""
_FLOAT: Final = 4
"""Bytes of a float32."""


def padded(boards: int) -> int:
    """The batch that so many boards are evaluated in."""
    return max(LEAST, 1 << (boards - 1).bit_length())


class CudaEvaluator:
    """The weights beside a network file. Several threads may evaluate; the device serves them one after the other.

    Attributes:
        info: what the file says about itself.
        has_value: whether it judges positions; a network that does not gives 0 for each.
        precision: of its layers but the last ones (`engine.playing_network.HEADS`).
    """

    _turn: Final = Lock()
    """One for all networks of the process: nobody else may use the device while a graph is recorded."""

    def __init__(self, path: str | os.PathLike[str], device: str = "cuda", precision: Precision | None = None) -> None:
        """Loads the `.safetensors` file of the same name as `path`.

        Args:
            device: as torch calls it.
            precision: None for "bf16" on a GPU that computes in it, "fp32" elsewhere.

        Raises:
            NetworkFileError: it is missing or unreadable, or wants input planes that this program does not make.
            EvaluatorError: torch cannot use the device.
        """
        self._path = Path(path).with_suffix(".safetensors")
        self._device = torch.device(device)
        on_gpu = self._device.type == "cuda"
        if on_gpu and not torch.cuda.is_available():
            raise EvaluatorError(f"torch {torch.__version__} finds no CUDA device")
        if precision is None:
            precision = "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
        self.precision: Precision = precision
        network, self.info = read_network(self._path, _DTYPES[precision])
        self.has_value = self.info.kind != POLICY
        self._places: dict[tuple[int, int], _Place] = {}
        try:
            self._network = network.to(self._device)
            self._graphs = _Graphs(self._device) if on_gpu else None
        except RuntimeError as error:
            raise self._failure(error) from error

    @property
    def feature_set(self) -> str:
        return self.info.feature_set

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.Evaluator`. The first call with a size of batches takes a GPU about a second.

        Raises:
            EvaluatorError: the planes are not the network's, or the device failed, such as for want of memory.
        """
        boards, count, size = planes.shape[:3]
        if count != self._network.first.in_channels:
            raise EvaluatorError(
                f"the network {self._path} reads {self._network.first.in_channels} planes, not {count}"
            )
        moves = size * size + 1
        policy = np.empty((boards, moves), np.float32)
        value = np.zeros(boards, np.float32)
        ownership = np.empty((boards, size * size), np.float32) if self.info.kind == COMPACT else None
        try:
            with self._turn, torch.inference_mode():
                for start in range(0, boards, MOST):
                    rows = slice(start, min(start + MOST, boards))
                    place = self._place(size, padded(rows.stop - start))
                    told = place.answer(planes[rows], global_values[rows])
                    policy[rows] = told[:, :moves]
                    if self.has_value:
                        value[rows] = told[:, moves]
                    if ownership is not None:
                        ownership[rows] = told[:, moves + 1 :]
        except RuntimeError as error:  # so are torch's errors of devices and of their memory
            raise self._failure(error) from error
        return Evaluation(policy, value, ownership=ownership)

    def supports(self, size: int) -> bool:
        return self.info.supports(size)

    def close(self) -> None:
        with self._turn:
            self._places.clear()

    def _place(self, size: int, batch: int) -> _Place:
        if (size, batch) not in self._places:
            self._places[size, batch] = _Place(self._network, size, batch, self._device, self._graphs)
        return self._places[size, batch]

    def _failure(self, error: RuntimeError) -> EvaluatorError:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return EvaluatorError(f"torch cannot run the network {self._path} on {self._device}: {reason}")


class _Graphs:
    """Where a network's graphs are recorded and replayed."""

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.pool = torch.cuda.graph_pool_handle()
        """Memory that all share: one is replayed at a time, and its answers are taken before the next."""


class _Place:
    """Memory for batches of one size on boards of one size, and what computes there.

    Inputs lie one after the other, so that one copy takes them to the device: globals, float32[batch, G], and behind
    them planes, uint8[batch, C, S, S]. Rows behind those that are asked about hold what was there before.
    """

    def __init__(self, network: Network, size: int, batch: int, device: torch.device, graphs: _Graphs | None) -> None:
        self._network, self._graphs = network, graphs
        shape = (batch, network.first.in_channels, size, size)
        facts = batch * len(GLOBALS) * _FLOAT
        room = facts + int(np.prod(shape))
        self._facts = facts
        # What lies in pinned memory can be copied by the device itself.
        self._here = torch.zeros(room, dtype=torch.uint8, pin_memory=graphs is not None)
        self._there = torch.zeros(room, dtype=torch.uint8, device=device)
        content = self._here.numpy()
        self._globals = content[:facts].view(np.float32).reshape(batch, -1)
        self._planes = content[facts:].reshape(shape)
        self._inputs = (self._there[facts:].view(shape), self._there[:facts].view(torch.float32).view(batch, -1))
        self._graph: torch.cuda.CUDAGraph | None
        self._graph, self._answers = (None, self._compute()) if graphs is None else self._recorded(graphs)
        self._told = torch.empty(self._answers.shape, pin_memory=graphs is not None)

    def answer(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The answers to at most a batch of boards, float32[boards, columns] as in `_columns`; until the next call."""
        boards = len(planes)
        self._globals[:boards], self._planes[:boards] = global_values, planes
        used = self._facts + planes.size
        told = self._told[:boards]
        if self._graphs is None or self._graph is None:
            self._there[:used].copy_(self._here[:used])
            told.copy_(self._compute()[:boards])
        else:
            with torch.cuda.stream(self._graphs.stream):
                self._there[:used].copy_(self._here[:used], non_blocking=True)
                self._graph.replay()
                told.copy_(self._answers[:boards], non_blocking=True)
            self._graphs.stream.synchronize()
        answers: NDArray[np.float32] = told.numpy()
        return answers

    def _compute(self) -> Tensor:
        planes, global_values = self._inputs
        x = planes.to(self._network.first.weight.dtype, memory_format=torch.channels_last)
        return _columns(*self._network(x, global_values)[:3])

    def _recorded(self, graphs: _Graphs) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        graph = torch.cuda.CUDAGraph()
        graphs.stream.wait_stream(torch.cuda.current_stream())  # the memory was cleared there
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            with torch.cuda.stream(graphs.stream):
                for _ in range(_WARM_UP):
                    self._compute()
            graphs.stream.synchronize()
            # Other threads may use the device on streams of their own, such as a learner.
            with torch.cuda.graph(graph, pool=graphs.pool, stream=graphs.stream, capture_error_mode="thread_local"):
                answers = self._compute()
        return graph, answers


def _columns(policy: Tensor, value: Tensor | None, ownership: Tensor | None) -> Tensor:
    """A row for each board, so that one copy brings all answers: S*S+1 logits, the value, S*S points' owners; what a
    network does not answer is left out."""
    parts = [policy, *(() if value is None else (value[:, None],)), *(() if ownership is None else (ownership,))]
    return torch.cat(parts, 1)

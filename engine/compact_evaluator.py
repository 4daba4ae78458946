"""Networks of kind "compact" on the CPU, run by kernels of our own (`engine._compact`)."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import _compact, network_file
from engine._compact import Cut, Room, Shape
from engine._expand import LeafBatch
from engine._products import COLUMNS, ROWS
from engine.evaluator import Evaluation, EvaluatorError
from engine.network_file import COMPACT, LEAST_SHARPNESS, NetworkFileError, NetworkInfo
from engine.tensors import read_tensors
from gozero import features
from gozero._board import SIZE
from gozero.features import GLOBALS, KOMI_SCALE
from gozero.geometry import symmetry_table

_G: Final = {
    3: np.array([[3, 0, 0], [-3, -3, -3], [-1, 1, -1], [1, 2, 4], [0, 0, 6]]) / 6,
    4: np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24,
}
"""What makes GgG' of a 3x3 kernel g, by the width of a tile's outputs."""
_TILES: Final = 50
"""Tiles that are computed at once: two boards of 19x19, five of 9x9. Their numbers stay in the second cache."""
_MOST_PLANES: Final = 64
"""As many as a number has bits."""
_NORM_PARTS: Final = ("weight", "bias", "running_mean", "running_var")
_NORM_EPSILON: Final = 1e-5
"""torch's, for batch norms."""

Weights = dict[str, NDArray[np.float32]]


class _Memory(threading.local):
    """What each thread has of its own."""

    def __init__(self) -> None:
        self.rooms: dict[int, tuple[Cut, Room]] = {}


class CompactEvaluator:
    """A network's weights, as beside a network file. Several threads may evaluate at once; each computes on its own.

    Answers are those of ONNX Runtime but for rounding, and do not depend on what else is in a batch.

    Attributes:
        info: what the file says about itself.
    """

    has_value: Final = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Loads the `.safetensors` file of the same name as `path`.

        Raises:
            NetworkFileError: it is missing or unreadable, or wants input planes that this program does not make.
            EvaluatorError: there are no kernels for such networks.
        """
        path = Path(path).with_suffix(".safetensors")
        tensors, info = read_tensors(path)
        network_file.require_features(info, path)
        self._hold(tensors, info, str(path))

    @classmethod
    def of(cls, tensors: Weights, info: NetworkInfo, origin: str) -> CompactEvaluator:
        """An evaluator on weights in memory, by the names of `engine.networks.Compact`; messages call them `origin`.

        Raises:
            NetworkFileError: they do not fit the architecture that `info` names.
            EvaluatorError: there are no kernels for such networks.
        """
        evaluator = cls.__new__(cls)
        evaluator._hold(tensors, info, origin)
        return evaluator

    def _hold(self, tensors: Weights, info: NetworkInfo, origin: str) -> None:
        self._tensors, self.info, self._origin = tensors, info, origin
        if info.kind != COMPACT:
            raise EvaluatorError(f"there are no kernels for {origin}: it is of kind {info.kind!r}")
        try:
            reason = _hindrance(info)
            self._shape = _shape_of(info)
        except KeyError as error:
            raise NetworkFileError(f"{origin} says nothing about its {error}") from error
        if reason:
            raise EvaluatorError(f"there are no kernels for {origin}: {reason}")
        _require_weights(tensors, self._shape, origin)
        self._weights: dict[int, NDArray[np.float32]] = {}
        self._memory = _Memory()
        self._code = features.set_id(info.feature_set)

    @property
    def feature_set(self) -> str:
        return self.info.feature_set

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """See `engine.evaluator.Evaluator`.

        Raises:
            EvaluatorError: the planes are not the network's.
        """
        boards, count, size = planes.shape[:3]
        if count != self._shape.planes:
            raise EvaluatorError(f"the network {self._origin} reads {self._shape.planes} planes, not {count}")
        policy = np.empty((boards, size * size + 1), np.float32)
        ownership = np.empty((boards, size * size), np.float32)
        value = np.empty(boards, np.float32)
        cut, room = self._room(size)
        _compact.evaluate(
            np.ascontiguousarray(planes).reshape(-1),
            np.ascontiguousarray(global_values, np.float32).reshape(-1),
            self._weights_for(cut.outputs),
            self._shape,
            cut,
            boards,
            room,
            policy.reshape(-1),
            ownership.reshape(-1),
            value,
        )
        return Evaluation(policy, value, ownership=ownership)

    def evaluate_leaves(self, leaves: LeafBatch, count: int) -> Evaluation | None:
        """See `engine.evaluator.LeafEvaluator`."""
        size = int(leaves.boards[0, SIZE])
        points, number = size * size, self._shape.planes
        planes = np.empty((count, number * points), np.uint8)
        policy = np.empty((count, points + 1), np.float32)
        ownership = np.empty((count, points), np.float32)
        value = np.empty(count, np.float32)
        cut, room = self._room(size)
        are_numbers = _compact.evaluate_leaves(
            leaves.boards,
            leaves.recent,
            leaves.symmetry,
            symmetry_table(size),
            self._code,
            planes,
            leaves.global_values.reshape(-1),
            self._weights_for(cut.outputs),
            self._shape,
            cut,
            count,
            room,
            policy,
            ownership.reshape(-1),
            value,
        )
        return Evaluation(policy, value, ownership=ownership) if are_numbers else None

    def supports(self, size: int) -> bool:
        return self.info.supports(size)

    def close(self) -> None:
        self._weights.clear()
        self._memory = _Memory()

    def _weights_for(self, outputs: int) -> NDArray[np.float32]:
        if outputs not in self._weights:
            self._weights[outputs] = arranged(self._tensors, self._shape, outputs)
        return self._weights[outputs]

    def _room(self, size: int) -> tuple[Cut, Room]:
        """How boards of `size` are cut, and the calling thread's memory for them."""
        rooms = self._memory.rooms
        if size not in rooms:
            cut = cut_of(size)
            rooms[size] = cut, room_for(self._shape, cut)
        return rooms[size]


def _hindrance(info: NetworkInfo) -> str:
    """Why there are no kernels for a network; empty if there are."""
    if features.plane_count(info.feature_set) > _MOST_PLANES:
        return f"it reads more than {_MOST_PLANES} planes"
    for name in ("channels", "policy_channels", "value_channels"):
        if info.architecture[name] % COLUMNS:
            return f"its {name} are {info.architecture[name]}, no multiple of {COLUMNS}"
    return ""


def _shape_of(info: NetworkInfo) -> Shape:
    facts = info.architecture
    return Shape(
        planes=features.plane_count(info.feature_set),
        others=len(GLOBALS) - 1,
        channels=facts["channels"],
        blocks=facts["blocks"],
        pool_every=facts["pool_every"] or facts["blocks"] + 1,
        policy_channels=facts["policy_channels"],
        value_channels=facts["value_channels"],
        value_hidden=facts["value_hidden"],
        komi_scale=KOMI_SCALE,
        least_sharpness=LEAST_SHARPNESS,
    )


def _require_weights(tensors: Weights, shape: Shape, origin: str) -> None:
    """Raises NetworkFileError unless there are all weights that `arranged` puts together, each of its shape."""
    channels, hidden, judging, inner = shape.channels, shape.policy_channels, shape.value_channels, shape.value_hidden
    wanted: dict[str, tuple[int, ...]] = {
        "first.weight": (channels, shape.planes, 5, 5),
        "first_globals.weight": (channels, shape.others),
        "first_globals.bias": (channels,),
        "policy.hidden.weight": (hidden, channels, 1, 1),
        "policy.hidden.bias": (hidden,),
        "policy.board.weight": (hidden, 2 * channels),
        "policy.board.bias": (hidden,),
        "policy.point.weight": (1, hidden, 1, 1),
        "policy.point.bias": (1,),
        "policy.passing.weight": (1, hidden),
        "policy.passing.bias": (1,),
        "value.conv.weight": (judging, channels, 1, 1),
        "value.conv.bias": (judging,),
        "value.ownership.weight": (1, judging, 1, 1),
        "value.hidden.weight": (inner, 2 * judging + shape.others),
        "value.hidden.bias": (inner,),
        "value.out.weight": (2, inner),
        "value.out.bias": (2,),
    }
    layers = [("first", "first_norm")]
    for block in range(shape.blocks):
        name = f"trunk.{block}"
        for layer in (1, 2):
            wanted[f"{name}.conv{layer}.weight"] = (channels, channels, 3, 3)
            layers.append((f"{name}.conv{layer}", f"{name}.norm{layer}"))
        if (block + 1) % shape.pool_every == 0:
            wanted |= {f"{name}.pool.weight": (channels, 2 * channels), f"{name}.pool.bias": (channels,)}
    for layer_name, norm in layers:
        normed = f"{norm}.weight" in tensors
        parts = [f"{norm}.{part}" for part in _NORM_PARTS] if normed else [f"{layer_name}.bias"]
        wanted |= dict.fromkeys(parts, (channels,))
    for name, size in wanted.items():
        if name not in tensors or tensors[name].shape != size:
            raise NetworkFileError(f"the weights in {origin} do not fit its architecture: {name} is not {size}")


def cut_of(size: int) -> Cut:
    """How boards of `size` are cut: as takes the fewest products."""
    outputs = min(_G, key=lambda outputs: (-(-size // outputs) * (outputs + 2)) ** 2)
    across = -(-size // outputs)
    return Cut(size, outputs, across, width=across * outputs + 2, at_once=max(1, _TILES // across**2))


def room_for(shape: Shape, cut: Cut) -> Room:
    """Memory for as many boards as are computed at once, borders zeroed."""
    points, channels = cut.size**2, shape.channels
    cells = cut.at_once * cut.width**2 * channels
    tiles = (cut.outputs + 2) ** 2 * ((cut.at_once * cut.across**2 + ROWS) * channels + COLUMNS)
    seen = (cut.size * cut.width + ROWS) * (shape.policy_channels + shape.value_channels)
    return Room(
        x=np.zeros(cells, np.float32),
        hidden=np.zeros(cells, np.float32),
        tiles=np.zeros(tiles, np.float32),
        products=np.zeros(max(tiles, seen), np.float32),
        looks=np.zeros((cut.size + 4) ** 2, np.int64),
        bits=np.zeros(points, np.uint64),
        met=np.zeros(1, np.int64),
        slots=np.zeros(_compact.SLOTS, np.int64),
        masks=np.zeros(_compact.LOOKS + 1, np.uint64),
        sums=np.zeros((_compact.LOOKS + 1) * 25 * channels, np.float32),
        shift=np.zeros(cut.at_once * channels, np.float32),
        pooled=np.zeros(
            3 * max(channels, shape.value_channels) + max(shape.policy_channels, shape.value_hidden), np.float32
        ),
    )


def arranged(tensors: Weights, shape: Shape, outputs: int) -> NDArray[np.float32]:
    """All weights in the order in which `engine._compact` reads them, norms folded, for tiles of so many outputs."""
    parts: list[NDArray[Any]] = []
    weight, bias = _folded(tensors, "first", "first_norm")
    parts += [weight.transpose(1, 2, 3, 0), bias + tensors["first_globals.bias"], tensors["first_globals.weight"].T]
    for block in range(shape.blocks):
        name = f"trunk.{block}"
        for layer in (1, 2):
            weight, bias = _folded(tensors, f"{name}.conv{layer}", f"{name}.norm{layer}")
            pools = layer == 2 and (block + 1) % shape.pool_every == 0
            parts += [_transformed(weight, outputs), bias + tensors[f"{name}.pool.bias"] if pools else bias]
            if pools:
                parts.append(tensors[f"{name}.pool.weight"].T)
    hidden, judging = tensors["policy.hidden.weight"], tensors["value.conv.weight"]
    parts.append(_panels(np.concatenate([hidden, judging])[:, :, 0, 0].T))
    parts += [tensors["policy.board.bias"], tensors["policy.board.weight"].T, tensors["policy.hidden.bias"]]
    parts += [tensors[f"policy.{name}"] for name in ("point.weight", "passing.weight", "point.bias", "passing.bias")]
    parts += [tensors["value.conv.bias"], tensors["value.ownership.weight"]]
    parts += [tensors["value.hidden.bias"], tensors["value.hidden.weight"].T]
    parts += [tensors["value.out.bias"], tensors["value.out.weight"].T]
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)


def _folded(tensors: Weights, layer: str, norm: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight and bias of a convolution together with its batch norm, where it has one."""
    weight = tensors[f"{layer}.weight"].astype(np.float64)
    if f"{norm}.weight" not in tensors:
        return weight, tensors[f"{layer}.bias"].astype(np.float64)
    scale = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"].astype(np.float64) + _NORM_EPSILON)
    return weight * scale[:, None, None, None], tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale


def _transformed(weight: NDArray[np.float64], outputs: int) -> NDArray[np.float64]:
    """GgG' of the kernels [O, I, 3, 3] as [(outputs + 2)^2, O / 16, I, 16]."""
    g = _G[outputs]
    both_ways = np.einsum("ay,oiyx,bx->abio", g, weight, g, optimize=True)
    return _panels(both_ways.reshape(-1, *both_ways.shape[2:]))


def _panels(matrices: NDArray[Any]) -> NDArray[Any]:
    """[..., I, O] in the order of [..., O / 16, I, 16]."""
    *outer, inputs, outputs = matrices.shape
    return np.moveaxis(matrices.reshape(*outer, inputs, outputs // COLUMNS, COLUMNS), -2, -3)

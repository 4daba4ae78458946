"""The eight symmetries of the board, applied to planes and to policies."""

import numpy as np
from numpy.typing import NDArray

from gozero.geometry import SYMMETRIES, inverse_symmetry, symmetry_table

__all__ = ["SYMMETRIES", "inverse_symmetry", "symmetry_table", "transform_planes", "transform_policy"]


def transform_planes(planes: NDArray[np.uint8], symmetry: int) -> NDArray[np.uint8]:
    """Planes uint8[..., size, size] as they look on the transformed board."""
    size = planes.shape[-1]
    flat = planes.reshape(*planes.shape[:-2], size * size)
    moved = np.empty_like(flat)
    moved[..., symmetry_table(size)[symmetry, :-1]] = flat
    return moved.reshape(planes.shape)


def transform_policy(policy: NDArray[np.float32], symmetry: int) -> NDArray[np.float32]:
    """A policy float32[..., size * size + 1] over move indices as it looks on the transformed board; passes stay."""
    size = round((policy.shape[-1] - 1) ** 0.5)
    moved = np.empty_like(policy)
    moved[..., symmetry_table(size)[symmetry]] = policy
    return moved

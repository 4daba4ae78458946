"""A board as a picture, in numpy alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gozero import coords
from gozero.coords import BLACK, EMPTY

CELL: Final = 32
"""Pixels from one line to the next."""
_WOOD: Final = np.array([220, 179, 92], np.float32)
_INK: Final = np.array([40, 30, 20], np.float32)
_STONES: Final = {BLACK: np.array([20, 20, 20], np.float32), coords.WHITE: np.array([245, 245, 245], np.float32)}
_MARK: Final = np.array([220, 60, 40], np.float32)


def draw(colours: NDArray[np.uint8], last_move: int) -> NDArray[np.uint8]:
    """The board as uint8[CELL * size, CELL * size, 3] in RGB, the last move marked if it is a point of the board.

    colours: uint8[size, size], as `diagram.read` gives them.
    """
    size = len(colours)
    image = np.empty((CELL * size, CELL * size, 3), np.float32)
    image[:] = _WOOD
    first, last = CELL // 2, CELL * size - CELL // 2
    for line in range(first, last + 1, CELL):
        image[line, first : last + 1] = _INK
        image[first : last + 1, line] = _INK
    for row, column in np.argwhere(colours != EMPTY).tolist():
        _disc(_cell(image, row, column), 0.47 * CELL, _STONES[int(colours[row, column])])
    if last_move > coords.PASS:
        _disc(_cell(image, *coords.row_col(last_move, size)), 0.15 * CELL, _MARK)
    return np.rint(image).astype(np.uint8)


def _cell(image: NDArray[np.float32], row: int, column: int) -> NDArray[np.float32]:
    """The part of the picture around a point, to be drawn on."""
    return image[CELL * row : CELL * (row + 1), CELL * column : CELL * (column + 1)]


def _disc(cell: NDArray[np.float32], radius: float, colour: NDArray[np.float32]) -> None:
    """A disc of `radius` pixels in the middle, its rim smoothed over one pixel."""
    offsets = np.arange(CELL) - CELL // 2
    distance = np.hypot(offsets[:, None], offsets[None, :])
    cover = np.clip(radius + 0.5 - distance, 0.0, 1.0)[..., None].astype(np.float32)
    cell += cover * (colour - cell)

"""Diagrams: a board as text that a person can type and read."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gozero import coords
from gozero.coords import BLACK, EMPTY, PASS, WHITE, format_vertex
from gozero.geometry import board_points

_COLUMNS: Final = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # above and below a diagram; people count I in
_CHARACTERS: Final = ".XO"
_COLOURS: Final = {".": EMPTY, "+": EMPTY, "X": BLACK, "O": WHITE}


def read(text: str) -> NDArray[np.uint8]:
    """The board of a diagram: uint8[size, size], 0 empty, 1 Black, 2 White, top row first.

    One line a row, top row first, X Black, O White, . or + empty. Spaces and parentheses are ignored, so is a line of
    column letters above or below, and so are row numbers at either side if they are right: what `draw` makes can be
    read back.

    Raises:
        ValueError: the diagram is no square board; the text names row (from the top) and column (from the left), both
            from 1.
    """
    lines = [" ".join(line.replace("(", " ").replace(")", " ").split()) for line in text.splitlines()]
    lines = [line for line in lines if line and not _COLUMNS.startswith(line.replace(" ", "").upper().replace("I", ""))]
    size = len(lines)
    if not coords.MIN_SIZE <= size <= coords.MAX_SIZE:
        raise ValueError(f"a board of {size} rows is not supported: {coords.MIN_SIZE} to {coords.MAX_SIZE} are")
    rows = []
    for number, line in enumerate(lines, start=1):
        parts = re.fullmatch(r"(\d*)(.*?)(\d*)", line)
        assert parts
        for label in (parts[1], parts[3]):
            if label and label != str(size + 1 - number):
                raise ValueError(f"row {number} from the top is numbered {label} but should be {size + 1 - number}")
        row = parts[2].replace(" ", "").upper()
        for column, cell in enumerate(row, start=1):
            if cell not in _COLOURS:
                raise ValueError(f"row {number}, column {column}: '{cell}' is not X, O, . or +")
        if len(row) != size:
            raise ValueError(f"row {number} has {len(row)} points, but the board has {size} rows")
        rows.append([_COLOURS[cell] for cell in row])
    return np.array(rows, np.uint8)


def draw(colours: NDArray[np.uint8], last_move: int) -> str:
    """A diagram with coordinates, Black X, White O, the last move in parentheses if it is a point of the board.

    colours: uint8[size, size], as `read` gives them.
    """
    size = len(colours)
    letters = "   " + " ".join(format_vertex(point, size)[0] for point in board_points(size)[:size].tolist())
    rows = [
        f"{size - row:2} " + " ".join(_CHARACTERS[colour] for colour in line) + f" {size - row}"
        for row, line in enumerate(colours.tolist())
    ]
    if last_move > PASS:
        row, column = coords.row_col(last_move, size)
        at = 3 + 2 * column
        rows[row] = rows[row][: at - 1] + "(" + rows[row][at] + ")" + rows[row][at + 2 :]
    return "\n".join([letters, *rows, letters])

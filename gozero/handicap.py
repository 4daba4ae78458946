"""Where handicap stones go: the fixed points of the GTP specification, and a spread-out choice beyond them."""

from typing import Final

import numpy as np

from gozero import coords
from gozero.geometry import board_points

# Row (from the bottom) and column of each stone: 0 low, 1 middle, 2 high (GTP 2 draft 2, "Fixed Handicap Placement").
_CORNERS: Final = ((0, 0), (2, 2), (2, 0), (0, 2))
_LEFT_RIGHT: Final = ((1, 0), (1, 2))
_BOTTOM_TOP: Final = ((0, 1), (2, 1))
_CENTRE: Final = ((1, 1),)
_LAYOUTS: Final = {
    2: _CORNERS[:2],
    3: _CORNERS[:3],
    4: _CORNERS,
    5: _CORNERS + _CENTRE,
    6: _CORNERS + _LEFT_RIGHT,
    7: _CORNERS + _LEFT_RIGHT + _CENTRE,
    8: _CORNERS + _LEFT_RIGHT + _BOTTOM_TOP,
    9: _CORNERS + _LEFT_RIGHT + _BOTTOM_TOP + _CENTRE,
}


def largest_fixed_handicap(size: int) -> int:
    """How many stones `fixed_handicap` can place: 9 on odd boards, 4 on even ones and on 7x7, none below (GNU Go)."""
    if size < 7:
        return 0
    return 4 if size % 2 == 0 or size == 7 else 9


def fixed_handicap(size: int, stones: int) -> list[int]:
    """The points of a fixed handicap, in the order of the GTP specification: on 19x19 D4, Q16, D16, Q4 and so on.

    The stones stand on the fourth line from 13x13 up and on the third below.

    Raises:
        ValueError: the size has no fixed points for so many stones.
    """
    largest = largest_fixed_handicap(size)
    if not 2 <= stones <= largest:
        allowed = f"2 to {largest} are possible" if largest else "there are no fixed points"
        raise ValueError(f"invalid number of stones: {stones}, {allowed} on {size}x{size}")
    line = 3 if size >= 13 else 2
    lines = (line, size // 2, size - 1 - line)
    return [coords.point_at(size - 1 - lines[row], lines[column], size) for row, column in _LAYOUTS[stones]]


def free_handicap(size: int, stones: int) -> list[int]:
    """Exactly `stones` points for a free handicap: the fixed ones as far as they go, then the widest gaps in turn.

    Raises:
        ValueError: fewer than 2 stones, or no point would stay empty.
    """
    if not 2 <= stones < size * size:
        allowed = f"2 to {size * size - 1} are possible" if size > 1 else "there is room for none"
        raise ValueError(f"invalid number of stones: {stones}, {allowed} on {size}x{size}")
    largest = largest_fixed_handicap(size)
    points = fixed_handicap(size, min(stones, largest)) if largest else []
    rows, columns = np.divmod(np.arange(size * size), size)
    lines = np.minimum.reduce([rows, columns, size - 1 - rows, size - 1 - columns])
    # The first two lines are worth little: they count as if a stone stood near, and fill up last.
    gap = np.where(lines >= 2, np.float64(4 * size * size), lines / 4)
    middle = (size - 1) / 2
    off_centre = ((rows - middle) ** 2 + (columns - middle) ** 2) / (size * size * size)

    def close_gap(index: int) -> None:
        distance = (rows - rows[index]) ** 2 + (columns - columns[index]) ** 2
        np.minimum(gap, distance, out=gap)
        gap[index] = -np.inf

    for point in points:
        close_gap(coords.move_index(point, size))
    while len(points) < stones:
        index = int(np.argmax(gap - off_centre))
        points.append(int(board_points(size)[index]))
        close_gap(index)
    return points

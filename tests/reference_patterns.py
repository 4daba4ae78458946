"""3x3 and diamond patterns the slow and obvious way: look at every point, flood-fill its chain."""

from __future__ import annotations

from tests.reference_board import Place, SlowBoard

BESIDE = [(-1, 0), (0, -1), (0, 1), (1, 0)]
DIAGONAL = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
TWO_STEPS = [(-2, 0), (0, -2), (0, 2), (2, 0)]
DIAMOND = BESIDE + DIAGONAL + TWO_STEPS


def is_on(board: SlowBoard, place: Place) -> bool:
    return 0 <= place[0] < board.size and 0 <= place[1] < board.size


def moved(place: Place, offset: Place) -> Place:
    return place[0] + offset[0], place[1] + offset[1]


def sight(board: SlowBoard, place: Place, own: int) -> int:
    """0 empty, 4 off the board, 1 to 3 own stones by liberties, 5 to 7 the other's."""
    if not is_on(board, place):
        return 4
    if place not in board.stones:
        return 0
    return min(len(board.liberties(place)), 3) + (0 if board.stones[place] == own else 4)


def colour_seen(board: SlowBoard, place: Place, own: int) -> int:
    """0 empty, 1 own, 2 the other's, 3 off the board."""
    if not is_on(board, place):
        return 3
    return {None: 0, own: 1, 3 - own: 2}[board.stones.get(place)]


def code(board: SlowBoard, place: Place, own: int = 1) -> int:
    """The 3x3 code of an empty point as `own` sees it."""
    beside = [sight(board, moved(place, offset), own) for offset in BESIDE]
    diagonal = [colour_seen(board, moved(place, offset), own) for offset in DIAGONAL]
    return sum(s << 3 * i for i, s in enumerate(beside)) + sum(c << 12 + 2 * i for i, c in enumerate(diagonal))


def diamond(board: SlowBoard, place: Place, own: int) -> int:
    """The diamond code around a point as `own` sees it."""
    return sum(sight(board, moved(place, offset), own) << 3 * i for i, offset in enumerate(DIAMOND))

import subprocess

import numpy as np
import pytest

from gozero.coords import format_vertex
from gozero.handicap import fixed_handicap, free_handicap, largest_fixed_handicap
from gozero.position import Position


def vertices(points: list[int], size: int) -> str:
    return " ".join(format_vertex(point, size) for point in points)


# The table of the GTP specification (version 2, draft 2) for 19x19, and what follows from its text for other sizes.
@pytest.mark.parametrize(
    ("size", "stones", "expected"),
    [
        (19, 2, "D4 Q16"),
        (19, 3, "D4 Q16 D16"),
        (19, 4, "D4 Q16 D16 Q4"),
        (19, 5, "D4 Q16 D16 Q4 K10"),
        (19, 6, "D4 Q16 D16 Q4 D10 Q10"),
        (19, 7, "D4 Q16 D16 Q4 D10 Q10 K10"),
        (19, 8, "D4 Q16 D16 Q4 D10 Q10 K4 K16"),
        (19, 9, "D4 Q16 D16 Q4 D10 Q10 K4 K16 K10"),
        (13, 5, "D4 K10 D10 K4 G7"),
        (12, 4, "C3 K10 C10 K3"),
        (9, 4, "C3 G7 C7 G3"),
        (8, 3, "C3 F6 C6"),
        (7, 4, "C3 E5 C5 E3"),
    ],
)
def test_fixed_handicap(size: int, stones: int, expected: str) -> None:
    assert vertices(fixed_handicap(size, stones), size) == expected


def test_fixed_handicap_equals_gnugo(gnugo: list[str]) -> None:
    """As sets of stones, on every size from 2 to 19 but 12, where GNU Go already takes the fourth line."""
    cases = [(size, stones) for size in range(2, 20) if size != 12 for stones in range(1, 11)]
    commands = "".join(f"boardsize {size}\nclear_board\nfixed_handicap {stones}\n" for size, stones in cases)
    done = subprocess.run(gnugo, input=commands, capture_output=True, text=True, timeout=60, check=True)
    answers = done.stdout.split("\n\n")[2::3]
    for (size, stones), answer in zip(cases, answers[: len(cases)], strict=True):
        if answer.startswith("?"):
            with pytest.raises(ValueError, match="invalid number of stones"):
                fixed_handicap(size, stones)
        else:
            assert sorted(vertices(fixed_handicap(size, stones), size).split()) == sorted(answer[1:].split())


@pytest.mark.parametrize(("size", "largest"), [(1, 0), (6, 0), (7, 4), (8, 4), (9, 9), (10, 4), (19, 9), (25, 9)])
def test_largest_fixed_handicap_follows_size_and_parity(size: int, largest: int) -> None:
    assert largest_fixed_handicap(size) == largest
    for stones in range(2, largest + 1):
        assert len(set(fixed_handicap(size, stones))) == stones
    for stones in (-1, 0, 1, largest + 1, 10):
        with pytest.raises(ValueError, match="invalid number of stones"):
            fixed_handicap(size, stones)


@pytest.mark.parametrize("size", [2, 3, 5, 6, 9, 14, 19, 25])
def test_free_handicap_places_any_number_of_stones_that_leaves_a_point(size: int) -> None:
    for stones in {2, 3, min(13, size * size - 1), size * size - 1}:
        points = free_handicap(size, stones)
        assert len(points) == len(set(points)) == stones
        position = Position(size)
        position.place_handicap(points)
        assert position.handicap == stones
    for stones in (0, 1, size * size):
        with pytest.raises(ValueError, match="invalid number of stones"):
            free_handicap(size, stones)


def test_free_handicap_starts_with_the_fixed_points_and_then_fills_the_gaps() -> None:
    assert free_handicap(19, 4) == fixed_handicap(19, 4)
    points = free_handicap(19, 13)
    assert points[:9] == fixed_handicap(19, 9)
    position = Position(19)
    position.place_handicap(points)
    rows, columns = np.nonzero(position.colours())
    assert min(rows.min(), columns.min()) >= 2
    assert max(rows.max(), columns.max()) <= 16
    distances = np.abs(rows[:, None] - rows) + np.abs(columns[:, None] - columns)
    assert distances[np.triu_indices(13, 1)].min() >= 4

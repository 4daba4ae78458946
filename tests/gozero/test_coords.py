import pytest

from gozero import coords
from gozero.coords import BLACK, PASS, RESIGN, WHITE
from gozero.geometry import board_points

SIZES = range(1, 26)


@pytest.mark.parametrize("size", SIZES)
def test_every_spelling_of_a_point_leads_back_to_it(size: int) -> None:
    points = board_points(size).tolist()
    assert len(set(points)) == size * size
    for index, point in enumerate(points):
        assert coords.move_index(point, size) == index
        assert coords.point_of(index, size) == point
        assert coords.point_at(*coords.row_col(point, size), size) == point
        assert coords.parse_vertex(coords.format_vertex(point, size), size) == point
        assert coords.parse_vertex(coords.format_vertex(point, size).lower(), size) == point
        assert coords.parse_sgf_point(coords.format_sgf_point(point, size), size) == point
        assert coords.is_on_board(point, size)
        assert 0 < point < coords.padded_points(size)


@pytest.mark.parametrize("size", SIZES)
def test_cells_beside_a_point_are_inside_the_buffer_and_border_cells_are_no_points(size: int) -> None:
    stride, cells = coords.stride(size), coords.padded_points(size)
    points = set(board_points(size).tolist())
    for point in points:
        for step in (-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1):
            assert 0 <= point + step < cells
    assert [p for p in range(-2 * stride, cells + stride) if coords.is_on_board(p, size)] == sorted(points)


def test_passes() -> None:
    for size in SIZES:
        assert coords.move_index(PASS, size) == size * size
        assert coords.point_of(size * size, size) == PASS
        assert not coords.is_on_board(PASS, size)
    assert coords.parse_vertex("PASS", 9) == coords.parse_vertex("pass", 9) == PASS
    assert coords.format_vertex(PASS, 9) == "pass"
    assert coords.format_vertex(RESIGN, 9) == "resign"
    assert coords.parse_sgf_point("", 19) == coords.parse_sgf_point("tt", 19) == PASS
    assert coords.format_sgf_point(PASS, 19) == ""
    assert coords.row_col(coords.parse_sgf_point("tt", 25), 25) == (19, 19)


@pytest.mark.parametrize(
    ("vertex", "size", "row", "column"),
    [("A1", 19, 18, 0), ("T19", 19, 0, 18), ("H8", 9, 1, 7), ("J1", 9, 8, 8), ("Z25", 25, 0, 24), (" d4 ", 19, 15, 3)],
)
def test_vertices(vertex: str, size: int, row: int, column: int) -> None:
    assert coords.row_col(coords.parse_vertex(vertex, size), size) == (row, column)


@pytest.mark.parametrize(("text", "row", "column"), [("aa", 0, 0), ("sa", 0, 18), ("dp", 15, 3)])
def test_sgf_points_name_the_column_first(text: str, row: int, column: int) -> None:
    assert coords.row_col(coords.parse_sgf_point(text, 19), 19) == (row, column)


@pytest.mark.parametrize(
    ("vertex", "why"),
    [
        ("I5", "skip the letter I"),
        ("K1", r"outside the 9x9 board \(A1 to J9\)"),
        ("A10", "outside the 9x9 board"),
        ("A0", "outside"),
        ("", "expected a letter and a number"),
        ("5", "expected"),
        ("D", "expected"),
        ("D-4", "expected"),
        ("D4x", "expected"),
        ("D+4", "expected"),
        ("D٤", "expected"),
        ("É4", "expected"),
        ("I", "expected"),
        ("D 4", "expected"),
        ("AA1", "expected"),
        ("A100", "outside the 9x9 board"),
        ("D" + "9" * 5000, "outside the 9x9 board"),
        ("resign", "expected"),
    ],
)
def test_bad_vertices_are_named_with_the_reason(vertex: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"bad vertex '{vertex}': .*{why}".replace("+", r"\+")):
        coords.parse_vertex(vertex, 9)


@pytest.mark.parametrize("text", ["a", "aaa", "ja", "aj", "A1", "tt1", "-a"])
def test_bad_sgf_points_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"bad SGF point '{text}'"):
        coords.parse_sgf_point(text, 9)


@pytest.mark.parametrize("point", [-1, 1, 9, 10, 20, 90, 100, 101, 10_000])
def test_border_cells_have_no_row_and_column(point: int) -> None:
    with pytest.raises(ValueError, match="is not on a 9x9 board"):
        coords.row_col(point, 9)


def test_rows_columns_and_indices_off_the_board() -> None:
    for row, column in [(-1, 0), (0, -1), (9, 0), (0, 9)]:
        with pytest.raises(ValueError, match="is not on a 9x9 board"):
            coords.point_at(row, column, 9)
    for index in (-1, 82):
        with pytest.raises(ValueError, match=r"outside 0\.\.81"):
            coords.point_of(index, 9)


def test_colours() -> None:
    assert [coords.parse_colour(text) for text in ("b", "B", "black", "Black")] == [BLACK] * 4
    assert [coords.parse_colour(text) for text in ("w", "W", "white", "WHITE")] == [WHITE] * 4
    assert (coords.opponent(BLACK), coords.opponent(WHITE)) == (WHITE, BLACK)
    assert (coords.colour_letter(BLACK), coords.colour_letter(WHITE)) == ("B", "W")
    assert (coords.colour_name(BLACK), coords.colour_name(WHITE)) == ("Black", "White")
    with pytest.raises(ValueError, match="bad colour 'green'"):
        coords.parse_colour("green")

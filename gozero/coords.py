"""Points, colours and their spellings.

A *point* is one flat index into a board with a border: row 0 is the top row (as in SGF and in images), column 0 the
left one, every row is preceded by one border cell, and a border row stands above and below. Inside the program every
move is such a point; GTP vertices, SGF coordinates and network indices are converted here and nowhere else.
"""

from typing import Final

EMPTY: Final = 0
BLACK: Final = 1
WHITE: Final = 2
BORDER: Final = 3

MIN_SIZE: Final = 1
MAX_SIZE: Final = 25

PASS: Final = 0
"""The move that plays no stone; as a point it lies on the border, so that no board cell shares its value."""
RESIGN: Final = -1
"""What a player may answer instead of a point; never given to a board."""
NO_MOVE: Final = -2
"""Stands where there is no move at all, for instance before the first one."""

_GTP_COLUMNS: Final = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
_SGF_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_COLOUR_NAMES: Final = {"b": BLACK, "black": BLACK, "w": WHITE, "white": WHITE}


def opponent(colour: int) -> int:
    """The other player's colour."""
    return 3 - colour


def stride(size: int) -> int:
    """Distance between two vertically adjacent points."""
    return size + 1


def padded_points(size: int) -> int:
    """Number of cells of the board with its border."""
    return (size + 1) * (size + 2) + 1


def point_at(row: int, column: int, size: int) -> int:
    """The point at `row` from the top and `column` from the left, both from 0.

    Raises:
        ValueError: the row or column is not on the board.
    """
    if not (0 <= row < size and 0 <= column < size):
        raise ValueError(f"row {row}, column {column} is not on a {size}x{size} board")
    return (row + 1) * stride(size) + column + 1


def row_col(point: int, size: int) -> tuple[int, int]:
    """Row from the top and column from the left, both from 0, of a point on the board.

    Raises:
        ValueError: `point` is a pass, a border cell or outside the board.
    """
    row, column = divmod(point, stride(size))
    if not (1 <= row <= size and 1 <= column <= size):
        raise ValueError(f"point {point} is not on a {size}x{size} board")
    return row - 1, column - 1


def is_on_board(point: int, size: int) -> bool:
    """Whether `point` is a cell that can hold a stone."""
    row, column = divmod(point, stride(size))
    return 1 <= row <= size and 1 <= column <= size


def move_index(point: int, size: int) -> int:
    """Index of a move in network outputs and packed stores: row * size + column; a pass is size * size.

    Raises:
        ValueError: `point` is neither a pass nor on the board.
    """
    if point == PASS:
        return size * size
    row, column = row_col(point, size)
    return row * size + column


def point_of(index: int, size: int) -> int:
    """The point, or `PASS`, of a move index (see `move_index`).

    Raises:
        ValueError: `index` is outside 0..size * size.
    """
    if index == size * size:
        return PASS
    if not 0 <= index < size * size:
        raise ValueError(f"move index {index} is outside 0..{size * size}")
    return point_at(index // size, index % size, size)


def parse_vertex(text: str, size: int) -> int:
    """The point of a GTP vertex such as "D4", or `PASS` for "pass"; case does not matter.

    Raises:
        ValueError: the text is no vertex, or names a point outside the board.
    """
    vertex = text.strip().upper()
    if vertex == "PASS":
        return PASS
    letter, number = vertex[:1], vertex[1:]
    if not (vertex.isascii() and letter.isalpha() and number.isdigit()):
        raise ValueError(f"bad vertex {text!r}: expected a letter and a number such as D4, or pass")
    if letter == "I":
        raise ValueError(f"bad vertex {text!r}: GTP columns skip the letter I")
    column = _GTP_COLUMNS.index(letter)
    if not (column < size and len(number) <= 2 and 1 <= int(number) <= size):
        last = f"{_GTP_COLUMNS[size - 1]}{size}"
        raise ValueError(f"bad vertex {text!r}: outside the {size}x{size} board (A1 to {last})")
    return point_at(size - int(number), column, size)


def format_vertex(point: int, size: int) -> str:
    """The GTP vertex of a point in upper case, "pass" for `PASS`, "resign" for `RESIGN`."""
    if point == PASS:
        return "pass"
    if point == RESIGN:
        return "resign"
    row, column = row_col(point, size)
    return f"{_GTP_COLUMNS[column]}{size - row}"


def parse_sgf_point(text: str, size: int) -> int:
    """The point of an SGF coordinate pair; "" is a pass, and so is "tt" on boards up to 19x19 (FF[3]).

    Raises:
        ValueError: the text is no coordinate pair of this board.
    """
    if text == "" or (text == "tt" and size <= 19):
        return PASS
    if len(text) != 2:
        raise ValueError(f"bad SGF point {text!r}: expected two letters")
    column, row = _SGF_LETTERS.find(text[0]), _SGF_LETTERS.find(text[1])
    if not (0 <= row < size and 0 <= column < size):
        last = _SGF_LETTERS[size - 1] * 2
        raise ValueError(f"bad SGF point {text!r}: outside the {size}x{size} board (aa to {last})")
    return point_at(row, column, size)


def format_sgf_point(point: int, size: int) -> str:
    """The SGF coordinate pair of a point; "" for `PASS`."""
    if point == PASS:
        return ""
    row, column = row_col(point, size)
    return _SGF_LETTERS[column] + _SGF_LETTERS[row]


def parse_colour(text: str) -> int:
    """`BLACK` or `WHITE` from "b", "w", "black" or "white" in any case.

    Raises:
        ValueError: the text names no colour.
    """
    colour = _COLOUR_NAMES.get(text.lower())
    if colour is None:
        raise ValueError(f"bad colour {text!r}: expected b, w, black or white")
    return colour


def colour_letter(colour: int) -> str:
    """ "B" or "W"."""
    return "B" if colour == BLACK else "W"


def checked_colour(colour: int) -> int:
    """The colour itself, if it is a player's.

    Raises:
        ValueError: it is neither BLACK nor WHITE.
    """
    if colour not in (BLACK, WHITE):
        raise ValueError(f"colour {colour} is neither BLACK ({BLACK}) nor WHITE ({WHITE})")
    return colour


def colour_name(colour: int) -> str:
    """ "Black" or "White"."""
    return "Black" if colour == BLACK else "White"

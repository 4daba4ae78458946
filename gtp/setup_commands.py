"""Stones that are put on the board without being played: handicaps and positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from gozero import coords
from gtp.call import Call, Handler, format_points, parse_vertex
from gtp.protocol import GtpError

if TYPE_CHECKING:
    from gozero.position import Position


def fixed_handicap(call: Call) -> str:
    """`fixed_handicap N`: black stones on the fixed points of the specification; answers them."""
    return _handicap(call, "fixed_handicap")


def place_free_handicap(call: Call) -> str:
    """`place_free_handicap N`: exactly N black stones where the engine wants them; answers them."""
    return _handicap(call, "free_handicap")


def set_free_handicap(call: Call) -> str:
    """`set_free_handicap VERTEX VERTEX ...`: black stones where the program wants them."""
    position = call.position
    _check_empty(position)
    complaint = "bad vertex list"
    points = [parse_vertex(word, position.size, complaint) for word in call.arguments]
    if len(points) < 2 or coords.PASS in points or len(set(points)) < len(points):
        raise GtpError(complaint)
    try:
        position.place_handicap(points)
    except ValueError:  # every point of the board was named
        raise GtpError(complaint) from None
    return ""


def set_position(call: Call) -> str:
    """`set_position COLOUR VERTEX ...`: exactly these stones, as the start of a game."""
    call.session.wait_for_board(call.attention)
    old = call.position
    position = type(old)(old.size, old.komi, old.rules)
    _set_up(call, position)
    call.session.position = position
    return ""


def gogui_setup(call: Call) -> str:
    """`gogui-setup COLOUR VERTEX ...`: adds stones without playing them."""
    position = call.position.copy()
    _set_up(call, position)
    call.session.position = position
    return ""


def gogui_setup_player(call: Call) -> str:
    """`gogui-setup_player COLOUR`: whose turn it is."""
    call.position.to_play = call.colour()
    return ""


def _handicap(call: Call, kind: Literal["fixed_handicap", "free_handicap"]) -> str:
    stones = call.integer(0, "handicap not an integer")
    position = call.position
    _check_empty(position)
    from gozero import handicap

    try:
        points: list[int] = getattr(handicap, kind)(position.size, stones)
    except ValueError:
        raise GtpError("invalid number of stones") from None
    position.place_handicap(points)
    return format_points(points, position.size)


def _check_empty(position: Position) -> None:
    if position.moves or position.colours().any():
        raise GtpError("board not empty")


def _set_up(call: Call, position: Position) -> None:
    for colour, point in call.stones():
        try:
            position.add_stone(point, colour)
        except ValueError as error:
            raise GtpError(str(error)) from None


COMMANDS: Final[dict[str, Handler]] = {
    "fixed_handicap": fixed_handicap,
    "place_free_handicap": place_free_handicap,
    "set_free_handicap": set_free_handicap,
    "set_position": set_position,
    "gogui-setup": gogui_setup,
    "gogui-setup_player": gogui_setup_player,
}

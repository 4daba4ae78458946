"""The board: its size, moves on it, and moves taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gozero import coords
from gozero.amounts import komi_text
from gtp.call import BAD_MOVE, Call, Handler, parse_colour, parse_vertex
from gtp.protocol import GtpError

if TYPE_CHECKING:
    from gozero.position import Position


def boardsize(call: Call) -> str:
    """`boardsize N`, or `boardsize N N` for programs that know other boards too."""
    width = call.integer(0, "boardsize not an integer")
    height = call.integer(1, "boardsize not an integer") if len(call.arguments) > 1 else width
    if width != height or not coords.MIN_SIZE <= width <= coords.MAX_SIZE:
        raise GtpError("unacceptable size")
    call.session.wait_for_board(call.attention)
    call.session.new_game(width)
    return ""


def rectangular_boardsize(call: Call) -> str:
    """`rectangular_boardsize WIDTH HEIGHT`; only squares are possible."""
    call.argument(1, "boardsize not two integers")
    return boardsize(call)


def clear_board(call: Call) -> str:
    """An empty board; komi, rules and time settings stay."""
    call.session.wait_for_board(call.attention)
    call.session.new_game()
    return ""


MOST_KOMI: Final = 1e6
"""Beyond any board; larger numbers would overflow in a network."""


def komi(call: Call) -> str:
    """`komi POINTS`."""
    points = call.number(0, "unacceptable komi")
    if abs(points) > MOST_KOMI:
        raise GtpError("unacceptable komi")
    call.position.komi = points
    return ""


def play(call: Call) -> str:
    """`play COLOUR VERTEX`, in or out of turn."""
    call.argument(1, BAD_MOVE)
    position = call.position
    _play(call, position, parse_colour(call.arguments[0]), parse_vertex(call.arguments[1], position.size))
    return ""


def play_sequence(call: Call) -> str:
    """`gogui-play_sequence COLOUR VERTEX ...`: all the moves, or none."""
    position = call.position.copy()
    for colour, point in call.stones():
        _play(call, position, colour, point)
    call.session.position = position
    return ""


def undo(call: Call) -> str:
    """Takes back a move, or a handicap or other set-up."""
    return _undo(call, 1)


def gg_undo(call: Call) -> str:
    """`gg-undo [N]`: takes back N moves, or none where there are not so many."""
    count = call.integer(0, "cannot undo") if call.arguments else 1
    if count < 0:
        raise GtpError("cannot undo")
    return _undo(call, count)


def _undo(call: Call, count: int) -> str:
    position = call.position.copy()
    for _ in range(count):
        try:
            position.undo()
        except ValueError:
            raise GtpError("cannot undo") from None
    call.session.position = position
    return ""


def showboard(call: Call) -> str:
    """The board for people."""
    position = call.position
    black, white = position.captured
    turn, komi = coords.colour_name(position.to_play), komi_text(position.komi)
    return (
        f"\n{position}\n{turn} to play, move {len(position.moves) + 1}, komi {komi}, {position.rules.name}"
        f" rules\nCaptured: {white} by Black (X), {black} by White (O)"
    )


def _play(call: Call, position: Position, colour: int, point: int) -> None:
    from gozero.illegal_move import IllegalMove

    try:
        position.play(point, colour)
    except IllegalMove as error:
        call.log(str(error))
        raise GtpError("illegal move") from None


COMMANDS: Final[dict[str, Handler]] = {
    "boardsize": boardsize,
    "rectangular_boardsize": rectangular_boardsize,
    "clear_board": clear_board,
    "komi": komi,
    "play": play,
    "undo": undo,
    "gg-undo": gg_undo,
    "gogui-play_sequence": play_sequence,
    "showboard": showboard,
}

"""Moves that the rules forbid, and the words that say why."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gozero import _board, _repetition
from gozero.coords import colour_name, format_vertex
from gozero.rules import Rules

_REASONS: Final = {
    _repetition.OFF_BOARD: "off the board",
    _repetition.OCCUPIED: "occupied",
    _repetition.KO_BAN: "ko",
    _repetition.SUICIDE_BAN: "suicide",
    _repetition.SUPERKO_BAN: "superko",
}


class IllegalMove(ValueError):
    """A move that the rules forbid; the text says which, where and why.

    Attributes:
        reason: "off the board", "occupied", "ko", "suicide" or "superko".
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason, text)
        self.reason = reason

    def __str__(self) -> str:
        return f"illegal move {self.args[1]}"


def illegal_move(
    refusal: int, point: int, colour: int, state: NDArray[np.uint32], rules: Rules, repeated: str
) -> IllegalMove:
    """What to raise for a move of `colour` that `gozero._repetition` refuses, any of its codes but ALLOWED.

    repeated: the earlier position that the move would bring back, in words, where superko forbids it.
    """
    reason = _REASONS[refusal]
    size = int(state[_board.SIZE])
    if reason == "off the board":
        return IllegalMove(reason, f"{point}: no such point on the {size}x{size} board")
    if reason == "occupied":
        holder = colour_name(int(state[_board.COLOUR + point * _board.WORDS]))
        why = f"the point is occupied by {holder}"
    elif reason == "ko":
        why = f"{colour_name(colour)} may not take the ko back at once"
    elif reason == "suicide" and rules.suicide:
        why = f"{colour_name(colour)}'s lone stone would have no liberty"
    elif reason == "suicide":
        why = f"it would be suicide, which {rules.name} rules forbid"
    else:
        why = f"repeats {repeated} ({rules.superko} superko)"
    return IllegalMove(reason, f"{format_vertex(point, size)}: {why}")

"""`lz-analyze` and `kata-analyze`: the options a program may send, and the lines it wants back.

The two dialects differ in numbers only: `lz-` has integers in ten-thousandths and no score, `kata-` has decimals,
always with a point, by which some programs tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gozero import coords
from gtp.protocol import GtpError

if TYPE_CHECKING:
    from engine.result import MoveStats

SHORTEST_INTERVAL = 0.01
"""Seconds between two lines at the least."""


class Dialect(Enum):
    """How numbers are written."""

    LEELA_ZERO = "lz"
    KATAGO = "kata"


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """What follows the name of an analysis command."""

    colour: int | None = None
    """Whose move is analysed, and from whose view; `None` is the player to move."""
    interval: float | None = None
    """Seconds between two lines; `None` where nothing was said."""
    max_moves: int | None = None
    """At most so many moves a line."""
    root_info: bool = False
    """Whether each line ends in a summary of the position (kata- only)."""


def parse_options(arguments: Sequence[str], strict: bool = True) -> AnalysisOptions:
    """Reads `[colour] [interval] [key value]...`; colour and interval may come in either order (Sabaki sends
    `B 50`, Lizzie `10`, LizGoban `interval 10`).

    Programs find out what an engine can do by asking for it, so that an option that is not supported is an error,
    unless `strict` is false: the CGOS client asks for ownership with every move, and goes on without.

    Raises:
        GtpError: an option is unknown, or its value makes no sense.
    """
    colour: int | None = None
    interval: float | None = None
    max_moves: int | None = None
    root_info = False
    words = iter(arguments)
    for word in words:
        key = word.lower()
        if colour is None and key in ("b", "w", "black", "white"):
            colour = coords.parse_colour(key)
        elif interval is None and _is_number(word):
            interval = _seconds(word)
        elif key in ("interval", "minmoves", "maxmoves", "rootinfo", *_NEVER):
            value = next(words, None)
            if value is None:
                raise GtpError(f"'{word}' needs a value")
            if key == "interval":
                interval = _seconds(value)
            elif key == "minmoves":
                _count(value, word)  # every move that was visited is shown anyway
            elif key == "maxmoves":
                max_moves = _count(value, word)
            elif key == "rootinfo":
                root_info = _truth(value, word)
            elif _truth(value, word) and strict:
                raise GtpError(f"'{word}' is not supported")
        else:
            raise GtpError(f"unknown analysis option '{word}'")
    return AnalysisOptions(colour, interval, max_moves, root_info)


# KataGo's switches for what our networks do not tell; "false" is as good as nothing.
_NEVER = ("ownership", "ownershipstdev", "movesownership", "movesownershipstdev", "pvvisits", "pvedgevisits")


def _is_number(word: str) -> bool:
    return word[:1].isdigit() and word.isascii()


def _seconds(word: str) -> float:
    try:
        centiseconds = float(word)
    except ValueError:
        centiseconds = math.nan
    if not 0 <= centiseconds < math.inf:
        raise GtpError(f"bad interval '{word}'")
    return max(centiseconds / 100, SHORTEST_INTERVAL)


def _count(word: str, key: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise GtpError(f"bad value '{word}' of '{key}'")
    return int(word)


def _truth(word: str, key: str) -> bool:
    truth = {"true": True, "1": True, "false": False, "0": False}.get(word.lower())
    if truth is None:
        raise GtpError(f"bad value '{word}' of '{key}'")
    return truth


def info_line(moves: Sequence[MoveStats], size: int, dialect: Dialect, options: AnalysisOptions, visits: int) -> str:
    """All moves on one line, best first, `pv` last in each; "" while there is nothing to tell.

    Values are from the view of the player to move at the root, which is the colour that was asked for. `visits` are
    those of the root.
    """
    shown = moves[: options.max_moves]
    if not shown:
        return ""
    write = _kata_info if dialect is Dialect.KATAGO else _lz_info
    parts = [write(move, order, size) for order, move in enumerate(shown)]
    if options.root_info and dialect is Dialect.KATAGO:
        parts.append(_root_info(shown, visits, size))
    return " ".join(parts)


def _lz_info(move: MoveStats, order: int, size: int) -> str:
    return (
        f"info move {coords.format_vertex(move.point, size)} visits {move.visits}"
        f" winrate {_ten_thousandths(win_rate(move.value))} prior {_ten_thousandths(move.prior)}"
        f" lcb {_ten_thousandths(win_rate(move.lcb))} order {order} pv {_variation(move, size)}"
    )


def _kata_info(move: MoveStats, order: int, size: int) -> str:
    return (
        f"info move {coords.format_vertex(move.point, size)} visits {move.visits} {_kata_values(move.value, size)}"
        f" prior {move.prior:.4f} lcb {win_rate(move.lcb):.4f} order {order} pv {_variation(move, size)}"
    )


def _kata_values(value: float, size: int) -> str:
    lead, deviation = score_from_win_rate(win_rate(value), size)
    return f"winrate {win_rate(value):.4f} scoreMean {lead:.2f} scoreStdev {deviation:.2f} scoreLead {lead:.2f}"


def _root_info(moves: Sequence[MoveStats], visits: int, size: int) -> str:
    total = sum(move.visits for move in moves)
    value = sum(move.value * move.visits for move in moves) / total if total else 0.0
    return f"rootInfo visits {visits} {_kata_values(value, size)}"


def _variation(move: MoveStats, size: int) -> str:
    # Sabaki loses a move without a variation, so that there is always the move itself.
    return " ".join(coords.format_vertex(point, size) for point in (list(move.pv) or [move.point]))


def win_rate(value: float) -> float:
    """A value in [-1, 1] as the chance to win, in [0, 1], for the same player."""
    return min(max((1 + value) / 2, 0.0), 1.0)


def _ten_thousandths(share: float) -> int:
    return round(share * 10_000)


def score_from_win_rate(rate: float, size: int) -> tuple[float, float]:
    """The lead in points (for the same player) that goes with a win rate, and its standard deviation.

    Programs that read `kata-` lines expect a score, and our networks tell only who wins. This reads the win rate as
    the chance that a result with a logistic distribution is above zero; its scale grows with the board (8.6 points, a
    standard deviation of 15.5, on 19x19). It puts sign and order right; it is no count of the board.
    """
    scale = 0.45 * size
    rate = min(max(rate, 0.001), 0.999)
    return scale * math.log(rate / (1 - rate)), scale * math.pi / math.sqrt(3)

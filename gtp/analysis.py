"""`lz-analyze` and `kata-analyze`: the options a program may send, and the lines it wants back.

The two dialects differ in numbers only: `lz-` has integers in ten-thousandths and no score, `kata-` has decimals,
always with a point, by which some programs tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Final

from gozero import coords
from gtp.protocol import GtpError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.result import MoveStats, SearchResult

SHORTEST_INTERVAL = 0.01
"""Seconds between two lines at the least."""


class Dialect(Enum):
    """How numbers are written."""

    LEELA_ZERO = "lz"
    KATAGO = "kata"


@dataclass(frozen=True, slots=True)
class Restriction:
    """`allow` or `avoid`: which first moves of a colour are looked at."""

    allow: bool
    """Whether only these moves are looked at; otherwise all but these."""
    colour: int
    points: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """What follows the name of an analysis command."""

    colour: int | None = None
    """Whose move is analysed, and from whose view; `None` is the player to move."""
    interval: float | None = None
    """Seconds between two lines; `None` where nothing was said."""
    min_moves: int = 0
    """At least so many moves a line, unvisited ones too."""
    max_moves: int | None = None
    """At most so many moves a line."""
    root_info: bool = False
    """Whether each line ends in a summary of the position (kata- only)."""
    ownership: bool = False
    """Whether each line ends in whose each point will be, from the top left by rows (kata- only)."""
    pv_visits: bool = False
    """Whether each variation is followed by the visits of each of its moves (kata- only)."""
    restrictions: tuple[Restriction, ...] = ()


def parse_options(arguments: Sequence[str], size: int) -> AnalysisOptions:
    """Reads `[colour] [interval] [key value]...`; colour and interval may come in either order (Sabaki sends
    `B 50`, Lizzie `10`, LizGoban `interval 10`). `allow` and `avoid` take three values, a colour, points with commas
    between them and a depth; they hold for the first move, whatever the depth.

    Programs find out what an engine can do by asking for it, so that an option that is not supported is an error.

    Args:
        size: of the board whose points are named.

    Raises:
        GtpError: an option is unknown, or its value makes no sense.
    """
    options = AnalysisOptions()
    words = iter(arguments)
    for word in words:
        key = word.lower()
        if options.colour is None and key in ("b", "w", "black", "white"):
            options = replace(options, colour=coords.parse_colour(key))
        elif options.interval is None and _is_number(word):
            options = replace(options, interval=_seconds(word))
        elif key == "interval":
            options = replace(options, interval=_seconds(_value(words, word)))
        elif key == "minmoves":
            options = replace(options, min_moves=_count(_value(words, word), word))
        elif key == "maxmoves":
            options = replace(options, max_moves=_count(_value(words, word), word))
        elif key == "rootinfo":
            options = replace(options, root_info=_truth(_value(words, word), word))
        elif key == "ownership":
            options = replace(options, ownership=_truth(_value(words, word), word))
        elif key == "pvvisits":
            options = replace(options, pv_visits=_truth(_value(words, word), word))
        elif key in ("allow", "avoid"):
            restriction = _restriction(key, _value(words, word), _value(words, word), size)
            _count(_value(words, word), word)
            options = replace(options, restrictions=(*options.restrictions, restriction))
        elif key in _NEVER:
            if _truth(_value(words, word), word):
                raise GtpError(f"'{word}' is not supported")
        else:
            raise GtpError(f"unknown analysis option '{word}'")
    return options


# KataGo's switches for what the search does not keep; "false" is as good as nothing.
_NEVER = ("ownershipstdev", "movesownership", "movesownershipstdev", "pvedgevisits")


def first_moves(restrictions: Iterable[Restriction], colour: int, size: int) -> NDArray[np.bool_] | None:
    """The moves of `colour` that may be looked at, bool[size * size + 1] by move index; None for all."""
    import numpy as np

    restrictions = [restriction for restriction in restrictions if restriction.colour == colour]
    if not restrictions:
        return None
    allowed = [restriction for restriction in restrictions if restriction.allow]
    marked = np.full(size * size + 1, not allowed)
    for restriction in sorted(restrictions, key=lambda restriction: not restriction.allow):
        marked[[coords.move_index(point, size) for point in restriction.points]] = restriction.allow
    return marked


def _value(words: Iterator[str], key: str) -> str:
    value = next(words, None)
    if value is None:
        raise GtpError(f"'{key}' needs a value")
    return value


def _restriction(key: str, colour: str, vertices: str, size: int) -> Restriction:
    try:
        points = tuple(coords.parse_vertex(vertex, size) for vertex in vertices.split(","))
        return Restriction(key == "allow", coords.parse_colour(colour), points)
    except ValueError:
        raise GtpError(f"bad value '{colour} {vertices}' of '{key}'") from None


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


class LineWriter:
    """Writes the lines of one analysis.

    On a large board hundreds of moves may have visits, of which few get another one between two lines. A search tells
    of the others by the same objects, and their text is kept.
    """

    def __init__(self, size: int, dialect: Dialect, options: AnalysisOptions) -> None:
        self._size = size
        self._dialect = dialect
        self._options = options
        # By point: a move, and what stands before and after its order.
        self._written: dict[int, tuple[MoveStats, str, str]] = {}

    def line(self, found: SearchResult) -> str:
        """All moves, best first, `pv` last in each unless the visits along it are asked for; "" while there is nothing
        to tell.

        Values are from the view of the player to move at the root, which is the colour that was asked for.
        """
        options = self._options
        shown = found.moves
        if len(shown) < options.min_moves:
            shown = [*shown, *_unvisited(found, options.min_moves - len(shown), self._size)]
        parts = [self._info(move, order) for order, move in enumerate(shown[: options.max_moves])]
        if not parts:
            return ""
        if self._dialect is Dialect.KATAGO and options.root_info:
            parts.append(f"rootInfo visits {found.visits} {_kata_values(found.root_value, self._size)}")
        if self._dialect is Dialect.KATAGO and options.ownership and found.ownership is not None:
            parts.append("ownership " + " ".join([f"{share:.4f}" for share in found.ownership.tolist()]))
        return " ".join(parts)

    def _info(self, move: MoveStats, order: int) -> str:
        known = self._written.get(move.point)
        if known is None or known[0] is not move:
            known = self._written[move.point] = (move, self._statistics(move), self._variation(move))
        return f"{known[1]} order {order} {known[2]}"

    def _statistics(self, move: MoveStats) -> str:
        size, lcb = self._size, win_rate(move.lcb)
        begin = f"info move {_vertex(move.point, size)} visits {move.visits}"
        if self._dialect is Dialect.KATAGO:
            return f"{begin} {_kata_values(move.value, size)} prior {move.prior:.4f} lcb {lcb:.4f}"
        rate, prior, lcb = (_ten_thousandths(share) for share in (win_rate(move.value), move.prior, lcb))
        return f"{begin} winrate {rate} prior {prior} lcb {lcb}"

    def _variation(self, move: MoveStats) -> str:
        # Sabaki loses a move without a variation, so that there is always the move itself.
        text = "pv " + " ".join([_vertex(point, self._size) for point in move.pv or [move.point]])
        if self._dialect is Dialect.KATAGO and self._options.pv_visits:
            text += " pvVisits " + " ".join(map(str, move.pv_visits or [move.visits]))
        return text


def _unvisited(found: SearchResult, count: int, size: int) -> list[MoveStats]:
    """The likeliest moves that were not visited, with the value of the position."""
    from engine.result import MoveStats

    seen = {move.point for move in found.moves}
    likely = [
        coords.point_of(index, size) for index in found.policy.argsort()[::-1].tolist() if found.policy[index] > 0
    ]
    return [
        MoveStats(point, 0, found.root_value, float(found.policy[coords.move_index(point, size)]), -1.0, [point])
        for point in [point for point in likely if point not in seen][:count]
    ]


_vertex = cache(coords.format_vertex)  # a line names hundreds of points


def _kata_values(value: float, size: int) -> str:
    rate = win_rate(value)
    points = f"{lead_of(rate, size):.2f}"
    return f"winrate {rate:.4f} scoreMean {points} {_deviation(size)} scoreLead {points}"


@cache
def _deviation(size: int) -> str:
    return f"scoreStdev {lead_deviation(size):.2f}"


def win_rate(value: float) -> float:
    """A value in [-1, 1] as the chance to win, in [0, 1], for the same player."""
    rate = (1 + value) / 2
    return 0.0 if rate < 0.0 else 1.0 if rate > 1.0 else rate  # half the time of min and max, and a line has hundreds


def lead_of(rate: float, size: int) -> float:
    """The lead in points that goes with a win rate, for the same player.

    Programs that read `kata-` lines expect a score, and the search tells only who wins. (The sum of a network's
    ownership would be another estimate; it was off by more, and jumped from move to move.) This reads the win rate as
    the chance that a result with a logistic distribution is above zero; its scale grows with the board (8.6 points, a
    standard deviation of 15.5, on 19x19). It puts sign and order right; it is no count of the board.
    """
    rate = min(max(rate, 0.001), 0.999)
    return _LEAD_SCALE * size * math.log(rate / (1 - rate))


def lead_deviation(size: int) -> float:
    """The standard deviation of the result that `lead_of` supposes, in points."""
    return _LEAD_SCALE * size * math.pi / math.sqrt(3)


_LEAD_SCALE: Final = 0.45
"""Points for each row of the board."""


def _ten_thousandths(share: float) -> int:
    return round(share * 10_000)

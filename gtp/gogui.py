"""What GoGui draws on its board: policy, values, visits, ownership and ladders.

GoGui's dialog offers what `gogui-analyze_commands` lists, a line each: how the reply is to be read, a label, the
command. A `gfx` reply holds drawing commands: `LABEL` writes beside points, `INFLUENCE` draws squares, black for
positive numbers and white for negative ones, `TEXT` goes to the status line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gozero import coords
from gozero.coords import BLACK, PASS
from gtp.analysis import win_rate
from gtp.call import Call, Handler, format_points
from gtp.protocol import GtpError

if TYPE_CHECKING:
    from engine.result import SearchResult

LEAST_SHARE: Final = 0.005
"""Moves to which the policy gives less are not drawn."""
LADDER_FEATURES: Final = "alphago48"
"""The feature set that has ladders."""

ANALYZE_COMMANDS: Final = """\
gfx/Policy/gozero-policy
gfx/Values/gozero-value
gfx/Visits/gozero-visits
dboard/Ownership/gozero-ownership
gfx/Ladders/gozero-ladders
string/Best Move/reg_genmove %m
string/Final Score/final_score
plist/Dead Stones/final_status_list dead
plist/Seki Stones/final_status_list seki
string/Rules/kata-get-rules
none/Clear Cache/clear_cache"""


def analyze_commands(call: Call) -> str:
    """What GoGui offers in its analysis dialog."""
    return ANALYZE_COMMANDS


def policy(call: Call) -> str:
    """How likely the network finds each move, in percent, before any search."""
    shares = _search(call, visits=1).policy
    size = call.position.size
    moves = [(coords.point_of(i, size), float(shares[i])) for i in shares.argsort()[::-1] if shares[i] >= LEAST_SHARE]
    lines = _labels([(point, f"{100 * share:.0f}") for point, share in moves], size)
    lines += _influence([(point, share) for point, share in moves], size, call.position.to_play)
    return "\n".join([*lines, f"TEXT {_turn(call)}: likely moves in percent (pass {shares[-1]:.1%})"])


def value(call: Call) -> str:
    """The win rate after each move that the search tried, in percent for the player to move."""
    result = _search(call)
    lines = _labels([(move.point, f"{100 * win_rate(move.value):.0f}") for move in result.moves], call.position.size)
    return "\n".join([*lines, f"TEXT {_turn(call)} wins {win_rate(result.root_value):.1%} ({result.visits} visits)"])


def visits(call: Call) -> str:
    """How often the search went into each move."""
    result = _search(call)
    size = call.position.size
    most = max(1, result.moves[0].visits)
    lines = _labels([(move.point, str(move.visits)) for move in result.moves], size)
    lines += _influence([(move.point, move.visits / most) for move in result.moves], size, call.position.to_play)
    best = format_points(result.moves[0].pv, size)
    return "\n".join([*lines, f"TEXT {_turn(call)}: {result.visits} visits, best line {best}"])


def ladders(call: Call) -> str:
    """Moves of the player to move that start a ladder which takes a chain, and those that escape from one."""
    from gozero import features

    position = call.position
    planes = features.planes(position, LADDER_FEATURES)
    names = features.feature_set(LADDER_FEATURES).planes
    lines = []
    for shape, plane in (("SQUARE", "ladder capture"), ("TRIANGLE", "ladder escape")):
        marked = planes[names.index(plane)].ravel().nonzero()[0].tolist()
        if marked:
            lines.append(f"{shape} {format_points([coords.point_of(i, position.size) for i in marked], position.size)}")
    return "\n".join([*lines, f"TEXT {_turn(call)}: squares take a chain in a ladder, triangles escape from one"])


def ownership(call: Call) -> str:
    """Whose each point will be: 1 Black's for sure, -1 White's."""
    result = _search(call)
    if result.ownership is None:
        raise GtpError("this player does not tell whose the points will be")
    position = call.position
    sign = 1 if position.to_play == BLACK else -1
    board = (sign * result.ownership).reshape(position.size, position.size)
    return "\n".join(" ".join(f"{share:.2f}" for share in row) for row in board.tolist())


def _search(call: Call, visits: int | None = None) -> SearchResult:
    """What is known of the position after a search as long as for a move, or with so many visits."""
    from engine.search import Limits

    player = call.player
    limits = player.limits if visits is None else Limits(visits)
    return player.search.run(call.position, limits, stop=call.attention.must_hurry)


def _turn(call: Call) -> str:
    return coords.colour_name(call.position.to_play)


def _labels(texts: Sequence[tuple[int, str]], size: int) -> list[str]:
    words = [f"{coords.format_vertex(point, size)} {text}" for point, text in texts if point != PASS]
    return [f"LABEL {' '.join(words)}"] if words else []


def _influence(shares: Sequence[tuple[int, float]], size: int, colour: int) -> list[str]:
    sign = 1 if colour == BLACK else -1
    words = [f"{coords.format_vertex(point, size)} {sign * share:.2f}" for point, share in shares if point != PASS]
    return [f"INFLUENCE {' '.join(words)}"] if words else []


COMMANDS: Final[dict[str, Handler]] = {
    "gogui-analyze_commands": analyze_commands,
    "gozero-policy": policy,
    "gozero-value": value,
    "gozero-visits": visits,
    "gozero-ownership": ownership,
    "gozero-ladders": ladders,
}

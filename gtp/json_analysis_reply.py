"""KataGo's JSON analysis protocol: the replies, as objects that become one line each.

Win rates, scores, utilities and ownership are from the perspective that the query asks for
(`reportAnalysisWinratesAs`): Black's unless told otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from gozero import coords
from gozero.coords import BLACK, WHITE
from gtp.analysis import lead_deviation, lead_of, win_rate
from gtp.analysis_settings import RequestError
from gtp.json_analysis import Analysis

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.result import MoveStats, SearchResult
    from gozero.position import Position

Reply: TypeAlias = dict[str, Any]


def error(wrong: RequestError) -> Reply:
    """The reply to a line that cannot be obeyed."""
    known = {"field": wrong.field, "id": wrong.id}
    return {"error": str(wrong), **{name: text for name, text in known.items() if text}}


def warnings(analysis: Analysis) -> list[Reply]:
    """What a query asks for that it will not get."""
    return [{"warning": text, "field": field, "id": analysis.query.id} for text, field in analysis.warnings]


def no_results(id: str, turn: int) -> Reply:
    """The end of an analysis that was terminated before it began."""
    return {"id": id, "turnNumber": turn, "isDuringSearch": False, "noResults": True}


def result(
    analysis: Analysis,
    turn: int,
    position: Position,
    found: SearchResult,
    moves_ownership: dict[int, NDArray[np.float32]],
) -> Reply:
    """What a search found so far (`found.ending` is None), or in the end.

    Args:
        position: the one that was searched.
        moves_ownership: by point, the ownership after that move, float32[S*S] for the player who is to answer it.
    """
    query = analysis.query
    sign = _sign(analysis, position)
    shown = [move for move in found.moves if move.visits > 0]
    moves = [_move_info(analysis, position, move, order, sign) for order, move in enumerate(shown)]
    for info, move in zip(moves, shown, strict=True):
        if query.include_pv_visits:
            info["pvVisits"] = list(move.pv_visits[: len(info["pv"])])
        if move.point in moves_ownership:
            info["ownership"] = _rounded(-sign * moves_ownership[move.point])
    reply: Reply = {
        "id": query.id,
        "turnNumber": turn,
        "isDuringSearch": found.ending is None,
        "moveInfos": moves,
        "rootInfo": {
            "currentPlayer": coords.colour_letter(position.to_play),
            "visits": found.visits,
            **_values(found.root_value, sign, position.size),
        },
    }
    if query.include_policy:
        legal = position.legal_mask() > 0
        reply["policy"] = [round(p, 6) if may else -1.0 for p, may in zip(found.policy.tolist(), legal, strict=True)]
    if query.include_ownership and found.ownership is not None:
        reply["ownership"] = _rounded(sign * found.ownership)
    return reply


def _sign(analysis: Analysis, position: Position) -> int:
    """1 where the reply is from the view of the player to move, -1 where it is from the opponent's."""
    colour = {"BLACK": BLACK, "WHITE": WHITE, "SIDETOMOVE": position.to_play}[analysis.settings.perspective]
    return 1 if colour == position.to_play else -1


def _move_info(analysis: Analysis, position: Position, move: MoveStats, order: int, sign: int) -> Reply:
    size = position.size
    length = analysis.query.analysis_pv_len
    line = move.pv[: None if length is None else 1 + length] or [move.point]
    return {
        "move": coords.format_vertex(move.point, size),
        "order": order,
        "visits": move.visits,
        "prior": round(move.prior, 6),
        **_values(move.value, sign, size),
        "lcb": round((1 + sign * move.lcb) / 2, 6),
        "utilityLcb": round(sign * move.lcb, 6),
        "pv": [coords.format_vertex(point, size) for point in line],
    }


def _values(value: float, sign: int, size: int) -> Reply:
    """Win rate and what goes with it, of a value for the player to move at the root.

    The score is read off the win rate, which was searched. The sum of the network's ownership would be one too, but it
    is not: in counted games it missed the result by twice as much, and jumped by eight points from a move to the next,
    which programs would take for the points that the move lost.
    """
    points = round(sign * lead_of(win_rate(value), size), 3)
    return {
        "winrate": round(win_rate(sign * value), 6),
        "utility": round(sign * value, 6),
        "scoreLead": points,
        "scoreMean": points,
        "scoreSelfplay": points,
        "scoreStdev": round(lead_deviation(size), 3),
    }


def _rounded(numbers: NDArray[np.float32]) -> list[float]:
    return [round(number, 4) for number in numbers.tolist()]

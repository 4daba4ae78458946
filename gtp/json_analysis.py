"""KataGo's JSON analysis protocol, without any input or output: what a line asks for.

Source: KataGo, docs/Analysis_Engine.md, for the names of fields and what they mean; KaTrain's `core/engine.py` for what
is sent in practice. `gtp.json_analysis_reply` has the way back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gozero import coords
from gozero.coords import BLACK, WHITE
from gtp.analysis import Restriction, first_moves
from gtp.analysis_settings import RequestError, Settings, read_settings
from gtp.protocol import UTF8_MARK, GtpError
from gtp.rule_names import read_rules

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gozero.position import Position
    from gozero.rules import Rules

MOST_KOMI: Final = 150.0
"""Komi beyond this is a mistake."""
ENDLESS_VISITS: Final = 100_000
"""Whoever asks for so many visits and sets no time means to stop the analysis: KaTrain ponders with a million."""
ACTIONS: Final = ("query_version", "query_models", "clear_cache", "terminate", "terminate_all")

# KataGo's rule sets that differ from one of ours in something that we do not count (a tax on groups, a button).
_NEAREST_RULES: Final = {
    "stone-scoring": "chinese",
    "ancient-area": "chinese",
    "ancient-territory": "japanese",
    "aga-button": "aga",
}


class RestrictionEntry(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of `avoidMoves` or `allowMoves`, as it comes."""

    player: str
    moves: list[str]
    until_depth: int


class Query(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The fields of a query, as they come."""

    id: str
    moves: list[tuple[str, str]]
    rules: str | dict[str, Any]
    board_x_size: int
    board_y_size: int
    komi: float | None = None
    white_handicap_bonus: str | None = None
    initial_stones: list[tuple[str, str]] = []
    initial_player: str | None = None
    analyze_turns: list[int] | None = None
    max_visits: int | None = None
    analysis_pv_len: int | None = msgspec.field(default=None, name="analysisPVLen")
    include_policy: bool = False
    include_ownership: bool = False
    include_moves_ownership: bool = False
    include_pv_visits: bool = msgspec.field(default=False, name="includePVVisits")
    avoid_moves: list[RestrictionEntry] | None = None
    allow_moves: list[RestrictionEntry] | None = None
    override_settings: dict[str, Any] = {}
    priority: int | None = None
    priorities: list[int] | None = None
    report_during_search_every: float | None = None
    first_report_during_search_after: float | None = None


@dataclass(frozen=True, slots=True)
class Game:
    """The game of a query, points and colours read."""

    size: int
    komi: float
    rules: Rules
    stones: tuple[tuple[int, int], ...]
    """(colour, point) of what stands on the board at the start."""
    first_player: int
    """Who is to move at turn 0."""
    moves: tuple[tuple[int, int], ...]
    """(colour, point) of every move."""

    def position(self, turn: int) -> Position:
        """The position after `turn` moves.

        Raises:
            RequestError: the set-up or one of the moves is illegal.
        """
        from gozero.position import Position

        position = Position(self.size, self.komi, self.rules)
        if self.stones:
            try:
                position.edit(self.stones)
            except ValueError as error:
                raise RequestError(f"Illegal set-up: {error}", "initialStones") from None
        position.to_play = self.first_player
        for number, (colour, point) in enumerate(self.moves[:turn]):
            try:
                position.play(point, colour)
            except ValueError as error:
                vertex = coords.format_vertex(point, self.size)
                # KaTrain tries moves out, and knows those that cannot be played by the first two words.
                why = str(error).removeprefix(f"illegal move {vertex}: ")
                raise RequestError(f"Illegal move {number}: {vertex} ({why})", "moves") from None
        return position


@dataclass(frozen=True, slots=True)
class Analysis:
    """A query that makes sense: the turns of a game that are to be analysed."""

    query: Query
    game: Game
    settings: Settings
    turns: tuple[tuple[int, int], ...]
    """(turn, priority) of each position asked for."""
    restrictions: tuple[Restriction, ...] = ()
    """What `avoidMoves` or `allowMoves` say of the first move."""
    warnings: tuple[tuple[str, str], ...] = ()
    """(text, field) of what is passed over."""

    @property
    def endless(self) -> bool:
        """Whether it is meant to go on until it is terminated."""
        visits = self.settings.visits
        return (visits is None or visits >= ENDLESS_VISITS) and self.settings.seconds is None

    def allowed(self, position: Position) -> NDArray[np.bool_] | None:
        """The moves that may be looked at where they are restricted: bool[S*S + 1] by move index."""
        return first_moves(self.restrictions, position.to_play, position.size)


@dataclass(frozen=True, slots=True)
class Action:
    """A line that asks for something other than an analysis."""

    name: str
    id: str
    fields: dict[str, Any] = field(repr=False)
    """The whole line, which the reply echoes."""
    terminate_id: str | None = None
    turns: frozenset[int] | None = None
    """The turns to terminate; None: all."""


def parse(line: bytes, defaults: Settings) -> Analysis | Action:
    """What a line asks for. Nothing is played yet: whether the moves are legal, `Game.position` finds out.

    Raises:
        RequestError: it makes no sense.
    """
    try:
        fields = msgspec.json.decode(line.removeprefix(UTF8_MARK))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"the line is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise RequestError("the line is JSON, but no object")
    id = fields.get("id")
    if not isinstance(id, str):
        raise RequestError("a request needs a text as its 'id'")
    try:
        return _action(fields) if "action" in fields else _analysis(fields, defaults)
    except RequestError as error:
        raise RequestError(str(error), error.field, id) from None


# --- actions ---------------------------------------------------------------------------------------------------------


def _action(fields: dict[str, Any]) -> Action:
    name = fields["action"]
    if name not in ACTIONS:
        raise RequestError(f"the actions are {', '.join(ACTIONS)}", "action")
    terminate_id, turns = None, None
    if name == "terminate":
        terminate_id = fields.get("terminateId")
        if not isinstance(terminate_id, str):
            raise RequestError("terminate needs the id of a query, a text", "terminateId")
    if name in ("terminate", "terminate_all") and "turnNumbers" in fields:
        try:
            turns = frozenset(msgspec.convert(fields["turnNumbers"], list[int]))
        except msgspec.ValidationError:
            raise RequestError("turnNumbers is a list of whole numbers", "turnNumbers") from None
    return Action(name, fields["id"], fields, terminate_id, turns)


# --- queries ---------------------------------------------------------------------------------------------------------

_KNOWN_FIELDS: Final = frozenset(known.encode_name for known in msgspec.structs.fields(Query))
_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `\$\.(?P<place>(?P<field>\w+).*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")


def _analysis(fields: dict[str, Any], defaults: Settings) -> Analysis:
    try:
        query = msgspec.convert(fields, Query)
    except msgspec.ValidationError as error:
        raise _wrong_type(str(error)) from None
    warnings = [(f"'{name}' is not supported and passed over", name) for name in fields if name not in _KNOWN_FIELDS]
    size = _size(query)
    rules, remark = _rules(query)
    if remark:
        warnings.append((remark, "rules"))
    stones = tuple((_colour(c, "initialStones"), _point(v, size, "initialStones")) for c, v in query.initial_stones)
    if any(point == coords.PASS for _, point in stones):
        raise RequestError("a pass is no stone", "initialStones")
    moves = tuple((_colour(c, "moves"), _point(v, size, "moves")) for c, v in query.moves)
    game = Game(size, _komi(query, rules), rules, stones, _first_player(query, stones, moves), moves)
    try:
        settings, unknown = read_settings(query.override_settings, defaults)
    except RequestError as error:
        raise RequestError(str(error), "overrideSettings") from None
    if "humanSLProfile" in unknown:
        # KaTrain plays the policy's move when it hears this, and none when it looks in vain for a human policy.
        raise RequestError("GoZero has no network of human play for humanSLProfile", "overrideSettings")
    if unknown:
        warnings.append((f"not supported and passed over: {', '.join(unknown)}", "overrideSettings"))
    if query.max_visits is not None:
        settings = replace(settings, visits=_at_least_one(query.max_visits, "maxVisits"))
    if query.analysis_pv_len is not None:
        _at_least_one(query.analysis_pv_len, "analysisPVLen")
    for name, value in (
        ("reportDuringSearchEvery", query.report_during_search_every),
        ("firstReportDuringSearchAfter", query.first_report_during_search_after),
    ):
        if value is not None and not 0.001 <= value <= 1e6:
            raise RequestError("seconds from 0.001 to 1000000", name)
    restrictions, kept_for_one_move = _restrictions(query, size)
    return Analysis(query, game, settings, _turns(query), restrictions, (*warnings, *kept_for_one_move))


def _wrong_type(complaint: str) -> RequestError:
    """msgspec's complaint, with the field taken out of it."""
    missing = _MISSING.match(complaint)
    if missing and "$." not in complaint:
        return RequestError(f"the field '{missing[1]}' is missing", missing[1])
    match = _PLACE.fullmatch(complaint)
    assert match is not None  # every part of the pattern may be empty
    what = match["what"].replace("`", "").replace(" | null", "")
    place = f" at {match['place']}" if match["place"] and match["place"] != match["field"] else ""
    return RequestError(f"{what}{place}", match["field"] or "")


def _size(query: Query) -> int:
    for name, size in (("boardXSize", query.board_x_size), ("boardYSize", query.board_y_size)):
        if not coords.MIN_SIZE <= size <= coords.MAX_SIZE:
            raise RequestError(f"boards are {coords.MIN_SIZE} to {coords.MAX_SIZE} wide, not {size}", name)
    if query.board_x_size != query.board_y_size:
        raise RequestError(f"only square boards, not {query.board_x_size}x{query.board_y_size}", "boardYSize")
    return query.board_x_size


def _rules(query: Query) -> tuple[Rules, str]:
    """The rules, and what is to be said about them if they are not exactly what was asked for."""
    remark = ""
    if isinstance(query.rules, str):
        text = query.rules
        nearest = _NEAREST_RULES.get(text.lower().replace("_", "-").replace(" ", "-"))
        if nearest:
            remark, text = f"{text} is not supported, {nearest} rules are used instead", nearest
    else:
        text = msgspec.json.encode(query.rules).decode()
    try:
        rules = read_rules(text)
        if query.white_handicap_bonus is not None:
            if query.white_handicap_bonus not in ("0", "N", "N-1"):
                raise RequestError("the bonus is 0, N or N-1", "whiteHandicapBonus")
            rules = replace(rules, handicap_bonus=query.white_handicap_bonus)  # type: ignore[arg-type]  # checked
    except GtpError as error:
        raise RequestError(str(error), "rules") from None
    return rules, remark


def _komi(query: Query, rules: Rules) -> float:
    if query.komi is None:
        return 6.5 if rules.scoring == "territory" else 7.5
    if not abs(query.komi) <= MOST_KOMI:
        raise RequestError(f"komi is a number from {-MOST_KOMI:g} to {MOST_KOMI:g}", "komi")
    return query.komi


def _first_player(query: Query, stones: tuple[tuple[int, int], ...], moves: tuple[tuple[int, int], ...]) -> int:
    if query.initial_player is not None:
        return _colour(query.initial_player, "initialPlayer")
    if moves:
        return moves[0][0]
    handicap = len(stones) >= 2 and all(colour == BLACK for colour, _ in stones)
    return WHITE if handicap else BLACK


def _turns(query: Query) -> tuple[tuple[int, int], ...]:
    turns = [len(query.moves)] if query.analyze_turns is None else query.analyze_turns
    for turn in turns:
        if not 0 <= turn <= len(query.moves):
            raise RequestError(f"there is no turn {turn}: the game has {len(query.moves)} moves", "analyzeTurns")
    if query.priorities is None:
        return tuple((turn, query.priority or 0) for turn in dict.fromkeys(turns))
    if query.priority is not None:
        raise RequestError("there is a priority as well", "priorities")
    if query.analyze_turns is None or len(query.priorities) != len(turns):
        raise RequestError("there must be as many as analyzeTurns", "priorities")
    return tuple(dict(zip(turns, query.priorities, strict=True)).items())


def _restrictions(query: Query, size: int) -> tuple[tuple[Restriction, ...], list[tuple[str, str]]]:
    """The restrictions of the first move, and warnings about what cannot be kept.

    Raises:
        RequestError: they make no sense.
    """
    if query.allow_moves is not None and query.avoid_moves is not None:
        raise RequestError("either allowMoves or avoidMoves", "allowMoves")
    if query.allow_moves is not None and len(query.allow_moves) > 1:
        raise RequestError("allowMoves has one entry", "allowMoves")
    name = "avoidMoves" if query.allow_moves is None else "allowMoves"
    entries = query.avoid_moves if query.allow_moves is None else query.allow_moves
    restrictions = []
    for entry in entries or []:
        colour = _colour(entry.player, name)
        _at_least_one(entry.until_depth, name)
        points = tuple(_point(vertex, size, name) for vertex in entry.moves)
        restrictions.append(Restriction(query.allow_moves is not None, colour, points))
    deeper = any(entry.until_depth > 1 for entry in entries or [])
    warnings = [("only the first move is restricted: untilDepth counts as 1", name)] if deeper else []
    return tuple(restrictions), warnings


def _at_least_one(number: int, field: str) -> int:
    if number < 1:
        raise RequestError(f"at least 1, not {number}", field)
    return number


def _colour(text: str, field: str) -> int:
    try:
        return coords.parse_colour(text)
    except ValueError:
        raise RequestError(f"a player is B or W, not '{text[:20]}'", field) from None


def _point(text: str, size: int, field: str) -> int:
    try:
        return coords.parse_vertex(text, size)
    except ValueError as error:
        raise RequestError(str(error)[:200], field) from None

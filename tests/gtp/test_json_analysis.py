"""KataGo's JSON protocol without a process: requests, who goes first, and what replies say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from engine.result import MoveStats, SearchResult
from gozero.coords import BLACK, WHITE, parse_vertex
from gozero.errors import GozeroError
from gtp import json_analysis_reply as reply
from gtp.analysis_settings import RequestError, Settings
from gtp.json_analysis import Action, Analysis, parse
from gtp.json_analysis_desk import Desk

DEFAULTS = Settings(visits=500)
QUERY = {"id": "q", "moves": [], "rules": "chinese", "komi": 7.5, "boardXSize": 9, "boardYSize": 9}


def line(**fields):
    return json.dumps({name: value for name, value in {**QUERY, **fields}.items() if value is not None}).encode()


def analysis(**fields):
    request = parse(line(**fields), DEFAULTS)
    assert isinstance(request, Analysis)
    return request


# What KaTrain 1.14 sends for a position of a game, by `core/engine.py`.
KATRAIN = {
    "rules": "japanese",
    "priority": 1000,
    "analyzeTurns": [2],
    "maxVisits": 500,
    "komi": 6.5,
    "boardXSize": 19,
    "boardYSize": 19,
    "includeOwnership": True,
    "includeMovesOwnership": True,
    "includePolicy": True,
    "initialStones": [["B", "D4"], ["B", "Q16"]],
    "initialPlayer": "W",
    "moves": [["W", "Q4"], ["B", "D16"]],
    "overrideSettings": {"reportAnalysisWinratesAs": "BLACK", "maxTime": 8.0, "wideRootNoise": 0.04},
    "id": "QUERY:17",
}


def test_a_byte_order_mark_before_the_first_line_is_no_fault():
    assert parse(b"\xef\xbb\xbf" + line(), DEFAULTS) == parse(line(), DEFAULTS)


def test_a_query_of_katrain():
    request = parse(json.dumps(KATRAIN).encode(), DEFAULTS)
    assert isinstance(request, Analysis)
    assert request.warnings == ()
    assert request.settings == Settings("BLACK", 500, 8.0)
    assert request.turns == ((2, 1000),)
    position = request.game.position(2)
    assert (position.size, position.komi, position.rules.name) == (19, 6.5, "japanese")
    assert position.handicap == 2
    assert position.to_play == WHITE
    assert not request.endless


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({}, BLACK),
        ({"initialPlayer": "w"}, WHITE),
        ({"moves": [["W", "E5"]]}, WHITE),
        ({"initialStones": [["B", "C3"], ["B", "G7"]]}, WHITE),
        ({"initialStones": [["B", "C3"], ["W", "G7"]]}, BLACK),
        ({"initialStones": [["B", "C3"], ["B", "G7"]], "initialPlayer": "B"}, BLACK),
    ],
)
def test_who_is_first(fields, first):
    assert analysis(**fields).game.position(0).to_play == first


def test_moves_out_of_turn_and_passes():
    game = analysis(moves=[["B", "E5"], ["B", "pass"], ["B", "C3"]]).game
    assert [game.position(turn).to_play for turn in range(4)] == [BLACK, WHITE, WHITE, WHITE]


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ("tromp-taylor", "tromp-taylor"),
        ("korean", "japanese"),
        ("chinese-kgs", "chinese"),
        ({"ko": "SITUATIONAL", "scoring": "AREA", "tax": "NONE", "suicide": True}, "new-zealand"),
        ({"ko": "SIMPLE", "scoring": "AREA", "suicide": False, "hasButton": False}, "custom"),
    ],
)
def test_rules(rules, name):
    request = analysis(rules=rules)
    assert request.game.rules.name == name
    assert request.warnings == ()


def test_rules_that_are_nearly_ours_come_with_a_warning():
    request = analysis(rules="stone_scoring")
    assert request.game.rules.name == "chinese"
    assert [field for _, field in request.warnings] == ["rules"]


def test_komi_where_none_is_named():
    assert analysis(komi=None).game.komi == 7.5
    assert analysis(komi=None, rules="japanese").game.komi == 6.5


def test_the_handicap_bonus_goes_before_that_of_the_rules():
    assert analysis(whiteHandicapBonus="N-1").game.rules.handicap_bonus == "N-1"


def test_what_is_not_supported_is_warned_of():
    request = analysis(rootPolicyTemperature=2.0, overrideSettings={"cpuctExploration": 2, "maxVisits": "20"})
    assert [field for _, field in request.warnings] == ["rootPolicyTemperature", "overrideSettings"]
    assert "cpuctExploration" in request.warnings[1][0]
    assert request.settings.visits == 20
    assert reply.warnings(request)[0]["id"] == "q"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"boardYSize": None}, "boardYSize"),
        ({"moves": None}, "moves"),
        ({"rules": None}, "rules"),
        ({"boardXSize": 26, "boardYSize": 26}, "boardXSize"),
        ({"boardXSize": 0, "boardYSize": 0}, "boardXSize"),
        ({"boardXSize": "9"}, "boardXSize"),
        ({"boardYSize": 13}, "boardYSize"),
        ({"rules": "chess"}, "rules"),
        ({"rules": 3}, "rules"),
        ({"rules": {"ko": "SOMETIMES", "scoring": "AREA", "suicide": False}}, "rules"),
        ({"whiteHandicapBonus": "7"}, "whiteHandicapBonus"),
        ({"komi": 1000}, "komi"),
        ({"komi": "6.5"}, "komi"),
        ({"moves": [["B", "J10"]]}, "moves"),
        ({"moves": [["B", "I5"]]}, "moves"),
        ({"moves": [["X", "E5"]]}, "moves"),
        ({"moves": [["B"]]}, "moves"),
        ({"moves": "E5"}, "moves"),
        ({"initialStones": [["B", "pass"]]}, "initialStones"),
        ({"initialPlayer": "red"}, "initialPlayer"),
        ({"analyzeTurns": [1]}, "analyzeTurns"),
        ({"analyzeTurns": [-1]}, "analyzeTurns"),
        ({"analyzeTurns": 0}, "analyzeTurns"),
        ({"analyzeTurns": [0], "priorities": [1, 2]}, "priorities"),
        ({"analyzeTurns": [0], "priorities": [1], "priority": 1}, "priorities"),
        ({"maxVisits": 0}, "maxVisits"),
        ({"maxVisits": 1.5}, "maxVisits"),
        ({"maxVisits": True}, "maxVisits"),
        ({"analysisPVLen": 0}, "analysisPVLen"),
        ({"includePolicy": 1}, "includePolicy"),
        ({"reportDuringSearchEvery": 0}, "reportDuringSearchEvery"),
        ({"overrideSettings": []}, "overrideSettings"),
        ({"overrideSettings": {"reportAnalysisWinratesAs": "ME"}}, "overrideSettings"),
        ({"overrideSettings": {"maxTime": -1}}, "overrideSettings"),
        ({"overrideSettings": {"humanSLProfile": "rank_5k"}}, "overrideSettings"),  # KaTrain's human-like players
        ({"overrideSettings": {"maxVisits": "many"}}, "overrideSettings"),
        ({"avoidMoves": [{"player": "B", "moves": ["Z9"], "untilDepth": 1}]}, "avoidMoves"),
        ({"avoidMoves": [{"player": "B", "moves": ["A9"]}]}, "avoidMoves"),
        ({"avoidMoves": [{"player": "B", "moves": ["A9"], "untilDepth": 0}]}, "avoidMoves"),
        ({"avoidMoves": [], "allowMoves": []}, "allowMoves"),
        ({"action": "dance"}, "action"),
        ({"action": "terminate"}, "terminateId"),
        ({"action": "terminate", "terminateId": "q", "turnNumbers": "all"}, "turnNumbers"),
    ],
)
def test_errors_name_query_and_field(fields, field):
    with pytest.raises(RequestError) as caught:
        parse(line(**fields), DEFAULTS)
    answer = reply.error(caught.value)
    assert answer["id"] == "q"
    assert answer["field"] == field
    assert answer["error"]
    assert "\n" not in answer["error"]


@pytest.mark.parametrize(
    "text", [b"garbage", b"{", b"[]", b"3", b'{"moves":[]}', b'{"id":7}', b"\xff\xfe", b"[" * 100_000, b'{"id":"\xff"}']
)
def test_lines_that_are_no_request(text):
    with pytest.raises(RequestError) as caught:
        parse(text, DEFAULTS)
    assert list(reply.error(caught.value)) == ["error"]


def test_illegal_positions():
    with pytest.raises(RequestError, match=r"^Illegal move 1: E5 \(the point is occupied by Black\)$") as caught:
        analysis(moves=[["B", "E5"], ["W", "E5"]]).game.position(2)
    assert caught.value.field == "moves"
    stones = [["W", "A1"], ["B", "A2"], ["B", "B1"]]
    with pytest.raises(RequestError, match="Illegal set-up") as caught:
        analysis(initialStones=stones).game.position(0)
    assert caught.value.field == "initialStones"


def test_moves_that_are_avoided_or_allowed():
    position = analysis().game.position(0)
    assert analysis().allowed(position) is None
    entry = {"player": "B", "moves": ["A9", "pass"], "untilDepth": 1}
    avoided = analysis(avoidMoves=[entry, {**entry, "player": "W", "moves": ["B9"]}])
    assert np.flatnonzero(~avoided.allowed(position)).tolist() == [0, 81]
    assert avoided.warnings == ()
    assert np.flatnonzero(analysis(allowMoves=[entry]).allowed(position)).tolist() == [0, 81]
    assert analysis(allowMoves=[{**entry, "player": "W"}]).allowed(position) is None
    assert [field for _, field in analysis(avoidMoves=[{**entry, "untilDepth": 3}]).warnings] == ["avoidMoves"]


# --- the desk --------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk():
    return Desk(DEFAULTS, lambda: [{"name": "net"}])


def taken(desk):
    """(id, turn) of all that waits, in the order in which it is handed out."""
    tasks = []
    while (task := desk.next()) is not None:
        tasks.append((task.analysis.query.id, task.turn))
        desk.done(task)
    return tasks


def test_the_most_urgent_goes_first_and_equals_in_their_order(desk):
    moves = [["B", "E5"], ["W", "C3"]]
    assert desk.take(line(id="a")) == []
    assert desk.take(line(id="b", priority=10)) == []
    assert desk.take(line(id="c", priority=-5)) == []
    assert desk.take(line(id="d", moves=moves, analyzeTurns=[0, 1, 2], priorities=[-9, 10, 0])) == []
    assert taken(desk) == [("b", 0), ("d", 1), ("a", 0), ("d", 2), ("c", 0), ("d", 0)]


def test_what_has_no_end_goes_last_and_makes_way(desk):
    desk.take(line(id="ponder", priority=1000, maxVisits=1_000_000))
    desk.take(line(id="limited", priority=-1, maxVisits=1_000_000, overrideSettings={"maxTime": 5}))
    assert desk.next(make_way=True).analysis.query.id == "limited"
    assert desk.next(make_way=True) is None
    assert desk.next().analysis.query.id == "ponder"


def test_an_illegal_move_stops_the_whole_query(desk):
    (answer,) = desk.take(line(moves=[["B", "E5"], ["W", "E5"]], analyzeTurns=[0]))
    assert (answer["id"], answer["field"]) == ("q", "moves")
    assert desk.next() is None


def test_terminate(desk):
    moves = [["B", "E5"], ["W", "C3"]]
    desk.take(line(id="a", moves=moves, analyzeTurns=[0, 1, 2]))
    desk.take(line(id="b"))
    running = desk.next()
    request = {"id": "t", "action": "terminate", "terminateId": "a", "turnNumbers": [0, 2]}
    ended, echo = desk.take(json.dumps(request).encode())
    assert ended == {"id": "a", "turnNumber": 2, "isDuringSearch": False, "noResults": True}
    assert echo == request
    assert running.terminated
    assert taken(desk) == [("a", 1), ("b", 0)]


def test_terminate_all(desk):
    desk.take(line(id="a"))
    desk.take(line(id="b"))
    answers = desk.take(b'{"id":"t","action":"terminate_all"}')
    assert [answer["id"] for answer in answers] == ["a", "b", "t"]
    assert taken(desk) == []


def test_other_actions(desk):
    (version,) = desk.take(b'{"id":"v","action":"query_version","mine":1}')
    assert (version["id"], version["mine"]) == ("v", 1)
    assert version["version"]
    assert version["git_hash"]
    (models,) = desk.take(b'{"id":"m","action":"query_models"}')
    assert models["models"] == [{"name": "net"}]
    assert desk.take(b'{"id":"c","action":"clear_cache"}') == [{"id": "c", "action": "clear_cache"}]
    assert desk.cache_cleared
    assert desk.take(b" \r") == []
    assert isinstance(parse(b'{"id":"c","action":"clear_cache"}', DEFAULTS), Action)


@pytest.mark.parametrize("error", [GozeroError("there is no player x"), ValueError("a player without sense")])
def test_models_that_cannot_be_described(error):
    def models():
        raise error

    (answer,) = Desk(DEFAULTS, models).take(b'{"id":"m","action":"query_models"}')
    assert answer == {"error": str(error), "id": "m"}


# --- replies ---------------------------------------------------------------------------------------------------------


def found(size, ending="visits", **more):
    """A search that likes E5 (value 0.5 for the player to move) better than C3 (0.2)."""
    e5, c3, d4 = (parse_vertex(vertex, size) for vertex in ("E5", "C3", "D4"))
    moves = [MoveStats(e5, 30, 0.5, 0.6, 0.4, [e5, c3, d4], [30, 12, 3]), MoveStats(c3, 9, 0.2, 0.1, -0.2, [c3], [9])]
    policy = np.full(size * size + 1, 1 / (size * size + 1), np.float32)
    return SearchResult(moves, 0.4, 40, 40, 1.0, policy, ending, **more)


def answered(result, moves_ownership=None, **fields):
    request = analysis(moves=[["B", "G7"]], **fields)
    return reply.result(request, 1, request.game.position(1), result, moves_ownership or {})


def test_values_are_black_s_unless_told_otherwise():
    # White is to move, and leads.
    black = answered(found(9))
    lead = pytest.approx(-0.45 * 9 * math.log(0.7 / 0.3), abs=0.001)
    assert black["rootInfo"] == {
        "currentPlayer": "W",
        "visits": 40,
        "winrate": 0.3,
        "utility": -0.4,
        "scoreLead": lead,
        "scoreMean": lead,
        "scoreSelfplay": lead,
        "scoreStdev": pytest.approx(7.346, abs=0.001),
    }
    first, second = black["moveInfos"]
    assert (first["move"], first["order"], first["visits"], first["pv"]) == ("E5", 0, 30, ["E5", "C3", "D4"])
    assert (first["winrate"], first["utility"], first["lcb"]) == (0.25, -0.5, 0.3)
    assert (second["move"], second["order"]) == ("C3", 1)
    # The better the move for White, the lower Black's score after it.
    assert first["scoreLead"] < black["rootInfo"]["scoreLead"] < second["scoreLead"]
    white = answered(found(9), overrideSettings={"reportAnalysisWinratesAs": "WHITE"})
    mover = answered(found(9), overrideSettings={"reportAnalysisWinratesAs": "SIDETOMOVE"})
    assert white == mover
    assert white["rootInfo"]["winrate"] == 0.7
    assert white["moveInfos"][0]["scoreLead"] == -first["scoreLead"]


def test_only_what_was_asked_for_and_is_known_is_told():
    answer = answered(found(9), includeOwnership=True)
    assert "ownership" not in answer
    assert "policy" not in answer


def test_ownership_has_the_same_perspective():
    owned = np.linspace(-1, 1, 81, dtype=np.float32)
    after = np.full(81, 0.25, np.float32)  # for Black, who answers White's move
    e5 = parse_vertex("E5", 9)
    answer = answered(found(9, ownership=owned), {e5: after}, includeOwnership=True, includeMovesOwnership=True)
    assert answer["ownership"][0] == 1.0
    assert answer["ownership"][-1] == -1.0
    assert answer["moveInfos"][0]["ownership"] == [0.25] * 81
    assert "ownership" not in answer["moveInfos"][1]


def test_policy_marks_what_is_illegal():
    policy = answered(found(9), includePolicy=True)["policy"]
    assert len(policy) == 82
    assert [index for index, share in enumerate(policy) if share == -1] == [2 * 9 + 6]


def test_lines_are_as_long_as_wished():
    answer = answered(found(9), analysisPVLen=1, includePVVisits=True)
    assert answer["moveInfos"][0]["pv"] == ["E5", "C3"]
    assert answer["moveInfos"][0]["pvVisits"] == [30, 12]


def test_partial_results_say_so():
    assert answered(found(9, ending=None))["isDuringSearch"] is True
    assert answered(found(9))["isDuringSearch"] is False


def test_a_bare_policy_has_no_moves():
    bare = found(9)
    bare = SearchResult([bare.moves[0]._replace(visits=0)], 0.4, 1, 1, 0.0, bare.policy, "visits")
    assert answered(bare)["moveInfos"] == []

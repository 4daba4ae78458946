"""Analysis: what programs ask, and the lines that every one of them can read."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from engine.result import MoveStats, SearchResult
from gozero.coords import PASS, parse_vertex
from gtp.analysis import (
    AnalysisOptions,
    Dialect,
    LineWriter,
    Restriction,
    first_moves,
    lead_of,
    parse_options,
)
from gtp.protocol import GtpError
from gtp.session import Settings
from tests.gtp.conftest import Conversation, Waiting
from tests.gtp.dialogue import KATA_LINE, KATA_LINE_WITH_PV_VISITS, LZ_LINE, OWNERSHIP, POINT, ROOT_INFO

GRAMMAR = {"kata": re.compile(rf"{KATA_LINE}(?:{ROOT_INFO})?(?:{OWNERSHIP})?"), "lz": re.compile(LZ_LINE)}


def move(vertex, visits, value, pv=None):
    points = [parse_vertex(word, 9) for word in (pv or vertex).split()]
    return MoveStats(parse_vertex(vertex, 9), visits, value, 0.25, value - 0.1, points)


MOVES = [move("E5", 90, 0.5, "E5 D4 pass"), move("C3", 10, -1.0), move("pass", 1, 1.0)]
POLICY = np.zeros(82, np.float32)
POLICY[[40, 56, 81, 0]] = 0.25, 0.25, 0.25, 0.125  # E5, C3, the pass, and A9, which was not visited


def found(moves=tuple(MOVES), **more):
    return SearchResult(list(moves), 0.5, 101, 101, 0.0, POLICY, None, **more)


def line_of(found, dialect, options):
    return LineWriter(9, dialect, options).line(found)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", AnalysisOptions()),
        ("B 50", AnalysisOptions(colour=1, interval=0.5)),  # Sabaki
        ("10", AnalysisOptions(interval=0.1)),  # Lizzie
        ("10 w", AnalysisOptions(colour=2, interval=0.1)),
        ("interval 1", AnalysisOptions(interval=0.01)),  # LizGoban
        ("black 100", AnalysisOptions(colour=1, interval=1.0)),  # q5Go
        ("w interval 25 maxmoves 3 minmoves 2", AnalysisOptions(colour=2, interval=0.25, max_moves=3, min_moves=2)),
        ("b 0", AnalysisOptions(colour=1, interval=0.01)),
        ("B ownership false rootInfo true", AnalysisOptions(colour=1, root_info=True)),
        ("rootInfo true pvVisits false", AnalysisOptions(root_info=True)),
        ("pvVisits true pvEdgeVisits false", AnalysisOptions(pv_visits=True)),  # LizGoban
        ("10 ownership true", AnalysisOptions(interval=0.1, ownership=True)),  # Lizzie
        ("avoid b A9,pass 1 w 10", AnalysisOptions(2, 0.1, restrictions=(Restriction(False, 1, (11, 0)),))),
        (
            "allow B A9 1 avoid W B9 1",
            AnalysisOptions(restrictions=(Restriction(True, 1, (11,)), Restriction(False, 2, (12,)))),
        ),
    ],
)
def test_options(words, expected):
    assert parse_options(words.split(), 9) == expected


REFUSED = """foo|B B|50 60|interval|interval x|interval nan|-5|1e999|maxmoves -1|maxmoves x|rootInfo maybe|
ownership|ownership 2|pvVisits 2|pvEdgeVisits true|movesOwnership true|avoid b|avoid b D4|avoid b D4 x|avoid D4 b 1|
allow w K1 1|allow w D4,,D5 1"""


@pytest.mark.parametrize("words", [*REFUSED.replace("\n", "").split("|"), "9" * 400])
def test_options_that_are_refused(words):
    # LizGoban asks for each option to see whether it is there: nothing may be passed over.
    with pytest.raises(GtpError):
        parse_options(words.split(), 9)


def test_katago_line():
    line = line_of(found(), Dialect.KATAGO, AnalysisOptions())
    assert GRAMMAR["kata"].fullmatch(line)
    assert line.startswith("info move E5 visits 90 winrate 0.7500 scoreMean ")
    assert " prior 0.2500 lcb 0.7000 order 0 pv E5 D4 pass info move C3 visits 10 winrate 0.0000 " in line
    assert "winrate 1.0000" in line, "a decimal point even in whole numbers"


def test_leela_zero_line():
    line = line_of(found(), Dialect.LEELA_ZERO, AnalysisOptions())
    assert GRAMMAR["lz"].fullmatch(line)
    assert line.startswith("info move E5 visits 90 winrate 7500 prior 2500 lcb 7000 order 0 pv E5 D4 pass info move C3")


def test_moves_are_cut_and_summed_up_on_request():
    line = line_of(found(), Dialect.KATAGO, AnalysisOptions(max_moves=1, root_info=True))
    assert line.count("info move") == 1
    assert GRAMMAR["kata"].fullmatch(line)
    assert " pv E5 D4 pass rootInfo visits 101 winrate 0.7500" in line


def test_moves_are_filled_up_on_request():
    line = line_of(found(), Dialect.KATAGO, AnalysisOptions(min_moves=9))
    assert GRAMMAR["kata"].fullmatch(line)
    assert line.count("info move") == 4, "no more are legal"
    assert " info move A9 visits 0 winrate 0.7500" in line
    assert line_of(found(), Dialect.KATAGO, AnalysisOptions(min_moves=2)).count("info move") == 3


def test_ownership():
    ownership = np.linspace(-1, 1, 81, dtype=np.float32)
    options = AnalysisOptions(root_info=True, ownership=True)
    line = line_of(found(ownership=ownership), Dialect.KATAGO, options)
    assert GRAMMAR["kata"].fullmatch(line)
    shares = line.partition(" ownership ")[2].split()
    np.testing.assert_allclose([float(share) for share in shares], ownership, atol=1e-4)
    assert "ownership" not in line_of(found(), Dialect.KATAGO, options)
    assert GRAMMAR["lz"].fullmatch(line_of(found(ownership=ownership), Dialect.LEELA_ZERO, options))


def test_visits_along_the_variations():
    moves = [MOVES[0]._replace(pv_visits=[90, 44, 7]), *MOVES[1:]]
    options = AnalysisOptions(pv_visits=True, root_info=True)
    line = line_of(found(moves), Dialect.KATAGO, options)
    assert " pv E5 D4 pass pvVisits 90 44 7 info move C3 " in line
    assert re.fullmatch(rf"{KATA_LINE_WITH_PV_VISITS}{ROOT_INFO}", line)
    assert "pv A9 pvVisits 0" in line_of(found(moves), Dialect.KATAGO, replace(options, min_moves=9))
    assert GRAMMAR["lz"].fullmatch(line_of(found(moves), Dialect.LEELA_ZERO, options))


@pytest.mark.parametrize("dialect", Dialect)
def test_a_writer_keeps_nothing_that_has_changed(dialect):
    """Line after line is what a new writer would write, whatever changes: visits, value, variation, order."""
    e5, c3, passing = MOVES
    states = [
        [e5, c3, passing],
        [e5._replace(visits=91), c3, passing],
        [c3._replace(visits=200, value=0.7), e5._replace(visits=91)],
        [c3._replace(visits=200, value=0.7, pv=[c3.point, PASS]), e5._replace(value=0.4, visits=91)],
        [e5._replace(lcb=-0.5, pv_visits=[9])],
        [e5._replace(lcb=-0.5, pv_visits=[8]), passing],
    ]
    options = AnalysisOptions(pv_visits=True, root_info=True, min_moves=4)
    writer = LineWriter(9, dialect, options)
    for moves in states:
        assert writer.line(found(moves)) == line_of(found(moves), dialect, options)


def marked(words, colour=1):
    moves = first_moves(parse_options(words.split(), 9).restrictions, colour, 9)
    return None if moves is None else np.flatnonzero(moves).tolist()


def test_first_moves():
    assert marked("") is None
    assert marked("avoid w A9 1") is None
    assert marked("allow b A9,B9 1") == [0, 1]
    assert marked("allow b A9,B9 1 allow b pass 1 avoid b B9 1") == [0, 81]
    assert marked("avoid b A9,B9 1 avoid b pass 1") == list(range(2, 81))


def test_a_variation_is_never_empty():
    bare = MoveStats(PASS, 1, 0.0, 0.5, -1.5, [])
    assert line_of(found([bare]), Dialect.LEELA_ZERO, AnalysisOptions()).endswith("lcb 0 order 0 pv pass")
    assert line_of(found([]), Dialect.KATAGO, AnalysisOptions()) == ""


def test_scores_go_with_win_rates():
    leads = [lead_of(rate, 19) for rate in (0.0, 0.2, 0.5, 0.8, 1.0)]
    assert leads == sorted(leads)
    assert leads[2] == 0
    assert leads[1] == pytest.approx(-leads[3])
    assert all(abs(lead) < 100 for lead in leads)


@pytest.mark.parametrize("dialect", ["kata", "lz"])
@pytest.mark.parametrize("words", ["B 1", "1", "w interval 1", ""])
def test_analysis_goes_on_until_a_line_comes(conversation, dialect, words):
    reply = conversation.reply(f"5 {dialect}-analyze {words}", Waiting(250 if not words else 20))
    first, *lines, blank, end = reply.split("\n")
    assert (first, blank, end) == ("=5", "", "")
    assert lines
    for line in lines:
        assert GRAMMAR[dialect].fullmatch(line)
    assert conversation.session.position.moves == []


def test_analysis_is_from_the_view_of_the_colour_that_was_asked_for(conversation):
    seen = []
    run = conversation.player.search.run

    def watched(position, *arguments, **options):
        seen.append(position.to_play)
        return run(position, *arguments, **options)

    conversation.player.search.run = watched
    for words in ("", "w", "b"):
        conversation.reply(f"kata-analyze {words} 1", Waiting(3))
    assert seen == [1, 2, 1]
    assert conversation.session.position.to_play == 1


def test_analysis_rests_at_its_visits_and_waits_for_a_line():
    conversation = Conversation(Settings(size=9, max_visits=50))
    attention = Waiting(10**9)
    lines = conversation.reply("kata-analyze 1", attention).split("\n")
    assert attention.waited
    assert "visits 50 " in lines[-3]


def test_unknown_options_are_refused_before_anything_is_written(conversation):
    assert conversation.refused("kata-analyze B 10 foo 1").startswith("unknown analysis option")
    assert conversation.refused("kata-analyze B pvEdgeVisits true").endswith("not supported")
    assert conversation.refused("kata-genmove_analyze B avoid b D4 1") == "'allow' and 'avoid' are for analysis"
    assert conversation.refused("lz-genmove_analyze B foo true").startswith("unknown analysis option")


def test_ownership_that_nobody_can_tell_is_refused(conversation):
    conversation.player.search.tells_ownership = True
    first, line, *_ = conversation.reply("kata-analyze B 1 ownership true", Waiting(9)).split("\n")
    assert first == "="
    assert len(line.partition(" ownership ")[2].split()) == 81
    conversation.player.search.tells_ownership = False
    assert conversation.refused("kata-analyze B 1 ownership true").startswith("'ownership' is not supported")
    assert conversation.reply("kata-genmove_analyze B ownership true").startswith("=\ninfo ")


def test_only_the_moves_that_are_allowed_are_looked_at(conversation):
    line = conversation.reply("lz-analyze 1 allow b C3,C4 1", Waiting(9)).split("\n")[1]
    assert set(re.findall(r"info move (\S+)", line)) == {"C3", "C4"}
    conversation.ok("play b C3")
    assert conversation.refused("lz-analyze b 1 allow b C3 1") == "none of the moves to look at is legal"


@pytest.mark.parametrize("dialect", ["kata", "lz"])
def test_genmove_analyze(conversation, dialect):
    conversation.player.think = 0.1
    first, *lines, played, blank, end = conversation.reply(f"3 {dialect}-genmove_analyze W 2").split("\n")
    assert (first, blank, end) == ("=3", "", "")
    assert len(lines) >= 2
    for line in lines:
        assert GRAMMAR[dialect].fullmatch(line)
    assert re.fullmatch(rf"play {POINT}", played)
    assert len(conversation.session.position.moves) == 1


def test_genmove_analyze_without_an_interval_tells_once(conversation):
    # The CGOS client sends this, and wants a last line before the move.
    lines = conversation.reply("kata-genmove_analyze b ownership true").split("\n")
    assert lines[0] == "="
    assert GRAMMAR["kata"].fullmatch(lines[1])
    assert lines[2].startswith("play ")
    assert lines[3:] == ["", ""]

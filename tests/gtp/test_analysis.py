"""Analysis: what programs ask, and the lines that every one of them can read."""

from __future__ import annotations

import re

import pytest

from engine.result import MoveStats
from gozero.coords import PASS, parse_vertex
from gtp.analysis import AnalysisOptions, Dialect, info_line, parse_options, score_from_win_rate
from gtp.protocol import GtpError
from gtp.session import Settings
from tests.gtp.conftest import Conversation, Waiting

VERTEX = r"(?:[A-HJ-Z][1-9][0-9]?|pass)"
DECIMAL = r"-?[0-9]+\.[0-9]+"
KATA_VALUES = rf"winrate {DECIMAL} scoreMean {DECIMAL} scoreStdev {DECIMAL} scoreLead {DECIMAL}"
TAIL = rf"order [0-9]+ pv {VERTEX}( {VERTEX})*"
KATA_INFO = rf"info move {VERTEX} visits [0-9]+ {KATA_VALUES} prior {DECIMAL} lcb {DECIMAL} {TAIL}"
LZ_INFO = rf"info move {VERTEX} visits [0-9]+ winrate [0-9]+ prior [0-9]+ lcb [0-9]+ {TAIL}"
GRAMMAR = {
    "kata": re.compile(rf"{KATA_INFO}( {KATA_INFO})*( rootInfo visits [0-9]+ {KATA_VALUES})?"),
    "lz": re.compile(rf"{LZ_INFO}( {LZ_INFO})*"),
}


def move(vertex, visits, value, pv=None):
    points = [parse_vertex(word, 9) for word in (pv or vertex).split()]
    return MoveStats(parse_vertex(vertex, 9), visits, value, 0.25, value - 0.1, points)


MOVES = [move("E5", 90, 0.5, "E5 D4 pass"), move("C3", 10, -1.0), move("pass", 1, 1.0)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", AnalysisOptions()),
        ("B 50", AnalysisOptions(colour=1, interval=0.5)),  # Sabaki
        ("10", AnalysisOptions(interval=0.1)),  # Lizzie
        ("10 w", AnalysisOptions(colour=2, interval=0.1)),
        ("interval 1", AnalysisOptions(interval=0.01)),  # LizGoban
        ("black 100", AnalysisOptions(colour=1, interval=1.0)),  # q5Go
        ("w interval 25 maxmoves 3 minmoves 2", AnalysisOptions(colour=2, interval=0.25, max_moves=3)),
        ("b 0", AnalysisOptions(colour=1, interval=0.01)),
        ("B ownership false rootInfo true", AnalysisOptions(colour=1, root_info=True)),
        ("rootInfo true pvVisits false", AnalysisOptions(root_info=True)),
    ],
)
def test_options(words, expected):
    assert parse_options(words.split()) == expected


REFUSED = """foo|B B|50 60|interval|interval x|interval nan|-5|1e999|maxmoves -1|maxmoves x|rootInfo maybe|
ownership true|pvVisits true|avoid b D4 1|allow w D4 1"""


@pytest.mark.parametrize("words", [*REFUSED.replace("\n", "").split("|"), "9" * 400])
def test_options_that_are_refused(words):
    # LizGoban asks for each option to see whether it is there: nothing may be passed over.
    with pytest.raises(GtpError):
        parse_options(words.split())


def test_katago_line():
    line = info_line(MOVES, 9, Dialect.KATAGO, AnalysisOptions(), 101)
    assert GRAMMAR["kata"].fullmatch(line)
    assert line.startswith("info move E5 visits 90 winrate 0.7500 scoreMean ")
    assert " prior 0.2500 lcb 0.7000 order 0 pv E5 D4 pass info move C3 visits 10 winrate 0.0000 " in line
    assert "winrate 1.0000" in line, "a decimal point even in whole numbers"


def test_leela_zero_line():
    line = info_line(MOVES, 9, Dialect.LEELA_ZERO, AnalysisOptions(), 101)
    assert GRAMMAR["lz"].fullmatch(line)
    assert line.startswith("info move E5 visits 90 winrate 7500 prior 2500 lcb 7000 order 0 pv E5 D4 pass info move C3")


def test_moves_are_cut_and_summed_up_on_request():
    line = info_line(MOVES, 9, Dialect.KATAGO, AnalysisOptions(max_moves=1, root_info=True), 101)
    assert line.count("info move") == 1
    assert GRAMMAR["kata"].fullmatch(line)
    assert " pv E5 D4 pass rootInfo visits 101 winrate 0.7500" in line


def test_a_variation_is_never_empty():
    bare = MoveStats(PASS, 1, 0.0, 0.5, -1.5, [])
    assert info_line([bare], 9, Dialect.LEELA_ZERO, AnalysisOptions(), 1).endswith("lcb 0 order 0 pv pass")
    assert info_line([], 9, Dialect.KATAGO, AnalysisOptions(), 0) == ""


def test_scores_go_with_win_rates():
    leads = [score_from_win_rate(rate, 19)[0] for rate in (0.0, 0.2, 0.5, 0.8, 1.0)]
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
    assert conversation.refused("kata-analyze B ownership true").endswith("not supported")
    assert conversation.refused("lz-genmove_analyze B foo true").startswith("unknown analysis option")


@pytest.mark.parametrize("dialect", ["kata", "lz"])
def test_genmove_analyze(conversation, dialect):
    conversation.player.think = 0.1
    first, *lines, played, blank, end = conversation.reply(f"3 {dialect}-genmove_analyze W 2").split("\n")
    assert (first, blank, end) == ("=3", "", "")
    assert len(lines) >= 2
    for line in lines:
        assert GRAMMAR[dialect].fullmatch(line)
    assert re.fullmatch(rf"play {VERTEX}", played)
    assert len(conversation.session.position.moves) == 1


def test_genmove_analyze_without_an_interval_tells_once(conversation):
    # The CGOS client sends this, and wants a last line before the move.
    lines = conversation.reply("kata-genmove_analyze b ownership true").split("\n")
    assert lines[0] == "="
    assert GRAMMAR["kata"].fullmatch(lines[1])
    assert lines[2].startswith("play ")
    assert lines[3:] == ["", ""]

"""Edge cases of GTP, with GNU Go 3.8, the reference implementation, as the judge."""

from __future__ import annotations

import subprocess

from tests.gtp.conftest import Conversation

# (line, why our reply differs from GNU Go's or None). "text": both refuse, in other words.
DIALOGUE = [
    # Lines and ids
    ("protocol_version", None),
    ("007 protocol_version", None),
    ("0 protocol_version", None),
    ("7protocol_version", None),
    ("-5 protocol_version", None),
    ("+5 protocol_version", None),
    ("2147483647 protocol_version", None),
    ("99999999999 protocol_version", "GNU Go overflows; we drop the id"),
    ("protocol\x01_version\x7f", None),
    ("5\tprotocol_version\r", None),
    ("protocol_version surplus", None),
    ("PROTOCOL_VERSION", None),
    ("1 2 name", None),
    ("foo", None),
    ("known_command", None),
    ("known_command foo", None),
    ("known_command genmove", None),
    ("known_command known_command surplus", None),
    ("known_command GENMOVE", None),
    ("protocol_version # a comment", None),
    ("protocol_version#a comment", None),
    ("\t  protocol_version", None),
    ("1.5 protocol_version", None),
    ("4294967296 protocol_version", "GNU Go answers with the id 0; we drop it"),
    # Board and komi
    ("boardsize 9", None),
    ("boardsize", None),
    ("boardsize x", None),
    ("boardsize 9x", "GNU Go reads the 9"),
    ("boardsize 0", None),
    ("boardsize 26", None),
    ("boardsize 9 9", None),
    ("boardsize 9.5", "GNU Go reads the 9"),
    ("boardsize 09", None),
    ("boardsize -9", None),
    ("komi 5.5", None),
    ("komi -3", None),
    ("komi 1e2", None),
    ("komi", "text"),
    ("komi nan", "GNU Go takes it"),
    ("komi inf", "GNU Go takes it"),
    ("komi 6,5", "GNU Go reads the 6"),
    ("komi 6.5 surplus", None),
    ("komi 0.5", None),
    # Moves
    ("play b A1", None),
    ("play B a1", None),
    ("play black B1 surplus", None),
    ("play b c1", None),
    ("play w pass", None),
    ("play w PASS", None),
    ("play b", None),
    ("play", None),
    ("play x D4", None),
    ("play b I5", None),
    ("play b Z99", None),
    ("play b D10", None),
    ("play w resign", None),
    ("play w pas", None),
    ("play wh D4", None),
    ("play b,d4", None),
    ("play b d04", None),
    ("undo", None),
    ("play b A0", None),
    ("play b A-1", None),
    ("undo", None),
    ("undo", None),
    ("play w D4", None),
    ("play w D4,", "GNU Go reads the D4"),
    ("final_score", "GNU Go guesses whose the empty board will be; we count it as it stands"),
    ("genmove", None),
    ("genmove x", None),
    ("clear_board", None),
    ("reg_genmove x", None),
    ("undo", None),
    # Undo
    ("clear_board", None),
    ("undo", None),
    ("play b E5", None),
    ("undo", None),
    ("undo", None),
    # Suicide and ko
    ("play b A2", None),
    ("play b B1", None),
    ("play w A1", None),
    ("clear_board", None),
    *[(f"play {move}", None) for move in ("b D5", "b C4", "b D3", "w E5", "w F4", "w E3", "w D4", "b E4")],
    ("play w D4", None),
    ("play w A9", None),
    ("play b A8", None),
    ("play w D4", None),
    # Handicap
    ("clear_board", None),
    ("fixed_handicap 1", "text"),
    ("fixed_handicap 10", "text"),
    ("fixed_handicap x", None),
    ("fixed_handicap 2.5", "GNU Go reads the 2"),
    ("clear_board", None),
    ("fixed_handicap", None),
    ("place_free_handicap 1", "text"),
    ("set_free_handicap A1", "text"),
    ("set_free_handicap A1 A1", "text"),
    ("clear_board", None),  # after a refusal GNU Go leaves stones behind
    ("set_free_handicap A1 pass", "text"),
    ("clear_board", None),
    ("set_free_handicap C3 D4 j9", None),
    ("set_free_handicap C3 D4", None),
    ("fixed_handicap 2", None),
    ("undo", "GNU Go takes back no handicap"),
    ("clear_board", None),
    # Time
    ("time_settings 0 1 0", None),
    ("time_settings 300 30 5", None),
    ("time_settings 300 0 0 surplus", None),
    ("time_settings 1", None),
    ("time_settings a b c", None),
    ("time_left b 0 0", None),
    ("time_left b 10 5", None),
    ("time_left b", None),
    ("time_left x 1 1", None),
    ("time_left b -10 0", None),
    ("time_left b 10 0 surplus", None),
    ("time_left b 12.50 3", "LizzieYzy sends decimals"),
    ("time_settings 1.5 2 3", "a decimal is a time too"),
    ("time_settings 1 2 3x", "GNU Go reads the 3"),
    ("time_settings -1 0 0", None),
    # The end
    ("final_status_list foo", None),
    ("final_status_list", None),
    ("final_status_list DEAD", None),
    ("final_status_list black_territory", "GNU Go's own, not the specification's"),
    ("loadsgf", None),
    ("loadsgf /no/such/file.sgf", "text"),
    # A finished game with a dead stone
    ("boardsize 9", None),
    ("clear_board", None),
    ("komi 7.5", None),
    *[(f"play {colour} {column}{row}", None) for row in range(9, 0, -1) for colour, column in ("bE", "wF")],
    *[(f"play {move}", None) for move in ("b B5", "w H5", "b B6", "w B8", "b pass", "w pass")],
    ("reg_genmove b", "GNU Go writes PASS; clients know the specification's pass"),
    ("final_status_list dead", None),
    ("final_status_list seki", None),
    ("final_score", None),
    ("komi 9", None),
    ("final_score", "a draw; GNU Go keeps the score from before the komi changed"),
    ("undo", None),
    ("undo", None),
    ("undo", None),
    ("final_status_list dead", None),
]


def ask_gnugo(gnugo, lines):
    done = subprocess.run(gnugo, input="\n".join([*lines, "quit", ""]), capture_output=True, text=True, timeout=120)
    replies = done.stdout.split("\n\n")
    assert replies[-2:] == ["= ", ""]
    return replies[:-2]


def test_edge_cases_are_answered_as_gnugo_does(gnugo):
    lines = [line for line, _ in DIALOGUE]
    theirs = ask_gnugo(gnugo, lines)
    conversation = Conversation()
    ours = [conversation.reply(line).removesuffix("\n\n") for line in lines]
    assert len(ours) == len(theirs)
    surprises = [
        f"{line!r}: GNU Go {their!r}, we {our!r}"
        for (line, reason), their, our in zip(DIALOGUE, theirs, ours, strict=True)
        if (reason is None and our != their)
        or (reason == "text" and not (our[0] == their[0] == "?" and our != their))
        or (reason not in (None, "text") and our == their)
    ]
    assert not surprises


def test_fixed_handicaps_are_gnugos(gnugo):
    cases = [(size, stones) for size in (6, 7, 8, 9, 13, 19) for stones in range(2, 10)]
    lines = [line for size, stones in cases for line in (f"boardsize {size}", f"fixed_handicap {stones}")]
    conversation = Conversation()
    ours = [conversation.reply(line) for line in lines]
    for (size, stones), their, our in zip(cases, ask_gnugo(gnugo, lines)[1::2], ours[1::2], strict=True):
        assert our[0] == their[0], (size, stones)
        if our[0] == "=" and stones != 3:  # which corner is left empty is a matter of taste
            assert set(our.split()) == set(their.split()), (size, stones)

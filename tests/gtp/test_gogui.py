"""What GoGui draws."""

from __future__ import annotations

import re


def lines_of(reply):
    """The drawing commands of a reply as {command: words}."""
    return {line.split()[0]: line.split()[1:] for line in reply.split("\n")}


def pairs(words):
    return dict(zip(words[::2], words[1::2], strict=True))


def test_policy(conversation):
    drawn = lines_of(conversation.ok("gozero-policy"))
    assert list(drawn) == ["LABEL", "INFLUENCE", "TEXT"]
    labels, shares = pairs(drawn["LABEL"]), pairs(drawn["INFLUENCE"])
    assert list(labels.values())[:3] == ["50", "25", "12"]
    assert labels.keys() == shares.keys()
    assert all(0 < float(share) <= 1 for share in shares.values())
    conversation.ok("play b E5")
    shares = pairs(lines_of(conversation.ok("gozero-policy"))["INFLUENCE"])
    assert all(-1 <= float(share) < 0 for share in shares.values()), "White's are negative"


def test_values_and_visits(conversation):
    conversation.player.limits_seconds = 0.1
    drawn = lines_of(conversation.ok("gozero-value"))
    assert list(pairs(drawn["LABEL"]).values()) == ["75", "62"]
    assert " ".join(drawn["TEXT"]).startswith("Black wins 75.0% (")
    drawn = lines_of(conversation.ok("gozero-visits"))
    most, second = map(int, pairs(drawn["LABEL"]).values())
    assert most > second
    assert next(iter(pairs(drawn["INFLUENCE"]).values())) == "1.00"
    assert re.fullmatch(r"Black: \d+ visits, best line [A-Z]\d", " ".join(drawn["TEXT"]))


def test_ownership_is_blacks_whoever_moves(conversation):
    conversation.player.limits_seconds = 0.1
    conversation.player.search.tells_ownership = True
    boards = []
    for colour in ("b", "w"):
        conversation.ok(f"gogui-setup_player {colour}")
        boards.append([list(map(float, row.split())) for row in conversation.ok("gozero-ownership").split("\n")])
    assert len(boards[0]) == 9
    assert boards[0][0][0] == 1
    assert boards[1] == [[-share for share in row] for row in boards[0]]
    conversation.player.search.tells_ownership = False
    assert conversation.refused("gozero-ownership") == "this player does not tell whose the points will be"


def test_ladders(conversation):
    # White's stone at D4 has two liberties, D5 and E4; the ladder runs to the edge.
    conversation.ok("gogui-play_sequence b C4 w D4 b D3 w pass b C5 w pass")
    drawn = lines_of(conversation.ok("gozero-ladders"))
    assert "E4" in drawn["SQUARE"]
    assert "TRIANGLE" not in drawn
    conversation.ok("play b E4")
    conversation.ok("set_position b C4 w D4 b D3 b E4 w D6")
    conversation.ok("gogui-setup_player w")
    assert lines_of(conversation.ok("gozero-ladders"))["TRIANGLE"] == ["D5"]

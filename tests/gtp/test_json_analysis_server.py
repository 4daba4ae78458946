"""`gozero analysis` as a process, spoken to as KaTrain does (its `core/engine.py`)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest

from engine.player_file import PlayerError
from gozero import cli
from gtp.json_analysis_server import Players, _defaults, _parser
from tests.gtp.test_json_analysis import KATRAIN, QUERY

PONDER_VISITS = 1_000_000


class Client:
    """Sends queries, and reads replies."""

    def __init__(self, process):
        self.process = process

    def send(self, *queries):
        for query in queries:
            text = query if isinstance(query, bytes) else json.dumps(query).encode()
            self.process.stdin.write(text + b"\n")
        self.process.stdin.flush()

    def reply(self):
        line = self.process.stdout.readline()
        assert line, f"the engine ended: {self.process.stderr.read().decode()}"
        return json.loads(line)

    def final(self, id):
        """The next reply to this query that is not a partial one; what comes before it is left out."""
        while True:
            answer = self.reply()
            if answer["id"] == id and not answer.get("isDuringSearch"):
                return answer

    def finish(self):
        """Ends the input; all that was still to come, the exit status and what was said on stderr."""
        out, err = self.process.communicate()
        return [json.loads(line) for line in out.splitlines()], self.process.returncode, err.decode()


@pytest.fixture
def start(checkout):
    processes = []

    def begin(*words):
        command = [sys.executable, "-m", "gozero", "analysis", *words]
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        cwd = "/" if os.name == "posix" else None
        processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=cwd))
        return Client(processes[-1])

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):  # what was not sent cannot be sent any more
                stream.close()


def of_katrain(**fields):
    """A query of KaTrain's on 9x9, with few visits."""
    small = {"boardXSize": 9, "boardYSize": 9, "maxVisits": 12}
    stones = [["B", vertex] for vertex in ("C3", "G7", "C7", "E5")]
    return {**KATRAIN, **small, "initialStones": stones, "moves": [["W", "G3"], ["B", "E3"]], **fields}


def test_katrain_s_queries(start, tmp_path):
    config = tmp_path / "analysis_config.cfg"
    config.write_text("# KataGo\nmaxVisits = 7 # few\nnumAnalysisThreads=12\n")
    client = start(
        *("-model", "/nowhere/g170e-b15c192.bin.gz", "-config", str(config), "-analysis-threads", "12"),
        *("-override-config", f"homeDataDir={tmp_path}"),
    )
    ordinary = of_katrain(id="QUERY:1", includePVVisits=True)
    sweep = of_katrain(
        id="QUERY:2",
        moves=[["W", "G3"], ["B", "E3"], ["W", "E3"]],
        analyzeTurns=[3],
        includeOwnership=False,
        includeMovesOwnership=False,
        includePolicy=False,
    )
    moves = [f"{column}{row}" for column in "ABCDEFGHJ" for row in range(1, 10) if (column, row) != ("G", 5)]
    region = of_katrain(
        id="QUERY:3", avoidMoves=[{"player": player, "moves": [*moves, "pass"], "untilDepth": 1} for player in "BW"]
    )
    whole_game = of_katrain(
        id="QUERY:4", maxVisits=3, analyzeTurns=[0, 1, 2], reportDuringSearchEvery=0.1, priority=-100
    )
    plain = {**QUERY, "id": "without visits", "moves": []}
    client.send(ordinary, sweep, region, whole_game, plain, {"action": "terminate", "terminateId": "gone", "id": "T"})
    answers, status, stderr = client.finish()
    assert status == 0
    assert "g170e-b15c192.bin.gz" in stderr
    assert any(text.endswith("Started, ready to begin handling requests") for text in stderr.splitlines())
    last = {}
    for answer in answers:
        if not answer.get("isDuringSearch"):
            key = (answer["id"], answer.get("turnNumber"))
            assert key not in last, "one last reply for each position"
            last[key] = answer
    turns = [("QUERY:4", turn) for turn in range(3)]
    assert set(last) == {("QUERY:1", 2), ("QUERY:2", None), ("QUERY:3", 2), *turns, ("without visits", 0), ("T", None)}
    assert last["T", None] == {"action": "terminate", "terminateId": "gone", "id": "T"}
    assert "Illegal move" in last["QUERY:2", None]["error"]  # KaTrain looks for these words
    assert last["without visits", 0]["rootInfo"]["visits"] == 7

    answer = last["QUERY:1", 2]
    assert answer["rootInfo"]["currentPlayer"] == "W"
    assert 12 <= answer["rootInfo"]["visits"] <= 20
    assert answer["rootInfo"]["winrate"] > 0.9, "four handicap stones are much on 9x9, and Black's view was asked for"
    assert answer["rootInfo"]["scoreLead"] > 0
    assert [info["order"] for info in answer["moveInfos"]] == list(range(len(answer["moveInfos"])))
    for info in answer["moveInfos"]:
        assert {"move", "visits", "winrate", "scoreLead", "scoreStdev", "prior", "lcb", "utility"} <= set(info)
        assert info["pv"][0] == info["move"]
        assert info["pvVisits"][0] == info["visits"]
        assert len(info["pvVisits"]) == len(info["pv"])
    policy = answer["policy"]
    assert len(policy) == 82
    assert sum(share == -1 for share in policy) == 6
    assert sum(share for share in policy if share > 0) == pytest.approx(1, abs=0.001)
    for owned in (answer["ownership"], answer["moveInfos"][0]["ownership"]):
        assert len(owned) == 81
        assert max(map(abs, owned)) <= 1
        black, white = 6 * 9 + 2, 6 * 9 + 6  # C3 and G3
        assert owned[black] > 0 > owned[white]
    assert [info["move"] for info in last["QUERY:3", 2]["moveInfos"]] == ["G5"]


def test_pondering_makes_way_and_is_terminated(start):
    client = start("--network", "compact-9")
    client.send({**QUERY, "id": "ponder", "maxVisits": PONDER_VISITS, "reportDuringSearchEvery": 0.05})
    first = client.reply()
    assert (first["id"], first["isDuringSearch"]) == ("ponder", True)
    client.send({**QUERY, "id": "other", "maxVisits": 5, "priority": -1000})
    answer = client.final("other")
    assert answer["rootInfo"]["visits"] >= 5
    client.send(b"nonsense", {"id": "T", "action": "terminate", "terminateId": "ponder"})
    while "error" not in (answer := client.reply()):
        assert answer["isDuringSearch"]
    assert client.reply()["action"] == "terminate"
    last = client.reply()
    assert (last["id"], last["isDuringSearch"]) == ("ponder", False)
    assert first["rootInfo"]["visits"] <= last["rootInfo"]["visits"] < PONDER_VISITS
    client.send({**QUERY, "id": "next", "boardXSize": 13, "boardYSize": 13})
    assert client.final("next")["field"] == "boardXSize", "this network does not play there, and the engine lives on"
    assert client.finish()[1] == 0


def test_a_cleared_cache_leaves_pondering_alone(start):
    client = start("--network", "compact-9")
    client.send({**QUERY, "id": "ponder", "maxVisits": PONDER_VISITS, "reportDuringSearchEvery": 0.05})
    assert client.reply()["isDuringSearch"]
    client.send({"id": "C", "action": "clear_cache"}, {**QUERY, "id": "other", "maxVisits": 10})
    assert client.final("other")["rootInfo"]["visits"] >= 10
    answer = client.reply()
    assert (answer["id"], answer.get("isDuringSearch")) == ("ponder", True)
    client.send({"id": "T", "action": "terminate", "terminateId": "ponder"})
    assert client.final("ponder")["rootInfo"]["visits"] >= answer["rootInfo"]["visits"]
    assert client.finish()[1] == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("how", ["sigterm", "closed stdout", "end of input"])
def test_it_leaves_when_it_is_told(start, how):
    client = start("-quit-without-waiting", "--network", "none")
    client.send({**QUERY, "id": "ponder", "maxVisits": PONDER_VISITS, "reportDuringSearchEvery": 0.05})
    assert client.reply()["isDuringSearch"]
    if how == "sigterm":
        client.process.send_signal(signal.SIGTERM)
    elif how == "closed stdout":
        client.process.stdout.close()
    else:
        client.process.stdin.close()
    assert client.process.wait(timeout=30) == 0
    assert "Traceback" not in client.process.stderr.read().decode()


def test_models_are_the_networks_that_play(monkeypatch):
    def names(players):
        return [model["name"] for model in players.models()]

    assert names(Players("rollouts", None, 1)) == names(Players("auto", "none", 1)) == []
    assert names(Players("no-rollouts", "wide-19", 1)) == ["wide-19"]
    monkeypatch.setattr("gtp.analyst.load", lambda *arguments: None)
    players = Players("auto", None, 1)
    assert names(players) == ["compact-19"]
    players.get(9, second=False)
    assert names(players) == ["compact-9"]
    with pytest.raises(PlayerError, match="no player nobody"):
        Players("nobody", None, 1).models()


def test_rollouts_answer_too(start):
    client = start("--network", "none", "--visits", "40")
    query = {**QUERY, "includeOwnership": True, "includeMovesOwnership": True}
    client.send(query)
    ((answer,), status, _) = client.finish()
    assert status == 0
    assert answer["rootInfo"]["visits"] >= 40
    assert "ownership" not in answer


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-model", "nowhere/net.onnx"], "nowhere/net.onnx"),
        (["--network", "compakt-9"], "did you mean compact-9?"),
        (["--player", "nobody"], "there is no player nobody"),
        (["--player", "alphago", "--network", "none"], "without a network"),
        (["--player", "mine.yaml"], "nope.onnx"),
        (["-config", "nowhere.cfg"], "nowhere.cfg"),
        (["-override-config", "maxVisits=many"], "maxVisits"),
    ],
)
def test_what_it_is_started_with_makes_no_sense(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("network: nope.onnx\n")
    assert cli.main(["analysis", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert said in captured.err


def test_settings_of_the_command_line_go_before_those_of_files(tmp_path):
    config = tmp_path / "analysis.cfg"
    config.write_text("maxVisits = 300\nmaxTime = 9\nreportAnalysisWinratesAs = SIDETOMOVE\n")
    words = ["-config", str(config), "-override-config", "maxVisits=200,logFile=x"]
    settings = _defaults(_parser().parse_args(words))
    assert (settings.visits, settings.seconds, settings.perspective) == (200, 9.0, "SIDETOMOVE")
    settings = _defaults(_parser().parse_args([*words, "--time", "2"]))
    assert (settings.visits, settings.seconds, settings.perspective) == (None, 2.0, "SIDETOMOVE")
    assert _defaults(_parser().parse_args([])).visits == 500

"""`gozero bench search` measures the player that it is asked about."""

from __future__ import annotations

import json

import pytest

from engine import bench_search
from gozero import cli


@pytest.mark.parametrize("threads", ["1", "2"])
def test_figures_hang_together(
    threads: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_search, "TREE_VISITS", 200)
    command = ["bench", "search", "--size", "9", "--visits", "64", "--threads", threads, "--json"]
    assert cli.main(command) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["player"], figures["network"], figures["size"], figures["visits"]) == ("auto", "compact-9", 9, 64)
    assert 0 < figures["network_share"] < 1
    assert figures["visits_per_s"] < 1.5 * figures["evals_per_s"]
    # 64 visits of a tree that takes so long cannot have taken less time.
    assert figures["tree_us_per_visit"] * figures["visits_per_s"] < 1e6


@pytest.mark.parametrize("player", ["rollouts", "alphago", "no-policy", "no-value"])
def test_every_kind_of_player_can_be_measured(
    player: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_search, "TREE_VISITS", 200)
    assert cli.main(["bench", "search", "--player", player, "--size", "5", "--visits", "64"]) == 0
    shown = capsys.readouterr().out
    assert player in shown
    assert "visits_per_s" in shown

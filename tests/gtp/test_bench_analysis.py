"""`gozero bench analysis`: what it prints."""

from __future__ import annotations

import json

import pytest

from gozero import bench
from gtp import bench_analysis


def test_json_has_the_promised_keys(capsys, monkeypatch):
    monkeypatch.setattr(bench_analysis, "INTERVAL", 0.01)
    assert bench.main(["analysis", "--network", "none", "--size", "5", "--visits", "3000", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["size"], figures["network"], figures["visits"]) == (5, "none", 3000)
    assert 1 < figures["moves"] <= 26
    assert figures["bytes"] > 100
    assert figures["lines"] > 0
    assert figures["search_share"] == pytest.approx(figures["line_ms"] / 10)
    assert figures["line_ms"] > 0


def test_a_search_without_lines_is_no_measurement():
    with pytest.raises(ValueError, match="ask for more"):
        bench.main(["analysis", "--network", "none", "--size", "5", "--visits", "2"])

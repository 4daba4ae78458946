"""`gozero bench training`: what it prints, and that either way to convolve is really timed."""

from __future__ import annotations

import json

import pytest

from engine import winograd
from gozero import bench
from training import bench_training

SMALL = ("--set", "network.blocks=2", "--set", "network.channels=16", "--set", "loop.batch_size=4", "--repeats", "1")


def test_json_has_the_promised_keys(capsys):
    assert bench.main(["training", "--config", "compact-9", *SMALL, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["config"], figures["size"], figures["batch"]) == ("compact-9", 9, 4)
    assert set(figures["ways"]) == {"direct", "winograd"}
    for way in figures["ways"].values():
        assert way["positions_per_s"] == pytest.approx(4 / way["seconds"])
        assert way["gflops"] > 0


def test_each_way_is_what_it_is_called(monkeypatch):
    """The kernels are called in the rounds of one way, and in none of the other."""
    calls = {False: 0, True: 0}
    turn = []

    def chosen(network, wanted):
        turn.append(wanted)
        winograd.use_winograd(network, wanted)

    def counted(*arguments):
        calls[turn[-1]] += 1
        return convolve(*arguments)

    convolve = winograd._winograd.convolve
    monkeypatch.setattr(bench_training, "use_winograd", chosen)
    monkeypatch.setattr(winograd._winograd, "convolve", counted)
    bench.main(["training", "--config", "compact-9", *SMALL])
    assert turn == [False, True] * 2
    assert calls[False] == 0
    assert calls[True] > 0


def test_the_papers_network_can_be_timed(capsys):
    small = ("--set", "alphago.filters=16", "--set", "alphago.layers=3", "--set", "loop.batch_size=2", "--repeats", "1")
    assert bench.main(["training", "--config", "alphago-64", *small]) == 0
    assert "ways.winograd.positions_per_s" in capsys.readouterr().out


def test_no_rounds_are_refused(capsys):
    with pytest.raises(SystemExit):
        bench.main(["training", "--repeats", "0"])
    assert "number from 1" in capsys.readouterr().err

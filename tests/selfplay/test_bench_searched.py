"""The benchmark of games with search: figures that fit each other, of games that are played to their ends."""

from __future__ import annotations

import json

import pytest

from engine.network_file import NetworkFileError
from selfplay import bench_searched, bench_selfplay
from selfplay.searched_settings import SearchedSettings

SETTINGS = SearchedSettings(size=5, visits=4, longest=12)


def require_sense(figures: dict[str, float], boards: int) -> None:
    assert 0 < figures["network_share"] < 1
    assert figures["mean_batch"] == boards
    assert 1 < figures["moves_per_game"] <= 12
    per_game = 3600 * figures["evaluations_per_s"] / figures["games_per_h"]
    assert 1 < per_game / figures["moves_per_game"] <= 4
    assert figures["games_per_h"] == pytest.approx(3600 * figures["positions_per_s"] / figures["moves_per_game"])


def test_a_network_with_random_weights() -> None:
    figures = bench_searched.measure("2x16", SETTINGS, boards=3, processes=1, repeats=2)
    assert (figures["network"], figures["runtime"], figures["visits"]) == ("random-2x16", "kernels", 4)
    require_sense(figures, 3)


def test_a_runtime_of_ones_choice() -> None:
    figures = bench_searched.measure("compact-19", SETTINGS, boards=3, processes=1, repeats=1, runtime="torch-cpu")
    assert (figures["network"], figures["runtime"]) == ("compact-19", "torch-cpu")
    require_sense(figures, 3)


@pytest.mark.slow
def test_two_processes(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--visits", "3", "--boards", "2", "--processes", "2", "--repeats", "1", "--root", "puct", "--json"]
    assert bench_selfplay.main(options) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["network"], figures["root"], figures["processes"]) == ("compact-9", "puct", 2)
    assert figures["games_per_h"] > 0


def test_what_cannot_be_measured() -> None:
    with pytest.raises(NetworkFileError, match="compact-8"):
        bench_searched.measure("compact-8", SETTINGS, boards=1, processes=1, repeats=1)
    with pytest.raises(ValueError, match="--runtime torch-cpu needs"):
        bench_selfplay.main(["--network", "2x16", "--runtime", "torch-cpu"])
    with pytest.raises(ValueError, match="--processes is for games with search"):
        bench_selfplay.main(["--processes", "2"])

"""`gozero bench features`: what it prints, and that what it times are positions of the games it is given."""

import json
from pathlib import Path

import numpy as np
import pytest

from gozero import bench, features
from gozero._features import HISTORY
from gozero.coords import BLACK, WHITE
from gozero.data_files import data_dir
from gozero.geometry import symmetry_table
from gozero.position import Position
from gozero.store import Store
from training import _bench_features, bench_features
from training.eval_games import open_games
from training.pack import PackError


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_features, "PLANES_SECONDS", 0.001)
    monkeypatch.setattr(bench_features, "BATCHES", 1)
    monkeypatch.setattr(bench_features, "ROWS", 16)


def test_the_sample_games_give_all_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["features", "--json", "--threads", "2"]) == 0
    figures = json.loads(capsys.readouterr().out)
    for name in ("alphago48", "prefix12", "compact", "minibatch", "minibatch_compact"):
        assert set(figures[name]) == {"9", "19"}
        assert min(figures[name].values()) > 0
    assert figures["minibatch_threads"]["threads"] == 2
    assert figures["minibatch_threads"]["19"] > 0
    assert figures["games"] == {"9": 12, "19": 4}
    assert figures["boards"] == {"9": 12 * 24, "19": 4 * 101}


def test_sizes_without_games_are_not_measured(row_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The games of row_store have 11 to 50 moves."""
    assert bench_features.main(["--games", str(row_store)]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["alphago48.19"] == lines["minibatch.19"] == lines["minibatch_threads.9"] == "not measured"
    assert float(lines["alphago48.9"].replace(",", "")) > 0
    assert int(lines["games.9"]) == 1200
    assert int(lines["boards.9"]) == bench_features.MOST_BOARDS


def test_games_of_no_size_that_is_measured(tmp_path: Path) -> None:
    (tmp_path / "game.sgf").write_text("(;SZ[5]RE[B+R];B[cc];W[bb])")
    with pytest.raises(PackError, match="no game on 9x9 or 19x19"):
        bench_features.main(["--games", str(tmp_path)])


@pytest.mark.parametrize("threads", ["0", "-1", "two"])
def test_threads_are_a_number_from_1(threads: str) -> None:
    with pytest.raises(SystemExit):
        bench_features.main(["--threads", threads])


@pytest.mark.parametrize("size", [9, 19])
def test_boards_are_from_the_middle_of_the_games(size: int) -> None:
    with open_games([str(data_dir() / "games")], size) as (store, _):
        assert isinstance(store, Store)
        boards = bench_features.middle_boards(store, size)
        wanted = []
        for i in range(len(store)):
            record = store.record(i)
            position = Position(size, rules="chinese")
            for ply, code in enumerate(record.moves.tolist()):
                if size * size // 6 <= ply <= size * size * 4 // 9:
                    wanted.append((position.copy(), WHITE if code & 0x8000 else BLACK))
                index = code & 0x7FFF
                position.play((index // size + 1) * (size + 1) + index % size + 1 if index < size * size else 0)
    assert len(wanted) == len(boards.states)
    for number, (position, colour) in enumerate(wanted):
        assert boards.colours[number] == colour
        assert np.array_equal(boards.recent[number], position.recent_points(8))
        theirs = Position(size)
        theirs.state[:] = boards.states[number]
        assert np.array_equal(theirs.colours(), position.colours())
    assert set(bench_features.SETS.values()) <= set(features.FEATURE_SETS)


@pytest.mark.nojit
def test_fill_all_ends_with_the_planes_of_the_last_board() -> None:
    boards = [Position(5) for _ in range(3)]
    for board in boards[1:]:
        for move in ("C3", "B2", "D4")[: len(boards)]:
            board.play(move)
    named = features.feature_set("alphago48")
    planes = np.empty(len(named.planes) * 25, np.uint8)
    recent = np.stack([np.asarray(board.recent_points(HISTORY), np.int32) for board in boards])
    colours = np.array([board.to_play for board in boards], np.int64)
    states = np.stack([board.state for board in boards])
    _bench_features.fill_all(states, recent, colours, named.code, symmetry_table(5)[0], planes)
    assert np.array_equal(planes.reshape(-1, 5, 5), features.planes(boards[-1], "alphago48"))


def test_the_speed_of_planes_needs_a_board() -> None:
    position = Position.from_ascii("""
        . X O . .
        X O . O .
        . X O . .
        . . . . .
        . . . . .
    """)
    boards = bench_features.Boards(
        position.state[None].copy(), position.recent_points(8)[None].copy(), np.array([position.to_play])
    )
    speed = bench_features.planes_per_s(boards, 5, "compact")
    assert speed is not None
    assert speed > 0
    nothing = bench_features.Boards(boards.states[:0], boards.recent[:0], boards.colours[:0])
    assert bench_features.planes_per_s(nothing, 5, "compact") is None

"""What is evaluated on: a store as it is, records packed first, and what is said of those that are of no use."""

from __future__ import annotations

from pathlib import Path

import pytest

from training import eval_games
from training.batches import ALL, BatchSource
from training.eval_games import default_split, read_games, reporting
from training.pack import PackError, pack

GAME = "(;GM[1]SZ[5]KM[6.5]RE[B+1.5];B[cc];W[dd];B[cd];W[dc];B[bb])"
BROKEN = "(;GM[1]SZ[5]RE[B+1];B[cc];W[cc])"


def test_records_are_packed_and_the_broken_ones_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.sgf").write_text(GAME)
    (tmp_path / "broken.sgf").write_text(BROKEN)
    with read_games([str(tmp_path)], 5) as (store, packed):
        assert len(store.games) == 1
        assert packed is not None
        assert packed.games == 1
        assert default_split(packed is None) == ALL
        with pytest.raises(ValueError, match="no 9x9 game") as caught:
            BatchSource(store, feature_set="compact", size=9, split=ALL, batch_size=1, seed=0)
        assert str(caught.value).startswith(f"{tmp_path} has no")  # not where they were packed for a moment
    told = capsys.readouterr().err
    assert "broken.sgf" in told
    assert "good.sgf" not in told


def test_a_store_is_read_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.sgf").write_text(GAME)
    place = pack([str(tmp_path / "good.sgf")], tmp_path / "store").store
    with read_games([str(place)], 5) as (store, packed):
        assert Path(store.path) == place
        assert packed is None
        assert default_split(packed is None) == "test"
    assert capsys.readouterr().err == ""


def test_records_of_another_size_are_an_error_that_says_which_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "good.sgf").write_text(GAME)
    with pytest.raises(PackError, match="wanted are 9x9 games"), read_games([str(tmp_path)], 9):
        pass


def test_progress_is_a_line_a_tenth_and_nothing_where_it_is_quick(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with reporting("reading", "bytes") as tell:
        tell(50, 100)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(eval_games, "QUIET_SECONDS", -1.0)
    with reporting("reading", "bytes") as tell:
        for done in range(1, 101):
            tell(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("reading: 10 of 100 bytes")

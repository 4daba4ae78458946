"""A packed store: it gives back what was written, and is whole or absent."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gozero import record
from gozero import store as store_module
from gozero.coords import WHITE
from gozero.record import GameRecord
from gozero.store import GAME_DTYPE, Store, StoreError, StoreWriter, encode

W = record.WHITE_BIT


def codes(*values: int) -> NDArray[np.uint16]:
    return np.array(values, np.uint16)


_FULL = GameRecord(
    size=9,
    moves=codes(40 | W, 20, 81 | W),
    setup=codes(0, 8),
    first_player=WHITE,
    komi=0.5,
    rules="japanese",
    winner=WHITE,
    margin=3.5,
    ending="counted",
    black_rank="3k",
    white_rank="9p",
    handicap=2,
    year=2016,
    source="one",
)
_BARE = GameRecord(19, codes(72, 288 | W))


def write_store(path: Path) -> Path:
    with StoreWriter(path) as writer:
        writer.append(_FULL)
        writer.append(_BARE)
        writer.skip("bad\tname.sgf", "no result", "two\nlines")
    return path


def plain(what: GameRecord) -> dict[str, object]:
    return {**vars(what), "moves": what.moves.tolist(), "setup": what.setup.tolist()}


def test_store_gives_back_what_was_written(tmp_path: Path):
    store = Store.open(write_store(tmp_path / "store"))
    assert len(store) == 2
    assert [plain(store.record(i)) for i in range(2)] == [plain(_FULL), plain(_BARE)]
    assert store.games["key"].tolist() == [_FULL.key, _BARE.key]
    assert store.games["offset"].tolist() == [0, 5]
    assert math.isnan(store.games["komi"][1])
    assert (store.meta.games, store.meta.positions, store.meta.codes) == (2, 5, 7)
    assert store.meta.sources == ["one", ""]
    assert store.meta.games_by_size == {"9": 1, "19": 1}
    assert store.meta.skipped == {"no result": 1}
    assert (tmp_path / "store" / "skipped.tsv").read_text() == "bad name.sgf\tno result\ttwo lines\n"
    assert not store.games.flags.writeable
    assert not store.moves.flags.writeable


@pytest.mark.parametrize("points", [6.9, 0.1, -3.3, 7.25, 0.0, 150.5, 1234.56])
def test_komi_and_margin_come_back_as_they_were_written(tmp_path: Path, points: float):
    with StoreWriter(tmp_path / "store") as writer:
        writer.append(replace(_FULL, komi=points, margin=abs(points)))
    record = Store.open(tmp_path / "store").record(0)
    assert (record.komi, record.margin) == (points, abs(points))


def test_rows_are_forty_aligned_bytes():
    assert GAME_DTYPE.itemsize == 40
    for name in GAME_DTYPE.names or ():
        dtype, offset = GAME_DTYPE.fields[name][:2]  # type: ignore[index]
        assert offset % dtype.itemsize == 0, name


def test_a_store_may_be_empty(tmp_path: Path):
    with StoreWriter(tmp_path / "empty"):
        pass
    store = Store.open(tmp_path / "empty")
    assert (len(store), len(store.moves)) == (0, 0)


def test_header_makes_room_for_any_number_of_games(tmp_path: Path):
    rows, moves = encode([_BARE] * 1000)
    with StoreWriter(tmp_path / "many") as writer:
        for _ in range(20):
            writer.append_rows(rows, moves, "x")
    store = Store.open(tmp_path / "many")
    assert len(store) == 20_000
    assert plain(store.record(19_999)) == plain(GameRecord(**{**vars(_BARE), "source": "x"}))


def test_a_store_is_not_overwritten_unasked(tmp_path: Path):
    path = write_store(tmp_path / "store")
    with pytest.raises(StoreError, match=r"exists already: .*--overwrite"):
        StoreWriter(path)
    with StoreWriter(path, overwrite=True) as writer:
        writer.append(_BARE)
        assert len(Store.open(path)) == 2  # the old one stands until the new one is whole
    assert len(Store.open(path)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_came_to_stand_there_meanwhile_is_not_overwritten_either(tmp_path: Path, overwrite: bool):
    path, other = tmp_path / "store", tmp_path / "other"
    writer = StoreWriter(path, overwrite=overwrite)
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="exists and is no packed store") as caught, writer:
        writer.append(_FULL)
    assert [entry.name for entry in path.iterdir()] == ["thesis.txt"]
    (kept,) = tmp_path.glob("store-*.partial")
    assert str(kept) in str(caught.value)
    assert len(Store.open(kept)) == 1
    writer = StoreWriter(other)
    write_store(other)
    with pytest.raises(StoreError, match="exists already"), writer:
        pass
    assert len(Store.open(other)) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_a_replacement_that_is_interrupted_leaves_one_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], done: bool, number: int
):
    """Interrupted in the first or the second renaming, before it is done or after."""
    path, rename, count = write_store(tmp_path / "store"), Path.rename, 0

    def interrupted(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == number and not done:
            raise error
        moved = rename(self, target)
        if count == number:
            raise error
        return moved

    def overwrite() -> None:
        with StoreWriter(path, overwrite=True) as writer:
            writer.append(_BARE)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(error):
        overwrite()
    assert len(Store.open(path)) == (1 if done and number == 2 else 2)
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_a_store_that_a_killed_program_took_away_is_named(tmp_path: Path):
    path = tmp_path / "store"
    old = write_store(path).rename(tmp_path / "store-0123abcd.old")
    with pytest.raises(
        StoreError, match=f"{path} does not exist, but {old} is the store .*: rename that one to {path}"
    ):
        Store.open(path)
    with pytest.raises(StoreError, match="other does not exist: make one with"):
        Store.open(tmp_path / "other")


def test_nothing_but_a_store_is_ever_overwritten(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(StoreError, match="is no packed store: choose another name"):
        StoreWriter(tmp_path, overwrite=True)
    with pytest.raises(StoreError, match="is no packed store: choose another name"):
        StoreWriter(tmp_path / "thesis.txt", overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "ten years of work"


def test_an_empty_folder_may_become_a_store(tmp_path: Path):
    (tmp_path / "new").mkdir()
    assert len(Store.open(write_store(tmp_path / "new"))) == 2


def test_an_exception_leaves_nothing(tmp_path: Path):
    def interrupted() -> None:
        with StoreWriter(tmp_path / "store") as writer:
            writer.append(_FULL)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_game_too_long_for_a_row_is_refused():
    with pytest.raises(ValueError, match="does not fit a store"):
        encode([GameRecord(9, np.zeros(70_000, np.uint16))])


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (GameRecord(9, codes(40, 40 | W)), "illegal move: move 2, White E5: the point is occupied"),
        (GameRecord(9, codes(), setup=codes(40, 40)), "illegal set-up: Black E5: the point is occupied"),
    ],
)
def test_what_cannot_be_replayed_is_refused(tmp_path: Path, what: GameRecord, why: str):
    with StoreWriter(tmp_path / "store") as writer:
        with pytest.raises(ValueError, match=f"holds games that can be replayed, and not this one: {why}"):
            writer.append(what)
        writer.append(_BARE)
    assert len(Store.open(tmp_path / "store")) == 1


_ENDLESS_WRITER = """
import sys, numpy as np
from gozero.record import GameRecord
from gozero.store import StoreWriter
overwrite = sys.argv[2] == "overwrite"
with StoreWriter(sys.argv[1], overwrite=overwrite) as writer:
    while True:
        writer.append(GameRecord(size=9, moves=np.array([40, 20 | 0x8000], np.uint16)))
        print("written", flush=True)
"""


@pytest.mark.parametrize("over_a_store", [False, True])
def test_a_writer_killed_in_mid_write_leaves_no_store_or_the_old_one(tmp_path: Path, over_a_store: bool):
    path = tmp_path / "store"
    if over_a_store:
        write_store(path)
    mode = "overwrite" if over_a_store else "new"
    environment = {**os.environ, "PYTHONPATH": str(Path(store_module.__file__).parent.parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", _ENDLESS_WRITER, str(path), mode], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    time.sleep(0.05)
    process.kill()
    process.wait(timeout=10)
    process.stdout.close()
    if over_a_store:
        assert len(Store.open(path)) == 2
    else:
        with pytest.raises(StoreError, match="does not exist: make one with gozero pack"):
            Store.open(path)
    (left,) = tmp_path.glob("*.partial")
    with pytest.raises(StoreError):
        Store.open(left)


# --- stores that do not open -----------------------------------------------------------------------------------------


def test_missing_and_foreign_folders(tmp_path: Path):
    with pytest.raises(StoreError, match=r"nowhere does not exist: make one with gozero pack"):
        Store.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="is no packed store"):
        Store.open(tmp_path)
    (tmp_path / "meta.json").write_text("[1]")
    with pytest.raises(StoreError, match="is no packed store"):
        Store.open(tmp_path)
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        Store.open(tmp_path)


def test_other_versions_are_refused_by_number(tmp_path: Path):
    path = write_store(tmp_path / "store")
    meta = json.loads((path / "meta.json").read_text())
    (path / "meta.json").write_text(json.dumps({**meta, "version": 99}))
    with pytest.raises(StoreError, match="version 99, this program reads 1: pack it again"):
        Store.open(path)


@pytest.mark.parametrize("name", ["moves.u16", "games.npy"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_damaged_stores(tmp_path: Path, name: str, damage: str):
    path = write_store(tmp_path / "store")
    if damage == "gone":
        (path / name).unlink()
    else:
        (path / name).write_bytes((path / name).read_bytes()[:-2])
    with pytest.raises(StoreError, match=r"is damaged .*pack it again"):
        Store.open(path)


def test_meta_that_lacks_a_fact(tmp_path: Path):
    path = write_store(tmp_path / "store")
    meta = json.loads((path / "meta.json").read_text())
    del meta["codes"]
    (path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(StoreError, match="is damaged"):
        Store.open(path)

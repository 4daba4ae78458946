"""Game records: the key, the splits, legality, and a store that is whole or absent."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gozero import geometry, record
from gozero.coords import BLACK, WHITE
from gozero.record import GAME_DTYPE, GameRecord, Store, StoreError, StoreWriter

B, W = 0, record.WHITE_BIT


def codes(*values: int) -> NDArray[np.uint16]:
    return np.array(values, np.uint16)


def game(size: int, *moves: int, first: int = BLACK, setup: NDArray[np.uint16] | None = None) -> GameRecord:
    """A record with alternating colours from move indices."""
    coded = [move | (W if (i + first) % 2 == 0 else B) for i, move in enumerate(moves)]
    return GameRecord(size=size, moves=codes(*coded), setup=codes() if setup is None else setup, first_player=first)


def turned(original: GameRecord, symmetry: int) -> GameRecord:
    table = geometry.symmetry_table(original.size)[symmetry]

    def turn(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
        return (table[values & ~np.uint16(W)].astype(np.uint16)) | (values & np.uint16(W))

    return GameRecord(original.size, turn(original.moves), turn(original.setup), original.first_player)


# --- key and splits --------------------------------------------------------------------------------------------------


@given(
    st.integers(2, 25).flatmap(
        lambda size: st.tuples(
            st.just(size),
            st.lists(st.integers(0, size * size), max_size=80),
            st.lists(st.integers(0, size * size - 1), max_size=4, unique=True),
        )
    )
)
@settings(max_examples=100, deadline=None)
def test_key_is_the_same_under_all_symmetries(drawn):
    size, moves, setup = drawn
    original = game(size, *moves, setup=codes(*setup))
    assert {turned(original, symmetry).key for symmetry in range(8)} == {original.key}


def test_key_sees_order_colour_passes_size_and_set_up():
    different = [
        game(9, 0, 1, 2),
        game(9, 2, 1, 0),
        game(9, 0, 1),
        game(9, 0, 1, 2, first=WHITE),
        game(9, 0, 1, 2, 81),
        game(9, 0, 1, 2, setup=codes(40)),
        game(9, 0, 1, 2, setup=codes(40 | W)),
        game(13, 0, 1, 2),
    ]
    assert len({g.key for g in different}) == len(different)


def test_key_does_not_mind_the_order_of_set_up_stones():
    assert game(9, 5, setup=codes(40, 20)).key == game(9, 5, setup=codes(20, 40)).key


def test_keys_and_splits_never_change():
    """Networks were trained on these splits: a change here would mix training and test games."""
    key = game(9, 40, 20, 60, 81).key
    assert key == 3957910231070782088
    splits = record.split_of(np.arange(300, dtype=np.uint64))
    assert {i: int(splits[i]) for i in splits.nonzero()[0].tolist()} == {34: 2, 50: 2, 53: 2, 149: 2, 211: 1, 285: 1}


def test_splits_have_their_shares():
    keys = np.random.default_rng(1).integers(0, 2**64, 200_000, dtype=np.uint64, endpoint=False)
    shares = np.bincount(record.split_of(keys), minlength=3) / len(keys)
    assert shares == pytest.approx([0.98, 0.01, 0.01], abs=0.001)
    assert record.split_of(keys).dtype == np.uint8


@pytest.mark.parametrize("rank", ["30k", "1k", "1d", "9d", "10d", "1p", "9p", None])
def test_ranks_survive_their_code(rank):
    assert record.rank_text(record.rank_code(rank)) == rank


def test_rank_codes_are_ordered_and_nonsense_is_unknown():
    ranks = ["30k", "2k", "1k", None, "1d", "9d", "1p", "9p"]
    numbers = [record.rank_code(rank) for rank in ranks]
    assert numbers == sorted(numbers)
    assert {record.rank_code(text) for text in ("0d", "31k", "11p", "x", "d")} == {0}


# --- legality --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "reason", "detail"),
    [
        (game(5, 12, 12), "illegal move", "move 2, White C3: the point is occupied"),
        (game(5, 1, 24, 5, 0), "illegal move", "move 4, White A5: it is suicide"),
        # Black 1 5 11, White 2 8 12; Black 7 takes nothing, White 6 takes 7, Black 7 takes back at once.
        (game(5, 1, 2, 5, 8, 11, 12, 7, 6, 7), "illegal move", "move 9, Black C4: it takes back a ko at once"),
        (GameRecord(5, codes(0, 1)), "colours out of turn", "move 2 is by the same player as the one before"),
        (game(5, 20, setup=codes(0, 0)), "illegal set-up", "Black A5: the point is occupied"),
        (
            game(5, 20, setup=codes(0, 1 | W, 5 | W)),
            "illegal set-up",
            "Black A5: the stone is set up without a liberty",
        ),
        (game(5, 20, setup=codes(25)), "illegal set-up", "Black pass: the point is occupied"),
    ],
)
@pytest.mark.nojit
def test_faults(what, reason, detail):
    assert record.fault(what) == (reason, detail)


@pytest.mark.parametrize(
    "what",
    [
        game(5, 12, 25, 25, 0),
        game(5, 1, 2, 5, 8, 11, 12, 7, 6, 24, 20, 7),  # the ko taken back after an exchange elsewhere
        game(5, 24, setup=codes(0, 1, 5 | W)),
        game(1, 1, 1),
    ],
)
def test_sound_records(what):
    assert record.fault(what) is None


def test_suicide_of_several_stones_depends_on_the_rules():
    # Black 0, 1 in the corner of 3x3 enclosed by White 2, 3, 4: Black's second stone takes the last liberty.
    moves = game(3, 0, 2, 8, 3, 9, 4, 1).moves
    assert record.fault(GameRecord(3, moves, rules="new-zealand")) is None
    for rules in ("chinese", "japanese", None):
        assert record.fault(GameRecord(3, moves, rules=rules)) == ("illegal move", "move 7, Black B3: it is suicide")


# --- the store -------------------------------------------------------------------------------------------------------

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
_BARE = game(19, 72, 288)


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
    rows, moves = record.encode([_BARE] * 1000)
    with StoreWriter(tmp_path / "many") as writer:
        for _ in range(20):
            writer.append_rows(rows, moves, "x")
    store = Store.open(tmp_path / "many")
    assert len(store) == 20_000
    assert plain(store.record(19_999)) == plain(GameRecord(**{**vars(_BARE), "source": "x"}))


def test_unknown_rules_count_as_chinese():
    assert record.rules_of_code(0).name == record.rules_of_code(200).name == "chinese"
    assert record.rules_of_code(record.RULE_NAMES.index("japanese")).scoring == "territory"


def test_a_store_is_not_overwritten_unasked(tmp_path: Path):
    path = write_store(tmp_path / "store")
    with pytest.raises(StoreError, match=r"exists already: .*--overwrite"):
        StoreWriter(path)
    with StoreWriter(path, overwrite=True) as writer:
        writer.append(_BARE)
        assert len(Store.open(path)) == 2  # the old one stands until the new one is whole
    assert len(Store.open(path)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


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
        record.encode([GameRecord(9, np.zeros(70_000, np.uint16))])


_ENDLESS_WRITER = """
import sys, numpy as np
from gozero.record import GameRecord, StoreWriter
overwrite = sys.argv[2] == "overwrite"
with StoreWriter(sys.argv[1], overwrite=overwrite) as writer:
    while True:
        writer.append(GameRecord(size=9, moves=np.arange(80, dtype=np.uint16)))
        print("written", flush=True)
"""


@pytest.mark.parametrize("over_a_store", [False, True])
def test_a_writer_killed_in_mid_write_leaves_no_store_or_the_old_one(tmp_path: Path, over_a_store: bool):
    path = tmp_path / "store"
    if over_a_store:
        write_store(path)
    mode = "overwrite" if over_a_store else "new"
    environment = {**os.environ, "PYTHONPATH": str(Path(record.__file__).parent.parent)}
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

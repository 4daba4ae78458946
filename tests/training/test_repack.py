"""Stores from stores: what is chosen, what is left out, and the command that does it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gozero import record, sgf, travel
from gozero.record import WHITE_BIT, GameRecord
from gozero.store import Store, StoreWriter, encode
from training import repack
from training.batches import BatchSource
from training.ownership import final_ownership
from training.pack_command import main
from training.repack import Selection, select


def game(number: int, *, length: int = 20, size: int = 9, ranks: tuple[str | None, str | None] = (None, None)):
    """The `number`th of many games that fill the board from a point of their own."""
    moves = [((number * 7 + i * (1 + number % 5)) % (size * size)) | (WHITE_BIT if i % 2 else 0) for i in range(length)]
    return GameRecord(
        size=size,
        moves=np.array(moves, np.uint16),
        winner=1,
        ending="resign",
        komi=6.5,
        black_rank=ranks[0],
        white_rank=ranks[1],
    )


def make_store(path: Path, games: dict[str, list[GameRecord]]) -> Store:
    """A store with these games by source."""
    with StoreWriter(path) as writer:
        for source, some in games.items():
            writer.append_rows(*encode(some), source)
    return Store.open(path)


@pytest.fixture
def mixed(tmp_path: Path) -> Store:
    """Games 0-99: 9x9 and 13x13 by turns from three sources, of several ranks."""
    ranks = [("9d", "9d"), ("9d", "5d"), (None, "9d"), ("1p", "9p"), ("1k", "2k")]
    games = [game(i, size=9 if i % 2 else 13, ranks=ranks[i % 5]) for i in range(100)]
    return make_store(
        tmp_path / "mixed", {"tygem-1.zip": games[:40], "kgs.zip": games[40:70], "tygem-2.zip": games[70:]}
    )


def chosen(store: Store, **wanted: object) -> tuple[list[int], dict[str, int]]:
    (rows,), left_out = select([store], Selection(**wanted))  # type: ignore[arg-type]
    return rows.tolist(), dict(left_out)


def test_everything_unless_told(mixed: Store):
    assert chosen(mixed) == (list(range(100)), {})


def test_sizes(mixed: Store):
    assert chosen(mixed, sizes=(9,)) == (list(range(1, 100, 2)), {"wrong size": 50})
    assert chosen(mixed, sizes=(9, 13))[0] == list(range(100))


def test_sources(mixed: Store):
    assert chosen(mixed, sources=("tygem",)) == ([*range(40), *range(70, 100)], {"other source": 30})
    assert chosen(mixed, sources=("kgs", "-2"))[0] == list(range(40, 100))


def test_both_ranks_must_be_known_and_high_enough(mixed: Store):
    rows, left_out = chosen(mixed, minimum_rank="6d")
    assert rows == sorted([*range(0, 100, 5), *range(3, 100, 5)])
    assert left_out == {"rank too low or unknown": 60}
    assert chosen(mixed, minimum_rank="2k")[0] == [i for i in range(100) if i % 5 != 2]


def test_reasons_are_told_once_for_each_game(mixed: Store):
    rows, left_out = chosen(mixed, sizes=(9,), sources=("kgs",), minimum_rank="6d", positions=60)
    assert len(rows) == 3
    assert sum(left_out.values()) == 97


def test_a_larger_draw_takes_the_same_games_and_more(mixed: Store):
    before: set[int] = set()
    for positions in (0, 19, 20, 399, 1000, 2000, 10**9):
        rows = set(chosen(mixed, positions=positions)[0])
        assert len(rows) == min(positions // 20, 100)
        assert before <= rows
        before = rows


def test_the_draw_does_not_depend_on_the_order_of_the_games(mixed: Store, tmp_path: Path):
    backwards = make_store(tmp_path / "backwards", {"x": [mixed.record(i) for i in reversed(range(100))]})
    rows, again = (chosen(store, positions=700)[0] for store in (mixed, backwards))
    assert sorted(99 - row for row in again) == rows


def test_splits_keep_their_shares():
    keys = np.random.default_rng(0).integers(0, 2**64, 400_000, np.uint64)
    half = keys[np.argsort(record.draw_order(keys))[:200_000]]
    shares = np.bincount(record.split_of(half), minlength=3) / len(half)
    assert shares == pytest.approx([0.98, 0.01, 0.01], abs=0.001)


def test_a_game_of_two_stores_comes_from_the_first(mixed: Store, tmp_path: Path):
    other = make_store(tmp_path / "other", {"x": [game(0, length=21), mixed.record(7), game(0, length=22)]})
    rows, left_out = select([mixed, other], Selection())
    assert [len(some) for some in rows] == [100, 2]
    assert left_out == {"duplicate": 1}


# --- the command -----------------------------------------------------------------------------------------------------


def run(*arguments: str | Path | int) -> int:
    return main([str(argument) for argument in arguments])


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path | int) -> str:
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    line: str = captured.err.strip()
    assert "\n" not in line
    return line.removeprefix("gozero: error: ")


def assert_rows(store: Store, original: Store, rows: list[int]) -> None:
    """`store` holds these games of `original` in this order, in every field."""
    assert len(store) == len(rows)
    for i, row in enumerate(rows):
        one, other = vars(store.record(i)), vars(original.record(row))
        assert {**one, "moves": 0, "setup": 0} == {**other, "moves": 0, "setup": 0}
        assert one["moves"].tolist() == other["moves"].tolist()
        assert one["setup"].tolist() == other["setup"].tolist()


def test_there_and_back_again(mixed: Store, tmp_path: Path, capsys):
    file, again = tmp_path / "mixed.travel", tmp_path / "again"
    assert run(mixed.path, "--out", file, "--compress", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["games"], facts["positions"], facts["bytes"]) == (100, 2000, file.stat().st_size)
    assert run(file, "--out", again) == 0
    for name in ("games.npy", "moves.u16", "meta.json"):
        assert (again / name).read_bytes() == (mixed.path / name).read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["again", "mixed", "mixed.travel"]


def test_a_choice_travels(mixed: Store, tmp_path: Path, capsys):
    options: list[str | int] = [
        "--compress",
        "--size",
        9,
        "--source",
        "tygem",
        "--min-rank",
        "6d",
        "--positions",
        130,
        "--json",
    ]
    assert run(mixed.path, "--out", tmp_path / "some", *options) == 0
    facts = json.loads(capsys.readouterr().out)
    rows, left_out = chosen(mixed, sizes=(9,), sources=("tygem",), minimum_rank="6d", positions=130)
    assert len(rows) == 6
    assert facts["skipped_by_reason"] == left_out
    store = Store.open(tmp_path / "some")
    assert_rows(store, mixed, rows)
    assert store.meta.skipped == left_out


def test_records_and_stores_together(mixed: Store, tmp_path: Path, capsys):
    fresh = [game(700), game(701)]
    text = "".join(sgf.write(one) for one in [*fresh, mixed.record(3)]) + "(;SZ[9];B[aa])"
    (tmp_path / "new.sgf").write_text(text)
    for compress in ([], ["--compress"]):
        out = tmp_path / f"both{len(compress)}"
        assert run(tmp_path / "new.sgf", mixed.path, "--out", out, "--workers", 1, *compress) == 0
        captured = capsys.readouterr()
        assert f"{tmp_path / 'new.sgf'}#4: no result" in captured.err
        store = Store.open(out)
        assert store.meta.skipped == {"no result": 1, "duplicate": 1}
        assert store.meta.games_by_source == {"tygem-1.zip": 40, "kgs.zip": 30, "tygem-2.zip": 30, "files": 2}
        assert [store.record(i).key for i in (100, 101)] == [one.key for one in fresh]
        assert ("skipped.tsv" in captured.err) == out.is_dir()
    assert "#4\tno result" in (tmp_path / "both0" / "skipped.tsv").read_text()


def test_records_alone_can_be_chosen_from_and_compressed(tmp_path: Path):
    text = "".join(sgf.write(game(i, ranks=("9d", "9d" if i % 2 else "8d"))) for i in range(10))
    (tmp_path / "new.sgf").write_text(text)
    options: list[str | int] = ["--workers", 1, "--min-rank", "9d", "--compress"]
    assert run(tmp_path / "new.sgf", "--out", tmp_path / "file", *options) == 0
    assert len(Store.open(tmp_path / "file")) == 5


def test_what_stands_in_the_way(mixed: Store, tmp_path: Path, capsys):
    file, other = tmp_path / "file", tmp_path / "other"
    assert run(mixed.path, "--out", file, "--compress") == 0
    whole = file.read_bytes()
    capsys.readouterr()
    assert "give --overwrite to replace that file" in complaint(capsys, mixed.path, "--out", file, "--compress")
    assert run(mixed.path, "--out", file, "--compress", "--overwrite", "--size", 9) == 0
    assert file.read_bytes() != whole
    other.write_text("mine")
    capsys.readouterr()
    for path in (other, mixed.path):
        line = complaint(capsys, mixed.path, "--out", path, "--compress", "--overwrite")
        assert line == f"{path} exists and is no compressed store: choose another name for the file"
    assert other.read_text() == "mine"
    assert "exists and is no packed store" in complaint(capsys, mixed.path, "--out", file, "--overwrite")


def test_nothing_left(mixed: Store, tmp_path: Path, capsys):
    line = complaint(capsys, mixed.path, "--out", tmp_path / "x", "--source", "fox")
    assert line == "no game is left (other source 100): no store was written"
    assert [entry.name for entry in tmp_path.iterdir()] == ["mixed"]


@pytest.mark.parametrize("compress", [[], ["--compress"]])
def test_ctrl_c_leaves_nothing(mixed: Store, tmp_path: Path, capsys, monkeypatch, compress: list[str]):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(travel if compress else repack, "write" if compress else "copy", interrupted)
    assert run(mixed.path, "--out", tmp_path / "new" / "x", *compress) == 130
    assert "stopped; nothing was written" in capsys.readouterr().err
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("rank", ["", "11p", "strong"])
def test_bad_rank(capsys, rank: str):
    with pytest.raises(SystemExit):
        run("x", "--out", "y", "--min-rank", rank)
    assert f"'{rank}' is no rank such as 5k, 6d or 9p" in capsys.readouterr().err


def test_damaged_file(mixed: Store, tmp_path: Path, capsys):
    travel.write(mixed, tmp_path / "file")
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:-100])
    line = complaint(capsys, tmp_path / "file", "--out", tmp_path / "x")
    assert "cut short or damaged" in line
    assert not (tmp_path / "x").exists()


def test_training_reads_the_file_itself(row_store: Path, tmp_path: Path):
    """The same batches, owners of the points included, as from the folder; those owners are kept beside the file."""
    (rows,), _ = select([Store.open(row_store)], Selection(positions=500))
    with StoreWriter(tmp_path / "few") as writer:
        for row in rows.tolist():
            writer.append(Store.open(row_store).record(row))
    travel.write(Store.open(tmp_path / "few"), tmp_path / "file")
    batches = []
    for path in (tmp_path / "few", tmp_path / "file"):
        store = Store.open(path)
        source = BatchSource(
            store,
            feature_set="compact",
            size=9,
            split="all",
            batch_size=32,
            seed=1,
            ownership=final_ownership(store),
        )
        batches.append(source.batch(3))
    one, other = batches
    for name, array in vars(one).items():
        assert np.array_equal(array, getattr(other, name)), name
    assert len(one.ownership)
    assert (tmp_path / "file-ownership-2.i8").exists()

"""Compressed stores: what comes out is what went in, or an error that says so."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from gozero import record, travel
from gozero.coords import BLACK, WHITE
from gozero.record import GameRecord
from gozero.store import GAME_DTYPE, Store, StoreError, StoreWriter, encode, is_store

W = record.WHITE_BIT
T = TypeVar("T")


def any_game(generator: np.random.Generator) -> GameRecord:
    """A record that uses every field; its moves need be neither legal nor alternating."""

    def pick(*options: T) -> T:
        return options[int(generator.integers(len(options)))]

    size = pick(2, 9, 19, 25)
    first = pick(BLACK, WHITE)
    length = int(generator.integers(0, 60))
    colours = (np.arange(length) + first + 1) % 2
    if generator.random() < 0.2:
        colours = generator.integers(0, 2, length)
    setup = generator.permutation(size * size)[: int(generator.integers(0, 4))] | W * generator.integers(0, 2)
    return GameRecord(
        size=size,
        moves=(generator.integers(0, size * size + 1, length) | W * colours).astype(np.uint16),
        setup=setup.astype(np.uint16),
        first_player=first,
        komi=pick(None, 6.5, -3.0),
        rules=pick(None, *record.RULE_NAMES[1:]),
        winner=pick(None, 0, BLACK, WHITE),
        margin=pick(None, 0.5, 21.0),
        ending=pick(*record.ENDINGS),
        black_rank=pick(None, "30k", "9d"),
        white_rank=pick(None, "1d", "9p"),
        handicap=int(generator.integers(0, 10)),
        year=pick(None, 1846, 2016),
        source=pick("one.zip", "two.zip", "três"),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of 300 games of all kinds."""
    generator = np.random.default_rng(4)
    with StoreWriter(tmp_path / "store") as writer:
        for _ in range(300):
            game = any_game(generator)  # codes that no game has: a file keeps them all the same
            writer.append_rows(*encode([game]), game.source)
        writer.skip("a.sgf", "no result")
    return Store.open(tmp_path / "store")


def assert_same(one: Store, other: Store) -> None:
    assert one.meta == other.meta
    assert one.games.dtype == other.games.dtype == GAME_DTYPE
    assert one.games.tobytes() == other.games.tobytes()  # nan is nan
    assert one.moves.tobytes() == other.moves.tobytes()


@pytest.mark.parametrize("games_at_once", [7, 10_000])
def test_everything_survives(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, games_at_once: int):
    monkeypatch.setattr(travel, "_GAMES", games_at_once)
    travel.write(store, tmp_path / "file")
    again = Store.open(tmp_path / "file")
    assert_same(again, store)
    assert (record.split_of(again.games["key"]) == record.split_of(store.games["key"])).all()
    assert vars(again.record(17)).keys() == vars(store.record(17)).keys()
    assert again.record(17).moves.tolist() == store.record(17).moves.tolist()
    assert not again.moves.flags.writeable
    assert not again.games.flags.writeable


def test_a_store_without_games_survives(tmp_path: Path):
    StoreWriter(tmp_path / "store").close()
    travel.write(Store.open(tmp_path / "store"), tmp_path / "file")
    assert_same(Store.open(tmp_path / "file"), Store.open(tmp_path / "store"))


def test_colours_in_turn_cost_nothing(tmp_path: Path):
    generator = np.random.default_rng(1)
    sizes = {}
    for name, colours in (("in turn", np.arange(300) % 2), ("at random", generator.integers(0, 2, 300))):
        with StoreWriter(tmp_path / name) as writer:
            for _ in range(100):
                moves = generator.integers(0, 361, 300) | W * colours
                game = GameRecord(size=19, moves=moves.astype(np.uint16), first_player=BLACK)
                writer.append_rows(*encode([game]), "")
        travel.write(Store.open(tmp_path / name), tmp_path / "file")
        sizes[name] = (tmp_path / "file").stat().st_size
        with np.load(tmp_path / "file") as arrays:  # numpy alone can read it
            black_only = (arrays["moves"] < W).all()
            assert black_only == (name == "in turn")
    assert sizes["in turn"] < sizes["at random"]


def test_equal_stores_give_equal_files(store: Store, tmp_path: Path):
    for name in ("one", "two"):
        travel.write(store, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_progress_reaches_the_end(store: Store, tmp_path: Path):
    told: list[tuple[int, int]] = []
    travel.write(store, tmp_path / "file", lambda *numbers: told.append(numbers))
    assert told[-1][0] == told[-1][1] > 300
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_file_cut_short_is_refused(store: Store, tmp_path: Path):
    path = tmp_path / "file"
    travel.write(store, path)
    whole = path.read_bytes()
    for length in [0, 10, 60, 100, *np.linspace(200, len(whole) - 1, 40).astype(int).tolist()]:
        path.write_bytes(whole[:length])
        expected = "cut short or damaged" if length >= 60 else "is no packed store"
        with pytest.raises(StoreError, match=expected):
            Store.open(path)


def test_damage_is_noticed(store: Store, tmp_path: Path):
    path = tmp_path / "file"
    travel.write(store, path)
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    complaints = []
    for place in generator.integers(0, len(whole), 150).tolist():
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        try:
            assert_same(Store.open(path), store)  # a few bytes of a zip archive mean nothing
        except StoreError as error:
            complaints.append(str(error))
    assert len(complaints) > 100
    assert all(str(path) in complaint for complaint in complaints)


def test_other_files_are_refused(tmp_path: Path):
    path = tmp_path / "file"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.sgf", "(;SZ[9];B[aa])")
    for data in (b"", b"(;SZ[9];B[aa])", path.read_bytes()):
        path.write_bytes(data)
        assert not is_store(path)
        with pytest.raises(StoreError, match=r"is no packed store: name the folder or the compressed file"):
            Store.open(path)


def test_other_versions_are_refused(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(travel, "_VERSION", 2)
    travel.write(store, tmp_path / "file")
    monkeypatch.undo()
    with pytest.raises(StoreError, match="is a compressed store of version 2, this program reads 1: compress"):
        Store.open(tmp_path / "file")


def test_arrays_of_another_shape_are_refused(store: Store, tmp_path: Path):
    games = store.games.copy()
    games["length"][-1] += 1
    longer = Store(store.path, games, np.append(store.moves, np.uint16(0)), store.meta)
    travel.write(longer, tmp_path / "file")
    with pytest.raises(StoreError, match=r"cut short or damaged \(moves.npy holds"):
        Store.open(tmp_path / "file")
    games["setup"][:] = 0
    games["length"][:] = 0
    games["length"][0] = 1
    travel.write(Store(store.path, games, store.moves, store.meta), tmp_path / "file")
    with pytest.raises(StoreError, match=r"cut short or damaged \(moves.npy is not as long as its games\)"):
        Store.open(tmp_path / "file")


def test_nothing_is_left_of_a_write_that_fails(store: Store, tmp_path: Path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        travel.write(store, tmp_path / "new" / "file", stop)
    assert list((tmp_path / "new").iterdir()) == []


def test_is_store(store: Store, tmp_path: Path):
    travel.write(store, tmp_path / "file")
    assert is_store(tmp_path / "file")
    assert is_store(str(store.path))
    assert not is_store(tmp_path)
    assert not is_store(tmp_path / "nothing")

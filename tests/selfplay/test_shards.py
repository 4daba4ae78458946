"""Finished games on disk: journals, shards, and the store that training gets of them."""

import os
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gozero.record import GameRecord
from gozero.searches import GameSearches, Searches
from gozero.store import Store, StoreError
from selfplay import journal, shards
from selfplay.journal import NO_SEARCHES, Journal, PlayedGame, pack, unpack
from selfplay.shards import JOURNAL, STORE, gather, open_store, write_shard


def game(number, *, network="one", finished=0.0, moves=None, searches=NO_SEARCHES):
    codes = [number, 80 | 0x8000] if moves is None else moves
    record = GameRecord(
        size=9,
        moves=np.array(codes, np.uint16),
        komi=6.5,
        rules="chinese",
        winner=2,
        margin=3.5,
        ending="counted",
        source=f"self-play {network}",
    )
    return PlayedGame(number, network, finished, 1, 2, (0.5, -0.25), record, searches)


def searched(value):
    return GameSearches(
        np.array([0]), np.array([value], np.float32), np.array([2]), np.array([3, 81], np.uint16),
        np.array([0.25, 0.75], np.float32),
    )  # fmt: skip


def same(one: PlayedGame, two: PlayedGame) -> bool:
    pairs = [(getattr(one.record, name), getattr(two.record, name)) for name in one.record.__dataclass_fields__]
    pairs += [(getattr(one.searches, name), getattr(two.searches, name)) for name in GameSearches._fields]
    return all(np.array_equal(*pair) for pair in pairs) and one[:-2] == two[:-2]


def write_journal(path, games):
    made = Journal(path)
    made.append([pack(each) for each in games])
    made.close()


GAMES = st.builds(
    lambda number, network, finished, moves, value: game(
        number, network=network, finished=finished, moves=moves, searches=searched(value)
    ),
    st.integers(0, 2**40),
    st.text(max_size=8),
    st.floats(0, 1e12),
    st.lists(st.integers(0, 81), max_size=30),
    st.floats(-1, 1, width=32),
)


@given(GAMES)
def test_a_game_comes_back_from_its_bytes(one):
    assert same(unpack(pack(one)), one)


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(content):
    with pytest.raises(journal.JournalError):
        unpack(content)


@settings(deadline=None)
@given(st.lists(GAMES, min_size=1, max_size=4), st.data())
def test_a_journal_cut_short_anywhere_keeps_its_whole_games(tmp_path_factory, games, data):
    path = tmp_path_factory.mktemp("j") / f"w-0001-00000{JOURNAL}"
    write_journal(path, games)
    ends = np.cumsum([0, *(len(pack(each)) + 8 for each in games)])
    cut = data.draw(st.integers(0, int(ends[-1])))
    os.truncate(path, cut)
    found, problem = journal.read(path)
    assert not problem
    assert len(found) == np.count_nonzero(ends[1:] <= cut)
    assert all(map(same, found, games))


def test_a_damaged_game_in_a_journal_is_named_and_those_before_it_are_kept(tmp_path):
    path = tmp_path / f"w-0001-00000{JOURNAL}"
    write_journal(path, [game(1), game(2), game(3)])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found, problem = journal.read(path)
    assert len(found) == 1
    assert str(path) in problem


def test_games_of_shards_and_journals_come_together_in_one_store(tmp_path):
    folder = tmp_path / shards.SHARDS
    folder.mkdir()
    write_shard(folder, "host-1-0001-00000", [game(0, finished=1.0, searches=searched(0.5)), game(1, finished=4.0)])
    write_shard(folder, "host-0-0002-00001", [game(2, network="two", finished=2.0, searches=searched(-1.0))])
    write_journal(folder / f"host-0-0002-00002{JOURNAL}", [game(3, finished=3.0, searches=searched(0.25))])
    found = gather(tmp_path, tmp_path / "all")
    assert found == shards.Gathered(games=4, positions=8, repeated=0, problems=[])
    shard = open_store(tmp_path / "all")
    store, searches = Store.open(tmp_path / "all"), Searches.open(Store.open(tmp_path / "all"))
    numbers = [int(store.record(i).moves[0]) for i in range(4)]
    assert sorted(numbers) == [0, 1, 2, 3]
    values = {number: searches.of_game(i).values.tolist() for i, number in enumerate(numbers)}
    assert values == {0: [0.5], 1: [], 2: [-1.0], 3: [0.25]}
    assert {numbers[i]: float(row["finished"]) for i, row in enumerate(shard.played)} == {0: 1, 1: 4, 2: 2, 3: 3}
    assert {numbers[i]: store.record(i).source for i in range(4)}[2] == "self-play two"


def test_the_newest_games_are_those_that_ended_last(tmp_path):
    write_shard(tmp_path / shards.SHARDS, "w-0001-00000", [game(n, finished=float(-n)) for n in range(6)])
    assert gather(tmp_path, tmp_path / "all", newest=2).games == 2
    store = Store.open(tmp_path / "all")
    assert [int(store.record(i).moves[0]) for i in range(2)] == [0, 1]


def test_a_game_counts_once_however_often_it_is_there(tmp_path):
    folder = tmp_path / shards.SHARDS
    write_shard(folder, "w-0001-00000", [game(0), game(1)])
    write_journal(folder / f"w-0001-00000{JOURNAL}", [game(0), game(1)])  # killed before it could take this away
    write_shard(folder, "w-0001-00001", [game(1), game(2)])
    assert shards.count_games(tmp_path) == 3
    # The same moves, seen in a mirror: another id, and no other game.
    turned = game(7, moves=[72, 80 | 0x8000])
    original = game(8, moves=[0, 8 | 0x8000])
    assert turned.record.key == original.record.key
    write_shard(folder, "w-0002-00000", [turned, original])
    found = gather(tmp_path, tmp_path / "all")
    assert (found.games, found.repeated) == (4, 2)


def test_unreadable_shards_are_named_and_survived(tmp_path):
    folder = tmp_path / shards.SHARDS
    for number in range(5):
        write_shard(folder, f"w-0001-{number:05d}", [game(number)])
    (folder / f"w-0001-00000{STORE}" / "games.npy").write_bytes(b"no")
    (folder / f"w-0001-00001{STORE}" / "shares.npy").unlink()
    (folder / f"w-0001-00002{STORE}" / shards.PLAYED).write_bytes(b"")
    (folder / f"w-0001-00003{STORE}" / "meta.json").write_text("{")
    (folder / "w-0001-00009.store-12ab.partial").mkdir()
    heard: list[str] = []
    found = gather(tmp_path, tmp_path / "all", on_problem=heard.append)
    assert found.games == 1
    assert len(heard) == 4
    assert found.problems == heard
    assert all(f"w-0001-0000{number}" in heard[number] for number in range(4))


def test_a_damaged_shard_gives_way_to_its_journal(tmp_path):
    folder = tmp_path / shards.SHARDS
    write_shard(folder, "w-0001-00000", [game(0)])
    write_journal(folder / f"w-0001-00000{JOURNAL}", [game(0)])
    (folder / f"w-0001-00000{STORE}" / "moves.u16").unlink()
    assert shards.count_games(tmp_path) == 1


def test_where_nothing_was_played_there_is_nothing_to_gather(tmp_path):
    assert shards.count_games(tmp_path) == 0
    with pytest.raises(StoreError, match="no finished games"):
        gather(tmp_path, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_reading_while_shards_take_over_from_journals_misses_nothing(tmp_path):
    folder = tmp_path / shards.SHARDS
    folder.mkdir()
    safe = 0

    def work():
        nonlocal safe
        for number in range(40):
            path = folder / f"w-0001-{number:05d}{JOURNAL}"
            write_journal(path, [game(number)])
            safe = number + 1
            write_shard(folder, path.stem, [game(number)])
            path.unlink()

    worker = threading.Thread(target=work)
    worker.start()
    while worker.is_alive():
        before = safe
        assert before <= shards.count_games(tmp_path) <= safe + 1
    worker.join()
    assert shards.count_games(tmp_path) == 40


def test_half_written_shards_go_when_they_are_old(tmp_path):
    for name, age in (("old.partial", 7200), ("young.partial", 0)):
        (tmp_path / name).mkdir()
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    shards.remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["young.partial"]


def test_ids_of_different_lives_differ():
    ids = [shards.game_ids(life, range(100)) for life in ("a-0001", "a-0002", "b-0001", "a-1-0001")]
    assert len(np.unique(np.concatenate(ids))) == 400

"""Where finished games go, and what happens when the disk takes none."""

import pytest

from gozero import sgf
from selfplay import shards, shelf
from selfplay.shards import JOURNAL, STORE
from selfplay.shelf import SGF, Shelf, ShelfError
from tests.selfplay.test_shards import game, searched

resource = pytest.importorskip("resource", reason="a limit on the size of files stands in for a full disk")


@pytest.fixture
def full_disk():
    """Lets no file grow beyond so many bytes, which fails as a full disk does; None = no limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

    yield limit
    limit(None)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_games_are_in_the_journal_at_once_and_in_a_shard_when_there_are_enough(tmp_path):
    kept = Shelf(tmp_path, "w-0001", 3, 1, pytest.fail)
    for number in range(2):
        assert [each.number for each in kept.add([game(number)])] == [number]
        assert shards.count_games(tmp_path) == number + 1
    assert names(tmp_path / shards.SHARDS) == [f"w-0001-00000{JOURNAL}"]
    kept.add([game(2)])
    kept.close()
    assert names(tmp_path / shards.SHARDS) == [f"w-0001-00000{STORE}"]
    kept.add([game(3)])
    assert kept.close() == []
    assert names(tmp_path / shards.SHARDS) == [f"w-0001-0000{number}{STORE}" for number in range(2)]
    assert shards.count_games(tmp_path) == 4


def test_records_for_people_name_the_network_and_what_searches_thought(tmp_path):
    kept = Shelf(tmp_path, "w-0001", 128, 2, pytest.fail)
    kept.add([game(number, searches=searched(0.5)) for number in range(4)])
    kept.close()
    text = (tmp_path / SGF / "w-0001-00000.sgf").read_bytes()
    assert text.count(b"PB[one]") == 2  # every other game
    assert b"+0.50 for the player to move" in text
    assert sgf.parse(text)[0].moves.tolist() == game(0).record.moves.tolist()


def test_a_full_disk_is_told_once_and_games_wait_for_room(tmp_path, monkeypatch, full_disk):
    monkeypatch.setattr(shelf, "RETRY", 0.0)
    told: list[str] = []
    kept = Shelf(tmp_path, "w-0001", 128, 1, told.append)
    assert len(kept.add([game(0)])) == 1
    full_disk((tmp_path / shards.SHARDS / f"w-0001-00000{JOURNAL}").stat().st_size + 100)
    assert kept.add([game(1)]) == kept.add([game(2)]) == []
    assert shards.count_games(tmp_path) == 1
    assert len(told) == 1
    assert str(tmp_path / shards.SHARDS) in told[0]
    full_disk(None)
    assert [each.number for each in kept.add([game(3)])] == [1, 2, 3]
    assert len(told) == 2
    kept.close()
    assert shards.count_games(tmp_path) == 4


def test_a_shard_that_does_not_fit_leaves_nothing_and_its_journal_goes_on(tmp_path, full_disk):
    told: list[str] = []
    kept = Shelf(tmp_path, "w-0001", 2, 1, told.append)
    kept.add([game(0)])
    journal_size = (tmp_path / shards.SHARDS / f"w-0001-00000{JOURNAL}").stat().st_size
    full_disk(2 * journal_size)  # less than the rows of a store take
    assert len(kept.add([game(1)])) == 1
    assert names(tmp_path / shards.SHARDS) == [f"w-0001-00000{JOURNAL}"]
    assert "stays a journal" in told[0]
    full_disk(None)
    kept.add([game(2)])
    kept.close()
    assert names(tmp_path / shards.SHARDS) == [f"w-0001-00000{STORE}"]
    assert shards.count_games(tmp_path) == 3


def test_a_disk_that_stays_full_ends_the_worker_and_says_where(tmp_path, monkeypatch, full_disk):
    monkeypatch.setattr(shelf, "RETRY", 0.0)
    monkeypatch.setattr(shelf, "PATIENCE", 0.0)
    kept = Shelf(tmp_path, "w-0001", 128, 1, lambda _: None)
    full_disk(0)
    with pytest.raises(ShelfError, match=str(tmp_path / shards.SHARDS)):
        kept.add([game(0)])
    with pytest.raises(ShelfError, match="1 finished ones are lost"):
        kept.close()
    assert shards.count_games(tmp_path) == 0

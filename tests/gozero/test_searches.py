import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gozero.record import GameRecord
from gozero.searches import SEARCHES, SHARES, GameSearches, Searches, put_searches
from gozero.store import Store, StoreError, StoreWriter

SOME = st.lists(
    st.lists(
        st.tuples(st.floats(-1, 1, width=32), st.lists(st.integers(0, 81), min_size=1, max_size=4, unique=True)),
        max_size=3,
    ),
    max_size=3,
)


def searches_of(plies):
    """Searches at plies 0, 2, ...: (value, moves) of each."""
    shares = [np.full(len(moves), 1 / len(moves), np.float32) for _, moves in plies]
    return GameSearches(
        plies=2 * np.arange(len(plies)),
        values=np.array([value for value, _ in plies], np.float32),
        counts=np.array([len(moves) for _, moves in plies], np.int64),
        moves=np.concatenate([np.zeros(0, np.uint16), *(np.array(moves, np.uint16) for _, moves in plies)]),
        shares=np.concatenate([np.zeros(0, np.float32), *shares]),
    )


def write(path, games):
    with StoreWriter(path, overwrite=True) as writer:
        for first in range(len(games)):
            writer.append(GameRecord(size=9, moves=np.array([first, 80 | 0x8000], np.uint16)))
        put_searches(writer, games)
    return Store.open(path)


@settings(deadline=None)  # the first game compiles a kernel
@given(SOME)
def test_games_get_back_the_searches_that_they_were_written_with(tmp_path_factory, lists):
    games = [searches_of(plies) for plies in lists]
    found = Searches.open(write(tmp_path_factory.mktemp("store") / "s", games))
    for number, game in enumerate(games):
        for ours, theirs in zip(found.of_game(number), game, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_every_game_needs_its_entry(tmp_path):
    with pytest.raises(ValueError, match="1 games for a store of 0"), StoreWriter(tmp_path / "s") as writer:
        put_searches(writer, [searches_of([])])
    assert not (tmp_path / "s").exists()


def test_parts_of_a_search_that_do_not_fit_are_refused(tmp_path):
    broken = searches_of([(0.5, [1, 2])])._replace(moves=np.zeros(1, np.uint16))
    with pytest.raises(ValueError, match="game 0 do not fit"):
        write(tmp_path / "s", [broken])


@pytest.mark.parametrize("name", [SEARCHES, SHARES])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "has no searches"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "damaged"),
        (lambda path: np.save(path, np.zeros(3, np.uint8)), "do not fit"),
    ],
)
def test_damage_is_told(tmp_path, name, damage, words):
    store = write(tmp_path / "s", [searches_of([(0.5, [1, 2]), (-1, [3])])])
    damage(tmp_path / "s" / name)
    with pytest.raises(StoreError, match=words):
        Searches.open(store)

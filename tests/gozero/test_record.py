"""Game records: the key, the splits, ranks, and what is no game."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gozero import geometry, record
from gozero.coords import BLACK, WHITE
from gozero.record import GameRecord

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


def test_keys_of_several_games_are_those_of_each():
    games = [game(9, 5, 6, 7), game(9), game(9, setup=codes(3)), game(9, 5, 81, setup=codes(40, 20 | W)), game(9, 81)]
    together = record.game_keys(
        9,
        np.concatenate([part for one in games for part in (one.setup, one.moves)]),
        np.array([one.setup.size for one in games]),
        np.array([one.moves.size for one in games]),
    )
    assert together.tolist() == [one.key for one in games]
    assert record.game_keys(9, codes(), np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


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
        (game(2, setup=codes(0, 1 | W, 2 | W)), "illegal set-up", "Black A2: the stone is set up without a liberty"),
        (game(5, 20, setup=codes(25)), "illegal set-up", "Black index 25: that is no point of 5x5"),
        (game(5, 20, 26), "illegal move", "move 2, White index 26: that is no point of 5x5"),
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


def test_unknown_rules_count_as_chinese():
    assert record.rules_of_code(0).name == record.rules_of_code(200).name == "chinese"
    assert record.rules_of_code(record.RULE_NAMES.index("japanese")).scoring == "territory"

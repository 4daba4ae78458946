"""Input planes against a slow reference, point by point, on random positions and on those of real games."""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gozero import features, sgf
from gozero.coords import BLACK, WHITE, point_at
from gozero.position import Position
from gozero.symmetry import SYMMETRIES, inverse_symmetry, transform_planes, transform_policy
from tests.positions import forbidden_place, game_positions, random_position, recent_places, sample_games, turned
from tests.reference_features import alphago48, compact
from training.archives import find_inputs, read_members

ARCHIVES = ("9x9", "ai", "handicap", "kgs-dan-even", "pro", "tygem9d-2005-2016-1")
NEVER_SEEN = (47,)
"""Planes of alphago48 in which nothing is ever set."""


def slow_planes(position: Position) -> dict[str, NDArray[np.uint8]]:
    """The planes of every feature set as the slow reference makes them."""
    forbidden, recent = forbidden_place(position), recent_places(position)
    planes = alphago48(position.colours(), position.to_play, forbidden, recent, position.rules.suicide)
    black = np.full_like(planes[:1], position.to_play == BLACK)
    return {
        "alphago12": planes[:12],
        "alphago48": planes,
        "alphago49": np.concatenate([planes, black]),
        "compact": compact(planes, forbidden, recent),
        "stones": np.concatenate([planes[:2], np.full_like(black, position.passes > 0), black]),
    }


def check(positions: Iterable[Position]) -> NDArray[np.bool_]:
    """Compares all planes of some positions with the reference's, upright and in a symmetry that changes each time.

    Returns which planes of alphago48 had anything in them.
    """
    seen = np.zeros(48, bool)
    for number, position in enumerate(positions):
        wanted = slow_planes(position)
        seen |= wanted["alphago48"].any(axis=(1, 2))
        for name, feature_set in features.FEATURE_SETS.items():
            for symmetry in (0, number % SYMMETRIES):
                planes = features.planes(position, name, symmetry=symmetry)
                slow = transform_planes(wanted[name], symmetry)
                for plane, what in enumerate(feature_set.planes):
                    assert np.array_equal(planes[plane], slow[plane]), (
                        f"{name} {plane}, {what}, {symmetry}:\n{position}"
                    )
    return seen


@pytest.mark.parametrize(("size", "count"), [(1, 2), (2, 20), (5, 60), (9, 120), (13, 20), (19, 24), (25, 4)])
def test_random_positions(size: int, count: int) -> None:
    seen = check(random_position(size, seed) for seed in range(count))
    if size == 9:
        assert np.flatnonzero(~seen).tolist() == list(NEVER_SEEN)


@pytest.mark.parametrize(("size", "step"), [(9, 6), (19, 25)])
def test_positions_of_real_games(size: int, step: int) -> None:
    seen = check(position for game in sample_games(size) for position in game_positions(game, step))
    assert seen[[20, 28, 29, 44, 45, 46]].all()


@pytest.mark.parametrize("rules", ["tromp-taylor", "new-zealand"])
def test_rules_that_allow_suicide(rules: str) -> None:
    """Suicide is legal, and so sensible; ladders are read without it."""
    check(random_position(5, seed, rules) for seed in range(60))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "count"), [(4, 300), (7, 500), (9, 800), (13, 150), (19, 200), (25, 20)])
def test_thousands_of_random_positions(size: int, count: int) -> None:
    check(random_position(size, seed) for seed in range(1000, 1000 + count))


@pytest.mark.slow
@pytest.mark.parametrize("archive", ARCHIVES)
def test_thousands_of_real_positions(archive: str, shared_sgf: Path) -> None:
    """Every 11th position of 200 games on 9x9, every 41st of 40 games on larger boards."""

    def games() -> Iterable[Any]:
        for source in find_inputs([shared_sgf / f"{archive}.tar.xz"]):
            for member in read_members(source, lambda position: None):
                yield from (game for game in sgf.parse_each(member.data or b"") if not isinstance(game, sgf.SgfError))

    many, step = (200, 11) if archive == "9x9" else (40, 41)
    chosen = islice(games(), 3, None, 7)
    check(position for game in islice(chosen, many) for position in game_positions(game, step))


def positions_to_turn() -> list[Position]:
    real = [next(islice(game_positions(game, 1), 70, None)) for game in sample_games(19)]
    return [*(random_position(9, seed) for seed in range(8)), random_position(13, 1), *real]


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_planes_of_a_turned_board_are_the_turned_planes(symmetry: int) -> None:
    """Whether the board is turned, the planes are, or the kernel is told to write them so."""
    for position in positions_to_turn():
        other = turned(position, symmetry)
        for name in features.FEATURE_SETS:
            wanted = transform_planes(features.planes(position, name), symmetry)
            assert np.array_equal(features.planes(other, name), wanted)
            assert np.array_equal(features.planes(position, name, symmetry=symmetry), wanted)


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_inverse_symmetry_undoes(symmetry: int) -> None:
    policy = np.arange(26, dtype=np.float32)
    moved = transform_policy(policy, symmetry)
    assert np.array_equal(transform_policy(moved, inverse_symmetry(symmetry)), policy)
    assert symmetry == 0 or not np.array_equal(moved, policy)


KO = """
    . X O . .
    X O . O .
    . X O . .
    . . . . .
    . . . . .
"""


@pytest.mark.nojit
def test_the_ko_point_is_no_legal_move() -> None:
    position = Position.from_ascii(KO, to_play=BLACK)
    position.play(point_at(1, 2, 5))
    planes = features.planes(position, "compact")
    assert np.argwhere(planes[9]).tolist() == [[1, 1]]
    wanted = alphago48(position.colours(), WHITE, (1, 1), recent_places(position))
    assert np.array_equal(features.planes(position, "alphago48"), wanted)
    position.play("A1")
    assert not features.planes(position, "compact")[9].any()


MOVES = """
    . X O . .
    X O O . .
    . X . O .
    X X . . X
    . X O X .
"""


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("colour", "vertex", "takes", "liberties", "self_atari", "sensible"),
    [
        (BLACK, "D4", 0, 2, 0, 1),
        (BLACK, "C3", 0, 3, 0, 1),  # joins four stones; C2, A3 and A1 are left
        (BLACK, "C2", 1, 5, 0, 1),  # takes C1, which becomes a liberty
        (BLACK, "A5", 0, 1, 3, 1),  # saves B5 for the moment; White's B4 makes it no eye
        (BLACK, "E1", 0, 2, 0, 0),  # fills an eye
        (WHITE, "A5", 1, 1, 1, 1),  # takes B5, and can be taken
        (WHITE, "A1", 0, 0, 0, 0),  # suicide
    ],
)
def test_what_a_move_does(colour: int, vertex: str, takes: int, liberties: int, self_atari: int, sensible: int) -> None:
    planes = features.planes(Position.from_ascii(MOVES, to_play=colour), "alphago48")
    at = planes[:, 5 - int(vertex[1]), "ABCDE".index(vertex[0])]

    def count(first: int) -> int:
        return sum((n + 1) * int(at[first + n]) for n in range(8))

    assert (count(20), count(36), count(28), at[46]) == (takes, liberties, self_atari, sensible)


def test_a_stone_is_as_old_as_its_last_move() -> None:
    """White retakes a ko: the stone on C4 is one move old, although Black took one from there before."""
    position = Position.from_ascii(KO, to_play=BLACK, rules="japanese")
    for vertex in ("C4", "A1", "B1", "B4", "pass"):
        position.play(vertex)
    ages = features.planes(position, "alphago48")[4:12]
    assert {(row, column): age + 1 for age, row, column in np.argwhere(ages).tolist()} == {
        (1, 1): 2,  # B4 took C4 back, one pass ago
        (4, 1): 3,
        (4, 0): 4,
        **dict.fromkeys([(0, 1), (0, 2), (1, 0), (1, 3), (2, 1), (2, 2)], 8),
    }


def test_planes_are_arrays_of_their_own_whole_and_contiguous() -> None:
    """The kernel knows nothing of shapes and steps: into a caller's array it might write nothing, or too much."""
    position = random_position(9, 3)
    seen = features.planes(position, "compact", symmetry=3)
    assert seen.flags.c_contiguous
    assert seen.flags.owndata
    with pytest.raises(TypeError):
        features.planes(position, "compact", np.zeros((3, 3), np.uint8))  # type: ignore[arg-type, misc]


def test_globals_are_for_the_player_to_move() -> None:
    position = Position(size=9, komi=7.5, rules="japanese")
    assert features.globals_of(position).tolist() == [-0.5, 1, 0, 0, 0, 1]
    position.play("pass")
    assert features.globals_of(position).tolist() == [0.5, 1, 0, 1, 0, 0]
    position.play("pass")
    assert features.globals_of(position).tolist() == [-0.5, 1, 0, 1, 1, 1]


@pytest.mark.parametrize("ask", [features.feature_set, features.plane_count, features.set_id])
def test_unknown_feature_set_names_those_there_are(ask: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match="unknown feature set 'alphago4'; there are compact, alphago12, alphago48"):
        ask("alphago4")
    assert {features.plane_count(name) for name in features.FEATURE_SETS} == {4, 12, 26, 48, 49}

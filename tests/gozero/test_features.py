import numpy as np
import pytest

from gozero import features
from gozero.coords import BLACK, PASS, WHITE, point_at, row_col
from gozero.position import Position
from gozero.symmetry import SYMMETRIES, inverse_symmetry, symmetry_table, transform_planes, transform_policy
from tests.reference_board import Place, SlowBoard
from tests.reference_features import alphago48

SIZES_AND_PLIES = [(5, 14), (7, 25), (9, 45), (9, 70), (13, 90)]


def random_game(size: int, plies: int, seed: int, rules: str = "chinese") -> tuple[Position, Place | None]:
    """A position after random moves, no own eyes and no suicides, and the point that ko forbids, found the slow way."""
    generator = np.random.default_rng(seed)
    position = Position(size=size, rules=rules)
    forbidden: Place | None = None
    for _ in range(plies):
        slow = SlowBoard.of(position.colours())
        colour = position.to_play
        moves = [
            place
            for place in slow.empties()
            if not slow.is_eye(place, colour) and slow.after(place, colour) and position.legal(point_at(*place, size))
        ]
        if not moves:
            break
        place = moves[generator.integers(len(moves))]
        after = slow.after(place, colour)
        assert after is not None
        forbidden = after.forbidden
        position.play(point_at(*place, size))
    return position, forbidden


def recent_places(position: Position) -> list[Place | None]:
    points = [point for _, point in reversed(position.moves)][:8]
    return [None if point == PASS else row_col(point, position.size) for point in points]


@pytest.mark.parametrize(("size", "plies"), SIZES_AND_PLIES)
@pytest.mark.parametrize("seed", range(6))
def test_alphago48_equals_the_slow_reference(size: int, plies: int, seed: int) -> None:
    position, forbidden = random_game(size, plies, seed)
    wanted = alphago48(position.colours(), position.to_play, forbidden, recent_places(position))
    planes = features.planes(position, "alphago48")
    for number, name in enumerate(features.FEATURE_SETS["alphago48"].planes):
        assert np.array_equal(planes[number], wanted[number]), f"plane {number}, {name}:\n{position}"


@pytest.mark.parametrize(("size", "plies"), SIZES_AND_PLIES)
@pytest.mark.parametrize("seed", range(3))
def test_compact_says_what_the_slow_reference_says(size: int, plies: int, seed: int) -> None:
    position, forbidden = random_game(size, plies, seed)
    slow = alphago48(position.colours(), position.to_play, forbidden, recent_places(position))
    own, other = slow[0], slow[1]
    wanted = [own, other, slow[2]]
    wanted += [own & slow[12 + n] for n in range(3)] + [other & slow[12 + n] for n in range(3)]
    ko = np.zeros_like(own)
    if forbidden:
        ko[forbidden] = 1
    wanted.append(ko)
    for place in recent_places(position):
        wanted.append(np.zeros_like(own))
        if place:
            wanted[-1][place] = 1
    wanted += [slow[20], slow[21:28].max(axis=0)]
    wanted += [slow[36], slow[37], slow[38], slow[39:44].max(axis=0), slow[44], slow[45]]
    planes = features.planes(position, "compact")
    for number, name in enumerate(features.FEATURE_SETS["compact"].planes):
        assert np.array_equal(planes[number], wanted[number]), f"plane {number}, {name}:\n{position}"


@pytest.mark.parametrize("seed", range(8))
def test_ladders_are_read_without_suicides_where_the_rules_allow_them(seed: int) -> None:
    position, forbidden = random_game(5, 22, seed, rules="tromp-taylor")
    wanted = alphago48(position.colours(), position.to_play, forbidden, recent_places(position))
    assert np.array_equal(features.planes(position, "alphago48")[44:46], wanted[44:46])


def test_the_random_positions_have_captures_self_ataris_and_ladders() -> None:
    seen = np.zeros(48, bool)
    for size, plies in SIZES_AND_PLIES:
        for seed in range(6):
            position, _ = random_game(size, plies, seed)
            seen |= features.planes(position, "alphago48").any(axis=(1, 2))
    assert seen[[20, 21, 28, 29, 44, 45]].all()


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


@pytest.mark.parametrize("name", sorted(features.FEATURE_SETS))
@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_planes_of_a_turned_board_are_the_turned_planes(name: str, symmetry: int) -> None:
    position, _ = random_game(9, 50, seed=1)
    turned = Position(size=9)
    places = symmetry_table(9)[symmetry]
    for colour, point in position.moves:
        row, column = row_col(point, 9)
        turned.play(point_at(*divmod(int(places[row * 9 + column]), 9), 9), colour)
    assert np.array_equal(features.planes(turned, name), transform_planes(features.planes(position, name), symmetry))


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_inverse_symmetry_undoes(symmetry: int) -> None:
    policy = np.arange(26, dtype=np.float32)
    moved = transform_policy(policy, symmetry)
    assert np.array_equal(transform_policy(moved, inverse_symmetry(symmetry)), policy)
    assert symmetry == 0 or not np.array_equal(moved, policy)


LADDER = """
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . X . . . . .
    . . X O . . . . .
    . . . X X . . . .
    . . . . . . . . .
"""
"""White's stone is in atari; running, it is chased up and to the right until the edge."""


@pytest.mark.nojit
@pytest.mark.parametrize(("breaker", "escapes"), [(None, 0), ((2, 7), 1), ((3, 2), 0)])
def test_a_ladder_works_unless_a_stone_breaks_it(breaker: Place | None, escapes: int) -> None:
    position = Position.from_ascii(LADDER, to_play=WHITE)
    if breaker:
        position.add_stone(point_at(*breaker, 9), WHITE)
    assert features.planes(position, "alphago48")[45, 6, 4] == escapes
    position.play(point_at(6, 4, 9))
    capture = features.planes(position, "alphago48")[44]
    assert capture[6, 5] == 1 - escapes


def test_globals_are_for_the_player_to_move() -> None:
    position = Position(size=9, komi=7.5, rules="japanese")
    assert features.globals_of(position).tolist() == [-0.5, 1, 0, 0, 0, 1]
    position.play("pass")
    assert features.globals_of(position).tolist() == [0.5, 1, 0, 1, 0, 0]
    position.play("pass")
    assert features.globals_of(position).tolist() == [-0.5, 1, 0, 1, 1, 1]


def test_unknown_feature_set_names_those_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"unknown feature set 'alphago4'; there are compact, alphago12, alphago48, alphago49"
    ):
        features.planes(Position(size=5), "alphago4")

"""What is alive: for sure, against the definition and against an enemy who moves alone; and by estimate, at the end."""

from itertools import product

import numpy as np
import pytest

from gozero import _life
from gozero.coords import BLACK, EMPTY, WHITE, format_vertex, padded_points, row_col
from gozero.geometry import board_points, symmetry_table
from gozero.life import Settlement, pass_alive, settle
from gozero.position import Position
from gozero.rules import RULES
from tests import reference_life
from tests.positions import game_positions, random_position, sample_games, turned
from tests.reference_board import SlowBoard

# On the left a board, on the right what is whose for sure: X Black's, O White's.
SURE = {
    "two eyes in the corner": """
        . X . X O . .    X X X X . . .
        X X X X O . .    X X X X . . .
        O O O O . . .    . . . . . . .
        . . . . . . .    . . . . . . .
        . . . . . . .    . . . . . . .
        . . . . . . .    . . . . . . .
        . . . . . . .    . . . . . . .
    """,
    "one eye is none": """
        . X O . .    . . . . .
        X X O . .    . . . . .
        O O . . .    . . . . .
        . . . . .    . . . . .
        . . . . .    . . . . .
    """,
    "eyes that two chains share": """
        . X X O .    X X X . .
        X . X O .    X X X . .
        X X O . .    X X . . .
        O O . . .    . . . . .
        . . . . .    . . . . .
    """,
    "a false eye: the stone below it can be taken": """
        . X O . .    . . . . .
        X X O . .    . . . . .
        . X O O .    . . . . .
        X O O . .    . . . . .
        O . . . .    . . . . .
    """,
    "a room of two points is vital, and what the enemy has in it is dead": """
        . O X . X    X X X X X
        X X X X X    X X X X X
        . . . . .    . . . . .
        . . . . .    . . . . .
        . . . . .    . . . . .
    """,
    "a room with a point that touches no stone is not vital": """
        . . X . X O    . . . . . .
        . . X X X O    . . . . . .
        . . X O O .    . . . . . .
        X X X O . .    . . . . . .
        O O O . . .    . . . . . .
        . . . . . .    . . . . . .
    """,
    "rooms beside two eyes: one inner point is no room for two enemy eyes, two may be": """
        . X . X . . .    X X X X . . .
        X X X X . . .    X X X X . . .
        . . X X X X X    X X X X X X X
        . . X O O O .    X X X . . . .
        . . X O . . .    X X X . . . .
        X X X O . . .    X X X . . . .
        O O O O . . .    . . . . . . .
    """,
    "both, and the neutral points between them": """
        . X . X . O .    X X X X . O O
        X X X X . O O    X X X X . O O
        . X . X . O .    X X X X . O O
        X X X X . O O    X X X X . O O
        . X . X . O .    X X X X . O O
        X X X X . O O    X X X X . O O
        . X . X . O .    X X X X . O O
    """,
    "an empty board is nobody's": """
        . . .    . . .
        . . .    . . .
        . . .    . . .
    """,
}


def diagrams(text: str) -> tuple[str, str]:
    """The left and the right diagram of a text that shows two side by side."""
    halves = [line.strip().split("    ") for line in text.strip().splitlines()]
    return "\n".join(left for left, _ in halves), "\n".join(right for _, right in halves)


def owners_of(diagram: str) -> list[list[int]]:
    return [[{"X": 1, "O": -1, ".": 0}[cell] for cell in line.split()] for line in diagram.splitlines()]


@pytest.mark.nojit
@pytest.mark.parametrize("rules", ["chinese", "tromp-taylor"])
@pytest.mark.parametrize("name", SURE)
def test_what_is_sure(name: str, rules: str) -> None:
    board, owners = diagrams(SURE[name])
    assert pass_alive(Position.from_ascii(board, rules=rules)).tolist() == owners_of(owners)


def test_suicide_makes_room() -> None:
    """White fills A3 and B4, which takes White's own stones off and leaves room to take all of Black's."""
    board = """
        O O X . X
        O . X X X
        . X X . .
        X X . . .
        . . . . .
    """
    sure = {name: pass_alive(Position.from_ascii(board, rules=name)) for name in RULES}
    assert all((sure[name][0, 2] == 1) == (not rules.suicide) for name, rules in RULES.items())


def assert_as_defined(position: Position) -> None:
    board = SlowBoard.of(position.colours())
    expected = np.zeros((position.size, position.size), np.int8)
    for colour, owner in ((BLACK, 1), (WHITE, -1)):
        stones, points = reference_life.pass_alive(board, colour, position.rules.suicide)
        for place in stones | points:
            expected[place] = owner
    assert np.array_equal(pass_alive(position), expected), f"\n{position}\n{pass_alive(position)}\n{expected}"


@pytest.mark.parametrize("rules", ["chinese", "tromp-taylor"])
@pytest.mark.parametrize("size", [3, 5, 7, 9])
def test_against_the_definition_on_random_positions(size: int, rules: str) -> None:
    for seed in range(60):
        assert_as_defined(random_position(size, seed, rules))


def test_against_the_definition_on_crowded_positions() -> None:
    """Stones strewn at random, many of one colour: those of no game, but with more that is alive."""
    generator = np.random.default_rng(3)
    found = 0
    while found < 150:
        size = int(generator.integers(4, 8))
        weights = generator.dirichlet((1.5, 4, 0.7))
        colours = generator.choice(3, (size, size), p=weights)
        if not SlowBoard.of(colours.astype(np.uint8)).is_possible():
            continue
        position = Position.from_ascii(
            "\n".join(" ".join(".XO"[c] for c in row) for row in colours.tolist()),
            rules=str(generator.choice(["japanese", "new-zealand"])),
        )
        found += bool(pass_alive(position).any())
        assert_as_defined(position)


def test_against_the_definition_on_games() -> None:
    last = [list(game_positions(game, 1))[-1] for game in sample_games(9)[:8]]
    assert any(pass_alive(position).any() for position in last)
    for position in last:
        assert_as_defined(position)


def stones_kept(stones: dict[tuple[int, int], int], suicide: bool) -> set[tuple[int, int]]:
    """Black's stones on a 3x3 board that are alive for sure."""
    position = Position(3, rules="tromp-taylor" if suicide else "chinese")
    points = board_points(3)
    position.edit((colour, int(points[row * 3 + column])) for (row, column), colour in stones.items())
    kept = np.empty(padded_points(3), np.uint8)
    _life.pass_alive(position.state, BLACK, kept)
    return {divmod(int(i), 3) for i in np.flatnonzero(kept[points] == _life.STONE)}


@pytest.mark.parametrize("suicide", [False, True])
def test_no_sequence_of_enemy_moves_takes_what_is_sure(suicide: bool) -> None:
    """On all 3x3 boards, which have nine points to three colours."""
    alive = 0
    for colours in product((EMPTY, BLACK, WHITE), repeat=9):
        board = SlowBoard(3, {divmod(i, 3): colour for i, colour in enumerate(colours) if colour != EMPTY})
        if board.is_possible() and (kept := stones_kept(board.stones, suicide)):
            alive += 1
            assert not kept & reference_life.can_be_taken(board, BLACK, suicide), f"\n{board.colours()}"
    assert alive > 100


# On the left the end of a game, on the right what becomes of its stones: x and o are dead, B and W alive in seki.
SETTLED = {
    "stones that never lived": """
        . . X . O . .    . . X . O . .
        . O X O . O .    . o X O . O .
        . . X O O . X    . . X O O . x
        X X X O . O .    X X X O . O .
        . X O O . X .    . X O O . x .
        X . X O O . .    X . X O O . .
        . X X O . . .    . X X O . . .
    """,
    "a nakade of three: White has no second eye": """
        . X . O X . .    . X . o X . .
        O O O O X . X    o o o o X . X
        X X X X X X .    X X X X X X .
        . . . X . X X    . . . X . X X
        X X X X X X .    X X X X X X .
        . X . . . X X    . X . . . X X
        X . X . X X .    X . X . X X .
    """,
    "five in a row are no nakade: a seki": """
        . X X X . O X    . B B B . W X
        O O O O O O X    W W W W W W X
        X X X X X X X    X X X X X X X
        . X . X . X .    . X . X . X .
        X X X X X X X    X X X X X X X
        . X . . . X .    . X . . . X .
        X X X . X X X    X X X . X X X
    """,
    "an eye each and a liberty between them: a seki": """
        . X . O . O X    . B . W . W X
        X X O O O O X    B B W W W W X
        O O X X X X X    O O X X X X X
        . O X X . X X    . O X X . X X
        O O X . X X .    O O X . X X .
        . O X X X . X    . O X X X . X
        O O X . X X X    O O X . X X X
    """,
    "an eye against none: no seki": """
        . X . . O X .    . X . . o X .
        X X X O O X X    X X X o o X X
        O O O X X X .    O O O X X X .
        . O X X . X X    . O X X . X X
        O O X . X X .    O O X . X X .
        . O X X X . X    . O X X X . X
        O O X . X X X    O O X . X X X
    """,
}


def as_settled(position: Position, settlement: Settlement) -> str:
    """The board as on the right of `SETTLED`."""
    rows = [[".XO"[colour] for colour in row] for row in position.colours().tolist()]
    for points, letters in ((settlement.seki, ".BW"), (settlement.dead, ".xo")):
        for point in points:
            row, column = row_col(point, position.size)
            rows[row][column] = letters[position.colours()[row, column]]
    return "\n".join(" ".join(row) for row in rows)


@pytest.mark.parametrize("symmetry", [0, 5])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("name", SETTLED)
def test_what_becomes_of_stones(name: str, swapped: bool, symmetry: int) -> None:
    board, expected = diagrams(SETTLED[name])
    if swapped:
        board, expected = (text.translate(str.maketrans("XOxoBW", "OXoxWB")) for text in (board, expected))
    position = turned(Position.from_ascii(board), symmetry)
    for seed in (0, 1):
        settled = as_settled(position, settle(position, seed=seed)).split()
        table = symmetry_table(position.size)[symmetry].tolist()
        assert [settled[table[index]] for index in range(position.size**2)] == expected.split()


@pytest.mark.nojit
def test_settling_changes_nothing_and_repeats_itself() -> None:
    position = Position.from_ascii(diagrams(SETTLED["stones that never lived"])[0], rules="japanese")
    position.play("G1")
    before = position.state.copy()
    settlement = settle(position, games=4, seed=7)
    assert np.array_equal(position.state, before)
    assert settle(position, games=4, seed=7) == settlement
    assert {format_vertex(point, 7) for point in settlement.dead} == {"B6", "G5", "F3", "G1"}


def test_no_stones_no_questions() -> None:
    assert settle(Position(5)) == Settlement((), ())


def test_settling_takes_some_games() -> None:
    with pytest.raises(ValueError, match="0 random games settle nothing"):
        settle(Position(5), games=0)

import numpy as np
import pytest

from gozero.coords import BLACK, EMPTY, PASS, WHITE, parse_vertex, point_of, row_col
from gozero.geometry import board_points
from gozero.handicap import fixed_handicap
from gozero.position import Position
from gozero.rules import RULES
from gozero.scoring import area_score, final_score, format_result, territory_score
from tests.reference_board import SlowBoard

# Black has the left, White the right; the White stone at A4 and the Black one at E2 are dead; C-file is settled.
FINISHED = """
    . X O . .
    O X O . .
    . X O O .
    X X O . X
    . X O . .
"""
DEAD = ["A4", "E2"]


def finished(rules: str = "chinese", komi: float = 0.5) -> Position:
    return Position.from_ascii(FINISHED, komi=komi, rules=rules)


def dead_points() -> list[int]:
    return [parse_vertex(vertex, 5) for vertex in DEAD]


def test_area_with_everything_alive_leaves_out_what_both_reach() -> None:
    # Black: 7 stones and A1; White: 7 stones, none of the right side, which the stone at E2 reaches
    assert area_score(finished(komi=0)) == (7 + 1) - 7
    assert Position.from_ascii(FINISHED, komi=0).score() == 1


def test_area_without_the_dead() -> None:
    assert area_score(finished(), dead_points()) == 10 - 15 - 0.5


def test_territory_counts_prisoners_and_the_dead_but_no_stones() -> None:
    # Black: A5 A4 A3 A1 and the prisoner at A4; White: D5 E5 D4 E4 E3 D2 E2 D1 E1 and the prisoner at E2
    assert territory_score(finished("japanese"), dead_points()) == (4 + 1) - (9 + 1) - 0.5


def test_territory_counts_stones_captured_in_play() -> None:
    position = Position(3, komi=0, rules="japanese")
    for vertex in ["B3", "A3", "A2", "pass", "B1", "pass", "C2", "pass"]:
        position.play(vertex)
    # every empty point is Black's: A3 C3 B2 A1 C1, and one prisoner; the area counts the four stones and no prisoner
    assert position.captured == (0, 1)
    assert territory_score(position) == 5 + 1
    assert area_score(position) == 9


def test_removing_the_dead_leaves_the_position_alone() -> None:
    position = finished()
    before = position.colours()
    area_score(position, dead_points())
    assert (position.colours() == before).all()
    assert position.captured == (0, 0)


@pytest.mark.parametrize("vertex", ["A5", "pass"])
def test_only_stones_can_be_dead(vertex: str) -> None:
    with pytest.raises(ValueError, match=f"no stone at {vertex}"):
        area_score(finished(), [parse_vertex(vertex, 5)])


def test_final_score_follows_the_rules() -> None:
    assert final_score(finished("chinese"), dead_points()) == -5.5
    assert final_score(finished("aga"), dead_points()) == -5.5
    assert final_score(finished("japanese"), dead_points()) == -5.5
    assert final_score(finished("japanese")) == territory_score(finished("japanese"))


# x and o are dead, B and W alive in seki. Below: what Japanese rules count, points and prisoners, and the area.
COUNTED = {
    "eyes in a seki are no territory, and points of area": (
        """
        . B . W . W X
        B B W W W W X
        O O X X X X X
        . O X X . X X
        O O X . X X .
        . O X X X . X
        O O X . X X X
        """,
        (5, 2),
        (31, 17),
    ),
    "nor are the eyes of a chain that shares one of these": (
        """
        . B . W . O .
        B B W X O O O
        O O X X X X X
        . O X X . X X
        O O X . X X .
        . O X X X . X
        O O X . X X X
        """,
        (5, 2),
        (30, 18),
    ),
    "a stone that has to be joined once the neutral points are filled": (
        """
        . X . X .
        X X X O O
        O O O O .
        . . O . O
        . . O O O
        """,
        (1, 6),
        (7, 17),
    ),
    "and one that a neutral point may join": (
        """
        . X . X O
        X X X . O
        O O O O .
        . . O . O
        . . O O O
        """,
        (2, 6),
        (7, 17),
    ),
    "the dead are prisoners and their points territory": (
        """
        . X O . .
        o X O . .
        . X O O .
        X X O . x
        . X O . .
        """,
        (4 + 1, 9 + 1),
        (10, 15),
    ),
}


@pytest.mark.nojit
@pytest.mark.parametrize("name", COUNTED)
def test_counting(name: str) -> None:
    diagram, (black, white), (black_area, white_area) = COUNTED[name]
    position = Position.from_ascii(diagram.translate(str.maketrans("xoBW", "XOXO")), komi=0.5, rules="japanese")
    cells = "".join(diagram.split())
    points = board_points(position.size).tolist()
    dead = [point for point, cell in zip(points, cells, strict=True) if cell in "xo"]
    seki = [point for point, cell in zip(points, cells, strict=True) if cell in "BW"]
    assert territory_score(position, dead, seki) == final_score(position, dead, seki) == black - white - 0.5
    assert area_score(position, dead) == black_area - white_area - 0.5


def score_by_pass_stones(position: Position, dead: list[int]) -> float:
    """The score as players find it who count territory by AGA rules: prisoners, pass stones and all eyes.

    Each pass gives the opponent a prisoner, and White makes the last move, by another pass if need be (AGA rules of
    1991, rules 7, 10 and 12). Both players then have made as many moves, so that stones on the board weigh nothing.
    """
    colours = position.colours()
    lost = list(position.captured)
    for point in dead:
        place = row_col(point, position.size)
        lost[colours[place] - 1] += 1
        colours[place] = EMPTY
    black, white = SlowBoard.of(colours).area()
    territory = (black - (colours == BLACK).sum()) - (white - (colours == WHITE).sum())
    passes = [colour for colour, point in position.moves if point == PASS]
    if position.moves and position.moves[-1][0] == BLACK:
        passes.append(WHITE)
    pass_stones = passes.count(WHITE) - passes.count(BLACK)
    return float(territory + lost[1] - lost[0] + pass_stones) - position.komi


@pytest.mark.parametrize("handicap", [0, 2, 4])
def test_pass_stones_make_territory_and_area_agree(handicap: int) -> None:
    """AGA rule 12: the result is the same by area and by territory, whatever is dead, captured or in a seki."""
    generator = np.random.default_rng(handicap)
    for _ in range(40):
        size = int(generator.integers(5, 10))
        position = Position(size, komi=7.5, rules="aga")
        if handicap:
            position.place_handicap(
                fixed_handicap(9, handicap) if size == 9 else board_points(size)[:handicap].tolist()
            )
        for _ in range(int(generator.integers(0, 2 * size * size))):
            legal = np.flatnonzero(position.legal_mask()[:-1])
            passes = len(legal) == 0 or generator.random() < 0.1
            position.play(PASS if passes else point_of(int(generator.choice(legal)), size))
        stones = board_points(size)[position.colours().ravel() > 0]
        dead = stones[generator.random(len(stones)) < 0.2].tolist()
        assert score_by_pass_stones(position, dead) == area_score(position, dead) == final_score(position, dead)


def test_new_zealand_counts_the_area_and_gives_nothing_for_a_handicap() -> None:
    position = Position(9, komi=7, rules="new-zealand")
    position.place_handicap(fixed_handicap(9, 2))
    position.play("E5", WHITE)
    position.play("A1")
    position.play("A2", WHITE)
    assert final_score(position) == 3 - 2 - 7
    assert final_score(position, [parse_vertex("E5", 9), parse_vertex("A2", 9)]) == 81 - 7


@pytest.mark.parametrize("rules", RULES)
def test_handicap_bonus(rules: str) -> None:
    position = Position(9, komi=0.5, rules=rules)
    position.place_handicap(fixed_handicap(9, 3))
    bonus = {"chinese": 3, "aga": 2, "japanese": 2}.get(rules, 0)
    assert position.score() == 81 - bonus - 0.5
    position.play("E5", WHITE)
    assert position.score() == 3 - 1 - bonus - 0.5


def test_komi_is_whites() -> None:
    position = Position(9, komi=7.5)
    assert position.score() == -7.5
    position.komi = -3
    assert position.score() == 3


def test_area_and_territory_agree_when_both_placed_as_many_stones() -> None:
    position = Position.from_ascii(". X O . \n X X O O \n . X O . \n X X O O", komi=0, rules="japanese")
    assert position.score() == area_score(position) == territory_score(position) == 0


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (3.5, "B+3.5"),
        (-0.5, "W+0.5"),
        (0.0, "0"),
        (-0.0, "0"),
        (12, "B+12"),
        (-353.5, "W+353.5"),
        (123456.5, "B+123456.5"),
        (6 - 7.7, "W+1.7"),
    ],
)
def test_results(score: float, text: str) -> None:
    assert format_result(score) == text

"""Games in lock step: every move is one that a slow look at the board allows, and the result is the board's."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluator import NO_FEATURES, Evaluation, UniformEvaluator
from gozero import features, record
from gozero.coords import BLACK, PASS, WHITE, point_of, row_col
from gozero.geometry import symmetry_table
from gozero.position import Position
from gozero.symmetry import transform_planes
from selfplay.game import RANDOM, Finished, GameSettings, Turn, alternating, colour_of_first, play_games, resignations

SIZE = 4
SETTINGS = GameSettings(size=SIZE, komi=0.5, longest=200)


class Knows:
    """Answers with the same logits and value for every position; reads planes, so that they are made."""

    feature_set = "compact"

    def __init__(self, logits: NDArray[np.float32] | None = None, value: float = 0.0) -> None:
        self.logits, self.value = logits, value

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        count, _, size, _ = planes.shape
        logits = np.zeros(size * size + 1, np.float32) if self.logits is None else self.logits
        return Evaluation(np.tile(logits, (count, 1)), np.full(count, self.value, np.float32))

    def supports(self, size: int) -> bool:
        return size != 19

    def close(self) -> None:
        pass


def played(games: int, settings: GameSettings = SETTINGS, seed: int = 1, **more) -> list[Finished]:
    policies = more.pop("policies", [UniformEvaluator(), UniformEvaluator()])
    seats = more.pop("seats", alternating())
    return sorted(play_games(policies, seats, games, settings, seed, **more))


def moves_of(game: Finished) -> list[tuple[int, int]]:
    return [record.decode(int(code)) for code in game.record.moves]


def is_own_eye(position: Position, point: int) -> bool:
    """All neighbours own, and fewer than two enemies on the diagonals, the edge counting as one."""
    row, column = row_col(point, position.size)

    def colour(down: int, right: int) -> int | None:
        inside = 0 <= row + down < position.size and 0 <= column + right < position.size
        return int(position.colours()[row + down, column + right]) if inside else None

    beside = [colour(*step) for step in ((-1, 0), (1, 0), (0, -1), (0, 1))]
    if any(stone is not None and stone != position.to_play for stone in beside):
        return False
    diagonal = [colour(*step) for step in ((-1, -1), (-1, 1), (1, -1), (1, 1))]
    return diagonal.count(3 - position.to_play) + (None in diagonal) < 2


def sensible(position: Position) -> set[int]:
    """Move indices that may be drawn, the slow way; the pass where there is no other."""
    points = [point_of(index, position.size) for index in range(position.size**2)]
    found = {i for i, p in enumerate(points) if position.legal(p) and not is_own_eye(position, p)}
    return found or {position.size**2}


@pytest.mark.nojit
def test_every_move_is_sensible_and_the_board_decides() -> None:
    for game in played(6, boards=4):
        position = Position(SIZE, komi=0.5, rules="chinese")
        for colour, index in moves_of(game):
            assert colour == position.to_play
            assert index in sensible(position)
            position.play(point_of(index, SIZE))
        assert position.passes == 2
        assert game.record.ending == "counted"
        assert game.record.margin == abs(position.score())
        assert game.record.winner == (BLACK if position.score() > 0 else WHITE)
        assert record.fault(game.record) is None


@pytest.mark.nojit
@pytest.mark.parametrize("turning", [False, True])
def test_a_policy_is_shown_the_position_and_what_it_may_play(turning: bool) -> None:
    turns: list[Turn] = []
    settings = GameSettings(size=SIZE, komi=3.5, turning=turning, longest=14)
    games = played(2, settings, policies=[Knows(), Knows()], watch=turns.append)
    table = symmetry_table(SIZE)
    seen = set()
    for turn in turns:
        for row, (number, ply) in enumerate(zip(turn.games.tolist(), turn.plies.tolist(), strict=True)):
            position = Position(SIZE, komi=3.5, rules="chinese")
            moves = [index for _, index in moves_of(games[number])]
            for index in moves[:ply]:
                position.play(point_of(index, SIZE))
            planes = features.planes(position, "compact")
            fitting = {
                symmetry
                for symmetry in range(8 if turning else 1)
                if np.array_equal(turn.planes[row], transform_planes(planes, symmetry))
                and {int(table[symmetry, i]) for i in sensible(position)} == set(np.flatnonzero(turn.mask[row]))
                and table[symmetry, moves[ply]] == turn.moves[row]
            }
            assert fitting
            assert np.array_equal(turn.global_values[row], features.globals_of(position))
            assert turn.policy == (ply + number) % 2
            seen |= fitting if len(fitting) == 1 else set()
    assert len(seen) > 3 if turning else seen == {0}
    assert sum(len(turn.games) for turn in turns) == sum(len(game.record.moves) for game in games)


@pytest.mark.nojit
@pytest.mark.parametrize("temperature", [0.0, 0.5, 2.0])
def test_a_turn_says_how_likely_its_moves_were(temperature: float) -> None:
    logits = np.random.default_rng(5).normal(0, 1, SIZE**2 + 1).astype(np.float32)
    turns: list[Turn] = []
    settings = GameSettings(size=SIZE, komi=0.5, longest=12, temperature=temperature)
    played(2, settings, policies=[Knows(logits), Knows(logits)], watch=turns.append)
    for turn in turns:
        for mask, move, chance in zip(turn.mask, turn.moves, turn.chances, strict=True):
            if temperature == 0.0:
                assert chance == 1
                continue
            weights = np.exp(logits / temperature) * mask
            assert chance == pytest.approx(weights[move] / weights.sum(), rel=1e-4)


def test_colours_alternate() -> None:
    assert [colour_of_first(game) for game in range(3)] == [BLACK, WHITE, BLACK]
    numbers, plies = np.array([0, 0, 1, 1, 2]), np.array([2, 3, 2, 3, 1])
    assert alternating(opening=2)(numbers, plies).tolist() == [0, 1, 1, 0, RANDOM]


def test_the_seed_decides_and_nothing_else() -> None:
    first, again, few, threads = (
        played(12, boards=boards, threads=threads) for boards, threads in ((12, 1), (12, 1), (5, 1), (12, 3))
    )
    texts = [[game.record.moves.tolist() for game in games] for games in (first, again, few, threads)]
    assert texts[0] == texts[1] == texts[2] == texts[3]
    assert texts[0] != [game.record.moves.tolist() for game in played(12, seed=2)]
    assert len({game.record.key for game in played(40, GameSettings(size=7))}) == 40


def test_moves_are_drawn_in_proportion() -> None:
    logits = np.linspace(0, 2, 10).astype(np.float32)
    settings = GameSettings(size=3, temperature=0.5, longest=1)
    count = Counter(moves_of(game)[0][1] for game in played(4000, settings, policies=[Knows(logits)] * 2))
    expected = np.exp(logits[:9] / 0.5)
    expected *= 4000 / expected.sum()
    counts = np.array([count[index] for index in range(9)])
    assert ((counts - expected) ** 2 / expected).sum() < 26  # chi-square of 8 degrees: above in 1 of 1,000
    best = played(5, GameSettings(size=3, temperature=0, longest=1), policies=[Knows(logits)] * 2)
    assert [moves_of(game) for game in best] == [[(BLACK, 8)]] * 5


@pytest.mark.nojit
def test_a_policy_that_may_pass_ends_the_game() -> None:
    wants = np.zeros(SIZE * SIZE + 1, np.float32)
    wants[-1] = 50
    (game,) = played(1, GameSettings(size=SIZE, passing="wanted"), policies=[Knows(wants)] * 2)
    assert [index for _, index in moves_of(game)] == [SIZE * SIZE] * 2
    assert (game.record.winner, game.record.margin) == (WHITE, 7.5)


def test_resignation_and_the_games_that_are_played_out() -> None:
    """Policy 0 thinks that it loses, in whichever colour."""
    policies = [Knows(value=-0.9), Knows(value=0.9)]
    settings = GameSettings(size=SIZE, resign_below=-0.8, play_out=0.3, longest=200)
    games = played(200, settings, policies=policies, seats=alternating(opening=4))
    resigned = [game for game in games if game.record.ending == "resign"]
    assert 110 < len(resigned) < 170
    for game in games:
        assert game.gave_up == colour_of_first(game.number)
    for game in resigned:
        assert game.record.winner == 3 - game.gave_up
        assert game.record.margin is None
        assert len(game.record.moves) in (4, 5)
    assert {game.record.ending for game in games} == {"resign", "counted"}
    assert all(game.gave_up == 0 for game in played(5, policies=policies))
    wrong = [game for game in games if game.record.ending == "counted" and game.record.winner == game.gave_up]
    assert resignations(games) == (len(resigned), 200 - len(resigned), len(wrong))
    assert 0 < len(wrong) < 200 - len(resigned)


def test_a_game_that_is_too_long_is_counted_and_marked() -> None:
    for game in played(4, GameSettings(size=SIZE, longest=6, komi=100)):
        assert len(game.record.moves) == 6
        assert (game.record.winner, game.record.ending) == (WHITE, "unknown")


def test_superko_holds_over_the_whole_game() -> None:
    """On so small a board positions would come back all the time."""
    for game in played(60, GameSettings(size=2, longest=60)):
        position = Position(2, rules="chinese")
        for _, index in moves_of(game):
            point = point_of(index, 2)
            assert point == PASS or position.legal(point)
            position.play(point)
        assert position.passes == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rules": "japanese"}, "count territory"),
        ({"size": 1}, "from 2 to 25"),
        ({"temperature": -1.0}, "negative"),
        ({"resign_below": 0.5}, "resign_below"),
    ],
)
def test_settings_that_make_no_game_are_refused(change, words) -> None:
    with pytest.raises(ValueError, match=words):
        GameSettings(**change)


def test_a_board_that_a_policy_does_not_play_on_is_refused() -> None:
    with pytest.raises(ValueError, match="19x19"):
        list(play_games([Knows()], alternating(), 1, GameSettings(size=19), 1))
    assert UniformEvaluator().feature_set == NO_FEATURES


def test_bench(capsys: pytest.CaptureFixture[str]) -> None:
    from selfplay import bench_selfplay

    figures = bench_selfplay.measure("compact-9", 9, boards=2, repeats=1)
    assert figures["network"] == "compact-9"
    assert 0 < figures["network_share"] < 1
    assert 50 < figures["moves_per_game"] <= 162
    assert figures["games_per_min"] == pytest.approx(60 * figures["positions_per_s"] / figures["moves_per_game"])
    with pytest.raises(ValueError, match="at least 1"):
        bench_selfplay.main(["--boards", "0"])


def test_every_game_has_a_komi_of_its_own_that_the_policy_is_told_and_that_counts() -> None:
    told: dict[int, set[float]] = {}

    def watch(turn: Turn) -> None:
        for game, komi in zip(turn.games.tolist(), turn.global_values[:, 0] * features.KOMI_SCALE, strict=True):
            told.setdefault(game, set()).add(round(abs(float(komi)), 3))

    settings = GameSettings(size=SIZE, komi=4.5, komi_spread=2, longest=200)
    games = played(40, settings, boards=8, watch=watch)
    assert {game.record.komi for game in games} == {2.5, 3.5, 4.5, 5.5, 6.5}
    for game in games:
        (komi,) = told[game.number]
        assert game.record.komi == komi
        position = Position(SIZE, komi=komi, rules="chinese")
        for _, index in moves_of(game):
            position.play(PASS if index == SIZE**2 else point_of(index, SIZE))
        assert game.record.margin == abs(position.score())

"""Games in lock step are the games that `Position` and OpenSpiel play, with their legal moves, results and scores."""

from __future__ import annotations

import numpy as np
import pytest

from gozero import features, sgf
from gozero.coords import BLACK, WHITE, point_of
from gozero.lockstep import ENDINGS, LockStep, Options
from gozero.position import Position
from gozero.rules import Superko, parse_rules
from tests.gozero.test_openspiel import action_mask, action_of, openspiel_game

PASSES, LIMIT, ILLEGAL = (ENDINGS.index(ending) for ending in ("passes", "limit", "illegal"))


def check_against_positions(games: LockStep, planes: str, rounds: int) -> int:
    """Plays random moves and compares what is seen with `Position`, board by board; returns how many games ended."""
    positions = [Position(games.size, games.komi, games.rules) for _ in range(games.count)]
    turn = games.reset()
    ended = 0
    for _ in range(rounds):
        for row, position in enumerate(positions):
            assert turn.to_play[row] == position.to_play
            assert np.array_equal(turn.planes[row], features.planes(position, planes))
            assert np.array_equal(turn.mask[row], position.legal_mask().astype(bool))
        moves = games.random_moves()
        assert turn.mask[games.all_slots, moves].all()
        turn = games.step(moves)
        for row, (position, index) in enumerate(zip(positions, moves.tolist(), strict=True)):
            mover = position.to_play
            position.play(point_of(index, games.size))
            over = PASSES if position.is_over else LIMIT if len(position.moves) == games.max_moves else 0
            assert turn.ending[row] == over
            assert turn.done[row] == (over != 0)
            if over:
                score = position.score()
                assert turn.score[row] == score
                assert turn.reward[row] == np.sign(score if mover == BLACK else -score)
                positions[row] = Position(games.size, games.komi, games.rules)
                ended += 1
            else:
                assert turn.reward[row] == 0
                assert np.isnan(turn.score[row])
    return ended


@pytest.mark.parametrize(
    ("size", "rules", "planes", "count", "rounds"),
    [
        pytest.param(2, "tromp-taylor", "stones", 20, 40, marks=pytest.mark.nojit),
        (5, "tromp-taylor", "stones", 8, 90),
        (5, "aga", "compact", 4, 90),
        (7, "tromp-taylor", "stones", 3, 150),
        (9, "new-zealand", "alphago49", 2, 60),
        (19, "chinese", "stones", 1, 20),
    ],
)
def test_every_board_is_a_position(size: int, rules: str, planes: str, count: int, rounds: int) -> None:
    games = LockStep(count, board_size=size, komi=0.5, rules=rules, planes=planes, seed=size)
    ended = check_against_positions(games, planes, rounds)
    assert ended > 0 or size > 5


@pytest.mark.parametrize("superko", ["simple", "positional", "situational"])
def test_the_superko_rule_can_be_chosen(superko: Superko) -> None:
    """With simple ko alone games do repeat, and the others forbid what it allows."""
    games = LockStep(200, board_size=3, komi=0, superko=superko, planes="stones", seed=1, max_moves=60)
    assert games.rules.superko == superko
    assert games.rules.suicide == parse_rules("chinese").suicide
    assert check_against_positions(games, "stones", 120) > 100


def test_openspiel_says_the_same() -> None:
    """Legal moves of every position and the winner of every game, on boards where OpenSpiel's simple ko is the rule."""
    pytest.importorskip("pyspiel")
    games = LockStep(12, board_size=5, komi=0.5, superko="simple", seed=4)
    states = [openspiel_game(5, 0.5).new_initial_state() for _ in range(games.count)]
    turn = games.reset()
    counted = 0
    for _ in range(300):
        for row, state in enumerate(states):
            if state is not None:
                assert action_mask(turn.mask[row], 5) == state.legal_actions_mask()
        moves = games.random_moves(fill_eyes=False)
        turn = games.step(moves)
        for row, index in enumerate(moves.tolist()):
            state = states[row]
            if state is not None:
                mover = state.current_player()
                state.apply_action(action_of(index, 5))
                if turn.ending[row] == PASSES:
                    assert state.is_terminal()
                    assert turn.reward[row] == state.returns()[mover]
                    counted += 1
                elif state.is_terminal():  # it calls any repetition a draw; we play on
                    states[row] = None
            if turn.done[row]:
                states[row] = openspiel_game(5, 0.5).new_initial_state()
    assert counted > 50


@pytest.mark.nojit
@pytest.mark.parametrize("move", [-1, -(2**62), 26, 1_000_000, 12, 3.7, np.nan, -np.inf, 10**30])
def test_an_illegal_move_loses_and_raises_nothing(move: float) -> None:
    games = LockStep(3, board_size=5)
    games.step([12, 12, 12])
    turn = games.step([0, move, 25])
    assert turn.reward.tolist() == [0, -1, 0]
    assert turn.done.tolist() == [False, True, False]
    assert turn.ending.tolist() == [0, ILLEGAL, 0]
    assert np.isnan(turn.score).all()
    assert turn.to_play.tolist() == [BLACK] * 3
    assert games.lengths.tolist() == [2, 0, 2]


def test_rewards_are_of_who_has_just_moved() -> None:
    games = LockStep(2, board_size=5, komi=24.5)
    games.step([12, 25])
    turn = games.step([25, 25])  # White passes: against a stone the game goes on, on the empty board it ends
    assert turn.reward.tolist() == [0, 1]
    turn = games.step([25, 12])
    assert turn.reward.tolist() == [1, 0]  # Black has the whole board
    assert turn.score[0] == 0.5


def test_random_moves_are_uniform() -> None:
    """Over all legal moves with the pass, and over those that fill no own eye."""
    games = LockStep(6000, board_size=2, seed=3, superko="simple")
    for move in (0, 4, 3, 4):  # Black at two corners, White passed: both other points are Black's eyes
        games.step(np.full(games.count, move))
    counts = np.bincount(games.random_moves(), minlength=5)
    assert counts[[0, 3]].tolist() == [0, 0]
    assert abs(counts[[1, 2, 4]] - 2000).max() < 5 * (6000 * 2 / 9) ** 0.5
    assert (games.random_moves(fill_eyes=False) == 4).all()


def test_same_seed_same_games_on_any_number_of_threads() -> None:
    def play(threads: int, seed: int) -> list[int]:
        games = LockStep(7, board_size=5, seed=99, threads=threads)
        games.reset(seed)
        moves = []
        for _ in range(60):
            moves += games.random_moves().tolist()
            games.step(moves[-7:])
        games.close()
        return moves

    assert play(1, 5) == play(3, 5)
    assert play(1, 5) != play(1, 6)


def test_sizes_side_by_side() -> None:
    small, large = LockStep(2, board_size=3, seed=0), LockStep(2, board_size=19, seed=0)
    for _ in range(10):
        small.step(small.random_moves())
        large.step(large.random_moves())
    assert small.reset().planes.shape == (2, 4, 3, 3)
    assert large.reset().mask.shape == (2, 362)


@pytest.mark.nojit
def test_a_game_can_be_looked_at_and_written() -> None:
    games = LockStep(3, board_size=5, komi=24.5)
    slots = games.all_slots
    games.play(slots, [12, 12, 12])
    assert str(games.position(0)).count("X") == 1
    assert sgf.parse(sgf.write(games.record(0)).encode())[0].ending == "unknown"
    games.play(slots, [25, 25, 12])
    games.play(slots, [25, 0, 0])
    assert games.ending.tolist() == [PASSES, 0, ILLEGAL]
    counted, _, lost = (sgf.parse(sgf.write(games.record(slot)).encode())[0] for slot in range(3))
    assert (counted.winner, counted.margin, counted.ending) == (BLACK, 0.5, "counted")
    assert (lost.winner, lost.ending, len(lost.moves)) == (BLACK, "forfeit", 1)
    assert games.scores().tolist() == [0.5, 0.5, 0.5]
    for colour in (BLACK, WHITE):  # White is to move in the one game that goes on
        planes, mask = games.show(slots, np.full(3, colour, np.int8))
        assert mask.any(axis=1).tolist() == [False, colour == WHITE, False]
        assert planes[:, colour - BLACK, 2, 2].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"board_size": 26}, "board size 26 is not supported"),
        ({"komi": float("nan")}, "komi nan is not a finite number"),
        ({"rules": "japanese"}, "japanese rules count territory"),
        ({"rules": "chess"}, "unknown rules 'chess'"),
        ({"superko": "super"}, "superko is simple, positional or situational, not 'super'"),
        ({"planes": "pixels"}, "unknown feature set 'pixels'"),
        ({"max_moves": 0}, "max_moves must be from 1 to 65535, not 0"),
        ({"size": 9}, "there is no option 'size': there are board_size, komi"),
    ],
)
def test_wrong_options_are_refused_in_words(options: Options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LockStep(1, **options)


def test_a_wrong_number_of_moves_is_refused() -> None:
    with pytest.raises(ValueError, match=r"3 games want an array of as many moves, not one of shape \(2,\)"):
        LockStep(3).step([1, 2])

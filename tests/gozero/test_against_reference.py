"""`Position` and its kernels against the slow reference board: random games on every size, and a state machine."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gozero import _board
from gozero.coords import BLACK, PASS, WHITE, padded_points, point_at
from gozero.position import Position
from gozero.rules import Rules, Superko
from tests.reference_board import OTHER, ReferenceBoard, Stones

COLOURS = {"X": BLACK, "O": WHITE}
SUPERKOS: tuple[Superko, ...] = ("simple", "positional", "situational")
ALL_RULES = [
    Rules(f"{superko} superko, {'' if suicide else 'no '}suicide", superko, suicide, "area")
    for superko, suicide in itertools.product(SUPERKOS, (False, True))
]


def board_of(size: int, stones: Stones) -> np.ndarray:
    board = np.zeros((size, size), dtype=np.uint8)
    for point, colour in stones.items():
        board[point] = COLOURS[colour]
    return board


def point_of(place: tuple[int, int] | None, size: int) -> int:
    return PASS if place is None else point_at(*place, size)


def assert_same_board(position: Position, board: ReferenceBoard) -> None:
    """Stones, turn, prisoners and passes: what is cheap to compare after every move."""
    now = board.moments[-1]
    assert np.array_equal(position.colours(), board_of(board.size, now.stones))
    assert position.to_play == COLOURS[now.to_play]
    assert position.captured == (now.taken["X"], now.taken["O"])
    assert position.passes == now.passes
    assert position.state[_board.EMPTIES] == board.size**2 - len(now.stones)


def assert_same_rules(position: Position, board: ReferenceBoard) -> None:
    """Area, liberties; legality, the position after the move and eyes at every point for both colours."""
    size = board.size
    area = board.area()
    assert _board.area(position.state) == (area["X"], area["O"])
    liberties = np.empty(padded_points(size), dtype=np.int16)
    _board.liberties_map(position.state, liberties)
    expected = np.zeros_like(liberties)
    for chain in board.chains():
        expected[[point_of(place, size) for place in chain]] = len(board.liberties(next(iter(chain))))
    assert np.array_equal(liberties, expected), str(position)
    for letter, colour in COLOURS.items():
        mask = position.legal_mask(colour)
        assert mask[-1] == 1
        for index, place in enumerate(board.points()):
            point = point_of(place, size)
            legal = board.is_legal(place, letter)
            assert mask[index] == legal, f"{letter} at {place}, {board.superko}\n{position}"
            assert position.legal(point, colour) == legal
            if place not in board.stones:
                assert _board.is_eye(position.state, point, colour) == board.is_eye(place, letter)
            if legal:
                after = position.state.copy()
                foreseen = _board.hash_after(position.state, point, colour)
                _board.play(after, point, colour)
                assert foreseen == _board.position_hash(after)


def choose(board: ReferenceBoard, letter: str, rng: random.Random) -> tuple[int, int] | None:
    """A random legal move; captures and moves beside the last stones are preferred, so that kos and repeats happen."""
    empty = [place for place in board.points() if place not in board.stones]
    rng.shuffle(empty)
    hot = [place for place in empty if any(board.in_atari(beside) for beside in board.neighbours(place))]
    for place in hot + empty:
        if (not board.is_eye(place, letter) or rng.random() < 0.1) and board.is_legal(place, letter):
            return place
    return None


@pytest.mark.parametrize(
    "size", [pytest.param(size, marks=pytest.mark.nojit) if size in (1, 2, 3, 7) else size for size in range(1, 26)]
)
def test_random_games_equal_the_reference_on_every_size(size: int) -> None:
    plies = 120 if size <= 5 else 60
    for seed, rules in enumerate(ALL_RULES if size <= 5 else ALL_RULES[size % 6 :: 6]):
        rng = random.Random(1000 * size + seed)
        board = ReferenceBoard(size, rules.superko, rules.suicide)
        position = Position(size, rules=rules)
        for ply in range(plies):
            letter = board.to_play if rng.random() < 0.9 else OTHER[board.to_play]
            place = choose(board, letter, rng)
            board.play(place, letter)
            position.play(point_of(place, size), COLOURS[letter])
            assert_same_board(position, board)
            if ply % (3 if size <= 5 else 30) == 2:
                assert_same_rules(position, board)


class Games(RuleBasedStateMachine):
    """Plays, passes, undoes, sets up, changes the turn and copies; every position must equal its reference."""

    @initialize(size=st.sampled_from([1, 2, 3, 4, 5, 9]), rules=st.sampled_from(ALL_RULES))
    def start(self, size: int, rules: Rules) -> None:
        self.games = [(Position(size, rules=rules), ReferenceBoard(size, rules.superko, rules.suicide))]
        self.hashes: dict[frozenset[tuple[tuple[int, int], str]], int] = {}

    @rule(index=st.integers(0, 624), out_of_turn=st.integers(0, 4).map(lambda n: n == 0))
    def play(self, index: int, out_of_turn: bool) -> None:
        position, board = self.games[-1]
        place = board.points()[index % board.size**2]
        letter = OTHER[board.to_play] if out_of_turn else board.to_play
        point = point_of(place, board.size)
        if board.is_legal(place, letter):
            board.play(place, letter)
            position.play(point, COLOURS[letter])
        else:
            with pytest.raises(ValueError, match="illegal move"):
                position.play(point, COLOURS[letter])

    @rule(seed=st.integers(0, 2**32 - 1), plies=st.integers(1, 40))
    def play_on(self, seed: int, plies: int) -> None:
        position, board = self.games[-1]
        rng = random.Random(seed)
        for _ in range(plies):
            place, letter = choose(board, board.to_play, rng), board.to_play
            board.play(place, letter)
            position.play(point_of(place, board.size))

    @rule()
    def pass_(self) -> None:
        position, board = self.games[-1]
        board.play(None, board.to_play)
        position.play("pass")

    @rule(plies=st.integers(1, 45))
    def undo(self, plies: int) -> None:
        position, board = self.games[-1]
        for _ in range(plies):
            if len(board.moments) > 1:
                board.undo()
                position.undo()
            else:
                with pytest.raises(ValueError, match="cannot undo"):
                    position.undo()

    @rule(letter=st.sampled_from("XO"))
    def set_to_play(self, letter: str) -> None:
        position, board = self.games[-1]
        board.set_to_play(letter)
        position.to_play = COLOURS[letter]

    @rule(index=st.integers(0, 624), letter=st.sampled_from("XO"))
    def set_up(self, index: int, letter: str) -> None:
        position, board = self.games[-1]
        place = board.points()[index % board.size**2]
        point = point_of(place, board.size)
        stones = {**board.stones, place: letter}
        if place in board.stones or not all(board.liberties(stone, stones) for stone in stones):
            with pytest.raises(ValueError, match="cannot set up"):
                position.add_stone(point, COLOURS[letter])
        else:
            board.set_up({place: letter})
            position.add_stone(point, COLOURS[letter])

    @rule()
    def copy(self) -> None:
        position, board = self.games[-1]
        self.games.append((position.copy(), board.copy()))
        self.games = self.games[-4:]

    @rule()
    def switch(self) -> None:
        self.games.insert(0, self.games.pop())

    @invariant()
    def equals_the_reference(self) -> None:
        for position, board in self.games:
            assert_same_board(position, board)
            assert len(position.moves) == sum(moment.mover is not None for moment in board.moments)
            stones = frozenset(board.stones.items())
            assert self.hashes.setdefault(stones, _board.position_hash(position.state)) == _board.position_hash(
                position.state
            )
        assert len(set(self.hashes.values())) == len(self.hashes)
        assert_same_rules(*self.games[-1])

    @invariant()
    def history_is_that_of_the_reference(self) -> None:
        position, board = self.games[-1]
        past = board.history()
        assert position.history_length == len(past)
        assert len(position.history) >= len(past)
        situational = board.superko == "situational"
        keys = [(frozenset(m.stones.items()), m.to_play if situational else "") for m in past]
        hashes = position.history[: len(past)].tolist()
        assert len(set(zip(keys, hashes, strict=True))) == len(set(keys)) == len(set(hashes))


TestGames = Games.TestCase
TestGames.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)

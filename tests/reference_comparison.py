"""Whether a `Position` is what the slow reference game says: the board, what the rules allow on it, its past."""

from __future__ import annotations

import itertools
import random

import numpy as np

from gozero import _board, _legality, _repetition, _whole_board
from gozero.coords import BLACK, PASS, WHITE, padded_points, point_at
from gozero.position import Position
from gozero.rules import Rules, Superko
from tests.reference_board import Place, SlowGame

SUPERKOS: tuple[Superko, ...] = ("simple", "positional", "situational")
ALL_RULES = [
    Rules(f"{superko} superko, {'' if suicide else 'no '}suicide", superko, suicide, "area")
    for superko, suicide in itertools.product(SUPERKOS, (False, True))
]


def new_games(size: int, rules: Rules) -> tuple[Position, SlowGame]:
    """The same empty board twice."""
    return Position(size, rules=rules), SlowGame(size, rules.superko, rules.suicide)


def point_of(place: Place | None, size: int) -> int:
    return PASS if place is None else point_at(*place, size)


KO = {(0, 1): 0, (1, 0): 0, (2, 1): 0, (0, 2): 1, (1, 1): 1, (1, 3): 1, (2, 2): 1}
"""A ko that the first of two players may take at (1, 2)."""


def set_up_ko(position: Position, game: SlowGame, row: int, column: int, taker: int) -> bool:
    """Sets a ko up with its top left corner at this place, if there is room for it."""
    places = {(row + r, column + c): (taker, 3 - taker)[side] for (r, c), side in KO.items()}
    after = game.board.changed(places)
    if not {*places, (row + 1, column + 2)}.issubset(game.board.empties()) or not after.is_possible():
        return False
    position.edit([(colour, point_of(place, game.size)) for place, colour in places.items()])
    game.set_up(places)
    return True


def assert_same_board(position: Position, game: SlowGame) -> None:
    """Stones, ko, turn, prisoners and passes: what is cheap to compare after every move."""
    now = game.now
    assert np.array_equal(position.colours(), now.board.colours()), str(position)
    assert position.state[_board.KO] == point_of(now.board.forbidden, game.size)
    assert position.to_play == now.to_play
    assert position.captured == now.taken
    assert position.passes == now.passes
    assert position.is_over == (now.passes >= 2)
    assert position.state[_board.EMPTIES] == game.size**2 - len(now.board.stones)


def assert_same_rules(position: Position, game: SlowGame) -> None:
    """Area and score, liberties; legality, the hash after the move and eyes at every point for both colours."""
    size, board = game.size, game.board
    black, white = board.area()
    assert _whole_board.area(position.state) == (black, white)
    assert position.score() == black - white - position.komi
    liberties = np.empty(padded_points(size), dtype=np.int16)
    _whole_board.liberties_map(position.state, liberties)
    expected = np.zeros_like(liberties)
    for chain in board.chains():
        expected[[point_of(place, size) for place in chain]] = len(board.liberties(next(iter(chain))))
    assert np.array_equal(liberties, expected), str(position)
    for colour in (BLACK, WHITE):
        mask = position.legal_mask(colour)
        assert mask.tolist() == [*(game.is_legal(place, colour) for place in board.places()), True], (
            f"{colour} to play, {game.superko} superko\n{position}"
        )
        for index, place in enumerate(board.places()):
            point = point_of(place, size)
            assert position.legal(point, colour) == mask[index]
            if place not in board.stones:
                assert _legality.is_eye(position.state, point, colour) == board.is_eye(place, colour)
            if mask[index]:
                after = position.state.copy()
                foreseen = _repetition.hash_after(position.state, point, colour)
                _board.play(after, point, colour)
                assert foreseen == _board.position_hash(after)


def assert_same_history(position: Position, game: SlowGame) -> None:
    """Hashes of the past are equal where, and only where, the past positions are (with the turn, if situational)."""
    past = game.history()
    assert position.history_length == len(past)
    if game.superko == "situational":
        now = _board.situational_hash(position.state, game.to_play)
    else:
        now = _board.position_hash(position.state)
    assert position.history[len(past) - 1] == now
    assert len(position.history) >= len(past)
    turns = [moment.to_play if game.superko == "situational" else 0 for moment in past]
    keys = [(frozenset(m.board.stones.items()), turn) for m, turn in zip(past, turns, strict=True)]
    hashes = position.history[: len(past)].tolist()
    assert len(set(zip(keys, hashes, strict=True))) == len(set(keys)) == len(set(hashes))


def lively_move(game: SlowGame, colour: int, rng: random.Random) -> Place | None:
    """A random legal move, kos, captures and escapes often first, own eyes last but seldom spared.

    So the board is emptied again and again, and kos and repetitions happen.
    """
    board = game.board
    empty = list(board.empties())
    rng.shuffle(empty)
    if rng.random() < 0.3:
        atari = {stone for chain in board.chains() if len(board.liberties(next(iter(chain)))) == 1 for stone in chain}
        empty.sort(key=lambda place: atari.isdisjoint(board.beside(place)))
    empty.sort(key=lambda place: board.is_eye(place, colour))
    if rng.random() < 0.3:
        empty.sort(key=lambda place: board.put(place, colour).forbidden is None)
    for place in empty:
        if (not board.is_eye(place, colour) or rng.random() < 0.8) and game.is_legal(place, colour):
            return place
    return None

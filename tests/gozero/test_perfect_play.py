"""What the smallest boards are worth under perfect play, solved exactly: area, no komi, with both rules for cycles.

The values are known: 0 on 2x2 where a cycle is a tie and 1 under superko, 9 on 3x3 under both (van der Werf and
Winands, "Solving Go for rectangular boards", ICGA Journal 32, 2009).
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gozero import _board, _legality, _whole_board
from gozero.coords import BLACK, PASS, WHITE, point_at, row_col
from gozero.geometry import board_points
from gozero.life import pass_alive
from gozero.position import Position

State = NDArray[np.uint32]
Key = tuple[bytes, int, int, int]


def key_of(state: State) -> Key:
    """What the future depends on under simple ko: colours, the ko point, who is to play, passes."""
    colours = state[_board.COLOUR :: _board.WORDS].astype(np.uint8).tobytes()
    return colours, int(state[_board.KO]), int(state[_board.TO_PLAY]), int(state[_board.PASSES])


class Ties:
    """Every position that a game under simple ko can reach; one that goes on for ever is a tie.

    Attributes:
        scores: Black's area minus White's where two passes have ended the game.
        before: the positions that lead to each position by a move.
        moves: how many moves each position has.
    """

    def __init__(self, size: int) -> None:
        self.start = Position(size, rules="japanese").state
        self.scores: dict[Key, int] = {}
        self.before: dict[Key, list[Key]] = {key_of(self.start): []}
        self.moves: dict[Key, int] = {}
        points = [*board_points(size).tolist(), PASS]
        waiting = [self.start]
        while waiting:
            state = waiting.pop()
            key = key_of(state)
            if key[3] == 2:
                black, white = _whole_board.area(state)
                self.scores[key] = black - white
                continue
            legal = [point for point in points if _legality.is_legal(state, point, key[2])]
            self.moves[key] = len(legal)
            for point in legal:
                after = state.copy()
                _board.play(after, point, key[2])
                if key_of(after) not in self.before:
                    self.before[key_of(after)] = []
                    waiting.append(after)
                self.before[key_of(after)].append(key)

    def forces(self, colour: int, least: int) -> bool:
        """Whether `colour` can end the game with so many points more than the opponent, against any play.

        That is so where one of its own moves leads to a position where it is so, or all moves of the opponent do.
        """
        sign = 1 if colour == BLACK else -1
        won = {key for key, score in self.scores.items() if sign * score >= least}
        left = dict(self.moves)
        waiting = list(won)
        while waiting:
            for key in self.before[waiting.pop()]:
                left[key] -= 1
                if key not in won and (key[2] == colour or left[key] == 0):
                    won.add(key)
                    waiting.append(key)
        return key_of(self.start) in won

    def value(self) -> int:
        """Black's points minus White's under perfect play from the empty board."""
        most = max(self.scores.values())
        black = next((score for score in range(most, 0, -1) if self.forces(BLACK, score)), 0)
        return black or -next((score for score in range(most, 0, -1) if self.forces(WHITE, score)), 0)


def from_the_centre(position: Position) -> list[int]:
    """The points that the player to move may play, those in the middle first."""
    places = [row_col(point, position.size) for point in board_points(position.size)[position.legal_mask()[:-1] == 1]]
    middle = (position.size - 1) / 2
    places.sort(key=lambda place: abs(place[0] - middle) + abs(place[1] - middle))
    return [point_at(*place, position.size) for place in places]


def successor(position: Position, point: int) -> Position:
    after = position.copy()
    after.play(point)
    return after


def black_gets(position: Position, least: int, known: dict[object, bool]) -> bool:
    """Whether Black can get a score of at least `least` under superko, by trying every move.

    `known` holds positions with the same future: the same board, turn and passes, and the same earlier positions.
    """
    if position.is_over:
        return position.score() >= least
    black = position.to_play == BLACK
    if position.passes and (position.score() >= least) == black:
        return black  # who is to play ends the game
    area = position.size**2
    owners = pass_alive(position)
    if 2 * np.count_nonzero(owners == 1) - area >= least:
        return True
    if area - 2 * np.count_nonzero(owners == -1) < least:
        return False
    earlier = frozenset(position.history[: position.history_length].tolist())
    key = (position.colours().tobytes(), black, position.passes, earlier)
    if key not in known:
        after = [successor(position, point) for point in from_the_centre(position)]
        after.sort(key=lambda other: -other.score() if black else other.score())  # what looks best comes first
        after.append(successor(position, PASS))
        known[key] = not black
        for other in after:
            if black_gets(other, least, known) == black:
                known[key] = black
                break
    return known[key]


@pytest.mark.parametrize(("size", "value"), [(1, 0), (2, 0), pytest.param(3, 9, marks=pytest.mark.slow)])
def test_cycles_are_ties(size: int, value: int) -> None:
    assert Ties(size).value() == value


@pytest.mark.parametrize("rules", ["tromp-taylor", "chinese", "aga", "new-zealand"])
def test_2x2_under_superko(rules: str) -> None:
    start = Position(2, komi=0, rules=rules)
    assert black_gets(start, 1, {})
    assert not black_gets(start, 2, {})


@pytest.mark.parametrize("rules", ["chinese", "aga"])
def test_3x3_under_superko(rules: str) -> None:
    assert black_gets(Position(3, komi=0, rules=rules), 9, {})

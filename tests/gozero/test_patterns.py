"""Patterns that are kept up while moves are played, against patterns worked out anew by a slow and obvious board."""

import numpy as np
import pytest

from gozero import _board, _legality, _patterns, _tracking
from gozero.coords import BLACK, WHITE, point_at, row_col
from gozero.geometry import symmetry_table
from gozero.position import Position
from tests import reference_patterns as reference
from tests.reference_board import SlowBoard

pytestmark = pytest.mark.nojit


class TrackedGame:
    """A random game on a board whose patterns are kept up, and the same board as sets of stones."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.position = Position(size, rules="new-zealand" if seed % 4 == 3 else "chinese")
        self.patterns = _tracking.tracked(size)
        self.random = np.random.default_rng(seed)
        _tracking.track(self.position.state, self.patterns.cells)

    @property
    def board(self) -> SlowBoard:
        return SlowBoard.of(self.position.colours())

    def code(self, point: int) -> int:
        return int(self.patterns.cells[point * _patterns.CELL + _patterns.CODE])

    def move(self) -> int:
        """A random move; one that takes or saves stones is likelier, so that much is captured."""
        legal = [point for point in self.points() if self.position.legal(point)]
        if not legal or self.random.random() < 0.02:
            return 0
        for _ in range(4):
            point = int(self.random.choice(legal))
            if 1 in {(self.code(point) >> 3 * i) & 3 for i in range(4)}:
                break
        return point

    def play(self, point: int) -> tuple[int, int]:
        """Plays on the tracked state, which is the position's own from here on; returns the lengths of the lists."""
        position, patterns = self.position, self.patterns
        state = position.state.copy()
        colour = position.to_play
        counts = _tracking.play_tracked(
            state, patterns.cells, patterns.changed, patterns.taken, patterns.waiting, point, colour
        )
        position.play(point)
        assert np.array_equal(state, position.state)
        return counts

    def points(self) -> list[int]:
        return [point_at(row, column, self.size) for row in range(self.size) for column in range(self.size)]


@pytest.mark.parametrize(
    ("size", "seed", "moves"), [(1, 0, 3), (2, 0, 20), (5, 1, 90), (5, 3, 90), (7, 5, 130), (9, 7, 150)]
)
def test_codes_and_chains_are_kept_up(size: int, seed: int, moves: int) -> None:
    game = TrackedGame(size, seed)
    for _ in range(moves):
        point = game.move()
        before = {p: game.code(p) for p in game.points()}
        was = game.board
        changed, taken = game.play(point)
        board = game.board
        for p in game.points():
            place = row_col(p, size)
            if place in board.stones:
                assert game.code(p) == _patterns.OCCUPIED
                continue
            assert game.code(p) == reference.code(board, place)
        if point and row_col(point, size) in board.stones:  # not a pass, nor a suicide
            lost = {place for place in was.stones if place not in board.stones}
            assert {row_col(int(p), size) for p in game.patterns.taken[:taken]} == lost
            assert taken == len(lost)
            listed = {int(p) for p in game.patterns.changed[:changed]}
            assert {p for p in game.points() if game.code(p) != before[p]} <= listed
        for chain in board.chains():
            liberties = {point_at(*place, size) for place in board.liberties(next(iter(chain)))}
            head = int(game.position.state[_board.HEAD + point_at(*next(iter(chain)), size) * _board.WORDS])
            word = game.patterns.cells[head * _patterns.CELL :]
            assert word[_patterns.CLASS] == min(3, len(liberties))
            if len(liberties) == 1:
                assert {int(word[_patterns.FIRST])} == liberties
            if len(liberties) == 2:
                assert {int(word[_patterns.FIRST]), int(word[_patterns.SECOND])} == liberties


def test_tracking_from_scratch_gives_what_was_kept_up() -> None:
    game = TrackedGame(13, 2)
    for _ in range(250):
        game.play(game.move())
    anew = _tracking.tracked(13)
    _tracking.track(game.position.state, anew.cells)
    codes = game.patterns.cells[_patterns.CODE :: _patterns.CELL]
    assert np.array_equal(codes, anew.cells[_patterns.CODE :: _patterns.CELL])


@pytest.mark.parametrize("colour", [BLACK, WHITE])
def test_both_players_see_themselves(colour: int) -> None:
    game = TrackedGame(7, 4)
    around = np.empty(_patterns.DIAMOND, np.uint32)
    for _ in range(60):
        game.play(game.move())
        board = game.board
        for point in game.points():
            place = row_col(point, 7)
            _patterns.diamond_points(game.position.state, np.uint32(point), around)
            code = _patterns.diamond(game.position.state, game.patterns.cells, around, colour)
            assert int(code) == reference.diamond(board, place, colour)
            if place not in board.stones:
                seen = _patterns.seen_by(np.uint32(game.code(point)), colour)
                assert int(seen) == reference.code(board, place, colour)


def test_diamond_points_are_where_the_reference_looks() -> None:
    position = Position(4)
    around = np.empty(_patterns.DIAMOND, np.uint32)
    for row in range(4):
        for column in range(4):
            _patterns.diamond_points(position.state, np.uint32(point_at(row, column, 4)), around)
            for point, offset in zip(around.tolist(), reference.DIAMOND, strict=True):
                place = reference.moved((row, column), offset)
                on_board = all(0 <= number < 4 for number in place)
                assert (row_col(point, 4) == place) if on_board else _sees_border(position, point)


def _sees_border(position: Position, point: int) -> bool:
    return bool(position.state[_board.COLOUR + point * _board.WORDS] == _board.BORDER)


def test_sensible_codes_are_the_legal_moves_that_fill_no_eye() -> None:
    forbidden = 0
    for seed in range(6):
        game = TrackedGame(6, seed * 4)
        for _ in range(70):
            game.play(game.move())
            state = game.position.state.copy()
            state[_board.KO] = 0
            for point in game.points():
                if game.code(point) == _patterns.OCCUPIED:
                    continue
                for colour in (BLACK, WHITE):
                    sensible = _patterns.is_sensible(_patterns.seen_by(np.uint32(game.code(point)), colour))
                    legal = _legality.is_legal(state, point, colour) and not _legality.is_eye(state, point, colour)
                    assert sensible == legal
                    forbidden += not legal
    assert forbidden > 100


def test_codes_turn_with_the_board() -> None:
    """Playing the game turned gives every point the turned code, and all eight have one canonical code."""
    moves = []
    game = TrackedGame(7, 10)
    for _ in range(45):
        moves.append(game.move())
        game.play(moves[-1])
    table = symmetry_table(7)
    places = {point: row * 7 + column for point in game.points() for row, column in [row_col(point, 7)]}
    around, turned_around = np.empty(_patterns.DIAMOND, np.uint32), np.empty(_patterns.DIAMOND, np.uint32)
    for symmetry in range(8):
        to = {point: point_at(*divmod(int(table[symmetry, places[point]]), 7), 7) for point in game.points()}
        other = TrackedGame(7, 0)
        for point in moves:
            other.play(to[point] if point else 0)
        for point in game.points():
            if game.code(point) != _patterns.OCCUPIED:
                code, there = np.uint32(game.code(point)), np.uint32(other.code(to[point]))
                assert _patterns.turned(code, symmetry) == there
                assert _patterns.canonical(code) == _patterns.canonical(there)
            _patterns.diamond_points(game.position.state, np.uint32(point), around)
            _patterns.diamond_points(other.position.state, np.uint32(to[point]), turned_around)
            mine = _patterns.diamond(game.position.state, game.patterns.cells, around, BLACK)
            theirs = _patterns.diamond(other.position.state, other.patterns.cells, turned_around, BLACK)
            assert _patterns.turned_diamond(mine, symmetry) == theirs

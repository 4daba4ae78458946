"""A game of Go as it stands: the board, its history, whose turn it is, and what the rules allow next.

`Position` checks its arguments, calls the kernels of `gozero._board` and says in words what is wrong; the board itself
is the flat buffer `state`, which search and features read directly.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gozero import _board, _repetition, _whole_board, coords, diagram, scoring, set_up
from gozero.coords import BLACK, EMPTY, NO_MOVE, WHITE, checked_colour, format_vertex
from gozero.geometry import board_points
from gozero.illegal_move import IllegalMove, illegal_move
from gozero.rules import Rules, parse_rules

_ANCHOR_INTERVAL: Final = 16
"""Plies between the saved boards that undo replays from: at most 15 moves, for 0.8 kB a ply on 19x19."""


@dataclass
class _Segment:
    """What has happened since the board was last set up; undo takes its moves back one by one, then the set-up."""

    start: int  # number of moves played before it
    turn_before: int  # who was to play before the set-up
    changes: dict[int, int]  # the colour that the set-up gave each point it changed
    setup: list[tuple[int, int]]  # (colour, point) of every stone on the board before the first move; never changed
    anchors: list[NDArray[np.uint32]]  # the state after every _ANCHOR_INTERVAL moves; shared by copies, never changed
    history: NDArray[np.uint64]  # hash of the position after each move, by the superko rule; grows by doubling

    def copy(self) -> _Segment:
        return replace(self, anchors=self.anchors.copy(), history=self.history.copy())


class Position:
    """A Go board with its history. Points are those of `gozero.coords`; colours are `BLACK` and `WHITE`.

    Either colour may move at any time, as GTP allows; `to_play` is whose turn it would be. Moves after two passes are
    allowed too: play resumes.

    Attributes:
        size: the board is size x size.
        rules: the rule set; it cannot change during a game.
        moves: (colour, point) of every move, passes included. Read-only.
        state: the board, uint32[state_length(size)] (see `gozero._board`). Read-only.
    """

    def __init__(self, size: int = 19, komi: float = 7.5, rules: str | Rules = "chinese") -> None:
        """An empty board with Black to play.

        Raises:
            ValueError: the size is not 1 to 25, the komi no finite number, or the rules unknown.
        """
        if not coords.MIN_SIZE <= size <= coords.MAX_SIZE:
            raise ValueError(f"board size {size} is not supported: {coords.MIN_SIZE} to {coords.MAX_SIZE} are")
        self.size = size
        self.komi = komi
        self.rules = parse_rules(rules) if isinstance(rules, str) else rules
        self.moves: list[tuple[int, int]] = []
        self.state: NDArray[np.uint32] = np.empty(_board.state_length(size), dtype=np.uint32)
        _board.init(self.state, size, int(self.rules.suicide))
        self._cells = coords.padded_points(size)
        self._superko = self.rules.superko_code
        self._turns: list[int] = []  # who was to play before each move, which need not be who moved
        self._segments: list[_Segment] = []
        self._begin_segment(BLACK, {}, [])

    @classmethod
    def from_ascii(cls, text: str, to_play: int = BLACK, komi: float = 7.5, rules: str | Rules = "chinese") -> Position:
        """The position of a diagram (see `gozero.diagram.read`); what `str(position)` prints can be read back.

        The diagram is the start of the game: undo does not reach behind it.

        Raises:
            ValueError: the diagram is no square board, or has a chain without liberties; the text names row (from
                the top) and column (from the left), both from 1.
        """
        colours = diagram.read(text)
        position = cls(len(colours), komi, rules)
        points = board_points(position.size).tolist()
        stones = [(colour, point) for colour, point in zip(colours.ravel().tolist(), points, strict=True) if colour]
        position.to_play = to_play
        try:
            position._set_up(stones)
        except set_up.NoLiberty as error:
            row, column = coords.row_col(error.point, position.size)
            raise ValueError(f"row {row + 1}, column {column + 1}: the chain there has no liberty") from None
        del position._segments[:-1]
        return position

    @property
    def komi(self) -> float:
        """Points that White is given."""
        return self._komi

    @komi.setter
    def komi(self, komi: float) -> None:
        if not math.isfinite(komi):
            raise ValueError(f"komi {komi} is not a finite number")
        self._komi = float(komi)

    @property
    def to_play(self) -> int:
        """Whose turn it is. May be set, for instance to analyse for the other player."""
        return int(self.state[_board.TO_PLAY])

    @to_play.setter
    def to_play(self, colour: int) -> None:
        self.state[_board.TO_PLAY] = checked_colour(colour)
        self._record()

    @property
    def setup(self) -> list[tuple[int, int]]:
        """(colour, point) of every stone that was put on the board before the first move. Read-only."""
        return self._segments[-1].setup

    @property
    def turns(self) -> list[int]:
        """Who was to play before each of `moves`, which need not be who moved. Read-only."""
        return self._turns

    @property
    def last_move(self) -> int:
        """The last move, a point or `PASS`; `NO_MOVE` before the first."""
        return self.moves[-1][1] if self.moves else NO_MOVE

    @property
    def passes(self) -> int:
        """Number of passes since the last stone was played or set up."""
        return int(self.state[_board.PASSES])

    @property
    def is_over(self) -> bool:
        """Whether the last two moves were passes."""
        return self.passes >= 2

    @property
    def captured(self) -> tuple[int, int]:
        """Black stones and White stones taken off the board so far, by either player."""
        return int(self.state[_board.CAPTURED_BLACK]), int(self.state[_board.CAPTURED_WHITE])

    @property
    def handicap(self) -> int:
        """Number of stones set up before the first move where all are Black's and White moves first, else 0."""
        first = self.moves[0][0] if self.moves else self.to_play
        return len(self.setup) if first == WHITE and all(colour == BLACK for colour, _ in self.setup) else 0

    @property
    def history(self) -> NDArray[np.uint64]:
        """Hashes of the positions since the last set-up, this one last; uint64, valid to `history_length`. Read-only.

        Situational hashes (with the player to move) under situational superko, else hashes of the stones alone.
        """
        return self._segments[-1].history

    @property
    def history_length(self) -> int:
        """How many entries of `history` are valid."""
        return len(self.moves) - self._segments[-1].start + 1

    def play(self, move: int | str, colour: int | None = None) -> None:
        """Plays a point, `PASS` or a vertex such as "D4" or "pass", for `colour` or else the player to move.

        Raises:
            IllegalMove: the rules forbid it; the position is unchanged.
            ValueError: the text is no vertex of this board, or `colour` no colour.
        """
        point = self._point(move)
        turn = self.to_play
        mover = turn if colour is None else checked_colour(colour)
        segment = self._segments[-1]
        length = len(self.moves) - segment.start + 1
        if length == len(segment.history):
            segment.history = np.concatenate([segment.history, np.zeros_like(segment.history)])
        refusal = _repetition.play_if_allowed(self.state, point, mover, segment.history, length, self._superko)
        if refusal:
            raise self._illegal(refusal, point, mover)
        self.moves.append((mover, point))
        self._turns.append(turn)
        if length % _ANCHOR_INTERVAL == 0:
            segment.anchors.append(self.state.copy())

    def undo(self) -> None:
        """Takes back the last move; where the last thing was a set-up (a handicap, for instance), the whole of that.

        Raises:
            ValueError: there is nothing to take back.
        """
        segment = self._segments[-1]
        played = len(self.moves) - segment.start
        if played == 0 and len(self._segments) == 1:
            raise ValueError("cannot undo: nothing has been played")
        if played == 0:
            turn = self._segments.pop().turn_before
            segment = self._segments[-1]
        else:
            if played % _ANCHOR_INTERVAL == 0:
                segment.anchors.pop()
            self.moves.pop()
            turn = self._turns.pop()
        np.copyto(self.state, segment.anchors[-1])
        for colour, point in self.moves[segment.start + (len(segment.anchors) - 1) * _ANCHOR_INTERVAL :]:
            _board.play(self.state, point, colour)
        self.to_play = turn

    def legal(self, move: int | str, colour: int | None = None) -> bool:
        """Whether `play` would accept the move. A pass always is legal.

        Raises:
            ValueError: the text is no vertex of this board, or `colour` no colour.
        """
        mover = self.to_play if colour is None else checked_colour(colour)
        try:
            point = self._point(move)
        except IllegalMove:
            return False
        refusal = _repetition.refusal(self.state, point, mover, self.history, self.history_length, self._superko)
        return bool(refusal == _repetition.ALLOWED)

    def legal_mask(self, colour: int | None = None) -> NDArray[np.uint8]:
        """1 for every legal move of `colour`, or else of the player to move, by move index: uint8[size * size + 1]."""
        mover = self.to_play if colour is None else checked_colour(colour)
        mask = np.empty(self.size * self.size + 1, dtype=np.uint8)
        _repetition.legal_mask(self.state, mover, self.history, self.history_length, self._superko, mask)
        return mask

    def legal_vertices(self) -> list[str]:
        """The vertices where the player to move may put a stone, from the top left, in upper case."""
        points = board_points(self.size)[self.legal_mask()[:-1] == 1]
        return [format_vertex(point, self.size) for point in points.tolist()]

    def score(self) -> float:
        """Black's points minus White's as the board stands, komi and handicap bonus included (see `scoring`)."""
        return scoring.area_score(self)

    def recent_points(self, count: int = 8) -> NDArray[np.int32]:
        """The last `count` moves, newest first: int32[count], 0 for a pass or where there was no move."""
        points = np.zeros(count, dtype=np.int32)
        for i, (_, point) in zip(range(count), reversed(self.moves), strict=False):
            points[i] = point
        return points

    def colours(self) -> NDArray[np.uint8]:
        """The board: uint8[size, size], 0 empty, 1 Black, 2 White, top row first."""
        board = np.empty(self.size * self.size, dtype=np.uint8)
        _whole_board.colours(self.state, board)
        return board.reshape(self.size, self.size)

    def add_stone(self, point: int, colour: int) -> None:
        """Puts a stone on an empty point outside play; nothing is captured and the turn stays.

        Repetition is counted from here on. Stones set up without a move between them are one step for `undo`.

        Raises:
            ValueError: the point is off the board or occupied, or a chain would have no liberty; nothing has changed.
        """
        try:
            self._set_up([(checked_colour(colour), operator.index(point))])
        except set_up.NoLiberty as error:
            vertex, chain = format_vertex(point, self.size), format_vertex(error.point, self.size)
            raise ValueError(f"cannot set up {vertex}: the chain at {chain} would have no liberty") from None

    def edit(self, stones: Iterable[tuple[int, int]]) -> None:
        """Changes points outside play: (colour, point) each, EMPTY takes a stone off, a colour may replace the other.

        Nothing is captured and the turn stays. Repetition is counted from here on. One step for `undo` together with
        the set-up just before it, if there was one.

        Raises:
            ValueError: a point is off the board, or a chain would have no liberty; nothing has changed.
        """
        changes = {operator.index(point): colour and checked_colour(colour) for colour, point in stones}
        board = dict(zip(board_points(self.size).tolist(), self.colours().ravel().tolist(), strict=True))
        for point in changes.keys() - board.keys():
            raise ValueError(f"cannot set up point {point}: not on the {self.size}x{self.size} board")
        board = {point: colour for point, colour in board.items() if point not in changes} | changes
        standing = [(colour, point) for point, colour in board.items() if colour != EMPTY]
        try:
            set_up.rebuild(self.state, standing)
        except set_up.NoLiberty as error:
            raise ValueError(f"the chain at {format_vertex(error.point, self.size)} would have no liberty") from None
        self._begin_set_up_segment(changes, standing)

    @property
    def edits(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """What was set up in mid-game: (number of moves before it, [(colour, point)]), EMPTY for a stone taken off."""
        later = (segment for segment in self._segments if segment.start)
        return [(segment.start, [(colour, point) for point, colour in segment.changes.items()]) for segment in later]

    def place_handicap(self, points: Iterable[int]) -> None:
        """Puts Black's handicap stones on the empty board and gives the turn to White.

        Raises:
            ValueError: the board is not empty, a point is off the board or named twice, or none stays empty; nothing
                has changed.
        """
        if self.moves or self.colours().any():
            raise ValueError("board not empty: handicap stones come before the first move")
        stones = [(BLACK, operator.index(point)) for point in points]
        try:
            self._set_up(stones)
        except set_up.NoLiberty:
            raise ValueError(f"cannot place {len(stones)} handicap stones: no point would stay empty") from None
        self.to_play = WHITE

    def copy(self) -> Position:
        """An independent position with the same game; saved boards are shared, so this costs a few microseconds."""
        other = object.__new__(Position)
        other.__dict__.update(self.__dict__)
        other.moves = self.moves.copy()
        other.state = self.state.copy()
        other._turns = self._turns.copy()
        other._segments = [segment.copy() for segment in self._segments]
        return other

    def __str__(self) -> str:
        """A diagram with coordinates, Black X, White O, the last move in parentheses."""
        return diagram.draw(self.colours(), self.last_move)

    def _point(self, move: int | str) -> int:
        if isinstance(move, str):
            return coords.parse_vertex(move, self.size)
        point = operator.index(move)
        if not 0 <= point < self._cells:
            raise self._illegal(_repetition.OFF_BOARD, point, EMPTY)
        return point

    def _illegal(self, refusal: int, point: int, colour: int) -> IllegalMove:
        repeated = self._repeated(point, colour) if refusal == _repetition.SUPERKO_BAN else ""
        return illegal_move(refusal, point, colour, self.state, self.rules, repeated)

    def _repeated(self, point: int, colour: int) -> str:
        """Which earlier position the move would bring back, in words."""
        after, wanted = self.state.copy(), np.empty(1, dtype=np.uint64)
        _board.play(after, point, colour)
        _repetition.note(after, wanted, 1, self._superko)
        found = int(np.argmax(self.history[: self.history_length] == wanted))
        move = self._segments[-1].start + found
        return f"the {'position' if found else 'set-up'} after move {move}" if move else "the starting position"

    def _record(self) -> None:
        """Enters the present position into the history."""
        _repetition.note(self.state, self.history, self.history_length, self._superko)

    def _begin_segment(self, turn_before: int, changes: dict[int, int], setup: list[tuple[int, int]]) -> None:
        history = np.zeros(64, dtype=np.uint64)
        self._segments.append(_Segment(len(self.moves), turn_before, changes, setup, [self.state.copy()], history))
        self._record()

    def _set_up(self, stones: list[tuple[int, int]]) -> None:
        """Puts stones on the board as one step with the set-up just before, if there was one.

        Raises:
            ValueError: a point is off the board or occupied; nothing has changed.
            set_up.NoLiberty: a chain would have no liberty; nothing has changed.
        """
        set_up.put_stones(self.state, stones)
        self.state[_board.PASSES] = 0
        self._begin_set_up_segment({point: colour for colour, point in stones}, self.setup + stones)

    def _begin_set_up_segment(self, changes: dict[int, int], setup: list[tuple[int, int]]) -> None:
        """Goes on from a board that was set up, as one step with the set-up just before; `setup` if that was first."""
        turn_before = self.to_play
        setup = self.setup if self.moves else setup
        if len(self._segments) > 1 and self._segments[-1].start == len(self.moves):
            last = self._segments.pop()
            turn_before, changes = last.turn_before, last.changes | changes
        self._begin_segment(turn_before, changes, setup)

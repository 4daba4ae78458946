"""A slow and obvious Go board to check the fast one against: sets, flood fill, and the rules as people state them.

It shares no code with `gozero` on purpose. Places are (row, column) from the top left; colours are 1 Black and 2 White.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Place = tuple[int, int]
Stones = Mapping[Place, int]


class SlowBoard:
    """Stones by place, and the place where ko forbids the next player to move, if there is one.

    A board never changes: a move makes a new one.
    """

    def __init__(self, size: int, stones: Stones, forbidden: Place | None = None) -> None:
        self.size = size
        self.stones = dict(stones)
        self.forbidden = forbidden

    @classmethod
    def of(cls, colours: NDArray[np.uint8], forbidden: Place | None = None) -> SlowBoard:
        return cls(len(colours), {(int(r), int(c)): int(colours[r, c]) for r, c in np.argwhere(colours)}, forbidden)

    def colours(self) -> NDArray[np.uint8]:
        """The board: uint8[size, size], 0 empty, 1 Black, 2 White."""
        colours = np.zeros((self.size, self.size), dtype=np.uint8)
        for place, colour in self.stones.items():
            colours[place] = colour
        return colours

    def places(self) -> list[Place]:
        return [(row, column) for row in range(self.size) for column in range(self.size)]

    def empties(self) -> Iterator[Place]:
        return (place for place in self.places() if place not in self.stones)

    def beside(self, place: Place) -> list[Place]:
        row, column = place
        around = [(row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column)]
        return [(r, c) for r, c in around if 0 <= r < self.size and 0 <= c < self.size]

    def chain(self, place: Place) -> set[Place]:
        """The chain at a stone, or the connected empty points at an empty one."""
        colour, chain, waiting = self.stones.get(place), {place}, [place]
        while waiting:
            for other in self.beside(waiting.pop()):
                if other not in chain and self.stones.get(other) == colour:
                    chain.add(other)
                    waiting.append(other)
        return chain

    def chains(self) -> list[set[Place]]:
        """All chains of stones."""
        found: list[set[Place]] = []
        for stone in self.stones:
            if not any(stone in chain for chain in found):
                found.append(self.chain(stone))
        return found

    def liberties(self, place: Place) -> set[Place]:
        """The empty points beside the chain at `place`."""
        return {other for stone in self.chain(place) for other in self.beside(stone) if other not in self.stones}

    def changed(self, changes: Stones) -> SlowBoard:
        """The board with some points set up, 0 for empty; see `is_possible`."""
        return SlowBoard(self.size, {place: colour for place, colour in {**self.stones, **changes}.items() if colour})

    def is_possible(self) -> bool:
        """Whether every chain has a liberty."""
        return all(self.liberties(stone) for stone in self.stones)

    def put(self, place: Place, colour: int) -> SlowBoard:
        """The board once `colour` has played on an empty point: first the enemy's dead leave, then one's own.

        What the rules say of it is not asked. Ko forbids to take a lone stone back that took one and stays in atari.
        """
        board = SlowBoard(self.size, {**self.stones, place: colour})
        for victim in (3 - colour, colour):
            for other in [place, *self.beside(place)]:
                if board.stones.get(other) == victim and not board.liberties(other):
                    for stone in board.chain(other):
                        del board.stones[stone]
        taken = [stone for stone in self.stones if stone not in board.stones]
        if len(taken) == 1 and board.chain(place) == {place} and len(board.liberties(place)) == 1:
            board.forbidden = taken[0]
        return board

    def after(self, place: Place, colour: int) -> SlowBoard | None:
        """The board after a move; None where ko or suicide forbid it."""
        if place == self.forbidden:
            return None
        board = self.put(place, colour)
        return board if place in board.stones else None

    def is_eye(self, place: Place, colour: int) -> bool:
        """An empty point among own stones, at most one enemy on its diagonals, none where some are off the board."""
        if place in self.stones or any(self.stones.get(other) != colour for other in self.beside(place)):
            return False
        row, column = place
        corners = [(row + down, column + right) for down in (-1, 1) for right in (-1, 1)]
        in_the_open = all(0 <= r < self.size and 0 <= c < self.size for r, c in corners)
        return sum(self.stones.get(corner) == 3 - colour for corner in corners) <= (1 if in_the_open else 0)

    def area(self) -> tuple[int, int]:
        """Black's and White's points by area: stones, and empty regions that reach one colour only."""
        points = [0, *(sum(stone == colour for stone in self.stones.values()) for colour in (1, 2))]
        empty = set(self.empties())
        while empty:
            region = self.chain(next(iter(empty)))
            empty -= region
            reached = {self.stones[other] for place in region for other in self.beside(place) if other in self.stones}
            if len(reached) == 1:
                points[reached.pop()] += len(region)
        return points[1], points[2]


@dataclass(frozen=True)
class Moment:
    """A game after a move (or a set-up)."""

    board: SlowBoard
    to_play: int
    taken: tuple[int, int]  # Black's and White's stones that have been taken so far
    passes: int
    mover: int | None  # None for a set-up


class SlowGame:
    """A game from the empty board, every moment of which is kept.

    superko: "simple", "positional" or "situational".
    """

    def __init__(self, size: int, superko: str, suicide: bool) -> None:
        self.size = size
        self.superko = superko
        self.suicide = suicide
        self.moments = [Moment(SlowBoard(size, {}), to_play=1, taken=(0, 0), passes=0, mover=None)]

    @property
    def now(self) -> Moment:
        return self.moments[-1]

    @property
    def board(self) -> SlowBoard:
        return self.now.board

    @property
    def to_play(self) -> int:
        return self.now.to_play

    def history(self) -> list[Moment]:
        """The moments since the last set-up."""
        start = max(i for i, moment in enumerate(self.moments) if moment.mover is None)
        return self.moments[start:]

    def is_legal(self, place: Place | None, colour: int) -> bool:
        """Whether the rules let `colour` play there; None is a pass."""
        if place is None:
            return True
        if place in self.board.stones:
            return False
        after = self.board.put(place, colour).stones
        if after == self.board.stones:
            return False  # a lone stone's suicide
        if place not in after and not self.suicide:
            return False
        if self.now.mover == 3 - colour and after == self.moments[-2].board.stones:
            return False  # the ko rule
        if self.superko == "positional":
            return not any(moment.board.stones == after for moment in self.history())
        if self.superko == "situational":
            return not any(m.board.stones == after and m.to_play == 3 - colour for m in self.history())
        return True

    def play(self, place: Place | None, colour: int) -> None:
        """Plays a legal move."""
        now = self.now
        if place is None:
            board = SlowBoard(self.size, now.board.stones)  # nothing is forbidden after a pass
            self.moments.append(Moment(board, 3 - colour, now.taken, now.passes + 1, mover=colour))
            return
        after = now.board.put(place, colour)
        both = {**now.board.stones, place: colour}
        gone = [stone for place, stone in both.items() if place not in after.stones]
        taken = (now.taken[0] + gone.count(1), now.taken[1] + gone.count(2))
        self.moments.append(Moment(after, 3 - colour, taken, 0, mover=colour))

    def set_up(self, changes: Stones) -> None:
        """Changes points outside play, 0 for empty; the caller sees to it that every chain has a liberty."""
        now = self.now
        self.moments.append(Moment(now.board.changed(changes), now.to_play, now.taken, 0, mover=None))

    def set_to_play(self, colour: int) -> None:
        now = self.now
        self.moments[-1] = Moment(now.board, colour, now.taken, now.passes, now.mover)

    def undo(self) -> None:
        """Takes back the last move, or the set-ups since the last move."""
        if self.moments.pop().mover:
            return
        while len(self.moments) > 1 and self.now.mover is None:
            self.moments.pop()

    def forget(self) -> None:
        """Makes the present the beginning of the game."""
        now = self.now
        self.moments = [Moment(now.board, now.to_play, taken=(0, 0), passes=0, mover=None)]

    def copy(self) -> SlowGame:
        other = SlowGame(self.size, self.superko, self.suicide)
        other.moments = self.moments.copy()
        return other

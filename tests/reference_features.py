"""AlphaGo's input planes the slow and obvious way: sets of (row, column), flood fill, a new board for every move."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Place = tuple[int, int]

LADDER_DEPTH = 80
"""Chasing moves after which a chain counts as escaped."""


class SlowBoard:
    """Stones by place, and the place where ko forbids the next move, if there is one."""

    def __init__(self, size: int, stones: dict[Place, int], forbidden: Place | None = None) -> None:
        self.size = size
        self.stones = stones
        self.forbidden = forbidden

    @classmethod
    def of(cls, colours: NDArray[np.uint8], forbidden: Place | None = None) -> "SlowBoard":
        return cls(len(colours), {(int(r), int(c)): int(colours[r, c]) for r, c in np.argwhere(colours)}, forbidden)

    def beside(self, place: Place) -> list[Place]:
        row, column = place
        around = [(row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column)]
        return [(r, c) for r, c in around if 0 <= r < self.size and 0 <= c < self.size]

    def empties(self) -> Iterator[Place]:
        return ((r, c) for r in range(self.size) for c in range(self.size) if (r, c) not in self.stones)

    def chain(self, place: Place) -> set[Place]:
        colour, chain, waiting = self.stones[place], {place}, [place]
        while waiting:
            for other in self.beside(waiting.pop()):
                if self.stones.get(other) == colour and other not in chain:
                    chain.add(other)
                    waiting.append(other)
        return chain

    def liberties(self, place: Place) -> set[Place]:
        return {other for stone in self.chain(place) for other in self.beside(stone) if other not in self.stones}

    def after(self, place: Place, colour: int) -> "SlowBoard | None":
        """The board after a move; None where ko or suicide forbid it."""
        if place == self.forbidden:
            return None
        board = SlowBoard(self.size, {**self.stones, place: colour})
        taken = []
        for other in self.beside(place):
            if board.stones.get(other) == 3 - colour and not board.liberties(other):
                for stone in board.chain(other):
                    del board.stones[stone]
                    taken.append(stone)
        if not board.liberties(place):
            return None
        if len(taken) == 1 and board.chain(place) == {place} and len(board.liberties(place)) == 1:
            board.forbidden = taken[0]
        return board

    def is_eye(self, place: Place, colour: int) -> bool:
        if any(self.stones.get(other) != colour for other in self.beside(place)):
            return False
        row, column = place
        corners = [(row + dr, column + dc) for dr in (-1, 1) for dc in (-1, 1)]
        inside = [(r, c) for r, c in corners if 0 <= r < self.size and 0 <= c < self.size]
        enemies = sum(self.stones.get(corner) == 3 - colour for corner in inside)
        return enemies < (2 if len(inside) == 4 else 1)

    def can_be_chased_to_death(self, prey: Place, move: Place, depth: int = LADDER_DEPTH) -> bool:
        """Whether the enemy of the chain at `prey` takes it in a ladder of at most `depth` moves that starts here."""
        board = self.after(move, 3 - self.stones[prey])
        return board is not None and not any(board.gets_away_by(prey, answer, depth) for answer in board.answers(prey))

    def answers(self, prey: Place) -> set[Place]:
        """What may save a chain in atari: its last liberty, and taking an enemy stone beside it."""
        moves = set(self.liberties(prey))
        for stone in self.chain(prey):
            for other in self.beside(stone):
                if self.stones.get(other) == 3 - self.stones[prey] and len(self.liberties(other)) == 1:
                    moves |= self.liberties(other)
        return moves

    def gets_away_by(self, prey: Place, move: Place, depth: int = LADDER_DEPTH) -> bool:
        """Whether the chain in atari at `prey` has three liberties after `move`, or two and no ladder takes it then."""
        board = self.after(move, self.stones[prey])
        if board is None:
            return False
        liberties = board.liberties(prey)
        if len(liberties) == 2 and depth > 0:
            return not any(board.can_be_chased_to_death(prey, chase, depth - 1) for chase in liberties)
        return len(liberties) > 1


def one_hot(out: NDArray[np.uint8], first: int, count: int, place: Place) -> None:
    if count > 0:
        out[(first + min(count, 8) - 1, *place)] = 1


def alphago48(
    colours: NDArray[np.uint8], to_play: int, forbidden: Place | None, recent: list[Place | None]
) -> NDArray[np.uint8]:
    """The 48 planes, uint8[48, size, size]. forbidden: the ko point; recent: past moves, newest first."""
    board = SlowBoard.of(colours, forbidden)
    out = np.zeros((48, board.size, board.size), np.uint8)
    out[3] = 1
    for place, colour in board.stones.items():
        liberties = board.liberties(place)
        out[(0 if colour == to_play else 1, *place)] = 1
        one_hot(out, 4, recent[:7].index(place) + 1 if place in recent[:7] else 8, place)
        one_hot(out, 12, len(liberties), place)
        if colour != to_play and len(liberties) == 2:
            for move in liberties:
                out[(44, *move)] |= board.can_be_chased_to_death(place, move)
        if colour == to_play and len(liberties) == 1:
            for move in board.answers(place):
                out[(45, *move)] |= board.gets_away_by(place, move)
    for place in board.empties():
        out[(2, *place)] = 1
        after = board.after(place, to_play)
        if after is None:
            continue
        one_hot(out, 20, len(board.stones) + 1 - len(after.stones), place)
        if len(after.liberties(place)) == 1:
            one_hot(out, 28, len(after.chain(place)), place)
        one_hot(out, 36, len(after.liberties(place)), place)
        out[(46, *place)] = not board.is_eye(place, to_play)
    return out

"""A slow and obvious Go board to check the fast one against: sets, flood fill, and the rules as people state them.

It shares no code with `gozero` on purpose. Points are (row, column) from the top left, colours "X" Black and "O" White;
a board is a dict of the points that hold stones.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[int, int]
Stones = dict[Point, str]

OTHER = {"X": "O", "O": "X"}


@dataclass(frozen=True)
class Moment:
    """The game after one move (or set-up)."""

    stones: Stones
    to_play: str
    taken: dict[str, int]
    passes: int
    mover: str | None  # None for a set-up


class ReferenceBoard:
    def __init__(self, size: int, superko: str, suicide: bool) -> None:
        self.size = size
        self.superko = superko
        self.suicide = suicide
        self.moments = [Moment({}, "X", {"X": 0, "O": 0}, 0, mover=None)]

    @property
    def stones(self) -> Stones:
        return self.moments[-1].stones

    @property
    def to_play(self) -> str:
        return self.moments[-1].to_play

    def points(self) -> list[Point]:
        return [(row, column) for row in range(self.size) for column in range(self.size)]

    def neighbours(self, point: Point) -> list[Point]:
        row, column = point
        beside = [(row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column)]
        return [(r, c) for r, c in beside if 0 <= r < self.size and 0 <= c < self.size]

    def region(self, point: Point, stones: Stones) -> set[Point]:
        """The chain at a stone, or the connected empty points at an empty one."""
        colour = stones.get(point)
        found, waiting = {point}, [point]
        while waiting:
            for beside in self.neighbours(waiting.pop()):
                if beside not in found and stones.get(beside) == colour:
                    found.add(beside)
                    waiting.append(beside)
        return found

    def liberties(self, point: Point, stones: Stones | None = None) -> set[Point]:
        """The empty points beside the chain at `point`."""
        stones = self.stones if stones is None else stones
        return {
            beside for stone in self.region(point, stones) for beside in self.neighbours(stone) if beside not in stones
        }

    def in_atari(self, point: Point) -> bool:
        return point in self.stones and len(self.liberties(point)) == 1

    def chains(self) -> list[set[Point]]:
        """All chains on the board."""
        found: list[set[Point]] = []
        for stone in self.stones:
            if not any(stone in chain for chain in found):
                found.append(self.region(stone, self.stones))
        return found

    def after(self, point: Point, colour: str) -> Stones:
        """The stones once `colour` has played on the empty `point`: first the enemy's dead leave, then one's own."""
        stones = {**self.stones, point: colour}
        for victim in (OTHER[colour], colour):
            for beside in [point, *self.neighbours(point)]:
                if stones.get(beside) == victim and not self.liberties(beside, stones):
                    for stone in self.region(beside, stones):
                        del stones[stone]
        return stones

    def is_legal(self, point: Point | None, colour: str) -> bool:
        """Whether the rules let `colour` play there; None is a pass."""
        if point is None:
            return True
        if point in self.stones:
            return False
        after = self.after(point, colour)
        if after == self.stones:
            return False
        if point not in after and not self.suicide:
            return False
        if self.moments[-1].mover == OTHER[colour] and after == self.moments[-2].stones:
            return False  # the ko rule
        if self.superko == "positional":
            return not any(moment.stones == after for moment in self.history())
        if self.superko == "situational":
            return not any(moment.stones == after and moment.to_play == OTHER[colour] for moment in self.history())
        return True

    def history(self) -> list[Moment]:
        """The moments since the last set-up."""
        start = max(i for i, moment in enumerate(self.moments) if moment.mover is None)
        return self.moments[start:]

    def play(self, point: Point | None, colour: str) -> None:
        """Plays a legal move."""
        now = self.moments[-1]
        if point is None:
            self.moments.append(Moment(now.stones, OTHER[colour], now.taken, now.passes + 1, mover=colour))
            return
        after = self.after(point, colour)
        both = {**now.stones, point: colour}
        taken = {c: now.taken[c] + sum(both[p] == c for p in both if p not in after) for c in "XO"}
        self.moments.append(Moment(after, OTHER[colour], taken, 0, mover=colour))

    def set_up(self, stones: Stones) -> None:
        """Adds stones outside play; the caller sees to it that every chain has a liberty."""
        now = self.moments[-1]
        self.moments.append(Moment({**now.stones, **stones}, now.to_play, now.taken, 0, mover=None))

    def set_to_play(self, colour: str) -> None:
        now = self.moments[-1]
        self.moments[-1] = Moment(now.stones, colour, now.taken, now.passes, now.mover)

    def undo(self) -> None:
        """Takes back the last move, or the set-ups since the last move."""
        if self.moments.pop().mover:
            return
        while len(self.moments) > 1 and self.moments[-1].mover is None:
            self.moments.pop()

    def copy(self) -> ReferenceBoard:
        other = ReferenceBoard(self.size, self.superko, self.suicide)
        other.moments = self.moments.copy()
        return other

    def is_eye(self, point: Point, colour: str) -> bool:
        """An empty point among own stones, at most one enemy on its diagonals, none where some are off the board."""
        if point in self.stones or any(self.stones.get(beside) != colour for beside in self.neighbours(point)):
            return False
        row, column = point
        diagonals = [(row + down, column + right) for down in (-1, 1) for right in (-1, 1)]
        enemies = sum(self.stones.get(diagonal) == OTHER[colour] for diagonal in diagonals)
        in_the_open = all(0 <= r < self.size and 0 <= c < self.size for r, c in diagonals)
        return enemies <= (1 if in_the_open else 0)

    def area(self) -> dict[str, int]:
        """Points by area: stones, and empty regions that reach one colour only."""
        area = {colour: sum(stone == colour for stone in self.stones.values()) for colour in "XO"}
        empty = {point for point in self.points() if point not in self.stones}
        while empty:
            region = self.region(next(iter(empty)), self.stones)
            empty -= region
            reached = {self.stones[b] for point in region for b in self.neighbours(point) if b in self.stones}
            if len(reached) == 1:
                area[reached.pop()] += len(region)
        return area

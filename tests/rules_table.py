"""Tables of Go: what a diagram and a few moves say must hold, in a form that a player reads at a glance.

A case begins with a line "=== name [rules]". Then it shows diagrams side by side (X Black, O White), and below them one
line of moves for every step from a diagram to the next; a last line may go on from the last diagram. In a line:

    B C3              Black plays C3 and takes nothing
    B C3 takes 2      and takes two stones; "loses 2" where they are his own
    B C3 is ko        the rules refuse it, as "ko", "suicide" or "occupied"
    B C3 repeats 4    superko refuses it, because it brings back the position after move 4 (0: the first diagram)
    B C3 is legal     could be played, and is not
    area 7-9          points of area for Black and White as the board stands
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from gozero import _board, _whole_board
from gozero.coords import BLACK, PASS, WHITE, parse_vertex, point_at, row_col
from gozero.illegal_move import IllegalMove
from gozero.position import Position
from gozero.rules import RULES, Rules
from tests.reference_board import Place, SlowBoard, SlowGame

RULE_NAMES = {
    "all rules": list(RULES),
    "simple ko": ["japanese"],
    "positional superko": ["tromp-taylor", "chinese"],
    "situational superko": ["aga", "new-zealand"],
    "superko": ["tromp-taylor", "chinese", "aga", "new-zealand"],
    "suicide allowed": ["tromp-taylor", "new-zealand"],
    "suicide forbidden": ["chinese", "japanese", "aga"],
} | {name: [name] for name in RULES}


@dataclass(frozen=True)
class View:
    """One of eight symmetries, colours swapped or not: what to make of a case before it is played."""

    size: int
    symmetry: int
    swapped: bool

    def place(self, row: int, column: int) -> Place:
        if self.symmetry & 1:
            column = self.size - 1 - column
        if self.symmetry & 2:
            row = self.size - 1 - row
        return (column, row) if self.symmetry & 4 else (row, column)

    def vertex(self, text: str) -> Place | None:
        return None if text == "pass" else self.place(*row_col(parse_vertex(text, self.size), self.size))

    def colour(self, letter: str) -> int:
        return BLACK if (letter in "BX") != self.swapped else WHITE

    def board(self, rows: list[str]) -> SlowBoard:
        cells = [(r, c, cell) for r, row in enumerate(rows) for c, cell in enumerate(row) if cell != "."]
        return SlowBoard(self.size, {self.place(r, c): self.colour(cell) for r, c, cell in cells})


@dataclass(frozen=True)
class Case:
    name: str
    rules: Rules
    diagrams: list[list[str]]
    lines: list[list[str]]

    @property
    def first_to_play(self) -> str:
        entries = [entry for line in self.lines for entry in line]
        return next((entry[0] for entry in entries if re.fullmatch(r"[BW] \w+( (takes|loses) \d+)?", entry)), "B")


def cases(table: str) -> list[Case]:
    """The cases of a table, one for each of their rule sets."""
    found = []
    for heading, body in re.findall(r"^=== (.*)\n((?:(?!===).*\n)*)", table, re.MULTILINE):
        name, rules = heading.removesuffix("]").rsplit(" [", 1)
        board, moves = body.strip().split("\n\n")
        rows = [re.split(r"\s{3,}", row.strip()) for row in board.splitlines()]
        diagrams = [[cells.replace(" ", "") for cells in column] for column in zip(*rows, strict=True)]
        lines = [line.strip().split(", ") for line in moves.splitlines()]
        assert len(lines) in (len(diagrams) - 1, len(diagrams)), f"{name}: a line of moves leads to each diagram"
        found += [Case(f"{name} ({rule})", RULES[rule], diagrams, lines) for rule in RULE_NAMES[rules]]
    return found


class Game:
    """A case on the fast board and on the slow one."""

    def __init__(self, case: Case, view: View) -> None:
        self.view = view
        board = view.board(case.diagrams[0])
        text = "\n".join("".join(".XO"[colour] for colour in row) for row in board.colours().tolist())
        turn = view.colour(case.first_to_play)
        self.fast = Position.from_ascii(text, to_play=turn, rules=case.rules)
        self.slow = SlowGame(view.size, case.rules.superko, case.rules.suicide)
        self.slow.set_up(board.stones)
        self.slow.set_to_play(turn)
        self.slow.forget()

    def enter(self, entry: str) -> None:
        """Does or asks what one entry of a line says."""
        if entry.startswith("area"):
            black, white = (int(points) for points in entry.removeprefix("area ").split("-"))
            area = (white, black) if self.view.swapped else (black, white)
            assert _whole_board.area(self.fast.state) == area == self.slow.board.area()
            return
        letter, vertex, verb, noun = (*entry.split(), "", "")[:4]
        colour, place = self.view.colour(letter), self.view.vertex(vertex)
        point = PASS if place is None else point_at(*place, self.view.size)
        if verb in ("", "takes", "loses"):
            self._play(place, point, colour, verb, int(noun or 0))
            return
        legal = noun == "legal"
        assert self.fast.legal(point, colour) == legal
        assert self.slow.is_legal(place, colour) == legal
        if not legal:
            self._refuse(point, colour, "superko" if verb == "repeats" else noun, noun)

    def _play(self, place: Place | None, point: int, colour: int, verb: str, count: int) -> None:
        assert colour == self.fast.to_play, "a case is a game: the players alternate"
        victim = colour if verb == "loses" else 3 - colour
        before = self.fast.captured
        self.fast.play(point)
        self.slow.play(place, colour)
        taken = [after - earlier for after, earlier in zip(self.fast.captured, before, strict=True)]
        assert taken == [count if victim == colour else 0 for colour in (BLACK, WHITE)]
        assert self.slow.now.taken == self.fast.captured

    def _refuse(self, point: int, colour: int, reason: str, noun: str) -> None:
        with pytest.raises(IllegalMove) as refused:
            self.fast.play(point, colour)
        assert refused.value.reason == reason
        if reason == "superko":
            earlier = f"the position after move {noun}" if noun != "0" else "the starting position"
            assert f"repeats {earlier} (" in str(refused.value)

    def expect(self, board: SlowBoard) -> None:
        """The board is this one; its hash too, however it came about."""
        assert np.array_equal(self.fast.colours(), board.colours())
        assert self.slow.board.stones == board.stones
        other = Position(board.size)
        for place, colour in board.stones.items():
            other.add_stone(point_at(*place, board.size), colour)
        assert _board.position_hash(self.fast.state) == _board.position_hash(other.state)

    def legal(self) -> list[NDArray[np.uint8]]:
        return [self.fast.legal_mask(colour) for colour in (BLACK, WHITE)]


def play_case(case: Case, view: View) -> None:
    """Plays a case to its end and takes it back to its beginning."""
    game = Game(case, view)
    start = view.board(case.diagrams[0])
    legal = game.legal()
    doing = ""
    try:
        for number, line in enumerate(case.lines, start=1):
            for doing in line:
                game.enter(doing)
            if number < len(case.diagrams):
                doing = f"diagram {number + 1}"
                game.expect(view.board(case.diagrams[number]))
        while game.fast.moves:
            doing = f"taking back move {len(game.fast.moves)}"
            game.fast.undo()
            game.slow.undo()
        game.expect(start)
        assert game.fast.captured == (0, 0)
        assert np.array_equal(game.legal(), legal)
    except AssertionError as error:
        error.add_note(f"{case.name}, at '{doing}', {view}\n{game.fast}")
        raise

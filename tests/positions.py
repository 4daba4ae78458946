"""Positions to compare planes and ladders on: random ones and ones of real games, with what the slow references ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gozero import sgf
from gozero.coords import BLACK, PASS, WHITE, move_index, point_of, row_col
from gozero.data_files import data_dir
from gozero.geometry import symmetry_table
from gozero.illegal_move import IllegalMove
from gozero.position import Position
from gozero.record import WHITE_BIT, GameRecord
from tests.reference_board import Place, SlowBoard


def random_position(size: int, seed: int, rules: str = "chinese") -> Position:
    """A position after random moves: from a few to as many as there are points, here and there a pass, few own eyes."""
    generator = np.random.default_rng([size, seed])
    position = Position(size, rules=rules)
    for _ in range(int(generator.integers(size, size * size * 5 // 4 + 2))):
        legal = np.flatnonzero(position.legal_mask()[:-1])
        if len(legal) == 0 or generator.random() < 0.02:
            position.play(PASS)
            continue
        slow = SlowBoard.of(position.colours())
        for index in generator.choice(legal, min(3, len(legal)), replace=False).tolist():
            if not slow.is_eye(divmod(index, size), position.to_play):
                break
        position.play(point_of(index, size))
    return position


def game_positions(game: GameRecord, step: int) -> Iterator[Position]:
    """Every `step`th position of a game, in which the player to move is the one who moved in the game."""
    size = game.size
    position = Position(size, rules=game.rules or "chinese")
    for code in game.setup.tolist():
        position.add_stone(point_of(code & ~WHITE_BIT, size), WHITE if code & WHITE_BIT else BLACK)
    for ply, code in enumerate(game.moves.tolist()):
        colour = WHITE if code & WHITE_BIT else BLACK
        position.to_play = colour
        if ply % step == 0:
            yield position
        try:
            position.play(point_of(code & ~WHITE_BIT, size), colour)
        except IllegalMove:  # under other rules than the record names
            return


def sample_games(size: int) -> list[GameRecord]:
    """The shipped games on a board size."""
    folder: Path = data_dir() / "games" / f"{size}x{size}"
    return [game for path in sorted(folder.glob("*.sgf")) for game in sgf.read(path)]


def forbidden_place(position: Position) -> Place | None:
    """The place that the ko rule forbids, found by playing the last move once more the slow way."""
    if not position.moves or position.last_move == PASS:
        return None
    colour, point = position.moves[-1]
    before = position.copy()
    before.undo()
    return SlowBoard.of(before.colours()).put(row_col(point, position.size), colour).forbidden


def recent_places(position: Position) -> list[Place | None]:
    """The last eight moves, newest first; None for a pass."""
    points = [point for _, point in reversed(position.moves)][:8]
    return [None if point == PASS else row_col(point, position.size) for point in points]


def turned(position: Position, symmetry: int) -> Position:
    """The same game on a board that is seen in one of the eight symmetries."""
    size = position.size
    table = symmetry_table(size)[symmetry]

    def there(point: int) -> int:
        return point if point == PASS else point_of(int(table[move_index(point, size)]), size)

    other = Position(size, rules=position.rules)
    for colour, point in position.setup:
        other.add_stone(there(point), colour)
    for colour, point in position.moves:
        other.play(there(point), colour)
    other.to_play = position.to_play
    return other

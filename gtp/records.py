"""The game on the board as a record, and back: what `loadsgf` and `printsgf` read and write."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gozero import coords, sgf
from gozero.coords import BLACK, WHITE
from gozero.position import Position
from gozero.record import WHITE_BIT, GameRecord
from gozero.rules import RULES, Rules


def record_of(position: Position) -> GameRecord:
    """The game so far, without a result; stones set up in mid-game are left out."""

    def code(colour: int, point: int) -> int:
        return coords.move_index(point, position.size) | (WHITE_BIT if colour == WHITE else 0)

    return GameRecord(
        size=position.size,
        moves=np.array([code(*move) for move in position.moves], np.uint16),
        setup=np.array([code(*stone) for stone in position.setup], np.uint16),
        first_player=position.moves[0][0] if position.moves else position.to_play,
        komi=position.komi,
        rules=position.rules.name if position.rules.name in RULES else None,
        handicap=position.handicap,
    )


def text_of(position: Position) -> str:
    """The game so far as SGF."""
    return sgf.write(record_of(position))


def load(path: Path, move_number: int | None, komi: float, rules: Rules) -> Position:
    """The first game of an SGF file, before move `move_number` (from 1) or at its end.

    `komi` and `rules` hold where the file says nothing.

    Raises:
        GozeroError: the file cannot be read.
        ValueError: one of its moves is illegal.
    """
    record = sgf.read(path)[0]
    position = Position(record.size, komi if record.komi is None else record.komi, record.rules or rules)
    stones = [_taken_apart(code, record.size) for code in record.setup.tolist()]
    if record.handicap >= 2 and stones and all(colour == BLACK for colour, _ in stones):
        position.place_handicap([point for _, point in stones])
    else:
        for colour, point in stones:
            position.add_stone(point, colour)
    position.to_play = record.first_player
    moves = record.moves.tolist()
    for code in moves if move_number is None else moves[: max(move_number - 1, 0)]:
        colour, point = _taken_apart(code, record.size)
        position.play(point, colour)
    return position


def _taken_apart(code: int, size: int) -> tuple[int, int]:
    return WHITE if code & WHITE_BIT else BLACK, coords.point_of(code & ~WHITE_BIT, size)

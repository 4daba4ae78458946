"""The game on the board as a record, and back: what `loadsgf` and `printsgf` read and write."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gozero import coords, sgf
from gozero.position import Position
from gozero.record import GameRecord, code_of
from gozero.rules import RULES


@dataclass(frozen=True)
class Result:
    """How a game ended, in the words of `gozero.record.GameRecord`."""

    winner: int | None = None
    """BLACK or WHITE, EMPTY for a draw; None where nobody knows."""
    margin: float | None = None
    """Points by which the winner leads, not below 0; None where they were not counted."""
    ending: str = "unknown"


UNKNOWN = Result()


def record_of(position: Position) -> GameRecord:
    """The game so far, without a result and without what was set up in mid-game, which no record holds."""

    def code(colour: int, point: int) -> int:
        return code_of(colour, coords.move_index(point, position.size))

    return GameRecord(
        size=position.size,
        moves=np.array([code(*move) for move in position.moves], np.uint16),
        setup=np.array([code(*stone) for stone in position.setup], np.uint16),
        first_player=position.moves[0][0] if position.moves else position.to_play,
        komi=position.komi,
        rules=position.rules.name if position.rules.name in RULES else None,
        handicap=position.handicap,
    )


def text_of(position: Position, result: Result = UNKNOWN) -> str:
    """The game so far as SGF, with what was set up in mid-game, and its result."""
    record = replace(record_of(position), winner=result.winner, margin=result.margin, ending=result.ending)
    return sgf.write(record, edits=position.edits, to_play=position.to_play)

"""Small stores that training can learn something from."""

from pathlib import Path

import numpy as np
import pytest

from gozero.coords import BLACK, WHITE
from gozero.record import WHITE_BIT, GameRecord
from gozero.store import StoreWriter


def row_game(size: int, start: int, length: int) -> GameRecord:
    """A game that fills the board row by row from the point with index `start`: every move is beside the last one."""
    moves = np.array([start + i | (WHITE_BIT if i % 2 else 0) for i in range(length)], np.uint16)
    winner = BLACK if (start + length) % 2 else WHITE
    return GameRecord(
        size=size, moves=moves, komi=7.0, rules="chinese", winner=winner, ending="resign", source="rows.zip"
    )


@pytest.fixture(scope="session")
def row_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 1,200 games on 9x9 that anybody can predict, from the source rows.zip."""
    path = tmp_path_factory.mktemp("stores") / "rows"
    with StoreWriter(path) as writer:
        for start in range(30):
            for length in range(11, 51):
                writer.append(row_game(9, start, length))
    return path

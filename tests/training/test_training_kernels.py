"""Batches and owners of one small game: little enough to run as plain Python too."""

from pathlib import Path

import numpy as np
import pytest

from gozero import features
from gozero.coords import BLACK, WHITE, move_index, parse_vertex, point_of
from gozero.position import Position
from gozero.record import WHITE_BIT, GameRecord
from gozero.store import Store, StoreWriter
from training.batches import BatchSource
from training.ownership import final_ownership

pytestmark = pytest.mark.nojit

SIZE = 5
GAME = ["C3", "D3", "C2", "D2", "C1", "D1", "C4", "D4", "C5", "D5", "A2", "E4", "A4", "E2"]
"""Black builds a wall and two eyes on the left, White on the right."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    moves = [
        move_index(parse_vertex(vertex, SIZE), SIZE) | (WHITE_BIT if ply % 2 else 0) for ply, vertex in enumerate(GAME)
    ]
    with StoreWriter(tmp_path / "store") as writer:
        writer.append(GameRecord(size=SIZE, moves=np.array(moves, np.uint16), winner=BLACK, source="wall"))
    return Store.open(tmp_path / "store")


def position_after(ply: int) -> Position:
    position = Position(SIZE)
    for vertex in GAME[:ply]:
        position.play(vertex)
    return position


@pytest.mark.parametrize("feature_set", sorted(features.FEATURE_SETS))
def test_rows_that_are_drawn_hold_the_planes_of_their_positions(store: Store, feature_set: str) -> None:
    source = BatchSource(
        store, feature_set=feature_set, size=SIZE, split="all", batch_size=4, seed=3, symmetry=False, threads=2
    )
    batch = source.batch(step=1)
    for row, index in enumerate(batch.policy.tolist()):
        ply = [parse_vertex(vertex, SIZE) for vertex in GAME].index(point_of(index, SIZE))
        position = position_after(ply)
        assert position.to_play == (WHITE if ply % 2 else BLACK)
        assert np.array_equal(batch.planes[row], features.planes(position, feature_set))


def test_the_wall_decides_who_owns_what(store: Store) -> None:
    owners = final_ownership(store).owners.reshape(SIZE, SIZE)
    assert owners.tolist() == [[1, 1, 1, -1, -1]] * SIZE

"""Settled ends of games: by diagrams, against real margins, and in batches."""

from pathlib import Path

import numpy as np
import pytest

from gozero import travel
from gozero._board import state_length
from gozero._random import seed_state
from gozero.position import Position
from gozero.store import Store
from training import _ownership
from training.batches import BatchSource
from training.ownership import final_ownership
from training.pack import pack


def settled(diagram: str) -> str:
    """The owners of a diagram's points, as a diagram."""
    position = Position.from_ascii(diagram)
    size = position.size
    owners = np.empty(size * size, np.int8)
    spare = np.empty(state_length(size), np.uint32)
    sums = np.empty(size * size, np.int32)
    before = position.state.copy()
    _ownership.settle(position.state, size, 64, seed_state(1), spare, sums, owners)
    assert (position.state == before).all()
    return "\n".join(" ".join(".XO"[owner] for owner in row) for row in owners.reshape(size, size))


CASES = {
    "a wall between two living sides": (
        """
        . X . X O . O
        X X X X O O O
        . X . X O . O
        X X X X O O O
        . X . X O . O
        X X X X O O O
        . X . X O . O
        """,
        """
        X X X X O O O
        X X X X O O O
        X X X X O O O
        X X X X O O O
        X X X X O O O
        X X X X O O O
        X X X X O O O
        """,
    ),
    "two dead stones in Black's area": (
        """
        . X . X O . O
        X . . X O O O
        X . O X O . O
        X . O X O O O
        X . . X O . O
        X X X X O O O
        . X . X O . O
        """,
        """
        X X X X O O O
        X X X X O O O
        X X X X O O O
        X X X X O O O
        X X X X O O O
        X X X X O O O
        X X X X O O O
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_diagrams(name: str):
    diagram, expected = CASES[name]
    assert settled(diagram).split() == expected.split()


def test_computed_once_and_kept(row_store: Path):
    store = Store.open(row_store)
    first = final_ownership(store)
    files = sorted(row_store.glob("ownership-*"))
    assert len(files) == 1
    stamp = files[0].stat().st_mtime_ns
    calls: list[int] = []
    again = final_ownership(store, lambda done, total: calls.append(done))
    assert calls == []
    assert files[0].stat().st_mtime_ns == stamp
    assert (first.owners == again.owners).all()
    assert set(np.unique(first.owners)) <= {-1, 0, 1}


def test_threads_and_progress_do_not_matter(row_store: Path):
    store = Store.open(row_store)
    kept = final_ownership(store).owners.copy()
    next(row_store.glob("ownership-*")).unlink()
    calls: list[int] = []
    assert (final_ownership(store, lambda done, total: calls.append(done), threads=3).owners == kept).all()
    assert calls[-1] == len(store)
    assert calls == sorted(calls)


def test_a_file_cut_short_is_made_anew(row_store: Path):
    store = Store.open(row_store)
    kept = final_ownership(store).owners.copy()
    path = next(row_store.glob("ownership-*"))
    path.write_bytes(path.read_bytes()[:100])
    assert (final_ownership(store).owners == kept).all()


def test_owners_of_other_games_are_not_taken_for_those_of_a_file_s(tmp_path: Path):
    """As many games of the same size, compressed into a file of the same name."""
    wall = "B[aa];W[];B[ba];W[];B[ca];W[];B[da];W[];B[ea]"
    for mover, owner in (("B", 25), ("W", -25)):
        moves = wall if mover == "B" else wall.translate(str.maketrans("BW", "WB"))
        (tmp_path / "game.sgf").write_text(f"(;GM[1]SZ[5]KM[7]RE[{mover}+R];{moves})")
        packed = pack([str(tmp_path / "game.sgf")], tmp_path / f"store-{mover}").store
        travel.write(Store.open(packed), tmp_path / "games.travel")
        assert final_ownership(Store.open(tmp_path / "games.travel")).owners.sum() == owner


def test_batches_turn_owners_with_the_board_and_to_the_player(row_store: Path):
    store = Store.open(row_store)
    ownership = final_ownership(store)
    source = BatchSource(
        store, feature_set="compact", size=9, split="all", batch_size=8, seed=1, symmetry=False, ownership=ownership
    )
    ends = np.cumsum(store.games["length"].astype(int))
    first = np.array([ends[4], ends[4] + 1])  # Black's first and White's first move of the sixth game
    owners = ownership.owners[ownership.offsets[5] :][:81]
    assert source.at(first).ownership.tolist() == [owners.tolist(), (-owners).tolist()]
    for symmetry in range(8):
        batch = source.at(first + 10, symmetry)
        straight = source.at(first + 10)
        own_planes, own = batch.planes[:, 0].reshape(2, 81) > 0, straight.planes[:, 0].reshape(2, 81) > 0
        assert batch.ownership[own_planes].sum() == straight.ownership[own].sum()
        assert sorted(batch.ownership[0]) == sorted(straight.ownership[0])
    without = BatchSource(store, feature_set="compact", size=9, split="all", batch_size=8, seed=1)
    assert without.batch(0).ownership.shape == (8, 0)

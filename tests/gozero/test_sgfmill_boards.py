"""Real games on our board and on sgfmill's, which reads the records too: stones, ko point and area."""

from __future__ import annotations

import itertools
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sgfmill import sgf, sgf_moves

from gozero import _board, _whole_board
from gozero.coords import BLACK, PASS, WHITE, point_at
from gozero.position import Position

COLOURS = {"b": BLACK, "w": WHITE, None: 0}


def replay_and_compare(record: bytes) -> int:
    """Replays a game on both boards, compared after every move; returns its number of moves."""
    board, plays = sgf_moves.get_setup_and_moves(sgf.Sgf_game.from_bytes(record))
    size = board.side
    position = Position(size, rules="japanese")

    def point_of(place: tuple[int, int] | None) -> int:
        return PASS if place is None else point_at(size - 1 - place[0], place[1], size)

    for colour, place in board.list_occupied_points():
        position.add_stone(point_of(place), COLOURS[colour])
    for colour, place in plays:
        ko = board.play(*place, colour) if place else None
        position.play(point_of(place), COLOURS[colour])
        stones = [COLOURS[cell] for row in reversed(board.board) for cell in row]
        assert position.colours().ravel().tolist() == stones, str(position)
        assert position.state[_board.KO] == point_of(ko)
    black, white = _whole_board.area(position.state)
    assert black - white == board.area_score()
    assert sum(position.captured) == len(position.setup) + sum(p is not None for _, p in plays) - np.count_nonzero(
        stones
    )
    return len(plays)


def records(archive: Path, count: int) -> Iterator[bytes]:
    """The first games of an archive."""
    with tarfile.open(archive, "r|xz") as tar:
        files = (tar.extractfile(member) for member in tar if member.isfile())
        yield from itertools.islice((file.read() for file in files if file), count)


def test_sample_games_equal_sgfmill(shared_sgf: Path) -> None:
    paths = [path for path in sorted((shared_sgf / "sample").glob("*.sgf")) if "variations" not in path.name]
    assert sum(replay_and_compare(path.read_bytes()) for path in paths[::4]) > 5_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "archive", ["9x9", "ai", "fox9d-2015-2019", "handicap", "kgs-dan-even", "pro", "tom9d-2003-2011"]
)
def test_thousands_of_games_equal_sgfmill(shared_sgf: Path, archive: str) -> None:
    lengths = [replay_and_compare(record) for record in records(shared_sgf / f"{archive}.tar.xz", 500)]
    print(f"{archive}: {len(lengths)} games, {sum(lengths)} moves")
    assert len(lengths) == 500

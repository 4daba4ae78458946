"""Small boards whose perfect play is known, played by a shipped network at high effort.

5x5: Black begins in the centre and takes the whole board (E. van der Werf, J. van den Herik, J. Uiterwijk, Solving Go
on small boards, ICGA Journal 26, 2003). 7x7: Black wins by 9, as Li Zhe and others found (2015).
"""

from __future__ import annotations

import msgspec
import pytest

from engine.player_file import load_player
from gozero.coords import parse_vertex
from gozero.position import Position


def game(size: int, komi: float, visits: int) -> Position:
    """The player of compact-19 against itself, to the end; nobody resigns."""
    player = load_player(size=size, network="compact-19", visits=visits, threads=1, seed=1)
    player.settings = msgspec.structs.replace(player.settings, resign_threshold=None)
    position = Position(size, komi, "tromp-taylor")
    while not position.is_over and len(position.moves) < 4 * size * size:
        position.play(player.choose(position).point)
    player.close()
    assert position.is_over
    return position


@pytest.mark.slow
def test_on_5x5_black_takes_the_centre_and_the_whole_board() -> None:
    position = game(5, 24.5, 6000)  # with this komi Black wins by nothing less
    assert position.moves[0][1] == parse_vertex("C3", 5)
    assert position.score() + 24.5 == 25


@pytest.mark.slow
def test_on_7x7_black_wins_by_nine_but_for_a_point() -> None:
    assert abs(game(7, 9.0, 4000).score()) <= 1

"""Boards whose value under perfect play is known: the search alone, without any network, has to find it."""

from __future__ import annotations

import pytest

from engine.player_file import load_player
from gozero.coords import parse_vertex
from gozero.position import Position

VISITS = 20_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_5x5_is_won_by_25_from_the_centre(seed):
    """E. van der Werf, H. J. van den Herik and J. Uiterwijk, Solving Go on small boards (ICGA Journal 26, 2003): Black
    opens in the centre and owns the whole board. At komi 24.5 one lost point is a lost game."""
    overrides = ["resign_threshold=null"]
    player = load_player(
        size=5, network="none", rollouts="random", visits=VISITS, threads=1, seed=seed, overrides=overrides
    )
    position = Position(5, komi=24.5, rules="tromp-taylor")
    while not position.is_over and len(position.moves) < 100:
        position.play(player.choose(position).point)
    player.close()
    assert position.moves[0][1] == parse_vertex("C3", 5)
    assert position.score() == 0.5

"""Random openings."""

from __future__ import annotations

from gozero import coords
from selfplay import openings
from selfplay.gtp_game import GameSettings
from selfplay.openings import draw_openings


def test_openings_differ_and_follow_the_seed():
    nine = GameSettings(size=9)
    drawn = draw_openings(nine, games=300, plies=2, seed=0)
    assert len(set(drawn)) == 300
    assert drawn == draw_openings(nine, games=300, plies=2, seed=0)
    assert drawn != draw_openings(nine, games=300, plies=2, seed=1)
    for point in drawn[0]:
        row, column = coords.row_col(point, 9)
        assert 2 <= row <= 6
        assert 2 <= column <= 6


def test_more_games_begin_with_the_same_openings():
    nine = GameSettings(size=9)
    assert draw_openings(nine, games=40, plies=2, seed=5)[:10] == draw_openings(nine, games=10, plies=2, seed=5)


def test_openings_repeat_where_the_board_has_no_more():
    assert draw_openings(GameSettings(size=1), games=5, plies=3, seed=0) == [()] * 5  # the one point is suicide


def test_no_new_opening_is_looked_for_where_none_was_found(monkeypatch):
    draws = []
    random_moves = openings._random_moves
    monkeypatch.setattr(openings, "_random_moves", lambda *args: draws.append(args) or random_moves(*args))
    assert len(set(draw_openings(GameSettings(size=9), games=125, plies=1, seed=0))) == 25
    assert len(draws) < 2 * openings.TRIES

"""Random openings, so that no two games of a match are the same."""

from __future__ import annotations

import random
from typing import Final

from gozero import coords
from gozero.position import Position
from selfplay.gtp_game import GameSettings

MARGIN: Final = 2
"""Lines at the edge that opening moves stay off: a random stone there is a wasted move. Small boards have none."""
TRIES: Final = 1000
"""Openings drawn before one that was there already is taken: a small board, or a single move, has only so many. From
then on every draw is taken, as a thousand for each game would take minutes."""


def draw_openings(settings: GameSettings, games: int, plies: int, seed: int) -> list[tuple[int, ...]]:
    """The opening points of every game, drawn by the seed: all different as long as the board has enough of them.

    More games with the same seed begin with the same openings.
    """
    draw = random.Random(seed)
    size = settings.size
    margin = MARGIN if size > 3 * MARGIN else 0
    lines = range(margin, size - margin)
    points = [coords.point_at(row, column, size) for row in lines for column in lines]
    drawn: list[tuple[int, ...]] = []
    seen: set[tuple[int, ...]] = set()
    tries = TRIES
    for _ in range(games):
        for _ in range(tries):
            opening = _random_moves(settings, points, plies, draw)
            if opening not in seen:
                break
        else:
            tries = 1
        seen.add(opening)
        drawn.append(opening)
    return drawn


def _random_moves(settings: GameSettings, points: list[int], plies: int, draw: random.Random) -> tuple[int, ...]:
    position = Position(settings.size, settings.komi, settings.rules)
    opening: list[int] = []
    while len(opening) < plies:
        legal = [point for point in points if position.legal(point)]
        if not legal:  # the board is full: what there is, is the opening
            break
        opening.append(draw.choice(legal))
        position.play(opening[-1])
    return tuple(opening)

"""`gozero bench board`: random games on the bare board, and moves of a `Position` with superko and undo."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gozero import _board, _playout, _whole_board, timing
from gozero._random import seed_state
from gozero.coords import padded_points
from gozero.illegal_move import IllegalMove
from gozero.position import Position

PLAYOUTS: Final = {9: 20_000, 19: 4_000}
"""Random games in a run, by board size: an eighth of a second."""
OPENSPIEL_PLAYOUTS: Final = {9: 1_000, 19: 100}
"""OpenSpiel's, in a quarter of a second."""
POSITION_MOVES: Final = 3_000
"""Moves of `Position`s in a run."""
CALLS: Final = 20_000
"""Calls of what takes less than a microsecond in a run."""

EPILOG = """\
Playouts are uniformly random over all legal moves that fill no own eye: 111 moves on 9x9, 455 on 19x19 on average.
`position_play_us` is a move of such a game with `Position.play`: checks, superko, history and undo included.
`openspiel` is its C++ RandomRolloutEvaluator inside MCTSBot, playouts per second.

All is CPU time of one thread. For steady figures keep the process on one core and that core free:
  taskset -c 0 gozero bench board

example: gozero bench board --json"""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench board`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench board",
        description="How fast the board is: playouts, moves of a position, copies.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    figures = measure()
    print(json.dumps(figures) if options.json else timing.table(figures))
    return 0


def measure() -> dict[str, Any]:
    """The figures: those of DESIGN's table, and what else there is to know of the board's speed."""
    sizes = {str(size): _sizes(size, games) for size, games in PLAYOUTS.items()}
    openspiel = {str(size): _openspiel(size, games) for size, games in OPENSPIEL_PLAYOUTS.items()}
    return {
        "sizes": sizes,
        "openspiel": openspiel,
        "openspiel_multiple": {
            size: None if theirs is None else sizes[size]["playouts_per_s"] / theirs
            for size, theirs in openspiel.items()
        },
        "state_bytes": {str(size): 4 * _board.state_length(size) for size in PLAYOUTS},
    }


def _sizes(size: int, games: int) -> dict[str, float]:
    playouts_per_s, moves = _playouts(size, games)
    middle = _random_position(size, 40 * size * size // 100)
    liberties = np.empty(padded_points(size), dtype=np.int16)
    copy = np.empty_like(middle)
    return {
        "playouts_per_s": playouts_per_s,
        "ns_per_move": 1e9 / (playouts_per_s * moves),
        "moves_per_playout": moves,
        "position_play_us": _position_play_us(size),
        "copy_us": _call_us(lambda: np.copyto(copy, middle)),
        "liberties_map_us": _call_us(lambda: _whole_board.liberties_map(middle, liberties)),
    }


def _playouts(size: int, games: int) -> tuple[float, float]:
    """Playouts per second, and their mean length."""
    start = Position(size).state
    state = start.copy()
    rng = seed_state(1)
    limit = 3 * size * size
    moves: list[int] = []
    seconds = timing.median_cpu_seconds(lambda: moves.append(_playout.playouts(start, state, rng, games, limit)))
    return games / seconds, sum(moves) / (games * len(moves))


def _random_position(size: int, moves: int) -> NDArray[np.uint32]:
    """The board after so many moves of a random game."""
    state = Position(size).state
    _playout.playouts(state.copy(), state, seed_state(1), 1, moves)
    return state


def _random_game(size: int, seed: int) -> list[int]:
    """The moves of a random game; where superko forbids one, the player passes."""
    position = Position(size)
    rng = seed_state(seed)
    state = position.state.copy()
    while not position.is_over and len(position.moves) < 3 * size * size:
        np.copyto(state, position.state)
        _playout.playouts(position.state, state, rng, 1, 1)
        try:
            position.play(int(state[_board.LAST]))
        except IllegalMove:
            position.play("pass")
    return [point for _, point in position.moves]


def _position_play_us(size: int) -> float:
    """Microseconds that a move of a random game takes with `Position.play` under positional superko."""
    games: list[list[int]] = []
    while sum(map(len, games)) < POSITION_MOVES:
        games.append(_random_game(size, len(games)))

    def run() -> None:
        for game in games:
            position = Position(size)
            for point in game:
                position.play(point)

    return 1e6 * timing.median_cpu_seconds(run) / sum(map(len, games))


def _call_us(call: Callable[[], Any]) -> float:
    """Microseconds of a call from Python."""

    def run() -> None:
        for _ in range(CALLS):
            call()

    return 1e6 * timing.median_cpu_seconds(run) / CALLS


def _openspiel(size: int, playouts: int) -> float | None:
    """OpenSpiel's playouts per second; None where it is not installed."""
    if importlib.util.find_spec("pyspiel") is None:
        return None
    import pyspiel

    game = pyspiel.load_game("go", {"board_size": size})
    state = game.new_initial_state()
    evaluator = pyspiel.RandomRolloutEvaluator(1, 1)
    bot = pyspiel.MCTSBot(game, evaluator, 2.0, playouts, 100, False, 1, False)
    return playouts / timing.median_cpu_seconds(lambda: bot.step(state))

"""The rules against OpenSpiel's Go, an implementation that is not ours.

OpenSpiel's rules, found by watching it: simple ko, no suicide, Tromp-Taylor area; a stone that brings back any earlier
position may be played, but ends the game as a draw; two passes end it by area. Its actions count rows from the bottom.
"""

import functools
from typing import Any

import numpy as np
import pytest

from gozero import _board, _legality, _repetition
from gozero.coords import point_of
from gozero.position import Position

pyspiel = pytest.importorskip("pyspiel")

_COLOUR_OF = np.full(256, 255, dtype=np.uint8)
_COLOUR_OF[[ord(character) for character in "+XO"]] = [0, 1, 2]


@functools.lru_cache(maxsize=512)
def openspiel_game(size: int, komi: float) -> Any:
    return pyspiel.load_game(f"go(board_size={size},komi={komi},max_game_length={8 * size * size})")


def openspiel_board(state: Any, size: int) -> np.ndarray:
    """The stones that OpenSpiel prints: uint8[size, size], top row first."""
    lines = str(state).splitlines()[2 : 2 + size]
    return _COLOUR_OF[np.frombuffer("".join(line[3:] for line in lines).encode(), dtype=np.uint8)].reshape(size, size)


def action_of(index: int, size: int) -> int:
    """OpenSpiel's action for a move index."""
    return index if index == size * size else (size - 1 - index // size) * size + index % size


def action_mask(mask: np.ndarray, size: int) -> list[int]:
    """OpenSpiel's mask of actions for a mask by move index."""
    return [*mask[:-1].reshape(size, size)[::-1].ravel().tolist(), int(mask[-1])]


def choose(position: Position, mask: np.ndarray, keep_eyes: bool, pass_rate: float, rng: np.random.Generator) -> int:
    """A random legal move index; the pass at this rate, and where nothing else is left."""
    candidates = np.flatnonzero(mask[:-1])
    if rng.random() >= pass_rate:
        for _ in range(3 * len(candidates)):
            index = int(candidates[rng.integers(len(candidates))])
            point = point_of(index, position.size)
            if not (keep_eyes and _legality.is_eye(position.state, point, position.to_play)):
                return index
    return position.size**2


def play_and_compare(size: int, seed: int) -> tuple[int, int]:
    """One random game, compared at every ply and scored at the end; returns its plies and the repetitions it met.

    Every second game leaves own eyes alone, as playouts do, and so comes to a natural end; every third has a pass among
    twenty moves, and many a game of those ends early.
    """
    rng = np.random.default_rng([size, seed])
    keep_eyes = seed % 2 == 0
    pass_rate = 0.05 if seed % 3 == 0 else 0.002
    position = Position(size, rules="chinese")
    simple = np.empty(size * size + 1, dtype=np.uint8)
    state = openspiel_game(size, 7.5).new_initial_state()
    actions: list[int] = []
    repetitions = 0
    while not position.is_over:
        _repetition.legal_mask(position.state, position.to_play, position.history, 0, _board.SIMPLE_KO, simple)
        mask = position.legal_mask()
        assert not state.is_terminal()
        assert state.current_player() == position.to_play - 1
        assert action_mask(simple, size) == state.legal_actions_mask()
        for index in np.flatnonzero(simple != mask).tolist():
            assert state.child(action_of(index, size)).is_terminal(), "we alone call this a repetition"
            repetitions += 1
        index = choose(position, mask, keep_eyes, pass_rate, rng) if len(actions) < 2 * size * size else size * size
        position.play(point_of(index, size))
        actions.append(action_of(index, size))
        state.apply_action(actions[-1])
        assert np.array_equal(position.colours(), openspiel_board(state, size))
    assert state.is_terminal()
    area = int(position.score() + position.komi)
    for komi, winner in ((area - 0.5, 0), (area + 0.5, 1)):
        scored = openspiel_game(size, komi).new_initial_state()
        for action in actions:
            scored.apply_action(action)
        assert scored.returns()[winner] == 1.0, f"area {area}\n{position}"
    return len(actions), repetitions


@pytest.mark.parametrize(("size", "games"), [(2, 100), (5, 80), (9, 50), (13, 12), (19, 12)])
def test_random_games_equal_openspiel(size: int, games: int) -> None:
    results = [play_and_compare(size, seed) for seed in range(games)]
    assert size > 5 or sum(repetitions for _, repetitions in results) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("size", "games"), [(5, 4000), (9, 4000), (13, 1000), (19, 1000)])
def test_ten_thousand_random_games_equal_openspiel(size: int, games: int) -> None:
    results = [play_and_compare(size, seed) for seed in range(games)]
    plies, repetitions = np.sum(results, axis=0)
    print(f"{size}x{size}: {games} games, {plies} plies, {repetitions} repetitions agree")

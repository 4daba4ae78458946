"""Games of Go that an agent plays without search against opponents that do not learn: a grade that stays the same."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.player_file import load_player
from gozero.coords import move_index, point_of
from gozero.errors import GozeroError
from gozero.lockstep import DEFAULT_KOMI, DEFAULT_SIZE, LockStep
from gozero.opponent import Answer, random_answer
from training.agent_networks import AgentNetwork, best_actions

PLAYOUTS: Final = 100
"""Visits of a searching opponent, each with one random rollout."""
OPPONENTS: Final = ("random", "search", "openspiel")


class Results(NamedTuple):
    """How some games ended."""

    results: NDArray[np.float32]  # [G] 1 the agent has won, 0 a draw, -1 it has lost
    lengths: NDArray[np.int64]  # [G] moves

    @property
    def points(self) -> float:
        """Wins, a draw counting half."""
        return float((self.results.sum() + len(self.results)) / 2)


def play_against(
    network: AgentNetwork, options: Mapping[str, Any], colour: int, opponent: Answer, count: int, seed: int
) -> Results:
    """`count` games in which the network plays its best move for `colour`. `options`: as in `gozero.lockstep`."""
    games = LockStep(count, seed=seed, **options)
    everyone = rows = np.arange(count)
    while rows.size:
        own = games.to_play[rows] == colour
        moves = np.empty(len(rows), np.int64)
        if own.any():
            planes, masks = games.show(rows[own], games.to_play[rows[own]])
            moves[own] = best_actions(network, planes, masks)
        if not own.all():
            moves[~own] = opponent(games, rows[~own])
        games.play(rows, moves)
        rows = rows[games.ending[rows] == 0]
    results, _ = games.result(everyone, np.full(count, colour, np.int8))
    games.close()
    return Results(results, games.lengths)


def search(size: int, playouts: int = PLAYOUTS, seed: int = 0) -> Answer:
    """An opponent that searches: GoZero's own tree search with the learned tree policy as prior and random rollouts,
    without a network; a new tree for every move. It never resigns."""
    overrides = ["resign_threshold=null", "search.batch_size=1"]
    player = load_player(
        "rollouts", size, visits=playouts, rollouts="random", threads=1, seed=seed, overrides=overrides
    )

    def moves(games: LockStep, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        chosen = np.empty(len(rows), np.int64)
        for k, row in enumerate(rows.tolist()):
            player.search.forget()
            chosen[k] = move_index(player.choose(games.position(row)).point, size)
        return chosen

    return moves


def openspiel(size: int, komi: float, playouts: int = PLAYOUTS, seed: int = 0) -> Answer:
    """An opponent of a third party: OpenSpiel's `MCTSBot`, UCT with constant 2 and one random rollout a visit.

    There a stone that brings back an earlier position ends the game as a draw; where it asks for one, it passes here.

    Raises GozeroError when OpenSpiel is not installed.
    """
    if importlib.util.find_spec("pyspiel") is None:
        raise GozeroError("the opponent openspiel wants OpenSpiel: pip install open_spiel")
    import pyspiel

    game = pyspiel.load_game("go", {"board_size": size, "komi": komi, "max_game_length": 8 * size * size})
    bot = pyspiel.MCTSBot(game, pyspiel.RandomRolloutEvaluator(1, seed), 2.0, playouts, 100, False, seed, False)

    def moves(games: LockStep, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        chosen = np.empty(len(rows), np.int64)
        for k, row in enumerate(rows.tolist()):
            state = game.new_initial_state()
            position = games.position(row)
            for _, point in position.moves:
                state.apply_action(upside_down(move_index(point, size), size))
            index = upside_down(bot.step(state), size)
            chosen[k] = index if position.legal(point_of(index, size)) else size * size
        return chosen

    return moves


def upside_down(index: int, size: int) -> int:
    """OpenSpiel's action for a move index, and the move index of its action: it counts rows from the bottom."""
    return index if index == size * size else (size - 1 - index // size) * size + index % size


def opponent_named(name: str, options: Mapping[str, Any], playouts: int, seed: int) -> Answer:
    """The opponent called "random" (any move that fills no own eye), "search" or "openspiel", for games of these
    `options`. Raises GozeroError."""
    if name not in OPPONENTS:
        raise GozeroError(f"there is no opponent {name!r}: there are {', '.join(OPPONENTS)}")
    size = int(options.get("board_size", DEFAULT_SIZE))
    if name == "search":
        return search(size, playouts, seed)
    if name == "openspiel":
        return openspiel(size, float(options.get("komi", DEFAULT_KOMI)), playouts, seed)
    return random_answer

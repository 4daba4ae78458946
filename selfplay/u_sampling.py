"""AlphaGo's games for the value network: one position of each, so that no two of them hang together.

Silver et al. 2016, Methods, "Training the value network": moves 1 to U-1 are the supervised policy's, move U is any
legal move, the rest are the reinforced policy's; what is learned is who wins from the position after move U. The random
move makes the positions more different from each other; the result is that of the stronger policy's play.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluator
from gozero.record import GameRecord
from selfplay.game import RANDOM, GameSettings, Seats, play_games


class Sample(NamedTuple):
    """A game, and the position in it that was chosen beforehand."""

    record: GameRecord
    ply: int
    """Moves made before the position: U."""


def seats_of(chosen: NDArray[np.int64]) -> Seats:
    """Policy 0 up to the move before `chosen[game]` (U, from 1), a random one, policy 1 from there."""

    def seats(games: NDArray[np.int64], plies: NDArray[np.int64]) -> NDArray[np.int64]:
        last = chosen[games] - 1
        return np.where(plies < last, 0, np.where(plies == last, RANDOM, 1))

    return seats


def u_samples(
    supervised: Evaluator,
    reinforced: Evaluator,
    settings: GameSettings,
    latest: int,
    games: int,
    seed: int,
    *,
    boards: int = 256,
    threads: int = 1,
    first: int = 0,
) -> Iterator[Sample]:
    """Plays `games` games with U drawn evenly from 1 to `latest` (450 on 19x19), and yields those that are of use.

    Those are all that had not ended by then, and that ended by two passes or resignation: longer ones have no result.
    They are the seed's games from number `first`; the same ones whether they are asked for at once or in pieces.
    """
    if latest < 1:
        raise ValueError(f"the latest random move must be at least the first, not {latest}")
    chosen = np.random.default_rng((seed, latest)).integers(1, latest + 1, first + games)
    seats = seats_of(chosen)
    policies = (supervised, reinforced)
    for game in play_games(policies, seats, games, settings, seed, boards=boards, threads=threads, first=first):
        ply = int(chosen[game.number])
        if ply < game.record.moves.size and game.record.ending != "unknown":
            yield Sample(game.record, ply)

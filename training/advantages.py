"""How much better a game went after each move than the value had foreseen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def advantages(
    values: NDArray[np.float32],
    results: NDArray[np.float32],
    games: NDArray[np.int64],
    plies: NDArray[np.int64],
    trace: float,
) -> NDArray[np.float32]:
    """Generalised advantages float32[B] of B moves of one player's: sum over k of trace^k (v(s_t+k+1) - v(s_t+k)).

    Schulman et al. 2016, equation 16, with nothing discounted and no reward before the end, where v is the result z. At
    `trace` 1 the sum is REINFORCE's z - v(s_t); below, what happens long after a move counts less, which takes away
    noise, and what the value does not see coming counts less too. They keep their sign.

    values: float32[B], v(s) in [-1, 1] before each move. results: float32[B], z of its game. Both for the player who
    moves. games: int64[B], the number of its game. plies: int64[B], moves made in it before.
    """
    order = np.lexsort((plies, games))
    value, number = values[order].astype(np.float64), games[order]
    last = np.append(number[1:] != number[:-1], True)
    steps = np.where(last, results[order], np.roll(value, -1)) - value
    found = np.empty(len(order))
    following = 0.0
    for i in range(len(order) - 1, -1, -1):
        following = steps[i] + (0.0 if last[i] else trace * following)
        found[i] = following
    back = np.empty(len(order), np.float32)
    back[order] = found
    return back

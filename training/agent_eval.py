"""How an agent does: episodes in which it takes the best action it knows, and nothing is tried out."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.agent_networks import AgentNetwork, best_actions
from training.environments import EnvironmentConfig, GymnasiumEnvironments, play_episodes, returns_of

EVALUATION_SEED = 1_000_000
"""Apart from those that runs begin with."""


def evaluate(config: EnvironmentConfig, network: AgentNetwork, episodes: int) -> dict[str, float]:
    """What a run reports of its network: `return`, and in Go against oneself how often it wins as Black, against random
    moves (`wins_random`) and against a search of 100 playouts (`wins_search`); the former is the `return` there."""
    if config.self_play is None:
        return evaluate_returns(config, network, episodes)
    from gozero.coords import BLACK
    from training.go_opponents import PLAYOUTS, opponent_named, play_against

    found = {}
    for name in ("random", "search"):
        opponent = opponent_named(name, config.options, PLAYOUTS, EVALUATION_SEED)
        played = play_against(network, config.options, BLACK, opponent, episodes, EVALUATION_SEED)
        found[f"wins_{name}"] = played.points / episodes
        found[f"moves_{name}"] = float(played.lengths.mean())
    return {"return": 2 * found["wins_random"] - 1, **found, "episodes": episodes}


def evaluate_returns(
    config: EnvironmentConfig, network: AgentNetwork, episodes: int, seed: int = EVALUATION_SEED
) -> dict[str, float]:
    """Undiscounted returns of so many episodes, the same ones for the same seed: `return` is their mean."""
    environments = GymnasiumEnvironments(config, episodes)

    def choose(observations: NDArray[Any], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        return best_actions(network, observations, masks)

    try:
        environments.reset(seed)
        returns = returns_of(environments, play_episodes(environments, choose))
    finally:
        environments.close()
    return {
        "return": statistics.fmean(returns),
        "return_spread": statistics.pstdev(returns),
        "return_least": min(returns),
        "episodes": len(returns),
    }

"""`gozero eval agent`: what an agent reaches, or how many games of Go it wins."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gozero.coords import parse_colour

if TYPE_CHECKING:
    from training.agents import Agent


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero eval agent`."""
    parser = argparse.ArgumentParser(
        prog="gozero eval agent",
        description="Episodes of an agent that gozero train dqn, actor-critic or policy-gradient has taught, in the "
        "environment that it learned in; or its games of Go against an opponent that does not learn. It takes the best "
        "action it knows, without search.",
        epilog="example: gozero eval agent --run runs/go-5 --opponent search --games 200",
    )
    parser.add_argument("--run", required=True, metavar="DIR", help="folder of its run")
    parser.add_argument("--games", type=int, default=200, metavar="N", help="episodes or games (default: 200)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the episodes, or of the opponent")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    go = parser.add_argument_group("Go against oneself")
    go.add_argument(
        "--opponent",
        default="random",
        help="random (the default): any move that fills no own eye; search: GoZero's own tree search, the tree policy "
        "as prior and random rollouts; openspiel: OpenSpiel's MCTSBot, if it is installed",
    )
    go.add_argument("--playouts", type=int, default=100, metavar="N", help="of a searching opponent (default: 100)")
    go.add_argument("--colour", choices=("black", "white"), default="black", help="the agent's (default: black)")
    go.add_argument("--komi", type=float, metavar="K", help="points for White (default: those of the run)")
    arguments = parser.parse_args(argv)
    if arguments.games < 1:
        raise ValueError(f"--games must be at least 1, it is {arguments.games}")

    import torch

    from training.agents import load_agent

    torch.set_num_threads(1)
    agent = load_agent(arguments.run)
    found = _returns(agent, arguments) if agent.config.environment.self_play is None else _games(agent, arguments)
    if arguments.json:
        print(json.dumps(found))
    else:
        width = max(map(len, found))
        for name, value in found.items():
            print(f"{name:<{width}}  {f'{value:.4g}' if isinstance(value, float) else value}")
    return 0


def _returns(agent: Agent, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.agent_eval import evaluate_returns

    results = evaluate_returns(agent.config.environment, agent.network, arguments.games, arguments.seed)
    return {"agent": agent.config.name, "environment": agent.config.environment.id, "steps": agent.steps, **results}


def _games(agent: Agent, arguments: argparse.Namespace) -> dict[str, Any]:
    from selfplay.elo import wilson_interval
    from training.go_opponents import opponent_named, play_against

    options = dict(agent.config.environment.options)
    if arguments.komi is not None:
        options["komi"] = arguments.komi
    opponent = opponent_named(arguments.opponent, options, arguments.playouts, arguments.seed)
    colour = parse_colour(arguments.colour)
    played = play_against(agent.network, options, colour, opponent, arguments.games, arguments.seed)
    low, high = wilson_interval(played.points, arguments.games)
    return {
        "agent": agent.config.name,
        "steps": agent.steps,
        "colour": arguments.colour,
        "opponent": arguments.opponent,
        **({} if arguments.opponent == "random" else {"playouts": arguments.playouts}),
        "games": arguments.games,
        "score": played.points / arguments.games,
        "score_ci95": [round(low, 4), round(high, 4)],
        "moves_per_game": float(played.lengths.mean()),
    }

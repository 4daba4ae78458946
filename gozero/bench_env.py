"""`gozero bench env`: moves a second of environments for learning, ours and others', all playing random legal moves."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from gozero import timing
from gozero.lockstep import LockStep

BOARDS: Final = {9: 64, 19: 16}
"""Boards in lock step, by board size."""
PLIES: Final = {9: 150, 19: 100}
"""Moves from the empty board in a run, on every board; a game that ends begins anew."""
KOMI: Final = 7.5

EPILOG = """\
A step is one move on one board, drawn uniformly from all legal moves with the pass, and what is seen after it: planes
and the mask of legal moves. Every run starts from empty boards and plays 150 moves on 9x9, 100 on 19x19 (`plies`).

  lockstep            gozero.lockstep.LockStep on `boards` boards
  vector_env          gymnasium.make_vec("gozero/Go-v0", opponent="self"), the moves drawn by numpy from its masks
  env                 gymnasium.make("gozero/Go-v0", opponent="self"): one board
  pettingzoo          pettingzoo.classic.go_v5: one board, as it has it (simple ko, no suicide)
  pgx                 pgx.go on `boards` boards, the whole run one compiled loop (jax, on the CPU)

Superko is positional for ours, simple ko in go_v5; pgx looks back eight moves. Rows are null where a library is not
installed (go_v5 wants pygame too). All is CPU time of the process, on all threads, so keep it on one core:
  taskset -c 0 gozero bench env

example: gozero bench env --json"""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero bench env`."""
    parser = argparse.ArgumentParser(
        prog="gozero bench env",
        description="Steps a second of Go environments: ours, PettingZoo's go_v5 and pgx.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=int, choices=sorted(BOARDS), help="one board size alone (default: both)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    figures = measure([options.size] if options.size else list(BOARDS))
    print(json.dumps(figures) if options.json else timing.table(figures))
    return 0


def measure(sizes: Sequence[int], repeats: int = timing.REPEATS) -> dict[str, Any]:
    """Steps a second of every environment, and how many times as fast as the others `LockStep` is."""
    figures: dict[str, Any] = {"boards": {str(size): BOARDS[size] for size in sizes}}
    figures["plies"] = {str(size): PLIES[size] for size in sizes}
    for size in sizes:
        boards, plies = BOARDS[size], PLIES[size]

        def speed(run: Callable[[], Any] | None, moves: int) -> float | None:
            return None if run is None else moves / timing.median_cpu_seconds(run, repeats)

        rows = {
            "lockstep": speed(_lockstep(size, boards, plies), boards * plies),
            "vector_env": speed(_vector_env(size, boards, plies), boards * plies),
            "env": speed(_env(size, plies), plies),
            "pettingzoo": speed(_pettingzoo(size, plies), plies),
            "pgx": speed(_pgx(size, boards, plies), boards * plies),
        }
        figures[str(size)] = {f"{name}_steps_per_s": steps for name, steps in rows.items()}
        for name in ("pettingzoo", "pgx"):
            theirs = rows[name]
            for ours in ("lockstep", "vector_env"):
                mine = rows[ours]
                figures[str(size)][f"{ours}_{name}_multiple"] = mine / theirs if mine and theirs else None
    return figures


def _installed(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in modules)


def _lockstep(size: int, boards: int, plies: int) -> Callable[[], Any]:
    games = LockStep(boards, board_size=size, komi=KOMI, seed=1)

    def run() -> None:
        games.reset()
        for _ in range(plies):
            games.step(games.random_moves())

    return run


def _vector_env(size: int, boards: int, plies: int) -> Callable[[], Any] | None:
    if not _installed("gymnasium", "pettingzoo"):
        return None
    from gozero.env import GoVectorEnv

    environment = GoVectorEnv(boards, opponent="self", board_size=size, komi=KOMI, autoreset_mode="SameStep")
    rng = np.random.default_rng(1)

    def run() -> None:
        _, info = environment.reset(seed=1)
        for _ in range(plies):
            mask = info["action_mask"]
            info = environment.step((rng.random(mask.shape, np.float32) * mask).argmax(axis=1))[4]

    return run


def _env(size: int, plies: int) -> Callable[[], Any] | None:
    if not _installed("gymnasium", "pettingzoo"):
        return None
    from gozero.env import GoEnv

    environment = GoEnv(opponent="self", board_size=size, komi=KOMI)
    environment.action_space.seed(1)

    def run() -> None:
        _, info = environment.reset(seed=1)
        for _ in range(plies):
            _, _, terminated, _, info = environment.step(environment.action_space.sample(info["action_mask"]))
            if terminated:
                _, info = environment.reset()

    return run


def _pettingzoo(size: int, plies: int) -> Callable[[], Any] | None:
    if not _installed("pettingzoo", "pygame"):
        return None
    from pettingzoo.classic import go_v5

    environment = go_v5.env(board_size=size, komi=KOMI)
    environment.reset(seed=1)
    for agent in environment.possible_agents:
        environment.action_space(agent).seed(1)

    def run() -> None:
        environment.reset()
        for _ in range(plies):
            observation, _, terminated, truncated, _ = environment.last()
            if terminated or truncated:
                environment.reset()
                observation = environment.last()[0]
            environment.step(environment.action_space(environment.agent_selection).sample(observation["action_mask"]))

    return run


def _pgx(size: int, boards: int, plies: int) -> Callable[[], Any] | None:
    if not _installed("jax", "pgx"):
        return None
    import jax
    import jax.numpy as jnp
    from pgx.experimental.wrappers import auto_reset
    from pgx.go import Go

    environment = Go(size=size, komi=KOMI)
    begin, step = jax.vmap(environment.init), jax.vmap(auto_reset(environment.step, environment.init))

    def one(carry: Any, _: None) -> tuple[Any, None]:
        state, key = carry
        key, choice, after = jax.random.split(key, 3)
        moves = jax.random.categorical(choice, jnp.where(state.legal_action_mask, 0.0, -jnp.inf), axis=-1)
        return (step(state, moves, jax.random.split(after, boards)), key), None

    def play(key: Any) -> Any:
        key, first = jax.random.split(key)
        (state, _), _ = jax.lax.scan(one, (begin(jax.random.split(first, boards)), key), None, length=plies)
        return state.observation, state.legal_action_mask

    compiled = jax.jit(play)
    return lambda: jax.block_until_ready(compiled(jax.random.PRNGKey(1)))

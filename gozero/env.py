"""Go as an environment for reinforcement learning: Gymnasium, vectorised Gymnasium, PettingZoo, bare arrays.

One player against an opponent, as Gymnasium has it:

    import gymnasium, gozero.env
    env = gymnasium.make("gozero/Go-v0", board_size=5, komi=24.5, opponent="random")
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample(info["action_mask"]))

The same on many boards, `gymnasium.make_vec("gozero/Go-v0", num_envs=256, ...)`, is one environment, `GoVectorEnv`.
Both sides on N boards as arrays, without Gymnasium: `gozero.lockstep.LockStep`. Two agents in turn: `aec_env(...)`.

What all of them share:

- **Actions**: row * size + column from the top left, size * size to pass.
- **Observations**: uint8[planes, size, size] from the view of the player to move, by a feature set of
  `gozero.features`; "stones" unless told: own stones, opponent's, last move a pass, Black to move.
- **Action mask**: 1 for every legal move, superko included; the pass always is one.
- **Reward**: 0 until the game ends, then 1 to the winner and -1 to the loser by Tromp-Taylor's count, 0 each for a
  draw. It is that of the agent: the player here, the agent who is asked in PettingZoo, who has just moved in `LockStep`
  and where `opponent="self"`.
- **The end**: two passes, or `max_moves` (three times the points unless told), after which the board is counted as it
  stands. Both terminate; nothing is truncated.
- **An illegal action** ends the game with -1 and `info["illegal"]`; it raises nothing, whatever number it is.
- **Options**: `board_size`, `komi`, `rules`, `superko`, `planes`, `max_moves` (`gozero.lockstep.Options`), and `seed`,
  which `reset(seed=...)` replaces.

`info` holds "action_mask" int8[size * size + 1], "score" (Black's area minus White's and komi as the board stands),
"illegal", "ending" ("", "passes", "limit" or "illegal"), "to_play" (1 Black, 2 White), "colour" (the player's) and
"moves" (played so far).
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gozero import board_image, sgf
from gozero.coords import BLACK, WHITE, move_index
from gozero.lockstep import ENDINGS, LockStep, Options
from gozero.opponent import Colour, OnePlayer, Opponent, Policy, answer_of, random_answer

try:
    import gymnasium
    from gymnasium import spaces
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space
    from pettingzoo import AECEnv
    from pettingzoo.utils.wrappers import OrderEnforcingWrapper
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"gozero.env needs {error.name}: pip install 'gozero[train]'", name=error.name) from error

RENDER_MODES: Final = ("ansi", "rgb_array")
AGENTS: Final = ("black_0", "white_0")
"""PettingZoo's names of the players, in the order of their moves."""

RenderMode = Literal["ansi", "rgb_array"] | None


def find_opponent(opponent: str | Policy, size: int, seed: int | None = None) -> Opponent:
    """Who answers: "random" (moves that fill no own eye), a policy, a player file's name; nobody for "self".

    A player file is loaded with one thread, and never resigns.

    Raises:
        GozeroError, ValueError: there is no such player file, it does not play on this board, or has no limit.
    """
    if opponent in ("self", "random"):
        return Opponent(random_answer if opponent == "random" else None)
    if not isinstance(opponent, str):
        return Opponent(answer_of(opponent))
    from engine.player_file import load_player, settings_of

    settings_of(opponent).require_limits()
    player = load_player(opponent, size, threads=1, seed=seed, overrides=("resign_threshold=null",))

    def answer(games: LockStep, slots: NDArray[np.int64]) -> ArrayLike:
        # With `cleanup` it passes only once what is dead has been taken, as Tromp-Taylor's count wants it.
        return [move_index(player.choose(games.position(slot), cleanup=True).point, size) for slot in slots.tolist()]

    return Opponent(answer, player.close, lambda seed: find_opponent(opponent, size, seed))


def _spaces(games: LockStep) -> tuple[spaces.Space[Any], spaces.Space[Any]]:
    """What is seen and what can be done on one board."""
    shape = (len(games.feature_set.planes), games.size, games.size)
    return spaces.Box(0, 1, shape, np.uint8), spaces.Discrete(games.moves)


def _render(games: LockStep, slot: int, mode: str | None) -> str | NDArray[np.uint8] | None:
    position = games.position(slot)
    if mode == "ansi":
        return str(position)
    return board_image.draw(position.colours(), position.last_move) if mode == "rgb_array" else None


def _checked_mode(mode: RenderMode) -> RenderMode:
    if mode is not None and mode not in RENDER_MODES:
        raise ValueError(f"render_mode is {' or '.join(RENDER_MODES)}, not {mode!r}")
    return mode


class GoEnv(gymnasium.Env[NDArray[np.uint8], np.int64]):
    """One player against an opponent, as Gymnasium has it; see the top of this module."""

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 2}  # noqa: RUF012  as Gymnasium has it

    def __init__(
        self,
        opponent: str | Policy = "random",
        colour: Colour = "black",
        render_mode: RenderMode = None,
        seed: int | None = None,
        **options: Unpack[Options],
    ) -> None:
        """An environment; `reset` begins a game.

        Args:
            opponent: "random"; a policy (`gozero.opponent.Policy`: batches of planes and masks to moves); the name of a
                player file; or "self": every step is one move, for the colour to play, and its reward is who made it.
            colour: the player's, "black", "white" or "random".
            render_mode: what `render` gives: "ansi" text or an "rgb_array".
            options: see `gozero.lockstep.Options`.

        Raises:
            ValueError: there is no such option, or it has no such value.
        """
        self.render_mode = _checked_mode(render_mode)
        self._games = LockStep(1, seed=seed, **options)
        self._sides = OnePlayer(self._games, find_opponent(opponent, self._games.size), colour)
        self.observation_space, self.action_space = _spaces(self._games)
        self._seed = seed

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """A new game. There are no options."""
        seed, self._seed = (self._seed if seed is None else seed), None
        super().reset(seed=seed)
        if seed is not None:
            self._sides.seed(seed)
        self._sides.begin(self._games.all_slots, self.np_random)
        return self._look()

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Plays the move and the opponent's answer; after the end of the game nothing happens any more."""
        over = bool(self._games.ending[0])
        self._sides.step(self._games.all_slots, [action])
        reward = 0.0 if over else float(self._sides.reward(self._games.all_slots)[0])
        observation, info = self._look()
        return observation, reward, bool(self._games.ending[0]), False, info

    def render(self) -> Any:
        """The board as it stands, in the render mode."""
        return _render(self._games, 0, self.render_mode)

    def sgf(self) -> str:
        """The game so far as SGF, with its result when it has ended."""
        return sgf.write(self._games.record(0))

    def close(self) -> None:
        """Ends the opponent's threads."""
        self._sides.close()

    def _look(self) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        games, slots = self._games, self._games.all_slots
        planes, mask = self._sides.view(slots)
        info = {
            "action_mask": mask[0].view(np.int8),
            "score": float(games.scores()[0]),
            "illegal": bool(self._sides.illegal(slots)[0]),
            "ending": ENDINGS[games.ending[0]],
            "to_play": int(games.to_play[0]),
            "colour": int(self._sides.colours[0]),
            "moves": int(games.lengths[0]),
        }
        return planes[0], info


class GoVectorEnv(VectorEnv[NDArray[np.uint8], NDArray[np.int64], NDArray[Any]]):
    """`GoEnv` on many boards that advance in lock step.

    `info` is as that of `GoEnv`, with an array for every number: "ending" int8[N], places in `gozero.lockstep.ENDINGS`;
    "score" float64[N], NaN where no game has just been counted. Where a game ends:

    - autoreset mode NEXT_STEP: the next step ignores the action and gives the first observation of a new game;
    - SAME_STEP: that comes at once, the last observation is in `info["final_obs"]` (uint8[N, C, S, S]) where
      `info["_final_obs"]` (bool[N]); "score", "illegal" and "ending" are those of the game that has ended;
    - DISABLED: `reset(options={"reset_mask": ...})` begins new games.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 2}  # noqa: RUF012  as Gymnasium has it

    def __init__(
        self,
        num_envs: int = 1,
        opponent: str | Policy = "random",
        colour: Colour = "black",
        render_mode: RenderMode = None,
        seed: int | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        threads: int = 1,
        **options: Unpack[Options],
    ) -> None:
        """`num_envs` boards; the rest as in `GoEnv` and `gozero.lockstep.LockStep`."""
        self.num_envs = num_envs
        self.render_mode = _checked_mode(render_mode)
        self._mode = AutoresetMode(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self._mode}
        self._games = LockStep(num_envs, seed=seed, threads=threads, **options)
        self._sides = OnePlayer(self._games, find_opponent(opponent, self._games.size), colour)
        self.single_observation_space, self.single_action_space = _spaces(self._games)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._seed = seed

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """New games: on all boards, or where `options["reset_mask"]`, bool[N], says so."""
        seed, self._seed = (self._seed if seed is None else seed), None
        super().reset(seed=seed)
        if seed is not None:
            self._sides.seed(seed)
        chosen = (options or {}).get("reset_mask")
        self._sides.begin(self._games.all_slots if chosen is None else np.flatnonzero(chosen), self.np_random)
        planes, mask = self._sides.view(self._games.all_slots)
        return planes, self._info(mask, np.zeros(self.num_envs, np.bool_))

    def step(
        self, actions: ArrayLike
    ) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Plays a move, int[N], on every board, and the opponent's answers.

        Raises:
            ValueError: it is not one move for every board.
        """
        games, slots = self._games, self._games.all_slots
        before = games.ending != 0
        self._sides.step(slots, actions)
        ending = games.ending
        ended = (ending != 0) & ~before
        reward = np.where(before, np.float32(0), self._sides.reward(slots))
        if self._mode == AutoresetMode.NEXT_STEP and before.any():
            self._sides.begin(np.flatnonzero(before), self.np_random)
        info: dict[str, Any] = {}
        if self._mode == AutoresetMode.SAME_STEP and ended.any():
            said = self._info(np.zeros((0, 0), np.bool_), ended)
            info = {name: said[name] for name in ("score", "illegal", "ending")}
            last = np.flatnonzero(ended)
            seen = self._sides.view(last)[0]
            self._sides.begin(last, self.np_random)
            final = np.zeros((self.num_envs, *seen.shape[1:]), np.uint8)
            final[last] = seen
            info |= {"final_obs": final, "_final_obs": ended}
        planes, mask = self._sides.view(slots)
        terminated = ended | (before & (self._mode == AutoresetMode.DISABLED))
        return planes, reward, terminated, np.zeros(self.num_envs, np.bool_), {**self._info(mask, ended), **info}

    def render(self) -> tuple[Any, ...] | None:
        """All boards as they stand, in the render mode."""
        if self.render_mode is None:
            return None
        return tuple(_render(self._games, slot, self.render_mode) for slot in range(self.num_envs))

    def sgf(self, board: int) -> str:
        """The game on one board as SGF, with its result where it has ended and not begun anew."""
        return sgf.write(self._games.record(board))

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the threads, the opponent's too."""
        self._games.close()
        self._sides.close()

    def _info(self, mask: NDArray[np.bool_], ended: NDArray[np.bool_]) -> dict[str, Any]:
        games, slots = self._games, self._games.all_slots
        score = np.full(self.num_envs, np.nan)
        over = np.flatnonzero(ended & (games.ending != 0))
        score[over] = games.result(over, games.to_play[over])[1]
        return {
            "action_mask": mask.view(np.int8),
            "score": score,
            "illegal": self._sides.illegal(slots),
            "ending": games.ending,
            "to_play": games.to_play,
            "colour": self._sides.colours.copy(),
            "moves": games.lengths,
        }


class GoAECEnv(AECEnv[str, dict[str, NDArray[Any]], np.int64]):  # type: ignore[misc]  # PettingZoo has no types
    """Two agents that move in turn, as PettingZoo has it; `aec_env` makes one with PettingZoo's usual wrapper.

    An observation is {"observation": planes, "action_mask": int8[size * size + 1]}, from the view of the agent who is
    asked; the mask is 0 for who is not to move. An illegal action costs its agent -1, the other gets 0.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "gozero_go_v0",
        "render_modes": list(RENDER_MODES),
        "render_fps": 2,
        "is_parallelizable": False,
    }

    def __init__(self, render_mode: RenderMode = None, **options: Unpack[Options]) -> None:
        """An environment; `reset` begins a game. `options`: see `gozero.lockstep.Options`.

        Raises:
            ValueError: there is no such option, or it has no such value.
        """
        super().__init__()
        self.render_mode = _checked_mode(render_mode)
        self._games = LockStep(1, **options)
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        seen, _ = _spaces(self._games)
        self.observation_spaces = {
            agent: spaces.Dict({"observation": seen, "action_mask": spaces.Box(0, 1, (self._games.moves,), np.int8)})
            for agent in AGENTS
        }
        self.action_spaces = {agent: spaces.Discrete(self._games.moves) for agent in AGENTS}

    def observation_space(self, agent: str) -> Any:
        """What an agent sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """What an agent can do."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """A new game. Nothing in it is random, so the seed changes nothing; there are no options."""
        self._games.begin(self._games.all_slots)
        self.agents = list(AGENTS)
        self.agent_selection = AGENTS[0]
        self.rewards = dict.fromkeys(AGENTS, 0.0)
        self._cumulative_rewards = dict.fromkeys(AGENTS, 0.0)
        self.terminations = dict.fromkeys(AGENTS, False)
        self.truncations = dict.fromkeys(AGENTS, False)
        self.infos = self._infos()

    def step(self, action: np.int64 | None) -> None:
        """Plays the move of the agent whose turn it is."""
        mover = self.agent_selection
        if self.terminations[mover]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[mover] = 0.0
        self._games.play(self._games.all_slots, np.array([action]))
        ending = ENDINGS[self._games.ending[0]]
        self._clear_rewards()
        if ending == "illegal":
            self.rewards[mover] = -1.0
        elif ending:
            both = np.array([BLACK, WHITE], np.int8)
            rewards, _ = self._games.result(np.zeros(2, np.int64), both)
            self.rewards = dict(zip(AGENTS, rewards.tolist(), strict=True))
        self.terminations = dict.fromkeys(AGENTS, bool(ending))
        self.infos = self._infos(mover if ending == "illegal" else None)
        self.agent_selection = AGENTS[1 - AGENTS.index(mover)]
        self._accumulate_rewards()

    def observe(self, agent: str) -> dict[str, NDArray[Any]]:
        """The board from the view of an agent, and what it may play."""
        colours = np.array([BLACK if agent == AGENTS[0] else WHITE], np.int8)
        planes, mask = self._games.show(self._games.all_slots, colours)
        return {"observation": planes[0], "action_mask": mask[0].view(np.int8)}

    def render(self) -> Any:
        """The board as it stands, in the render mode."""
        return _render(self._games, 0, self.render_mode)

    def sgf(self) -> str:
        """The game so far as SGF, with its result when it has ended."""
        return sgf.write(self._games.record(0))

    def close(self) -> None:
        """There is nothing to close."""

    def _infos(self, offender: str | None = None) -> dict[str, dict[str, Any]]:
        games = self._games
        shared = {
            "score": float(games.scores()[0]),
            "ending": ENDINGS[games.ending[0]],
            "to_play": int(games.to_play[0]),
            "moves": int(games.lengths[0]),
        }
        return {agent: {**shared, "illegal": agent == offender} for agent in AGENTS}


def aec_env(
    render_mode: RenderMode = None, **options: Unpack[Options]
) -> AECEnv[str, dict[str, NDArray[Any]], np.int64]:
    """A `GoAECEnv` in the wrapper that refuses calls in the wrong order."""
    return OrderEnforcingWrapper(GoAECEnv(render_mode, **options))


gymnasium.register("gozero/Go-v0", entry_point="gozero.env:GoEnv", vector_entry_point="gozero.env:GoVectorEnv")

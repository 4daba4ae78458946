"""The environments pass their libraries' own checkers, and mean what they say."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from pettingzoo.test import api_test, seed_test

from engine.player import Player
from gozero import board_image, env, sgf
from gozero.coords import BLACK, WHITE
from gozero.lockstep import ENDINGS
from gozero.position import Position

Info = dict[str, Any]


def first_legal(planes: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A policy: the first legal move in reading order."""
    return mask.argmax(axis=1)


def passes(planes: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A policy: always the pass."""
    return np.full(len(mask), mask.shape[1] - 1)


def breaks_rules(planes: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A policy: a move that is not legal, as soon as there is one."""
    return mask.argmin(axis=1)


def episode(environment: Any, seed: int | None, limit: int = 500) -> tuple[list[Any], float, Info]:
    """Plays random legal moves to the end: what was seen, the last reward and the last info."""
    observation, info = environment.reset(seed=seed)
    seen = [observation.tobytes()]
    for _ in range(limit):
        action = environment.action_space.sample(info["action_mask"])
        observation, reward, terminated, truncated, info = environment.step(action)
        seen.append(observation.tobytes())
        assert not truncated
        if terminated:
            return seen, reward, info
        assert reward == 0
    raise AssertionError("the game has no end")


@pytest.mark.parametrize("opponent", ["random", "self", first_legal])
@pytest.mark.parametrize("planes", ["stones", "compact"])
def test_gymnasium_checks_it(opponent: Any, planes: str) -> None:
    made = gymnasium.make("gozero/Go-v0", board_size=5, opponent=opponent, planes=planes, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(made.unwrapped)


def test_the_example_at_the_top_runs() -> None:
    assert env.__doc__
    start = env.__doc__.index("    import gymnasium")
    lines = env.__doc__[start:].split("\n\n")[0].splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(line.strip() for line in lines), names)
    assert names["reward"] == 0
    assert names["info"]["moves"] == 2


def test_the_readmes_example_runs(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (checkout / "README.md").read_text(encoding="utf-8")
    example = text.partition("## Use it as an environment")[2].partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["reward"] in (-1, 1)
    assert f"{names['reward']} {names['info']['score']} (;FF[4]" in capsys.readouterr().out
    assert names["boards"].reset()[0].shape == (256, 4, 9, 9)


@pytest.mark.parametrize("colour", ["black", "white", "random"])
def test_same_seed_same_game(colour: str) -> None:
    first, second = (gymnasium.make("gozero/Go-v0", board_size=5, colour=colour) for _ in range(2))
    for made in (first, second):
        made.action_space.seed(1)
    games = [episode(made, seed=7)[0] for made in (first, second)]
    assert games[0] == games[1]
    first.action_space.seed(1)
    assert episode(first, seed=7)[0] == games[0]
    first.action_space.seed(1)
    assert episode(first, seed=8)[0] != games[0]
    first.action_space.seed(1)
    following = episode(first, seed=None)[0]  # the random numbers go on
    second.action_space.seed(1)
    second.reset(seed=7)
    assert episode(gymnasium.make("gozero/Go-v0", board_size=5, colour=colour, seed=7), None)[0][0] == games[0][0]
    assert following != games[0]


@pytest.mark.parametrize("seed", range(6))
def test_the_reward_is_the_players(seed: int) -> None:
    """And the board that is counted is the one that the moves give, in the record too."""
    made: Any = gymnasium.make("gozero/Go-v0", board_size=5, komi=2.5, colour="random", seed=seed)
    made.action_space.seed(seed)
    _, reward, info = episode(made, seed)
    game = sgf.parse(made.unwrapped.sgf().encode())[0]
    position = Position(5, 2.5)
    for code in game.moves.tolist():
        row, column = divmod(code & 0x7FFF, 5)
        position.play("pass" if row == 5 else f"{'ABCDE'[column]}{5 - row}")
    assert info["score"] == position.score()
    assert info["ending"] == ("passes" if position.is_over else "limit")
    assert reward == (1 if (position.score() > 0) == (info["colour"] == BLACK) else -1)
    assert game.winner == (info["colour"] if reward == 1 else 3 - info["colour"])


def test_a_drawn_game_rewards_nobody() -> None:
    made = gymnasium.make("gozero/Go-v0", board_size=5, komi=0, opponent=passes)
    made.reset()
    assert made.step(25)[1:3] == (0, True)


def test_white_players_are_answered_first() -> None:
    made = gymnasium.make("gozero/Go-v0", board_size=5, colour="white", opponent=first_legal)
    observation, info = made.reset()
    assert (info["moves"], info["to_play"], info["colour"]) == (1, WHITE, WHITE)
    assert observation[1].ravel().tolist() == [1] + [0] * 24
    assert not info["action_mask"][0]


def test_moving_for_both_sides() -> None:
    made = gymnasium.make("gozero/Go-v0", board_size=5, komi=24.5, opponent="self")
    made.reset()
    observation, reward, done, _, info = made.step(12)
    assert (reward, done, info["to_play"], info["colour"]) == (0, False, WHITE, BLACK)
    assert observation[1, 2, 2] == 1
    made.step(25)
    _, reward, done, _, info = made.step(25)
    assert (reward, done, info["score"]) == (1, True, 0.5)
    made.step(0)
    assert made.reset()[1]["colour"] == BLACK  # as in the first game


@pytest.mark.parametrize("action", [12, -1, 26, 10**30, np.int64(-(2**40)), 3.7, np.float32(3.7), np.nan, np.inf])
@pytest.mark.parametrize("opponent", ["random", "self"])
def test_an_illegal_action_ends_the_game(action: float, opponent: str) -> None:
    made = gymnasium.make("gozero/Go-v0", board_size=5, opponent=opponent, disable_env_checker=True)
    made.reset(seed=2)
    made.step(12)
    _, reward, terminated, truncated, info = made.step(action)
    assert (reward, terminated, truncated) == (-1, True, False)
    assert info["illegal"]
    assert info["ending"] == "illegal"
    assert not info["action_mask"].any()
    _, reward, terminated, _, info = made.step(0)  # nothing happens any more
    assert (reward, terminated, info["illegal"]) == (0, True, True)
    _, info = made.reset()
    assert (info["illegal"], info["ending"], info["moves"]) == (False, "", 0)


def test_a_whole_number_is_an_action_of_whatever_kind_it_is() -> None:
    for action in (3.0, np.uint8(3), np.array(3), np.float32(3)):
        made = gymnasium.make("gozero/Go-v0", board_size=5, opponent="self", disable_env_checker=True)
        made.reset()
        observation, _, terminated, _, info = made.step(action)
        assert (observation[1, 0, 3], terminated, info["illegal"]) == (1, False, False)


def test_an_opponent_that_breaks_the_rules_loses() -> None:
    made = gymnasium.make("gozero/Go-v0", board_size=5, opponent=breaks_rules)
    made.reset()
    _, reward, terminated, _, info = made.step(12)
    assert (reward, terminated, info["illegal"], info["ending"]) == (1, True, False, "illegal")


def test_a_game_that_is_too_long_is_counted() -> None:
    made = gymnasium.make("gozero/Go-v0", board_size=5, komi=24.5, max_moves=3, opponent=passes)
    made.reset()
    made.step(12)
    _, reward, terminated, truncated, info = made.step(13)
    assert (reward, terminated, truncated, info["ending"], info["moves"]) == (1, True, False, "limit", 3)


def test_a_player_file_as_opponent() -> None:
    made = gymnasium.make("gozero/Go-v0", board_size=5, opponent="policy", seed=1)
    observation, _ = made.reset()
    observation, reward, *_ = made.step(12)
    assert observation[1].sum() == 1
    assert reward == 0
    many = gymnasium.make_vec("gozero/Go-v0", num_envs=2, board_size=5, opponent="policy", seed=1)
    many.reset()
    assert many.step(np.array([12, 12]))[0][:, 1].sum(axis=(1, 2)).tolist() == [1, 1]
    made.close()
    many.close()


@pytest.mark.parametrize("many", [False, True])
def test_an_opponent_who_would_never_move_is_refused(many: bool, tmp_path: Path) -> None:
    player = tmp_path / "endless.yaml"
    player.write_text("{visits: null, seconds: null}")
    with pytest.raises(ValueError, match="for ever"):
        (env.GoVectorEnv if many else env.GoEnv)(opponent=str(player))


def test_a_seed_is_the_seed_of_a_player_too(tmp_path: Path) -> None:
    player = tmp_path / "fickle.yaml"
    player.write_text("{network: compact-9, visits: 1, seconds: null, temperature: 1.0}")
    one, other = (env.GoEnv(opponent=str(player), board_size=9, seed=seed) for seed in (1, None))
    many = env.GoVectorEnv(opponent=str(player), board_size=9)

    def game(made: env.GoEnv | env.GoVectorEnv, seed: int | None) -> bytes:
        made.reset(seed=seed)
        steps = [made.step(move if isinstance(made, env.GoEnv) else np.array([move]))[0] for move in range(8)]
        return b"".join(seen.tobytes() for seen in steps)

    first = game(one, 7)
    assert game(other, 7) == game(many, 7) == first
    assert game(one, None) != first
    assert game(one, 7) == first
    for made in (one, other, many):
        made.close()


@pytest.mark.parametrize("many", [False, True])
def test_closing_closes_the_opponent(many: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its search has threads, which would wait for the end of the process."""
    closed: list[Player] = []
    monkeypatch.setattr(Player, "close", lambda player: closed.append(player))
    made: Any = vector(1, board_size=5, opponent="policy") if many else env.GoEnv("policy", board_size=5)
    assert closed == []
    made.close()
    assert len(closed) == 1


def test_several_sizes_in_one_process() -> None:
    made = [gymnasium.make("gozero/Go-v0", board_size=size, max_moves=20) for size in (2, 9, 19)]
    assert [episode(one, 3)[2]["moves"] <= 20 for one in made] == [True] * 3
    assert [one.observation_space.shape for one in made] == [(4, 2, 2), (4, 9, 9), (4, 19, 19)]


def test_rendering() -> None:
    text: Any = gymnasium.make("gozero/Go-v0", board_size=5, opponent="self", render_mode="ansi")
    picture = gymnasium.make("gozero/Go-v0", board_size=5, opponent="self", render_mode="rgb_array")
    for made in (text, picture):
        made.reset()
        made.step(1)
        made.step(24)
    assert text.render().splitlines()[1] == " 5 . X . . . 5"
    assert text.render().splitlines()[5] == " 1 . . . .(O)1"
    shown: Any = picture.render()
    cell = board_image.CELL
    assert shown.shape == (5 * cell, 5 * cell, 3)
    middle = slice(cell // 4, cell // 4 + 2)  # beside the lines and the mark
    assert shown[middle, cell:][:, middle].mean() < 60
    assert shown[4 * cell :, 4 * cell :][middle, middle].mean() > 200
    assert 100 < shown[2 * cell :, 2 * cell :][middle, middle].mean() < 200
    with pytest.raises(ValueError, match="render_mode is ansi or rgb_array, not 'human'"):
        env.GoEnv(render_mode="human")  # type: ignore[arg-type]


def test_wrong_arguments_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="the colour is black, white or random, not 'green'"):
        env.GoEnv(colour="green")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there is no option 'size'"):
        env.GoEnv(size=9)  # type: ignore[call-arg]
    with pytest.raises(Exception, match="there is no player nobody"):
        env.GoEnv(opponent="nobody")


def vector(count: int, **options: Any) -> Any:
    return gymnasium.make_vec("gozero/Go-v0", num_envs=count, **options)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_many_boards_play_the_games_of_one(mode: AutoresetMode) -> None:
    """Against an opponent without chance, every board of `GoVectorEnv` goes on as a `GoEnv` that is given its moves."""
    options: dict[str, Any] = {"board_size": 3, "komi": 0.5, "opponent": first_legal, "max_moves": 30}
    many = vector(6, autoreset_mode=mode, **options)
    assert isinstance(many, env.GoVectorEnv)
    assert many.metadata["autoreset_mode"] == mode
    single = [env.GoEnv(**options) for _ in range(6)]
    observations, infos = many.reset(seed=1)
    for one in single:
        one.reset()
    over = np.zeros(6, bool)
    rng = np.random.default_rng(2)
    ended = 0
    for _ in range(120):
        choices = [rng.choice(np.flatnonzero(mask)) if mask.any() else 0 for mask in infos["action_mask"]]
        actions = np.array(choices, float)
        actions[rng.random(6) < 0.02] = rng.choice([77, 3.5])
        observations, rewards, terminated, truncated, infos = many.step(actions)
        assert many.observation_space.contains(observations)
        assert not truncated.any()
        for row, one in enumerate(single):
            if over[row] and mode == AutoresetMode.NEXT_STEP:
                (seen, info), reward, done = one.reset(), 0.0, False
            else:
                seen, reward, done, _, info = one.step(actions[row])
            assert (rewards[row], terminated[row]) == (reward, done)
            assert infos["illegal"][row] == info["illegal"]
            assert ENDINGS[infos["ending"][row]] == info["ending"]
            if done:
                ended += 1
                score = np.nan if info["ending"] == "illegal" else info["score"]
                assert np.array_equal(infos["score"][row], score, equal_nan=True)
                if mode == AutoresetMode.SAME_STEP:
                    assert infos["_final_obs"][row]
                    assert np.array_equal(infos["final_obs"][row], seen)
                    seen, info = one.reset()
            else:
                assert np.isnan(infos["score"][row])
            assert np.array_equal(observations[row], seen)
            assert np.array_equal(infos["action_mask"][row], info["action_mask"])
            assert infos["moves"][row] == info["moves"]
        over = terminated
        if mode == AutoresetMode.DISABLED and over.any():
            observations, infos = many.reset(options={"reset_mask": over})
            for one, was_over in zip(single, over, strict=True):
                if was_over:
                    one.reset()
    many.close()
    assert ended > 30


def test_many_boards_are_reproducible() -> None:
    def play(seed: int, threads: int) -> bytes:
        many = vector(5, board_size=5, colour="random", threads=threads)
        many.single_action_space.seed(3)
        observations, infos = many.reset(seed=seed)
        seen = observations.tobytes()
        for _ in range(60):
            actions = [many.single_action_space.sample(mask) for mask in infos["action_mask"]]
            observations, _, _, _, infos = many.step(np.array(actions))
            seen += observations.tobytes()
        many.close()
        return seen

    assert play(1, 1) == play(1, 1) == play(1, 2)
    assert play(1, 1) != play(2, 1)


def test_boards_can_be_rendered_and_written() -> None:
    many = vector(2, board_size=5, opponent="self", render_mode="ansi", autoreset_mode="Disabled")
    many.reset()
    many.step(np.array([12, 25]))
    many.step(np.array([25, 25]))
    assert [text.count("X") for text in many.render()] == [1, 0]
    assert "RE[W+7.5]" in many.unwrapped.sgf(1)
    assert "RE[?]" in many.unwrapped.sgf(0)


def pettingzoo_checks(check: Callable[[], None]) -> None:
    """Runs one of PettingZoo's checkers, which warn of every environment with an action mask."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Observation space for each agent probably should be")
        warnings.filterwarnings("ignore", message="Observation is not a NumPy array")
        check()


@pytest.mark.parametrize("size", [5, 9])
def test_pettingzoo_checks_it(size: int) -> None:
    pettingzoo_checks(lambda: api_test(env.aec_env(board_size=size), num_cycles=200))
    pettingzoo_checks(lambda: seed_test(lambda: env.aec_env(board_size=size, planes="compact"), 100))


def test_agents_move_in_turn() -> None:
    made = env.aec_env(board_size=5, komi=24.5, render_mode="ansi")
    made.reset()
    for agent, action in zip(("black_0", "white_0", "black_0"), (12, 25, 25), strict=True):
        observation, reward, terminated, _, info = made.last()
        assert made.agent_selection == agent
        assert (reward, terminated, info["illegal"]) == (0, False, False)
        assert observation["action_mask"][25] == 1
        assert not made.observe({"black_0": "white_0", "white_0": "black_0"}[agent])["action_mask"].any()
        made.step(action)
    assert made.rewards == {"black_0": 1, "white_0": -1}
    assert made.last()[1] == -1  # White is asked next
    assert made.last()[4]["score"] == 0.5
    assert "(X)" in made.render() or "X" in made.render()
    assert "RE[B+0.5]" in made.unwrapped.sgf()


@pytest.mark.parametrize("action", [12, -3, 10**30, 3.7])
def test_an_agents_illegal_action_costs_it_the_game(action: float) -> None:
    made = env.aec_env(board_size=5)
    made.reset()
    made.step(12)
    made.step(action)
    assert made.rewards == {"black_0": 0, "white_0": -1}
    assert made.terminations == {"black_0": True, "white_0": True}
    assert [made.infos[agent]["illegal"] for agent in env.AGENTS] == [False, True]

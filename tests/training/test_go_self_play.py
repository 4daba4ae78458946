"""Go against oneself: what is seen turned, whose reward, rising komi; and grading against opponents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gozero import cli
from gozero.coords import BLACK, WHITE, move_index
from gozero.lockstep import LockStep
from gozero.opponent import random_answer
from gozero.symmetry import SYMMETRIES, symmetry_table, transform_planes
from training.agent_networks import AgentNetworkConfig, PolicyValueNetwork
from training.agents import load_agent, make_environments
from training.environments import EnvironmentConfig, SelfPlayConfig, UnknownEnvironment
from training.go_opponents import opponent_named, play_against, upside_down
from training.go_self_play import GoSelfPlay

ALL = np.arange(2)


def go(count: int = 2, size: int = 3, komi: float = 0.5, **self_play: Any) -> GoSelfPlay:
    config = EnvironmentConfig(id="gozero/Go-v0", count=count, options={"board_size": size, "komi": komi})
    games = GoSelfPlay(config, SelfPlayConfig(**self_play))
    games.reset(1)
    return games


def test_the_reward_is_of_who_moved_last():
    """On 3x3 Black takes the centre and both pass, Black last: Black has all nine points, less komi."""
    for komi, reward in ((0.5, 1.0), (9.5, -1.0)):
        games = go(komi=komi, turning=False)
        for action, expected in ((4, 0.0), (9, 0.0), (9, reward)):
            outcome = games.step(np.full(2, action), ALL)
            assert outcome.rewards.tolist() == [expected] * 2
        assert outcome.terminated.all()
        assert games.observations[:, :2].sum() == 0, "the next game has begun"


@pytest.mark.parametrize("seed", range(3))
def test_turned_games_are_the_same_games(seed: int):
    """What a player sees and does is, turned by one of the symmetries, what stands on the board and is played there."""
    games = go(size=5, turning=True)
    random = np.random.default_rng(seed)
    used = set()
    for _ in range(30):
        board = games._games.position(0)
        points = board.colours().reshape(5, 5)
        planes = np.stack([points == board.to_play, (points != 0) & (points != board.to_play)]).astype(np.uint8)
        seen, mask = games.observations[0].copy(), games.masks[0].copy()
        action = int(random.choice(np.flatnonzero(mask[:-1])))
        if games.step(np.array([action]), np.array([0])).ended[0]:
            break
        played = move_index(games._games.position(0).moves[-1][1], 5)
        fitting = [
            symmetry
            for symmetry in range(SYMMETRIES)
            if np.array_equal(transform_planes(planes, symmetry), seen[:2])
            and symmetry_table(5)[symmetry, played] == action
        ]
        assert fitting
        if len(fitting) == 1:
            used.add(fitting[0])
    assert len(used) > 3


def test_masks_are_the_legal_moves():
    games = go(size=3, turning=False)
    random = np.random.default_rng(0)
    for _ in range(30):
        legal = games._games.position(0).legal_mask().astype(bool)
        np.testing.assert_array_equal(games.masks[0], legal)
        games.step(np.array([random.choice(np.flatnonzero(legal))]), np.array([0]))


def test_komi_rises_in_whole_steps():
    games = go(komi=24.5, size=5, komi_start=0.5, komi_steps=100)
    found = []
    for _ in range(60):
        found.append(games.komi)
        games.step(games.masks.argmax(1), ALL)
    assert found[0] == 0.5
    assert found[-1] == 24.5
    assert found == sorted(found)
    assert all(komi % 1 == 0.5 for komi in found)
    games.reset(1, 50)
    assert games.komi == 12.5
    assert go(komi=7.5).komi == 7.5


def test_options_that_make_no_sense_are_named():
    with pytest.raises(UnknownEnvironment, match="bord_size"):
        make_environments(EnvironmentConfig(id="gozero/Go-v0", options={"bord_size": 5}, self_play=SelfPlayConfig()))


class Passes(torch.nn.Module):
    """A network that always wants to pass."""

    def preferences(self, observations: torch.Tensor) -> torch.Tensor:
        wanted = torch.zeros(len(observations), observations.shape[-1] ** 2 + 1)
        wanted[:, -1] = 1
        return wanted


def test_who_passes_loses_as_white_gets_komi():
    """Against an opponent who passes too: nobody has a point, and komi decides, whichever colour the network has."""

    def passes(games: LockStep, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.full(len(rows), games.size**2)

    for colour, result in ((BLACK, -1), (WHITE, 1)):
        played = play_against(Passes(), {"board_size": 5, "komi": 0.5}, colour, passes, 3, 0)  # type: ignore[arg-type]
        assert played.results.tolist() == [result] * 3
        assert played.lengths.tolist() == [2] * 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["search", "openspiel"])
def test_searching_opponents_beat_random_moves(name: str):
    """As White at an even komi, ten times out of ten."""
    if name == "openspiel":
        pytest.importorskip("pyspiel")
    options = {"board_size": 5, "komi": 0.5}
    opponent = opponent_named(name, options, 100, 1)
    games = LockStep(10, seed=3, **options)  # type: ignore[arg-type]
    rows = np.arange(10)
    while rows.size:
        white = games.to_play[rows] == WHITE
        moves = np.empty(len(rows), np.int64)
        moves[white] = opponent(games, rows[white])
        moves[~white] = random_answer(games, rows[~white])
        games.play(rows, moves)
        rows = rows[games.ending[rows] == 0]
    results, _ = games.result(np.arange(10), np.full(10, WHITE, np.int8))
    assert results.sum() >= 8


def test_openspiel_counts_rows_from_the_bottom():
    pyspiel = pytest.importorskip("pyspiel")
    state = pyspiel.load_game("go", {"board_size": 5}).new_initial_state()
    for vertex, index in (("a5", 0), ("e1", 24), ("c2", 17), ("PASS", 25)):
        action = upside_down(index, 5)
        assert state.action_to_string(0, action).split()[-1].lower() == vertex.lower()
        assert upside_down(action, 5) == index


def test_a_run_of_go_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = str(tmp_path / "run")
    small = ["loop.steps=2000", "loop.final_episodes=4", "loop.evaluate_every=1500", "loop.evaluate_episodes=2"]
    small += ["environment.options={board_size: 3, komi: 8.5}", "environment.count=16"]
    words = [word for each in small for word in ("--set", each)]
    assert cli.main(["train", "actor-critic", "--config", "actor-critic-go-5", "--run", run, *words]) == 0
    assert isinstance(load_agent(run).network, PolicyValueNetwork)
    capsys.readouterr()
    assert cli.main(["eval", "agent", "--run", run, "--opponent", "search", "--games", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["games"], found["opponent"], found["playouts"]) == (4, "search", 100)
    assert found["score_ci95"][0] <= found["score"] <= found["score_ci95"][1]
    assert cli.main(["eval", "agent", "--run", run, "--opponent", "nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


def test_planes_want_convolutions():
    network = PolicyValueNetwork(AgentNetworkConfig(channels=8, convolutions=2, shared=True), (4, 5, 5), 26)
    logits, values = network(torch.zeros(3, 4, 5, 5, dtype=torch.uint8))
    assert (logits.shape, values.shape) == ((3, 26), (3,))

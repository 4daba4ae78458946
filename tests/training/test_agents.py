"""DQN, actor-critic and REINFORCE where the best play is known, and the runs around them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from gozero import cli
from gozero.config import load
from gozero.data_files import data_dir
from tests.training.small_environments import CORRIDOR, Corridor, Nim, register
from training import actor_critic, agent_plot, dqn, policy_gradient
from training.agent_networks import AgentNetwork, best_actions
from training.agent_run import AgentLoopConfig, AgentOptimiserConfig, AgentRun
from training.agents import ALGORITHMS, algorithm_of, load_agent, make_environments
from training.environments import EnvironmentConfig, Environments, UnknownEnvironment
from training.run_folder import RunError, RunFolder

NIM = EnvironmentConfig(id="none", count=16)
WAY = EnvironmentConfig(id=CORRIDOR, count=8)

DQN = dqn.DqnConfig(
    name="test",
    environment=NIM,
    loop=AgentLoopConfig(steps=12_000, log_every=4000, evaluate_every=100_000),
    learning=dqn.DqnLearning(
        discount=1.0, begin=500, capacity=5000, batch_size=64, learn_every=16, target_every=500, explore_end=0.3
    ),
    optimiser=AgentOptimiserConfig(rate=0.003, rate_end=0.1, clip=10),
)
ACTOR_CRITIC = actor_critic.ActorCriticConfig(
    name="test",
    environment=NIM,
    loop=AgentLoopConfig(steps=40_000, log_every=8000, evaluate_every=100_000),
    learning=actor_critic.ActorCriticLearning(discount=1.0, rollout=8, trace=0.9, entropy=0.05, entropy_end=0.01),
    optimiser=AgentOptimiserConfig(rate=0.003, rate_end=0.1),
)
POLICY_GRADIENT = policy_gradient.PolicyGradientConfig(
    name="test",
    environment=msgspec.structs.replace(NIM, count=64),
    loop=AgentLoopConfig(steps=60_000, log_every=10_000, evaluate_every=100_000),
    learning=policy_gradient.PolicyGradientLearning(discount=1.0, entropy=0.5),
    optimiser=AgentOptimiserConfig(rate=0.005, rate_end=0.1),
)


def learn(module: Any, config: Any, environments: Environments, folder: Path) -> AgentNetwork:
    """Runs an algorithm to its end."""
    torch.manual_seed(config.loop.seed)
    network: AgentNetwork = module.make_network(config, environments)
    run_folder = RunFolder(folder)
    run_folder.create(config)
    name = next(name for name, (path, _) in ALGORITHMS.items() if path == module.__name__)

    def evaluation(network: AgentNetwork, episodes: int) -> dict[str, float]:
        return {"return": 0.0}

    with AgentRun(
        run_folder, config.loop, config.optimiser, network, environments, evaluation, algorithm=name, resume=False
    ) as run:
        module.learn(config, environments, network, run)
    return network


def nim_moves(network: AgentNetwork) -> dict[int, int]:
    """What a network would take of every number of matches from which one can win."""
    seen = np.eye(10, dtype=np.float32)
    left = list(Nim.best())
    masks = np.arange(1, 4) <= np.array(left)[:, None]
    return dict(zip(left, best_actions(network, seen[left], masks).tolist(), strict=True))


@pytest.mark.parametrize(
    ("module", "config"), [(dqn, DQN), (actor_critic, ACTOR_CRITIC), (policy_gradient, POLICY_GRADIENT)]
)
def test_each_finds_the_strategy_of_nim(module: Any, config: Any, tmp_path: Path):
    """Both players learn in one network, so the sign between them must be right."""
    network = learn(module, config, Nim(config.environment.count), tmp_path / "run")
    assert nim_moves(network) == Nim.best()


def test_without_the_sign_dqn_helps_its_opponent(tmp_path: Path):
    """The classic bug: the test above would notice it."""
    network = learn(dqn, DQN, Nim(16, next_player=1.0), tmp_path / "run")
    assert nim_moves(network) != Nim.best()


def test_dqn_learns_from_nothing_that_is_not_whole_yet(tmp_path: Path):
    """However early it is to begin: of three actions each, nothing is in the memory before the third."""
    learning = msgspec.structs.replace(DQN.learning, begin=1, n_steps=3, learn_every=1)
    loop = msgspec.structs.replace(DQN.loop, steps=8)
    config = msgspec.structs.replace(DQN, learning=learning, loop=loop)
    torch.manual_seed(config.loop.seed)
    first = dqn.make_network(config, Nim(1)).state_dict()
    last = learn(dqn, config, Nim(1), tmp_path / "run").state_dict()
    assert any(not torch.equal(first[name], last[name]) for name in first)


@pytest.mark.parametrize("n_steps", [1, 3])
def test_dqn_finds_the_values_of_a_corridor(n_steps: int, tmp_path: Path):
    """Q of going right in every room, against what it is; going into the wall is never tried (it would raise)."""
    register()
    learning = msgspec.structs.replace(DQN.learning, discount=0.8, n_steps=n_steps, explore_end=0.1)
    config = msgspec.structs.replace(DQN, environment=WAY, learning=learning)
    environments = make_environments(WAY)
    network = learn(dqn, config, environments, tmp_path / "run")
    with torch.inference_mode():
        values = network.preferences(torch.eye(Corridor.rooms))[:-1, 1].tolist()
    # several steps at once are those of what was tried, now and then to the left: worth a little less
    assert values == pytest.approx(Corridor.values(0.8), abs=0.05 if n_steps == 1 else 0.15)
    assert network.preferences(torch.eye(Corridor.rooms))[1:-1].argmax(1).tolist() != [0] * 3


def test_the_critic_finds_them_too_and_the_actor_goes_right(tmp_path: Path):
    register()
    learning = msgspec.structs.replace(ACTOR_CRITIC.learning, discount=0.8, entropy=0.01, entropy_end=0.0)
    loop = msgspec.structs.replace(ACTOR_CRITIC.loop, steps=20_000)
    config = msgspec.structs.replace(ACTOR_CRITIC, environment=WAY, learning=learning, loop=loop)
    network = learn(actor_critic, config, make_environments(WAY), tmp_path / "run")
    with torch.inference_mode():
        logits, values = network(torch.eye(Corridor.rooms))
    assert values[:-1].tolist() == pytest.approx(Corridor.values(0.8), abs=0.08)
    assert logits[:-1, :2].argmax(1).tolist() == [1] * 4


def test_a_bad_action_becomes_rarer(tmp_path: Path):
    """With the square of the temporal difference both actions would become likelier alike. Here going left costs time:
    its advantage is below 0, and the policy must leave it after a few thousand actions."""
    register()
    learning = msgspec.structs.replace(ACTOR_CRITIC.learning, discount=0.5, trace=0.0, entropy=0.0, entropy_end=0.0)
    loop = msgspec.structs.replace(ACTOR_CRITIC.loop, steps=8000)
    config = msgspec.structs.replace(ACTOR_CRITIC, environment=WAY, learning=learning, loop=loop)
    network = learn(actor_critic, config, make_environments(WAY), tmp_path / "run")
    with torch.inference_mode():
        chances = network(torch.eye(Corridor.rooms))[0][1:4, :2].softmax(1)
    assert (chances[:, 0] < 0.1).all()


def command(algorithm: str, run: Path, *more: str) -> list[str]:
    small = ["loop.steps=2000", "loop.log_every=500", "loop.evaluate_every=1000", "loop.checkpoint_every=500"]
    small += ["loop.evaluate_episodes=3", "loop.final_episodes=5"]
    settings = [word for each in small for word in ("--set", each)]
    return ["train", algorithm, "--config", f"{algorithm}-cartpole", "--run", str(run), *settings, *more]


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_a_run_from_the_command_line(algorithm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Trained, drawn, measured, read back; and the same seed gives the same run."""
    for name in ("a", "b"):
        assert cli.main(command(algorithm, tmp_path / name)) == 0
    lines = [RunFolder(tmp_path / name).read_metrics() for name in ("a", "b")]
    returns = [[line.get("return") for line in each if line["kind"] == "validation"] for each in lines]
    assert returns[0] == returns[1]
    assert len(returns[0]) == 2
    assert lines[0][-1]["episodes"] == 5
    agent = load_agent(tmp_path / "a")
    assert (agent.algorithm, agent.config.environment.id) == (algorithm, "CartPole-v1")
    assert agent.steps >= 2000
    capsys.readouterr()
    assert cli.main(["eval", "agent", "--run", str(tmp_path / "a"), "--games", "5", "--seed", "1000000", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["return"] == pytest.approx(lines[0][-1]["return"])
    assert cli.main(["report", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "curve.png")]) == 0
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"
    capsys.readouterr()
    assert cli.main(["export", "--run", str(tmp_path / "a")]) == 2
    assert f"gozero eval agent --run {tmp_path / 'a'}" in capsys.readouterr().err


def test_another_environment(tmp_path: Path):
    assert cli.main(command("actor-critic", tmp_path / "run", "--env", "Acrobot-v1", "--seed", "3")) == 0
    agent = load_agent(tmp_path / "run")
    assert (agent.config.environment.id, agent.config.loop.seed) == ("Acrobot-v1", 3)


def test_a_finished_run_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = tmp_path / "run"
    assert cli.main(command("dqn", run)) == 0
    assert cli.main(["train", "dqn", "--run", str(run), "--resume", "--set", "loop.steps=3000"]) == 0
    steps = [line["step"] for line in RunFolder(run).read_metrics()]
    assert steps == sorted(steps)
    assert steps[-1] >= 3000
    assert cli.main(["train", "dqn", "--run", str(run), "--resume", "--set", "optimiser.rate=1"]) == 2
    assert "optimiser.rate" in capsys.readouterr().err
    assert cli.main(command("dqn", run)) == 2
    assert "already holds a run" in capsys.readouterr().err


def test_ctrl_c_keeps_what_there_is(tmp_path: Path):
    run = tmp_path / "run"
    program = [sys.executable, "-m", "gozero", *command("policy-gradient", run), "--set", "loop.steps=100000000"]
    process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 600
        while not list((run / "checkpoints").glob("*.safetensors")) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGINT, said
    assert "--resume" in said
    assert "Traceback" not in said
    assert load_agent(run).steps > 0


def test_what_is_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(command("dqn", tmp_path / "a", "--env", "NoSuchThing-v0")) == 2
    assert "NoSuchThing-v0" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
    with pytest.raises(UnknownEnvironment, match="self_play"):
        make_environments(EnvironmentConfig(id="CartPole-v1", self_play={}))  # type: ignore[arg-type]
    with pytest.raises(RunError, match="no config"):
        load_agent(tmp_path / "nothing")


def test_medians_of_runs_are_those_of_their_first_second_third_evaluation():
    runs = [[(10, 1.0), (20, 5.0)], [(11, 3.0), (21, 4.0), (30, 9.0)], [(12, 2.0), (26, 0.0)]]
    curves = [
        agent_plot.AgentCurve("a", "b", [{"step": step, "return": value} for step, value in each]) for each in runs
    ]
    assert agent_plot.medians(curves, "return") == [(11, 2.0, 1.0, 3.0), (21, 4.0, 0.0, 5.0)]


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_cartpole_is_balanced_for_a_while(algorithm: str, tmp_path: Path):
    """Random actions keep the pole up for 22 actions on average, at most 60 or so."""
    run = tmp_path / "run"
    settings = ["loop.steps=60000", "loop.evaluate_every=1000000", "loop.final_episodes=50"]
    words = [word for each in settings for word in ("--set", each)]
    assert cli.main(["train", algorithm, "--config", f"{algorithm}-cartpole", "--run", str(run), *words]) == 0
    assert RunFolder(run).read_metrics()[-1]["return"] > 100


AGENTS = sorted(path.stem for name in ALGORITHMS for path in (data_dir() / "configs").glob(f"{name}-*.yaml"))


@pytest.mark.parametrize("preset", AGENTS)
def test_presets_load(preset: str):
    name = next(name for name in ALGORITHMS if preset.startswith(name))
    module, kind = algorithm_of(name)
    config = load(data_dir() / "configs" / f"{preset}.yaml", kind)
    assert config.name == preset
    environments = make_environments(config.environment)
    network = module.make_network(config, environments)
    preferences = network.preferences(torch.from_numpy(environments.observations))
    assert preferences.shape == (config.environment.count, environments.actions)

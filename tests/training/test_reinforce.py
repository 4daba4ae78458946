"""Learning from games: the loss by hand, resuming after kill -9, a policy that grows stronger, one that collapses."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from engine import network_file
from engine.evaluator import Evaluator
from engine.network_file import COMPACT, NetworkInfo
from engine.networks import Architecture, Compact, parameter_count
from engine.onnx_evaluator import OnnxEvaluator
from gozero import cli, features
from selfplay.contest import contest
from selfplay.game import RANDOM, GameSettings, Seats, play_games
from selfplay.pool import Pool
from training import checkpoint, export_command, reinforce, train_command
from training.export import write_weights
from training.losses import divergence, entropy, masked_log_policy, reinforce_loss
from training.run_folder import RunFolder
from training.slices import in_slices

SIZE = 4
SMALL = {
    "play.size": SIZE,
    "play.komi": 0.5,
    "loop.batch_size": 16,
    "loop.steps": 4,
    "loop.log_every": 1,
    "loop.evaluate_every": 100,
    "loop.checkpoint_every": 2,
    "play.temperature": 1.0,
    "learning.pool_every": 2,
    "learning.trace": 1.0,
    "learning.share": 0.5,
    "learning.start_moves": 0,
    "learning.value": 0.5,
    "evaluation.games": 4,
    "optimiser.rate": 0.003,
    "schedule.warmup": 1,
}


@pytest.fixture(scope="module")
def beginner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network that knows nothing."""
    torch.manual_seed(1)
    architecture = Architecture(
        blocks=1, channels=16, policy_channels=8, value_channels=4, value_hidden=8, batch_norm=True
    )
    network = Compact(architecture, features.plane_count("compact"))
    path = tmp_path_factory.mktemp("networks") / "beginner.safetensors"
    info = NetworkInfo(
        format=network_file.FORMAT,
        name="beginner",
        kind=COMPACT,
        feature_set="compact",
        feature_version=features.feature_set("compact").version,
        globals=len(features.GLOBALS),
        boards="any",
        architecture=msgspec.to_builtins(architecture),
        parameters=parameter_count(network),
        trained_on={"sources": ["rows.zip"]},
        results={},
    )
    write_weights(network, info, path)
    return path


def arguments(run: Path, init: Path | None, **changes: object) -> list[str]:
    """The command line of a small run; `init` None resumes it."""
    settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    if init is None:
        settings = {"loop.steps": settings["loop.steps"]}
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    start = ["--resume"] if init is None else ["--config", "reinforce-9", "--init", str(init)]
    return ["reinforce", "--run", str(run), *start, "--threads", "1", "--device", "cpu", *sets]


def train(run: Path, init: Path | None, **changes: object) -> dict[str, Tensor]:
    """Train to the end; the tensors of the newest checkpoint."""
    assert train_command.main(arguments(run, init, **changes)) == 0
    folder = RunFolder(run)
    return checkpoint.load(checkpoint.path_of(folder.checkpoints, folder.latest_step() or 0))[0]


def test_loss_by_hand() -> None:
    """Two moves of one game and one of another; the move that may not be played has no share."""
    logits = torch.tensor([[0.0, 0.0, 9.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], requires_grad=True)
    mask = torch.tensor([[1, 1, 0], [1, 1, 1], [1, 1, 1]], dtype=torch.uint8)
    moves, advantages = torch.tensor([0, 0, 1]), torch.tensor([1.0, 0.5, -1.0])
    log_policy = masked_log_policy(logits, mask, temperature=0.5)
    loss = reinforce_loss(log_policy, moves, advantages, games=2)
    loss.backward()
    shares = [torch.tensor([0.5, 0.5, 0.0]), torch.tensor([2.0, 0, 0]).softmax(0), torch.tensor([0, 4.0, 0]).softmax(0)]
    for row, (share, move, advantage) in enumerate(zip(shares, moves, advantages, strict=True)):
        # d log softmax(x / T) / dx = (1[a] - p) / T; divided by two games.
        expected = -advantage * (nn.functional.one_hot(move, 3) - share) / 0.5 / 2
        assert logits.grad is not None
        assert torch.allclose(logits.grad[row], expected, atol=1e-6)
    wanted = -sum(a * s[m].log() for a, s, m in zip(advantages, shares, moves, strict=True)) / 2
    assert loss.item() == pytest.approx(float(wanted))


def test_a_lost_game_makes_its_moves_less_likely() -> None:
    logits = torch.zeros(1, 4, requires_grad=True)
    mask = torch.ones(1, 4, dtype=torch.uint8)
    loss = reinforce_loss(masked_log_policy(logits, mask, 1.0), torch.tensor([2]), torch.tensor([-1.0]), 1)
    (slope,) = torch.autograd.grad(loss, logits)
    assert slope[0, 2] > 0  # down the gradient: its logit falls
    assert (slope[0, [0, 1, 3]] < 0).all()


def test_entropy_and_divergence() -> None:
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 0, 0]], dtype=torch.uint8)
    even = masked_log_policy(torch.zeros(3, 4), mask, 1.0)
    assert torch.allclose(entropy(even, mask), torch.tensor([4.0, 2.0, 1.0]).log())
    other = masked_log_policy(torch.tensor([[1.0, 0, 0, 0], [1.0, 0, 0, 0], [1.0, 0, 0, 0]]), mask, 1.0)
    expected = [
        nn.functional.kl_div(other[0], even[0].exp(), reduction="sum"),
        nn.functional.kl_div(other[1, :2], even[1, :2].exp(), reduction="sum"),
        torch.tensor(0.0),
    ]
    assert torch.allclose(divergence(even, mask, other), torch.stack(expected), atol=1e-6)


def test_slices_have_the_gradient_of_the_whole() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 1))
    unused = nn.Linear(2, 2)
    both = nn.ModuleList([network, unused])
    rows = torch.randn(10, 5)

    def loss_of(part: slice) -> Tensor:
        return network(rows[part]).square().sum()

    loss_of(slice(0, 10)).backward()
    whole = [parameter.grad for parameter in network.parameters()]
    both.zero_grad(set_to_none=True)
    total = in_slices(both, 10, 3, loss_of)
    total.backward()
    assert total.item() == pytest.approx(loss_of(slice(0, 10)).item(), rel=1e-6)
    for parameter, expected in zip(network.parameters(), whole, strict=True):
        assert expected is not None
        assert parameter.grad is not None
        assert torch.allclose(parameter.grad, expected, rtol=1e-5)
    assert all(parameter.grad is None for parameter in unused.parameters())


def test_a_policy_learns_to_beat_its_start(beginner: Path, tmp_path: Path) -> None:
    """From records to a stronger player in seconds; then as a file against the file that it began as."""
    run = tmp_path / "run"
    changes = {"loop__batch_size": 96, "loop__steps": 10, "loop__evaluate_every": 10, "evaluation__games": 100}
    train(run, beginner, **changes, learning__pool_every=4, play__size=5, play__longest=60, optimiser__rate=0.005)
    lines = RunFolder(run).read_metrics()
    result = next(line for line in lines if line["kind"] == "validation")
    assert result["score_start_low"] > 0.55
    assert result["score_start_low"] < result["score_start"] < result["score_start_high"]
    assert result["score_pool_low"] < result["score_pool"] < result["score_pool_high"]
    assert [line["games"] for line in lines if line["kind"] == "train"][-1] == 10 * 96
    assert sorted(path.stem for path in (run / "pool").iterdir()) == [f"step-{step:08d}" for step in (0, 4, 8)]
    path = tmp_path / "stronger.onnx"
    assert export_command.main(["--run", str(run), "--out", str(path)]) == 0
    stronger = OnnxEvaluator(path)
    assert stronger.info.trained_on["started_from"] == str(beginner)
    assert stronger.info.trained_on["sources"] == ["rows.zip", "self-play"]
    assert stronger.info.results["validation"]["score_start"] == result["score_start"]
    again = contest(stronger, stronger, GameSettings(size=5, temperature=0.3), 8, seed=1)
    assert again.games == 8


def test_games_begin_with_any_moves_then_the_first_member_s(
    beginner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    games, most = 64, 12
    begins = []

    def watched(policies: Sequence[Evaluator], seats: Seats, count: int, *arguments: Any, **named: Any) -> object:
        numbers = np.arange(count)
        begins.append(np.stack([seats(numbers, np.full(count, ply)) for ply in range(most + 1)], axis=1))
        return play_games(policies, seats, count, *arguments, **named)

    monkeypatch.setattr(reinforce, "play_games", watched)
    changes = {"loop__batch_size": games, "learning__start_moves": most, "learning__random_moves": 3}
    train(tmp_path / "run", beginner, loop__steps=2, **changes)
    assert len(begins) == 2
    assert not np.array_equal(begins[0], begins[1]), "every step begins in other ways"
    for seats in np.concatenate(begins):
        order = [RANDOM if seat == RANDOM else 2 if seat == 2 else 0 for seat in seats.tolist()]
        assert order == sorted(order, key=[RANDOM, 2, 0].index), "any move, the first member's, the learner's game"
    for seat, counts in ((RANDOM, range(4)), (2, range(most + 1))):
        found = {int((seats == seat).sum()) for seats in np.concatenate(begins)}
        assert found == set(counts)
    assert {tuple(sorted(seats[-2:].tolist())) for seats in begins[0]} >= {(0, 1)}


def test_a_killed_run_goes_on_as_if_nothing_had_happened(beginner: Path, tmp_path: Path) -> None:
    """With everything that a step may look at: the pool, positions to start from, the anchor, random symmetries."""
    changes = {
        "loop__batch_size": 8,
        "loop__steps": 6,
        "loop__checkpoint_every": 1,
        "learning__start_moves": 6,
        "learning__random_moves": 2,
        "learning__trace": 0.8,
        "learning__trace_rise": 4,
        "learning__anchor": 0.1,
        "play__turning": "true",
        "play__resign_below": -0.02,
        "play__play_out": 0.5,
    }
    killed = tmp_path / "killed"
    code = f"from training import train_command; train_command.main({arguments(killed, beginner, **changes)!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    folder = RunFolder(killed)
    deadline = time.monotonic() + 120
    while (folder.latest_step() or 0) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert 3 <= (folder.latest_step() or 0) < 6
    whole, parts = train(tmp_path / "whole", beginner, **changes), train(killed, None, loop__steps=6)
    assert whole.keys() == parts.keys()
    for key in whole:
        assert torch.equal(whole[key], parts[key]), key
    steps = [(line["kind"], line["step"]) for line in folder.read_metrics()]
    assert len(steps) == len(set(steps))
    kept = [path.read_bytes() for path in sorted((tmp_path / "whole" / "pool").iterdir())]
    assert kept == [path.read_bytes() for path in sorted((killed / "pool").iterdir())]
    assert sum(line["resigned"] for line in folder.read_metrics() if line["kind"] == "train") > 0
    divergences = [line["divergence"] for line in folder.read_metrics() if line["kind"] == "train"]
    assert divergences[0] == pytest.approx(0, abs=1e-4)
    assert divergences[-1] > 0.001


def test_a_run_that_goes_back_is_evaluated_against_those_who_had_joined(
    beginner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever else a killed session has left in the pool."""
    met: list[list[int]] = []

    def watched(pool: Pool, seed: int, step: int, *count: int) -> list[int]:
        members = draw(pool, seed, step, *count)
        if count:
            met.append(members)
        return members

    draw = Pool.draw
    monkeypatch.setattr(Pool, "draw", watched)
    train(tmp_path / "whole", beginner, loop__steps=4)
    train(tmp_path / "parts", beginner, loop__steps=2)
    pool = Pool(tmp_path / "parts" / "pool")
    for step in range(5, 9):
        pool.add(step, pool.weights(0))
    train(tmp_path / "parts", None, loop__steps=4)
    whole, _, parts = met
    assert sorted(whole) == [0, 2]
    assert parts == whole


def test_a_run_may_go_on_against_the_first_one_s_opponent(beginner: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.onnx"
    train(tmp_path / "first", beginner, loop__steps=2)
    assert export_command.main(["--run", str(tmp_path / "first"), "--out", str(first)]) == 0
    train(tmp_path / "second", first, loop__steps=2, learning__opponent=str(beginner))
    with safe_open(beginner, framework="pt") as theirs, safe_open(first.with_suffix(".safetensors"), "pt") as ours:
        with safe_open(tmp_path / "second" / "pool" / "step-00000000.safetensors", framework="pt") as pool:
            for name in pool.keys():  # noqa: SIM118
                assert torch.equal(pool.get_tensor(name), theirs.get_tensor(name)), name
        assert not torch.equal(ours.get_tensor("first.weight"), theirs.get_tensor("first.weight"))


def test_the_value_head_is_left_alone_unless_it_is_trained(beginner: Path, tmp_path: Path) -> None:
    for weight, baseline, same in ((0.0, "none", True), (0.5, str(beginner), False)):
        run = tmp_path / str(weight)
        whole = {"learning__share": 1, "loop__steps": 2}  # so that errors are exact means, not estimates
        tensors = train(run, beginner, learning__value=weight, learning__baseline=baseline, **whole)
        (line, *_) = RunFolder(run).read_metrics()
        assert line["advantage"] == pytest.approx(1 if same else line["value_error"], rel=1e-3)
        (started,) = (run / "pool").iterdir()
        start = safe_open(started, framework="pt")
        with start as file:
            equal = {
                name: torch.equal(file.get_tensor(name), tensors[f"network.{name}"])
                for name in file.keys()  # noqa: SIM118
            }
        head = [value for name, value in equal.items() if name.startswith("value.")]
        assert all(head) if same else not any(head), equal
        assert not equal["policy.hidden.weight"]
        assert not equal["first.weight"]
        assert equal["first_norm.running_mean"]  # who learns is who played: norms keep their statistics


@pytest.mark.parametrize(
    ("limit", "words"),
    [("least_entropy=9", "mean entropy"), ("least_moves=2", "for each point"), ("most_moves=0.5", "1.")],
)
def test_a_policy_that_collapses_stops_the_run(
    beginner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], limit: str, words: str
) -> None:
    command = ["train", *arguments(tmp_path / "run", beginner), "--set", f"learning.{limit}"]
    assert cli.main(command) == 2
    said = capsys.readouterr().err
    assert "collapsed at step 0" in said
    assert words in said


def test_what_cannot_be_done_is_said(beginner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*command: str) -> str:
        assert cli.main(["train", *command]) == 2
        return capsys.readouterr().err

    run = ["reinforce", "--run", str(tmp_path / "run")]
    assert "--config is missing" in refused(*run)
    assert "--init is missing" in refused(*run, "--config", "reinforce-9")
    assert "no run in" in refused(*run, "--resume")
    assert "leave --init" in refused(*run, "--resume", "--init", "compact-9")
    assert "tries nothing out" in refused(*arguments(tmp_path / "run", beginner, play__temperature=0))
    other = ["--set", "learning.opponent=wide-19", "--set", "play.size=9"]
    assert "another shape" in refused(*run, "--config", "reinforce-9", "--init", "compact-9", *other)
    other = ["--set", "learning.opponent=compact-9", "--set", "play.size=7"]
    assert "the opponent compact-9 does not play" in refused(
        *run, "--config", "reinforce-9", "--init", "compact-19", *other
    )
    assert "no network bas" in refused(*arguments(tmp_path / "run", beginner, learning__baseline="bas"))
    assert "plays on 9x9" in refused(*run, "--config", "reinforce-9", "--init", "compact-9", "--set", "play.size=7")
    assert not (tmp_path / "run" / "config.yaml").exists()
    train(tmp_path / "run", beginner, loop__steps=1)
    assert "already holds a run" in refused(*arguments(tmp_path / "run", beginner))
    assert "optimiser.rate" in refused(*run, "--resume", "--set", "optimiser.rate=1")

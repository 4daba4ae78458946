"""Games for a value network, learning from them, and measuring what was learned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.alphago_networks import ValueArchitecture, ValueNetwork
from engine.evaluator import UniformEvaluator
from engine.networks import parameter_count
from gozero import cli, features
from gozero.coords import BLACK, WHITE
from gozero.record import GameRecord
from gozero.store import Store, StoreWriter
from selfplay.game import RANDOM, GameSettings
from selfplay.u_sampling import seats_of, u_samples
from training import export_command, samples, train_command, value_eval
from training.batches import BatchSource
from training.beside import POSITIONS
from training.run_folder import RunFolder
from training.samples import SamplingConfig, make_samples, one_a_game
from training.value import Rectifiers, measures
from training.value_eval import calibration, evaluate_value, scores

SIZE = 5


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of random games on 5x5 with a position of each."""
    config = SamplingConfig(games=2500, part=1000, play=GameSettings(size=SIZE, komi=0.5))
    return make_samples(config, UniformEvaluator(), UniformEvaluator(), tmp_path_factory.mktemp("value"))


def test_who_moves_in_a_game_for_the_value_network() -> None:
    seats = seats_of(np.array([1, 3]))
    assert seats(np.array([0, 0]), np.array([0, 1])).tolist() == [RANDOM, 1]
    assert seats(np.array([1] * 4), np.arange(4)).tolist() == [0, 0, RANDOM, 1]


def test_samples_have_a_move_left_and_a_result() -> None:
    played = list(u_samples(UniformEvaluator(), UniformEvaluator(), GameSettings(size=SIZE), 31, 300, seed=2))
    assert 150 < len(played) <= 300
    assert all(1 <= sample.ply < sample.record.moves.size for sample in played)
    assert {sample.record.ending for sample in played} == {"counted"}
    # Evenly over all moves but for games that were over by then.
    early = sum(sample.ply <= 10 for sample in played)
    assert 0.2 < early / 300 < 0.45


def test_parts_are_not_played_again(tmp_path: Path) -> None:
    config = SamplingConfig(games=50, part=20, play=GameSettings(size=3, komi=0.5), latest=3)
    told: list[tuple[int, int]] = []

    class Stops(UniformEvaluator):
        calls = 0

        def evaluate(self, planes, global_values):
            self.calls += 1
            if self.calls > 60:
                raise KeyboardInterrupt
            return super().evaluate(planes, global_values)

    with pytest.raises(KeyboardInterrupt):
        make_samples(config, Stops(), Stops(), tmp_path / "parts", lambda *done: told.append(done))
    assert told
    assert told[-1] != (50, 50)
    first = tmp_path / "parts" / "parts" / "00000.store" / "moves.u16"
    before = first.stat().st_mtime_ns
    whole = make_samples(config, UniformEvaluator(), UniformEvaluator(), tmp_path / "parts")
    assert first.stat().st_mtime_ns == before
    other = make_samples(config, UniformEvaluator(), UniformEvaluator(), tmp_path / "once")
    assert (whole / "moves.u16").read_bytes() == (other / "moves.u16").read_bytes()
    assert np.array_equal(np.load(whole / POSITIONS), np.load(other / POSITIONS))
    assert len(np.load(whole / POSITIONS)) == len(Store.open(whole)) > 30


def test_a_stop_loses_a_piece_and_the_games_are_those_of_a_whole_part(tmp_path: Path) -> None:
    play = GameSettings(size=3, komi=0.5)
    config = SamplingConfig(games=50, part=30, boards=5, play=play, latest=3)
    told: list[int] = []

    def stop(done: int, games: int) -> None:
        told.append(done)
        if done > 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_samples(config, UniformEvaluator(), UniformEvaluator(), tmp_path, stop)
    assert told[0] == 0
    assert told == sorted(told)
    assert len(set(told)) > 10  # within a piece
    pieces = tmp_path / "parts" / "00000.pieces"
    assert sorted(path.name for path in pieces.iterdir()) == ["00000.store", "00010.store"]
    kept = (pieces / "00010.store" / "moves.u16").stat().st_ino
    seen: list[int] = []

    def look(done: int, games: int) -> None:
        if pieces.is_dir():
            seen.append((pieces / "00010.store" / "moves.u16").stat().st_ino)

    store = Store.open(make_samples(config, UniformEvaluator(), UniformEvaluator(), tmp_path, look))
    assert set(seen) == {kept}
    assert not pieces.exists()
    whole = [
        sample
        for number, games in enumerate((30, 20))
        for sample in u_samples(UniformEvaluator(), UniformEvaluator(), play, 3, games, (1 << 32) + number, boards=5)
    ]
    plies = np.load(store.path / POSITIONS).tolist()
    assert len(whole) == len(store) > 30
    found = sorted((store.record(row).moves.tolist(), ply) for row, ply in enumerate(plies))
    assert found == sorted((sample.record.moves.tolist(), sample.ply) for sample in whole)


def test_ctrl_c_among_the_games_says_how_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(samples, "u_samples", stopped)
    command = ["value", "--config", "value-9", "--supervised", "compact-9", "--reinforced", "compact-9"]
    run = ["--run", str(tmp_path / "run"), "--threads", "1", "--device", "cpu"]
    assert cli.main(["train", *command, *run, "--set", "network.blocks=1"]) == 130
    said = capsys.readouterr().err
    assert "games: 0 of" in said
    assert said.endswith(f"continue with: gozero train value --run {tmp_path / 'run'} --resume\n")


def test_rows_come_from_the_position_of_their_game(games: Path) -> None:
    store = Store.open(games)
    plies = one_a_game(store, seed=1)
    assert len(np.unique(store.games["key"])) == (plies >= 0).sum()
    source = BatchSource(store, feature_set="compact", size=SIZE, split="train", batch_size=300, seed=4)
    source.take_one_a_game(plies)
    rows, found = source.locate(source.chosen)
    assert np.array_equal(plies[rows], found)
    assert source.positions == source.games == len(np.unique(rows))
    batch = source.batch(0)
    stones = batch.planes[:, 0].sum((1, 2)) + batch.planes[:, 1].sum((1, 2))
    wanted = source.at(source.chosen)
    known = {tuple(row) for row in zip(stones.tolist(), batch.policy.tolist(), strict=True)}
    assert len(known) > 50
    winner = store.games["winner"][rows]
    black = wanted.globals[:, features.GLOBALS.index("Black to move")] > 0
    assert np.array_equal(wanted.value, np.where((winner == BLACK) == black, 1, -1).astype(np.float32))
    with pytest.raises(ValueError, match="no game"):
        source.take_one_a_game(np.full(len(store), -1))


def test_a_store_without_positions_gets_one_of_each_game_for_good(tmp_path: Path, row_store: Path) -> None:
    store = Store.open(row_store)
    plies = one_a_game(store, seed=1)
    kept = plies >= 0
    assert (plies[kept] < store.games["length"][kept]).all()
    assert 0.4 < (plies[kept] / store.games["length"][kept]).mean() < 0.6
    assert np.array_equal(plies, one_a_game(store, seed=1))
    assert not np.array_equal(plies, one_a_game(store, seed=2))
    with StoreWriter(tmp_path / "twice") as writer:
        for _ in range(2):
            writer.append(GameRecord(size=3, moves=np.array([4], np.uint16), komi=0.5, winner=BLACK, ending="counted"))
    assert (one_a_game(Store.open(tmp_path / "twice"), 1) >= 0).tolist() == [True, False]


def test_paper_network() -> None:
    """15 layers; weights counted by hand from Methods: 5x5x49 and 11 of 3x3 with biases, 1x1, 256 units, one."""
    network = ValueNetwork(ValueArchitecture(), features.plane_count("alphago49"))
    k = 192
    expected = 25 * 49 * k + k + 11 * (9 * k * k + k) + k + 1 + 361 * 256 + 256 + 257
    assert parameter_count(network) == expected
    small = ValueNetwork(ValueArchitecture(filters=8, layers=5, hidden=16, board=SIZE), 49)
    answers = small(torch.randint(0, 2, (3, 49, SIZE, SIZE), dtype=torch.uint8), torch.zeros(3, 6))
    assert answers.policy.shape == (3, SIZE * SIZE + 1)
    assert answers.policy.abs().max() == 0
    assert answers.value is not None
    assert answers.value.shape == (3,)
    assert answers.value.abs().max() < 1


class _Dying(nn.Module):
    """Four rectifiers in two layers: in one of them the first never fires, the second only on some positions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = functional.relu(torch.stack([-x.abs() - 1, x, x + 10], 1)[:, :, None, None])
        return torch.relu(first.sum((1, 2, 3))[:, None])


def test_dead_units_and_measures() -> None:
    with Rectifiers() as rectifiers:
        for values in ([-1.0, -2.0], [-3.0, 4.0]):
            rectifiers.next_pass()
            _Dying()(torch.tensor(values))
    assert rectifiers.dead() == pytest.approx(1 / 4)
    found = measures(torch.tensor([0.5, -0.5, 0.5, 0.5]), torch.tensor([1.0, -1, -1, 0]))
    assert found["mse"] == pytest.approx((0.25 + 0.25 + 2.25 + 0.25) / 4)
    assert found["mse_constant"] == pytest.approx(np.var([1, -1, -1, 0]))
    assert found["sign_accuracy"] == pytest.approx(2 / 3)
    assert found["spread"] == pytest.approx(np.std([0.5, -0.5, 0.5, 0.5]))
    parked = measures(torch.zeros(4), torch.tensor([1.0, -1, 1, -1]))
    assert (parked["spread"], parked["explained"]) == (0, 0)


@pytest.mark.parametrize("kind", ["network", "alphago"])
def test_a_network_learns_who_wins(games: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In two parts; exported and measured on the games that it did not see."""
    preset, more = "value-9", ["network.blocks=1", "network.channels=16", "optimiser.rate=0.004"]
    if kind == "alphago":
        more = ["alphago.filters=16", f"alphago.board={SIZE}", "alphago.layers=6", "alphago.hidden=32"]
        preset, more = "value-alphago-9", [*more, "optimiser.rate=0.002"]
    steps = 100
    sets = [f"data.size={SIZE}", "loop.batch_size=64", "loop.log_every=20", "schedule.warmup=5", *more]
    sets += [f"loop.evaluate_every={steps}", "loop.checkpoint_every=50", "data.validation_positions=256"]
    words = [word for setting in sets for word in ("--set", setting)]
    run = ["value", "--run", str(tmp_path / "run"), "--threads", "1", "--device", "cpu"]
    first = ["--config", preset, "--store", str(games), *words]
    assert train_command.main([*run, *first, "--set", "loop.steps=50"]) == 0
    assert train_command.main([*run, "--resume", "--set", f"loop.steps={steps}"]) == 0
    records = RunFolder(tmp_path / "run").read_metrics()
    assert all("value" in line and not {"policy", "top1"} & line.keys() for line in records if line["kind"] == "train")
    lines = [line for line in records if line["kind"] == "validation"]
    assert lines[-1]["explained"] > 0.1
    assert lines[-1]["spread"] > 0.1
    assert lines[-1]["dead"] < 0.6
    path = tmp_path / "value.onnx"
    assert export_command.main(["--run", str(tmp_path / "run"), "--out", str(path)]) == 0
    capsys.readouterr()
    plot = tmp_path / "plot.png"
    command = ["eval", "value", "--network", str(path), "--games", str(games), "--one-a-game", "--split", "all"]
    assert cli.main([*command, "--positions", "1000", "--plot", str(plot), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"network", "games", "positions", "mse", "mse_quarter", "mse_constant", "sign_accuracy"} <= result.keys()
    assert result["games"] == result["positions"] == 1000
    assert result["mse_quarter"] == pytest.approx(result["mse"] / 4)
    assert result["mse"] < 0.9 * result["mse_constant"]
    assert result["sign_accuracy"] > 0.6
    assert sum(part["positions"] for part in result["by_move"]) == 1000
    assert sum(mark["positions"] for mark in result["calibration"]) == 1000
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert cli.main([*command, "--positions", "50"]) == 0
    assert "squared error" in capsys.readouterr().out


def test_the_command_plays_the_games_that_it_learns_from(tmp_path: Path) -> None:
    command = ["value", "--config", "value-9", "--supervised", "compact-9", "--reinforced", "compact-9"]
    sets = ["sampling.games=12", "sampling.part=6", "loop.steps=1", "loop.batch_size=4", "network.blocks=1"]
    sets += ["data.validation_positions=1", "loop.evaluate_every=5", "sampling.play.longest=243"]
    words = [word for setting in sets for word in ("--set", setting)]
    status = cli.main(["train", *command, "--run", str(tmp_path), "--threads", "1", "--device", "cpu", *words])
    store = Store.open(tmp_path / "games.store")
    assert len(store) > 3
    assert status == 2  # so few games have none for validation
    assert RunFolder(tmp_path).config.is_file()


def test_scores_by_hand() -> None:
    values, results = np.array([0.5, -0.5, 0.5, -1.0]), np.array([1.0, -1.0, -1.0, 0.0])
    found = scores(values, results, np.array([1, 2, 3, 3]))
    assert found.mse == pytest.approx((0.25 + 0.25 + 2.25 + 1) / 4)
    assert found.mse_constant == pytest.approx(np.var(results))
    assert found.sign_accuracy == pytest.approx(2 / 3)
    assert found.mse_ci95 is not None
    assert found.mse_ci95[0] < found.mse < found.mse_ci95[1]
    marks = calibration(np.array([-1.0, -0.95, 0.05, 1.0]), np.array([-1.0, 1.0, 1.0, 1.0]))
    assert [(mark.positions, mark.mean_result) for mark in marks] == [(2, 0), (1, 1), (1, 1)]
    assert marks[0].mean_value == pytest.approx(-0.975)
    assert value_eval.by_move(values, results, np.arange(4), np.array([0, 9, 10, 25]))[1].positions == 1


def test_games_decided_by_the_clock_are_left_out(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store") as writer:
        for index, ending in enumerate(("counted", "time", "resign", "unknown")):
            moves = np.array([index, 0x8000 | 5, 6], np.uint16)
            writer.append(GameRecord(size=3, moves=moves, komi=0.5, winner=WHITE, ending=ending))

    class Even(UniformEvaluator):
        feature_set = "compact"  # type: ignore[misc]

    store = Store.open(tmp_path / "store")
    result = evaluate_value(Even(), store, name="even", size=3, split="all")
    assert (result.games, result.positions, result.mse, result.sign_accuracy) == (2, 6, 1.0, 0.0)
    assert result.spread == 0
    with StoreWriter(tmp_path / "none") as writer:
        writer.append(GameRecord(size=3, moves=moves, komi=None, winner=WHITE, ending="counted"))
        writer.append(GameRecord(size=3, moves=moves[:2], komi=0.5, winner=WHITE, ending="time"))
    with pytest.raises(ValueError, match="no 3x3 game says who won, other than by the clock, and with what komi"):
        evaluate_value(Even(), Store.open(tmp_path / "none"), name="even", size=3, split="all")


def test_what_cannot_be_done_is_said(tmp_path: Path, games: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*command: str) -> str:
        assert cli.main(["train", "value", "--run", str(tmp_path / "run"), *command]) == 2
        return capsys.readouterr().err

    assert "--config is missing" in refused()
    assert "no games to learn from" in refused("--config", "value-9")
    assert "no run in" in refused("--resume")
    assert "loss.value" in refused("--config", "value-9", "--set", "loss.value=0")
    assert "one network" in refused("--config", "value-9", "--set", "alphago={board: 9}")
    both = ("--config", "value-9", "--supervised", "compact-9", "--reinforced")
    assert "no network bas" in refused(*both, "bas")
    assert "must be the same" in refused(*both, "compact-9", "--set", "data.size=7")
    assert "gozero pack" in refused("--config", "value-9", "--store", str(tmp_path / "none"))
    assert "no network bas" in refused("--config", "value-9", "--store", str(games), "--init", "bas")
    assert "9x9" in refused("--config", "value-9", "--store", str(games))
    assert not (tmp_path / "run").exists()

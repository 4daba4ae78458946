"""`gozero eval policy`: against a plain loop over positions, and what it says when it cannot."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec import UNSET
from numpy.typing import NDArray

from engine import network_file
from engine.evaluator import Evaluation
from engine.onnx_evaluator import OnnxEvaluator
from gozero import cli, features, symmetry
from gozero.position import Position
from gozero.store import Store
from training import eval_command
from training.batches import ALL, BatchSource
from training.eval_games import open_games
from training.policy_eval import draw_positions, evaluate_policy, phases

SGF = (
    "(;GM[1]SZ[9]KM[7]RU[Chinese]RE[B+R]BR[4d]WR[2k]"
    ";B[ee];W[cc];B[gg];W[];B[cg];W[gc];B[ec];W[dc];B[dd];W[cd];B[ed];W[hg];B[hh];W[gh];B[fh];W[hf];B[ih];W[])"
    "(;GM[1]SZ[9]KM[5.5]RU[Japanese]RE[W+2.5]BR[9p]"
    ";B[dd];W[ff];B[fd];W[df];B[ee];W[fe];B[ed];W[ef];B[eg];W[gd])"
    "(;GM[1]SZ[9]KM[0.5]HA[2]AB[gc][cg]RE[?];W[cc];B[gg];W[cf];B[dg];W[fc])"
)


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three games on 9x9 with 30 stones and two passes, ranks, komi and handicap of several kinds."""
    folder = tmp_path_factory.mktemp("records")
    (folder / "games.sgf").write_text(SGF)
    return folder


@pytest.fixture(scope="module")
def store(games: Path) -> Iterator[Store]:
    with open_games([str(games)], 9) as (store, _):
        yield store


class Fake:
    """An evaluator made of a function from planes to logits [B, 82]."""

    def __init__(self, logits, feature_set: str = "compact") -> None:
        self._logits = logits
        self.feature_set = feature_set

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        return Evaluation(self._logits(planes).astype(np.float32), np.zeros(len(planes), np.float32))

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass


def beside_the_last_move(planes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Certain of the point that follows the last move in reading order."""
    last = planes[:, features.feature_set("compact").planes.index("move 1 plies ago")].reshape(len(planes), 81)
    logits = np.zeros((len(planes), 82))
    logits[:, 1:82] += 50.0 * last
    return logits


def near_stones(planes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The same from every side: likes points with many stones in their 3x3, own ones more."""
    padded = np.pad(3.0 * planes[:, 0] + planes[:, 1], ((0, 0), (1, 1), (1, 1)))
    sums = sum(padded[:, i : i + 9, j : j + 9] for i in range(3) for j in range(3))
    # Some asymmetry within a diagram, so that few points are exactly as good as another
    far = np.add.outer((np.arange(9) - 4.0) ** 2, (np.arange(9) - 4.0) ** 2)
    return np.pad((sums + 0.01 * far * sums).reshape(len(planes), 81), ((0, 0), (0, 1)))


def evaluate(store: Store, evaluator, **options):
    return evaluate_policy(evaluator, store, **{"name": "fake", "size": 9, "split": ALL, "positions": 1000, **options})


def positions_of(store: Store) -> Iterator[tuple[int, int, Position, int]]:
    """(game, ply, position, index of the move played) of every move but passes, by the board that plays."""
    for number in range(len(store)):
        game = store.record(number)
        position = Position(game.size, game.komi if game.komi is not None else 6.5, game.rules or "chinese")
        for code in game.setup:
            row, column = divmod(int(code) & 0x7FFF, 9)
            position.add_stone((row + 1) * 10 + column + 1, 2 if code & 0x8000 else 1)
        if game.handicap:
            position.to_play = 2
        for ply, code in enumerate(game.moves.tolist()):
            index = code & 0x7FFF
            if index < 81:
                yield number, ply, position.copy(), index
            position.play(0 if index == 81 else (index // 9 + 1) * 10 + index % 9 + 1)


def test_scores_are_those_of_a_plain_loop(store: Store):
    """A shipped network, one position at a time through the board that plays, in each of the eight symmetries."""
    evaluator = OnnxEvaluator(network_file.find("compact-9"))
    ranks, losses, symmetric = [], [], []
    for _, _, position, index in positions_of(store):
        planes, facts = features.planes(position, "compact"), features.globals_of(position)
        shares = []
        for which in range(8):
            turned = symmetry.transform_planes(planes, which)
            logits = evaluator.evaluate(turned[None], facts[None]).policy_logits[0].astype(np.float64)
            back = symmetry.transform_policy(logits, symmetry.inverse_symmetry(which))
            shares.append(np.exp(back) / np.exp(back).sum())
        ranks.append(int((shares[0] > shares[0][index]).sum()))
        losses.append(-np.log(shares[0][index]))
        mean = np.mean(shares, axis=0)
        symmetric.append((int((mean > mean[index]).sum()), -np.log(mean[index])))
    result = evaluate(store, evaluator, symmetries=True, batch_size=7)
    assert (result.games, result.positions) == (3, 31)
    assert result.top1 == pytest.approx(np.mean(np.array(ranks) == 0))
    assert result.top5 == pytest.approx(np.mean(np.array(ranks) < 5))
    assert 0 < result.top1 < result.top5 < 1
    assert result.nll == pytest.approx(np.mean(losses), abs=1e-5)
    assert result.top1_symmetries == pytest.approx(np.mean([rank == 0 for rank, _ in symmetric]))
    assert result.nll_symmetries == pytest.approx(np.mean([loss for _, loss in symmetric]), abs=1e-5)
    assert result.nll_symmetries != pytest.approx(result.nll, abs=1e-4)


def test_the_average_over_symmetries_turns_answers_back(store: Store):
    """What looks the same from every side is not changed by averaging; an answer that turns with nobody is diluted."""
    same = evaluate(store, Fake(near_stones), symmetries=True)
    assert same.nll_symmetries == pytest.approx(same.nll, abs=1e-6)
    assert same.top5_symmetries == same.top5
    plain = evaluate(store, Fake(near_stones))
    assert (plain.top1, plain.nll) == (same.top1, same.nll)
    assert plain.top1_symmetries is UNSET


def test_perfect_and_blind_predictions(row_store: Path):
    """Stones in rows: only the first move of a game is not beside the last one."""
    store = Store.open(row_store)
    first = int((store.games["length"] > 0).sum())
    total = int(store.games["length"].sum())
    result = evaluate(store, Fake(beside_the_last_move), positions=10**6)
    assert result.positions == total
    assert result.top1 == pytest.approx(1 - first / total)
    assert result.nll == pytest.approx(np.log(82) * first / total, abs=1e-6)
    blind = evaluate(store, Fake(lambda planes: np.zeros((len(planes), 82))), positions=500)
    assert (blind.top1, blind.top5) == (0, 0)  # equally likely moves count against the network
    assert blind.nll == pytest.approx(np.log(82))


def test_a_move_without_any_chance_has_a_finite_loss(store: Store):
    certain_pass = Fake(lambda planes: np.where(np.arange(82) == 81, 0.0, -1e4) * np.ones((len(planes), 1)))
    result = evaluate(store, certain_pass)
    assert 100 < result.nll < 1000


def test_groups(store: Store):
    truth = list(positions_of(store))
    result = evaluate(store, Fake(near_stones))
    counts = {group.name: group.positions for group in result.phases}
    assert counts == {
        "opening": sum(ply < 14 for _, ply, _, _ in truth),
        "middle": sum(ply >= 14 for _, ply, _, _ in truth),
    }
    # Black 4d moved 9 times; White 2k passed twice in 9 moves; Black 9p moved 5 times against nobody's rank.
    assert {group.name: group.positions for group in result.by_rank} == {"kyu": 7, "1d-5d": 9, "professional": 5}
    assert [group.positions for group in result.by_source] == [31]
    assert [group.name for group in result.by_source] == result.sources
    weighted = sum(group.positions * group.top1 for group in result.phases) / result.positions
    assert weighted == pytest.approx(result.top1)


def test_phases_cover_every_game():
    assert [end for _, _, end in phases(19)[:2]] == [60, 150]
    assert [end for _, _, end in phases(9)[:2]] == [14, 34]
    for size in (1, 5, 9, 13, 19, 25):
        (_, first, _), *_ = table = phases(size)
        assert first == 0
        assert [end for _, _, end in table[:-1]] == [start for _, start, _ in table[1:]]
        assert table[-1][2] > 0xFFFF


def test_positions_are_drawn_by_the_seed_alone(row_store: Path):
    store = Store.open(row_store)

    def drawn(seed: int, wanted: int = 300, feature_set: str = "compact") -> NDArray[np.int64]:
        source = BatchSource(store, feature_set=feature_set, size=9, split="test", batch_size=8, seed=0)
        return draw_positions(store, source, wanted, seed).numbers

    assert np.array_equal(drawn(1), drawn(1, feature_set="alphago48"))
    assert not np.array_equal(drawn(1), drawn(2))
    assert (np.diff(drawn(1)) > 0).all()
    assert len(drawn(1)) == 300
    everything = drawn(5, wanted=10**6)
    assert np.array_equal(everything, np.arange(len(everything)))


def test_all_positions_are_equally_likely(row_store: Path):
    """A fixed number a game would favour the short ones."""
    store = Store.open(row_store)
    source = BatchSource(store, feature_set="compact", size=9, split=ALL, batch_size=8, seed=0)
    drawn = draw_positions(store, source, 9000, 1)
    lengths = store.games["length"]
    assert (drawn.plies < lengths[drawn.rows]).all()
    mean = np.average(lengths, weights=lengths)
    assert lengths[drawn.rows].mean() == pytest.approx(mean, rel=0.01)


def test_comparison_is_paired(store: Store):
    better, worse = Fake(near_stones), Fake(beside_the_last_move)
    result = evaluate(store, better, against=(worse, "other"))
    alone = evaluate(store, worse)
    against = result.against
    assert against is not UNSET
    assert (against.network, against.scores.top1, against.scores.nll) == ("other", alone.top1, alone.nll)
    assert against.top1_difference == pytest.approx(result.top1 - alone.top1)
    assert against.nll_difference == pytest.approx(result.nll - alone.nll)
    assert against.nll_difference_ci95 is not None
    low, high = against.nll_difference_ci95
    assert low < against.nll_difference < high
    mirrored = evaluate(store, worse, against=(better, "first")).against
    assert mirrored is not UNSET
    assert mirrored.nll_difference_ci95 == pytest.approx((-high, -low))
    # A network of other inputs: their first two planes are the same.
    other_inputs = evaluate(store, better, against=(Fake(near_stones, "alphago48"), "other inputs")).against
    assert other_inputs is not UNSET
    assert (other_inputs.agreement, other_inputs.nll_difference) == (1, 0)
    twin = evaluate(store, better, against=(better, "twin")).against
    assert twin is not UNSET
    assert (twin.top1_difference, twin.top1_difference_ci95, twin.agreement) == (0, (0, 0), 1)


def test_a_network_without_value_is_not_judged_on_it(store: Store):
    result = evaluate(store, Fake(near_stones), with_value=False)
    assert (result.value_mse, result.value_accuracy) == (None, None)
    # Two games have a result; the value 0 is 1 off in each of their positions.
    assert evaluate(store, Fake(near_stones)).value_mse == pytest.approx(1.0)


# --- the command -----------------------------------------------------------------------------------------------------


def test_command_prints_json_and_a_table(games: Path, capsys: pytest.CaptureFixture[str]):
    command = ["policy", "--network", "compact-9", "--games", str(games), "--symmetries"]
    assert eval_command.main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"network", "games", "positions", "top1", "top1_ci95", "top5", "nll", "top1_symmetries"} <= result.keys()
    assert (result["network"], result["games"], result["positions"]) == ("compact-9", 3, 31)
    assert eval_command.main([*command, "--against", "compact-19"]) == 0
    table = capsys.readouterr().out
    assert all(text in table for text in ("compact-9 on 9x9", "opening, plies 0-13", "rank kyu", "8 symmetries"))
    assert f"{result['top1'] * 100:.2f} ±" in table
    assert "compact-9 minus compact-19, averaged over the eight symmetries" in table
    assert eval_command.main([*command[:-1], "--json"]) == 0
    assert "top1_symmetries" not in json.loads(capsys.readouterr().out)


def test_two_files_of_one_name_are_told_apart(games: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = tmp_path / "other.onnx"
    other.write_bytes(network_file.find("compact-9").read_bytes())
    command = ["policy", "--network", "compact-9", "--against", str(other), "--games", str(games), "--json"]
    assert eval_command.main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["network"].endswith("compact-9.onnx")
    assert result["against"]["network"] == str(other)
    assert result["against"]["top1_difference"] == 0


def test_records_that_are_left_out_are_named(games: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "good.sgf").write_text(SGF)
    (tmp_path / "large.sgf").write_text("(;GM[1]SZ[19]RE[B+R];B[aa])")
    (tmp_path / "broken.sgf").write_text("(;GM[1]SZ[9]RE[B+R];B[aa")
    assert eval_command.main(["policy", "--network", "compact-9", "--games", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["games"] == 3
    assert "broken.sgf: broken SGF" in captured.err
    assert "large.sgf" not in captured.err
    assert "records left out: broken SGF 1, wrong size 1" in captured.err


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What the command line says on stderr, exit status 2 and an empty stdout checked."""
    capsys.readouterr()
    assert cli.main(["eval", *(str(argument) for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("gozero: error: ")
    return line


def test_complaints(games: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    nine = ("policy", "--network", "compact-9", "--games")
    assert "did you mean 'policy'" in complaint(capsys, "polcy")
    assert "--batch must be at least 1" in complaint(capsys, *nine, games, "--batch", "0")
    assert "does not exist" in complaint(capsys, *nine, tmp_path / "absent")
    assert "holds no .sgf file" in complaint(capsys, *nine, tmp_path)
    text = complaint(capsys, "policy", "--network", "compact-19", "--games", games)
    assert "(wrong size 3); wanted are 19x19 games" in text
    assert "no 9x9 game from chess" in complaint(capsys, *nine, games, "--source", "chess")
    assert "there is no network compact-8" in complaint(capsys, *nine, games, "--against", "compact-8")
    (tmp_path / "noise.sgf").write_bytes(b"\x00\xff")
    assert "(no game 1)" in complaint(capsys, *nine, tmp_path)
    (tmp_path / "noise.sgf").write_text("(;GM[1]SZ[9]RE[0];B[];W[])")
    assert "with a move other than a pass" in complaint(capsys, *nine, tmp_path)
    (tmp_path / "torn.zip").write_bytes(b"PK\x03\x04")
    assert "torn.zip cannot be read to its end" in complaint(capsys, *nine, tmp_path)


def test_ctrl_c_is_quiet(games: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """Nothing half on stdout, no traceback, and the games packed for the while are gone."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(OnnxEvaluator, "evaluate", interrupted)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cli.main(["eval", "policy", "--network", "compact-9", "--games", str(games), "--json"]) == 130
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_the_help_lists_every_evaluation(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["eval"]) == 0
    listed = capsys.readouterr().out
    for name, (target, what) in eval_command.EVALUATIONS.items():
        assert f"  {name} " in listed
        assert what in listed
        assert target.endswith(":main")

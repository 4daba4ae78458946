"""Bare policies against each other, and the pool that opponents come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.evaluator import Evaluation, UniformEvaluator
from gozero.coords import BLACK, WHITE
from gozero.record import WHITE_BIT, GameRecord
from selfplay.contest import Contest, contest, different_games
from selfplay.game import GameSettings
from selfplay.pool import Pool, PoolError
from training import eval_command


class Prefers(UniformEvaluator):
    """Plays anywhere but on the first line, while it can: as on small boards one should."""

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        count, _, size, _ = planes.shape
        logits = np.zeros((size, size), np.float32)
        logits[1:-1, 1:-1] = 5
        rows = np.tile(np.append(logits, np.float32(0)), (count, 1))
        return Evaluation(rows, np.zeros(count, np.float32))


def test_the_better_policy_wins_with_both_colours() -> None:
    found = contest(Prefers(), UniformEvaluator(), GameSettings(size=5, komi=0.5), 200, seed=1)
    other = contest(UniformEvaluator(), Prefers(), GameSettings(size=5, komi=0.5), 200, seed=1)
    low, high = found.interval
    assert 0.6 < low < found.score < high
    assert other.score < 0.4
    black, white = found.score_as(BLACK), found.score_as(WHITE)
    assert black is not None
    assert white is not None
    assert min(black, white) > 0.5
    assert (black + white) / 2 == pytest.approx(found.score)
    assert found.wins == sum(
        record.winner == (BLACK if number % 2 == 0 else WHITE) for number, record in enumerate(found.records)
    )


def test_no_two_games_with_the_same_colours_are_the_same() -> None:
    """Policies that always play their best move have one game a colour, unless openings differ."""
    settings = GameSettings(size=4, temperature=0)
    without = contest(Prefers(), UniformEvaluator(), settings, 20, seed=1)
    assert without.games == 2
    assert without.repeated > 20
    with_openings = contest(Prefers(), UniformEvaluator(), settings, 60, seed=1, opening=2)
    assert with_openings.games == 60
    assert with_openings.repeated > 0
    assert with_openings.first.count(BLACK) == 30
    assert different(with_openings) == 60


class Ended(NamedTuple):
    """A game of so many moves that Black won."""

    number: int
    length: int

    @property
    def record(self) -> GameRecord:
        moves = np.array([index | WHITE_BIT * (index % 2) for index in range(self.length)], np.uint16)
        return GameRecord(size=9, moves=moves, winner=BLACK)


def different(found: Contest) -> int:
    """How many games there are that differ in their moves or in the first player's colour."""
    return len({(record.key, colour) for record, colour in zip(found.records, found.first, strict=True)})


@pytest.mark.parametrize("games", [10, 11])
def test_who_plays_alike_scores_one_half(games: int) -> None:
    """Every opening leads to one game, whoever has Black: it counts once with each colour, also the second time that
    there are some to replace."""

    def play(count: int, seed: int) -> list[Ended]:
        return [Ended(number, 1 + (number // 2 + seed) % 8) for number in range(count)]

    found = different_games(play, games, seed=0)
    assert (found.games, different(found)) == (games, games)
    assert found.first.count(BLACK) == (games + 1) // 2
    assert found.wins == (games + 1) // 2
    again = different_games(play, 20, seed=0)  # where there are no more than eight openings
    assert (again.games, again.first.count(BLACK), again.score) == (16, 8, 0.5)
    assert again.repeated > 0


def test_partners_are_left_out_together() -> None:
    """One of the second two is the first game again, so neither counts; two others do."""
    lengths = {0: [1, 2, 3, 2], 1: [4, 5]}

    def play(count: int, seed: int) -> list[Ended]:
        return [Ended(number, length) for number, length in enumerate(lengths[seed][:count])][::-1]

    found = different_games(play, 4, seed=0)
    assert [record.moves.size for record in found.records] == [1, 2, 4, 5]
    assert found.first == [BLACK, WHITE, BLACK, WHITE]
    assert found.repeated == 2


def test_without_games_nothing_is_known() -> None:
    nothing = Contest([], [], 0)
    assert (nothing.score, nothing.interval, nothing.score_as(BLACK)) == (0.5, (0.0, 1.0), None)


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["reinforce", "--network", "compact-9", "--against", "compact-9", "--games", "4"]
    assert eval_command.main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"network", "against", "sampled", "greedy"} <= result.keys()
    for name, temperature, opening in (("sampled", 0.3, 0), ("greedy", 0.0, 8)):
        row = result[name]
        assert (row["temperature"], row["opening"], row["games"]) == (temperature, opening, 4)
        assert row["wins"] + row["losses"] + row["draws"] == 4
        assert row["score_ci95"][0] <= row["score"] <= row["score_ci95"][1]
    assert eval_command.main(command) == 0
    assert "best moves after 8 random ones" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--games"):
        eval_command.main([*command, "--games", "0"])


def test_pool_draws_from_who_had_joined_by_then(tmp_path: Path) -> None:
    pool = Pool(tmp_path / "pool")
    with pytest.raises(PoolError, match="empty"):
        pool.draw(1, 0)
    for step in (0, 10, 20, 30):
        pool.add(step, {"a": torch.full((2,), float(step))})
    before = [pool.draw(7, step) for step in range(20, 30)]
    assert {member for (member,) in before} <= {0, 10, 20}
    pool.add(40, {"a": torch.zeros(2)})
    assert [pool.draw(7, step) for step in range(20, 30)] == before
    assert pool.steps(until=25) == [0, 10, 20]
    drawn = [pool.draw(3, step)[0] for step in range(40, 1040)]
    counts = np.array([drawn.count(member) for member in (0, 10, 20, 30, 40)])
    assert ((counts - 200) ** 2 / 200).sum() < 18  # chi-square of 4 degrees: above in 1 of 1,000
    assert sorted(pool.draw(3, 50, count=5)) == [0, 10, 20, 30, 40]
    assert pool.weights(20)["a"].tolist() == [20, 20]
    assert [path.suffix for path in pool.folder.iterdir()] == [".safetensors"] * 5


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    pool = Pool(tmp_path)
    pool.add(5, {"a": torch.zeros(1)})
    (tmp_path / "step-00000005.safetensors").write_bytes(b"noise")
    with pytest.raises(PoolError, match="step-00000005"):
        pool.weights(5)
    with pytest.raises(PoolError, match="step-00000006"):
        pool.weights(6)

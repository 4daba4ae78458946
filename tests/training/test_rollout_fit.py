"""Learning rollout policies: the gradient, what a pattern game teaches, and the commands."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine import rollout_file
from engine.rollout import RolloutPolicy, load_policy
from engine.rollout_tables import Tables
from gozero import cli, config
from gozero.coords import BLACK, WHITE, move_index
from gozero.data_files import data_dir
from gozero.position import Position
from gozero.record import WHITE_BIT, GameRecord
from gozero.store import Store, StoreWriter
from training import rollout_eval, rollout_fit
from training.rollout_fit import RolloutConfig, fit

SIZE = 7


def climbers_game(seed: int) -> GameRecord:
    """A game of players who put a stone beside the last one, above it if they can, and else anywhere."""
    random = np.random.default_rng(seed)
    position = Position(SIZE, rules="japanese")
    for _ in range(30):
        above = position.last_move - (SIZE + 1)
        if position.moves and above > SIZE and position.legal(above):
            position.play(above)
        else:
            position.play(str(random.choice(list(position.legal_vertices()))))
    codes = [move_index(point, SIZE) | (WHITE_BIT if colour == WHITE else 0) for colour, point in position.moves]
    return GameRecord(SIZE, np.array(codes, np.uint16), first_player=BLACK, source="made-up")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("rollout") / "games.store"
    with StoreWriter(path) as writer:
        for seed in range(260):
            writer.append(climbers_game(seed))
    return Store.open(path)


CONFIG = RolloutConfig(name="rollout-7", size=SIZE, share=0.5, min_seen=20, min_played=2, positions=5000)


def test_the_gradient_is_that_of_the_loss(store: Store) -> None:
    """A tiny step from random values changes the loss of one position by the squared length of its gradient, as
    measured by differences."""
    games = rollout_fit.Games.of(store, SIZE, "train", ())
    with ThreadPoolExecutor(1) as pool:
        vocabulary = rollout_fit._count(games, games.rows, CONFIG, pool, 1)
        tables = Tables(vocabulary)
        fitting = rollout_fit._Fitting(games, CONFIG, tables, True, 1)
        random = np.random.default_rng(0)
        start = random.normal(0, 0.5, len(fitting.values)).astype(np.float32)
        row = games.rows[:1]
        share = 0.02
        while True:  # until exactly one position of that game is drawn
            fitting.values[:] = start
            if fitting.run(row, 0.0, share, pool)[0] == 1:
                break
            share += 0.003
        loss = fitting.run(row, 0.0, share, pool)[1]
        fitting._squares[:] = 0
        fitting.run(row, 1e-3, share, pool)  # from no squares, Adagrad's first step is the rate times the sign
        signs = np.sign(start - fitting.values)
        gradient = np.sqrt(fitting._squares) * signs
        touched = np.flatnonzero(gradient)
        assert len(touched) > 5
        for feature in touched:
            fitting.values[:] = start
            fitting.values[feature] += 0.02
            above = fitting.run(row, 0.0, share, pool)[1]
            fitting.values[feature] = start[feature] - 0.02
            below = fitting.run(row, 0.0, share, pool)[1]
            assert (above - below) / 0.04 == pytest.approx(gradient[feature], abs=2e-3)
        fitting.values[:] = start
        assert fitting.run(row, 0.0, share, pool)[1] == loss


def test_both_policies_learn_what_is_played_and_play_it(store: Store, tmp_path: Path) -> None:
    weights = fit(store, CONFIG)
    rollout_file.save(tmp_path / "rollout-7.npz", weights)
    policy = RolloutPolicy(rollout_file.load(tmp_path / "rollout-7.npz"))
    result = rollout_eval.evaluate_rollout(policy, store, size=SIZE, split="all", positions=300)
    assert result.positions == 300
    # 70 % of the moves follow the rule. Above looks like below to these policies, but not once stones stand there.
    assert result.top1 > 0.45
    assert result.tree_top1 > 0.45
    assert result.tree_nll < 1.6
    assert result.us_per_move > 0


def test_one_thread_learns_the_same_twice(store: Store) -> None:
    first, second = fit(store, CONFIG), fit(store, CONFIG)
    assert np.array_equal(first.rollout_values, second.rollout_values)
    assert np.array_equal(first.tree_values, second.tree_values)


def test_two_threads_learn_as_well(store: Store) -> None:
    one, two = fit(store, CONFIG), fit(store, CONFIG, threads=2)
    assert np.array_equal(one.vocabulary.patterns, two.vocabulary.patterns)
    assert np.array_equal(one.vocabulary.responses, two.vocabulary.responses)
    if one.facts["validation"]["rollout"].get("top1") is not None:
        assert abs(one.facts["validation"]["rollout"]["nll"] - two.facts["validation"]["rollout"]["nll"]) < 0.1


def test_the_commands_train_and_evaluate(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.yaml").write_text("name: rollout-7\nsize: 7\nmin_seen: 20\nmin_played: 2\n")
    arguments = ["--config", str(tmp_path / "small.yaml"), "--store", str(store.path), "--run", str(tmp_path / "run")]
    assert cli.main(["train", "rollout", *arguments, "--set", "positions=500", "--threads", "1"]) == 0
    assert "next: gozero eval rollout" in capsys.readouterr().err
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert {json.loads(line)["policy"] for line in lines} == {"rollout", "tree"}
    file = str(tmp_path / "run" / "rollout-7.npz")
    common = ["--network", file, "--games", str(store.path), "--split", "all", "--positions", "50"]
    assert cli.main(["eval", "rollout", *common, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {"positions", "top1", "tree_top1", "us_per_move", "rollouts_per_s"} <= set(facts)
    assert facts["winners"] is None  # these games have none
    assert cli.main(["eval", "rollout", *common]) == 0
    assert "rollout policy" in capsys.readouterr().out
    assert cli.main(["train", "rollout", *arguments]) == 2
    assert "already holds a run" in capsys.readouterr().err


@pytest.mark.parametrize("winner", [BLACK, WHITE])
def test_rollouts_tell_the_winner_by_komi_for_either_player(tmp_path: Path, winner: int) -> None:
    """No game can make up for a komi of 100 points, and in a third of the records it is the other side that has won."""
    with StoreWriter(tmp_path / "decided.store") as writer:
        for seed in range(30):
            recorded = winner if seed % 3 else 3 - winner
            komi = 100.0 if winner == WHITE else -100.0
            writer.append(dataclasses.replace(climbers_game(seed), winner=recorded, komi=komi))
    store = Store.open(tmp_path / "decided.store")
    policy = load_policy("auto", SIZE)
    told = rollout_eval.evaluate_rollout(policy, store, size=SIZE, split="all", positions=900).winners
    assert told is not None
    assert told.positions == 900
    assert told.learned == told.random == pytest.approx(2 / 3, abs=0.01)
    assert told.learned_ci95[0] < 0.6 < 0.73 < told.learned_ci95[1]


def test_a_store_without_such_games_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match=r"has no 9x9 game from tygem in its train split"):
        fit(store, RolloutConfig(name="rollout-9", size=9, sources=("tygem",)))


@pytest.mark.parametrize("name", ["rollout-9", "rollout-19"])
def test_presets_load(name: str) -> None:
    preset = config.load(data_dir() / "configs" / f"{name}.yaml", RolloutConfig)
    assert preset.name == name
    with pytest.raises(config.ConfigError, match="share must be above 0"):
        config.load(data_dir() / "configs" / f"{name}.yaml", RolloutConfig, ["share=0"])

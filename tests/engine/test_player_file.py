"""How players are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from engine import levels
from engine.joined_evaluator import JoinedEvaluator
from engine.network_file import NetworkFileError
from engine.player_file import (
    ROLLOUT_SHARE,
    ROLLOUTS_FOR_A_VISIT,
    PlayerError,
    PlayerSettings,
    load_player,
    networks_of,
    settings_of,
)
from engine.search import Limits, SearchConfig
from gozero import config, data_files
from gozero.config import ConfigError
from gozero.position import Position


@pytest.mark.parametrize("bad", [{"temperature": -1.0}, {"visits": 0}, {"seconds": 0.0}])
def test_impossible_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        PlayerSettings(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "file", sorted((data_files.data_dir() / "configs").glob("player-*.yaml")), ids=lambda f: f.stem
)
def test_every_shipped_player_file_is_one(file: Path) -> None:
    assert isinstance(config.load(file, PlayerSettings), PlayerSettings)


def test_what_is_asked_for_replaces_what_the_file_says() -> None:
    loaded = load_player(size=7, network="none", visits=30, threads=1, temperature=0.5, seed=4)
    assert loaded.limits == Limits(30, None)
    assert loaded.search.config.batches_in_flight == 1
    assert loaded.settings.temperature == 0.5
    position = Position(7)
    first, second = (load_player(size=7, network="none", visits=30, threads=1, temperature=0.5, seed=4) for _ in "ab")
    assert first.choose(position).point == second.choose(position).point
    assert load_player(network="none").limits == Limits(None, 2.0)
    assert load_player(network="none", seconds=5.0).limits == Limits(None, 5.0)
    loaded.close()


def test_a_player_of_ones_own_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("network: none\nvisits: 12\nseconds: null\nsearch: {c_puct: 2.5}\n")
    mine = load_player(str(file))
    assert mine.limits == Limits(12, None)
    assert mine.search.config.c_puct == 2.5


def test_faults_name_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(PlayerError, match=r"no player autto.*auto"):
        load_player("autto")
    with pytest.raises(NetworkFileError, match=r"nowhere\.onnx"):
        load_player(network=str(tmp_path / "nowhere.onnx"))
    file = tmp_path / "mine.yaml"
    file.write_text("search: {c_put: 2.5}\n")
    with pytest.raises(ConfigError, match=r"search\.c_put.*search\.c_puct"):
        load_player(str(file))


VARIANTS = ["alphago", "no-rollouts", "no-value", "no-policy", "policy", "rollouts", "value"]
"""The seven rows of the paper's table (Extended Data Table 7)."""


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_of_the_paper_plays(name: str) -> None:
    player = load_player(name, 9, visits=24, seed=1)
    position = Position(9)
    for _ in range(2):
        choice = player.choose(position)
        assert choice.result is not None
        position.play(choice.point)
    player.close()


def test_the_variants_have_what_their_names_say() -> None:
    players = {name: load_player(name, 9, seed=1) for name in VARIANTS}
    shares = {name: player.search.config.rollout_share for name, player in players.items()}
    assert shares == {
        "alphago": 0.5,
        "no-rollouts": 0.0,
        "no-value": 1.0,
        "no-policy": 0.5,
        "policy": 0.0,
        "rollouts": 0.0,  # its evaluator is the rollouts
        "value": 0.0,
    }
    position = Position(9)
    for name, player in players.items():
        result = player.search.run(position, Limits(visits=1))
        # The tree policy likes the first line of an empty board about as well as the rest; networks know better.
        follows_tree = name in ("no-policy", "rollouts", "value")
        same = np.abs(result.policy - players["rollouts"].search.run(position, Limits(visits=1)).policy).max() < 1e-4
        assert same == follows_tree, name
        player.close()


def test_rollouts_and_their_share_can_be_asked_for() -> None:
    player = load_player("no-rollouts", 9, rollouts="random", visits=8, seed=1)
    assert player.search.config.rollout_share == ROLLOUT_SHARE
    player.choose(Position(9))
    player.close()
    assert load_player("no-rollouts", 9, rollout_share=0.2, seed=1).settings.rollouts == "auto"
    assert load_player("alphago", 9, rollouts="none", seed=1).search.config.rollout_share == 0.0
    assert load_player("alphago", 9, rollout_share=0.0, seed=1).settings.rollouts == "none"


def test_the_player_without_a_network_can_play_random_games() -> None:
    """With equal seeds and the same tree policy, another kind of rollout makes another search."""
    position = Position(9)
    visits = []
    for rollouts in (None, "auto", "random"):
        player = load_player(size=9, network="none", visits=200, threads=1, rollouts=rollouts, seed=1)
        result = player.search.run(position, player.limits)
        visits.append(sorted((move.point, move.visits) for move in result.moves))
    assert visits[0] == visits[1]
    assert visits[1] != visits[2]
    assert load_player(size=9, policy="none", value="none", seed=1).settings.is_without_network
    assert load_player("no-rollouts", 9, network="none", seed=1).settings == load_player("rollouts", 9, seed=1).settings


def test_without_a_network_lambda_is_nobodys_and_the_sentence_helps() -> None:
    with pytest.raises(ValueError, match=r"leave lambda = 0\.5 out, or name a network"):
        settings_of(network="none", rollout_share=0.5)
    with pytest.raises(ValueError, match=r"must be 0, not 0\.5; .* is rollouts \(--player rollouts\)"):
        settings_of("alphago", network="none")
    assert settings_of("rollouts").is_without_network


def test_the_default_player_plays_rollouts_and_its_levels_none() -> None:
    default = load_player(size=9, seed=1)
    assert default.settings.rollouts == "auto"
    assert default.search.config.rollout_share == 0.25
    assert default.search.config.choice == "lcb"
    assert load_player(size=9, seed=1, level=levels.FULL_STRENGTH).settings == default.settings
    by_visits = load_player("no-rollouts", 9, seed=1).search.config
    for without, searched in (
        (load_player(size=9, seed=1, level=9), by_visits),
        (load_player(size=9, seed=1, rollout_share=0.0), msgspec.structs.replace(by_visits, choice="lcb")),
    ):
        assert without.settings.rollouts == "none"
        assert without.search.rollouts is None
        assert without.search.config == searched


def test_visits_of_a_level_are_many_only_where_no_network_judges() -> None:
    visits = levels.LEVELS[0].visits
    judged = load_player("auto", 9, network="none", value="auto", level=1, seed=1)
    assert isinstance(judged.search.evaluator, JoinedEvaluator)
    assert judged.limits == Limits(visits, None)
    assert load_player("rollouts", 9, policy="auto", level=1, seed=1).limits == Limits(visits, None)
    for without in (
        load_player(size=9, network="none", level=1, seed=1),
        load_player(size=9, policy="none", value="none", level=1, seed=1),
    ):
        assert without.limits == Limits(ROLLOUTS_FOR_A_VISIT * visits, None)


def test_rollouts_that_are_asked_for_are_played_at_a_level_too() -> None:
    player = load_player(size=9, level=5, rollouts="auto", seed=1)
    assert (player.settings.rollouts, player.settings.search.rollout_share) == ("auto", ROLLOUT_SHARE)


def test_a_player_that_has_nothing_but_rollouts_keeps_its_search(tmp_path: Path) -> None:
    """Levels and lambda 0 take rollouts from players with a network; here they are all that there is."""
    whole = load_player("rollouts", 9, seed=1).settings
    assert load_player("rollouts", 9, seed=1, rollout_share=0.0).settings == whole
    file = tmp_path / "mine.yaml"
    file.write_text("network: none\nrollouts: random\nsearch: {fpu_average: true}\n")
    level = load_player(str(file), 9, seed=1, level=9).settings
    assert (level.rollouts, level.search.fpu_average) == ("random", True)


def test_without_rollouts_what_needs_them_is_off(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("rollouts: auto\nsearch: {rollout_share: 0.5, expansion_threshold: 40, placeholder_priors: true}\n")
    assert load_player(str(file), 9, seed=1).search.config.rollouts_first
    assert load_player(str(file), 9, rollout_share=0.3, seed=1).search.config.rollouts_first
    for off in (
        load_player(str(file), 9, rollouts="none", seed=1),
        load_player(str(file), 9, rollout_share=0.0, seed=1),
    ):
        assert not off.search.config.rollouts_first
    file.write_text("rollouts: random\nsearch: {rollout_share: 0.5, placeholder_priors: true}\n")
    with pytest.raises(ValueError, match="need a tree policy"):
        load_player(str(file), 9, seed=1)
    file.write_text("search: {expansion_threshold: 40}\n")
    with pytest.raises(ConfigError, match=r"expansion_threshold is 40, but without rollouts"):
        load_player(str(file), 9, seed=1)


def test_other_networks_for_policy_and_value() -> None:
    both = load_player("value", 9, policy="compact-19", value="compact-9", seed=1)
    assert isinstance(both.search.evaluator, JoinedEvaluator)
    assert both.search.run(Position(9), Limits(visits=8)).ownership is not None
    both.close()


def test_the_networks_that_a_player_asks(tmp_path: Path) -> None:
    assert networks_of("auto") == networks_of("value") == ["auto"]
    assert networks_of("no-rollouts", "compact-9") == ["compact-9"]
    assert networks_of("auto", "none") == networks_of("rollouts") == []
    file = tmp_path / "mine.yaml"
    file.write_text("network: none\npolicy: compact-19\nvalue: compact-9\n")
    assert networks_of(str(file)) == ["compact-19", "compact-9"]
    file.write_text("network: compact-9\npriors: tree\nvalue: none\n")
    assert networks_of(str(file)) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"rollouts": "auto"},
        {"search": SearchConfig(rollout_share=0.5)},
        {"network": "none", "rollouts": "auto", "search": SearchConfig(rollout_share=0.5)},
    ],
)
def test_rollouts_and_their_share_go_together(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rollout"):
        PlayerSettings(**bad)

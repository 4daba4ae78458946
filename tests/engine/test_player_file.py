"""How players are loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.network_file import NetworkFileError
from engine.player_file import PlayerError, PlayerSettings, load_player
from engine.search import Limits
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

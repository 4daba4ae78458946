"""What the options of `gozero gtp` and `gozero play` make of a player."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine import network_file
from gozero.errors import GozeroError
from gtp import options


def parsed(words):
    arguments = options.parser("gozero gtp", "", "").parse_args(words.split())
    options.check(arguments)
    return arguments


def made(words, size=9):
    player = options.player_maker(parsed(words))(size)
    player.close()
    return player


def test_every_option_reaches_the_player():
    player = made("--rollouts auto --lambda 0.25 --visits 77 --time 3 --threads 1 --temperature 0.5")
    assert player.settings.rollouts == "auto"
    assert player.search.config.rollout_share == 0.25
    assert (player.limits.visits, player.limits.seconds) == (77, 3)
    assert player.search.config.batches_in_flight == 1
    assert player.settings.temperature == 0.5
    assert made("--level 1 --network compact-9").limits.visits < 100
    assert made("--policy compact-9 --value compact-9").settings.policy == "compact-9"


def test_keys_of_the_player_file_can_be_set():
    player = made("--set search.c_puct=2.5 --set resign_threshold=null --threads 1 --visits 5")
    assert player.search.config.c_puct == 2.5
    assert player.settings.resign_threshold is None
    for words, sentence in (("--set search.cpuct=2", "did you mean 'search.c_puct'"), ("--set visits", "key=value")):
        with pytest.raises(GozeroError, match=sentence):
            parsed(words)


@pytest.mark.parametrize(
    "words", ["--player no/such.yaml", "--rollouts no/x.npz", "--player nobody", "--rollouts no-19"]
)
def test_what_is_not_there_is_refused_at_the_start(words):
    """Not at the first move, when nobody looks at what the engine prints any more."""
    with pytest.raises(GozeroError, match=r"there (is|are) no") as caught:
        parsed(words)
    if " no/" in words:
        assert str(Path("no").resolve()) in str(caught.value), "the whole path"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--set network=nope", "no network nope"),
        ("--set rollouts=nope", "no rollouts nope"),
        ("--player FILE", "nope.onnx"),
        ("--lambda 0.5 --rollouts none", "name some"),
        ("--network none --lambda 0.5", "leave lambda"),
        ("--player alphago --network none", "--player rollouts"),
        ("--set seconds=null", "name visits or seconds"),
    ],
)
def test_what_the_player_would_refuse_at_its_first_move_is_refused_at_the_start(words, sentence, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("network: nope.onnx\n")
    with pytest.raises((GozeroError, ValueError), match=sentence):
        parsed(words.replace("FILE", str(file)))


def test_limits_from_elsewhere_replace_those_of_a_file():
    for words in ("--set seconds=null --visits 5", "--set seconds=null --time 1", "--set seconds=null --level 3"):
        parsed(words)
    parsed("--set seconds=null --set visits=9")
    parsed("--player policy")


def test_a_network_of_the_player_decides_the_board_too():
    assert parsed("--set network=compact-9").size == 9
    assert parsed("--set network=compact-9 --network compact-19").size == 19


def test_a_network_that_was_cut_short_is_refused_at_the_start(tmp_path):
    whole = network_file.find("compact-9").read_bytes()
    file = tmp_path / "half.onnx"
    file.write_bytes(whole[: len(whole) // 2])
    for option in ("network", "policy", "value"):
        with pytest.raises(GozeroError, match=r"half\.onnx is not a readable ONNX file: it has been cut short"):
            parsed(f"--{option} {file}")


def test_paths_do_not_depend_on_where_the_engine_runs(monkeypatch):
    shipped = network_file.find("compact-9")
    monkeypatch.chdir(shipped.parent)
    for option in ("network", "policy", "value"):
        assert getattr(parsed(f"--{option} ./compact-9.onnx"), option) == str(shipped)
    monkeypatch.chdir(shipped.parents[1] / "rollouts")
    assert Path(parsed("--rollouts rollout-9.npz").rollouts).is_absolute()
    assert parsed("--rollouts random").rollouts == "random"
    monkeypatch.chdir(os.sep)
    with pytest.raises(GozeroError, match=r"compact-9\.onnx"):
        parsed("--network ./compact-9.onnx")


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("", 19),
        ("--network none", 19),
        ("--network compact-19", 19),
        ("--network compact-9", 9),
        ("--policy compact-19 --value compact-9", 9),
        ("--network compact-9 --size 13", 13),
    ],
)
def test_the_board_at_the_start_is_one_that_the_network_plays_on(words, size):
    assert parsed(words).size == size

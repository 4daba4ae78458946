"""Which stage `gozero train` runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from gozero import cli
from training import reinforce_command, train_command, value_command


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the stages value, reinforce and policy were called with, none of which is run."""
    calls: list[list[str]] = []

    def stage(name: str) -> Callable[[Sequence[str]], int]:
        def main(argv: Sequence[str]) -> int:
            calls.append([name, *argv])
            return 0

        return main

    monkeypatch.setattr(value_command, "main", stage("value"))
    monkeypatch.setattr(reinforce_command, "main", stage("reinforce"))
    monkeypatch.setattr(train_command, "train_policy", lambda options: stage(options.stage)([options.run]))
    return calls


@pytest.mark.parametrize(
    ("typed", "run"),
    [
        ("value --run r", "value --run r"),
        ("--supervised sl.onnx --run r value", "value --supervised sl.onnx --run r"),
        ("--run r --resume value --set a=1", "value --run r --resume --set a=1"),
        ("--run=r reinforce --init n", "reinforce --run=r --init n"),
        ("--config cpu-smoke --run value policy", "policy value"),
        ("policy --run value", "policy value"),
    ],
)
def test_the_stage_that_is_named_is_run_wherever_it_stands(typed: str, run: str, heard: list[list[str]]) -> None:
    assert cli.main(["train", *typed.split()]) == 0
    assert heard == [run.split()]


def test_the_usage_has_the_stage_first_and_none_is_no_stage(
    heard: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    assert capsys.readouterr().out.startswith("usage: gozero train STAGE --run DIR [options]")
    for words in (["--run", "value"], ["valeu", "--run", "r"]):
        with pytest.raises(SystemExit):
            cli.main(["train", *words])
    assert heard == []

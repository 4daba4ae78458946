"""The README's five minutes on 7x7: from records to a player that beats the policy which learned them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HEADING = "### The same on 7x7 in five minutes"


def readme_commands(checkout: Path) -> list[list[str]]:
    """The words behind `gozero` of every command below the heading."""
    text = (checkout / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"^{HEADING}$.*?^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block, f"README.md has no commands below {HEADING!r}"
    commands = [shlex.split(line, comments=True) for line in block[1].replace("\\\n", " ").splitlines()]
    assert all(words[0] == "gozero" for words in commands)
    return [words[1:] for words in commands]


def gozero(words: list[str], folder: Path, checkout: Path) -> str:
    """What the command prints that is run with these words in `folder`."""
    program = [sys.executable, "-m", "gozero"]
    words = [re.sub("^gozero ", f"{shlex.join(program)} ", word) for word in words]  # the engines of a match
    done = subprocess.run(
        [*program, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"gozero {shlex.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-5000:]}"
    return done.stdout


@pytest.mark.slow
def test_from_records_to_a_stronger_player(checkout: Path, tmp_path: Path) -> None:
    """What is found with several seeds stands in RESULTS.md, far from these bounds."""
    found = {}
    for words in readme_commands(checkout):
        if words[0] == "match":
            found["match"] = json.loads(gozero([*words, "--json"], tmp_path, checkout))
        elif words[0] == "eval":
            found[words[1]] = json.loads(gozero([*words, "--json"], tmp_path, checkout))
        else:
            gozero(words, tmp_path, checkout)

    # Of games that it has not seen, some ten; one move in thirty would be chance.
    assert found["policy"]["top1"] > 0.25
    # A minute of reinforcement gains some points, too few to insist on: here it must only have done no harm.
    sampled, greedy = found["reinforce"]["sampled"], found["reinforce"]["greedy"]
    assert sampled["score"] + greedy["score"] > 0.95
    # On the records: the value network was taught by other games. One that learned nothing would say the same of all.
    assert found["value"]["mse_ci95"][1] < 0.85 * found["value"]["mse_constant"]
    # The last player against the supervised policy, which is a player and lost no game by dying.
    assert (found["match"]["games"], found["match"]["errors"], found["match"]["repeated"]) == (60, 0, 0)
    assert found["match"]["score_ci95"][0] > 0.5

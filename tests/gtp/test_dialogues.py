"""What each Go program sends, replayed against the engine as it is installed, with the shipped networks."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.gtp.conftest import start_engine
from tests.gtp.dialogue import Talk, pattern_of, read

DIALOGUES = sorted((Path(__file__).parent.parent / "dialogues").glob("*.txt"))
PATIENCE = 300.0
"""Seconds that a reply may take: kernels may have to be compiled first."""


def test_there_is_a_dialogue_for_every_program():
    programs = {"cgos", "gogui", "gtp2ogs", "kgsgtp", "lizgoban", "lizzie", "lizzieyzy", "q5go"}  # Sabaki: test_sabaki
    assert {path.stem for path in DIALOGUES} == programs


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_dialogue(path):
    with contextlib.closing(Talk(start_engine("--time", "0.1", "--size", "9"), PATIENCE)) as talk:
        talk.replay(path)
        talk.end()


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_every_command_has_a_reply(path):
    _, steps = read(path)
    sent = [step for step in steps if step.what == "send" and not step.text.startswith("#")]
    assert len(sent) == sum(step.what == "reply" for step in steps)


@pytest.mark.parametrize(
    ("reply", "said", "right"),
    [
        ("=", "= ", True),
        ("=", "=", False),
        ("=", "= x", False),
        ("=7 {move}", "=7 Q16", True),
        ("=7 {move}", "=7 I5", False),
        ("=7 {move}", "=7  D4", False),
        ("= {commands: play genmove}", "= name\ngenmove\nplay", True),
        ("= {commands: play genmove}", "= name\ngenmove", False),
        ("= {commands: play genmove}", "= name\n\ngenmove\nplay", False),
        ("=1 {lz lines}", "=1\ninfo move D4 visits 1 winrate 50 prior 1 lcb 0 order 0 pv D4", True),
        ("=1 {lz lines}", "=1\ninfo move D4 visits 1 winrate 0.5 prior 1 lcb 0 order 0 pv D4", False),
        ("=1 {lz lines}", "=1\ninfo move D4 visits 1 winrate 50 prior 1 lcb 0 pv D4 order 0", False),
        ('= {"ko":"SIMPLE"}', '= {"ko":"SIMPLE"}', True),
        ('= {"ko":"SIMPLE"}', '= {"ko":"AREA"}', False),
    ],
)
def test_patterns_of_replies(reply, said, right):
    assert (pattern_of(reply).fullmatch(said) is not None) == right

"""A conversation without pipes, and one with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gtp.commands import answer
from gtp.protocol import parse_line
from gtp.session import Session, Settings
from tests.conftest import CHECKOUT
from tests.gtp.fake_player import FakePlayer

FAKE_ENGINE = Path(__file__).parent / "fake_player.py"


class Waiting:
    """Input in which a line waits after `patience` looks."""

    def __init__(self, patience=0):
        self.looks = patience
        self.waited = False

    def line_waits(self):
        self.looks -= 1
        return self.looks < 0

    def must_hurry(self):
        return False

    def wait_for_line(self):
        self.waited = True


class Conversation:
    """Sends lines to the commands and gives back what they answer."""

    def __init__(self, settings=None, make_player=None):
        self.player = FakePlayer()
        self.logged = []
        self.session = Session(
            settings or Settings(size=9), make_player or (lambda size: self.player), self.logged.append
        )

    def reply(self, line, attention=None):
        """The whole reply to a line, "" where there is none."""
        written = []
        command = parse_line(line if isinstance(line, bytes) else line.encode())
        if command is not None:
            answer(self.session, command, written.append, attention or Waiting(), self.logged.append)
        return b"".join(written).decode()

    def ok(self, line, attention=None):
        """The body of a reply that must be a success."""
        reply = self.reply(line, attention)
        assert reply.startswith("= "), f"{line!r} was answered {reply!r}"
        return reply[2:-2]

    def refused(self, line):
        """The message of a reply that must be a failure."""
        reply = self.reply(line)
        assert reply.startswith("? "), f"{line!r} was answered {reply!r}"
        return reply[2:-2]


@pytest.fixture
def conversation():
    return Conversation()


def start_engine(*words, fake=None):
    """A GTP engine as a process: `gozero gtp WORDS`, or the fake player with `fake` as its arguments."""
    if fake is None:
        command = [sys.executable, "-m", "gozero", "gtp", *words]
    else:
        command = [sys.executable, str(FAKE_ENGINE), *map(str, fake)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        cwd="/" if os.name == "posix" else None,
    )


@pytest.fixture
def engine():
    """Starts GTP engines as processes (`start_engine`), and ends them after the test."""
    running = []

    def start(*words, fake=None):
        running.append(start_engine(*words, fake=fake))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()

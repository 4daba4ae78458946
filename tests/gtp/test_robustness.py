"""The engine as a process, with the shipped network, under everything that a program may send it."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from pathlib import Path

import pytest

from gtp.commands import COMMANDS
from tests.gtp.conftest import start_engine

SLACK = 5
"""How many times slower than on a quiet machine things may be here."""
PATIENCE = 3600.0
"""Seconds after which an engine is taken to hang, and killed; a hundred thousand commands take a part of them."""
IN_FLIGHT = 500
"""Commands that are sent before a reply is read."""
UNANSWERED = ("quit", "printsgf")
"""Left out of random commands: one ends the process, the other writes files wherever it is told."""

WORDS = (
    "b",
    "w",
    "Black",
    "pass",
    "resign",
    "z99",
    "i5",
    "0",
    "-1",
    "7",
    "1e9",
    "nan",
    "dead",
    "alive",
    "{",
    "é",
    "\t",
)
VERTICES = [f"{column}{row}" for column in "abcdefghj" for row in range(1, 10)]


class Line:
    """A running engine that is sent many commands at once; each reply is awaited by its id."""

    def __init__(self, *words):
        self.process = start_engine(*words)
        self._errors = threading.Thread(target=self._drain)
        self._errors.start()
        self._hangs = threading.Timer(PATIENCE, self.process.kill)
        self._hangs.start()

    def talk(self, commands):
        """Sends commands, with numbers before them, and gives back their replies; each must come in its turn."""
        replies = []
        for first in range(0, len(commands), IN_FLIGHT):
            part = commands[first : first + IN_FLIGHT]
            text = "".join(f"{first + i} {command}\n" for i, command in enumerate(part)) + "\n"  # ends an analysis
            sender = threading.Thread(target=self._send, args=(text.encode("utf-8", "surrogateescape"),))
            sender.start()
            replies += [self._reply(first + i, command) for i, command in enumerate(part)]
            sender.join()
        return replies

    def resident(self):
        """MiB of memory in use."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            pytest.skip("no /proc on this system")
        return int(status.read_text().partition("VmRSS:")[2].split()[0]) / 1024

    def close(self):
        self._hangs.cancel()
        self.process.kill()
        self.process.wait()
        self._errors.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _reply(self, number, command):
        lines = []
        while not lines or lines[-1] != b"\n":
            lines.append(self.process.stdout.readline())
            assert lines[-1], f"the engine ended at {command!r}"
        reply = b"".join(lines[:-1]).decode()
        assert reply[0] in "=?", (command, reply)
        assert reply[1:].split(maxsplit=1)[0] == str(number), (command, reply)
        assert "internal error" not in reply, command
        return reply

    def _drain(self):
        for _ in self.process.stderr:
            pass


@pytest.fixture
def line():
    """Starts engines as `Line`s, and ends them."""
    with contextlib.ExitStack() as stack:
        yield lambda *words: stack.enter_context(contextlib.closing(Line(*words)))


def random_command(draw):
    """A command that is right, nearly right, or nonsense."""
    kind = draw.random()
    if kind < 0.45:
        return f"play {draw.choice('bw')} {draw.choice(VERTICES)}"
    if kind < 0.5:
        return f"genmove {draw.choice('bw')}"
    if kind < 0.55:
        return f"{draw.choice(('kata', 'lz'))}-analyze {draw.choice('bw')} {draw.choice(('1', '5', 'ownership true'))}"
    if kind < 0.65:
        return draw.choice(("undo", "gg-undo 3", "clear_board", "showboard", "final_score", "reg_genmove w"))
    if kind < 0.7:
        stones = draw.sample(VERTICES, draw.randint(1, 20))
        return f"{draw.choice(('set_free_handicap ', 'set_position w ', 'gogui-setup b '))}{' b '.join(stones)}"
    if kind < 0.71:
        return f"boardsize {draw.choice((5, 7, 9, 9, 9))}"
    name = draw.choice([name for name in COMMANDS if name not in UNANSWERED])
    if kind > 0.95:
        name = "".join(chr(draw.randint(33, 255)) for _ in range(draw.randint(1, 12))).replace("#", "")
    words = [draw.choice((*WORDS, *VERTICES)) for _ in range(draw.randint(0, 5))]
    if name in ("boardsize", "rectangular_boardsize"):  # a new size loads a new player
        words = words[:0]
    return " ".join([name, *words])


def random_commands(count, seed):
    draw = random.Random(seed)
    return [random_command(draw) for _ in range(count)]


def test_every_command_has_its_reply_in_its_turn(line):
    replies = line("--size", "9", "--visits", "2").talk(random_commands(2_000, seed=1))
    good = sum(reply[0] == "=" for reply in replies)
    assert 500 < good < 1_900


@pytest.mark.slow
def test_tens_of_thousands_of_commands_take_no_memory(line):
    engine = line("--size", "9", "--visits", "2")
    engine.talk(random_commands(15_000, seed=2))
    before = engine.resident()
    engine.talk(random_commands(30_000, seed=3))
    assert engine.resident() < before + 20


@pytest.mark.slow
def test_a_hundred_games_take_no_memory(line):
    engine = line("--size", "9", "--visits", "2", "--temperature", "1")
    sizes = []
    for _ in range(100):
        engine.talk(["clear_board"])
        for _ in range(10):
            moves = engine.talk(["genmove b", "genmove w"] * 10)
            if any("resign" in move for move in moves) or (moves[-2].endswith("pass") and moves[-1].endswith("pass")):
                break
        sizes.append(engine.resident())
    assert sizes[-1] < sizes[40] + 10


def test_analysis_ends_within_a_tenth_of_a_second(line):
    engine = line("--size", "19")
    engine.talk(["boardsize 19", "genmove b"])  # everything is loaded now
    for command in ("kata-analyze w 1", "lz-analyze w 1000"):
        engine._send(f"7 {command}\n".encode())
        assert engine.process.stdout.readline() == b"=7\n"
        time.sleep(0.3)
        began = time.monotonic()
        engine._send(b"\n")
        while engine.process.stdout.readline() != b"\n":
            pass
        assert time.monotonic() - began < 0.1 * SLACK


@pytest.mark.parametrize("command", ["genmove b", "gozero-visits"])
def test_quit_takes_a_second_at_most(line, command):
    engine = line("--size", "19", "--time", "60")
    engine.talk(["boardsize 19", "kata-analyze b 1"])  # everything is loaded now
    engine._send(f"{command}\n".encode())
    time.sleep(0.3)
    began = time.monotonic()
    engine._send(b"quit\n")
    assert engine.process.wait(timeout=60) == 0
    assert time.monotonic() - began < 1 * SLACK

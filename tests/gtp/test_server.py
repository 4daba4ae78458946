"""The engine as a process: start, pipes, signals, ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.gtp.conftest import FAKE_ENGINE

HANDSHAKE = b"name\nversion\nprotocol_version\nlist_commands\n"  # what Sabaki writes when it attaches an engine
SLACK = 5
"""How many times slower than on a quiet machine things may be here."""


@pytest.fixture(scope="module", autouse=True)
def warm_kernels(checkout):
    """Compiles what the processes here will need, so that no test measures it."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, str(FAKE_ENGINE)]
    subprocess.run(command, input=b"boardsize 9\nplay b E5\ngenmove w\nshowboard\n", env=environment, check=True)


def send(process, text):
    process.stdin.write(text)
    process.stdin.flush()


def read_reply(process):
    """The next reply, up to its blank line."""
    lines = []
    while True:
        line = process.stdout.readline()
        assert line, f"the engine ended: {process.stderr.read().decode()}"
        if line == b"\n":
            return b"".join(lines).decode()
        lines.append(line)


def test_handshake_is_answered_at_once(engine):
    # The first start may have to write bytecode; the fastest of three is what a warm start takes.
    times = []
    for _ in range(3):
        began = time.monotonic()
        process = engine("--network", "none")
        send(process, HANDSHAKE)
        replies = [read_reply(process) for _ in range(4)]
        times.append(time.monotonic() - began)
        assert replies[0] == "= GoZero\n"
        process.kill()
    assert min(times) < 0.3 * SLACK


def test_nothing_heavy_is_imported_before_the_handshake(engine, checkout):
    heavy = "{'numpy', 'numba', 'onnxruntime', 'torch', 'asyncio', 'msgspec'}"
    code = f"import sys, gtp.server; print(*({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_a_whole_session(engine):
    process = engine(fake=(0, 0))
    out, err = process.communicate(
        b"1 name\r\n\r\n# comment\r\nboardsize 9\r\n2 genmove black\r\nshowboard\r\nquit\r\nname\r\n"
    )
    replies = out.decode().split("\n\n")
    assert replies[0] == "=1 GoZero"
    assert re.fullmatch("=2 [A-J][1-9]", replies[2])
    assert replies[4:] == ["= ", ""], "nothing after quit"
    assert process.returncode == 0
    assert "GTP ready" in err.decode()
    assert all(line.startswith("gozero: ") for line in err.decode().splitlines())
    assert b"\r" not in out


def test_a_thousand_commands_at_once(engine):
    process = engine(fake=(0, 0))
    commands = [f"{i} play {'bw'[i % 2]} pass" if i % 3 else f"{i} known_command {i}" for i in range(1000)]
    out, _ = process.communicate("\n".join(commands).encode())
    replies = out.decode().split("\n\n")
    assert replies.pop() == ""
    assert [reply.split(" ")[0] for reply in replies] == [f"={i}" for i in range(1000)]
    assert process.returncode == 0


def test_the_last_line_needs_no_line_end(engine):
    process = engine(fake=(0, 0))
    out, _ = process.communicate(b"name\ngenmove b")
    assert re.fullmatch(rb"= GoZero\n\n= [A-T][0-9]+\n\n", out)
    assert process.returncode == 0


def test_any_line_ends_an_analysis(engine):
    process = engine(fake=(0, 0))
    send(process, b"boardsize 9\n")
    read_reply(process)
    for line in (b"\n", b"# comment\n", b"protocol_version\n", b"foo\n", b"\x00\xff\n"):
        send(process, b"7 kata-analyze B 1\n")
        assert process.stdout.readline() == b"=7\n"
        assert process.stdout.readline().startswith(b"info ")
        began = time.monotonic()
        send(process, line)
        read_reply(process)
        assert time.monotonic() - began < 0.1 * SLACK
        if not line.isspace() and not line.startswith(b"#"):
            assert read_reply(process)


def test_analysis_ends_with_the_input(engine):
    process = engine(fake=(0, 0))
    out, _ = process.communicate(b"kata-analyze B 1\n", timeout=60)
    assert out.endswith(b"\n\n")
    assert process.returncode == 0


def test_a_queued_command_does_not_cut_a_move_short(engine):
    process = engine(fake=(0.5, 0))
    send(process, b"boardsize 9\n")
    read_reply(process)
    began = time.monotonic()
    send(process, b"1 genmove b\n2 protocol_version\n3 genmove w\nquit\n")
    out, _ = process.communicate()
    assert time.monotonic() - began > 1
    assert re.fullmatch(rb"=1 \w+\n\n=2 2\n\n=3 \w+\n\n= \n\n", out)


@pytest.mark.parametrize("command", [b"kata-analyze B 10\n", b"genmove b\n"])
def test_quit_is_quick_at_any_time(engine, command):
    process = engine(fake=(60, 0))
    send(process, b"boardsize 9\n" + command)
    read_reply(process)
    time.sleep(0.5)
    began = time.monotonic()
    out, _ = process.communicate(b"quit\n")
    assert time.monotonic() - began < 1 * SLACK
    assert process.returncode == 0
    assert out.endswith(b"= \n\n")


def test_quit_is_quick_while_the_player_loads(engine):
    process = engine(fake=(0, 60))
    send(process, b"boardsize 9\ngenmove b\n")
    read_reply(process)
    time.sleep(0.3)
    began = time.monotonic()
    out, _ = process.communicate(b"quit\n")
    assert time.monotonic() - began < 1 * SLACK
    assert out == b"? still loading the player\n\n= \n\n"
    assert process.returncode == 0


def test_gogui_interrupts_a_move(engine):
    process = engine(fake=(60, 0))
    send(process, b"boardsize 9\n1 genmove b\n")
    read_reply(process)
    time.sleep(0.3)
    send(process, b"# interrupt\n")
    assert read_reply(process).startswith("=1 ")
    send(process, b"quit\n")
    process.communicate()


@pytest.mark.skipif(os.name != "posix", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("command", [b"", b"name\n", b"boardsize 9\nkata-analyze b 10\n", b"boardsize 9\ngenmove b\n"])
def test_sigterm_ends_it_cleanly(engine, command):
    process = engine(fake=(60, 0))
    send(process, b"name\n" + command)
    read_reply(process)
    if command:
        read_reply(process)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=2 * SLACK) == 0
    assert b"Traceback" not in process.stderr.read()


def test_it_leaves_quietly_when_nobody_reads_its_replies(engine):
    process = engine(fake=(0, 0))
    send(process, b"kata-analyze B 1\n")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=2 * SLACK) == 0
    process.stdout = None
    assert "Traceback" not in process.communicate()[1].decode()


def test_garbage_and_endless_lines(engine):
    process = engine(fake=(0, 0))
    garbage = bytes(range(256)).replace(b"\n", b"") * 10
    out, _ = process.communicate(
        garbage + b"\n" + b"x" * (1 << 20) + b"y\nname " + b"z" * 900_000 + b"\n5 name\n", timeout=120
    )
    replies = out.split(b"\n\n")
    assert replies[1:] == [b"? line too long", b"= GoZero", b"=5 GoZero", b""]
    assert process.returncode == 0


def test_whatever_a_library_prints_is_no_reply(checkout):
    code = (
        "import os, sys\nfrom gtp import server\nfrom gtp.session import Settings\n"
        "def make(size):\n    print('noise'); os.write(1, b'more noise'); raise ValueError('no')\n"
        "with server.standard_output() as descriptor:\n    server.serve(Settings(size=9), make, 0, descriptor)\n"
    )
    # Python keeps what is printed until the end, unless a variable of the environment forbids it.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=b"genmove b\n",
        cwd=checkout,
        capture_output=True,
        check=True,
        env=variables,
    )
    assert done.stdout == b"? cannot load the player: no\n\n"
    assert b"more noise" in done.stderr


def test_a_network_that_is_not_there_is_said_before_anything_is_served(engine, tmp_path):
    missing = tmp_path / "missing.onnx"
    process = engine("--network", str(missing))
    out, err = process.communicate(b"name\n")
    assert process.returncode == 2
    assert out == b""
    assert err.decode().startswith("gozero: error: ")
    assert str(missing) in err.decode()
    assert len(err.decode().splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        "--network no-such-network",
        "--visits 0",
        "--level 0",
        "--level 99",
        "--lambda 1.1",
        "--policy no-such-network",
        "--time x",
        "--size 26",
        "--rules no",
        "--komi nan",
        "--foo",
    ],
)
def test_options_that_make_no_sense(engine, words):
    process = engine(*words.split())
    out, err = process.communicate(b"name\n")
    assert process.returncode == 2
    assert out == b""
    assert "Traceback" not in err.decode()


def test_help_has_an_example(engine):
    process = engine("--help")
    out, _ = process.communicate()
    assert b"example: gozero gtp" in out

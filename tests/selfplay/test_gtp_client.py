"""The controller against engines that misbehave in every way it claims to survive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from selfplay.gtp_client import EngineError, EngineFailure, EngineTimeout, GtpClient, split_command


def test_replies_and_refusals(fake):
    with GtpClient(fake("refuse", "komi")) as client:
        assert client.send("name", 10) == "fake refuse"
        assert client.send("genmove b", 10) == "pass"
        with pytest.raises(EngineFailure, match="not today"):
            client.send("komi 7.5", 10)
        assert client.send("genmove w", 10) == "pass"


def test_noise_before_a_reply_is_skipped_and_stderr_is_drained(fake, tmp_path):
    log = tmp_path / "engine.log"
    with GtpClient(fake("noisy"), log) as client:
        for _ in range(5):  # 45 kB each: more than a pipe holds
            assert client.send("genmove b", 10) == "pass"
    assert log.read_text().count("thinking") == 25_000


def test_a_death_quotes_the_last_words(fake):
    client = GtpClient(fake("die", 1))
    with pytest.raises(EngineError, match=r"status 1.*genmove b.*out of ideas"):
        client.send("genmove b", 10)
    with pytest.raises(EngineError):
        client.send("genmove b", 10)


def test_silence_ends_at_the_limit_and_kills(fake):
    client = GtpClient(fake("hang", 1))
    start = time.monotonic()
    with pytest.raises(EngineTimeout, match=r"within 0\.5 s"):
        client.send("genmove b", 0.5)
    assert time.monotonic() - start < 5
    assert client.returncode is not None


def test_an_engine_that_never_speaks_gtp_times_out(fake):
    with GtpClient(fake("garbage")) as client, pytest.raises(EngineTimeout):
        client.send("name", 0.5)


@pytest.mark.parametrize("mode", ["flood", "flood ="])
def test_a_program_that_prints_without_end_is_no_engine(mode, fake, monkeypatch):
    monkeypatch.setattr("selfplay.gtp_client.REPLY_LINES", 500)
    client = GtpClient(fake(*mode.split()))
    with pytest.raises(EngineError, match="no end of a reply to 'name' in 500 lines"):
        client.send("name", 60)
    assert client.returncode is not None


def test_kill_from_another_thread_frees_the_waiting_one(fake):
    client = GtpClient(fake("hang", 1))
    client.send("name", 10)
    threading.Timer(0.2, client.kill).start()
    with pytest.raises(EngineError):
        client.send("genmove b", 60)


def test_close_lets_the_engine_leave_by_itself(fake):
    client = GtpClient(fake("pass"))
    client.send("name", 10)
    client.close()
    assert client.returncode == 0
    client.close()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [("", "needs a command line"), ('engine "open', "cannot read"), ("no-such-engine --gtp", "cannot find")],
)
def test_command_lines_that_name_nothing(command, sentence):
    with pytest.raises(ValueError, match=sentence):
        split_command(command)


def test_a_program_that_cannot_run(tmp_path):
    program = tmp_path / "engine"
    program.write_text("no executable format")
    program.chmod(0o755)
    with pytest.raises(EngineError, match="cannot start"):
        GtpClient(str(program))


def test_programs_of_this_environment_are_found_without_the_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    program = Path(sys.executable)
    assert split_command(f"{program.name} -m gozero gtp")[0] == str(program)


@pytest.mark.skipif(os.name == "nt", reason="stops processes by signal")
def test_time_in_which_all_were_stopped_is_nobodys(fake, checkout):
    """As when a laptop's lid is closed: the limit is over when they go on, and still the engine has its seconds."""
    script = f"""
from selfplay.gtp_client import GtpClient
with GtpClient({fake("slow", 2)!r}) as client:
    client.send("name", 30)
    print(client._process.pid, flush=True)
    print(client.send("genmove b", 3), flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=checkout, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    engine = int(process.stdout.readline())
    time.sleep(0.3)
    for pid in (engine, process.pid):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(4)
    for pid in (process.pid, engine):
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.5)
    assert process.communicate(timeout=30)[0] == "pass\n"
    assert process.returncode == 0

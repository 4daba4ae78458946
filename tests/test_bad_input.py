"""Bad input, as a person meets it: one clear sentence on stderr that names the thing, and an exit status."""

import subprocess
import sys
from pathlib import Path

import pytest

SGF = "(;GM[1]FF[4]SZ[9]KM[7]RE[B+R];B[ee];W[ce];B[gc];W[cg])"


def gozero(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, str, str]:
    command = [sys.executable, "-m", "gozero", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def assert_one_sentence(stderr: str, *words: str) -> None:
    lines = stderr.strip().splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("gozero: error: ")
    for word in words:
        assert word in lines[0]


@pytest.fixture
def games(tmp_path: Path) -> Path:
    folder = tmp_path / "games"
    folder.mkdir()
    (folder / "one.sgf").write_text(SGF)
    return folder


@pytest.fixture
def store(games: Path, tmp_path: Path) -> Path:
    path = tmp_path / "store"
    assert gozero("pack", games, "--out", path)[0] == 0
    return path


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("nowhere/net.onnx", ["nowhere/net.onnx", "compact-19"]),
        ("compakt-9", ["compakt-9", "did you mean compact-9?"]),
    ],
)
def test_missing_network(network: str, words: list[str]) -> None:
    status, stdout, stderr = gozero("gtp", "--network", network, stdin=b"name\n")
    assert status == 2
    assert stdout == ""
    assert_one_sentence(stderr, *words)


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"this is no network")
    status, stdout, stderr = gozero("gtp", "--network", path, stdin=b"boardsize 9\ngenmove b\n")
    assert status != 0 or "? cannot load the player" in stdout
    assert "broken.onnx is not a readable ONNX file" in stderr


def test_network_of_another_board_size() -> None:
    _, stdout, stderr = gozero("gtp", "--network", "compact-9", stdin=b"boardsize 19\ngenmove b\n")
    assert "? cannot load the player: the network compact-9 plays on 9x9, not on 19x19" in stdout
    assert "compact-9 plays on 9x9" in stderr


def test_unreadable_archive(tmp_path: Path) -> None:
    path = tmp_path / "games.tar.xz"
    path.write_bytes(b"\xfd7zXZ\x00 cut short")
    status, _, stderr = gozero("pack", path, "--out", tmp_path / "store")
    assert status == 2
    assert_one_sentence(stderr, "games.tar.xz")
    assert not (tmp_path / "store").exists()


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, _, stderr = gozero("pack", tmp_path / "empty", "--out", tmp_path / "store")
    assert status == 2
    assert_one_sentence(stderr, "empty")


def test_missing_path(tmp_path: Path) -> None:
    status, _, stderr = gozero("pack", tmp_path / "not-there", "--out", tmp_path / "store")
    assert status == 2
    assert_one_sentence(stderr, "not-there")


def test_unknown_command() -> None:
    status, _, stderr = gozero("mach")
    assert status == 2
    assert_one_sentence(stderr, "mach", "match")


def test_unknown_configuration_key(store: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    status, _, stderr = gozero(
        "train",
        "policy",
        "--config",
        "cpu-smoke",
        "--store",
        store,
        "--run",
        tmp_path / "run",
        "--set",
        "loop.stepps=5",
    )
    assert status == 2
    assert_one_sentence(stderr, "stepps", "steps")
    assert not (tmp_path / "run").exists()


def test_unknown_preset_and_missing_store(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    status, _, stderr = gozero("train", "policy", "--config", "compact-18", "--run", tmp_path / "run")
    assert status == 2
    assert_one_sentence(stderr, "compact-18", "compact-19")
    status, _, stderr = gozero(
        "train", "policy", "--config", "cpu-smoke", "--store", tmp_path / "none", "--run", tmp_path / "run"
    )
    assert status == 2
    assert_one_sentence(stderr, str(tmp_path / "none"), "gozero pack")


def test_garbage_on_the_gtp_input() -> None:
    garbage = bytes(range(1, 10)) + b"\xff\xfe\x80 \n\xc3\x28 genmove\n\n# nothing\nboardsize 99\nplay b z99\nname\n"
    status, stdout, _ = gozero("gtp", "--network", "none", stdin=garbage)
    assert status == 0
    replies = stdout.split("\n\n")
    assert all(reply[0] in "=?" for reply in replies if reply)
    assert replies[-2] == "= GoZero"
    assert "? unacceptable size" in replies


def test_bad_options() -> None:
    status, stdout, stderr = gozero("gtp", "--visits", "many")
    assert status == 2
    assert stdout == ""
    assert "--visits" in stderr
    assert "many" in stderr

"""The engine under npm's `@sabaki/gtp`, the controller that Sabaki itself uses (`tests/node/sabaki.js`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from engine import network_file
from tests.conftest import require
from tests.gtp.conftest import FAKE_ENGINE


@pytest.fixture(scope="module")
def node(pytestconfig, tmp_path_factory, checkout):
    """Runs a script of tests/node with its packages; they are installed once, outside the tree."""
    program, npm = shutil.which("node"), shutil.which("npm")
    require(program is not None and npm is not None, "Node with npm")
    assert program is not None
    assert npm is not None
    source = checkout / "tests" / "node"
    cache = getattr(pytestconfig, "cache", None)  # absent under -p no:cacheprovider
    folder = tmp_path_factory.mktemp("node") if cache is None else cache.mkdir("node")
    lock = (source / "package-lock.json").read_bytes()
    installed = folder / "installed-lock.json"
    if not installed.is_file() or installed.read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"npm could not install @sabaki/gtp:\n{done.stderr}"
        installed.write_bytes(lock)

    def run(script, *arguments):
        environment = {**os.environ, "NODE_PATH": str(folder / "node_modules"), "PYTHONPATH": str(checkout)}
        command = [program, str(source / script), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    return run


def test_sabaki_drives_a_player_that_thinks_of_nothing(node):
    done = node("sabaki.js", sys.executable, str(FAKE_ENGINE), "0.1")
    assert done.returncode == 0, done.stdout + done.stderr


def test_sabaki_drives_the_engine(node):
    network = "auto" if network_file.shipped() else "none"
    done = node("sabaki.js", sys.executable, "-m", "gozero", "gtp", "--network", network)
    assert done.returncode == 0, done.stdout + done.stderr

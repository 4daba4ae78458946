"""The front door: what is listed, how errors are told, and that nothing heavy is loaded for it."""

from __future__ import annotations

import ast
import subprocess
import sys
import types
from pathlib import Path

import pytest

from gozero import cli, menu
from gozero.errors import GozeroError


def run_gozero(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gozero", *arguments], capture_output=True, text=True, cwd=cwd, timeout=60, check=False
    )


@pytest.fixture
def fake_command(monkeypatch):
    """Registers a function as the command `fake`."""

    def register(function):
        monkeypatch.setitem(sys.modules, "fake_command_module", types.SimpleNamespace(main=function))
        monkeypatch.setitem(cli.COMMANDS, "fake", menu.Command("fake_command_module:main", "for the test"))

    return register


def raising(error: BaseException):
    def command(argv):
        raise error

    return command


def test_help_lists_every_command(capsys):
    assert cli.main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {name} " in listed and command.summary in listed for name, command in cli.COMMANDS.items())


def test_no_arguments_show_the_help(capsys):
    assert cli.main([]) == 0
    assert "usage: gozero" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_exists(name, checkout):
    module, function = cli.COMMANDS[name].target.split(":")
    source = checkout.joinpath(*module.split(".")).with_suffix(".py")
    defined = {node.name for node in ast.parse(source.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert function in defined


def test_unknown_command_names_the_nearest(capsys):
    assert cli.main(["plya"]) == 2
    assert capsys.readouterr().err == "gozero: error: there is no command 'plya'; did you mean 'play'?\n"


def test_unknown_command_far_from_any(capsys):
    assert cli.main(["zzzzzz"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "'zzzzzz'" in error
    assert "--help" in error


def test_arguments_and_status_pass_through(fake_command):
    seen = []

    def command(argv):
        seen.append(argv)
        return 7

    fake_command(command)
    assert cli.main(["fake", "--size", "9"]) == 7
    assert seen == [["--size", "9"]]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (GozeroError("no network"), "no network"),
        (ValueError("komi must be finite"), "komi must be finite"),
        (FileNotFoundError(2, "No such file or directory", "games.sgf"), "No such file or directory: games.sgf"),
        (ModuleNotFoundError("no", name="torch.nn"), "'gozero fake' needs torch: pip install 'gozero[train]'"),
    ],
)
def test_errors_are_one_sentence(error, sentence, fake_command, capsys):
    fake_command(raising(error))
    assert cli.main(["fake"]) == 2
    assert capsys.readouterr().err == f"gozero: error: {sentence}\n"


@pytest.mark.parametrize("error", [RuntimeError("bug"), ModuleNotFoundError("no", name="gozero.missing")])
def test_bugs_keep_their_traceback(error, fake_command):
    fake_command(raising(error))
    with pytest.raises(type(error)):
        cli.main(["fake"])


def test_traceback_on_request(fake_command):
    fake_command(raising(ValueError("where")))
    with pytest.raises(ValueError, match="where"):
        cli.main(["--traceback", "fake"])


def test_interrupt_exits_130_quietly(fake_command, capsys):
    fake_command(raising(KeyboardInterrupt()))
    assert cli.main(["fake"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_leaves_is_no_error(checkout):
    script = f"{sys.executable} -m gozero --help | true"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=checkout, check=False)
    assert result.stderr == ""


def test_help_and_gtp_dispatch_load_nothing_heavy(checkout):
    """What makes the start fast: `gozero.cli` needs no argparse, numpy or numba of its own."""
    script = "import sys, gozero.cli; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True, cwd=checkout).split()
    assert not {"argparse", "numpy", "numba", "onnxruntime", "torch", "rich", "msgspec"} & set(loaded)


def test_module_and_exit_status(checkout):
    assert run_gozero("--version", cwd=checkout).stdout.startswith("gozero 0.")
    assert run_gozero("nothing-like-it", cwd=checkout).returncode == 2

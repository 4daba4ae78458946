"""The house rules that no linter knows: imports, the map of the house, and words that have no place in it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gozero import cli

PACKAGES = ("gozero", "engine", "selfplay", "training", "gtp")

# Marks of unfinished work; split so that this file passes itself.
FORBIDDEN = ("TO" + "DO", "FIX" + "ME", "XX" + "X")


def modules(checkout: Path, package: str) -> list[Path]:
    return sorted(path for path in (checkout / package).glob("*.py"))


def tracked_texts(checkout: Path) -> list[Path]:
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=checkout, text=True).split("\0")
    binary = {".onnx", ".safetensors", ".png", ".xz", ".zip", ".gz", ".bz2"}
    return [
        checkout / name for name in names if name and Path(name).suffix not in binary and (checkout / name).is_file()
    ]


def test_numba_comes_through_jit_only(checkout):
    """numba reads its cache folder when it is first imported, so nothing may import it before `gozero.jit` does."""
    offenders = []
    for folder in (*PACKAGES, "tests"):
        for path in (checkout / folder).rglob("*.py"):
            if path == checkout / "gozero" / "jit.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                offenders += [f"{path}:{node.lineno}" for name in names if name.partition(".")[0] == "numba"]
    assert offenders == []


def test_no_forbidden_words(checkout):
    if not (checkout / ".git").exists():
        pytest.skip("not a git checkout")
    pattern = re.compile("|".join(map(re.escape, FORBIDDEN)))
    found = [
        f"{path.relative_to(checkout)}:{number}: {line.strip()[:80]}"
        for path in tracked_texts(checkout)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_has_every_module_and_no_other(package, checkout):
    """ARCHITECTURE.md: a section a folder, a line `- `name`: what it is for` a module."""
    text = (checkout / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {package}/.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"ARCHITECTURE.md has no section '## {package}/'"
    listed = re.findall(r"^- `(\w+)`: \S", section[0], re.MULTILINE)
    present = [path.stem for path in modules(checkout, package) if path.stem != "__init__"]
    assert sorted(listed) == sorted(present)


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_stay_readable(package, checkout):
    """Over 400 lines a module wants splitting."""
    long = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(checkout, package)}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def readme_commands(checkout: Path) -> dict[str, set[str]]:
    """The subcommands that the README shows, with the options it gives them."""
    text = (checkout / "README.md").read_text(encoding="utf-8")
    code = "\n".join(block or span for block, span in re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", text, re.DOTALL))
    quoted = "\n".join(re.findall(r'"([^"\n]*)"', code))
    plain = re.sub(r'"[^"\n]*"', "", code)
    shown: dict[str, set[str]] = {}
    for command, rest in re.findall(r"\bgozero ((?:(?:eval|bench|train) )?[a-z]+)\b([^\n#`]*)", f"{plain}\n{quoted}"):
        shown.setdefault(command, set()).update(re.findall(r"--[a-z-]+", rest))
    return shown


def test_the_readme_shows_options_that_exist(checkout, capsys):
    shown = readme_commands(checkout)
    assert {"pack", "train policy", "train value", "match"} <= set(shown)
    for command, options in shown.items():
        with pytest.raises(SystemExit):
            cli.main([*command.split(), "--help"])
        text = capsys.readouterr().out
        assert {option for option in options if f"{option} " not in text and f"{option}]" not in text} == set(), command


def test_import_contracts(checkout):
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    if program is None:
        pytest.skip("import-linter is not installed")
    result = subprocess.run([program, "--no-cache"], cwd=checkout, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout

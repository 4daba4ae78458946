"""Tables of commands: what is listed, handed on and refused."""

import sys
import types

import pytest

from gozero.menu import Command, Menu

MENU = Menu(
    "gozero brew",
    "tea",
    "What warms.",
    {"green": Command("a_tea:main", "leaves"), "mint": Command("another_tea:main", "herbs")},
    "gozero brew mint",
)


@pytest.mark.parametrize("argv", [[], ["-h"], ["--help"]])
def test_the_page_lists_the_entries(argv, capsys):
    assert MENU.run(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "usage: gozero brew TEA [options]"
    assert {"What warms.", "teas:", "  green  leaves", "  mint   herbs", "example: gozero brew mint"} <= set(lines)


def test_arguments_and_status_pass_through(monkeypatch):
    seen = []
    monkeypatch.setitem(sys.modules, "a_tea", types.SimpleNamespace(main=lambda argv: seen.append(argv) or 3))
    assert MENU.run(["green", "--cups", "2"]) == 3
    assert seen == [["--cups", "2"]]


@pytest.mark.parametrize(("name", "hint"), [("gren", "did you mean 'green'\\?"), ("coffee", "there are green, mint")])
def test_what_is_not_there(name, hint):
    with pytest.raises(ValueError, match=f"there is no tea '{name}'; {hint}"):
        MENU.run([name])

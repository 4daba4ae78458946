"""Commands by name, loaded when they are asked for; and commands that are tables of others, as `gozero bench` is.

Nothing heavy is imported here: `gozero.cli` stands on it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Command(NamedTuple):
    """A command: the function `(argv) -> exit status` as "module:function", and what it does in a few words."""

    target: str
    summary: str

    def run(self, argv: Sequence[str]) -> int:
        """Loads the module and hands the arguments on."""
        module, function = self.target.split(":")
        status: int = getattr(importlib.import_module(module), function)(argv)
        return status


def rows(commands: Mapping[str, Command]) -> str:
    """The lines of a help page that list commands."""
    width = max(map(len, commands))
    return "\n".join(f"  {name:<{width}}  {command.summary}" for name, command in commands.items())


def nearest(name: str, commands: Mapping[str, Command]) -> str | None:
    """The command that somebody who typed `name` may have meant."""
    import difflib

    return next(iter(difflib.get_close_matches(name, commands, n=1, cutoff=0.5)), None)


class Menu(NamedTuple):
    """A command whose first argument names one of its `entries`."""

    command: str
    """As it is typed, such as "gozero bench"."""
    entry: str
    """What an entry is called, such as "benchmark"."""
    about: str
    entries: Mapping[str, Command]
    example: str

    def run(self, argv: Sequence[str]) -> int:
        """Hands the arguments on and returns the exit status. Raises ValueError when there is no such entry."""
        name, *arguments = argv or ["--help"]
        if name in ("-h", "--help"):
            print(self.help())
            return 0
        if name not in self.entries:
            near = nearest(name, self.entries)
            hint = f"did you mean '{near}'?" if near else f"there are {', '.join(self.entries)}"
            raise ValueError(f"there is no {self.entry} '{name}'; {hint}")
        return self.entries[name].run(arguments)

    def help(self) -> str:
        """The page that lists the entries."""
        entry = self.entry.upper()
        return f"""usage: {self.command} {entry} [options]

{self.about}

{self.entry}s:
{rows(self.entries)}

'{self.command} {entry} --help' tells about one of them; --json prints one JSON object.

example: {self.example}"""

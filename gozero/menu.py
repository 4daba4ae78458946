"""Commands that are tables of others, which are loaded when they are asked for: `gozero bench` and `gozero eval`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Menu(NamedTuple):
    """A command whose first argument names what it does."""

    command: str
    """As it is typed, such as "gozero bench"."""
    entry: str
    """What its entries are called, such as "benchmark"."""
    about: str
    entries: Mapping[str, tuple[str, str]]
    """Name -> ("module:function", what it does in a few words); the function turns what follows into an exit status."""
    note: str
    """What the end of its page says."""

    def run(self, argv: Sequence[str]) -> int:
        """Hands the arguments on and returns the exit status. Raises ValueError when there is no such entry."""
        arguments = list(argv)
        name = arguments.pop(0) if arguments else "--help"
        if name in ("-h", "--help"):
            print(self.help())
            return 0
        if name not in self.entries:
            near = difflib.get_close_matches(name, self.entries, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(self.entries)}"
            raise ValueError(f"there is no {self.entry} '{name}'; {hint}")
        module, function = self.entries[name][0].split(":")
        status: int = getattr(importlib.import_module(module), function)(arguments)
        return status

    def help(self) -> str:
        """The page that lists its entries."""
        width = max(map(len, self.entries))
        rows = "\n".join(f"  {name:<{width}}  {what}" for name, (_, what) in self.entries.items())
        return f"""usage: {self.command} {self.entry.upper()} [options]

{self.about}

{self.entry}s:
{rows}

{self.note}"""

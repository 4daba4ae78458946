"""The `gozero` command: a table of subcommands and what happens to their errors.

Nothing heavy is imported here: `gozero gtp` must answer a Go program at once, and `--help` should feel instant. Each
command parses its own arguments in the module that does the work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

from gozero import menu
from gozero.errors import GozeroError
from gozero.menu import Command

COMMANDS: Final[dict[str, Command]] = {
    "gtp": Command("gtp.server:main", "the engine on stdin and stdout, for Sabaki and other Go programs"),
    "analysis": Command("gtp.json_analysis_server:main", "KataGo's JSON analysis protocol, for KaTrain"),
    "play": Command("gtp.terminal:main", "a game in the terminal"),
    "review": Command("gtp.review_command:main", "a game record with win rates, better moves and a curve"),
    "doctor": Command("engine.doctor:main", "what would keep the engine from starting; --warm compiles the kernels"),
    "networks": Command("engine.networks_command:main", "list the shipped networks"),
    "pack": Command("training.pack_command:main", "game records to a packed store"),
    "train": Command("training.train_command:main", "train a network from a packed store"),
    "loop": Command("training.loop_command:main", "AlphaGo Zero's way: self-play, training and matches in turn"),
    "eval": Command("training.eval_command:main", "how well a network does on held-out games"),
    "report": Command("training.report_command:main", "the curves of training runs on one page"),
    "export": Command("training.export_command:main", "write a network file from a checkpoint"),
    "bench": Command("gozero.bench:main", "how fast this machine plays Go, part by part"),
    "selfplay": Command("selfplay.selfplay_command:main", "a network against itself, on many processes"),
    "match": Command("selfplay.match_command:main", "GTP engines against each other, with Elo; tournaments"),
}

# Status codes: what a shell reports for a program ended by SIGINT and by SIGPIPE.
EXIT_ERROR: Final = 2
EXIT_INTERRUPTED: Final = 130
EXIT_BROKEN_PIPE: Final = 141

# The extra that brings a library, for the message of a command that misses it.
_EXTRA_OF: Final = {
    "torch": "train",
    "tensorboard": "train",
    "safetensors": "train",
    "onnx": "train",
    "matplotlib": "train",
    "choix": "train",
    "gymnasium": "train",
    "pettingzoo": "train",
    "ray": "ray",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (without the program name; by default the process's own) and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    traceback = arguments[:1] == ["--traceback"]
    if traceback:
        del arguments[0]
    name = arguments.pop(0) if arguments else "--help"
    try:
        status = _run(name, arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left. Python would complain once more at exit, unless stdout leads somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except (GozeroError, ValueError, OSError, ModuleNotFoundError) as error:
        message = _message(error, name)
        if traceback or message is None:
            raise
        print(f"gozero: error: {message}", file=sys.stderr)
        return EXIT_ERROR
    return status


def _run(name: str, arguments: list[str]) -> int:
    if name in ("-h", "--help", "help"):
        print(_help())
        return 0
    if name in ("-V", "--version"):
        from gozero.version import __version__

        print(f"gozero {__version__}")
        return 0
    if name not in COMMANDS:
        raise ValueError(_unknown(name))
    return COMMANDS[name].run(arguments)


def _message(error: Exception, command: str) -> str | None:
    """One sentence for people, or None where the error is a bug of ours."""
    if isinstance(error, ModuleNotFoundError):
        library = (error.name or "").partition(".")[0]
        if (extra := _EXTRA_OF.get(library)) is None:
            return None
        return f"'gozero {command}' needs {library}: pip install 'gozero[{extra}]'"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: {error.filename}"
    return str(error) or type(error).__name__


def _unknown(name: str) -> str:
    near = menu.nearest(name, COMMANDS)
    hint = f"did you mean '{near}'?" if near else "'gozero --help' lists them"
    return f"there is no command '{name}'; {hint}"


def _help() -> str:
    return f"""usage: gozero COMMAND [options]

An AlphaGo you can run at home.

commands:
{menu.rows(COMMANDS)}

options:
  --help       this page; 'gozero COMMAND --help' tells about one command
  --version    the version
  --traceback  before a command: show where an error comes from

example: gozero play --size 9"""

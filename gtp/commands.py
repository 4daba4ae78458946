"""The commands: a table from name to handler, and how one is carried out.

A handler takes a `Call` and returns the body of the reply. Failures are `GtpError`s with the messages of the
specification, or GNU Go's. Anything else that is raised is a bug and becomes `? internal error`, never a message about
the game.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from gozero.errors import GozeroError
from gozero.version import __version__
from gtp import board_commands, ending_commands, gogui, record_commands, setup_commands, think, times
from gtp.call import Call, Handler, Stream, Write
from gtp.protocol import Command, GtpError, OutputClosed, end_stream, failure, success
from gtp.session import Attention, Session

ENGINE_NAME: Final = "GoZero"


def answer(session: Session, command: Command, write: Write, attention: Attention, log: Callable[[str], None]) -> None:
    """Carries out a command and writes exactly one reply, whatever happens; `log` takes a text for people.

    Raises:
        OutputClosed: `write` raised it.
    """
    stream = Stream(command.id, write)
    session.has_moved = False
    try:
        handler = COMMANDS.get(command.name)
        if handler is None:
            raise GtpError("unknown command" if command.name else "syntax error")
        reply = success(command.id, handler(Call(session, command, stream, attention, log)))
    except GtpError as error:
        reply = failure(command.id, str(error))
    except GozeroError as error:  # a network that cannot be used, for instance
        log(f"error: {error}")
        reply = failure(command.id, str(error))
    except OutputClosed:
        raise
    except Exception:  # noqa: BLE001  (a bug in one command must not end the game)
        import traceback

        log(f"internal error in '{command.name}', please report it:\n{traceback.format_exc()}")
        reply = failure(command.id, "internal error")
    write(end_stream() if stream.is_open else reply)


def protocol_version(call: Call) -> str:
    """The version of GTP."""
    return "2"


def name(call: Call) -> str:
    """The engine's name."""
    return ENGINE_NAME


def version(call: Call) -> str:
    """The engine's version, as two numbers.

    Lizzie asks for `X.Y` with a Y of at least 15 (Leela Zero's 0.15), so 0.1.0 is told as 0.110 and 1.2.3 as 1.123.
    """
    major, minor, patch = (int(part) for part in __version__.split(".")[:3])
    return f"{major}.{100 + 10 * minor + patch}"


def known_command(call: Call) -> str:
    """`known_command NAME`: true or false."""
    return "true" if call.arguments and call.arguments[0] in COMMANDS else "false"


def list_commands(call: Call) -> str:
    """All commands, one a line."""
    return "\n".join(COMMANDS)


def quit_session(call: Call) -> str:
    """Ends the session after the reply."""
    call.session.over = True
    return ""


def nothing(call: Call) -> str:
    """Commands that are carried out by coming in: any line ends an analysis."""
    return ""


def cpu_time(call: Call) -> str:
    """Seconds of processor time that the engine has used."""
    return f"{time.process_time():.3f}"


# `analyze` and `genmove_analyze` are left out on purpose: Sabaki would take them first, and reads their numbers as
# integers or decimals depending on its version.
COMMANDS: Final[dict[str, Handler]] = {
    "protocol_version": protocol_version,
    "name": name,
    "version": version,
    "known_command": known_command,
    "list_commands": list_commands,
    "quit": quit_session,
    "stop": nothing,
    "cputime": cpu_time,
    "gomill-cpu_time": cpu_time,
    "gogui-interrupt": nothing,
    **board_commands.COMMANDS,
    **setup_commands.COMMANDS,
    **think.COMMANDS,
    **times.COMMANDS,
    **ending_commands.COMMANDS,
    **record_commands.COMMANDS,
    **gogui.COMMANDS,
}
"""Every command by its name, in the order of `list_commands`."""

"""`gozero gtp`: the engine on standard input and output.

Input is read on a thread of its own, so that a line is noticed while the engine thinks; everything else happens on the
main thread, in the order of the lines. Numpy, numba and the networks are loaded on a third thread while the handshake
is answered. Standard output belongs to GTP: whatever a library prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from gozero.cli import EXIT_INTERRUPTED
from gtp import options
from gtp.commands import answer
from gtp.input import Input, Mark
from gtp.protocol import OutputClosed, failure, parse_line
from gtp.session import Session, Settings

if TYPE_CHECKING:
    from engine.player import Player

QUIET_SECONDS: Final = 0.05
"""Loading starts when no line has come for so long, or when a command needs it: imports would slow the handshake."""

DESCRIPTION: Final = """\
The engine on standard input and output, for Sabaki and other Go programs. In Sabaki: Engines, Manage Engines, Add;
path: the full path of the gozero command, arguments: gtp."""

EXAMPLE: Final = "example: gozero gtp --time 5"


def main(argv: Sequence[str]) -> int:
    """Run the engine with these command-line arguments; ends the process."""
    parser = options.parser("gozero gtp", DESCRIPTION, EXAMPLE)
    most_visits = "visits after which an analysis rests"
    parser.add_argument("--max-visits", type=options.at_least(1), metavar="N", help=most_visits)
    arguments = parser.parse_args(argv)
    options.check(arguments)
    settings = Settings(
        max_visits=arguments.max_visits,
        size=arguments.size,
        komi=arguments.komi,
        rules=arguments.rules,
    )
    with standard_output() as descriptor:
        status = serve(settings, options.player_maker(arguments), 0, descriptor)
    # Loading cannot be stopped, and taking numba apart takes a second: too long for a program that waits for our end.
    sys.stderr.flush()
    os._exit(status)


def serve(settings: Settings, make_player: Callable[[int], Player], input: int, output: int) -> int:
    """Answers the lines from one file descriptor on another until `quit` or the end; returns the exit status."""
    session = Session(settings, make_player, log)
    lines = Input(input)
    write = writer(output)
    end_on_sigterm()
    lines.start()
    log("GTP ready")
    try:
        _converse(session, lines, write)
    except OutputClosed:
        pass  # whoever read our replies has left, and wants no complaint
    except Terminated:
        pass
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def _converse(session: Session, lines: Input, write: Callable[[bytes], None]) -> None:
    quiet = True
    while not session.over:
        item = lines.next(QUIET_SECONDS if quiet else None)
        if item is None:
            quiet = False
            session.start_loading()
        elif item is Mark.END:
            return
        elif isinstance(item, Mark):
            write(failure("", "line too long"))
        else:
            command = parse_line(item)
            if command is not None:
                answer(session, command, write, lines, log)
                session.ponder(lines)


def writer(descriptor: int) -> Callable[[bytes], None]:
    """What writes bytes on a file descriptor at once; it raises OutputClosed where nobody reads them any more."""

    def write(data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            raise OutputClosed from None

    return write


def log(text: str) -> None:
    """Writes a text for people to standard error.

    Lizzie reads it together with the replies, and takes ` -> ` for analysis and some words at the start of a line for
    replies: each line begins with our name.
    """
    for line in text.replace(" -> ", " => ").splitlines():
        print(f"gozero: {line}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def standard_output() -> Iterator[int]:
    """A private descriptor of standard output; meanwhile the public one leads to standard error."""
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    try:
        yield private
    finally:
        sys.stdout.flush()  # what was printed meanwhile, and kept, is no output either
        os.dup2(private, 1)
        os.close(private)


class Terminated(BaseException):
    """SIGTERM has come in."""


def end_on_sigterm() -> None:
    """Makes SIGTERM raise `Terminated` on the main thread."""

    def leave(number: int, frame: object) -> NoReturn:
        raise Terminated

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, leave)

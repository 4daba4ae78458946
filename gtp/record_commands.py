"""`loadsgf` and `printsgf`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gozero.errors import GozeroError
from gtp.call import Call, Handler, parse_integer
from gtp.protocol import GtpError


def loadsgf(call: Call) -> str:
    """`loadsgf FILE [MOVE]`: the position before this move, or at the end of the game. FILE may hold spaces."""
    text = call.command.rest.strip()
    if not text:
        raise GtpError("missing filename")
    old = call.position
    path, number = Path(text), None
    if not _is_file(path) and len(call.arguments) > 1 and call.arguments[-1].isdigit():
        path, number = Path(text.rpartition(" ")[0].rstrip()), parse_integer(call.arguments[-1], "bad move number")
    from gozero import sgf_position

    try:
        call.session.position = sgf_position.read(path, number, old.komi, old.rules)
    except GozeroError as error:
        call.log(str(error))
        raise GtpError("cannot load file") from None
    return ""


def _is_file(path: Path) -> bool:
    """Whether there is such a file, as far as we may know: there is none of a name that is too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def printsgf(call: Call) -> str:
    """`printsgf [FILE]`: the game as SGF, in the reply or into a file."""
    position = call.position
    from gtp import records

    text = records.text_of(position)
    file = call.command.rest.strip()
    if not file:
        return text
    try:
        Path(file).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        call.log(str(error))
        raise GtpError("cannot write file") from None
    return ""


COMMANDS: Final[dict[str, Handler]] = {
    "loadsgf": loadsgf,
    "printsgf": printsgf,
}

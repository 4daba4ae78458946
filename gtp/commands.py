"""The commands: a table from name to handler, and how one is carried out.

A handler takes a `Call` and returns the body of the reply. Failures are `GtpError`s with the messages of the
specification, or GNU Go's. Anything else that is raised is a bug and becomes `? internal error`, never a message about
the game.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from gozero import coords
from gozero.coords import EMPTY
from gozero.errors import GozeroError
from gozero.version import __version__
from gtp import think, times
from gtp.analysis import Dialect
from gtp.call import BAD_MOVE, Call, Stream, Write, parse_colour, parse_integer, parse_vertex
from gtp.protocol import Command, GtpError, OutputClosed, end_stream, failure, success
from gtp.session import Attention, Session

if TYPE_CHECKING:
    from gozero.position import Position

ENGINE_NAME: Final = "GoZero"

Handler = Callable[[Call], str]


def answer(session: Session, command: Command, write: Write, attention: Attention, log: Callable[[str], None]) -> None:
    """Carries out a command and writes exactly one reply, whatever happens; `log` takes a text for people.

    Raises:
        OutputClosed: `write` raised it.
    """
    stream = Stream(command.id, write)
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


# --- the conversation ------------------------------------------------------------------------------------------------


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


def analyze_commands(call: Call) -> str:
    """What GoGui shows in its analysis dialog: type, label and command."""
    return "\n".join(
        (
            "string/Final Score/final_score",
            "plist/Dead Stones/final_status_list dead",
            "string/Rules/kata-get-rules",
            "none/Clear Cache/clear_cache",
        )
    )


# --- the board -------------------------------------------------------------------------------------------------------


def boardsize(call: Call) -> str:
    """`boardsize N`, or `boardsize N N` for programs that know other boards too."""
    width = call.integer(0, "boardsize not an integer")
    height = call.integer(1, "boardsize not an integer") if len(call.arguments) > 1 else width
    if width != height or not coords.MIN_SIZE <= width <= coords.MAX_SIZE:
        raise GtpError("unacceptable size")
    call.session.wait_for_board(call.attention)
    call.session.new_game(width)
    return ""


def rectangular_boardsize(call: Call) -> str:
    """`rectangular_boardsize WIDTH HEIGHT`; only squares are possible."""
    call.argument(1, "boardsize not two integers")
    return boardsize(call)


def clear_board(call: Call) -> str:
    """An empty board; komi, rules and time settings stay."""
    call.session.wait_for_board(call.attention)
    call.session.new_game()
    return ""


MOST_KOMI: Final = 1e6
"""Beyond any board; larger numbers would overflow in a network."""


def komi(call: Call) -> str:
    """`komi POINTS`."""
    points = call.number(0, "unacceptable komi")
    if abs(points) > MOST_KOMI:
        raise GtpError("unacceptable komi")
    call.position.komi = points
    return ""


def play(call: Call) -> str:
    """`play COLOUR VERTEX`, in or out of turn."""
    call.argument(1, BAD_MOVE)
    position = call.position
    _play(call, position, parse_colour(call.arguments[0]), parse_vertex(call.arguments[1], position.size))
    return ""


def play_sequence(call: Call) -> str:
    """`gogui-play_sequence COLOUR VERTEX ...`: all the moves, or none."""
    position = call.position.copy()
    for colour, point in _stones(call, position.size):
        _play(call, position, colour, point)
    call.session.position = position
    return ""


def _play(call: Call, position: Position, colour: int, point: int) -> None:
    from gozero.position import IllegalMove

    try:
        position.play(point, colour)
    except IllegalMove as error:
        call.log(str(error))
        raise GtpError("illegal move") from None


def _stones(call: Call, size: int) -> list[tuple[int, int]]:
    words = call.arguments
    if len(words) % 2:
        raise GtpError(BAD_MOVE)
    return [(parse_colour(words[i]), parse_vertex(words[i + 1], size)) for i in range(0, len(words), 2)]


def undo(call: Call) -> str:
    """Takes back a move, or a handicap or other set-up."""
    return _undo(call, 1)


def gg_undo(call: Call) -> str:
    """`gg-undo [N]`: takes back N moves, or none where there are not so many."""
    count = call.integer(0, "cannot undo") if call.arguments else 1
    if count < 0:
        raise GtpError("cannot undo")
    return _undo(call, count)


def _undo(call: Call, count: int) -> str:
    position = call.position.copy()
    for _ in range(count):
        try:
            position.undo()
        except ValueError:
            raise GtpError("cannot undo") from None
    call.session.position = position
    return ""


# --- set-up ----------------------------------------------------------------------------------------------------------


def fixed_handicap(call: Call) -> str:
    """`fixed_handicap N`: black stones on the fixed points of the specification; answers them."""
    return _handicap(call, "fixed_handicap")


def place_free_handicap(call: Call) -> str:
    """`place_free_handicap N`: exactly N black stones where the engine wants them; answers them."""
    return _handicap(call, "free_handicap")


def _handicap(call: Call, kind: Literal["fixed_handicap", "free_handicap"]) -> str:
    stones = call.integer(0, "handicap not an integer")
    position = call.position
    _check_empty(position)
    from gozero import handicap

    try:
        points: list[int] = getattr(handicap, kind)(position.size, stones)
    except ValueError:
        raise GtpError("invalid number of stones") from None
    position.place_handicap(points)
    return _vertices(points, position.size)


def set_free_handicap(call: Call) -> str:
    """`set_free_handicap VERTEX VERTEX ...`: black stones where the program wants them."""
    position = call.position
    _check_empty(position)
    complaint = "bad vertex list"
    points = [parse_vertex(word, position.size, complaint) for word in call.arguments]
    if len(points) < 2 or coords.PASS in points or len(set(points)) < len(points):
        raise GtpError(complaint)
    try:
        position.place_handicap(points)
    except ValueError:  # every point of the board was named
        raise GtpError(complaint) from None
    return ""


def _check_empty(position: Position) -> None:
    if position.moves or position.colours().any():
        raise GtpError("board not empty")


def set_position(call: Call) -> str:
    """`set_position COLOUR VERTEX ...`: exactly these stones, as the start of a game."""
    call.session.wait_for_board(call.attention)
    old = call.position
    position = type(old)(old.size, old.komi, old.rules)
    _set_up(call, position)
    call.session.position = position
    return ""


def gogui_setup(call: Call) -> str:
    """`gogui-setup COLOUR VERTEX ...`: adds stones without playing them."""
    position = call.position.copy()
    _set_up(call, position)
    call.session.position = position
    return ""


def _set_up(call: Call, position: Position) -> None:
    for colour, point in _stones(call, position.size):
        try:
            position.add_stone(point, colour)
        except ValueError as error:
            raise GtpError(str(error)) from None


def gogui_setup_player(call: Call) -> str:
    """`gogui-setup_player COLOUR`: whose turn it is."""
    call.position.to_play = call.colour()
    return ""


# --- rules, score, records -------------------------------------------------------------------------------------------


def set_rules(call: Call) -> str:
    """`kata-set-rules RULES` and `kgs-rules RULES`: a name, or KataGo's JSON."""
    call.argument(0, "rules missing")
    from gtp import rule_names

    rules = rule_names.read_rules(call.command.rest.strip())
    call.session.wait_for_board(call.attention)
    try:
        call.session.set_rules(rules)
    except ValueError as error:
        raise GtpError(f"cannot change the rules now: {error}") from None
    return ""


def get_rules(call: Call) -> str:
    """The rules, as one line of JSON."""
    from gtp import rule_names

    return rule_names.write_rules(call.position.rules)


def final_score(call: Call) -> str:
    """The score of the board as it stands, by the rules of the game; all stones on it count as alive."""
    position = call.position
    from gozero import scoring

    return scoring.format_result(scoring.final_score(position))


def final_status_list(call: Call) -> str:
    """`final_status_list STATUS`: chains, one a line; consistent with `final_score`, all are alive."""
    status = call.argument(0, "missing status")
    if status not in ("alive", "dead", "seki"):
        raise GtpError("invalid status")
    position = call.position
    if status != "alive":
        return ""
    return "\n".join(_vertices(chain, position.size) for chain in _chains(position))


def _chains(position: Position) -> list[list[int]]:
    """The points of every chain, by rows from the top left."""
    size, colours = position.size, position.colours()
    step = coords.stride(size)
    colour_at = {
        coords.point_at(row, column, size): int(colours[row, column])
        for row in range(size)
        for column in range(size)
        if colours[row, column] != EMPTY
    }
    chains = []
    seen: set[int] = set()
    for start, colour in colour_at.items():
        if start in seen:
            continue
        seen.add(start)
        chain = [start]
        for point in chain:  # grows while it is walked
            for near in (point - step, point - 1, point + 1, point + step):
                if near not in seen and colour_at.get(near) == colour:
                    seen.add(near)
                    chain.append(near)
        chains.append(sorted(chain))
    return chains


def showboard(call: Call) -> str:
    """The board for people."""
    position = call.position
    black, white = position.captured
    turn = coords.colour_name(position.to_play)
    return (
        f"\n{position}\n{turn} to play, move {len(position.moves) + 1}, komi {position.komi:g}, {position.rules.name}"
        f" rules\nCaptured: {white} by Black (X), {black} by White (O)"
    )


def loadsgf(call: Call) -> str:
    """`loadsgf FILE [MOVE]`: the position before this move, or at the end of the game. FILE may hold spaces."""
    text = call.command.rest.strip()
    if not text:
        raise GtpError("missing filename")
    old = call.position
    path, number = Path(text), None
    if not path.is_file() and len(call.arguments) > 1 and call.arguments[-1].isdigit():
        path, number = Path(text.rpartition(" ")[0].rstrip()), parse_integer(call.arguments[-1], "bad move number")
    from gozero import sgf_position

    try:
        call.session.position = sgf_position.read(path, number, old.komi, old.rules)
    except GozeroError as error:
        call.log(str(error))
        raise GtpError("cannot load file") from None
    return ""


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


def _vertices(points: list[int], size: int) -> str:
    return " ".join(coords.format_vertex(point, size) for point in points)


# `analyze` and `genmove_analyze` are left out on purpose: Sabaki would take them first, and reads their numbers as
# integers or decimals depending on its version.
COMMANDS: Final[dict[str, Handler]] = {
    "protocol_version": protocol_version,
    "name": name,
    "version": version,
    "known_command": known_command,
    "list_commands": list_commands,
    "quit": quit_session,
    "boardsize": boardsize,
    "rectangular_boardsize": rectangular_boardsize,
    "clear_board": clear_board,
    "komi": komi,
    "play": play,
    "genmove": think.genmove,
    "undo": undo,
    "gg-undo": gg_undo,
    "fixed_handicap": fixed_handicap,
    "place_free_handicap": place_free_handicap,
    "set_free_handicap": set_free_handicap,
    "set_position": set_position,
    "time_settings": times.time_settings,
    "kgs-time_settings": times.kgs_time_settings,
    "kata-time_settings": times.kata_time_settings,
    "kata-list_time_settings": times.kata_list_time_settings,
    "time_left": times.time_left,
    "final_score": final_score,
    "final_status_list": final_status_list,
    "showboard": showboard,
    "reg_genmove": think.reg_genmove,
    "loadsgf": loadsgf,
    "printsgf": printsgf,
    "kata-set-rules": set_rules,
    "kata-get-rules": get_rules,
    "kgs-rules": set_rules,
    "kgs-genmove_cleanup": think.genmove,
    "kata-analyze": partial(think.analyze, dialect=Dialect.KATAGO),
    "kata-genmove_analyze": partial(think.genmove_analyze, dialect=Dialect.KATAGO),
    "lz-analyze": partial(think.analyze, dialect=Dialect.LEELA_ZERO),
    "lz-genmove_analyze": partial(think.genmove_analyze, dialect=Dialect.LEELA_ZERO),
    "stop": nothing,
    "clear_cache": think.clear_cache,
    "cputime": cpu_time,
    "gomill-cpu_time": cpu_time,
    "gogui-analyze_commands": analyze_commands,
    "gogui-interrupt": nothing,
    "gogui-play_sequence": play_sequence,
    "gogui-setup": gogui_setup,
    "gogui-setup_player": gogui_setup_player,
}
"""Every command by its name, in the order of `list_commands`."""

"""The commands that think: moves and analysis.

A move is not cut short by what comes in, as programs queue commands behind `genmove`; an analysis ends with any line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from gozero import coords
from gozero.coords import RESIGN
from gtp.analysis import AnalysisOptions, Dialect, LineWriter, first_moves, parse_options
from gtp.call import Call, Handler
from gtp.protocol import GtpError
from gtp.session import turn_of

if TYPE_CHECKING:
    from engine.result import SearchResult

DEFAULT_INTERVAL = 1.0
"""Seconds between two lines of an analysis where the program named no interval."""

Report = Callable[["SearchResult"], None]


def genmove(call: Call) -> str:
    """`genmove COLOUR`: thinks, plays the move and answers it; `resign` leaves the board as it is."""
    return _move(call, call.colour(), None, DEFAULT_INTERVAL)


def genmove_cleanup(call: Call) -> str:
    """`kgs-genmove_cleanup COLOUR`: as `genmove`, without a pass before the opponent's dead stones are taken."""
    return _move(call, call.colour(), None, DEFAULT_INTERVAL, cleanup=True)


def genmove_analyze(call: Call, dialect: Dialect) -> str:
    """`genmove` with lines of analysis on the way and `play MOVE` at the end.

    Without an interval there is one line, before the move. Ownership that nobody can tell is left out (the CGOS client
    asks for it with every move).
    """
    options = parse_options(call.arguments, call.position.size)
    if options.restrictions:
        raise GtpError("'allow' and 'avoid' are for analysis")
    colour = options.colour or call.position.to_play
    report = _reporter(call, dialect, options)
    move = _move(call, colour, report, options.interval)
    call.stream.line(f"play {move}")
    return ""


def reg_genmove(call: Call) -> str:
    """`reg_genmove COLOUR`: the move that `genmove` would play, without playing it."""
    colour = call.colour()
    player = call.player
    position = call.position.copy()
    position.to_play = colour
    choice = player.choose(position, call.session.limits(player, colour), stop=call.attention.must_hurry)
    return coords.format_vertex(choice.point, position.size)


def analyze(call: Call, dialect: Dialect) -> str:
    """Analyses the position until any line comes in, or the visits of the command line are used up."""
    options = parse_options(call.arguments, call.position.size)
    player = call.player
    position = call.position.copy()
    if options.colour is not None:
        position.to_play = options.colour
    allowed = first_moves(options.restrictions, position.to_play, position.size)
    search = partial(player.search.run, position, root_moves=allowed)
    _try(search, options)
    call.stream.open()
    report = _reporter(call, dialect, options)
    result = search(
        call.session.analysis_limits(),
        stop=call.attention.line_waits,
        on_progress=report,
        progress_interval=options.interval or DEFAULT_INTERVAL,
    )
    if not call.attention.line_waits():
        report(result)
        call.attention.wait_for_line()
    return ""


def _try(search: Callable[..., SearchResult], options: AnalysisOptions) -> None:
    """Finds out with one visit whether what the options ask for can be had: afterwards the reply has begun.

    Raises:
        GtpError: it cannot.
    """
    from engine.search import Limits

    if not (options.ownership or options.restrictions):
        return
    try:
        result = search(Limits(visits=1))
    except ValueError:
        raise GtpError("none of the moves to look at is legal") from None
    if options.ownership and result.ownership is None:
        raise GtpError("'ownership' is not supported by this player's network")


def clear_cache(call: Call) -> str:
    """Forgets what was searched, so that the next move is thought about afresh."""
    call.player.search.forget()
    return ""


def _move(call: Call, colour: int, report: Report | None, interval: float | None, cleanup: bool = False) -> str:
    """Chooses and plays a move; with `report` and no interval, it is called once at the end."""
    player = call.player
    position, session = call.position, call.session
    began = time.monotonic()
    with turn_of(position, colour):
        choice = player.choose(
            position,
            session.limits(player, colour),
            stop=call.attention.must_hurry,
            on_progress=report if interval is not None else None,
            progress_interval=interval or DEFAULT_INTERVAL,
            cleanup=cleanup,
        )
    if report is not None and choice.result is not None:
        report(choice.result)
    session.clock(colour).spend(time.monotonic() - began)
    if choice.point != RESIGN:
        position.play(choice.point, colour)
        session.has_moved = True
    return coords.format_vertex(choice.point, position.size)


def _reporter(call: Call, dialect: Dialect, options: AnalysisOptions) -> Report:
    writer = LineWriter(call.position.size, dialect, options)

    def report(found: SearchResult) -> None:
        line = writer.line(found)
        if line:
            call.stream.line(line)

    return report


COMMANDS: Final[dict[str, Handler]] = {
    "genmove": genmove,
    "reg_genmove": reg_genmove,
    "kgs-genmove_cleanup": genmove_cleanup,
    "kata-analyze": partial(analyze, dialect=Dialect.KATAGO),
    "kata-genmove_analyze": partial(genmove_analyze, dialect=Dialect.KATAGO),
    "lz-analyze": partial(analyze, dialect=Dialect.LEELA_ZERO),
    "lz-genmove_analyze": partial(genmove_analyze, dialect=Dialect.LEELA_ZERO),
    "clear_cache": clear_cache,
}

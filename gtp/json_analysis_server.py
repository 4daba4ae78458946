"""`gozero analysis`: KataGo's JSON analysis protocol on standard input and output, for KaTrain and programs like it.

One thread searches. Whenever the search looks whether it should stop, a hundred times a second, the lines that have
come in are read and answered, so that a query can be terminated, or another one asked, at any time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from gozero.cli import EXIT_INTERRUPTED
from gozero.errors import GozeroError
from gtp import analyst, options
from gtp import json_analysis_reply as reply
from gtp.analysis_settings import RequestError, Settings, read_settings
from gtp.input import Input, Mark
from gtp.json_analysis_desk import Desk, Task
from gtp.json_analysis_reply import Reply
from gtp.protocol import OutputClosed
from gtp.server import Terminated, end_on_sigterm, log, standard_output, writer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.evaluator import AnyEvaluator, Evaluator
    from engine.player import Player
    from engine.search import SearchResult
    from gozero.position import Position

DEFAULT_VISITS: Final = 500
"""Visits where neither the query nor the command line names any."""
OWNERSHIP_MOVES: Final = 16
"""For so many moves, the best ones, `includeMovesOwnership` says what becomes of the board after them."""

KATAGO_NETWORKS: Final = (".bin.gz", ".txt.gz", ".bin", ".txt")

DESCRIPTION: Final = f"""\
KataGo's JSON analysis protocol on standard input and output, for KaTrain and programs like it: a query a line, a reply
a line. In KaTrain: General Settings, Override Engine Command: the full path of the gozero command, then analysis. A
query that names no visits gets {DEFAULT_VISITS}; win rates are Black's unless it asks otherwise.

What KataGo is started with is taken as well: -model with a network of ours; -config and -override-config with
maxVisits, maxTime and reportAnalysisWinratesAs."""

PLAYER: Final = "no-rollouts"
"""Who answers where nobody says. Queries name visits, mostly some hundred, where rollouts take time and tell nothing
(RESULTS.md, "Search effort and constants")."""
EXAMPLE: Final = "example: gozero analysis --visits 200 < queries.jsonl"


def main(argv: Sequence[str]) -> int:
    """Serve with these command-line arguments; ends the process."""
    arguments = _parser().parse_args(argv)
    defaults = _defaults(arguments)
    network = _network(arguments)
    if arguments.player != PLAYER or network is not None:  # for the default one's sake nothing need be imported
        from engine import player_file

        # What cannot play is refused now, not at every query.
        options.check_files(player_file.settings_of(arguments.player, network=network))
    with standard_output() as descriptor:
        server = Server(defaults, Players(arguments.player, network, arguments.threads), writer(descriptor))
        status = server.serve(0, arguments.quit_without_waiting)
    # Taking numba apart takes a second: too long for a program that waits for our end.
    sys.stderr.flush()
    os._exit(status)


class Players:
    """The players by board size, loaded when they are first asked for."""

    def __init__(self, name: str, network: str | None, threads: int | None) -> None:
        self._name = name
        self._network = network
        self._threads = threads
        self._loaded: dict[tuple[int, bool], Player] = {}

    def get(self, size: int, second: bool) -> Player:
        """The player for boards of a size, or a `second` one for the time in which the first makes way.

        Raises:
            GozeroError: it cannot be loaded, or plays no boards of this size.
        """
        if (size, second) not in self._loaded:
            self._loaded[size, second] = analyst.load(self._name, self._network, self._threads, size, log)
        return self._loaded[size, second]

    def forget(self) -> None:
        """Drops what was searched, so that every analysis starts afresh."""
        for player in self._loaded.values():
            player.search.forget()

    def models(self) -> list[dict[str, Any]]:
        """The networks that answer queries, in KataGo's words; none where the player has none.

        Those of the boards that were asked about so far, of 19x19 where none was.

        Raises:
            ValueError: the player makes no sense with this network.
            GozeroError: there is no such player or network.
        """
        from engine import network_file, player_file

        names = player_file.networks_of(self._name, self._network)
        sizes: list[int | None] = [*sorted({size for size, _ in self._loaded})] or [None]
        paths = dict.fromkeys(network_file.find(name, size) for size in sizes for name in names)
        return [
            {"name": info.name, "internalName": info.name, "version": info.format, "usesHumanSLProfile": False}
            for info in map(network_file.load_metadata, paths)
        ]


class Server:
    """Reads queries from one descriptor and writes the replies."""

    def __init__(self, defaults: Settings, players: Players, write: Callable[[bytes], None]) -> None:
        self._players = players
        self._desk = Desk(defaults, players.models)
        self._write = write
        self._ended = False  # no more lines will come
        self._hurry = False  # the end of input ends everything

    def serve(self, input: int, quit_without_waiting: bool = False) -> int:
        """Answers the lines from a file descriptor until all that was asked is answered; returns the exit status."""
        self._lines = Input(input)
        self._hurry = quit_without_waiting
        end_on_sigterm()
        self._lines.start()
        log("Started, ready to begin handling requests")
        try:
            self._work()
        except (OutputClosed, Terminated):
            pass  # whoever read our replies has left, or wants us to
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
        return 0

    def _work(self) -> None:
        while True:
            self._attend()
            task = self._desk.next()
            if task is not None:
                self._carry_out(task)
            elif self._ended:
                return
            else:
                self._lines.wait_for_line()
            if self._ended and self._hurry:
                return

    def _attend(self) -> None:
        """Reads and answers what has come in."""
        while not self._ended and self._lines.line_waits():
            item = self._lines.next()
            if item is Mark.END:
                self._ended = True
            elif isinstance(item, Mark):
                self._reply(reply.error(RequestError("the line is longer than a megabyte")))
            elif item is not None:
                for answer in self._desk.take(item):
                    self._reply(answer)

    def _reply(self, answer: Reply) -> None:
        self._write(msgspec.json.encode(answer) + b"\n")

    def _carry_out(self, task: Task, second: bool = False) -> None:
        """Analyses one position and answers; whatever goes wrong is answered too."""
        id = task.analysis.query.id
        try:
            self._analyse(task, second)
        except OutputClosed:
            raise
        except RequestError as error:
            self._reply(reply.error(RequestError(str(error), error.field, id)))
        except GozeroError as error:
            self._reply(reply.error(RequestError(str(error), "boardXSize", id)))
        except Exception as error:  # noqa: BLE001  (a bug of ours in one query must not end the others)
            log(traceback.format_exc())
            self._reply(reply.error(RequestError(f"internal error: {error!r}", id=id)))
        finally:
            self._desk.done(task)

    def _analyse(self, task: Task, second: bool) -> None:
        from engine.search import Limits

        analysis, turn = task.analysis, task.turn
        position = analysis.game.position(turn)
        player = self._players.get(position.size, second)
        search = player.search
        allowed = analysis.allowed(position)
        if allowed is not None and not (allowed & (position.legal_mask() > 0)).any():
            raise RequestError("no legal move is left", "avoidMoves" if analysis.query.avoid_moves else "allowMoves")
        if self._desk.cache_cleared:
            self._players.forget()
            self._desk.cache_cleared = False

        def answer(found: SearchResult, ownership: dict[int, NDArray[np.float32]]) -> None:
            self._reply(reply.result(analysis, turn, position, found, ownership))

        reporter = _Reporter(task, lambda found: answer(found, {}))
        settings = analysis.settings
        found = search.run(
            position,
            Limits(settings.visits, settings.seconds),
            stop=lambda: self._should_stop(task, second),
            on_progress=reporter.report if reporter.interval else None,
            progress_interval=reporter.interval or 1.0,
            root_moves=allowed,
        )
        ownership: dict[int, NDArray[np.float32]] = {}
        if analysis.query.include_moves_ownership:
            points = [move.point for move in found.moves[:OWNERSHIP_MOVES] if move.visits]
            ownership = ownership_after(search.evaluator, position, points)
        answer(found, ownership)

    def _should_stop(self, task: Task, second: bool) -> bool:
        """Answers what came in, lets others go first if this task has no end, and says whether the task is over."""
        self._attend()
        while task.endless and not second and not task.terminated:
            other = self._desk.next(make_way=True)
            if other is None:
                break
            self._carry_out(other, second=True)
        return task.terminated or (self._ended and self._hurry)


class _Reporter:
    """When a task tells what was found so far."""

    def __init__(self, task: Task, answer: Callable[[SearchResult], None]) -> None:
        query = task.analysis.query
        every, first = query.report_during_search_every, query.first_report_during_search_after
        self.interval = min((seconds for seconds in (every, first) if seconds), default=None)
        """Seconds between two looks; None where nothing is to be told before the end."""
        self._every = every
        self._due: float | None = time.monotonic() + (first or every or 0.0)
        self._answer = answer

    def report(self, found: SearchResult) -> None:
        """Tells it if it is time."""
        now = time.monotonic()
        if self._due is not None and now >= self._due - 0.001:
            self._due = now + self._every if self._every else None
            self._answer(found)


def ownership_after(
    evaluator: AnyEvaluator, position: Position, points: Sequence[int]
) -> dict[int, NDArray[np.float32]]:
    """What the network says of the board after each of these moves: float32[S*S] for the player who is to answer it.

    Nothing where the evaluator tells no ownership.
    """
    import numpy as np

    from engine.evaluator import BOARDS, NO_FEATURES
    from gozero import features

    if not points or evaluator.feature_set in (BOARDS, NO_FEATURES):
        return {}
    after = []
    for point in points:
        after.append(position.copy())
        after[-1].play(point)
    planes = np.stack([features.planes(each, evaluator.feature_set) for each in after])
    found = cast("Evaluator", evaluator).evaluate(planes, np.stack([features.globals_of(each) for each in after]))
    return {} if found.ownership is None else dict(zip(points, found.ownership, strict=True))


# --- the command line ------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gozero analysis",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    analyst.add_options(parser)
    parser.set_defaults(player=PLAYER)
    add = parser.add_argument
    add("--visits", type=options.at_least(1), metavar="N", help="visits of a query that names none (default 500)")
    add("--time", type=options.positive, metavar="S", help="seconds of a query that names none")
    add("-model", metavar="M", help="as --network; a network of KataGo's is passed over")
    add("-config", metavar="FILE", help="a configuration file of KataGo's")
    add("-override-config", metavar="K=V,...", help="settings that go before those of the file")
    add("-quit-without-waiting", action="store_true", help="let the end of input end what is not finished")
    for name in ("-human-model", "-analysis-threads"):
        add(name, metavar="X", help="passed over")
    return parser


def _defaults(arguments: argparse.Namespace) -> Settings:
    """What queries are answered with that say nothing else."""
    values = _read_config(arguments.config) if arguments.config else {}
    for entry in (arguments.override_config or "").split(","):
        name, equals, value = entry.partition("=")
        if equals:
            values[name.strip()] = value
    try:
        settings, _ = read_settings(values, Settings(visits=DEFAULT_VISITS))
    except RequestError as error:
        raise GozeroError(f"{arguments.config or '-override-config'}: {error}") from None
    if arguments.visits is None and arguments.time is None:
        return settings
    return replace(settings, visits=arguments.visits, seconds=arguments.time)


def _read_config(path: str) -> dict[str, str]:
    """The settings of a configuration file in KataGo's format."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise GozeroError(f"{Path(path).resolve()} cannot be read: {error.strerror}") from None
    lines = (line.partition("#")[0].partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, equals, value in lines if equals}


def _network(arguments: argparse.Namespace) -> str | None:
    """The network that the command line names, which must be there; None where it leaves the choice to us."""
    named: str | None = arguments.network
    if named is None and arguments.model is not None:
        if str(arguments.model).endswith(KATAGO_NETWORKS):
            log(f"{arguments.model} is a network of KataGo's, which GoZero cannot read: it plays with its own")
        else:
            named = arguments.model
    return options.checked_network(named)

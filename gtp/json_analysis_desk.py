"""KataGo's JSON analysis protocol: who waits for what. Lines go in, replies come out, and work for whoever searches."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gozero.errors import GozeroError
from gozero.version import __version__
from gtp import json_analysis_reply as reply
from gtp.analysis_settings import RequestError, Settings
from gtp.json_analysis import Action, Analysis, parse
from gtp.json_analysis_reply import Reply


@dataclass(slots=True, order=True)
class Task:
    """One position of a query. Tasks sort in the order in which they are to be done."""

    endless: bool
    """Whether it goes on until it is terminated: those come last, and make way for the others."""
    urgency: int
    """The lower, the sooner: the priority, negated."""
    number: int
    analysis: Analysis = field(compare=False)
    turn: int = field(compare=False)
    terminated: bool = field(compare=False, default=False)


class Desk:
    """Takes requests, in the order in which they come in, and hands out tasks, the most urgent first.

    Attributes:
        cache_cleared: set by `clear_cache`; whoever searches takes note and unsets it.
    """

    def __init__(self, defaults: Settings, models: Callable[[], list[dict[str, Any]]]) -> None:
        """`models` describes the networks in use, for `query_models`; its GozeroErrors and ValueErrors are answered."""
        self.cache_cleared = False
        self._defaults = defaults
        self._models = models
        self._waiting: list[Task] = []
        self._running: list[Task] = []
        self._count = 0

    def take(self, line: bytes) -> list[Reply]:
        """What is to be answered to a line at once; the tasks that it makes wait."""
        if not line.strip():
            return []
        try:
            request = parse(line, self._defaults)
            if isinstance(request, Action):
                return self._act(request)
            return self._queue(request)
        except RequestError as error:
            return [reply.error(error)]

    def next(self, make_way: bool = False) -> Task | None:
        """The most urgent task, None where there is none; with `make_way`, only one that comes to an end by itself."""
        if not self._waiting or (make_way and self._waiting[0].endless):
            return None
        task = heapq.heappop(self._waiting)
        self._running.append(task)
        return task

    def done(self, task: Task) -> None:
        """Takes note that a task was answered."""
        self._running.remove(task)

    def _queue(self, analysis: Analysis) -> list[Reply]:
        try:
            analysis.game.position(len(analysis.game.moves))
        except RequestError as error:
            raise RequestError(str(error), error.field, analysis.query.id) from None
        for turn, priority in analysis.turns:
            heapq.heappush(self._waiting, Task(analysis.endless, -priority, self._count, analysis, turn))
            self._count += 1
        return reply.warnings(analysis)

    def _act(self, action: Action) -> list[Reply]:
        ended: list[Reply] = []
        more: dict[str, Any] = {}
        if action.name == "query_version":
            more = {"version": __version__, "git_hash": "<omitted>"}
        elif action.name == "query_models":
            more = {"models": self._described_models(action)}
        elif action.name == "clear_cache":
            self.cache_cleared = True
        else:
            ended = self._terminate(action)
        return [*ended, {**action.fields, **more}]

    def _described_models(self, action: Action) -> list[dict[str, Any]]:
        try:
            return self._models()
        except (GozeroError, ValueError) as error:
            raise RequestError(str(error), id=action.id) from None

    def _terminate(self, action: Action) -> list[Reply]:
        def meant(tasks: Iterable[Task]) -> list[Task]:
            return [
                task
                for task in tasks
                if action.terminate_id in (None, task.analysis.query.id)
                and (action.turns is None or task.turn in action.turns)
            ]

        for task in meant(self._running):
            task.terminated = True
        ended = sorted(meant(self._waiting))
        for task in ended:
            task.terminated = True
        self._waiting = [task for task in self._waiting if not task.terminated]
        heapq.heapify(self._waiting)
        return [reply.no_results(task.analysis.query.id, task.turn) for task in ended]

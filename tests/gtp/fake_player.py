"""A player that thinks of nothing: fast, the same every time, and interruptible like the real one.

Run as a program it is a GTP engine, for the tests of the server: `python fake_player.py [THINK] [LOAD]`, with the
seconds that it takes for a move and for loading.
"""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import numpy as np

SLICE = 0.005
"""Seconds between two looks at the clock and at `stop`."""


class FakeSearch:
    def __init__(self):
        self.forgotten = 0
        self.tells_ownership = False

    def run(self, position, limits, stop=None, on_progress=None, progress_interval=0.5, root_moves=None):
        began = reported = time.monotonic()
        visits = 0
        while True:
            now = time.monotonic()
            ending = self._ending(limits, visits, now - began, stop)
            if ending:
                return self._result(position, visits, ending, root_moves)
            time.sleep(SLICE)
            visits += 10
            if on_progress is not None and now >= reported + progress_interval:
                on_progress(self._result(position, visits, None, root_moves))
                reported = now

    def forget(self):
        self.forgotten += 1

    def _ending(self, limits, visits, seconds, stop):
        if stop is not None and stop():
            return "stopped"
        if limits.visits is not None and visits >= limits.visits:
            return "visits"
        if limits.seconds is not None and seconds >= limits.seconds:
            return "seconds"
        return None

    def _result(self, position, visits, ending, root_moves):
        from engine.result import MoveStats, SearchResult
        from gozero.coords import move_index

        size = position.size
        points = [p for p in sensible_points(position) if root_moves is None or root_moves[move_index(p, size)]]
        if root_moves is not None and not points:
            raise ValueError("none of the moves to look at is legal")
        moves = [
            MoveStats(point, max(visits - 10 * i, 0), 0.5 - 0.25 * i, 0.3, 0.4 - 0.25 * i, [point])
            for i, point in enumerate(points[:2] or [0])
        ]
        policy = np.zeros(size * size + 1, np.float32)
        for i, point in enumerate([*points, 0]):
            policy[move_index(point, size)] = 0.5 ** (i + 1)
        ownership = np.linspace(1, -1, size * size, dtype=np.float32) if self.tells_ownership else None
        score = 3.5 if self.tells_ownership else None
        return SearchResult(moves, 0.5, visits, visits, 0.0, policy, ending, ownership, score)


class FakePlayer:
    """Plays the first sensible point; passes where there is none; resigns where `resigns` is set."""

    def __init__(self, think=0.0):
        self.search = FakeSearch()
        self.think = think
        self.resigns = False
        self.limits_seconds = 2.0
        self.pondered = None
        self.cleanup = None
        self.closed = False
        self.asked = None  # the limits of the last move
        self.to_play = None

    @property
    def limits(self):
        from engine.search import Limits

        return Limits(visits=1000, seconds=self.limits_seconds)

    def close(self):
        self.closed = True

    def ponder(self, position, stop):
        self.pondered = len(position.moves)

    def choose(self, position, limits=None, stop=None, on_progress=None, progress_interval=0.5, cleanup=False):
        from engine.search import Limits
        from gozero.coords import PASS, RESIGN

        self.asked = limits
        self.cleanup = cleanup
        self.to_play = position.to_play
        result = self.search.run(position, Limits(seconds=self.think), stop, on_progress, progress_interval)
        points = sensible_points(position)
        if self.resigns:
            point = RESIGN
        else:
            point = points[0] if points and position.passes < 2 else PASS
        return SimpleNamespace(point=point, result=result)


def sensible_points(position):
    """Legal points that fill no eye of the player to move, from the centre of the list outwards to the end."""
    from gozero import _legality
    from gozero.coords import parse_vertex

    points = [parse_vertex(vertex, position.size) for vertex in position.legal_vertices()]
    points = [point for point in points if not _legality.is_eye(position.state, point, position.to_play)]
    middle = len(points) // 2
    return points[middle:] + points[:middle]


def main():
    from gtp.server import serve
    from gtp.session import Settings

    think, load = (float(word) for word in [*sys.argv[1:], "0", "0"][:2])

    def make(size):
        time.sleep(load)
        return FakePlayer(think)

    return serve(Settings(), make, 0, 1)


if __name__ == "__main__":
    sys.exit(main())

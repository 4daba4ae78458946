"""One search, from its first walk to its last: what may still be selected, what is in flight, and when it is over."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from engine import _select
from engine.flight import POLL_SECONDS, Crew, Flight
from engine.gumbel import GumbelRoot
from engine.result import Ending, RootEstimate, SearchResult, is_disputed, summarise
from engine.root import Root
from engine.search_config import Limits, SearchConfig
from engine.tree import Tree

_CALL_SECONDS: Final = 0.03
"""A call of the evaluator is kept about this short, by smaller batches, where several are in flight."""
_WALKS_A_LOOK: Final = 256
"""Walks to ends of games between two looks at the clock."""
_MOST_VISITS: Final = 2**30
"""What a node can count."""
ANY_EDGE: Final = np.zeros(0, np.int32)
"""Where walks may leave the root as they like."""


class SearchRun:
    """The progress of one search. Everything but judging leaves happens on the caller's thread.

    Attributes:
        tree: it may be exchanged for a smaller one when its memory is full.
        flight: what waits for the evaluator.
        deadline: when nothing more is launched, by `time.monotonic`; None for never.
    """

    def __init__(
        self,
        config: SearchConfig,
        crew: Crew,
        tree: Tree,
        root: Root,
        limits: Limits,
        started: float,
        random: np.random.Generator,
    ) -> None:
        """The tree's root is evaluated already; it was `started` by `time.monotonic`. `random`: for Gumbel noise."""
        self._most_visits = min(limits.visits or _MOST_VISITS, _MOST_VISITS)
        ahead = self._most_visits - tree.visits
        is_gumbel = config.gumbel_moves > 0 and limits.visits is not None and ahead > 0
        if is_gumbel and not tree.has_room(config.gumbel_moves):
            tree = tree.pruned() or tree  # a move that has no node yet is drawn only where it can be given one
        self.tree = tree
        self.flight = Flight(crew, tree, root, config.batch_size)
        self.deadline = None if limits.seconds is None else started + limits.seconds
        self._config = config
        self._timer = crew.timer
        self._rng = crew.symmetry_rng
        self._root = root
        self._limits = limits
        self._started = started
        self._extended = limits.extension == 0
        self._is_answered = False  # the last batch, by this thread itself
        self._gumbel = GumbelRoot(tree, config.gumbel_moves, ahead, random) if is_gumbel else None

    def select(self) -> Ending | None:
        """Selects, expands and launches leaves until enough are in flight; says why nothing more will be launched."""
        while self.flight.has_room:
            allowed = self._most_visits - self.tree.visits - self.flight.leaves
            if allowed <= 0:
                return "visits"
            wanted = self._batch_limit()
            ready = time.monotonic() + wanted * self._timer.seconds_per_leaf
            if self.deadline is not None and ready >= self.deadline:
                return "seconds"
            edges = ANY_EDGE
            if self._gumbel is not None:
                edges = self._gumbel.next_edges(self.tree, wanted)
                if not len(edges):
                    if self.flight.batches or self._gumbel.halve(self.tree):
                        return None
                    return "visits"
                wanted = allowed = min(allowed, len(edges))
            batch = self.flight.new_batch()
            leaves, _, outcome = _select.select_leaves(
                *self.tree.arrays, *self._root, *batch, self._rng, edges, wanted, min(allowed, _WALKS_A_LOOK), wanted
            )
            self._is_answered = leaves > 0 and self.flight.launch(batch, leaves)
            if outcome == _select.FULL:
                return "full"
            if leaves < wanted or self._is_answered:
                # Nothing more to be found before answers come, or time to look who else has answered, and at the clock.
                return None
        return None

    def wait(self) -> None:
        """Backs up the answers that are there; waits a moment for them where there is nothing to do meanwhile."""
        self.flight.land(0.0 if self._is_answered else POLL_SECONDS)
        self._is_answered = False

    def abandon(self) -> None:
        """Gives up every leaf in flight, so that the tree is as if it had not been selected; answers go nowhere."""
        self.flight.abandon()

    def goes_on(self, ending: Ending) -> bool:
        """Whether the search goes on although it came to its end; nothing is in flight."""
        if ending == "full":
            smaller = self.tree.pruned()
            if smaller is None:
                return False
            self.tree = self.flight.tree = smaller
            return True
        if not self._extended and self._gumbel is None and is_disputed(self.tree):
            self._extended = True
            longer = 1.0 + self._limits.extension
            if self._limits.visits is not None:
                self._most_visits = int(longer * self._limits.visits)
            if self._limits.seconds is not None:
                self.deadline = self._started + longer * self._limits.seconds
            return True
        return False

    def summary(
        self, visits_before: int, seconds: float, ending: Ending | None, estimate: RootEstimate
    ) -> SearchResult:
        """What has been found so far."""
        first = None if self._gumbel is None else self._gumbel.best(self.tree)
        by_lcb = self._config.choice == "lcb"
        return summarise(self.tree, visits_before, seconds, ending, estimate, first, by_lcb)

    def _batch_limit(self) -> int:
        """How many leaves the next batch may hold."""
        limit = self.flight.most_leaves
        if self._config.batches_in_flight > 1 and self._timer.seconds_per_leaf > 0:
            limit = min(limit, int(_CALL_SECONDS / self._timer.seconds_per_leaf))
        return max(1, limit)

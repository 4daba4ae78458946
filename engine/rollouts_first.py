"""A search whose visits are worth their rollouts at once, while the network's answers come when they can.

This is AlphaGo's own order (Silver et al. 2016, Methods, "Searching with policy and value networks"). A leaf is worth
the result of a rollout from it. When it has been visited so often that it passes the expansion threshold, it joins the
queue for the network; the answer gives it priors, and its value is counted beside the rollouts at every node above,
Q = (1 - lambda) W_v / N_v + lambda W_r / N_r. With placeholder priors it is searched on meanwhile.

The threshold is adjusted so that the queue is neither full nor empty: slower networks judge fewer leaves, and those
that matter more. The tree's thread never waits for the network, so what it finds depends on how fast that answers: no
seed gives the same tree again. Lower confidence bounds take the spread of the rollouts for that of the mix.
"""

from __future__ import annotations

import time
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from engine import _expand, _select, _tree
from engine._expand import LeafBatch
from engine.flight import POLL_SECONDS, WIDENING, Crew, new_batch, roll_out
from engine.result import Ending
from engine.root import Root
from engine.search_config import Limits, SearchConfig
from engine.search_run import ANY_EDGE, SearchRun
from engine.tree import Tree
from gozero.geometry import symmetry_table

_WALKS: Final = 8
"""Walks that are selected before the rollouts from their leaves are played, at most."""
_STEP: Final = 1.02
"""The factor by which the threshold changes at a time: by e in some 50 steps, a twentieth of a second."""
_MOST: Final = 10_000.0
_SPARE_BATCHES: Final = 1
"""Batches that wait for an evaluator's thread, so that it goes on at once when its last call is done."""


@runtime_checkable
class LeafPriors(Protocol):
    """The tree policy."""

    def leaf_priors(self, boards: NDArray[np.uint32]) -> NDArray[np.float32]:
        """Log-probabilities by move index, float32[B, S*S + 1], on boards uint32[B, state] (`gozero._board`)."""


def tree_policy_of(rollouts: object) -> LeafPriors | None:
    """What plays rollouts, if it has a tree policy as well; None where it has not, as random rollouts."""
    return rollouts if isinstance(rollouts, LeafPriors) else None


class ExpansionThreshold:
    """n_thr: visits at which a leaf is sent to the network.

    Attributes:
        visits: at least 1; a fraction counts as the next whole number.
    """

    def __init__(self, visits: float) -> None:
        self.visits = max(1.0, visits)

    def adjust(self, is_crowded: bool, is_starved: bool) -> None:
        """Takes account of the queue: it is full while the network works, or the network has nothing to do."""
        if is_crowded:
            self.visits = min(_MOST, self.visits * _STEP)
        elif is_starved:
            self.visits = max(1.0, self.visits / _STEP)


class RolloutsFirstRun(SearchRun):
    """A run whose walks end with a rollout; see the top of this module."""

    def __init__(
        self,
        config: SearchConfig,
        crew: Crew,
        tree: Tree,
        root: Root,
        limits: Limits,
        started: float,
        random: np.random.Generator,
        threshold: ExpansionThreshold,
        placeholder: LeafPriors | None,
    ) -> None:
        """As a `SearchRun`.

        Args:
            threshold: goes on changing; the next search may begin with it.
            placeholder: where leaves that wait for the network take their priors from; None where they take none.
        """
        super().__init__(config, crew, tree, root, limits, started, random)
        assert crew.rollouts is not None
        self._crew, self._rollouts = crew, crew.rollouts
        self._threshold = threshold
        self._placeholder = placeholder
        self._walks = new_batch(tree.size, _WALKS)
        self._queue = self.flight.new_batch()
        self._queued = 0
        self._is_ending = False

    def select(self) -> Ending | None:
        """Walks down a few times, plays and backs up the rollouts, and sends to the network what is due."""
        ending = self._walk()
        self._is_ending = ending is not None
        if self._is_ending:
            self._drop_queue()
        else:
            self._launch()
        return ending

    def wait(self) -> None:
        """Backs up the answers that are there; waits for them only when nothing more is selected."""
        self.flight.land(POLL_SECONDS if self._is_ending else 0.0)

    def abandon(self) -> None:
        """Gives up every leaf in the queue and in flight, so that they may be sent again; answers go nowhere."""
        self._drop_queue()
        super().abandon()

    def _walk(self) -> Ending | None:
        allowed = self._most_visits - self.tree.visits
        if allowed <= 0:
            return "visits"
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "seconds"
        edges, wanted = ANY_EDGE, min(_WALKS, 1 + self.tree.visits // WIDENING)
        if self._gumbel is not None:
            edges = self._gumbel.next_edges(self.tree, wanted)
            if not len(edges):
                return None if self._gumbel.halve(self.tree) else "visits"
            allowed = min(allowed, len(edges))
        walks, room = self._walks, self._batch_limit() - self._queued
        self._root.terms["expansion_threshold"] = self._threshold.visits
        leaves, _, outcome = _select.select_leaves(
            *self.tree.arrays, *self._root, *walks, self._rng, edges, wanted, min(allowed, _WALKS), room
        )
        if leaves:
            results = roll_out(self._rollouts, walks, leaves, self._crew.rollout_rng)
            _expand.apply_results(*self.tree.arrays, walks.node, leaves, results)
            self._enqueue(np.flatnonzero(walks.asked[:leaves]))
        return "full" if outcome == _select.FULL else None

    def _enqueue(self, asked: NDArray[np.intp]) -> None:
        """Adds leaves of the walks, by their place, to what is sent to the network next."""
        if not len(asked):
            return
        end = self._queued + len(asked)
        for name in LeafBatch._fields:
            getattr(self._queue, name)[self._queued : end] = getattr(self._walks, name)[asked]
        nodes = self._queue.node[self._queued : end]
        self._queued = end
        if self._placeholder is not None:
            logits = self._placeholder.leaf_priors(self._walks.boards[asked])
            places = symmetry_table(self.tree.size)[0]
            _expand.place_priors(*self.tree.arrays, nodes, len(nodes), logits, places, self._root.terms)

    def _launch(self) -> None:
        """Sends the queue off when it is full, or when the network has nothing else to do."""
        at_once = self._config.batches_in_flight
        is_full = self._queued >= self._batch_limit()
        if self._queued and self.flight.batches < at_once + _SPARE_BATCHES and (is_full or not self.flight.batches):
            self.flight.launch(self._queue, self._queued)
            self._queue, self._queued, is_full = self.flight.new_batch(), 0, False
        self._threshold.adjust(is_full, is_starved=self.flight.batches < at_once)

    def _drop_queue(self) -> None:
        _tree.give_up(*self.tree.arrays, self._queue.node, self._queued, self._root.terms)
        self._queued = 0

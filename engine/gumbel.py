"""Choosing at the root by Gumbel noise and sequential halving (Danihelka et al. 2022, "Policy improvement by planning
with Gumbel"), for searches of few visits.

Some moves are drawn without replacement from the policy; the visits are shared out evenly among them, and each phase
ends with the worse half left out. Below the root the search goes on as ever.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine import _tree
from engine._gumbel import sigma
from engine._puct import other_side
from engine.tree import Tree


class GumbelRoot:
    """The moves that are still considered at the root of a tree, and how often each is to be visited.

    The root's edges are known by their place in the tree, so the tree may not be exchanged for one whose root differs.
    """

    def __init__(self, tree: Tree, moves: int, visits: int, random: np.random.Generator) -> None:
        """Draws at most `moves` moves of an evaluated root, for `visits` further visits in all.

        In a full tree only moves that have been tried before are drawn: the others cannot be visited.
        """
        edges = tree.edges()
        priors = np.maximum(tree.arrays.prior[edges].astype(np.float64), 1e-30)
        scores = random.gumbel(size=len(priors)) + np.log(priors)
        order = np.argsort(-scores)
        wanted = min(moves, len(scores), max(1, visits))
        self._tree = tree
        self._scores: dict[int, float] = {}  # by edge: Gumbel noise and log-prior
        # The moves as they lie now: edges change their places when they are first tried.
        for move, score in zip(tree.arrays.move[edges][order].tolist(), scores[order].tolist(), strict=True):
            if len(self._scores) == wanted:
                break
            edge = self._edge_of(move)
            if edge != _tree.NO_NODE:
                self._scores[edge] = score
        self._phases = max(1, math.ceil(math.log2(len(self._scores))))
        self._visits = visits
        self._considered = list(self._scores)
        self._begin_phase()

    def next_edges(self, tree: Tree, count: int) -> NDArray[np.int32]:
        """The root's edges by which the next walks leave it, int32[n] with n at most `count`; none: the phase is over.

        What is on its way counts as done.
        """
        nodes = tree.arrays.nodes[tree.arrays.child[self._considered]]
        due = self._targets - nodes["visits"] - nodes["virtual_losses"]
        # Those with most to come first, each as often as it is due.
        order = np.argsort(-due, kind="stable")
        rounds = [edge for step in range(int(due.max(initial=0))) for edge in order if due[edge] > step]
        return np.array([self._considered[i] for i in rounds[:count]], np.int32)

    def halve(self, tree: Tree) -> bool:
        """Leaves out the worse half once nothing of the phase is in flight; returns whether a further phase follows."""
        if self._phase == self._phases:
            return False
        ranked = sorted(self._considered, key=lambda edge: self._rank(tree, edge), reverse=True)
        self._considered = ranked[: max(1, math.ceil(len(ranked) / 2))]
        self._tree = tree
        self._begin_phase(self._phase + 1)
        return True

    def best(self, tree: Tree) -> int:
        """The move index of the best of those that are still considered."""
        visited = [edge for edge in self._considered if tree.arrays.nodes["visits"][tree.arrays.child[edge]] > 0]
        return int(tree.arrays.move[max(visited or self._considered, key=lambda edge: self._rank(tree, edge))])

    def _begin_phase(self, phase: int = 1) -> None:
        self._phase = phase
        each = max(1, self._visits // (self._phases * len(self._considered)))
        self._targets = self._tree.arrays.nodes["visits"][self._tree.arrays.child[self._considered]] + each

    def _edge_of(self, move: int) -> int:
        """The edge of a move, which has a child from now on; NO_NODE where the tree has no room for that."""
        tried = self._tree.tried_edges()
        found = np.flatnonzero(self._tree.arrays.move[tried] == move)
        return tried.start + int(found[0]) if len(found) else int(_tree.try_move(*self._tree.arrays, 0, move))

    def _rank(self, tree: Tree, edge: int) -> float:
        nodes = tree.arrays.nodes
        child = nodes[tree.arrays.child[edge]]
        if not child["visits"]:
            return -math.inf
        value = other_side(float(tree.mean_values(tree.arrays.child[[edge]])[0]))
        most = int(nodes["visits"][tree.arrays.child[tree.tried_edges()]].max())
        return self._scores[edge] + float(sigma(value, float(most)))

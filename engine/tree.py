"""A search tree: its memory, its root, and what can be read from it. The walking is done in `engine._tree`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine import _tree
from engine._tree import TreeArrays

_NODE_FIELDS: Final = {
    "status": np.uint8,
    "parent": np.int32,
    "visits": np.int32,
    "virtual_losses": np.int32,
    "value_sum": np.float64,
    "square_sum": np.float64,
    "value": np.float32,
    "first_edge": np.int32,
    "edge_count": np.int16,
    "tried": np.int16,
}
_EDGE_FIELDS: Final = {"move": np.int16, "prior": np.float32, "child": np.int32}
_NODE_BYTES: Final = sum(np.dtype(kind).itemsize for kind in _NODE_FIELDS.values())
_EDGE_BYTES: Final = sum(np.dtype(kind).itemsize for kind in _EDGE_FIELDS.values())


class Tree:
    """A tree with room for a fixed number of nodes and edges, allocated at once; the root is node 0.

    Attributes:
        arrays: what the kernels work on, see `engine._tree.TreeArrays`.
        size: the board is size x size points.
        budget: bytes that the arrays take at most.
    """

    def __init__(self, size: int, budget: int) -> None:
        """An empty tree, without even a root, for a board of size x size points.

        Args:
            budget: bytes. The system hands out memory as it is written to, so a small tree stays small.
        """
        moves = size * size + 1
        nodes = max(2, min(budget // (_NODE_BYTES + moves * _EDGE_BYTES), 2**31 // moves - 1))
        self.budget = budget
        self.size = size
        self.arrays: TreeArrays = TreeArrays(
            **{name: np.empty(nodes, kind) for name, kind in _NODE_FIELDS.items()},
            **{name: np.empty(nodes * moves, kind) for name, kind in _EDGE_FIELDS.items()},
            used=np.zeros(2, np.int64),
        )

    @property
    def nodes(self) -> int:
        """Number of nodes in use."""
        return int(self.arrays.used[0])

    @property
    def visits(self) -> int:
        """Visits of the root; 0 before it is evaluated."""
        return int(self.arrays.visits[0]) if self.nodes else 0

    @property
    def root_value(self) -> float:
        """Mean of the values backed up to the root, for the player to move there; there must be one."""
        return float(self.arrays.value_sum[0] / self.arrays.visits[0])

    def edges(self, node: int = 0) -> slice:
        """Where the legal moves of a node lie in the edge arrays."""
        first = int(self.arrays.first_edge[node])
        return slice(first, first + int(self.arrays.edge_count[node]))

    def tried_edges(self, node: int = 0) -> slice:
        """Where those of its moves lie that have a child."""
        first = int(self.arrays.first_edge[node])
        return slice(first, first + int(self.arrays.tried[node]))

    def child(self, node: int, move: int) -> int | None:
        """The child that a move (by index) leads to, or None where it was never tried."""
        tried = self.tried_edges(node)
        found = np.flatnonzero(self.arrays.move[tried] == move)
        return int(self.arrays.child[tried][found[0]]) if len(found) else None

    def keep_moves(self, mask: NDArray[np.bool_]) -> None:
        """Takes every move but those of `mask`, bool[S*S + 1], off the list of a new root.

        Raises:
            ValueError: none would be left.
        """
        edges = self.edges()
        moves = self.arrays.move[edges]
        kept = moves[mask[moves]]
        if not len(kept):
            raise ValueError("none of the moves to be searched is legal here")
        self.arrays.move[edges.start : edges.start + len(kept)] = kept
        self.arrays.edge_count[0] = len(kept)

    def priors(self, node: int = 0) -> NDArray[np.float32]:
        """The policy at an expanded node by move index: float32[S*S + 1], 0 where a move is illegal."""
        edges = self.edges(node)
        policy = np.zeros(self.size * self.size + 1, np.float32)
        policy[self.arrays.move[edges]] = self.arrays.prior[edges]
        return policy

    def line(self, node: int, length: int) -> list[int]:
        """The most visited continuation from a node: at most `length` move indices."""
        moves = np.empty(length, np.int16)
        count = _tree.most_visited_line(self.arrays, node, moves)
        return [int(move) for move in moves[:count]]

    def subtree(self, node: int) -> Tree:
        """A new tree of the same budget with `node` as its root, the statistics kept. Nothing may be pending."""
        tree = Tree(self.size, self.budget)
        _tree.copy_subtree(self.arrays, node, tree.arrays)
        return tree

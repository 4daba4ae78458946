"""A search tree: its memory, its root, and what can be read from it. The walking is done in `engine._select`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import _tree
from engine._tree import NODE, TreeArrays

if TYPE_CHECKING:
    from engine.result import KnownMoves

_EDGE_FIELDS: Final = {"move": np.int16, "prior": np.float32, "child": np.int32}
_EDGE_BYTES: Final = sum(np.dtype(kind).itemsize for kind in _EDGE_FIELDS.values())


class Tree:
    """A tree with room for a fixed number of nodes and edges, allocated at once; the root is node 0.

    Attributes:
        arrays: what the kernels work on, see `engine._tree.TreeArrays`.
        size: the board is size x size points.
        budget: bytes that the arrays take at most.
        rollout_share: lambda, see `engine._tree.mean_value`.
        known_moves: the root's moves as `engine.result` last read them; None before.
    """

    def __init__(self, size: int, budget: int, rollout_share: float = 0.0) -> None:
        """An empty tree, without even a root, for a board of size x size points.

        Args:
            budget: bytes. The system hands out memory as it is written to, so a small tree stays small.
        """
        moves = size * size + 1
        nodes = max(2, min(budget // (NODE.itemsize + moves * _EDGE_BYTES), 2**31 // moves - 1))
        self.budget = budget
        self.rollout_share = rollout_share
        self.size = size
        self.known_moves: KnownMoves | None = None
        self.arrays: TreeArrays = TreeArrays(
            nodes=np.empty(nodes, NODE),
            **{name: np.empty(nodes * moves, kind) for name, kind in _EDGE_FIELDS.items()},
            used=np.zeros(2, np.int64),
        )
        self._visits = self.arrays.nodes["visits"]  # a view: the field is not looked up whenever somebody asks

    @property
    def nodes(self) -> int:
        """Number of nodes in use."""
        return int(self.arrays.used[0])

    def has_room(self, nodes: int) -> bool:
        """Whether so many nodes more may be added."""
        return self.nodes + nodes <= len(self.arrays.nodes)

    @property
    def visits(self) -> int:
        """Visits of the root; 0 before it is evaluated."""
        return int(self._visits[0]) if self.nodes else 0

    @property
    def root_value(self) -> float:
        """Mean of the values backed up to the root, for the player to move there; there must be one."""
        return float(self.mean_values(np.zeros(1, np.int64))[0])

    def mean_values(self, nodes: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Mean of the values backed up to each of n nodes, float64[n], for who moves there. All have visits."""
        means = np.empty(len(nodes), np.float64)
        _tree.mean_values(self.arrays.nodes, nodes.astype(np.int64), float(self.rollout_share), means)
        return means

    def edges(self, node: int = 0) -> slice:
        """Where the legal moves of a node lie in the edge arrays."""
        first = int(self.arrays.nodes["first_edge"][node])
        return slice(first, first + int(self.arrays.nodes["edge_count"][node]))

    def tried_edges(self, node: int = 0) -> slice:
        """Where those of its moves lie that have a child."""
        first = int(self.arrays.nodes["first_edge"][node])
        return slice(first, first + int(self.arrays.nodes["tried"][node]))

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
        self.arrays.nodes["edge_count"][0] = len(kept)

    def priors(self, node: int = 0) -> NDArray[np.float32]:
        """The policy at an expanded node by move index: float32[S*S + 1], 0 where a move is illegal."""
        edges = self.edges(node)
        policy = np.zeros(self.size * self.size + 1, np.float32)
        policy[self.arrays.move[edges]] = self.arrays.prior[edges]
        return policy

    def root_moves(
        self, deviations: float, length: int
    ) -> tuple[NDArray[np.void], NDArray[np.int16], NDArray[np.int32]]:
        """What is known of the root's moves that have visits, and the most visited line from each.

        Args:
            deviations: of the lower confidence bounds, see `engine._puct.lower_bound`.
            length: moves of a line at most, that of the root included.

        Returns:
            `engine._tree.ROOT_MOVE[n]`, in the order in which the moves were first tried, and the lines one after
            another: int16 move indices, and int32 the visits of each.
        """
        tried = int(self.arrays.nodes["tried"][0])
        found = np.empty(tried, _tree.ROOT_MOVE)
        moves, visits = np.empty(tried * length, np.int16), np.empty(tried * length, np.int32)
        count, end = _tree.read_root(*self.arrays, float(self.rollout_share), deviations, length, found, moves, visits)
        return found[:count], moves[:end], visits[:end]

    def subtree(self, node: int, least_visits: int = 0) -> Tree:
        """A new tree of the same budget with `node` as its root, the statistics kept. Nothing may be pending.

        Nodes with fewer than `least_visits` visits keep their statistics, but not what is below them.
        """
        tree = Tree(self.size, self.budget, self.rollout_share)
        _tree.copy_subtree(*self.arrays, node, least_visits, np.empty(self.nodes, np.int32), *tree.arrays)
        return tree

    def pruned(self) -> Tree | None:
        """A copy that takes at most half of the room, without what is below the least visited nodes.

        None where the root's own edges take more than that.
        """
        nodes = self.arrays.nodes[: self.nodes]
        expanded = nodes[nodes["status"] == _tree.EXPANDED]
        by_visits = expanded[np.argsort(-expanded["visits"], kind="stable")]
        fits = (np.cumsum(by_visits["edge_count"], dtype=np.int64) <= len(self.arrays.move) // 2) & (
            np.cumsum(by_visits["tried"], dtype=np.int64) < len(self.arrays.nodes) // 2
        )
        if fits.all() or not fits[0]:
            return None
        # All nodes with as many visits as the first that does not fit go.
        return self.subtree(0, int(by_visits["visits"][np.argmin(fits)]) + 1)

"""What a search found, read off its tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._tree import ROOT_MOVE
from engine.tree import Tree
from gozero.coords import PASS, move_index, point_of
from gozero.geometry import board_points

_LINE_LENGTH: Final = 20
"""Moves of a most visited line."""
_LCB_DEVIATIONS: Final = 2.0
LCB_SHARE: Final = 0.1
"""Visits that a move needs, as a share of the most visited one's, to be preferred to that one."""

Ending = Literal["visits", "seconds", "stopped", "full"]


class MoveStats(NamedTuple):
    """What a search knows of one move at the root. Values are in [-1, 1], for the player to move there."""

    point: int
    visits: int
    value: float
    prior: float
    lcb: float
    """Lower confidence bound of the value."""
    pv: list[int]
    """The most visited line, as points; this move first."""
    pv_visits: Sequence[int] = ()
    """The visits of each move of that line."""


@dataclass(frozen=True)
class SearchResult:
    """What a search has found so far, or in the end."""

    moves: list[MoveStats]
    """The moves that were visited, best first: by visits, then by value, but for what `SearchConfig.choice` puts first.
    Where none was visited, the policy's first choice."""
    root_value: float
    """Mean value of the root, in [-1, 1] for the player to move."""
    visits: int
    """Visits of the root, those kept from earlier searches included."""
    new_visits: int
    """Visits made by this search."""
    seconds: float
    policy: NDArray[np.float32]
    """The evaluator's policy at the root, float32[S*S + 1] by move index; 0 where a move is illegal or was
    left out of the search."""
    ending: Ending | None
    """What ended the search; None while it runs. "full" means that the memory has no room for a tree."""
    ownership: NDArray[np.float32] | None = None
    """float32[S*S] in [-1, 1]: 1 where the network expects the point to be the player to move's at the end; None where
    it does not say."""
    score: float | None = None
    """Points by which the network expects the player to move to lead, komi included; None where it does not say."""


class RootEstimate(NamedTuple):
    """What an evaluator says of the position at the root beyond its policy and value, as in `SearchResult`."""

    ownership: NDArray[np.float32] | None = None
    score: float | None = None


def root_estimate(
    ownership: NDArray[np.float32] | None, score: NDArray[np.float32] | None, given: float
) -> RootEstimate:
    """The mean of several answers for one position.

    Where the evaluator has ownership and no score, the score is that of an area count with these owners.

    Args:
        ownership: float32[n, S*S] on the board as it lies, for the player to move.
        score: float32[n], for the player to move.
        given: points that the player to move is given when the area is counted; negative for Black where White is.
    """
    mean = None if ownership is None else ownership.mean(axis=0)
    if score is not None:
        return RootEstimate(mean, float(score.mean()))
    return RootEstimate(mean, None if mean is None else float(mean.sum(dtype=np.float64)) + given)


def summarise(
    tree: Tree,
    visits_before: int,
    seconds: float,
    ending: Ending | None,
    estimate: RootEstimate,
    first: int | None = None,
    by_lcb: bool = False,
) -> SearchResult:
    """Reads the result off a tree whose root is evaluated; it had `visits_before` visits when the search began.

    Args:
        first: the move index that comes first in any case.
        by_lcb: whether the first move is chosen by its lower confidence bound.
    """
    moves = _visited_moves(tree)
    best = None
    if first is not None:
        best = next((move for move in moves if move_index(move.point, tree.size) == first), None)
    elif by_lcb and moves:
        best = max((move for move in moves if move.visits >= LCB_SHARE * moves[0].visits), key=lambda move: move.lcb)
    if best is not None:
        moves.remove(best)
        moves.insert(0, best)
    return SearchResult(
        moves=moves or [_first_choice(tree)],
        root_value=tree.root_value,
        visits=tree.visits,
        new_visits=tree.visits - visits_before,
        seconds=seconds,
        policy=tree.priors(),
        ending=ending,
        ownership=estimate.ownership,
        score=estimate.score,
    )


def is_disputed(tree: Tree) -> bool:
    """Whether the most visited move at the root is not the best valued of those with a tenth of its visits."""
    tried = tree.arrays.child[tree.tried_edges()]
    visits = tree.arrays.nodes["visits"][tried]
    if not visits.any():
        return False
    enough = visits >= max(1.0, LCB_SHARE * visits.max())
    # The children's values are the opponent's: the best move has the lowest.
    return bool(np.argmax(visits[enough]) != np.argmin(tree.mean_values(tried[enough])))


class KnownMoves:
    """The moves at a tree's root as they were last read, by move index.

    A program that analyses asks ten times a second. Hundreds of moves may have visits by then, of which few have got
    another since: those alone are made anew. Below a move without another visit nothing has changed either, so that its
    line stands too.

    Attributes:
        found: `engine._tree.ROOT_MOVE[S*S + 1]`; without visits where a move was never read.
        stats: object[S*S + 1] of `MoveStats`.
    """

    def __init__(self, size: int) -> None:
        self.found = np.zeros(size * size + 1, ROOT_MOVE)
        self.stats = np.empty(size * size + 1, np.object_)

    def update(
        self,
        found: NDArray[np.void],
        line_moves: NDArray[np.int16],
        line_visits: NDArray[np.int32],
        points: NDArray[np.int32],
    ) -> None:
        """Takes what `Tree.root_moves` has read; `points` int32[S*S + 1] by move index."""
        before = self.found[found["move"]]
        same = before["visits"] == found["visits"]
        for name in ("value", "prior", "lcb"):
            same &= before[name] == found[name]
        changed = found[~same]
        lines, visits = points[line_moves].tolist(), line_visits.tolist()
        columns = (changed[name].tolist() for name in ("move", "visits", "value", "prior", "lcb", "line", "line_end"))
        for move, count, value, prior, lcb, begin, end in zip(*columns, strict=True):
            line = lines[begin:end]
            self.stats[move] = MoveStats(line[0], count, value, prior, lcb, line, visits[begin:end])
        self.found[changed["move"]] = changed


def _visited_moves(tree: Tree) -> list[MoveStats]:
    """The moves at the root that have visits, by visits, then by value, then as they were first tried."""
    found, line_moves, line_visits = tree.root_moves(_LCB_DEVIATIONS, _LINE_LENGTH)
    if tree.known_moves is None:
        tree.known_moves = KnownMoves(tree.size)
    tree.known_moves.update(found, line_moves, line_visits, np.append(board_points(tree.size), np.int32(PASS)))
    order = np.lexsort((-found["value"], -found["visits"]))
    moves: list[MoveStats] = tree.known_moves.stats[found["move"][order]].tolist()
    return moves


def _first_choice(tree: Tree) -> MoveStats:
    """What the policy alone would play."""
    edges = tree.edges()
    best = edges.start + int(np.argmax(tree.arrays.prior[edges]))
    point = point_of(int(tree.arrays.move[best]), tree.size)
    return MoveStats(point, 0, tree.root_value, float(tree.arrays.prior[best]), -1.0, [point])

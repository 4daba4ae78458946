"""What the kernels must know of the position at the root of a search."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._select import MAX_DEPTH
from engine._tree import TERMS
from engine.search_config import SearchConfig
from gozero import _whole_board
from gozero._features import HISTORY
from gozero.coords import PASS, padded_points
from gozero.features import KOMI_SCALE
from gozero.geometry import SYMMETRIES, board_points
from gozero.position import Position


class Root(NamedTuple):
    """The position at the root, and the terms on which it is searched; in the order in which kernels take them."""

    state: NDArray[np.uint32]  # the board, see gozero._board
    recent: NDArray[np.int32]  # [HISTORY] last points, newest first
    history: NDArray[np.uint64]  # [history_length + MAX_DEPTH] position hashes; the tail is for the walks
    points: NDArray[np.int32]  # [S*S + 1] the point of each move index, PASS last
    indices: NDArray[np.int16]  # [padded points] the reverse
    terms: NDArray[np.void]  # [1] of TERMS


def root_of(position: Position, config: SearchConfig, turns: bool) -> Root:
    """The root of a search. `turns`: whether leaves may be turned before they are evaluated."""
    length = position.history_length
    history = np.empty(length + MAX_DEPTH, np.uint64)
    history[:length] = position.history[:length]
    black, white = _whole_board.area(position.state)
    terms = np.zeros(1, TERMS)
    for name in TERMS.names or ():
        if hasattr(config, name):
            terms[name] = getattr(config, name)
    terms["history_length"] = length
    terms["superko"] = position.rules.superko_code
    terms["territory"] = position.rules.scoring == "territory"
    terms["suicide"] = position.rules.suicide
    terms["komi"] = position.komi + position.rules.bonus_for(position.handicap)
    terms["komi_scale"] = KOMI_SCALE
    terms["white_points"] = black - white - position.score()
    terms["symmetries"] = SYMMETRIES if turns else 1
    points, indices = move_tables(position.size)
    return Root(position.state.copy(), position.recent_points(HISTORY), history, points, indices, terms)


@cache
def move_tables(size: int) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """The points by move index, and the move indices by point."""
    points = np.append(board_points(size), np.int32(PASS))
    indices = np.zeros(padded_points(size), np.int16)
    indices[points] = np.arange(len(points))
    return points, indices

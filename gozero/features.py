"""The tables of network input planes.

A feature set is a named, versioned list of planes. A network file names the set and the version that it was trained
on; whoever loads it compares both. Planes are uint8, 0 or 1, from the view of the player to move.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gozero import _features
from gozero.coords import BLACK, WHITE
from gozero.geometry import symmetry_table

if TYPE_CHECKING:
    from gozero.position import Position

GLOBALS: Final = (
    "komi to move / 15",
    "territory scoring",
    "suicide allowed",
    "last move a pass",
    "last two moves passes",
    "Black to move",
)
"""What a network is told beside the planes: float32[6]. Komi, with what the
rules owe White for handicap stones, is positive for White to move and negative for Black."""
KOMI_SCALE: Final = 15.0


@dataclass(frozen=True)
class FeatureSet:
    """A named table of input planes.

    Attributes:
        name: what network files and configurations call it.
        version: raised whenever the meaning of a plane changes.
        code: the number by which kernels know it.
        planes: one description per plane, in order.
    """

    name: str
    version: int
    code: int
    planes: tuple[str, ...]


def _counts(what: str, up_to: int) -> tuple[str, ...]:
    return (*(f"{what} {n}" for n in range(1, up_to)), f"{what} {up_to} or more")


_COMPACT = (
    "own stone",
    "opponent stone",
    "empty",
    *(f"own chain with liberties {n}" for n in (1, 2, 3)),
    *(f"opponent chain with liberties {n}" for n in (1, 2, 3)),
    "ko: may not be taken now",
    *(f"move {n} plies ago" for n in range(1, 9)),
    "would capture 1 stone",
    "would capture 2 or more stones",
    *_counts("liberties after move", 4),
    "ladder capture",
    "ladder escape",
)

_ALPHAGO48 = (
    "own stone",
    "opponent stone",
    "empty",
    "ones",
    *_counts("turns since", 8),
    *_counts("liberties", 8),
    *_counts("capture size", 8),
    *_counts("self-atari size", 8),
    *_counts("liberties after move", 8),
    "ladder capture",
    "ladder escape",
    "sensibleness",
    "zeros",
)

_STONES = ("own stone", "opponent stone", "last move a pass", "Black to move")

FEATURE_SETS: Final[dict[str, FeatureSet]] = {
    features.name: features
    for features in (
        FeatureSet("compact", 1, _features.COMPACT, _COMPACT),
        FeatureSet("alphago12", 1, _features.ALPHAGO12, _ALPHAGO48[:12]),
        FeatureSet("alphago48", 1, _features.ALPHAGO48, _ALPHAGO48),
        FeatureSet("alphago49", 1, _features.ALPHAGO49, (*_ALPHAGO48, "Black to move")),
        FeatureSet("stones", 1, _features.STONES, _STONES),
    )
}
"""`alphago48` and `alphago49` are AlphaGo's policy and value inputs (2016, Extended Data Table 2). `alphago12` is their
first 12 planes, with which the paper's network was 0.7 points less accurate (Extended Data Table 3). `compact` is what
a small residual network profits from at the least cost. `stones` is the board as it lies, for learning from nothing.

Where the paper's table leaves a choice, this is what the planes mean. Moves are those of the player to move that are
legal by occupation, the ko rule and the suicide rule; repetition of older positions (superko) is not looked at.

- *turns since*: moves since the stone was played, passes counted; 1 is the last move. A stone whose move is not known
  (set up, or too long ago) counts as old as can be.
- *capture size*, *self-atari size*, *liberties after move*: as it is after the move, with prisoners gone. Self-atari
  size is how many stones the move's chain has, where that is left with one liberty.
- *ladder capture*: the move takes one of two liberties of an enemy chain, and no answer saves the chain. Answers are
  its last liberty and taking an enemy chain beside it; three liberties are an escape, with two the chase goes on.
  ("Whether a move at this point is a successful ladder capture" is all that the paper says.)
- *ladder escape*: the move is such an answer for an own chain in atari, and gives it three liberties, or two and no
  ladder takes it then.
- *sensibleness*: the move is legal and fills no own eye, as `gozero._legality.is_eye` tells eyes.
- *zeros*: 0 everywhere, as in the paper.
"""


def feature_set(name: str) -> FeatureSet:
    """The feature set called `name`.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    try:
        return FEATURE_SETS[name]
    except KeyError:
        raise ValueError(f"unknown feature set '{name}'; there are {', '.join(FEATURE_SETS)}") from None


def set_id(name: str) -> int:
    """The number by which kernels know the feature set called `name`. Raises ValueError as `feature_set` does."""
    return feature_set(name).code


def plane_count(name: str) -> int:
    """Number of planes of the feature set called `name`. Raises ValueError as `feature_set` does."""
    return len(feature_set(name).planes)


def planes(position: "Position", name: str, *, symmetry: int = 0) -> NDArray[np.uint8]:
    """The input planes of a position: uint8[planes, size, size].

    Args:
        position: seen by the player to move.
        name: a key of `FEATURE_SETS`.
        symmetry: which of the eight symmetries the board is seen in (`geometry.symmetry_table`).

    Raises:
        ValueError: unknown feature set.
    """
    features = feature_set(name)
    seen = np.empty((len(features.planes), position.size, position.size), np.uint8)
    recent = position.recent_points(_features.HISTORY)
    where = symmetry_table(position.size)[symmetry]
    _features.fill_planes(position.state, recent, position.to_play, features.code, where, seen.reshape(-1))
    return seen


def globals_of(position: "Position") -> NDArray[np.float32]:
    """The values of `GLOBALS` for a position: float32[6], komi from the view of the player to move."""
    owed = position.komi + position.rules.bonus_for(position.handicap)
    komi = owed if position.to_play == WHITE else -owed
    return np.array(
        [
            komi / KOMI_SCALE,
            position.rules.scoring == "territory",
            position.rules.suicide,
            position.passes >= 1,
            position.passes >= 2,
            position.to_play == BLACK,
        ],
        np.float32,
    )

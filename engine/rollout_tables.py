"""The features of the rollout and tree policies by number, and the tables that kernels look them up in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine import _last_move, _move_features, _rollout_tables
from engine._move_features import FeatureTables
from engine._rollout import MoveWeights
from gozero._patterns import DIAMOND, OCCUPIED

_HEAVIEST: Final = 2**30
"""The weight of the likeliest 3x3 pattern; the others are in proportion, and none is below 1."""
_FULLNESS: Final = 3
"""A table of diamonds has at least so many places for each entry."""

NEIGHBOURS: Final = 2
"""Features of a move beside the last one: along the lines, diagonally."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The patterns that have a feature of their own; every other 3x3 pattern shares one, every other diamond has none.

    The features are numbered so: 0, all 3x3 patterns that are not listed; the listed ones; the two neighbours of the
    last move; response, a move near the last one whose diamond is listed for it; save-atari; nakade; the listed
    responses. The tree policy goes on with: self-atari; the distance to the last move; to the one before; the diamonds.

    Attributes:
        patterns: uint32[n], 3x3 codes in the view of the player to move, smallest of their symmetries
            (`gozero._patterns.canonical`).
        responses: uint64[m], diamonds around the last move with the place of the answer (`canonical_response`).
        diamonds: uint64[k], diamonds around the move itself (`canonical_diamond`).
    """

    patterns: NDArray[np.uint32]
    responses: NDArray[np.uint64]
    diamonds: NDArray[np.uint64]

    @property
    def first_neighbour(self) -> int:
        """The first of the features that the rollout policy has beside 3x3 patterns."""
        return 1 + len(self.patterns)

    @property
    def response(self) -> int:
        return self.first_neighbour + NEIGHBOURS

    @property
    def save_atari(self) -> int:
        return self.response + 1

    @property
    def first_nakade(self) -> int:
        return self.save_atari + 1

    @property
    def first_response(self) -> int:
        return self.first_nakade + _last_move.NAKADE

    @property
    def self_atari(self) -> int:
        """The first of the features that only the tree policy has."""
        return self.first_response + len(self.responses)

    @property
    def first_diamond(self) -> int:
        return self.self_atari + 1 + 2 * _move_features.DISTANCES

    @property
    def rollout_features(self) -> int:
        """How many features the rollout policy has."""
        return self.self_atari

    @property
    def tree_features(self) -> int:
        """How many features the tree policy has."""
        return self.first_diamond + len(self.diamonds)


class Tables:
    """Where the kernels look the features of a vocabulary up.

    Attributes:
        vocabulary: the features.
        features: the tables of the tree policy.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        patterns = np.zeros(OCCUPIED, np.int32)
        _rollout_tables.number_patterns(vocabulary.patterns, 1, patterns)
        keys, rows = _free_table(len(vocabulary.responses))
        slots = np.full((_last_move.FIRST_ROW + (1 + 8 * len(vocabulary.responses)) * DIAMOND, 3), -1, np.int32)
        used = _rollout_tables.index_responses(vocabulary.responses, vocabulary.first_response, keys, rows, slots)
        slots = slots[: _last_move.FIRST_ROW + used * DIAMOND].copy()
        slots[_last_move.SAVE, 0] = vocabulary.save_atari
        nakade = slice(_last_move.FIRST_NAKADE, _last_move.FIRST_ROW)
        slots[nakade, 0] = vocabulary.first_nakade + np.arange(_last_move.NAKADE)
        diamonds = slots[_last_move.FIRST_ROW :].reshape(used, DIAMOND, 3)
        diamonds[:, 0:4, 0] = vocabulary.first_neighbour
        diamonds[:, 4:8, 0] = vocabulary.first_neighbour + 1
        diamonds[..., 1] = np.where(diamonds[..., 2] >= 0, vocabulary.response, -1)
        diamond_keys, diamond_features = _free_table(len(vocabulary.diamonds))
        _rollout_tables.index_diamonds(vocabulary.diamonds, vocabulary.first_diamond, diamond_keys, diamond_features)
        self.features = FeatureTables(
            patterns, keys, rows, slots, diamond_keys, diamond_features, tree=vocabulary.self_atari
        )

    def move_weights(self, values: NDArray[np.float32]) -> MoveWeights:
        """What a rollout draws its moves by. values: float32[rollout_features]."""
        tables = self.features
        return MoveWeights(self._pattern_weights(values), tables.keys, tables.rows, self._slot_factors(values))

    def _pattern_weights(self, values: NDArray[np.float32]) -> NDArray[np.uint32]:
        """See `MoveWeights.patterns`."""
        patterns = values[: self.vocabulary.first_neighbour].astype(np.float64)
        weights = np.maximum(np.rint(np.exp(patterns - patterns.max()) * _HEAVIEST), 1).astype(np.uint32)
        table = np.empty((OCCUPIED + 1, 2), np.uint32)
        _rollout_tables.weigh_patterns(self.features.patterns, weights, table)
        return table

    def _slot_factors(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `MoveWeights.factors`."""
        slots = self.features.slots
        present = slots >= 0
        summed = np.where(present, values[np.where(present, slots, 0)], np.float32(0)).sum(axis=1)
        factors: NDArray[np.float32] = np.exp(summed).astype(np.float32)
        return factors


def _free_table(entries: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """A table with room for `entries` diamonds in all eight symmetries: keys, all free, and what they stand for."""
    places = 1 << max(4, (_FULLNESS * 8 * entries - 1).bit_length())
    return np.full(places, _last_move.NO_KEY, np.uint64), np.zeros(places, np.int32)

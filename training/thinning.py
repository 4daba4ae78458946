"""Which moves of a step's games the gradient is computed from: a sum over all of them, estimated from those that count.

Most moves of a game move the weights hardly at all: the policy was sure of them, or the value had foreseen the result.
They are left out by chance, and what is kept weighs as much more as it was unlikely to be kept (Horvitz and Thompson
1952), so that the mean of the estimate is the whole sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def importance(advantages: NDArray[np.float32], chances: NDArray[np.float32]) -> NDArray[np.float64]:
    """How far each move would move the logits, but for a factor from 1 to the root of 2, float64[B].

    The gradient of (z - v) log p(a) by the logits is (z - v) (onehot(a) - p), whose length lies between 1 and sqrt(2)
    times |z - v| (1 - p(a)).

    advantages: float32[B], z - v. chances: float32[B], p(a) of the moves that were played.
    """
    length: NDArray[np.float64] = np.abs(advantages.astype(np.float64)) * (1.0 - chances)
    return length


def keep_chances(weights: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Probabilities in (0, 1] to keep each row with, float64[B], that are proportional to `weights` as far as 1 allows,
    and sum to `share` of the rows; their error would be the least for rows that point in unrelated directions.

    weights: float64[B], not negative; a tenth of their mean is the least that counts, so that sums of
    other things over the rows can be estimated as well.
    """
    if share >= 1 or not len(weights) or not weights.any():
        return np.full(len(weights), min(share, 1.0))
    weights = weights / weights.max()
    weights = np.maximum(weights, weights.mean() / 10)
    wanted = share * len(weights)
    ordered = np.sort(weights)[::-1]
    # With the k largest kept for certain, the others share what is left of the sum.
    rest = np.append(np.cumsum(ordered[::-1])[::-1], 0.0)[: len(ordered)]
    scale = (wanted - np.arange(len(ordered))) / rest
    certain = int(np.argmax(ordered * scale <= 1))
    chances: NDArray[np.float64] = np.minimum(1.0, weights * scale[certain])
    return chances

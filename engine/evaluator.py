"""What the search asks about a position: the likely moves and who wins.

An `Evaluator` answers whole batches of one board size. The search does not know which it has; it reads the planes
that `feature_set` names, so an evaluator that looks at nothing names `NO_FEATURES`.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gozero.errors import GozeroError

if TYPE_CHECKING:
    from engine._expand import LeafBatch
    from engine.joined_evaluator import JoinedEvaluator

NO_FEATURES: Final = "none"
"""The feature set of an evaluator that reads no planes."""
BOARDS: Final = "boards"
"""The feature set of an evaluator that reads the boards themselves, a `BoardEvaluator`."""


class EvaluatorError(GozeroError):
    """A network that cannot be loaded or used here; the message names it and the way out."""


class Evaluation(NamedTuple):
    """Answers for a batch of B positions on a board of S x S points, all for the player to move in each."""

    policy_logits: NDArray[np.float32]
    """[B, S*S+1] by move index, the pass last; only differences within a row matter."""
    value: NDArray[np.float32]
    """[B] in [-1, 1]: 1 means that the player to move wins."""
    score: NDArray[np.float32] | None = None
    """[B] points by which the player to move leads, or None where it is not estimated."""
    ownership: NDArray[np.float32] | None = None
    """[B, S*S] in [-1, 1]: 1 where the point will be the player to move's, or None."""


class Evaluator(Protocol):
    """Anything that evaluates positions. `evaluate` may be called from several threads at once."""

    @property
    def feature_set(self) -> str:
        """The name of the planes it reads (`gozero.features`), or `NO_FEATURES`."""

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        """Evaluates planes uint8[B, C, S, S] and globals float32[B, G] (`gozero.features.GLOBALS`)."""

    def supports(self, size: int) -> bool:
        """Whether it can evaluate boards of size x size points."""

    def close(self) -> None:
        """Frees what it holds; it is not used afterwards."""


class LeafEvaluator(Evaluator, Protocol):
    """An `Evaluator` that makes its planes itself, and looks at its own answers: all in one call of a kernel.

    Between two calls another thread may take the interpreter's lock, and to be woken when it is free again costs as
    much as choosing a batch of leaves.
    """

    def evaluate_leaves(self, leaves: "LeafBatch", count: int) -> Evaluation | None:
        """Evaluates the first `count` leaves, turned as they are; None where an answer is no number."""


class BoardEvaluator(Protocol):
    """Evaluates positions that it is given as boards. `evaluate_boards` may be called from several threads at once."""

    @property
    def feature_set(self) -> str:
        """Always `BOARDS`."""

    def evaluate_boards(
        self, boards: NDArray[np.uint32], global_values: NDArray[np.float32], given: NDArray[np.float64]
    ) -> Evaluation:
        """Evaluates boards uint32[B, state] (`gozero._board`), never turned, and globals as in `Evaluator`.

        given: float64[B], points that the player to move is given when the area is counted.
        """

    def supports(self, size: int) -> bool:
        """Whether it can evaluate boards of size x size points."""

    def close(self) -> None:
        """Frees what it holds; it is not used afterwards."""


AnyEvaluator: TypeAlias = "Evaluator | BoardEvaluator | JoinedEvaluator"


class UniformEvaluator:
    """Knows nothing: every move is equally likely and every position even. For tests, and in a network's place."""

    feature_set: str = NO_FEATURES

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        count, _, size, _ = planes.shape
        return Evaluation(np.zeros((count, size * size + 1), np.float32), np.zeros(count, np.float32))

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass

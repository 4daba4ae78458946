"""Published accuracies of policy networks on 19x19, to see a run beside: what others reached, after how many positions.

They are of held-out games of the same kind as each was trained on (most often KGS games of strong amateurs), so they
compare in size, not in the last half point.
"""

from typing import Final, NamedTuple


class Mark(NamedTuple):
    """A published accuracy."""

    name: str
    top1: float
    """Share of held-out moves that were the network's first choice."""
    positions: float | None = None
    """Positions seen in training, repetitions counted; None where they are not told."""


ALPHAGO_POSITIONS: Final = 340e6 * 16
"""Steps times positions a step (AlphaGo, 2016, Methods)."""

MARKS: Final = (
    Mark("AlphaGo Zero's supervised 20x256", 0.604),  # Nature 550 (2017), Extended Data Table 1
    Mark("12x192 residual, global pooling", 0.586, 205e6),  # GoNN, KGS
    Mark("AlphaGo, 256 filters, 8 symmetries", 0.570, ALPHAGO_POSITIONS),  # Nature 529 (2016), Extended Data Table 3
    Mark("5x192 residual, global pooling", 0.568, 205e6),  # GoNN, KGS
    Mark("20x256 on Tygem 9d", 0.564),  # Leela Zero's code, issue 794
    Mark("AlphaGo, 256 filters", 0.559, ALPHAGO_POSITIONS),
    Mark("AlphaGo, 192 filters", 0.554, ALPHAGO_POSITIONS),
    Mark("AlphaGo, 192 filters, 12 planes", 0.547, ALPHAGO_POSITIONS),
    Mark("AlphaGo, 192 filters, 4 planes", 0.476, ALPHAGO_POSITIONS),
    Mark("before AlphaGo (Clark and Storkey)", 0.444, 147e6),  # 2015, KGS
)

DARKFOREST: Final = ((0.26e6, 0.278), (98e6, 0.561), (169e6, 0.571))
"""How darkforest's 12x384 network (2016) did on KGS while it was retrained: (positions, accuracy)."""

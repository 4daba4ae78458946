"""The win-rate curve of a review, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gozero.coords import BLACK
from gtp.review import Judged, Mistake, score_text

DOTS_PER_INCH: Final = 120
LABELLED: Final = 5
"""Mistakes that are named, the largest."""
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
"""Distinct for every kind of colour vision (M. Okabe and K. Ito, 2002)."""


def draw(judged: Sequence[Judged], mistakes: Sequence[Mistake], title: str, path: Path) -> None:
    """Draws the chance that Black wins and the points by which Black leads against the number of the move.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.5), layout="constrained")
    wins, lead = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    moves = [each.place.number for each in judged]
    wins.plot(moves, [100 * each.black_wins for each in judged], color=BLUE, linewidth=1.8)
    wins.axhline(50, color="#999999", linewidth=0.8)
    wins.set_ylim(0, 100)
    wins.set_ylabel("Black wins (%)")
    wins.set_title(title, loc="left", fontsize=11)
    for each in sorted(mistakes, key=lambda mistake: mistake.loss, reverse=True)[:LABELLED]:
        number, height = each.after.place.number, 100 * each.after.black_wins
        wins.plot([number], [height], marker="o", color=VERMILION)
        # A mistake of Black's lowers the curve: its name goes below, and above for White's, but stays on the page.
        below = (each.colour == BLACK and height > 8) or height > 92
        wins.annotate(
            f"{number}",
            (number, height),
            xytext=(0, -14 if below else 7),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=VERMILION,
        )
    lead.plot(moves, [each.black_leads for each in judged], color=BLUE, linewidth=1.2)
    lead.axhline(0, color="#999999", linewidth=0.8)
    lead.set_ylabel("Black leads (points)")
    lead.set_xlabel(f"move (the last: {score_text(judged[-1].black_leads)})")
    for axes in (wins, lead):
        axes.grid(True, color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    lead.set_xlim(moves[0], max(moves[-1], moves[0] + 1))
    figure.savefig(path, dpi=DOTS_PER_INCH)

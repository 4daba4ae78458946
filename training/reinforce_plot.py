"""Curves of runs of the reinforcement stage: how a policy fares against its start and its past as it plays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from training.report_page import COLOURS, counts_along, quiet, save_image
from training.run_folder import RunError, RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OPPONENTS: Final = {"start": "against its first opponent", "pool": "against its past policies"}
"""Whom a run measures itself against, in words."""


class PolicyCurve(NamedTuple):
    """What one run measured."""

    name: str
    """Of its folder."""
    validation: list[dict[str, Any]]
    """Its evaluations, by games played."""


def read_curve(folder: RunFolder) -> PolicyCurve | None:
    """The curve of the run in a folder; None when it does not learn from games that it plays.

    Raises RunError when there is nothing to draw yet.
    """
    lines = [line for line in folder.read_metrics() if isinstance(line, dict) and "games" in line]
    if not lines:
        return None
    evaluations = [line for line in lines if "score_start" in line]
    if not evaluations:
        raise RunError(f"{folder.metrics} holds no evaluation yet: wait for the first one (loop.evaluate_every)")
    return PolicyCurve(folder.path.resolve().name, evaluations)


def draw(curves: Sequence[PolicyCurve], path: Path) -> None:
    """Draw the curves, each with its 95 % intervals, as a `.png` or `.svg`. Raises RunError for another one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.8), layout="constrained")
    for axes, (opponent, words) in zip(figure.subplots(1, 2, sharey=True), OPPONENTS.items(), strict=True):
        _draw_scores(axes, curves, f"score_{opponent}")
        axes.set_title(words, loc="left", fontsize=10)
        counts_along(axes, "games played")
    figure.axes[0].set_ylabel("score (%)")
    figure.axes[0].legend(fontsize=8, frameon=False)
    save_image(figure, path)


def _draw_scores(axes: Axes, curves: Sequence[PolicyCurve], key: str) -> None:
    axes.axhline(50, color="#999999", linewidth=0.8, linestyle="--")
    for number, curve in enumerate(curves):
        lines = [line for line in curve.validation if key in line]
        games = [line["games"] for line in lines]
        score, low, high = ([100 * line[name] for line in lines] for name in (key, f"{key}_low", f"{key}_high"))
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(games, score, color=colour, marker="o", markersize=3, label=curve.name)
        axes.fill_between(games, low, high, color=colour, alpha=0.15)
    quiet(axes)

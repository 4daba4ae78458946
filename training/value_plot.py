"""Curves of runs that teach a network to judge positions: on what it is taught, and on games that it has never seen.

Where the two part, the network remembers games instead of judging positions: AlphaGo's first value network, taught all
positions of whole games, came to 0.19 on those and 0.37 on others (Silver et al. 2016, Methods; its unit is not told).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.report_page import COLOURS, GREY, draw_curves, positions_axis, save_image, style
from training.run_facts import Run, series, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(runs: Sequence[Run], path: Path) -> None:
    """Draw the runs as a `.png` or `.svg`. Raises RunError for another one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    error, winner = figure.subplots(1, 2)
    for axes in (error, winner):
        style(axes)
    draw_curves(error, runs, train=("value",), held_out=("mse",))
    _draw_constants(error, runs)
    error.set_ylabel("squared error of z in {-1, +1}")
    draw_curves(winner, runs, train=(), held_out=("sign_accuracy",), scale=100)
    winner.set_ylabel("winner named (%, held-out games)")
    for axes in (error, winner):
        positions_axis(axes)
    _legend(error, runs)
    figure.suptitle(title(runs), x=0.01, ha="left", fontsize=13, fontweight="bold")
    save_image(figure, path)


def _draw_constants(axes: Axes, runs: Sequence[Run]) -> None:
    """What the best constant would come to on the held-out positions of each run."""
    for number, run in enumerate(runs):
        for constant in series(run.validation, "mse_constant")[1][-1:]:
            axes.axhline(constant, color=COLOURS[number % len(COLOURS)], linewidth=1, linestyle="--")


def _legend(axes: Axes, runs: Sequence[Run]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        *(Line2D([], [], color=COLOURS[i % len(COLOURS)], linewidth=2, label=run.name) for i, run in enumerate(runs)),
        Line2D([], [], color=GREY, linewidth=2, marker="o", markersize=4.5, label="held-out games"),
        Line2D([], [], color=GREY, linewidth=0.9, label="what is taught"),
        Line2D([], [], color=GREY, linewidth=1, linestyle="--", label="a constant on held-out games"),
    ]
    axes.legend(handles=handles, fontsize=8, frameon=False)

"""Curves of rollout and tree policies as they are fitted: their loss and their accuracy on moves to come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from training.report_page import COLOURS, counts_along, quiet, save_image
from training.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES: Final = {"rollout": "-", "tree": "--"}
"""How the curves of the two policies of a run are drawn."""


class RolloutCurves(NamedTuple):
    """What was measured while the policies of one run were fitted."""

    name: str
    """Of its folder."""
    lines: list[dict[str, Any]]
    """Of both policies, each by positions learned from."""


def read_curve(folder: RunFolder) -> RolloutCurves | None:
    """The curves of the run in a folder; None when it is no run of `gozero train rollout`."""
    lines = [line for line in folder.read_metrics() if isinstance(line, dict) and line.get("policy") in LINES]
    return RolloutCurves(folder.path.resolve().name, lines) if lines else None


def draw(curves: Sequence[RolloutCurves], path: Path) -> None:
    """Draw the curves as a `.png` or `.svg`. Raises RunError for another one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.8), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    _draw_curves(loss, curves, "nll", 1)
    loss.set_ylabel("cross-entropy (nats)")
    _draw_curves(accuracy, curves, "top1", 100)
    accuracy.set_ylabel("moves named (%)")
    loss.legend(fontsize=8, frameon=False)
    loss.set_title("of moves that were not learned from yet", loc="left", fontsize=10)
    save_image(figure, path)


def _draw_curves(axes: Axes, curves: Sequence[RolloutCurves], key: str, scale: float) -> None:
    for number, curve in enumerate(curves):
        for policy, style in LINES.items():
            lines = [line for line in curve.lines if line["policy"] == policy]
            axes.plot(
                [line["positions"] for line in lines],
                [scale * line[key] for line in lines],
                color=COLOURS[number % len(COLOURS)],
                linestyle=style,
                label=f"{curve.name}: {policy} policy",
            )
    counts_along(axes, "positions learned from")
    quiet(axes)

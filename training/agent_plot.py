"""Learning curves of agents: what they reached against the actions they had learned from."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from training.report_page import COLOURS, counts_along, quiet, save_image
from training.run_folder import RunError, RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINS: Final = {"wins_random": "against random moves", "wins_search": "against a search of 100 playouts"}
"""What a run of Go against oneself measures, in words."""


class AgentCurve(NamedTuple):
    """What one run measured."""

    name: str
    environment: str
    validation: list[dict[str, Any]]
    """Its evaluations, by step."""


def read_curve(folder: RunFolder) -> AgentCurve | None:
    """The curve of the run in a folder; None when it is not an agent's. Raises RunError when there is nothing yet."""
    try:
        settings = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if not isinstance(settings, dict) or "environment" not in settings:
        return None
    lines = [line for line in folder.read_metrics() if line.get("kind") == "validation" and "return" in line]
    if not lines:
        raise RunError(f"{folder.metrics} holds no evaluation yet: wait for the first one (loop.evaluate_every)")
    return AgentCurve(str(settings["name"]), str(settings["environment"]["id"]), lines)


def medians(curves: Sequence[AgentCurve], key: str) -> list[tuple[float, float, float, float]]:
    """(actions, median, least, greatest) of several runs of one name, for every evaluation that all of them have made.

    Runs that learn from whole episodes evaluate a little later than they should, each at another number of actions: the
    first is the median of those.
    """
    found = [[(float(line["step"]), float(line[key])) for line in curve.validation if key in line] for curve in curves]
    points = []
    for same in zip(*found, strict=False):
        steps, values = zip(*same, strict=True)
        points.append((statistics.median(steps), statistics.median(values), min(values), max(values)))
    return points


def draw(curves: Sequence[AgentCurve], path: Path) -> None:
    """Draw the curves as a `.png` or `.svg`: runs of the same name as their median and range. Raises RunError."""
    from matplotlib.figure import Figure

    keys = [key for key in WINS if any(key in line for curve in curves for line in curve.validation)] or ["return"]
    groups: dict[str, list[AgentCurve]] = {}
    for curve in curves:
        groups.setdefault(curve.name, []).append(curve)
    figure = Figure(figsize=(4.5 * len(keys) + 1.5, 3.6), layout="constrained")
    for axes, key in zip(figure.subplots(1, len(keys), squeeze=False)[0], keys, strict=True):
        _draw_key(axes, groups, key)
        axes.set_title(WINS.get(key, f"{curves[0].environment}, mean return of an episode"), loc="left", fontsize=10)
        counts_along(axes, "actions")
    save_image(figure, path)


def _draw_key(axes: Axes, groups: Mapping[str, Sequence[AgentCurve]], key: str) -> None:
    for number, (name, runs) in enumerate(groups.items()):
        points = medians(runs, key)
        steps = [step for step, *_ in points]
        colour = COLOURS[number % len(COLOURS)]
        label = name if len(runs) == 1 else f"{name}, median of {len(runs)}"
        axes.plot(steps, [median for _, median, _, _ in points], color=colour, marker="o", markersize=3, label=label)
        if len(runs) > 1:
            low, high = [point[2] for point in points], [point[3] for point in points]
            axes.fill_between(steps, low, high, color=colour, alpha=0.15)
    if key in WINS:
        axes.set_ylim(0, 1.02)
    quiet(axes)
    axes.legend(fontsize=8, frameon=False)

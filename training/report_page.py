"""The page of a report, drawn: curves against positions seen, beside what others published."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from training.published import DARKFOREST, MARKS, Mark
from training.run_facts import HEADINGS, Run, count, facts, series, title
from training.run_folder import RunError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PUBLISHED_SIZE: Final = 19
"""Board size of the published numbers."""
COLUMNS: Final = (
    (0.00, 20),
    (0.13, 26),
    (0.295, 9),
    (0.35, 12),
    (0.42, 14),
    (0.51, 10),
    (0.575, 6),
    (0.615, 7),
    (0.655, 13),
    (0.737, 22),
    (0.877, 11),
    (0.958, 7),
)
"""Left edge, as a share of the width, and the most letters of each column of the table (HEADINGS)."""
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Distinct for every kind of colour vision (M. Okabe and K. Ito, 2002)."""
MARKERS: Final = "osD^vPX"
GREY: Final = "#777777"
DOTS_PER_INCH: Final = 100
"""Of images of curves alone; the page itself is denser."""


def smoothed(values: Sequence[float], window: int) -> list[float]:
    """The mean of each value and its neighbours, about `window` in all; fewer near both ends, of as many on either
    side, and near the start, which a logarithmic axis draws wide."""
    result = []
    for i in range(len(values)):
        half = min(window // 2, i // 4, len(values) - 1 - i)
        result.append(statistics.fmean(values[i - half : i + half + 1]))
    return result


def draw(runs: Sequence[Run], *, with_table: bool = True) -> "Figure":
    """The page: accuracy, cross-entropy, learning rate and speed against positions seen, and a line about each run."""
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

    with_marks = any(run.board_size == PUBLISHED_SIZE and series(run.validation, "top1")[0] for run in runs)
    table_height = 0.55 + 0.24 * len(runs) if with_table else 0.0
    height = 9.6 + table_height
    figure = Figure(figsize=(13, height))
    top, bottom = 1 - 0.85 / height, (table_height + 0.65) / height
    grid = GridSpec(
        2, 3, figure, left=0.06, right=0.975, top=top, bottom=bottom, height_ratios=(5.2, 2.6), hspace=0.28, wspace=0.22
    )
    accuracy = figure.add_subplot(grid[0, :])
    if with_marks:
        box = accuracy.get_position()
        accuracy.set_position((box.x0, box.y0, 0.695 - box.x0, box.height))
    loss, rate, speed = (figure.add_subplot(grid[1, i]) for i in range(3))
    for axes in (accuracy, loss, rate, speed):
        style(axes)
    draw_curves(accuracy, runs, train=("top1",), held_out=("top1",), scale=100)
    accuracy.set_ylabel("moves predicted (top-1, %)")
    draw_curves(loss, runs, train=("policy", "loss"), held_out=("nll", "loss"))
    loss.set_ylabel("cross-entropy (nats)")
    draw_curves(rate, runs, train=("rate",), scale=100)
    rate.set_ylabel("learning rate (% of its peak)")
    rate.set_ylim(0, 105)
    draw_curves(speed, runs, train=("positions_per_s",))
    speed.set_ylabel("positions a second")
    speed_axis(speed, runs)
    limits(accuracy, runs, "top1", "top1", 100)
    limits(loss, runs, "policy", "nll", 1)
    if with_marks:
        draw_marks(accuracy, accuracy.get_position().height * height)
    legend(accuracy, runs)
    first, start, end = extent(runs)
    rate.set_xlim(first, end)
    speed.set_xlim(first, end)
    loss.set_xlim(start, end)
    accuracy.set_xlim(start, max(end, 1.3e10) if with_marks else end)
    for axes in (accuracy, loss, rate, speed):
        positions_axis(axes)
    figure.text(0.06, 1 - 0.34 / height, title(runs), fontsize=16, fontweight="bold", va="center")
    figure.text(0.06, 1 - 0.62 / height, subtitle(with_marks), fontsize=9.5, color=GREY, va="center")
    if with_table:
        draw_table(figure, runs, height)
    return figure


def save_image(figure: "Figure", path: Path) -> None:
    """Write a figure as a `.png` or `.svg`, and make its folder. Raises RunError for another kind of file."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise RunError(f"cannot write {path}: name a file that ends in .png or .svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH)


def quiet(axes: "Axes") -> None:
    """A faint grid, no box."""
    axes.grid(True, color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def counts_along(axes: "Axes", of: str) -> None:
    """Labels the horizontal axis, which counts something, shortly: 20k, 1.5M."""
    from matplotlib.ticker import FuncFormatter

    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    axes.set_xlabel(of)


def style(axes: "Axes") -> None:
    """Quiet axes for what is learned over the logarithm of what was seen."""
    axes.set_xscale("log")
    quiet(axes)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#999999")
    axes.tick_params(colors="#444444", labelsize=9)


def positions_axis(axes: "Axes") -> None:
    """Label the axis of positions: 10 k, 1 M."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    start, end = axes.get_xlim()
    narrow = end / start < 100
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if narrow else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("positions seen", fontsize=9.5)


def speed_axis(axes: "Axes", runs: Sequence[Run]) -> None:
    """From 0, or logarithmic where a GPU stands beside a CPU."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    medians = [statistics.median(y) for run in runs if (y := series(run.train, "positions_per_s")[1])]
    if medians and max(medians) > 10 * min(medians):
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))


def draw_curves(
    axes: "Axes", runs: Sequence[Run], *, train: Sequence[str], held_out: Sequence[str] = (), scale: float = 1
) -> None:
    """A curve of every run: training means thin, results on held-out games bold."""
    for number, run in enumerate(runs):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        x, y = series(run.train, *train)
        values = [value * scale for value in y]
        if held_out and len(values) > 20:
            axes.plot(x, values, color=colour, linewidth=0.6, alpha=0.25)
            values = smoothed(values, max(3, len(values) // 40))
        axes.plot(x, values, color=colour, linewidth=1.0, alpha=0.75 if held_out else 1)
        x, y = series(run.validation, *held_out) if held_out else ([], [])
        axes.plot(
            x,
            [value * scale for value in y],
            color=colour,
            linewidth=2,
            marker=marker,
            markersize=4.5,
            markevery=max(1, len(x) // 25),
        )


def limits(axes: "Axes", runs: Sequence[Run], train: str, held_out: str, scale: float) -> None:
    """Leave the first moments of a run out of sight, where all curves rise or fall steeply."""
    values = [value * scale for run in runs for value in series(run.validation, held_out)[1]]
    if not values:
        later = [series(run.train, train)[1] for run in runs]
        values = [value * scale for line in later for value in line[len(line) // 4 :]]
    if not values:
        return
    room = max(0.2 * (max(values) - min(values)), 0.02 * max(values))
    axes.set_ylim(min(values) - room, max(values) + room)


def extent(runs: Sequence[Run]) -> tuple[float, float, float]:
    """Of the axis of positions: the first measurement, where held-out results begin, and a little beyond the last."""
    x = [line["positions"] for run in runs for line in (*run.train, *run.validation) if line["positions"] > 0]
    held_out = [line["positions"] for run in runs for line in run.validation if line["positions"] > 0]
    first = min(x) * 0.9
    return first, max(first, min(held_out, default=first) / 2), max(max(x), min(x) * 2) * 1.15


def draw_marks(axes: "Axes", inches: float) -> None:
    """Published accuracies on axes `inches` high: a point where the positions are known, and a label at the right edge
    for each."""
    low, high = axes.get_ylim()
    low = min(low, 100 * min(mark.top1 for mark in MARKS) - 3)
    high = max(high, 100 * max(mark.top1 for mark in MARKS) + 1.5)
    axes.set_ylim(low, high)
    axes.plot(
        [x for x, _ in DARKFOREST],
        [100 * y for _, y in DARKFOREST],
        color="#999999",
        linestyle="none",
        marker="v",
        markersize=6,
        label="darkforest 12x384 as it learned",
    )
    places = spread([100 * mark.top1 for mark in MARKS], 0.185 / inches * (high - low), low, high)
    for mark, place in zip(MARKS, places, strict=True):
        draw_mark(axes, mark, place)


def draw_mark(axes: "Axes", mark: Mark, place: float) -> None:
    """One published accuracy, its label at the height `place`."""
    y = 100 * mark.top1
    right = axes.get_yaxis_transform()
    own = mark.name.startswith("AlphaGo,")
    colour = "#222222" if own else GREY
    axes.axhline(y, color=colour, linewidth=0.7, linestyle=":", alpha=0.65, zorder=1)
    if mark.positions is not None:
        axes.plot([mark.positions], [y], marker="*" if own else "h", color=colour, markersize=9 if own else 6, zorder=3)
    axes.plot([1.0, 1.015, 1.03], [y, place, place], transform=right, color=colour, linewidth=0.7, clip_on=False)
    axes.text(
        1.036, place, f"{y:.1f}  {mark.name}", transform=right, fontsize=9, color=colour, va="center", clip_on=False
    )


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights as near `wanted` as can be, in their order, at least `gap` apart, and within [low, high] if they fit.

    Labels that would touch are moved as one block around the mean of their wanted heights.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[list[int]] = []
    starts: list[float] = []
    for i in order:
        blocks.append([i])
        starts.append(_block_start(blocks[-1], wanted, gap, low, high))
        while len(blocks) > 1 and starts[-2] + gap * len(blocks[-2]) > starts[-1]:
            last = blocks.pop()
            starts.pop()
            blocks[-1] += last
            starts[-1] = _block_start(blocks[-1], wanted, gap, low, high)
    places = [0.0] * len(wanted)
    for block, start in zip(blocks, starts, strict=True):
        for rank, i in enumerate(block):
            places[i] = start + gap * rank
    return places


def _block_start(block: Sequence[int], wanted: Sequence[float], gap: float, low: float, high: float) -> float:
    start = statistics.fmean(wanted[i] - gap * rank for rank, i in enumerate(block))
    return max(low, min(start, high - gap * (len(block) - 1)))


def legend(axes: "Axes", runs: Sequence[Run]) -> None:
    """Who is who, in the corner that curves of accuracy leave free."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)], linewidth=2, label=headline(run)
        )
        for i, run in enumerate(runs)
    ]
    handles += [
        Line2D([], [], color=GREY, linewidth=2, marker="o", markersize=4.5, label="bold: held-out games"),
        Line2D([], [], color=GREY, linewidth=0.9, label="thin: training"),
    ]
    handles += [line for line in axes.get_lines() if str(line.get_label()).startswith("darkforest")]
    box = axes.legend(handles=handles, loc="upper left", fontsize=9, frameon=True, framealpha=0.9, borderpad=0.7)
    box.get_frame().set_edgecolor("#dddddd")


def headline(run: Run) -> str:
    """A run's name and best accuracy."""
    return f"{run.name}: {run.best['top1']:.1%}" if run.best else run.name


def subtitle(with_marks: bool) -> str:
    """How to read the page."""
    text = "Bold: games of the validation split, by the averaged weights."
    return text + " Stars and other marks: what others published, on held-out games of theirs." if with_marks else text


def draw_table(figure: "Figure", runs: Sequence[Run], height: float) -> None:
    """A line about each run at the foot of the page."""
    left, width, line = 0.06, 0.915, 0.24 / height
    y = (0.3 + 0.24 * len(runs)) / height
    for heading, (x, _) in zip(HEADINGS, COLUMNS, strict=True):
        figure.text(left + x * width, y, heading, fontsize=8.5, color=GREY, va="center")
    for number, run in enumerate(runs):
        y -= line
        colour = COLOURS[number % len(COLOURS)]
        figure.text(left - 0.012, y, "■", fontsize=8, color=colour, va="center")
        for (x, letters), text in zip(COLUMNS, facts(run), strict=True):
            figure.text(left + x * width, y, shortened(text, letters), fontsize=8.5, color="#222222", va="center")


def shortened(text: str, letters: int) -> str:
    """`text`, cut where it is longer than that."""
    return text if len(text) <= letters else text[: letters - 1] + "…"

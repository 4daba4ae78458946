"""The ratings of a tournament, drawn: a curve where players differ in a number, else a row for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from selfplay.tournament import Played, Standing, TournamentConfig, standings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOTS_PER_INCH: Final = 120
FEWEST_FOR_A_CURVE: Final = 3
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Distinct for every kind of colour vision (M. Okabe and K. Ito, 2002)."""
_NUMBERED: Final = re.compile(r"(?P<series>.*?)[-_=]?(?P<number>\d+(?:\.\d+)?)")

Curve = list[tuple[float, Standing]]


def draw(config: TournamentConfig, played: Sequence[Played], path: Path) -> None:
    """Draws every player's rating with its 95 % interval.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    table = standings(config, played)
    curves, others = split_curves(table)
    figure = Figure(figsize=(9, 5.5 if curves else 1.4 + 0.4 * len(table)), layout="constrained")
    axes = figure.subplots()
    if curves:
        _draw_curves(axes, curves, others)
    else:
        _draw_rows(axes, table)
    anchor = next(iter(config.players))
    games = sum(each.games for each in table) // 2
    axes.set_title(f"{config.size}x{config.size}, {games} games: Elo above {anchor}, 95 % intervals", loc="left")
    axes.grid(True, color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=DOTS_PER_INCH)


def split_curves(table: Sequence[Standing]) -> tuple[dict[str, Curve], list[Standing]]:
    """Players whose names differ only in the number at their end, as curves in its order; and the others."""
    curves: dict[str, Curve] = {}
    for each in table:
        if match := _NUMBERED.fullmatch(each.name):
            curves.setdefault(match["series"], []).append((float(match["number"]), each))
    curves = {series: sorted(curve) for series, curve in curves.items() if len(curve) >= FEWEST_FOR_A_CURVE}
    drawn = {each.name for curve in curves.values() for _, each in curve}
    return curves, [each for each in table if each.name not in drawn]


def _draw_curves(axes: Axes, curves: dict[str, Curve], others: Sequence[Standing]) -> None:
    for (series, curve), colour in zip(curves.items(), COLOURS * len(curves), strict=False):
        numbers = [number for number, _ in curve]
        ratings = [each.rating for _, each in curve]
        below = [rating.elo - rating.low for rating in ratings]
        above = [rating.high - rating.elo for rating in ratings]
        elo = [rating.elo for rating in ratings]
        axes.errorbar(numbers, elo, yerr=(below, above), color=colour, marker="o", capsize=3, label=series)
    for each in others:
        axes.axhline(each.rating.elo, color="#777777", linestyle=":", linewidth=1)
        axes.annotate(each.name, (1, each.rating.elo), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    numbers = [number for curve in curves.values() for number, _ in curve]
    if min(numbers) > 0 and max(numbers) >= 10 * min(numbers):
        axes.set_xscale("log")
    axes.set_ylabel("Elo")
    axes.set_xlabel(next(iter(curves)) if len(curves) == 1 else "")
    if len(curves) > 1:
        axes.legend()


def _draw_rows(axes: Axes, table: Sequence[Standing]) -> None:
    rows = list(table)[::-1]  # the strongest on top
    elo = [each.rating.elo for each in rows]
    below = [each.rating.elo - each.rating.low for each in rows]
    above = [each.rating.high - each.rating.elo for each in rows]
    axes.errorbar(elo, range(len(rows)), xerr=(below, above), fmt="o", color=COLOURS[0], capsize=3)
    axes.set_yticks(range(len(rows)), [each.name for each in rows])
    axes.set_xlabel("Elo")

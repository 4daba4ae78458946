"""How strong the generations of a loop are, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from selfplay.tournament_plot import COLOURS, DOTS_PER_INCH
from training.generations_config import GenerationsConfig
from training.generations_folder import FIRST, GenerationsFolder, MatchResult
from training.report_page import quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ELO: Final = 800.0
"""Where bars end whose interval does not."""


def draw(config: GenerationsConfig, folder: GenerationsFolder) -> None:
    """Writes `elo.png`: every generation's Elo above the first, from all matches together and from the matches against
    it alone, and below it the Elo above the generation that it was to replace; 95 % intervals."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    size, gate = config.play.search.size, config.gate
    above.set_title(
        f"{config.name}: {size}x{size}, {gate.games} games a match, {gate.visits} visits, 95 % intervals", loc="left"
    )
    accepted = {each.number for each in folder.generations() if each.accepted} | {FIRST}
    matches = folder.matches()
    _draw_ratings(above, folder, accepted)
    _draw_matches(above, [each for each in matches if each.against == FIRST], "against generation 0 alone", 2)
    above.set_ylabel("Elo above generation 0")
    replaced = _replaced(matches, accepted)
    _draw_matches(below, replaced, "against the best before it", 1)
    if gate.needed:
        below.axhline(400 * np.log10(gate.needed / (1 - gate.needed)), color="#777777", linestyle=":", label="needed")
    below.axhline(0, color="#777777", linewidth=0.8)
    below.set_ylabel("Elo above the best before")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    below.set_xlabel("generation (filled: it played from then on)")
    for axes in (above, below):
        quiet(axes)
        axes.legend(loc="best", frameon=False)
    temporary = folder.plot.with_name(f".{folder.plot.name}")
    figure.savefig(temporary, dpi=DOTS_PER_INCH)
    temporary.replace(folder.plot)


def _replaced(matches: list[MatchResult], accepted: set[int]) -> list[MatchResult]:
    """Of each generation the match against the one that was the best then."""
    return [each for each in matches if each.against == max(n for n in accepted if n < each.generation)]


def _draw_ratings(axes: Axes, folder: GenerationsFolder, accepted: set[int]) -> None:
    table = folder.ratings()
    numbers = list(table)
    elo = np.array([rating.elo for rating in table.values()])
    low, high = (np.array([getattr(rating, name) for rating in table.values()]) for name in ("low", "high"))
    axes.fill_between(numbers, low, high, color=COLOURS[0], alpha=0.15, linewidth=0)
    axes.plot(numbers, elo, color=COLOURS[0], label="all matches")
    faces = [COLOURS[0] if number in accepted else "white" for number in numbers]
    axes.scatter(numbers, elo, c=faces, edgecolors=COLOURS[0], zorder=3)


def _draw_matches(axes: Axes, matches: list[MatchResult], label: str, colour: int) -> None:
    if not matches:
        return
    elo, low, high = np.clip(np.array([each.elo for each in matches]).T, -MOST_ELO, MOST_ELO)
    numbers = [each.generation for each in matches]
    axes.errorbar(
        numbers, elo, yerr=(elo - low, high - elo), fmt=".", color=COLOURS[colour], capsize=2, linewidth=1, label=label
    )

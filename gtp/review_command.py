"""`gozero review`: a record comes back with what the engine says of every move."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gozero import coords, sgf_tree
from gozero.cli import EXIT_INTERRUPTED
from gozero.errors import GozeroError
from gozero.sgf_text import SgfError
from gtp import analyst, options
from gtp.review import Judged, Mistake, Place, annotate, judge, judgement, mistakes, places

if TYPE_CHECKING:
    from engine.player import Player
    from engine.search import Limits

DEFAULT_SECONDS: Final = 1.0
"""Seconds a move where nothing is said: four and a half minutes for 250 moves."""
LISTED: Final = 5

DESCRIPTION: Final = """\
Reads a game record and writes it again with what the engine says of every position: the chance that Black wins and the
points by which Black leads (Sabaki draws both as curves), the best lines as comments, better moves beside mistakes as
variations. All that was in the file stays. Beside it, the curve is drawn as a PNG. A move takes a second unless told
otherwise, a game of 250 moves four to five minutes; Ctrl-C keeps what was done so far."""

EXAMPLE: Final = "example: gozero review game.sgf --time 0.5"


def main(argv: Sequence[str]) -> int:
    """Review a record with these command-line arguments; returns the exit status: 0, or 130 after Ctrl-C."""
    arguments = _parser().parse_args(argv)
    trees = sgf_tree.read(arguments.file)
    try:
        game = places(trees[0])
    except SgfError as error:
        raise error.within(str(arguments.file), 1) from None
    out, curve = _out(arguments.file, arguments.out)
    position = game[-1].position
    arguments.network = options.checked_network(arguments.network)
    minutes = _expected_minutes(arguments, len(game))
    print(f"{arguments.file}: {position.size}x{position.size}, {len(position.moves)} moves{minutes}", flush=True)
    if len(trees) > 1:
        print(f"the file holds {len(trees)} games: the first is reviewed, the others stay as they are")
    judged = _judge(arguments, game)
    if not judged:
        print("stopped before the first move was reviewed: nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED
    found = mistakes(judged)
    annotate(judged)
    try:
        out.write_bytes(sgf_tree.write(trees))
    except OSError as error:
        raise GozeroError(f"{out} cannot be written: {error.strerror}") from None
    _print_mistakes(found)
    print(f"written: {out}{_draw(judged, found, arguments.file, curve)}")
    if len(judged) < len(game):
        print(f"stopped after move {judged[-1].place.number} of {len(position.moves)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gozero review", description=DESCRIPTION, epilog=EXAMPLE)
    add = parser.add_argument
    add("file", type=Path, metavar="GAME.sgf", help="the record; of several games, the first is reviewed")
    add("--out", type=Path, metavar="FILE", help="where to write (default: GAME-review.sgf beside the record)")
    add("--visits", type=options.at_least(1), metavar="N", help="visits a move")
    add("--time", type=options.positive, metavar="S", help="seconds a move (default 1, unless --visits is given)")
    analyst.add_options(parser)
    return parser


def _limits(arguments: argparse.Namespace) -> Limits:
    from engine.search import Limits

    if arguments.visits is None and arguments.time is None:
        return Limits(seconds=DEFAULT_SECONDS)
    return Limits(arguments.visits, arguments.time)


def _expected_minutes(arguments: argparse.Namespace, positions: int) -> str:
    seconds = _limits(arguments).seconds
    if seconds is None:
        return ""
    total = seconds * positions
    return f", at most {total:.0f} seconds" if total < 120 else f", at most {total / 60:.0f} minutes"


def _out(record: Path, wanted: Path | None) -> tuple[Path, Path]:
    """Where to write the record and its curve: where it was asked for, or beside the record under a name that is free.

    A curve never replaces a file: `--out` names the record alone.

    Raises:
        GozeroError: that is the record itself, a picture's name, or cannot be written.
    """
    if wanted is None:
        wanted = _free(lambda ending: record.with_name(f"{record.stem}-review{ending}.sgf"), with_curve=True)
    elif wanted.suffix.lower() == ".png":
        raise GozeroError(f"{wanted} is a picture's name, and --out names the record: its curve is drawn beside it")
    elif wanted.exists() and wanted.samefile(record):
        raise GozeroError(f"{wanted} is the record itself, which is never overwritten: choose another --out")
    if wanted.is_dir() or not wanted.parent.is_dir():
        raise GozeroError(f"{wanted} cannot be written: name a file in a folder that exists with --out")
    _try_to_write(wanted)
    return wanted, _free(lambda ending: wanted.with_name(f"{wanted.stem}{ending}.png"))


def _free(named: Callable[[str], Path], with_curve: bool = False) -> Path:
    """The first of the names that an ending makes, "", "-2", "-3" ..., under which there is no file, and no curve."""
    number, path = 1, named("")
    while path.exists() or (with_curve and path.with_suffix(".png").exists()):
        number += 1
        path = named(f"-{number}")
    return path


def _try_to_write(path: Path) -> None:
    """Refuses a file that cannot be written: after minutes of thinking it would be too late."""
    try:
        is_new = not path.exists()
        path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise GozeroError(f"{path} cannot be written: {error.strerror}; name another file with --out") from None


def _judge(arguments: argparse.Namespace, game: Sequence[Place]) -> list[Judged]:
    """What the engine says of each position; fewer after Ctrl-C."""
    judged: list[Judged] = []
    try:
        size = game[0].position.size
        player = analyst.load(arguments.player, arguments.network, arguments.threads, size, _note)
        try:
            _judge_each(player, _limits(arguments), game, judged)
        finally:
            player.close()
    except KeyboardInterrupt:
        pass  # what was done so far is kept
    return judged


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _judge_each(player: Player, limits: Limits, game: Sequence[Place], judged: list[Judged]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        MofNCompleteColumn(),
        BarColumn(bar_width=24),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("", total=len(game))
        for place in game:
            judged.append(judge(place, player.search.run(place.position, limits)))
            bar.update(task, advance=1, description=f"Black wins {judged[-1].black_wins:.0%}")


def _print_mistakes(found: Sequence[Mistake]) -> None:
    """The largest mistakes, win rates from the view of who made them."""
    from rich.console import Console
    from rich.table import Table

    if not found:
        print("no mistakes")
        return
    worst = sorted(found, key=lambda mistake: mistake.loss, reverse=True)[:LISTED]
    table = Table("move", "", "played", "win rate", "better", "", box=None, title_justify="left")
    table.title = f"{len(found)} mistakes; the largest:" if len(found) > len(worst) else "mistakes:"
    for mistake in worst:
        size, colour = mistake.before.place.position.size, mistake.colour
        move = mistake.after.place.move
        assert move is not None  # a mistake is a move
        table.add_row(
            str(mistake.after.place.number),
            coords.colour_name(colour),
            coords.format_vertex(move[1], size),
            f"{mistake.before.wins(colour):.0%} to {mistake.after.wins(colour):.0%}",
            coords.format_vertex(mistake.better.points[0], size),
            judgement(mistake.loss).lower(),
        )
    Console().print(table, highlight=False)


def _draw(judged: Sequence[Judged], found: Sequence[Mistake], record: Path, path: Path) -> str:
    """Draws the curve where matplotlib is installed; says in words what became of it."""
    from gtp.review_plot import draw

    try:
        draw(judged, found, record.name, path)
    except ModuleNotFoundError:
        return "; the curve was not drawn, as that needs matplotlib: pip install 'gozero[train]'"
    except OSError as error:
        return f"; the curve was not drawn, as {path} cannot be written: {error.strerror}"
    return f" and {path}"

"""How games and matches read: records, lines of progress, the summary."""

from __future__ import annotations

from collections.abc import Sequence

from gozero import sgf, sgf_info
from gozero.coords import BLACK
from selfplay.gtp_game import FIRST, SECOND, GameResult
from selfplay.match import Tally


def player_names(result: GameResult) -> tuple[str, str]:
    """What the two engines are called; numbered where both have one name."""
    first, second = result.names
    return (f"{first} (1)", f"{second} (2)") if first == second else (first, second)


def game_sgf(result: GameResult) -> str:
    """The game as SGF: names, result, and as the comment of the last move how it ended."""
    first, second = player_names(result)
    black, white = (first, second) if result.first_colour == BLACK else (second, first)
    comments = {len(result.record.moves): f"{sgf_info.format_result(result.record)}: {result.reason}"}
    return sgf.write(result.record, black_name=black, white_name=white, comments=comments)


def progress_line(result: GameResult, results: Sequence[GameResult], games: int) -> str:
    """One line about a game that just ended, with the score so far."""
    names = player_names(result)
    black, white = names if result.first_colour == BLACK else names[::-1]
    points = sum(each.points for each in results)
    return (
        f"game {result.number} ({len(results)}/{games}): {black} - {white}: {sgf_info.format_result(result.record)} in "
        f"{len(result.record.moves)} moves ({result.reason}); score {points:g}-{len(results) - points:g}"
    )


def summary(totals: Tally, results: Sequence[GameResult]) -> str:
    """The match in a few lines for people."""
    if totals.score is None:
        return "no game was finished"
    names = player_names(results[0])
    low, high = totals.score_ci95
    elo = _elo(totals.elo, "+inf" if totals.wins else "-inf")
    elo_low, elo_high = totals.elo_ci95
    lines = [
        f"{names[FIRST]} against {names[SECOND]}, {totals.games} games, {totals.black_first} of them with Black",
        f"  won {totals.wins}, lost {totals.losses}, drawn {totals.draws}",
        f"  score {totals.score:.1%}, 95 % interval {low:.1%} to {high:.1%}",
        f"  Elo {elo}, 95 % interval {_elo(elo_low, '-inf')} to {_elo(elo_high, '+inf')}",
    ]
    first, second = totals.seconds_per_move
    if first is not None and second is not None:
        lines.append(f"  seconds a move: {first:.3f} and {second:.3f}")
    if totals.repeated:
        lines.append(f"  {totals.repeated} games repeat an earlier one; more --opening-plies would vary them")
    lines += [f"  game {result.number}: {result.reason}" for result in results if result.failed is not None]
    return "\n".join(lines)


def _elo(value: float | None, unknown: str) -> str:
    return unknown if value is None else f"{value:+.0f}"

"""How a tournament reads: a line for each game, tables for people, the object for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from selfplay.tournament import Played, TournamentConfig, is_finished, pair_scores, standings


def progress_line(number: str, game: Played, played: Sequence[Played]) -> str:
    """One line about a game that just ended, with the pairing's score so far."""
    pairing = [each for each in played if each.players == game.players]
    points = sum(each.points for each in pairing)
    first, second = game.players
    return (
        f"game {number}: {first} - {second} {game.number}: {game.result} in {game.plies} moves ({game.reason}); "
        f"{first} {points:g}-{len(pairing) - points:g}"
    )


def as_json(config: TournamentConfig, played: Sequence[Played]) -> dict[str, Any]:
    """The standings as plain values: ratings are Elo above the first player's."""
    return {
        "players": [
            {
                "name": each.name,
                "elo": each.rating.elo,
                "elo_ci95": [each.rating.low, each.rating.high],
                "games": each.games,
                "points": each.points,
                "errors": each.errors,
                "seconds_per_move": each.seconds_per_move,
            }
            for each in standings(config, played)
        ],
        "pairings": [
            {
                "players": list(each.players),
                "games": each.games,
                "points": each.points,
                "score_ci95": list(each.score_ci95),
                "repeated": each.repeated,
            }
            for each in pair_scores(config, played)
        ],
        "finished": is_finished(config, played),
    }


def print_tables(config: TournamentConfig, played: Sequence[Played]) -> None:
    """The ratings, and what every pairing came to."""
    console = Console()
    anchor = next(iter(config.players))
    table = Table(title=f"Elo above {anchor}, {config.size}x{config.size}, 95 % intervals", title_justify="left")
    for heading in ("player", "Elo", "interval", "games", "score", "errors", "s a move"):
        table.add_column(heading, justify="left" if heading == "player" else "right")
    for each in standings(config, played):
        own = each.name == anchor
        table.add_row(
            each.name,
            "0" if own else f"{each.rating.elo:+.0f}",
            "" if own else f"{each.rating.low:+.0f} to {each.rating.high:+.0f}",
            str(each.games),
            f"{each.points / each.games:.0%}" if each.games else "",
            str(each.errors),
            "" if each.seconds_per_move is None else f"{each.seconds_per_move:.2f}",
        )
    console.print(table)
    pairs = Table(title="Pairings, from the first player's view", title_justify="left")
    for heading in ("first", "second", "games", "won", "score", "interval", "repeated"):
        pairs.add_column(heading, justify="left" if heading in ("first", "second") else "right")
    for score in pair_scores(config, played):
        low, high = score.score_ci95
        pairs.add_row(
            *score.players,
            f"{score.games} of {config.games}",
            f"{score.points:g}",
            f"{score.points / score.games:.0%}" if score.games else "",
            f"{low:.0%} to {high:.0%}" if score.games else "",
            str(score.repeated or ""),
        )
    console.print(pairs)

"""Who counts a game that nobody resigned: GNU Go, which removes dead stones, or a plain count; both by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gozero import coords
from gozero.amounts import komi_text
from gozero.position import Position
from gozero.rules import Scoring
from gozero.scoring import final_score
from selfplay.gtp_client import EngineError, EngineFailure, GtpClient, find_program, split_command

GNUGO_ARGUMENTS: Final[Mapping[Scoring, str]] = {
    "area": "--mode gtp --chinese-rules --quiet",
    "territory": "--mode gtp --japanese-rules --quiet",
}
GNUGO_MAX_SIZE = 19
REFEREE_SECONDS = 120.0


def find_gnugo(scoring: Scoring, size: int, commands: tuple[str, ...] = ()) -> str | None:
    """The command line of a GNU Go that counts in this way: the one among `commands`, or the one that is installed.
    None where there is none, or the board is too large for it.

    Raises:
        ValueError: one of the commands names no program.
    """
    if size > GNUGO_MAX_SIZE:
        return None
    for command in commands:
        program = split_command(command)[0]
        if Path(program).stem == "gnugo":
            return f'"{program}" {GNUGO_ARGUMENTS[scoring]}'
    return f"gnugo {GNUGO_ARGUMENTS[scoring]}" if find_program("gnugo") else None


def parse_score(text: str) -> float:
    """Black's margin from a GTP `final_score` reply ("B+3.5", "W+0.5", "0").

    Raises:
        ValueError: the text is no such reply.
    """
    words = text.split()
    head = words[0].upper() if words else ""
    if head in ("0", "DRAW", "JIGO"):
        return 0.0
    sign = {"B+": 1.0, "W+": -1.0}.get(head[:2])
    if sign is None:
        raise ValueError(f"'{text}' is no score")
    return sign * float(head[2:])


def count(position: Position, referee: str | None) -> tuple[float, str]:
    """Black's margin (komi included) at the end of a game, and who counted.

    `referee` is the command line of a GTP engine that knows `final_score` and counts by the rules of the game; it is
    shown the whole of it. Without one, or where it fails, the board is counted by those rules here, with every stone
    alive.
    """
    if referee is None:
        return final_score(position), f"{position.rules.scoring} count"
    try:
        with GtpClient(referee) as client:
            client.send(f"boardsize {position.size}", REFEREE_SECONDS)
            client.send("clear_board", REFEREE_SECONDS)
            client.send(f"komi {komi_text(position.komi)}", REFEREE_SECONDS)
            for colour, point in position.moves:
                vertex = coords.format_vertex(point, position.size)
                client.send(f"play {coords.colour_letter(colour)} {vertex}", REFEREE_SECONDS)
            return parse_score(client.send("final_score", REFEREE_SECONDS)), "counted by the referee"
    except (EngineError, EngineFailure, ValueError) as error:
        return final_score(position), f"{position.rules.scoring} count, as the referee failed: {error}"

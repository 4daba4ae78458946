"""Rules, and how a game ended: the score, and which stones are dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gozero import coords
from gozero.coords import EMPTY
from gozero.errors import GozeroError
from gtp.call import Call, Handler, format_points
from gtp.protocol import GtpError

if TYPE_CHECKING:
    from gozero.life import Settlement
    from gozero.position import Position


def set_rules(call: Call) -> str:
    """`kata-set-rules RULES` and `kgs-rules RULES`: a name, or KataGo's JSON."""
    call.argument(0, "rules missing")
    from gtp import rule_names

    rules = rule_names.read_rules(call.command.rest.strip())
    call.session.wait_for_board(call.attention)
    try:
        call.session.set_rules(rules)
    except ValueError as error:
        raise GtpError(f"cannot change the rules now: {error}") from None
    return ""


def get_rules(call: Call) -> str:
    """The rules, as one line of JSON."""
    from gtp import rule_names

    return rule_names.write_rules(call.position.rules)


def final_score(call: Call) -> str:
    """The score by the rules of the game, without the stones that are dead; before the end, of the board as it is."""
    settlement = settle(call)
    from gozero import scoring

    return scoring.format_result(scoring.final_score(call.position, settlement.dead, settlement.seki))


def final_status_list(call: Call) -> str:
    """`final_status_list alive | dead | seki`: chains, one a line; consistent with `final_score`."""
    status = call.argument(0, "missing status")
    if status not in ("alive", "dead", "seki"):
        raise GtpError("invalid status")
    position, settlement = call.position, settle(call)
    dead, seki = set(settlement.dead), set(settlement.seki)
    chains = [
        chain
        for chain in _chains(position)
        if status == ("dead" if chain[0] in dead else "seki" if chain[0] in seki else "alive")
    ]
    return "\n".join(format_points(chain, position.size) for chain in chains)


def settle(call: Call) -> Settlement:
    """Which stones are dead and which in seki, were the game over now: as the player's network sees it, or else as
    random games do."""
    position = call.position
    from engine import endgame

    try:
        return endgame.dead_stones_seen_by(call.player.search, position)
    except (GtpError, GozeroError):  # there is no player, which was logged when it was loaded
        return endgame.dead_stones(position, None)


def _chains(position: Position) -> list[list[int]]:
    """The points of every chain, by rows from the top left."""
    size, colours = position.size, position.colours()
    step = coords.stride(size)
    colour_at = {
        coords.point_at(row, column, size): int(colours[row, column])
        for row in range(size)
        for column in range(size)
        if colours[row, column] != EMPTY
    }
    chains = []
    seen: set[int] = set()
    for start, colour in colour_at.items():
        if start in seen:
            continue
        seen.add(start)
        chain = [start]
        for point in chain:  # grows while it is walked
            for near in (point - step, point - 1, point + 1, point + step):
                if near not in seen and colour_at.get(near) == colour:
                    seen.add(near)
                    chain.append(near)
        chains.append(sorted(chain))
    return chains


COMMANDS: Final[dict[str, Handler]] = {
    "final_score": final_score,
    "final_status_list": final_status_list,
    "kata-set-rules": set_rules,
    "kata-get-rules": get_rules,
    "kgs-rules": set_rules,
}

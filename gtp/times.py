"""The time settings of GTP, KGS and KataGo, read into the clocks of the engine.

Times below zero and surplus arguments are taken as they are meant: controllers send both, and an error would cost the
game.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gtp.call import Call, Handler, parse_number
from gtp.protocol import GtpError

if TYPE_CHECKING:
    from engine.clock import TimeSettings

KATA_SYSTEMS = "none absolute byoyomi canadian fischer fischer-capped"
"""What `kata-list_time_settings` answers."""


def time_settings(call: Call) -> str:
    """`time_settings MAIN PERIOD STONES`, the Canadian time of the specification."""
    from engine.clock import TimeSettings

    main, period, stones = _numbers(call.arguments, 3, "not three integers")
    return _set(call, TimeSettings.canadian(main, period, int(stones)))


def kgs_time_settings(call: Call) -> str:
    """`kgs-time_settings none | absolute M | byoyomi M PERIOD PERIODS | canadian M PERIOD STONES`."""
    return _named_system(call, ("none", "absolute", "byoyomi", "canadian"))


def kata_time_settings(call: Call) -> str:
    """As `kgs-time_settings`, and `fischer MAIN INCREMENT`, `fischer-capped MAIN INCREMENT MOST MOST_PER_MOVE`.

    What is left after an increment is `MOST` at most; below zero or left out, either cap means that there is none.
    """
    return _named_system(call, KATA_SYSTEMS.split())


def kata_list_time_settings(call: Call) -> str:
    """The names that `kata-time_settings` knows."""
    return KATA_SYSTEMS


def time_left(call: Call) -> str:
    """`time_left COLOUR SECONDS STONES`; stones are periods in Japanese byo-yomi."""
    colour = call.colour()
    seconds, stones = _numbers(call.arguments[1:], 2, "time and stones not two integers")
    call.session.wait_for_board(call.attention)
    call.session.clock(colour).time_left(seconds, int(stones))
    return ""


def _named_system(call: Call, known: tuple[str, ...] | list[str]) -> str:
    from engine.clock import TimeSettings

    system = call.argument(0, "time system missing").lower()
    values = call.arguments[1:]
    complaint = f"bad times for '{system}'"
    if system not in known:
        raise GtpError(f"unknown time system '{system}'")
    if system == "none":
        settings = TimeSettings()
    elif system == "absolute":
        settings = TimeSettings.absolute(*_numbers(values, 1, complaint))
    elif system == "fischer":
        settings = TimeSettings.fischer(*_numbers(values, 2, complaint))
    elif system == "fischer-capped":
        caps = (parse_number(word, complaint) for word in values[2:4])
        settings = TimeSettings.fischer(
            *_numbers(values, 2, complaint), *(cap if cap >= 0 else math.inf for cap in caps)
        )
    else:
        main, period, stones = _numbers(values, 3, complaint)
        make = TimeSettings.byo_yomi if system == "byoyomi" else TimeSettings.canadian
        settings = make(main, period, int(stones))
    return _set(call, settings)


def _set(call: Call, settings: TimeSettings) -> str:
    call.session.wait_for_board(call.attention)
    call.session.set_time(settings)
    return ""


def _numbers(words: tuple[str, ...], count: int, complaint: str) -> list[float]:
    if len(words) < count:
        raise GtpError(complaint)
    return [min(max(parse_number(word, complaint), 0.0), 1e9) for word in words[:count]]


COMMANDS: Final[dict[str, Handler]] = {
    "time_settings": time_settings,
    "kgs-time_settings": kgs_time_settings,
    "kata-time_settings": kata_time_settings,
    "kata-list_time_settings": kata_list_time_settings,
    "time_left": time_left,
}

"""What KataGo's JSON analysis protocol may set, by KataGo's names, and the error for a request that makes no sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

Perspective: TypeAlias = Literal["BLACK", "WHITE", "SIDETOMOVE"]


class RequestError(Exception):
    """A line that cannot be obeyed; `field` and `id` are "" where it is not known which is to blame."""

    def __init__(self, message: str, field: str = "", id: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.id = id


@dataclass(frozen=True, slots=True)
class Settings:
    """What a configuration file, the command line or `overrideSettings` may set."""

    perspective: Perspective = "BLACK"
    """Whose win rate, score and ownership a reply tells."""
    visits: int | None = None
    seconds: float | None = None


def read_settings(values: Mapping[str, Any], base: Settings) -> tuple[Settings, list[str]]:
    """Settings by KataGo's names over other settings, and the names that mean nothing here.

    Raises:
        RequestError: a value makes no sense.
    """
    unknown = []
    for name, value in values.items():
        text = str(value).strip()
        if name == "reportAnalysisWinratesAs":
            if text.upper() not in ("BLACK", "WHITE", "SIDETOMOVE"):
                raise RequestError(f"{name} is BLACK, WHITE or SIDETOMOVE, not {text[:40]}")
            base = replace(base, perspective=text.upper())  # type: ignore[arg-type]  # checked above
        elif name == "maxVisits":
            base = replace(base, visits=int(_above_zero(name, text, whole=True)))
        elif name == "maxTime":
            base = replace(base, seconds=_above_zero(name, text))
        elif name != "wideRootNoise":  # KaTrain sends it always; how widely KataGo looks is KataGo's affair
            unknown.append(name)
    return base, unknown


def _above_zero(name: str, text: str, whole: bool = False) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 2.0**50 or (whole and number != int(number)):
        raise RequestError(f"{name} is a {'whole ' if whole else ''}number above 0, not {text[:40]}")
    return number

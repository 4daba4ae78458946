"""What an SGF record says of the whole game: size, komi, handicap, rules, ranks, date and result, in many spellings."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from gozero import coords, record
from gozero.amounts import score_text
from gozero.coords import BLACK, WHITE
from gozero.record import GameRecord
from gozero.sgf_text import SgfError, simple_text

Node = Mapping[str, Sequence[bytes]]
"""The properties of a node, with their raw values in UTF-8."""
APPLICATION: Final = "GoZero"
"""The name in AP, before a colon and the version, of files that we write."""


def first_value(info: Node, name: str) -> str:
    """The first value of a property as text, "" where it has none."""
    values = info.get(name)
    return simple_text(values[0]).strip() if values else ""


def board_size(info: Node) -> int:
    """The size that the root names; raises SgfError where it is none of ours, or the game is not Go."""
    game = first_value(info, "GM")
    if game not in ("", "1"):
        raise SgfError("not Go", f"GM[{game[:20]}]")
    text = first_value(info, "SZ")
    if not text:
        return 19  # the default of SGF for Go
    numbers = text.split(":")
    sides = {int(number) for number in numbers if re.fullmatch(r"\s*\d{1,4}\s*", number, re.ASCII)}
    if len(numbers) > 2 or len(sides) != 1 or (len(numbers) == 2 and not all(n.strip().isdigit() for n in numbers)):
        raise SgfError("wrong size", f"SZ[{text[:20]}]")
    (size,) = sides
    if not coords.MIN_SIZE <= size <= coords.MAX_SIZE:
        raise SgfError("wrong size", f"SZ[{text[:20]}], boards have {coords.MIN_SIZE} to {coords.MAX_SIZE} lines")
    return size


def handicap_of(info: Node) -> int:
    """The number that HA names, 0 if none."""
    text = first_value(info, "HA")
    return int(text) if re.fullmatch(r"\d{1,3}", text, re.ASCII) else 0


def komi_of(info: Node, size: int) -> float | None:
    """Komi in points. Fox writes hundredths, and Chinese files write stones: 3.75 of them are 7.5 points.

    In a file that we wrote it is what KM says, however much that is.
    """
    try:
        komi = float(first_value(info, "KM").replace(",", "."))
    except ValueError:
        return None
    if not math.isfinite(komi):
        return None
    if first_value(info, "AP").partition(":")[0] == APPLICATION:
        return komi
    if abs(komi) >= 100:
        komi /= 100
    if komi % 0.5 == 0.25:
        komi *= 2
    return komi if abs(komi) <= size * size else None


_RULES: Final = (
    # Ing counts area and allows suicide, as New Zealand does; Korean counting is Japanese.
    ("tromp-taylor", ("tromp", "tt")),
    ("new-zealand", ("nz", "new zealand", "new-zealand", "ing", "goe")),
    ("chinese", ("chin", "cn", "中国", "中國")),
    ("japanese", ("jap", "jp", "korea", "kor", "日本", "韩国", "韓国", "한국")),
    ("aga", ("aga",)),
)


def rules_of(info: Node) -> str | None:
    """The name of the rule set that RU names, None where it names none of ours."""
    lowered = first_value(info, "RU").lower()
    return next((name for name, starts in _RULES if lowered.startswith(starts)), None)


_RANK: Final = re.compile(r"(\d{1,2})\s*(k|kyu|d|dan|p|pro|段|단|级|級|급)(?![a-z])")
_RANK_KINDS: Final = {"段": "d", "단": "d", "级": "k", "級": "k", "급": "k"}
_HAN_NUMBERS: Final = "一二三四五六七八九"


def rank_of(text: str) -> str | None:
    """A rank as 5k, 9d or 9p from the spellings of the servers: 9 dan, 9段, P9段, 5k?, 9d*."""
    if not text:
        return None
    text = text.lower().translate({ord(c): str(i) for i, c in enumerate(_HAN_NUMBERS, start=1)})
    match = _RANK.search(text)
    if not match:
        return None
    professional = text.startswith("p") or "pro" in text or "职业" in text
    kind = "p" if professional else _RANK_KINDS.get(match[2], match[2][0])
    rank = f"{int(match[1])}{kind}"
    return rank if record.rank_code(rank) else None


def year_of(text: str) -> int | None:
    """The first year in a date, None where there is none."""
    match = re.search(r"(?<!\d)(1[5-9]\d\d|2[01]\d\d)(?!\d)", text, re.ASCII)
    return int(match[1]) if match else None


_UNKNOWN: Final = (None, None, "unknown")
_DRAWS: Final = ("0", "0.0", "draw", "jigo", "tie", "d", "和棋", "持碁")
_RESULT: Final = re.compile(r"(b|w)(?:lack|hite)?\s*(?:\+|wins?\b|won\b)\s*(?:by\s+)?(.*)", re.DOTALL)
_ENDINGS: Final = (
    ("resign", re.compile(r"r(es|$|\W)")),
    ("time", re.compile(r"t(ime|$|\W)")),
    ("forfeit", re.compile(r"f(or|$|\W)")),
)
_MARGIN: Final = re.compile(r"(\d{1,7}(?:\.\d*)?|\.\d+)(?![\d/])", re.ASCII)
_EAST_ASIAN: Final = (
    ("黑", BLACK),
    ("黒", BLACK),
    ("흑", BLACK),
    ("白", WHITE),
    ("백", WHITE),
)


def parse_result(text: str) -> tuple[int | None, float | None, str]:
    """Winner (BLACK, WHITE, 0 a draw, None unknown), margin in points and ending of an RE value.

    Void, "?" and whatever makes no sense give no winner.
    """
    text = text.strip().lower().replace(",", ".")
    if text in _DRAWS:
        return 0, 0.0, "counted"
    match = _RESULT.match(text)
    if match:
        winner = BLACK if match[1] == "b" else WHITE
        rest = match[2].strip()
        for ending, pattern in _ENDINGS:
            if pattern.match(rest):
                return winner, None, ending
        margin = _MARGIN.match(rest)
        if margin:
            return winner, float(margin[1]), "counted"
        return winner, None, "unknown"
    for character, winner in _EAST_ASIAN:
        if text.startswith(character):
            resigned = any(word in text for word in ("中押", "中盘", "中盤", "불계"))
            return winner, None, "resign" if resigned else "unknown"
    return _UNKNOWN


def format_result(game: GameRecord) -> str:
    """The RE value of a record: B+R, W+3.5, 0, ? ..."""
    if game.winner is None:
        return "?"
    if game.winner == 0:
        return "0"
    how = {"resign": "R", "time": "T", "forfeit": "F"}.get(game.ending, "")
    if game.margin is not None:
        how = score_text(game.margin)
    return f"{coords.colour_letter(game.winner)}+{how}"

"""Rule sets as KGS and KataGo name them, and as KataGo describes them."""

from __future__ import annotations

import json
from typing import Any

from gozero.rules import RULES, Rules, parse_rules
from gtp.protocol import GtpError

_SERVER_NAMES = {"chinese-ogs": "chinese", "chinese-kgs": "chinese", "ogs": "chinese", "kgs": "chinese"}


def read_rules(text: str) -> Rules:
    """Rules from a name, or from the JSON that `write_rules` gives; tax, button and friendly passes are passed over.

    Raises:
        GtpError: nobody knows these rules.
    """
    if text.startswith("{"):
        return _from_json(text)
    try:
        return parse_rules(_SERVER_NAMES.get(text.lower(), text))
    except ValueError as error:
        raise GtpError(str(error)) from None


def write_rules(rules: Rules) -> str:
    """The rules as one line of JSON, in KataGo's keys and words."""
    return json.dumps(
        {
            "friendlyPassOk": True,
            "hasButton": False,
            "ko": rules.superko.upper(),
            "scoring": rules.scoring.upper(),
            "suicide": rules.suicide,
            "tax": "NONE",
            "whiteHandicapBonus": rules.handicap_bonus,
        },
        separators=(",", ":"),
    )


def _from_json(text: str) -> Rules:
    try:
        asked: dict[str, Any] = json.loads(text)
        described = (
            str(asked["ko"]).lower(),
            asked["suicide"],
            str(asked["scoring"]).lower(),
            str(asked.get("whiteHandicapBonus", "0")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise GtpError("bad rules: expected a name, or an object with ko, scoring and suicide") from None
    if not isinstance(asked["suicide"], bool):
        raise GtpError("bad rules: suicide is true or false")
    for rules in RULES.values():
        if described == (rules.superko, rules.suicide, rules.scoring, rules.handicap_bonus):
            return rules
    superko, suicide, scoring, bonus = described
    if superko not in ("simple", "positional", "situational"):
        raise GtpError(f"bad rules: unknown ko '{superko}'")
    if scoring not in ("area", "territory"):
        raise GtpError(f"bad rules: unknown scoring '{scoring}'")
    if bonus not in ("0", "N", "N-1"):
        raise GtpError(f"bad rules: unknown whiteHandicapBonus '{bonus}'")
    return Rules("custom", superko, suicide, scoring, bonus)  # type: ignore[arg-type]  # checked above

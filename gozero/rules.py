"""Rule sets: repetition, suicide, scoring, and what White is owed for handicap stones."""

import difflib
from dataclasses import dataclass
from typing import Final, Literal

Superko = Literal["simple", "positional", "situational"]
Scoring = Literal["area", "territory"]
HandicapBonus = Literal["0", "N-1", "N"]

_SUPERKO_CODES: Final[dict[str, int]] = {"simple": 0, "positional": 1, "situational": 2}


@dataclass(frozen=True)
class Rules:
    """One way to play Go. Equal fields mean equal rules."""

    name: str
    superko: Superko
    """simple: a lone ko may not be taken back at once; positional: no stone may bring back an earlier position of the
    board; situational: nor an earlier position with the same player to move. A pass never repeats."""
    suicide: bool
    """Whether a player may take off two or more stones of their own; a lone stone's suicide is never legal."""
    scoring: Scoring
    """area: stones and the points they surround; territory: points surrounded and prisoners."""
    handicap_bonus: HandicapBonus = "0"
    """Points that White is given for N handicap stones when the area is counted. Every handicap stone is a point of
    area for Black: "N" takes all of them back, "N-1" all but the one that an even game's first move would have made."""

    @property
    def superko_code(self) -> int:
        """The rule as the kernels want it: 0 simple, 1 positional, 2 situational."""
        return _SUPERKO_CODES[self.superko]

    def bonus_for(self, handicap: int) -> int:
        """Points that White is given in the area count of a game with `handicap` stones (0 and 1 are no handicap)."""
        if handicap < 2 or self.handicap_bonus == "0":
            return 0
        return handicap if self.handicap_bonus == "N" else handicap - 1


# As KataGo and OGS read these rule sets. The Chinese text forbids bringing back the whole board, with exceptions that a
# referee grants; positional superko is what servers of programs (CGOS, KGS, OGS) make of it. The loser of a Chinese
# handicap game is found after Black gives back a point for each handicap stone; under AGA rules White receives a point
# for each stone after the first. Tromp-Taylor, New Zealand and Japanese rules leave the stones to Black.
RULES: Final[dict[str, Rules]] = {
    rules.name: rules
    for rules in (
        Rules("tromp-taylor", superko="positional", suicide=True, scoring="area"),
        Rules("chinese", superko="positional", suicide=False, scoring="area", handicap_bonus="N"),
        Rules("japanese", superko="simple", suicide=False, scoring="territory"),
        Rules("aga", superko="situational", suicide=False, scoring="area", handicap_bonus="N-1"),
        Rules("new-zealand", superko="situational", suicide=True, scoring="area"),
    )
}
"""The rule sets by name."""

_ALIASES: Final[dict[str, str]] = {
    "tt": "tromp-taylor",
    "tromptaylor": "tromp-taylor",
    "cn": "chinese",
    "jp": "japanese",
    "korean": "japanese",
    "bga": "aga",
    "french": "aga",
    "nz": "new-zealand",
    "newzealand": "new-zealand",
}


def parse_rules(name: str) -> Rules:
    """The rule set of this name or common alias, as people, GTP clients and SGF files write it; case does not matter.

    Raises:
        ValueError: no rule set has this name; the text lists those that do, the nearest first.
    """
    key = "-".join(name.lower().replace("_", " ").replace("-", " ").split())
    rules = RULES.get(_ALIASES.get(key, key))
    if rules is not None:
        return rules
    near = difflib.get_close_matches(key, [*RULES, *_ALIASES], n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ValueError(f"unknown rules {name!r}: {hint}known are {', '.join(RULES)}")

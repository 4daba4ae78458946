import pytest

from gozero.rules import RULES, Rules, parse_rules

# name, superko, suicide, scoring, points for White with 0, 1, 2 and 9 handicap stones
FACTS = [
    ("tromp-taylor", "positional", True, "area", [0, 0, 0, 0]),
    ("chinese", "positional", False, "area", [0, 0, 2, 9]),
    ("japanese", "simple", False, "territory", [0, 0, 0, 0]),
    ("aga", "situational", False, "area", [0, 0, 1, 8]),
    ("new-zealand", "situational", True, "area", [0, 0, 0, 0]),
]


@pytest.mark.parametrize(("name", "superko", "suicide", "scoring", "bonus"), FACTS)
def test_rule_sets(name: str, superko: str, suicide: bool, scoring: str, bonus: list[int]) -> None:
    rules = parse_rules(name)
    assert (rules.name, rules.superko, rules.suicide, rules.scoring) == (name, superko, suicide, scoring)
    assert rules.superko_code == ["simple", "positional", "situational"].index(superko)
    assert [rules.bonus_for(stones) for stones in (0, 1, 2, 9)] == bonus


def test_all_rule_sets_are_in_the_table_above() -> None:
    assert list(RULES) == [row[0] for row in FACTS]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Chinese", "chinese"),
        ("JAPANESE", "japanese"),
        ("korean", "japanese"),
        ("AGA", "aga"),
        ("tt", "tromp-taylor"),
        ("Tromp-Taylor", "tromp-taylor"),
        ("tromp_taylor", "tromp-taylor"),
        (" tromp  taylor ", "tromp-taylor"),
        ("NZ", "new-zealand"),
        ("new_zealand", "new-zealand"),
        ("New Zealand", "new-zealand"),
    ],
)
def test_spellings(text: str, name: str) -> None:
    assert parse_rules(text) is RULES[name]


@pytest.mark.parametrize(("text", "near"), [("chinees", "chinese"), ("japan", "japanese"), ("trump-taylor", "tromp")])
def test_unknown_rules_name_the_nearest(text: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"unknown rules '{text}': did you mean {near}"):
        parse_rules(text)


def test_rules_like_no_other_list_those_there_are() -> None:
    with pytest.raises(ValueError, match="unknown rules 'xyzzy': known are tromp-taylor, chinese, japanese, aga, new-"):
        parse_rules("xyzzy")


def test_rules_are_values() -> None:
    assert Rules("mine", "simple", suicide=False, scoring="area") == Rules("mine", "simple", False, "area")
    assert len({*RULES.values(), *RULES.values()}) == len(RULES)

"""`gozero eval scoring`: made-up games whose count is plain to see, and records that say something else."""

import json
from pathlib import Path

import pytest

from gozero import cli
from gozero.coords import BLACK, WHITE
from training.eval_games import open_games
from training.scoring_eval import choose_games, compare, evaluate_scoring


def walls(order: str) -> str:
    """Black walls off three columns, White two: 15 points of area to 10, ten of territory to five."""
    return ";".join(f"B[c{row}];W[d{row}]" for row in order)


def record(result: str, moves: str, rules: str = "Japanese", komi: str = "KM[0.5]") -> str:
    name = f"RU[{rules}]" if rules else ""
    return f"(;SZ[5]{komi}{name}RE[{result}];{moves})"


RECORDS = [
    record("B+4.5", walls("abcde")),
    record("B+4.5", walls("abced") + ";B[ec];W[bc]"),  # a dead stone each
    record("B+3.5", walls("abdce") + ";B[];W[]"),  # one point off
    record("W+9.5", walls("abdec")),  # far off, and the wrong winner
    record("0", walls("abecd"), komi="KM[5]"),
    record("B+", walls("abedc") + ";B[];W[]"),  # a winner and two passes
    record("B+R", walls("acbde") + ";B[];W[]"),
    record("B+", walls("acbed")),  # not played out, for all we know
    record("B+T", walls("acdbe") + ";B[];W[]"),
    record("B+4.5", walls("acdeb"), komi=""),
    # no rules, and a stone in Black's own territory, a point by area only
    record("B+4.5", walls("acebd") + ";B[aa];W[];B[]", rules=""),
]


@pytest.fixture
def games(tmp_path: Path) -> Path:
    folder = tmp_path / "walls"
    folder.mkdir()
    (folder / "games.sgf").write_text("\n".join(RECORDS))
    return folder


def test_what_agrees_and_by_how_much_the_rest_differs(games: Path) -> None:
    with open_games([str(games)], 5) as (store, _):
        result = evaluate_scoring(store, size=5)
    rows = {(row.rules, row.komi): row for row in result.rows}
    named = rows["japanese", None]
    assert (named.games, named.margins) == (6, 5)
    assert named.winner == 5 / 6
    assert named.exact == 3 / 5
    assert named.within_one == 4 / 5
    assert named.off_by == {"+0": 3, "+1": 1, "+14": 1}
    assert result.left_out == {"no komi": 1}
    # The record that names no rules is counted by both.
    assert set(rows) == {("japanese", None), ("japanese", 0.5), ("chinese", 0.5)}
    assert rows["chinese", 0.5].exact == 1
    assert rows["japanese", 0.5].off_by == {"-1": 1}


def test_a_sample_is_drawn_of_each_kind(games: Path) -> None:
    with open_games([str(games)], 5) as (store, _):
        chosen, _ = choose_games(store, size=5, sample=2)
        again, _ = choose_games(store, size=5, sample=2)
        assert chosen == again
        assert [store.record(row).rules for row in chosen].count("japanese") == 2
        assert [store.record(row).rules for row in chosen].count(None) == 1
        with pytest.raises(ValueError, match="no 5x5 game from elsewhere ended by counting, with a komi"):
            evaluate_scoring(store, size=5, sources=("elsewhere",))


@pytest.mark.parametrize(("rules", "score"), [("Japanese", 25 - 4 - 0.5), ("Chinese", 25 - 2 - 0.5), ("AGA", 23.5)])
def test_handicap_stones_are_taken_back_as_the_rules_say(tmp_path: Path, rules: str, score: float) -> None:
    """Two stones of handicap and two more moves against three passes: all of the board is Black's."""
    (tmp_path / "game.sgf").write_text(f"(;SZ[5]KM[0.5]RU[{rules}]HA[2]AB[bb][dd]RE[B+20];W[];B[cb];W[];B[cd];W[];B[])")
    with open_games([str(tmp_path)], 5) as (store, _):
        (comparison,) = compare(store.record(0))
    assert comparison.kind.handicap
    assert comparison.counted == score
    assert (comparison.winner, comparison.recorded) == (BLACK, 20)
    assert comparison.same_winner
    assert comparison._replace(winner=WHITE).same_winner is False


def test_the_command(games: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval", "scoring", "--games", str(games), "--size", "5"]) == 0
    out = capsys.readouterr().out
    assert "83.3%" in out  # the winner
    assert "left out: 1 games, no komi" in out
    assert cli.main(["eval", "scoring", "--games", str(games), "--size", "5", "--playouts", "8", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["board_size"], result["playouts"]) == (5, 8)
    assert {row["source"] for row in result["rows"]} == {"walls"}
    assert cli.main(["eval", "scoring", "--games", str(games), "--size", "5", "--sample", "0"]) == 2
    assert "--sample must be at least 1, not 0" in capsys.readouterr().err

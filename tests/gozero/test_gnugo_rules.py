"""The rules against GNU Go's, the one engine that knows every superko and both suicide rules.

Its `all_legal` is compared for both colours after every move. Like ours, its "allowed" suicide is not a lone stone's.
Unlike ours, it does not ask whether a suicide repeats a position.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gozero.coords import BLACK, WHITE, format_vertex
from gozero.illegal_move import IllegalMove
from gozero.position import Position
from gozero.rules import Rules
from tests.reference_board import Place, SlowGame
from tests.reference_comparison import ALL_RULES, lively_move, new_games, point_of


class GnuGo:
    """GNU Go's board, over GTP."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, *commands: str) -> list[str]:
        """The answers to some commands, which must all succeed."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("".join(f"{command}\n" for command in commands))
        self.process.stdin.flush()
        answers = []
        for command in commands:
            answer = self.process.stdout.readline()
            assert answer.startswith("="), f"{command}: {answer}"
            assert self.process.stdout.readline() == "\n"
            answers.append(answer[1:].strip())
        return answers


@contextmanager
def gnugo_with(command: list[str], rules: Rules) -> Iterator[GnuGo]:
    ko = "--simple-ko" if rules.superko == "simple" else f"--{rules.superko}-superko"
    suicide = "--allow-suicide" if rules.suicide else "--forbid-suicide"
    with subprocess.Popen(
        [*command, ko, suicide], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield GnuGo(process)
        finally:
            process.kill()


def vertices(places: set[Place], size: int) -> set[str]:
    return {format_vertex(point_of(place, size), size) for place in places}


def assert_same(position: Position, game: SlowGame, other: GnuGo) -> int:
    """Stones, captures and legal moves are the same; returns how many moves superko alone forbids."""
    size, board = game.size, game.board
    repetitions = 0
    taken_by_black, taken_by_white = other.ask("captures black", "captures white")
    assert position.captured == (int(taken_by_white), int(taken_by_black))
    for colour, name in ((BLACK, "black"), (WHITE, "white")):
        stones, legal = other.ask(f"list_stones {name}", f"all_legal {name}")
        ours = [place for place in board.places() if position.colours()[place] == colour]
        assert set(stones.split()) == vertices(set(ours), size)
        allowed = {place for place in board.empties() if position.legal(point_of(place, size), colour)}
        repeats = {place for place in board.empties() if reason(position, place, colour) == "superko"}
        suicides = {place for place in repeats if place not in board.put(place, colour).stones}
        assert set(legal.split()) == vertices(allowed | suicides, size), f"{name}\n{position}"
        repetitions += len(repeats - suicides)
    return repetitions


def reason(position: Position, place: Place, colour: int) -> str:
    """Why the move is illegal, or "" if it is legal."""
    point = point_of(place, position.size)
    if position.legal(point, colour):
        return ""
    with pytest.raises(IllegalMove) as refused:
        position.play(point, colour)
    return refused.value.reason


def play_and_compare(size: int, plies: int, rules: Rules, other: GnuGo, seed: int) -> int:
    """A lively game with some passes and some moves taken back; returns how many repetitions were forbidden in it."""
    rng = random.Random(seed)
    position, game = new_games(size, rules)
    other.ask(f"boardsize {size}", "clear_board")
    repetitions = 0
    for _ in range(plies):
        if position.moves and rng.random() < 0.1:
            position.undo()
            game.undo()
            other.ask("undo")
        else:
            colour = game.to_play
            place = lively_move(game, colour, rng) if rng.random() > 0.03 else None
            other.ask(f"play {'black' if colour == BLACK else 'white'} {format_vertex(point_of(place, size), size)}")
            position.play(point_of(place, size))
            game.play(place, colour)
        repetitions += assert_same(position, game, other)
    return repetitions


@pytest.mark.parametrize("rules", ALL_RULES, ids=lambda rules: rules.name)
def test_random_games_equal_gnugo(gnugo: list[str], rules: Rules) -> None:
    with gnugo_with(gnugo, rules) as other:
        repetitions = [play_and_compare(size, 100, rules, other, seed=size) for size in (2, 3, 4, 5, 7)]
    assert (sum(repetitions) > 20) == (rules.superko != "simple")


@pytest.mark.slow
@pytest.mark.parametrize("rules", ALL_RULES, ids=lambda rules: rules.name)
def test_many_random_games_equal_gnugo(gnugo: list[str], rules: Rules) -> None:
    with gnugo_with(gnugo, rules) as other:
        for size, games in ((2, 10), (3, 10), (4, 10), (5, 10), (6, 5), (7, 5), (9, 2), (13, 1), (19, 1)):
            for seed in range(games):
                play_and_compare(size, max(100, size * size), rules, other, seed)

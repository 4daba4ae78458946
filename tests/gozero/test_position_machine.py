"""A person at the board, who plays, passes, undoes, sets up, copies, changes the turn; the reference does as much."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gozero import _board
from gozero.coords import BLACK, EMPTY, WHITE, format_vertex
from gozero.position import Position
from gozero.rules import Rules
from tests.reference_board import Place, SlowGame
from tests.reference_comparison import (
    ALL_RULES,
    assert_same_board,
    assert_same_history,
    assert_same_rules,
    lively_move,
    new_games,
    point_of,
    set_up_ko,
)

COLOURS = st.sampled_from([BLACK, WHITE])
INDICES = st.integers(0, 168)


def photo(position: Position) -> dict[str, Any]:
    """All that undo has to restore."""
    return {
        "board": str(position),
        "moves": list(position.moves),
        "setup": list(position.setup),
        "edits": position.edits,
        "to_play": position.to_play,
        "last move": position.last_move,
        "recent": position.recent_points().tolist(),
        "passes": position.passes,
        "captured": position.captured,
        "handicap": position.handicap,
        "legal": [position.legal_mask(colour).tolist() for colour in (BLACK, WHITE)],
        "history": position.history[: position.history_length].tolist(),
        "hash": int(_board.position_hash(position.state)),
    }


def play_lively(
    position: Position, game: SlowGame, rng: random.Random, plies: int, after_each: Callable[[], None] = lambda: None
) -> None:
    for _ in range(plies):
        place = lively_move(game, game.to_play, rng)
        position.play(point_of(place, game.size))
        game.play(place, game.to_play)
        after_each()


@dataclass
class Pair:
    """One game twice, and what the fast one looked like at every moment of it."""

    position: Position
    game: SlowGame
    photos: list[dict[str, Any]] = field(default_factory=list)

    def take_photo(self) -> None:
        del self.photos[len(self.game.moments) - 1 :]
        self.photos.append(photo(self.position))

    def copy(self) -> Pair:
        return Pair(self.position.copy(), self.game.copy(), list(self.photos))


class Games(RuleBasedStateMachine):
    """Up to four games side by side, each a copy of another; the last one is at the board."""

    sizes: tuple[int, ...] = (1, 2, 3, 4, 5, 7)

    @initialize(data=st.data(), rules=st.sampled_from(ALL_RULES), plies=st.sampled_from([0, 0, 12, 30]))
    def start(self, data: st.DataObject, rules: Rules, plies: int) -> None:
        """From the empty board, or from the diagram of a position that some moves lead to."""
        self.size = data.draw(st.sampled_from(self.sizes))
        self.hashes: dict[frozenset[tuple[Place, int]], int] = {}
        position, game = new_games(self.size, rules)
        if plies:
            play_lively(position, game, random.Random(plies), plies)
            position = Position.from_ascii(str(position), position.to_play, rules=rules)
            game.forget()
        self.pairs = [Pair(position, game)]
        self.here.take_photo()

    @property
    def here(self) -> Pair:
        return self.pairs[-1]

    @rule(index=INDICES, colour=st.sampled_from([None, None, BLACK, WHITE]), as_vertex=st.booleans())
    def play(self, index: int, colour: int | None, as_vertex: bool) -> None:
        position, game = self.here.position, self.here.game
        place = game.board.places()[index % self.size**2]
        point = point_of(place, self.size)
        move = format_vertex(point, self.size) if as_vertex else point
        mover = colour or game.to_play
        if game.is_legal(place, mover):
            position.play(move, colour)
            game.play(place, mover)
            self.here.take_photo()
        else:
            with pytest.raises(ValueError, match="illegal move"):
                position.play(move, colour)

    @rule()
    def take_ko(self) -> None:
        position, game = self.here.position, self.here.game
        kos = [place for place in game.board.empties() if game.board.put(place, game.to_play).forbidden]
        for place in [place for place in kos if game.is_legal(place, game.to_play)][:1]:
            position.play(point_of(place, self.size))
            game.play(place, game.to_play)
            self.here.take_photo()

    @rule(seed=st.integers(0, 2**32 - 1), plies=st.sampled_from([1, 4, 15, 16, 33]))
    def play_on(self, seed: int, plies: int) -> None:
        position, game = self.here.position, self.here.game
        play_lively(position, game, random.Random(seed), plies, self.here.take_photo)

    @rule(colour=st.sampled_from([None, BLACK, WHITE]))
    def pass_(self, colour: int | None) -> None:
        self.here.position.play("pass", colour)
        self.here.game.play(None, colour or self.here.game.to_play)
        self.here.take_photo()

    @rule(steps=st.sampled_from([1, 1, 2, 5, 17, 40]))
    def undo(self, steps: int) -> None:
        position, game = self.here.position, self.here.game
        for _ in range(steps):
            if len(game.moments) == 1:
                with pytest.raises(ValueError, match="cannot undo: nothing has been played"):
                    position.undo()
                break
            position.undo()
            game.undo()
            assert photo(position) == self.here.photos[len(game.moments) - 1]

    @rule(colour=COLOURS)
    def set_to_play(self, colour: int) -> None:
        self.here.position.to_play = colour
        self.here.game.set_to_play(colour)
        self.here.take_photo()

    @rule(komi=st.integers(-20, 20).map(lambda halves: halves / 2))
    def set_komi(self, komi: float) -> None:
        self.here.position.komi = komi
        assert self.here.position.komi == komi

    @rule(index=INDICES, colour=COLOURS)
    def set_up(self, index: int, colour: int) -> None:
        position, game = self.here.position, self.here.game
        place = game.board.places()[index % self.size**2]
        if place in game.board.stones or not game.board.changed({place: colour}).is_possible():
            with pytest.raises(ValueError, match="cannot set up"):
                position.add_stone(point_of(place, self.size), colour)
        else:
            position.add_stone(point_of(place, self.size), colour)
            game.set_up({place: colour})
            self.here.take_photo()

    @rule(changes=st.dictionaries(INDICES, st.sampled_from([EMPTY, BLACK, WHITE]), max_size=6))
    def edit(self, changes: dict[int, int]) -> None:
        position, game = self.here.position, self.here.game
        places = {game.board.places()[index % self.size**2]: colour for index, colour in changes.items()}
        stones = [(colour, point_of(place, self.size)) for place, colour in places.items()]
        if game.board.changed(places).is_possible():
            position.edit(stones)
            game.set_up(places)
            self.here.take_photo()
        else:
            with pytest.raises(ValueError, match="would have no liberty"):
                position.edit(stones)

    @rule(row=INDICES, column=INDICES, taken=st.booleans())
    def set_up_ko(self, row: int, column: int, taken: bool) -> None:
        """Where there is room for it; the player to move may take, and does or does not."""
        position, game = self.here.position, self.here.game
        corner = (row % max(1, self.size - 2), column % max(1, self.size - 3))
        if set_up_ko(position, game, *corner, game.to_play):
            self.here.take_photo()
            if taken:
                self.take_ko()

    @rule(indices=st.lists(INDICES, min_size=1, max_size=5, unique=True))
    def handicap(self, indices: list[int]) -> None:
        position, game = self.here.position, self.here.game
        places = list(dict.fromkeys(game.board.places()[index % self.size**2] for index in indices))
        points = [point_of(place, self.size) for place in places]
        if position.moves or game.board.stones:
            with pytest.raises(ValueError, match="board not empty"):
                position.place_handicap(points)
        elif len(points) == self.size**2:
            with pytest.raises(ValueError, match="no point would stay empty"):
                position.place_handicap(points)
        else:
            position.place_handicap(points)
            game.set_up(dict.fromkeys(places, BLACK))
            game.set_to_play(WHITE)
            assert position.handicap == len(points)
            self.here.take_photo()

    @rule()
    def copy(self) -> None:
        self.pairs = [*self.pairs[-3:], self.here.copy()]

    @rule()
    def take_another_copy(self) -> None:
        self.pairs.insert(0, self.pairs.pop())

    @invariant()
    def all_games_are_what_the_reference_says(self) -> None:
        for pair in self.pairs:
            assert_same_board(pair.position, pair.game)
            assert photo(pair.position) == pair.photos[len(pair.game.moments) - 1]
        assert_same_rules(self.here.position, self.here.game)
        assert_same_history(self.here.position, self.here.game)

    @invariant()
    def boards_are_equal_where_their_hashes_are(self) -> None:
        stones = frozenset(self.here.game.board.stones.items())
        hashed = int(_board.position_hash(self.here.position.state))
        assert self.hashes.setdefault(stones, hashed) == hashed
        assert len(set(self.hashes.values())) == len(self.hashes)


class ManyGames(Games):
    """The same for longer."""

    sizes = (1, 2, 2, 3, 3, 4, 5, 6, 7, 9, 13)


TestGames = Games.TestCase
TestGames.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)

TestManyGames = pytest.mark.slow(ManyGames.TestCase)
TestManyGames.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)

"""Matches with search in lock step: who is asked about what, and that they are the games of self-play."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluator import Evaluation, EvaluatorError, UniformEvaluator
from gozero.coords import BLACK, WHITE, point_of
from gozero.position import Position
from gozero.record import GameRecord, decode
from selfplay.searched_games import Network, play_searched
from selfplay.searched_match import Players, play_match, searched_contest
from selfplay.searched_settings import SearchedSettings
from tests.toy_game import HashEvaluator

SIZE = 4
QUIET = SearchedSettings(
    size=SIZE, komi=0.5, full_share=0.0, quick_visits=9, gumbel_moves=4, sampled_moves=0, opening_moves=4, turning=False
)


def with_changes(settings: SearchedSettings, **changes: object) -> SearchedSettings:
    return SearchedSettings(**{name: getattr(settings, name) for name in settings.__struct_fields__} | changes)


class Wants(UniformEvaluator):
    """Finds every position even, and wants to play on the point with the lowest number, or the highest."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.rows = 0

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        count, _, size, _ = planes.shape
        self.rows += count
        logits = np.append(-self.sign * 9 * np.arange(size * size), -999).astype(np.float32)
        return Evaluation(np.tile(logits, (count, 1)), np.zeros(count, np.float32))


class Sees:
    """Knows who will win, where it knows: who has more stones, as far as the planes tell."""

    feature_set = "compact"

    def __init__(self, knows: bool) -> None:
        self.knows = knows

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        count, _, size, _ = planes.shape
        own, other = (planes[:, plane].sum((1, 2), dtype=np.int64) for plane in (0, 1))
        values = np.tanh(self.knows * (own - other) / 4).astype(np.float32)
        return Evaluation(np.zeros((count, size * size + 1), np.float32), values)

    def supports(self, size: int) -> bool:
        return True

    def close(self) -> None:
        pass


def moves_of(record: GameRecord) -> list[int]:
    return record.moves.tolist()


def test_a_network_against_itself_plays_its_self_play_twice() -> None:
    """Games 2k and 2k + 1 are the game k that it plays alone, whichever boards are in flight together."""
    judge = HashEvaluator()
    alone = sorted(play_searched(lambda: Network(judge, "v1"), QUIET, 5, games=6, boards=6))
    match = sorted(play_match((judge, judge, judge), QUIET, 12, 5, boards=5))
    assert [moves_of(game.record) for game in match] == [moves_of(alone[number // 2].record) for number in range(12)]
    assert [game.record.margin for game in match[::2]] == [game.record.margin for game in alone]


def test_every_player_moves_in_its_turn() -> None:
    """Nobody sees a difference in value: the players play the legal move that they want most, after the opening."""
    first, second = Wants(1), Wants(-1)
    settings = with_changes(QUIET, gumbel_moves=2)
    for game in sorted(play_match((first, second, first), with_changes(settings, opening_moves=0), 4, 1, boards=3)):
        position = Position(SIZE, komi=0.5, rules=settings.rules)
        for code in moves_of(game.record):
            colour, index = decode(code)
            legal = np.flatnonzero(position.legal_mask(colour))[:-1]
            mine = colour == (BLACK if game.number % 2 == 0 else WHITE)
            if len(legal):
                assert index == (legal[0] if mine else legal[-1])
            position.play(point_of(index, SIZE))
    assert first.rows > 0
    assert second.rows > 0


def test_openings_are_drawn_from_the_opener_and_played_with_both_colours() -> None:
    opener = Wants(1)  # so sharp that there is nothing to draw
    played = sorted(play_match((Wants(-1), Wants(-1), opener), with_changes(QUIET, komi_spread=1), 40, 2, boards=40))
    lengths = set()
    assert {game.record.komi for game in played} == {-0.5, 0.5, 1.5}
    for even, odd in zip(played[::2], played[1::2], strict=True):
        assert even.record.komi == odd.record.komi
        assert moves_of(even.record) == moves_of(odd.record)  # the players are the same
        indices = [decode(code)[1] for code in moves_of(even.record)]
        lengths.add(next(ply for ply, index in enumerate(indices) if index != ply))
    assert lengths == {0, 1, 2, 3, 4}


def test_who_knows_more_wins_with_both_colours() -> None:
    settings = with_changes(QUIET, komi=2.5, quick_visits=17, opening_moves=6)
    found = searched_contest(Sees(True), Sees(False), Sees(False), settings, 60, seed=1, boards=30)
    other = searched_contest(Sees(False), Sees(True), Sees(False), settings, 60, seed=1, boards=30)
    assert found.games == other.games == 60
    low, _ = found.interval
    assert low > 0.6
    assert other.interval[1] < 0.4
    black, white = found.score_as(BLACK), found.score_as(WHITE)
    assert black is not None
    assert white is not None
    assert min(black, white) > 0.5
    assert found.first.count(BLACK) == 30
    assert len({(record.key, colour) for record, colour in zip(found.records, found.first, strict=True)}) == 60


def test_nobody_gains_by_being_named_first() -> None:
    """Also where hardly any games are different, and where the players are the same."""
    one, two = HashEvaluator(), Sees(True)
    settings = with_changes(QUIET, opening_moves=2)
    found = searched_contest(one, two, one, settings, 40, seed=3, boards=20)
    other = searched_contest(two, one, one, settings, 40, seed=3, boards=20)
    assert found.repeated > 0
    assert found.games == other.games
    assert found.score + other.score == 1
    alike = searched_contest(one, one, one, settings, 40, seed=3, boards=20)
    assert alike.repeated > 0
    assert (alike.score, alike.first.count(BLACK)) == (0.5, alike.games // 2)


def test_players_who_see_different_planes_are_refused() -> None:
    with pytest.raises(EvaluatorError, match="with the same planes, not compact and none"):
        Players((Sees(True), UniformEvaluator(), Sees(True)))


def test_trees_that_are_kept_are_refused() -> None:
    judge = HashEvaluator()
    with pytest.raises(ValueError, match="Gumbel roots"):
        list(play_match((judge, judge, judge), with_changes(QUIET, root="puct"), 2, 1, boards=2))


def test_a_board_that_a_player_does_not_know_is_refused() -> None:
    class Small(UniformEvaluator):
        def supports(self, size: int) -> bool:
            return size < SIZE

    with pytest.raises(ValueError, match="does not play on 4x4"):
        list(play_match((UniformEvaluator(), Small(), UniformEvaluator()), QUIET, 2, 1, boards=2))

"""Games with search in lock step: they are the moves, the visits and the values of searches one at a time."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluator import AnyEvaluator, Evaluation
from engine.search import Limits, Search, SearchConfig
from gozero import record
from gozero.coords import BLACK, WHITE, move_index, opponent, point_of
from gozero.position import Position
from gozero.searches import GameSearches
from selfplay._forest import LEAST_SHARE
from selfplay.searched_games import Network, SearchedGame, play_searched
from selfplay.searched_settings import SearchedSettings
from tests.toy_game import BlackLeads, HashEvaluator

SIZE = 4
PUCT = SearchedSettings(size=SIZE, komi=0.5, root="puct", visits=24, longest=40, turning=False)
GUMBEL = SearchedSettings(size=SIZE, komi=0.5, root="gumbel", visits=17, longest=40, turning=False)


def played(
    games: int, settings: SearchedSettings, seed: int = 1, evaluator: AnyEvaluator | None = None, **more: int
) -> list[SearchedGame]:
    judge = evaluator or HashEvaluator()
    return sorted(play_searched(lambda: Network(judge, "v1"), settings, seed, games=games, **more))


def with_changes(settings: SearchedSettings, **changes: object) -> SearchedSettings:
    return SearchedSettings(**{name: getattr(settings, name) for name in settings.__struct_fields__} | changes)


def searches_by_ply(searches: GameSearches) -> dict[int, tuple[float, dict[int, float]]]:
    """By moves played before: the value, and the shares by move index."""
    starts = np.cumsum(searches.counts) - searches.counts
    return {
        ply: (
            value,
            dict(
                zip(
                    searches.moves[start : start + count].tolist(),
                    searches.shares[start : start + count].tolist(),
                    strict=True,
                )
            ),
        )
        for ply, value, start, count in zip(
            searches.plies.tolist(), searches.values.tolist(), starts.tolist(), searches.counts.tolist(), strict=True
        )
    }


def positions(game: SearchedGame, settings: SearchedSettings) -> list[Position]:
    """All positions of a game, each legal by a slow look; the last one is its end."""
    position = Position(settings.size, komi=settings.komi, rules=settings.rules)
    found = [position.copy()]
    for code in game.record.moves.tolist():
        colour, index = record.decode(code)
        assert colour == position.to_play
        position.play(point_of(index, settings.size))
        found.append(position.copy())
    return found


@pytest.mark.parametrize("rules", ["chinese", "tromp-taylor", "aga"])
def test_a_puct_game_is_what_one_search_after_the_other_finds(rules: str) -> None:
    """Visits, values and moves, the trees kept from move to move, superko and suicide as the rules say."""
    settings = with_changes(PUCT, rules=rules, noise_share=0.0, sampled_moves=0, visits=60)
    evaluator = HashEvaluator()
    config = SearchConfig(batch_size=1, batches_in_flight=1, random_symmetry=False, memory_mib=16)
    for game in played(3, settings, seed=3, evaluator=evaluator, boards=2):
        search = Search(evaluator, config)
        found = searches_by_ply(game.searches)
        assert len(found) == len(game.record.moves)
        for ply, (position, code) in enumerate(
            zip(positions(game, settings), game.record.moves.tolist(), strict=False)
        ):
            result = search.run(position, Limits(visits=settings.visits))
            value, shares = found[ply]
            total = sum(move.visits for move in result.moves)
            expected = {move_index(move.point, SIZE): move.visits / total for move in result.moves}
            assert shares == pytest.approx(expected, abs=1e-6)
            assert value == pytest.approx(result.root_value, abs=1e-6)
            assert shares[record.decode(code)[1]] == max(shares.values())
        search.close()

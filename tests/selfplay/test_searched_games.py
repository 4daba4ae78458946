"""Games with search in lock step: they are the moves, the visits and the values of searches one at a time."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import _expand, _gumbel
from engine._gumbel import Halving
from engine._tree import NO_NODE
from engine.evaluator import BOARDS, AnyEvaluator, Evaluation
from engine.gumbel import GumbelRoot
from engine.search import Limits, Search, SearchConfig
from engine.tree import Tree
from gozero import _board, _random, features, record
from gozero._lockstep import play_index
from gozero.coords import BLACK, WHITE, move_index, point_of
from gozero.position import Position
from gozero.searches import GameSearches
from selfplay.forest import Forest
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


class Noise:
    """Hands out the noise that a kernel drew."""

    def __init__(self, rng: NDArray[np.uint64]) -> None:
        self.rng = rng

    def gumbel(self, size: int) -> NDArray[np.float64]:
        return np.array([_random.random_gumbel(self.rng) for _ in range(size)])


@pytest.mark.parametrize("simulations", [5, 16, 50])
def test_a_gumbel_root_is_what_sequential_halving_finds(simulations: int) -> None:
    """The root of one tree against `engine.gumbel` with the same draws, and the policy against the paper's formula."""
    evaluator = HashEvaluator()
    for seed in range(5):
        rng = _random.seed_state(seed)
        plain, forest = evaluated_root(evaluator, seed), evaluated_root(evaluator, seed)
        chosen = GumbelRoot(plain, 6, simulations, Noise(rng.copy()))  # type: ignore[arg-type]
        halving = Halving(np.zeros(6, np.int32), np.zeros(6), np.zeros(6, np.int32), np.zeros(4, np.int32))
        _gumbel.begin_halving(forest.arrays, halving, 6, simulations, 1, rng, np.empty(SIZE**2 + 1))
        value = iter(np.random.default_rng(seed).uniform(-0.9, 0.9, 2 * simulations).tolist())
        for _ in range(simulations):
            edges = chosen.next_edges(plain, 1)
            while not len(edges) and chosen.halve(plain):
                edges = chosen.next_edges(plain, 1)
            edge = _gumbel.next_edge(forest.arrays, halving)
            assert edges.tolist() == ([] if edge == NO_NODE else [edge])
            if edge == NO_NODE:
                break
            worth = next(value)
            for tree in (plain, forest):
                visit(tree, int(edge), worth)
        assert forest.arrays.move[_gumbel.winner(forest.arrays, halving)] == chosen.best(plain)
        shares = np.zeros(SIZE**2 + 1)
        found = _gumbel.improve_policy(forest.arrays, shares)
        expected, worth = improved(forest)
        assert shares == pytest.approx(expected, abs=1e-9)
        assert found == pytest.approx(worth, abs=1e-9)


def evaluated_root(evaluator: HashEvaluator, seed: int) -> Tree:
    search = Search(evaluator, SearchConfig(random_symmetry=False, memory_mib=1), seed)
    position = Position(SIZE, komi=0.5)
    for index in np.random.default_rng(seed).permutation(SIZE**2)[:seed].tolist():
        position.play(point_of(index, SIZE))
    search.run(position, Limits(visits=1))
    search.close()
    assert search.tree is not None
    return search.tree


def visit(tree: Tree, edge: int, value: float) -> None:
    """Backs up a value, for the player to move after that move of the root's."""
    node = int(tree.arrays.child[edge])
    tree.arrays.nodes["virtual_losses"][[0, node]] += 1
    _expand.apply_results(*tree.arrays, np.array([node], np.int32), 1, np.array([value], np.float32))


def improved(tree: Tree) -> tuple[NDArray[np.float64], float]:
    """The policy and the value of Danihelka et al. 2022, written down once more."""
    edges, tried = tree.edges(), tree.tried_edges()
    priors = tree.arrays.prior[edges].astype(np.float64)
    visits, values = np.zeros(len(priors)), np.zeros(len(priors))
    for i in range(tried.stop - tried.start):
        node = tree.arrays.nodes[tree.arrays.child[tried.start + i]]
        visits[i] = node["visits"]
        values[i] = -node["value_sum"] / max(node["visits"], 1)
    seen = visits > 0
    own = float(tree.arrays.nodes["value"][0])
    mixed = (own + visits.sum() * (priors * values)[seen].sum() / priors[seen].sum()) / (1 + visits.sum())
    completed = np.where(seen, values, mixed)
    logits = np.log(priors) + (50 + visits.max()) * (completed + 1) / 2
    policy = np.exp(logits - logits.max())
    policy /= policy.sum()
    shares = np.zeros(tree.size**2 + 1)
    shares[: len(policy)] = policy
    return shares, float((policy * completed).sum())


@pytest.mark.nojit
@pytest.mark.parametrize("root", ["puct", "gumbel"])
def test_every_move_is_legal_and_the_board_decides(root: str) -> None:
    settings = with_changes(PUCT, root=root, visits=7, longest=22)
    games = played(8, settings, boards=3)
    assert [game.number for game in games] == list(range(8))
    for game in games:
        end = positions(game, settings)[-1]
        assert record.fault(game.record) is None
        assert game.record.ending == ("counted" if end.passes == 2 else "unknown")
        assert game.record.margin == abs(end.score())
        assert game.record.winner == (BLACK if end.score() > 0 else WHITE)
        assert (game.record.komi, game.record.rules, game.version, game.opened) == (0.5, "chinese", "v1", 0)
        assert game.searches.plies.tolist() == list(range(len(game.record.moves)))
    assert {game.record.ending for game in games} == {"counted", "unknown"}


@pytest.mark.nojit
@pytest.mark.parametrize("root", ["puct", "gumbel"])
def test_searches_say_what_was_likely_and_who_leads(root: str) -> None:
    """Every leaf is worth 0.25 to Black: so is the root, to whoever moves there."""

    class NeverPasses(BlackLeads):
        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            answer = super().evaluate(planes, global_values)
            answer.policy_logits[:, -1] = -30
            return answer

    settings = with_changes(PUCT, root=root, visits=7, longest=4, komi=7.5, noise_share=0.0)
    for game in played(3, settings, evaluator=NeverPasses(0.25)):
        found = searches_by_ply(game.searches)
        for ply, position in enumerate(positions(game, settings)[:-1]):
            value, shares = found[ply]
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
            assert all(position.legal(point_of(index, SIZE)) for index in shares)
            assert value == pytest.approx(0.25 if position.to_play == BLACK else -0.25, abs=1e-6)
        assert game.lowest == pytest.approx((0.25, -0.25), abs=1e-6)


@pytest.mark.parametrize("root", ["puct", "gumbel"])
def test_a_pass_that_wins_is_found(root: str) -> None:
    """After a pass of the opponent a pass ends the game: the board of one's own is won, and nothing else is certain."""
    settings = with_changes(PUCT, root=root, visits=40, sampled_moves=0, noise_share=0.0, gumbel_moves=17)
    forest = Forest(settings, 1)
    forest.begin(0, 1)
    for index in (5, SIZE**2):  # Black's stone, and White passes
        play_index(forest.arrays.boards, 0, index, 0)
    found = forest.grow(np.zeros(1, np.int64), turning=False)
    while not len(found):
        forest.ask(BlackLeads(0.0))
        found = forest.grow(np.zeros(1, np.int64), turning=False)
    standing = forest.standing(0)
    assert standing.moves[2:].tolist() == [SIZE**2]
    assert (standing.passes, standing.lead) == (2, SIZE**2 - 0.5)
    searches = forest.searches(0)
    assert searches.values[0] > 0.1
    assert searches.moves[np.argmax(searches.shares)] == SIZE**2


def test_every_game_has_a_komi_of_its_own_that_the_network_is_told_and_that_counts() -> None:
    told: set[float] = set()

    class Hears(HashEvaluator):
        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            told.update(np.abs(global_values[:, 0] * features.KOMI_SCALE).round(3).tolist())
            return super().evaluate(planes, global_values)

    settings = with_changes(GUMBEL, komi=9.5, komi_spread=2, visits=3, longest=12)
    games = played(40, settings, evaluator=Hears(), boards=8)
    assert {game.record.komi for game in games} == {7.5, 8.5, 9.5, 10.5, 11.5} == told
    for game in games:
        end = positions(game, with_changes(settings, komi=game.record.komi))[-1]
        assert game.record.margin == abs(end.score())
        assert game.record.winner == (BLACK if end.score() > 0 else WHITE)


def test_who_judges_boards_is_told_what_a_game_s_komi_gives_the_player_to_move() -> None:
    told: set[float] = set()

    class Hears:
        feature_set = BOARDS

        def evaluate_boards(
            self, boards: NDArray[np.uint32], global_values: NDArray[np.float32], given: NDArray[np.float64]
        ) -> Evaluation:
            told.update((given * np.where(boards[:, _board.TO_PLAY] == WHITE, 1, -1)).tolist())
            return Evaluation(np.zeros((len(boards), SIZE**2 + 1), np.float32), np.zeros(len(boards), np.float32))

        def supports(self, size: int) -> bool:
            return True

        def close(self) -> None:
            pass

    settings = with_changes(GUMBEL, komi=9.5, komi_spread=1, visits=3, longest=12)
    games = played(20, settings, evaluator=Hears(), boards=8)
    assert {game.record.komi for game in games} == {8.5, 9.5, 10.5} == told


def test_the_seed_decides_and_nothing_else() -> None:
    """Not how many boards are in flight either: this evaluator's answers do not depend on that."""
    for settings in (with_changes(PUCT, visits=5, turning=True), with_changes(GUMBEL, visits=5, turning=True)):
        first, again, few = (texts(played(7, settings, boards=boards)) for boards in (7, 7, 3))
        assert first == again == few
        assert first != texts(played(7, settings, seed=2))
        assert len(set(first)) == 7
        assert first[4:] == texts(played(3, settings, first_number=4))


def texts(games: list[SearchedGame]) -> list[str]:
    """All that makes the games, but not their numbers."""
    return [repr((game.record.moves.tolist(), [part.tolist() for part in game.searches], game[3:])) for game in games]


def test_games_without_end() -> None:
    judge = Network(HashEvaluator(), "v1")
    games = play_searched(lambda: judge, with_changes(GUMBEL, longest=6, visits=3), 1, boards=2)
    assert sorted(game.number for game in islice(games, 6)) == list(range(6))


def test_a_newer_network_takes_over_while_games_go_on() -> None:
    asked: list[int] = []

    class Counting(HashEvaluator):
        def __init__(self, name: int) -> None:
            self.name = name

        def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
            asked.append(self.name)
            return super().evaluate(planes, global_values)

    calls = iter(range(1000))
    settings = with_changes(GUMBEL, longest=6, visits=3)
    games = play_searched(lambda: Network(Counting(call := next(calls)), f"v{call}"), settings, 1, games=4, boards=2)
    versions = set()
    for game in games:
        assert game.version == f"v{asked[-1]}"
        versions.add(game.version)
    assert len(versions) > 1
    assert asked == list(range(len(asked)))


def test_a_share_of_the_moves_is_searched_in_full() -> None:
    settings = with_changes(PUCT, full_share=0.25, quick_visits=3, visits=9, longest=30, sampled_moves=30)
    games = played(30, settings)
    moves = sum(len(game.record.moves) for game in games)
    full = sum(len(game.searches.plies) for game in games)
    assert 0.15 < full / moves < 0.35
    for game in games:
        assert game.searches.plies.tolist() == sorted(set(game.searches.plies.tolist()))
        assert len(game.searches.plies) == 0 or game.searches.plies[-1] < len(game.record.moves)
    assert sum(game.evaluations for game in games) < 9 * full + 3 * (moves - full)


def test_the_first_moves_are_drawn_from_the_policy() -> None:
    settings = with_changes(GUMBEL, opening_moves=4, visits=3, longest=8)
    games = played(60, settings)
    assert {game.opened for game in games} == {0, 1, 2, 3, 4}
    for game in games:
        assert game.searches.plies.tolist() == list(range(game.opened, len(game.record.moves)))
        assert game.evaluations <= game.opened + 3 * (len(game.record.moves) - game.opened)


@pytest.mark.parametrize("root", ["puct", "gumbel"])
def test_later_moves_are_the_best_and_the_first_are_drawn(root: str) -> None:
    settings = with_changes(PUCT, root=root, sampled_moves=6, longest=12, visits=20)
    drawn: list[bool] = []
    later: list[bool] = []
    for game in played(20, settings):
        found = searches_by_ply(game.searches)
        for ply, code in enumerate(game.record.moves.tolist()):
            shares, move = found[ply][1], record.decode(code)[1]
            best = max(shares.values())
            (drawn if ply < 6 else later).append(shares.get(move, 0.0) == best)
    assert 0.1 < np.mean(drawn) < 0.9
    # At a Gumbel root the best may be one that was not visited.
    assert np.mean(later) == 1 if root == "puct" else np.mean(later) > 0.9


def test_losers_resign_but_not_in_every_game() -> None:
    """White finds every position lost."""
    settings = with_changes(PUCT, resign_below=-0.4, play_out=0.25, komi=7.5, longest=6, visits=5)
    games = played(60, settings, evaluator=BlackLeads(0.5))
    resigned = [game for game in games if game.record.ending == "resign"]
    assert 30 < len(resigned) < 60
    assert all(game.gave_up == WHITE for game in games)
    for game in resigned:
        assert (game.record.winner, game.record.margin, len(game.record.moves)) == (BLACK, None, 1)
        assert game.searches.plies.tolist() == [0]  # not the search after which no move was played
        assert game.lowest == pytest.approx((0.5, -0.5), abs=0.01)
    assert all(len(game.record.moves) > 1 for game in games if game.record.ending != "resign")
    calm = played(5, with_changes(settings, resign_below=-1.0, noise_share=0.0), evaluator=BlackLeads(1.0))
    assert all(game.record.ending != "resign" and game.gave_up == 0 for game in calm)


def test_boards_that_the_network_does_not_play_on_are_refused() -> None:
    class Small(HashEvaluator):
        def supports(self, size: int) -> bool:
            return size == 5

    with pytest.raises(ValueError, match="v1 does not play on 4x4"):
        played(1, GUMBEL, evaluator=Small())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 1}, "size must be from 2"),
        ({"rules": "japanese"}, "count territory"),
        ({"visits": 1}, "visits must be at least 2"),
        ({"komi_spread": -1}, "komi_spread must not be below 0"),
        ({"sampled_moves": -1}, "sampled_moves must not be below 0"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"full_share": 1.5}, "full_share must be from 0 to 1"),
        ({"resign_below": 0.5}, "resign_below must be from -1 to 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        with_changes(PUCT, **changes)

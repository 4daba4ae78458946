"""Learning from searched positions: which are drawn, that shares are turned with the planes, and a whole run."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gozero import config as configs
from gozero.geometry import symmetry_table
from gozero.record import WHITE_BIT, GameRecord, split_of
from gozero.searches import GameSearches, Searches, put_searches
from gozero.store import Store, StoreWriter
from training import train_command
from training.batches import BatchSource
from training.run_folder import RunFolder
from training.supervised import PolicyConfig, to_tensors
from training.value import ValueConfig

SIZE = 5
AREA = SIZE * SIZE
Found = dict[tuple[int, int], tuple[float, dict[int, float]]]


def searched_game(generator: np.random.Generator, length: int) -> tuple[GameRecord, GameSearches]:
    """A game row by row, of which some positions were searched, the last one after its last move too."""
    start = int(generator.integers(AREA - length))
    moves = np.array([start + i | (WHITE_BIT if i % 2 else 0) for i in range(length)], np.uint16)
    plies = np.flatnonzero(generator.random(length + 1) < 0.5)
    counts = generator.integers(1, 6, len(plies))
    return (
        GameRecord(size=SIZE, moves=moves, komi=7.0, rules="chinese", winner=1, ending="resign", source="self-play"),
        GameSearches(
            plies=plies,
            values=generator.uniform(-1, 1, len(plies)).astype(np.float32),
            counts=counts,
            moves=np.concatenate(
                [np.zeros(0, np.uint16), *(generator.choice(AREA + 1, n, replace=False) for n in counts)]
            ).astype(np.uint16),
            shares=np.concatenate([np.zeros(0), *(generator.dirichlet(np.ones(n)) for n in counts)]).astype(np.float32),
        ),
    )


@pytest.fixture(scope="module")
def games() -> list[tuple[GameRecord, GameSearches]]:
    generator = np.random.default_rng(3)
    return [searched_game(generator, int(generator.integers(1, AREA))) for _ in range(200)]


@pytest.fixture(scope="module")
def store(games: list[tuple[GameRecord, GameSearches]], tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("stores") / "searched"
    with StoreWriter(path) as writer:
        for record, _ in games:
            writer.append(record)
        put_searches(writer, [searches for _, searches in games])
    return Store.open(path)


def source(store: Store, **changes) -> BatchSource:
    settings = {"feature_set": "compact", "size": SIZE, "split": "all", "batch_size": 64, "seed": 5, **changes}
    return BatchSource(store, searches=Searches.open(store), **settings)


def found(games: list[tuple[GameRecord, GameSearches]]) -> Found:
    """What was found by (game, ply), one search at a time, without those where no move followed."""
    every: Found = {}
    for number, (record, searches) in enumerate(games):
        first = 0
        for ply, value, count in zip(searches.plies, searches.values, searches.counts, strict=True):
            part = slice(first, first + count)
            if ply < len(record.moves):
                shares = dict(zip(searches.moves[part].tolist(), searches.shares[part].tolist(), strict=True))
                every[number, int(ply)] = (float(value), shares)
            first += count
    return every


@pytest.mark.parametrize("symmetry", range(8))
def test_searched_positions_and_no_others_are_drawn(store: Store, games, symmetry: int) -> None:
    wanted = found(games)
    mine = source(store)
    places = list(zip(*(array.tolist() for array in mine.locate(mine.chosen)), strict=True))
    assert places == sorted(wanted)
    assert (mine.positions, mine.games) == (len(wanted), len({game for game, _ in wanted}))
    batch = mine.at(mine.chosen, symmetry)
    table = symmetry_table(SIZE)[symmetry]
    for row, place in enumerate(places):
        value, shares = wanted[place]
        assert batch.search_value[row] == np.float32(value)
        expected = np.zeros(AREA + 1, np.float32)
        for move, share in shares.items():
            expected[table[move]] = share
        np.testing.assert_array_equal(batch.shares[row], expected)


def test_shares_are_turned_like_the_move_played(store: Store, games) -> None:
    """Drawn rows, each in its own symmetry: the same searches as without, seen as the moves of the games are."""
    straight, turned = (source(store, symmetry=symmetry, batch_size=512).batch(2) for symmetry in (False, True))
    np.testing.assert_array_equal(straight.search_value, turned.search_value)
    np.testing.assert_allclose(straight.shares.sum(1), 1, atol=1e-5)
    changed = 0
    for row in range(512):
        fits = [
            table
            for table in symmetry_table(SIZE)
            if table[straight.policy[row]] == turned.policy[row]
            and np.array_equal(straight.shares[row], turned.shares[row][table])
        ]
        assert fits
        changed += not np.array_equal(straight.shares[row], turned.shares[row])
    assert changed > 256


def test_a_split_has_the_searched_positions_of_its_games(store: Store, games) -> None:
    split = split_of(store.games["key"])
    assert set(split.tolist()) > {0}
    mine = source(store, split="train")
    wanted = sorted((game, ply) for game, ply in found(games) if split[game] == 0)
    assert list(zip(*(array.tolist() for array in mine.locate(mine.chosen)), strict=True)) == wanted
    np.testing.assert_allclose(mine.at(mine.chosen).shares.sum(1), 1, atol=1e-5)


def test_a_position_that_was_not_searched_has_no_shares(store: Store, games) -> None:
    mine = source(store)
    others = np.setdiff1d(np.arange(mine.chosen.max()), mine.chosen)
    batch = mine.at(others)
    assert len(others) > 100
    assert not batch.shares.any()
    assert not batch.search_value.any()


def test_a_source_without_searches_has_empty_columns(store: Store) -> None:
    batch = BatchSource(store, feature_set="compact", size=SIZE, split="all", batch_size=8, seed=1).batch(0)
    assert batch.shares.shape == (8, 0)
    assert batch.search_value.shape == (0,)
    targets = to_tensors(batch, passes=True).targets
    assert targets.shares is None
    assert targets.search_value is None
    assert targets.policy.tolist() == batch.policy.tolist()


def test_the_move_to_predict_is_the_search_s(store: Store) -> None:
    batch = source(store).batch(0)
    targets = to_tensors(batch, passes=True).targets
    assert targets.shares is not None
    assert torch.equal(targets.policy, targets.shares.argmax(1))
    assert not np.array_equal(batch.policy, targets.policy.numpy())


def test_a_store_whose_games_were_not_searched_is_refused(tmp_path: Path) -> None:
    none = np.zeros(0, np.int64)
    nothing = GameSearches(none, none.astype(np.float32), none, none.astype(np.uint16), none.astype(np.float32))
    with StoreWriter(tmp_path / "s") as writer:
        writer.append(GameRecord(size=SIZE, moves=np.array([1], np.uint16)))
        put_searches(writer, [nothing])
    with pytest.raises(ValueError, match="searched position"):
        source(Store.open(tmp_path / "s"))


def test_a_network_learns_what_searches_would_play(tmp_path: Path) -> None:
    """The games go row by row; the searches want the middle, and now and then the pass."""
    generator = np.random.default_rng(1)
    with StoreWriter(tmp_path / "s") as writer:
        every = []
        for _ in range(300):
            length = int(generator.integers(5, 12))
            start = int(generator.integers(AREA - length))
            moves = np.array([start + i | (WHITE_BIT if i % 2 else 0) for i in range(length)], np.uint16)
            writer.append(GameRecord(size=SIZE, moves=moves, komi=7.0, rules="chinese", winner=1, ending="resign"))
            plies = np.arange(length)
            wanted = np.stack([12 * np.ones(length), AREA * np.ones(length)], 1).astype(np.uint16)
            shares = np.tile(np.array([0.75, 0.25], np.float32), length)
            every.append(GameSearches(plies, np.zeros(length, np.float32), np.full(length, 2), wanted.ravel(), shares))
        put_searches(writer, every)
    few = ["loop.steps=60", "loop.batch_size=32", "loop.evaluate_every=60", "data.validation_positions=256"]
    searched = ["data.size=5", "data.searches=true", "loss.search_value=0.5", "schedule.warmup=5"]
    settings = [part for setting in (*few, *searched) for part in ("--set", setting)]
    run = ["--run", str(tmp_path / "run"), "--threads", "1"]
    store = ["--store", str(tmp_path / "s")]
    assert train_command.main(["policy", "--config", "cpu-smoke", *store, *run, *settings]) == 0
    (results,) = [line for line in RunFolder(tmp_path / "run").read_metrics() if line["kind"] == "validation"]
    assert results["top1"] == 1.0
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert entropy < results["nll"] < entropy + 0.15


def test_settings_that_do_not_go_together_are_refused() -> None:
    shape = {"blocks": 1, "channels": 8}
    base = {"name": "x", "loop": {"steps": 1}}
    with pytest.raises(configs.ConfigError, match="residual network"):
        configs.convert(
            {**base, "alphago": {"filters": 8, "layers": 4, "board": 9}, "data": {"size": 9, "searches": True}},
            PolicyConfig,
            "here",
        )
    with pytest.raises(configs.ConfigError, match=r"wants data\.searches"):
        configs.convert({**base, "network": shape, "loss": {"search_value": 0.5}}, PolicyConfig, "here")
    with pytest.raises(configs.ConfigError, match="teaches a policy"):
        configs.convert({**base, "network": shape, "data": {"searches": True}}, ValueConfig, "here")

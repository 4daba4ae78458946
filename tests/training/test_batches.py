"""Minibatches: what a row holds, and that it is a function of (seed, step, row) alone."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from gozero import features
from gozero.coords import BLACK, PASS, WHITE, move_index, opponent, point_of
from gozero.geometry import symmetry_table
from gozero.position import Position
from gozero.record import WHITE_BIT, GameRecord
from gozero.store import Store, StoreWriter
from training.batches import Batch, BatchSource

SIZE = 7
AREA = SIZE * SIZE


def random_record(seed: int) -> GameRecord:
    """A game of random moves with passes, now and then two moves of one colour in a row, and set-up stones."""
    generator = np.random.default_rng(seed)
    position = Position(SIZE, rules="chinese")
    setup = []
    for index in generator.choice(AREA, seed % 3, replace=False).tolist():
        position.add_stone(point_of(index, SIZE), BLACK)
        setup.append(index)
    moves = []
    colour = WHITE if setup else BLACK
    for _ in range(int(generator.integers(1, 60))):
        legal = np.flatnonzero(position.legal_mask(colour))
        point = point_of(int(generator.choice(legal)), SIZE) if generator.random() > 0.1 else PASS
        position.play(point, colour)
        moves.append(move_index(point, SIZE) | (WHITE_BIT if colour == WHITE else 0))
        if generator.random() > 0.1:
            colour = opponent(colour)
    winner = [BLACK, WHITE, 0, None][seed % 4]
    ending = ["resign", "counted", "time", "unknown"][seed // 4 % 4]
    return GameRecord(
        size=SIZE,
        setup=np.array(setup, np.uint16),
        moves=np.array(moves, np.uint16),
        komi=[7.5, 0.5, None][seed % 3],
        rules=["chinese", "japanese", "tromp-taylor", None][seed % 4],
        winner=winner,
        ending=ending,
        source="random",
    )


@pytest.fixture(scope="module")
def games() -> list[GameRecord]:
    return [random_record(seed) for seed in range(40)]


@pytest.fixture(scope="module")
def store(games: list[GameRecord], tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("stores") / "random"
    with StoreWriter(path) as writer:
        for game in games:
            writer.append(game)
    return Store.open(path)


def source(store: Store, **changes) -> BatchSource:
    settings = {"feature_set": "compact", "size": SIZE, "split": "all", "batch_size": 64, "seed": 5, **changes}
    return BatchSource(store, **settings)


def equal(a: Batch, b: Batch) -> bool:
    return all(np.array_equal(getattr(a, field.name), getattr(b, field.name)) for field in fields(Batch))


def every_position(games: list[GameRecord]) -> list[tuple[GameRecord, int]]:
    return [(game, ply) for game in games for ply in range(len(game.moves))]


def colour_of(code: int) -> int:
    return WHITE if code & WHITE_BIT else BLACK


@pytest.mark.parametrize("symmetry", range(8))
def test_rows_hold_what_the_game_says(store: Store, games: list[GameRecord], symmetry: int) -> None:
    """Move, reply, facts and planes of every position, made anew through `Position` from what the record says."""
    rows = every_position(games)
    table = symmetry_table(SIZE)[symmetry]
    batch = source(store).at(np.arange(len(rows)), symmetry)
    for row, (game, ply) in enumerate(rows):
        played = [int(code) for code in game.moves]
        colour = colour_of(played[ply])
        assert batch.policy[row] == table[played[ply] & ~WHITE_BIT]
        following = played[ply + 1] if ply + 1 < len(played) else None
        if following is None or colour_of(following) == colour:
            assert batch.reply[row] == -1
        else:
            assert batch.reply[row] == table[following & ~WHITE_BIT]
        position = Position(SIZE, rules=game.rules or "chinese", komi=6.5 if game.komi is None else game.komi)
        for code in game.setup:
            position.add_stone(point_of(int(table[code]), SIZE), BLACK)
        for code in played[:ply]:
            position.play(point_of(int(table[code & ~WHITE_BIT]), SIZE), colour_of(code))
        position.to_play = colour
        assert np.array_equal(batch.planes[row], features.planes(position, "compact"))
        known = game.winner is not None and game.komi is not None and game.ending in ("resign", "counted")
        assert batch.value_weight[row] == known
        wanted = 0 if game.winner in (None, 0) else 1 if game.winner == colour else -1
        assert batch.value[row] == wanted
        if len(game.setup) == 0:
            assert batch.globals[row].tolist() == features.globals_of(position).tolist()


def test_steps_follow_each_other_in_one_stream(store: Store) -> None:
    """A row depends on the seed and its number since the start, not on how rows are cut into batches or threads."""
    whole = source(store, batch_size=96, history_dropout=0.5).batch(0)
    parts = [source(store, batch_size=32, history_dropout=0.5, threads=3).batch(step) for step in range(3)]
    for field in fields(Batch):
        assert np.array_equal(getattr(whole, field.name), np.concatenate([getattr(p, field.name) for p in parts]))
    assert not equal(whole, source(store, batch_size=96, history_dropout=0.5, seed=6).batch(0))
    assert not equal(whole, source(store, batch_size=96, history_dropout=0.5).batch(1))


def test_fewer_rows_than_threads(store: Store) -> None:
    assert equal(source(store, batch_size=2, threads=3).batch(0), source(store, batch_size=2).batch(0))


@pytest.mark.parametrize("feature_set", sorted(features.FEATURE_SETS.keys() - {"stones"}))
def test_dropout_hides_the_history_and_nothing_else(store: Store, feature_set: str) -> None:
    shown = source(store, feature_set=feature_set, batch_size=512).batch(3)
    dropped = source(store, feature_set=feature_set, batch_size=512, history_dropout=0.3).batch(3)
    hidden = source(store, feature_set=feature_set, batch_size=512, history_dropout=1.0).batch(3)
    names = features.FEATURE_SETS[feature_set].planes
    history = np.array(["plies ago" in name or name.startswith("turns since") for name in names])
    assert history.sum() == 8
    for field in fields(Batch):
        if field.name not in ("planes", "globals"):
            assert np.array_equal(getattr(shown, field.name), getattr(dropped, field.name))
    assert np.array_equal(shown.planes[:, ~history], hidden.planes[:, ~history])
    stones = shown.planes[:, 0] | shown.planes[:, 1]
    ages = hidden.planes[:, history]
    assert not ages[:, :7].any()
    assert np.array_equal(ages[:, 7], np.zeros_like(stones) if feature_set == "compact" else stones)
    passes = [features.GLOBALS.index(name) for name in ("last move a pass", "last two moves passes")]
    assert shown.globals[:, passes].any()
    assert not hidden.globals[:, passes].any()
    assert np.array_equal(np.delete(shown.globals, passes, 1), np.delete(hidden.globals, passes, 1))
    as_shown = (dropped.planes == shown.planes).all(axis=(1, 2, 3)) & (dropped.globals == shown.globals).all(axis=1)
    as_hidden = (dropped.planes == hidden.planes).all(axis=(1, 2, 3)) & (dropped.globals == hidden.globals).all(axis=1)
    assert (as_shown | as_hidden).all()
    tells = ~(as_shown & as_hidden)
    share = (as_hidden & tells).sum() / tells.sum()
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / tells.sum()) ** 0.5


def test_dropout_is_drawn_apart_from_position_and_symmetry(store: Store) -> None:
    """Hidden rows show each symmetry as often as any."""
    turned = source(store, batch_size=4096, history_dropout=0.5).batch(0)
    straight = source(store, batch_size=4096, history_dropout=0.5, symmetry=False).batch(0)
    mirrored = (turned.planes != straight.planes).any(axis=(1, 2, 3))
    hidden = ~turned.planes[:, 10:18].any(axis=(1, 2, 3))
    assert abs(mirrored[hidden].mean() - mirrored[~hidden].mean()) < 0.06


def test_at_never_drops_unless_asked(store: Store) -> None:
    rows = np.arange(200)
    plain = source(store).at(rows, 3)
    assert equal(plain, source(store, history_dropout=1.0).at(rows, 3))
    asked = source(store).at(rows, 3, history=False)
    assert not asked.planes[:, 10:18].any()
    assert plain.planes[:, 10:18].any()


@pytest.mark.parametrize("dropout", [-0.1, 1.5, float("nan")])
def test_dropout_is_a_probability(store: Store, dropout: float) -> None:
    with pytest.raises(ValueError, match="history_dropout is a probability from 0 to 1, not"):
        source(store, history_dropout=dropout)


def test_rows_without_a_game_to_draw_from_are_refused(store: Store, row_store: Path) -> None:
    with pytest.raises(ValueError, match="has no 19x19 game at all"):
        source(store, size=19)
    with pytest.raises(ValueError, match="unknown split 'trian'"):
        source(store, split="trian")
    with pytest.raises(ValueError, match="has no 9x9 game from kgs"):
        BatchSource(
            Store.open(row_store), feature_set="compact", size=9, split="all", batch_size=1, seed=1, sources=["kgs"]
        )

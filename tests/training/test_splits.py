"""No game stands in two splits, however its copies differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gozero import _board, _legality, coords, geometry, record, sgf
from gozero.record import WHITE_BIT, GameRecord
from gozero.store import Store, encode
from training import pack
from training.repack import repack


def random_game(seed: int, size: int, length: int, handicap: int = 0) -> GameRecord:
    """A legal game of random moves with a pass in the middle, perhaps after handicap stones."""
    generator = np.random.default_rng(seed)
    state = np.empty(_board.state_length(size), np.uint32)
    _board.init(state, size, False)
    setup = generator.choice(size * size, handicap, replace=False)
    for index in setup:
        _board.set_stone(state, coords.point_of(int(index), size), coords.BLACK)
    colour = coords.WHITE if handicap else coords.BLACK
    moves = []
    for ply in range(length):
        legal = [i for i in range(size * size) if _legality.is_legal(state, coords.point_of(i, size), colour)]
        index = size * size if ply == 9 else int(generator.choice(legal))
        _board.play(state, coords.point_of(index, size), colour)
        moves.append(index | (WHITE_BIT if colour == coords.WHITE else 0))
        colour = coords.opponent(colour)
    return GameRecord(
        size=size,
        moves=np.array(moves, np.uint16),
        setup=setup.astype(np.uint16),
        first_player=coords.WHITE if handicap else coords.BLACK,
        handicap=handicap,
        komi=0.5 if handicap else 7.0,
        winner=coords.BLACK,
        ending="resign",
    )


def turned(game: GameRecord, symmetry: int) -> GameRecord:
    """The game with its stones set up in another order too."""
    table = geometry.symmetry_table(game.size)[symmetry]

    def turn(codes):
        return table[codes & ~np.uint16(WHITE_BIT)].astype(np.uint16) | (codes & np.uint16(WHITE_BIT))

    return replace(game, moves=turn(game.moves), setup=turn(game.setup)[::-1])


def shortened(game: GameRecord, moves: int) -> GameRecord:
    return replace(game, moves=game.moves[:moves])


def with_passes(game: GameRecord, number: int) -> GameRecord:
    """The game as a server writes it that records the passes at the end."""
    last = int(game.moves[-1]) & WHITE_BIT
    passes = [(game.size**2) | ((last ^ WHITE_BIT) if i % 2 == 0 else last) for i in range(number)]
    return replace(game, moves=np.concatenate([game.moves, np.array(passes, np.uint16)]))


def with_other_facts(game: GameRecord) -> GameRecord:
    return replace(
        game,
        komi=3.75,
        rules="japanese",
        winner=coords.WHITE,
        margin=12.5,
        ending="counted",
        black_rank="9p",
        year=1846,
    )


GAMES = {
    "19x19": random_game(1, 19, 70),
    "handicap": random_game(2, 19, 64, handicap=5),
    "9x9": random_game(3, 9, 40),
    "short": random_game(4, 9, 12),
    "13x13": random_game(5, 13, 50),
}


def packed(folder: Path, *archives: tuple[str, list[GameRecord], str]) -> Store:
    """The store of some archives: (name, games, name of the black player)."""
    for name, games, player in archives:
        (folder / name).mkdir(parents=True)
        for i, game in enumerate(games):
            (folder / name / f"{i}.sgf").write_text(sgf.write(game, black_name=player))
    report = pack.pack([folder / name for name, _, _ in archives], folder / "store", workers=1)
    return Store.open(report.store)


@pytest.mark.parametrize("kind", list(GAMES))
def test_a_copy_is_in_the_same_split_of_another_store(kind: str, tmp_path: Path):
    """Two people, or one on two days, who pack different archives agree on what is a test game."""
    game = GAMES[kind]
    copies = [with_other_facts(turned(game, symmetry)) for symmetry in range(8)]
    stores = [packed(tmp_path / "first", ("one", [game], "A"))]
    stores += [packed(tmp_path / str(i), (f"two-{i}", [copy], f"B{i}")) for i, copy in enumerate(copies)]
    assert len({int(store.games["key"][0]) for store in stores}) == 1
    assert len({int(record.split_of(store.games["key"])[0]) for store in stores}) == 1


@pytest.mark.parametrize("kind", list(GAMES))
def test_a_store_keeps_one_copy_of_a_game(kind: str, tmp_path: Path):
    """Also where copies have different endings, and keys, and so might have fallen into different splits."""
    game = GAMES[kind]
    longest = pack.OPENING_MOVES_A_LINE * (game.size + 1)
    copies = [with_other_facts(game), with_passes(game, 1), with_passes(turned(game, 3), 2)]
    if game.moves.size > longest:
        copies += [shortened(game, longest), with_passes(turned(shortened(game, longest + 2), 6), 3)]
    copies += [turned(copy, 5) for copy in copies]
    store = packed(tmp_path, ("one", [game], "A"), ("two", copies, "B"))
    assert len(store) == 1
    assert store.meta.skipped == {"duplicate": len(copies)}


@pytest.mark.parametrize("kind", list(GAMES))
def test_stores_put_together_keep_one_copy_of_a_game(kind: str, tmp_path: Path):
    """As `gozero pack` makes one of them: of two stores, and of a store and records."""
    game = GAMES[kind]
    copies = [with_passes(turned(game, 5), 1), with_passes(game, 2)]
    if game.moves.size > pack.OPENING_MOVES_A_LINE * (game.size + 1):
        copies[0] = shortened(turned(game, 5), game.moves.size - 2)
    first = packed(tmp_path / "first", ("one", [GAMES["9x9"], game], "A"))
    others = [packed(tmp_path / f"other-{i}", ("two", [copy], "B")) for i, copy in enumerate(copies)]
    both = repack([first.path, *(other.path for other in others)], tmp_path / "both")
    loose = repack([first.path, tmp_path / "other-0" / "two"], tmp_path / "loose", workers=1)
    for report, count in ((both, 2), (loose, 1)):
        assert np.array_equal(Store.open(report.store).games["key"], first.games["key"])
        assert report.skipped == {"duplicate": count}


def test_openings_of_many_games_are_those_of_each(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pack, "_CHUNK_KEYS", 3)
    passes = with_passes(shortened(GAMES["short"], 1), 5)
    games = [
        *GAMES.values(),
        *(turned(game, 2) for game in GAMES.values()),
        passes,
        replace(passes, moves=passes.moves[1:]),
    ]
    keys = pack.opening_keys(*encode(games)).tolist()
    assert keys == [int(pack.opening_keys(*encode([game]))[0]) for game in games]
    assert keys[:5] == keys[5:10]
    assert len(set(keys)) == 7


def test_other_games_are_no_copies(tmp_path: Path):
    """A different move in the opening, other handicap stones, another first player or board size: another game."""
    game, small = GAMES["19x19"], GAMES["9x9"]
    later = game.moves.copy()
    later[58] = next(i for i in range(361) if i not in set((game.moves & ~np.uint16(WHITE_BIT)).tolist()))
    swapped = replace(small, moves=small.moves ^ np.uint16(WHITE_BIT), first_player=coords.WHITE)
    others = [
        replace(game, moves=later),
        GAMES["handicap"],
        replace(GAMES["handicap"], setup=GAMES["handicap"].setup[1:], handicap=4),
        small,
        swapped,
        shortened(small, 20),
    ]
    store = packed(tmp_path, ("one", [game, *others], "A"))
    assert len(store) == 1 + len(others)
    assert len(set(store.games["key"].tolist())) == len(store)


def test_no_position_of_a_held_out_game_is_trained_on(tmp_path: Path):
    """The sources of the three splits share no game, and together have them all."""
    from training.batches import BatchSource

    games = [random_game(seed, 5, 12) for seed in range(700)]
    store = packed(tmp_path, ("one", games[:400], "A"), ("two", games[300:], "B"))
    rows = []
    for split in record.SPLITS:
        source = BatchSource(store, feature_set="compact", size=5, split=split, batch_size=8, seed=1)
        rows.append(set(source.locate(np.arange(source.positions))[0].tolist()))
    train, validation, test = rows
    assert train | validation | test == set(range(len(store)))
    assert len(train) + len(validation) + len(test) == len(store)
    keys = pack.opening_keys(store.games, store.moves)
    openings = [set(keys[list(split)].tolist()) for split in rows]
    assert not openings[0] & openings[1]
    assert not (openings[0] | openings[1]) & openings[2]

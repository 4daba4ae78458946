"""What stands beside a store goes with its games into another, or somebody is told that it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gozero.record import WHITE_BIT, GameRecord
from gozero.searches import GameSearches, Searches, put_searches
from gozero.store import Store, StoreError, StoreWriter, encode
from selfplay.shards import PLAYED, PLAYED_DTYPE, open_store
from training.beside import POSITIONS
from training.pack_command import main
from training.samples import one_a_game


def game(number: int) -> GameRecord:
    moves = [(number * 7 + i * (1 + number % 5)) % 81 | (WHITE_BIT if i % 2 else 0) for i in range(20)]
    return GameRecord(size=9, moves=np.array(moves, np.uint16), winner=1, ending="resign", source=f"s{number % 3}")


def searches_of(number: int) -> GameSearches:
    """As many as the number's last digit, of which each has one share more than the one before."""
    generator, count = np.random.default_rng(number), number % 10
    counts = np.arange(1, count + 1)
    return GameSearches(
        plies=np.arange(count),
        values=generator.uniform(-1, 1, count).astype(np.float32),
        counts=counts,
        moves=generator.integers(0, 82, counts.sum()).astype(np.uint16),
        shares=generator.random(counts.sum()).astype(np.float32),
    )


def played_of(numbers: Sequence[int]) -> NDArray[np.void]:
    rows = np.zeros(len(numbers), PLAYED_DTYPE)
    rows["id"], rows["finished"] = numbers, np.array(numbers) + 0.5
    return rows


def make_store(path: Path, numbers: Sequence[int], *, value: bool = False, searched: bool = False) -> Path:
    """A store of the games of those numbers, as for a value network, as of self-play with search, or of records."""
    with StoreWriter(path) as writer:
        for number in numbers:
            writer.append_rows(*encode([game(number)]), game(number).source)
        if value:
            writer.put_beside(POSITIONS, np.array([number % 19 for number in numbers], np.int32))
        if searched:
            put_searches(writer, [searches_of(number) for number in numbers])
            writer.put_beside(PLAYED, played_of(numbers))
    return path


def run(*arguments: str | Path | int) -> int:
    return main([str(argument) for argument in arguments])


def numbers_in(store: Store, most: int = 100) -> list[int]:
    by_key = {game(number).key: number for number in range(most)}
    return [by_key[key] for key in store.games["key"].tolist()]


def test_the_positions_of_a_value_network_go_with_their_games(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    one = make_store(tmp_path / "one", range(0, 40), value=True)
    other = make_store(tmp_path / "other", range(30, 60), value=True)
    commands: list[list[str | Path | int]] = [[one], [one, other], [other, one, "--positions", 500, "--source", "s1"]]
    for number, options in enumerate(commands):
        out = tmp_path / f"out{number}"
        assert run(*options, "--out", out) == 0
        assert "warning" not in capsys.readouterr().err
        store = Store.open(out)
        assert np.load(out / POSITIONS).dtype == np.int32
        assert one_a_game(store, seed=1).tolist() == [number % 19 for number in numbers_in(store)]
    assert numbers_in(Store.open(tmp_path / "out1")) == list(range(60))


def test_searches_and_who_played_go_with_their_games(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    one = make_store(tmp_path / "one", range(0, 40), searched=True)
    other = make_store(tmp_path / "other", range(30, 60), searched=True)
    assert run(other, one, "--out", tmp_path / "out", "--source", "s0", "--source", "s2") == 0
    assert "warning" not in capsys.readouterr().err
    shard = open_store(tmp_path / "out")
    numbers = numbers_in(shard.store)
    assert sorted(numbers) == [number for number in range(60) if number % 3 != 1]
    assert np.array_equal(shard.played, played_of(numbers))
    for row, number in enumerate(numbers):
        found, expected = shard.searches.of_game(row)._asdict(), searches_of(number)._asdict()
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_what_not_all_games_have_is_named_as_left_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    value = make_store(tmp_path / "value", range(10), value=True)
    searched = make_store(tmp_path / "searched", range(10, 20), searched=True)
    plain = make_store(tmp_path / "plain", range(20, 30))
    assert run(value, searched, plain, "--out", tmp_path / "out") == 0
    first, second, third = capsys.readouterr().err.strip().splitlines()
    assert first == (
        f"gozero: warning: positions.npy of {value} stayed behind, as there are none beside {searched}, {plain}: "
        "gozero train value will draw other positions of these games. To keep them, pack those stores apart"
    )
    assert second.startswith(f"gozero: warning: searches.npy and shares.npy of {searched} stayed behind")
    assert third.startswith(f"gozero: warning: played.npy of {searched} stayed behind")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"games.npy", "moves.u16", "meta.json", "skipped.tsv"}
    assert run(value, plain, "--out", tmp_path / "some", "--source", "s1", "--positions", 20) == 0
    assert "warning" not in capsys.readouterr().err, "one game is left, of one store"


def test_a_compressed_store_has_nothing_beside_its_games_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = make_store(tmp_path / "s", range(10), value=True, searched=True)
    assert run(path, "--out", tmp_path / "file", "--compress", "--json") == 0
    captured = capsys.readouterr()
    sentences = json.loads(captured.out)["left_behind"]
    assert [f"gozero: warning: {sentence}" for sentence in sentences] == captured.err.strip().splitlines()
    assert [sentence.split(" of ")[0] for sentence in sentences] == [
        "positions.npy",
        "searches.npy and shares.npy",
        "played.npy",
    ]
    assert all("leave out --compress" in sentence for sentence in sentences)
    with pytest.raises(StoreError, match="a compressed store holds games alone"):
        Searches.open(Store.open(tmp_path / "file"))


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "is damaged"), (np.zeros(3, np.int32), "does not fit the games beside it")]
)
def test_damage_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], content, words: str):
    path = make_store(tmp_path / "s", range(10), value=True)
    (path / POSITIONS).write_bytes(content) if isinstance(content, bytes) else np.save(path / POSITIONS, content)
    assert run(path, "--out", tmp_path / "out") == 2
    assert f"{path / POSITIONS} {words}" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir()] == ["s"]

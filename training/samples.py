"""Games made for the value network, as a store with the position of each that is to be learned from."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluator import Evaluator
from gozero._random import mix
from gozero.config import Config
from gozero.durable import write_durably
from gozero.store import Store, StoreWriter
from selfplay.game import GameSettings
from selfplay.u_sampling import u_samples
from training.beside import POSITIONS


class SamplingConfig(Config, frozen=True):
    """Games that a run plays before it learns, where it is given no store; see `selfplay.u_sampling`."""

    supervised: str = ""
    """The policy of the moves before the random one (shipped name or file). Given with `--supervised`."""
    reinforced: str = ""
    """The policy of the moves after it, whose wins are predicted. Given with `--reinforced`."""
    games: int = 100_000
    """Games to play; those that end before their random move are of no use."""
    latest: int = 0
    """The latest random move; 0 = one and a quarter for each point of the board, 450 on 19x19 as in the paper."""
    part: int = 5_000
    """Games that are kept together, and share a seed."""
    boards: int = 256
    """Games at a time. Twice as many are lost at most where a run is stopped or killed."""
    seed: int = 1
    """Of all games."""
    play: GameSettings = GameSettings()

    def __post_init__(self) -> None:
        for name in ("games", "part", "boards"):
            if getattr(self, name) < 1:
                raise ValueError(f"sampling.{name} must be at least 1, it is {getattr(self, name)}")
        if self.latest < 0:
            raise ValueError(f"sampling.latest must not be negative, it is {self.latest}")

    @property
    def latest_move(self) -> int:
        """The latest random move."""
        return self.latest or round(450 / 361 * self.play.size**2)

    @property
    def piece(self) -> int:
        """Games of a part that are kept as soon as they are played: few, and still enough to keep all boards busy."""
        return 2 * self.boards


def make_samples(
    config: SamplingConfig,
    supervised: Evaluator,
    reinforced: Evaluator,
    folder: Path,
    on_progress: Callable[[int, int], Any] | None = None,
) -> Path:
    """The store of the games that `config` asks for, in `folder`; what is there already is not played again.

    `on_progress` hears (games played, games): before the first game, whenever some have ended, and in the end.
    """
    path = folder / "games.store"
    if (path / POSITIONS).is_file():
        return path
    parts = []

    def told(done: int) -> None:
        if on_progress:
            on_progress(done, config.games)

    for number, first in enumerate(range(0, config.games, config.part)):
        told(first)
        part = folder / "parts" / f"{number:05d}.store"
        if not (part / POSITIONS).is_file():
            _play_part(config, (supervised, reinforced), number, part, told)
        parts.append(part)
    told(config.games)
    _join(parts, path)
    return path


def _play_part(
    config: SamplingConfig,
    policies: tuple[Evaluator, Evaluator],
    number: int,
    part: Path,
    told: Callable[[int], None],
) -> None:
    """Plays what is missing of a part, piece by piece, and joins the pieces."""
    before = number * config.part
    games = min(config.part, config.games - before)
    folder = part.with_suffix(".pieces")
    pieces = []
    for first in range(0, games, config.piece):
        told(before + first)
        piece = folder / f"{first:05d}.store"
        if not (piece / POSITIONS).is_file():
            samples = u_samples(
                *policies,
                config.play,
                config.latest_move,
                min(config.piece, games - first),
                (config.seed << 32) + number,
                boards=config.boards,
                first=first,
            )
            positions = []
            with StoreWriter(piece, overwrite=True) as writer:
                for sample in samples:
                    writer.append(sample.record)
                    positions.append(sample.ply)
                    told(before + first + len(positions))  # no more than that; games of no use are not seen here
            _write_positions(piece, np.array(positions, np.int32))
        pieces.append(piece)
    _join(pieces, part)
    shutil.rmtree(folder)


def _join(stores: Sequence[Path], path: Path) -> None:
    """One store of the games of several, and the position of each."""
    with StoreWriter(path, overwrite=True) as writer:
        for each in stores:
            store = Store.open(each)
            writer.append_rows(np.asarray(store.games), np.asarray(store.moves), "self-play")
    _write_positions(path, np.concatenate([np.load(each / POSITIONS) for each in stores]))


def one_a_game(store: Store, seed: int) -> NDArray[np.int64]:
    """The position of each game of a store to learn from: int64[games], moves made before, -1 where there is none.

    Those that the store names where it was made for a value network, else one drawn for each game, the same for the
    same game and `seed`. Of games that are in the store more than once, only the first has one.
    """
    keys = store.games["key"].astype(np.uint64)
    lengths = store.games["length"].astype(np.int64)
    named = Path(store.path) / POSITIONS
    if named.is_file():
        plies: NDArray[np.int64] = np.load(named).astype(np.int64)
    else:
        draws = [int(mix(np.uint64(int(key) ^ int(mix(np.uint64(seed)))))) for key in keys]
        plies = np.array(
            [draw % length if length else -1 for draw, length in zip(draws, lengths.tolist(), strict=True)], np.int64
        )
    _, first = np.unique(keys, return_index=True)
    repeated = np.ones(len(keys), np.bool_)
    repeated[first] = False
    plies[repeated] = -1
    return plies


def _write_positions(store: Path, positions: NDArray[np.int32]) -> None:
    content = io.BytesIO()
    np.save(content, positions)
    write_durably(store / POSITIONS, content.getvalue())

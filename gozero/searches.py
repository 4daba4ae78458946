"""What searches found in self-play games, kept beside the games of a store.

Not every move of a game need have been searched in full. Two files stand in the store's folder beside its own:

- `searches.npy`: one row of `SEARCH_DTYPE` a search, in the order of the games, and of the moves in each;
- `shares.npy`: `SHARE_DTYPE`, for each search the moves that it would play and how often, one search after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gozero.store import Store, StoreError, StoreWriter

SEARCH_DTYPE: Final = np.dtype(
    [
        ("first", "<u8"),  # place of its first share in shares.npy
        ("game", "<u4"),  # row of the store's games
        ("ply", "<u2"),  # moves played before
        ("count", "<u2"),  # how many shares it has
        ("value", "<f4"),  # in [-1, 1], for the player to move: what the search thought of the position
    ]
)
SHARE_DTYPE: Final = np.dtype(
    [
        ("move", "<u2"),  # move index; size * size is the pass
        ("share", "<f4"),  # of the search's policy; those of one search add up to 1
    ]
)
SEARCHES: Final = "searches.npy"
SHARES: Final = "shares.npy"


class GameSearches(NamedTuple):
    """The searches of one game: K of its moves, with M shares in all."""

    plies: NDArray[np.int64]  # [K] moves played before, ascending
    values: NDArray[np.float32]  # [K] in [-1, 1], for the player to move
    counts: NDArray[np.int64]  # [K] shares of each
    moves: NDArray[np.uint16]  # [M] move indices
    shares: NDArray[np.float32]  # [M] those of one search add up to 1


def encode(games: Sequence[GameSearches]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rows (`SEARCH_DTYPE`) and the shares (`SHARE_DTYPE`) of some games, as they are kept beside a store.

    Raises:
        ValueError: the parts of one game do not fit each other.
    """
    rows, shares = [np.zeros(0, SEARCH_DTYPE)], [np.zeros(0, SHARE_DTYPE)]
    first = 0
    for number, game in enumerate(games):
        if not len(game.plies) == len(game.values) == len(game.counts) or not (
            int(game.counts.sum()) == len(game.moves) == len(game.shares)
        ):
            raise ValueError(f"the searches of game {number} do not fit each other")
        part = np.zeros(len(game.plies), SEARCH_DTYPE)
        part["first"] = first + np.cumsum(game.counts) - game.counts
        part["game"], part["ply"], part["count"], part["value"] = number, game.plies, game.counts, game.values
        rows.append(part)
        mine = np.zeros(len(game.moves), SHARE_DTYPE)
        mine["move"], mine["share"] = game.moves, game.shares
        shares.append(mine)
        first += len(mine)
    return np.concatenate(rows), np.concatenate(shares)


def put_searches(writer: StoreWriter, games: Sequence[GameSearches]) -> None:
    """Keeps the searches of the store's games beside them: one entry a game, in the order they were appended.

    Raises:
        ValueError: there are not as many as the store has games, or the parts of one do not fit each other.
    """
    if len(games) != writer.games:
        raise ValueError(f"searches of {len(games)} games for a store of {writer.games}")
    rows, shares = encode(games)
    writer.put_beside(SEARCHES, rows)
    writer.put_beside(SHARES, shares)


def put_chosen(writer: StoreWriter, chosen: Sequence[tuple[Searches, NDArray[np.int64]]]) -> None:
    """Keeps the searches of games that were chosen from other stores beside them: of each store all of its searches,
    and int64, ascending, the rows of the games that were appended, one store after the other.

    Raises:
        ValueError: there are not as many games as the store has.
    """
    if (games := sum(len(mine) for _, mine in chosen)) != writer.games:
        raise ValueError(f"searches of {games} games for a store of {writer.games}")
    rows, shares = [np.zeros(0, SEARCH_DTYPE)], [np.zeros(0, SHARE_DTYPE)]
    first = game = 0
    for searches, mine in chosen:
        some, their_shares = searches.of_games(mine)
        some["first"] += first
        some["game"] += game
        rows.append(some)
        shares.append(their_shares)
        first, game = first + len(their_shares), game + len(mine)
    writer.put_beside(SEARCHES, np.concatenate(rows))
    writer.put_beside(SHARES, np.concatenate(shares))


class Searches:
    """The searches of a store's games, memory-mapped."""

    def __init__(self, rows: NDArray[Any], shares: NDArray[Any], games: int) -> None:
        self.rows = rows  # SEARCH_DTYPE[searches]
        self.shares = shares  # SHARE_DTYPE[shares of all]
        self._starts = np.searchsorted(rows["game"], np.arange(games + 1))

    @classmethod
    def open(cls, store: Store) -> Searches:
        """What stands beside the games of `store`.

        Raises:
            StoreError: nothing does, or a file is damaged.
        """
        path = Path(store.path)
        if path.is_file():
            raise StoreError(
                f"{path} has no searches: a compressed store holds games alone. Name the folder it was made of"
            )
        try:
            rows, shares = (np.load(path / name, mmap_mode="r", allow_pickle=False) for name in (SEARCHES, SHARES))
        except FileNotFoundError:
            raise StoreError(f"{path} has no searches beside its games: it was not made by self-play") from None
        except (OSError, ValueError, EOFError) as error:
            raise StoreError(f"the searches beside {path} are damaged ({error}): leave that store out") from None
        if (
            (rows.dtype, shares.dtype) != (SEARCH_DTYPE, SHARE_DTYPE)
            or int(rows["count"].sum(dtype=np.int64)) != len(shares)
            or (len(rows) and int(rows["game"].max()) >= len(store))
        ):
            raise StoreError(f"the searches beside {path} do not fit its games: leave that store out")
        return cls(rows, shares, len(store))

    def of_game(self, index: int) -> GameSearches:
        """Those of the game in row `index` of the store."""
        rows = self.rows[self._starts[index] : self._starts[index + 1]]
        first = int(rows["first"][0]) if len(rows) else 0
        shares = self.shares[first : first + int(rows["count"].sum(dtype=np.int64))]
        return GameSearches(
            plies=rows["ply"].astype(np.int64),
            values=np.asarray(rows["value"]),
            counts=rows["count"].astype(np.int64),
            moves=np.asarray(shares["move"]),
            shares=np.asarray(shares["share"]),
        )

    def of_games(self, games: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Those of the games in these rows of the store, ascending, numbered as in a store of these games alone.

        Returns:
            SEARCH_DTYPE[searches], SHARE_DTYPE[shares of all], neither of them a view.
        """
        number = np.full(len(self._starts) - 1, -1)
        number[games] = np.arange(len(games))
        rows = np.array(self.rows[number[self.rows["game"]] >= 0])
        counts = rows["count"].astype(np.int64)
        starts = np.cumsum(counts) - counts
        places = np.repeat(rows["first"].astype(np.int64) - starts, counts) + np.arange(counts.sum())
        rows["game"], rows["first"] = number[rows["game"]], starts
        return rows, np.array(self.shares[places])

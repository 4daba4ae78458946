"""The finished games of self-play workers, as one sees them who looks again and again while processes are killed."""

from __future__ import annotations

from pathlib import Path

from selfplay import shards


class FinishedGames:
    """All games that were ever seen in a folder: none may go, and in the end each is there once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[int] = set()

    def look(self) -> int:
        """Sees all games that are there now; returns how many there ever were."""
        found: set[int] = set()
        problems: list[str] = []
        for shard in shards.open_shards(self._folder / shards.SHARDS, problems.append):
            found.update(shard.played["id"].tolist())
        assert problems == []
        assert self._seen <= found
        self._seen = found
        return len(found)

    def gather(self, out: Path) -> str:
        """Puts the games together in a store, which has to be those that were seen; returns how many they are."""
        self.look()
        found = shards.gather(self._folder, out)
        stored = shards.open_store(out)
        ids = stored.played["id"].tolist()
        assert len(set(ids)) == len(ids) == len(stored.store) == found.games
        assert found.games + found.repeated >= len(self._seen) > 0
        assert set(ids) <= self._seen
        return f"{len(self._seen)} games, {found.repeated} repeated"

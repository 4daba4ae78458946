"""What self-play workers play: one configuration for one process or a thousand."""

from __future__ import annotations

from collections.abc import Sequence

from engine import network_file
from gozero import config
from gozero.config import Config
from selfplay.game import GameSettings
from selfplay.searched_settings import SearchedSettings


class SelfPlayConfig(Config, frozen=True):
    """Games of a network against itself: with search or without, one of the two."""

    name: str
    """What the configuration is called, like its file."""
    network: str = network_file.AUTO
    """Who plays where no other network is named, and none has been put into the workers' folder yet: a shipped name or
    a file; `auto` is the shipped one for the board's size."""
    search: SearchedSettings | None = None
    """Games with search."""
    policy: GameSettings | None = None
    """Games without: moves are drawn from the network's policy."""
    boards: int = 64
    """Games that a worker plays at a time; each adds a position to every batch that the network is asked."""
    seed: int = 0
    """Of all games; every life of every worker makes its own seed of it."""
    shard_games: int = 128
    """Finished games that a worker puts together as one shard."""
    sgf_every: int = 1
    """One game in so many is written as SGF too; 0 = none."""
    poll: float = 5.0
    """Seconds after which a worker looks for a newer network again."""

    def __post_init__(self) -> None:
        if (self.search is None) == (self.policy is None):
            raise ValueError("name either search or policy: how the games are played")
        for name, least in (("boards", 1), ("shard_games", 1), ("sgf_every", 0), ("poll", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, it is {getattr(self, name)}")

    @property
    def size(self) -> int:
        """Board size."""
        settings = self.search or self.policy
        assert settings is not None
        return settings.size


def load(name: str, overrides: Sequence[str] = ()) -> SelfPlayConfig:
    """The configuration in a YAML file, or of a preset's name, such as selfplay-9.

    Raises:
        ConfigError: there is none, or it makes no sense.
    """
    return config.load(config.find(name, "selfplay"), SelfPlayConfig, overrides)

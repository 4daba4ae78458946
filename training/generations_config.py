"""Settings of a loop of generations: self-play, training on what it found, a match, the next network."""

from __future__ import annotations

from typing import Final

import msgspec

from gozero.config import Config
from selfplay.searched_match import quiet_search
from selfplay.searched_settings import SearchedSettings
from selfplay.selfplay_config import SelfPlayConfig
from training.supervised import PolicyConfig

MAY_CHANGE: Final = (
    "generations",
    "play.boards",
    "training.loop.log_every",
    "training.loop.keep",
    "training.loop.precision",
    "training.loop.compile",
    "training.loop.winograd",
    "training.data.threads",
)
"""Settings that a resumed loop may change: how long it goes on, and what another machine computes best with."""


class PlayConfig(Config, frozen=True):
    """The games of a generation: the best network so far against itself."""

    games: int = 500
    """Games that every generation adds."""
    boards: int = 64
    """Games that a worker plays at a time."""
    search: SearchedSettings = SearchedSettings()
    """How they are played."""

    def __post_init__(self) -> None:
        for name in ("games", "boards"):
            if getattr(self, name) < 1:
                raise ValueError(f"play.{name} must be at least 1, it is {getattr(self, name)}")


class WindowConfig(Config, frozen=True):
    """How many of the newest games a generation learns from: N = c (1 + b ((n / c)^a - 1) / a) of all n games so far,
    or all of them while there are fewer than c (KataGo, arXiv 1902.10565, where c counts positions)."""

    least: int = 2000
    """c: games of the window before it grows."""
    growth: float = 0.4
    """b: the share of the first further games by which it grows."""
    power: float = 0.75
    """a: how that share falls, above 0 to 1; at 1 not at all."""

    def __post_init__(self) -> None:
        if self.least < 1:
            raise ValueError(f"window.least must be at least 1, it is {self.least}")
        if not 0 <= self.growth <= 1 or not 0 < self.power <= 1:
            raise ValueError("window.growth must be from 0 to 1, and window.power above 0 to 1")

    def games(self, finished: int) -> int:
        """The games that are learned from when so many are finished."""
        if finished <= self.least:
            return finished
        risen = ((finished / self.least) ** self.power - 1) / self.power
        return min(finished, int(self.least * (1 + self.growth * risen)))


class GateConfig(Config, frozen=True):
    """The matches of a new network, and what it must win to become the one that plays. No noise in the searches, the
    same visits for both, colours alternate, every opening is played once with each."""

    games: int = 200
    """Games of a match."""
    visits: int = 64
    """Visits of the root in a search, for both."""
    gumbel_moves: int = 8
    """Moves that the root looks at."""
    opening_moves: int = 8
    """At most this many moves at the start, drawn from the policy of generation 0 for both; how many, is drawn too."""
    needed: float = 0.55
    """Share of the points against the best network so far that makes the new one the best; 0 = none is needed, so that
    every network is the next one (AlphaZero), and the matches only measure."""
    anchor_every: int = 1
    """After so many generations there is a match against generation 0 as well."""
    boards: int = 128
    """Games at a time."""

    def __post_init__(self) -> None:
        for name, least in (("games", 1), ("visits", 2), ("gumbel_moves", 1), ("anchor_every", 1), ("boards", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"gate.{name} must be at least {least}, it is {getattr(self, name)}")
        if self.opening_moves < 0 or not 0 <= self.needed < 1:
            raise ValueError("gate.opening_moves must not be negative, and gate.needed from 0 to below 1")


class GenerationsConfig(Config, frozen=True):
    """`gozero loop`: everything that decides a run."""

    generations: int
    """How many there will be. May be raised when resuming."""
    training: PolicyConfig
    """What is learned from the games, and what the networks are called, with the number of their generation: a run of
    `gozero train policy` that goes on from generation to generation with its weights, their average and its optimiser.
    `loop.steps` are those of one generation; the schedule is over all of them. `init` is generation 0, and random
    weights where it is empty."""
    play: PlayConfig = PlayConfig()
    window: WindowConfig = WindowConfig()
    gate: GateConfig = GateConfig()
    seed: int = 1
    """Of self-play and matches; `training.loop.seed` is that of the first weights and of what is learned when."""

    def __post_init__(self) -> None:
        if self.generations < 1:
            raise ValueError(f"generations must be at least 1, it is {self.generations}")
        if self.training.network is None:
            raise ValueError("training.network is missing: searches want a residual network, which has a value")
        if self.training.network.reply:
            raise ValueError("training.network.reply must be false: a loop learns from searches, which know no reply")
        if not self.training.data.searches:
            raise ValueError("training.data.searches must be true: a loop learns what its searches would play")
        if self.training.data.size != self.play.search.size:
            raise ValueError(
                f"training.data.size = {self.training.data.size} and play.search.size = {self.play.search.size} must "
                f"be the same"
            )
        if self.training.data.store:
            raise ValueError("training.data.store must be empty: a loop learns from its own games")

    @property
    def name(self) -> str:
        """What its networks are called."""
        return self.training.name

    @property
    def selfplay(self) -> SelfPlayConfig:
        """What workers are told."""
        return SelfPlayConfig(name=self.name, search=self.play.search, boards=self.play.boards, seed=self.seed)

    @property
    def matches(self) -> SearchedSettings:
        """How matches are played."""
        gate, search = self.gate, self.play.search
        return quiet_search(
            size=search.size,
            komi=search.komi,
            rules=search.rules,
            visits=gate.visits,
            gumbel_moves=gate.gumbel_moves,
            opening_moves=gate.opening_moves,
        )

    def learner(self, store: str) -> PolicyConfig:
        """The settings of the learner's own run, learning from the games in `store`."""
        training = self.training
        loop = msgspec.structs.replace(training.loop, steps=training.loop.steps * self.generations)
        data = msgspec.structs.replace(training.data, store=store)
        return msgspec.structs.replace(training, loop=loop, data=data)

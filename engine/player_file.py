"""Player files: who plays, how they are found and loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypedDict, Unpack

import msgspec
import numpy as np

from engine import levels, rollout_file
from engine.evaluator import AnyEvaluator
from engine.joined_evaluator import JoinedEvaluator
from engine.search import Search, SearchConfig
from gozero import config
from gozero.data_files import data_dir
from gozero.errors import GozeroError

if TYPE_CHECKING:
    from engine.player import Player
    from engine.rollout import LeafRollouts

NO_NETWORK: Final = "none"
"""The network name of a player without one: the tree policy says which moves are likely, rollouts who wins."""
WITHOUT_NETWORK: Final = "rollouts"
"""The player file whose search suits that; it stands in for those in `_WITH_NETWORK` where no network is asked for."""
_WITH_NETWORK: Final = ("auto", "no-rollouts")
"""The player files whose search suits a network that judges positions."""
NO_ROLLOUTS: Final = "none"
"""The name of rollouts that are not played."""
ROLLOUT_SHARE: Final = 0.5
"""lambda where rollouts are asked for and nobody says how much they count: the paper's."""
ROLLOUTS_FOR_A_VISIT: Final = 16
"""Visits of a player without a network for each visit of a level."""


class PlayerError(GozeroError):
    """A player that is not there."""


class PlayerSettings(config.Config, frozen=True):
    """A player file: who plays, and how long they think where no clock is set."""

    network: str = "auto"
    """A shipped network's name, a path, "auto" for the one that fits the board, or "none"."""
    policy: str | None = None
    """Another network, named in the same way, whose policy is followed; null: `network`."""
    value: str | None = None
    """Another network whose value counts; null: `network`."""
    priors: Literal["network", "tree"] = "network"
    """Whose policy is followed: a network's, or the tree policy's, which is learned with the rollouts."""
    rollouts: str = NO_ROLLOUTS
    """Weights of rollouts by name or path, "auto" for those that fit the board, "random" for random games, or "none".
    How much they count: `search.rollout_share`. A player without any network plays by rollouts in any case, by the
    shipped ones if this says "none"."""
    visits: int | None = None
    """Most visits a move."""
    seconds: float | None = 2.0
    """Most seconds a move."""
    resign_threshold: float | None = -0.9
    """Value, in [-1, 1] for the player to move, below which there is no hope; null: never resign."""
    temperature: float = 0.0
    """Above 0, moves are drawn with probability visits^(1 / temperature): 1 in proportion to the visits."""
    temperature_plies: int | None = 30
    """Plies from the start of a game for which that holds; later the best move is played. null: the whole game."""
    margin: float | None = None
    """How much less than the best move's value, in [-1, 1], a drawn move's may be; null: any visited move may be drawn.
    Where it is set, the best move is played all the same if it takes stones or saves some from atari."""
    ponder: bool = False
    """Whether the player thinks on the opponent's time too."""
    search: SearchConfig = SearchConfig()

    def __post_init__(self) -> None:
        share = self.search.rollout_share
        if self.is_without_network:
            if share > 0:
                raise ValueError(
                    f"without a network all values are rollouts', so search.rollout_share (lambda) must be 0, not "
                    f"{share}; the player without a network is rollouts (--player rollouts)"
                )
        elif (self.rollouts != NO_ROLLOUTS) != (share > 0):
            raise ValueError(
                f"rollouts are {self.rollouts!r}, but search.rollout_share is {share}: "
                "name some and give them a share above 0, or neither"
            )
        if self.temperature < 0:
            raise ValueError(f"temperature must not be below 0, but is {self.temperature}")
        if self.margin is not None and self.margin < 0:
            raise ValueError(f"margin must not be below 0, but is {self.margin}")
        if self.visits is not None and self.visits < 1:
            raise ValueError(f"visits must be at least 1, not {self.visits}")
        if self.seconds is not None and self.seconds <= 0:
            raise ValueError(f"seconds must be above 0, not {self.seconds}")

    @property
    def follows_tree(self) -> bool:
        """Whether the tree policy proposes moves."""
        return self.priors == "tree" or (self.policy or self.network) == NO_NETWORK

    @property
    def is_without_network(self) -> bool:
        """Whether the tree policy and rollouts are all there is."""
        return self.follows_tree and (self.value or self.network) == NO_NETWORK

    @property
    def networks(self) -> list[str]:
        """The networks that are asked, for the policy and for the value, each once."""
        policy = NO_NETWORK if self.follows_tree else self.policy or self.network
        return [name for name in dict.fromkeys((policy, self.value or self.network)) if name != NO_NETWORK]

    def require_limits(self) -> None:
        """Raises ValueError where nothing ends the thoughts about a move."""
        if self.visits is None and self.seconds is None:
            raise ValueError("this player would think about a move for ever: name visits or seconds (--visits, --time)")


class Wishes(TypedDict, total=False):
    """What a player may be asked to be, other than its file says; None for what the file says."""

    network: str | None
    """A shipped name, "auto", "none" or a path."""
    visits: int | None
    seconds: float | None
    """Limits of a move where no clock is set; where one of them is given, it alone holds."""
    temperature: float | None
    level: int | None
    """1 for a beginner up to `levels.FULL_STRENGTH`, which changes nothing; visits and temperature replace the level's
    own, seconds are a second limit beside its visits."""
    policy: str | None
    value: str | None
    """Other networks for the one and for the other."""
    rollouts: str | None
    """Their weights' name, "auto", "random", "none" or a path."""
    rollout_share: float | None
    """Lambda, how much a rollout counts in a leaf's value, from 0 to 1, 0 for none; 0.5 where rollouts are given and
    the player file has none."""
    overrides: Sequence[str]
    """Keys of the player file with other values, such as "search.c_puct=1.2"; what is above comes after."""


def load_player(
    name: str = "auto",
    size: int = 19,
    *,
    threads: int | None = None,
    seed: int | None = None,
    **wishes: Unpack[Wishes],
) -> Player:
    """The player of a file, for boards of size x size points; what else is given replaces what the file says.

    Args:
        name: of `data/configs/player-NAME.yaml`, or a path that ends in `.yaml`.
        threads: evaluations at one time; 1 makes the player reproducible, given a seed.
        seed: of all its random choices; without one, games differ.

    Raises:
        ValueError: what is given does not go together.
        PlayerError: there is no such player file.
        LevelError: there is no such level.
        ConfigError: the file is no player file.
        NetworkFileError, EvaluatorError: the network is missing, or unfit for this board.
        RolloutFileError: the same of the rollouts.
    """
    from engine.player import Player

    settings = settings_of(name, **wishes)
    search_config = settings.search
    if threads is not None:
        search_config = msgspec.structs.replace(search_config, batches_in_flight=threads)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    leaf_rollouts = None if settings.is_without_network else _rollouts(settings.rollouts, size)
    search = Search(_evaluator(settings, size, seed), search_config, seed, leaf_rollouts)
    return Player(search, settings, seed)


def settings_of(name: str = "auto", **wishes: Unpack[Wishes]) -> PlayerSettings:
    """The settings of the player that `load_player` would make, without a look at the networks and rollouts they name.

    Raises:
        ValueError, PlayerError, LevelError, ConfigError: as `load_player`.
    """
    settings = _with_networks(
        name, wishes.get("network"), wishes.get("policy"), wishes.get("value"), wishes.get("overrides", ())
    )
    visits, level = wishes.get("visits"), wishes.get("level")
    chosen_level = None if level is None else levels.find(level)
    if chosen_level is not None:
        settings = _at_level(settings, chosen_level)
        visits = settings.visits if visits is None else visits
    settings = _with_overrides(settings, visits, wishes.get("seconds"), wishes.get("temperature"))
    return _with_rollouts(settings, wishes.get("rollouts"), wishes.get("rollout_share"))


def networks_of(name: str, network: str | None = None) -> list[str]:
    """The networks that the player of a file asks, by name or path, each once; `network` replaces what the file says.

    Raises:
        ValueError: the player makes no sense with this network.
        PlayerError: there is no such player file.
        ConfigError: the file is no player file.
    """
    return settings_of(name, network=network).networks


def exists(name: str) -> bool:
    """Whether there is such a player file, by name or path."""
    return _path_of(name).is_file()


def names() -> list[str]:
    """The names of the shipped player files."""
    return sorted(file.stem.removeprefix("player-") for file in (data_dir() / "configs").glob("player-*.yaml"))


def _path_of(name: str) -> Path:
    return Path(name) if name.endswith(".yaml") else data_dir() / "configs" / f"player-{name}.yaml"


def read(name: str, overrides: Sequence[str] = ()) -> PlayerSettings:
    """A player file; `overrides` are keys with other values, such as "search.c_puct=1.2".

    Raises:
        PlayerError: there is no such file.
        ConfigError: it is no player file, or an override names no key of one.
    """
    path = _path_of(name)
    if not path.is_file():
        raise PlayerError(
            f"there is no player {name}: there are {', '.join(names())}, or name a file that ends in .yaml"
        )
    return config.load(path, PlayerSettings, overrides)


def _with_networks(
    name: str, network: str | None, policy: str | None, value: str | None, overrides: Sequence[str]
) -> PlayerSettings:
    """The player of a file with the networks that are asked for."""
    if name in _WITH_NETWORK and NO_NETWORK in (network, policy if policy == value else None):
        name = WITHOUT_NETWORK
    settings = read(name, overrides)
    if network is not None:
        settings = msgspec.structs.replace(settings, network=network)
    if policy is not None:
        settings = msgspec.structs.replace(settings, policy=policy, priors="network")
    if value is not None:
        settings = msgspec.structs.replace(settings, value=value)
    return settings


def _at_level(settings: PlayerSettings, level: levels.Level) -> PlayerSettings:
    """The player with a level's restraints. Rollouts are noisy: it takes many to see as much as a network does.

    So beside a network levels play none: with their few visits these cost more than they tell, and the levels' places
    were found without, and by visits.
    """
    if not settings.is_without_network:
        settings = _with_share(settings, 0.0)
    search = settings.search
    return msgspec.structs.replace(
        settings,
        search=msgspec.structs.replace(
            search,
            prior_temperature=search.prior_temperature * level.spread,
            c_puct=search.c_puct * level.spread,
            choice="visits",
        ),
        visits=level.visits * (ROLLOUTS_FOR_A_VISIT if settings.is_without_network else 1),
        temperature=level.temperature,
        temperature_plies=None,
        margin=level.margin,
    )


def _with_overrides(
    settings: PlayerSettings,
    visits: int | None,
    seconds: float | None,
    temperature: float | None,
) -> PlayerSettings:
    if visits is not None or seconds is not None:
        settings = msgspec.structs.replace(settings, visits=visits, seconds=seconds)
    if temperature is not None:
        settings = msgspec.structs.replace(settings, temperature=temperature)
    return settings


def _with_rollouts(settings: PlayerSettings, rollouts: str | None, rollout_share: float | None) -> PlayerSettings:
    if rollouts is None and rollout_share is None:
        return settings
    if settings.is_without_network:
        if rollout_share:
            raise ValueError(
                f"without a network all values are rollouts': leave lambda = {rollout_share} out, or name a network"
            )
        return settings if rollouts is None else msgspec.structs.replace(settings, rollouts=rollouts)
    share = rollout_share
    if share is None:
        share = 0.0 if rollouts == NO_ROLLOUTS else settings.search.rollout_share or ROLLOUT_SHARE
    if rollouts is None:
        named = settings.rollouts if settings.rollouts != NO_ROLLOUTS else rollout_file.AUTO
        rollouts = named if share > 0 else NO_ROLLOUTS
    return _with_share(settings, share, rollouts)


def _with_share(settings: PlayerSettings, share: float, rollouts: str = NO_ROLLOUTS) -> PlayerSettings:
    """The player with rollouts that count for lambda = `share`, or with none and without what suits them alone."""
    others = {} if share > 0 else {"expansion_threshold": 1, "placeholder_priors": False, "fpu_average": False}
    search = msgspec.structs.replace(settings.search, rollout_share=share, **others)
    return msgspec.structs.replace(settings, rollouts=rollouts, search=search)


def _evaluator(settings: PlayerSettings, size: int, seed: int) -> AnyEvaluator:
    """What a player's search asks: one evaluator, or two joined where policy and value come from different ones."""
    policy, value = settings.policy or settings.network, settings.value or settings.network
    if settings.follows_tree:
        from engine.rollout import load_policy

        tree_policy = load_policy(rollout_file.AUTO, size)
        if settings.is_without_network:
            from engine.rollout_evaluator import RolloutEvaluator

            return RolloutEvaluator(tree_policy, _rollouts(settings.rollouts, size), seed=seed)
    from engine import network_file
    from engine.runtimes import open_network

    if settings.follows_tree:
        from engine.tree_policy_evaluator import TreePolicyEvaluator

        return JoinedEvaluator(TreePolicyEvaluator(tree_policy), open_network(network_file.find(value, size)))
    if value in (policy, NO_NETWORK):
        return open_network(network_file.find(policy, size))
    return JoinedEvaluator(open_network(network_file.find(policy, size)), open_network(network_file.find(value, size)))


def _rollouts(name: str, size: int) -> LeafRollouts | None:
    """What plays a search's rollouts. Raises RolloutFileError."""
    if name == NO_ROLLOUTS:
        return None
    from engine.rollout import load_rollouts

    return load_rollouts(name, size)

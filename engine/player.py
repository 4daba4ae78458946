"""A player: a search, and the judgement of when to pass and when to resign.

Passing. The search itself knows what two passes lead to, as it counts the area there. Around it stand these rules, for
networks that pass too seldom or too soon:

- nothing sensible to play (every legal point is an own eye or a suicide): pass;
- the opponent passed, and the count of the board as it stands wins: pass;
- every empty region is one player's, the count wins, and a pass is worth as much as the best move: pass, rather than
  fill in own territory;
- the search wants to pass on a board that is nearly empty or where the count loses, and a sensible move outside own
  territory gives some hope: play that.

Resigning. Only when the search has seen no hope for several own moves on end, not early in a game, and never where the
count of the board wins as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine import endgame
from engine._puct import other_side
from engine.evaluator import AnyEvaluator
from engine.search import Limits, MoveStats, Search, SearchConfig, SearchResult, Snapshot
from gozero import config
from gozero.coords import PASS, RESIGN, move_index, point_of
from gozero.data_files import data_dir
from gozero.errors import GozeroError
from gozero.position import Position

NO_NETWORK: Final = "none"
"""The network name of a player without one: the tree policy says which moves are likely, rollouts who wins."""
WITHOUT_NETWORK: Final = "rollouts"
"""The player file whose search suits that; it stands in for `auto` where no network is asked for."""

RESIGN_MOVES: Final = 3
"""Own moves on end without hope after which a player resigns."""
RESIGN_DENSITY: Final = 0.25
"""Nobody resigns before so many moves for each point of the board."""
PASS_MARGIN: Final = 0.1
"""A pass that wins by the count may be worth this much less than the best move."""
HOPELESS: Final = -0.98
"""A move of at most this value is no reason to go on where the search wants to pass."""
PASS_VISITS: Final = 32
"""Visits by which a pass is judged that the search did not look at."""


class PlayerError(GozeroError):
    """A player that is not there."""


class PlayerSettings(config.Config, frozen=True):
    """A player file: who plays, and how long they think where no clock is set."""

    network: str = "auto"
    """A shipped network's name, a path, "auto" for the one that fits the board, or "none"."""
    visits: int | None = None
    """Most visits a move."""
    seconds: float | None = 2.0
    """Most seconds a move."""
    resign_threshold: float | None = -0.9
    """Value, in [-1, 1] for the player to move, below which there is no hope; null: never resign."""
    temperature: float = 0.0
    """Above 0, moves are drawn with probability visits^(1 / temperature): 1 in proportion to the visits."""
    temperature_plies: int = 30
    """Plies from the start of a game for which that holds; later the best move is played."""
    search: SearchConfig = SearchConfig()

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise ValueError(f"temperature must not be below 0, but is {self.temperature}")
        if self.visits is not None and self.visits < 1:
            raise ValueError(f"visits must be at least 1, not {self.visits}")
        if self.seconds is not None and self.seconds <= 0:
            raise ValueError(f"seconds must be above 0, not {self.seconds}")


@dataclass(frozen=True)
class Choice:
    """A player's decision."""

    point: int
    """A point, `PASS` or `RESIGN`."""
    result: SearchResult | None
    """What the search found; None where none was needed."""
    reason: str
    """Why, in a few words, for logs."""


class Player:
    """Chooses moves for either colour of one game at a time; `search` may be used for analysis as well."""

    def __init__(self, search: Search, settings: PlayerSettings | None = None, seed: int | None = None) -> None:
        """`seed` is for drawing moves by temperature; without one, games differ."""
        self.search = search
        self.settings = settings or PlayerSettings()
        self._random = np.random.default_rng(seed)
        # The game so far when each colour last moved here, and the number of its moves on end without hope.
        self._hopeless: dict[int, tuple[list[tuple[int, int]], int]] = {}

    @property
    def limits(self) -> Limits:
        """How long to think where nobody says otherwise."""
        return Limits(self.settings.visits, self.settings.seconds)

    def choose(
        self,
        position: Position,
        limits: Limits | None = None,
        stop: Callable[[], bool] | None = None,
        on_progress: Callable[[Snapshot], None] | None = None,
        progress_interval: float = 0.5,
    ) -> Choice:
        """Decides what the player to move should do; `stop` and `on_progress` as in `Search.run`."""
        sensible = endgame.sensible_moves(position)
        if not sensible[:-1].any():
            return Choice(PASS, None, "nothing sensible to play")
        wins = endgame.lead(position) > 0
        if wins and position.passes > 0 and endgame.is_filled(position):
            return Choice(PASS, None, "the opponent passed and the count wins")
        result = self.search.run(position, limits or self.limits, stop, on_progress, progress_interval)
        if self._gives_up(position, result.root_value) and not wins:
            return Choice(RESIGN, result, "no hope")
        moves = [move for move in result.moves if sensible[move_index(move.point, position.size)]]
        if not moves:
            return Choice(self._likeliest(position, result.policy, sensible[:-1]), result, "the policy's sensible move")
        if moves[0].point == PASS:
            if endgame.lead(position) < 0 or not endgame.is_filled(position):
                return self._other_than_pass(position, result, moves, sensible)
            return Choice(PASS, result, "search")
        if wins and self._pass_is_as_good(position, result, moves[0].value):
            return Choice(PASS, result, "nothing left to gain")
        if self.settings.temperature > 0 and len(position.moves) < self.settings.temperature_plies:
            return Choice(self._draw(position, moves, result.policy, sensible), result, "drawn by temperature")
        return Choice(moves[0].point, result, "search")

    def close(self) -> None:
        """Frees the search's threads and the evaluator."""
        self.search.close()
        self.search.evaluator.close()

    def _gives_up(self, position: Position, value: float) -> bool:
        """Keeps count of moves without hope, and says whether there were enough of them."""
        threshold = self.settings.resign_threshold
        if threshold is None:
            return False
        moves_then, low = self._hopeless.get(position.to_play, ([], 0))
        if position.moves[: len(moves_then)] != moves_then or len(position.moves) <= len(moves_then):
            low = 0
        low = low + 1 if value < threshold else 0
        self._hopeless[position.to_play] = (position.moves.copy(), low)
        return low >= RESIGN_MOVES and len(position.moves) >= RESIGN_DENSITY * position.size**2

    def _other_than_pass(
        self, position: Position, result: SearchResult, moves: list[MoveStats], sensible: NDArray[np.bool_]
    ) -> Choice:
        """What to do where the search wants to pass too soon, or where the count loses."""
        worth_trying = sensible[:-1].copy()
        if endgame.is_filled(position):
            worth_trying &= ~endgame.own_territory(position)
        if not worth_trying.any():
            return Choice(PASS, result, "nothing is worth trying")
        others = [move for move in moves if move.point != PASS and worth_trying[move_index(move.point, position.size)]]
        if not others:
            return Choice(self._likeliest(position, result.policy, worth_trying), result, "too soon to pass")
        if max(move.value for move in others) > HOPELESS:
            return Choice(others[0].point, result, "too soon to pass")
        return Choice(PASS, result, "nothing is worth trying")

    def _pass_is_as_good(self, position: Position, result: SearchResult, best: float) -> bool:
        """Whether a finished board can be left as it is."""
        if not (endgame.is_filled(position) and endgame.is_settled(position)):
            return False
        seen = [move for move in result.moves if move.point == PASS]
        if seen:
            return bool(seen[0].value >= best - PASS_MARGIN)
        after = position.copy()
        after.play(PASS)
        value = other_side(self.search.run(after, Limits(visits=PASS_VISITS)).root_value)
        return bool(value >= best - PASS_MARGIN)

    def _likeliest(self, position: Position, policy: NDArray[np.float32], marked: NDArray[np.bool_]) -> int:
        """The move that the policy likes best of those marked, bool[size * size]; there must be one."""
        return point_of(int(np.argmax(np.where(marked, policy[:-1], -1.0))), position.size)

    def _draw(
        self,
        position: Position,
        moves: list[MoveStats],
        policy: NDArray[np.float32],
        sensible: NDArray[np.bool_],
    ) -> int:
        """A sensible move, no pass, drawn by visits, or by the policy where no move was visited."""
        weights = np.zeros(len(policy) - 1)
        for move in moves:
            if move.point != PASS:
                weights[move_index(move.point, position.size)] = move.visits
        if not weights.any():
            weights = np.where(sensible, policy, 0.0)[:-1].astype(np.float64)
        weights = (weights / weights.max()) ** (1.0 / self.settings.temperature)
        return point_of(int(self._random.choice(len(weights), p=weights / weights.sum())), position.size)


def load_player(
    name: str = "auto",
    size: int = 19,
    network: str | None = None,
    visits: int | None = None,
    seconds: float | None = None,
    threads: int | None = None,
    temperature: float | None = None,
    seed: int | None = None,
) -> Player:
    """The player of a file, for boards of size x size points; what else is given replaces what the file says.

    Args:
        name: of `data/configs/player-NAME.yaml`, or a path that ends in `.yaml`.
        network: a shipped name, "auto", "none" or a path.
        visits, seconds: limits of a move where no clock is set; where one of them is given, it alone holds.
        threads: evaluations at one time; 1 makes the player reproducible, given a seed.
        seed: of all its random choices; without one, games differ.

    Raises:
        PlayerError: there is no such player file.
        ConfigError: the file is no player file.
        NetworkFileError, EvaluatorError: the network is missing, or unfit for this board.
        RolloutFileError: the same of the rollouts.
    """
    if (name, network) == ("auto", NO_NETWORK):
        name = WITHOUT_NETWORK
    settings = _with_overrides(config.load(_player_file(name), PlayerSettings), network, visits, seconds, temperature)
    search_config = settings.search
    if threads is not None:
        search_config = msgspec.structs.replace(search_config, batches_in_flight=threads)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    return Player(Search(_evaluator(settings.network, size, seed), search_config, seed), settings, seed)


def _player_file(name: str) -> Path:
    folder = data_dir() / "configs"
    path = Path(name) if name.endswith(".yaml") else folder / f"player-{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem.removeprefix("player-") for file in folder.glob("player-*.yaml")))
        raise PlayerError(f"there is no player {name}: there are {known}, or name a file that ends in .yaml")
    return path


def _with_overrides(
    settings: PlayerSettings,
    network: str | None,
    visits: int | None,
    seconds: float | None,
    temperature: float | None,
) -> PlayerSettings:
    if visits is not None or seconds is not None:
        settings = msgspec.structs.replace(settings, visits=visits, seconds=seconds)
    if network is not None:
        settings = msgspec.structs.replace(settings, network=network)
    if temperature is not None:
        settings = msgspec.structs.replace(settings, temperature=temperature)
    return settings


def _evaluator(network: str, size: int, seed: int) -> AnyEvaluator:
    if network == NO_NETWORK:
        from engine.rollout_evaluator import RolloutEvaluator

        return RolloutEvaluator.for_board(size, seed)
    from engine import network_file
    from engine.onnx_evaluator import OnnxEvaluator

    return OnnxEvaluator(network_file.find(network, size))

"""One player against an opponent, on many boards at once: whose colour is whose, answers, and what a move brought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gozero import _lockstep
from gozero.coords import BLACK, WHITE
from gozero.lockstep import LockStep

Policy = Callable[[NDArray[np.uint8], NDArray[np.bool_]], ArrayLike]
"""Who chooses moves: planes uint8[n, C, S, S] from the view of the player to move, legal moves bool[n, S*S+1] -> move
indices int[n]. An illegal one loses the game."""
Answer = Callable[[LockStep, NDArray[np.int64]], ArrayLike]
"""An opponent that may look at the games themselves: games, the slots int64[n] where it is to move -> int[n]."""
Colour = Literal["black", "white", "random"]
COLOURS: Final[tuple[Colour, ...]] = ("black", "white", "random")


def random_answer(games: LockStep, slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Any move that is legal and fills no own eye, with equal chances; a pass where there is none."""
    return games.random_moves(slots, fill_eyes=False)


def answer_of(policy: Policy) -> Answer:
    """The opponent that plays a policy's moves."""

    def answer(games: LockStep, slots: NDArray[np.int64]) -> ArrayLike:
        return policy(*games.show(slots, games.to_play[slots]))

    return answer


class Opponent(NamedTuple):
    """Who answers. Without an answer the player moves for both colours."""

    answer: Answer | None
    close: Callable[[], None] = lambda: None
    """Ends its threads."""
    seeded: Callable[[int], Opponent] | None = None
    """The same one whose random choices are those of a seed; None where the games' random numbers are all that it uses.
    """


class OnePlayer:
    """A player against an opponent in N games. Without an opponent, the player moves for both colours in turn.

    Attributes:
        games: the boards.
        colours: whose view counts, int8[N], BLACK or WHITE: the player's; without an opponent, whoever moved last,
            BLACK where nobody has.
    """

    def __init__(self, games: LockStep, opponent: Opponent, colour: Colour = "black") -> None:
        """Games begin with `begin`.

        Raises:
            ValueError: there is no such colour.
        """
        if colour not in COLOURS:
            raise ValueError(f"the colour is {', '.join(COLOURS[:-1])} or {COLOURS[-1]}, not {colour!r}")
        self.games = games
        self.colours = np.full(games.count, BLACK, np.int8)
        self._opponent, self._colour = opponent, colour

    def seed(self, seed: int) -> None:
        """Makes all that is random from here on that of this seed."""
        self.games.seed(seed)
        if self._opponent.seeded is not None:
            self._opponent.close()
            self._opponent = self._opponent.seeded(seed)

    def begin(self, slots: NDArray[np.int64], rng: np.random.Generator) -> None:
        """New games in some slots, int64[n]; where the player is White, the opponent has moved. `rng` draws colours."""
        self.games.begin(slots)
        if self._opponent.answer is None:
            self.colours[slots] = BLACK
            return
        if self._colour == "random":
            self.colours[slots] = rng.integers(BLACK, WHITE + 1, len(slots), np.int8)
        else:
            self.colours[slots] = BLACK if self._colour == "black" else WHITE
        self._let_answer(slots)

    def step(self, slots: NDArray[np.int64], moves: ArrayLike) -> None:
        """Plays the player's moves, int[n], and the opponent's answers. A game that has ended stays as it is."""
        if self._opponent.answer is None:
            self.colours[slots] = self.games.to_play[slots]
        self.games.play(slots, moves)
        if self._opponent.answer is not None:
            self._let_answer(slots)

    def reward(self, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """To `colours`, of games as they stand: float32[n], 1 won, -1 lost, 0 a draw or a game that goes on."""
        reward = np.zeros(len(slots), np.float32)
        ended = np.flatnonzero(self.games.ending[slots])
        if ended.size:
            reward[ended] = self.games.result(slots[ended], self.colours[slots[ended]])[0]
        return reward

    def illegal(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Where the player has chosen an illegal move: bool[n]. (Where the opponent has, the player has won.)"""
        illegal: NDArray[np.bool_] = (self.games.ending[slots] == _lockstep.ILLEGAL) & (
            self.games.to_play[slots] == self.colours[slots]
        )
        return illegal

    def view(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """What the player sees: planes uint8[n, C, S, S] and legal moves bool[n, S*S+1].

        Without an opponent, what whoever is to move sees.
        """
        return self.games.show(slots, (self.games.to_play if self._opponent.answer is None else self.colours)[slots])

    def close(self) -> None:
        """Ends the opponent's threads."""
        self._opponent.close()

    def _let_answer(self, slots: NDArray[np.int64]) -> None:
        answer, games = self._opponent.answer, self.games
        assert answer is not None
        waiting = slots[(games.ending[slots] == _lockstep.GOES_ON) & (games.to_play[slots] != self.colours[slots])]
        if waiting.size:
            games.play(waiting, answer(games, waiting))

"""What a player must see on the board to know that a game is over: who leads, what is dead, what is left to play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.search_config import Limits
from gozero import _board, _legality, _repetition, _whole_board, life, scoring
from gozero.coords import BLACK, EMPTY, PASS, WHITE, move_index, opponent, padded_points, point_of
from gozero.geometry import board_points
from gozero.life import Settlement
from gozero.position import Position

if TYPE_CHECKING:
    from engine.search import Search

FILLED_DENSITY: Final = 0.2
"""Stones for each point of the board from which on a count means something: before, one stone may own it all."""
DEAD_OWNERSHIP: Final = -0.7
"""A chain that random games leave alive is dead where its owner may expect less than this of its points, from -1 (the
opponent's) to 1. Of 150 counted games on 19x19, random games give the winner of 146, and of 147 with compact-19's
ownership beside them; ownership alone, with a threshold of 0, gives that of 128."""
NOTHING: Final = Settlement((), ())
"""Every stone on the board is alive."""


def dead_stones(position: Position, ownership: NDArray[np.float32] | None) -> Settlement:
    """What is dead and what is in seki if the game ends here.

    Args:
        ownership: float32[size * size] as in `SearchResult`, to add what random games misjudge; None leaves it to them.
    """
    settled = life.settle(position)
    if ownership is None:
        return settled
    points = board_points(position.size)
    colours = position.colours().ravel()
    heads = position.state[_board.HEAD + points * _board.WORDS]
    own = np.where(colours == position.to_play, ownership, -ownership)
    open_to_doubt = (colours != EMPTY) & (life.pass_alive(position).ravel() == 0)
    dead = set(settled.dead)
    for head in np.unique(heads[open_to_doubt]):
        chain = (heads == head) & (colours != EMPTY)
        if float(own[chain].mean()) < DEAD_OWNERSHIP:
            dead.update(points[chain].tolist())
    return Settlement(tuple(sorted(dead)), tuple(sorted(set(settled.seki) - dead)))


def dead_stones_seen_by(search: Search, position: Position) -> Settlement:
    """`dead_stones` with the ownership that one visit of a search tells of.

    Raises:
        EvaluatorError: the network's answer is no number.
    """
    return dead_stones(position, search.run(position, Limits(visits=1)).ownership)


def lead(position: Position, settlement: Settlement = NOTHING) -> float:
    """By how much the count by the rules of the game favours the player to move, komi included."""
    score = scoring.final_score(position, settlement.dead, settlement.seki)
    return score if position.to_play == BLACK else -score


def is_filled(position: Position) -> bool:
    """Whether there are so many stones on the board that a count means something."""
    return int(np.count_nonzero(position.colours())) >= FILLED_DENSITY * position.size**2


def is_settled(position: Position, dead: tuple[int, ...] = (), dame: int = 0) -> bool:
    """Whether the empty regions that touch both colours have at most `dame` points, once the dead stones are off."""
    colours = position.colours()
    colours.ravel()[[move_index(point, position.size) for point in dead]] = EMPTY
    contested = _flooded(colours, BLACK) & _flooded(colours, WHITE)
    while contested.any():
        region = np.zeros_like(contested)
        region.ravel()[np.flatnonzero(contested)[0]] = True
        while (grown := region | (_beside(region) & contested)).sum() > region.sum():
            region = grown
        if region.sum() > dame:
            return False
        contested &= ~region
    return True


def without(position: Position, dead: tuple[int, ...]) -> Position:
    """The position as it is to be counted, without dead stones; the same one where there are none."""
    if not dead:
        return position
    cleaned = position.copy()
    cleaned.edit((EMPTY, point) for point in dead)
    if position.passes:  # the edit made it forget
        cleaned.to_play = opponent(position.to_play)
        cleaned.play(PASS)
    return cleaned


def sensible_moves(position: Position) -> NDArray[np.bool_]:
    """The legal moves of the player to move that fill no own eye and take off no own stone: bool[size * size + 1].

    The pass is always among them.
    """
    colour = position.to_play
    state = position.state.copy()
    state[_board.SUICIDE] = 0
    mask = np.empty(position.size**2 + 1, np.uint8)
    _repetition.legal_mask(state, colour, position.history, position.history_length, position.rules.superko_code, mask)
    sensible = mask.astype(np.bool_)
    for index in np.flatnonzero(sensible[:-1]):
        sensible[index] = not _legality.is_eye(state, point_of(int(index), position.size), colour)
    return sensible


def closing_in(position: Position, dead: tuple[int, ...], sensible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The sensible moves that take dead stones of the opponent or fill their liberties: bool[size * size + 1].

    Those that put own stones in atari without taking any are left out where there are others.
    """
    prey = np.zeros((position.size, position.size), np.bool_)
    prey.ravel()[[move_index(point, position.size) for point in dead]] = True
    prey &= position.colours() == opponent(position.to_play)
    beside = np.zeros(position.size**2 + 1, np.bool_)
    beside[:-1] = _beside(prey).ravel()
    beside &= sensible
    beside[-1] = False
    safe = beside.copy()
    atari = stones_in_atari(position, position.to_play)
    for index in np.flatnonzero(beside):
        left, taken = after(position, point_of(int(index), position.size))
        safe[index] = taken > 0 or left <= atari
    return safe if safe.any() else beside


def after(position: Position, point: int) -> tuple[int, int]:
    """Stones of the player to move that are in atari after a legal move, and stones that it takes."""
    position = position.copy()
    colour, taken = position.to_play, sum(position.captured)
    position.play(point)
    return stones_in_atari(position, colour), sum(position.captured) - taken


def stones_in_atari(position: Position, colour: int) -> int:
    """How many stones of a colour are in atari."""
    liberties = np.empty(padded_points(position.size), np.int16)
    _whole_board.liberties_map(position.state, liberties)
    own = position.colours().ravel() == colour
    return int(np.count_nonzero(own & (liberties[board_points(position.size)] == 1)))


def own_territory(position: Position) -> NDArray[np.bool_]:
    """The empty points whose region touches stones of the player to move and no others: bool[size * size]."""
    colours = position.colours()
    touched = _flooded(colours, position.to_play) & ~_flooded(colours, opponent(position.to_play))
    return touched.ravel()


def _flooded(colours: NDArray[np.uint8], colour: int) -> NDArray[np.bool_]:
    """The empty points from which stones of a colour are reached over empty points; colours: uint8[size, size]."""
    empty = colours == EMPTY
    reached = colours == colour
    while True:
        grown = reached | (_beside(reached) & empty)
        if np.array_equal(grown, reached):
            inside: NDArray[np.bool_] = reached & empty
            return inside
        reached = grown


def _beside(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The neighbours of marked points: bool[size, size]."""
    beside = np.zeros_like(marked)
    beside[1:] |= marked[:-1]
    beside[:-1] |= marked[1:]
    beside[:, 1:] |= marked[:, :-1]
    beside[:, :-1] |= marked[:, 1:]
    return beside

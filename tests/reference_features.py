"""AlphaGo's input planes the slow and obvious way: a new board for every move, a ladder read to its end."""

import numpy as np
from numpy.typing import NDArray

from tests.reference_board import Place, SlowBoard

LADDER_DEPTH = 80
"""Chasing moves after which a chain counts as escaped."""


def can_be_chased_to_death(board: SlowBoard, prey: Place, move: Place, depth: int = LADDER_DEPTH) -> bool:
    """Whether the enemy of the chain at `prey` takes it in a ladder of at most `depth` moves that starts here."""
    after = board.after(move, 3 - board.stones[prey])
    return after is not None and not any(
        gets_away_by(after, prey, answer, depth - 1) for answer in answers(after, prey)
    )


def answers(board: SlowBoard, prey: Place) -> set[Place]:
    """What may save a chain in atari: its last liberty, and taking an enemy stone beside it."""
    moves = set(board.liberties(prey))
    for stone in board.chain(prey):
        for other in board.beside(stone):
            if board.stones.get(other) == 3 - board.stones[prey] and len(board.liberties(other)) == 1:
                moves |= board.liberties(other)
    return moves


def gets_away_by(board: SlowBoard, prey: Place, move: Place, depth: int = LADDER_DEPTH) -> bool:
    """Whether the chain in atari at `prey` has three liberties after `move`, or two and no ladder takes it then."""
    after = board.after(move, board.stones[prey])
    if after is None:
        return False
    liberties = after.liberties(prey)
    if len(liberties) == 2 and depth > 0:
        return not any(can_be_chased_to_death(after, prey, chase, depth) for chase in liberties)
    return len(liberties) > 1


def one_hot(out: NDArray[np.uint8], first: int, count: int, place: Place) -> None:
    if count > 0:
        out[(first + min(count, 8) - 1, *place)] = 1


def alphago48(
    colours: NDArray[np.uint8],
    to_play: int,
    forbidden: Place | None,
    recent: list[Place | None],
    suicide: bool = False,
) -> NDArray[np.uint8]:
    """The 48 planes, uint8[48, size, size].

    forbidden: the ko point; recent: past moves, newest first; suicide: whether the rules allow that of several stones.
    """
    board = SlowBoard.of(colours, forbidden)
    out = np.zeros((48, board.size, board.size), np.uint8)
    out[3] = 1
    for place, colour in board.stones.items():
        liberties = board.liberties(place)
        out[(0 if colour == to_play else 1, *place)] = 1
        one_hot(out, 4, recent[:7].index(place) + 1 if place in recent[:7] else 8, place)
        one_hot(out, 12, len(liberties), place)
        if colour != to_play and len(liberties) == 2:
            for move in liberties:
                out[(44, *move)] |= can_be_chased_to_death(board, place, move)
        if colour == to_play and len(liberties) == 1:
            for move in answers(board, place):
                out[(45, *move)] |= gets_away_by(board, place, move)
    for place in board.empties():
        out[(2, *place)] = 1
        after = board.after(place, to_play)
        if after is None:
            joins = any(board.stones.get(other) == to_play for other in board.beside(place))
            if not (suicide and joins and place != forbidden):
                continue
        else:
            one_hot(out, 20, len(board.stones) + 1 - len(after.stones), place)
            if len(after.liberties(place)) == 1:
                one_hot(out, 28, len(after.chain(place)), place)
            one_hot(out, 36, len(after.liberties(place)), place)
        out[(46, *place)] = not board.is_eye(place, to_play)
    return out


def compact(slow: NDArray[np.uint8], forbidden: Place | None, recent: list[Place | None]) -> NDArray[np.uint8]:
    """The planes of the feature set `compact`, uint8[26, size, size], from those of `alphago48`, ko and past moves."""
    own, other = slow[0], slow[1]
    planes = [own, other, slow[2]]
    planes += [own & slow[12 + n] for n in range(3)] + [other & slow[12 + n] for n in range(3)]
    for place in [forbidden, *recent, *[None] * (8 - len(recent))]:
        planes.append(np.zeros_like(own))
        if place:
            planes[-1][place] = 1
    planes += [slow[20], slow[21:28].max(axis=0)]
    planes += [slow[36], slow[37], slow[38], slow[39:44].max(axis=0), slow[44], slow[45]]
    return np.array(planes)

"""Kernels that find the dead stones and the sekis of a finished game by random games that are a little careful."""

import numpy as np

from gozero._board import (
    BLACK,
    BORDER,
    COLOUR,
    EMPTIES,
    EMPTY,
    EMPTY_AT,
    HEAD,
    KO,
    LAST,
    LIBERTIES,
    LIBERTY,
    LIBERTY_BITS,
    NEXT,
    PASS,
    STONES,
    TO_PLAY,
    WHITE,
    WORDS,
    heads_around,
    in_atari,
    last_liberty,
    neighbour,
    play,
)
from gozero._legality import is_eye, is_legal
from gozero._life import sure_owners
from gozero._playout import swap_empties
from gozero._random import random_below
from gozero._repetition import is_first_beside
from gozero._scoring import surrounded
from gozero.jit import kernel, lean_kernel


@lean_kernel
def _is_killing_shape(state, point, colour, stones):
    """Whether the chain of at most six stones that a move makes, once taken, leaves room in which to prevent two eyes.

    These are two and three stones, a square, a T, and what they grow to around one stone: bulky and crossed five, and
    rabbity six.
    """
    degrees = 0  # neighbours in the chain, of all its stones
    most = 0  # of the stone that has most
    for direction in range(-1, 4):
        first = np.uint32(point) if direction < 0 else neighbour(state, point, direction)
        if direction >= 0 and (state[COLOUR + first * WORDS] != colour or not is_first_beside(state, point, direction)):
            continue
        stone = first
        while True:
            degree = 0
            for side in range(4):
                beside = neighbour(state, stone, side)
                degree += beside == point or state[COLOUR + beside * WORDS] == colour
            degrees += degree
            most = max(most, degree)
            if direction < 0:
                break
            stone = state[NEXT + stone * WORDS]
            if stone == first:
                break
    edges = degrees // 2
    return (
        stones <= 3
        or (stones == 4 and (most == 3 or edges == 4))
        or (stones == 5 and (most == 4 or edges == 5))
        or (stones == 6 and most == 4 and edges == 6)
    )


@lean_kernel
def endangers_chain(state, point, colour):
    """Whether a legal move takes no stone and leaves its chain, two stones or more, with one liberty or none.

    Not where the chain all but fills an eye space of the enemy, and so that taking it makes no two eyes.
    """
    pairs = np.uint32(0)  # pseudo-liberties of the chain after the move: their number and the sum of their points
    stones = np.uint32(1)
    for direction in range(4):
        beside = neighbour(state, point, direction)
        beside_colour = state[COLOUR + beside * WORDS]
        head = state[HEAD + beside * WORDS]
        if beside_colour == EMPTY:
            pairs += np.uint32(LIBERTY + beside)
        elif beside_colour == colour:
            pairs -= np.uint32(LIBERTY + point)
            if is_first_beside(state, point, direction):
                pairs += state[LIBERTIES + head * WORDS]
                stones += state[STONES + head * WORDS]
        elif beside_colour == 3 - colour and in_atari(state, head):
            return False
    count = pairs >> np.uint32(LIBERTY_BITS)
    if stones == 1 or count > 4:
        return False
    if count == 0:
        return True
    # The pairs are all at one liberty if their points' mean is one, and as many stones of the chain are beside it.
    total = pairs & np.uint32(LIBERTY - 1)
    liberty = total // count
    if liberty * count != total or liberty == point or state[COLOUR + liberty * WORDS] != EMPTY:
        return False
    a, b, c, d = heads_around(state, point)
    beside_liberty = np.uint32(0)
    ways_out = False  # whether the liberty leads to other points, or to other chains of the colour
    for direction in range(4):
        beside = neighbour(state, liberty, direction)
        head = state[HEAD + beside * WORDS]
        if beside == point:
            beside_liberty += np.uint32(1)
        elif state[COLOUR + beside * WORDS] == EMPTY:
            ways_out = True
        elif state[COLOUR + beside * WORDS] == colour:
            joins = (head == a) | (head == b) | (head == c) | (head == d)
            beside_liberty += np.uint32(joins)
            ways_out |= not joins
    return beside_liberty == count and (ways_out or stones > 6 or not _is_killing_shape(state, point, colour, stones))


@lean_kernel
def reply_to_atari(state, colour):
    """A move that takes the last stone's chain or answers its atari, PASS where there is none.

    In this order: take the chain that moved last; take a chain beside one that it put in atari; run with that one, if
    this gives it a second liberty.
    """
    last = state[LAST]
    if last == PASS:
        return np.uint32(PASS)
    if state[COLOUR + last * WORDS] == 3 - colour:
        liberty = last_liberty(state, state[HEAD + last * WORDS])
        if liberty != 0 and is_legal(state, liberty, colour):
            return liberty
    for direction in range(4):
        beside = neighbour(state, last, direction)
        if state[COLOUR + beside * WORDS] != colour:
            continue
        head = state[HEAD + beside * WORDS]
        escape = last_liberty(state, head)
        if escape == 0:
            continue
        stone = head
        while True:
            for side in range(4):
                enemy = neighbour(state, stone, side)
                if state[COLOUR + enemy * WORDS] == 3 - colour:
                    liberty = last_liberty(state, state[HEAD + enemy * WORDS])
                    if liberty != 0 and is_legal(state, liberty, colour):
                        return liberty
            stone = state[NEXT + stone * WORDS]
            if stone == head:
                break
        if is_legal(state, escape, colour) and not endangers_chain(state, escape, colour):
            return escape
    return np.uint32(PASS)


@lean_kernel
def careful_move(state, colour, rng):
    """The reply to an atari, else a random move that fills no own eye and puts no own chain in atari; else PASS.

    A lone stone may be thrown in. Without care for larger chains random games break every seki and fill big eyes.
    """
    move = reply_to_atari(state, colour)
    if move != PASS:
        return move
    left = state[EMPTIES]
    while left > 0:
        place = np.uint32(random_below(rng, left))
        point = state[EMPTY_AT + place * WORDS]
        if (
            not is_eye(state, point, colour)
            and is_legal(state, point, colour)
            and not endangers_chain(state, point, colour)
        ):
            return point
        # What may not be played goes behind the end of what is still drawn from.
        left = np.uint32(left - np.uint32(1))
        swap_empties(state, place, left)
    return np.uint32(PASS)


@lean_kernel
def careful_game(state, rng, limit):
    """Plays careful moves until both players pass or `limit` moves are played."""
    colour = np.int64(state[TO_PLAY])
    passes = 0
    moves = 0
    while passes < 2 and moves < limit:
        move = careful_move(state, colour, rng)
        play(state, move, colour)
        passes = passes + 1 if move == PASS else 0
        colour = 3 - colour
        moves += 1


@kernel
def vote(state, playouts, rng, spare, votes, neither):
    """Plays `playouts` careful games from the last board of a game, of which Black begins one half, White the other.

    votes: int64[padded points] is filled with the number of games that give the point to Black less those that give it
    to White, neither: int64[padded points] with those that give it to none.
    """
    cells = votes.shape[0]
    owners = np.empty(cells, np.int8)
    regions = np.empty(cells, np.int32)
    votes[:] = 0
    neither[:] = 0
    for game in range(playouts):
        spare[:] = state
        spare[TO_PLAY] = BLACK + game % 2
        spare[KO] = 0
        spare[LAST] = PASS
        careful_game(spare, rng, 3 * cells)
        surrounded(spare, owners, regions)
        for point in range(cells):
            colour = spare[COLOUR + point * WORDS]
            if colour == EMPTY:
                votes[point] += owners[point]
                neither[point] += owners[point] == 0
            elif colour != BORDER:
                votes[point] += 1 if colour == BLACK else -1


@kernel
def settle(state, playouts, rng, spare, dead, seki):
    """Finds the stones that are dead and those in seki on the last board of a game.

    A chain is dead if most careful games give its points to the enemy; what is alive or dead whatever the players do
    (`sure_owners`) needs no vote. A point that most games give to neither is one that would cost either player stones
    to fill: the living chains beside it are in seki.

    state: the board, left as it was. rng: uint64[1]. spare: another board of its size.
    dead, seki: uint8[padded points] are filled with 1 on such stones, 0 elsewhere.
    """
    cells = dead.shape[0]
    votes = np.empty(cells, np.int64)
    neither = np.empty(cells, np.int64)
    vote(state, playouts, rng, spare, votes, neither)
    owners = np.empty(cells, np.int8)
    sure_owners(state, owners)
    balance = np.zeros(cells, np.int64)  # votes for a chain less those against it, by its representative
    for point in range(cells):
        colour = state[COLOUR + point * WORDS]
        if colour == BLACK or colour == WHITE:
            votes_here = votes[point] if owners[point] == 0 else owners[point] * playouts
            balance[state[HEAD + point * WORDS]] += votes_here if colour == BLACK else -votes_here
    in_seki = np.zeros(cells, np.uint8)  # by representative
    for point in range(cells):
        if state[COLOUR + point * WORDS] == EMPTY and 2 * neither[point] >= playouts:
            for direction in range(4):
                in_seki[state[HEAD + neighbour(state, np.uint32(point), direction) * WORDS]] = 1
    for point in range(cells):
        colour = state[COLOUR + point * WORDS]
        head = state[HEAD + point * WORDS]
        stands = colour == BLACK or colour == WHITE
        dead[point] = stands and balance[head] < 0
        seki[point] = stands and balance[head] >= 0 and in_seki[head]

"""Kernels of games that advance together: what a policy is asked, which move it draws, and playing it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._expand import exponential, tell
from gozero import _lockstep
from gozero._board import EMPTIES, EMPTY_AT, SIMPLE_KO, SITUATIONAL_SUPERKO, SIZE, STRIDE, TO_PLAY, WORDS
from gozero._features import fill_planes
from gozero._legality import is_eye, is_legal
from gozero._lockstep import play_index
from gozero._random import random_below, random_float
from gozero._repetition import is_repetition
from gozero.jit import kernel, lean_kernel


class Boards(NamedTuple):
    """N games that are being played, each in its slot."""

    state: NDArray[np.uint32]  # [N, state], see gozero._board
    recent: NDArray[np.int32]  # [N, HISTORY] last points, newest first
    history: NDArray[np.uint64]  # [N, longest game + 1] hashes of the positions so far, see gozero._repetition
    length: NDArray[np.int64]  # [N] moves played
    codes: NDArray[np.uint16]  # [N, longest game] the moves, see gozero.record
    rng: NDArray[np.uint64]  # [N, 1] each game's own random numbers
    symmetry: NDArray[np.int64]  # [N] how the board was turned when its policy was last asked


@lean_kernel
def begin(boards, slot, size, suicide, superko, seed):
    """Puts a new game in a slot; its random numbers are a function of `seed` alone."""
    _lockstep.begin(boards, slot, size, suicide, superko)
    boards.rng[slot, 0] = seed
    boards.symmetry[slot] = 0


@lean_kernel
def sensible_moves(state, history, length, superko, passes, where, mask):
    """Fills mask, uint8[size * size + 1] by move index as the symmetry `where` shows it, with 1 for moves to draw from.

    Those are the moves that are legal by occupation, ko, suicide rule and superko, and fill no own eye
    (`gozero._legality.is_eye`). The pass is one of them where there is no other, and with `passes` always.
    """
    size = np.int64(state[SIZE])
    stride = np.int64(state[STRIDE])
    colour = np.int64(state[TO_PLAY])
    mask[:] = 0
    count = 0
    for i in range(state[EMPTIES]):
        point = state[EMPTY_AT + i * WORDS]
        if not is_legal(state, point, colour) or is_eye(state, point, colour):
            continue
        if superko == SIMPLE_KO or not is_repetition(
            state, point, colour, history, length, superko == SITUATIONAL_SUPERKO
        ):
            row = np.int64(point) // stride
            mask[where[(row - 1) * size + np.int64(point) - row * stride - 1]] = 1
            count += 1
    mask[size * size] = passes != 0 or count == 0


@lean_kernel
def ask(boards, slots, table, terms, passes, turns, told, mask):
    """Turns the boards in `slots`, int64[n], by random symmetries if `turns`, and fills what is asked beside planes.

    table: int32[8, size * size + 1], gozero.geometry.symmetry_table. terms: [N] of engine._tree.TERMS, rules and
    komi of the game in each slot. told: float32[n, G], gozero.features.GLOBALS; mask: uint8[n, size * size + 1], see
    `sensible_moves`.
    """
    for row in range(slots.shape[0]):
        slot = slots[row]
        state = boards.state[slot]
        symmetry = random_below(boards.rng[slot], 8) if turns != 0 else np.int64(0)
        boards.symmetry[slot] = symmetry
        tell(state, terms[slot], told[row])
        length = boards.length[slot] + 1
        superko = terms[slot]["superko"]
        sensible_moves(state, boards.history[slot], length, superko, passes, table[symmetry], mask[row])


@kernel
def show(boards, slots, table, feature_set, planes):
    """Fills planes, uint8[n, C*S*S], of the boards in `slots`, turned as `ask` did."""
    for row in range(slots.shape[0]):
        slot = slots[row]
        state = boards.state[slot]
        where = table[boards.symmetry[slot]]
        fill_planes(state, boards.recent[slot], np.int64(state[TO_PLAY]), feature_set, where, planes[row])


@lean_kernel
def draw(logits, mask, temperature, rng):
    """A move drawn from the softmax of logits / temperature over the moves of the mask, and the chance it had; the best
    one at temperature 0, for certain.

    logits: float32[M]; mask: uint8[M], at least one of them 1; rng: uint64[1], used once unless the temperature is 0.
    """
    best = np.int64(-1)
    for move in range(mask.shape[0]):
        if mask[move] != 0 and (best < 0 or logits[move] > logits[best]):
            best = np.int64(move)
    if temperature == 0.0:
        return best, 1.0
    scale = np.float32(1.0 / temperature)
    total = 0.0
    for move in range(mask.shape[0]):
        if mask[move] != 0:
            total += np.float64(exponential((logits[move] - logits[best]) * scale))
    left = random_float(rng) * total
    last = best
    weight = 1.0
    for move in range(mask.shape[0]):
        if mask[move] != 0:
            last = np.int64(move)
            weight = np.float64(exponential((logits[move] - logits[best]) * scale))
            left -= weight
            if left < 0.0:
                break
    return last, weight / total


@lean_kernel
def advance(boards, slots, logits, mask, temperature, table, superko, chosen, chances):
    """Draws and plays a move in each of the games in `slots`, int64[n].

    logits: float32[n, M], mask: uint8[n, M], as the symmetry of `ask` shows the board. chosen: int64[n], filled with
    the moves as that symmetry shows them. chances: float32[n], filled with the probabilities they were drawn with.
    """
    for row in range(slots.shape[0]):
        slot = slots[row]
        chosen[row], chances[row] = draw(logits[row], mask[row], temperature, boards.rng[slot])
        index = np.int64(mask.shape[1] - 1)
        if chosen[row] != index:
            where = table[boards.symmetry[slot]]
            index = np.int64(0)
            while where[index] != chosen[row]:
                index += 1
        play_index(boards, slot, index, superko)

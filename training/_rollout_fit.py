"""Kernels that learn the rollout and tree policies: counting patterns in games, and descent on the softmax."""

import numpy as np

from engine._move_features import list_features, pair_room
from engine._rollout_tables import canonical_diamond, canonical_response
from gozero._board import EMPTIES, EMPTY_AT, HEADER, LAST, PASS, TO_PLAY, WORDS, init, set_stone
from gozero._patterns import (
    CELL,
    CODE,
    DIAMOND,
    canonical,
    diamond,
    diamond_points,
    is_sensible,
    seen_by,
)
from gozero._random import mix
from gozero._tracking import play_tracked, track
from gozero.jit import kernel, lean_kernel
from training._batches import WHITE_BIT, _decode

_S32 = np.uint64(32)


@lean_kernel
def is_drawn(seed, game, ply, share):
    """Whether a position takes part: with probability `share`, a function of (seed, game, ply) alone."""
    bits = mix(mix(np.uint64(seed)) ^ mix(np.uint64(game * 65536 + ply)))
    return np.float64(bits >> _S32) < share * 4294967296.0


@lean_kernel
def set_up(moves, offset, setup, size, suicide, state, cells):
    """Puts a stored game's set-up stones on a new board and works out its patterns."""
    init(state, size, suicide)
    for i in range(setup):
        code = moves[offset + i]
        set_stone(state, _decode(code, size), 2 if code & WHITE_BIT else 1)
    track(state, cells)


@kernel
def count_games(moves, offsets, setups, lengths, suicides, games, size, seed, share, seen, responses, diamonds):
    """Counts the patterns of drawn positions of some games.

    moves: uint16[:], the store; offsets, setups, lengths, suicides: int64[all games]; games: int64[n], which of them.
    seen: int64[OCCUPIED], to which the 3x3 codes of all sensible moves are added, smallest of their symmetries.
    Filled: responses, uint64, and diamonds, uint64: one entry for each move played, the first only where it was near
    the last move; both are long enough for all moves. Returns how many entries each has.
    """
    length = (size + 1) * (size + 2) + 1
    state = np.empty(HEADER + WORDS * length, np.uint32)
    cells = np.empty(CELL * length, np.uint32)
    changed = np.empty(10 * length, np.uint32)
    taken = np.empty(length, np.uint32)
    waiting = np.empty(9 * length + 64, np.uint32)
    around = np.empty(DIAMOND, np.uint32)
    response_count = 0
    diamond_count = 0
    for g in games:
        set_up(moves, offsets[g], setups[g], size, suicides[g], state, cells)
        for ply in range(lengths[g]):
            code = moves[offsets[g] + setups[g] + ply]
            colour = 2 if code & WHITE_BIT else 1
            point = _decode(code, size)
            if point != PASS and is_drawn(seed, g, ply, share):
                for i in range(state[EMPTIES]):
                    pattern = seen_by(cells[CODE + state[EMPTY_AT + i * WORDS] * CELL], colour)
                    if is_sensible(pattern):
                        seen[pattern] += 1
                last = np.uint32(state[LAST])
                if last != PASS:
                    diamond_points(state, last, around)
                    for i in range(DIAMOND):
                        if around[i] == point:
                            responses[response_count] = canonical_response(diamond(state, cells, around, colour), i)
                            response_count += 1
                diamond_points(state, np.uint32(point), around)
                diamonds[diamond_count] = canonical_diamond(diamond(state, cells, around, colour))
                diamond_count += 1
            play_tracked(state, cells, changed, taken, waiting, point, colour)
    return response_count, diamond_count


@kernel
def fold(seen):
    """Adds the count of every 3x3 code to that of the smallest code that it turns into. seen: int64[OCCUPIED]."""
    for code in range(seen.shape[0]):
        least = canonical(np.uint32(code))
        if least != code and seen[code] > 0:
            seen[least] += seen[code]
            seen[code] = 0


@kernel
def fit_games(
    moves,
    offsets,
    setups,
    lengths,
    suicides,
    games,
    size,
    seed,
    share,
    tables,
    values,
    squares,
    rate,
    boards,
    totals,
):
    """One pass of descent on the cross-entropy of the moves played, at drawn positions of some games.

    Adagrad (Duchi, Hazan and Singer 2011): a value moves by rate * gradient / root of the sum of its squared gradients
    so far, so that rare patterns take large steps and common ones small steps. A rate of 0 only measures.

    The first arguments are as in `count_games`, tables and boards as in `engine._move_features.list_features`.
    values: float32[features] and squares: float32[features] are changed.
    totals: float64[4], to which are added: positions, their cross-entropy in nats, how often the move played had the
    greatest value (a tie counts against it), and moves that are no candidates (own eyes), which teach nothing.
    """
    length = (size + 1) * (size + 2) + 1
    state = np.empty(HEADER + WORDS * length, np.uint32)
    cells = np.empty(CELL * length, np.uint32)
    changed = np.empty(10 * length, np.uint32)
    taken = np.empty(length, np.uint32)
    waiting = np.empty(9 * length + 64, np.uint32)
    places = np.empty(length, np.int32)
    candidates = np.empty(length, np.uint32)
    pair_moves = np.empty(pair_room(length), np.int32)
    pair_features = np.empty(pair_room(length), np.int32)
    chances = np.empty(length, np.float64)
    gradient = np.zeros(values.shape[0], np.float32)
    for g in games:
        set_up(moves, offsets[g], setups[g], size, suicides[g], state, cells)
        taken_count = 0
        for ply in range(lengths[g]):
            code = moves[offsets[g] + setups[g] + ply]
            colour = 2 if code & WHITE_BIT else 1
            point = _decode(code, size)
            if point != PASS and is_drawn(seed, g, ply, share):
                state[TO_PLAY] = colour
                count, pairs = list_features(
                    state,
                    cells,
                    tables,
                    taken,
                    taken_count,
                    boards,
                    places,
                    candidates,
                    pair_moves,
                    pair_features,
                )
                played = places[point]
                if played < 0:
                    totals[3] += 1.0
                else:
                    totals[0] += 1.0
                    for i in range(count):
                        chances[i] = 0.0
                    for i in range(pairs):
                        chances[pair_moves[i]] += np.float64(values[pair_features[i]])
                    greatest = -np.inf
                    first = 1.0
                    for i in range(count):
                        greatest = max(greatest, chances[i])
                        if i != played and chances[i] >= chances[played]:
                            first = 0.0
                    totals[2] += first
                    total = 0.0
                    for i in range(count):
                        chances[i] = np.exp(chances[i] - greatest)
                        total += chances[i]
                    totals[1] -= np.log(chances[played] / total)
                    if rate > 0.0:
                        for i in range(count):
                            chances[i] /= total
                        chances[played] -= 1.0
                        for i in range(pairs):
                            gradient[pair_features[i]] += np.float32(chances[pair_moves[i]])
                        for i in range(pairs):
                            feature = pair_features[i]
                            step = gradient[feature]
                            if step != 0.0:
                                gradient[feature] = 0.0
                                squares[feature] += step * step
                                values[feature] -= np.float32(rate * step / np.sqrt(squares[feature]))
            _, taken_count = play_tracked(state, cells, changed, taken, waiting, point, colour)


@kernel
def stand_at(moves, offset, setup, ply, size, suicide, state, cells, taken):
    """Replays a stored game up to `ply`; returns how many stones the last move took.

    Filled: state and cells, the board and its patterns; taken, uint32[P], the points of those stones.
    """
    length = taken.shape[0]
    changed = np.empty(10 * length, np.uint32)
    waiting = np.empty(9 * length + 64, np.uint32)
    set_up(moves, offset, setup, size, suicide, state, cells)
    taken_count = 0
    for i in range(ply):
        code = moves[offset + setup + i]
        colour = 2 if code & WHITE_BIT else 1
        _, taken_count = play_tracked(state, cells, changed, taken, waiting, _decode(code, size), colour)
    state[TO_PLAY] = 2 if moves[offset + setup + ply] & WHITE_BIT else 1
    return taken_count

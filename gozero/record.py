"""Game records: what is known of one game, its key and its split, and whether it can be replayed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gozero import coords, geometry
from gozero.rules import RULES, Rules

WHITE_BIT: Final = 0x8000
"""Set in the code of a white stone or move; the other bits are the move index."""
MAX_CODES: Final = 0xFFFF
"""How many moves, and how many set-up stones, a game may have at most."""

RULE_NAMES: Final = ("", "tromp-taylor", "chinese", "japanese", "aga", "new-zealand")
"""Names of rule sets by their code in a store; code 0 is unknown."""
ENDINGS: Final = ("unknown", "resign", "counted", "time", "forfeit")
"""How a game ended, by its code in a store."""
SPLITS: Final = ("train", "validation", "test")
"""Names of the numbers that `split_of` gives."""


@dataclass(frozen=True, eq=False)
class GameRecord:
    """One game: a position set up (usually the empty board) and the moves from there.

    A *code* is a move index (row * size + column, pass = size * size), plus `WHITE_BIT` for White.
    """

    size: int
    moves: NDArray[np.uint16]  # uint16[n] codes; colours alternate in every record of a store
    setup: NDArray[np.uint16] = field(default_factory=lambda: np.zeros(0, np.uint16))  # uint16[m] codes, no passes
    first_player: int = coords.BLACK
    komi: float | None = None  # points for White
    rules: str | None = None  # one of RULE_NAMES
    winner: int | None = None  # BLACK, WHITE, 0 for a draw, None where unknown
    margin: float | None = None  # points the winner was ahead, where the game was counted
    ending: str = "unknown"  # one of ENDINGS
    black_rank: str | None = None  # such as 5k, 9d, 9p
    white_rank: str | None = None
    handicap: int = 0  # black set-up stones given as a handicap
    year: int | None = None
    source: str = ""  # the archive or folder that the record came from

    @property
    def key(self) -> int:
        """A 64-bit hash of size, set-up and moves, the same for all eight reflections and rotations of the game."""
        return game_key(self.size, self.setup, self.moves)


def code_of(colour: int, index: int) -> int:
    """The code of a move or a set-up stone, from its colour and its move index."""
    return index | WHITE_BIT if colour == coords.WHITE else index


def decode(code: int) -> tuple[int, int]:
    """The colour and the move index of a code."""
    return (coords.WHITE if code & WHITE_BIT else coords.BLACK), code & ~WHITE_BIT


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finaliser (Steele, Lea and Flood 2014) on uint64 of any shape."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def game_key(size: int, setup: NDArray[np.uint16], moves: NDArray[np.uint16]) -> int:
    """The hash described at `GameRecord.key`; the order of the set-up stones does not matter.

    Splits are made from it, so it must never change.
    """
    return int(game_keys(size, np.concatenate([setup, moves]), np.array([setup.size]), np.array([moves.size]))[0])


def game_keys(
    size: int, codes: NDArray[np.uint16], setups: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """`game_key` of n games on boards of one size: uint64[n].

    codes: uint16[all of them], for each game its set-up stones, then its moves. setups, lengths: int64[n], how many
    of each.
    """
    table = geometry.symmetry_table(size).astype(np.uint64)
    ends = np.cumsum(setups + lengths)
    ply = np.arange(codes.size) - np.repeat(ends - lengths, setups + lengths)  # from 0; set-up stones are below
    # uint64[8, codes]: every code under each symmetry, doubled to make room for its colour, from 1.
    turned = table[:, codes & ~np.uint16(WHITE_BIT)] * np.uint64(2) + (codes >> np.uint16(15)) + np.uint64(1)
    is_setup = ply < 0
    of_setup = _sums(_mix(turned[:, is_setup] * _GOLDEN), setups)
    of_moves = _sums(turned[:, ~is_setup] * _mix((ply[~is_setup] + 1).astype(np.uint64) * _GOLDEN), lengths)
    of_size = _mix(np.array([size], np.uint64) * _GOLDEN) + _mix(lengths.astype(np.uint64) * _GOLDEN)
    keys: NDArray[np.uint64] = _mix(of_moves ^ _mix(of_setup + of_size)).min(axis=0)
    return keys


def _sums(values: NDArray[np.uint64], counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """uint64[8, n], modulo 2^64: the sums of n neighbouring parts of `values` [8, all], of which some may be empty."""
    running = np.zeros((len(values), values.shape[1] + 1), np.uint64)
    np.cumsum(values, axis=1, out=running[:, 1:])
    ends = np.cumsum(counts)
    return running[:, ends] - running[:, ends - counts]


def split_of(keys: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Which split each game belongs to: uint8[n], 0 train, 1 validation (1 %), 2 test (1 %).

    It depends on the game's key alone: the same game falls into the same split in every store.
    """
    share = _mix(np.asarray(keys, np.uint64) ^ np.uint64(0x5EED0F5911751234)) % np.uint64(100)
    return np.where(share == 0, 1, np.where(share == 1, 2, 0)).astype(np.uint8)


def draw_order(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A random number for each game: uint64[n]. The games with the smallest are a fair draw, the same in every store.

    It is independent of the split that a game belongs to.
    """
    return _mix(np.asarray(keys, np.uint64) ^ np.uint64(0xD2A30F5172651A09))


def rules_of_code(code: int) -> Rules:
    """The rule set behind a store's rules code; Chinese rules stand in for unknown ones."""
    name = RULE_NAMES[code] if 0 < code < len(RULE_NAMES) else "chinese"
    return RULES[name]


_RANK: Final = re.compile(r"(\d{1,2})([kdp])")


def rank_code(rank: str | None) -> int:
    """The rank as one ordered number: 30k..1k -> -30..-1, 1d..10d -> 1..10, 1p..10p -> 11..20, unknown -> 0."""
    match = _RANK.fullmatch(rank or "")
    if not match:
        return 0
    number, kind = int(match[1]), match[2]
    if not 1 <= number <= (30 if kind == "k" else 10):
        return 0
    return {"k": -number, "d": number, "p": 10 + number}[kind]


def rank_text(code: int) -> str | None:
    """The inverse of `rank_code`."""
    if code == 0:
        return None
    if code < 0:
        return f"{-code}k"
    return f"{code}d" if code <= 10 else f"{code - 10}p"


def fault(record: GameRecord) -> tuple[str, str] | None:
    """Why the record is no game for a store: (short reason, detail), or None where it is one.

    Checked are the moves (see `illegal`) and that colours alternate.
    """
    if problem := illegal(record):
        return problem
    white = record.moves >> np.uint16(15)
    repeated = np.flatnonzero(white[1:] == white[:-1])
    if repeated.size:
        return "colours out of turn", f"move {int(repeated[0]) + 2} is by the same player as the one before"
    return None


def illegal(record: GameRecord) -> tuple[str, str] | None:
    """Why the record cannot be replayed: (short reason, detail), or None where it can.

    Checked: stones on empty points of the board, set-up chains with liberties, simple ko, suicide by the record's
    rules. Repetition beyond simple ko is not: superko breaks happen in real games.
    """
    from gozero import _board, _record  # numba is not needed to read a store

    codes = np.concatenate([record.setup, record.moves])
    suicide = rules_of_code(RULE_NAMES.index(record.rules or "")).suicide
    state = np.empty(_board.state_length(record.size), np.uint32)
    kind, place = _record.replay(state, record.size, suicide, codes, record.setup.size)
    if kind == _record.LEGAL:
        return None
    colour, index = decode(int(codes[place]))
    on_board = kind != _record.OFF_BOARD
    vertex = coords.format_vertex(coords.point_of(index, record.size), record.size) if on_board else f"index {index}"
    what = {
        _record.OCCUPIED: "the point is occupied",
        _record.KO: "it takes back a ko at once",
        _record.SUICIDE: "it is suicide",
        _record.NO_LIBERTY: "the stone is set up without a liberty",
        _record.OFF_BOARD: f"that is no point of {record.size}x{record.size}",
    }[kind]
    if place < record.setup.size:
        return "illegal set-up", f"{coords.colour_name(colour)} {vertex}: {what}"
    return "illegal move", f"move {place - record.setup.size + 1}, {coords.colour_name(colour)} {vertex}: {what}"

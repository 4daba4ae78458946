"""Many games with search at once: their memory, and what a network is asked about all of them."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine._expand import LeafBatch
from engine._select import MAX_DEPTH
from engine._tree import NODE, TERMS
from engine.evaluator import AnyEvaluator
from engine.flight import evaluate, new_batch
from engine.root import move_tables
from gozero import _board, _whole_board, features
from gozero._features import HISTORY
from gozero.geometry import SYMMETRIES, symmetry_table
from gozero.rules import parse_rules
from gozero.searches import GameSearches
from selfplay import _forest
from selfplay._forest import ForestArrays, Scratch
from selfplay._game import Boards
from selfplay.area_games import komi_of
from selfplay.searched_settings import SearchedSettings

_BY_NAME: Final = ("c_puct", "c_puct_growth", "c_puct_base", "fpu_reduction")
"""Terms of the search that settings name alike."""


class Standing(NamedTuple):
    """How a game stands, see `selfplay._forest.PLAY`."""

    moves: NDArray[np.uint16]  # codes, see gozero.record
    passes: int  # at the end, one after the other
    to_play: int
    komi: float  # of this game
    lead: float  # of Black, in points by area, komi counted
    resigned: bool
    gave_up: int
    lowest: tuple[float, float]
    opened: int
    evaluations: int


class Forest:
    """Room for a number of games, each in a slot with a tree of its own.

    The slots that are in play go round and round: `grow` takes each to its next leaf, `ask` asks the network about
    all of them in one call.

    Attributes:
        arrays: what the kernels work on.
    """

    def __init__(self, settings: SearchedSettings, slots: int) -> None:
        rules = parse_rules(settings.rules)
        size, most = settings.size, settings.most_moves
        moves = size * size + 1
        visits = max(settings.visits, settings.quick_visits)
        # Drawn moves have nodes at once; each is visited, and then every visit makes one node and lists its moves.
        nodes, edges = visits + 1, (visits + 1) * moves
        drawn = min(settings.gumbel_moves, moves)
        self._settings, self._size, self._superko, self._suicide = settings, size, rules.superko_code, rules.suicide
        self._table = symmetry_table(size)
        self._points, self._indices = move_tables(size)
        self._plan = np.zeros(1, _forest.PLAN)
        for name in _forest.PLAN.names or ():
            if hasattr(settings, name):
                self._plan[name] = getattr(settings, name)
        self._plan["gumbel"] = settings.root == "gumbel"
        self._plan["longest"] = most
        terms = np.zeros(slots, TERMS)
        for name in _BY_NAME:
            terms[name] = getattr(settings, name)
        terms["prior_temperature"] = 1.0
        terms["superko"], terms["suicide"] = rules.superko_code, rules.suicide
        terms["komi_scale"] = features.KOMI_SCALE
        self.arrays = ForestArrays(
            boards=Boards(
                state=np.zeros((slots, _board.state_length(size)), np.uint32),
                recent=np.zeros((slots, HISTORY), np.int32),
                history=np.zeros((slots, most + 2 + min(nodes, MAX_DEPTH)), np.uint64),
                length=np.zeros(slots, np.int64),
                codes=np.zeros((slots, most), np.uint16),
                rng=np.zeros((slots, 1), np.uint64),
                symmetry=np.zeros(slots, np.int64),
            ),
            plays=np.zeros(slots, _forest.PLAY),
            terms=terms,
            nodes=np.empty((slots, nodes), NODE),
            move=np.empty((slots, edges), np.int16),
            prior=np.empty((slots, edges), np.float32),
            child=np.empty((slots, edges), np.int32),
            used=np.zeros((slots, 2), np.int64),
            edge=np.zeros((slots, drawn), np.int32),
            score=np.zeros((slots, drawn), np.float64),
            target=np.zeros((slots, drawn), np.int32),
            halving=np.zeros((slots, 4), np.int32),
            noted=np.zeros((slots, most), _forest.NOTED),
            # The system hands out memory as it is written to, and policies seldom have shares of all moves.
            noted_moves=np.empty((slots, most * moves), np.uint16),
            noted_shares=np.empty((slots, most * moves), np.float32),
        )
        self._scratch = Scratch(
            shares=np.empty(moves, np.float64),
            origin=np.empty(nodes, np.int32),
            nodes=np.empty(nodes, NODE),
            move=np.empty(edges, np.int16),
            prior=np.empty(edges, np.float32),
            child=np.empty(edges, np.int32),
            used=np.zeros(2, np.int64),
        )
        self._batch: LeafBatch = new_batch(size, slots)
        self._rows = np.zeros(slots, np.int64)  # the slot of each leaf of the batch
        self._filled = 0

    @property
    def leaves(self) -> int:
        """How many leaves wait for the network."""
        return self._filled

    @property
    def waiting(self) -> NDArray[np.int64]:
        """The slots whose leaves wait for the network, int64[leaves], as they came."""
        return self._rows[: self._filled].copy()

    def begin(self, slot: int, seed: int) -> None:
        """Puts a new game in a slot; its random numbers and its komi are a function of `seed`, 64 bits, alone."""
        arrays = self.arrays
        arrays.terms["komi"][slot] = arrays.terms["white_points"][slot] = komi_of(self._settings, seed)
        _forest.begin_game(arrays, slot, self._size, self._suicide, self._superko, np.uint64(seed), self._plan)

    def grow(self, slots: NDArray[np.int64], turning: bool) -> NDArray[np.int64]:
        """Takes each of the games in `slots`, int64[n], to its next leaf, playing the moves whose search is over.

        Returns:
            int64[k], the slots whose games are over.
        """
        over = np.empty(len(slots), np.int64)
        self.arrays.terms["symmetries"] = SYMMETRIES if turning else 1
        self._filled, ended = _forest.next_leaves(
            self.arrays,
            slots,
            self._plan,
            self._points,
            self._indices,
            self._scratch,
            self._batch,
            self._rows,
            self._filled,
            over,
        )
        return over[:ended]

    def ask(self, evaluator: AnyEvaluator) -> None:
        """Asks about all leaves that wait, in one call, and backs up the answers.

        Raises:
            EvaluatorError: the evaluator answered what is no number.
        """
        answer = evaluate(evaluator, self._batch, self._filled)
        _forest.apply_leaves(
            self.arrays, self._rows, self._batch, self._filled, answer.policy_logits, answer.value, self._table
        )
        self._filled = 0

    def turns(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Who moves in the games in `slots`, colours int64[n]; and whether it is a drawn move, bool[n]."""
        boards = self.arrays.boards
        colours = boards.state[slots, _board.TO_PLAY].astype(np.int64)
        return colours, boards.length[slots] < self.arrays.plays["opened"][slots]

    def standing(self, slot: int) -> Standing:
        """How the game in a slot stands."""
        arrays, play = self.arrays, self.arrays.plays[slot]
        state = arrays.boards.state[slot]
        black, white = _whole_board.area(state)
        komi = float(arrays.terms["komi"][slot])
        return Standing(
            moves=arrays.boards.codes[slot, : arrays.boards.length[slot]].copy(),
            passes=int(state[_board.PASSES]),
            to_play=int(state[_board.TO_PLAY]),
            komi=komi,
            lead=float(black) - float(white) - komi,
            resigned=bool(play["resigned"]),
            gave_up=int(play["gave_up"]),
            lowest=(float(play["lowest_black"]), float(play["lowest_white"])),
            opened=min(int(play["opened"]), int(arrays.boards.length[slot])),
            evaluations=int(play["evaluations"]),
        )

    def searches(self, slot: int) -> GameSearches:
        """The full searches of the game in a slot."""
        arrays, play = self.arrays, self.arrays.plays[slot]
        noted, shares = arrays.noted[slot, : play["searches"]], int(play["shares"])
        return GameSearches(
            plies=noted["ply"].copy(),
            values=noted["value"].copy(),
            counts=noted["count"].copy(),
            moves=arrays.noted_moves[slot, :shares].copy(),
            shares=arrays.noted_shares[slot, :shares].copy(),
        )

"""Compiles every kernel that the shipped players need, by using each of them once.

numba compiles a kernel for the argument types of its first call, and keeps the result on disk (`gozero.jit`). The steps
here go through the public modules, so that the types are those of real games.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from engine import network_file, rollout_file
from engine.compact_evaluator import CompactEvaluator
from engine.evaluator import EvaluatorError, UniformEvaluator
from engine.flight import evaluate, new_batch
from engine.network_file import NetworkFileError
from engine.player import Player
from engine.player_file import NO_NETWORK, load_player
from engine.rollout import load_rollouts
from engine.root import root_of
from engine.search import Limits, Search, SearchConfig
from gozero import features, jit, life, record, scoring, sgf
from gozero.cores import usable_cores
from gozero.handicap import free_handicap
from gozero.illegal_move import IllegalMove
from gozero.position import Position

SIZE: Final = 5
VISITS: Final = 64

# Black may take the ko at C4.
_KO: Final = """
. X O . .
X O . O .
. X O . .
. . . . .
. . . . .
"""


class _BlankNetwork(UniformEvaluator):
    """Asks for input planes as a network does."""

    def __init__(self, feature_set: str) -> None:
        self.feature_set = feature_set


def _board() -> None:
    for rules in ("japanese", "chinese", "aga"):  # simple ko, positional and situational superko
        position = Position.from_ascii(_KO, rules=rules)
        position.play("C4")
        try:
            position.play("B4")
        except IllegalMove as error:
            str(error)
        position.legal("E1")
        position.legal_vertices()
        position.play("pass")
        position.undo()
        position.score()
        settlement = life.settle(position, games=1)
        scoring.final_score(position, settlement.dead, settlement.seki)
        life.pass_alive(position)
    position = Position(SIZE)
    position.place_handicap(free_handicap(SIZE, 3))


def _features() -> None:
    for name in features.FEATURE_SETS:
        features.planes(Position.from_ascii(_KO), name)


def _networks() -> None:
    for path in network_file.shipped():
        with contextlib.suppress(EvaluatorError, NetworkFileError):  # there are no kernels or no weights for it
            evaluator = CompactEvaluator(path)
            planes = np.zeros((1, features.plane_count(evaluator.feature_set), SIZE, SIZE), np.uint8)
            evaluator.evaluate(planes, np.zeros((1, len(features.GLOBALS)), np.float32))
            root, leaves = root_of(Position(SIZE), SearchConfig(), turns=False), new_batch(SIZE, 1)
            leaves.boards[0], leaves.recent[0] = root.state, root.recent
            leaves.symmetry[0], leaves.global_values[0] = 0, 0
            evaluate(evaluator, leaves, 1)


def _records() -> None:
    for game in sgf.parse(b"(;SZ[5]AB[aa];W[bb];B[cc])"):
        record.fault(game)


def _search() -> None:
    for name in features.FEATURE_SETS:
        player = Player(Search(_BlankNetwork(name), SearchConfig(memory_mib=16)), seed=0)
        position = Position(SIZE)
        for _ in range(2):  # the second search keeps a part of the first one's tree
            position.play(player.choose(position, Limits(visits=VISITS)).point)
        asked = iter((False, True))
        player.search.run(position, Limits(), stop=asked.__next__)  # leaves in flight are given up
        player.close()
    search = Search(_BlankNetwork("compact"), SearchConfig(gumbel_moves=4, memory_mib=16))
    search.run(Position(SIZE), Limits(visits=VISITS))
    search.close()


def _rollouts() -> None:
    player = load_player(size=SIZE, network=NO_NETWORK, visits=VISITS, threads=1, seed=0)
    player.choose(Position(SIZE))
    player.close()
    rollouts_first = SearchConfig(rollout_share=0.5, placeholder_priors=True, memory_mib=16)
    search = Search(_BlankNetwork("compact"), rollouts_first, rollouts=load_rollouts(rollout_file.AUTO, SIZE))
    search.run(Position(SIZE), Limits(visits=VISITS))
    search.close()


STEPS: Final[dict[str, Callable[[], None]]] = {
    "board": _board,
    "features": _features,
    "networks": _networks,
    "records": _records,
    "rollouts": _rollouts,
    "search": _search,
}
LONGEST: Final = "rollouts"
"""The step that takes about as long as all the others."""


def is_warm() -> bool:
    """Whether `warm` has run through for these sources on this machine."""
    return _mark().is_file()


@cache
def _notice() -> list[str]:
    """What is left to be said by `first_start_notice`."""
    folder = jit.cache_directory()
    # The search's kernels: those of the board alone are compiled in seconds, and some of them before anybody asks.
    if is_warm() or next(folder.glob("engine_*/*.nbc"), None) is not None:
        return []
    return [
        "this is the first start on this machine: compiling takes a minute or two, once "
        "(gozero doctor --warm does it beforehand)"
    ]


def first_start_notice() -> str | None:
    """What to tell a person who is about to wait for kernels: once a process, and only where none are kept yet."""
    return _notice().pop() if _notice() else None


def warm(on_step: Callable[[str, float], None]) -> None:
    """Compile what is not compiled yet: a minute, once. `on_step` is told each finished step's name and seconds.

    numba compiles on one core, so the longest step is compiled beside the others by a second process. It fills the
    same cache, from which the step here then takes what it needs, or compiles it where that process failed.
    """
    helper = None
    if not is_warm() and usable_cores() > 1:
        helper = multiprocessing.get_context("spawn").Process(target=_compile_beside, args=(LONGEST,), daemon=True)
        helper.start()
    for name in sorted(STEPS, key=LONGEST.__eq__):  # it comes last
        start = time.monotonic()
        if name == LONGEST and helper is not None:
            helper.join()
        STEPS[name]()
        on_step(name, time.monotonic() - start)
    _mark().touch()


def _compile_beside(name: str) -> None:
    """Runs in a process of its own, whose parent hears of Ctrl-C and ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    STEPS[name]()


def _mark() -> Path:
    """An empty file in the cache that says that all kernels are there."""
    return jit.cache_directory() / "warm"

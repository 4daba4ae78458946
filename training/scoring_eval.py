"""`gozero eval scoring`: how often our count of a finished game agrees with the result in its record."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from gozero import coords, life
from gozero.amounts import komi_text
from gozero.coords import BLACK, WHITE
from gozero.illegal_move import IllegalMove
from gozero.position import Position
from gozero.record import ENDINGS, WHITE_BIT, GameRecord, decode
from gozero.scoring import final_score
from gozero.store import Store
from selfplay.elo import wilson_interval
from training.eval_games import read_games, reporting

EPILOG: Final = """\
Counted are games whose record gives a margin or a draw, or that end in two passes. What is dead or in seki is estimated
(see `gozero.life.settle`); rules, komi and handicap are the record's. A game whose record names no rules is counted
twice, by territory and by area: its row names the komi. Games without komi are left out.

examples:
  gozero eval scoring --games games.store --sample 2000
  gozero eval scoring --games my-games/ --size 9 --json"""

CANDIDATE_RULES: Final = ("japanese", "chinese")
"""Which rules a game is counted by whose record names none."""
OFF_BY_SHOWN: Final = 12
_TELL_EVERY: Final = 100


class Kind(NamedTuple):
    """What the games of one row of the table have in common."""

    source: str
    rules: str
    """By which our count is made."""
    komi: float | None
    """None where the records name these rules; they do not where this is a number, the komi of all of them."""
    handicap: bool


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """One row: games of one kind, and how our count compares with their records."""

    source: str
    rules: str
    komi: float | None
    handicap: bool
    games: int
    winner: float
    """Share of the games in which the same player wins, or in which both call it a draw."""
    winner_ci95: tuple[float, float]
    margins: int
    """Games whose record gives a margin."""
    exact: float | None
    """Share of those in which our margin is the same; None where there are none."""
    exact_ci95: tuple[float, float] | None
    within_one: float | None
    """Share of those in which it is off by one point at most."""
    off_by: dict[str, int]
    """Our score minus the record's, in Black's view, of the games with a margin: the most frequent differences."""


class ScoringResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `gozero eval scoring --json` prints."""

    board_size: int
    playouts: int
    """Random games for each estimate of what is dead."""
    rows: list[Agreement]
    left_out: dict[str, int]
    """Games that cannot be compared, by reason."""


class Comparison(NamedTuple):
    """One game. Scores are Black's points minus White's, komi and handicap included."""

    kind: Kind
    winner: int
    """By the record: BLACK, WHITE or 0 for a draw."""
    recorded: float | None
    """The record's score; None where it does not give the margin."""
    counted: float
    """Ours."""

    @property
    def same_winner(self) -> bool:
        """Whether the record and our count have the same winner, or call it a draw."""
        return self.winner == (0 if self.counted == 0 else BLACK if self.counted > 0 else WHITE)


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero eval scoring`."""
    parser = argparse.ArgumentParser(
        prog="gozero eval scoring",
        description="How often our count of a finished game agrees with the result in its record.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--games", nargs="+", required=True, metavar="PATH", help="a packed store, or SGF files, folders or archives")
    add("--source", action="append", default=[], metavar="TEXT", help="only games whose source contains TEXT")
    add("--size", type=int, default=19, help="board size (default: %(default)s)")
    add("--sample", type=int, metavar="N", help="at most so many games of a kind, drawn by --seed (default: all)")
    add("--playouts", type=int, default=life.GAMES, metavar="N", help="random games a position (default: %(default)s)")
    add("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    add("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    for name in ("sample", "playouts"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, not {getattr(options, name)}")
    with read_games(options.games, options.size) as (store, _), reporting("counting", "games") as tell:
        result = evaluate_scoring(
            store,
            size=options.size,
            sources=tuple(options.source),
            sample=options.sample,
            playouts=options.playouts,
            seed=options.seed,
            on_progress=tell,
        )
    if options.json:
        print(msgspec.json.encode(result).decode())
    else:
        _print_table(result)
    return 0


def evaluate_scoring(
    store: Store,
    *,
    size: int,
    sources: tuple[str, ...] = (),
    sample: int | None = None,
    playouts: int = life.GAMES,
    seed: int = 0,
    on_progress: Callable[[int, int], Any] | None = None,
) -> ScoringResult:
    """Counts the finished games of `store`, at most `sample` of a kind, and compares with their records.

    `on_progress` hears how many games are done, of how many. Raises ValueError when there is no such game.
    """
    chosen, left_out = choose_games(store, size=size, sources=sources, sample=sample, seed=seed)
    if not chosen:
        what = f" from {', '.join(sources)}" if sources else ""
        raise ValueError(f"no {size}x{size} game{what} ended by counting, with a komi: nothing to compare")
    games: dict[Kind, list[Comparison]] = {}
    for done, row in enumerate(chosen, start=1):
        record = store.record(row)
        try:
            for comparison in compare(record, playouts):
                games.setdefault(comparison.kind, []).append(comparison)
        except IllegalMove as error:
            left_out[f"illegal move ({error.reason})"] += 1
        if on_progress is not None and (done % _TELL_EVERY == 0 or done == len(chosen)):
            on_progress(done, len(chosen))
    rows = [_agreement(kind, games[kind]) for kind in sorted(games, key=str)]
    return ScoringResult(board_size=size, playouts=playouts, rows=rows, left_out=dict(left_out))


def choose_games(
    store: Store, *, size: int, sources: tuple[str, ...] = (), sample: int | None = None, seed: int = 0
) -> tuple[list[int], Counter[str]]:
    """The rows of the games to count, ascending, and the number of other finished games, by why they are left out."""
    games = store.games
    finished = (games["size"] == size) & store.from_sources(sources) & _ended_by_counting(store)
    left_out: Counter[str] = Counter()
    komi_known = ~np.isnan(games["komi"])
    if unknown := int(np.count_nonzero(finished & ~komi_known)):
        left_out["no komi"] = unknown
    rows_by_kind: dict[tuple[Kind, ...], list[int]] = {}
    for row in np.flatnonzero(finished & komi_known).tolist():
        rows_by_kind.setdefault(kinds_of(store.record(row)), []).append(row)
    chosen: list[int] = []
    for _, rows in sorted(rows_by_kind.items(), key=str):
        if sample is not None and sample < len(rows):
            rows = np.random.default_rng(seed).choice(rows, sample, replace=False).tolist()
        chosen += rows
    return sorted(chosen), left_out


def kinds_of(record: GameRecord) -> tuple[Kind, ...]:
    """The kind of a game, two where it is counted twice."""
    handicap = record.handicap >= 2
    if record.rules is not None:
        return (Kind(record.source, record.rules, None, handicap),)
    return tuple(Kind(record.source, rules, record.komi, handicap) for rules in CANDIDATE_RULES)


def compare(record: GameRecord, playouts: int = life.GAMES) -> list[Comparison]:
    """Our count of a finished game beside its record's, by the record's rules or by each candidate.

    Raises:
        IllegalMove: the rules forbid one of the moves.
    """
    assert record.winner is not None
    settlement = None
    comparisons = []
    for kind in kinds_of(record):
        position = final_position(record, kind.rules)
        settlement = settlement or life.settle(position, playouts)
        score = final_score(position, settlement.dead, settlement.seki)
        comparisons.append(Comparison(kind, record.winner, _recorded_score(record), score))
    return comparisons


def final_position(record: GameRecord, rules: str) -> Position:
    """The last position of a game, with its komi and handicap.

    Raises:
        IllegalMove: the rules forbid one of the moves.
    """
    position = Position(record.size, 0.0 if record.komi is None else record.komi, rules)
    stones, moves = (
        [(colour, coords.point_of(index, record.size)) for colour, index in map(decode, codes.tolist())]
        for codes in (record.setup, record.moves)
    )
    if stones and record.first_player == WHITE and all(colour == BLACK for colour, _ in stones):
        position.place_handicap(point for _, point in stones)
    else:
        for colour, point in stones:
            position.add_stone(point, colour)
        position.to_play = record.first_player
    for colour, point in moves:
        position.play(point, colour)
    return position


def _ended_by_counting(store: Store) -> NDArray[np.bool_]:
    """bool[games]: whether a game has a margin, is a draw, or has a winner (not by resignation) and two passes."""
    games = store.games
    ending = games["ending"]
    counted = (ending == ENDINGS.index("counted")) & ((games["winner"] == 0) | ~np.isnan(games["margin"]))
    length = games["length"].astype(np.int64)
    last = games["offset"].astype(np.int64) + games["setup"] + length - 1
    area = games["size"].astype(np.int64) ** 2
    passed = length >= 2
    for back in (0, 1):
        passed[passed] &= (store.moves[last[passed] - back] & ~np.uint16(WHITE_BIT)) == area[passed]
    plain = np.isin(ending, [ENDINGS.index("counted"), ENDINGS.index("unknown")])
    settled: NDArray[np.bool_] = counted | (passed & plain & (games["winner"] >= 0))
    return settled


def _recorded_score(record: GameRecord) -> float | None:
    if record.winner == 0:
        return 0.0
    if record.margin is None:
        return None
    return record.margin if record.winner == BLACK else -record.margin


def _agreement(kind: Kind, games: Sequence[Comparison]) -> Agreement:
    same = sum(game.same_winner for game in games)
    differences = [game.counted - game.recorded for game in games if game.recorded is not None]
    exact = sum(difference == 0 for difference in differences)
    count = len(differences)
    return Agreement(
        **kind._asdict(),
        games=len(games),
        winner=same / len(games),
        winner_ci95=wilson_interval(same, len(games)),
        margins=count,
        exact=exact / count if count else None,
        exact_ci95=wilson_interval(exact, count) if count else None,
        within_one=sum(abs(difference) <= 1 for difference in differences) / count if count else None,
        off_by={f"{value:+g}": times for value, times in Counter(differences).most_common(OFF_BY_SHOWN)},
    )


def _print_table(result: ScoringResult) -> None:
    table = Table(box=None)
    for name in ("games from", "rules", "games", "same winner", "with margin", "same margin", "within a point"):
        table.add_column(name, justify="left" if name in ("games from", "rules") else "right")
    for row in result.rows:
        rules = row.rules if row.komi is None else f"none named, komi {komi_text(row.komi)}; {row.rules}"
        rules += ", handicap" if row.handicap else ""
        exact = "" if row.exact is None else f"{row.exact:.1%}"
        near = "" if row.within_one is None else f"{row.within_one:.1%}"
        table.add_row(row.source, rules, f"{row.games:,}", f"{row.winner:.1%}", f"{row.margins:,}", exact, near)
    Console().print(table, highlight=False)
    for reason, count in sorted(result.left_out.items()):
        print(f"left out: {count:,} games, {reason}")

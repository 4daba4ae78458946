"""What the engine says of a game, position by position, and how the record says it.

Sabaki draws SBKV (the chance that Black wins, in per cent) and SBKS (the points by which Black leads) as curves;
comments, variations and the marks for doubtful and bad moves (FF[4]) can be read by any program.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from gozero import coords, sgf_position
from gozero.coords import BLACK, opponent
from gozero.sgf_text import SgfError, escape
from gozero.sgf_tree import SgfNode, SgfTree
from gtp.analysis import lead_of, win_rate

if TYPE_CHECKING:
    from engine.result import SearchResult
    from gozero.position import Position

DOUBTFUL: Final = 0.05
"""A move that loses so much of its player's win rate is shown with a better one."""
BAD: Final = 0.10
VERY_BAD: Final = 0.25

SHOWN_LINES: Final = 3
SHOWN_MOVES: Final = 6
"""Moves of a line in a comment."""
VARIATION_MOVES: Final = 10

_MARKS: Final = ("BM", "DO", "IT", "TE")
"""FF[4]'s judgements of a move, of which a node has one at most."""


class Line(NamedTuple):
    """A continuation that the search liked."""

    points: tuple[int, ...]
    black_wins: float
    """The chance that Black wins after it."""


@dataclass(frozen=True)
class Place:
    """A position of the main line, in which something was played or set up."""

    node: SgfNode
    before: SgfNode | None
    """The node that this one follows."""
    position: Position
    move: tuple[int, int] | None
    """(colour, point) of the move in this node; None where it has none, or it was a handicap stone."""

    @property
    def number(self) -> int:
        """How many moves have been played."""
        return len(self.position.moves)


@dataclass(frozen=True)
class Judged:
    """What the engine says of a position."""

    place: Place
    black_wins: float
    """The chance that Black wins."""
    black_leads: float
    """Points, as the win rate tells them."""
    visits: int
    lines: tuple[Line, ...]
    """The best continuations, best first."""

    def wins(self, colour: int) -> float:
        """The chance that this player wins."""
        return self.black_wins if colour == BLACK else 1 - self.black_wins


@dataclass(frozen=True)
class Mistake:
    """A move that made its player's chances worse."""

    before: Judged
    after: Judged

    @property
    def colour(self) -> int:
        """Who played it."""
        return self.before.place.position.to_play

    @property
    def loss(self) -> float:
        """What it cost of its player's win rate."""
        return self.before.wins(self.colour) - self.after.wins(self.colour)

    @property
    def better(self) -> Line:
        """What the engine would have played."""
        return self.before.lines[0]


def places(tree: SgfTree) -> list[Place]:
    """The positions of a game's main line in which something was played or set up, the root first.

    Raises:
        SgfError: the game cannot be played.
    """
    nodes = list(tree.root.main_line())
    properties = sgf_position.with_handicap_set_up([node.properties for node in nodes])
    found: list[Place] = []
    played = 0
    for number, node in enumerate(nodes):
        if number == 0 or not {"B", "W", "AB", "AW", "AE", "PL"}.isdisjoint(node.properties):
            position = sgf_position.play_through(properties[: number + 1])
            move = position.moves[-1] if len(position.moves) == played + 1 else None
            played = len(position.moves)
            found.append(Place(node, nodes[number - 1] if number else None, position, move))
    if not found[-1].position.moves:
        raise SgfError("no moves")
    return found


def judge(place: Place, found: SearchResult) -> Judged:
    """What a search says of a position."""
    size, to_play = place.position.size, place.position.to_play
    sign = 1 if to_play == BLACK else -1
    lead = lead_of(win_rate(found.root_value), size)
    lines = tuple(Line(tuple(move.pv), win_rate(sign * move.value)) for move in found.moves[:SHOWN_LINES] if move.pv)
    return Judged(place, win_rate(sign * found.root_value), sign * lead, found.visits, lines)


def mistakes(judged: Sequence[Judged]) -> list[Mistake]:
    """The moves that lost at least `DOUBTFUL`, in their order; never the engine's own choice."""
    found = []
    for before, after in itertools.pairwise(judged):
        move = after.place.move
        if move is None or move[0] != before.place.position.to_play or not before.lines:
            continue
        mistake = Mistake(before, after)
        if move[1] != mistake.better.points[0] and mistake.loss >= DOUBTFUL:
            found.append(mistake)
    return found


def annotate(judged: Sequence[Judged]) -> None:
    """Writes into the nodes what was found: win rate and score, a comment each, a variation for each mistake."""
    by_node = {id(mistake.after.place.node): mistake for mistake in mistakes(judged)}
    for each in judged:
        node = each.place.node
        _set_values(node, each.black_wins, each.black_leads)
        mistake = by_node.get(id(node))
        _add_comment(node, "\n".join(_remarks(each, mistake)))
        if mistake is not None:
            _mark(node, mistake.loss)
            _add_variation(mistake)


def _remarks(judged: Judged, mistake: Mistake | None) -> Iterator[str]:
    size = judged.place.position.size
    if mistake is not None:
        better = coords.format_vertex(mistake.better.points[0], size)
        who = coords.colour_name(mistake.colour)
        yield f"{judgement(mistake.loss)}: {who}'s chances fall by {mistake.loss:.1%}; {better} was better."
    yield f"Black wins {judged.black_wins:.1%}, {score_text(judged.black_leads)} ({judged.visits} visits)"
    for line in judged.lines:
        moves = " ".join(coords.format_vertex(point, size) for point in line.points[:SHOWN_MOVES])
        yield f"{line.black_wins:.1%}: {moves}"


def judgement(loss: float) -> str:
    """What a loss of win rate makes of a move."""
    return "Blunder" if loss >= VERY_BAD else "Mistake" if loss >= BAD else "Doubtful"


def score_text(black_leads: float) -> str:
    """A lead as SGF writes a result."""
    return f"{'B' if black_leads >= 0 else 'W'}+{abs(black_leads):.1f}"


def _set_values(node: SgfNode, black_wins: float, black_leads: float | None = None) -> None:
    node.set_text("SBKV", f"{100 * black_wins:.2f}")
    if black_leads is not None:
        node.set_text("SBKS", f"{black_leads:.2f}")


def _add_comment(node: SgfNode, text: str) -> None:
    if node.text("C").strip():
        first, *others = node.properties["C"]
        node.properties["C"] = [first + escape(f"\n\n{text}"), *others]  # what was there stays, byte for byte
    else:
        node.set_text("C", text)


def _mark(node: SgfNode, loss: float) -> None:
    """Marks a move as doubtful or bad, unless somebody has judged it already."""
    if not any(name in node.properties for name in _MARKS):
        if loss >= BAD:
            node.set_text("BM", "2" if loss >= VERY_BAD else "1")
        else:
            node.set_text("DO", "")


def _add_variation(mistake: Mistake) -> None:
    """Adds the better line beside the move that was played, unless the record has a variation that begins so."""
    size, colour, parent = mistake.before.place.position.size, mistake.colour, mistake.after.place.before
    assert parent is not None  # a mistake is a move, and its node follows another
    first = coords.format_sgf_point(mistake.better.points[0], size)
    letter = coords.colour_letter(colour)
    if any(letter in child.properties and child.text(letter).strip() == first for child in parent.children):
        return
    node = parent
    for number, point in enumerate(mistake.better.points[:VARIATION_MOVES]):
        following = SgfNode()
        following.set_text(coords.colour_letter(colour), coords.format_sgf_point(point, size))
        if number == 0:
            _set_values(following, mistake.better.black_wins)
            _add_comment(following, f"Better: Black wins {mistake.better.black_wins:.1%}")
        node.children.append(following)
        node, colour = following, opponent(colour)

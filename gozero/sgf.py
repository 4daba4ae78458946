"""SGF to game records and back (FF[4], https://www.red-bean.com/sgf/; older and sloppier files are read too).

What the properties mean for a game of Go is decided here. Only the main line is read: `gozero.sgf_tree` has the rest,
`gozero.sgf_position` the positions on the way, set-up in mid-game included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from sgfmill import sgf_grammar

from gozero import coords, record
from gozero.amounts import komi_text
from gozero.coords import BLACK, EMPTY, WHITE
from gozero.record import GameRecord
from gozero.sgf_info import (
    APPLICATION,
    Node,
    board_size,
    first_value,
    format_result,
    handicap_of,
    komi_of,
    parse_result,
    rank_of,
    rules_of,
    year_of,
)
from gozero.sgf_text import SgfError, escape, parse_games, require_names, simple_text
from gozero.version import __version__

__all__ = ["NO_RESULT", "SgfError", "parse", "parse_each", "read", "write"]

NO_RESULT: Final = "no result"
"""The reason of a record that is sound but does not say who won."""


def read(path: str | Path) -> list[GameRecord]:
    """The games of an SGF file, one or several.

    Raises:
        SgfError: the file is missing, or one of its games is broken; the message names the file.
    """
    return parse(read_bytes(path), str(path))


def read_bytes(path: str | Path) -> bytes:
    """What is in a file. Raises SgfError, which names the file."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SgfError("cannot be read", error.strerror or str(error), str(path)) from None


def parse(data: bytes, source: str = "") -> list[GameRecord]:
    """The games of SGF text, one or several.

    Raises:
        SgfError: one of the games is broken; the message starts with `source`.
    """
    games = []
    for number, game in enumerate(parse_each(data), start=1):
        if isinstance(game, SgfError):
            raise game.within(source, number)
        games.append(game)
    return games


def parse_each(data: bytes) -> Iterator[GameRecord | SgfError]:
    """The games of SGF text, with an error in the place of each that is broken. Never empty, never raises."""
    for game in parse_games(data):
        if isinstance(game, SgfError):
            yield game
            continue
        try:
            yield _interpret(main_line(game.tree))
        except SgfError as error:
            yield error


def main_line(tree: sgf_grammar.Coarse_game_tree) -> Iterator[Node]:
    """The nodes from the root to the end of the first branch; raises SgfError where a property has no name."""
    for node in sgf_grammar.main_sequence_iter(tree):
        require_names(node)
        yield node


# --- trees to records ------------------------------------------------------------------------------------------------


@cache
def _indices(size: int) -> dict[bytes, int]:
    """The move index of every spelling of a move on a board of this size."""
    points = [coords.point_of(index, size) for index in range(size * size + 1)]
    table = {coords.format_sgf_point(point, size).encode(): coords.move_index(point, size) for point in points}
    if size <= 19:
        table[b"tt"] = size * size
    return table


def _index(value: bytes, size: int) -> int:
    """The move index of an SGF point or pass; raises SgfError."""
    index = _indices(size).get(value)
    if index is None:
        index = _indices(size).get(value.strip())
    if index is None:
        raise SgfError("point off the board", f"'{simple_text(value)[:20]}' on a {size}x{size} board")
    return index


def _stones(values: Iterable[bytes], size: int) -> Iterator[int]:
    """The indices of a list of stones, rectangles such as aa:cc taken apart (FF[4], compressed point lists)."""
    for value in values:
        corner, colon, opposite = value.partition(b":")
        ends = [_index(end, size) for end in ((corner, opposite) if colon else (corner,))]
        if size * size in ends:
            raise SgfError("point off the board", f"a set-up stone at '{simple_text(value)[:20]}'")
        rows = [end // size for end in ends]
        columns = [end % size for end in ends]
        for row in range(min(rows), max(rows) + 1):
            for column in range(min(columns), max(columns) + 1):
                yield row * size + column


def set_up(node: Node, size: int) -> dict[int, int]:
    """What a node sets up: the colour by the index of the point, EMPTY where it clears one; raises SgfError."""
    if node.keys().isdisjoint(_SET_UP):
        return {}
    return {index: colour for name, colour in _SET_UP.items() if name in node for index in _stones(node[name], size)}


_SET_UP: Final = {"AB": BLACK, "AW": WHITE, "AE": EMPTY}


def move(node: Node, size: int) -> tuple[int, int] | None:
    """Colour and move index of the move in a node, None where it has none; raises SgfError."""
    if "B" in node:
        if "W" in node:
            moves = f"B[{simple_text(node['B'][0])[:20]}] and W[{simple_text(node['W'][0])[:20]}]"
            raise SgfError("broken SGF", f"two moves in one node, {moves}")
        return BLACK, _index(node["B"][0], size)
    return (WHITE, _index(node["W"][0], size)) if "W" in node else None


def _interpret(nodes: Iterable[Node]) -> GameRecord:
    """The record of a game's main line; raises SgfError."""
    info: dict[str, Sequence[bytes]] = {}
    setup: dict[int, int] = {}
    moves: list[int] = []
    size = 0
    for node in nodes:
        if not moves:
            for name, values in node.items():
                info.setdefault(name, values)
            if not size:
                size = board_size(info)
        changes = set_up(node, size)
        if changes:
            if moves:
                raise SgfError("set-up in mid-game", f"after move {len(moves)}")
            setup.update(changes)
        played = move(node, size)
        if played:
            moves.append(record.code_of(*played))
    if not moves:
        raise SgfError("no moves")
    if len(moves) > record.MAX_CODES:
        raise SgfError("too long", f"{len(moves)} moves")
    stones = [record.code_of(colour, index) for index, colour in setup.items() if colour != EMPTY]
    return _record(size, info, stones, moves)


def _record(size: int, info: Node, setup: list[int], moves: list[int]) -> GameRecord:
    handicap = handicap_of(info)
    if handicap >= 2 and not setup:
        # Some servers write the handicap stones as moves.
        stones = moves[:handicap]
        if len(moves) <= handicap or any(code & record.WHITE_BIT or code == size * size for code in stones):
            raise SgfError("handicap stones missing", f"HA[{handicap}] but no stones are set up")
        if len(set(stones)) < handicap:
            raise SgfError("illegal set-up", "a handicap stone on another")
        setup, moves = stones, moves[handicap:]
    white_first = bool(moves[0] & record.WHITE_BIT)
    if len(setup) >= 2 and white_first and not any(code & record.WHITE_BIT for code in setup):
        handicap = len(setup)
    elif not setup:
        handicap = 0
    winner, margin, ending = parse_result(first_value(info, "RE"))
    return GameRecord(
        size=size,
        moves=np.array(moves, np.uint16),
        setup=np.array(setup, np.uint16),
        first_player=WHITE if white_first else BLACK,
        komi=komi_of(info, size),
        rules=rules_of(info),
        winner=winner,
        margin=margin,
        ending=ending,
        black_rank=rank_of(first_value(info, "BR")),
        white_rank=rank_of(first_value(info, "WR")),
        handicap=min(handicap, 255),
        year=year_of(first_value(info, "DT")),
    )


# --- records to text -------------------------------------------------------------------------------------------------

_RULES_TEXT: Final = {"tromp-taylor": "Tromp-Taylor", "new-zealand": "NZ", "aga": "AGA"}


def write(
    game: GameRecord,
    *,
    black_name: str | None = None,
    white_name: str | None = None,
    comments: Mapping[int, str] | None = None,
    edits: Iterable[tuple[int, Iterable[tuple[int, int]]]] = (),
    to_play: int | None = None,
) -> str:
    """The game as SGF text (FF[4], UTF-8), which `parse` reads back as the same record.

    `comments[n]` is shown after n moves: 0 in the root node, 1 at the first move. `edits` are stones set up in
    mid-game, as `Position.edits` has them. At the end `to_play` is to move, if it is given.
    """
    comments = comments or {}
    size = game.size
    moves = [record.decode(code) for code in game.moves.tolist()]
    stones = [record.decode(code) for code in game.setup.tolist()]

    def node(properties: Mapping[str, str], number: int) -> dict[str, list[bytes]]:
        comment = {"C": comments[number]} if number in comments else {}
        return {name: [escape(text)] for name, text in {**properties, **comment}.items()}

    def spelt(point: int) -> bytes:
        return coords.format_sgf_point(point, size).encode()

    says_who_begins = bool(stones) or (not moves and game.first_player == WHITE)
    written_by = f"{APPLICATION}:{__version__}"
    info = {"FF": "4", "GM": "1", "CA": "UTF-8", "AP": written_by, "SZ": str(size), "RE": format_result(game)}
    optional = {
        "KM": None if game.komi is None else komi_text(game.komi),
        "RU": game.rules and _RULES_TEXT.get(game.rules, game.rules.capitalize()),
        "HA": str(game.handicap) if game.handicap else None,
        "PL": coords.colour_letter(game.first_player) if says_who_begins else None,
        "DT": None if game.year is None else f"{game.year:04d}",
        "BR": game.black_rank,
        "WR": game.white_rank,
        "PB": black_name,
        "PW": white_name,
    }
    root = node(info | {name: text for name, text in optional.items() if text is not None}, 0)
    for name, colour in (("AB", BLACK), ("AW", WHITE)):
        indices = [index for holder, index in stones if holder == colour]
        if indices:
            root[name] = [spelt(coords.point_of(index, size)) for index in indices]
    later = {number: list(changes) for number, changes in edits}
    if moves and to_play == moves[-1][0]:
        later.setdefault(len(moves), [])
    tree = sgf_grammar.Coarse_game_tree()
    tree.sequence = [root]
    for number in range(len(moves) + 1):
        if number:
            colour, index = moves[number - 1]
            tree.sequence.append(node({}, number))
            tree.sequence[-1][coords.colour_letter(colour)] = [spelt(coords.point_of(index, size))]
        if number in later:
            turn = moves[number][0] if number < len(moves) else to_play
            edit = node({"PL": coords.colour_letter(turn)} if turn else {}, -1)
            for name, colour in (("AB", BLACK), ("AW", WHITE), ("AE", EMPTY)):
                points = [point for holder, point in later[number] if holder == colour]
                if points:
                    edit[name] = [spelt(point) for point in points]
            tree.sequence.append(edit)
    text: bytes = sgf_grammar.serialise_game_tree(tree)
    return text.decode()

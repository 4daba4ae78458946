"""SGF to game records and back (FF[4], https://www.red-bean.com/sgf/; older and sloppier files are read too).

What the properties mean for a game of Go is decided here. Only the main line is read: `gozero.sgf_tree` has the rest,
`gozero.sgf_position` the positions on the way, set-up in mid-game included.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from sgfmill import sgf_grammar

from gozero import coords, record
from gozero.coords import BLACK, EMPTY, WHITE
from gozero.record import GameRecord
from gozero.sgf_text import SgfError, escape, parse_games, require_names, simple_text

__all__ = ["NO_RESULT", "SgfError", "format_result", "parse", "parse_each", "parse_result", "read", "write"]

Node = Mapping[str, Sequence[bytes]]
"""The properties of a node, with their raw values in UTF-8."""

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
    winner, margin, ending = parse_result(_first(info, "RE"))
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
        black_rank=_rank(_first(info, "BR")),
        white_rank=_rank(_first(info, "WR")),
        handicap=min(handicap, 255),
        year=_year(_first(info, "DT")),
    )


def _first(info: Node, name: str) -> str:
    values = info.get(name)
    return simple_text(values[0]).strip() if values else ""


def board_size(info: Node) -> int:
    """The size that the root names; raises SgfError where it is none of ours, or the game is not Go."""
    game = _first(info, "GM")
    if game not in ("", "1"):
        raise SgfError("not Go", f"GM[{game[:20]}]")
    text = _first(info, "SZ")
    if not text:
        return 19  # the default of SGF for Go
    numbers = text.split(":")
    sides = {int(number) for number in numbers if re.fullmatch(r"\s*\d{1,4}\s*", number, re.ASCII)}
    if len(numbers) > 2 or len(sides) != 1 or (len(numbers) == 2 and not all(n.strip().isdigit() for n in numbers)):
        raise SgfError("wrong size", f"SZ[{text[:20]}]")
    (size,) = sides
    if not coords.MIN_SIZE <= size <= coords.MAX_SIZE:
        raise SgfError("wrong size", f"SZ[{text[:20]}], boards have {coords.MIN_SIZE} to {coords.MAX_SIZE} lines")
    return size


def handicap_of(info: Node) -> int:
    """The number that HA names, 0 if none."""
    text = _first(info, "HA")
    return int(text) if re.fullmatch(r"\d{1,3}", text, re.ASCII) else 0


def komi_of(info: Node, size: int) -> float | None:
    """Komi in points. Fox writes hundredths, and Chinese files write stones: 3.75 of them are 7.5 points."""
    try:
        komi = float(_first(info, "KM").replace(",", "."))
    except ValueError:
        return None
    if not math.isfinite(komi):
        return None
    if abs(komi) >= 100:
        komi /= 100
    if komi % 0.5 == 0.25:
        komi *= 2
    return komi if abs(komi) <= size * size else None


_RULES: Final = (
    # Ing counts area and allows suicide, as New Zealand does; Korean counting is Japanese.
    ("tromp-taylor", ("tromp", "tt")),
    ("new-zealand", ("nz", "new zealand", "new-zealand", "ing", "goe")),
    ("chinese", ("chin", "cn", "中国", "中國")),
    ("japanese", ("jap", "jp", "korea", "kor", "日本", "韩国", "韓国", "한국")),
    ("aga", ("aga",)),
)


def rules_of(info: Node) -> str | None:
    """The name of the rule set that RU names, None where it names none of ours."""
    lowered = _first(info, "RU").lower()
    return next((name for name, starts in _RULES if lowered.startswith(starts)), None)


_RANK: Final = re.compile(r"(\d{1,2})\s*(k|kyu|d|dan|p|pro|段|단|级|級|급)(?![a-z])")
_RANK_KINDS: Final = {"段": "d", "단": "d", "级": "k", "級": "k", "급": "k"}
_HAN_NUMBERS: Final = "一二三四五六七八九"


def _rank(text: str) -> str | None:
    """A rank as 5k, 9d or 9p from the spellings of the servers: 9 dan, 9段, P9段, 5k?, 9d*."""
    if not text:
        return None
    text = text.lower().translate({ord(c): str(i) for i, c in enumerate(_HAN_NUMBERS, start=1)})
    match = _RANK.search(text)
    if not match:
        return None
    professional = text.startswith("p") or "pro" in text or "职业" in text
    kind = "p" if professional else _RANK_KINDS.get(match[2], match[2][0])
    rank = f"{int(match[1])}{kind}"
    return rank if record.rank_code(rank) else None


def _year(text: str) -> int | None:
    match = re.search(r"(?<!\d)(1[5-9]\d\d|2[01]\d\d)(?!\d)", text, re.ASCII)
    return int(match[1]) if match else None


_UNKNOWN: Final = (None, None, "unknown")
_DRAWS: Final = ("0", "0.0", "draw", "jigo", "tie", "d", "和棋", "持碁")
_RESULT: Final = re.compile(r"(b|w)(?:lack|hite)?\s*(?:\+|wins?\b|won\b)\s*(?:by\s+)?(.*)", re.DOTALL)
_ENDINGS: Final = (
    ("resign", re.compile(r"r(es|$|\W)")),
    ("time", re.compile(r"t(ime|$|\W)")),
    ("forfeit", re.compile(r"f(or|$|\W)")),
)
_MARGIN: Final = re.compile(r"(\d{1,3}(?:\.\d*)?|\.\d+)(?![\d/])", re.ASCII)
_EAST_ASIAN: Final = (
    ("黑", BLACK),
    ("黒", BLACK),
    ("흑", BLACK),
    ("白", WHITE),
    ("백", WHITE),
)


def parse_result(text: str) -> tuple[int | None, float | None, str]:
    """Winner (BLACK, WHITE, 0 a draw, None unknown), margin in points and ending of an RE value.

    Void, "?" and whatever makes no sense give no winner.
    """
    text = text.strip().lower().replace(",", ".")
    if text in _DRAWS:
        return 0, 0.0, "counted"
    match = _RESULT.match(text)
    if match:
        winner = BLACK if match[1] == "b" else WHITE
        rest = match[2].strip()
        for ending, pattern in _ENDINGS:
            if pattern.match(rest):
                return winner, None, ending
        margin = _MARGIN.match(rest)
        if margin:
            return winner, float(margin[1]), "counted"
        return winner, None, "unknown"
    for character, winner in _EAST_ASIAN:
        if text.startswith(character):
            resigned = any(word in text for word in ("中押", "中盘", "中盤", "불계"))
            return winner, None, "resign" if resigned else "unknown"
    return _UNKNOWN


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
    mid-game, as `Position.edits` has them; after one that ends the record, `to_play` is to move.
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

    info = {"FF": "4", "GM": "1", "CA": "UTF-8", "SZ": str(size), "RE": format_result(game)}
    optional = {
        "KM": None if game.komi is None else f"{game.komi:g}",
        "RU": game.rules and _RULES_TEXT.get(game.rules, game.rules.capitalize()),
        "HA": str(game.handicap) if game.handicap else None,
        "PL": coords.colour_letter(game.first_player) if game.setup.size else None,
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


def format_result(game: GameRecord) -> str:
    """The RE value of a record: B+R, W+3.5, 0, ? ..."""
    if game.winner is None:
        return "?"
    if game.winner == 0:
        return "0"
    how = {"resign": "R", "time": "T", "forfeit": "F"}.get(game.ending, "")
    if game.margin is not None:
        how = f"{game.margin:g}"
    return f"{coords.colour_letter(game.winner)}+{how}"

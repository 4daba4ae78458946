"""SGF text to game records and back (FF[4], https://www.red-bean.com/sgf/; older and sloppier files are read too).

The grammar is sgfmill's; what the properties mean for a game of Go is decided here. Only the main line is read.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from sgfmill import sgf_grammar

from gozero import coords, record
from gozero.errors import GozeroError
from gozero.record import GameRecord

Node = Mapping[str, list[bytes]]

NO_RESULT: Final = "no result"
"""The reason of a record that is sound but does not say who won."""


class SgfError(GozeroError):
    """A record that cannot be read. `reason` is one of few short phrases, `detail` says more."""

    def __init__(self, reason: str, detail: str = "", source: str = "") -> None:
        self.reason = reason
        self.detail = detail
        self.source = source
        super().__init__(": ".join(part for part in (source, reason, detail) if part))


def read(path: str | Path) -> list[GameRecord]:
    """The games of an SGF file, one or several.

    Raises:
        SgfError: the file is missing, or one of its games is broken; the message names the file.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SgfError("cannot be read", error.strerror or str(error), str(path)) from None
    return parse(data, str(path))


def parse(data: bytes, source: str = "") -> list[GameRecord]:
    """The games of SGF text, one or several.

    Raises:
        SgfError: one of the games is broken; the message starts with `source`.
    """
    games = []
    for number, game in enumerate(parse_each(data), start=1):
        if isinstance(game, SgfError):
            name = f"{source}, game {number}" if number > 1 else source
            raise SgfError(game.reason, game.detail, name)
        games.append(game)
    return games


def parse_each(data: bytes) -> Iterator[GameRecord | SgfError]:
    """The games of SGF text, with an error in the place of each that is broken. Never empty, never raises."""
    for tree in _trees(data):
        if isinstance(tree, SgfError):
            yield tree
            continue
        try:
            yield _interpret(tree)
        except SgfError as error:
            yield error


# --- text to trees ---------------------------------------------------------------------------------------------------

_CHARSET: Final = re.compile(rb"\bCA\s*\[([^\]\\]{1,40})\]")
_START: Final = re.compile(rb"\(\s*;")
_ROOT: Final = re.compile(rb"\(\s*;\s*(?:FF|GM|SZ|CA|AP)\s*\[")
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Tried in this order where no CA helps. In the East Asian ones the second byte of a character can be the one of ']'
# or '\', so the bytes have to be decoded before they are parsed; in Latin-1, the default of SGF, they need not be.
_FALLBACKS: Final = ("utf-8", "latin-1", "gb18030", "cp949", "cp932", "big5hkscs")
# What a CA may name: text in which the characters of the grammar are the bytes of ASCII.
_TEXT_CODEC: Final = re.compile(r"utf-8|ascii|iso8859|iso2022|cp\d|gb|hz|euc|shift_jis|big5|koi8|johab|mac-|tis-620")
# From this many bytes on, games are parsed one at a time: a parse tree takes many times the room of its text.
_LARGE: Final = 1 << 20
# Names that files use for a subset of what they hold.
_WIDER: Final = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "ascii": "utf-8",
}


def _decodings(data: bytes) -> Iterator[bytes]:
    """The text as UTF-8 under each plausible encoding, the most plausible first."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            yield data.decode(encoding, "replace").encode()
            return
    if data.isascii():
        yield data
        return
    encodings = []
    named = _CHARSET.search(data)
    if named:
        try:
            name = codecs.lookup(named[1].decode("latin-1").strip().replace(" ", "-")).name
        except (LookupError, ValueError):
            name = ""  # an encoding that nobody knows says nothing
        if _TEXT_CODEC.match(name):
            encodings.append(_WIDER.get(name, name))
    for encoding in [*encodings, *(name for name in _FALLBACKS if name not in encodings)]:
        try:
            yield data.decode(encoding).encode("utf-8", "replace")
        except UnicodeError:
            continue


def _trees(data: bytes) -> Iterator[sgf_grammar.Coarse_game_tree | SgfError]:
    """The parse tree of each game, or an error in its place."""
    first = None
    for text in _decodings(data):
        if first is None:
            first = text
        if len(text) > _LARGE:
            break
        try:
            yield from sgf_grammar.parse_sgf_collection(text)
        except ValueError:
            continue
        return
    assert first is not None  # Latin-1 decodes everything
    yield from _trees_one_by_one(first)


def _trees_one_by_one(text: bytes) -> Iterator[sgf_grammar.Coarse_game_tree | SgfError]:
    """As `_trees`, for text that is large or has a broken game in it.

    A broken game usually lacks a bracket, so that it swallows the games after it; from the first one on, each game
    therefore ends where the next seems to start.
    """
    damaged = False
    start = _START.search(text)
    if not start:
        yield SgfError("no game", "the text holds no '(;'" if text.strip() else "the file is empty")
    while start:
        position = start.start()
        following = _ROOT.search(text, position + 1) if damaged else None
        if following:
            game, end = text[position : following.start()], following.start()
        else:
            _, end = sgf_grammar.tokenise(text, position)
            game = text[position:end]
        try:
            yield sgf_grammar.parse_sgf_game(game)
        except ValueError as error:
            yield SgfError("broken SGF", str(error))
            if not damaged:
                damaged = True
                following = _ROOT.search(text, position + 1)
            end = following.start() if following else len(text)
        start = _START.search(text, end)


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
        raise SgfError("point off the board", f"'{_text(value)[:20]}' on a {size}x{size} board")
    return index


def _stones(values: list[bytes], size: int) -> Iterator[int]:
    """The points of a list of stones, rectangles such as aa:cc taken apart (FF[4], compressed point lists)."""
    for value in values:
        corner, colon, opposite = value.partition(b":")
        ends = [_index(end, size) for end in ((corner, opposite) if colon else (corner,))]
        if size * size in ends:
            raise SgfError("point off the board", f"a set-up stone at '{_text(value)[:20]}'")
        rows = [end // size for end in ends]
        columns = [end % size for end in ends]
        for row in range(min(rows), max(rows) + 1):
            for column in range(min(columns), max(columns) + 1):
                yield row * size + column


def _interpret(tree: sgf_grammar.Coarse_game_tree) -> GameRecord:
    """The record of a parse tree's main line; raises SgfError."""
    info: dict[str, list[bytes]] = {}
    setup: dict[int, int] = {}
    moves: list[int] = []
    size = 0
    for node in sgf_grammar.main_sequence_iter(tree):
        if not moves:
            for name, values in node.items():
                info.setdefault(name, values)
            if not size:
                size = _size(info)
        if not node.keys().isdisjoint(("AB", "AW", "AE")):
            if moves:
                raise SgfError("set-up in mid-game", f"after move {len(moves)}")
            setup.update((index, index) for index in _stones(node.get("AB", []), size))
            setup.update((index, index | record.WHITE_BIT) for index in _stones(node.get("AW", []), size))
            for index in _stones(node.get("AE", []), size):
                setup.pop(index, None)
        if "B" in node:
            if "W" in node:
                raise SgfError("broken SGF", f"two moves in one node after move {len(moves)}")
            moves.append(_index(node["B"][0], size))
        elif "W" in node:
            moves.append(_index(node["W"][0], size) | record.WHITE_BIT)
    if not moves:
        raise SgfError("no moves")
    if len(moves) > record.MAX_CODES:
        raise SgfError("too long", f"{len(moves)} moves")
    return _record(size, info, list(setup.values()), moves)


def _record(size: int, info: Node, setup: list[int], moves: list[int]) -> GameRecord:
    handicap = _handicap(info)
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
        first_player=coords.WHITE if white_first else coords.BLACK,
        komi=_komi(_first(info, "KM"), size),
        rules=_rules(_first(info, "RU")),
        winner=winner,
        margin=margin,
        ending=ending,
        black_rank=_rank(_first(info, "BR")),
        white_rank=_rank(_first(info, "WR")),
        handicap=min(handicap, 255),
        year=_year(_first(info, "DT")),
    )


def _text(value: bytes) -> str:
    if b"\\" in value or b"\n" in value or b"\r" in value:
        value = sgf_grammar.simpletext_value(value)
    return value.decode("utf-8", "replace").strip()


def _first(info: Node, name: str) -> str:
    values = info.get(name)
    return _text(values[0]) if values else ""


def _size(info: Node) -> int:
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


def _handicap(info: Node) -> int:
    text = _first(info, "HA")
    return int(text) if re.fullmatch(r"\d{1,3}", text, re.ASCII) else 0


def _komi(text: str, size: int) -> float | None:
    """Komi in points. Fox writes hundredths, and Chinese files write stones: 3.75 of them are 7.5 points."""
    try:
        komi = float(text.replace(",", "."))
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


def _rules(text: str) -> str | None:
    lowered = text.lower()
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
    ("黑", coords.BLACK),
    ("黒", coords.BLACK),
    ("흑", coords.BLACK),
    ("白", coords.WHITE),
    ("백", coords.WHITE),
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
        winner = coords.BLACK if match[1] == "b" else coords.WHITE
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
) -> str:
    """The game as SGF text (FF[4], UTF-8), which `parse` reads back as the same record.

    `comments[n]` is shown after n moves: 0 in the root node, 1 at the first move.
    """
    comments = comments or {}
    size = game.size

    def point(code: int) -> bytes:
        return coords.format_sgf_point(coords.point_of(code & ~record.WHITE_BIT, size), size).encode()

    def node(properties: Mapping[str, str], number: int) -> dict[str, list[bytes]]:
        comment = {"C": comments[number]} if number in comments else {}
        return {
            name: [sgf_grammar.escape_text(text.encode(errors="replace"))]
            for name, text in {**properties, **comment}.items()
        }

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
    for name, is_white in (("AB", False), ("AW", True)):
        stones = [point(code) for code in game.setup.tolist() if bool(code & record.WHITE_BIT) == is_white]
        if stones:
            root[name] = stones
    tree = sgf_grammar.Coarse_game_tree()
    tree.sequence = [root]
    for number, code in enumerate(game.moves.tolist(), start=1):
        move = node({}, number)
        move["W" if code & record.WHITE_BIT else "B"] = [point(code)]
        tree.sequence.append(move)
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

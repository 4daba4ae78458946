"""SGF text to parse trees: in which encoding it is, where one game ends and the next begins, and what is broken where.

The grammar is sgfmill's (FF[4], https://www.red-bean.com/sgf/; the long property names of FF[1] to FF[3] become the
short ones). Nothing here knows of Go.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sgfmill import sgf_grammar

from gozero.errors import GozeroError


class SgfError(GozeroError):
    """A record that cannot be read. `reason` is one of few short phrases, `detail` says more."""

    def __init__(self, reason: str, detail: str = "", source: str = "") -> None:
        self.reason = reason
        self.detail = detail
        self.source = source
        super().__init__(": ".join(part for part in (source, reason, detail) if part))

    def within(self, source: str, number: int) -> SgfError:
        """The same error, named after the file and the number of the game in it, from 1."""
        return SgfError(self.reason, self.detail, f"{source}, game {number}" if number > 1 else source)


class ParsedGame(NamedTuple):
    """One game of a text."""

    tree: sgf_grammar.Coarse_game_tree  # its property values are UTF-8, whatever the text was
    encoding: str  # Python's name of the text's encoding


_CHARSET: Final = re.compile(rb"\bCA\s*\[([^\]\\]{1,40})\]")
_START: Final = re.compile(rb"\(\s*;")
_ROOT: Final = re.compile(rb"\(\s*;\s*(?:FF|GM|SZ|CA|AP)\s*\[")
_NO_SPACE: Final = re.compile(rb"\S")
_LINE_END: Final = re.compile(rb"\r\n?|\n")
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
# These write their letters with the bytes of ASCII.
_SEVEN_BIT: Final = re.compile(r"iso2022|hz")
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
_ENDS_EARLY: Final = "unexpected end of SGF data"
"""What sgfmill says where the text ends inside a game, or goes on with what is no token."""


def parse_games(data: bytes) -> Iterator[ParsedGame | SgfError]:
    """Each game of the text, or an error in the place of one that is broken. Never empty, never raises."""
    first = None
    for encoding, text in _decodings(data):
        if first is None:
            first = encoding, text
        if len(text) > _LARGE:
            break
        try:
            trees = sgf_grammar.parse_sgf_collection(text)
        except ValueError:
            continue
        for tree in trees:
            yield ParsedGame(tree, encoding)
        return
    assert first is not None  # Latin-1 decodes everything
    yield from _one_by_one(*first)


def _decodings(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Each plausible encoding, the most plausible first, and the text that it makes of `data`, as UTF-8."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            yield "utf-8", data.decode(encoding, "replace").encode()
            return
    named = _named_encoding(data)
    if data.isascii() and not _SEVEN_BIT.match(named):
        yield "utf-8", data
        return
    encodings = [named] if named else []
    for encoding in [*encodings, *(name for name in _FALLBACKS if name not in encodings)]:
        try:
            yield encoding, data.decode(encoding).encode("utf-8", "replace")
        except UnicodeError:
            continue


def _named_encoding(data: bytes) -> str:
    """Python's name of the encoding that CA names, "" where it names none or what no text is in."""
    named = _CHARSET.search(data)
    if not named:
        return ""
    try:
        name = codecs.lookup(named[1].decode("latin-1").strip().replace(" ", "-")).name
    except (LookupError, ValueError):
        return ""
    return _WIDER.get(name, name) if _TEXT_CODEC.match(name) else ""


def _one_by_one(encoding: str, text: bytes) -> Iterator[ParsedGame | SgfError]:
    """As `parse_games`, for text that is large or has a broken game in it.

    A broken game usually lacks a bracket, so that it swallows the games after it; from the first one on, each game
    therefore ends where the next seems to start.
    """
    damaged = False
    places = _Places(text)
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
            yield ParsedGame(sgf_grammar.parse_sgf_game(game), encoding)
        except ValueError as error:
            if not damaged:
                damaged = True
                following = _ROOT.search(text, position + 1)
                game = text[position : following.start()] if following else game
            yield SgfError("broken SGF", _fault(text, position, game, str(error), places))
            end = following.start() if following else len(text)
        start = _START.search(text, end)


def _fault(text: bytes, position: int, game: bytes, complaint: str, places: _Places) -> str:
    """What is wrong with `game`, which begins at `position` of `text`, and where."""
    if complaint != _ENDS_EARLY:
        return f"{complaint}, {places.of(position + _length_up_to_fault(game))}"
    _, stop = sgf_grammar.tokenise(game)
    unread = _NO_SPACE.search(text, position + stop)
    character = text[unread.start() : unread.start() + 4].decode("utf-8", "replace")[0] if unread else ""
    if not unread or character in "(;)":
        place = places.of(position + len(game.rstrip()))
        return f"the text ends inside the game, {place}: it was cut short, or a ')' is missing"
    place = places.of(unread.start())
    return f"a '[' without its ']', {place}" if character == "[" else f"unexpected '{character}', {place}"


def _length_up_to_fault(game: bytes) -> int:
    """How much of a game sgfmill reads before it complains of something other than its end: found by halving.

    0 for a large one: each step parses up to the whole game.
    """
    fine, faulty = 0, len(game) if len(game) <= _LARGE // 4 else 1
    while faulty - fine > 1:
        middle = (fine + faulty) // 2
        try:
            sgf_grammar.parse_sgf_game(game[:middle])
        except ValueError as error:
            is_fine = str(error) in (_ENDS_EARLY, "no SGF data found")
        else:
            is_fine = True
        fine, faulty = (middle, faulty) if is_fine else (fine, middle)
    return fine


class _Places:
    """Lines and columns in a text; cheap for places that are asked for one after the other."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._position, self._line, self._column = 0, 1, 1

    def of(self, position: int) -> str:
        if position < self._position:
            self._position, self._line, self._column = 0, 1, 1
        *ended, rest = _LINE_END.split(self._text[self._position : position])
        self._position = position
        self._line += len(ended)
        self._column = (1 if ended else self._column) + len(rest.decode("utf-8", "replace"))
        return f"line {self._line}, column {self._column}"


def require_names(properties: Mapping[str, Sequence[bytes]]) -> None:
    """Small letters in names mean nothing, so nobody knows what a name without capital letters is; raises SgfError."""
    if "" in properties:
        value = properties[""][0][:20].decode("utf-8", "replace")
        raise SgfError("broken SGF", f"a property without a name in capital letters, [{value}]")


_NEEDS_WORK: Final = re.compile(rb"[\\\n\r\t\v\f]")


def simple_text(value: bytes) -> str:
    """What a raw SimpleText value says (FF[4]): escapes taken off, line ends and white space made spaces."""
    return (sgf_grammar.simpletext_value(value) if _NEEDS_WORK.search(value) else value).decode("utf-8", "replace")


def text(value: bytes) -> str:
    """What a raw Text value says (FF[4]): as `simple_text`, but line ends stay, as \\n."""
    return (sgf_grammar.text_value(value) if _NEEDS_WORK.search(value) else value).decode("utf-8", "replace")


def escape(plain: str) -> bytes:
    """A raw Text value that says `plain`."""
    value: bytes = sgf_grammar.escape_text(plain.encode("utf-8", "replace"))
    return value

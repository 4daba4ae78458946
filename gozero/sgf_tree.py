"""Whole SGF trees: every node, every variation and every property, also those that mean nothing to us.

What is read and written again says the same, in the same encoding. Names are FF[4]'s: `AddBlack` becomes AB. For the
games in a file, `gozero.sgf` is simpler; this is for programs that add to a file what they have found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sgfmill import sgf_grammar

from gozero import sgf_text
from gozero.sgf import read_bytes
from gozero.sgf_text import SgfError, parse_games

_UTF_8: Final = "utf-8"


class SgfNode:
    """A node of a game: its properties and the nodes that follow it, the main line first.

    Attributes:
        properties: raw values by name, in UTF-8, with the escapes of the file; `text` and `set_text` spare one both.
        children: the nodes that follow.
    """

    __slots__ = ("children", "properties")

    def __init__(self, properties: dict[str, list[bytes]] | None = None) -> None:
        self.properties = {} if properties is None else properties
        self.children: list[SgfNode] = []

    def __repr__(self) -> str:
        return f"<SgfNode {' '.join(self.properties)}, {len(self.children)} follow>"

    def text(self, name: str) -> str:
        """What the first value of a property says, with its line breaks, "" if there is none."""
        values = self.properties.get(name)
        return sgf_text.text(values[0]) if values else ""

    def set_text(self, name: str, *texts: str) -> None:
        """Gives a property these values, escaped; a colon is taken as it is (LB's `aa:1` is a point and a text).

        Raises:
            ValueError: the name is no property's (capital letters).
        """
        if not sgf_grammar.is_valid_property_identifier(name):
            raise ValueError(f"'{name}' is no name of an SGF property: capital letters are")
        self.properties[name] = [sgf_text.escape(text) for text in texts]

    def main_line(self) -> Iterator[SgfNode]:
        """This node, the first that follows it, the first that follows that, and so on."""
        node = self
        while True:
            yield node
            if not node.children:
                return
            node = node.children[0]

    def nodes(self) -> Iterator[SgfNode]:
        """This node and all that follow, each before those that follow it, variations in order."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


class SgfTree:
    """A game with all its variations.

    Attributes:
        root: the first node.
        encoding: Python's name of the encoding that the file was in.
    """

    def __init__(self, root: SgfNode | None = None, encoding: str = _UTF_8) -> None:
        self.root = SgfNode() if root is None else root
        self.encoding = encoding


def read(path: str | Path) -> list[SgfTree]:
    """The games of an SGF file.

    Raises:
        SgfError: the file is missing, or one of its games is broken; the message names the file and the place.
    """
    return parse(read_bytes(path), str(path))


def parse(data: bytes, source: str = "") -> list[SgfTree]:
    """The games of SGF text.

    Raises:
        SgfError: one of the games is broken; the message starts with `source`.
    """
    trees = []
    for number, game in enumerate(parse_games(data), start=1):
        try:
            if isinstance(game, SgfError):
                raise game
            trees.append(SgfTree(_root(game.tree), game.encoding))
        except SgfError as error:
            raise error.within(source, number) from None
    return trees


def write(trees: Sequence[SgfTree]) -> bytes:
    """The games as the bytes of an SGF file, in the encoding that they were read in, or UTF-8 if that lacks a letter.

    Where that is UTF-8 and more than plain ASCII, CA says so.
    """
    encodings = {tree.encoding for tree in trees}
    text = "".join(map(_serialised, trees))
    if text.isascii():
        return text.encode()
    if len(encodings) == 1 and _UTF_8 not in encodings:
        try:
            return text.encode(encodings.pop())
        except UnicodeEncodeError:
            pass
    named = [_serialised(tree, "UTF-8") if _needs_charset(tree) else _serialised(tree) for tree in trees]
    return "".join(named).encode()


def _needs_charset(tree: SgfTree) -> bool:
    return "CA" in tree.root.properties or not _serialised(tree).isascii()


def _serialised(tree: SgfTree, charset: str | None = None) -> str:
    """The text of a game, its properties in their order (sgfmill would sort them), with this CA if one is given."""
    pieces = []
    waiting: list[SgfNode | None] = [tree.root]
    while waiting:
        node = waiting.pop()
        if node is None:
            pieces.append(b")")
            continue
        pieces.append(b"(")
        while True:
            pieces.append(b";")
            changes = {"CA": [charset.encode()]} if charset and node is tree.root else {}
            for name, values in {**node.properties, **changes}.items():
                pieces.append(name.encode() + b"[" + b"][".join(values) + b"]")
            if len(node.children) != 1:
                break
            (node,) = node.children
        waiting += [None, *reversed(node.children)]
    text: bytes = sgf_grammar.block_format([*pieces, b"\n"])
    return text.decode()


def _root(coarse: sgf_grammar.Coarse_game_tree) -> SgfNode:
    """The nodes of a parse tree, which keeps runs of them together; raises SgfError where a property has no name."""
    above = SgfNode()
    waiting = [(above, coarse)]
    while waiting:
        node, part = waiting.pop()
        for properties in part.sequence:
            sgf_text.require_names(properties)
            child = SgfNode(properties)
            node.children.append(child)
            node = child
        waiting += [(node, branch) for branch in reversed(part.children)]
    return above.children[0]

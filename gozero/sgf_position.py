"""SGF games on the board: the positions of a main line, with all that was set up or taken off on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from gozero import coords, sgf, sgf_info
from gozero.coords import BLACK, WHITE
from gozero.illegal_move import IllegalMove
from gozero.position import Position
from gozero.rules import Rules
from gozero.sgf_info import Node
from gozero.sgf_text import SgfError, parse_games

_TURNS: Final = {b"b": BLACK, b"1": BLACK, b"w": WHITE, b"2": WHITE}  # what PL may begin with; FF[1] had numbers


def read(
    path: str | Path, before_move: int | None = None, komi: float = 7.5, rules: str | Rules = "chinese"
) -> Position:
    """The position of the first game of an SGF file before a move (numbered from 1), or at its end.

    What was set up before that move is on the board. `komi` and `rules` hold where the file names none.

    Raises:
        SgfError: the file cannot be read, or not played; the message names the file and the move.
    """
    game = next(parse_games(sgf.read_bytes(path)))
    try:
        if isinstance(game, SgfError):
            raise game
        return play_through(list(sgf.main_line(game.tree)), before_move, komi, rules)
    except SgfError as error:
        raise error.within(str(path), 1) from None


def play_through(
    nodes: Sequence[Node], before_move: int | None = None, komi: float = 7.5, rules: str | Rules = "chinese"
) -> Position:
    """As `read`, of the nodes from the root of a game to the end of one of its branches.

    Servers and people do not forbid every repetition that their rules do. Where a game has one, only the ko rule holds.

    Raises:
        SgfError: the game cannot be played as it stands.
    """
    info = _information(nodes)
    size = sgf_info.board_size(info)
    file_komi = sgf_info.komi_of(info, size)
    start = Position(size, komi if file_komi is None else file_komi, sgf_info.rules_of(info) or rules)
    handicap = sgf_info.handicap_of(info)
    nodes = with_handicap_set_up(nodes)
    try:
        return _played(start, nodes, handicap, before_move)
    except IllegalMove:
        start = Position(size, start.komi, replace(start.rules, superko="simple"))
        return _played(start, nodes, handicap, before_move)


def _played(position: Position, nodes: Sequence[Node], handicap: int, before_move: int | None) -> Position:
    """The position itself, after what `play_through` plays from the empty board. Raises IllegalMove for superko."""
    size = position.size
    moves = [sgf.move(node, size) for node in nodes]
    first = next((move[0] for move in moves if move), WHITE if handicap >= 2 else BLACK)
    position.to_play = first
    for node, move in zip(nodes, moves, strict=True):
        if move and before_move is not None and len(position.moves) + 1 >= before_move:
            break
        _set_up(position, node)
        if move:
            _play(position, *move)
        position.to_play = _TURNS.get(b"".join(node.get("PL", ())).strip().lower()[:1], position.to_play)
    return position


def _information(nodes: Iterable[Node]) -> Node:
    """What the nodes up to the first move say of the game."""
    info: dict[str, Sequence[bytes]] = {}
    for node in nodes:
        for name, values in node.items():
            info.setdefault(name, values)
        if "B" in node or "W" in node:
            break
    return info


def with_handicap_set_up(nodes: Sequence[Node]) -> Sequence[Node]:
    """The nodes with handicap stones that are written as Black's first moves, as some servers do, set up instead.

    Raises:
        SgfError: the board's size or one of these moves makes no sense.
    """
    info = _information(nodes)
    size, handicap = sgf_info.board_size(info), sgf_info.handicap_of(info)
    first = [i for i, node in enumerate(nodes) if "B" in node or "W" in node][:handicap]
    is_set_up = any("AB" in node or "AW" in node for node in nodes[: first[-1] + 1 if first else 0])
    moves = [sgf.move(nodes[i], size) for i in first]
    if handicap < 2 or is_set_up or len(first) < handicap or not all(move and move[0] == BLACK for move in moves):
        return nodes
    if any(move and move[1] == size * size for move in moves):
        return nodes
    changed = list(nodes)
    for i in first:
        changed[i] = {name: values for name, values in nodes[i].items() if name != "B"} | {"AB": nodes[i]["B"][:1]}
    return changed


def _set_up(position: Position, node: Node) -> None:
    changes = sgf.set_up(node, position.size)
    if changes:
        try:
            position.edit((colour, coords.point_of(index, position.size)) for index, colour in changes.items())
        except ValueError as error:
            raise SgfError("illegal set-up", f"after move {len(position.moves)}: {error}") from None


def _play(position: Position, colour: int, index: int) -> None:
    try:
        position.play(coords.point_of(index, position.size), colour)
    except IllegalMove as error:
        if error.reason == "superko":
            raise
        what = f"{coords.colour_name(colour)} {str(error).removeprefix('illegal move ')}"
        raise SgfError("illegal move", f"move {len(position.moves) + 1}, {what}") from None

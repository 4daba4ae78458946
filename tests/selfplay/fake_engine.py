"""A GTP engine that behaves as its first argument says; a script of its own, started by the tests.

random SEED   plays legal random moves that fill no own eye, then passes
pass          passes
slow SECONDS  passes, after thinking for so long
resign        resigns
illegal       plays A1 for ever
offboard      answers with a vertex that no board has
die N         exits with a last word on stderr when asked for its N-th move
hang N        says nothing when asked for its N-th move
garbage       never answers in GTP
flood LINE    prints LINE, or y, without end
noisy         passes, after lines of noise on both outputs
refuse WORD   answers `?` to the command WORD, else passes
whole N       passes, and wants time settings of whole numbers, the last of them N
once FILE     dies at its first move if FILE is missing (and makes it), else passes: a failure that a restart mends
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path


class RandomPlayer:
    """Keeps a board; the import is heavy, and only this behaviour needs it."""

    def __init__(self, seed: int) -> None:
        from gozero import _legality
        from gozero.position import Position

        self.is_eye = _legality.is_eye
        self.make = Position
        self.draw = random.Random(seed)
        self.position = Position(9)

    def handle(self, command: str, args: list[str]) -> str:
        if command == "boardsize":
            self.position = self.make(int(args[0]))
        elif command == "clear_board":
            self.position = self.make(self.position.size)
        elif command == "play":
            self.position.play(args[1], colour_of(args[0]))
        elif command == "genmove":
            colour = colour_of(args[0])
            self.position.to_play = colour
            vertices = [v for v in self.position.legal_vertices() if not self.fills_eye(v, colour)]
            move = self.draw.choice(vertices) if vertices else "pass"
            self.position.play(move)
            return move
        return ""

    def fills_eye(self, vertex: str, colour: int) -> bool:
        from gozero.coords import parse_vertex

        return bool(self.is_eye(self.position.state, parse_vertex(vertex, self.position.size), colour))


def colour_of(text: str) -> int:
    return 1 if text.lower().startswith("b") else 2


def move_of(mode: str, turn: int, argument: str) -> str:
    """What the boardless behaviours answer to their `turn`-th genmove (from 1)."""
    if mode == "resign":
        return "resign"
    if mode == "illegal":
        return "A1"
    if mode == "offboard":
        return "Z99"
    if mode == "die" and turn == int(argument):
        sys.exit("out of ideas")
    if mode == "hang" and turn == int(argument):
        time.sleep(600)
    if mode == "slow":
        time.sleep(float(argument))
    if mode == "once" and not Path(argument).exists():
        Path(argument).touch()
        sys.exit("first time")
    return "pass"


def main() -> None:
    mode, argument = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "")
    player = RandomPlayer(int(argument)) if mode == "random" else None
    turn = 0
    for line in sys.stdin:
        command, *args = line.split()
        if command == "quit":
            print("=\n", flush=True)
            return
        if mode == "garbage":
            print("hello\nworld\n", flush=True)
            continue
        while mode == "flood":
            print(argument or "y", flush=True)
        if mode == "noisy":
            print("warming up\n\nstill warming up", flush=True)
            print("thinking\n" * 5000, file=sys.stderr, flush=True)
        if mode == "refuse" and command == argument:
            print("? not today\n", flush=True)
            continue
        if mode == "whole" and command == "time_settings" and not (args[1].isdigit() and args[2] == argument):
            print("? not three integers\n", flush=True)
            continue
        if command == "name":
            reply = f"fake {mode}"
        elif player is not None:
            reply = player.handle(command, args)
        elif command == "genmove":
            turn += 1
            reply = move_of(mode, turn, argument)
        else:
            reply = ""
        print(f"= {reply}\n", flush=True)


if __name__ == "__main__":
    main()

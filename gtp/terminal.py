"""`gozero play`: a game in the terminal, lines in and text out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gozero import coords
from gozero.amounts import komi_text, score_text
from gozero.coords import BLACK, EMPTY, PASS, RESIGN, WHITE
from gtp import options
from gtp.analysis import win_rate

if TYPE_CHECKING:
    from engine.player import Player
    from gozero.position import Position
    from gtp.records import Result

DESCRIPTION: Final = "A game in the terminal against the engine."
EXAMPLE: Final = "example: gozero play --size 9 --colour white --time 1"

HELP: Final = """\
D4, pass   your move: a letter (there is no I) and a number, or pass
undo       take back your last move and the answer to it
hint       what the engine would play for you
score      count the board as it stands
board      draw the board again
save FILE  write the game as SGF
resign     give up
quit       leave; so does the end of input (Ctrl-D, on Windows Ctrl-Z and Enter)"""

AFTERWARDS: Final = "The game is over: save FILE keeps it, undo goes back into it, quit leaves."

HANDICAP_KOMI: Final = 0.5
"""Komi of a handicap game where none is given."""

Say = Callable[[str], None]


def main(argv: Sequence[str]) -> int:
    """Play a game with these command-line arguments; returns the exit status."""
    parser = options.parser("gozero play", DESCRIPTION, EXAMPLE)
    parser.add_argument("--colour", choices=("black", "white"), default="black", help="your colour (default black)")
    parser.add_argument(
        "--handicap", type=options.at_least(0), default=0, metavar="N", help="black stones at the start"
    )
    parser.set_defaults(komi=None)
    arguments = parser.parse_args(argv)
    options.check(arguments)
    try:
        return _play(arguments)
    except KeyboardInterrupt:
        print("\nGood-bye.")
        return 0


def _play(arguments: argparse.Namespace) -> int:
    def say(text: str) -> None:
        print(text, flush=True)

    say("Loading ...")
    from engine.warm import first_start_notice

    if notice := first_start_notice():
        say(f"{notice[:1].upper()}{notice[1:]}.")
    position = new_position(arguments.size, arguments.komi, arguments.rules, arguments.handicap)
    player = options.player_maker(arguments)(arguments.size)
    try:
        Game(position, player, coords.parse_colour(arguments.colour), say).play(_typed_lines())
    finally:
        player.close()
    return 0


def _typed_lines() -> Iterator[str]:
    """Lines of standard input, asked for with a prompt."""
    while True:
        sys.stdout.write("> ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            print()
            return
        yield line


def new_position(size: int, komi: float | None, rules: str, handicap: int) -> Position:
    """The position at the start of a game; from two handicap stones on, they stand on the board and White moves.

    Raises:
        ValueError: there is no room for so many handicap stones.
    """
    from gozero.handicap import free_handicap
    from gozero.position import Position

    if komi is None:
        komi = HANDICAP_KOMI if handicap else options.DEFAULT_KOMI
    position = Position(size, komi, rules)
    if handicap >= 2:
        position.place_handicap(free_handicap(size, handicap))
    return position


class Game:
    """One game between a person and a player."""

    def __init__(self, position: Position, player: Player, colour: int, say: Say) -> None:
        """`colour` is the person's; `say` takes text for them."""
        self.position = position
        self._player = player
        self._colour = colour
        self._say = say
        self._result: Result | None = None  # None: the game goes on
        self._left = False
        self._saved: set[Path] = set()
        self._commands: dict[str, Callable[[str], None]] = {
            "help": lambda argument: say(HELP),
            "undo": self._undo,
            "hint": self._hint,
            "score": self._score,
            "board": lambda argument: say(draw(self.position)),
            "save": self._save,
            "resign": self._resign,
            "quit": self._quit,
            "exit": self._quit,
        }

    def play(self, lines: Iterator[str]) -> None:
        """Plays until the person leaves, or the lines that they type come to an end."""
        position = self.position
        size, mine, yours = position.size, coords.colour_name(3 - self._colour), coords.colour_name(self._colour)
        komi, rules = komi_text(position.komi), position.rules.name
        self._say(f"{size}x{size}, komi {komi}, {rules} rules. You are {yours}, GoZero is {mine}.")
        self._say("Type a move such as D4, or help.\n")
        self._say(draw(position))
        while not self._left:
            if self._result is None and self.position.to_play != self._colour:
                self._answer()
            else:
                line = next(lines, None)
                if line is None:
                    return
                self._obey(line)

    def _obey(self, line: str) -> None:
        """Carries out what the person typed."""
        name, _, argument = line.strip().partition(" ")
        if not name:
            return
        command = self._commands.get(name.lower())
        if command is not None:
            command(argument.strip())
            return
        if self._result is not None:
            self._say(AFTERWARDS)
            return
        try:
            self.position.play(name, self._colour)
        except ValueError as error:
            self._say(f"{str(error)[:1].upper()}{str(error)[1:]}. (help lists what you can type)")
            return
        self._finish_if_over()

    def _answer(self) -> None:
        """Lets the player move."""
        position = self.position
        colour = coords.colour_name(position.to_play)
        choice = self._player.choose(position)
        if choice.point == RESIGN:
            self._end_by_resignation("GoZero resigns.", self._colour)
            return
        position.play(choice.point)
        thoughts = ""
        if choice.result is not None:
            rate, result = win_rate(choice.result.root_value), choice.result
            thoughts = f" ({rate:.0%} for {colour}, {result.visits} visits, {result.seconds:.1f} s)"
        if choice.point != PASS:
            self._say("\n" + draw(position))
        self._say(f"GoZero plays {coords.format_vertex(choice.point, position.size)}{thoughts}")
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        if self.position.is_over:
            count, result = self._final_count()
            self._end(f"Both players passed: the game is over. {count}", result)

    def _end_by_resignation(self, how: str, winner: int) -> None:
        from gtp.records import Result

        self._end(f"{how} {coords.colour_name(winner)} wins.", Result(winner, ending="resign"))

    def _end(self, how: str, result: Result) -> None:
        self._result = result
        self._say(f"{how}\n{AFTERWARDS}")

    def _final_count(self) -> tuple[str, Result]:
        """Who won, without the stones that are dead, as GTP's final_score counts: in words, and for the record."""
        from engine import endgame
        from gozero.scoring import final_score
        from gtp.records import Result

        position = self.position
        settled = endgame.dead_stones_seen_by(self._player.search, position)
        score = final_score(position, settled.dead, settled.seki)
        winner = BLACK if score > 0 else WHITE if score < 0 else EMPTY
        margin = score_text(abs(score))
        count = f"{coords.colour_name(winner)} wins by {margin}" if winner else "The game is a draw"
        dead = " ".join(coords.format_vertex(point, position.size) for point in settled.dead)
        count += f"; taken as dead: {dead}." if dead else "; no stones are dead."
        return count, Result(winner, abs(score), "counted")

    def _undo(self, argument: str) -> None:
        position = self.position
        if not any(colour == self._colour for colour, _ in position.moves):
            self._say("There is no move of yours to take back.")
            return
        mover = None
        while mover != self._colour:
            mover = position.moves[-1][0]
            position.undo()
        self._result = None
        self._say(draw(position))

    def _hint(self, argument: str) -> None:
        if self._result is not None:
            self._say(AFTERWARDS)
            return
        choice = self._player.choose(self.position)
        self._say(f"GoZero would play {coords.format_vertex(choice.point, self.position.size)}.")

    def _score(self, argument: str) -> None:
        if self.position.is_over:
            self._say(self._final_count()[0])
            return
        from gozero.scoring import final_score

        score = final_score(self.position)
        if score == 0:
            count = "the game is a draw"
        else:
            count = f"{coords.colour_name(BLACK if score > 0 else WHITE)} leads by {score_text(abs(score))}"
        self._say(f"As the board stands, {count}; stones that are dead count until they are captured.")

    def _save(self, argument: str) -> None:
        from gtp import records

        if not argument:
            self._say("Name a file: save game.sgf")
            return
        try:
            file = Path(argument).expanduser().resolve()
            # What was saved here before is an earlier state of the same game; any other file is somebody's.
            with file.open("w" if file in self._saved else "x", encoding="utf-8") as stream:
                stream.write(records.text_of(self.position, self._result or records.UNKNOWN))
        except FileExistsError:
            self._say(f"{argument} is there already, and is not overwritten: choose another name")
            return
        except (OSError, RuntimeError) as error:  # a RuntimeError is a home that cannot be found
            self._say(f"Cannot write {argument}: {getattr(error, 'strerror', error)}")
            return
        self._saved.add(file)
        self._say(f"Saved as {argument}")

    def _resign(self, argument: str) -> None:
        if self._result is not None:
            self._say(AFTERWARDS)
        else:
            self._end_by_resignation("You resign.", 3 - self._colour)

    def _quit(self, argument: str) -> None:
        self._left = True


def draw(position: Position) -> str:
    """The board with star points, the last move in parentheses, and beside it what was captured."""
    from gozero.handicap import fixed_handicap, largest_fixed_handicap

    size = position.size
    lines = str(position).split("\n")
    # Small boards are printed with five star points, large ones with nine.
    count = min(largest_fixed_handicap(size), 5 if size < 13 else 9)
    for point in fixed_handicap(size, count) if count else []:
        row, column = coords.row_col(point, size)
        at = 3 + 2 * column
        if lines[row + 1][at] == ".":
            lines[row + 1] = lines[row + 1][:at] + "+" + lines[row + 1][at + 1 :]
    black_taken, white_taken = position.captured
    notes = [
        f"move {len(position.moves) + 1}, {coords.colour_name(position.to_play)} to play",
        f"Black (X) has captured {white_taken}",
        f"White (O) has captured {black_taken}",
    ]
    for row, note in enumerate(notes[:size], start=1):
        lines[row] += f"    {note}"
    return "\n".join(lines)

"""The folder of one tournament: its configuration, a line for every finished game, and the records.

A line is written when its game is over and safe on disk before the next one counts: a tournament that is stopped or
killed loses the games under way, and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from engine import player_file
from gozero import config, sgf_info
from gozero.durable import write_durably
from gozero.errors import GozeroError
from selfplay.boards import Game
from selfplay.gtp_client import split_command
from selfplay.gtp_game import FIRST, SECOND, GameResult
from selfplay.match_text import game_sgf
from selfplay.tournament import Pair, Played, TournamentConfig

CONFIG: Final = "config.yaml"
GAMES: Final = "games.jsonl"
RECORDS: Final = "records"
LOGS: Final = "logs"
LOCK: Final = ".lock"
CONDITIONS: Final = ("size", "komi", "rules", "time_per_move", "referee", "opening_plies", "seed", "options")
"""What may not change once games were played: their results would not be of one kind."""
SUFFIXES: Final = (".yaml", ".onnx", ".safetensors", ".npz")
"""Of files that players are made of."""
DIGESTS: Final = "files.json"
"""The files that players are made of: {player: {file as it is named: SHA-256}}."""

Digests: TypeAlias = dict[str, dict[str, str]]


class TournamentError(GozeroError):
    """A tournament's folder that cannot be read, or does not fit what is asked for."""


class TournamentFolder:
    """A tournament on disk: made, or found as it was left."""

    def __init__(self, path: Path, settings: TournamentConfig, commands: Mapping[str, str] | None = None) -> None:
        """Take up the tournament in `path`, or begin one there; `settings` may add players and games.

        `commands` are the players' command lines, which tell the files that they are made of.

        Raises:
            TournamentError: games were played there under other conditions or by others, or cannot be read.
        """
        self.path = path
        self.played = finished_games(path)
        digests = {name: digests_of(command) for name, command in (commands or {}).items()}
        if self.played:
            _refuse_changes(stored(path), settings, path)
            digests = self._with_kept(digests)
        for folder in (path, path / RECORDS, path / LOGS):
            folder.mkdir(parents=True, exist_ok=True)
        with (path / GAMES).open("ab") as file:  # a line that was cut off must not swallow the next one
            file.truncate(len(_whole_lines(path / GAMES)))
        write_durably(path / CONFIG, config.dump(settings))
        write_durably(path / DIGESTS, msgspec.json.encode(digests))

    @property
    def logs(self) -> Path:
        """Where engines' stderr goes."""
        return self.path / LOGS

    def add(self, game: Game, result: GameResult) -> Played:
        """Keep a finished game: first its record, then its line."""
        pair: Pair = (game.entrants[FIRST].name, game.entrants[SECOND].name)
        record = self.path / RECORDS / f"{pair[FIRST]},{pair[SECOND]}-{game.number:03}.sgf"
        write_durably(record, game_sgf(replace(result, names=pair)))
        played = Played(
            players=pair,
            number=game.number,
            points=result.points,
            failed=result.failed,
            result=sgf_info.format_result(result.record),
            reason=result.reason,
            plies=len(result.record.moves),
            moves=hashlib.sha256(result.record.moves.tobytes()).hexdigest()[:16],
            seconds=result.seconds,
            turns=result.turns,
        )
        with (self.path / GAMES).open("ab") as file:
            file.write(msgspec.json.encode(played) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.played.append(played)
        return played

    def _with_kept(self, digests: Digests) -> Digests:
        """`digests` and those that are kept. Raises TournamentError where a file is another one than games were played
        with; folders that were made before digests were kept have none."""
        known = self.path / DIGESTS
        kept = msgspec.json.decode(known.read_bytes(), type=Digests) if known.exists() else {}
        have_played = {name for played in self.played for name in played.players}
        for name in sorted(have_played & kept.keys() & digests.keys()):
            for file, digest in kept[name].items():
                if _digest(file) != digest:
                    raise TournamentError(
                        f"{file}, which is part of the player {name}, is not what it was when games were played in "
                        f"{self.path}: put the old file back, or name another folder with --run"
                    )
        return {**kept, **digests}


def digests_of(command: str) -> dict[str, str]:
    """SHA-256 of the files that make a player what it is: those that its command line names, and the networks and
    rollouts that a player file among them names by path."""
    words = split_command(command)[1:]
    names = {part for word in words for part in (word, word.partition("=")[2])}  # also --network=FILE
    for name in [name for name in names if name.endswith(".yaml") and Path(name).is_file()]:
        with contextlib.suppress(config.ConfigError):  # another program's
            settings = player_file.read(name)
            names |= {*settings.networks, settings.rollouts}
    digests = {name: _digest(name) for name in sorted(names) if Path(name).suffix in SUFFIXES}
    return {name: digest for name, digest in digests.items() if digest}


def _digest(file: str) -> str:
    """SHA-256 of a file; "" where there is none."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if Path(file).is_file() else ""


@contextlib.contextmanager
def alone_in(path: Path) -> Iterator[None]:
    """Keeps others from playing in the folder `path`, which is made, meanwhile: two would play the same games twice.

    The lock goes with its process, however that ends. Where the file system has none, nobody is kept out.

    Raises:
        TournamentError: another process plays there.
    """
    path.mkdir(parents=True, exist_ok=True)
    with (path / LOCK).open("ab") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise TournamentError(
                f"another process plays the tournament in {path}; --standings says how it stands"
            ) from None
        except OSError:
            pass
        yield


def require_tournament(path: Path) -> None:
    """Raises TournamentError where there is no tournament in `path`."""
    if not (path / CONFIG).is_file():
        raise TournamentError(f"there is no tournament in {path}: name its --players, or a --config")


def stored(path: Path) -> TournamentConfig:
    """The configuration of the tournament in `path`. Raises TournamentError where there is none, ConfigError."""
    require_tournament(path)
    return config.load(path / CONFIG, TournamentConfig)


def finished_games(path: Path) -> list[Played]:
    """The finished games of the tournament in `path`; none where there is no tournament.

    A last line without its end is left out: it is being written, or was when its process was killed. A game that is
    there twice counts once.

    Raises:
        TournamentError: a whole line is no game.
    """
    games: dict[tuple[Pair, int], Played] = {}
    for number, line in enumerate(_whole_lines(path / GAMES).splitlines(), start=1):
        try:
            played = msgspec.json.decode(line, type=Played)
        except msgspec.DecodeError as error:
            raise TournamentError(
                f"{path / GAMES}, line {number} is no finished game ({error}); mend or delete that line to go on"
            ) from None
        games.setdefault((played.players, played.number), played)
    return list(games.values())


def _whole_lines(path: Path) -> bytes:
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]


def _refuse_changes(before: TournamentConfig, now: TournamentConfig, path: Path) -> None:
    differing = [name for name in CONDITIONS if getattr(before, name) != getattr(now, name)]
    differing += [
        f"the player {name}"
        for name in before.players
        if now.players.get(name, before.players[name]) != before.players[name]
    ]
    if differing:
        raise TournamentError(
            f"{path} holds games in which {', '.join(differing)} differed; name another folder, or leave that as it was"
        )

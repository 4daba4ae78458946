"""The folder of a loop of generations: what is done, who is the best, how strong they are.

What is done is what is on disk, each file there whole or not at all; so a loop that was killed at any moment goes on
with the first thing that is missing:

- `selfplay/`: all finished games (`gozero selfplay`);
- `window/0007.store`: the games that generation 7 learns from, until it is done;
- `learner/`: the learner's run (`gozero train policy`), one for all generations;
- `networks/NAME-0007.onnx`: what it had learned then; generation 0 is what it began with;
- `matches/0007-0003.json`: how generation 7 did against generation 3;
- `generations/0007.json`: it is done, and whether it is the best now;
- `elo.png`: how strong they are.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from gozero.durable import write_durably
from selfplay.elo import elo_interval, elo_of_score
from selfplay.ratings import Rating, Score, ratings
from training.run_folder import RunError, RunFolder, git_state

T = TypeVar("T", bound=msgspec.Struct)
FIRST: Final = 0
"""The generation that a loop begins with, against which all are measured."""


class MatchResult(msgspec.Struct, frozen=True):
    """What a generation made of its games against an earlier one."""

    generation: int
    against: int
    games: int
    wins: int
    draws: int
    repeated: int
    """Games that others were played for, see `selfplay.contest.Contest`."""
    seconds: float

    @property
    def points(self) -> float:
        """A draw is half of one."""
        return self.wins + self.draws / 2

    @property
    def score(self) -> float:
        """Its share of the points."""
        return self.points / self.games if self.games else 0.5

    @property
    def elo(self) -> tuple[float, float, float]:
        """How much stronger it is, and the 95 % interval of that; ends may be infinite."""
        return elo_of_score(self.score), *elo_interval(self.points, self.games)


class Generation(msgspec.Struct, frozen=True):
    """A generation that is done."""

    number: int
    finished: int
    """Self-play games that there were when it began to learn."""
    window: int
    """Of those, the games that it learned from."""
    step: int
    """The learner's steps in all."""
    accepted: bool
    """Whether it plays from now on."""
    seconds: dict[str, float]
    """Spent on playing, learning and matches, by what finished them."""


class GenerationsFolder:
    """Paths and facts of a loop."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.run = RunFolder(self.path)
        self.learner = RunFolder(self.path / "learner")
        self.selfplay = self.path / "selfplay"
        self.plot = self.path / "elo.png"

    def create(self, config: msgspec.Struct) -> None:
        """Begins a new loop here. Raises RunError where there is one."""
        if self.run.config.exists():
            raise RunError(
                f"{self.path} already holds a loop; leave --config out to go on with it, or name another folder with "
                f"--run"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "code.txt").write_text(git_state() + "\n", encoding="utf-8")
        self.run.write_config(config)

    def window(self, number: int) -> Path:
        """The store that a generation learns from."""
        return self.path / "window" / f"{number:04d}.store"

    def network(self, name: str, number: int) -> Path:
        """The network file of a generation; its weights are beside it, and there before it."""
        return self.path / "networks" / f"{name}-{number:04d}.onnx"

    def generations(self) -> list[Generation]:
        """Those that are done, from 1 on."""
        done: list[Generation] = []
        while (path := self._generation(len(done) + 1)).is_file():
            done.append(read(path, Generation))
        return done

    def best(self) -> int:
        """The generation that plays now."""
        return max((each.number for each in self.generations() if each.accepted), default=FIRST)

    def match(self, generation: int, against: int) -> MatchResult | None:
        """How a generation did against an earlier one; None where they have not met."""
        path = self._match(generation, against)
        return read(path, MatchResult) if path.is_file() else None

    def matches(self) -> list[MatchResult]:
        """All of them."""
        return [read(path, MatchResult) for path in sorted((self.path / "matches").glob("[0-9]*.json"))]

    def add_match(self, result: MatchResult) -> None:
        """Keeps a match."""
        write(result, self._match(result.generation, result.against))

    def add_generation(self, generation: Generation) -> None:
        """A generation is done."""
        write(generation, self._generation(generation.number))

    def ratings(self) -> dict[int, Rating]:
        """The Elo of every generation that has met another, above the first, from all matches together."""
        matches = self.matches()
        known = sorted({FIRST, *(each.generation for each in matches), *(each.against for each in matches)})
        place = {number: at for at, number in enumerate(known)}
        scores = [Score(place[each.generation], place[each.against], each.points, each.games) for each in matches]
        return dict(zip(known, ratings(len(known), scores), strict=True)) if scores else {}

    def _generation(self, number: int) -> Path:
        return self.path / "generations" / f"{number:04d}.json"

    def _match(self, generation: int, against: int) -> Path:
        return self.path / "matches" / f"{generation:04d}-{against:04d}.json"


def write(what: msgspec.Struct, path: Path) -> None:
    """Writes it as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, msgspec.json.format(msgspec.json.encode(what), indent=1) + b"\n")


def read(path: Path, kind: type[T]) -> T:
    """What `write` wrote. Raises RunError where it is something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, OSError) as error:
        raise RunError(f"{path} is damaged ({error}); delete it, and the loop does that part again") from error

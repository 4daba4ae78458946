"""Generation after generation: the best network plays itself, the learner learns, matches say who plays next.

Each part begins by looking whether it is done (`training.generations_folder`). The learner waits while games are
played, and the players while it learns: on few cores each is faster alone, and every game is by the best network that
there is. The learner goes on from generation to generation with its weights, their average and its optimiser, also
after a network that was not accepted: games alone are by the best one (AlphaGo Zero).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from engine.network_kinds import Network
from engine.runtimes import open_network
from gozero._random import mix
from gozero.store import Store
from selfplay.backends import Job, play_locally
from selfplay.newest import NetworkPlace
from selfplay.searched_match import searched_contest
from selfplay.selfplay_progress import SelfPlayProgress
from selfplay.shards import count_games, gather
from training import supervised
from training.export import describe, network_of_run, write_onnx, write_weights
from training.generations_config import GenerationsConfig
from training.generations_folder import FIRST, Generation, GenerationsFolder, MatchResult
from training.generations_plot import draw
from training.loop import train
from training.supervised import PolicyConfig, PolicyStage, make_network
from training.weights import read_weights, start_from

_U64: Final = 0xFFFFFFFFFFFFFFFF


class Stopped(Exception):
    """A signal ended a part early; everything that is finished is on disk."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Generations:
    """A loop in its folder, whose configuration is there already."""

    def __init__(
        self,
        config: GenerationsConfig,
        folder: GenerationsFolder,
        device: torch.device,
        workers: int,
        tell: Callable[[str], Any],
    ) -> None:
        """`workers`: processes that play; `tell` hears what has been done."""
        self._config, self._folder, self._device, self._workers, self._tell = config, folder, device, workers, tell
        self._seconds: dict[str, float] = {}

    def run(self) -> None:
        """All generations that are missing.

        Raises:
            Stopped: SIGINT or SIGTERM came.
        """
        self._begin()
        while True:
            done = len(self._folder.generations())
            # Not before it is done: half a window, left by a loop that was killed here, would be taken for the whole.
            shutil.rmtree(self._folder.window(done), ignore_errors=True)
            if done:
                draw(self._config, self._folder)
            if done >= self._config.generations:
                return
            self._generation(done + 1)

    def _generation(self, number: int) -> None:
        """What is missing of one generation."""
        self._seconds = {}
        finished = self._timed("play", self._play, number)
        window = self._timed("learn", self._learn, number, finished)
        accepted = self._timed("match", self._judge, number)
        step = number * self._config.training.loop.steps
        self._folder.add_generation(Generation(number, finished, window, step, accepted, self._seconds))

    def _timed(self, part: str, work: Callable[..., Any], *arguments: Any) -> Any:
        began = time.monotonic()
        result = work(*arguments)
        self._seconds[part] = round(time.monotonic() - began, 1)
        return result

    def _begin(self) -> None:
        """Makes generation 0: the network to start from, or random weights."""
        config = self._config.learner("")
        path = self._folder.network(self._config.name, FIRST)
        if path.is_file():
            return
        network = make_network(config, torch.device("cpu"))
        sources = []
        if config.init:
            start_from(network, config.init)
            sources = read_weights(config.init)[1].trained_on.get("sources", [])
        record = {"sources": sources, "step": 0, "seconds": 0.0, "started_from": config.init}
        self._write(network.eval(), config, record, FIRST)

    def _play(self, number: int) -> int:
        """Plays what is missing of a generation's games; returns how many there are in all."""
        config, folder = self._config, self._folder
        finished = count_games(folder.selfplay)
        missing = number * config.play.games - finished
        # Once it has begun to learn, nothing may be added to what it learns from.
        if missing <= 0 or folder.window(number).exists():
            return finished
        best = folder.best()
        self._tell(f"generation {number}: {missing} games of generation {best} against itself")
        place = NetworkPlace(size=config.play.search.size, start=str(folder.network(config.name, best)))
        job = Job(config=config.selfplay, folder=str(folder.selfplay), place=place)
        with SelfPlayProgress(config.play.boards, missing) as progress:
            stopped_by = play_locally(job, self._workers, missing, progress.heard)
        if stopped_by is not None:
            raise Stopped(stopped_by)
        self._tell(progress.text())
        return count_games(folder.selfplay)

    def _learn(self, number: int, finished: int) -> int:
        """Lets the learner do the steps of a generation that are missing; returns the games that it learns from."""
        path = self._window(number, finished)
        config, learner = self._config.learner(str(path)), self._folder.learner
        games = len(Store.open(path))
        until = number * self._config.training.loop.steps
        if (learner.latest_step() or 0) >= until:
            return games
        if learner.config.is_file():
            learner.write_config(config)
        else:
            learner.create(config)
        self._tell(f"generation {number}: learning from {games} games, up to step {until}")
        stage = PolicyStage(config, self._device)
        network = make_network(config, self._device)
        first, about = read_weights(str(self._folder.network(self._config.name, FIRST)))
        network.load_state_dict(first.state_dict())
        sources = [*about.trained_on["sources"], "self-play"]
        outcome = train(
            stage,
            network,
            learner,
            config.loop,
            config.optimiser,
            config.schedule,
            resume=True,
            facts={**supervised.facts(config, stage), "sources": sources},
            threads=config.data.threads,
            flops=supervised.step_flops(network, config),
            until=until,
        )
        if outcome.stopped_by is not None:
            raise Stopped(outcome.stopped_by)
        return games

    def _window(self, number: int, finished: int) -> Path:
        """The store that a generation learns from, made once."""
        path = self._folder.window(number)
        if not path.exists():
            # What is there was left half-written, or by a generation that is done.
            shutil.rmtree(path.parent, ignore_errors=True)
            newest = self._config.window.games(finished)
            gather(self._folder.selfplay, path, newest=newest, on_problem=self._tell)
        return path

    def _judge(self, number: int) -> bool:
        """Makes a player of what was learned and lets it play the best one and the first; returns whether it is the
        best now."""
        config, folder = self._config, self._folder
        if not folder.network(config.name, number).is_file():
            step = number * config.training.loop.steps
            network, learner, record = network_of_run(folder.learner, step)
            assert isinstance(learner, PolicyConfig)
            self._write(network, learner, record, number)
        best = folder.best()
        result = self._match(number, best)
        if best != FIRST and number % config.gate.anchor_every == 0:
            self._match(number, FIRST)
        accepted = result.score >= config.gate.needed
        rating = folder.ratings()[number]
        self._tell(
            f"generation {number} {'plays from now on' if accepted else f'does not replace generation {best}'}; "
            f"{rating.elo:+.0f} Elo [{rating.low:+.0f}, {rating.high:+.0f}] above generation {FIRST}"
        )
        return accepted

    def _match(self, number: int, against: int) -> MatchResult:
        """The match of two generations, played where it has not been."""
        config, folder = self._config, self._folder
        if found := folder.match(number, against):
            return found
        began = time.monotonic()
        players = {
            each: open_network(folder.network(config.name, each), config.gate.boards)
            for each in {number, against, FIRST}
        }
        seed = int(mix(np.uint64(((config.seed << 32) + (number << 16) + against) & _U64)))
        contest = searched_contest(
            players[number],
            players[against],
            players[FIRST],
            config.matches,
            config.gate.games,
            seed,
            boards=config.gate.boards,
        )
        for evaluator in players.values():
            evaluator.close()
        seconds = round(time.monotonic() - began, 1)
        result = MatchResult(number, against, contest.games, contest.wins, contest.draws, contest.repeated, seconds)
        folder.add_match(result)
        low, high = contest.interval
        self._tell(
            f"generation {number} against {against}: {result.score:.1%} [{low:.1%}, {high:.1%}] of {result.games} "
            f"games at {config.gate.visits} visits, {seconds:.0f} s"
        )
        return result

    def _write(self, network: Network, config: PolicyConfig, record: dict[str, Any], number: int) -> None:
        path = self._folder.network(self._config.name, number)
        info = describe(network, config, record, name=path.stem, boards=[config.board_size], results={}, licence="")
        write_weights(network, info, path.with_suffix(".safetensors"))
        write_onnx(network, info, path)

"""The pool of a run's past policies on disk, from which opponents are drawn (AlphaGo, Methods, "Reinforcement learning
of policy networks")."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from gozero.durable import write_durably
from gozero.errors import GozeroError


class PoolError(GozeroError):
    """A member of the pool that is missing or damaged."""


class Pool:
    """Weights by the step at which they joined, `step-N.safetensors` in a folder; a file that is there is whole.

    Who is drawn at a step depends on the steps before it alone, so that a run that goes back to an older checkpoint
    meets the opponents that it met the first time, whatever has joined since.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, step: int, weights: dict[str, Tensor]) -> None:
        """The weights as they were after `step` steps join; an older file of that step is replaced."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
        write_durably(self._path(step), content)

    def steps(self, until: int) -> list[int]:
        """The members that joined after at most `until` steps, ascending."""
        found = [int(path.stem.removeprefix("step-")) for path in self.folder.glob("step-*.safetensors")]
        return sorted(step for step in found if step <= until)

    def draw(self, seed: int, step: int, count: int = 1) -> list[int]:
        """`count` members, each equally likely, that joined by `step`; different ones as far as there are so many.

        Raises:
            PoolError: nobody has joined yet.
        """
        members = self.steps(step)
        if not members:
            raise PoolError(f"the pool in {self.folder} is empty: the run's first opponent is missing")
        order = np.random.default_rng((seed, step)).permutation(len(members))
        return [members[order[i % len(members)]] for i in range(count)]

    def weights(self, step: int) -> dict[str, Tensor]:
        """The weights of a member.

        Raises:
            PoolError: they are not there, or damaged.
        """
        path = self._path(step)
        try:
            found: dict[str, Tensor] = load_file(path)
        except (OSError, SafetensorError) as error:
            raise PoolError(
                f"the opponent {path} cannot be read ({error}); without it the run cannot go on exactly: "
                f"copy it back, or start a new run with --init"
            ) from error
        return found

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.safetensors"

"""A trained network as the teacher of another: its answers to a batch say more than one game's moves and result.

Distillation (Hinton, Vinyals and Dean 2015): a record names one move of several good ones, and one result of many that
were possible; a network that has seen many records names all of them with their shares, which takes that noise out of
what a smaller one learns.
"""

from __future__ import annotations

import numpy as np

from engine import network_file
from engine.evaluator import Evaluation
from engine.network_file import COMPACT, NetworkFileError
from engine.runtimes import open_network
from gozero.geometry import symmetry_table
from training.batches import Batch


class Teacher:
    """Answers batches as they are shown to the learner. Several threads may ask at once."""

    def __init__(self, name: str, size: int, boards: int, *, turns: bool = False) -> None:
        """Opens a network by its shipped name or file, to be asked about so many `boards` of `size` at once.

        One that `turns` is shown the boards of every step turned in another way than the learner, all eight in turn:
        so what is learned is the mean over all symmetries of what it says, at the price of any one.

        Raises:
            NetworkFileError: it is missing or unreadable, knows no value, or plays on other boards.
            EvaluatorError: it cannot be run here.
        """
        path = network_file.find(name, size)
        info = network_file.load_metadata(path)
        if info.kind != COMPACT:
            raise NetworkFileError(f"{name} cannot teach: it is of kind {info.kind!r}, a teacher of kind {COMPACT!r}")
        self.feature_set = info.feature_set
        """Name of the planes that batches for it hold: the learner may read others."""
        self._network = open_network(path, boards)
        self._symmetries = symmetry_table(size) if turns else symmetry_table(size)[:1]

    def answers(self, batch: Batch, step: int) -> Evaluation:
        """What it says about each row of the batch of `step`, in planes of `feature_set`: for the player to move, and
        turned as the batch is."""
        moves = self._symmetries[step % len(self._symmetries)]
        points = moves[:-1]
        planes = np.empty_like(batch.planes).reshape(*batch.planes.shape[:2], -1)
        planes[:, :, points] = batch.planes.reshape(planes.shape)
        answer = self._network.evaluate(planes.reshape(batch.planes.shape), batch.globals)
        ownership = None if answer.ownership is None else answer.ownership[:, points]
        return answer._replace(policy_logits=answer.policy_logits[:, moves], ownership=ownership)

"""A teacher sees batches turned, and its answers are turned back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import network_file
from engine.network_file import NetworkFileError
from engine.runtimes import open_network
from gozero.geometry import symmetry_table
from gozero.store import Store
from training.batches import BatchSource
from training.teacher import Teacher


@pytest.mark.parametrize(("step", "turns"), [(0, True), (5, True), (8 + 3, True), (8 + 6, True), (5, False)])
def test_answers_are_those_to_the_turned_boards_turned_back(step: int, turns: bool, row_store: Path) -> None:
    """The boards are turned by whoever makes batches: another way than the teacher's."""
    source = BatchSource(
        Store.open(row_store), feature_set="compact", size=9, split="train", batch_size=12, seed=4, symmetry=False
    )
    positions = np.arange(0, source.positions, source.positions // 12)[:12]
    symmetry = step % 8 if turns else 0
    turned, table = source.at(positions, symmetry), symmetry_table(9)[symmetry]
    wanted = open_network(network_file.find("compact-9"), 12).evaluate(turned.planes, turned.globals)
    answer = Teacher("compact-9", 9, 12, turns=turns).answers(source.at(positions), step)
    np.testing.assert_allclose(answer.policy_logits, wanted.policy_logits[:, table], atol=1e-4)
    np.testing.assert_allclose(answer.value, wanted.value, atol=1e-5)
    assert answer.ownership is not None
    assert wanted.ownership is not None
    np.testing.assert_allclose(answer.ownership, wanted.ownership[:, table[:-1]], atol=1e-4)


def test_who_cannot_teach() -> None:
    with pytest.raises(NetworkFileError, match="no network nobody"):
        Teacher("nobody", 9, 8)
    with pytest.raises(NetworkFileError, match="plays on 9x9"):
        Teacher("compact-9", 19, 8)

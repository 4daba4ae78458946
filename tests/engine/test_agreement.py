"""How far two answers are apart: by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.agreement import Agreement, agreement
from engine.evaluator import Evaluation

SIZE = 2


def answer(policies: list[list[float]], value: list[float], owner: float | None = None) -> Evaluation:
    """Logits of `policies`, whose moves beyond those named are next to impossible."""
    shares = np.full((len(policies), SIZE * SIZE + 1), 1e-9)
    for row, policy in zip(shares, policies, strict=True):
        row[: len(policy)] = policy
    ownership = None if owner is None else np.full((len(policies), SIZE * SIZE), owner, np.float32)
    # Whatever is added to all logits of a position changes nothing.
    return Evaluation(np.log(shares).astype(np.float32) + 100, np.array(value, np.float32), ownership=ownership)


def test_each_difference_is_the_largest() -> None:
    expected = answer([[0.5, 0.3, 0.2], [0.9, 0.1]], [0.25, -1.0], owner=-0.5)
    found = answer([[0.3, 0.5, 0.2], [0.8, 0.2]], [0.25, 0.5], owner=0.25)
    assert agreement(expected, found) == pytest.approx(Agreement(policy=0.2, value=1.5, ownership=0.75, same_move=0.5))
    assert agreement(found, found) == Agreement(policy=0, value=0, ownership=0, same_move=1)


def test_ownership_of_only_one_is_no_agreement() -> None:
    known, unknown = answer([[1.0]], [0.0], owner=0.0), answer([[1.0]], [0.0])
    assert agreement(unknown, unknown).ownership == 0
    assert agreement(known, unknown).ownership == agreement(unknown, known).ownership == np.inf


def test_no_number_is_no_agreement() -> None:
    broken = agreement(answer([[1.0]], [0.0]), answer([[1.0]], [np.nan]))
    assert not broken.differences["value"] <= 2

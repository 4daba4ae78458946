"""The loss against numbers worked out by hand."""

import math

import pytest
import torch

from engine.networks import Answers
from training.losses import Targets, supervised_loss

NOWHERE = torch.zeros(2, 4)


def test_parts_and_total():
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0, -math.inf], [math.log(3.0), 0.0, 0.0, -math.inf, -math.inf]])
    answers = Answers(logits, torch.tensor([0.5, -1.0]), torch.tensor([[1.0, -1.0, 0.5, 0.0]] * 2))
    targets = Targets(
        torch.tensor([2, 0]),
        torch.tensor([1.0, 1.0]),
        torch.ones(2),
        torch.tensor([[1, 1, 1, 0]] * 2, dtype=torch.int8),
    )
    loss = supervised_loss(answers, targets, value_weight=0.25, ownership_weight=2.0)
    assert float(loss.policy) == pytest.approx((math.log(4) + math.log(5 / 3)) / 2)
    assert float(loss.value) == pytest.approx((0.25 + 4.0) / 2)
    assert float(loss.ownership) == pytest.approx((4.0 + 0.25) / 4)
    assert float(loss.total) == pytest.approx(float(loss.policy) + 0.25 * float(loss.value) + 2 * float(loss.ownership))


def test_unknown_results_teach_no_value():
    value = torch.tensor([0.5, -1.0], requires_grad=True)
    targets = Targets(torch.tensor([0, 1]), torch.tensor([1.0, 0.0]), torch.tensor([1.0, 0.0]), NOWHERE)
    loss = supervised_loss(Answers(torch.zeros(2, 5), value, NOWHERE), targets, value_weight=1.0, ownership_weight=0.0)
    loss.total.backward()
    assert loss.value.item() == pytest.approx(0.25)
    assert value.grad is not None
    assert value.grad.tolist() == [-1.0, 0.0]


def test_a_batch_without_results_has_no_value_loss():
    targets = Targets(torch.tensor([0, 1]), torch.zeros(2), torch.zeros(2), NOWHERE)
    answers = Answers(torch.zeros(2, 5), torch.ones(2), NOWHERE)
    assert float(supervised_loss(answers, targets, value_weight=1.0, ownership_weight=0.0).value) == 0

"""The loss against numbers worked out by hand."""

import math

import pytest
import torch

from engine.networks import Answers
from training.losses import UNKNOWN, LossConfig, Targets, move_loss, share_loss, supervised_loss, value_target

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
    loss = supervised_loss(answers, targets, LossConfig(value=0.25, ownership=2.0))
    assert float(loss.policy) == pytest.approx((math.log(4) + math.log(5 / 3)) / 2)
    assert float(loss.value) == pytest.approx((0.25 + 4.0) / 2)
    assert float(loss.ownership) == pytest.approx((4.0 + 0.25) / 4)
    assert float(loss.total) == pytest.approx(float(loss.policy) + 0.25 * float(loss.value) + 2 * float(loss.ownership))


def test_unknown_results_teach_no_value():
    value = torch.tensor([0.5, -1.0], requires_grad=True)
    targets = Targets(torch.tensor([0, 1]), torch.tensor([1.0, 0.0]), torch.tensor([1.0, 0.0]), NOWHERE)
    loss = supervised_loss(Answers(torch.zeros(2, 5), value, NOWHERE), targets, LossConfig(value=1.0, ownership=0.0))
    loss.total.backward()
    assert loss.value.item() == pytest.approx(0.25)
    assert value.grad is not None
    assert value.grad.tolist() == [-1.0, 0.0]


def test_a_batch_without_results_has_no_value_loss():
    targets = Targets(torch.tensor([0, 1]), torch.zeros(2), torch.zeros(2), NOWHERE)
    answers = Answers(torch.zeros(2, 5), torch.ones(2), NOWHERE)
    assert float(supervised_loss(answers, targets, LossConfig(value=1.0, ownership=0.0)).value) == 0


def test_the_reply_is_learned_where_it_is_known():
    logits = torch.tensor([[0.0, math.log(3.0)], [5.0, 1.0], [0.0, 0.0]], requires_grad=True)
    targets = Targets(
        torch.tensor([0, 0, 0]),
        torch.zeros(3),
        torch.zeros(3),
        torch.zeros(3, 0),
        torch.tensor([1, UNKNOWN, 0]),
    )
    loss = supervised_loss(Answers(torch.zeros(3, 2), reply=logits), targets, LossConfig(reply=0.5))
    assert loss.value is None
    assert loss.ownership is None
    assert loss.reply is not None
    assert loss.reply.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    assert loss.total.item() == pytest.approx(math.log(2) + 0.5 * loss.reply.item())
    assert loss.parts().keys() == {"policy", "reply"}
    loss.total.backward()
    assert logits.grad is not None
    assert not logits.grad[1].any()


def test_a_batch_without_known_moves_teaches_nothing():
    logits = torch.zeros(2, 5, requires_grad=True)
    loss = move_loss(logits, torch.full((2,), UNKNOWN))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_parts_of_a_batch_in_two_processes_make_the_whole():
    """Each process divides by the mean weight of all, so the mean of both losses is the loss of the whole batch."""
    torch.manual_seed(0)
    answers = Answers(torch.randn(8, 5), torch.randn(8).tanh(), reply=torch.randn(8, 5))
    moves = torch.tensor([0, 1, UNKNOWN, 2, 3, UNKNOWN, UNKNOWN, UNKNOWN])
    weight = torch.tensor([1.0, 0, 0, 1, 1, 1, 1, 1])
    targets = Targets(moves, torch.ones(8), weight, torch.zeros(8, 0), moves.flip(0))
    weights = LossConfig(reply=0.3)
    whole = supervised_loss(answers, targets, weights)
    counts = {
        float(part.sum()): part.sum() * 0 + all_of.sum() / 2
        for all_of in (weight, (moves != UNKNOWN).float())
        for part in all_of.split(4)
    }
    halves = [
        supervised_loss(
            Answers(*(None if a is None else a[rows] for a in answers)),
            Targets(*(None if t is None else t[rows] for t in targets)),
            weights,
            across=lambda count: counts[float(count)],
        )
        for rows in (slice(0, 4), slice(4, 8))
    ]
    assert float(sum(half.total for half in halves)) / 2 == pytest.approx(float(whole.total), rel=1e-6)


def test_shares_are_what_the_policy_learns_where_they_are_known():
    """A row without shares teaches nothing, and its gradient is that of the softmax less the shares in the others."""
    logits = torch.tensor([[0.0, math.log(3.0)], [4.0, 1.0], [0.0, 0.0]], requires_grad=True)
    shares = torch.tensor([[0.25, 0.75], [0.0, 0.0], [1.0, 0.0]])
    targets = Targets(torch.tensor([1, 0, 0]), torch.zeros(3), torch.zeros(3), torch.zeros(3, 0), shares=shares)
    loss = supervised_loss(Answers(logits), targets, LossConfig())
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert loss.policy.item() == pytest.approx((entropy + math.log(2)) / 2)
    loss.total.backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.tensor([[0.0, 0.0], [0.0, 0.0], [-0.25, 0.25]]))


def test_shares_of_one_move_are_that_move():
    torch.manual_seed(1)
    logits, moves = torch.randn(6, 5), torch.tensor([0, 4, 2, 2, 1, 3])
    shares = torch.nn.functional.one_hot(moves, 5).float()
    torch.testing.assert_close(share_loss(logits, shares), move_loss(logits, moves))


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 1.0), (0.25, 0.65), (1.0, -0.4)])
def test_the_value_learns_the_result_and_what_the_search_thought(share: float, wanted: float):
    found = Targets(
        torch.tensor([0]), torch.ones(1), torch.ones(1), torch.zeros(1, 0), search_value=torch.tensor([-0.4])
    )
    weights = LossConfig(search_value=share)
    assert value_target(found, weights).item() == pytest.approx(wanted)
    assert value_target(found._replace(search_value=None), weights).item() == 1.0


@pytest.mark.parametrize("name", ["search_value", "teacher", "teacher_value"])
def test_a_share_is_a_share(name: str):
    with pytest.raises(ValueError, match=f"loss.{name} must be from 0 to 1"):
        LossConfig(**{name: 1.5})


def test_a_teacher_s_answers_are_learned_by_their_share():
    """Policy: 0.25 of what its shares cost; value and ownership: the error to a target half of the way to it."""
    logits = torch.tensor([[0.0, math.log(3.0)]], requires_grad=True)
    answers = Answers(logits, torch.tensor([0.5]), torch.tensor([[0.0, 0.5]]))
    happened = Targets(torch.tensor([0]), torch.ones(1), torch.ones(1), torch.tensor([[1, -1]], dtype=torch.int8))
    targets = happened._replace(
        teacher_policy=torch.tensor([[0.75, 0.25]]),
        teacher_value=torch.tensor([-1.0]),
        teacher_ownership=torch.tensor([[0.0, 1.0]]),
    )
    weights = LossConfig(value=1.0, ownership=1.0, teacher=0.25, teacher_value=0.5)
    loss = supervised_loss(answers, targets, weights)
    assert loss.teacher is not None
    assert loss.policy.item() == pytest.approx(math.log(4))  # of the move played, as without a teacher
    assert loss.teacher.item() == pytest.approx(0.75 * math.log(4) + 0.25 * math.log(4 / 3))
    assert loss.value is not None
    assert loss.value.item() == pytest.approx((0.5 - 0.0) ** 2)
    assert loss.ownership is not None
    assert loss.ownership.item() == pytest.approx((0.5**2 + 0.5**2) / 2)
    loss.total.backward()
    assert logits.grad is not None
    # The softmax less what is learned: 0.75 of the move and 0.25 of the shares.
    wanted = [0.25 - (0.75 + 0.25 * 0.75), 0.75 - 0.25 * 0.25]
    torch.testing.assert_close(logits.grad, torch.tensor([wanted]))
    assert supervised_loss(answers, happened, weights).teacher is None

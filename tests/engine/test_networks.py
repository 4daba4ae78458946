"""What the definition promises: any board size, komi in the value, every weight in use."""

import msgspec
import pytest
import torch
from torch import Tensor

from engine.networks import Architecture, Compact, parameter_count
from gozero.features import GLOBALS

PLANES = 26
SMALL = Architecture(blocks=2, channels=8, policy_channels=8, value_channels=4, value_hidden=8)


def network(*, batch_norm: bool = False, noise: float = 0.3) -> Compact:
    """A network with all its weights away from zero."""
    torch.manual_seed(0)
    net = Compact(msgspec.structs.replace(SMALL, batch_norm=batch_norm), PLANES)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * noise)
    return net.eval()


def inputs(size: int, batch: int = 3) -> tuple[Tensor, Tensor]:
    torch.manual_seed(size)
    return torch.randint(0, 2, (batch, PLANES, size, size), dtype=torch.uint8), torch.randn(batch, len(GLOBALS))


@pytest.mark.parametrize("size", [1, 2, 9, 19, 25])
def test_one_network_plays_any_board(size: int):
    answers = network()(*inputs(size))
    assert answers.policy.shape == (3, size * size + 1)
    assert answers.value.shape == (3,)
    assert answers.ownership.shape == (3, size * size)
    assert answers.value.abs().max() <= 1
    assert answers.ownership.abs().max() <= 1


def test_komi_for_the_player_to_move_raises_the_value():
    planes, globals_ = inputs(9, batch=64)
    net = network(noise=0.05)
    values = []
    for komi in (-30.0, -7.5, -0.5, 0.0, 0.5, 7.5, 30.0):
        globals_[:, 0] = komi / 15
        values.append(net(planes, globals_).value)
    steps = torch.stack(values).diff(dim=0)
    assert (steps >= 0).all()
    assert (steps.sum(0) > 1e-3).all()


def test_komi_leaves_the_policy_alone_and_other_globals_do_not():
    planes, globals_ = inputs(9)
    net = network()
    policy = net(planes, globals_).policy
    for index in range(len(GLOBALS)):
        changed = globals_.clone()
        changed[:, index] += 1
        assert torch.equal(net(planes, changed).policy, policy) == (index == 0)


def test_rows_of_a_batch_do_not_see_each_other():
    planes, globals_ = inputs(9, batch=4)
    net = network(batch_norm=True)
    together = net(planes, globals_)
    alone = [net(planes[i : i + 1], globals_[i : i + 1]) for i in range(4)]
    for whole, parts in zip(together[:3], zip(*(answers[:3] for answers in alone), strict=True), strict=True):
        assert torch.allclose(whole, torch.cat(parts), atol=1e-4)


def test_a_far_stone_matters_through_pooling():
    """Without pooled bias no stone outside the 13x13 field of the convolutions could move a corner's logit."""
    planes, globals_ = inputs(25, batch=1)
    changed = planes.clone()
    changed[0, :, 24, 24] = 1 - changed[0, :, 24, 24]
    net = network()
    assert net(planes, globals_).policy[0, 0] != net(changed, globals_).policy[0, 0]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_every_weight_learns(batch_norm: bool):
    net = network(batch_norm=batch_norm, noise=0.05).train()
    policy, value, ownership, _ = net(*inputs(9, batch=16))
    (policy.square().sum() + value.sum() + ownership.sum()).backward()
    idle = [name for name, parameter in net.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert idle == []


def test_a_fresh_trunk_passes_its_input_on():
    torch.manual_seed(0)
    block = Compact(SMALL, PLANES).trunk[1]
    x = torch.rand(2, SMALL.channels, 9, 9)
    assert torch.equal(block(x), x)


def test_parameter_count_of_the_presets_shape():
    assert parameter_count(Compact(Architecture(blocks=4, channels=32), PLANES)) == 104_836


def test_the_reply_head_changes_nothing_else():
    torch.manual_seed(5)
    plain = Compact(SMALL, PLANES)
    torch.manual_seed(5)
    with_reply = Compact(msgspec.structs.replace(SMALL, reply=True), PLANES)
    assert all(torch.equal(with_reply.state_dict()[name], weight) for name, weight in plain.state_dict().items())
    answers = with_reply(*inputs(9))
    assert answers.reply.shape == answers.policy.shape
    assert not torch.equal(answers.reply, answers.policy)
    assert plain(*inputs(9)).reply is None


@pytest.mark.parametrize(("field", "value"), [("blocks", 0), ("channels", 0), ("pool_every", -1)])
def test_impossible_shapes_are_refused(field: str, value: int):
    with pytest.raises(ValueError, match=field):
        msgspec.structs.replace(SMALL, **{field: value})

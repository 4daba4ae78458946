"""A grown network answers as the small one did, and every weight of it learns."""

import pytest
import torch
from msgspec import structs
from torch import Tensor, nn

from engine.networks import Architecture, Compact
from gozero.features import GLOBALS
from training.grow import GrowError, grow

PLANES = 6
SMALL = Architecture(blocks=2, channels=8, policy_channels=6, value_channels=4, value_hidden=5)
LARGE = Architecture(blocks=4, channels=16, policy_channels=9, value_channels=7, value_hidden=8)


def trained(architecture: Architecture, steps: int = 20, scale: float = 1.0) -> Compact:
    """A network whose every weight has left its initial value."""
    torch.manual_seed(1)
    network = Compact(architecture, PLANES)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
        network.first.weight.mul_(scale)
    return network.eval()


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    planes = torch.randint(0, 2, (5, PLANES, 7, 7), generator=generator).float()
    return planes, torch.randn(5, len(GLOBALS), generator=generator)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_more_blocks_and_wider_heads_change_no_answer(batch_norm: bool):
    small = trained(structs.replace(SMALL, batch_norm=batch_norm))
    large = Compact(structs.replace(LARGE, channels=8, batch_norm=batch_norm), PLANES).eval()
    grow(small, large)
    for before, after in zip(small(*inputs()), large(*inputs()), strict=True):
        torch.testing.assert_close(after, before)


def test_more_channels_change_answers_by_the_scale_alone():
    small = trained(SMALL, scale=50.0)
    large = Compact(LARGE, PLANES).eval()
    grow(small, large)
    for before, after in zip(small(*inputs()), large(*inputs()), strict=True):
        torch.testing.assert_close(after, before, rtol=0.02, atol=0.02)
    fresh = Compact(LARGE, PLANES).eval()
    assert (fresh(*inputs()).policy - small(*inputs()).policy).abs().max() > 0.2


def test_every_weight_of_the_grown_network_learns():
    large = Compact(LARGE, PLANES)
    grow(trained(SMALL), large)
    before = {name: parameter.detach().clone() for name, parameter in large.named_parameters()}
    optimiser = torch.optim.SGD(large.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        answers = large(*inputs())
        loss = nn.functional.cross_entropy(answers.policy, torch.arange(5)) + answers.value.sum()
        (loss + answers.ownership.square().mean()).backward()
        optimiser.step()
    learning = {
        name: float((parameter != before[name]).float().mean())
        for name, parameter in large.named_parameters()
        if parameter.ndim > 1
    }
    assert min(learning.values()) > 0.5, learning  # the rest: units that were 0 on these few positions


@pytest.mark.parametrize(("name", "value"), [("blocks", 1), ("channels", 4), ("pool_every", 1), ("batch_norm", True)])
def test_shapes_that_cannot_contain_it_are_refused(name: str, value: object):
    large = Compact(structs.replace(LARGE, **{name: value}), PLANES)
    with pytest.raises(GrowError, match=rf"network\.{name}"):
        grow(trained(SMALL), large)

"""AlphaGo's policy network: the published counts, what it can see, and what it never does."""

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor

from engine.alphago_networks import PolicyArchitecture, PolicyNetwork
from engine.network_file import NetworkFileError
from engine.network_kinds import build, kind_of, parse_architecture
from engine.networks import Architecture, parameter_count
from gozero.features import GLOBALS, plane_count
from gozero.symmetry import transform_planes, transform_policy

PLANES = plane_count("alphago48")
SMALL = PolicyArchitecture(filters=6, layers=5, board=9)


def network(architecture: PolicyArchitecture = SMALL) -> PolicyNetwork:
    torch.manual_seed(0)
    return PolicyNetwork(architecture, PLANES).eval()


def inputs(batch: int = 2, size: int = 9) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(batch)
    planes = torch.randint(0, 2, (batch, PLANES, size, size), generator=generator, dtype=torch.uint8)
    return planes, torch.randn(batch, len(GLOBALS), generator=generator)


@pytest.mark.parametrize(("filters", "parameters"), [(192, 3_880_489), (256, 6_795_881)])
def test_published_parameter_counts(filters: int, parameters: int):
    """The counts are those of the GoNN project's table of networks."""
    with torch.device("meta"):
        assert parameter_count(PolicyNetwork(PolicyArchitecture(filters=filters), PLANES)) == parameters


def test_thirteen_layers_as_in_the_paper():
    with torch.device("meta"):
        net = PolicyNetwork(PolicyArchitecture(), PLANES)
    kernels = [tuple(weight.shape) for weight in net.parameters() if weight.ndim == 4]
    assert kernels == [(192, 48, 5, 5), *[(192, 192, 3, 3)] * 11, (1, 192, 1, 1)]
    assert net.point_bias.shape == (361,)


def test_it_never_passes_and_has_no_value():
    answers = network()(*inputs())
    assert answers.policy.shape == (2, 82)
    assert answers.value is None
    chances = answers.policy.softmax(1)
    assert chances[:, 81].tolist() == [0.0, 0.0]
    assert torch.allclose(chances[:, :81], answers.policy[:, :81].softmax(1))


def test_the_bias_belongs_to_a_point():
    net = network()
    before = net(*inputs()).policy
    with torch.no_grad():
        net.point_bias[40] += 2.0
    change = net(*inputs()).policy - before
    assert torch.allclose(change[:, 40], torch.tensor(2.0))
    assert change.count_nonzero() == 2


def test_it_sees_as_far_as_its_layers_reach():
    """5x5 and three 3x3 layers see 2 + 3 points in each direction."""
    planes, globals_ = inputs(1)
    changed = planes.clone()
    changed[0, :, 0, 0] = 1 - changed[0, :, 0, 0]
    net = network()
    moved = (net(planes, globals_).policy != net(changed, globals_).policy)[0, :81].view(9, 9)
    assert moved[:6, :6].any()
    assert not moved[6:].any()
    assert not moved[:, 6:].any()


@pytest.mark.parametrize("symmetry", range(8))
def test_a_symmetric_network_answers_alike_in_every_symmetry(symmetry: int):
    """With kernels that look the same from all sides: nothing but weights tells the sides of the board apart."""
    net = network()
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim == 4:
                turned = [torch.rot90(weight, k, (2, 3)) for k in range(4)]
                weight.copy_(torch.stack([*turned, *(t.flip(3) for t in turned)]).mean(0))
    planes, globals_ = inputs(1)
    policy = net(planes, globals_).policy[0].detach().numpy()
    seen = torch.from_numpy(np.ascontiguousarray(transform_planes(planes[0].numpy(), symmetry)))[None]
    again = net(seen, globals_).policy[0].detach().numpy()
    np.testing.assert_allclose(again, transform_policy(policy, symmetry), atol=1e-4)


def test_every_weight_learns():
    net = network().train()
    torch.nn.functional.cross_entropy(net(*inputs(16)).policy, torch.arange(16)).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.parameters())


def test_kinds():
    for kind, architecture in (("policy", SMALL), ("compact", Architecture(blocks=1, channels=8))):
        assert kind_of(architecture) == kind
        assert parse_architecture(kind, msgspec.to_builtins(architecture), "x.onnx") == architecture
        assert build(architecture, PLANES).architecture == architecture
    with pytest.raises(NetworkFileError, match=r"x\.onnx holds a network of kind 'oracle'"):
        parse_architecture("oracle", {}, "x.onnx")


@pytest.mark.parametrize(("field", "value"), [("filters", 0), ("layers", 1), ("board", 0)])
def test_impossible_shapes_are_refused(field: str, value: int):
    with pytest.raises(ValueError, match=field):
        msgspec.structs.replace(SMALL, **{field: value})

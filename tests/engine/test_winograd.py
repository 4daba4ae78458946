"""Winograd's convolution against torch's in float64, and its kernels as plain Python."""

import shutil
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import _products
from engine.alphago_networks import PolicyArchitecture, PolicyNetwork
from engine.networks import Answers, Architecture, Compact
from engine.winograd import Convolution3x3, has_kernels, use_winograd
from gozero.features import GLOBALS

SHAPES = [(2, 16, 16, size, size) for size in range(1, 20)] + [
    (1, 48, 48, 19, 19),
    (7, 48, 48, 19, 19),  # more bands than there is room for at once
    (3, 16, 32, 9, 9),
    (3, 64, 16, 13, 13),
    (2, 16, 16, 6, 11),
    (2, 16, 16, 11, 6),
    (1, 192, 192, 19, 19),
]
"""Boards, channels in and out, height and width."""


def layer(inputs: int, outputs: int, *, bias: bool = False) -> Convolution3x3:
    torch.manual_seed(inputs + outputs)
    made = Convolution3x3(inputs, outputs, bias=bias)
    use_winograd(made, True)
    return made


def boards(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator).to(memory_format=torch.channels_last)


def answers(convolve: Callable[[Tensor, Tensor], Tensor], x: Tensor, weight: Tensor, slopes: Tensor) -> list[Tensor]:
    """The convolution and its gradients by x and weight."""
    x, weight = (tensor.detach().clone().requires_grad_() for tensor in (x, weight))
    y = convolve(x, weight)
    return [y.detach(), *torch.autograd.grad(y, (x, weight), slopes)]


def direct(x: Tensor, weight: Tensor) -> Tensor:
    return functional.conv2d(x, weight, padding=1)


def agree(convolution: Convolution3x3, x: Tensor) -> None:
    """Every answer within 1e-4 of the spread of the truth; direct convolutions in float32 are within 2e-5."""
    slopes = boards(len(x), len(convolution.weight), *x.shape[2:])

    def winograd(x: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(convolution, {"weight": weight}, x)

    ours = answers(winograd, x, convolution.weight, slopes)
    truth = answers(direct, x.double(), convolution.weight.double(), slopes.double())
    for mine, true in zip(ours, truth, strict=True):
        assert mine.dtype == torch.float32
        assert float((mine - true).abs().max()) < 1e-4 * float(true.square().mean().sqrt())


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_convolution_and_gradients(shape: tuple[int, ...]) -> None:
    count, inputs, outputs, *size = shape
    convolution = layer(inputs, outputs)
    x = boards(count, inputs, *size)
    assert not torch.equal(convolution(x), direct(x, convolution.weight))  # so it is Winograd's
    agree(convolution, x)


def test_shares_of_a_batch_on_threads(two_threads: None) -> None:
    agree(layer(16, 16), boards(5, 16, 9, 9))


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_inputs_and_slopes_in_any_order_of_memory(memory: torch.memory_format) -> None:
    convolution = layer(16, 16)
    x = boards(2, 16, 5, 5).contiguous(memory_format=memory).requires_grad_()
    y = convolution(x)
    assert y.is_contiguous(memory_format=torch.channels_last)
    y.sum().backward()  # the slopes are one number, expanded
    expected = torch.autograd.grad(direct(x, convolution.weight).sum(), x)[0]
    assert x.grad is not None
    torch.testing.assert_close(x.grad, expected, atol=1e-4, rtol=1e-4)


def test_bias() -> None:
    convolution = layer(16, 16, bias=True)
    x = boards(2, 16, 5, 5)
    y = convolution(x)
    torch.testing.assert_close(
        y, functional.conv2d(x, convolution.weight, convolution.bias, padding=1), atol=1e-4, rtol=0
    )
    y.sum().backward()
    assert convolution.bias is not None
    torch.testing.assert_close(convolution.bias.grad, torch.full((16,), 50.0))


@pytest.mark.parametrize(("inputs", "outputs", "width"), [(8, 16, 9), (16, 24, 9), (2048, 2048, 19), (16, 16, 2000)])
def test_other_shapes_are_computed_directly(inputs: int, outputs: int, width: int) -> None:
    assert not has_kernels(width, inputs, outputs)
    convolution = layer(inputs, outputs)
    x = boards(1, inputs, 2, width)
    assert torch.equal(convolution(x), direct(x, convolution.weight))


def test_without_gradients_it_is_computed_directly() -> None:
    convolution = layer(16, 16)
    x = boards(2, 16, 5, 5)
    with torch.no_grad():
        assert torch.equal(convolution(x), direct(x, convolution.weight))


@pytest.mark.parametrize(
    "network",
    [
        Compact(Architecture(blocks=2, channels=16, batch_norm=True), 4),
        Compact(Architecture(blocks=2, channels=16), 4),
        PolicyNetwork(PolicyArchitecture(filters=16, layers=4, board=9), 4),
    ],
    ids=["norms", "biases", "AlphaGo"],
)
def test_networks(network: Compact | PolicyNetwork) -> None:
    generator = torch.Generator().manual_seed(4)
    for weight in network.parameters():  # fresh blocks add nothing
        nn.init.normal_(weight, std=0.1, generator=generator)
    planes, globals_ = boards(3, 4, 9, 9), torch.randn(3, len(GLOBALS))
    expected = network(planes, globals_).policy
    keys = list(network.state_dict())
    use_winograd(network, True)
    policy = network(planes, globals_).policy
    assert not torch.equal(policy, expected)
    torch.testing.assert_close(policy, expected, atol=1e-4, rtol=1e-4)
    assert list(network.state_dict()) == keys


@pytest.mark.slow  # a minute of compiling
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # what torch compiles with calls what torch deprecates
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "c++", "clang++"))), reason="torch compiles with a C++ compiler")
def test_torch_compiles_what_stands_around_it() -> None:
    torch.manual_seed(1)
    network = Compact(Architecture(blocks=2, channels=16, batch_norm=True), 3)
    use_winograd(network, True)
    planes, globals_ = boards(4, 3, 9, 9), torch.randn(4, len(GLOBALS))

    def gradients(network: Callable[..., Answers]) -> list[Tensor]:
        answers = network(planes, globals_)
        assert answers.value is not None
        return list(torch.autograd.grad(answers.policy.square().sum() + answers.value.sum(), weights))

    weights = [weight for name, weight in network.named_parameters() if not name.startswith("value.ownership")]
    expected = gradients(network)
    for mine, theirs in zip(gradients(torch.compile(network, fullgraph=True)), expected, strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-3, atol=1e-4 * float(theirs.abs().max()))


def test_blocks_in_registers() -> None:
    """The part that is written in the compiler's language against the Python that says what it does."""
    rng = np.random.default_rng(5)
    a, b, out = (rng.standard_normal(2000).astype(np.float32) for _ in range(3))
    for steps, columns, keep in ((0, 16, True), (0, 16, False), (1, 32, True), (16, 48, False), (16, 48, True)):
        for rows in (4, 8, 12, 16):  # in blocks of 4, of 6 or of both
            expected = out.copy()
            for j in range(0, columns, _products.COLUMNS):
                places = (b, 3 + j * 20, 16, steps, expected, 7 + j, columns, keep)
                _products._add_block(rows, a, 5, 2, 20, *places)
            made = out.copy()
            _products.add_product(a, 5, 2, 20, b, 3, 16, 320, steps, made, 7, rows, columns, keep)
            np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.nojit
@pytest.mark.parametrize("size", [1, 5])
def test_kernels_as_plain_python(size: int) -> None:
    agree(layer(16, 16), boards(1, 16, size, size))

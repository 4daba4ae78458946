"""The gradient of a batch that is too large to be computed at once."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def in_slices(network: nn.Module, rows: int, size: int, loss_of: Callable[[slice], Tensor]) -> Tensor:
    """The sum of `loss_of` over slices of at most `size` of `rows` rows, with its gradient by the network's weights.

    Each slice's gradient is computed before the next slice begins, so that memory is needed for one of them, and what
    a core works on stays in its caches. What comes back has the sum as its value and the sum of the gradients as its
    gradient; weights that the loss does not depend on get none.
    """
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    sums: list[Tensor | None] = [None] * len(parameters)
    total = torch.zeros((), device=parameters[0].device)
    for begin in range(0, rows, size):
        loss = loss_of(slice(begin, min(begin + size, rows)))
        total += loss.detach()
        for i, gradient in enumerate(torch.autograd.grad(loss, parameters, allow_unused=True)):
            if gradient is not None:
                known = sums[i]
                sums[i] = gradient if known is None else known + gradient
    pairs = [(p, g) for p, g in zip(parameters, sums, strict=True) if g is not None]
    # Linear in the weights: its slope is the gradient wherever it is taken.
    line = torch.stack([(parameter * gradient).sum() for parameter, gradient in pairs]).sum()
    return total + (line - line.detach())

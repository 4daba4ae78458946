"""Several processes that train one network together, as `torchrun` starts them: one for each GPU.

Every process takes its own rows of each batch, and gradients are averaged, so that n processes take the steps that one
would take with the whole batch, if the network has no batch norms. Those norm the rows of each process by themselves:
the gradient is then the mean of those of n smaller batches, and the statistics that are kept for playing are of the
first process's rows. (torch could norm them together on GPUs alone, `SyncBatchNorm`, for two exchanges a norm and step;
parts of a batch that are worth a GPU are large enough.) Only the first process writes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from gozero.errors import GozeroError


class World(NamedTuple):
    """The processes of a run."""

    rank: int = 0
    """Number of this process, from 0."""
    size: int = 1
    """How many there are."""

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes files and talks to people."""
        return self.rank == 0

    def part(self, rows: int) -> int:
        """Rows of a batch that each process takes. Raises GozeroError when they cannot be shared out."""
        if rows % self.size:
            raise GozeroError(f"loop.batch_size = {rows} cannot be shared out among {self.size} processes")
        return rows // self.size

    def wrap(self, network: nn.Module) -> nn.Module:
        """`network` with its gradients averaged over the processes."""
        return DistributedDataParallel(network) if self.size > 1 else network

    def mean(self, value: Tensor) -> Tensor:
        """The mean over all processes of a tensor without gradient; every process must ask."""
        if self.size == 1:
            return value
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total / self.size

    def any(self, here: bool) -> bool:
        """Whether it is so in any process; every process must ask."""
        if self.size == 1:
            return here
        flag = torch.tensor([float(here)], device="cuda" if distributed.get_backend() == "nccl" else "cpu")
        distributed.all_reduce(flag)
        return bool(flag.item() > 0)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            distributed.barrier()


ALONE = World()
"""The world of an ordinary run."""


@contextmanager
def join(device: torch.device) -> Iterator[tuple[World, torch.device]]:
    """The processes that `torchrun` started this one among, or `ALONE`; and the device of this one."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE, device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(distributed.get_rank(), size), device
    finally:
        distributed.destroy_process_group()


@contextmanager
def first_before_others(world: World) -> Iterator[None]:
    """What is inside runs in the first process and, when that is done, in the others; for files made once."""
    if not world.writes:
        world.wait()
    yield
    if world.writes:
        world.wait()

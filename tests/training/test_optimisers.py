"""The schedule's corners, and Muon against what its definition says."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from engine.networks import Architecture, Compact
from training.optimisers import Muon, OptimiserConfig, ScheduleConfig, make_optimisers, orthogonalised, rate_factor


def test_schedule():
    schedule = ScheduleConfig(warmup=10, decay=0.5, final=0.1)
    factors = [rate_factor(step, 100, schedule) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9:51] == pytest.approx([1.0] * 42)
    assert factors[75] == pytest.approx(0.55)
    assert factors[99] == pytest.approx(0.118)
    assert all(a > b for a, b in pairwise(factors[51:]))


@pytest.mark.parametrize(("steps", "last"), [(60, 0.05125), (1000, 0.012475), (100_000, 0.01002475)])
def test_the_rate_is_at_its_final_share_one_step_behind_the_last(steps: int, last: float):
    """As the setting's text says; a short run ends above it."""
    schedule = ScheduleConfig(warmup=10, decay=0.4, final=0.01)
    assert rate_factor(steps, steps, schedule) == pytest.approx(schedule.final)
    assert rate_factor(steps - 1, steps, schedule) == pytest.approx(last)


def test_schedule_without_decay_or_warmup():
    schedule = ScheduleConfig(warmup=0, decay=0.0)
    assert [rate_factor(step, 5, schedule) for step in range(5)] == [1.0] * 5


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 16)])
def test_orthogonalised_moves_singular_values_to_about_one(shape: tuple[int, int]):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonalised(matrix)
    assert result.shape == shape
    values = torch.linalg.svdvals(result)
    assert values.max() < 1.3
    assert values.median() > 0.6
    # the directions stay
    assert (u.T @ result @ vt.T - torch.diag(torch.diag(u.T @ result @ vt.T))).abs().max() < 0.05


def test_matrices_together_are_what_each_is_alone():
    torch.manual_seed(0)
    matrices = torch.randn(3, 8, 72) * torch.tensor([1e-3, 1.0, 50.0])[:, None, None]
    for matrix, result in zip(matrices, orthogonalised(matrices), strict=True):
        torch.testing.assert_close(result, orthogonalised(matrix))


def test_muon_decreases_a_matrix_loss():
    torch.manual_seed(0)
    target = torch.randn(8, 4, 3, 3)
    weight = nn.Parameter(torch.zeros(8, 4, 3, 3))
    optimiser = Muon([weight], lr=0.05)
    losses = []
    for _ in range(200):
        optimiser.zero_grad()
        loss = (weight - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


@pytest.mark.parametrize(("name", "kinds"), [("muon", ["AdamW", "Muon"]), ("adamw", ["AdamW"])])
def test_every_parameter_has_one_optimiser(name: str, kinds: list[str]):
    network = Compact(Architecture(blocks=2, channels=8), 26)
    config = OptimiserConfig(name="muon" if name == "muon" else "adamw")
    optimisers = make_optimisers(network, config)
    assert [type(optimiser).__name__ for optimiser in optimisers] == kinds
    owned = [id(p) for optimiser in optimisers for group in optimiser.param_groups for p in group["params"]]
    assert sorted(owned) == sorted(id(p) for p in network.parameters())
    decayed = {id(p) for o in optimisers for g in o.param_groups if g["weight_decay"] for p in g["params"]}
    assert all((id(p) in decayed) == (p.ndim > 1) for p in network.parameters())

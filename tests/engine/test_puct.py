"""The formulas, against numbers worked out by hand and against what was published."""

from __future__ import annotations

import math

import pytest

from engine._puct import (
    exploration_bonus,
    exploration_weight,
    first_play_value,
    lower_bound,
    mean_with_losses,
    mixed_value,
    other_side,
)
from engine.search import SearchConfig

pytestmark = pytest.mark.nojit


def test_other_side_flips_the_sign() -> None:
    assert other_side(0.25) == -0.25
    assert other_side(other_side(-0.7)) == -0.7


def test_bonus_is_the_papers() -> None:
    """u = c P sqrt(sum N) / (1 + N) with c = 5, P = 0.1, sum N = 64, N = 3."""
    assert exploration_bonus(5.0, 0.1, 8.0, 3.0) == pytest.approx(1.0)
    assert exploration_bonus(5.0, 0.1, 0.0, 0.0) == 0.0


def test_weight_grows_with_the_logarithm_of_the_visits() -> None:
    assert exploration_weight(0.0, 1.0, 0.5, 500.0) == 1.0
    assert exploration_weight(500 * (math.e - 1), 1.0, 0.5, 500.0) == pytest.approx(1.5)


@pytest.mark.parametrize(("visits", "best"), [(100, 1.0), (400, 1.0), (1200, 1.3)])
def test_default_weight_is_near_what_was_measured_best(visits: int, best: float) -> None:
    config = SearchConfig()
    weight = exploration_weight(float(visits), config.c_puct, config.c_puct_growth, config.c_puct_base)
    assert weight == pytest.approx(best, abs=0.1)


def test_untried_moves_look_worse_the_more_was_tried() -> None:
    assert first_play_value(0.3, 0.0, 0.2) == pytest.approx(0.3)
    assert first_play_value(0.3, 0.25, 0.2) == pytest.approx(0.2)
    assert first_play_value(0.3, 1.0, 0.2) == pytest.approx(0.1)


def test_virtual_losses_count_as_lost_games() -> None:
    assert mean_with_losses(2.0, 4.0, 0.0) == 0.5
    assert mean_with_losses(2.0, 4.0, 1.0) == pytest.approx(1.0 / 5.0)
    assert mean_with_losses(0.0, 0.0, 3.0) == -1.0


def test_lower_bound_rises_to_the_mean() -> None:
    """Values 0.5 all: the only doubt is the imagined visit's, which wears off."""
    bounds = [lower_bound(0.5, 0.25 * visits, float(visits), 2.0) for visits in (1, 4, 16, 64, 4096)]
    assert bounds == sorted(bounds)
    assert bounds[0] == -1.0
    assert bounds[1] == pytest.approx(0.0)
    assert bounds[-1] == pytest.approx(0.5, abs=0.001)


def test_lower_bound_is_lower_where_values_scatter() -> None:
    assert lower_bound(0.0, 100.0, 100.0, 2.0) < lower_bound(0.0, 1.0, 100.0, 2.0) < 0.0


def test_a_leafs_value_is_mixed_by_the_share_of_rollouts() -> None:
    """V = (1 - lambda) v + lambda z, Silver et al. 2016."""
    assert mixed_value(0.2, -1.0, 0.0) == 0.2
    assert mixed_value(0.2, -1.0, 1.0) == -1.0
    assert mixed_value(0.5, -1.0, 0.25) == pytest.approx(0.125)

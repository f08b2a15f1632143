"""The bound for means within a known range."""

from __future__ import annotations

import numpy as np
import pytest

from pointsman.core.estimate import Unknown
from pointsman.stats.bounded import bounded_mean
from pointsman.stats.intervals import clopper_pearson


@pytest.mark.parametrize("k,n", [(0, 10), (3, 10), (10, 10), (27, 30), (1, 80)])
def test_for_zeros_and_ones_it_is_clopper_pearson(k, n):
    """Within the simulation error of 10,000 draws, and exactly where all values agree."""
    values = np.r_[np.ones(k), np.zeros(n - k)]
    ours, exact = bounded_mean(values, (0.0, 1.0)), clopper_pearson(k, n)
    tolerance = 1e-9 if k in (0, n) else 0.006
    assert (ours.low, ours.high) == pytest.approx((exact.low, exact.high), abs=tolerance)


def test_equal_values_leave_room_on_both_sides():
    """Twenty times 0.8 bounds the mean by (α/2)^{1/20} of the room below and above, never by zero width."""
    ours = bounded_mean(np.full(20, 0.8), (0.0, 1.0))
    kept = 0.025 ** (1 / 20)
    assert (ours.low, ours.high) == pytest.approx((0.8 * kept, 1 - 0.2 * kept), rel=1e-12)


def test_it_scales_with_its_range():
    """Shifting and stretching values and range together stretches the interval."""
    values = np.array([0.1, 0.4, 0.4, 0.9])
    unit, wide = bounded_mean(values, (0.0, 1.0)), bounded_mean(values * 2 - 1, (-1.0, 1.0))
    assert (wide.low, wide.high) == pytest.approx((unit.low * 2 - 1, unit.high * 2 - 1), abs=1e-9)


def test_many_distinct_values_are_rounded_outward():
    """On a grid of 1,000 steps the interval grows by at most a step and stays close to Student's."""
    values = np.random.default_rng(0).random(3000)
    ours = bounded_mean(values, (0.0, 1.0))
    half = 1.96 * values.std() / np.sqrt(3000)
    assert values.mean() + half - 0.001 < ours.high < values.mean() + half + 0.004
    assert values.mean() - half - 0.004 < ours.low < values.mean() - half + 0.001


def test_edges():
    """Nothing is Unknown, one value says nearly nothing, and a value out of range is an error."""
    assert isinstance(bounded_mean(np.array([]), (0.0, 1.0)), Unknown)
    one = bounded_mean(np.array([0.5]), (0.0, 1.0))
    assert one.high - one.low == pytest.approx(0.975)
    with pytest.raises(ValueError, match="not within"):
        bounded_mean(np.array([1.5]), (0.0, 1.0))


def test_the_same_seed_gives_the_same_interval():
    """And another seed one that differs by less than a hundredth."""
    values = np.array([0.0, 0.3, 0.9, 1.0, 1.0])
    first, again, other = (bounded_mean(values, (0.0, 1.0), seed=s) for s in (1, 1, 2))
    assert first == again
    assert other.low == pytest.approx(first.low, abs=0.01)

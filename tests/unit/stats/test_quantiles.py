"""Percentiles and their distribution-free intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats as ss
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.estimate import Unknown
from pointsman.stats.quantiles import between_ranks, needed_for_bound, quantile


def coverage(n: int, q: float, sides: str) -> float:
    """Exact coverage for continuous values, from the ranks the interval uses."""
    measured = quantile(np.arange(1.0, n + 1.0), q, sides=sides)
    low = 0 if math.isinf(measured.low) else int(measured.low)
    high = n + 1 if math.isinf(measured.high) else int(measured.high)
    return float(ss.binom.cdf(high - 1, n, q) - ss.binom.cdf(low - 1, n, q))


@pytest.mark.parametrize("sides", ["both", "upper", "lower"])
@pytest.mark.parametrize("q", [0.05, 0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 10, 58, 59, 72, 100, 1000])
def test_coverage_is_never_below_the_level(n, q, sides):
    """Exactly computed, for every n and q; and with 1,000 values not far above."""
    assert coverage(n, q, sides) >= 0.95 - 1e-12
    if n == 1000:
        assert coverage(n, q, sides) < 0.985


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("n", [5, 40, 100, 333])
def test_ranks_are_the_tightest_that_hold(n, q):
    """Neither end could move inward by one rank without its tail exceeding 2.5 %."""
    measured = quantile(np.arange(1.0, n + 1.0), q)
    if math.isfinite(measured.low):
        assert ss.binom.cdf(measured.low - 1, n, q) <= 0.025 < ss.binom.cdf(measured.low, n, q)
    if math.isfinite(measured.high):
        assert ss.binom.sf(measured.high - 1, n, q) <= 0.025 < ss.binom.sf(measured.high - 2, n, q)


def test_how_many_values_bound_a_95th_percentile():
    """59 one-sided and 72 two-sided; one fewer leaves the upper end open."""
    assert needed_for_bound(0.95, sides="upper") == 59
    assert needed_for_bound(0.95) == 72
    for n, sides in ((59, "upper"), (72, "both")):
        assert quantile(np.arange(float(n)), 0.95, sides=sides).high == n - 1
        assert quantile(np.arange(float(n - 1)), 0.95, sides=sides).high == math.inf


def test_the_value_is_numpys():
    """Linear interpolation between order statistics, and ends that are values seen."""
    values = np.random.default_rng(0).lognormal(0, 1, 150)
    measured = quantile(values, 0.9)
    assert measured.value == np.quantile(values, 0.9)
    assert measured.low in values
    assert measured.high in values


def test_edges():
    """Nothing is Unknown; one value has no bounds; ties give an interval without width; q = 1 is no quantile."""
    assert isinstance(quantile(np.array([]), 0.5), Unknown)
    one = quantile(np.array([3.0]), 0.5)
    assert (one.value, one.low, one.high) == (3.0, -math.inf, math.inf)
    ties = quantile(np.full(100, 2.0), 0.5)
    assert (ties.low, ties.high) == (2.0, 2.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile(np.ones(3), 1.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=120), st.floats(0.01, 0.99), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_the_value_lies_within(values, q, dice):
    """Shuffled values give the same answer, low ≤ value ≤ high."""
    measured = quantile(np.array(values), q)
    assert measured.low <= measured.value <= measured.high
    assert quantile(np.array(dice.sample(values, len(values))), q) == measured


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40), st.floats(0, 1))
def test_between_ranks_is_numpys_default(values, q):
    """To the last bit, at every size and at both ends."""
    row = np.sort(values)
    assert between_ranks(row, q) == np.quantile(row, q)

"""Ratios of latency percentiles and of cost."""

from __future__ import annotations

import numpy as np
import pytest

from pointsman.core.estimate import Estimate, Unknown
from pointsman.stats.intervals import ratio_of_sums
from pointsman.stats.ratios import cost_ratio, latency_ratio

RNG = np.random.default_rng(11)
A, B = RNG.lognormal(0.2, 0.5, 300), RNG.lognormal(0.0, 0.5, 300)


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_it_agrees_with_brute_force(q):
    """Resampling pairs and sorting each time gives the same ends within 5 % of the width."""
    ours = latency_ratio(A, B, q, seed=1)
    picks = np.random.default_rng(2).integers(0, 300, (4000, 300))
    replicates = np.quantile(A[picks], q, axis=1, method="inverted_cdf") / np.quantile(B[picks], q, axis=1, method="inverted_cdf")
    low, high = np.quantile(replicates, [0.025, 0.975])
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.05 * (high - low))
    expected = np.quantile(A, q, method="inverted_cdf") / np.quantile(B, q, method="inverted_cdf")
    assert ours.value == pytest.approx(expected, rel=1e-12)


def test_twice_as_slow_is_two():
    """A constant factor is found exactly, whatever the noise, because requests are paired."""
    ours = latency_ratio(B * 2, B, 0.95)
    assert (ours.value, ours.low, ours.high) == pytest.approx((2.0, 2.0, 2.0))


def test_clusters_and_order():
    """Copies in clusters do not narrow it, and the order of rows does not matter."""
    alone = latency_ratio(A, B, 0.5, seed=3)
    codes = np.repeat(np.arange(300), 4)
    copied = latency_ratio(np.repeat(A, 4), np.repeat(B, 4), 0.5, codes, seed=3)
    assert (copied.n, copied.low, copied.high) == (300, pytest.approx(alone.low), pytest.approx(alone.high))
    order = np.random.default_rng(0).permutation(1200)
    shuffled = latency_ratio(np.repeat(A, 4)[order], np.repeat(B, 4)[order], 0.5, codes[order], seed=3)
    assert (shuffled.low, shuffled.high) == pytest.approx((copied.low, copied.high))


def test_too_few_requests_are_unknown():
    """None, one, and 49 for a 95th percentile: Unknown, saying how many more; 50 will do."""
    assert isinstance(latency_ratio(A[:0], B[:0]), Unknown)
    assert isinstance(latency_ratio(A[:1], B[:1]), Unknown)
    assert latency_ratio(A[:49], B[:49], 0.95).needed == 1
    assert isinstance(latency_ratio(A[:50], B[:50], 0.95), Estimate)


def test_what_cannot_be_is_refused():
    """A latency of 0 has no logarithm, and pairs have equal lengths."""
    for a, b in ((np.zeros(60), np.ones(60)), (np.ones(60), np.ones(59))):
        with pytest.raises(ValueError):
            latency_ratio(a, b)


def test_cost_ratio_is_a_ratio_of_sums():
    """What A costs per dollar of B, and Unknown against something free."""
    assert cost_ratio(A, B) == ratio_of_sums(A, B)
    assert isinstance(cost_ratio(A, B * 0), Unknown)

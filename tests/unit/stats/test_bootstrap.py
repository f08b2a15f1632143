"""The cluster bootstrap against scipy's, and its own promises."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import scipy.stats as ss

from pointsman.core.estimate import Unknown
from pointsman.stats.bootstrap import bca_ends, bca_mean, percentile_mean, resample_counts, studentised_mean
from pointsman.stats.bounded import bounded_mean
from pointsman.stats.permutation import sign_flip_p
from pointsman.stats.ratios import latency_ratio

SKEWED = np.random.default_rng(4).lognormal(0, 1, 40)
METHODS = (percentile_mean, bca_mean, studentised_mean)


@pytest.mark.parametrize("ours,name", [(percentile_mean, "percentile"), (bca_mean, "BCa")])
def test_it_agrees_with_scipy(ours, name):
    """With 40,000 draws each, the ends differ by no more than the draws' own error, 2 % of the width."""
    theirs = ss.bootstrap(
        (SKEWED,), np.mean, n_resamples=40_000, method=name, rng=np.random.default_rng(1), vectorized=True
    ).confidence_interval
    mine = ours(SKEWED, None, seed=2, draws=40_000)
    width = mine.high - mine.low
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=0.02 * width)


def test_bca_ends_agree_with_scipy_on_the_same_draws():
    """Given one bootstrap distribution and its jackknife, BCa picks the same quantiles to 1e-9."""
    theirs = ss.bootstrap((SKEWED,), np.mean, n_resamples=5_000, method="BCa", rng=np.random.default_rng(3), vectorized=True)
    jackknife = (SKEWED.sum() - SKEWED) / (len(SKEWED) - 1)
    low, high = bca_ends(theirs.bootstrap_distribution, float(SKEWED.mean()), jackknife, 0.95)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), rel=1e-9)


def test_studentised_is_wider_on_the_long_side():
    """On skewed values the upper arm is longer than the lower, and longer than BCa's."""
    t, bca = studentised_mean(SKEWED, None, seed=1), bca_mean(SKEWED, None, seed=1)
    assert t.high - t.value > t.value - t.low
    assert t.high > bca.high


@pytest.mark.parametrize("method", METHODS)
def test_whole_clusters_are_drawn(method):
    """Ten copies of each row in a cluster give the interval of the rows alone, draw for draw."""
    alone = method(SKEWED, None, seed=5)
    copied = method(np.repeat(SKEWED, 10), np.repeat(np.arange(40), 10), seed=5)
    assert (copied.low, copied.high, copied.n) == (pytest.approx(alone.low), pytest.approx(alone.high), 40)


@pytest.mark.parametrize("method", METHODS)
def test_order_seed_and_edges(method):
    """Row order changes nothing, the seed is named, and fewer than two units are Unknown."""
    first, again = method(SKEWED, None, seed=5), method(SKEWED[::-1].copy(), None, seed=5)
    assert first == again
    assert "seed 5" in first.method
    assert method(SKEWED, None, seed=6).low != first.low
    assert isinstance(method(np.array([]), None, seed=1), Unknown)
    assert isinstance(method(np.array([1.0]), None, seed=1), Unknown)
    assert isinstance(method(np.ones(5), np.zeros(5, dtype=np.int64), seed=1), Unknown)


def test_unequal_clusters_weigh_by_their_rows():
    """The value is the mean over rows, and a resample of clusters is a ratio of sums."""
    values, codes = np.array([1.0, 1.0, 1.0, 5.0, 2.0]), np.array([0, 0, 0, 1, 2])
    assert percentile_mean(values, codes, seed=0).value == pytest.approx(2.0)
    assert percentile_mean(values, codes, seed=0).high <= 5.0


def test_values_without_spread():
    """Equal values have an interval of no width; nearly equal ones an end that may be infinite, not a false one."""
    same = studentised_mean(np.full(8, 3.0), None, seed=0)
    assert (same.low, same.high) == (3.0, 3.0)
    assert studentised_mean(np.array([0.0] * 9 + [1.0]), None, seed=0).high == math.inf


def test_counts_come_in_small_chunks():
    """Draws of 100,000 units come five at a time, each adding up to the units; rows they spread to count too."""
    assert [len(counts) for counts in resample_counts(100_000, 12, 1)] == [5, 5, 2]
    assert [len(counts) for counts in resample_counts(10, 12, 1, width=100_000)] == [5, 5, 2]
    assert all((counts.sum(axis=1) == 7).all() for counts in resample_counts(7, 3, 1))


@pytest.mark.parametrize(
    "work",
    [
        lambda values, codes: percentile_mean(values, None, seed=1, draws=400),
        lambda values, codes: studentised_mean(values, None, seed=1, draws=400),
        lambda values, codes: latency_ratio(values, values[::-1].copy(), 0.5, codes, seed=1),
        lambda values, codes: sign_flip_p(values - 1.0, None, 1),
        lambda values, codes: bounded_mean(values / values.max(), (0.0, 1.0)),
    ],
)
def test_memory_stays_bounded(work):
    """On 50,000 rows in 1,000 clusters the arrays alive at once stay below 40 MB; all draws at once take 160 MB and up."""
    values = np.random.default_rng(1).lognormal(0, 1, 50_000)
    codes = np.arange(50_000) % 1_000
    tracemalloc.start()
    try:
        work(values, codes)
        assert tracemalloc.get_traced_memory()[1] < 40e6
    finally:
        tracemalloc.stop()

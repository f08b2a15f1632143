"""One proportion, one mean, one ratio: against statsmodels, scipy and truescore, and at the edges."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats as ss
import statsmodels.api as sm
import truescore
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from pointsman.core.estimate import Estimate, Unknown
from pointsman.stats.intervals import (
    clopper_pearson,
    clustered_mean,
    clustered_wilson,
    mean_interval,
    proportion_or_mean,
    ratio_of_sums,
    wilson,
    zero_failures_upper,
)

COUNTS = [(k, n) for n in (1, 2, 3, 10, 30, 100, 1319) for k in sorted({0, 1, n // 3, n // 2, n - 1, n})]


def ends(measured) -> tuple[float, float]:
    assert isinstance(measured, Estimate), measured
    assert measured.low <= measured.value <= measured.high
    return measured.low, measured.high


@pytest.mark.parametrize("k,n,low,high", [(30, 30, 0.886, 1.0), (91, 100, 0.838, 0.952), (0, 10, 0.0, 0.278)])
def test_wilson_gives_published_values(k, n, low, high):
    """The check values in common use, to their three digits."""
    assert ends(wilson(k, n)) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
@pytest.mark.parametrize("k,n", COUNTS)
def test_proportions_agree_with_statsmodels(k, n, level):
    """Wilson to 1e-12 and Clopper–Pearson to 1e-10, at rates of 0 and 1 too."""
    low, high = proportion_confint(k, n, 1 - level, "wilson")
    assert ends(wilson(k, n, level)) == pytest.approx((max(low, 0.0), min(high, 1.0)), abs=1e-12)
    low, high = proportion_confint(k, n, 1 - level, "beta")
    exact = (0.0 if k == 0 else low, 1.0 if k == n else high)
    assert ends(clopper_pearson(k, n, level)) == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize("k,n", COUNTS)
def test_wilson_agrees_with_truescore(k, n):
    """An implementation of other hands gives the same limits to 1e-9."""
    theirs = truescore.wilson_interval(k, n)
    assert ends(wilson(k, n)) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_no_cases_are_unknown_and_one_case_says_little():
    """n = 0 is Unknown everywhere; n = 1 leaves nearly everything open."""
    assert all(isinstance(f(0, 0), Unknown) for f in (wilson, clopper_pearson))
    assert isinstance(zero_failures_upper(0), Unknown)
    assert ends(wilson(1, 1)) == pytest.approx((0.2065, 1.0), abs=1e-4)
    assert ends(clopper_pearson(0, 1)) == pytest.approx((0.0, 0.975))
    assert zero_failures_upper(1).high == pytest.approx(0.95)
    empty, one = np.array([]), np.array([0.5])
    for f in (mean_interval, proportion_or_mean):
        assert isinstance(f(empty), Unknown)
    assert isinstance(mean_interval(one), Unknown)
    low, high = ends(proportion_or_mean(one))
    assert high - low > 0.9
    codes = np.array([4], dtype=np.int64)
    assert isinstance(clustered_mean(one, codes), Unknown)
    assert isinstance(clustered_wilson(one, codes), Unknown)
    assert isinstance(clustered_wilson(empty, np.array([], dtype=np.int64)), Unknown)
    assert isinstance(ratio_of_sums(one, one), Unknown)
    assert isinstance(ratio_of_sums(empty, empty), Unknown)


def test_zero_failures_is_the_rule_of_three_made_exact():
    """None of 30 leaves up to 9.5 %, one end of a 90 % Clopper–Pearson interval."""
    assert zero_failures_upper(30).high == pytest.approx(1 - 0.05 ** (1 / 30), rel=1e-12)
    assert zero_failures_upper(30).high == pytest.approx(clopper_pearson(0, 30, 0.9).high, rel=1e-10)


def test_students_interval_agrees_with_scipy():
    """For 100 values and more of little skewness the interval is Student's, to 1e-12."""
    values = np.random.default_rng(1).normal(3.0, 2.0, 150)
    theirs = ss.t.interval(0.9, 149, values.mean(), ss.sem(values))
    ours = mean_interval(values, 0.9)
    assert isinstance(ours, Estimate)
    assert ours.method == "student-t"
    assert ends(ours) == pytest.approx(theirs, rel=1e-12)


def test_skewed_or_few_values_do_not_get_students_interval():
    """A thousand values of which three differ, and fifty values, go to methods that hold at any shape."""
    rare = np.zeros(1000)
    rare[:3] = (0.5, 0.9, 1.0)
    assert mean_interval(rare, bounds=(0.0, 1.0)).method == "learned-miller-thomas"
    assert mean_interval(rare).method.startswith("bootstrap-t")
    assert mean_interval(np.linspace(0, 1, 50), bounds=(0.0, 1.0)).method == "learned-miller-thomas"


def clustered_sample(seed: int = 3):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 25, 160)
    return rng.random(25)[codes] + rng.normal(0, 0.3, 160), codes


def test_clustered_mean_agrees_with_statsmodels():
    """The cluster-robust interval of a regression on a constant, with t of C − 1 degrees, to 1e-12.

    statsmodels' correction has a factor (n−1)/(n−k), which is 1 for a constant alone.
    """
    values, codes = clustered_sample()
    fit = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    assert ends(clustered_mean(values, codes)) == pytest.approx(tuple(fit.conf_int(0.05)[0]), rel=1e-12)
    assert clustered_mean(values, codes).n == 25


def test_amounts_in_clusters():
    """Dollars are not shares of 1: small amounts get no interval up to a dollar, and clusters count."""
    cents = np.array([0.0001, 0.0002, 0.0004] * 10)
    low, high = ends(mean_interval(cents))
    assert 0.0001 < low < high < 0.0004
    codes = np.repeat(np.arange(10), 3)
    assert mean_interval(cents, clusters=codes).n == 10
    assert isinstance(mean_interval(cents, clusters=codes * 0), Unknown)
    many, groups = np.random.default_rng(0).random(360), np.repeat(np.arange(120), 3)
    assert mean_interval(many, clusters=groups) == clustered_mean(many, groups)


def test_clusters_of_one_row_change_nothing():
    """Each row its own cluster: the clustered mean is Student's, and the dispatcher ignores the codes."""
    values = np.random.default_rng(2).random(130)
    codes = np.arange(130)[::-1]
    assert ends(clustered_mean(values, codes)) == pytest.approx(ends(mean_interval(values)), rel=1e-12)
    hits = (values < 0.8).astype(float)
    assert proportion_or_mean(hits, codes) == wilson(int(hits.sum()), 130)


def test_copies_of_a_row_add_no_evidence():
    """Forty clusters of five equal rows are about as wide as forty rows, not as two hundred."""
    once = (np.random.default_rng(5).random(40) < 0.7).astype(float)
    codes = np.repeat(np.arange(40), 5)
    copied = clustered_wilson(np.repeat(once, 5), codes)
    alone = wilson(int(once.sum()), 40)
    assert copied.high - copied.low > alone.high - alone.low
    assert copied.high - copied.low < 1.1 * (alone.high - alone.low)
    assert copied.n == 40


def test_clustered_wilson_never_claims_more_than_its_rows():
    """Perfectly balanced clusters have no clustered error; the interval then rests on n rows, not on infinity."""
    balanced = np.tile([0.0, 1.0], 50)
    low, high = ends(clustered_wilson(balanced, np.repeat(np.arange(50), 2)))
    plain = wilson(50, 100)
    assert low < plain.low < plain.high < high


def test_all_right_in_clusters_counts_each_cluster_once():
    """Where every score agrees, the spread says nothing, so 10 clusters of 10 count as 10 cases and not 100."""
    all_right = clustered_wilson(np.ones(100), np.repeat(np.arange(10), 10))
    assert all_right.high == 1.0
    assert all_right.low < wilson(10, 10).low < wilson(100, 100).low


@pytest.mark.parametrize(
    "clusters,scores,method",
    [
        (None, [0, 1, 1, 0], "wilson"),
        ([1, 1, 2, 2], [0, 1, 1, 0], "wilson, clustered"),
        (None, [0, 0.5, 1, 0], "learned-miller-thomas"),
        ([1, 1, 2, 2], [0, 0.5, 1, 0], "wilson, clustered"),
        (None, [0, 0.5, 7, 0], "bootstrap-t, seed 9"),
        ([1, 1, 2, 2], [0, 0.5, 7, 0], "bootstrap-t, seed 9"),
    ],
)
def test_the_dispatcher_picks_by_scores_and_clusters(clusters, scores, method):
    """0/1, graded and unbounded scores, with and without clusters, each get their method."""
    codes = None if clusters is None else np.array(clusters)
    assert proportion_or_mean(np.array(scores, dtype=float), codes, seed=9).method == method


def test_one_cluster_is_unknown():
    """However many rows it has."""
    codes = np.zeros(50, dtype=np.int64)
    for scores in (np.ones(50), np.linspace(0, 1, 50), np.linspace(0, 9, 50)):
        assert isinstance(proportion_or_mean(scores, codes), Unknown)


def test_fieller_ends_are_where_the_t_test_turns():
    """At each end r the t statistic of x − r·y equals its critical value, by rows and by clusters."""
    rng = np.random.default_rng(8)
    x, y = rng.normal(5, 1, 360), (rng.random(360) < 0.6).astype(float)
    for end in ends(ratio_of_sums(x, y)):
        assert ss.ttest_1samp(x - end * y, 0.0).pvalue == pytest.approx(0.05, abs=1e-9)
    codes = np.repeat(np.arange(120), 3)
    for end in ends(ratio_of_sums(x, y, codes)):
        sums = (x - end * y).reshape(120, 3).sum(axis=1)
        assert ss.ttest_1samp(sums, 0.0).pvalue == pytest.approx(0.05, abs=1e-9)


def test_few_or_skewed_costs_take_bootstrapped_critical_values():
    """The long arm of skewed costs is upward, further than Student's; equal costs per answer have no width."""
    x = np.random.default_rng(3).lognormal(0, 1, 30)
    skewed = ratio_of_sums(x, np.ones(30), seed=4)
    assert skewed.method == "fieller, bootstrap-t, seed 4"
    assert skewed.high > x.mean() + ss.t.ppf(0.975, 29) * ss.sem(x)
    assert ends(ratio_of_sums(np.full(30, 0.1), np.ones(30))) == pytest.approx((0.1, 0.1))


def test_a_ratio_over_almost_nothing_has_no_upper_end():
    """One right answer of thirty does not bound what a right answer costs; none at all is Unknown."""
    x, y = np.ones(30), np.zeros(30)
    assert isinstance(ratio_of_sums(x, y), Unknown)
    y[0] = 1.0
    assert ends(ratio_of_sums(x, y)) == (0.0, math.inf)


def test_what_cannot_be_is_refused():
    """NaN is not a measurement, 5 of 4 no proportion, 95 no level, and lengths must match."""
    for call in (
        lambda: wilson(5, 4),
        lambda: wilson(1, 4, 95),
        lambda: mean_interval(np.array([1.0, math.nan])),
        lambda: mean_interval(np.ones((2, 2))),
        lambda: clustered_mean(np.ones(3), np.arange(2)),
        lambda: ratio_of_sums(np.ones(3), np.ones(2)),
        lambda: zero_failures_upper(-1),
    ):
        with pytest.raises(ValueError):
            call()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_order_of_rows_does_not_matter(data):
    """Any permutation of rows (with their clusters) gives the same estimate."""
    n = data.draw(st.integers(1, 30))
    values = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=n, max_size=n)))
    codes = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)))
    order = np.array(data.draw(st.permutations(range(n))))
    for scores, clusters in itertools.product((values, values * 7, np.round(values)), (None, codes)):
        one = proportion_or_mean(scores, clusters)
        other = proportion_or_mean(scores[order], None if clusters is None else clusters[order])
        assert type(one) is type(other)
        if isinstance(one, Estimate) and isinstance(other, Estimate):
            assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high), rel=1e-9, abs=1e-9)
            assert (one.n, one.method) == (other.n, other.method)

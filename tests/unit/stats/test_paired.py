"""Differences on the same cases: known values, independent implementations, symmetry, edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize as so
import scipy.stats as ss
import statsmodels.api as sm
import truescore
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar
from statsmodels.stats.proportion import proportion_confint

from pointsman.core.estimate import Estimate, Unknown
from pointsman.stats.paired import (
    mcnemar_mid_p,
    newcombe_paired,
    newcombe_paired_clustered,
    paired_difference,
    paired_mean,
    tango,
)

TABLES = [(8, 4, 80, 8), (1, 7, 1, 12), (0, 0, 5, 5), (0, 0, 10, 0), (3, 0, 7, 0), (12, 2, 36, 0), (1, 0, 0, 0), (40, 60, 0, 0)]
"""Cells as (A only, B only, both, neither)."""


def scores(a_only: int, b_only: int, both: int, neither: int):
    a = np.repeat([1.0, 0.0, 1.0, 0.0], [a_only, b_only, both, neither])
    b = np.repeat([0.0, 1.0, 1.0, 0.0], [a_only, b_only, both, neither])
    return a, b


def ends(measured) -> tuple[float, float]:
    assert isinstance(measured, Estimate), measured
    assert measured.low <= measured.value <= measured.high
    return measured.low, measured.high


def method_10_written_out(e: int, f: int, both: int, neither: int) -> tuple[float, float]:
    """Newcombe's method 10 term by term, on statsmodels' Wilson limits."""
    n = e + f + both + neither
    (la, ua), (lb, ub) = (proportion_confint(both + k, n, 0.05, "wilson") for k in (e, f))
    pa, pb = (both + e) / n, (both + f) / n
    q = both * neither - e * f
    margins = (both + e) * (both + f) * (neither + e) * (neither + f)
    phi = 0.0 if margins == 0 else (max(q - n / 2, 0) if q > 0 else q) / math.sqrt(margins)
    low = pa - pb - math.sqrt(max(0, (pa - la) ** 2 - 2 * phi * (pa - la) * (ub - pb) + (ub - pb) ** 2))
    high = pa - pb + math.sqrt(max(0, (ua - pa) ** 2 - 2 * phi * (ua - pa) * (pb - lb) + (pb - lb) ** 2))
    return max(low, -1.0), min(high, 1.0)


@pytest.mark.parametrize("table", TABLES)
def test_newcombe_is_method_10(table):
    """Equal to the formula written out on another implementation's Wilson limits, to 1e-12."""
    assert ends(newcombe_paired(*table)) == pytest.approx(method_10_written_out(*table), abs=1e-12)


def test_airway_example():
    """Fagerland, Lydersen and Laake's airway data (1, 7, 1, 12): Newcombe (−0.507, −0.026), Tango (−0.517, −0.026)."""
    assert ends(newcombe_paired(1, 7, 1, 12)) == pytest.approx((-0.507, -0.026), abs=5e-4)
    assert ends(tango(1, 7, 1, 12)) == pytest.approx((-0.517, -0.026), abs=5e-4)


def score_statistic(b: int, c: int, n: int, delta: float) -> float:
    """Tango's statistic with the nuisance parameter found by maximising the likelihood numerically."""

    def minus_log_likelihood(q: float) -> float:
        p, rest = q + delta, 1.0 - 2.0 * q - delta
        return -(b * math.log(p) + c * math.log(q) + (n - b - c) * math.log(rest))

    low, high = max(0.0, -delta), (1.0 - delta) / 2.0
    q = so.minimize_scalar(minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    return (b - c - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))


@pytest.mark.parametrize("table", [(8, 4, 80, 8), (1, 7, 1, 12), (3, 2, 7, 1), (30, 21, 40, 9)])
def test_tango_ends_where_the_score_test_turns(table):
    """At each end the score statistic, with the likelihood maximised by scipy, is ±1.96 to 1e-6."""
    b, c, *_ = table
    low, high = ends(tango(*table))
    assert score_statistic(b, c, sum(table), high) == pytest.approx(-1.959964, abs=1e-6)
    assert score_statistic(b, c, sum(table), low) == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("a_only", [0, 1, 3, 8, 40, 333])
@pytest.mark.parametrize("b_only", [0, 1, 3, 9, 40, 400])
def test_mid_p_agrees_with_scipy_and_truescore(a_only, b_only):
    """Exact binomial p less the point mass; truescore's mid-p agrees to 1e-9, as does statsmodels' exact p."""
    n, k = a_only + b_only, min(a_only, b_only)
    exact = ss.binomtest(k, n).pvalue if n else 1.0
    expected = 1.0 if a_only == b_only else exact - ss.binom.pmf(k, n, 0.5)
    assert mcnemar_mid_p(a_only, b_only) == pytest.approx(expected, rel=1e-9)
    if a_only != b_only:
        assert sm_mcnemar([[0, a_only], [b_only, 0]], exact=True).pvalue == pytest.approx(exact, rel=1e-9)
        theirs = truescore.mcnemar(*scores(a_only, b_only, 1, 1))
        assert mcnemar_mid_p(a_only, b_only) == pytest.approx(theirs.p_value, rel=1e-9)


def test_truescores_interval_is_walds_and_ours_is_not():
    """truescore.mcnemar answers a Wald interval: of no width where nothing differs, though ten cases prove little."""
    a, b = scores(0, 0, 10, 0)
    theirs = truescore.mcnemar(a, b)
    assert (theirs.low, theirs.high) == (0.0, 0.0)
    low, high = ends(paired_difference(a, b).difference)
    assert low < -0.2
    assert high > 0.2
    wald = truescore.mcnemar(*scores(8, 4, 80, 8))
    half = 1.959964 * math.sqrt(12 - 16 / 100) / 100
    assert (wald.low, wald.high) == pytest.approx((0.04 - half, 0.04 + half), abs=1e-8)


def test_paired_difference_of_right_and_wrong():
    """0/1 scores: counts, Newcombe's interval, mid-p."""
    result = paired_difference(*scores(8, 4, 80, 8))
    assert (result.a_only, result.b_only, result.both, result.neither) == (8, 4, 80, 8)
    assert result.difference == newcombe_paired(8, 4, 80, 8)
    assert (result.p_value, result.test) == (mcnemar_mid_p(8, 4), "mcnemar mid-p")


def test_students_paired_interval_agrees_with_scipy_and_statsmodels():
    """120 cases of little skewness: scipy's paired t interval; in 120 clusters statsmodels' cluster-robust one."""
    rng = np.random.default_rng(6)
    a, b = rng.random(120), rng.random(120)
    theirs = ss.ttest_rel(a, b).confidence_interval()
    assert ends(paired_mean(a, b)) == pytest.approx((theirs.low, theirs.high), rel=1e-10)
    codes = np.repeat(np.arange(120), 3)
    a, b = rng.random(360), rng.random(360)
    fit = sm.OLS(a - b, np.ones(360)).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    assert ends(paired_mean(a, b, codes)) == pytest.approx(tuple(fit.conf_int(0.05)[0]), rel=1e-10)


def test_pseudo_units_are_bonett_and_prices_adjustment():
    """For 0/1 scores the small-sample interval is theirs: (b+1, c+1) among n+2, with t of n+1 degrees."""
    n, b, c = 40, 6, 2
    p, q = (b + 1) / (n + 2), (c + 1) / (n + 2)
    half = ss.t.ppf(0.975, n + 1) * math.sqrt((p + q - (p - q) ** 2) / (n + 1))
    ours = paired_mean(*scores(b, c, 20, 12))
    assert ours.method == "student-t, two pseudo-units"
    assert ends(ours) == pytest.approx((p - q - half, p - q + half), rel=1e-10)


def test_nothing_one_and_equal_pairs():
    """No pairs: Unknown and no p-value. One pair: an interval as wide as it should be. Equal pairs: not zero width."""
    empty = paired_difference(np.array([]), np.array([]))
    assert isinstance(empty.difference, Unknown)
    assert empty.p_value is None
    none = np.array([], dtype=np.int64)
    assert isinstance(newcombe_paired_clustered(np.array([]), np.array([]), none), Unknown)
    one = paired_difference(np.array([1.0]), np.array([0.0]))
    assert ends(one.difference)[0] < 0.0
    assert one.p_value == pytest.approx(0.5)
    graded = paired_difference(np.array([0.9]), np.array([0.4]))
    low, high = ends(graded.difference)
    assert high - low > 1.8
    same = np.linspace(0.1, 0.9, 30)
    low, high = ends(paired_difference(same, same).difference)
    assert (low, high) == pytest.approx((-(1 - 0.025 ** (1 / 30)), 1 - 0.025 ** (1 / 30)))
    assert isinstance(paired_mean(np.array([5.0]), np.array([3.0])), Unknown)


def test_one_cluster_is_unknown_and_tests_nothing():
    """However many rows it has, 0/1 or graded."""
    codes = np.zeros(40, dtype=np.int64)
    for a, b in (scores(10, 5, 20, 5), (np.linspace(0, 1, 40), np.linspace(1, 0, 40) ** 2)):
        result = paired_difference(a, b, codes)
        assert isinstance(result.difference, Unknown)
        assert result.p_value is None


def test_clusters_widen_the_interval():
    """Copies of each pair in a cluster leave the evidence where it was; as rows they would halve the interval."""
    a, b = scores(8, 4, 30, 8)
    codes = np.repeat(np.arange(50), 4)
    copied = paired_difference(np.repeat(a, 4), np.repeat(b, 4), codes)
    alone, as_rows = newcombe_paired(8, 4, 30, 8), newcombe_paired(32, 16, 120, 32)
    width, plain, naive = (high - low for low, high in map(ends, (copied.difference, alone, as_rows)))
    assert width == pytest.approx(plain, rel=0.1)
    assert width > 1.8 * naive
    assert copied.difference.n == 50
    assert copied.test == "sign flip"


def test_rates_of_zero_and_one_in_clusters():
    """All right or all wrong in every cluster still leaves an interval, as C cases would."""
    codes = np.repeat(np.arange(12), 3)
    low, high = ends(newcombe_paired_clustered(np.ones(36), np.zeros(36), codes))
    assert 0.4 < low < 0.8
    assert high == 1.0
    low, high = ends(newcombe_paired_clustered(np.ones(36), np.ones(36), codes))
    assert low == pytest.approx(-high)
    assert high > 0.2


def test_lengths_must_match():
    """Pairs are pairs, and a count is not negative."""
    with pytest.raises(ValueError, match="equal lengths"):
        paired_difference(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="negative"):
        newcombe_paired(-1, 0, 0, 3)


VALUES = {"0/1": [0.0, 1.0], "graded": [0.0, 0.25, 0.5, 1.0], "unbounded": [-2.0, 0.0, 3.0]}


@st.composite
def pairs(draw):
    n = draw(st.integers(1, 25))
    kind = st.sampled_from(VALUES[draw(st.sampled_from(sorted(VALUES)))])
    a, b = (np.array(draw(st.lists(kind, min_size=n, max_size=n))) for _ in range(2))
    codes = draw(st.one_of(st.none(), st.lists(st.integers(0, 4), min_size=n, max_size=n).map(np.array)))
    return a, b, codes


@settings(deadline=None, max_examples=150)
@given(pairs())
def test_swapping_a_and_b_mirrors_everything(pair):
    """Difference and ends change sign, counts change places, p stays."""
    a, b, codes = pair
    one, other = paired_difference(a, b, codes), paired_difference(b, a, codes)
    assert (one.a_only, one.b_only, one.both, one.neither) == (other.b_only, other.a_only, other.both, other.neither)
    assert one.p_value == pytest.approx(other.p_value, abs=1e-12) if one.p_value is not None else other.p_value is None
    if isinstance(one.difference, Estimate):
        low, high = ends(other.difference)
        assert ends(one.difference) == pytest.approx((-high, -low), abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(pair, dice):
    """Any permutation of rows (with their clusters) gives the same result."""
    a, b, codes = pair
    order = np.array(dice.sample(range(len(a)), len(a)))
    one = paired_difference(a, b, codes)
    other = paired_difference(a[order], b[order], None if codes is None else codes[order])
    assert type(one.difference) is type(other.difference)
    assert one.p_value == pytest.approx(other.p_value, abs=1e-12) if one.p_value is not None else other.p_value is None
    if isinstance(one.difference, Estimate):
        assert ends(one.difference) == pytest.approx(ends(other.difference), abs=1e-9)


@given(st.tuples(*[st.integers(0, 60)] * 4).filter(any))
def test_every_table_has_a_sane_interval(table):
    """Both intervals lie within [−1, 1] around the value, never of zero width, and mirror under a swap."""
    b, c, both, neither = table
    for method in (newcombe_paired, tango):
        low, high = ends(method(*table))
        assert -1.0 <= low < high <= 1.0 or (method is newcombe_paired and b == c == 0)
        assert ends(method(c, b, both, neither)) == pytest.approx((-high, -low), abs=1e-9)

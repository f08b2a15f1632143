"""Distribution functions against scipy over wide grids, and against exact fractions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
import scipy.special as sp
import scipy.stats as ss

from pointsman.stats.special import (
    beta_cdf,
    beta_quantile,
    beta_sf,
    binomial_cdf,
    binomial_pmf,
    binomial_sf,
    chi_square_sf,
    normal_cdf,
    normal_quantile,
    t_cdf,
    t_quantile,
)

SHAPES = (0.5, 1.0, 1.5, 2.0, 3.7, 10.0, 50.0, 500.0, 5e3, 5e4, 5e5)


def close(ours: float, theirs: float, rel: float) -> bool:
    return math.isclose(ours, float(theirs), rel_tol=rel, abs_tol=1e-280)


def test_normal_agrees_with_scipy_down_to_the_last_tail():
    """The cdf keeps 12 digits at −37 standard deviations, and the quantile at 1e-300."""
    assert all(close(normal_cdf(x / 10), sp.ndtr(x / 10), 1e-12) for x in range(-370, 90))
    for p in (1e-300, 1e-100, 1e-20, 1e-5, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-12):
        assert close(normal_quantile(p), sp.ndtri(p), 1e-14)
    assert (normal_quantile(0.0), normal_quantile(1.0)) == (-math.inf, math.inf)


@pytest.mark.parametrize("a,b", list(itertools.product(SHAPES, repeat=2)))
def test_beta_agrees_with_scipy(a, b):
    """Both tails and the quantile agree to 1e-10 for shapes from ½ to 500,000, far into each tail."""
    mean, deviation = a / (a + b), math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    points = [1e-10, 1e-3, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999, *(mean + k * deviation for k in (-5, -2, 0, 1, 4))]
    for x in (x for x in points if 0 < x < 1):
        assert close(beta_cdf(x, a, b), sp.betainc(a, b, x), 1e-10)
        assert close(beta_sf(x, a, b), sp.betaincc(a, b, x), 1e-10)
    for p in (1e-12, 1e-4, 0.025, 0.3, 0.5, 0.7, 0.975, 0.9999):
        assert close(beta_quantile(p, a, b), sp.betaincinv(a, b, p), 1e-10)


@pytest.mark.parametrize("p", [1e-8, 1e-3, 0.02, 0.1, 0.5, 0.9, 0.98, 0.999])
@pytest.mark.parametrize("n", [1, 2, 5, 20, 200, 2_000, 100_000])
def test_binomial_agrees_with_scipy(n, p):
    """Point mass and both tails agree to 1e-12, also with 100,000 trials."""
    spread = math.sqrt(n * p * (1 - p))
    for k in {0, 1, n // 2, int(n * p), min(n, int(n * p + 3 * spread)), max(0, int(n * p - 5 * spread)), n - 1, n}:
        assert close(binomial_pmf(k, n, p), ss.binom.pmf(k, n, p), 1e-12)
        assert close(binomial_cdf(k, n, p), ss.binom.cdf(k, n, p), 1e-12)
        assert close(binomial_sf(k, n, p), ss.binom.sf(k, n, p), 1e-12)


def test_binomial_agrees_with_exact_fractions():
    """At p = 3/16, exact in binary, every mass and tail of 40 trials equals the fraction to 1e-13."""
    n, p = 40, Fraction(3, 16)
    mass = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    for k in range(n + 1):
        assert close(binomial_pmf(k, n, float(p)), float(mass[k]), 1e-13)
        assert close(binomial_cdf(k, n, float(p)), float(sum(mass[: k + 1])), 1e-13)
        assert close(binomial_sf(k, n, float(p)), float(sum(mass[k + 1 :])), 1e-13)


def test_binomial_at_its_edges():
    """Outside 0…n there is no mass; a certain event is certain; no trials end at 0."""
    assert (binomial_pmf(-1, 5, 0.3), binomial_pmf(6, 5, 0.3)) == (0.0, 0.0)
    assert (binomial_cdf(-1, 5, 0.3), binomial_cdf(5, 5, 0.3), binomial_sf(-1, 5, 0.3), binomial_sf(5, 5, 0.3)) == (0, 1, 1, 0)
    assert (binomial_pmf(5, 5, 1.0), binomial_pmf(0, 5, 0.0), binomial_cdf(0, 0, 0.4), binomial_pmf(0, 0, 0.4)) == (1, 1, 1, 1)
    assert (binomial_cdf(2, 5, 1.0), binomial_sf(2, 5, 1.0), binomial_cdf(2, 5, 0.0)) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize("df", [0.5, 1, 2, 3, 5, 19, 99, 1_000, 1e5, 1e7])
def test_student_agrees_with_scipy(df):
    """The cdf to 1e-10 from −10,000 to 100, the quantile to 1e-10 from 1e-12 up."""
    for t in (0.0, 0.1, 1.0, 1.96, 5.0, 20.0, 100.0, -1e-3, -0.5, -3.0, -10.0, -50.0, -1e4):
        assert close(t_cdf(t, df), ss.t.cdf(t, df), 1e-10)
    for p in (1e-12, 1e-5, 0.025, 0.2, 0.3, 0.4, 0.4999, 0.6, 0.75, 0.9, 0.975, 0.9999):
        assert close(t_quantile(p, df), ss.t.ppf(p, df), 1e-10)


def test_student_with_one_degree_is_cauchy():
    """With one degree of freedom the cdf is ½ + arctan(t)/π, near 0 too, where scipy itself loses digits."""
    for t in (-1e6, -2.0, -1e-8, 0.0, 1e-8, 0.5, 3.0, 1e6):
        assert close(t_cdf(t, 1), 0.5 + math.atan(t) / math.pi if abs(t) < 1e5 else ss.cauchy.cdf(t), 1e-12)
    assert t_quantile(0.5, 1) == 0.0
    assert t_cdf(1.3, math.inf) == normal_cdf(1.3)
    assert t_quantile(0.975, math.inf) == normal_quantile(0.975)
    assert (t_cdf(-math.inf, 3), t_cdf(math.inf, 3)) == (0.0, 1.0)


@pytest.mark.parametrize("df", [0.5, 1, 2, 5, 30, 500, 1e5])
def test_chi_square_agrees_with_scipy(df):
    """The upper tail agrees to 1e-10 on both sides of the mean."""
    for x in (1e-6, 0.1, 1.0, 3.84, 10.0, 50.0, df * 0.5, df, df * 1.2, df * 3):
        assert close(chi_square_sf(x, df), ss.chi2.sf(x, df), 1e-10)
    assert (chi_square_sf(0.0, df), chi_square_sf(math.inf, df)) == (1.0, 0.0)


def test_what_is_no_probability_is_refused():
    """Arguments outside a function's domain raise instead of answering NaN."""
    for call in (
        lambda: normal_quantile(1.5),
        lambda: t_quantile(-0.1, 3),
        lambda: t_cdf(0.0, 0.0),
        lambda: beta_cdf(1.5, 1, 1),
        lambda: beta_cdf(0.5, 0, 1),
        lambda: beta_quantile(2.0, 1, 1),
        lambda: binomial_pmf(0, -1, 0.5),
        lambda: binomial_cdf(0, 1, 1.5),
    ):
        with pytest.raises(ValueError):
            call()
    assert (beta_quantile(0.0, 2, 3), beta_quantile(1.0, 2, 3), beta_cdf(0.0, 2, 3), beta_sf(1.0, 2, 3)) == (0, 1, 0, 0)

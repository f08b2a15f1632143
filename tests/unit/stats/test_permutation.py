"""The sign-flip test against scipy and full enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats as ss

from pointsman.stats.permutation import sign_flip_p


def enumerated(differences) -> float:
    total = abs(sum(differences)) - 1e-9
    signs = itertools.product((1, -1), repeat=len(differences))
    return float(np.mean([abs(sum(s * d for s, d in zip(row, differences, strict=True))) >= total for row in signs]))


@pytest.mark.parametrize("n", [2, 5, 9, 12])
def test_few_units_are_enumerated(n):
    """Up to 16 units the p-value is exact, ties and zeros included."""
    rng = np.random.default_rng(n)
    for differences in (rng.normal(0.5, 1, n), rng.integers(-2, 3, n).astype(float), rng.choice([0.1, 0.2, -0.3], n)):
        assert sign_flip_p(differences, None, 0) == pytest.approx(enumerated(differences), abs=1e-12)


def test_it_agrees_with_scipy_exactly():
    """scipy's exact paired permutation test on 12 pairs gives the same p to 1e-12."""
    differences = np.random.default_rng(3).normal(0.4, 1, 12)
    theirs = ss.permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=np.inf, vectorized=False)
    assert sign_flip_p(differences, None, 0) == pytest.approx(theirs.pvalue, abs=1e-12)


def test_many_units_are_drawn():
    """On 200 units the drawn p is within Monte Carlo error of the normal limit, and repeats with its seed."""
    differences = np.random.default_rng(1).normal(0.12, 1, 200)
    limit = 2 * ss.norm.sf(abs(differences.sum()) / np.sqrt((differences**2).sum()))
    p = sign_flip_p(differences, None, 7)
    assert p == pytest.approx(limit, abs=0.01)
    assert p == sign_flip_p(differences, None, 7) != sign_flip_p(differences, None, 8)


def test_very_many_units_stay_right():
    """Of 20,000 units all but 1,000 go through their normal limit, and the p-value through none of it."""
    differences = np.random.default_rng(2).standard_t(3, 20_000) + 0.02
    limit = 2 * ss.norm.sf(abs(differences.sum()) / np.sqrt((differences**2).sum()))
    assert 0.001 < limit < 0.5
    assert sign_flip_p(differences, None, 0) == pytest.approx(limit, abs=0.015)


def test_clusters_flip_whole():
    """Copies of a difference within a cluster change nothing."""
    differences = np.array([1.0, 2.0, -0.5, 3.0, 1.5])
    codes = np.repeat(np.arange(5), 7)
    assert sign_flip_p(np.repeat(differences, 7), codes, 0) == pytest.approx(sign_flip_p(differences, None, 0), abs=1e-12)


def test_nothing_to_flip_is_no_evidence():
    """No units, one unit, no difference, perfect balance: p = 1. A drawn p is never 0."""
    for differences in ([], [3.0], [0.0, 0.0, 0.0], [1.0, -1.0], [0.0, 4.0]):
        assert sign_flip_p(np.array(differences), None, 0) == 1.0
    assert sign_flip_p(np.ones(500), None, 0) == 1e-4


def test_ties_in_decimal_fractions_count_as_ties():
    """0.1 + 0.2 and 0.3 differ in binary; they are the same difference here."""
    assert sign_flip_p(np.array([0.1, 0.2, -0.3, 0.6]), None, 0) == pytest.approx(enumerated([1, 2, -3, 6]))

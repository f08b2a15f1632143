"""Do the intervals hold what they promise, and do the tests keep their level?

Exact enumeration where it is possible, seeded simulation elsewhere. Floors leave room for the
simulation's own error (four standard errors) and, for Wilson, for the known dips of a score interval
between neighbouring rates; Clopper–Pearson and order statistics have none to leave.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats as ss

from pointsman.core.estimate import Estimate, Measured
from pointsman.core.verdict import Pass
from pointsman.stats.bounded import bounded_mean
from pointsman.stats.intervals import clopper_pearson, proportion_or_mean, ratio_of_sums, wilson
from pointsman.stats.multiplicity import holm
from pointsman.stats.paired import mcnemar_mid_p, newcombe_paired, paired_difference, paired_mean, tango
from pointsman.stats.permutation import sign_flip_p
from pointsman.stats.ratios import latency_ratio
from pointsman.stats.verdicts import non_inferiority

RATES = (0.02, 0.1, 0.5, 0.9, 0.98)
SIZES = (20, 50, 200)
CELLS = ((0.80, 0.08, 0.04), (0.93, 0.04, 0.01), (0.45, 0.15, 0.10), (0.5, 0.25, 0.25), (0.9, 0.05, 0.05), (0.97, 0.01, 0.01))
"""P(both right), P(only A), P(only B)."""


def holds(measured: Measured, truth: float) -> bool:
    return isinstance(measured, Estimate) and measured.low - 1e-12 <= truth <= measured.high + 1e-12


def share(runs: int, once: Callable[[np.random.Generator], bool], seed: int = 0) -> float:
    dice = np.random.default_rng(seed)
    return float(np.mean([once(dice) for _ in range(runs)]))


def exact_coverage(method, n: int, p: float) -> float:
    return float(sum(ss.binom.pmf(k, n, p) for k in range(n + 1) if holds(method(k, n), p)))


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("n", SIZES)
def test_one_proportion(n, p):
    """By exact enumeration Wilson covers at least 92 % and Clopper–Pearson at least 95 %; Wald falls to 33 %."""
    assert exact_coverage(wilson, n, p) >= 0.92
    assert exact_coverage(clopper_pearson, n, p) >= 0.95


@pytest.mark.parametrize("n", SIZES)
def test_one_proportion_on_average(n):
    """Over all rates from 1 to 99 %, Wilson's mean coverage is 95 % within half a point."""
    grid = np.arange(0.01, 1.0, 0.01)
    assert np.mean([exact_coverage(functools.cache(wilson), n, p) for p in grid]) == pytest.approx(0.953, abs=0.005)


def table_coverage(n: int, cells, runs: int, seed: int) -> tuple[float, float, float]:
    """(Newcombe's coverage, Tango's coverage, share of mid-p below 5 %), each distinct table computed once."""
    both, a_only, b_only = cells
    draws = np.random.default_rng(seed).multinomial(n, [a_only, b_only, both, 1 - sum(cells)], runs)
    tables, counts = np.unique(draws, axis=0, return_counts=True)
    found = [
        (
            holds(newcombe_paired(*map(int, table)), a_only - b_only),
            holds(tango(*map(int, table)), a_only - b_only),
            mcnemar_mid_p(int(table[0]), int(table[1])) < 0.05,
        )
        for table in tables
    ]
    return tuple(counts @ np.array(found) / runs)


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("n", SIZES)
def test_paired_proportions(n, cells):
    """Newcombe covers at least 94 % and Tango 93.5 % in 3,000 runs; without a difference mid-p alarms in at most 6 %."""
    newcombe, score, alarms = table_coverage(n, cells, 3_000, seed=n)
    assert newcombe >= 0.94
    assert score >= 0.935
    if cells[1] == cells[2]:
        assert alarms <= 0.06


def beta_rates(dice: np.random.Generator, p: float, alike: float, size: int):
    return dice.beta(p * (1 / alike - 1), (1 - p) * (1 / alike - 1), size)


def clusters_of(dice: np.random.Generator, count: int):
    return np.repeat(np.arange(count), 1 + dice.poisson(4, count))


def clustered_once(dice, count: int, p: float, alike: float, answers: int) -> bool:
    codes = clusters_of(dice, count)
    scores = dice.binomial(answers, beta_rates(dice, p, alike, count)[codes]) / answers
    return holds(proportion_or_mean(scores, codes), p)


@pytest.mark.parametrize("count,p,alike,answers", [(10, 0.5, 0.5, 1), (10, 0.9, 0.3, 3), (20, 0.98, 0.05, 1), (50, 0.5, 0.3, 3)])
def test_scores_in_clusters(count, p, alike, answers):
    """From 10 clusters on, 0/1 scores and means of three, loosely or tightly alike: at least 92 % of 600 runs."""
    assert share(600, lambda dice: clustered_once(dice, count, p, alike, answers)) >= 0.92


@pytest.mark.parametrize("p", [0.5, 0.9, 0.97])
@pytest.mark.parametrize("n", [5, 20])
def test_graded_scores(n, p):
    """Means of three answers per case, each case with its own rate: at least 95 % less the error of 400 runs."""
    assert share(400, lambda dice: holds(proportion_or_mean(dice.binomial(3, beta_rates(dice, p, 0.3, n)) / 3), p)) >= 0.925


GRADED = {
    "three answers each": (lambda dice, n: np.diff(dice.binomial(3, dice.beta(2, 0.5, n), (2, n)) / 3, axis=0)[0], 0.0),
    "one case in ten": (lambda dice, n: np.where(dice.random(n) < 0.1, dice.random(n), 0.0), 0.05),
    "one case in 25": (lambda dice, n: (dice.random(n) < 0.04) * 0.8, 0.032),
    "uniform": (lambda dice, n: dice.random(n) - dice.random(n), 0.0),
}


@pytest.mark.parametrize("shape", GRADED)
@pytest.mark.parametrize("n", [10, 20, 100])
def test_graded_pairs(n, shape):
    """Where most cases tie, t alone falls to 55 % and BCa to 53 %; two pseudo-units keep 91 % and mostly far more."""
    draw, truth = GRADED[shape]
    assert (
        share(
            600, lambda dice: holds(paired_mean(np.abs(0.0 * (d := draw(dice, n))) + np.maximum(d, 0), np.maximum(-d, 0)), truth)
        )
        >= 0.90
    )


def correlated(dice, codes, rates) -> tuple[np.ndarray, np.ndarray]:
    size = len(codes)
    luck = np.where(dice.random(size) < 0.6, dice.random(codes.max() + 1)[codes], dice.random(size))
    other = np.where(dice.random(size) < 0.7, luck, dice.random(size))
    return (luck < rates[0]) * 1.0, (other < rates[1]) * 1.0


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.9, 0.85), (0.98, 0.98)])
@pytest.mark.parametrize("count", [10, 50])
def test_pairs_in_clusters(count, rates):
    """Newcombe's clustered form covers at least 92 % of 500 runs with 10 and 50 clusters."""

    def once(dice) -> bool:
        codes = clusters_of(dice, count)
        return holds(paired_difference(*correlated(dice, codes, rates), codes).difference, rates[0] - rates[1])

    assert share(500, once) >= 0.92


@pytest.mark.parametrize("n,p", [(20, 0.2), (20, 0.9), (50, 0.5)])
def test_cost_per_right_answer(n, p):
    """Fieller's interval, lognormal costs: at least 92 % of 800 runs, and an open end where few are right."""
    truth = math.exp(0.18) / p
    once = lambda dice: holds(ratio_of_sums(dice.lognormal(0, 0.6, n), (dice.random(n) < p) * 1.0), truth)  # noqa: E731 - one line says it
    assert share(800, once) >= 0.92


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_latency_ratio(q):
    """200 paired requests, A a fifth slower: at least 92 % of 200 runs."""

    def once(dice) -> bool:
        load = dice.normal(0, 0.5, 200)
        a, b = (np.exp(load + shift + dice.normal(0, 0.3, 200)) for shift in (math.log(1.2), 0.0))
        return holds(latency_ratio(a, b, q, seed=int(dice.integers(1 << 30))), 1.2)

    assert share(200, once) >= 0.92


def test_sign_flips_keep_their_level():
    """Two equal models, 30 graded cases: an alarm at 5 % in at most 6.5 % of 600 runs."""
    alarm = lambda dice: sign_flip_p(dice.random(30) - dice.random(30), None, int(dice.integers(1 << 30))) < 0.05  # noqa: E731 - one line
    assert share(600, alarm) <= 0.065


def test_a_model_on_the_margin_passes_at_most_a_fortieth():
    """A candidate worse by exactly the margin of 5 points passes in at most 2.5 % of 4,000 runs, plus their error."""
    tables = np.random.default_rng(9).multinomial(300, [0.05, 0.10, 0.75, 0.10], 4_000)
    passed = [isinstance(non_inferiority(newcombe_paired(*map(int, t)), 0.05), Pass) for t in tables]
    assert np.mean(passed) <= 0.025 + 4 * math.sqrt(0.025 * 0.975 / 4_000)


def test_holm_keeps_the_family_at_five_percent():
    """Five candidates equal to the baseline: any alarm at all in at most 5 % of 2,000 runs, plus their error."""
    tables = np.random.default_rng(4).binomial(60, 0.5, (2_000, 5))
    alarms = [min(holm([mcnemar_mid_p(int(k), 60 - int(k)) for k in row])) < 0.05 for row in tables]
    assert np.mean(alarms) <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 2_000)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", SIZES)
def test_the_full_grid_of_paired_proportions(n):
    """p_A and p_B from 0.02 to 0.98 independent and tied, 40,000 runs a cell: Newcombe ≥ 93.5 %, Tango ≥ 92 %."""
    for p_a in RATES:
        for p_b in RATES:
            for tie in (0.0, 0.8):
                both = tie * min(p_a, p_b) + (1 - tie) * p_a * p_b
                newcombe, score, alarms = table_coverage(n, (both, p_a - both, p_b - both), 40_000, seed=1)
                # One always right and the other always wrong: both Wilson limits dip at once.
                assert newcombe >= (0.935 if abs(p_a - p_b) < 0.9 else 0.88), (p_a, p_b, tie)
                assert score >= 0.92, (p_a, p_b, tie)
                if p_a == p_b:
                    assert alarms <= 0.054, (p_a, tie)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("count", [10, 20, 50, 200])
def test_the_full_grid_of_clusters(count, p):
    """0/1 and graded scores in 10 to 200 clusters, loosely and tightly alike: at least 91 % of 2,000 runs in every cell."""
    for alike in (0.05, 0.5):
        for answers in (1, 3):
            covered = share(2_000, lambda dice, alike=alike, answers=answers: clustered_once(dice, count, p, alike, answers))
            assert covered >= 0.91, (alike, answers)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", [5, 20, 50, 90])
@pytest.mark.parametrize("p", RATES)
def test_the_full_grid_of_graded_scores(n, p):
    """The bounded interval on means of three answers: at least 95 % less the error of 1,000 runs."""
    covered = share(1_000, lambda dice: holds(bounded_mean(dice.binomial(3, beta_rates(dice, p, 0.3, n)) / 3, (0.0, 1.0)), p))
    assert covered >= 0.93


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", [20, 50, 200])
def test_equal_models_are_told_apart_no_more_than_the_level_allows(n):
    """A/A over 4,000 runs, 0/1 and graded, in clusters and not: p < 5 % in at most 6 %."""
    kinds = {"binary": 1, "graded": 3}
    for kind, answers in kinds.items():
        for clustered in (False, True):

            def alarm(dice, answers=answers, clustered=clustered) -> bool:
                codes = clusters_of(dice, n) if clustered else None
                rates = dice.beta(2, 0.7, n)
                rates = rates if codes is None else rates[codes]
                a, b = (dice.binomial(answers, rates) / answers for _ in range(2))
                p = paired_difference(a, b, codes, seed=int(dice.integers(1 << 30))).p_value
                return p is not None and p < 0.05

            assert share(4_000 if n < 200 else 1_500, alarm) <= 0.06, (kind, clustered)

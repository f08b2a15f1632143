"""Evidence over many looks that share a pin: never above its promise, however they depend on each other."""

import itertools
import math

import numpy as np
import pytest

from pointsman.stats.sequential.looks import log_sign_evidence, log_total


def test_nothing_seen_is_no_evidence():
    assert log_sign_evidence(0, 0) == pytest.approx(0.0, abs=1e-12)
    assert log_total([]) == -math.inf
    assert log_total([0.0]) == pytest.approx(math.log(6 / math.pi**2))


@pytest.mark.parametrize("pairs", [1, 2, 5, 40])
def test_the_mean_under_the_null_is_one(pairs):
    """By enumeration: losses among the pairs are binomial with chance ½."""
    mean = sum(math.comb(pairs, k) * 0.5**pairs * math.exp(log_sign_evidence(k, pairs - k)) for k in range(pairs + 1))
    assert mean == pytest.approx(1.0, rel=1e-9)


def test_the_weights_sum_to_one():
    total = math.exp(log_total([0.0] * 20_000))
    assert 0.9999 < total < 1.0


def test_looks_that_are_copies_of_each_other_add_nothing_beyond_one_look():
    assert log_total([3.0] * 50) < 3.0


def test_a_model_that_is_no_worse_is_hardly_ever_accused_in_a_hundred_looks():
    """Seeded: every look is compared with the same pin, whose luck they share; the total only grows, so the last tells."""
    rng = np.random.default_rng(20261124)
    chance = rng.beta(8, 2, 300)
    accused = 0
    for _ in range(300):
        pin = rng.random(300) < chance
        runs = rng.random((100, 300)) < chance
        lost, won = (pin & ~runs).sum(axis=1), (~pin & runs).sum(axis=1)
        totals = [
            log_total([log_sign_evidence(int(a), int(b)) for a, b in zip(lost[:t], won[:t], strict=True)]) for t in (1, 10, 100)
        ]
        accused += any(t >= math.log(1 / 0.05) for t in totals)
    assert accused <= 15


def test_a_model_that_loses_a_tenth_of_its_cases_is_accused_at_once_also_late():
    """Thirty quiet looks with pairs split evenly, then one with 45 losses against 12 wins."""
    quiet = [log_sign_evidence(10, 10)] * 30
    assert log_total([log_sign_evidence(45, 12)]) > math.log(100)
    assert log_total([*quiet, log_sign_evidence(60, 8)]) > math.log(100)


def test_order_within_a_look_does_not_matter():
    from pointsman.stats.sequential.discordant import LOSS_SHARES, log_factors
    from pointsman.stats.sequential.wealth import grow, log_wealth, open_wealth

    for order in set(itertools.permutations([True, True, False, False, True])):
        grown = grow(open_wealth(LOSS_SHARES), log_factors(np.array(order)))[0]
        assert log_wealth(grown) == pytest.approx(log_sign_evidence(3, 2), abs=1e-12)

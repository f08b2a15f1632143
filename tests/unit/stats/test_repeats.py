"""Noise of cases and of answers, and what repeats are worth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pointsman.core.estimate import Unknown
from pointsman.stats.repeats import Noise, mean_pass_at_k, noise_of_difference, pass_at_k, pass_hat_k, repeats_advice


def test_the_parts_of_the_noise_are_found():
    """With known parts (ω² = 0.02, σ² = 0.0625 + 0.04) the mean of 300 estimates is within 2 % of each."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        shift = rng.normal(0, np.sqrt(0.02), (200, 1))
        found.append(noise_of_difference(shift + rng.normal(0, 0.25, (200, 4)), rng.normal(0, 0.2, (200, 3))))
    assert np.mean([n.data_variance for n in found]) == pytest.approx(0.02, rel=0.02)
    assert np.mean([n.prediction_variance for n in found]) == pytest.approx(0.1025, rel=0.02)


def test_for_zeros_and_ones_it_is_the_published_form():
    """var_E = Var(p_A − p_B) − mean p_A(1−p_A)/(K_A−1) − mean p_B(1−p_B)/(K_B−1), to 1e-12."""
    rng = np.random.default_rng(2)
    p = rng.random((50, 1))
    a, b = (rng.random((50, 5)) < p) * 1.0, (rng.random((50, 3)) < p) * 1.0
    pa, pb = a.mean(axis=1), b.mean(axis=1)
    expected = (pa - pb).var(ddof=1) - (pa * (1 - pa)).mean() / 4 - (pb * (1 - pb)).mean() / 2
    noise = noise_of_difference(a, b)
    assert noise.data_variance == pytest.approx(expected, abs=1e-12)
    assert noise.variance(50, noise.repeats) == pytest.approx((max(expected, 0) + (pa - pb).var(ddof=1) - expected) / 50)


def test_new_cases_beat_repeats_for_the_same_calls():
    """At 1,000 calls the variance is least with one answer per case."""
    noise = Noise(data_variance=0.1, prediction_variance=0.3, cases=100, repeats=1)
    variances = [noise.variance(1000 // k, k) for k in (1, 2, 5, 10)]
    assert variances == sorted(variances)


def test_advice_takes_cases_first_and_repeats_when_they_run_out():
    """ω² = 0.1, σ² = 0.3 and an error of 0.02 want 1,000 cases; of 500 each twice does not do, four times does."""
    noise = Noise(data_variance=0.1, prediction_variance=0.3, cases=100, repeats=2)
    assert repeats_advice(noise, 0.02) == (1000, 1)
    assert repeats_advice(noise, 0.02, most_cases=2000) == (1000, 1)
    assert repeats_advice(noise, 0.02, most_cases=500) == (500, 3)
    assert noise.variance(500, 3) <= 0.02**2 < noise.variance(500, 2)
    answer = repeats_advice(noise, 0.02, most_cases=200)
    assert isinstance(answer, Unknown)
    assert not isinstance(repeats_advice(noise, 0.02, most_cases=200 + answer.needed), Unknown)
    with pytest.raises(ValueError, match="positive"):
        repeats_advice(noise, 0.0)


def test_noise_needs_two_of_each():
    """No case, one case, one repeat: Unknown. Different cases: an error."""
    assert isinstance(noise_of_difference(np.empty((0, 3)), np.empty((0, 3))), Unknown)
    assert isinstance(noise_of_difference(np.ones((1, 3)), np.ones((1, 3))), Unknown)
    assert isinstance(noise_of_difference(np.ones((5, 1)), np.ones((5, 3))), Unknown)
    with pytest.raises(ValueError, match="same cases"):
        noise_of_difference(np.ones((5, 2)), np.ones((4, 2)))


@pytest.mark.parametrize("n", [1, 3, 6])
def test_pass_at_k_is_the_share_of_subsets(n):
    """Over all subsets of k answers: some right, and all right, to 1e-12."""
    for correct, k in itertools.product(range(n + 1), range(1, n + 1)):
        answers = [True] * correct + [False] * (n - correct)
        subsets = list(itertools.combinations(answers, k))
        assert pass_at_k(n, correct, k) == pytest.approx(sum(map(any, subsets)) / len(subsets), abs=1e-12)
        assert pass_hat_k(n, correct, k) == pytest.approx(sum(map(all, subsets)) / len(subsets), abs=1e-12)


def test_too_few_answers_are_unknown_and_not_one():
    """The well-known estimator says 1.0 for one right of one answer at k = 10; nobody can know that."""
    assert isinstance(pass_at_k(1, 1, 10), Unknown)
    assert isinstance(pass_hat_k(0, 0, 1), Unknown)
    assert isinstance(mean_pass_at_k([5, 1], [2, 1], 2), Unknown)
    assert isinstance(mean_pass_at_k([], [], 2), Unknown)
    with pytest.raises(ValueError, match="correct"):
        pass_at_k(3, 4, 1)


def test_the_mean_over_problems_has_an_interval():
    """pass@1 over problems is their mean rate; pass^2 is lower and pass@2 higher."""
    samples, correct = np.full(40, 4), np.arange(40) % 5
    one, some, every = (mean_pass_at_k(samples, correct, k, every=e) for k, e in ((1, False), (2, False), (2, True)))
    assert one.value == pytest.approx(0.5)
    assert every.value < one.value < some.value
    assert 0.0 <= one.low < one.value < one.high <= 1.0
    assert one.n == 40

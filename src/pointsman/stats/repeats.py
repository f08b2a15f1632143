"""Asking again: where the noise comes from, and what repeats are worth.

A case scored K times has a mean that is its own (how hard it is) and a scatter that is the model's
(how it feels today). New cases average out both, repeats only the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from pointsman.core.estimate import Measured, Unknown
from pointsman.stats.clusters import Floats
from pointsman.stats.intervals import NOTHING, mean_interval

__all__ = ["Noise", "mean_pass_at_k", "noise_of_difference", "pass_at_k", "pass_hat_k", "repeats_advice"]


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """The variance of the mean difference A − B, taken apart."""

    data_variance: float
    """Variance over cases of the true per-case difference; unbiased, so it may come out below 0."""
    prediction_variance: float
    """σ_A² + σ_B²: variance of a single answer's score around its case's own mean, both variants together."""
    cases: int
    repeats: float
    """Answers per case and variant; with unequal numbers K such that σ²/K is what they add."""

    def variance(self, cases: int, repeats: float) -> float:
        """Var(d̄) = (ω² + σ²/K)/n for another plan."""
        return (max(self.data_variance, 0.0) + self.prediction_variance / repeats) / cases


def noise_of_difference(scores_a: Floats, scores_b: Floats) -> Noise | Unknown:
    """Split the noise of A − B into data and prediction noise (Wang, arXiv 2512.21326).

    `scores_a` is (cases × K_A), `scores_b` (cases × K_B), the same cases in the same order.
    σ² is the mean over cases of the unbiased variance within a case, ω² = Var(s̄_A − s̄_B) − σ_A²/K_A −
    σ_B²/K_B. For 0/1 scores σ²/K is p(1−p)/(K−1) averaged over cases, the form of the paper. Tested by
    simulation with known parts. Fewer than 2 cases, or fewer than 2 repeats of either: Unknown.
    """
    a, b = np.asarray(scores_a, dtype=np.float64), np.asarray(scores_b, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b):
        raise ValueError(f"wants cases × repeats for the same cases, not {a.shape} and {b.shape}")
    if len(a) < 2:
        return Unknown("fewer than two cases show no spread", needed=2 - len(a))
    if min(a.shape[1], b.shape[1]) < 2:
        return Unknown("one answer per case cannot tell the model's noise from the case's; repeat at least twice")
    sigma_a, sigma_b = (float(s.var(axis=1, ddof=1).mean()) for s in (a, b))
    carried = sigma_a / a.shape[1] + sigma_b / b.shape[1]
    total = float((a.mean(axis=1) - b.mean(axis=1)).var(ddof=1))
    sigma = sigma_a + sigma_b
    repeats = sigma / carried if carried > 0.0 else float(min(a.shape[1], b.shape[1]))
    return Noise(data_variance=total - carried, prediction_variance=sigma, cases=len(a), repeats=repeats)


def repeats_advice(noise: Noise, target_error: float, *, most_cases: int | None = None) -> tuple[int, int] | Unknown:
    """(cases, repeats) that reach a standard error of `target_error` on A − B with the fewest calls.

    At a fixed number of calls nK the variance is (K·ω² + σ²)/(nK), least at K = 1: new cases first, and
    repeats only when no more than `most_cases` can be had. Unknown if no number of repeats gets there,
    since the cases alone leave √(ω²/n).
    """
    if target_error <= 0.0:
        raise ValueError(f"a standard error to reach is positive, not {target_error}")
    goal = target_error**2
    omega = max(noise.data_variance, 0.0)
    cases = max(2, math.ceil((omega + noise.prediction_variance) / goal - 1e-9))
    if most_cases is None or cases <= most_cases:
        return cases, 1
    room = most_cases * goal - omega
    if room <= 0.0:
        return Unknown(
            f"{most_cases} cases leave a standard error of {math.sqrt(omega / most_cases):.4f} however often they are repeated",
            needed=math.ceil(omega / goal) + 1 - most_cases,
        )
    return most_cases, max(1, math.ceil(noise.prediction_variance / room - 1e-9))


def pass_at_k(samples: int, correct: int, k: int) -> float | Unknown:
    """The chance that at least one of k answers is right, from `correct` of `samples`: 1 − C(n−c, k)/C(n, k).

    The unbiased estimator of Chen et al. (2021, arXiv 2107.03374), as a product. Tested against exact
    enumeration of all subsets. Unknown when n < k (the well-known code answers 1.0 there), so also at n = 0.
    """
    _check(samples, correct, k)
    if samples < k:
        return Unknown(f"{samples} answers cannot show what {k} would do", needed=k - samples)
    wrong = samples - correct
    return 1.0 - math.prod(max(0, wrong - i) / (samples - i) for i in range(k))


def pass_hat_k(samples: int, correct: int, k: int) -> float | Unknown:
    """pass^k, the chance that all of k answers are right: C(c, k)/C(n, k) (Yao et al. 2024, arXiv 2406.12045).

    Tested against exact enumeration of all subsets. Unknown when n < k.
    """
    _check(samples, correct, k)
    if samples < k:
        return Unknown(f"{samples} answers cannot show what {k} would do", needed=k - samples)
    return math.prod(max(0, correct - i) / (samples - i) for i in range(k))


def _check(samples: int, correct: int, k: int) -> None:
    if not 0 <= correct <= samples or k < 1:
        raise ValueError(f"wants 0 ≤ correct ≤ samples and k ≥ 1, not {correct}, {samples}, {k}")


def mean_pass_at_k(
    samples: Sequence[int] | NDArray[np.int64],
    correct: Sequence[int] | NDArray[np.int64],
    k: int,
    level: float = 0.95,
    *,
    every: bool = False,
    seed: int = 0,
) -> Measured:
    """pass@k (or pass^k with `every`) over problems, with an interval over problems.

    The mean of the per-problem estimates and `mean_interval` within [0, 1]. No problem: Unknown. Unknown
    too if any problem has fewer than k answers, as leaving it out would favour the problems that were
    easy to answer.
    """
    each = [(pass_hat_k if every else pass_at_k)(int(n), int(c), k) for n, c in zip(samples, correct, strict=True)]
    if not each:
        return NOTHING
    short = [value for value in each if isinstance(value, Unknown)]
    if short:
        return Unknown(f"{len(short)} of {len(each)} problems have fewer than {k} answers")
    return mean_interval(np.array(each, dtype=np.float64), level, bounds=(0.0, 1.0), seed=seed)

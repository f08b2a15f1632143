"""Two variants on the same cases: differences of A − B, per case or per cluster.

`paired_difference` picks the method; the others are there to be used and checked alone.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.stats.bounded import bounded_mean
from pointsman.stats.clusters import Codes, Floats, cluster_sums, is_clustered, linearised_error, rows
from pointsman.stats.intervals import (
    NOTHING,
    check_level,
    clustered_limits,
    normal_enough,
    one_unit,
    student_mean,
    wilson_limits,
)
from pointsman.stats.permutation import sign_flip_p
from pointsman.stats.special import binomial_cdf, binomial_pmf, normal_quantile, t_quantile

__all__ = [
    "PairedResult",
    "mcnemar_mid_p",
    "newcombe_paired",
    "newcombe_paired_clustered",
    "paired_difference",
    "paired_mean",
    "sign_flip_p",
    "tango",
]


class PairedResult(msgspec.Struct, frozen=True, kw_only=True):
    """What pairs of scores say about A − B."""

    difference: Measured
    """Mean of A − B per case."""
    p_value: float | None
    """Two-sided, of no difference; None if there is nothing to test."""
    test: str | None = None
    """The test behind `p_value`."""
    a_only: int = 0
    """Cases on which A scored higher; for 0/1 scores, that only A got right."""
    b_only: int = 0
    both: int = 0
    """Equal cases at or above 0.5: for 0/1 scores, that both got right."""
    neither: int = 0
    """Equal cases below 0.5."""


def _check_table(*cells: int) -> None:
    if min(cells) < 0:
        raise ValueError(f"counts are not negative: {cells}")


def newcombe_paired(a_only: int, b_only: int, both: int, neither: int, level: float = 0.95) -> Measured:
    """Interval for the difference of two paired proportions, p_A − p_B (Newcombe 1998, Stat. Med. 17:2635, method 10).

    Wilson limits (l, u) of each proportion, squared and added with their correlation φ:
    Δ − √((p_A−l_A)² − 2φ(p_A−l_A)(u_B−p_B) + (u_B−p_B)²) and its mirror image above, where
    φ = (ad−bc)/√((a+b)(c+d)(a+c)(b+d)), with ad−bc lowered by n/2 (not below 0) when positive, and
    0 where the root is 0. Stays within [−1, 1]. In simulation at n = 20 to 200 it covers
    93.5–100 % where Wald's falls to 76 %; only with one variant nearly always right and the other nearly
    always wrong (rates 0.98 and 0.02, 20 cases) it falls to 88 %. Tested against a written-out evaluation
    and by simulated coverage. n = 0: Unknown. n = 1: wide.
    """
    _check_table(a_only, b_only, both, neither)
    check_level(level)
    n = a_only + b_only + both + neither
    if n == 0:
        return NOTHING
    z = normal_quantile(0.5 + level / 2.0)
    right_a, right_b = both + a_only, both + b_only
    phi = _phi(a_only, b_only, both, neither)
    p_a, p_b = right_a / n, right_b / n
    low, high = _square_and_add(p_a, wilson_limits(p_a, n, z), p_b, wilson_limits(p_b, n, z), phi)
    return Estimate(value=(a_only - b_only) / n, low=low, high=high, n=n, method="newcombe-paired", level=level)


def _phi(a_only: int, b_only: int, both: int, neither: int) -> float:
    product = (both + a_only) * (both + b_only) * (neither + a_only) * (neither + b_only)
    if product == 0:
        return 0.0
    cross = float(both * neither - a_only * b_only)
    if cross > 0.0:
        cross = max(0.0, cross - (a_only + b_only + both + neither) / 2.0)
    return cross / math.sqrt(product)


def _square_and_add(
    p_a: float, limits_a: tuple[float, float], p_b: float, limits_b: tuple[float, float], phi: float
) -> tuple[float, float]:
    def joined(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x - 2.0 * phi * x * y + y * y))

    difference = p_a - p_b
    low = difference - joined(p_a - limits_a[0], limits_b[1] - p_b)
    high = difference + joined(limits_a[1] - p_a, p_b - limits_b[0])
    return max(-1.0, low), min(1.0, high)


def newcombe_paired_clustered(scores_a: Floats, scores_b: Floats, clusters: Codes, level: float = 0.95) -> Measured:
    """`newcombe_paired` for 0/1 scores in clusters.

    The clustered Wilson limits of each variant, squared and added with the correlation of the two
    means over clusters, Σ_c R_A·R_B/√(ΣR_A²·ΣR_B²) of the per-cluster residual sums R (0 where a
    variant has none). Square-and-add with any limits that suit each proportion is Zou and Donner's
    MOVER (2008); for clustered pairs see Yang, Sun and Hardin (2012, Stat. Med. 31). n is the number
    of clusters C. Tested by simulated coverage. C = 0 or 1: Unknown.
    """
    check_level(level)
    a, b = rows(scores_a), rows(scores_b)
    limits_a, limits_b = clustered_limits(a, clusters, level), clustered_limits(b, clusters, level)
    if isinstance(limits_a, Unknown) or isinstance(limits_b, Unknown):
        return one_unit(len(cluster_sums(a, clusters)[0]))
    p_a, *ends_a, units = limits_a
    p_b, *ends_b, _ = limits_b
    residual_a, residual_b = (cluster_sums(s - s.mean(), clusters)[0] for s in (a, b))
    size = math.sqrt(float(np.square(residual_a).sum() * np.square(residual_b).sum()))
    phi = float((residual_a * residual_b).sum()) / size if size > 0.0 else 0.0
    low, high = _square_and_add(p_a, (ends_a[0], ends_a[1]), p_b, (ends_b[0], ends_b[1]), phi)
    value = float((a - b).mean())
    return Estimate(
        value=value, low=min(low, value), high=max(high, value), n=units, method="newcombe-paired, clustered", level=level
    )


def tango(a_only: int, b_only: int, both: int, neither: int, level: float = 0.95) -> Measured:
    """Score interval for p_A − p_B (T. Tango 1998, Stat. Med. 17:891): all Δ that the score test keeps.

    T(Δ) = (b − c − nΔ)/√(n(2q̃ + Δ(1−Δ))), q̃ the likelihood's best P(only B) under Δ, in closed form.
    Ends by bisection to 1e-14. Closest to nominal coverage of the simple intervals at small n; may be
    wider than Newcombe's. Tested against direct maximisation of the likelihood. n = 0: Unknown.
    """
    _check_table(a_only, b_only, both, neither)
    check_level(level)
    n = a_only + b_only + both + neither
    if n == 0:
        return NOTHING
    z = normal_quantile(0.5 + level / 2.0)
    value = (a_only - b_only) / n
    high = _tango_end(a_only, b_only, n, z)
    low = -_tango_end(b_only, a_only, n, z)
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method="tango", level=level)


def _tango_end(b: int, c: int, n: int, z: float) -> float:
    inside, outside = (b - c) / n, 1.0
    while outside - inside > 1e-14:
        middle = 0.5 * (inside + outside)
        if not inside < middle < outside:
            break
        if _tango_score(b, c, n, middle) >= -z:
            inside = middle
        else:
            outside = middle
    return outside


def _tango_score(b: int, c: int, n: int, delta: float) -> float:
    linear = -b - c + (2 * n - b + c) * delta
    root = math.sqrt(max(0.0, linear * linear + 8.0 * n * c * delta * (1.0 - delta)))
    # The larger root of the quadratic, in the form that does not subtract equals.
    q = (root - linear) / (4.0 * n) if linear <= 0.0 else 2.0 * c * delta * (1.0 - delta) / (root + linear)
    variance = n * (2.0 * q + delta * (1.0 - delta))
    distance = b - c - n * delta
    if variance <= 0.0:
        return 0.0 if distance == 0.0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def mcnemar_mid_p(a_only: int, b_only: int) -> float:
    """McNemar's test of no difference, two-sided mid-p: 2·P(X ≤ min) − P(X = min), X ~ Binomial(a+b, ½).

    Fagerland, Lydersen and Laake (2013, BMC Med. Res. Methodol. 13:91): near its level where the exact
    test is far below. Tested against scipy `binomtest` less the point mass. 1 where nothing differs
    (also n = 0), ½ for a single case that does.
    """
    _check_table(a_only, b_only)
    n, k = a_only + b_only, min(a_only, b_only)
    if a_only == b_only:
        return 1.0
    return min(1.0, 2.0 * binomial_cdf(k, n, 0.5) - binomial_pmf(k, n, 0.5))


def paired_mean(scores_a: Floats, scores_b: Floats, clusters: Codes | None = None, level: float = 0.95) -> Measured:
    """Mean of A − B for graded scores, over C cases or clusters.

    From C = 100 on, if also C ≥ 25·skewness² of their sums: d̄ ± t_{C−1}·SE_c(d) (Miller 2024).
    Otherwise the same on the sample plus two pseudo-units, one that favours A and one that favours B
    by as much as the largest difference seen. For 0/1 scores that is Bonett and Price's adjusted interval
    (2012, J. Educ. Behav. Stat. 37:479) with t for z; it holds its level where most differences are 0 and
    t alone falls to 55 % and BCa to 53 % (20 cases, 4 % of them differing). What neither covers is a
    difference far beyond all seen that hits fewer than one case in C.

    Ends are cut to ±1 for scores within [0, 1]. If all their differences are equal, the interval is
    `bounded_mean`'s, as C equal cases say no more than that others are rare. Tested against scipy
    `ttest_rel`, statsmodels, Bonett and Price's formula, and by simulated coverage. C = 0: Unknown;
    C = 1: Unknown, unless it is a single case with scores within [0, 1].
    """
    check_level(level)
    a, b = _pair(scores_a, scores_b)
    if not len(a):
        return NOTHING
    units = clusters if is_clustered(clusters) else None
    differences = a - b
    within = bool(min(a.min(), b.min()) >= 0.0 and max(a.max(), b.max()) <= 1.0)
    sums, sizes = cluster_sums(differences, units)
    if within and (units is None or len(sums) > 1) and float(np.ptp(differences)) <= 1e-12:
        return bounded_mean(np.full(len(sums), differences[0]), (-1.0, 1.0), level)
    if len(sums) < 2:
        return one_unit(len(sums))
    if len(sums) >= 100 and normal_enough(sums - differences.mean() * sizes):
        estimate = student_mean(differences, units, level)
    else:
        estimate = _with_pseudo_units(sums, sizes, level, clustered=units is not None)
    return _cut(estimate) if within else estimate


def _with_pseudo_units(sums: Floats, sizes: Floats, level: float, *, clustered: bool) -> Estimate:
    largest = float(np.abs(sums).max())
    all_sums = np.append(sums, (largest, -largest))
    all_sizes = np.append(sizes, (sizes.mean(), sizes.mean()))
    value, n = float(sums.sum() / sizes.sum()), float(all_sizes.sum())
    centre = float(all_sums.sum() / n)
    half = t_quantile(0.5 + level / 2.0, len(sums) + 1.0) * linearised_error(all_sums - centre * all_sizes, None, n)
    return Estimate(
        value=value,
        low=min(value, centre - half),
        high=max(value, centre + half),
        n=len(sums),
        method="student-t, two pseudo-units, clustered" if clustered else "student-t, two pseudo-units",
        level=level,
    )


def _cut(estimate: Estimate) -> Estimate:
    return msgspec.structs.replace(estimate, low=max(-1.0, estimate.low), high=min(1.0, estimate.high))


def _pair(scores_a: Floats, scores_b: Floats) -> tuple[Floats, Floats]:
    a, b = rows(scores_a, "scores of A"), rows(scores_b, "scores of B")
    if len(a) != len(b):
        raise ValueError(f"pairs need equal lengths, not {len(a)} and {len(b)}")
    return a, b


def paired_difference(
    scores_a: Floats, scores_b: Floats, clusters: Codes | None = None, level: float = 0.95, *, seed: int = 0
) -> PairedResult:
    """How A differs from B on the same cases, by the method the scores call for.

    0/1 scores: `newcombe_paired` with `mcnemar_mid_p`, or in clusters `newcombe_paired_clustered` with
    `sign_flip_p`. Other scores: `paired_mean` with `sign_flip_p`. Swapping A and B mirrors everything.
    n = 0: Unknown and no p-value. n = 1: a wide interval for scores within [0, 1], p of ½ or 1.
    """
    a, b = _pair(scores_a, scores_b)
    counts = _counts(a, b)
    if not len(a):
        return PairedResult(difference=NOTHING, p_value=None)
    clustered = is_clustered(clusters)
    binary = bool(np.isin(a, (0.0, 1.0)).all() and np.isin(b, (0.0, 1.0)).all())
    if binary and not clustered:
        difference = newcombe_paired(*counts, level)
        return _result(difference, mcnemar_mid_p(counts[0], counts[1]), "mcnemar mid-p", counts)
    if binary and clusters is not None:
        difference = newcombe_paired_clustered(a, b, clusters, level)
    else:
        difference = paired_mean(a, b, clusters, level)
    p_value = None if isinstance(difference, Unknown) else sign_flip_p(a - b, clusters if clustered else None, seed)
    return _result(difference, p_value, "sign flip", counts)


def _result(difference: Measured, p_value: float | None, test: str, counts: tuple[int, int, int, int]) -> PairedResult:
    a_only, b_only, both, neither = counts
    return PairedResult(
        difference=difference,
        p_value=p_value,
        test=test if p_value is not None else None,
        a_only=a_only,
        b_only=b_only,
        both=both,
        neither=neither,
    )


def _counts(a: Floats, b: Floats) -> tuple[int, int, int, int]:
    same = a == b
    return int((a > b).sum()), int((b > a).sum()), int((same & (a >= 0.5)).sum()), int((same & (a < 0.5)).sum())

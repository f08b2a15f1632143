"""How much a test set can see, before a cent is spent.

Two-sided tests at α throughout. `discordance` is ψ, the share of cases that exactly one of two
variants gets right: it, and not the size alone, decides what a paired comparison sees.
"""

from __future__ import annotations

import math

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.stats.special import normal_cdf, normal_quantile

__all__ = [
    "ASSUMED_DISCORDANCE",
    "cases_for_mean",
    "cases_for_paired",
    "mcnemar_power",
    "needed_more",
    "smallest_difference",
    "smallest_difference_independent",
    "smallest_difference_mean",
]

ASSUMED_DISCORDANCE = 0.2
"""Share of cases on which two rather different models disagree, where no pilot says better.

With it 60 cases see a difference of 16 points (15.9 exactly): the figure quoted for small test sets.
Close relatives disagree on 0.1 and strangers on 0.3, which gives 13 and 19 points.
"""
_ASSUMED_BAND = (0.1, 0.3)
_MOST = 10_000_000


def _scores(alpha: float, power: float) -> tuple[float, float]:
    if not (0.0 < alpha < 1.0 and 0.0 < power < 1.0):
        raise ValueError(f"α = {alpha} and power = {power} must lie between 0 and 1")
    return normal_quantile(1.0 - alpha / 2.0), normal_quantile(power)


def cases_for_mean(
    delta: float,
    *,
    data_variance: float,
    noise_variance_a: float = 0.0,
    noise_variance_b: float = 0.0,
    repeats_a: int = 1,
    repeats_b: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
) -> int:
    """Cases that see a difference of `delta` in means: (z_{α/2}+z_β)²(ω² + σ_A²/K_A + σ_B²/K_B)/δ².

    ω² is the variance over cases of the true per-case difference, σ² the variance of one answer's
    score around its case's mean, K the repeats (Miller 2024, arXiv 2411.00640, §5). Tested against
    969 (ω² = 1/9, δ = 0.03, σ = 0), 3,876 (σ² = 1/6, K = 1) and 1,260 (K = 10).
    """
    z_alpha, z_beta = _scores(alpha, power)
    variance = data_variance + noise_variance_a / repeats_a + noise_variance_b / repeats_b
    if delta == 0.0:
        raise ValueError("no number of cases sees a difference of 0")
    return max(2, math.ceil((z_alpha + z_beta) ** 2 * variance / delta**2))


def smallest_difference_mean(n: int, deviation: float, *, alpha: float = 0.05, power: float = 0.8) -> Measured:
    """The difference in means that `n` cases see: (z_{α/2}+z_β)·s_d/√n, s_d the deviation of the differences.

    n = 0 or 1: Unknown.
    """
    z_alpha, z_beta = _scores(alpha, power)
    if n < 2:
        return Unknown("fewer than two cases see no difference", needed=2 - n)
    value = (z_alpha + z_beta) * deviation / math.sqrt(n)
    return _planned(value, value, value, n, f"miller, {power:.0%} power", alpha)


def smallest_difference_independent(n: int, rate: float, *, alpha: float = 0.05, power: float = 0.8) -> Measured:
    """The difference between two rates near `rate`, each from its own `n` cases: (z_{α/2}+z_β)·√(2p(1−p)/n).

    What the same number of cases sees without pairing, as live traffic split in two. n = 0 or 1: Unknown.
    """
    return smallest_difference_mean(n, math.sqrt(2.0 * rate * (1.0 - rate)), alpha=alpha, power=power)


def cases_for_paired(delta: float, discordance: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Cases with which McNemar's test sees a difference of `delta`: ⌈(z_{α/2}√ψ + z_β√(ψ−δ²))²/δ²⌉.

    Connor (1987, Biometrics 43). 0 < |δ| ≤ ψ ≤ 1: two variants cannot differ by more than they
    disagree. Tested against ψ = 0.1 → 77, 312, 870, 1,960 for δ = 10, 5, 3, 2 points, ψ = 0.2 →
    155, 626, 1,742, 3,923, ψ = 0.3 → 234, 940, 2,614, 5,885.
    """
    if not 0.0 < abs(delta) <= discordance <= 1.0:
        raise ValueError(f"wants 0 < |difference| ≤ discordance ≤ 1, not {delta} and {discordance}")
    z_alpha, z_beta = _scores(alpha, power)
    return math.ceil(_connor(abs(delta), discordance, z_alpha, z_beta))


def _connor(delta: float, discordance: float, z_alpha: float, z_beta: float) -> float:
    numerator = z_alpha * math.sqrt(discordance) + z_beta * math.sqrt(discordance - delta * delta)
    return numerator * numerator / (delta * delta)


def smallest_difference(
    n: int, *, discordance: float | Estimate | None = None, alpha: float = 0.05, power: float = 0.8
) -> Measured:
    """The smallest difference in the share of right answers that `n` paired cases see with `power`.

    The inverse of `cases_for_paired`, in share of cases. `discordance` is ψ where it is known; an
    Estimate of it (a pilot of 30–50 cases gives one) hands its interval on to the answer; without it
    ψ = 0.2 is assumed, and `low` and `high` are the answers at 0.1 and 0.3. Where even a difference
    of ψ would not be seen, the answer is the difference that would be if nothing else disagreed.
    Tested against n = 60 → 0.159 (the "16 points" of small sets) and the inverse of Connor's table.
    n < 4 (no difference at all is visible): Unknown.
    """
    z_alpha, z_beta = _scores(alpha, power)
    if isinstance(discordance, Estimate):
        middle, low, high = discordance.value, max(discordance.low, 0.0), min(discordance.high, 1.0)
        method = f"connor, discordance {middle:.2f} measured, {power:.0%} power"
    elif discordance is not None:
        middle = low = high = discordance
        method = f"connor, discordance {middle:.2f}, {power:.0%} power"
    else:
        middle, (low, high) = ASSUMED_DISCORDANCE, _ASSUMED_BAND
        method = f"connor, discordance {middle:.1f} assumed ({low:.1f} to {high:.1f}), {power:.0%} power"
    if not 0.0 <= low <= middle <= high <= 1.0:
        raise ValueError(f"a discordance lies in [0, 1], not {discordance}")
    least = math.ceil(_connor(1.0, 1.0, z_alpha, z_beta))
    if n < least:
        return Unknown(f"{n} cases show no difference, however large", needed=least - n)
    value, low, high = (_visible(n, psi, z_alpha, z_beta) for psi in (middle, low, high))
    return _planned(value, low, high, n, method, alpha)


def _planned(value: float, low: float, high: float, n: int, method: str, alpha: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=n, method=method, level=1.0 - alpha)


def _visible(n: int, discordance: float, z_alpha: float, z_beta: float) -> float:
    """δ with Connor's n; where δ would have to exceed ψ, the two rise together."""

    def wanted(delta: float) -> float:
        return _connor(delta, max(discordance, delta), z_alpha, z_beta)

    low, high = 1e-9, 1.0
    while high - low > 1e-13 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if wanted(middle) > n else (low, middle)
    return high


def mcnemar_power(n: int, delta: float, discordance: float, *, alpha: float = 0.05) -> float:
    """The chance that McNemar's test on `n` cases sees a true difference `delta` (normal limit, both tails).

    Φ((|δ|√n − z√ψ)/√(ψ−δ²)) + Φ((−|δ|√n − z√ψ)/√(ψ−δ²)); the inverse of `cases_for_paired`, and α at
    δ = 0. 0 cases: 0; no discordance: 0.
    """
    if not abs(delta) <= discordance <= 1.0:
        raise ValueError(f"wants |difference| ≤ discordance ≤ 1, not {delta} and {discordance}")
    if n == 0 or discordance == 0.0:
        return 0.0
    bar = normal_quantile(1.0 - alpha / 2.0) * math.sqrt(discordance)
    reach, spread = abs(delta) * math.sqrt(n), math.sqrt(discordance - delta * delta)
    if spread == 0.0:
        return float(reach > bar)
    return normal_cdf((reach - bar) / spread) + normal_cdf((-reach - bar) / spread)


def needed_more(difference: Estimate, margin: float, *, power: float = 0.8) -> int | None:
    """How many more cases would settle a difference against −`margin`, if the truth is what was seen.

    The interval's arm towards −margin is z·SE and shrinks like 1/√n; it is short enough, with
    probability `power`, at N = n·((z_{α/2}+z_β)·SE/(value + margin))². Answers N − n, at least 1.
    None where it cannot be said: the value sits on the margin (or needs over ten million cases), the
    arm is infinite or zero, or there are fewer than two cases. Tested by simulating the further cases.
    """
    distance = difference.value + margin
    arm = difference.value - difference.low if distance > 0.0 else difference.high - difference.value
    if difference.n < 2 or distance == 0.0 or not (0.0 < arm < math.inf):
        return None
    z_alpha, z_beta = _scores(1.0 - difference.level, power)
    shrink = (1.0 + z_beta / z_alpha) * arm / abs(distance)
    if shrink > math.sqrt(_MOST / difference.n):
        return None
    return max(1, math.ceil(difference.n * shrink**2 - difference.n))

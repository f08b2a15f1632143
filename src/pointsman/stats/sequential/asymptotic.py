"""An interval for a mean that may be read at any time, for large samples of well-behaved values.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, *Time-uniform central limit theory and asymptotic
confidence sequences*, Annals of Statistics 2024 (arXiv 2103.06476), eq. for unit weights:

    μ̂_n ± σ̂_n · √( 2(nρ² + 1)/(n²ρ²) · ln( √(nρ² + 1)/α ) ),   ρ² = (−2 ln α + ln(−2 ln α + 1)) / n*

For showing how far a cost has moved, never for deciding about rare events: at small counts on one
side its error rate was simulated at ten times the promised one.
"""

from __future__ import annotations

import math

from pointsman.core.estimate import Estimate, Measured, Unknown

__all__ = ["asymptotic_radius", "ratio_of_means"]

_TUNED_FOR = 500


def asymptotic_radius(variance: float, n: int, level: float = 0.95, tuned_for: int = _TUNED_FOR) -> float:
    """Half-width of the interval; tightest near n = `tuned_for`. n = 0: infinite."""
    if n < 1:
        return math.inf
    alpha = 1.0 - level
    rho2 = (-2.0 * math.log(alpha) + math.log(-2.0 * math.log(alpha) + 1.0)) / tuned_for
    scale = n * rho2 + 1.0
    return math.sqrt(variance * 2.0 * scale / (n * n * rho2) * math.log(math.sqrt(scale) / alpha))


def ratio_of_means(candidate: tuple[int, float, float], control: tuple[int, float, float], level: float = 0.95) -> Measured:
    """Candidate's mean over the control's, from (n, Σx, Σx²) of each, by the delta method on the logarithm.

    The radii of the two arms at half the error each are added. n < 2 on either side, or a mean that is
    not positive: Unknown.
    """
    (n1, s1, q1), (n0, s0, q0) = candidate, control
    if min(n1, n0) < 2:
        return Unknown("too few units to compare", needed=2 - min(n1, n0))
    m1, m0 = s1 / n1, s0 / n0
    if m1 <= 0.0 or m0 <= 0.0:
        return Unknown("a mean of zero has no ratio")
    half = 0.5 + level / 2.0
    v1, v0 = max(q1 / n1 - m1 * m1, 0.0) / m1**2, max(q0 / n0 - m0 * m0, 0.0) / m0**2
    radius = asymptotic_radius(v1, n1, half) + asymptotic_radius(v0, n0, half)
    ratio = m1 / m0
    low, high = ratio * math.exp(-radius), ratio * math.exp(min(radius, 700.0))
    return Estimate(value=ratio, low=low, high=high, n=n1, method="asymptotic-cs", level=level)

"""Distribution functions that the other modules stand on, in plain `math`.

Point probabilities follow Loader's saddle-point form (C. Loader 2000, *Fast and accurate
computation of binomial probabilities*): the deviance and the Stirling error are computed
apart, so nothing cancels, and a tail keeps about 12 digits even at 10⁵ trials where
`exp(lgamma(…))` keeps 9. Tails are continued fractions on top of it. All functions are scalar.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

__all__ = [
    "beta_cdf",
    "beta_quantile",
    "beta_sf",
    "binomial_cdf",
    "binomial_pmf",
    "binomial_sf",
    "chi_square_sf",
    "normal_cdf",
    "normal_quantile",
    "t_cdf",
    "t_quantile",
]

_STANDARD = NormalDist()
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_TINY = 1e-300
_EPS = 2.0**-53
_MAX_STEPS = 1_000_000


def normal_cdf(x: float) -> float:
    """P(Z ≤ x) for a standard normal Z; full relative accuracy in the lower tail (scipy `ndtr`)."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@lru_cache(maxsize=256)
def normal_quantile(p: float) -> float:
    """The x with P(Z ≤ x) = p. −∞ at 0 and +∞ at 1; `ValueError` outside [0, 1] (scipy `ndtri`)."""
    if p in (0.0, 1.0):
        return math.inf if p else -math.inf
    if not 0.0 < p < 1.0:
        raise ValueError(f"a probability lies in [0, 1], not {p}")
    return _STANDARD.inv_cdf(p)


def _stirling_error(n: float) -> float:
    """What Stirling's formula lacks of ln Γ(n+1)."""
    if n <= 15.0:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - _HALF_LOG_2PI
    m = n * n
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188) / m) / m) / m) / m) / n


def _deviance(x: float, mean: float) -> float:
    """x·ln(x/mean) + mean − x without cancellation near x = mean; `mean` for x = 0."""
    if x == 0.0:
        return mean
    if abs(x - mean) >= 0.1 * (x + mean):
        return x * math.log(x / mean) + mean - x
    v = (x - mean) / (x + mean)
    total, term, k = (x - mean) * v, 2.0 * x * v, 1
    while True:
        term *= v * v
        k += 2
        following = total + term / k
        if following == total:
            return total
        total = following


def _binomial_density(a: float, b: float, x: float) -> float:
    """Γ(a+b+1)/(Γ(a+1)Γ(b+1)) · xᵃ(1−x)ᵇ for real a, b ≥ 0 and 0 < x ≤ ½."""
    n = a + b
    y = 1.0 - x
    lost = (1.0 - y) - x  # what rounding took from 1 − x; to the power b it would show
    if a == 0.0:
        return math.exp(b * math.log1p(-x))
    if b == 0.0:
        return math.exp(a * math.log(x))
    log = (
        _stirling_error(n)
        - _stirling_error(a)
        - _stirling_error(b)
        - _deviance(a, n * x)
        - _deviance(b, n * y)
        + lost * (b / y - n)
    )
    return math.exp(log) * math.sqrt(n / (2.0 * math.pi * a * b)) if log > -745.0 else 0.0


def _beta_fraction(a: float, b: float, x: float, y: float) -> float:
    """I_x(a, b) over its density part xᵃyᵇ/B(a, b), y = 1 − x; wants x below the mean.

    The contracted continued fraction of DiDonato and Morris (1992, ACM TOMS 708, eq. 9), by
    Lentz's method. Unlike the better-known form it takes a·y − b·x as one number, which keeps
    its digits when one shape is a million times the other.
    """
    lean = a * y - b * x + 1.0
    value = c = _nonzero(a * lean / (a + 1.0))
    d = 0.0
    for m in range(1, _MAX_STEPS):
        odd = a + 2 * m - 1.0
        top = (m * (a + m - 1.0) / odd) * ((a + b + m - 1.0) / odd) * (b - m) * x * x
        bottom = m + m * (b - m) * x / odd + (a + m) * (lean + m * (1.0 + y)) / (odd + 2.0)
        d = 1.0 / _nonzero(bottom + top * d)
        c = _nonzero(bottom + top / c)
        step = c * d
        value *= step
        if abs(step - 1.0) <= 2.0 * _EPS:
            return 1.0 / value
    raise ArithmeticError(f"the incomplete beta function of a = {a}, b = {b} at {x} does not converge")


def _nonzero(v: float) -> float:
    return v if abs(v) > _TINY else _TINY


def _beta_tails(a: float, b: float, x: float) -> tuple[float, float]:
    """(I_x(a, b), 1 − I_x(a, b)) for 0 ≤ x ≤ ½, each with its own relative accuracy."""
    if x <= 0.0:
        return 0.0, 1.0
    density = _binomial_density(a, b, x) * a * b / (a + b)
    if x < (a + 1.0) / (a + b + 2.0):
        lower = density * _beta_fraction(a, b, x, 1.0 - x)
        return lower, 1.0 - lower
    upper = density * _beta_fraction(b, a, 1.0 - x, x)
    return 1.0 - upper, upper


def _both_tails(a: float, b: float, x: float) -> tuple[float, float]:
    if not (a > 0.0 and b > 0.0):
        raise ValueError(f"a beta distribution needs positive shapes, not {a} and {b}")
    if not 0.0 <= x <= 1.0:
        raise ValueError(f"x lies in [0, 1], not {x}")
    if x <= 0.5:
        return _beta_tails(a, b, x)
    upper, lower = _beta_tails(b, a, 1.0 - x)  # 1 − x is exact from ½ on
    return lower, upper


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), a, b > 0, 0 ≤ x ≤ 1 (scipy `betainc`)."""
    return _both_tails(a, b, x)[0]


def beta_sf(x: float, a: float, b: float) -> float:
    """1 − I_x(a, b), accurate where it is small (scipy `betaincc`)."""
    return _both_tails(a, b, x)[1]


def _beta_logit_quantile(p: float, a: float, b: float) -> float:
    """logit(x) with I_x(a, b) = p, for 0 < p ≤ ½.

    Newton's method on ln I as a function of logit x, where it is concave and nearly straight in
    the tail, kept inside a bracket by bisection.
    """
    goal = math.log(p)
    low, high = -744.0, 744.0
    u = math.log(a / b)
    for _ in range(200):
        x = 1.0 / (1.0 + math.exp(-u)) if u > -700.0 else math.exp(u)
        y = 1.0 / (1.0 + math.exp(u)) if u < 700.0 else math.exp(-u)
        if u <= 0.0:
            mass, density = _beta_tails(a, b, x)[0], _binomial_density(a, b, x)
        else:
            mass, density = _beta_tails(b, a, y)[1], _binomial_density(b, a, y)
        error = math.log(mass) - goal if mass > 0.0 else -math.inf
        low, high = (u, high) if error < 0.0 else (low, u)
        slope = density * a * b / (a + b) / mass if mass > 0.0 else 0.0
        following = u - error / slope if slope > 0.0 and math.isfinite(error) else math.inf
        if not low <= following <= high:
            following = 0.5 * (low + high)
        if abs(following - u) <= 4.0 * _EPS * max(1.0, abs(u)):
            return following
        u = following
    return u


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = p (scipy `betaincinv`). 0 at p = 0, 1 at p = 1."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"a probability lies in [0, 1], not {p}")
    if p in (0.0, 1.0):
        return p
    u = _beta_logit_quantile(p, a, b) if p <= 0.5 else -_beta_logit_quantile(1.0 - p, b, a)
    return 1.0 / (1.0 + math.exp(-u)) if u > -700.0 else math.exp(u)


def binomial_pmf(k: int, n: int, p: float) -> float:
    """P(X = k) for X ~ Binomial(n, p); 0 outside 0…n (scipy `binom.pmf`)."""
    _check_binomial(n, p)
    if not 0 <= k <= n:
        return 0.0
    if p in (0.0, 1.0):
        return float(k == n * p)
    return _binomial_density(k, n - k, p) if p <= 0.5 else _binomial_density(n - k, k, 1.0 - p)


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(X ≤ k) for X ~ Binomial(n, p): 0 below 0 and 1 from n on (scipy `bdtr`)."""
    _check_binomial(n, p)
    if k < 0:
        return 0.0
    return 1.0 if k >= n else beta_sf(p, k + 1.0, float(n - k))


def binomial_sf(k: int, n: int, p: float) -> float:
    """P(X > k) for X ~ Binomial(n, p): 1 below 0 and 0 from n on (scipy `bdtrc`)."""
    _check_binomial(n, p)
    if k < 0:
        return 1.0
    return 0.0 if k >= n else beta_cdf(p, k + 1.0, float(n - k))


def _check_binomial(n: int, p: float) -> None:
    if n < 0 or not 0.0 <= p <= 1.0:
        raise ValueError(f"a binomial needs n ≥ 0 and p in [0, 1], not n = {n}, p = {p}")


def t_cdf(t: float, df: float) -> float:
    """P(T ≤ t) for Student's t with `df` > 0 degrees of freedom; the normal for df = ∞ (scipy `stdtr`)."""
    _check_df(df)
    if math.isinf(df):
        return normal_cdf(t)
    if math.isinf(t):
        return float(t > 0.0)
    square = t * t
    # Each form is used where its argument is at most ½, so that nothing is lost by 1 − x.
    if square <= df:
        tail = 0.5 * _beta_tails(0.5, 0.5 * df, square / (df + square))[1]
    else:
        tail = 0.5 * _beta_tails(0.5 * df, 0.5, df / (df + square))[0]
    return tail if t < 0.0 else 1.0 - tail


@lru_cache(maxsize=1024)
def t_quantile(p: float, df: float) -> float:
    """The t with P(T ≤ t) = p for `df` > 0 degrees of freedom; normal for df = ∞ (scipy `stdtrit`)."""
    _check_df(df)
    if math.isinf(df) or p in (0.0, 1.0):
        return normal_quantile(p)
    if not 0.0 < p < 1.0:
        raise ValueError(f"a probability lies in [0, 1], not {p}")
    if p == 0.5:
        return 0.0
    tail = min(p, 1.0 - p)
    # df/(df + t²) is Beta(df/2, ½), and its odds are df/t²: on the logit scale t keeps its digits.
    if tail <= 0.25:
        u = _beta_logit_quantile(2.0 * tail, 0.5 * df, 0.5)
    else:
        u = -_beta_logit_quantile(1.0 - 2.0 * tail, 0.5, 0.5 * df)
    size = math.sqrt(df) * math.exp(-0.5 * u)
    return -size if p < 0.5 else size


def _check_df(df: float) -> None:
    if not df > 0.0:
        raise ValueError(f"degrees of freedom must be positive, not {df}")


def chi_square_sf(x: float, df: float) -> float:
    """P(X > x) for χ² with `df` > 0 degrees of freedom; 1 for x ≤ 0 (scipy `chdtrc`)."""
    _check_df(df)
    if x <= 0.0:
        return 1.0
    if math.isinf(x):
        return 0.0
    a, half = 0.5 * df, 0.5 * x
    log = -_stirling_error(a) - _deviance(a, half)
    density = math.exp(log) / math.sqrt(2.0 * math.pi * a) if log > -745.0 else 0.0  # xᵃe⁻ˣ/Γ(a+1)
    if half < a + 1.0:
        return 1.0 - density * _gamma_series(a, half)
    return density * a * _gamma_fraction(a, half)


def _gamma_series(a: float, x: float) -> float:
    """Σ xᵏ/((a+1)…(a+k)) (DLMF 8.7.1), for x < a + 1."""
    total = term = 1.0
    for k in range(1, _MAX_STEPS):
        term *= x / (a + k)
        total += term
        if term <= _EPS * total:
            return total
    raise ArithmeticError(f"the incomplete gamma function of {a} at {x} does not converge")


def _gamma_fraction(a: float, x: float) -> float:
    """The continued fraction of Γ(a, x)·eˣ·x⁻ᵃ (DLMF 8.9.2), for x ≥ a + 1."""
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / _nonzero(b)
    value = d
    for k in range(1, _MAX_STEPS):
        b += 2.0
        top = -k * (k - a)
        d = 1.0 / _nonzero(top * d + b)
        c = _nonzero(b + top / c)
        step = d * c
        value *= step
        if abs(step - 1.0) <= 2.0 * _EPS:
            return value
    raise ArithmeticError(f"the incomplete gamma function of {a} at {x} does not converge")

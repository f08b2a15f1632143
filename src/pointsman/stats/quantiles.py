"""Quantiles, such as the 95th percentile of latency, with an interval that assumes no shape."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.stats.clusters import Floats, rows
from pointsman.stats.special import binomial_cdf, binomial_sf

__all__ = ["Sides", "between_ranks", "needed_for_bound", "quantile"]

Sides = Literal["both", "upper", "lower"]


def quantile(values: Floats, q: float, level: float = 0.95, *, sides: Sides = "both") -> Measured:
    """The q-quantile (0 < q < 1) of independent values, between two order statistics.

    The value interpolates linearly between order statistics (numpy's default). The interval rests on
    B, the number of values below the true quantile, being Binomial(n, q) (David and Nagaraja, *Order
    Statistics*, §7.1): low = X₍ₗ₎ with the largest l for which P(B < l) ≤ tail, high = X₍ᵤ₎ with the
    smallest u for which P(B ≥ u) ≤ tail. With `sides="both"` (equal tails) tail = (1 − level)/2,
    otherwise 1 − level, and the other end is infinite. Coverage is never below `level`.

    Where no order statistic will do, that end is ±∞: a finite 95 % upper bound on a 95th percentile
    needs 59 values one-sided and 72 two-sided (`needed_for_bound`). Tested against exact binomial
    enumeration and by simulation. n = 0: Unknown. n = 1: the value, without bounds.
    """
    tail = _tail(q, level, sides)
    row = np.sort(rows(values))
    n = len(row)
    if not n:
        return Unknown("there are no measurements", needed=1)
    lower = _lower_rank(n, q, tail) if sides != "upper" else 0
    upper = n + 1 - _lower_rank(n, 1.0 - q, tail) if sides != "lower" else n + 1
    value = between_ranks(row, q)
    return Estimate(
        value=value,
        # With few values, interpolation may step over the rank that bounds it; then the bound moves out.
        low=min(value, float(row[lower - 1])) if lower else -math.inf,
        high=max(value, float(row[upper - 1])) if upper <= n else math.inf,
        n=n,
        method="order statistics" if sides == "both" else f"order statistics, {sides} bound",
        level=level,
    )


def between_ranks(row: Floats, q: float) -> float:
    """The q-quantile (0 ≤ q ≤ 1) of values in ascending order, at least one: linear between order statistics.

    The same number as numpy's default, whose own function first loads a package of masked arrays, which takes
    longer than everything else a report computes.
    """
    at = q * (len(row) - 1)
    below = min(int(at), len(row) - 2) if len(row) > 1 else 0
    low, high = float(row[below]), float(row[min(below + 1, len(row) - 1)])
    share = at - below
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1.0 - share)


def _tail(q: float, level: float, sides: Sides) -> float:
    if not (0.0 < q < 1.0 and 0.0 < level < 1.0):
        raise ValueError(f"q = {q} and level = {level} must lie between 0 and 1")
    return (1.0 - level) / 2.0 if sides == "both" else 1.0 - level


def _lower_rank(n: int, q: float, tail: float) -> int:
    """The largest l with P(Binomial(n, q) ≤ l − 1) ≤ tail; 0 if there is none. Tails are monotone, so bisect."""
    known, beyond = 0, n + 1
    while beyond - known > 1:
        middle = (known + beyond) // 2
        if binomial_cdf(middle - 1, n, q) <= tail:
            known = middle
        else:
            beyond = middle
    return known


def needed_for_bound(q: float, level: float = 0.95, *, sides: Sides = "both") -> int:
    """How many values the upper bound on the q-quantile needs to be finite: the smallest n with qⁿ ≤ tail.

    95th percentile at 95 %: 59 one-sided, 72 two-sided. (For the lower bound ask with 1 − q.)
    """
    tail = _tail(q, level, sides)
    n = max(1, math.ceil(math.log(tail) / math.log(q)) - 1)
    while binomial_sf(n - 1, n, q) > tail:  # the logarithm may round to either side
        n += 1
    return n

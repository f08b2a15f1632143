"""From an interval and a limit to a verdict: pure rules, no statistics of their own.

Pass: the interval rules out a breach. Fail: it rules out that the limit holds. Otherwise Unknown,
with how many more cases would settle it where that can be said. Silence never promotes.

All intervals are two-sided at their `level`, so each of these decisions is a one-sided test at
(1 − level)/2: with the usual 95 % a candidate that is worse by exactly the margin passes at most
2.5 % of the time. Several criteria joined by "and" each keep that level without correction
(intersection–union test, Berger 1982).
"""

from __future__ import annotations

import math

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.verdict import Fail, Pass, Verdict
from pointsman.stats.power import needed_more

__all__ = ["at_least", "at_most", "non_inferiority", "superiority"]


def non_inferiority(difference: Measured, margin: float, *, power: float = 0.8) -> Verdict:
    """Is the candidate worse by less than `margin` ≥ 0? `difference` is candidate − baseline, more is better.

    Pass if low > −margin, Fail if high < −margin. `needed` counts the further cases that settle it
    with probability `power` if the truth is the difference seen.
    """
    if margin < 0.0:
        raise ValueError(f"a margin is not negative: {margin}")
    if isinstance(difference, Unknown):
        return difference
    seen = f"difference {_signed(difference.value)} [{_signed(difference.low)}, {_signed(difference.high)}]"
    if difference.low > -margin:
        return Pass(difference, f"{seen}: worse by {_plain(margin)} or more is ruled out")
    if difference.high < -margin:
        return Fail(difference, f"{seen}: worse by more than {_plain(margin)}")
    needed = needed_more(difference, margin, power=power)
    return Unknown(f"{seen} allows both more and less than the margin of {_plain(margin)}", needed=needed)


def superiority(difference: Measured, margin: float = 0.0, *, power: float = 0.8) -> Verdict:
    """Is the candidate better by more than `margin`? Pass if low > margin, Fail if high ≤ margin."""
    if isinstance(difference, Unknown):
        return difference
    seen = f"difference {_signed(difference.value)} [{_signed(difference.low)}, {_signed(difference.high)}]"
    if difference.low > margin:
        return Pass(difference, f"{seen}: better by more than {_plain(margin)}")
    if difference.high <= margin:
        return Fail(difference, f"{seen}: better by more than {_plain(margin)} is ruled out")
    needed = needed_more(difference, -margin, power=power)
    return Unknown(f"{seen} does not tell whether it is better by more than {_plain(margin)}", needed=needed)


def at_most(measured: Measured, limit: float, *, needed: int | None = None) -> Verdict:
    """Is the quantity ≤ `limit`? Pass if high ≤ limit, Fail if low > limit.

    `needed` overrides the estimate of further cases where the caller knows better, as for a
    percentile whose upper bound is still infinite (`quantiles.needed_for_bound`).
    """
    if isinstance(measured, Unknown):
        return measured
    seen = f"{_plain(measured.value)} [{_plain(measured.low)}, {_plain(measured.high)}]"
    if measured.high <= limit:
        return Pass(measured, f"{seen}: at most {_plain(limit)}")
    if measured.low > limit:
        return Fail(measured, f"{seen}: above {_plain(limit)}")
    return Unknown(f"{seen} does not tell whether it is at most {_plain(limit)}", needed=needed or _more(measured, limit))


def at_least(measured: Measured, limit: float, *, needed: int | None = None) -> Verdict:
    """Is the quantity ≥ `limit`? Pass if low ≥ limit, Fail if high < limit."""
    if isinstance(measured, Unknown):
        return measured
    seen = f"{_plain(measured.value)} [{_plain(measured.low)}, {_plain(measured.high)}]"
    if measured.low >= limit:
        return Pass(measured, f"{seen}: at least {_plain(limit)}")
    if measured.high < limit:
        return Fail(measured, f"{seen}: below {_plain(limit)}")
    return Unknown(f"{seen} does not tell whether it is at least {_plain(limit)}", needed=needed or _more(measured, limit))


def _more(measured: Estimate, limit: float) -> int | None:
    return needed_more(measured, -limit)


def _plain(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0.0 else "−∞"
    return f"{value:.4g}".replace("-", "−")


def _signed(value: float) -> str:
    return _plain(value) if value <= 0.0 or math.isinf(value) else f"+{_plain(value)}"

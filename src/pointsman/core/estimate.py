"""What we know: a number with its interval, or a reason why there is none."""

from __future__ import annotations

import math

import msgspec

__all__ = ["Estimate", "Measured", "Unknown", "measured_json"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A measured value with the interval the evidence allows.

    `low` or `high` is ±infinity where the evidence sets no bound on that side (written `null` in
    JSON): 30 latencies, say, cannot bound a 95th percentile from above.
    """

    value: float
    low: float
    high: float
    n: int
    """Independent units behind the value: cases or clusters, never case × repeat."""
    method: str
    """How the interval was made, such as `wilson` or `newcombe-paired`."""
    level: float = 0.95
    """Coverage the interval promises, 0 < level < 1."""


class Unknown(msgspec.Struct, frozen=True):
    """No value, and why. Never zero, never a pass."""

    reason: str
    needed: int | None = None
    """How many more independent units would settle it; None if that cannot be said."""


Measured = Estimate | Unknown


def measured_json(measured: Measured) -> dict[str, object]:
    """The published JSON shape: `{"value", "low", "high", "n", "method", "level"}` or `{"unknown": reason}`."""
    if isinstance(measured, Unknown):
        return {"unknown": measured.reason}
    return {
        "value": measured.value,
        "low": measured.low if math.isfinite(measured.low) else None,
        "high": measured.high if math.isfinite(measured.high) else None,
        "n": measured.n,
        "method": measured.method,
        "level": measured.level,
    }

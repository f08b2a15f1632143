"""A rate limit as a bucket that refills evenly: so much per minute, and at most a minute's worth at once."""

from __future__ import annotations

__all__ = ["Bucket"]


class Bucket:
    """Holds `per_minute` units when full. Times are monotonic seconds, given by the caller."""

    def __init__(self, per_minute: int, now_s: float) -> None:
        self._rate = per_minute / 60
        self._most = float(per_minute)
        self._left = float(per_minute)
        self._seen_s = now_s

    def wait_s(self, now_s: float, units: float = 1.0) -> float:
        """Seconds until `units` are there (a full bucket is always enough); 0 if they are. Takes nothing.

        A limit of nothing per minute never lets anything through: infinity.
        """
        self._left = min(self._most, self._left + (now_s - self._seen_s) * self._rate)
        self._seen_s = now_s
        missing = min(units, self._most) - self._left if self._most else 1.0
        return 0.0 if missing <= 0 else missing / self._rate if self._rate else float("inf")

    def take(self, units: float) -> None:
        """Use up `units`; the bucket may go below empty, and what follows waits longer."""
        self._left -= units

"""A breaker per target: stop asking who keeps failing, and let one request at a time find out whether that is over.

Only failures that are the provider's own count. A caller's bad request says nothing about health, and
neither does a key without money. Time comes in as an argument (monotonic seconds); there is no clock here.

closed ──(failures in a row ≥ limit, or failed share ≥ limit over enough calls)──▶ open
open ──(rest is over)──▶ half open: one probe ──success──▶ closed
                                              └─failure──▶ open, resting twice as long, up to a cap
"""

from __future__ import annotations

from typing import Literal

import msgspec

from pointsman.core.failure import Failure, FailureClass

__all__ = ["Breaker", "BreakerLimits", "BreakerState"]

BreakerState = Literal["closed", "open", "half_open"]


class BreakerLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to stop asking, and for how long."""

    consecutive: int = 5
    """So many failures in a row open it."""
    failed_ratio: float = 0.5
    """So does this share of failures …"""
    min_calls: int = 20
    """… among at least so many calls …"""
    window_s: float = 30.0
    """… within this time."""
    rest_s: float = 5.0
    """First rest; it doubles with each failed probe."""
    max_rest_s: float = 120.0
    probe_s: float = 60.0
    """A probe that reported nothing for so long counts as lost, and another may go."""


class Breaker:
    """One target's state. Not thread-safe: it lives on one event loop."""

    __slots__ = (
        "_calls",
        "_failed",
        "_in_a_row",
        "_limits",
        "_open_until_s",
        "_opened",
        "_probe_until_s",
        "_rest_s",
        "_window_from_s",
    )

    def __init__(self, limits: BreakerLimits | None = None) -> None:
        self._limits = limits or BreakerLimits()
        self._in_a_row = 0
        self._calls = 0
        self._failed = 0
        self._window_from_s = float("-inf")
        self._opened = False
        self._open_until_s = float("-inf")
        self._probe_until_s = float("-inf")
        self._rest_s = self._limits.rest_s

    def state(self, now_s: float) -> BreakerState:
        """For people and metrics; asking changes nothing."""
        if not self._opened:
            return "closed"
        return "open" if now_s < self._open_until_s else "half_open"

    def allow(self, now_s: float) -> bool:
        """Whether a request may go. In half-open state the first to ask is the probe; nobody else goes until it reported."""
        if not self._opened:
            return True
        if now_s < self._open_until_s or now_s < self._probe_until_s:
            return False
        self._probe_until_s = now_s + self._limits.probe_s
        return True

    def reopens_in_s(self, now_s: float) -> float:
        """Seconds until the next request may go; 0 for a closed one."""
        if not self._opened:
            return 0.0
        return max(0.0, self._open_until_s - now_s, self._probe_until_s - now_s)

    def worked(self, now_s: float) -> None:
        """A request got its answer."""
        self._in_a_row = 0
        if self._opened:
            self._close()
        self._count(now_s, failed=0)

    def failed(self, failure: Failure, now_s: float) -> None:
        """A request failed. A wait the provider asked for is a floor of the rest, never a cut."""
        if failure.kind.fault != "provider":
            self._probe_until_s = float("-inf")  # the probe learned nothing; the next one may try
            return
        if failure.kind is FailureClass.RATE_LIMIT and failure.retry_after_s is None:
            self._probe_until_s = float("-inf")  # a moment's limit without a wait is for retries, not for the breaker
            return
        self._count(now_s, failed=1)
        self._in_a_row += 1
        if self._opened:
            self._rest_s = min(self._rest_s * 2, self._limits.max_rest_s)
            self._open(now_s, failure)
        elif self._too_many(failure):
            self._open(now_s, failure)

    def left(self) -> None:
        """A request ended without telling anything, because its client left: a probe's place is free again."""
        self._probe_until_s = float("-inf")

    def _too_many(self, failure: Failure) -> bool:
        limits = self._limits
        if self._in_a_row >= limits.consecutive or failure.kind is FailureClass.HARD_DOWN:
            return True
        return self._calls >= limits.min_calls and self._failed >= limits.failed_ratio * self._calls

    def _count(self, now_s: float, failed: int) -> None:
        if now_s - self._window_from_s > self._limits.window_s:
            self._window_from_s, self._calls, self._failed = now_s, 0, 0
        self._calls += 1
        self._failed += failed

    def _open(self, now_s: float, failure: Failure) -> None:
        asked_s = min(failure.retry_after_s or 0.0, self._limits.max_rest_s)
        self._opened = True
        self._probe_until_s = float("-inf")
        self._open_until_s = max(self._open_until_s, now_s + max(self._rest_s, asked_s))

    def _close(self) -> None:
        self._opened = False
        self._open_until_s = self._probe_until_s = float("-inf")
        self._rest_s = self._limits.rest_s
        self._calls = self._failed = 0

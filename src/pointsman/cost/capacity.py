"""Whether the limits hold: today, at the peak, and after the growth that is planned for."""

from __future__ import annotations

import math

import msgspec

from pointsman.cost.workload import HOURS_PER_MONTH, SECONDS_PER_DAY, Workload

__all__ = ["CapacityReport", "LimitUse", "RateLimits", "capacity", "downtime_minutes_per_month"]


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one key may do. None: the provider sets no such limit, or nobody told us."""

    requests_per_minute: int | None = None
    input_tokens_per_minute: int | None = None
    output_tokens_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_per_day: int | None = None
    concurrent_requests: int | None = None


class LimitUse(msgspec.Struct, frozen=True, kw_only=True):
    """One limit against one situation."""

    situation: str
    limit: str
    allowed: int
    needed: float
    use_ratio: float
    keys_needed: int
    """Keys or accounts with separate limits that would carry it."""


class CapacityReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every known limit in every situation."""

    requests_per_s: dict[str, float]
    """Per situation: average, peak, grown, grown peak."""
    uses: tuple[LimitUse, ...]
    breaks_at_requests_per_day: float | None
    """Daily volume at whose peak the first limit breaks; None if no limit is known."""
    unknown_limits: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether one key carries every situation, as far as limits are known."""
        return all(use.use_ratio <= 1 for use in self.uses)


def capacity(workload: Workload, limits: RateLimits, latency_s: float | None = None) -> CapacityReport:
    """Compare need and limit: requests and tokens per minute = rate × 60, per day = rate × 86,400.

    Requests under way at once = rate × latency (Little's law); without a latency that limit is unknown.
    """
    average, growth, peak = workload.requests_per_s, float(workload.growth_ratio), float(workload.peak_factor)
    rates = {"average": average, "peak": average * peak, "grown": average * growth, "grown peak": average * growth * peak}
    needs = {name: _needs(workload, rate, name, latency_s) for name, rate in rates.items()}
    uses = tuple(
        LimitUse(
            situation=situation,
            limit=field,
            allowed=allowed,
            needed=need,
            use_ratio=need / allowed,
            keys_needed=max(1, math.ceil(need / allowed)),
        )
        for situation, by_limit in needs.items()
        for field, need in by_limit.items()
        if (allowed := getattr(limits, field)) is not None
    )
    worst = max((u.use_ratio for u in uses if u.situation == "peak"), default=0.0)
    return CapacityReport(
        requests_per_s=rates,
        uses=uses,
        breaks_at_requests_per_day=float(workload.requests_per_day) / worst if worst > 0 else None,
        unknown_limits=tuple(f for f in RateLimits.__struct_fields__ if getattr(limits, f) is None),
    )


def _needs(workload: Workload, rate: float, situation: str, latency_s: float | None) -> dict[str, float]:
    read = sum(float(share) * (usage.total_input_tokens or 0) for share, usage in workload.each())
    written = sum(float(share) * (usage.total_output_tokens or 0) for share, usage in workload.each())
    needs = {
        "requests_per_minute": rate * 60,
        "input_tokens_per_minute": rate * 60 * read,
        "output_tokens_per_minute": rate * 60 * written,
        "tokens_per_minute": rate * 60 * (read + written),
    }
    if not situation.endswith("peak"):  # a day averages its own peak away
        needs["requests_per_day"] = rate * SECONDS_PER_DAY
    if latency_s is not None:
        needs["concurrent_requests"] = rate * latency_s
    return needs


def downtime_minutes_per_month(uptime_ratio: float) -> float:
    """Minutes a month a promise of uptime leaves: (1 − u) · 730 h · 60."""
    return (1 - uptime_ratio) * HOURS_PER_MONTH * 60

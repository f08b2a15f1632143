"""What will be asked of a model: how much, how big, how it grows."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from pointsman.core.failure import PointsmanError
from pointsman.core.usage import Usage

__all__ = ["DAYS_PER_MONTH", "HOURS_PER_MONTH", "SECONDS_PER_DAY", "Part", "Workload"]

DAYS_PER_MONTH = Decimal(365) / 12
HOURS_PER_MONTH = 730
SECONDS_PER_DAY = 86_400


class Part(msgspec.Struct, frozen=True):
    """A share of the requests and what one such request reads and writes."""

    share: Decimal
    usage: Usage


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one application."""

    requests_per_day: Decimal
    parts: tuple[Part, ...]
    """Shares add up to 1."""
    peak_factor: Decimal = Decimal(10)
    """Busiest moment over the daily average; the guide plans for ten."""
    growth_ratio: Decimal = Decimal(1)
    """Volume twelve months from now over today's; the guide plans for ten."""
    volume_spread_ratio: Decimal = Decimal("0.25")
    """How far the volume may lie from what was said, either way; an assumption until it is measured."""

    def __post_init__(self) -> None:
        total = sum((p.share for p in self.parts), Decimal(0))
        if total != 1:
            raise PointsmanError(f"the shares of a workload add up to {total}, not to 1", hint="name every kind of request once")
        if self.requests_per_day < 0 or self.growth_ratio <= 0 or self.peak_factor < 1:
            raise PointsmanError("a workload needs a volume of at least 0, a growth above 0 and a peak of at least 1")

    @classmethod
    def uniform(cls, requests_per_day: Decimal | int, usage: Usage, **rest: Decimal) -> Workload:
        """Every request alike."""
        return cls(requests_per_day=Decimal(requests_per_day), parts=(Part(Decimal(1), usage),), **rest)

    @property
    def requests_per_month(self) -> Decimal:
        """A month is a twelfth of 365 days: a million a day are 30.42 million."""
        return self.requests_per_day * DAYS_PER_MONTH

    @property
    def requests_per_s(self) -> float:
        """Daily average: a million a day are 11.57."""
        return float(self.requests_per_day) / SECONDS_PER_DAY

    @property
    def peak_requests_per_s(self) -> float:
        return self.requests_per_s * float(self.peak_factor)

    def volume_after(self, months: int) -> Decimal:
        """Requests per day after so many months of steady growth: today's × growth^(months/12)."""
        return self.requests_per_day * Decimal(str(float(self.growth_ratio) ** (months / 12)))

    def mean(self, field: str) -> float:
        """Average of one usage field over the parts; parts that do not say count 0."""
        return sum(float(p.share) * (getattr(p.usage, field) or 0) for p in self.parts)

    def each(self) -> Iterable[tuple[Decimal, Usage]]:
        """Share and usage of each part."""
        return ((p.share, p.usage) for p in self.parts)

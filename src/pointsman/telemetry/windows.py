"""What happened lately, by route and variant, in minutes: enough for alerts and dashboards, and of fixed size."""

from __future__ import annotations

import math
from collections import Counter, deque
from decimal import Decimal

import msgspec

from pointsman.core.served import CLIENT_GONE, Served
from pointsman.core.units import Usd, add_usd

__all__ = ["METRICS", "Lately", "Windows", "quantile"]

_MINUTE_S = 60
_STEP = math.log(1.05)
"""Latencies are kept in steps of 5 %, so a quantile is right to within 2.5 %."""


class Lately(msgspec.Struct, kw_only=True):
    """Sums over some minutes. A rate's denominator stands beside it; of nothing, all zeros."""

    requests: int = 0
    """Requests that were tried with this variant first; those whose client left are not judged."""
    failed: int = 0
    """Those whose first try failed, whatever a fallback made of them."""
    fell_back: int = 0
    finished: int = 0
    """Answers with a finish reason: what refusals and truncations are shares of."""
    refused: int = 0
    truncated: int = 0
    priced: int = 0
    usd: Usd = Decimal(0)
    rated: int = 0
    rating_sum: float = 0.0
    latencies: Counter[int] = msgspec.field(default_factory=Counter)
    first_tokens: Counter[int] = msgspec.field(default_factory=Counter)

    def add(self, other: Lately) -> None:
        """Take another stretch of time in."""
        for name in ("requests", "failed", "fell_back", "finished", "refused", "truncated", "priced", "rated", "rating_sum"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.usd = add_usd(self.usd, other.usd)
        self.latencies.update(other.latencies)
        self.first_tokens.update(other.first_tokens)

    def value(self, metric: str) -> tuple[float | None, int]:
        """(what a metric of `METRICS` is, over how many); None of nothing."""
        match metric:
            case "requests":
                return float(self.requests), self.requests
            case "error_rate":
                return _share(self.failed, self.requests)
            case "fallback_rate":
                return _share(self.fell_back, self.requests)
            case "refusal_rate":
                return _share(self.refused, self.finished)
            case "truncation_rate":
                return _share(self.truncated, self.finished)
            case "satisfaction":
                return _share(self.rating_sum, self.rated)
            case "cost_per_request_usd":
                return _share(float(self.usd), self.priced)
            case "latency_p95_s":
                return quantile(self.latencies, 0.95), self.latencies.total()
            case "first_token_p95_s":
                return quantile(self.first_tokens, 0.95), self.first_tokens.total()
            case _:
                raise KeyError(metric)


METRICS = (
    "requests",
    "error_rate",
    "latency_p95_s",
    "first_token_p95_s",
    "cost_per_request_usd",
    "satisfaction",
    "refusal_rate",
    "truncation_rate",
    "fallback_rate",
)
"""What a window can say of a variant."""


class Windows:
    """The last `minutes` minutes of every route and variant that was asked."""

    def __init__(self, minutes: int = 60) -> None:
        self._minutes = minutes
        self._kept: dict[tuple[str, str], deque[tuple[int, Lately]]] = {}

    def add(self, served: Served) -> None:
        """Take one request in, under the variant that was tried first."""
        exchange = served.exchange
        first = exchange.attempts[0] if exchange.attempts else None
        variant = (first.variant if first is not None else None) or served.variant
        if served.route is None or variant is None or first is None or served.status == CLIENT_GONE:
            return
        now = self._minute(served.route, variant, served.at_s)
        if now is None:
            return
        now.requests += 1
        now.failed += first.failure is not None
        now.fell_back += served.fell_back
        if exchange.failure is not None or served.fell_back:
            return
        if exchange.finish is not None:
            now.finished += 1
            now.refused += exchange.finish in ("refusal", "content_filter")
            now.truncated += exchange.finish == "length"
        if exchange.cost is not None and exchange.cost.complete:
            now.priced += 1
            now.usd = add_usd(now.usd, exchange.cost.usd)
        if exchange.latency_s:
            now.latencies[_bin(exchange.latency_s)] += 1
        if exchange.ttft_s:
            now.first_tokens[_bin(exchange.ttft_s)] += 1

    def rate(self, route: str, variant: str, at_s: float, rating: float) -> None:
        """Take a user's rating in, from 0 to 1, under the time of the request it is about."""
        now = self._minute(route, variant, at_s)
        if now is not None:
            now.rated += 1
            now.rating_sum += rating

    def lately(self, route: str, variant: str, over_s: float, now_s: float) -> Lately:
        """All of the minutes that began within the last `over_s` seconds."""
        since = int((now_s - over_s) // _MINUTE_S)
        total = Lately()
        for minute, sums in self._kept.get((route, variant), ()):
            if minute > since:
                total.add(sums)
        return total

    def variants(self, route: str) -> list[str]:
        """Variants of a route that have been asked lately."""
        return sorted(v for r, v in self._kept if r == route)

    def _minute(self, route: str, variant: str, at_s: float) -> Lately | None:
        """The sums of a moment's minute; None if it lies too far back."""
        minutes = self._kept.setdefault((route, variant), deque(maxlen=self._minutes))
        minute = int(at_s // _MINUTE_S)
        for known, sums in reversed(minutes):
            if known == minute:
                return sums
            if known < minute:
                break
        else:
            if len(minutes) == self._minutes:
                return None
        fresh = Lately()
        place = next((i for i, (known, _) in enumerate(minutes) if known > minute), None)
        if place is None:
            minutes.append((minute, fresh))
        elif len(minutes) < self._minutes:
            minutes.insert(place, (minute, fresh))
        else:
            return None
        return fresh


def quantile(bins: Counter[int], q: float) -> float | None:
    """The q-quantile in seconds (the middle of its step); None of nothing."""
    total = bins.total()
    if not total:
        return None
    reached, wanted = 0, math.ceil(q * total)
    for number in sorted(bins):
        reached += bins[number]
        if reached >= wanted:
            return math.exp((number + 0.5) * _STEP)
    return None


def _bin(seconds: float) -> int:
    return math.floor(math.log(seconds) / _STEP)


def _share(part: float, whole: int) -> tuple[float | None, int]:
    return (part / whole if whole else None), whole

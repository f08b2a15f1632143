"""What a provider charges for a model, as published: rates, context tiers, modes, hours and dated changes.

A sheet carries the whole known history, so one sheet prices a call of last year and one of tonight.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Literal

import msgspec

__all__ = ["Match", "ModeTariff", "PriceSheet", "Rate", "Rates", "Tariff", "Tier", "UnitKind", "by_unit"]

UnitKind = Literal[
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "input_audio",
    "output_audio",
    "input_image",
    "output_image",
    "request",
]

Match = Literal["exact", "listed", "pattern", "version"]
"""How the asked name met the list: its own id; a name the list spells out; a dated name the list
describes; the listed name plus a version or date. Anything looser is no match."""

_BEIJING = timezone(timedelta(hours=8))


class Tier(msgspec.Struct, frozen=True):
    """The rate once a request reads more than `above_input_tokens`. It then holds for the whole request."""

    above_input_tokens: int
    usd_per_million: Decimal


class Rate(msgspec.Struct, frozen=True, omit_defaults=True):
    """US dollars per million units."""

    usd_per_million: Decimal
    tiers: tuple[Tier, ...] = ()
    """Ascending. Every provider that publishes tiers applies them as a cliff, not as brackets."""

    def at(self, input_tokens: int) -> Decimal:
        """The rate for a request that reads `input_tokens` in all."""
        found = self.usd_per_million
        for tier in self.tiers:
            if input_tokens > tier.above_input_tokens:
                found = tier.usd_per_million
        return found


Rates = dict[UnitKind, Rate]


def by_unit(prices: Mapping[UnitKind, Decimal]) -> dict[str, Decimal]:
    """The same prices where other names than those of units stand beside them."""
    return {str(unit): usd for unit, usd in prices.items()}


class Tariff(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rates with the time in which they hold. Of several that hold, the last in the sheet wins."""

    rates: Rates
    starts_on: date | None = None
    """First UTC day; None for always."""
    utc_minutes: tuple[int, int] | None = None
    """Daily window in minutes after midnight UTC, end excluded; it may wrap. None for the whole day."""
    free_weekends_from: date | None = None
    """From this day on the window is shut on Saturdays and Sundays, Beijing time (DeepSeek's rule)."""

    def holds(self, at: datetime) -> bool:
        """Whether these rates apply at `at`, an aware time."""
        moment = at.astimezone(UTC)
        if self.starts_on is not None and moment.date() < self.starts_on:
            return False
        if self.utc_minutes is None:
            return True
        if self.free_weekends_from is not None:
            there = at.astimezone(_BEIJING)
            if there.weekday() >= 5 and there.date() >= self.free_weekends_from:
                return False
        start, end = self.utc_minutes
        minute = moment.hour * 60 + moment.minute
        return start <= minute < end if start <= end else minute >= start or minute < end


class ModeTariff(msgspec.Struct, frozen=True):
    """Rates of one mode (`batch`, `flex`, `priority`, `fast`); units it does not name keep the standard rate."""

    mode: str
    tariff: Tariff


class PriceSheet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All published prices of one model at one provider."""

    provider: str
    model: str
    """As asked."""
    provider_matched: str
    model_matched: str
    """The entry of the list these prices belong to; show it, because it may be a wider name than was asked."""
    match: Match
    as_of: datetime
    """Used where no time of the call is given."""
    source: str
    checked_on: str | None
    """ISO date; the list was read on this day, or at the earliest then if the list keeps no date."""
    tariffs: tuple[Tariff, ...]
    modes: tuple[ModeTariff, ...] = ()
    usd_per_thousand: dict[str, Decimal] = msgspec.field(default_factory=dict)
    """Billable things a token ledger does not count (web searches, audio hours, pages), by the list's name."""
    notes: tuple[str, ...] = ()

    @property
    def mode_names(self) -> tuple[str, ...]:
        """Modes with a price of their own at any time, in the list's order."""
        return tuple(dict.fromkeys(m.mode for m in self.modes))

    def rates(self, at: datetime, mode: str | None = None) -> tuple[Rates, str]:
        """The rates at a time, and the mode they are for: `standard` if the asked mode has none then."""
        holding = [t.rates for t in self.tariffs if t.holds(at)]
        standard = holding[-1] if holding else self.tariffs[0].rates
        found = [m.tariff.rates for m in self.modes if m.mode == mode and m.tariff.holds(at)]
        if not found:
            return standard, "standard"
        merged = dict(standard)
        for rates in reversed(found):
            merged.update(rates)
        return merged, mode or "standard"

    @property
    def depends_on_hour(self) -> bool:
        """Whether the time of day changes the price."""
        return any(t.utc_minutes is not None for t in self.tariffs)

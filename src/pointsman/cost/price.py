"""The exact price of one call.

Always price one request, never a sum of requests: context tiers apply to each request by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from pointsman.catalog.price_sheet import Match, ModeTariff, PriceSheet, Rate, Rates, Tariff, Tier, UnitKind
from pointsman.core.exchange import Cost
from pointsman.core.units import ZERO_USD, Usd, add_usd, per_million, usd_text
from pointsman.core.usage import Usage

__all__ = [
    "BILLED_FIELDS",
    "Match",
    "ModeTariff",
    "PriceSheet",
    "PricedCall",
    "PricedLine",
    "Rate",
    "Tariff",
    "Tier",
    "cost_of",
    "day_range",
    "mode_of",
    "price_usage",
    "priced_json",
    "rate_of",
]

BILLED_FIELDS: tuple[tuple[UnitKind, str], ...] = (
    ("input", "input_tokens"),
    ("cache_read", "cache_read_tokens"),
    ("cache_write", "cache_write_tokens"),
    ("cache_write_1h", "cache_write_1h_tokens"),
    ("output", "output_tokens"),
    ("reasoning", "reasoning_tokens"),
    ("input_audio", "input_audio_tokens"),
    ("output_audio", "output_audio_tokens"),
    ("input_image", "input_image_tokens"),
    ("output_image", "output_image_tokens"),
)
"""Which unit of a price sheet each count of a usage is."""

# Where a list names no rate of its own, these are billed as another unit: thoughts are output, a
# picture is input, and a provider without a cache discount or surcharge reads and writes at the input rate.
_BILLED_AS: dict[UnitKind, UnitKind] = {
    "reasoning": "output",
    "input_image": "input",
    "cache_read": "input",
    "cache_write": "input",
}
# These usually cost more than their neighbour, so the neighbour's rate is only a floor.
_AT_LEAST: dict[UnitKind, UnitKind] = {
    "cache_write_1h": "cache_write",
    "input_audio": "input",
    "output_audio": "output",
    "output_image": "output",
}


class PricedLine(msgspec.Struct, frozen=True):
    """One unit kind of one call."""

    unit: UnitKind
    count: int
    usd_per_million: Decimal | None
    """None if the list has no rate that could apply; the line then counts 0 dollars and the call is incomplete."""
    usd: Usd


class PricedCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a call costs, line by line; the lines add up to `usd` exactly."""

    usd: Usd
    lines: tuple[PricedLine, ...]
    complete: bool
    """False if a unit had no rate of its own and no equal neighbour, or the usage was not whole: `usd` is a floor."""
    mode: str
    """The mode whose prices were really used; `standard` where the asked one has no price at that time."""
    model_matched: str
    source: str
    checked_on: str | None
    notes: tuple[str, ...] = ()


def mode_of(usage: Usage, asked: str | None) -> str | None:
    """Whose prices hold: those of the tier the provider says it served, else those of the one that was asked for.

    A provider that is short of room serves `priority` as `default`, and bills it so.
    """
    told = usage.service_tier
    if told is None:
        return asked
    return "standard" if told in _STANDARD else told


_STANDARD = frozenset({"default", "on_demand", "standard"})
"""What providers call the tier of their list price."""


def price_usage(sheet: PriceSheet, usage: Usage, at_s: float | None = None, mode: str | None = None) -> PricedCall:
    """Price one call at the time it was made (Unix seconds), or at the sheet's own `as_of`.

    `mode` is the one that was asked for; it holds where the usage does not say which one served (see `mode_of`).
    Cost = Σ count × rate(unit, size of this request, hour, date, mode) / 10⁶, without rounding. A usage
    that reports nothing prices to 0 dollars and is marked incomplete.
    """
    mode = mode_of(usage, mode)
    rates, applied = sheet.rates(_moment(sheet, at_s), mode)
    size = usage.total_input_tokens or 0
    lines: list[PricedLine] = []
    open_units: list[str] = []
    counts = [(unit, getattr(usage, field)) for unit, field in BILLED_FIELDS]
    for unit, count in [*counts, ("request", 1 if "request" in rates else None)]:
        if not count:
            continue
        rate, settled = rate_of(rates, unit)
        per = rate.at(size) if rate else None
        lines.append(PricedLine(unit, count, per, per_million(per, count) if per is not None else ZERO_USD))
        if not settled:
            open_units.append(unit)
    whole = usage.total_input_tokens is not None and usage.total_output_tokens is not None
    return PricedCall(
        usd=add_usd(*(line.usd for line in lines)),
        lines=tuple(lines),
        complete=whole and not open_units,
        mode=applied,
        model_matched=sheet.model_matched,
        source=sheet.source,
        checked_on=sheet.checked_on,
        notes=_notes(sheet, mode, applied, open_units, whole=whole),
    )


def day_range(sheet: PriceSheet, usage: Usage, at_s: float | None = None, mode: str | None = None) -> tuple[Usd, Usd]:
    """The lowest and the highest price of this call over the 24 hours from the start of that UTC day.

    Equal unless the provider charges by the hour.
    """
    start = _moment(sheet, at_s).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = {0, *(m % 1440 for t in sheet.tariffs if t.utc_minutes for m in t.utc_minutes)}
    prices = [price_usage(sheet, usage, (start + timedelta(minutes=m)).timestamp(), mode).usd for m in edges]
    return min(prices), max(prices)


def cost_of(priced: PricedCall) -> Cost:
    """The part of a priced call that an Exchange keeps."""
    return Cost(usd=priced.usd, source=priced.source, checked_on=priced.checked_on, complete=priced.complete)


def priced_json(priced: PricedCall) -> dict[str, object]:
    """The published shape of `pointsman cost call --json`."""
    return {
        "usd": usd_text(priced.usd),
        "model_matched": priced.model_matched,
        "lines": [
            {
                "unit": line.unit,
                "count": line.count,
                "usd_per_million": None if line.usd_per_million is None else usd_text(line.usd_per_million),
                "usd": usd_text(line.usd),
            }
            for line in priced.lines
        ],
        "source": priced.source,
        "checked_on": priced.checked_on,
        "variant_applied": priced.mode,
        "complete": priced.complete,
        "notes": list(priced.notes),
    }


def _moment(sheet: PriceSheet, at_s: float | None) -> datetime:
    return sheet.as_of if at_s is None else datetime.fromtimestamp(at_s, UTC)


def rate_of(rates: Rates, unit: UnitKind) -> tuple[Rate | None, bool]:
    """The rate to use for a unit, and whether it is settled or merely a floor."""
    if unit in rates:
        return rates[unit], True
    if unit in _BILLED_AS:
        return rate_of(rates, _BILLED_AS[unit])
    if unit in _AT_LEAST:
        return rate_of(rates, _AT_LEAST[unit])[0], False
    return None, False


def _notes(sheet: PriceSheet, mode: str | None, applied: str, open_units: list[str], *, whole: bool) -> tuple[str, ...]:
    notes = list(sheet.notes)
    if mode not in (None, "standard", applied):
        notes.append(f"no {mode} price is published for {sheet.model_matched} at that time; the standard price was used")
    if open_units:
        notes.append(f"no rate is published for {', '.join(open_units)}: the sum is a floor")
    if not whole:
        notes.append("the usage does not say both what was read and what was written: the sum is a floor")
    return tuple(notes)

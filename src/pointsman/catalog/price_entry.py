"""One entry of the price list as a price sheet."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from pointsman.catalog.price_list import PriceList
from pointsman.catalog.price_sheet import Match, ModeTariff, PriceSheet, Rate, Rates, Tariff, Tier, UnitKind
from pointsman.core.estimate import Unknown

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

__all__ = ["sheet_of"]

_UNITS: dict[str, UnitKind] = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "input_image_mtok": "input_image",
    "output_image_mtok": "output_image",
}
_MODE_CONTEXTS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
# DeepSeek charges off-peak all weekend from this day on; the list's format cannot say so
# (pydantic/genai-prices issue 582, and the entries' own comments).
_FREE_WEEKENDS = {
    "deepseek-v4-flash": date(2026, 8, 23),
    "deepseek-v4-pro": date(2026, 8, 23),
    "deepseek-flash": date(2026, 9, 10),
}


def sheet_of(
    prices: PriceList,
    provider: Provider,
    info: ModelInfo,
    match: Match,
    *,
    asked: tuple[str, str],
    at: datetime,
    notes: tuple[str, ...] = (),
) -> PriceSheet | Unknown:
    """The sheet of an entry; Unknown if it has no price per token, or one of 0 that may mean that nobody knows."""
    sheet = PriceSheet(
        provider=asked[0],
        model=asked[1],
        provider_matched=provider.id,
        model_matched=info.id,
        match=match,
        as_of=at,
        source=prices.source,
        checked_on=prices.checked_on,
        tariffs=_tariffs(info),
        modes=_modes(info),
        usd_per_thousand=_others(info, at),
        notes=(*notes, *_entry_notes(info, match, asked[1])),
    )
    return _free_or_unknown(sheet)


def _free_or_unknown(sheet: PriceSheet) -> PriceSheet | Unknown:
    rates = [r for t in sheet.tariffs for r in t.rates.values()]
    if not rates:
        return Unknown(f"{sheet.source} lists {sheet.model_matched} without a price per token")
    if not any(r.usd_per_million for r in rates) and not sheet.model_matched.endswith(":free"):
        return Unknown(f"{sheet.source} lists {sheet.model_matched} at 0, which does not tell free from unknown")
    return sheet


def _entry_notes(info: ModelInfo, match: Match, asked: str) -> tuple[str, ...]:
    notes = []
    if match == "version":
        notes.append(f"the list has no entry for {asked} itself; this is the price of {info.id}")
    if info.id in _FREE_WEEKENDS:
        notes.append("off-peak all weekend by the provider's rule; on Chinese public holidays the peak price is an upper bound")
    return tuple(notes)


def _tariffs(info: ModelInfo) -> tuple[Tariff, ...]:
    from genai_prices import types as gp  # noqa: PLC0415 - loaded with the list

    if not isinstance(info.prices, list):
        return (Tariff(_rates(info.prices)),)
    tariffs: list[Tariff] = []
    since: date | None = None
    for entry in info.prices:
        match entry.constraint:
            case gp.StartDateConstraint(start_date=start):
                since = start
                tariffs.append(Tariff(_rates(entry.prices), starts_on=start))
            case gp.TimeOfDateConstraint():
                # The list cannot date a daily window; it holds since the last dated price before it, not forever.
                tariffs.append(
                    Tariff(
                        _rates(entry.prices),
                        starts_on=since,
                        utc_minutes=(_minute(entry.constraint.start_time), _minute(entry.constraint.end_time)),
                        free_weekends_from=_FREE_WEEKENDS.get(info.id),
                    )
                )
            case None:
                tariffs.append(Tariff(_rates(entry.prices)))
    return tuple(tariffs)


def _minute(value: object) -> int:
    text = datetime.fromisoformat(f"1970-01-01T{value}")
    moment = text.astimezone(UTC) if text.tzinfo else text
    return moment.hour * 60 + moment.minute


def _modes(info: ModelInfo) -> tuple[ModeTariff, ...]:
    found = []
    for variant in info.price_variants or ():
        mode = _MODE_CONTEXTS.get(next(iter(variant.when.items()))) if len(variant.when) == 1 else None
        rates = _rates(variant.prices)
        if mode is not None and rates:
            start = getattr(variant.constraint, "start_date", None)
            found.append(ModeTariff(mode, Tariff(rates, starts_on=start)))
    return tuple(found)


def _rates(price: ModelPrice) -> Rates:
    rates: Rates = {}
    for key, unit in _UNITS.items():
        if (value := getattr(price, key)) is not None:
            rates[unit] = _rate(value)
    if isinstance(per_thousand := getattr(price, "requests_kcount"), Decimal):  # noqa: B009 - registered at run time
        rates["request"] = Rate(per_thousand * 1000)
    return rates


def _rate(value: object) -> Rate:
    if isinstance(value, Decimal):
        return Rate(value)
    tiers = tuple(Tier(t.start, t.price) for t in value.tiers)  # type: ignore[attr-defined]  # TieredPrices, by its shape
    return Rate(value.base, tiers)  # type: ignore[attr-defined]  # TieredPrices, by its shape


def _others(info: ModelInfo, at: datetime) -> dict[str, Decimal]:
    """Searches, hours, pages: what is billed beside tokens, in the list's own unit."""
    price = info.get_prices(at)
    known = {*_UNITS, "requests_kcount"}
    return {k: v for k, v in price.__dict__.items() if k not in known and isinstance(v, Decimal)}

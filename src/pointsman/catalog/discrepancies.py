"""Where two sources disagree about a price, and why; shown, never averaged away."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources

import msgspec

from pointsman.catalog.price_sheet import PriceSheet, UnitKind

__all__ = ["Discrepancy", "Quote", "compare_quote", "doubts"]


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What another source says one offer costs, in US dollars per million units."""

    source: str
    read_on: date | None
    usd_per_million: dict[UnitKind, Decimal]


class Discrepancy(msgspec.Struct, frozen=True):
    """One unit on which a source differs from our list."""

    unit: UnitKind
    ours: Decimal | None
    theirs: Decimal
    cause: str | None
    """Why, where that is known; None calls for a person."""


class _Cause(msgspec.Struct, frozen=True):
    offer: str
    source: str
    units: tuple[str, ...]
    cause: str
    ours_is_right: bool


def compare_quote(sheet: PriceSheet, quote: Quote, at: datetime) -> tuple[Discrepancy, ...]:
    """Every unit on which `quote` differs from the sheet's standard rates at `at`; empty if they agree."""
    rates, _ = sheet.rates(at)
    found = []
    for unit, theirs in quote.usd_per_million.items():
        ours = rates[unit].usd_per_million if unit in rates else None
        if ours != theirs:
            found.append(Discrepancy(unit, ours, theirs, next(_causes(sheet, quote, unit, ours, theirs), None)))
    return tuple(found)


def doubts(sheet: PriceSheet) -> tuple[str, ...]:
    """What is recorded against our own price of this entry: a bill made from it should carry it."""
    offer = f"{sheet.provider_matched}:{sheet.model_matched}"
    return tuple(dict.fromkeys(row.cause for row in _table() if row.offer == offer and not row.ours_is_right))


def _causes(sheet: PriceSheet, quote: Quote, unit: UnitKind, ours: Decimal | None, theirs: Decimal) -> Iterator[str]:
    """Explanations from the most to the least specific."""
    if theirs == 0:
        yield "0 in that source means that it lists no price"
    if ours is not None and ours.quantize(Decimal("0.01"), ROUND_HALF_UP) == theirs:
        yield f"that source rounds {ours} to the cent"
    yield from _recorded(sheet, quote, unit)
    for tariff in sheet.tariffs:
        rate = tariff.rates.get(unit)
        if rate is None or rate.usd_per_million != theirs:
            continue
        yield (
            "that source gives the peak-hour price"
            if tariff.utc_minutes
            else "that source gives the price of another date" + (f", from {tariff.starts_on}" if tariff.starts_on else "")
        )
    for mode in sheet.modes:
        if unit in mode.tariff.rates and mode.tariff.rates[unit].usd_per_million == theirs:
            yield f"that source gives the {mode.mode} price"
    if unit.startswith("cache"):
        for other, rate in sheet.tariffs[-1].rates.items():
            if other != unit and rate.usd_per_million == theirs:
                yield f"that source has the {other} price in this place"
    changes = [t.starts_on for t in sheet.tariffs if t.starts_on]
    if changes and quote.read_on is not None and quote.read_on < max(changes):
        yield f"that source was read on {quote.read_on}, before the price change of {max(changes)}"


def _recorded(sheet: PriceSheet, quote: Quote, unit: UnitKind) -> Iterator[str]:
    offer = f"{sheet.provider_matched}:{sheet.model_matched}"
    for row in _table():
        if row.offer == offer and quote.source.startswith(row.source) and unit in row.units:
            yield row.cause


@cache
def _table() -> tuple[_Cause, ...]:
    text = resources.files("pointsman.catalog").joinpath("data/price_causes.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["cause"], tuple[_Cause, ...])

"""The exact price of one call again and again, for where a few microseconds matter.

Prices change on the minute at most, so the rates that hold are worked out once per minute, as
integers; one call then costs a handful of integer products. The result is `price_usage`'s, always.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact
from typing import NamedTuple

from msgspec.structs import astuple

from pointsman.catalog.price_sheet import PriceSheet, Rate
from pointsman.core.exchange import Cost
from pointsman.core.usage import Usage
from pointsman.cost.price import BILLED_FIELDS, mode_of, rate_of

__all__ = ["Meter"]

_UNBOUNDED = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact])


class _Billed(NamedTuple):
    place: int | None
    """Which field of a usage; None for the price of the request itself."""
    price: int | None
    """Scaled dollars per million; None where the sheet has no rate."""
    tiers: tuple[tuple[int, int], ...]
    settled: bool


class _Rates(NamedTuple):
    billed: tuple[_Billed, ...]
    exponent: int
    """Ten to this power is what a scaled price times a count is counted in, in dollars."""


class Meter:
    """Prices calls by one sheet; `mode` holds for those whose usage does not say which tier served them."""

    def __init__(self, sheet: PriceSheet, mode: str | None = None) -> None:
        self._sheet = sheet
        self._mode = mode
        self._minute = -1
        self._modes = frozenset(sheet.mode_names)
        self._rates: dict[str | None, _Rates] = {}

    def cost(self, usage: Usage, at_s: float) -> Cost:
        """Exact dollars of one call made at `at_s` (Unix seconds); see `price_usage`."""
        billed, exponent = self._rates_at(int(at_s // 60), mode_of(usage, self._mode))
        size = usage.total_input_tokens
        complete = size is not None and usage.total_output_tokens is not None
        total = 0
        counts = astuple(usage)
        for place, price, tiers, settled in billed:
            count = counts[place] if place is not None else 1
            if not count:
                continue
            complete = complete and settled
            if price is None:
                continue
            for above, tier_price in tiers:
                if (size or 0) > above:
                    price = tier_price  # noqa: PLW2901  # the rate of the tier stands in for the base rate
            total += price * count
        sheet = self._sheet
        return Cost(usd=_scaled(total, exponent), source=sheet.source, checked_on=sheet.checked_on, complete=complete)

    def _rates_at(self, minute: int, mode: str | None) -> _Rates:
        if minute != self._minute:
            self._rates.clear()
            self._minute = minute
        mode = mode if mode in self._modes else None  # so that a provider's words cannot fill the memory
        found = self._rates.get(mode)
        if found is None:
            found = self._rates[mode] = self._load(minute, mode)
        return found

    def _load(self, minute: int, mode: str | None) -> _Rates:
        rates, _ = self._sheet.rates(datetime.fromtimestamp(minute * 60, UTC), mode)
        found: list[tuple[int | None, Rate | None, bool]] = [
            (Usage.__struct_fields__.index(field), *rate_of(rates, unit)) for unit, field in BILLED_FIELDS
        ]
        if (per_request := rates.get("request")) is not None:
            found.append((None, per_request, True))
        places = max((_places(amount) for _, rate, _ in found if rate is not None for amount in _amounts(rate)), default=0)
        billed = tuple(
            _Billed(
                place,
                None if rate is None else _integer(rate.usd_per_million, places),
                () if rate is None else tuple((t.above_input_tokens, _integer(t.usd_per_million, places)) for t in rate.tiers),
                settled,
            )
            for place, rate, settled in found
        )
        return _Rates(billed, -(places + 6))


def _amounts(rate: Rate) -> tuple[Decimal, ...]:
    return (rate.usd_per_million, *(t.usd_per_million for t in rate.tiers))


def _places(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int), "a rate is finite"
    return max(0, -exponent)


def _integer(amount: Decimal, places: int) -> int:
    sign, digits, exponent = amount.as_tuple()
    assert isinstance(exponent, int), "a rate is finite"
    number = int("".join(map(str, digits))) * int(10 ** (exponent + places))
    return -number if sign else number


def _scaled(total: int, exponent: int) -> Decimal:
    """The total × 10^exponent, in a context that cannot round it."""
    return Decimal(total).scaleb(exponent, _UNBOUNDED)

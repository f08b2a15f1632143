"""What a month will cost at a published price.

One request is priced for each kind of request and then multiplied: pricing the month's tokens as one
call would put it into the wrong context tier.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from pointsman.catalog.price_sheet import PriceSheet
from pointsman.core.units import Usd, add_usd
from pointsman.cost.price import PricedCall, day_range, price_usage
from pointsman.cost.workload import DAYS_PER_MONTH, SECONDS_PER_DAY, Workload

__all__ = ["Forecast", "MonthCost", "forecast", "request_usd", "year"]


class MonthCost(msgspec.Struct, frozen=True, kw_only=True):
    """One month, from the least to the most it may cost."""

    month: int
    """0 is the first."""
    requests: Decimal
    low_usd: Usd
    expected_usd: Usd
    high_usd: Usd


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Months ahead, and what one request costs on average."""

    usd_per_request: Usd
    months: tuple[MonthCost, ...]
    complete: bool
    """False if some unit has no published rate: every figure is then a floor."""
    mode: str
    model_matched: str
    source: str
    checked_on: str | None
    assumptions: tuple[str, ...]


def request_usd(
    sheet: PriceSheet, workload: Workload, at_s: float | None = None, mode: str | None = None
) -> tuple[Usd, Usd, Usd]:
    """Average price of a request at its cheapest hour, at `at_s`, and at its dearest hour: Σ share × price(part)."""
    lows, values, highs = [], [], []
    for share, usage in workload.each():
        low, high = day_range(sheet, usage, at_s, mode)
        lows.append(share * low)
        highs.append(share * high)
        values.append(share * price_usage(sheet, usage, at_s, mode).usd)
    return add_usd(*lows), add_usd(*values), add_usd(*highs)


def forecast(
    sheet: PriceSheet, workload: Workload, months: int = 12, at_s: float | None = None, mode: str | None = None
) -> Forecast:
    """Cost per month while the volume grows, each month at the price that holds or is announced for its day.

    Expected: volume × average price. Low and high: the volume off by `volume_spread_ratio`, at the
    cheapest and the dearest hour. No requests cost 0; `months` below 1 gives no month.
    """
    start_s = sheet.as_of.timestamp() if at_s is None else at_s
    priced = [price_usage(sheet, usage, start_s, mode) for _, usage in workload.each()]
    return Forecast(
        usd_per_request=request_usd(sheet, workload, start_s, mode)[1],
        months=tuple(_month(sheet, workload, m, start_s, mode) for m in range(months)),
        complete=all(p.complete for p in priced),
        mode=priced[0].mode,
        model_matched=sheet.model_matched,
        source=sheet.source,
        checked_on=sheet.checked_on,
        assumptions=_assumptions(sheet, workload, priced),
    )


def year(result: Forecast) -> tuple[Usd, Usd, Usd]:
    """Low, expected and high over all months."""
    return (
        add_usd(*(m.low_usd for m in result.months)),
        add_usd(*(m.expected_usd for m in result.months)),
        add_usd(*(m.high_usd for m in result.months)),
    )


def _month(sheet: PriceSheet, workload: Workload, month: int, start_s: float, mode: str | None) -> MonthCost:
    # Whole days keep the hour, so that a price by the hour does not drift from month to month.
    at_s = start_s + int(month * DAYS_PER_MONTH) * SECONDS_PER_DAY
    low, value, high = request_usd(sheet, workload, at_s, mode)
    # Volumes are plans, not measurements: whole requests are exact enough and keep the money finite.
    requests = (workload.volume_after(month) * DAYS_PER_MONTH).quantize(Decimal(1))
    spread = workload.volume_spread_ratio
    return MonthCost(
        month=month,
        requests=requests,
        low_usd=_cents(requests * (1 - spread) * low),
        expected_usd=_cents(requests * value),
        high_usd=_cents(requests * (1 + spread) * high),
    )


def _cents(amount: Decimal) -> Usd:
    return amount.quantize(Decimal("0.01"))


def _assumptions(sheet: PriceSheet, workload: Workload, priced: list[PricedCall]) -> tuple[str, ...]:
    said = [f"volume may be off by ±{workload.volume_spread_ratio:.0%}; growth ×{workload.growth_ratio} a year"]
    if sheet.depends_on_hour:
        said.append("the price depends on the hour: low takes the cheapest hour, high the dearest")
    said.append(
        f"prices read {sheet.checked_on or 'on an unknown day'}; changes announced by then are in the months they fall in"
    )
    return (*said, *dict.fromkeys(n for p in priced for n in p.notes))

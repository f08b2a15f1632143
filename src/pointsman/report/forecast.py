"""What a run will ask for, in a few lines, before it asks."""

from __future__ import annotations

from rich.console import Console

from pointsman.core.estimate import Unknown
from pointsman.core.units import Usd
from pointsman.evals.forecast import Forecast, VariantForecast
from pointsman.report.format import dollars

__all__ = ["print_forecast"]


def print_forecast(forecast: Forecast, console: Console) -> None:
    """Requests, dollars, time, and the smallest difference the test set can see."""

    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    repeats = f" × {forecast.repeats} repeats" if forecast.repeats > 1 else ""
    line(f"plan: {forecast.cases:,} cases{repeats} × {len(forecast.variants)} variants")
    for variant in forecast.variants:
        line(f"  {variant.name}: {variant.requests:,} requests, about {variant.input_tokens:,} tokens in, {_dollars(variant)}")
    if any(v.billed for v in forecast.variants):
        line(f"  expected: {_range(forecast.low_usd, forecast.high_usd)}, {_time_range(forecast)}")
    smallest = forecast.smallest_difference
    if isinstance(smallest, Unknown):
        line(f"  smallest difference it can see: unknown ({smallest.reason})")
    else:
        line(
            f"  smallest difference it can see: {smallest.value * 100:.1f} points"
            f" [{smallest.low * 100:.1f}, {smallest.high * 100:.1f}], n = {smallest.n:,} ({smallest.method})"
        )


def _dollars(variant: VariantForecast) -> str:
    if not variant.billed:
        return "nothing billed"
    if variant.low_usd is None or variant.high_usd is None:
        return "price unknown"
    return _range(variant.low_usd, variant.high_usd)


def _range(low: Usd, high: Usd) -> str:
    return f"{dollars(low)} to {dollars(high)}" if low != high else dollars(low)


def _time_range(forecast: Forecast) -> str:
    low, high = _duration(forecast.low_s), _duration(forecast.high_s)
    return low if low == high else f"{low} to {high}"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"

"""What a run will ask for, before a cent is spent. Pure arithmetic with its assumptions stated."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.core.estimate import Measured
from pointsman.core.units import ZERO_USD, Usd, add_usd
from pointsman.evals.contestant import Contestant

__all__ = ["Forecast", "VariantForecast", "forecast"]

# Latencies of one answer assumed where nothing was measured: a fast small model, a slow large one.
_FAST_S, _SLOW_S = 0.6, 8.0
# Visible answers of chat models run from a line to a page.
_SHORT_TOKENS, _LONG_TOKENS = 20, 800


class VariantForecast(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    requests: int
    input_tokens: int
    """Estimated at four characters a token."""
    low_usd: Usd | None
    """With short answers; None if no price is known."""
    high_usd: Usd | None
    """With long answers, or the output limit where one is set."""
    billed: bool
    """False where nobody is charged (recorded or scripted answers)."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """The plan in numbers."""

    cases: int
    repeats: int
    variants: tuple[VariantForecast, ...]
    low_s: float
    high_s: float
    low_usd: Usd
    """Of the variants that are billed and have a price."""
    high_usd: Usd
    smallest_difference: Measured
    """Smallest difference in quality these cases can see, with 80 % power at 5 % significance."""


def forecast(
    contestants: Sequence[Contestant],
    *,
    cases: int,
    repeats: int,
    concurrency: int,
    input_chars: int,
    done: int,
    smallest_difference: Measured,
) -> Forecast:
    """Requests, tokens, dollars and time of a run whose whole test set has `input_chars` characters.

    `done` trials exist already. With nothing left to do, everything is 0.
    """
    total = cases * repeats * len(contestants)
    share_left = (total - done) / total if total else 0.0
    variants = tuple(_variant(c, cases * repeats, input_chars * repeats, share_left) for c in contestants)
    per_lane: dict[str, int] = {}
    for contestant, planned in zip(contestants, variants, strict=True):
        if contestant.gate is not None:
            per_lane[contestant.lane] = per_lane.get(contestant.lane, 0) + planned.requests
    waves = max(per_lane.values(), default=0) / concurrency
    billed = [v for v in variants if v.billed]
    return Forecast(
        cases=cases,
        repeats=repeats,
        variants=variants,
        low_s=waves * _FAST_S,
        high_s=waves * _SLOW_S,
        low_usd=add_usd(*(v.low_usd for v in billed if v.low_usd is not None)),
        high_usd=add_usd(*(v.high_usd for v in billed if v.high_usd is not None)),
        smallest_difference=smallest_difference,
    )


def _variant(contestant: Contestant, requests: int, input_chars: int, share_left: float) -> VariantForecast:
    left = round(requests * share_left)
    input_tokens = round(input_chars * share_left / 4)
    low: Usd | None = None
    high: Usd | None = None
    if contestant.price is not None and requests:
        each = -(-input_tokens // max(left, 1))
        long_tokens = contestant.max_output_tokens or _LONG_TOKENS
        low = _times(contestant.most_usd(each, min(_SHORT_TOKENS, long_tokens)), left)
        high = _times(contestant.most_usd(each, long_tokens), left)
    return VariantForecast(
        name=contestant.name, requests=left, input_tokens=input_tokens, low_usd=low, high_usd=high, billed=contestant.billed
    )


def _times(amount: Usd, count: int) -> Usd:
    return amount * count if count else ZERO_USD

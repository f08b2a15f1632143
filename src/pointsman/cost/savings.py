"""What each way of spending less would save, with its arithmetic shown.

Each is computed alone against today's bill. They overlap (a cached answer needs no batch), so the
savings do not add up.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from pointsman.catalog.price_sheet import PriceSheet
from pointsman.core.failure import PointsmanError
from pointsman.core.units import Usd, usd_text
from pointsman.core.usage import Usage
from pointsman.cost.forecast import request_usd
from pointsman.cost.price import price_usage
from pointsman.cost.workload import Workload

__all__ = ["Saving", "batch", "output_limit", "prompt_cache", "response_cache", "right_size", "routing_split"]


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """One measure, per month."""

    name: str
    before_usd: Usd
    after_usd: Usd
    saved_usd: Usd
    """Negative if it costs more."""
    arithmetic: str
    mind: str
    """What has to be true for it, or what to test first."""


def right_size(today: PriceSheet, cheaper: PriceSheet, workload: Workload, at_s: float | None = None) -> Saving:
    """All requests to a cheaper model."""
    return routing_split(today, cheaper, workload, Decimal(1), at_s, name="right-sizing")


def routing_split(
    today: PriceSheet,
    cheaper: PriceSheet,
    workload: Workload,
    cheap_share: Decimal,
    at_s: float | None = None,
    *,
    name: str = "routing split",
) -> Saving:
    """A share of the requests to a cheaper model: (1 − s) · p + s · q."""
    _share(cheap_share)
    dear, cheap = (request_usd(sheet, workload, at_s)[1] for sheet in (today, cheaper))
    return _saving(
        name,
        workload,
        dear,
        (1 - cheap_share) * dear + cheap_share * cheap,
        f"{1 - cheap_share} × {usd_text(dear)} ({today.model_matched})"
        f" + {cheap_share} × {usd_text(cheap)} ({cheaper.model_matched})",
        "a bake-off has to show that the cheaper model is good enough for these requests",
    )


def response_cache(sheet: PriceSheet, workload: Workload, hit_ratio: Decimal, at_s: float | None = None) -> Saving:
    """Repeated questions answered from your own store: (1 − h) · p."""
    _share(hit_ratio)
    price = request_usd(sheet, workload, at_s)[1]
    return _saving(
        "response cache",
        workload,
        price,
        (1 - hit_ratio) * price,
        f"(1 − {hit_ratio}) × {usd_text(price)}",
        "the hit ratio is yours to measure; answers must not depend on the user or the time",
    )


def prompt_cache(
    sheet: PriceSheet, workload: Workload, prefix_tokens: int, reads_per_write: Decimal, at_s: float | None = None
) -> Saving:
    """A shared beginning of the prompt read from the provider's cache.

    Of each r + 1 requests one writes the prefix and r read it. The part of each prompt beyond the
    prefix stays as it is; prompts shorter than the prefix do not profit.
    """
    if prefix_tokens <= 0 or reads_per_write < 0:
        raise PointsmanError("a prompt cache needs a prefix above 0 tokens and at least 0 reads per write")
    before = request_usd(sheet, workload, at_s)[1]
    hit = reads_per_write / (reads_per_write + 1)
    after = Decimal(0)
    for share, usage in workload.each():
        plain = price_usage(sheet, usage, at_s).usd
        rest = (usage.input_tokens or 0) - prefix_tokens
        if rest < 0:
            after += share * plain
            continue
        kept = msgspec.structs.replace(usage, input_tokens=rest)
        read = price_usage(
            sheet, msgspec.structs.replace(kept, cache_read_tokens=(usage.cache_read_tokens or 0) + prefix_tokens), at_s
        )
        write = price_usage(
            sheet, msgspec.structs.replace(kept, cache_write_tokens=(usage.cache_write_tokens or 0) + prefix_tokens), at_s
        )
        after += share * (hit * read.usd + (1 - hit) * write.usd)
    return _saving(
        "prompt cache",
        workload,
        before,
        after,
        f"of {reads_per_write + 1} requests 1 writes and {reads_per_write} read {prefix_tokens} tokens of prefix",
        "the prefix must be identical byte for byte, long enough for the provider, and asked again within the cache's life",
    )


def batch(sheet: PriceSheet, workload: Workload, batch_share: Decimal, at_s: float | None = None) -> Saving:
    """A share of the requests sent as a batch, at the published batch price."""
    _share(batch_share)
    price = request_usd(sheet, workload, at_s)[1]
    batched = request_usd(sheet, workload, at_s, "batch")[1]
    applied = price_usage(sheet, workload.parts[0].usage, at_s, "batch").mode
    return _saving(
        "batch",
        workload,
        price,
        (1 - batch_share) * price + batch_share * batched,
        f"{1 - batch_share} × {usd_text(price)} + {batch_share} × {usd_text(batched)}",
        "answers may take up to a day"
        if applied == "batch"
        else f"{sheet.model_matched} has no published batch price at that time: nothing is saved",
    )


def output_limit(sheet: PriceSheet, workload: Workload, max_output_tokens: int, at_s: float | None = None) -> Saving:
    """Answers cut at a limit: min(written, limit)."""
    before = request_usd(sheet, workload, at_s)[1]
    after = sum((share * price_usage(sheet, _cut(u, max_output_tokens), at_s).usd for share, u in workload.each()), Decimal(0))
    return _saving(
        "output limit",
        workload,
        before,
        after,
        f"each answer cut at {max_output_tokens} tokens, thoughts included",
        "a cut answer is an incomplete one: ask for brevity first, and use the limit against runaways",
    )


def _cut(usage: Usage, limit: int) -> Usage:
    thoughts = min(usage.reasoning_tokens or 0, limit)
    return msgspec.structs.replace(
        usage,
        reasoning_tokens=None if usage.reasoning_tokens is None else thoughts,
        output_tokens=None if usage.output_tokens is None else min(usage.output_tokens, limit - thoughts),
    )


def _saving(name: str, workload: Workload, before: Decimal, after: Decimal, how: str, mind: str) -> Saving:
    requests = workload.requests_per_month.quantize(Decimal(1))
    first, then = (requests * price for price in (before, after))
    cent = Decimal("0.01")
    return Saving(
        name=name,
        before_usd=first.quantize(cent),
        after_usd=then.quantize(cent),
        saved_usd=(first - then).quantize(cent),
        arithmetic=f"{requests:,} requests a month × [{usd_text(before)} → {how} = {usd_text(after)}] USD",
        mind=mind,
    )


def _share(value: Decimal) -> None:
    if not 0 <= value <= 1:
        raise PointsmanError(f"{value} is not a share", hint="give a number from 0 to 1")

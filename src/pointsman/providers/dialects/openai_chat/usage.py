"""Usage of Chat Completions, in both directions."""

from __future__ import annotations

from pointsman.core.usage import Usage
from pointsman.providers.dialects.openai_chat.wire import WireUsage
from pointsman.providers.token_ledger import Count, split_usage

__all__ = ["read_usage", "write_usage"]


def read_usage(wire: WireUsage, tier: str | None = None) -> Usage | None:
    """Our ledger of a usage object, and the tier that stands beside it; None if it has no counts at all."""
    if wire.prompt_tokens is None and wire.completion_tokens is None:
        return None
    given, made = wire.prompt_tokens_details, wire.completion_tokens_details
    return split_usage(
        tier=tier,
        total_input=wire.prompt_tokens,
        total_output=wire.completion_tokens,
        total=wire.total_tokens,
        cache_read=_cached(wire),
        cache_write=given.cache_write_tokens if given else None,
        input_audio=given.audio_tokens if given else None,
        input_image=given.image_tokens if given else None,
        reasoning=made.reasoning_tokens if made and made.reasoning_tokens is not None else wire.reasoning_tokens,
        output_audio=made.audio_tokens if made else None,
        output_image=made.image_tokens if made else None,
    )


def _cached(wire: WireUsage) -> Count:
    details = wire.prompt_tokens_details
    counters = (
        details.cached_tokens if details else None,
        wire.prompt_cache_hit_tokens,
        wire.cached_tokens,
        wire.num_cached_tokens,
    )
    return next((c for c in counters if c is not None), None)


def write_usage(usage: Usage) -> dict[str, object]:
    """The usage object; a total nobody reported is null, and details are there only if known."""
    read, written = usage.total_input_tokens, usage.total_output_tokens
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": None if read is None or written is None else read + written,
        **_details(
            "prompt_tokens_details",
            cached_tokens=usage.cache_read_tokens,
            cache_write_tokens=_sum(usage.cache_write_tokens, usage.cache_write_1h_tokens),
            audio_tokens=usage.input_audio_tokens,
            image_tokens=usage.input_image_tokens,
        ),
        **_details(
            "completion_tokens_details",
            reasoning_tokens=usage.reasoning_tokens,
            audio_tokens=usage.output_audio_tokens,
            image_tokens=usage.output_image_tokens,
        ),
    }


def _details(name: str, **counts: int | None) -> dict[str, object]:
    known = {k: v for k, v in counts.items() if v is not None}
    return {name: known} if known else {}


def _sum(a: int | None, b: int | None) -> int | None:
    return a if b is None else b + (a or 0)

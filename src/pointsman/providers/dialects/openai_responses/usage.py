"""Usage of the Responses API, in both directions."""

from __future__ import annotations

from pointsman.core.usage import Usage
from pointsman.providers.dialects.openai_responses.wire import WireUsage
from pointsman.providers.token_ledger import split_usage

__all__ = ["read_usage", "write_usage"]


def read_usage(wire: WireUsage | None, tier: str | None = None) -> Usage | None:
    """Our ledger of a usage object, and the tier that stands beside it; None if there is none or it has no counts."""
    if wire is None or (wire.input_tokens is None and wire.output_tokens is None):
        return None
    # The protocol demands details, so beside a total nobody knows their 0 says nothing.
    given = wire.input_tokens_details if wire.input_tokens is not None else None
    made = wire.output_tokens_details if wire.output_tokens is not None else None
    return split_usage(
        tier=tier,
        total_input=wire.input_tokens,
        total_output=wire.output_tokens,
        total=wire.total_tokens,
        cache_read=given.cached_tokens if given else None,
        cache_write=given.cache_write_tokens if given else None,
        input_audio=given.audio_tokens if given else None,
        input_image=given.image_tokens if given else None,
        reasoning=made.reasoning_tokens if made else None,
        output_audio=made.audio_tokens if made else None,
        output_image=made.image_tokens if made else None,
    )


def write_usage(usage: Usage | None) -> dict[str, object] | None:
    """The usage object; a total nobody reported is null.

    The details are not optional in this protocol, so an unreported cache or reasoning count has to be written as 0.
    """
    if usage is None:
        return None
    read, written = usage.total_input_tokens, usage.total_output_tokens
    made = (usage.cache_write_tokens or 0) + (usage.cache_write_1h_tokens or 0)
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": usage.cache_read_tokens or 0, "cache_write_tokens": made},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": None if read is None or written is None else read + written,
    }

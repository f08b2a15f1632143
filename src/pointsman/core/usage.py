"""Tokens used by one call, in the one ledger all providers are translated into.

The fields do not overlap: their sum is what was read or written. Providers disagree about this
(OpenAI's `prompt_tokens` contains the cached ones, Anthropic's `input_tokens` does not; Gemini's
thoughts lie outside `candidatesTokenCount`, OpenAI's inside `completion_tokens`), so each dialect
translates, and nothing after it has to remember.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Usage", "UsageSource"]

UsageSource = Literal["provider", "estimated"]


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Token counts of one call. None means the provider did not say; 0 means it said none."""

    input_tokens: int | None = None
    """Text read at the full input price: neither from nor into a cache, not audio, not image."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    """Written to a cache with the provider's default life (Anthropic: 5 minutes)."""
    cache_write_1h_tokens: int | None = None
    output_tokens: int | None = None
    """Written and shown: text and tool calls, without reasoning and audio."""
    reasoning_tokens: int | None = None
    """Written and hidden or summarised; billed as output."""
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    output_image_tokens: int | None = None
    source: UsageSource = "provider"
    service_tier: str | None = None
    """Which of its tiers served the call, in the provider's own word (`default`, `flex`, `priority`): it decides the price.
    None: the provider did not say.
    """

    @property
    def total_input_tokens(self) -> int | None:
        """Everything read; None if the provider reported nothing about input."""
        return _sum(
            self.input_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
            self.cache_write_1h_tokens,
            self.input_audio_tokens,
            self.input_image_tokens,
        )

    @property
    def total_output_tokens(self) -> int | None:
        """Everything written, reasoning included; None if the provider reported nothing about output."""
        return _sum(self.output_tokens, self.reasoning_tokens, self.output_audio_tokens, self.output_image_tokens)


def _sum(*counts: int | None) -> int | None:
    total: int | None = None
    for count in counts:
        if count is not None:
            total = count if total is None else total + count
    return total

"""Token counts: Gemini's `promptTokenCount` contains the cached ones, its thoughts lie outside
`candidatesTokenCount`, and results of hosted tools lie outside both.

So `totalTokenCount` = prompt + toolUsePrompt + candidates + thoughts, and that is what our fields sum to.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pointsman.core.usage import Usage
from pointsman.providers.dialects.gemini.names import MODALITIES, enum_name
from pointsman.providers.token_ledger import told_tier

__all__ = ["UsageMetadata", "ledger", "wire_usage"]


class _Modality(msgspec.Struct, frozen=True, rename="camel"):
    modality: str | int | None = None
    token_count: int = 0


class UsageMetadata(msgspec.Struct, frozen=True, rename="camel"):
    """`usageMetadata` as it stands on the wire."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    prompt_tokens_details: tuple[_Modality, ...] | None = None
    cache_tokens_details: tuple[_Modality, ...] | None = None
    candidates_tokens_details: tuple[_Modality, ...] | None = None
    service_tier: Any = None


def ledger(wire: UsageMetadata) -> Usage | None:
    """The wire's counts in fields that do not overlap; None if it has none (Vertex sends `trafficType` alone).

    Video and documents are priced like text, so they stay in `input_tokens`.
    """
    if all(getattr(wire, f) is None for f in _COUNTS):
        return None
    cached = wire.cached_content_token_count
    audio = _fresh("AUDIO", wire)
    image = _fresh("IMAGE", wire)
    audio_out = _count("AUDIO", wire.candidates_tokens_details)
    image_out = _count("IMAGE", wire.candidates_tokens_details)
    read = _sum(wire.prompt_token_count, wire.tool_use_prompt_token_count)
    return Usage(
        service_tier=told_tier(wire.service_tier),
        input_tokens=_less(read, cached, audio, image),
        cache_read_tokens=cached,
        output_tokens=_less(wire.candidates_token_count, audio_out, image_out),
        reasoning_tokens=wire.thoughts_token_count,
        input_audio_tokens=audio,
        input_image_tokens=image,
        output_audio_tokens=audio_out,
        output_image_tokens=image_out,
    )


def wire_usage(usage: Usage) -> dict[str, object]:
    """Our ledger as Gemini writes it; what is unknown is left out."""
    prompt = usage.total_input_tokens
    shown = _sum(usage.output_tokens, usage.output_audio_tokens, usage.output_image_tokens)
    wire: dict[str, object] = {
        "promptTokenCount": prompt,
        "cachedContentTokenCount": usage.cache_read_tokens,
        "candidatesTokenCount": shown,
        "thoughtsTokenCount": usage.reasoning_tokens,
        "totalTokenCount": _sum(prompt, usage.total_output_tokens),
        "promptTokensDetails": _details(prompt, usage.input_audio_tokens, usage.input_image_tokens),
        "candidatesTokensDetails": _details(shown, usage.output_audio_tokens, usage.output_image_tokens),
    }
    return {k: v for k, v in wire.items() if v is not None}


_COUNTS = (
    "prompt_token_count",
    "cached_content_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
)


def _fresh(modality: str, wire: UsageMetadata) -> int | None:
    """Tokens of this modality read at the full price: those of the prompt that did not come out of the cache."""
    return _less(_count(modality, wire.prompt_tokens_details), _count(modality, wire.cache_tokens_details))


def _count(modality: str, details: tuple[_Modality, ...] | None) -> int | None:
    return _sum(*(d.token_count for d in details or () if enum_name(d.modality, MODALITIES) == modality))


def _details(total: int | None, audio: int | None, image: int | None) -> list[dict[str, object]] | None:
    if total is None or (audio is None and image is None):
        return None
    split = {"TEXT": total - (audio or 0) - (image or 0), "AUDIO": audio, "IMAGE": image}
    return [{"modality": k, "tokenCount": v} for k, v in split.items() if v is not None]


def _less(total: int | None, *parts: int | None) -> int | None:
    return None if total is None else max(total - sum(p for p in parts if p is not None), 0)


def _sum(*counts: int | None) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if known else None

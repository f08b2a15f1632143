"""The shapes on the wire of the Responses API; unknown fields are ignored and absent ones default."""

from __future__ import annotations

from typing import Any

import msgspec

from pointsman.providers.token_ledger import Count

__all__ = ["ABSENT", "ContentPart", "Event", "Item", "Response", "WireUsage", "present"]

ABSENT = msgspec.Raw(b"")
"""What a raw field holds if the wire did not have it."""


def present(field: msgspec.Raw) -> bool:
    """Whether a raw field was there and not null."""
    return bytes(field) not in (b"", b"null")


class _InputAudio(msgspec.Struct):
    data: str
    format: str | None = None


class ContentPart(msgspec.Struct):
    """One part of a message's content, of a reasoning item's text, or of a tool's output."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    input_audio: _InputAudio | None = None
    annotations: msgspec.Raw = ABSENT
    logprobs: msgspec.Raw = ABSENT


class Item(msgspec.Struct):
    """One item of a request's input or of a response's output."""

    type: str | None = None
    id: str | None = None
    role: str | None = None
    content: str | list[msgspec.Raw] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    """JSON text; of a hosted call it may be the object itself."""
    output: msgspec.Raw = ABSENT
    summary: list[ContentPart] | None = None
    encrypted_content: str | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: Count = None
    cache_write_tokens: Count = None
    audio_tokens: Count = None
    image_tokens: Count = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: Count = None
    audio_tokens: Count = None
    image_tokens: Count = None


class WireUsage(msgspec.Struct):
    input_tokens: Count = None
    output_tokens: Count = None
    total_tokens: Count = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class Response(msgspec.Struct):
    id: Any = None
    model: str | None = None
    created_at: Count = None
    status: str | None = None
    output: list[msgspec.Raw] | None = None
    usage: WireUsage | None = None
    service_tier: Any = None
    error: Any = None
    incomplete_details: _Incomplete | None = None


class Event(msgspec.Struct):
    """One event of a stream; each kind uses a few of these fields."""

    type: str = ""
    response: msgspec.Raw = ABSENT
    item: msgspec.Raw = ABSENT
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: Any = None
    logprobs: list[msgspec.Raw] | None = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None

"""The shapes on the wire of Chat Completions, as lenient as the servers that claim to speak it.

Unknown fields are ignored, absent ones default, and what arrives in more than one form is `Any`
and checked where it is read.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pointsman.providers.token_ledger import Count

__all__ = [
    "ABSENT",
    "AudioSaid",
    "Call",
    "Chunk",
    "ContentPart",
    "Custom",
    "ExtraContent",
    "Function",
    "Reply",
    "Said",
    "Thought",
    "Turn",
    "WireChoice",
    "WireUsage",
    "present",
]

ABSENT = msgspec.Raw(b"")
"""What a raw field holds if the wire did not have it."""


def present(field: msgspec.Raw) -> bool:
    """Whether a raw field was there and not null."""
    return bytes(field) not in (b"", b"null")


class Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None
    """JSON text; some servers send the object itself."""


class _Google(msgspec.Struct):
    thought_signature: str | None = None


class ExtraContent(msgspec.Struct):
    """Where Gemini's compatible endpoint puts what the protocol has no place for."""

    google: _Google | None = None


class Call(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    index: int | None = None
    function: Function | None = None
    custom: msgspec.Raw = ABSENT
    extra_content: ExtraContent | None = None


class Custom(msgspec.Struct):
    """A call of a tool that takes free text instead of JSON; in a stream, a piece of one."""

    name: str | None = None
    input: str | None = None


class Thought(msgspec.Struct):
    """One entry of OpenRouter's `reasoning_details`."""

    type: str = ""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None
    id: str | None = None
    index: int | None = None
    format: str | None = None
    """Whose form the proof has, such as `anthropic-claude-v1`."""


class AudioSaid(msgspec.Struct):
    id: str | None = None
    data: str | None = None
    transcript: str | None = None


class Said(msgspec.Struct):
    """What a message and a stream's delta have in common."""

    role: str | None = None
    content: str | list[msgspec.Raw] | None = None
    refusal: str | None = None
    reasoning_content: Any = None
    """Visible thoughts at DeepSeek, Moonshot, xAI, Z.ai, Alibaba."""
    reasoning: Any = None
    """Visible thoughts at OpenRouter, Groq, Together, Cerebras, Ollama."""
    reasoning_details: list[Thought] | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    audio: AudioSaid | None = None
    images: list[msgspec.Raw] | None = None
    annotations: msgspec.Raw = ABSENT
    extra_content: ExtraContent | None = None


class Turn(Said):
    """A message of a request."""

    name: str | None = None
    tool_call_id: str | None = None


class _Url(msgspec.Struct):
    url: str
    detail: str | None = None


class _InputAudio(msgspec.Struct):
    data: str
    format: str | None = None


class _File(msgspec.Struct):
    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None


class ContentPart(msgspec.Struct):
    type: str
    text: str | None = None
    image_url: _Url | str | None = None
    video_url: _Url | str | None = None
    input_audio: _InputAudio | None = None
    file: _File | None = None
    refusal: str | None = None
    thinking: Any = None
    """Mistral: a list of text parts, or the text itself."""
    cache_control: msgspec.Raw = ABSENT
    """Not OpenAI's: servers in front of Anthropic's models (OpenRouter) read Anthropic's marks."""


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
    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: Count = None
    """DeepSeek."""
    cached_tokens: Count = None
    """Moonshot, Novita, Together."""
    num_cached_tokens: Count = None
    """Mistral."""
    reasoning_tokens: Count = None
    """Perplexity."""


class WireChoice(msgspec.Struct):
    index: int | None = None
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    stop_reason: Any = None
    """vLLM: the stop sequence that was met, or the id of a stop token."""
    logprobs: msgspec.Raw = ABSENT
    error: Any = None


class _Groq(msgspec.Struct):
    usage: WireUsage | None = None
    error: Any = None


class Chunk(msgspec.Struct):
    id: Any = None
    model: str | None = None
    created: Count = None
    choices: list[WireChoice] | None = None
    usage: WireUsage | None = None
    service_tier: Any = None
    x_groq: _Groq | None = None
    error: Any = None


class Reply(Chunk):
    """A whole reply has the fields of a chunk; its choices have a `message`."""

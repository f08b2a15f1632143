"""The tokens a provider counted, read from the raw bytes, are the tokens every client is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pointsman.core.chat import ChatRequest, user_says
from pointsman.core.failure import ProviderError
from pointsman.providers.assemble import Assembler
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.sse import SseReader
from support.dialect_recordings import answers
from support.shared import needs_shared
from support.streams import deltas_in, written
from support.wire import Recorded

pytestmark = needs_shared("data/wire")

NAMES = ["openai_chat", "openai_responses", "anthropic_messages", "gemini"]
ASKED = ChatRequest(model="m", messages=(user_says("hi"),))
STREAMED = ChatRequest(model="m", messages=(user_says("hi"),), stream=True, stream_usage=True)


def counts(dialect: str, reply: Any) -> tuple[int, int, int, int] | None:
    """Read, of which from the cache; written, of which reasoning: by the documents of each protocol, not by our code."""
    usage = reply.get("usageMetadata" if dialect == "gemini" else "usage") or {}
    get = lambda *path: _at(usage, path)  # noqa: E731  # short names make the table readable
    match dialect:
        case "openai_chat":
            read = get("prompt_tokens")
            cached = get("prompt_tokens_details", "cached_tokens") or get("prompt_cache_hit_tokens") or get("num_cached_tokens")
            cached = min(cached, read)  # Azure's Grok tells more cached tokens than there were tokens
            unsaid = max(get("total_tokens") - read - get("completion_tokens"), 0)  # thoughts that stand in the total alone
            written = get("completion_tokens") + unsaid
            reasoning = get("completion_tokens_details", "reasoning_tokens") or get("reasoning_tokens") or unsaid
        case "openai_responses":
            read, cached = get("input_tokens"), get("input_tokens_details", "cached_tokens")
            written, reasoning = get("output_tokens"), get("output_tokens_details", "reasoning_tokens")
        case "anthropic_messages":
            cached = get("cache_read_input_tokens")
            read = get("input_tokens") + cached + get("cache_creation_input_tokens")
            written, reasoning = get("output_tokens"), get("output_tokens_details", "thinking_tokens")
        case _:
            read, cached = get("promptTokenCount") + get("toolUsePromptTokenCount"), get("cachedContentTokenCount")
            reasoning = get("thoughtsTokenCount")
            written = get("candidatesTokenCount") + reasoning
    return (read, cached, written, reasoning) if usage else None


def _at(value: Any, path: tuple[str, ...]) -> int:
    for name in path:
        value = (value or {}).get(name)
    return value or 0


@pytest.mark.parametrize("target_name", NAMES)
@pytest.mark.parametrize("source_name", NAMES)
def test_every_client_is_told_the_providers_own_numbers(source_name: str, target_name: str) -> None:
    """Input, cache, output and reasoning, each where the client's protocol has it."""
    source, target = DIALECTS.load(source_name), DIALECTS.load(target_name)
    wrong: dict[str, Any] = {}
    seen = 0
    for recorded in answers(source_name, streamed=False):
        try:
            reply = source.read_reply(recorded.body)
        except ProviderError:
            continue
        given = counts(source_name, json.loads(recorded.body))
        if given is None or not any(given):
            continue
        seen += 1
        told = counts(target_name, json.loads(target.write_reply(reply, ASKED).body))
        if told != given:
            wrong[recorded.name] = (given, told)
    assert seen > 50
    assert wrong == {}


def documents(body: bytes) -> list[Any]:
    """What stands in each event of a stream; Gemini may send them as one list."""
    if body.lstrip().startswith(b"["):
        return list(json.loads(body))
    reader = SseReader()
    return [json.loads(e.data) for e in [*reader.feed(body), *reader.close()] if e.data.startswith(b"{")]


def counts_of_stream(dialect: str, body: bytes) -> tuple[int, int, int, int] | None:
    """As `counts`, of a stream: each field as it was told last, which is what all four protocols mean by telling it again."""
    usage: dict[str, Any] = {}
    for event in documents(body):
        match dialect:
            case "anthropic_messages":
                told = (event.get("message") or {}).get("usage") or event.get("usage")
            case "openai_responses":
                told = (event.get("response") or {}).get("usage")
            case "gemini":
                told = event.get("usageMetadata")
            case _:
                told = event.get("usage") or (event.get("x_groq") or {}).get("usage")
        usage |= {k: v for k, v in (told or {}).items() if v is not None}
    return counts(dialect, {"usageMetadata" if dialect == "gemini" else "usage": usage})


def recorded_streams(dialect: str) -> list[Recorded]:
    if dialect != "gemini":
        return answers(dialect, streamed=True)
    return [r for kind in (True, False) for r in answers(dialect, streamed=kind) if ":stream" in r.path]


@pytest.mark.parametrize("target_name", NAMES)
@pytest.mark.parametrize("source_name", NAMES)
def test_every_client_of_a_stream_is_told_the_providers_own_numbers(source_name: str, target_name: str) -> None:
    """Read from the raw events on both sides."""
    source, target = DIALECTS.load(source_name), DIALECTS.load(target_name)
    wrong: dict[str, Any] = {}
    seen = 0
    for recorded in recorded_streams(source_name):
        deltas = deltas_in(source, [recorded.body])
        assembler = Assembler()
        for delta in deltas:
            assembler.add(delta)
        given = counts_of_stream(source_name, recorded.body)
        if assembler.failure is not None or given is None or not any(given):
            continue
        seen += 1
        told = counts_of_stream(target_name, written(target, deltas, STREAMED))
        if told != given:
            wrong[recorded.name] = (given, told)
    assert seen >= 15
    assert wrong == {}

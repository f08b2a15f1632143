"""Every recorded chat completion of fourteen providers, and every bare payload in its form."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pointsman.core.chat import ChatReply, FinishReason
from pointsman.core.failure import FailureClass, ProviderError
from pointsman.providers.dialects.openai_chat import PLUGIN
from support.dialect_recordings import answers, combs, errors, per_provider, read_stream, requests
from support.shared import needs_shared
from support.streams import pieces, plain
from support.wire import Payload, Recorded, payloads

pytestmark = needs_shared("data/wire")

WHOLE = [x for x in answers("openai_chat", streamed=False) if b'"choices"' in x.body]
STREAMS = answers("openai_chat", streamed=True)
GOOD_STREAMS = [x for x in STREAMS if b'"error":{' not in x.body]
NOT_CHAT = ("completion-", "embedding-", "responses-")
PAYLOADS = [
    p
    for p in payloads()
    if b'"choices"' in (p.whole or p.chunks[0])
    and not any(f"/{n}" in p.file for n in NOT_CHAT)
    and p.provider not in ("bedrock", "cohere", "gemini", "anthropic")
]

ENDS = {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "eos": "stop"}


def name_of(value: Recorded | Payload) -> str:
    return value.name if isinstance(value, Recorded) else value.file


def test_the_recordings_are_all_here() -> None:
    """Counted per provider, so that a filter gone wrong is noticed."""
    assert per_provider([*WHOLE, *STREAMS]) == {
        "anthropic": 1, "azure": 19, "cerebras": 4, "deepseek": 17, "gemini": 2, "groq": 14, "huggingface": 6,
        "mistral": 16, "ollama": 9, "openai": 49, "openrouter": 28, "perplexity": 3, "together": 1, "zai": 2,
    }  # fmt: skip
    assert len(errors("openai_chat")) == 28
    assert len(requests("openai_chat")) == 194
    assert len(PAYLOADS) == 34


def check_usage(reply: ChatReply, usage: dict[str, Any] | None) -> None:
    """Our fields sum to the provider's own totals, and what it did not report is None."""
    if not usage:
        assert reply.usage is None
        return
    assert reply.usage is not None
    assert reply.usage.total_input_tokens == usage["prompt_tokens"]
    assert (reply.usage.total_input_tokens or 0) + (reply.usage.total_output_tokens or 0) == usage["total_tokens"]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
    cached = cached if cached is not None else usage.get("cached_tokens", usage.get("num_cached_tokens"))
    assert reply.usage.cache_read_tokens == (None if cached is None else min(cached, usage["prompt_tokens"]))
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    if reasoning:
        beside = usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"]
        assert reply.usage.reasoning_tokens == (beside or min(reasoning, usage["completion_tokens"]))


def check_message(reply: ChatReply, body: dict[str, Any]) -> None:
    choice = body["choices"][0]
    message = choice["message"]
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(p.get("text", "") for p in content if p["type"] == "text")
    assert reply.text == content
    calls = message.get("tool_calls") or []
    assert [(c.name, c.arguments) for c in reply.tool_calls] == [
        (c["function"]["name"], c["function"].get("arguments") or "{}") for c in calls
    ]
    assert all(c.id == w["id"] for c, w in zip(reply.tool_calls, calls, strict=True) if w["id"])
    assert all(c.id for c in reply.tool_calls)
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str) and thought:
        assert reply.reasoning == thought
    assert reply.choices[0].finish_raw == choice["finish_reason"]
    if not calls and not message.get("refusal"):
        assert reply.finish == ENDS[choice["finish_reason"]]
    if calls:
        assert reply.finish is FinishReason.TOOL_CALLS
    assert len(reply.choices) == len(body["choices"])
    assert (reply.id, reply.model) == (body["id"], body["model"])


@pytest.mark.parametrize("recorded", WHOLE, ids=name_of)
def test_a_recorded_reply_is_read_as_it_is(recorded: Recorded) -> None:
    """Text, thoughts, calls, finish reason and usage are those a second reading finds."""
    reply = PLUGIN.read_reply(recorded.body)
    body = json.loads(recorded.body)
    check_message(reply, body)
    check_usage(reply, body.get("usage"))


@pytest.mark.parametrize("recorded", STREAMS, ids=name_of)
def test_a_recorded_stream_is_the_same_at_every_cut(recorded: Recorded) -> None:
    """Every byte boundary is cut at, in pieces of thirteen bytes and in single ones."""
    whole = read_stream(PLUGIN, recorded.body)
    for parts in combs(recorded.body):
        assert read_stream(PLUGIN, *parts) == whole


@pytest.mark.slow
@pytest.mark.parametrize("recorded", STREAMS, ids=name_of)
def test_a_recorded_stream_is_the_same_cut_once_anywhere(recorded: Recorded) -> None:
    """Cut in two at each of the first 4096 bytes and at 200 others."""
    whole = read_stream(PLUGIN, recorded.body)
    for parts in pieces(recorded.body, thorough=True):
        assert read_stream(PLUGIN, *parts) == whole


def chunks_in(body: bytes) -> list[dict[str, Any]]:
    lines = [line[5:].strip() for line in body.splitlines() if line.startswith(b"data:")]
    return [json.loads(line) for line in lines if line not in (b"", b"[DONE]")]


def check_stream(reply: ChatReply, chunks: list[dict[str, Any]]) -> None:
    deltas = [c["delta"] for chunk in chunks for c in chunk.get("choices", []) if c.get("delta") and c["index"] == 0]
    parts = [d["content"] for d in deltas if d.get("content")]
    texts = [p if isinstance(p, str) else "".join(i.get("text", "") for i in p if i["type"] == "text") for p in parts]
    assert reply.text == "".join(texts)
    pieces_of_calls = [c for d in deltas for c in d.get("tool_calls") or []]
    arguments = "".join(c["function"].get("arguments") or "" for c in pieces_of_calls)
    assert "".join(c.arguments for c in reply.tool_calls) == (arguments or "{}" * len(reply.tool_calls))
    named = {c.get("index", i): c["function"]["name"] for i, c in enumerate(pieces_of_calls) if c["function"].get("name")}
    assert [c.name for c in reply.tool_calls] == list(named.values())
    thoughts = "".join(t for d in deltas if isinstance(t := d.get("reasoning_content") or d.get("reasoning"), str))
    if thoughts:
        assert reply.reasoning == thoughts
    usages = [u for chunk in chunks if (u := chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage"))]
    check_usage(reply, usages[-1] if usages else None)


@pytest.mark.parametrize("recorded", GOOD_STREAMS, ids=name_of)
def test_a_recorded_stream_is_read_as_it_is(recorded: Recorded) -> None:
    """The pieces, put together by a second reading, are the reply; usage is the last reported, never a sum."""
    reply, failure = read_stream(PLUGIN, recorded.body)
    assert failure is None
    check_stream(reply, chunks_in(recorded.body))
    finish = [
        c["finish_reason"] for chunk in chunks_in(recorded.body) for c in chunk.get("choices", []) if c.get("finish_reason")
    ]
    assert reply.choices[0].finish_raw == (finish[-1] if finish else None)
    assert reply.finish is not FinishReason.UNKNOWN


def test_a_recorded_stream_that_fails_inside_says_so() -> None:
    """Groq and OpenRouter report an error in a stream whose status was 200."""
    failed = {x.file.split("__")[1]: read_stream(PLUGIN, x.body)[1] for x in STREAMS if b'"error":{' in x.body}
    kinds = {name: failure.kind for name, failure in failed.items() if failure is not None}
    assert kinds == {
        "test_tool_use_failed_error_streaming.json": FailureClass.MALFORMED,
        "test_openrouter_stream_error.json": FailureClass.CLIENT_FAULT,
    }


def event_that_ends(events: list[bytes]) -> int:
    """Which event finishes the last unfinished choice (some servers repeat the reason later), or else says `[DONE]`."""
    ends: dict[int, int] = {}
    for number, event in enumerate(events):
        for chunk in chunks_in(event):
            ends |= {c["index"]: number for c in chunk["choices"] if c.get("finish_reason") and c["index"] not in ends}
    return max(ends.values()) if ends else next(i for i, e in enumerate(events) if b"[DONE]" in e)


@pytest.mark.parametrize("recorded", GOOD_STREAMS, ids=name_of)
def test_a_recorded_stream_cut_short_is_a_failure(recorded: Recorded) -> None:
    """Without its finish reason it is not a reply, however long; with it, it is one, `[DONE]` or not."""
    events = recorded.body.replace(b"\r\n", b"\n").split(b"\n\n")
    last = event_that_ends(events)
    _, failure = read_stream(PLUGIN, b"\n\n".join(events[:last]) + b"\n\n")
    assert failure is not None
    assert (failure.kind, failure.phase) == (FailureClass.TRANSIENT, "body")
    assert read_stream(PLUGIN, b"\n\n".join(events[: last + 1]) + b"\n\n")[1] is None


def test_a_filtered_prompt_at_azure_is_a_policy_failure() -> None:
    """The body of a status 200 holds an error object."""
    recorded = next(x for x in answers("openai_chat", streamed=False) if "test_prompt_content_filtering" in x.file)
    with pytest.raises(ProviderError) as caught:
        PLUGIN.read_reply(recorded.body)
    assert caught.value.failure.kind is FailureClass.CONTENT_POLICY


EXPECTED_CLASS = {
    ("azure", 401): FailureClass.AUTH,
    ("azure", 404): FailureClass.HARD_DOWN,
    ("azure", 429): FailureClass.RATE_LIMIT,
    ("deepseek", 400): FailureClass.CONTEXT_TOO_LONG,
    ("deepseek", 401): FailureClass.AUTH,
    ("groq", 400): FailureClass.MALFORMED,
    ("groq", 404): FailureClass.HARD_DOWN,
    ("mistral", 401): FailureClass.AUTH,
    ("ollama", 400): FailureClass.CONTEXT_TOO_LONG,
    ("ollama", 401): FailureClass.AUTH,
    ("openai", 400): FailureClass.CLIENT_FAULT,
    ("openai", 404): FailureClass.HARD_DOWN,
    ("openrouter", 400): FailureClass.CONTEXT_TOO_LONG,
    ("openrouter", 401): FailureClass.AUTH,
    ("openrouter", 429): FailureClass.RATE_LIMIT,
    ("perplexity", 400): FailureClass.CONTEXT_TOO_LONG,
    ("perplexity", 401): FailureClass.AUTH,
}


@pytest.mark.parametrize("recorded", errors("openai_chat"), ids=name_of)
def test_a_recorded_error_has_its_class(recorded: Recorded) -> None:
    """Twelve shapes of error body, each with the provider's own words."""
    failure = PLUGIN.classify(recorded.status, recorded.headers, recorded.body)
    assert failure.kind is EXPECTED_CLASS[recorded.provider, recorded.status]
    assert failure.status == recorded.status
    said = json.loads(recorded.body)
    words = said["error"]["message"] if "error" in said else said["detail"]
    assert failure.message.startswith(words)


def test_a_recorded_wait_is_read() -> None:
    """Azure sends `retry-after: 1` beside `retry-after-ms: 0`; the second means nothing."""
    recorded = next(x for x in errors("openai_chat") if x.provider == "azure" and x.status == 429)
    assert PLUGIN.classify(429, recorded.headers, recorded.body).retry_after_s == 1.0


@pytest.mark.parametrize("recorded", requests("openai_chat"), ids=name_of)
def test_a_recorded_request_is_written_back_with_its_meaning(recorded: Recorded) -> None:
    """Read, written and read again it is the same, but that usage is asked for and a nameless schema gets a name."""
    request = PLUGIN.read_request(recorded.request, recorded.path)
    wire = PLUGIN.write_request(request)
    assert wire.losses == ()
    again = PLUGIN.read_request(wire.body, wire.path)
    same = {"stream_usage": request.stream_usage}
    if request.output is not None and request.output.name is None and again.output is not None:
        same["output"] = msgspec.structs.replace(again.output, name=None)
    again = msgspec.structs.replace(again, **same, extra={k: v for k, v in again.extra.items() if k in request.extra})
    assert plain(again) == plain(request)
    whole, back = json.loads(recorded.request), json.loads(wire.body)
    kept = {k for k, v in whole.items() if v not in (None, [], False)} - {"max_completion_tokens", "max_tokens", "stream_options"}
    assert kept <= set(back)
    assert [said_in(m) for m in back["messages"]] == [said_in(m) for m in whole["messages"]]
    tools = [{"type": "function", **without_nothing(tool)} for tool in whole.get("tools") or []]
    assert [without_nothing(tool) for tool in back.get("tools", [])] == tools


def said_in(message: dict[str, Any]) -> dict[str, Any]:
    """The fields of a message that say something, in the form in which we write them."""
    found = without_nothing(message)
    thought = found.pop("reasoning", None)
    if thought is not None:
        found["reasoning_content"] = thought
    if "reasoning_details" in found:
        found.pop("reasoning_content", None)  # the same text once more, for servers that read only this
    for call in found.get("tool_calls", ()):
        call.pop("index", None)
    for part in found["content"] if isinstance(found.get("content"), list) else ():
        if isinstance(part.get("image_url"), str):
            part["image_url"] = {"url": part["image_url"]}
    content = found.get("content")
    if isinstance(content, list) and len(content) == 1 and set(content[0]) == {"type", "text"}:
        found["content"] = content[0]["text"]
    return found


def without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nothing(v) for k, v in value.items() if v not in (None, "", [])}
    return [without_nothing(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("payload", PAYLOADS, ids=name_of)
def test_a_bare_payload_is_read_as_it_is(payload: Payload) -> None:
    """Whole or in chunks, cut at every byte."""
    if payload.whole is not None:
        body = json.loads(payload.whole)
        reply = PLUGIN.read_reply(payload.whole)
        check_message(reply, body)
        check_usage(reply, body.get("usage"))
        return
    whole, failure = read_stream(PLUGIN, payload.sse)
    if "-tool-call" in payload.file or 'finish_reason":"' in payload.sse.decode().replace(" ", ""):
        assert failure is None
    check_stream(whole, [json.loads(c) for c in payload.chunks])
    for parts in combs(payload.sse):
        assert read_stream(PLUGIN, *parts) == (whole, failure)


def test_a_bare_error_is_classified() -> None:
    """A parameter the model does not take is the caller's to change."""
    payload = next(p for p in payloads() if "chat-_reasoning-model-legacy" in p.file)
    assert payload.whole is not None
    assert PLUGIN.classify(400, {}, payload.whole).kind is FailureClass.CLIENT_FAULT

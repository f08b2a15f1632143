"""Every recorded exchange of the Responses API with seven providers' endpoints, and every bare payload in its form."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pointsman.core.chat import ChatReply, FinishReason, Opaque, Part, Reasoning
from pointsman.core.failure import FailureClass, ProviderError
from pointsman.providers.dialects.openai_responses import PLUGIN
from support.dialect_recordings import answers, combs, errors, per_provider, read_stream, requests
from support.shared import needs_shared
from support.streams import pieces, plain
from support.wire import Payload, Recorded, payloads

pytestmark = needs_shared("data/wire")

WHOLE = answers("openai_responses", streamed=False)
STREAMS = answers("openai_responses", streamed=True)
IS_RESPONSE = (b'"object":"response"', b'"object": "response"')
BROKEN = "responses-_parallel-tool-call-wrapper.1.chunks"
PAYLOADS = [p for p in payloads() if any(mark in (p.whole or p.chunks[0]) for mark in IS_RESPONSE) and BROKEN not in p.file]


def name_of(value: Recorded | Payload) -> str:
    return value.name if isinstance(value, Recorded) else value.file


def test_the_recordings_are_all_here() -> None:
    """Counted per provider, so that a filter gone wrong is noticed."""
    assert per_provider([*WHOLE, *STREAMS]) == {
        "anthropic": 4, "azure": 10, "deepseek": 7, "gemini": 2, "openai": 79, "openrouter": 3, "xai": 14,
    }  # fmt: skip
    assert len(errors("openai_responses")) == 10
    assert len(requests("openai_responses")) == 126
    assert len(PAYLOADS) == 53


def check(reply: ChatReply, body: dict[str, Any]) -> None:
    """Text, calls, finish reason and usage are those a second reading of the final response finds."""
    items = body["output"]
    content = [c for i in items if i["type"] == "message" for c in i["content"]]
    assert reply.text == "".join(c["text"] for c in content if c["type"] == "output_text")
    calls = [i for i in items if i["type"] == "function_call"]
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [(i["call_id"], i["name"], i["arguments"]) for i in calls]
    thoughts = [i for i in items if i["type"] == "reasoning"]
    summaries = "".join("\n\n".join(s["text"] for s in i["summary"]) for i in thoughts)
    assert reply.reasoning == (summaries or "".join(c["text"] for i in thoughts for c in i.get("content") or []))
    known = ("message", "function_call", "reasoning")
    hosted = [p for p in reply.choices[0].parts if isinstance(p, Opaque)]
    assert [p.kind for p in hosted] == [i["type"] for i in items if i["type"] not in known]
    check_finish(reply, body["status"], called=bool(calls))
    check_usage(reply, body.get("usage"))
    assert reply.id == body["id"]


def check_finish(reply: ChatReply, status: str, *, called: bool) -> None:
    if status == "queued":
        assert reply.finish is FinishReason.UNKNOWN
    elif status == "incomplete":
        assert reply.finish is FinishReason.LENGTH
    else:
        assert reply.finish is (FinishReason.TOOL_CALLS if called else FinishReason.STOP)


def check_usage(reply: ChatReply, usage: dict[str, Any] | None) -> None:
    """Our fields sum to the provider's own totals."""
    if usage is None:
        assert reply.usage is None
        return
    assert reply.usage is not None
    assert reply.usage.total_input_tokens == usage["input_tokens"]
    assert reply.usage.total_output_tokens == usage["output_tokens"]
    assert reply.usage.cache_read_tokens == (usage.get("input_tokens_details") or {}).get("cached_tokens")
    assert reply.usage.reasoning_tokens == (usage.get("output_tokens_details") or {}).get("reasoning_tokens")


@pytest.mark.parametrize("recorded", WHOLE, ids=name_of)
def test_a_recorded_reply_is_read_as_it_is(recorded: Recorded) -> None:
    """Whole responses, hosted tools and background ones included."""
    check(PLUGIN.read_reply(recorded.body), json.loads(recorded.body))


def events_in(body: bytes) -> list[dict[str, Any]]:
    lines = [line[5:].strip() for line in body.splitlines() if line.startswith(b"data:")]
    return [json.loads(line) for line in lines if line not in (b"", b"[DONE]")]


@pytest.mark.parametrize("recorded", STREAMS, ids=name_of)
def test_a_recorded_stream_is_read_as_it_is(recorded: Recorded) -> None:
    """The pieces add up to the response that the last event repeats whole."""
    reply, failure = read_stream(PLUGIN, recorded.body)
    assert failure is None
    last = next(e["response"] for e in events_in(recorded.body) if e["type"] == "response.completed")
    done = [e["item"] for e in events_in(recorded.body) if e["type"] == "response.output_item.done"]
    check(reply, {**last, "output": last["output"] or done})


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


@pytest.mark.parametrize("recorded", STREAMS, ids=name_of)
def test_a_recorded_stream_says_what_a_whole_reply_would(recorded: Recorded) -> None:
    """The response in the last event, read as a whole reply, has the same parts as the stream, item ids apart."""
    last = next(e["response"] for e in events_in(recorded.body) if e["type"] == "response.completed")
    if not last["output"]:
        pytest.skip("this server leaves the output out of its last event")
    whole = PLUGIN.read_reply(json.dumps(last).encode())
    assert [bare(p) for p in read_stream(PLUGIN, recorded.body)[0].choices[0].parts] == [bare(p) for p in whole.choices[0].parts]


def bare(part: Part) -> object:
    # Encrypted anew in each event, and OpenRouter gives new ids in the last.
    again = {"encrypted": None, "id": None} if isinstance(part, Reasoning) else {}
    return plain(msgspec.structs.replace(part, extra=None, **again))


@pytest.mark.parametrize("recorded", STREAMS, ids=name_of)
def test_a_recorded_stream_without_its_last_event_is_a_failure(recorded: Recorded) -> None:
    """However much has been said, a response that does not end was cut."""
    head = recorded.body[
        : recorded.body.rindex(b"event: response.completed" if b"event: response.completed" in recorded.body else b"data:")
    ]
    failure = read_stream(PLUGIN, head)[1]
    if b"response.completed" not in head:
        assert failure is not None
        assert (failure.kind, failure.phase) == (FailureClass.TRANSIENT, "body")


EXPECTED_CLASS = {
    ("deepseek", "No tool output"): FailureClass.CLIENT_FAULT,
    ("openai", "The requested model"): FailureClass.HARD_DOWN,
    ("openai", "The file type"): FailureClass.CLIENT_FAULT,
    ("openai", "Invalid 'temperature'"): FailureClass.CLIENT_FAULT,
    ("openai", "Item 'rs_"): FailureClass.CLIENT_FAULT,
    ("openai", "Your input exceeds"): FailureClass.CONTEXT_TOO_LONG,
    ("openai", "Incorrect API key"): FailureClass.AUTH,
    ("xai", "Incorrect API key"): FailureClass.AUTH,
}


@pytest.mark.parametrize("recorded", errors("openai_responses"), ids=name_of)
def test_a_recorded_error_has_its_class(recorded: Recorded) -> None:
    """Also xAI's, which answers a wrong key with 400 and a string for an error object."""
    failure = PLUGIN.classify(recorded.status, recorded.headers, recorded.body)
    (kind,) = {
        k
        for (provider, words), k in EXPECTED_CLASS.items()
        if provider == recorded.provider and failure.message.startswith(words)
    }
    assert failure.kind is kind


@pytest.mark.parametrize("recorded", requests("openai_responses"), ids=name_of)
def test_a_recorded_request_is_written_back_with_its_meaning(recorded: Recorded) -> None:
    """Read, written and read again it is the same, and no field of it is lost."""
    request = PLUGIN.read_request(recorded.request, recorded.path)
    wire = PLUGIN.write_request(request)
    assert wire.losses == ()
    assert plain(PLUGIN.read_request(wire.body, wire.path)) == plain(request)
    whole, back = json.loads(recorded.request), json.loads(wire.body)
    assert {k for k, v in whole.items() if v not in (None, [], False, {})} <= {*back, "instructions"}
    assert [said_of(t) for t in back.get("tools", [])] == [said_of(t) for t in whole.get("tools") or []]
    if isinstance(whole["input"], list):
        spoken = len(back["input"]) + ("instructions" in back and "instructions" not in whole)
        assert spoken == len([i for i in whole["input"] if i.get("content") != ""])


def said_of(tool: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in tool.items() if v is not None}


def failing(payload: Payload) -> bool:
    return any(b'"response.failed"' in c for c in payload.chunks)


@pytest.mark.parametrize("payload", PAYLOADS, ids=name_of)
def test_a_bare_payload_is_read_as_it_is(payload: Payload) -> None:
    """Whole or in events, cut at every byte."""
    if payload.whole is not None:
        check(PLUGIN.read_reply(payload.whole), json.loads(payload.whole))
        return
    whole, failure = read_stream(PLUGIN, payload.sse)
    assert (failure is not None) is failing(payload)
    for parts in combs(payload.sse):
        assert read_stream(PLUGIN, *parts) == (whole, failure)
    events = [json.loads(chunk) for chunk in payload.chunks]
    assert whole.text == "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    if failure is None:
        check_usage(whole, events[-1]["response"]["usage"])


def test_a_stream_that_runs_out_of_money_says_so() -> None:
    """OpenAI sends an `error` event and then `response.failed`; the first tells the class, and it is told once."""
    payload = next(p for p in payloads() if "responses-_openai-error.1.chunks" in p.file)
    failure = read_stream(PLUGIN, payload.sse)[1]
    assert failure is not None
    assert (failure.kind, failure.code) == (FailureClass.QUOTA, "insufficient_quota")


def test_the_same_error_in_place_of_a_reply_is_raised() -> None:
    """Whatever the status was."""
    payload = next(p for p in payloads() if p.file.endswith("responses-_openai-error.1.json"))
    assert payload.whole is not None
    with pytest.raises(ProviderError) as caught:
        PLUGIN.read_reply(payload.whole)
    assert caught.value.failure.kind is FailureClass.QUOTA


def test_a_stream_with_a_broken_event_is_malformed() -> None:
    """One of the bare payloads holds a line that is not JSON; it is not skipped."""
    payload = next(p for p in payloads() if BROKEN in p.file)
    with pytest.raises(ProviderError) as caught:
        read_stream(PLUGIN, payload.sse)
    assert caught.value.failure.kind is FailureClass.MALFORMED

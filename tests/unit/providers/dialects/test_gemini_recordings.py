"""Every recorded generateContent exchange of the Gemini API and of Vertex AI, and every bare payload."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pointsman.core.chat import ChatReply, FinishReason
from pointsman.core.failure import FailureClass, ProviderError
from pointsman.providers.dialects.gemini import PLUGIN
from support.shared import needs_shared
from support.streams import deltas_in, pieces, plain, streamed
from support.wire import Payload, Recorded, interactions, payloads

pytestmark = needs_shared("data/wire")

RECORDED = [r for r in interactions() if r.dialect == "gemini"]
GOOD = [r for r in RECORDED if r.ok]
STREAMS = [r for r in GOOD if ":stream" in r.path]
REQUESTS = [r for r in RECORDED if b"[TRUNCATED BY STAGING" not in r.request and "invalid_role" not in r.file]
# `interactions-…` is another API of Google's, and the 429 is an error body.
PAYLOADS = [p for p in payloads() if p.provider == "gemini" and "/_" in p.file and "429" not in p.file]

# Its last chunk leaves out the candidates' tokens that the chunk before had reported, so its total lacks 21 tokens.
FORGETFUL = "native_output_with_builtin_tools_stream"


def reply_of(recorded: Recorded) -> ChatReply:
    return streamed(PLUGIN, recorded.body) if recorded in STREAMS else PLUGIN.read_reply(recorded.body)


def chunks_of(body: bytes) -> list[dict[str, Any]]:
    """The chunks, by a second reading independent of ours."""
    if body.lstrip().startswith(b"data:"):
        return [json.loads(line[5:]) for line in body.splitlines() if line.startswith(b"data:")]
    document = json.loads(body)
    return document if isinstance(document, list) else [document]


def parts_of(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [p for c in chunks for a in c.get("candidates", [])[:1] for p in a.get("content", {}).get("parts", [])]


def assert_sums(reply: ChatReply, chunks: list[dict[str, Any]], *, forgetful: bool) -> None:
    last: dict[str, Any] = {}
    for chunk in chunks:
        last |= chunk.get("usageMetadata", {})
    if "totalTokenCount" not in last:
        assert reply.usage is None
        return
    assert reply.usage is not None
    total = (reply.usage.total_input_tokens or 0) + (reply.usage.total_output_tokens or 0)
    assert total == last["totalTokenCount"] + (21 if forgetful else 0)
    assert reply.usage.reasoning_tokens == last.get("thoughtsTokenCount")
    assert reply.usage.cache_read_tokens == last.get("cachedContentTokenCount")


def test_the_recordings_are_all_there() -> None:
    """So that a renamed folder cannot make these tests pass on nothing."""
    assert (len(RECORDED), len(STREAMS), len(REQUESTS), len(PAYLOADS)) == (110, 24, 100, 13)


@pytest.mark.parametrize("recorded", GOOD, ids=lambda r: r.name)
def test_a_recorded_reply_is_read_into_text_calls_finish_and_usage(recorded: Recorded) -> None:
    """Text, thoughts and calls equal those of an independent reading, and the counts sum to Google's total."""
    reply = reply_of(recorded)
    chunks = chunks_of(recorded.body)
    parts = parts_of(chunks)
    assert_sums(reply, chunks, forgetful=FORGETFUL in recorded.file)
    assert reply.text == "".join(p.get("text", "") for p in parts if not p.get("thought"))
    assert reply.reasoning == "".join(p["text"] for p in parts if p.get("thought"))
    calls = [p["functionCall"] for p in parts if "functionCall" in p]
    assert [(c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [(c["name"], c.get("args", {})) for c in calls]
    assert [c.signature for c in reply.tool_calls] == [p.get("thoughtSignature") for p in parts if "functionCall" in p]
    expected = {"text_gets_blocked": FinishReason.CONTENT_FILTER, "safety_settings": FinishReason.CONTENT_FILTER}
    expected |= {"max_tokens_thinking": FinishReason.LENGTH, "extra_params": FinishReason.LENGTH}
    known = next((reason for marker, reason in expected.items() if marker in recorded.file), None)
    assert reply.finish is (known or (FinishReason.TOOL_CALLS if calls else FinishReason.STOP))


@pytest.mark.parametrize("recorded", GOOD, ids=lambda r: r.name)
def test_ids_of_calls_differ_and_stay_the_same(recorded: Recorded) -> None:
    """Most of Gemini's calls have no id of their own."""
    first, again = reply_of(recorded), reply_of(recorded)
    ids = [c.id for c in first.tool_calls]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    assert ids == [c.id for c in again.tool_calls]


@pytest.mark.parametrize("recorded", STREAMS, ids=lambda r: r.name)
def test_a_stream_says_the_same_wherever_the_network_cuts_it(recorded: Recorded) -> None:
    """Fed byte by byte, and cut in two at three hundred places."""
    assert_same_in_pieces(recorded.body, thorough=False)


@pytest.mark.slow
@pytest.mark.parametrize("recorded", STREAMS, ids=lambda r: r.name)
def test_a_stream_says_the_same_at_every_cut(recorded: Recorded) -> None:
    """Cut at every byte of the first 4 kB and at 200 more."""
    assert_same_in_pieces(recorded.body, thorough=True)


def assert_same_in_pieces(body: bytes, *, thorough: bool) -> None:
    whole = streamed(PLUGIN, body)
    for parts in pieces(body, thorough=thorough):
        assert streamed(PLUGIN, *parts) == whole


@pytest.mark.parametrize("recorded", STREAMS, ids=lambda r: r.name)
def test_a_stream_that_loses_its_finish_is_a_failure(recorded: Recorded) -> None:
    """The same stream without any finish reason."""
    cut = re.sub(rb'"finishReason": ?"[A-Z_]+"', b'"x":1', recorded.body)
    last = deltas_in(PLUGIN, [cut])[-1]
    assert last.failure.kind is FailureClass.TRANSIENT  # type: ignore[union-attr]  # it must be a Failed


@pytest.mark.parametrize("recorded", REQUESTS, ids=lambda r: r.name)
def test_a_recorded_request_is_written_back_with_the_same_meaning(recorded: Recorded) -> None:
    """Reading what we wrote gives the same request, nothing is lost, and the contents on the wire are the same."""
    request = PLUGIN.read_request(recorded.request, recorded.path)
    wire = PLUGIN.write_request(request)
    assert wire.losses == ()
    assert request.stream == (":stream" in recorded.path)
    again = PLUGIN.read_request(wire.body, wire.path)
    for field in again.__struct_fields__:
        if field != "messages":
            assert plain(getattr(again, field)) == plain(getattr(request, field)), field
    sent, given = json.loads(wire.body), normal(json.loads(recorded.request))
    assert sent["contents"] == given["contents"]
    for name in given.keys() - {"tools", "contents", "generationConfig", "systemInstruction", "toolConfig"}:
        assert sent[name] == given[name]
    assert sent.get("generationConfig", {}) == given.get("generationConfig", {})


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """The request in camelCase, with turns of one role as one, and without what differs in spelling only."""
    turns: list[dict[str, Any]] = []
    for content in body["contents"]:
        parts = [normal_part(p) for p in content["parts"]]
        if turns and turns[-1]["role"] == content["role"]:
            turns[-1]["parts"] += parts
        else:
            turns.append({"role": content["role"], "parts": parts})
    for turn in turns:
        if turn["role"] == "user":
            turn["parts"].sort(key=lambda p: "functionResponse" not in p)
    config = {camel(k): v for k, v in body.get("generationConfig", {}).items()}
    if "thinkingConfig" in config:
        thinking = {camel(k): v for k, v in config["thinkingConfig"].items()}
        config["thinkingConfig"] = {k: v.upper() if k == "thinkingLevel" else v for k, v in thinking.items()}
    if "responseSchema" in config:
        config["responseJsonSchema"] = lower_types(config.pop("responseSchema"))
    return {**body, "contents": turns, **({"generationConfig": config} if "generationConfig" in body else {})}


def normal_part(part: dict[str, Any]) -> dict[str, Any]:
    part = {camel(k): v for k, v in part.items()}
    if "inlineData" in part:
        data = {camel(k): v for k, v in part["inlineData"].items()}
        part["inlineData"] = {**data, "data": data["data"].replace("-", "+").replace("_", "/")}
    if "fileData" in part:
        part["fileData"] = {camel(k): v for k, v in part["fileData"].items()}
    if "parts" in part.get("functionResponse", {}):
        part["functionResponse"]["parts"] = [normal_part(p) for p in part["functionResponse"]["parts"]]
    return part


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(r.capitalize() for r in rest)


def lower_types(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: v.lower() if k == "type" and isinstance(v, str) else lower_types(v) for k, v in schema.items()}
    return [lower_types(s) for s in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda p: p.file)
def test_a_bare_payload_is_read(payload: Payload) -> None:
    """Whole responses and chunks alike, also where the arguments of a call are streamed value by value."""
    body = payload.whole or payload.sse
    reply = PLUGIN.read_reply(body) if payload.whole else streamed(PLUGIN, body)
    assert_sums(reply, chunks_of(body), forgetful=False)
    assert reply.finish in (FinishReason.STOP, FinishReason.TOOL_CALLS)


def test_streamed_arguments_are_put_together() -> None:
    """`partialArgs` with paths, texts in several pieces, and no closing `{}` at the end of one recording."""
    by_name = {p.file: p for p in PAYLOADS}
    calls = streamed(PLUGIN, by_name["gemini/_google-stream-tool-call-arguments.chunks.txt"].sse).tool_calls
    assert [json.loads(c.arguments) for c in calls] == [{"location": "Boston"}, {"location": "San Francisco"}]
    cut = streamed(
        PLUGIN, by_name["gemini/_google-stream-tool-call-array-arguments-missing-terminal-function-call.chunks.txt"].sse
    )
    assert json.loads(cut.tool_calls[0].arguments)["operations"] == [
        {"action": "add", "description": "Fresh red apple", "itemid": "apple_001", "price": 0.5},
        {"action": "add", "description": "Ripe yellow banana", "itemid": "banana_001", "price": 0.3},
    ]
    no_args = streamed(PLUGIN, by_name["gemini/_google-stream-no-args-tool-call.chunks.txt"].sse).tool_calls
    assert [c.arguments for c in no_args] == ["{}", '{"id":"A"}', '{"id":"B"}', '{"id":"C"}']


@pytest.mark.parametrize(
    "marker, kind, wait_s",
    [
        ("model_name_suggestion", FailureClass.HARD_DOWN, None),
        ("raises_appropriate_auth_error", FailureClass.AUTH, None),
        ("ruby_llm__chat_real_error_scenarios_gemini", FailureClass.RATE_LIMIT, 48.0),
        ("ruby_llm__chat_real_error_scenarios_vertexai", FailureClass.CONTEXT_TOO_LONG, None),
        ("invalid_role", FailureClass.CLIENT_FAULT, None),
        ("invalid_temperature", FailureClass.CLIENT_FAULT, None),
        ("missing_model", FailureClass.HARD_DOWN, None),
        ("url-image-google_vertex", FailureClass.CLIENT_FAULT, None),
    ],
)
def test_a_recorded_error_gets_its_class(marker: str, kind: FailureClass, wait_s: float | None) -> None:
    """Each recorded error response, with Google's words and the wait it asks for."""
    [recorded] = [r for r in RECORDED if not r.ok and marker in r.file]
    failure = PLUGIN.classify(recorded.status, recorded.headers, recorded.body)
    assert (failure.kind, failure.retry_after_s) == (kind, wait_s)
    assert failure.message == json.loads(recorded.body)["error"]["message"]


def test_every_recorded_error_is_in_the_list_above() -> None:
    """So that a new recording is not passed over."""
    assert len([r for r in RECORDED if not r.ok]) == 8


def test_a_bare_429_asks_to_wait() -> None:
    """`RetryInfo` in the details counts where no header says how long."""
    [payload] = [p for p in payloads() if "429-retry-info" in p.file]
    failure = PLUGIN.classify(429, {}, payload.whole or b"")
    assert (failure.kind, failure.retry_after_s) == (FailureClass.RATE_LIMIT, 34.4)


def test_the_recorded_request_with_an_invalid_role_is_refused_by_name() -> None:
    """The message names the field and what stood there, as Google's did."""
    [recorded] = [r for r in RECORDED if "invalid_role" in r.file]
    with pytest.raises(ProviderError, match=r"contents\[0\]\.role: expected user or model, got invalid_role"):
        PLUGIN.read_request(recorded.request, recorded.path)

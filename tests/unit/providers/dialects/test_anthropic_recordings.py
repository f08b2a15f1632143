"""Every recorded exchange with Anthropic Messages, also through Bedrock's `invoke`, and every bare payload."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pointsman.core.chat import ChatReply, ChatRequest, FinishReason, Message, ToolCall
from pointsman.core.failure import FailureClass
from pointsman.providers.dialects.anthropic_messages import PLUGIN
from support.shared import needs_shared
from support.streams import deltas_in, pieces, plain, streamed
from support.wire import Payload, Recorded, interactions, payloads

pytestmark = needs_shared("data/wire")


def ours(recorded: Recorded) -> bool:
    """Bedrock's `converse` is another protocol; Claude 2 on `invoke` speaks text completions."""
    on_bedrock = "anthropic.claude" in recorded.path and recorded.path.endswith("/invoke") and "claude-v2" not in recorded.path
    return recorded.path == "/v1/messages" or on_bedrock


RECORDED = [r for r in interactions() if ours(r)]
GOOD = [r for r in RECORDED if r.ok]
STREAMS = [r for r in GOOD if r.streamed]
REQUESTS = [r for r in RECORDED if b"[TRUNCATED BY STAGING" not in r.request]
PAYLOADS = [p for p in payloads() if p.provider == "anthropic"]


def reply_of(recorded: Recorded) -> ChatReply:
    return streamed(PLUGIN, recorded.body) if recorded.streamed else PLUGIN.read_reply(recorded.body)


def events_of(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[5:]) for line in body.splitlines() if line.startswith(b"data:")]


def wire_usage_of(body: bytes, *, stream: bool) -> dict[str, Any]:
    """The last word on each count, by a second reading independent of ours."""
    if not stream:
        return json.loads(body)["usage"]
    usage: dict[str, Any] = {}
    for event in events_of(body):
        if event["type"] == "message_start":
            usage = dict(event["message"].get("usage") or {})
        usage |= {k: v for k, v in (event.get("usage") or {}).items() if v is not None}
    return usage


def assert_sums(reply: ChatReply, wire: dict[str, Any]) -> None:
    assert reply.usage is not None
    passes = [i for i in wire.get("iterations") or [] if i["type"] == "compaction"]
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    assert reply.usage.total_input_tokens == sum(u.get(n) or 0 for u in (wire, *passes) for n in names)
    assert reply.usage.total_output_tokens == sum(u["output_tokens"] for u in (wire, *passes))
    thinking = (wire.get("output_tokens_details") or {}).get("thinking_tokens")
    assert reply.usage.reasoning_tokens == thinking
    assert reply.usage.cache_read_tokens == wire.get("cache_read_input_tokens")


def test_the_recordings_are_all_there() -> None:
    """So that a renamed folder cannot make these tests pass on nothing."""
    assert (len(RECORDED), len(STREAMS), len(REQUESTS), len(PAYLOADS)) == (79, 15, 77, 50)


@pytest.mark.parametrize("recorded", GOOD, ids=lambda r: r.name)
def test_a_recorded_reply_is_read_into_text_calls_finish_and_usage(recorded: Recorded) -> None:
    """Text and calls equal those of an independent reading, and the counts sum to the provider's."""
    reply = reply_of(recorded)
    assert_sums(reply, wire_usage_of(recorded.body, stream=recorded.streamed))
    assert reply.finish in (FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.LENGTH)
    assert (reply.finish is FinishReason.TOOL_CALLS) == bool(reply.tool_calls)
    assert all(isinstance(json.loads(call.arguments), dict) for call in reply.tool_calls)
    if recorded.streamed:
        pieces_of_text = [
            e["delta"]["text"] for e in events_of(recorded.body) if (e.get("delta") or {}).get("type") == "text_delta"
        ]
        assert reply.text == "".join(pieces_of_text)
    else:
        content = json.loads(recorded.body)["content"]
        assert reply.text == "".join(b["text"] for b in content if b["type"] == "text")
        assert [c.name for c in reply.tool_calls] == [b["name"] for b in content if b["type"] == "tool_use"]
        assert [json.loads(c.arguments) for c in reply.tool_calls] == [b["input"] for b in content if b["type"] == "tool_use"]


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


@pytest.mark.parametrize("recorded", REQUESTS, ids=lambda r: r.name)
def test_a_recorded_request_is_written_back_with_the_same_meaning(recorded: Recorded) -> None:
    """Reading what we wrote gives the same request, nothing is lost, and the wire says the same."""
    request = PLUGIN.read_request(recorded.request, recorded.path)
    wire = PLUGIN.write_request(request)
    assert wire.losses == ()
    assert plain(PLUGIN.read_request(wire.body, "/v1/messages")) == plain(request)
    assert normal(json.loads(wire.body)) == normal(json.loads(recorded.request))


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """The request without what differs in spelling only: texts as blocks, defaults, retired names."""
    body.pop("model", None)
    if not body.get("stream"):
        body.pop("stream", None)
    if "output_format" in body:
        body["output_config"] = {"format": body.pop("output_format")}
    if isinstance(body.get("system"), str):
        body["system"] = [{"type": "text", "text": body["system"]}]
    turns: list[dict[str, Any]] = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        blocks = [normal_block(b) for b in blocks if b.get("text") != ""]
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": message["role"], "content": blocks})
    body["messages"] = turns
    for tool in body.get("tools", []):
        if tool.get("type") == "custom":
            del tool["type"]
    return body


def normal_block(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] == "tool_result":
        if isinstance(block.get("content"), str):
            block["content"] = [{"type": "text", "text": block["content"]}]
        if block.get("is_error") is False:
            del block["is_error"]
    return block


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda p: p.file)
def test_a_bare_payload_is_read(payload: Payload) -> None:
    """Whole messages and chunks alike, with counts that sum to the provider's."""
    body = payload.whole or payload.sse
    reply = PLUGIN.read_reply(body) if payload.whole else streamed(PLUGIN, body)
    assert_sums(reply, wire_usage_of(body, stream=not payload.whole))
    assert reply.finish is not FinishReason.UNKNOWN
    assert reply.id


@pytest.mark.parametrize("payload", [p for p in PAYLOADS if p.chunks], ids=lambda p: p.file)
def test_a_bare_stream_without_its_last_events_is_a_failure(payload: Payload) -> None:
    """A stream cut before the stop reason is never a whole answer."""
    cut = b"".join(b"data: " + c + b"\n\n" for c in payload.chunks if b"message_delta" not in c and b"message_stop" not in c)
    last = deltas_in(PLUGIN, [cut])[-1]
    assert last.failure.kind is FailureClass.TRANSIENT  # type: ignore[union-attr]  # it must be a Failed
    assert last.failure.phase == "body"  # type: ignore[union-attr]  # as above


@pytest.mark.parametrize(
    "marker, kind",
    [
        ("raises_appropriate_auth_error", FailureClass.AUTH),
        ("context_length_exceeded", FailureClass.CONTEXT_TOO_LONG),
        ("model_name_suggestion", FailureClass.HARD_DOWN),
        ("effort_xhigh_unsupported", FailureClass.CLIENT_FAULT),
    ],
)
def test_a_recorded_error_gets_its_class(marker: str, kind: FailureClass) -> None:
    """Each recorded error response, with the provider's words and request id kept."""
    [recorded] = [r for r in RECORDED if not r.ok and marker in r.file]
    failure = PLUGIN.classify(recorded.status, recorded.headers, recorded.body)
    assert failure.kind is kind
    assert failure.message == json.loads(recorded.body)["error"]["message"]
    assert failure.status == recorded.status
    assert failure.request_id


def test_every_recorded_error_is_in_the_list_above() -> None:
    """So that a new recording is not passed over."""
    assert len([r for r in RECORDED if not r.ok]) == 4


def test_a_repeated_message_start_changes_nothing() -> None:
    """Some proxies send it twice."""
    [payload] = [p for p in PAYLOADS if "duplicate-message-start" in p.file]
    reply = streamed(PLUGIN, payload.sse)
    assert reply.text == "Hello, World!"
    assert reply.id == "msg_dup"
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (17, 227)


def test_a_spliced_second_answer_voids_the_broken_off_first() -> None:
    """The half-written call of the first answer must not reach anyone who would make it."""
    [payload] = [p for p in PAYLOADS if "spliced-message-start" in p.file]
    reply = streamed(PLUGIN, payload.sse)
    assert reply.id == "msg_second"
    assert [(c.id, c.arguments) for c in reply.tool_calls] == [("toolu_second", '{"value":"Sparkle Day"}')]
    assert reply.reasoning == "Let me call the tool."


def test_hosted_tools_stay_in_their_place_in_the_history() -> None:
    """The search's own blocks are kept between the texts, and go back unchanged."""
    [payload] = [p for p in PAYLOADS if p.file.endswith("_anthropic-mcp.1.chunks.txt")]
    parts = streamed(PLUGIN, payload.sse).choices[0].parts
    assert [getattr(p, "kind", "text") for p in parts] == ["mcp_tool_use", "mcp_tool_result", "text"]
    assert json.loads(bytes(parts[0].raw))["input"] == {"message": "hello world"}  # type: ignore[union-attr]  # Opaque
    back = json.loads(PLUGIN.write_request(ChatRequest(model="m", messages=(Message(role="assistant", parts=parts),))).body)
    assert [b["type"] for b in back["messages"][0]["content"]] == ["mcp_tool_use", "mcp_tool_result", "text"]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    """`input_json_delta` with an empty text, in a real stream."""
    [payload] = [p for p in PAYLOADS if p.file.endswith("tool-no-args.chunks.txt")]
    assert [c.arguments for c in streamed(PLUGIN, payload.sse).tool_calls] == ["{}"]
    assert isinstance(streamed(PLUGIN, payload.sse).choices[0].parts[-1], ToolCall)

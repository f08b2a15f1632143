"""The traps of the Responses API, one by one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pointsman.core.chat import (
    CacheMark,
    ChatRequest,
    FinishReason,
    Message,
    Opaque,
    Reasoning,
    ReasoningSpec,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    user_says,
)
from pointsman.core.failure import FailureClass, ProviderError
from pointsman.core.usage import Usage
from pointsman.providers.dialects.openai_responses import PLUGIN
from support.dialect_recordings import read_stream

USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 17,
}
LEDGER = Usage(input_tokens=6, cache_read_tokens=4, output_tokens=2, reasoning_tokens=5)
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi"}],
}


def response(status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "model": "m",
        "status": status,
        "output": [SAID],
        "usage": USAGE,
        "error": None,
        **fields,
    }


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: " + e["type"].encode() + b"\ndata: " + json.dumps(e).encode() + b"\n\n" for e in events)


CREATED = {"type": "response.created", "response": response("in_progress", output=[], usage=None)}
TEXT = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}


def request_of(**fields: Any) -> ChatRequest:
    return PLUGIN.read_request(json.dumps({"model": "m", "input": "hi", **fields}).encode(), "/v1/responses")


def body_of(request: ChatRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PLUGIN.write_request(request).body)
    return found


def lost(request: ChatRequest) -> set[str]:
    return {loss.field for loss in PLUGIN.write_request(request).losses}


ASK = ChatRequest(model="m", messages=(user_says("hi"),))


# Ends


@pytest.mark.parametrize(
    "reason, finish",
    [("max_output_tokens", FinishReason.LENGTH), ("content_filter", FinishReason.CONTENT_FILTER), (None, FinishReason.UNKNOWN)],
)
def test_an_incomplete_response_has_its_reason_and_its_usage(reason: str | None, finish: FinishReason) -> None:
    """Whole and streamed: what was read and written was billed."""
    body = response("incomplete", incomplete_details={"reason": reason})
    reply = PLUGIN.read_reply(json.dumps(body).encode())
    assert (reply.finish, reply.usage) == (finish, LEDGER)
    reply, failure = read_stream(PLUGIN, sse(CREATED, TEXT, {"type": "response.incomplete", "response": body}))
    assert (reply.finish, reply.usage, failure) == (finish, LEDGER, None)


def test_a_failed_response_has_its_usage_too() -> None:
    """The stream reports both; the body alone raises what failed."""
    body = response("failed", error={"code": "rate_limit_exceeded", "message": "slow down"})
    reply, failure = read_stream(PLUGIN, sse(CREATED, TEXT, {"type": "response.failed", "response": body}))
    assert reply.usage == LEDGER
    assert failure is not None
    assert (failure.kind, failure.message, failure.phase) == (FailureClass.RATE_LIMIT, "slow down", "body")
    with pytest.raises(ProviderError) as caught:
        PLUGIN.read_reply(json.dumps(body).encode())
    assert caught.value.failure.kind is FailureClass.RATE_LIMIT


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "oops", "param": None},
        {"type": "error", "error": {"type": "server_error", "message": "oops"}},
    ],
)
def test_both_forms_of_the_error_event_are_seen(event: dict[str, Any]) -> None:
    """Flat and nested; and usage that a later `response.failed` brings still counts."""
    end = {"type": "response.failed", "response": response("failed", error={"code": "server_error", "message": "oops"})}
    reply, failure = read_stream(PLUGIN, sse(CREATED, TEXT, event, end))
    assert failure is not None
    assert (failure.kind, failure.message) == (FailureClass.TRANSIENT, "oops")
    assert (reply.text, reply.usage) == ("Hi", LEDGER)


def test_a_stream_without_its_last_event_was_cut() -> None:
    """Also if the item was finished, and if `[DONE]` was said."""
    done = {"type": "response.output_item.done", "output_index": 0, "item": SAID}
    failure = read_stream(PLUGIN, sse(CREATED, TEXT, done) + b"data: [DONE]\n\n")[1]
    assert failure is not None
    assert (failure.kind, failure.phase) == (FailureClass.TRANSIENT, "body")


def test_unknown_events_are_ignored() -> None:
    """New kinds appear all the time, with deltas of any shape."""
    news = {"type": "response.hologram.delta", "delta": {"x": 1}, "output_index": 3}
    assert read_stream(PLUGIN, sse(CREATED, news, TEXT, {"type": "response.completed", "response": response()}))[0].text == "Hi"


def test_a_response_that_only_ends_is_read_from_its_end() -> None:
    """A server that sends no pieces says everything in the last event."""
    call = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
    end = {"type": "response.completed", "response": response(output=[SAID, call])}
    reply, failure = read_stream(PLUGIN, sse(CREATED, end))
    assert failure is None
    assert (reply.text, reply.finish) == ("Hi", FinishReason.TOOL_CALLS)
    assert [(c.id, c.arguments) for c in reply.tool_calls] == [("c", '{"a":1}')]


def test_items_sent_whole_are_read_whole() -> None:
    """A call or message that comes without pieces is taken from its finished item, and not twice from pieces and item."""
    call = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
    done = [{"type": "response.output_item.done", "output_index": i, "item": item} for i, item in enumerate((SAID, call))]
    end = {"type": "response.completed", "response": response(output=[SAID, call])}
    for events in ((CREATED, *done, end), (CREATED, TEXT, *done, end)):
        reply = read_stream(PLUGIN, sse(*events))[0]
        assert (reply.text, [c.arguments for c in reply.tool_calls]) == ("Hi", ['{"a":1}'])


def test_parallel_calls_are_told_apart_by_their_place() -> None:
    """Pieces of two calls come mixed."""
    items = [{"type": "function_call", "id": f"fc{i}", "call_id": f"c{i}", "name": "f", "arguments": ""} for i in (0, 1)]
    added = [{"type": "response.output_item.added", "output_index": i, "item": item} for i, item in enumerate(items)]
    pieces = [
        {"type": "response.function_call_arguments.delta", "output_index": i, "delta": d}
        for i, d in ((0, '{"a"'), (1, '{"b"'), (0, ":1}"), (1, ":2}"))
    ]
    reply = read_stream(PLUGIN, sse(CREATED, *added, *pieces, {"type": "response.completed", "response": response(output=[])}))[0]
    assert [(c.id, c.arguments) for c in reply.tool_calls] == [("c0", '{"a":1}'), ("c1", '{"b":2}')]


def test_thoughts_in_several_summaries_have_an_empty_line_between() -> None:
    """Streamed as in the whole reply, and the encrypted rest comes with them."""
    summary = [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}]
    item = {"type": "reasoning", "id": "rs", "summary": summary, "encrypted_content": "zz"}
    whole = PLUGIN.read_reply(json.dumps(response(output=[item, SAID])).encode())
    assert whole.choices[0].parts[0] == Reasoning(text="one\n\ntwo", encrypted="zz", id="rs")
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs", "summary": []}},
        {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0, "part": {}},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "one"},
        {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 1, "part": {}},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 1, "delta": "two"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
    streamed = read_stream(PLUGIN, sse(CREATED, *events, {"type": "response.completed", "response": response()}))[0]
    assert streamed.choices[0].parts[0] == whole.choices[0].parts[0]


def test_log_probabilities_come_in_the_form_of_chat_completions() -> None:
    """And go back in this protocol's own."""
    token = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
    item = {**SAID, "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": [token]}]}
    reply = PLUGIN.read_reply(json.dumps(response(output=[item])).encode())
    assert json.loads(bytes(reply.choices[0].logprobs or b"null")) == {"content": [token]}
    (again,) = json.loads(PLUGIN.write_reply(reply, ASK).body)["output"]
    assert again["content"][0]["logprobs"] == [token]


# Requests


def test_a_conversation_is_read_by_turns_and_written_item_by_item() -> None:
    """Thoughts, text, calls and hosted items of one turn stand together; ids, phases and unknown fields stay."""
    items = [
        {"role": "user", "content": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "zz"},
        {**SAID, "phase": "commentary", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}", "namespace": "n"},
        {"type": "function_call_output", "call_id": "c", "output": "done"},
        {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
        {"role": "user", "content": [{"type": "input_text", "text": "y", "prompt_cache_breakpoint": {}}]},
    ]
    request = request_of(input=items)
    assert [m.role for m in request.messages] == ["user", "assistant", "tool", "tool", "user"]
    kinds = [type(p) for p in request.messages[1].parts]
    assert kinds == [Reasoning, Text, Opaque, ToolCall]
    wire = PLUGIN.write_request(request)
    assert json.loads(wire.body)["input"] == items
    assert wire.losses == ()


def test_instructions_are_the_system_message_at_the_front() -> None:
    """Both ways."""
    request = request_of(instructions="Be brief.")
    assert [(m.role, m.text) for m in request.messages] == [("system", "Be brief."), ("user", "hi")]
    assert body_of(request)["instructions"] == "Be brief."


def test_settings_of_this_protocol_alone_are_kept() -> None:
    """Also what stands beside our own fields inside `text`, `reasoning` and `include`."""
    body = {
        "model": "m",
        "input": [{"role": "user", "content": "hi"}],
        "store": False,
        "previous_response_id": "resp_0",
        "include": ["reasoning.encrypted_content"],
        "text": {"verbosity": "low", "format": {"type": "json_object"}},
        "reasoning": {"effort": "high", "summary": "detailed", "context": "x"},
        "tool_choice": {"type": "web_search_preview"},
        "tools": [{"type": "web_search_preview"}, {"type": "function", "name": "f", "defer_loading": True}],
    }
    request = PLUGIN.read_request(json.dumps(body).encode(), "")
    assert request.reasoning == ReasoningSpec(effort="high", show=True, summary="detailed")
    assert json.loads(PLUGIN.write_request(request).body) == body


def test_log_probabilities_have_to_be_included() -> None:
    """The number alone brings none."""
    body = body_of(msgspec.structs.replace(ASK, top_logprobs=2))
    assert (body["top_logprobs"], body["include"]) == (2, ["message.output_text.logprobs"])
    assert request_of(include=["message.output_text.logprobs"]).top_logprobs == 0


def test_a_function_from_elsewhere_is_not_strict_unless_it_says_so() -> None:
    """Here the default is strict; elsewhere it is not."""
    tool = Tool(name="f", parameters=msgspec.Raw(b"{}"))
    assert body_of(msgspec.structs.replace(ASK, tools=(tool,)))["tools"][0]["strict"] is False
    own = request_of(tools=[{"type": "function", "name": "f", "parameters": {}}])
    assert "strict" not in body_of(own)["tools"][0]


def test_foreign_thoughts_are_not_sent_back() -> None:
    """Only what this protocol's provider signed with an id or encrypted; the rest is named."""
    foreign = Message(role="assistant", parts=(Reasoning(text="hm", signature="anthropic"), Text(text="a")))
    request = msgspec.structs.replace(ASK, messages=(user_says("x"), foreign))
    assert lost(request) == {"messages[1].parts[0]"}
    assert "hm" not in json.dumps(body_of(request))


def test_what_the_protocol_cannot_say_is_named() -> None:
    """Sampling of other kinds, marks, failed tools, names."""
    request = ChatRequest(
        model="m",
        messages=(
            Message(role="user", name="bob", parts=(Text(text="x", cache=CacheMark()),)),
            Message(role="tool", parts=(ToolResult(call_id="c", parts=(Text(text="no"),), is_error=True),)),
        ),
        tool_choice=ToolChoice("required"),
        top_k=1,
        stop=("a",),
        seed=1,
        n=2,
        presence_penalty=0.1,
        frequency_penalty=0.1,
        modalities=("text", "audio"),
        reasoning=ReasoningSpec(budget_tokens=5),
    )
    assert lost(request) == {
        "messages[0].name", "messages[0].parts[0].cache", "messages[1].parts[0].is_error", "tool_choice", "top_k", "stop",
        "seed", "n", "presence_penalty", "frequency_penalty", "modalities", "reasoning.budget_tokens",
    }  # fmt: skip


@pytest.mark.parametrize(
    "fields, named",
    [
        ({"input": 5}, "input: expected"),
        ({"input": [5]}, "input[0]: expected object, got int"),
        ({"input": [{"role": "alien", "content": "x"}]}, "input[0].role: expected one of"),
        ({"input": [{"role": "user", "content": [5]}]}, "input[0].content[0]: expected object, got int"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id: required"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": 5}]}, "input[0].output: expected"),
        ({"tools": [{"type": "function"}]}, "tools[0].name: required"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type: expected"),
        ({"tool_choice": "maybe"}, "tool_choice: expected auto"),
        ({"reasoning": "high"}, "reasoning: expected"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], named: str) -> None:
    """Where it is, what was expected, and what stood there."""
    with pytest.raises(ProviderError) as caught:
        request_of(**fields)
    assert caught.value.failure.message.startswith(named)

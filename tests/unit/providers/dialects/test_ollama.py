"""The traps of Ollama's own API, one by one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pointsman.core.chat import (
    ChatRequest,
    Failed,
    Finished,
    FinishReason,
    Image,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningSpec,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolResult,
    user_says,
)
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.usage import Usage
from pointsman.providers.dialects.ollama import PLUGIN
from support.dialect_recordings import read_stream

ASK = ChatRequest(model="m", messages=(user_says("hi"),))


def lines(*objects: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({"model": "m", "created_at": "2026-01-01T00:00:00Z", **o}).encode() + b"\n" for o in objects)


def says(**message: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": "", **message}, "done": False}


END = {
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 3,
    "eval_count": 2,
}


def body_of(request: ChatRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PLUGIN.write_request(request).body)
    return found


def request_of(path: str = "/api/chat", **fields: Any) -> ChatRequest:
    return PLUGIN.read_request(json.dumps({"model": "m", **fields}).encode(), path)


def test_thoughts_text_and_calls_are_read() -> None:
    """A call has an object for arguments, no id in most versions, and the last line still says `stop`."""
    call = {"function": {"name": "f", "arguments": {"x": 1}}}
    reply, failure = read_stream(
        PLUGIN, lines(says(thinking="hm"), says(content="a"), says(tool_calls=[call]), says(tool_calls=[call]), END)
    )
    assert failure is None
    thought, text, first, second = reply.choices[0].parts
    assert (thought, text) == (Reasoning(text="hm"), Text(text="a"))
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert (first.name, first.arguments) == ("f", '{"x":1}')
    assert first.id != second.id
    assert reply.finish is FinishReason.TOOL_CALLS
    assert reply.usage == Usage(input_tokens=3, output_tokens=2)
    assert reply.created_s == 1_767_225_600.0


def test_a_whole_reply_is_the_same() -> None:
    """With its durations, which nothing else has, as extras."""
    body = {**END, "message": {"role": "assistant", "content": "a", "thinking": "hm"}, "total_duration": 5}
    reply = PLUGIN.read_reply(json.dumps(body).encode())
    assert reply.choices[0].parts == (Reasoning(text="hm"), Text(text="a"))
    assert bytes(reply.extra["total_duration"]) == b"5"


def test_generate_is_read_whole_and_in_lines() -> None:
    """`response` instead of `message`."""
    line = {"response": "a", "done": False}
    end = {"response": "", "done": True, "done_reason": "length", "eval_count": 2}
    reply = read_stream(PLUGIN, lines(line, {**line, "response": "b"}, end))[0]
    assert (reply.text, reply.finish) == ("ab", FinishReason.LENGTH)
    assert reply.usage == Usage(output_tokens=2)
    assert PLUGIN.read_reply(json.dumps({**end, "response": "x"}).encode()).text == "x"


def test_a_prompt_that_was_cached_has_no_count() -> None:
    """Ollama leaves it out; that is unknown and not zero."""
    usage = PLUGIN.read_reply(json.dumps({**END, "prompt_eval_count": None}).encode()).usage
    assert usage is not None
    assert usage.total_input_tokens is None


def test_an_error_line_ends_the_stream() -> None:
    """Words alone, with status 200."""
    reply, failure = read_stream(PLUGIN, lines(says(content="a")) + b'{"error":"model runner has unexpectedly stopped"}\n')
    assert reply.text == "a"
    assert failure is not None
    assert (failure.kind, failure.message) == (FailureClass.TRANSIENT, "model runner has unexpectedly stopped")
    assert PLUGIN.classify(404, {}, b'{"error":"model \\"x\\" not found, try pulling it first"}').kind is FailureClass.HARD_DOWN


def test_a_stream_that_is_not_done_was_cut() -> None:
    """A last line without `done` is not the last."""
    failure = read_stream(PLUGIN, lines(says(content="a")))[1]
    assert failure is not None
    assert failure.kind is FailureClass.TRANSIENT


def test_a_request_streams_unless_told_otherwise() -> None:
    """So we always say."""
    assert request_of(messages=[]).stream is True
    assert request_of(messages=[], stream=False).stream is False
    assert body_of(ASK)["stream"] is False


def test_settings_go_into_options() -> None:
    """Those of ours under Ollama's names, those of its own untouched; no limit is written as -1 there."""
    request = request_of(messages=[], options={"num_predict": 9, "top_k": 5, "num_ctx": 4096}, keep_alive="5m")
    assert (request.max_output_tokens, request.top_k) == (9, 5)
    body = body_of(request)
    assert body["options"] == {"num_ctx": 4096, "num_predict": 9, "top_k": 5}
    assert body["keep_alive"] == "5m"
    assert request_of(messages=[], options={"num_predict": -1}).max_output_tokens is None


@pytest.mark.parametrize("think, effort, shown", [(True, None, True), (False, "none", None), ("high", "high", True)])
def test_thinking_is_a_switch_or_a_word(think: object, effort: str | None, shown: bool | None) -> None:
    """Both ways."""
    request = request_of(messages=[], think=think)
    assert request.reasoning == ReasoningSpec(effort=effort, show=shown)  # type: ignore[arg-type]  # parametrised words
    assert body_of(request)["think"] == think


def test_formats_of_the_answer() -> None:
    """`json`, a schema itself, and an empty string for none."""
    assert request_of(messages=[], format="json").output == OutputFormat(kind="json")
    assert request_of(messages=[], format="").output is None
    request = request_of(messages=[], format={"type": "object"})
    assert body_of(request)["format"] == {"type": "object"}


def test_results_are_told_by_name_or_order() -> None:
    """Without ids, a result belongs to the first waiting call of its name."""
    calls = [{"function": {"name": n, "arguments": {}}} for n in ("f", "g", "f")]
    messages = [
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "tool_name": "g", "content": "1"},
        {"role": "tool", "tool_name": "f", "content": "2"},
        {"role": "tool", "content": "3"},
    ]
    request = request_of(messages=messages)
    made = [p.id for p in request.messages[0].parts if isinstance(p, ToolCall)]
    results = [p.call_id for m in request.messages[1:] for p in m.parts if isinstance(p, ToolResult)]
    assert results == [made[1], made[0], made[2]]
    assert [m.get("tool_name") for m in body_of(request)["messages"][1:]] == ["g", "f", "f"]


def test_arguments_that_are_no_object_are_named() -> None:
    """A broken call cannot be sent back as it was."""
    broken = Message(role="assistant", parts=(ToolCall(id="c", name="f", arguments='{"x": [1'),))
    wire = PLUGIN.write_request(msgspec.structs.replace(ASK, messages=(user_says("x"), broken)))
    assert [loss.field for loss in wire.losses] == ["messages[1].arguments"]
    assert json.loads(wire.body)["messages"][1]["tool_calls"][0]["function"]["arguments"] == {}


def test_pictures_go_by_value_alone() -> None:
    """An address is named as lost."""
    parts = (Text(text="x"), Image(media=Media(data="iVBO")), Image(media=Media(url="https://e.com/a.png")))
    wire = PLUGIN.write_request(msgspec.structs.replace(ASK, messages=(Message(role="user", parts=parts),)))
    assert json.loads(wire.body)["messages"][0]["images"] == ["iVBO"]
    assert [loss.field for loss in wire.losses] == ["messages[0].parts[2]"]


def test_a_generate_client_is_answered_as_one() -> None:
    """Whole and in lines, `response` and no message; upstream it is a chat all the same."""
    request = request_of("/api/generate", prompt="hi", system="be brief")
    assert [(m.role, m.text) for m in request.messages] == [("system", "be brief"), ("user", "hi")]
    wire = PLUGIN.write_request(request)
    assert (wire.path, "prompt" in json.loads(wire.body)) == ("/api/chat", False)
    writer = PLUGIN.stream_writer(request)
    body = writer.feed(TextDelta("a")) + writer.feed(Finished(reason=FinishReason.STOP)) + writer.close()
    assert [json.loads(line)["response"] for line in body.splitlines()] == ["a", ""]
    reply = read_stream(PLUGIN, body)[0]
    assert json.loads(PLUGIN.write_reply(reply, request).body)["response"] == "a"


def test_a_call_is_written_whole() -> None:
    """Its pieces wait until the next thing is said; the protocol has no pieces of calls."""
    writer = PLUGIN.stream_writer(ASK)
    started = ToolCallStarted(index=0, id="c", name="f")
    held = (
        writer.feed(started)
        + writer.feed(ToolCallDelta(index=0, arguments='{"x"'))
        + writer.feed(ToolCallDelta(index=0, arguments=":1}"))
    )
    assert held == b""
    (line,) = writer.feed(Finished(reason=FinishReason.TOOL_CALLS)).splitlines()
    assert json.loads(line)["message"]["tool_calls"] == [{"id": "c", "function": {"name": "f", "arguments": {"x": 1}}}]


def test_after_a_failure_nothing_is_done() -> None:
    """No line says `done`."""
    writer = PLUGIN.stream_writer(ASK)
    body = (
        writer.feed(TextDelta("a")) + writer.feed(Failed(Failure(kind=FailureClass.TRANSIENT, message="gone"))) + writer.close()
    )
    assert b'"done":true' not in body
    assert json.loads(body.splitlines()[-1])["error"] == "gone"


@pytest.mark.parametrize(
    "fields, named",
    [
        ({}, "messages: required"),
        ({"messages": [{"role": "alien"}]}, "messages[0].role: expected one of"),
        ({"messages": [], "options": 5}, "options: expected object, got int"),
        ({"messages": [], "options": {"temperature": "hot"}}, "options.temperature: expected"),
        ({"messages": [], "format": "xml"}, "format: expected json"),
        ({"messages": [], "think": "maybe"}, "think: expected true"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], named: str) -> None:
    """Where it is and what was expected."""
    with pytest.raises(ProviderError) as caught:
        request_of(**fields)
    assert caught.value.failure.message.startswith(named)

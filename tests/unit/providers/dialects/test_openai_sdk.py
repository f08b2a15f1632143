"""The official SDK as judge of what we write: every reply, stream and error of ours must pass its types."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from pointsman.core.chat import (
    ChatReply,
    ChatRequest,
    Choice,
    Failed,
    FinishReason,
    Reasoning,
    Refusal,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    user_says,
)
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.usage import Usage
from pointsman.providers.assemble import deltas_of
from pointsman.providers.dialect import DIALECTS

CHAT, RESPONSES = DIALECTS.load("openai_chat"), DIALECTS.load("openai_responses")
REQUEST = ChatRequest(
    model="gpt-x",
    messages=(user_says("hi"),),
    tools=(Tool(name="f", parameters=msgspec.Raw(b'{"type":"object","properties":{}}'), strict=False),),
    stream_usage=True,
)
REPLY = ChatReply(
    id="r-1",
    model="gpt-x-1",
    created_s=1_780_000_000.0,
    choices=(
        Choice(
            parts=(
                Reasoning(text="hm", encrypted="ZW5j"),
                Text(text="Hello 😀"),
                ToolCall(id="c1", name="f", arguments='{"a":1}'),
                ToolCall(id="c2", name="f", arguments="{}"),
            ),
            finish=FinishReason.TOOL_CALLS,
        ),
    ),
    usage=Usage(input_tokens=5, cache_read_tokens=2, output_tokens=3, reasoning_tokens=4),
)
REFUSED = ChatReply(id="r-2", model="m", choices=(Choice(parts=(Refusal(text="No."),), finish=FinishReason.REFUSAL),))
LONG = ChatReply(id="r-3", model="m", choices=(Choice(parts=(Text(text="a"),), finish=FinishReason.LENGTH),))
EMPTY = ChatReply(choices=(Choice(parts=(), finish=FinishReason.STOP),))
REPLIES = pytest.mark.parametrize("reply", [REPLY, REFUSED, LONG, EMPTY], ids=["calls", "refusal", "length", "empty"])


def client_of(status: int, body: bytes, headers: dict[str, str]) -> openai.OpenAI:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body, headers=headers))
    return openai.OpenAI(api_key="none", base_url="http://test/v1", http_client=httpx2.Client(transport=transport), max_retries=0)


def stream_of(dialect: Any, reply: ChatReply) -> bytes:
    writer = dialect.stream_writer(REQUEST)
    return b"".join([*(writer.feed(d) for d in deltas_of(reply)), writer.close()])


def events_in(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: ") and line != b"data: [DONE]"]


@REPLIES
def test_a_chat_completion_is_valid(reply: ChatReply) -> None:
    """Strictly, by the SDK's own model, not only by its lenient reader."""
    body = CHAT.write_reply(reply, REQUEST).body
    found = ChatCompletion.model_validate(json.loads(body), strict=True)
    assert found.choices[0].finish_reason in ("stop", "length", "tool_calls")


@REPLIES
def test_chat_chunks_are_valid(reply: ChatReply) -> None:
    """Every chunk passes; the first has the role, the last the usage that was asked for."""
    chunks = [ChatCompletionChunk.model_validate(e, strict=True) for e in events_in(stream_of(CHAT, reply))]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert (chunks[-1].usage is not None) is (reply.usage is not None)


def test_the_sdk_puts_a_chat_stream_together() -> None:
    """Its accumulator finds the text, both calls and the usage."""
    client = client_of(200, stream_of(CHAT, REPLY), {"content-type": "text/event-stream"})
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}]) as stream:
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Hello 😀"
    assert [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []] == [
        ("c1", "f", '{"a":1}'),
        ("c2", "f", "{}"),
    ]
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.usage is not None
    assert (final.usage.prompt_tokens, final.usage.completion_tokens, final.usage.total_tokens) == (7, 7, 14)
    assert final.usage.prompt_tokens_details is not None
    assert final.usage.prompt_tokens_details.cached_tokens == 2


def test_usage_is_left_out_of_a_stream_that_did_not_ask() -> None:
    """A client that never asked must not meet a chunk without choices."""
    writer = CHAT.stream_writer(msgspec.structs.replace(REQUEST, stream_usage=False))
    body = b"".join([*(writer.feed(d) for d in deltas_of(REPLY)), writer.close()])
    assert all(e["choices"] for e in events_in(body))


def test_the_sdk_raises_the_error_inside_a_chat_stream() -> None:
    """The half answer arrives, then the error; no `[DONE]` follows."""
    writer = CHAT.stream_writer(REQUEST)
    body = (
        writer.feed(TextDelta("Hel")) + writer.feed(Failed(Failure(kind=FailureClass.TRANSIENT, message="gone"))) + writer.close()
    )
    client = client_of(200, body, {"content-type": "text/event-stream"})
    seen: list[str] = []
    with pytest.raises(openai.APIError, match="gone"):
        seen += (
            c.choices[0].delta.content or ""
            for c in client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
        )
    assert b"[DONE]" not in body


@REPLIES
def test_a_response_is_valid(reply: ChatReply) -> None:
    """Strictly, by the SDK's own model."""
    found = Response.model_validate(json.loads(RESPONSES.write_reply(reply, REQUEST).body))
    assert found.status == ("incomplete" if reply is LONG else "completed")
    assert found.output_text == reply.text


@REPLIES
def test_response_events_are_valid_and_numbered(reply: ChatReply) -> None:
    """Each event passes the SDK's union, numbers count from 0, and each item is opened and closed once."""
    events = events_in(stream_of(RESPONSES, reply))
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    kinds = [adapter.validate_python(e).type for e in events]
    assert [e["sequence_number"] for e in events] == list(range(len(events)))
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == ("response.incomplete" if reply is LONG else "response.completed")
    assert (
        kinds.count("response.output_item.added")
        == kinds.count("response.output_item.done")
        == len(events[-1]["response"]["output"])
    )
    assert kinds.count("response.content_part.added") == kinds.count("response.content_part.done")


def test_the_sdk_puts_a_response_stream_together() -> None:
    """Its accumulator follows every event by index and ends with text, both calls and the usage."""
    client = client_of(200, stream_of(RESPONSES, REPLY), {"content-type": "text/event-stream"})
    with client.responses.stream(model="m", input="hi") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert "response.output_text.delta" in kinds
    assert final.output_text == "Hello 😀"
    assert [i.arguments for i in final.output if i.type == "function_call"] == ['{"a":1}', "{}"]
    assert final.usage is not None
    assert (final.usage.input_tokens, final.usage.output_tokens) == (7, 7)


def test_the_sdk_sees_a_failed_response() -> None:
    """A failure inside the stream is the protocol's own `response.failed`, with the usage so far."""
    writer = RESPONSES.stream_writer(REQUEST)
    body = b"".join(
        [
            writer.feed(TextDelta("Hel")),
            writer.feed(Failed(Failure(kind=FailureClass.RATE_LIMIT, message="slow"))),
            writer.close(),
        ]
    )
    client = client_of(200, body, {"content-type": "text/event-stream"})
    last = list(client.responses.create(model="m", input="hi", stream=True))[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert (last.response.error.code, last.response.error.message) == ("rate_limit_exceeded", "slow")


ERRORS = {
    FailureClass.CLIENT_FAULT: openai.BadRequestError,
    FailureClass.CONTEXT_TOO_LONG: openai.BadRequestError,
    FailureClass.CONTENT_POLICY: openai.BadRequestError,
    FailureClass.AUTH: openai.AuthenticationError,
    FailureClass.HARD_DOWN: openai.NotFoundError,
    FailureClass.RATE_LIMIT: openai.RateLimitError,
    FailureClass.QUOTA: openai.RateLimitError,
    FailureClass.TRANSIENT: openai.InternalServerError,
    FailureClass.TIMEOUT: openai.InternalServerError,
    FailureClass.MALFORMED: openai.InternalServerError,
}


@pytest.mark.parametrize("kind", list(FailureClass))
def test_the_sdk_raises_its_own_error_for_ours(kind: FailureClass) -> None:
    """Each class becomes the exception a user of the SDK already handles, with message and code."""
    wire = CHAT.write_failure(Failure(kind=kind, message="stop: it"))
    with pytest.raises(ERRORS[kind]) as caught:
        client_of(wire.status, wire.body, wire.headers).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}]
        )
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"] == "stop: it"
    assert caught.value.code


def test_a_spent_quota_tells_the_sdk_not_to_retry() -> None:
    """Otherwise it would try a 429 again, which costs time and nothing else."""
    assert CHAT.write_failure(Failure(kind=FailureClass.QUOTA, message="x")).headers["x-should-retry"] == "false"


def sent_by(call: str, **arguments: Any) -> tuple[bytes, str]:
    """What the SDK puts on the wire."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(400, json={"error": {"message": "enough"}})

    client = openai.OpenAI(
        api_key="none",
        base_url="http://test/v1",
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
        max_retries=0,
    )
    create = client.chat.completions.create if call == "chat" else client.responses.create
    with pytest.raises(openai.BadRequestError):
        create(**arguments)
    return seen[0].content, seen[0].url.path


def test_what_the_sdk_sends_is_read() -> None:
    """Requests of both kinds, as the SDK writes them."""
    body, path = sent_by(
        "chat",
        model="m",
        messages=[{"role": "developer", "content": "be brief"}, {"role": "user", "content": "hi"}],
        max_completion_tokens=5,
        stop=["a"],
        reasoning_effort="low",
        response_format={"type": "json_object"},
    )
    request = CHAT.read_request(body, path)
    assert [m.role for m in request.messages] == ["developer", "user"]
    assert (request.max_output_tokens, request.stop) == (5, ("a",))
    body, path = sent_by("responses", model="m", input="hi", instructions="be brief", max_output_tokens=5, store=False)
    request = RESPONSES.read_request(body, path)
    assert [(m.role, m.text) for m in request.messages] == [("system", "be brief"), ("user", "hi")]
    assert bytes(request.extra["store"]) == b"false"

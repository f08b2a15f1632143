"""The official `anthropic` client is content with what we serve, and we with what it sends."""

from __future__ import annotations

import anthropic
import httpx2
import pytest

from pointsman.core.chat import ChatReply, ChatRequest, Choice, FinishReason, Reasoning, Refusal, Text, ToolCall, ToolChoice
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.usage import Usage
from pointsman.providers.assemble import deltas_of
from pointsman.providers.dialects.anthropic_messages import PLUGIN
from support.streams import written

REPLY = ChatReply(
    id="msg_1",
    model="claude-x",
    choices=(
        Choice(
            parts=(
                Reasoning(text="hm", signature="c2ln"),
                Text(text="hi"),
                ToolCall(id="t1", name="f", arguments='{"a": 1}'),
                ToolCall(id="t2", name="g", arguments="{}"),
            ),
            finish=FinishReason.TOOL_CALLS,
        ),
    ),
    usage=Usage(input_tokens=3, cache_read_tokens=2, output_tokens=5, reasoning_tokens=4),
)


def client(reply: ChatReply | Failure, asked: list[ChatRequest]) -> anthropic.Anthropic:
    def serve(wire: httpx2.Request) -> httpx2.Response:
        request = PLUGIN.read_request(wire.content, wire.url.raw_path.decode())
        asked.append(request)
        if isinstance(reply, ChatReply) and request.stream:
            body = written(PLUGIN, deltas_of(reply), request)
            return httpx2.Response(200, headers={"content-type": PLUGIN.stream_content_type}, content=body)
        made = PLUGIN.write_failure(reply) if isinstance(reply, Failure) else PLUGIN.write_reply(reply, request)
        return httpx2.Response(made.status, headers=made.headers, content=made.body)

    transport = httpx2.MockTransport(serve)
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def check(message: anthropic.types.Message) -> None:
    assert [b.type for b in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert (message.content[2].input, message.content[3].input) == ({"a": 1}, {})
    assert (message.id, message.model, message.stop_reason) == ("msg_1", "claude-x", "tool_use")
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens) == (3, 2, 9)


def test_a_message_whole_and_streamed() -> None:
    """Content, ids, stop reason and usage arrive as typed objects."""
    asked: list[ChatRequest] = []
    sdk = client(REPLY, asked)
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    ask = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "x"}], "tools": tools}
    check(sdk.messages.create(**ask, tool_choice={"type": "any", "disable_parallel_tool_use": True}))
    with sdk.messages.stream(**ask) as stream:
        check(stream.get_final_message())
    assert [r.stream for r in asked] == [False, True]
    assert (asked[0].tool_choice, asked[0].parallel_tool_calls) == (ToolChoice("required"), False)


def test_a_refusal() -> None:
    """Its words are where the client looks for them."""
    parts = (Refusal(text="I will not."),)
    reply = ChatReply(choices=(Choice(parts=parts, finish=FinishReason.REFUSAL),))
    message = client(reply, []).messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])
    assert message.stop_details is not None
    assert (message.stop_reason, message.stop_details.explanation) == ("refusal", "I will not.")


@pytest.mark.parametrize(
    "kind, error",
    [
        (FailureClass.RATE_LIMIT, anthropic.RateLimitError),
        (FailureClass.AUTH, anthropic.AuthenticationError),
        (FailureClass.CLIENT_FAULT, anthropic.BadRequestError),
        (FailureClass.HARD_DOWN, anthropic.NotFoundError),
        (FailureClass.TRANSIENT, anthropic.InternalServerError),
        (FailureClass.QUOTA, anthropic.APIStatusError),
    ],
)
def test_failures_are_the_clients_own_errors(kind: FailureClass, error: type[anthropic.APIStatusError]) -> None:
    """With our words in them."""
    with pytest.raises(error, match="because"):
        client(Failure(kind=kind, message="because"), []).messages.create(
            model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]
        )

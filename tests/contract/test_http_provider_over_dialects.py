"""The HTTP provider over every dialect: what a server says in that protocol arrives whole, streamed or not."""

import asyncio

import msgspec
import pytest

from pointsman.core.chat import ChatReply, ChatRequest, Choice, FinishReason, Text, ToolCall, user_says
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.usage import Usage
from pointsman.core.variant import Variant
from pointsman.providers.assemble import deltas_of
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.endpoint import Endpoint
from pointsman.providers.http import HttpProvider
from pointsman.providers.keys import KeyRing
from pointsman.providers.provider import Call
from pointsman.providers.retry import RetryPolicy
from pointsman.providers.secret import Secret
from pointsman.providers.transport import Transport
from support.raw_server import RawServer, chunk, reply, sse_head

REPLY = ChatReply(
    id="r-1",
    model="m-2026",
    created_s=1.0,
    choices=(
        Choice(
            parts=(Text(text="Grüße, 世界"), ToolCall(id="call_1", name="look_up", arguments='{"city":"Paris"}')),
            finish=FinishReason.TOOL_CALLS,
            finish_raw=None,
        ),
    ),
    usage=Usage(input_tokens=11, output_tokens=5),
)


def _answer(dialect, request, handler):
    async def main():
        async with RawServer(handler) as server, Transport() as transport:
            provider = HttpProvider(
                Variant(provider="x", model="m"),
                Endpoint(provider="x", dialect=dialect.name, base_url=server.url),
                dialect,
                transport,
                keys=KeyRing([Secret("k1")]),
                policy=RetryPolicy(max_attempts=1),
            )
            return await provider.answer(Call(request=request)), server.requests[0]

    return asyncio.run(main())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", DIALECTS.names())
def test_text_tool_calls_finish_and_usage_arrive(name, stream):
    dialect = DIALECTS.load(name)
    request = ChatRequest(model="m", messages=(user_says("Hi"),), stream=stream)

    async def handler(_request, writer):
        if not stream:
            wire = dialect.write_reply(REPLY, request)
            writer.write(reply(wire.status, "application/json", wire.body))
            return
        out = dialect.stream_writer(msgspec.structs.replace(request, stream_usage=True))
        writer.write(sse_head().replace(b"text/event-stream", dialect.stream_content_type.encode()))
        for piece in (*map(out.feed, deltas_of(REPLY)), out.close()):
            if piece:
                writer.write(chunk(piece))
        writer.write(chunk(b""))

    answer, sent = _answer(dialect, request, handler)
    assert answer.exchange.failure is None
    assert answer.reply.text == "Grüße, 世界"
    assert [(c.name, msgspec.json.decode(c.arguments)) for c in answer.reply.tool_calls] == [("look_up", {"city": "Paris"})]
    assert answer.exchange.finish is FinishReason.TOOL_CALLS
    usage = answer.exchange.usage
    assert (usage.total_input_tokens, usage.total_output_tokens, usage.source) == (11, 5, "provider")
    assert (answer.exchange.ttft_s is not None) == stream
    assert any("k1" in value for value in sent.headers.values())


@pytest.mark.parametrize("kind", [FailureClass.RATE_LIMIT, FailureClass.TRANSIENT, FailureClass.AUTH, FailureClass.CLIENT_FAULT])
@pytest.mark.parametrize("name", DIALECTS.names())
def test_a_failure_keeps_its_class_and_its_wish_to_wait(name, kind):
    dialect = DIALECTS.load(name)
    wire = dialect.write_failure(Failure(kind=kind, message="no", retry_after_s=3.0 if kind is FailureClass.RATE_LIMIT else None))

    async def handler(_request, writer):
        writer.write(reply(wire.status, "application/json", wire.body, wire.headers))

    answer, _ = _answer(dialect, ChatRequest(model="m", messages=(user_says("Hi"),)), handler)
    assert answer.exchange.failure.kind is kind
    if kind is FailureClass.RATE_LIMIT:
        assert answer.exchange.failure.retry_after_s == 3.0

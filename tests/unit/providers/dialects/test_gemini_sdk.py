"""The official `google-genai` client is content with what we serve, and we with what it sends."""

from __future__ import annotations

import json

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from pointsman.core.chat import ChatReply, ChatRequest, Choice, FinishReason, Reasoning, Text, ToolCall
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.usage import Usage
from pointsman.providers.assemble import deltas_of
from pointsman.providers.dialects.gemini import PLUGIN
from support.streams import written

REPLY = ChatReply(
    id="r1",
    model="gemini-x",
    choices=(
        Choice(
            parts=(
                Reasoning(text="hm"),
                Text(text="hi"),
                ToolCall(id="t1", name="f", arguments='{"a": 1}', signature="c2ln"),
                ToolCall(id="t2", name="g", arguments="{}"),
            ),
            finish=FinishReason.TOOL_CALLS,
        ),
    ),
    usage=Usage(input_tokens=3, cache_read_tokens=2, output_tokens=5, reasoning_tokens=4),
)


def client(reply: ChatReply | Failure, asked: list[ChatRequest]) -> genai.Client:
    def serve(wire: httpx2.Request) -> httpx2.Response:
        request = PLUGIN.read_request(wire.content, wire.url.raw_path.decode())
        asked.append(request)
        if isinstance(reply, ChatReply) and request.stream:
            body = written(PLUGIN, deltas_of(reply), request)
            return httpx2.Response(200, headers={"content-type": PLUGIN.stream_content_type}, content=body)
        made = PLUGIN.write_failure(reply) if isinstance(reply, Failure) else PLUGIN.write_reply(reply, request)
        return httpx2.Response(made.status, headers=made.headers, content=made.body)

    transport = httpx2.Client(transport=httpx2.MockTransport(serve))
    return genai.Client(api_key="k", http_options=types.HttpOptions(httpx_client=transport))


def test_a_response_whole() -> None:
    """Parts, calls with their signature, finish reason and usage arrive as typed objects."""
    asked: list[ChatRequest] = []
    parameters = types.Schema(type="OBJECT", properties={"a": types.Schema(type="INTEGER", nullable=True)})
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(name="f", parameters=parameters)])
    config = types.GenerateContentConfig(temperature=0.5, tools=[tool], system_instruction="s", stop_sequences=["x"])
    found = client(REPLY, asked).models.generate_content(model="gemini-x", contents="hi", config=config)
    assert found.candidates is not None
    [thought, text, call, other] = found.candidates[0].content.parts
    assert (thought.thought, thought.text, text.text) == (True, "hm", "hi")
    assert (call.function_call.id, call.function_call.args, call.thought_signature) == ("t1", {"a": 1}, b"sig")
    assert other.function_call.name == "g"
    assert found.candidates[0].finish_reason is types.FinishReason.STOP
    assert found.usage_metadata is not None
    assert (found.usage_metadata.prompt_token_count, found.usage_metadata.total_token_count) == (5, 14)
    [request] = asked
    assert (request.model, request.temperature, request.stop, request.messages[0].text) == ("gemini-x", 0.5, ("x",), "s")
    assert json.loads(bytes(request.tools[0].parameters or b""))["properties"] == {"a": {"type": ["integer", "null"]}}


def test_a_response_streamed() -> None:
    """Chunk by chunk, with finish and usage in the last."""
    asked: list[ChatRequest] = []
    found = list(client(REPLY, asked).models.generate_content_stream(model="gemini-x", contents="hi"))
    assert [r.stream for r in asked] == [True]
    assert "".join(p.text or "" for c in found for p in c.candidates[0].content.parts if not p.thought) == "hi"
    assert [call.name for c in found for call in c.function_calls or ()] == ["f", "g"]
    assert found[-1].candidates[0].finish_reason is types.FinishReason.STOP
    assert found[-1].usage_metadata.total_token_count == 14


@pytest.mark.parametrize(
    "kind, error", [(FailureClass.RATE_LIMIT, errors.ClientError), (FailureClass.TRANSIENT, errors.ServerError)]
)
def test_failures_are_the_clients_own_errors(kind: FailureClass, error: type[errors.APIError]) -> None:
    """With our words in them."""
    with pytest.raises(error, match="because"):
        client(Failure(kind=kind, message="because"), []).models.generate_content(model="m", contents="hi")

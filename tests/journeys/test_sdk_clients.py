"""The official SDKs talk to `pointsman scripted` as they talk to the real thing."""

import asyncio
import base64
import json
import struct

import anthropic
import openai
import pydantic
import pytest
from google import genai
from google.genai import errors as genai_errors
from google.genai import types

from support.scripted_server import scripted_server

QUESTION = "What is the weather in Paris?"
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
TIME = {"type": "object", "properties": {"hour": {"type": "integer", "minimum": 0, "maximum": 23}}, "required": ["hour"]}


class Report(pydantic.BaseModel):
    """What structured output is asked for."""

    city: str
    degrees: int
    tags: list[str]


@pytest.fixture(scope="module")
def server():
    """One real server for all clients."""
    with scripted_server(seed=3) as running:
        yield running


@pytest.fixture(scope="module")
def openai_client(server):
    with openai.OpenAI(base_url=server.openai_url, api_key="sk-test", max_retries=0, timeout=5) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic_client(server):
    with anthropic.Anthropic(base_url=server.base_url, api_key="sk-test", max_retries=0, timeout=5) as client:
        yield client


@pytest.fixture(scope="module")
def gemini_client(server):
    with genai.Client(api_key="test", http_options=types.HttpOptions(base_url=server.base_url, timeout=5000)) as client:
        yield client


def faulty(fault):
    """The header that asks for a fault."""
    return {"x-scripted-fault": fault}


def two_calls():
    """The header that asks for parallel tool calls."""
    return {"x-scripted-tool-calls": "2"}


def first_time():
    """The header that asks for the same sample again (the SDK knows no temperature)."""
    return {"x-scripted-repeat": "0"}


def check_weather(arguments):
    """Arguments that the tool's schema accepts."""
    assert set(arguments) == {"city", "unit"}
    assert isinstance(arguments["city"], str)
    assert arguments["unit"] in ("celsius", "fahrenheit")


# OpenAI, Chat Completions

USER = [{"role": "user", "content": QUESTION}]
OPENAI_TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "time", "parameters": TIME}},
]


def test_openai_chat(openai_client):
    """A whole answer with its usage and request id."""
    reply = openai_client.chat.completions.create(model="gpt-x", messages=USER, temperature=0)
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert reply._request_id.startswith("req_")


def test_openai_chat_streams_the_same(openai_client):
    """Token by token, with usage at the end if asked for and none if not."""
    whole = openai_client.chat.completions.create(model="gpt-x", messages=USER, temperature=0)
    asked = {"model": "gpt-x", "messages": USER, "temperature": 0, "stream": True}
    events = list(openai_client.chat.completions.create(**asked, stream_options={"include_usage": True}))
    assert "".join(c.delta.content or "" for e in events for c in e.choices) == whole.choices[0].message.content
    assert len(events) > 10
    assert events[-1].usage == whole.usage
    assert all(e.usage is None for e in openai_client.chat.completions.create(**asked))


def test_openai_chat_calls_tools_and_takes_their_results(openai_client):
    """One call, then two at once; with their results it answers in words."""
    named = {"type": "function", "function": {"name": "weather"}}
    reply = openai_client.chat.completions.create(model="g", messages=USER, tools=OPENAI_TOOLS, tool_choice=named)
    (call,) = reply.choices[0].message.tool_calls
    check_weather(json.loads(call.function.arguments))
    both = openai_client.chat.completions.create(model="g", messages=USER, tools=OPENAI_TOOLS, extra_headers=two_calls())
    calls = both.choices[0].message.tool_calls
    assert sorted(c.function.name for c in calls) == ["time", "weather"]
    assert len({c.id for c in calls}) == 2
    assert both.choices[0].finish_reason == "tool_calls"
    results = [{"role": "tool", "tool_call_id": c.id, "content": "21"} for c in calls]
    messages = [*USER, both.choices[0].message.model_dump(exclude_none=True), *results]
    after = openai_client.chat.completions.create(model="g", messages=messages, tools=OPENAI_TOOLS)
    assert after.choices[0].message.content
    assert not after.choices[0].message.tool_calls


def test_openai_chat_streams_parallel_tool_calls(openai_client):
    """The SDK puts their pieces together again."""
    with openai_client.chat.completions.stream(model="g", messages=USER, tools=OPENAI_TOOLS, extra_headers=two_calls()) as stream:
        final = stream.get_final_completion()
    calls = {c.function.name: json.loads(c.function.arguments) for c in final.choices[0].message.tool_calls}
    check_weather(calls["weather"])
    assert 0 <= calls["time"]["hour"] <= 23


def test_openai_chat_parses_structured_output(openai_client):
    """The SDK's own strict schema is obeyed."""
    report = openai_client.chat.completions.parse(model="g", messages=USER, response_format=Report).choices[0].message.parsed
    assert isinstance(report, Report)


def test_openai_chat_shows_a_refusal(openai_client):
    """In its own field."""
    reply = openai_client.chat.completions.create(model="g", messages=USER, extra_headers=faulty("refusal"))
    assert reply.choices[0].message.refusal


OPENAI_ERRORS = {
    "400": openai.BadRequestError,
    "401": openai.AuthenticationError,
    "403": openai.PermissionDeniedError,
    "404": openai.NotFoundError,
    "429": openai.RateLimitError,
    "quota": openai.RateLimitError,
    "500": openai.InternalServerError,
    "502-html": openai.InternalServerError,
    "503": openai.InternalServerError,
    "content_filter": openai.BadRequestError,
    "context_too_long": openai.BadRequestError,
    "reset": openai.APIConnectionError,
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", OPENAI_ERRORS)
def test_openai_errors_are_the_sdks_own(openai_client, fault, stream):
    """Each fault raises the class a user catches, from both endpoints."""
    for ask in (
        lambda: openai_client.chat.completions.create(model="g", messages=USER, stream=stream, extra_headers=faulty(fault)),
        lambda: openai_client.responses.create(model="g", input=QUESTION, stream=stream, extra_headers=faulty(fault)),
    ):
        with pytest.raises(OPENAI_ERRORS[fault]) as caught:
            ask()
        if fault == "quota":
            assert caught.value.code == "insufficient_quota"


def test_openai_retries_by_itself_and_gets_through(server):
    """Its own retry honours the wait it is told."""
    with openai.OpenAI(base_url=server.openai_url, api_key="sk-retry", max_retries=2) as client:
        server.arm("429;retry_after=10;as=ms", count=2, key="sk-retry")
        server.app.director.armed[-1].fault = "429;retry_after=0.01;as=ms"
        assert client.chat.completions.create(model="g", messages=USER).choices[0].message.content


def test_openai_sees_an_error_in_the_stream_and_a_broken_one(openai_client):
    """As an exception, after the tokens that came."""
    for fault, error in (("error-in-stream", openai.APIError), ("cut", Exception)):
        stream = openai_client.chat.completions.create(model="g", messages=USER, stream=True, extra_headers=faulty(fault))
        seen = []
        with pytest.raises(error):
            seen.extend(e.choices[0].delta.content for e in stream)
        stream.close()


def test_openai_times_out_on_a_hang(openai_client):
    """Its own clock runs out."""
    with pytest.raises(openai.APITimeoutError):
        openai_client.chat.completions.create(model="g", messages=USER, extra_headers=faulty("hang"), timeout=0.2)


def test_openai_lists_models_and_embeds(openai_client):
    """The embedding comes as base64 unless floats are asked for; both are one vector."""
    assert openai_client.models.list().data
    floats = openai_client.embeddings.create(model="e", input="hello", dimensions=8, encoding_format="float").data[0].embedding
    coded = openai_client.embeddings.create(model="e", input="hello", dimensions=8, encoding_format="base64").data[0].embedding
    assert list(struct.unpack("<8f", base64.b64decode(coded))) == pytest.approx(floats)
    default = openai_client.embeddings.create(model="e", input="hello").data[0].embedding
    assert sum(x * x for x in default) == pytest.approx(1, abs=1e-5)


def test_openai_works_asynchronously(server):
    """Whole and streamed, side by side."""

    async def both():
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="k", max_retries=0) as client:
            whole, stream = await asyncio.gather(
                client.chat.completions.create(model="g", messages=USER, temperature=0),
                client.chat.completions.create(model="g", messages=USER, temperature=0, stream=True),
            )
            text = "".join([e.choices[0].delta.content or "" async for e in stream])
            with pytest.raises(openai.RateLimitError):
                await client.responses.create(model="g", input=QUESTION, extra_headers=faulty("429"))
            return whole.choices[0].message.content, text

    whole, text = asyncio.run(both())
    assert whole == text != ""


# OpenAI, Responses

RESPONSES_TOOLS = [
    {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True},
    {"type": "function", "name": "time", "parameters": TIME, "strict": False},
]


def test_openai_responses(openai_client):
    """A whole answer."""
    reply = openai_client.responses.create(model="g", input=QUESTION, temperature=0)
    assert reply.status == "completed"
    assert reply.output_text
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens > 0


def test_openai_responses_stream_the_same(openai_client):
    """The typed events carry the same text, and the last one the whole answer."""
    whole = openai_client.responses.create(model="g", input=QUESTION, temperature=0)
    events = list(openai_client.responses.create(model="g", input=QUESTION, temperature=0, stream=True))
    deltas = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert deltas == events[-1].response.output_text == whole.output_text


def test_openai_responses_call_tools(openai_client):
    """In parallel, whole and streamed, and take the results back."""
    reply = openai_client.responses.create(model="g", input=QUESTION, tools=RESPONSES_TOOLS, extra_headers=two_calls())
    calls = {item.name: item for item in reply.output if item.type == "function_call"}
    check_weather(json.loads(calls["weather"].arguments))
    assert set(calls) == {"weather", "time"}
    with openai_client.responses.stream(model="g", input=QUESTION, tools=RESPONSES_TOOLS, extra_headers=two_calls()) as stream:
        final = stream.get_final_response()
    assert {i.name for i in final.output if i.type == "function_call"} == {"weather", "time"}
    results = [{"type": "function_call_output", "call_id": c.call_id, "output": "21"} for c in calls.values()]
    turns = [{"role": "user", "content": QUESTION}, *(c.model_dump(exclude_none=True) for c in calls.values()), *results]
    assert openai_client.responses.create(model="g", input=turns, tools=RESPONSES_TOOLS).output_text


def test_openai_responses_parse_structured_output(openai_client):
    """By the SDK's own schema."""
    assert isinstance(openai_client.responses.parse(model="g", input=QUESTION, text_format=Report).output_parsed, Report)


def test_openai_responses_count_reasoning_apart(openai_client):
    """As a part of the output."""
    usage = openai_client.responses.create(model="g", input=QUESTION, reasoning={"effort": "low"}).usage
    assert 0 < usage.output_tokens_details.reasoning_tokens < usage.output_tokens


# Anthropic

ANTHROPIC_TOOLS = [
    {"name": "weather", "input_schema": WEATHER},
    {"name": "time", "input_schema": TIME},
]
CLAUDE = {"model": "claude-x", "max_tokens": 200, "messages": USER}


def test_anthropic_messages(anthropic_client):
    """A whole answer with its usage and request id."""
    reply = anthropic_client.messages.create(**CLAUDE, system="Be brief.")
    assert reply.content[0].text
    assert reply.stop_reason == "end_turn"
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    assert reply._request_id.startswith("req_")


def test_anthropic_streams_the_same(anthropic_client):
    """Text and final message, the input counted from the first event on."""
    whole = anthropic_client.messages.create(**CLAUDE, extra_headers=first_time())
    with anthropic_client.messages.stream(**CLAUDE, extra_headers=first_time()) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text == whole.content[0].text
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", whole.usage.output_tokens)
    assert final.usage.input_tokens == whole.usage.input_tokens


def test_anthropic_calls_tools_and_takes_their_results(anthropic_client):
    """Whole and streamed, in parallel."""
    reply = anthropic_client.messages.create(**CLAUDE, tools=ANTHROPIC_TOOLS, extra_headers=two_calls())
    calls = {b.name: b for b in reply.content if b.type == "tool_use"}
    check_weather(calls["weather"].input)
    assert reply.stop_reason == "tool_use"
    with anthropic_client.messages.stream(**CLAUDE, tools=ANTHROPIC_TOOLS, extra_headers=two_calls()) as stream:
        final = stream.get_final_message()
    assert {b.name for b in final.content if b.type == "tool_use"} == {"weather", "time"}
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": "21"} for c in calls.values()]
    turns = [*USER, {"role": "assistant", "content": reply.content}, {"role": "user", "content": results}]
    after = anthropic_client.messages.create(model="c", max_tokens=100, messages=turns, tools=ANTHROPIC_TOOLS)
    assert after.content[0].type == "text"


def test_anthropic_parses_structured_output(anthropic_client):
    """By the SDK's own schema."""
    assert isinstance(anthropic_client.messages.parse(**CLAUDE, output_format=Report).parsed_output, Report)


def test_anthropic_thinks_when_told_to(anthropic_client):
    """Thoughts come signed, before the answer, whole and streamed."""
    asked = {"model": "c", "max_tokens": 4000, "messages": USER, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    with anthropic_client.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    for reply in (anthropic_client.messages.create(**asked), streamed):
        assert [b.type for b in reply.content] == ["thinking", "text"]
        assert reply.content[0].signature


def test_anthropic_stops_at_the_limit_and_counts_tokens(anthropic_client):
    """`max_tokens` is obeyed; a count needs no answer."""
    reply = anthropic_client.messages.create(model="c", max_tokens=3, messages=USER)
    assert (reply.stop_reason, reply.usage.output_tokens) == ("max_tokens", 3)
    assert anthropic_client.messages.count_tokens(model="c", messages=USER).input_tokens == reply.usage.input_tokens
    assert anthropic_client.models.list().data


ANTHROPIC_ERRORS = {
    "400": anthropic.BadRequestError,
    "401": anthropic.AuthenticationError,
    "403": anthropic.PermissionDeniedError,
    "404": anthropic.NotFoundError,
    "429": anthropic.RateLimitError,
    "quota": anthropic.BadRequestError,
    "500": anthropic.InternalServerError,
    "502-html": anthropic.InternalServerError,
    "529": anthropic.InternalServerError,
    "context_too_long": anthropic.BadRequestError,
    "reset": anthropic.APIConnectionError,
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ANTHROPIC_ERRORS)
def test_anthropic_errors_are_the_sdks_own(anthropic_client, fault, stream):
    """Each fault raises the class a user catches."""
    with pytest.raises(ANTHROPIC_ERRORS[fault]) as caught:
        anthropic_client.messages.create(**CLAUDE, stream=stream, extra_headers=faulty(fault))
    if fault == "529":
        assert caught.value.status_code == 529
        assert caught.value.body["error"]["type"] == "overloaded_error"


def test_anthropic_sees_an_error_in_the_stream(anthropic_client):
    """As an exception of its own."""
    stream = anthropic_client.messages.create(**CLAUDE, stream=True, extra_headers=faulty("error-in-stream"))
    with pytest.raises(anthropic.APIStatusError):
        list(stream)
    stream.close()


def test_anthropic_works_asynchronously(server):
    """Streamed, with a tool."""

    async def ask():
        async with (
            anthropic.AsyncAnthropic(base_url=server.base_url, api_key="k", max_retries=0) as client,
            client.messages.stream(**CLAUDE, tools=ANTHROPIC_TOOLS) as stream,
        ):
            return await stream.get_final_message()

    assert asyncio.run(ask()).stop_reason == "tool_use"


# Gemini

GEMINI_TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name="weather", parameters_json_schema=WEATHER),
            types.FunctionDeclaration(name="time", parameters_json_schema=TIME),
        ]
    )
]


def gemini_config(fault=None, headers=None, **more):
    """Options of one call; the SDK never runs the tools by itself."""
    sent = headers or (faulty(fault) if fault else None)
    return types.GenerateContentConfig(
        http_options=types.HttpOptions(headers=sent) if sent else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        **more,
    )


def test_gemini_generates(gemini_client):
    """A whole answer with its usage."""
    reply = gemini_client.models.generate_content(model="gemini-x", contents=QUESTION, config=gemini_config(temperature=0))
    assert reply.text
    assert reply.candidates[0].finish_reason == types.FinishReason.STOP
    assert reply.usage_metadata.prompt_token_count > 0
    assert reply.usage_metadata.candidates_token_count > 0


def test_gemini_streams_the_same(gemini_client):
    """Piece by piece."""
    asked = {"model": "gemini-x", "contents": QUESTION, "config": gemini_config(temperature=0)}
    whole = gemini_client.models.generate_content(**asked)
    pieces = list(gemini_client.models.generate_content_stream(**asked))
    assert "".join(p.text or "" for p in pieces) == whole.text
    assert len(pieces) > 10
    assert pieces[-1].usage_metadata.candidates_token_count == whole.usage_metadata.candidates_token_count


def test_gemini_calls_functions_and_takes_their_results(gemini_client):
    """In parallel, whole and streamed."""
    config = gemini_config(headers=two_calls(), tools=GEMINI_TOOLS)
    reply = gemini_client.models.generate_content(model="g", contents=QUESTION, config=config)
    calls = {c.name: c for c in reply.function_calls}
    check_weather(calls["weather"].args)
    assert set(calls) == {"weather", "time"}
    streamed = gemini_client.models.generate_content_stream(model="g", contents=QUESTION, config=config)
    assert {c.name for piece in streamed for c in piece.function_calls or ()} == {"weather", "time"}
    results = [types.Part.from_function_response(name=n, response={"result": 21}) for n in calls]
    turns = [
        types.Content(role="user", parts=[types.Part(text=QUESTION)]),
        reply.candidates[0].content,
        types.Content(role="user", parts=results),
    ]
    after = gemini_client.models.generate_content(model="g", contents=turns, config=gemini_config(tools=GEMINI_TOOLS))
    assert after.text


def test_gemini_parses_structured_output(gemini_client):
    """By the SDK's own schema."""
    config = gemini_config(response_mime_type="application/json", response_schema=Report)
    assert isinstance(gemini_client.models.generate_content(model="g", contents=QUESTION, config=config).parsed, Report)


def test_gemini_counts_and_lists(gemini_client):
    """Tokens without an answer, and the models there are."""
    assert gemini_client.models.count_tokens(model="g", contents=QUESTION).total_tokens == -(-len(QUESTION) // 4)
    assert [m.name for m in gemini_client.models.list()]


GEMINI_ERRORS = {"400": 400, "401": 401, "403": 403, "404": 404, "429": 429, "quota": 429, "500": 500, "503": 503}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", GEMINI_ERRORS)
def test_gemini_errors_are_the_sdks_own(gemini_client, fault, stream):
    """Client errors and server errors, with the status in both number and name."""
    models = gemini_client.models
    asked = {"model": "g", "contents": QUESTION, "config": gemini_config(fault)}
    kind = genai_errors.ClientError if GEMINI_ERRORS[fault] < 500 else genai_errors.ServerError
    with pytest.raises(kind) as caught:
        list(models.generate_content_stream(**asked)) if stream else models.generate_content(**asked)
    assert caught.value.code == GEMINI_ERRORS[fault]
    assert caught.value.status


# google-genai subclasses aiohttp's session, which aiohttp discourages: nothing of ours.
@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
def test_gemini_works_asynchronously(server):
    """Whole and streamed."""

    async def ask():
        options = types.HttpOptions(base_url=server.base_url)
        async with genai.Client(api_key="k", http_options=options).aio as client:
            asked = {"model": "g", "contents": QUESTION, "config": gemini_config(temperature=0)}
            whole = await client.models.generate_content(**asked)
            pieces = [p.text or "" async for p in await client.models.generate_content_stream(**asked)]
            return whole.text, "".join(pieces)

    whole, streamed = asyncio.run(ask())
    assert whole == streamed != ""


def test_the_ledger_knows_all_four_protocols_and_what_each_was_asked(server, openai_client, anthropic_client, gemini_client):
    """One count for all doors: what the SDKs were told adds up to it."""
    server.post("/_scripted/reset")
    chat = openai_client.chat.completions.create(model="a", messages=USER).usage
    responses = openai_client.responses.create(model="a", input=QUESTION).usage
    claude = anthropic_client.messages.create(**CLAUDE).usage
    gemini = gemini_client.models.generate_content(model="g", contents=QUESTION).usage_metadata
    told_in = chat.prompt_tokens + responses.input_tokens + claude.input_tokens + gemini.prompt_token_count
    told_out = chat.completion_tokens + responses.output_tokens + claude.output_tokens + gemini.candidates_token_count
    ledger = server.ledger()
    assert (ledger["requests"], ledger["input_tokens"], ledger["output_tokens"]) == (4, told_in, told_out)
    seen = {r["protocol"] for r in server.get("/_scripted/log")["requests"]}
    assert seen == {"openai_chat", "openai_responses", "anthropic_messages", "gemini"}

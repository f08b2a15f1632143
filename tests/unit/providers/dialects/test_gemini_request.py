"""Requests of generateContent: what must hold of each one we write, and of each one we read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.chat import (
    Audio,
    CacheMark,
    ChatRequest,
    File,
    Image,
    Media,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningSpec,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Video,
    user_says,
)
from pointsman.core.failure import FailureClass, ProviderError
from pointsman.providers.dialects.gemini import PLUGIN
from support.streams import plain

PATH = "/v1beta/models/gemini-3-pro:generateContent"


def request(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(**{"model": "gemini-3-pro", "messages": messages or (user_says("hi"),), **fields})


def wire(asked: ChatRequest) -> dict[str, Any]:
    return json.loads(PLUGIN.write_request(asked).body)


def lost(asked: ChatRequest) -> set[str]:
    return {loss.field for loss in PLUGIN.write_request(asked).losses}


def read(body: dict[str, Any], path: str = PATH) -> ChatRequest:
    return PLUGIN.read_request(json.dumps({"contents": [], **body}).encode(), path)


def tool(name: str = "f") -> Tool:
    return Tool(name=name, parameters=msgspec.Raw(b'{"type":"object"}'))


def call(call_id: str = "c1", name: str = "f", arguments: str = "{}", signature: str | None = None) -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments=arguments, signature=signature)


@pytest.mark.parametrize(
    "path, model, stream",
    [
        ("/v1beta/models/gemini-3-pro:generateContent", "gemini-3-pro", False),
        ("/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse", "gemini-3-pro", True),
        ("/v1/models/llama3:8b:generateContent", "llama3:8b", False),
        ("/v1beta/models/my%20route:streamGenerateContent", "my route", True),
        (
            "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent?%24alt=json",
            "gemini-2.5-pro",
            False,
        ),
        ("/v1beta/tunedModels/mine-123:generateContent", "mine-123", False),
    ],
)
def test_the_path_names_the_model_and_the_stream(path: str, model: str, stream: bool) -> None:
    """Both services' paths; a model's name may hold a colon."""
    asked = read({}, path)
    assert (asked.model, asked.stream) == (model, stream)


def test_the_path_we_write_is_the_path_we_read() -> None:
    """A plain name, one with a colon, and Vertex's resource names."""
    assert PLUGIN.write_request(request(stream=True)).path == "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"
    odd = PLUGIN.write_request(request(model="llama3:8b"))
    assert read({}, odd.path).model == "llama3:8b"
    vertex = "projects/p/locations/l/publishers/google/models/gemini-2.5-pro"
    assert PLUGIN.write_request(request(model=vertex)).path == f"/v1/{vertex}:generateContent"
    assert PLUGIN.auth_headers("AIza") == {"x-goog-api-key": "AIza"}
    assert PLUGIN.auth_headers("ya29.token") == {"authorization": "Bearer ya29.token"}


def test_both_spellings_are_read() -> None:
    """camelCase and snake_case, at every level."""
    snake = {
        "system_instruction": {"parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "aGk="}}]},
            {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"snake_key": 1}}, "thought_signature": "c2ln"}]},
            {"role": "user", "parts": [{"function_response": {"name": "f", "response": {"output": "r"}}}]},
        ],
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]}],
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
        "generation_config": {
            "max_output_tokens": 5,
            "top_k": 3.0,
            "stop_sequences": ["x"],
            "thinking_config": {"thinking_budget": 7},
        },
    }
    asked = read(snake)
    assert plain(asked) == plain(read(wire(asked)))
    parts: Any = [p for m in asked.messages for p in m.parts]
    assert [type(p) for p in parts] == [Text, Image, ToolCall, ToolResult]
    assert json.loads(parts[2].arguments) == {"snake_key": 1}  # a caller's own keys are nobody's to rename
    assert (asked.tool_choice, asked.max_output_tokens, asked.top_k) == (ToolChoice("named", ("f",)), 5, 3)
    assert asked.extra == {}


def test_results_belong_to_the_oldest_open_call_of_their_name() -> None:
    """Where neither has an id; made-up ids are not sent."""
    contents = [
        {"role": "model", "parts": [{"functionCall": {"name": n, "args": {}}} for n in ("f", "g", "f")]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": n, "response": {"output": str(i)}}} for i, n in enumerate(["g", "f", "f"])],
        },
    ]
    asked = read({"contents": contents}, "/v1beta/models/gemini-2.5-pro:generateContent")
    calls: Any = asked.messages[0].parts
    results: Any = asked.messages[1].parts
    assert [r.call_id for r in results] == [calls[1].id, calls[0].id, calls[2].id]
    assert len({c.id for c in calls}) == 3
    assert wire(asked)["contents"] == contents


def test_a_signature_is_echoed_on_its_call() -> None:
    """Gemini 3 refuses a call that lost it."""
    asked = request(user_says("a"), Message(role="assistant", parts=(call(signature="c2ln"), call("c2"))))
    parts = wire(asked)["contents"][1]["parts"]
    assert [p.get("thoughtSignature") for p in parts] == ["c2ln", None]


@pytest.mark.parametrize(
    "model, stands_in", [("gemini-3-pro", True), ("gemini-flash-latest", True), ("gemini-2.5-pro", False), ("other", False)]
)
def test_a_foreign_history_gets_googles_stand_in(model: str, stands_in: bool) -> None:
    """On the first call of each turn, for models that ask for it."""
    turns = [
        Message(role="assistant", parts=(call("a"), call("b"))),
        user_says("x"),
        Message(role="assistant", parts=(call("c"),)),
    ]
    contents = wire(request(user_says("a"), *turns, model=model))["contents"]
    found = [p.get("thoughtSignature") for c in contents for p in c["parts"] if "functionCall" in p]
    assert found == (["skip_thought_signature_validator", None, "skip_thought_signature_validator"] if stands_in else [None] * 3)


def test_results_of_parallel_calls_stand_together_and_first() -> None:
    """Gemini wants as many responses as calls in the next turn."""
    results = [Message(role="tool", parts=(ToolResult(call_id=i, parts=(Text(text=i),)),)) for i in ("a", "b")]
    talk = [user_says("x"), Message(role="assistant", parts=(call("a", "f"), call("b", "g"))), user_says("btw"), *results]
    [_, _, turn] = wire(request(*talk))["contents"]
    assert [next(iter(p)) for p in turn["parts"]] == ["functionResponse", "functionResponse", "text"]
    assert [p["functionResponse"]["name"] for p in turn["parts"][:2]] == ["f", "g"]


@pytest.mark.parametrize(
    "result, response",
    [
        (ToolResult(call_id="c1", parts=(Text(text="15"),)), {"output": "15"}),
        (ToolResult(call_id="c1", parts=(Text(text='{"a": 1}'),)), {"a": 1}),
        (ToolResult(call_id="c1", parts=(Text(text="[1]"),)), {"output": "[1]"}),
        (ToolResult(call_id="c1", parts=(Text(text="broken"),), is_error=True), {"error": "broken"}),
        (ToolResult(call_id="c1"), {"output": ""}),
    ],
)
def test_a_result_is_an_object_in_googles_envelope(result: ToolResult, response: dict[str, Any]) -> None:
    """Plain text and errors in theirs; JSON objects as they are."""
    talk = (user_says("x"), Message(role="assistant", parts=(call(signature="s"),)), Message(role="tool", parts=(result,)))
    body = wire(request(*talk))
    assert body["contents"][2]["parts"][0]["functionResponse"] == {"name": "f", "response": response, "id": "c1"}
    back: Any = read(body).messages[2].parts[0]
    assert (back.is_error, "".join(p.text for p in back.parts)) == (result.is_error, "".join(p.text for p in result.parts))  # type: ignore[union-attr]  # texts


@pytest.mark.parametrize(
    "choice, config",
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("named", ("f", "g")), {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}),
    ],
)
def test_tool_choice_both_ways(choice: ToolChoice, config: dict[str, Any]) -> None:
    """All modes our form has."""
    body = wire(request(tools=(tool(),), tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert read(body).tool_choice == choice
    assert lost(request(tool_choice=choice)) == {"tool_choice"}


def test_what_only_gemini_has_comes_back_unchanged() -> None:
    """Hosted tools, mode VALIDATED, safety settings, members of the configs, and extras of parts and functions."""
    body = {
        "contents": [
            {
                "role": "user",
                "parts": [{"text": "a"}, {"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"fps": 1}}],
            }
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}, {"googleSearch": {}}, {"codeExecution": {}}],
        "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}, "includeServerSideToolInvocations": True},
        "safetySettings": [{"category": "X", "threshold": "BLOCK_NONE"}],
        "cachedContent": "cachedContents/x",
        "generationConfig": {
            "speechConfig": {"a": 1},
            "thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True},
            "temperature": 0.5,
        },
        "labels": {"team": "t"},
    }
    asked = read(body)
    http = PLUGIN.write_request(asked)
    assert json.loads(http.body) == body
    assert http.losses == ()
    assert [t.opaque.kind for t in asked.tools if t.opaque] == ["googleSearch", "codeExecution"]


@pytest.mark.parametrize(
    "openapi, schema",
    [
        (
            {"type": "OBJECT", "properties": {"type": {"type": "STRING", "nullable": True}}},
            {"type": "object", "properties": {"type": {"type": ["string", "null"]}}},
        ),
        (
            {"type": 6, "properties": {"a": {"type": 5, "items": {"type": 1}, "minItems": "3"}}},
            {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}, "minItems": 3}}},
        ),
        (
            {"any_of": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
        ),
        (
            {"type": "STRING", "enum": ["a"], "nullable": True, "format": "enum"},
            {"type": ["string", "null"], "enum": ["a", None], "format": "enum"},
        ),
        (
            {"type": "object", "properties": {"min_items": {"type": "integer"}}},
            {"type": "object", "properties": {"min_items": {"type": "integer"}}},
        ),
    ],
)
def test_googles_schema_language_becomes_json_schema(openapi: dict[str, Any], schema: dict[str, Any]) -> None:
    """In functions and in output formats; names of properties are left alone."""
    asked = read(
        {
            "tools": [{"functionDeclarations": [{"name": "f", "parameters": openapi}]}],
            "generationConfig": {"responseSchema": openapi, "responseMimeType": "application/json"},
        }
    )
    assert asked.tools[0].parameters is not None
    assert json.loads(bytes(asked.tools[0].parameters)) == schema
    assert asked.output is not None
    assert json.loads(bytes(asked.output.schema or b"")) == schema
    assert wire(asked)["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == schema
    assert wire(asked)["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}


def test_thinking_is_a_level_for_new_models_and_a_budget_for_old_ones() -> None:
    """Gemini 2.5 knows no level."""
    assert wire(request(reasoning=ReasoningSpec(effort="low", show=True)))["generationConfig"] == {
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}
    }
    old = request(model="gemini-2.5-flash", reasoning=ReasoningSpec(effort="medium"))
    assert wire(old)["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 8192}
    assert lost(old) == {"reasoning.effort"}
    assert wire(request(model="gemini-2.5-flash", reasoning=ReasoningSpec(effort="none")))["generationConfig"][
        "thinkingConfig"
    ] == {"thinkingBudget": 0}
    assert lost(request(reasoning=ReasoningSpec(effort="max"))) == {"reasoning.effort"}


def test_stop_sequences_are_cut_to_five() -> None:
    """Gemini refuses a sixth."""
    asked = request(stop=tuple("abcdefg"))
    assert wire(asked)["generationConfig"]["stopSequences"] == list("abcde")
    assert lost(asked) == {"stop"}


def test_media_in_every_form() -> None:
    """By value, by address, by Google's own reference; another provider's reference never leaves."""
    parts: tuple[Part, ...] = (
        Image(media=Media(media_type="image/png", data="aGk=")),
        Audio(media=Media(media_type="audio/wav", data="aGk=")),
        Video(media=Media(url="https://youtu.be/x")),
        File(media=Media(media_type="application/pdf", file_id="gs://b/a.pdf")),
        Image(media=Media(file_id="file-openai")),
    )
    asked = request(Message(role="user", parts=parts))
    body = wire(asked)
    assert [next(iter(p)) for p in body["contents"][0]["parts"]] == ["inlineData", "inlineData", "fileData", "fileData"]
    assert lost(asked) == {"messages[0].parts[4]"}
    assert plain([*read(body).messages[0].parts]) == plain([*parts[:4]])


@pytest.mark.parametrize(
    "part, kind",
    [
        (Image(media=Media(url="https://a.example/lamp.png?size=2#top")), "image/png"),
        (Image(media=Media(url="https://a.example/LAMP.JPEG")), "image/jpeg"),
        (Image(media=Media(url="https://a.example/lamp.png", media_type="image/webp")), "image/webp"),
        (Image(media=Media(url="https://a.example/lamp")), None),
        (Image(media=Media(url="https://a.example/lamp.pdf")), None),
        (File(media=Media(url="https://a.example/lamp.pdf")), "application/pdf"),
        (Image(media=Media(url="https://[a.example/lamp.png")), None),
    ],
)
def test_an_address_tells_its_media_type_where_the_client_did_not(part: Part, kind: str | None) -> None:
    """OpenAI's and Anthropic's clients send a picture's address alone; Gemini takes it for a picture by its type."""
    (sent,) = wire(request(Message(role="user", parts=(part,))))["contents"][0]["parts"]
    assert sent["fileData"].get("mimeType") == kind


def test_system_messages_become_the_instruction() -> None:
    """Leading ones as they are; one in mid-conversation is kept, with a loss that says it moved."""
    says = lambda text: Message(role="system", parts=(Text(text=text),))  # noqa: E731  # three of them
    asked = request(says("a"), user_says("x"), says("b"))
    assert wire(asked)["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert lost(asked) == {"messages[2]"}


def test_everything_the_protocol_cannot_say_is_listed() -> None:
    """One loss for each such field, and none for a request that asks for none of them."""
    thoughts = (Reasoning(text="a"), Reasoning(text="b", signature="s"), Reasoning(encrypted="e"))
    asked = request(
        Message(role="user", name="ann", parts=(Text(text="a", cache=CacheMark(), citations=msgspec.Raw(b"[]")),)),
        Message(role="assistant", parts=(Refusal(text="no"), *thoughts, Opaque(dialect="x", kind="y", raw=msgspec.Raw(b"{}")))),
        Message(role="tool", parts=(ToolResult(call_id="c", parts=(Refusal(text="no"),)),)),
        tools=(
            Tool(name="f", strict=True, cache=CacheMark()),
            Tool(name="g", extra={"anthropic_messages.defer_loading": msgspec.Raw(b"true")}),
        ),
        parallel_tool_calls=False,
        output=OutputFormat(kind="json_schema", schema=msgspec.Raw(b"{}"), name="n", description="d", strict=False),
        user="u",
        extra={"context_management": msgspec.Raw(b"{}")},
        extra_from="anthropic_messages",
    )
    assert lost(asked) == {
        *("messages[0].name", "messages[0].parts[0].cache", "messages[0].parts[0].citations"),
        *("messages[1].parts[0]", "messages[1].parts[2]", "messages[1].parts[3]", "messages[1].parts[4]"),
        "messages[2].parts[0].parts[0]",
        *("tools[0].strict", "tools[0].cache", "tools[1].extra.anthropic_messages.defer_loading"),
        *("parallel_tool_calls", "output.name", "output.description", "output.strict", "user", "extra.context_management"),
    }
    assert (
        lost(request(n=2, seed=1, top_logprobs=0, presence_penalty=0.5, modalities=("text", "image"), service_tier="flex"))
        == set()
    )


@pytest.mark.parametrize(
    "body, path, says",
    [
        ({}, "/v1beta/models", "model: expected a path"),
        ({"contents": None}, PATH, "contents: expected array"),
        ({"contents": [{"role": "bot", "parts": []}]}, PATH, "contents[0].role: expected user or model, got bot"),
        ({"contents": [{"parts": [{"text": 5}]}]}, PATH, "contents[0].parts[0].text: expected str, got int"),
        ({"contents": [{"parts": [{"functionCall": {"args": {}}}]}]}, PATH, "contents[0].parts[0].functionCall.name:"),
        (
            {"contents": [{"parts": [{"functionCall": {"name": "f", "args": [1]}}]}]},
            PATH,
            "contents[0].parts[0].functionCall.args:",
        ),
        ({"generationConfig": {"topK": 2.5}}, PATH, "generationConfig.topK: expected a whole number, got 2.5"),
        ({"generationConfig": {"maxOutputTokens": "many"}}, PATH, "generationConfig.maxOutputTokens:"),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HUGE"}}},
            PATH,
            "generationConfig.thinkingConfig.thinkingLevel: expected one of",
        ),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}},
            PATH,
            "toolConfig.functionCallingConfig.mode: expected AUTO",
        ),
        ({"tools": [{"functionDeclarations": [{}]}]}, PATH, "tools[0].functionDeclarations[0].name:"),
    ],
)
def test_a_bad_request_is_refused_by_name(body: dict[str, Any], path: str, says: str) -> None:
    """The message begins with the field and says what was wrong."""
    with pytest.raises(ProviderError) as caught:
        read(body, path)
    assert caught.value.failure.kind is FailureClass.CLIENT_FAULT
    assert caught.value.failure.message.startswith(says)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
PART_KEYS = "text thought thoughtSignature functionCall functionResponse inlineData fileData function_call"
parts = st.dictionaries(st.sampled_from(PART_KEYS.split()), json_values, max_size=3)
calls = st.fixed_dictionaries(
    {"functionCall": st.fixed_dictionaries({"name": st.text(max_size=3)}, optional={"args": json_values})}
)
contents = st.fixed_dictionaries({"role": st.sampled_from(["user", "model"]), "parts": st.lists(parts | calls, max_size=3)})
TOP = "systemInstruction tools toolConfig generationConfig safetySettings generation_config"
bodies = st.fixed_dictionaries(
    {"contents": st.lists(contents, max_size=3)},
    optional={k: json_values | st.lists(json_values, max_size=2) for k in TOP.split()},
)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60) | bodies.map(json.dumps).map(str.encode))
def test_no_bytes_raise_anything_but_a_client_fault(body: bytes) -> None:
    """Whatever comes is a request, which can be written again, or a refusal with a message."""
    failure, asked = None, None
    try:
        asked = PLUGIN.read_request(body, PATH)
    except ProviderError as error:
        failure = error.failure
    if asked is not None:
        msgspec.json.decode(PLUGIN.write_request(asked).body)
    else:
        assert failure is not None
        assert failure.kind is FailureClass.CLIENT_FAULT
        assert failure.message


@pytest.mark.parametrize(
    "part",
    [
        b'{"functionCall":{"name":"f","args":{"a":"\xff"}}}',
        b'{"text":"\xff"}',
        b'{"functionCall":{"name":"f","args":' + b'{"a":' * 50_000,
    ],
)
def test_hostile_bytes_are_a_client_fault(part: bytes) -> None:
    """Bytes that are not UTF-8, and nesting without end, deep inside."""
    with pytest.raises(ProviderError) as caught:
        PLUGIN.read_request(b'{"contents":[{"parts":[' + part + b"]}]}", PATH)
    assert caught.value.failure.kind is FailureClass.CLIENT_FAULT

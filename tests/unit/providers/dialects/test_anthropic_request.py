"""Requests of Anthropic Messages: what must hold of each one we write, and of each one we read."""

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
from pointsman.providers.dialects.anthropic_messages import PLUGIN, AnthropicMessages
from support.streams import plain

CLAUDE = "claude-opus-4-8"


def request(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(**{"model": CLAUDE, "messages": messages or (user_says("hi"),), **fields})


def wire(asked: ChatRequest) -> dict[str, Any]:
    return json.loads(PLUGIN.write_request(asked).body)


def lost(asked: ChatRequest) -> set[str]:
    return {loss.field for loss in PLUGIN.write_request(asked).losses}


def read(body: dict[str, Any], path: str = "/v1/messages") -> ChatRequest:
    return PLUGIN.read_request(json.dumps({"model": "m", "max_tokens": 9, "messages": [], **body}).encode(), path)


def refusal_of(body: dict[str, Any]) -> str:
    with pytest.raises(ProviderError) as caught:
        read(body)
    assert caught.value.failure.kind is FailureClass.CLIENT_FAULT
    return caught.value.failure.message


def tool(name: str = "f", **fields: Any) -> Tool:
    return Tool(name=name, parameters=msgspec.Raw(b'{"type":"object"}'), **fields)


def test_max_tokens_is_always_there() -> None:
    """The API wants a limit; the default can be set, and the caller's word goes before it."""
    assert wire(request())["max_tokens"] == 4096
    assert json.loads(AnthropicMessages(default_max_tokens=7).write_request(request()).body)["max_tokens"] == 7
    assert wire(request(max_output_tokens=5))["max_tokens"] == 5


@pytest.mark.parametrize("limit", [None, 1, 1024, 1025, 2000, 9000])
@pytest.mark.parametrize("budget", [-1, 0, 1, 1024, 5000, 100_000])
def test_the_thinking_budget_is_always_below_max_tokens(limit: int | None, budget: int) -> None:
    """Whatever was asked: at least 1024, below the limit, or no thinking at all and a loss."""
    asked = request(max_output_tokens=limit, reasoning=ReasoningSpec(budget_tokens=budget))
    body = wire(asked)
    thinking = body.get("thinking")
    if thinking is None:
        assert "reasoning" in lost(asked)
    elif thinking["type"] == "enabled":
        assert 1024 <= thinking["budget_tokens"] < body["max_tokens"]
        assert (thinking["budget_tokens"] == budget) == ("reasoning.budget_tokens" not in lost(asked))
    else:
        assert thinking == {"type": "disabled"}
        assert budget <= 0
    assert limit is None or body["max_tokens"] == limit


def test_an_effort_is_adaptive_for_new_models_and_a_budget_for_old_ones() -> None:
    """Claude before 4.6 knows no effort."""
    spec = ReasoningSpec(effort="high", show=True)
    new = wire(request(reasoning=spec))
    assert (new["thinking"], new["output_config"]) == ({"type": "adaptive", "display": "summarized"}, {"effort": "high"})
    for model in ("claude-sonnet-4-5-20250929", "claude-3-7-sonnet-20250219", "claude-opus-4-20250514"):
        old = wire(request(model=model, reasoning=spec))
        assert old["thinking"] == {"type": "enabled", "budget_tokens": 16384, "display": "summarized"}
        assert "output_config" not in old
    assert wire(request(reasoning=ReasoningSpec(effort="none")))["thinking"] == {"type": "disabled"}
    assert wire(request(reasoning=ReasoningSpec(effort="minimal")))["output_config"] == {"effort": "low"}


def test_sampling_that_thinking_forbids_is_left_out_and_listed() -> None:
    """The API refuses temperature, top_k and a low top_p beside thinking."""
    asked = request(reasoning=ReasoningSpec(budget_tokens=2000), temperature=0.2, top_k=5, top_p=0.5)
    assert wire(asked).keys().isdisjoint({"temperature", "top_k", "top_p"})
    assert lost(asked) == {"temperature", "top_k", "top_p"}
    kept = request(reasoning=ReasoningSpec(budget_tokens=2000), temperature=1.0, top_p=0.99)
    assert (wire(kept)["temperature"], wire(kept)["top_p"], lost(kept)) == (1.0, 0.99, set())


def test_a_temperature_above_one_becomes_one() -> None:
    """OpenAI's range ends at 2, Anthropic's at 1."""
    assert wire(request(temperature=1.7))["temperature"] == 1.0
    assert lost(request(temperature=1.7)) == {"temperature"}


def test_results_of_parallel_calls_become_one_user_turn_with_results_first() -> None:
    """Other protocols send one message per result; here they must follow the calls in one turn."""
    body = wire(
        request(
            user_says("go"),
            Message(
                role="assistant", parts=(ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="g", arguments="{}"))
            ),
            user_says("by the way"),
            Message(role="tool", parts=(ToolResult(call_id="a", parts=(Text(text="1"),)),)),
            Message(role="tool", parts=(ToolResult(call_id="b", parts=(Text(text="2"),), is_error=True),)),
            user_says("go on"),
        )
    )
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    assert [b["type"] for b in body["messages"][2]["content"]] == ["tool_result", "tool_result", "text", "text"]
    assert body["messages"][2]["content"][1]["is_error"] is True


def test_turns_alternate_whatever_the_history() -> None:
    """Neighbours of one role become one turn; turns without anything to say disappear."""
    says = [user_says("a"), user_says("b"), Message(role="assistant", parts=()), user_says("c")]
    body = wire(request(*says, Message(role="assistant", parts=(Text(text="d"),))))
    assert [m["role"] for m in body["messages"]] == ["user", "assistant"]
    assert [b["text"] for b in body["messages"][0]["content"]] == ["a", "b", "c"]


def test_leading_system_messages_become_the_system_prompt_with_their_cache_marks() -> None:
    """`system` and `developer` alike."""
    marked = Text(text="rules", cache=CacheMark("1h"))
    body = wire(
        request(Message(role="developer", parts=(marked,)), Message(role="system", parts=(Text(text="more"),)), user_says("x"))
    )
    assert body["system"] == [
        {"type": "text", "text": "rules", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "more"},
    ]
    assert wire(request(Message(role="system", parts=(Text(text="s"),)), user_says("x")))["system"] == "s"


def test_a_system_message_in_mid_conversation_is_kept() -> None:
    """In place where the model takes it; otherwise in the system prompt, with a loss that says so."""
    talk = (
        user_says("a"),
        Message(role="system", parts=(Text(text="now in French"),)),
        Message(role="assistant", parts=(Text(text="b"),)),
    )
    assert [m["role"] for m in wire(request(*talk))["messages"]] == ["user", "system", "assistant"]
    old = request(*talk, model="claude-sonnet-4-5")
    assert wire(old)["system"] == "now in French"
    assert lost(old) == {"messages[1]"}
    assert wire(request(*talk[::-1]))["system"] == "now in French"  # after an assistant's turn the API refuses it


def test_system_in_both_places_survives_reading_and_writing() -> None:
    """Top-level and among the messages, with cache marks."""
    block = {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}
    later = [{"type": "text", "text": "t", "cache_control": {"type": "ephemeral", "ttl": "5m"}}]
    asked = read(
        {"model": CLAUDE, "system": [block], "messages": [{"role": "user", "content": "a"}, {"role": "system", "content": later}]}
    )
    body = wire(asked)
    assert body["system"] == [block]
    assert body["messages"][1] == {"role": "system", "content": later}


@pytest.mark.parametrize(
    "choice, on_the_wire",
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("named", ("f",)), {"type": "tool", "name": "f"}),
    ],
)
def test_tool_choice_both_ways(choice: ToolChoice, on_the_wire: dict[str, Any]) -> None:
    """All four modes, and one call at a time beside each that may call."""
    asked = request(tools=(tool(),), tool_choice=choice)
    assert wire(asked)["tool_choice"] == on_the_wire
    single = request(tools=(tool(),), tool_choice=choice, parallel_tool_calls=False)
    if choice.mode != "none":
        assert wire(single)["tool_choice"] == {**on_the_wire, "disable_parallel_tool_use": True}
        assert read({"tool_choice": wire(single)["tool_choice"]}).parallel_tool_calls is False
    assert read({"tool_choice": on_the_wire}).tool_choice == choice


def test_a_tool_choice_without_tools_is_dropped_and_listed() -> None:
    """Also when the only tools were another provider's own."""
    foreign = Tool(name="googleSearch", opaque=Opaque(dialect="gemini", kind="googleSearch", raw=msgspec.Raw(b"{}")))
    asked = request(tools=(foreign,), tool_choice=ToolChoice("required"))
    assert wire(asked).keys().isdisjoint({"tools", "tool_choice"})
    assert lost(asked) == {"tools[0]", "tool_choice"}


def test_a_forced_tool_gives_way_to_a_thinking_budget() -> None:
    """The API refuses the two together; adaptive thinking it takes."""
    asked = request(tools=(tool(),), tool_choice=ToolChoice("required"), reasoning=ReasoningSpec(budget_tokens=2000))
    assert wire(asked)["tool_choice"] == {"type": "auto"}
    assert lost(asked) == {"tool_choice"}
    adaptive = request(tools=(tool(),), tool_choice=ToolChoice("required"), reasoning=ReasoningSpec(effort="high"))
    assert wire(adaptive)["tool_choice"] == {"type": "any"}


def test_hosted_and_extended_tools_go_through_unchanged() -> None:
    """A web search as it came, and `defer_loading` of a function of ours."""
    tools = [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True, "defer_loading": True},
    ]
    asked = read({"tools": tools})
    assert asked.tools[1].parameters is not None
    assert wire(asked)["tools"] == tools


def test_thoughts_go_back_only_where_anthropic_signed_them() -> None:
    """Signed and redacted ones do; unsigned ones and OpenAI's encrypted ones would be refused."""
    mine = (Reasoning(text="t", signature="s"), Reasoning(encrypted="x"))
    foreign = (Reasoning(text="plain"), Reasoning(encrypted="e", id="rs_1"))
    asked = request(user_says("a"), Message(role="assistant", parts=(*mine, *foreign, Text(text="b"))))
    assert wire(asked)["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "b"},
    ]
    assert lost(asked) == {"messages[1].parts[2]", "messages[1].parts[3]"}


def test_media_in_every_form() -> None:
    """By value, by address, by Anthropic's own reference; another provider's reference never leaves."""
    parts: tuple[Part, ...] = (
        Image(media=Media(media_type="image/png", data="aGk=")),
        Image(media=Media(url="https://x.test/a.png")),
        Image(media=Media(file_id="file_011C")),
        File(media=Media(media_type="application/pdf", data="aGk="), name="a.pdf"),
        File(media=Media(media_type="text/csv", data="YSxi"), name="a.csv"),
        Image(media=Media(file_id="file-openai")),
        Image(media=Media(url="gs://bucket/a.png")),
        File(media=Media(media_type="application/zip", data="aGk=")),
        Audio(media=Media(media_type="audio/wav", data="aGk=")),
        Video(media=Media(url="https://x.test/a.mp4")),
    )
    asked = request(Message(role="user", parts=parts))
    blocks = wire(asked)["messages"][0]["content"]
    assert [b["source"]["type"] for b in blocks] == ["base64", "url", "file", "base64", "text"]
    assert blocks[4] == {
        "type": "document",
        "title": "a.csv",
        "source": {"type": "text", "media_type": "text/plain", "data": "a,b"},
    }
    assert lost(asked) == {f"messages[0].parts[{i}]" for i in range(5, 10)}
    assert [type(p) for p in read({"messages": [{"role": "user", "content": blocks}]}).messages[0].parts] == [
        Image,
        Image,
        Image,
        File,
        File,
    ]


def test_what_a_block_says_beyond_our_form_is_kept() -> None:
    """A document with citations switched on, and the caller of a programmatic tool call."""
    document = {
        "type": "document",
        "source": {"type": "url", "url": "https://x.test/a.pdf"},
        "citations": {"enabled": True},
        "context": "c",
    }
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}}
    messages = [{"role": "user", "content": [document]}, {"role": "assistant", "content": [call]}]
    assert wire(read({"messages": messages}))["messages"] == messages


def test_broken_arguments_are_wrapped_and_listed() -> None:
    """`input` must be an object, and what the model wrote is kept in it."""
    asked = request(user_says("a"), Message(role="assistant", parts=(ToolCall(id="t", name="f", arguments='{"a": '),)))
    assert wire(asked)["messages"][1]["content"][0]["input"] == {"INVALID_JSON": '{"a": '}
    assert lost(asked) == {"messages[1].parts[0].arguments"}
    empty = request(user_says("a"), Message(role="assistant", parts=(ToolCall(id="t", name="f", arguments=""),)))
    assert wire(empty)["messages"][1]["content"][0]["input"] == {}


def test_foreign_call_ids_become_ones_the_api_takes() -> None:
    """Call and result change alike."""
    talk = (
        Message(role="assistant", parts=(ToolCall(id="functions.f:0", name="f", arguments="{}"),)),
        Message(role="tool", parts=(ToolResult(call_id="functions.f:0"),)),
    )
    body = wire(request(user_says("a"), *talk))
    assert body["messages"][1]["content"][0]["id"] == body["messages"][2]["content"][0]["tool_use_id"] == "functions_f_0"


def test_everything_the_protocol_cannot_say_is_listed() -> None:
    """One loss for each such field, and none for a request that asks for none of them."""
    asked = request(
        Message(
            role="user", name="ann", parts=(Text(text="a", signature="sig", citations=msgspec.Raw(b'[{"type":"url_citation"}]')),)
        ),
        Message(
            role="assistant", parts=(Refusal(text="no"), Opaque(dialect="openai_responses", kind="web", raw=msgspec.Raw(b"{}")))
        ),
        seed=1,
        presence_penalty=0.1,
        frequency_penalty=0.1,
        n=2,
        top_logprobs=0,
        modalities=("text", "audio"),
        stop=("\n", "end"),
        output=OutputFormat(kind="json_schema", schema=msgspec.Raw(b"{}"), name="n", description="d", strict=False),
        extra={"safetySettings": msgspec.Raw(b"[]")},
        extra_from="gemini",
    )
    assert lost(asked) == {
        "messages[0].name",
        "messages[0].parts[0].signature",
        "messages[0].parts[0].citations",
        "messages[1].parts[0]",
        "messages[1].parts[1]",
        *("seed", "presence_penalty", "frequency_penalty", "n", "top_logprobs", "modalities", "stop"),
        *("output.name", "output.description", "output.strict"),
        "extra.safetySettings",
    }
    assert wire(asked)["stop_sequences"] == ["end"]
    assert lost(request(n=1, output=OutputFormat(kind="text"))) == set()
    assert lost(request(output=OutputFormat(kind="json"))) == {"output"}


def test_both_spellings_of_an_output_schema_are_read() -> None:
    """`output_config.format`, and the older `output_format`."""
    form = {"type": "json_schema", "schema": {"type": "object"}}
    for body in ({"output_config": {"format": form, "effort": "low"}}, {"output_format": form}):
        asked = read(body)
        assert asked.output is not None
        assert wire(asked)["output_config"]["format"] == form
        assert "thinking" not in wire(asked)  # an effort alone does not switch thinking on


def test_unknown_members_come_back_and_join_ours() -> None:
    """Top-level, in `metadata` and in `output_config`."""
    body = {
        "metadata": {"user_id": "u", "team": "t"},
        "output_config": {"effort": "low", "task_budget": {"total": 5}},
        "context_management": {"edits": []},
        "thinking": {"type": "between_tools"},
    }
    asked = read(body)
    assert (asked.user, asked.extra_from) == ("u", "anthropic_messages")
    assert {k: v for k, v in wire(asked).items() if k in body} == body


@pytest.mark.parametrize(
    "path, model, stream",
    [
        ("/model/us.anthropic.claude-3-5-sonnet-20240620-v1%3A0/invoke", "us.anthropic.claude-3-5-sonnet-20240620-v1:0", False),
        ("/model/anthropic.claude-x/invoke-with-response-stream", "anthropic.claude-x", True),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/claude-y:streamRawPredict", "claude-y", True),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/claude-y:rawPredict?x=1", "claude-y", False),
    ],
)
def test_the_model_may_stand_in_the_path(path: str, model: str, stream: bool) -> None:
    """As Bedrock and Vertex have it."""
    asked = PLUGIN.read_request(b'{"messages": [], "max_tokens": 1}', path)
    assert (asked.model, asked.stream) == (model, stream)


@pytest.mark.parametrize(
    "body, says",
    [
        ({"model": None}, "model: required, but missing"),
        ({"messages": None}, "messages: expected array"),
        ({"max_tokens": "many"}, "max_tokens: expected int, got str"),
        ({"max_tokens": 0}, "max_tokens: expected at least 1, got 0"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role: expected user, assistant or system, got tool"),
        ({"messages": [{"role": "user"}]}, "messages[0].content:"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
            "messages[0].content[0].text: expected str, got int",
        ),
        ({"messages": [{"role": "user", "content": [{"text": "a"}]}]}, "messages[0].content[0].type:"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema:"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type: expected auto, any, tool or none, got some"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens: required, but missing"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort: expected one of"),
        (
            {"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "2d"}}]},
            "system[0].cache_control.ttl:",
        ),
        ({"temperature": "hot"}, "temperature: expected float, got str"),
    ],
)
def test_a_bad_request_is_refused_by_name(body: dict[str, Any], says: str) -> None:
    """The message begins with the field and says what was wrong."""
    assert refusal_of(body).startswith(says)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
TOP = "model messages system tools tool_choice thinking output_config output_format metadata stop_sequences max_tokens stream"
FIELDS = st.sampled_from(TOP.split())
INNER = st.sampled_from(
    ["type", "role", "content", "text", "source", "input", "id", "name", "cache_control", "data", "user_id", "format"]
)
shaped = st.dictionaries(FIELDS, st.lists(st.dictionaries(INNER, json_values, max_size=5), max_size=3) | json_values, max_size=6)
kinds = st.sampled_from(["text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "x"])
blocks = st.fixed_dictionaries(
    {"type": kinds}, optional=dict.fromkeys(("text", "source", "input", "id", "name", "content", "data"), json_values)
)
turns = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system"]), "content": st.lists(blocks, max_size=3)})


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=60)
    | shaped.map(json.dumps).map(str.encode)
    | st.lists(turns, max_size=3).map(lambda m: json.dumps({"model": "m", "messages": m}).encode())
)
def test_no_bytes_raise_anything_but_a_client_fault(body: bytes) -> None:
    """Whatever comes is a request, which can be written again, or a refusal with a message."""
    failure, asked = None, None
    try:
        asked = PLUGIN.read_request(body, "/v1/messages")
    except ProviderError as error:
        failure = error.failure
    if asked is not None:
        msgspec.json.decode(PLUGIN.write_request(asked).body)
    else:
        assert failure is not None
        assert failure.kind is FailureClass.CLIENT_FAULT
        assert failure.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"messages":' + b"[" * 100_000,
        b'{"model":"\xff"}',
        b"null",
        b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}',
    ],
)
def test_hostile_bytes_are_a_client_fault(body: bytes) -> None:
    """Deep nesting and bytes that are not UTF-8 included."""
    with pytest.raises(ProviderError) as caught:
        PLUGIN.read_request(body, "/v1/messages")
    assert caught.value.failure.kind is FailureClass.CLIENT_FAULT


def test_reading_gives_back_what_was_written() -> None:
    """Everything both forms can say, at once."""
    asked = request(
        Message(role="system", parts=(Text(text="s", cache=CacheMark("5m")),)),
        Message(role="user", parts=(Text(text="a"), Image(media=Media(media_type="image/png", data="aGk=")))),
        Message(role="assistant", parts=(Reasoning(text="t", signature="x"), ToolCall(id="c1", name="f", arguments='{"a":1}'))),
        Message(role="tool", parts=(ToolResult(call_id="c1", parts=(Text(text="r"),), is_error=True, cache=CacheMark()),)),
        tools=(tool(description="d", strict=True, cache=CacheMark("1h")),),
        tool_choice=ToolChoice("auto"),
        parallel_tool_calls=True,
        output=OutputFormat(kind="json_schema", schema=msgspec.Raw(b'{"type":"object"}')),
        max_output_tokens=9000,
        stop=("x",),
        reasoning=ReasoningSpec(effort="high", budget_tokens=2000, show=False),
        service_tier="auto",
        user="u",
        stream=True,
    )
    http = PLUGIN.write_request(asked)
    assert http.losses == ()
    assert plain(PLUGIN.read_request(http.body, http.path)) == plain(asked)
    assert http.headers["anthropic-version"] == "2023-06-01"
    assert PLUGIN.auth_headers("k") == {"x-api-key": "k"}

"""What every wire dialect must keep, whichever protocol it speaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.core.chat import (
    Audio,
    CacheMark,
    ChatReply,
    ChatRequest,
    Choice,
    Delta,
    Failed,
    File,
    FinishReason,
    Image,
    Loss,
    Media,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningSpec,
    Refusal,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Video,
    user_says,
)
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.usage import Usage
from pointsman.providers.assemble import Assembler, deltas_of
from pointsman.providers.dialect import DIALECTS, Dialect

pytestmark = pytest.mark.filterwarnings("error")

SCHEMA = msgspec.Raw(
    b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}'
)
PIXEL = "iVBORw0KGgo="
RICH = ChatRequest(
    model="some-model",
    messages=(
        Message(role="system", parts=(Text(text="Be brief. Ä€😀"),)),
        user_says("What is the weather in Paris and Rome?"),
        Message(
            role="assistant",
            parts=(
                Text(text="Let me look."),
                ToolCall(id="call_1", name="weather", arguments='{"city":"Paris"}'),
                ToolCall(id="call_2", name="forecast", arguments='{"city":"Rome","days":[1,2]}'),
            ),
        ),
        Message(role="tool", parts=(ToolResult(call_id="call_1", name="weather", parts=(Text(text="sunny"),)),)),
        Message(role="tool", parts=(ToolResult(call_id="call_2", name="forecast", parts=(Text(text='{"rain":0.5}'),)),)),
        Message(role="user", parts=(Text(text="And this?"), Image(media=Media(media_type="image/png", data=PIXEL)))),
    ),
    tools=(
        Tool(name="weather", description="Weather now", parameters=SCHEMA),
        Tool(name="forecast", description="Weather later", parameters=SCHEMA),
    ),
    tool_choice=ToolChoice("auto"),
    max_output_tokens=300,
    temperature=0.5,
    top_p=0.9,
)
USAGE = Usage(input_tokens=100, cache_read_tokens=20, output_tokens=30, reasoning_tokens=12)
REPLY = ChatReply(
    id="reply-1",
    model="some-model-2026",
    created_s=1_780_000_000.0,
    choices=(
        Choice(
            parts=(
                Reasoning(text="Two cities, so two calls.", signature="c2lnbmVk"),
                Text(text='Let me look: "Ä€😀"\n\n'),
                ToolCall(id="call_1", name="weather", arguments='{"city":"Paris"}'),
                ToolCall(id="call_2", name="forecast", arguments='{"city":"Rome","days":[1,2]}'),
            ),
            finish=FinishReason.TOOL_CALLS,
        ),
    ),
    usage=USAGE,
)
STREAMED = msgspec.structs.replace(RICH, stream=True, stream_usage=True)
NEAREST_FINISH = {
    ("ollama", FinishReason.CONTENT_FILTER): FinishReason.STOP,  # its vocabulary ends at `stop` and `length`
    ("ollama", FinishReason.REFUSAL): FinishReason.STOP,
    ("anthropic_messages", FinishReason.CONTENT_FILTER): FinishReason.REFUSAL,
    ("gemini", FinishReason.REFUSAL): FinishReason.CONTENT_FILTER,
}
"""Where a protocol has no word of its own for a reason, the word it has to use."""


@pytest.fixture(params=DIALECTS.names())
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS.load(request.param)


def plain(finish: FinishReason = FinishReason.STOP, *parts: Part) -> ChatReply:
    return msgspec.structs.replace(REPLY, choices=(Choice(parts=parts or (Text(text="Hello."),), finish=finish),))


def round_trip(dialect: Dialect, request: ChatRequest) -> tuple[ChatRequest, tuple[Loss, ...]]:
    wire = dialect.write_request(request)
    assert wire.path.startswith("/")
    json.loads(wire.body)
    return dialect.read_request(wire.body, wire.path), wire.losses


def said(request: ChatRequest) -> list[tuple[str, ...]]:
    """What the conversation says, free of how a protocol cuts it into messages and names its calls."""
    names = {p.id: p.name for m in request.messages for p in m.parts if isinstance(p, ToolCall)}
    found: list[tuple[str, ...]] = []
    for message in request.messages:
        role = "system" if message.role == "developer" else message.role
        for part in message.parts:
            match part:
                case Text(text=text):
                    found.append((role, "text", text))
                case ToolCall(name=name, arguments=arguments):
                    found.append((role, "call", name, canonical(arguments)))
                case ToolResult(call_id=call_id, parts=parts):
                    found.append(
                        ("tool", "result", names.get(call_id, "?"), "".join(p.text for p in parts if isinstance(p, Text)))
                    )
                case Image(media=media):
                    found.append((role, "image", media.data or media.url or ""))
                case _:
                    found.append((role, type(part).__name__))
    return found


def canonical(text: str | bytes | msgspec.Raw | None) -> str:
    return (
        json.dumps(json.loads(bytes(text) if isinstance(text, msgspec.Raw) else text), sort_keys=True) if text is not None else ""
    )


def content(reply: ChatReply) -> dict[str, object]:
    """What a reply says, free of ids a protocol may not have."""
    return {
        "text": reply.text,
        "thoughts": reply.reasoning,
        "calls": [(c.name, canonical(c.arguments)) for c in reply.tool_calls],
        "finish": reply.finish,
        "in": reply.usage.total_input_tokens if reply.usage else None,
        "out": reply.usage.total_output_tokens if reply.usage else None,
    }


def assembled(dialect: Dialect, pieces: Iterator[bytes] | list[bytes]) -> Assembler:
    reader, assembler = dialect.stream_reader(), Assembler()
    for piece in pieces:
        for delta in reader.feed(piece):
            assembler.add(delta)
    for delta in reader.close():
        assembler.add(delta)
    return assembler


def streamed(dialect: Dialect, deltas: list[Delta], request: ChatRequest = STREAMED) -> bytes:
    writer = dialect.stream_writer(request)
    return b"".join([*(writer.feed(d) for d in deltas), writer.close()])


# Requests


def test_a_rich_request_keeps_its_meaning(dialect: Dialect) -> None:
    """Messages, calls, results, pictures, tools and settings come back as they went."""
    back, losses = round_trip(dialect, RICH)
    assert losses == ()
    assert said(back) == said(RICH)
    assert back.model == RICH.model
    assert [(t.name, t.description, canonical(t.parameters)) for t in back.tools] == [
        (t.name, t.description, canonical(t.parameters)) for t in RICH.tools
    ]
    assert (back.max_output_tokens, back.temperature, back.top_p) == (300, 0.5, 0.9)
    assert back.stream is False


def test_streaming_is_said_and_read(dialect: Dialect) -> None:
    """Whether by field or by path, a server sees that the client wants a stream."""
    back, _ = round_trip(dialect, STREAMED)
    assert back.stream is True


def test_results_find_their_calls(dialect: Dialect) -> None:
    """Also in protocols without call ids, each result refers to an id some call has."""
    back, _ = round_trip(dialect, RICH)
    calls = [p.id for m in back.messages for p in m.parts if isinstance(p, ToolCall)]
    results = [p.call_id for m in back.messages for p in m.parts if isinstance(p, ToolResult)]
    assert results == calls
    assert len(set(calls)) == 2


SETTINGS: dict[str, Any] = {
    "tool_choice": ToolChoice("named", ("forecast",)),
    "parallel_tool_calls": False,
    "output": OutputFormat(kind="json_schema", schema=SCHEMA, name="place", strict=True),
    "top_k": 40,
    "stop": ("END", "STOP"),
    "seed": 7,
    "presence_penalty": 0.25,
    "frequency_penalty": -0.25,
    "n": 2,
    "top_logprobs": 3,
    "reasoning": ReasoningSpec(effort="high"),
    "modalities": ("text", "audio"),
    "service_tier": "flex",
    "user": "somebody",
}


@pytest.mark.parametrize("field", SETTINGS)
def test_no_setting_is_lost_in_silence(dialect: Dialect, field: str) -> None:
    """A setting comes back the same, or a loss names it."""
    back, losses = round_trip(dialect, msgspec.structs.replace(RICH, **{field: SETTINGS[field]}))
    assert shown(getattr(back, field)) == shown(SETTINGS[field]) or any(loss.field.startswith(field) for loss in losses)


def shown(value: object) -> object:
    if isinstance(value, OutputFormat):
        return value.kind, canonical(value.schema)
    if isinstance(value, ReasoningSpec):
        return value.effort
    return value


@pytest.mark.parametrize("spec", [ReasoningSpec(budget_tokens=2048), ReasoningSpec(show=True), ReasoningSpec(effort="none")])
def test_no_way_of_thinking_is_lost_in_silence(dialect: Dialect, spec: ReasoningSpec) -> None:
    """A budget, a wish to see thoughts and a wish for none come back or are named."""
    request = msgspec.structs.replace(RICH, reasoning=spec, max_output_tokens=8192)
    back, losses = round_trip(dialect, request)
    kept = back.reasoning is not None and all(
        getattr(spec, f) in (None, getattr(back.reasoning, f)) for f in ("effort", "budget_tokens", "show")
    )
    assert kept or any(loss.field.startswith("reasoning") for loss in losses)


USER_PARTS: dict[str, Part] = {
    "image by address": Image(media=Media(url="https://example.com/a.png", media_type="image/png")),
    "sound": Audio(media=Media(data="AAAA", media_type="audio/wav")),
    "film": Video(media=Media(data="AAAA", media_type="video/mp4")),
    "document": File(media=Media(data="AAAA", media_type="application/pdf"), name="a.pdf"),
    "document by address": File(media=Media(url="https://example.com/a.pdf", media_type="application/pdf")),
    "something foreign": Opaque(dialect="another", kind="widget", raw=msgspec.Raw(b'{"type":"widget"}')),
    "cache mark": Text(text="cached", cache=CacheMark(ttl="5m")),
}


@pytest.mark.parametrize("name", USER_PARTS)
def test_no_part_of_a_user_is_lost_in_silence(dialect: Dialect, name: str) -> None:
    """A part comes back as the same kind of part with the same content, or a loss names its message."""
    part = USER_PARTS[name]
    back, losses = round_trip(dialect, ChatRequest(model="m", messages=(Message(role="user", parts=(Text(text="see"), part)),)))
    assert any(same(p, part) for m in back.messages for p in m.parts) or any(x.field.startswith("messages[0]") for x in losses)


ASSISTANT_PARTS: dict[str, Part] = {
    "thoughts": Reasoning(text="hm"),
    "signed thoughts": Reasoning(text="hm", signature="c2lnbmVk"),
    "hidden thoughts": Reasoning(encrypted="ZW5j"),
    "refusal": Refusal(text="No."),
    "picture": Image(media=Media(data=PIXEL, media_type="image/png")),
    "sound": Audio(media=Media(data="AAAA", media_type="audio/wav")),
    "something foreign": Opaque(dialect="another", kind="widget", raw=msgspec.Raw(b'{"type":"widget"}')),
}


@pytest.mark.parametrize("name", ASSISTANT_PARTS)
def test_no_part_of_an_assistant_is_lost_in_silence(dialect: Dialect, name: str) -> None:
    """Also what a model said before comes back or is named; a refusal may come back as plain text."""
    part = ASSISTANT_PARTS[name]
    messages = (user_says("hi"), Message(role="assistant", parts=(Text(text="well"), part)), user_says("go on"))
    back, losses = round_trip(dialect, ChatRequest(model="m", messages=messages))
    parts = [p for m in back.messages for p in m.parts]
    spoken = isinstance(part, Refusal) and any(isinstance(p, Text) and part.text in p.text for p in parts)
    assert spoken or any(same(p, part) for p in parts) or any(x.field.startswith("messages[1]") for x in losses)


def same(found: Part, sent: Part) -> bool:
    fields = [f for f in sent.__struct_fields__ if f not in ("extra", "detail", "name", "id")]
    return type(found) is type(sent) and all(bare(getattr(found, f)) == bare(getattr(sent, f)) for f in fields)


def bare(value: object) -> object:
    """Media without their type, which an address need not tell."""
    return (value.data, value.url, value.file_id) if isinstance(value, Media) else value


def test_a_failed_tool_is_told_or_its_loss_is(dialect: Dialect) -> None:
    """`is_error` comes back or is named, and its words arrive either way."""
    call = Message(role="assistant", parts=(ToolCall(id="c", name="f", arguments="{}"),))
    result = Message(role="tool", parts=(ToolResult(call_id="c", name="f", parts=(Text(text="broken"),), is_error=True),))
    back, losses = round_trip(dialect, ChatRequest(model="m", messages=(user_says("x"), call, result)))
    found = next(p for m in back.messages for p in m.parts if isinstance(p, ToolResult))
    assert found.is_error or any("is_error" in loss.field for loss in losses)
    assert "broken" in "".join(p.text for p in found.parts if isinstance(p, Text))


def test_foreign_extras_are_not_forwarded(dialect: Dialect) -> None:
    """A field that only the client's protocol has is named as a loss and stays out of the body."""
    request = ChatRequest(
        model="m", messages=(user_says("x"),), extra={"zzz_only_there": msgspec.Raw(b"1")}, extra_from="another"
    )
    wire = dialect.write_request(request)
    assert b"zzz_only_there" not in wire.body
    assert any("zzz_only_there" in loss.field for loss in wire.losses)


def test_own_extras_are_forwarded(dialect: Dialect) -> None:
    """A field we have no name for passes between two that speak the same protocol."""
    request = ChatRequest(
        model="m", messages=(user_says("x"),), extra={"zzzfield": msgspec.Raw(b'{"a": 1}')}, extra_from=dialect.name
    )
    wire = dialect.write_request(request)
    assert json.loads(wire.body)["zzzfield"] == {"a": 1}
    back = dialect.read_request(wire.body, wire.path)
    assert json.loads(bytes(back.extra["zzzfield"])) == {"a": 1}
    assert back.extra_from == dialect.name


# Requests that are none

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PATHS = ("/chat/completions", "/responses", "/v1/messages", "/api/chat", "/api/generate", "/models/m:generateContent", "")


def provider_error(call: Callable[[], object]) -> ProviderError | None:
    """The one error that may be raised, if it was; any other fails the test."""
    try:
        call()
    except ProviderError as error:
        return error
    return None


def client_fault_or_request(dialect: Dialect, body: bytes, path: str) -> None:
    error = provider_error(lambda: dialect.read_request(body, path))
    if error is None:
        dialect.write_request(dialect.read_request(body, path))
    else:
        assert error.failure.kind is FailureClass.CLIENT_FAULT
        assert error.failure.message


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"messages":' + b'{"a":' * 50_000]
)
def test_a_body_that_is_no_request_is_the_clients_fault(dialect: Dialect, body: bytes) -> None:
    """Not JSON, not an object, too deep: always the same kind of error, never another."""
    with pytest.raises(ProviderError) as caught:
        dialect.read_request(body, dialect.write_request(RICH).path)
    assert caught.value.failure.kind is FailureClass.CLIENT_FAULT


@given(body=st.binary(max_size=200), path=st.sampled_from(PATHS))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_reading_a_request_is_total_over_bytes(dialect: Dialect, body: bytes, path: str) -> None:
    """Any bytes are a request or the client's fault."""
    client_fault_or_request(dialect, body, path)


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_reading_a_request_is_total_over_damaged_requests(dialect: Dialect, data: st.DataObject) -> None:
    """A real request in which one value was replaced by another is a request or the client's fault."""
    wire = dialect.write_request(msgspec.structs.replace(RICH, **{k: v for k, v in SETTINGS.items() if k != "n"}))
    whole = json.loads(wire.body)
    places = list(walk(whole))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JSON)
    client_fault_or_request(dialect, json.dumps(whole).encode(), wire.path)


def walk(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as holder and key."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from walk(value[key])


def test_the_message_names_the_bad_field(dialect: Dialect) -> None:
    """A wrong type is answered with where it is and what stood there."""
    wire = dialect.write_request(RICH)
    whole = json.loads(wire.body)
    field = next(k for k, v in whole.items() if isinstance(v, list))
    whole[field] = 17
    with pytest.raises(ProviderError) as caught:
        dialect.read_request(json.dumps(whole).encode(), wire.path)
    assert field in caught.value.failure.message
    assert "int" in caught.value.failure.message


# Replies


def test_a_reply_keeps_its_meaning(dialect: Dialect) -> None:
    """Thoughts, text, calls, finish reason and token totals come back as they went."""
    wire = dialect.write_reply(REPLY, RICH)
    assert wire.status == 200
    assert "json" in wire.headers["content-type"]
    back = dialect.read_reply(wire.body)
    assert content(back) == content(REPLY)
    assert back.model == REPLY.model


@pytest.mark.parametrize("finish", [FinishReason.STOP, FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.REFUSAL])
def test_finish_reasons_survive(dialect: Dialect, finish: FinishReason) -> None:
    """Whole and streamed, why the model stopped is told in the protocol's own words and read back."""
    expected = NEAREST_FINISH.get((dialect.name, finish), finish)
    reply = plain(finish, Refusal(text="I will not.")) if finish is FinishReason.REFUSAL else plain(finish)
    assert dialect.read_reply(dialect.write_reply(reply, RICH).body).finish is expected
    assert assembled(dialect, [streamed(dialect, list(deltas_of(reply)))]).reply().finish is expected


def test_no_foreign_finish_word_leaks(dialect: Dialect) -> None:
    """The provider's own word is not the client's: `finish_raw` never reaches the wire."""
    choice = Choice(parts=(Text(text="a"),), finish=FinishReason.STOP, finish_raw="zzz_foreign")
    reply = msgspec.structs.replace(REPLY, choices=(choice,))
    assert b"zzz_foreign" not in dialect.write_reply(reply, RICH).body
    assert b"zzz_foreign" not in streamed(dialect, list(deltas_of(reply)))


def test_a_call_without_arguments_is_an_empty_object(dialect: Dialect) -> None:
    """Whole and streamed, `{}` stays `{}`."""
    reply = plain(FinishReason.TOOL_CALLS, ToolCall(id="c", name="now", arguments="{}"))
    assert dialect.read_reply(dialect.write_reply(reply, RICH).body).tool_calls[0].arguments == "{}"
    assert assembled(dialect, [streamed(dialect, list(deltas_of(reply)))]).reply().tool_calls[0].arguments == "{}"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502</html>", b"[]", b"17", b"{}", b'{"choices": 3, "output": 3, "content": 3, "message": 3}', b"[" * 100_000],
)
def test_a_body_that_is_no_reply_is_malformed(dialect: Dialect, body: bytes) -> None:
    """HTML, broken or strange JSON raise the one error that says so."""
    with pytest.raises(ProviderError) as caught:
        dialect.read_reply(body)
    assert caught.value.failure.kind is FailureClass.MALFORMED


@given(data=st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_reading_a_reply_is_total_over_damaged_replies(dialect: Dialect, data: st.DataObject) -> None:
    """A real reply in which one value was replaced by another is a reply or raises `ProviderError`."""
    whole = json.loads(dialect.write_reply(REPLY, RICH).body)
    holder, key = data.draw(st.sampled_from(list(walk(whole))))
    holder[key] = data.draw(JSON)
    error = provider_error(lambda: dialect.read_reply(json.dumps(whole).encode()))
    assert error is None or error.failure.message


def test_an_error_despite_status_200_is_a_failure(dialect: Dialect) -> None:
    """The protocol's own error object in place of a reply raises the class it tells."""
    error = dialect.write_failure(Failure(kind=FailureClass.RATE_LIMIT, message="slow down please"))
    with pytest.raises(ProviderError) as caught:
        dialect.read_reply(error.body)
    assert caught.value.failure.kind is FailureClass.RATE_LIMIT


# Streams


def test_a_stream_says_the_same_at_every_cut_of_the_network(dialect: Dialect) -> None:
    """A streamed reply equals the whole one, wherever the bytes were split, also one by one."""
    wire = streamed(dialect, list(deltas_of(REPLY)))
    whole = assembled(dialect, [wire]).reply()
    assert content(whole) == content(REPLY)
    assert assembled(dialect, [wire[i : i + 1] for i in range(len(wire))]).reply() == whole
    for cut in range(0, len(wire), 1 if len(wire) < 4000 else 7):
        assert assembled(dialect, [wire[:cut], wire[cut:]]).reply() == whole


def test_a_streams_usage_is_told(dialect: Dialect) -> None:
    """Who asked for usage gets it at the end, cache and totals as they are."""
    usage = assembled(dialect, [streamed(dialect, list(deltas_of(REPLY)))]).usage
    assert usage is not None
    assert (usage.total_input_tokens, usage.total_output_tokens) == (120, 42)


def test_a_cut_stream_is_never_a_whole_reply(dialect: Dialect) -> None:
    """Whatever prefix arrives, it is reported as failed, or nothing of the content is missing."""
    wire = streamed(dialect, list(deltas_of(REPLY)))
    whole = content(assembled(dialect, [wire]).reply())
    for cut in range(0, len(wire), 1 if len(wire) < 4000 else 7):
        try:
            found = assembled(dialect, [wire[:cut]])
        except ProviderError as error:
            half_an_event = error.failure.kind is FailureClass.MALFORMED
            assert half_an_event  # most cuts do not raise
            continue
        if found.failure is not None:
            assert (found.failure.kind, found.failure.phase) == (FailureClass.TRANSIENT, "body")
            continue
        now = content(found.reply())
        assert {k: now[k] for k in ("text", "thoughts", "calls", "finish")} == {
            k: whole[k] for k in ("text", "thoughts", "calls", "finish")
        }


def test_an_empty_stream_is_a_failure(dialect: Dialect) -> None:
    """A connection that closes without a word gave no reply."""
    (delta,) = dialect.stream_reader().close()
    assert isinstance(delta, Failed)
    assert (delta.failure.kind, delta.failure.phase) == (FailureClass.TRANSIENT, "body")


def test_garbage_in_a_stream_is_malformed(dialect: Dialect) -> None:
    """A frame that is not the protocol raises; it is not skipped."""
    frame = b"data: {broken\n\n" if dialect.stream_content_type == "text/event-stream" else b"{broken\n"
    with pytest.raises(ProviderError) as caught:
        dialect.stream_reader().feed(frame)
    assert caught.value.failure.kind is FailureClass.MALFORMED


@pytest.mark.parametrize("kind", list(FailureClass))
def test_a_failure_inside_a_stream_is_told_and_nothing_looks_like_success(dialect: Dialect, kind: FailureClass) -> None:
    """After a `Failed` delta the writer adds nothing, and a reader of it sees text so far and the same class."""
    writer = dialect.stream_writer(STREAMED)
    head, *_ = deltas_of(plain())
    failure = Failure(kind=kind, message="something went wrong", code="their_own_word", phase="body")
    wire = writer.feed(head) + writer.feed(TextDelta("Hel")) + writer.feed(Failed(failure))
    assert writer.close() == b""
    assert writer.feed(TextDelta("lo")) == b""
    assert b"[DONE]" not in wire
    found = assembled(dialect, [wire])
    assert found.reply().text == "Hel"
    assert found.failure is not None
    assert found.failure.kind is kind
    assert "something went wrong" in found.failure.message


# Failures


@given(
    status=st.integers(-1, 1000),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry", "content-type", "date", "x-request-id"]),
        st.text(max_size=12),
    ),
    body=st.binary(max_size=60)
    | JSON.map(lambda v: json.dumps(v).encode())
    | JSON.map(lambda v: json.dumps({"error": v}).encode()),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_classify_is_total(dialect: Dialect, status: int, headers: dict[str, str], body: bytes) -> None:
    """Any status, headers and bytes get a class, a message and a sane wait."""
    failure = dialect.classify(status, headers, body)
    assert isinstance(failure.kind, FailureClass)
    assert failure.message
    assert failure.retry_after_s is None or 0 <= failure.retry_after_s <= 3600


@pytest.mark.parametrize("kind", list(FailureClass))
@pytest.mark.parametrize("retry_after_s", [None, 0.0, 0.25, 12.0])
@pytest.mark.parametrize("code", [None, "their_own_word", "insufficient_quota"])
def test_a_written_failure_is_read_as_what_it_was(
    dialect: Dialect, kind: FailureClass, retry_after_s: float | None, code: str | None
) -> None:
    """Class, message and wait survive the way to a client and back."""
    failure = Failure(kind=kind, message="It did not work.", code=code, retry_after_s=retry_after_s)
    wire = dialect.write_failure(failure)
    back = dialect.classify(wire.status, wire.headers, wire.body)
    assert (back.kind, back.retry_after_s) == (kind, retry_after_s)
    assert failure.message in back.message  # Anthropic has no codes, so there the words must tell the class


def test_the_key_goes_into_headers_alone(dialect: Dialect) -> None:
    """A key is carried by a header, and no body or path ever holds it."""
    headers = dialect.auth_headers("k-123")
    assert any("k-123" in value for value in headers.values())
    assert all(name == name.lower() for name in headers)

"""The traps other gateways fell into, by name: usage and cost, then streams and requests.

Each test is one trap. Traps that show elsewhere have their tests there:

- names of tools too long or with signs the target refuses: `unit/providers/test_tool_names.py`
- price by the tier that served, compressed bodies, errors beside choices, `usage.cost`, TCP_NODELAY:
  `unit/gateway/test_on_the_wire.py`
- usage that only we asked for: `unit/gateway/test_passing.py`
- error shapes, failing over, broken streams, one owner of retries, breakers: `unit/gateway/test_failures.py`
- classes of failures, spent money as 429, `x-should-retry`: `unit/providers/test_failure_class.py`
- `retry-after` in all its forms: `unit/providers/test_retry_after.py`
- clients that leave, `drain`: `unit/gateway/test_client_gone.py`
- what is billed without an answer: `unit/gateway/test_billed_without_answer.py`
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.chat import (
    ChatReply,
    ChatRequest,
    Choice,
    Delta,
    Failed,
    File,
    Finished,
    FinishReason,
    Image,
    LogprobsDelta,
    Media,
    Message,
    Opaque,
    PartDelta,
    Reasoning,
    ReasoningDelta,
    ReasoningSpec,
    Started,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolChoice,
    ToolResult,
    UsageSeen,
    user_says,
)
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.usage import Usage
from pointsman.providers.assemble import Assembler
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.sse import SseReader
from support.streams import deltas_in, streamed, written

CHAT, RESPONSES, ANTHROPIC, GEMINI = (
    DIALECTS.load(n) for n in ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
)
ALL = (CHAT, RESPONSES, ANTHROPIC, GEMINI)
ASKED = ChatRequest(model="m", messages=(user_says("hi"),), stream=True, stream_usage=True)
END = Finished(reason=FinishReason.STOP)


def request(*messages: Message, **more: Any) -> ChatRequest:
    return ChatRequest(model=more.pop("model", "m"), messages=messages or (user_says("hi"),), **more)


def body(dialect: Any, asked: ChatRequest) -> Any:
    return json.loads(dialect.write_request(asked).body)


def events(data: bytes) -> list[Any]:
    """Every event of a stream as JSON, `[DONE]` as itself."""
    found = [event.data for event in SseReader().feed(data)]
    return [data.decode() if data == b"[DONE]" else json.loads(data) for data in found]


def reply_with(usage: Usage) -> ChatReply:
    return ChatReply(choices=(Choice(parts=(Text(text="a"),), finish=FinishReason.STOP),), usage=usage)


def usage_told(dialect: Any, usage: Usage) -> Any:
    told = json.loads(dialect.write_reply(reply_with(usage), ASKED).body)
    return told.get("usage") or told["usageMetadata"]


# Usage and cost


CACHED = Usage(input_tokens=80, cache_read_tokens=20, cache_write_tokens=5, output_tokens=30, reasoning_tokens=12)


def test_what_input_tokens_contain_is_each_protocols_own_convention() -> None:
    """OpenAI's and Gemini's prompt contains the cache, Anthropic's leaves it out; cached tokens are never counted twice."""
    chat, responses, anthropic, gemini = (usage_told(d, CACHED) for d in ALL)
    assert (chat["prompt_tokens"], chat["prompt_tokens_details"]["cached_tokens"]) == (105, 20)
    assert (responses["input_tokens"], responses["input_tokens_details"]["cached_tokens"]) == (105, 20)
    assert anthropic["input_tokens"] == 80
    assert (anthropic["cache_read_input_tokens"], anthropic["cache_creation_input_tokens"]) == (20, 5)
    assert (gemini["promptTokenCount"], gemini["cachedContentTokenCount"]) == (105, 20)


def test_what_output_tokens_contain_is_each_protocols_own_convention() -> None:
    """Thoughts lie inside OpenAI's and Anthropic's output, outside Gemini's candidates."""
    chat, responses, anthropic, gemini = (usage_told(d, CACHED) for d in ALL)
    assert (chat["completion_tokens"], responses["output_tokens"], anthropic["output_tokens"]) == (42, 42, 42)
    assert (gemini["candidatesTokenCount"], gemini["thoughtsTokenCount"]) == (30, 12)


@pytest.mark.parametrize("source", ALL, ids=lambda d: d.name)
@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
def test_totals_survive_every_pair_of_protocols(source: Any, target: Any) -> None:
    """What the provider billed is what the client reads, whichever two protocols meet."""
    there = source.read_reply(source.write_reply(reply_with(CACHED), ASKED).body)
    here = target.read_reply(target.write_reply(there, ASKED).body).usage
    assert (here.total_input_tokens, here.total_output_tokens, here.cache_read_tokens) == (105, 42, 20)
    assert here.reasoning_tokens == 12


def test_anthropics_running_totals_replace_and_are_never_added() -> None:
    """`message_delta` repeats what `message_start` said; absent fields keep it, and an explicit 0 is 0."""
    start = {"type": "message_start", "message": {"id": "a", "usage": {"input_tokens": 7, "output_tokens": 1}}}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}
    zero = {**delta, "usage": {"input_tokens": 0, "output_tokens": 9}}
    for last, read in ((delta, 7), (zero, 0)):
        wire = b"".join(b"data: %b\n\n" % json.dumps(e).encode() for e in (start, last, {"type": "message_stop"}))
        usage = streamed(ANTHROPIC, wire).usage
        assert usage is not None
        assert (usage.input_tokens, usage.output_tokens) == (read, 9)


def test_absent_usage_is_unknown_and_not_zero() -> None:
    """A reply without usage has none, and a client whose protocol demands counts is told so by a loss."""
    said = b'{"id":"a","choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}'
    reply = CHAT.read_reply(said)
    assert reply.usage is None
    assert {loss.field for loss in ANTHROPIC.lost_in_reply(reply)} == {
        "reply.usage.total_input_tokens",
        "reply.usage.total_output_tokens",
    }


def test_usage_is_asked_of_every_openai_stream() -> None:
    """Without `include_usage` OpenAI tells none."""
    assert body(CHAT, request(stream=True))["stream_options"] == {"include_usage": True}


def test_usage_repeated_in_every_chunk_counts_once() -> None:
    """Some vendors repeat their running totals."""
    chunk = {"id": "a", "choices": [{"index": 0, "delta": {"content": "x"}}], "usage": {"prompt_tokens": 3}}
    chunks = [{**chunk, "usage": {"prompt_tokens": 3, "completion_tokens": n}} for n in (1, 2, 3)]
    wire = b"".join(b"data: %b\n\n" % json.dumps(c).encode() for c in chunks) + b"data: [DONE]\n\n"
    usage = streamed(CHAT, wire).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (3, 3)


@pytest.mark.parametrize("status", ["incomplete", "failed"])
def test_responses_that_do_not_complete_are_billed_too(status: str) -> None:
    """`response.incomplete` and `response.failed` carry usage."""
    usage = {"input_tokens": 4, "output_tokens": 5, "total_tokens": 9}
    response = {"id": "r", "status": status, "output": [], "usage": usage, "error": None}
    wire = b"data: %b\n\n" % json.dumps({"type": f"response.{status}", "response": response}).encode()
    assembler = Assembler()
    for delta in deltas_in(RESPONSES, [wire]):
        assembler.add(delta)
    assert assembler.usage is not None
    assert assembler.usage.total_output_tokens == 5


# How streams are framed


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("field", [b"data: ", b"data:"])
def test_event_framing_in_every_legal_way(end: bytes, field: bytes) -> None:
    """With and without the space, all line ends, comments, unknown fields, and data over two lines."""
    lines = [b": ping", b"id: 1", field + b'{"a":', field + b'"\xe2\x82\xac"}', b""]
    wire = b"".join(line + end for line in lines)
    for size in range(1, 9):
        reader = SseReader()
        found = [e for i in range(0, len(wire), size) for e in reader.feed(wire[i : i + size])]
        assert [json.loads(e.data) for e in [*found, *reader.close()]] == [{"a": "€"}]


SCRIPT: list[Delta] = [
    Started(id="r", model="m"),
    ReasoningDelta(text="Two cities. ", signature="c2ln", closes=True),
    TextDelta("Let me "),
    TextDelta("look: Ä€😀\n\n"),
    ToolCallStarted(index=0, id="c0", name="weather"),
    ToolCallDelta(index=0, arguments='{"city":'),
    ToolCallDelta(index=0, arguments='"Köln"}'),
    ToolCallStarted(index=1, id="c1", name="now"),
    ToolCallDelta(index=1, arguments="{}"),
    Finished(reason=FinishReason.TOOL_CALLS),
    UsageSeen(CACHED),
]


@pytest.mark.parametrize("source", ALL, ids=lambda d: d.name)
@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_stream_translated_is_the_same_wherever_the_network_cuts_it(source: Any, target: Any, data: st.DataObject) -> None:
    """Provider's protocol to client's protocol, cut at random bytes, through characters and events alike."""
    wire = written(source, SCRIPT, ASKED)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(wire) - 1), max_size=12)))
    pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    reply = streamed(target, written(target, deltas_in(source, pieces), ASKED))
    assert reply.text == "Let me look: Ä€😀\n\n"
    assert reply.reasoning == "Two cities. "
    assert [(c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [("weather", {"city": "Köln"}), ("now", {})]
    assert reply.finish is FinishReason.TOOL_CALLS
    assert reply.usage is not None
    assert (reply.usage.total_input_tokens, reply.usage.total_output_tokens) == (105, 42)


@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
def test_raw_json_with_line_breaks_does_not_end_an_event_early(target: Any) -> None:
    """Parts are handed on as they came, and some servers print theirs over many lines."""
    kinds = {"openai_responses": "web_search_call", "anthropic_messages": "server_tool_use", "gemini": "executableCode"}
    kind = kinds.get(target.name, "custom")
    raw = msgspec.Raw(b'{\n  "type": "%b",\r\n  "id": "x"\n}' % kind.encode())
    part = PartDelta(Opaque(dialect=target.name, kind=kind, raw=raw))
    reply = streamed(target, written(target, [Started(id="r"), part, TextDelta("after"), END], ASKED))
    assert reply.text == "after"


# What streams say


def test_the_first_delta_of_an_openai_stream_has_the_role() -> None:
    """And only the first."""
    *chunks, _, done = events(written(CHAT, deltas_in(ANTHROPIC, [written(ANTHROPIC, SCRIPT, ASKED)]), ASKED))
    roles = [c["choices"][0]["delta"].get("role") for c in chunks]
    assert roles[0] == "assistant"
    assert set(roles[1:]) == {None}
    assert done == "[DONE]"


@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
def test_a_call_without_arguments_has_an_empty_object(target: Any) -> None:
    """Anthropic streams an empty piece, or none."""
    started = {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    }
    empty = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": ""}}
    ends = [{"type": "content_block_stop", "index": 0}, {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}]
    said = [{"type": "message_start", "message": {"id": "a"}}, {"type": "ping"}, started, empty, *ends, {"type": "message_stop"}]
    wire = b"".join(b"data: %b\n\n" % json.dumps(e).encode() for e in said)
    (call,) = streamed(target, written(target, deltas_in(ANTHROPIC, [wire]), ASKED)).tool_calls
    assert call.arguments == "{}"


def test_thoughts_become_reasoning_content_and_their_signature_stands_apart() -> None:
    """Text and proof are different members, and the proof is no text."""
    chunks = events(written(CHAT, SCRIPT, ASKED))
    deltas = [c["choices"][0]["delta"] for c in chunks[:-2]]
    assert "".join(d.get("reasoning_content", "") for d in deltas) == "Two cities. "
    assert [d["reasoning_details"][0]["signature"] for d in deltas if "reasoning_details" in d] == ["c2ln"]


@pytest.mark.parametrize("source", [CHAT, RESPONSES, GEMINI], ids=lambda d: d.name)
def test_anthropics_blocks_are_contiguous_and_keep_the_delta_that_opened_them(source: Any) -> None:
    """One `message_start`, blocks started and stopped in turn, one `message_delta` with stop reason and final usage."""
    said = events(written(ANTHROPIC, deltas_in(source, [written(source, SCRIPT, ASKED)]), ASKED))
    kinds = [e["type"] for e in said]
    assert kinds.count("message_start") == 1
    assert [e["index"] for e in said if e["type"] == "content_block_start"] == [0, 1, 2, 3]
    assert [e["index"] for e in said if e["type"] == "content_block_stop"] == [0, 1, 2, 3]
    (last,) = [e for e in said if e["type"] == "message_delta"]
    assert last["delta"]["stop_reason"] == "tool_use"
    assert last["usage"]["output_tokens"] == 42
    args = {e["index"]: e["delta"]["partial_json"] for e in said if e.get("delta", {}).get("type") == "input_json_delta"}
    assert json.loads("".join(e["delta"]["partial_json"] for e in said if e.get("index") == 2 and "delta" in e)) == {
        "city": "Köln"
    }
    assert args[3] == "{}"


@pytest.mark.parametrize("target", [CHAT, RESPONSES, GEMINI], ids=lambda d: d.name)
def test_log_probabilities_of_a_stream_are_not_dropped(target: Any) -> None:
    """They stand beside the words they belong to."""
    tokens = [{"token": t, "logprob": -0.5, "bytes": list(t.encode()), "top_logprobs": []} for t in ("Hel", "lo")]
    deltas: list[Delta] = [Started(id="r")]
    for token in tokens:
        deltas += [LogprobsDelta(msgspec.Raw(msgspec.json.encode({"content": [token]}))), TextDelta(str(token["token"]))]
    reply = streamed(target, written(target, [*deltas, END], ASKED))
    said = json.loads(bytes(reply.choices[0].logprobs or b"null"))["content"]
    assert [(t["token"], t["logprob"]) for t in said] == [("Hel", -0.5), ("lo", -0.5)]
    assert {x.field for x in ANTHROPIC.lost_in_reply(reply)} >= {"reply.logprobs"}


@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
def test_a_truncated_call_is_kept(target: Any) -> None:
    """A call cut by the token limit arrives with what there is of it."""
    call = [ToolCallStarted(index=0, id="c", name="f"), ToolCallDelta(index=0, arguments='{"a": "b')]
    cut = [Started(id="r"), *call, Finished(reason=FinishReason.LENGTH)]
    reply = streamed(target, written(target, cut, ASKED))
    assert '"b' in json.dumps(reply.tool_calls[0].arguments).replace("\\", "")
    assert reply.finish is FinishReason.LENGTH


def test_only_words_of_the_clients_protocol_leave() -> None:
    """Whatever the provider said, the client reads a word of its own closed set."""
    words: dict[Any, set[str]] = {
        CHAT: {"stop", "length", "tool_calls", "content_filter", "function_call", "error"},
        ANTHROPIC: {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"},
    }
    for reason in set(FinishReason) - {FinishReason.ERROR}:
        choice = Choice(parts=(Text(text="x"),), finish=reason, finish_raw="FOREIGN")
        reply = ChatReply(choices=(choice,))
        assert json.loads(CHAT.write_reply(reply, ASKED).body)["choices"][0]["finish_reason"] in words[CHAT]
        assert json.loads(ANTHROPIC.write_reply(reply, ASKED).body)["stop_reason"] in words[ANTHROPIC]


def test_geminis_stop_after_a_call_is_a_tool_call() -> None:
    """Newer models finish with STOP where a call is to be made."""
    said = {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}, "finishReason": "STOP"}]}
    reply = GEMINI.read_reply(json.dumps(said).encode())
    assert json.loads(CHAT.write_reply(reply, ASKED).body)["choices"][0]["finish_reason"] == "tool_calls"
    assert json.loads(ANTHROPIC.write_reply(reply, ASKED).body)["stop_reason"] == "tool_use"


# Requests


CALLS = Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="g", arguments="{}")))
RESULTS = tuple(Message(role="tool", parts=(ToolResult(call_id=i, parts=(Text(text=i),)),)) for i in ("a", "b"))


def test_results_of_parallel_calls_share_one_user_turn() -> None:
    """Anthropic and Gemini want all of them directly after the calls."""
    asked = request(user_says("x"), CALLS, *RESULTS)
    turn = body(ANTHROPIC, asked)["messages"][-1]
    assert [b["tool_use_id"] for b in turn["content"]] == ["a", "b"]
    assert [p["functionResponse"]["id"] for p in body(GEMINI, asked)["contents"][-1]["parts"]] == ["a", "b"]


@pytest.mark.parametrize("target", [ANTHROPIC, GEMINI, RESPONSES], ids=lambda d: d.name)
def test_a_choice_without_tools_is_dropped_by_name(target: Any) -> None:
    """A choice among no tools is refused by providers."""
    hosted = Tool(name="search", opaque=Opaque(dialect="other", kind="search", raw=msgspec.Raw(b"{}")))
    wire = target.write_request(request(tools=(hosted,), tool_choice=ToolChoice("required")))
    assert {"tools[0]", "tool_choice"} <= {loss.field for loss in wire.losses}
    assert b"hoice" not in wire.body


@pytest.mark.parametrize("target, most", [(CHAT, 4), (GEMINI, 5)], ids=["openai_chat", "gemini"])
def test_stop_sequences_are_clamped_by_name(target: Any, most: int) -> None:
    """OpenAI takes 4, Gemini 5; which are gone is told."""
    wire = target.write_request(request(stop=tuple("abcdefg")))
    said = json.loads(wire.body)
    assert len(said.get("stop") or said["generationConfig"]["stopSequences"]) == most
    assert "stop" in {loss.field for loss in wire.losses}


@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
def test_a_system_prompt_in_both_places_is_kept_whole(target: Any) -> None:
    """Top-level and in the messages, as Anthropic's clients may send it; also the developer's."""
    both = ANTHROPIC.read_request(
        b'{"model":"m","max_tokens":9,"system":[{"type":"text","text":"One.","cache_control":{"type":"ephemeral"}}],'
        b'"messages":[{"role":"system","content":"Two."},{"role":"user","content":"hi"}]}',
        "/v1/messages",
    )
    asked = msgspec.structs.replace(both, messages=(*both.messages, Message(role="developer", parts=(Text(text="Three."),))))
    wire = target.write_request(asked)
    assert all(word in wire.body.decode() for word in ("One.", "Two.", "Three."))
    marks = b"cache_control" in wire.body or "messages[0].parts[0].cache" in {loss.field for loss in wire.losses}
    assert marks


@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
def test_a_tool_type_the_target_lacks_is_never_dropped_in_silence(target: Any) -> None:
    """The route then refuses it with 400 or reports it."""
    hosted = Tool(name="s", opaque=Opaque(dialect="other", kind="code_container", raw=msgspec.Raw(b'{"type":"code_container"}')))
    wire = target.write_request(request(tools=(hosted,)))
    assert [loss.field for loss in wire.losses] == ["tools[0]"]
    assert b"code_container" not in wire.body


def test_geminis_signature_goes_back_on_its_call_and_has_a_stand_in() -> None:
    """Gemini 3 refuses the first call of a turn without one."""
    signed = Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments="{}", signature="c2ln"),))
    said = body(GEMINI, request(user_says("x"), signed, RESULTS[0], model="gemini-3-pro"))
    assert said["contents"][1]["parts"][0]["thoughtSignature"] == "c2ln"
    said = body(GEMINI, request(user_says("x"), CALLS, *RESULTS, model="gemini-3-pro"))
    first, second = said["contents"][1]["parts"]
    assert first["thoughtSignature"] == "skip_thought_signature_validator"
    assert "thoughtSignature" not in second


@pytest.mark.parametrize("limit", [None, 1500, 4096])
def test_the_thinking_budget_stays_below_max_tokens_which_is_always_there(limit: int | None) -> None:
    """Anthropic refuses a request without a limit, and a budget that is not below it."""
    said = body(
        ANTHROPIC, request(model="claude-sonnet-4-0", max_output_tokens=limit, reasoning=ReasoningSpec(budget_tokens=9000))
    )
    assert 1024 <= said["thinking"]["budget_tokens"] < said["max_tokens"]
    assert body(ANTHROPIC, request())["max_tokens"] > 0


def test_the_output_limit_goes_by_the_name_the_model_takes() -> None:
    """OpenAI's reasoning models refuse `max_tokens`."""
    assert body(CHAT, request(model="o3-mini", max_output_tokens=9))["max_completion_tokens"] == 9
    assert body(CHAT, request(model="llama-4", max_output_tokens=9))["max_tokens"] == 9


@pytest.mark.parametrize("target", [ANTHROPIC, GEMINI], ids=lambda d: d.name)
def test_another_vendors_references_are_never_forwarded(target: Any) -> None:
    """File ids, encrypted thoughts and their ids mean nothing to anybody but their issuer."""
    media = (Image(media=Media(file_id="file-secret1")), File(media=Media(file_id="file-secret2")))
    thoughts = Message(role="assistant", parts=(Reasoning(encrypted="c2VjcmV0Mw", id="rs_secret4"), Text(text="ok")))
    wire = target.write_request(request(Message(role="user", parts=media), thoughts, user_says("go")))
    assert b"secret" not in wire.body
    assert b"c2VjcmV0Mw" not in wire.body
    assert {"messages[0].parts[0]", "messages[0].parts[1]", "messages[1].parts[0]"} <= {loss.field for loss in wire.losses}


def test_encrypted_thoughts_sent_without_their_id_do_not_pass_for_anthropics() -> None:
    """Clients that store nothing leave the id out."""
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    wire = {"model": "m", "input": [thought, {"role": "user", "content": "x"}]}
    asked = RESPONSES.read_request(json.dumps(wire).encode(), "/v1/responses")
    assert b"gAAA" not in ANTHROPIC.write_request(asked).body
    assert body(RESPONSES, asked)["input"][0] == thought


def test_anthropics_redacted_thoughts_do_not_pass_for_those_of_a_responses_server() -> None:
    """It would refuse the whole request: `encrypted_content` must be its own."""
    thought = Message(role="assistant", parts=(Reasoning(encrypted="c2VjcmV0"), Text(text="ok")))
    wire = RESPONSES.write_request(request(user_says("x"), thought, user_says("y")))
    assert b"c2VjcmV0" not in wire.body
    assert [loss.field for loss in wire.losses] == ["messages[1].parts[0]"]


def test_anthropics_signed_thoughts_come_back_across_turns() -> None:
    """Thinking with its signature, and redacted thinking, go back as they came."""
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}, {"type": "redacted_thinking", "data": "eA"}]
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": blocks}, {"role": "user", "content": "y"}]
    asked = ANTHROPIC.read_request(json.dumps({"model": "m", "max_tokens": 9, "messages": turns}).encode(), "/v1/messages")
    assert body(ANTHROPIC, asked)["messages"][1]["content"] == blocks


@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
def test_a_service_tier_of_another_vendor_is_translated_or_named(target: Any) -> None:
    """`flex` is no word of Anthropic's, which would refuse it."""
    wire = target.write_request(request(service_tier="flex"))
    said = json.loads(wire.body)
    if target is ANTHROPIC:
        assert "service_tier" not in said
        assert "service_tier" in {loss.field for loss in wire.losses}
    else:
        assert said.get("service_tier", said.get("serviceTier")) == "flex"


def test_a_numeric_error_code_is_read() -> None:
    """Some servers put a number where OpenAI has a word."""
    failure = CHAT.classify(400, {}, b'{"error":{"message":"no such thing","code":400}}')
    assert failure.kind is FailureClass.CLIENT_FAULT
    assert "no such thing" in failure.message


@pytest.mark.parametrize("target", ALL, ids=lambda d: d.name)
def test_an_error_inside_a_stream_has_the_protocols_own_shape_and_no_clean_end(target: Any) -> None:
    """Anthropic's `error` event, `response.failed`, Gemini's and OpenAI's `error` member; nothing that looks like success."""
    broken = Failed(Failure(kind=FailureClass.TRANSIENT, message="busy"))
    wire = written(target, [Started(id="r"), TextDelta("a"), broken], ASKED)
    last = events(wire)[-1]
    shown = {"openai_chat": "error", "openai_responses": "response", "anthropic_messages": "error", "gemini": "error"}
    assert "busy" in json.dumps(last[shown[target.name]])
    assert not any(word in wire for word in (b"[DONE]", b"response.completed", b"message_stop", b'"finishReason":"STOP"'))

"""The traps of Chat Completions and of the servers that nearly speak it, one by one."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from pointsman.core.chat import (
    Audio,
    CacheMark,
    ChatReply,
    ChatRequest,
    Failed,
    FinishReason,
    Image,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningSpec,
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
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.usage import Usage
from pointsman.providers.dialects.openai_chat import PLUGIN
from support.dialect_recordings import read_stream
from support.streams import deltas_in, plain

WEATHER = Tool(name="weather", parameters=msgspec.Raw(b'{"type":"object"}'))


def sse(*chunks: Any, done: bool = True) -> bytes:
    lines = [c if isinstance(c, bytes) else json.dumps(c).encode() for c in chunks]
    return b"".join(b"data: " + line + b"\n\n" for line in [*lines, *([b"[DONE]"] if done else [])])


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": "i", "model": "m", "created": 1, "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def call(**fields: Any) -> dict[str, Any]:
    function = {k: fields.pop(k) for k in ("name", "arguments") if k in fields}
    return delta(tool_calls=[{**fields, "function": function}])


def reply_of(*chunks: Any, done: bool = True) -> ChatReply:
    reply, failure = read_stream(PLUGIN, sse(*chunks, done=done))
    assert failure is None
    return reply


def whole(message: dict[str, Any], finish: str = "stop", **more: Any) -> ChatReply:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return PLUGIN.read_reply(json.dumps({"id": "i", "model": "m", "choices": [choice], **more}).encode())


def request_of(**fields: Any) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    return PLUGIN.read_request(json.dumps(body).encode(), "/chat/completions")


def body_of(request: ChatRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PLUGIN.write_request(request).body)
    return found


def lost(request: ChatRequest) -> set[str]:
    return {loss.field for loss in PLUGIN.write_request(request).losses}


ASK = ChatRequest(model="m", messages=(user_says("hi"),))


def but(**changes: Any) -> ChatRequest:
    return msgspec.structs.replace(ASK, **changes)


# Usage


def test_usage_repeated_in_every_chunk_is_taken_once() -> None:
    """Running totals: the last one counts, and equal ones are said once."""
    usages = [{"prompt_tokens": 8, "completion_tokens": n, "total_tokens": 8 + n} for n in (1, 2, 2, 5)]
    chunks = [{**delta(content="x"), "usage": u} for u in usages]
    body = sse(*chunks, delta("stop"))
    assert read_stream(PLUGIN, body)[0].usage == Usage(input_tokens=8, output_tokens=5)
    assert len([d for d in deltas_in(PLUGIN, [body]) if isinstance(d, UsageSeen)]) == 3


def test_usage_in_a_trailing_chunk_without_choices_is_read() -> None:
    """OpenAI's own way, after the finish reason."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert reply_of(delta("stop", content="a"), {"id": "i", "choices": [], "usage": usage}).usage == Usage(
        input_tokens=3, output_tokens=2
    )


def test_groqs_own_place_for_usage_is_read() -> None:
    """`x_groq.usage` in the last chunk."""
    last = {**delta("stop"), "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}}
    assert reply_of(delta(content="a"), last).usage == Usage(input_tokens=3, output_tokens=2)


@pytest.mark.parametrize(
    "counter",
    [
        {"prompt_tokens_details": {"cached_tokens": 4}},
        {"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6},
        {"cached_tokens": 4},
        {"num_cached_tokens": 4},
    ],
)
def test_every_name_for_cached_tokens_is_known(counter: dict[str, Any]) -> None:
    """OpenAI, DeepSeek, Moonshot, Mistral; the total contains them, so they are taken out of it."""
    usage = whole({"content": "a"}, usage={"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11, **counter}).usage
    assert usage == Usage(input_tokens=6, cache_read_tokens=4, output_tokens=1)


def test_no_usage_is_none_and_not_zero() -> None:
    """A reply without counts has no usage, and a null is no count."""
    assert whole({"content": "a"}).usage is None
    assert whole({"content": "a"}, usage=None).usage is None
    assert reply_of({**delta("stop", content="a"), "usage": None}).usage is None


def test_usage_is_always_asked_of_a_stream() -> None:
    """Whether or not our client wants it, and beside the options it did give."""
    assert body_of(but(stream=True))["stream_options"] == {"include_usage": True}
    asked = request_of(stream=True, stream_options={"include_obfuscation": False})
    assert asked.stream_usage is False
    assert body_of(asked)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in body_of(but(stream=False))


# Streams


def test_azures_prelude_of_filter_results_starts_nothing() -> None:
    """Its first chunk has no choices and an empty id; the real id comes with the second."""
    prelude = {"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    assert reply_of(prelude, delta("stop", content="a")).id == "i"


def test_a_finish_reason_without_done_is_whole() -> None:
    """Perplexity ends so."""
    assert reply_of(delta(content="a"), delta("stop"), done=False).finish is FinishReason.STOP


def test_done_without_a_finish_reason_is_whole_but_its_end_unknown() -> None:
    """A server behind OpenRouter ends so; a tool call tells its own end."""
    assert reply_of(delta(content="a")).finish is FinishReason.UNKNOWN
    assert reply_of(call(index=0, id="c", name="f", arguments="{}")).finish is FinishReason.TOOL_CALLS


def test_neither_is_a_cut_stream() -> None:
    """Even if the connection closed cleanly, and also if only one of two choices ended."""
    for body in (sse(delta(content="a"), done=False), sse(done=True)):
        failure = read_stream(PLUGIN, body)[1]
        assert failure is not None
        assert (failure.kind, failure.phase) == (FailureClass.TRANSIENT, "body")
    two = {"id": "i", "choices": [{"index": 1, "delta": {"content": "b"}}]}
    assert read_stream(PLUGIN, sse(delta("stop", content="a"), two, done=False))[1] is not None


def test_an_error_inside_a_stream_ends_it() -> None:
    """Nothing after it counts, not even `[DONE]`."""
    error = {"error": {"message": "Overloaded", "code": 502}}
    reply, failure = read_stream(PLUGIN, sse(delta(content="a"), error, delta("stop", content="b")))
    assert reply.text == "a"
    assert failure is not None
    assert (failure.kind, failure.code, failure.phase) == (FailureClass.TRANSIENT, "502", "body")


@pytest.mark.parametrize("chunk", [{"object": "error", "message": "bad", "code": 400}, {"detail": "bad"}, {"error": "bad"}])
def test_other_shapes_of_error_inside_a_stream_are_seen(chunk: dict[str, Any]) -> None:
    """VLLM, FastAPI and plain strings."""
    failure = read_stream(PLUGIN, sse(chunk))[1]
    assert failure is not None
    assert failure.message == "bad"


def test_a_chunk_that_says_nothing_is_let_pass() -> None:
    """An empty object or a comment between chunks does no harm."""
    assert reply_of({}, b"", delta("stop", content="a")).text == "a"


def test_several_choices_stay_apart() -> None:
    """Pieces of two answers come mixed."""
    chunks = [{"id": "i", "choices": [{"index": i, "delta": {"content": t}, "finish_reason": f}]}
              for i, t, f in ((0, "a", None), (1, "x", None), (0, "b", "stop"), (1, "y", "length"))]  # fmt: skip
    reply = reply_of(*chunks)
    assert [(c.parts, c.finish) for c in reply.choices] == [
        ((Text(text="ab"),), FinishReason.STOP),
        ((Text(text="xy"),), FinishReason.LENGTH),
    ]


# Tool calls in streams


def test_parallel_calls_keep_their_index_and_id() -> None:
    """Pieces of two calls come mixed."""
    reply = reply_of(
        call(index=0, id="a", name="f", arguments=""),
        call(index=1, id="b", name="g", arguments='{"y"'),
        call(index=0, arguments='{"x":1}'),
        call(index=1, arguments=":2}"),
        delta("tool_calls"),
    )
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


def test_whole_calls_without_index_are_separate_calls() -> None:
    """Gemini's compatible endpoint sends neither index nor id; each call gets an id of its own."""
    body = sse(call(name="f", arguments='{"a":1}'), call(name="f", arguments='{"a":2}'), delta("stop"))
    reply = read_stream(PLUGIN, body)[0]
    assert [c.arguments for c in reply.tool_calls] == ['{"a":1}', '{"a":2}']
    first, second = (c.id for c in reply.tool_calls)
    assert first != second
    assert read_stream(PLUGIN, body)[0] == reply
    assert reply.finish is FinishReason.TOOL_CALLS


def test_whole_calls_all_under_index_zero_are_separate_calls() -> None:
    """A new id with a name begins a new call, whatever the index says."""
    reply = reply_of(
        call(index=0, id="a", name="f", arguments="{}"), call(index=0, id="b", name="f", arguments="{}"), delta("stop")
    )
    assert [c.id for c in reply.tool_calls] == ["a", "b"]


def test_an_id_or_name_repeated_in_each_piece_begins_nothing() -> None:
    """Mistral, Alibaba and Novita repeat them, or send them empty."""
    reply = reply_of(
        call(index=0, id="a", name="f", arguments='{"x'),
        call(index=0, id="a", name="f", arguments='":'),
        call(index=0, id="", name="", arguments="1"),
        call(index=0, id=None, name=None, arguments="}"),
        delta("tool_calls"),
    )
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [("a", "f", '{"x":1}')]


def test_pieces_without_index_go_on_with_the_latest_call() -> None:
    """Nothing else could be meant."""
    reply = reply_of(call(id="a", name="f", arguments='{"x"'), call(arguments=":1}"), delta("tool_calls"))
    assert [(c.id, c.arguments) for c in reply.tool_calls] == [("a", '{"x":1}')]


def test_arguments_before_the_name_wait_for_it() -> None:
    """The call starts when its name is known, and its pieces follow in order."""
    body = sse(call(index=0, id="a", arguments='{"x"'), call(index=0, name="f", arguments=":1}"), delta("tool_calls"))
    started, *pieces = [d for d in deltas_in(PLUGIN, [body]) if isinstance(d, ToolCallStarted | ToolCallDelta)]
    assert started == ToolCallStarted(index=0, id="a", name="f")
    assert [p.arguments for p in pieces if isinstance(p, ToolCallDelta)] == ['{"x"', ":1}"]


def test_a_call_cut_by_the_length_is_kept_broken() -> None:
    """The finish reason stays `length`, and the half JSON is there to be seen."""
    reply = reply_of(call(index=0, id="a", name="f", arguments='{"x": [1, 2'), delta("length"))
    assert (reply.finish, reply.tool_calls[0].arguments) == (FinishReason.LENGTH, '{"x": [1, 2')


def test_arguments_sent_as_an_object_become_its_text() -> None:
    """Whole and streamed."""
    assert (
        whole({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]}).tool_calls[0].arguments
        == '{"x":1}'
    )
    assert reply_of(call(index=0, id="a", name="f", arguments={"x": 1}), delta("stop")).tool_calls[0].arguments == '{"x":1}'


def test_a_call_without_arguments_is_an_empty_object() -> None:
    """`""`, null and absent all mean `{}`."""
    for arguments in ({}, {"arguments": ""}, {"arguments": None}):
        assert whole({"tool_calls": [{"id": "a", "function": {"name": "f", **arguments}}]}).tool_calls[0].arguments == "{}"


def test_geminis_proof_of_thought_travels_with_its_call() -> None:
    """On the call or on the message; it is written back where its owner looks for it."""
    proof = {"google": {"thought_signature": "s"}}
    calls = [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]
    for message in ({"tool_calls": [{**calls[0], "extra_content": proof}]}, {"tool_calls": calls, "extra_content": proof}):
        found = whole(message).tool_calls[0]
        assert found.signature == "s"
        history = but(messages=(user_says("x"), Message(role="assistant", parts=(found,))))
        assert body_of(history)["messages"][1]["tool_calls"][0]["extra_content"] == proof
    streamed = delta(tool_calls=[{"index": 0, **calls[0]}], extra_content=proof)
    assert reply_of(streamed, delta("tool_calls")).tool_calls[0].signature == "s"


def test_custom_tools_pass_between_those_that_know_them() -> None:
    """Their input is free text, so it is no call of ours; whole, streamed and in history."""
    custom = {"id": "c", "type": "custom", "custom": {"name": "run", "input": "print(1)"}}
    reply = whole({"tool_calls": [custom]}, "tool_calls")
    assert json.loads(PLUGIN.write_reply(reply, ASK).body)["choices"][0]["message"]["tool_calls"] == [custom]
    pieces = [
        {"index": 0, "id": "c", "type": "custom", "custom": {"name": "run", "input": "print"}},
        {"index": 0, "custom": {"input": "(1)"}},
    ]
    streamed = reply_of(*(delta(tool_calls=[p]) for p in pieces), delta("tool_calls"))
    assert plain(streamed.choices[0].parts) == plain(reply.choices[0].parts)


# Thoughts


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_visible_thoughts_have_two_names(field: str) -> None:
    """DeepSeek's and OpenRouter's; both come before the text."""
    assert whole({field: "hm", "content": "a"}).choices[0].parts == (Reasoning(text="hm"), Text(text="a"))
    reply = reply_of(delta(**{field: "h"}), delta(**{field: "m"}), delta(content="a"), delta("stop"))
    assert reply.choices[0].parts == (Reasoning(text="hm"), Text(text="a"))


def test_mistrals_list_of_thoughts_and_texts_is_read() -> None:
    """Whole and in pieces."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert whole({"content": [thinking, {"type": "text", "text": "a"}]}).choices[0].parts == (
        Reasoning(text="hm"),
        Text(text="a"),
    )
    assert reply_of(delta(content=[thinking]), delta("stop", content="a")).choices[0].parts == (
        Reasoning(text="hm"),
        Text(text="a"),
    )


def test_openrouters_details_keep_the_proof() -> None:
    """Text and signature may come apart; the plain text beside them is not counted twice."""
    details = [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}]
    assert whole({"reasoning": "hm", "reasoning_details": details}).choices[0].parts == (Reasoning(text="hm", signature="s"),)
    reply = reply_of(
        delta(reasoning="h", reasoning_details=[{"type": "reasoning.text", "text": "h", "index": 0}]),
        delta(reasoning="m", reasoning_details=[{"type": "reasoning.text", "text": "m", "index": 0}]),
        delta(reasoning_details=[{"type": "reasoning.text", "signature": "s", "index": 0}]),
        delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "zz", "index": 1}]),
        delta("stop", content="a"),
    )
    assert reply.choices[0].parts == (Reasoning(text="hm", signature="s"), Reasoning(encrypted="zz"), Text(text="a"))


# Finish reasons, refusals, sound and pictures


@pytest.mark.parametrize(
    "word, meaning",
    [
        ("stop", FinishReason.STOP), ("STOP", FinishReason.STOP), ("eos", FinishReason.STOP), ("length", FinishReason.LENGTH),
        ("model_length", FinishReason.LENGTH), ("content_filter", FinishReason.CONTENT_FILTER),
        ("sensitive", FinishReason.CONTENT_FILTER), ("insufficient_system_resource", FinishReason.ERROR),
        ("error", FinishReason.ERROR), ("whatever", FinishReason.UNKNOWN),
    ],
)  # fmt: skip
def test_the_words_of_all_servers_have_one_meaning(word: str, meaning: FinishReason) -> None:
    """A word nobody knows is unknown, and is kept beside it."""
    reply = whole({"content": "a"}, word)
    assert (reply.finish, reply.choices[0].finish_raw) == (meaning, word)


def test_stop_after_a_call_means_the_call() -> None:
    """Newer Gemini and some others say `stop`."""
    assert whole({"tool_calls": [{"id": "a", "function": {"name": "f"}}]}).finish is FinishReason.TOOL_CALLS


def test_a_refusal_is_not_text() -> None:
    """OpenAI says `stop` and puts the words into their own field."""
    reply = whole({"content": None, "refusal": "No."})
    assert (reply.text, reply.refusal, reply.finish) == ("", "No.", FinishReason.REFUSAL)
    assert reply_of(delta(refusal="N"), delta("stop", refusal="o.")).refusal == "No."


def test_vllm_says_which_stop_sequence_it_met() -> None:
    """A number there is a token, not a sequence."""
    choice = {"message": {"content": "a"}, "finish_reason": "stop", "stop_reason": "END"}
    found = PLUGIN.read_reply(json.dumps({"choices": [choice]}).encode()).choices[0]
    assert (found.finish, found.stop_sequence) == (FinishReason.STOP_SEQUENCE, "END")
    found = PLUGIN.read_reply(json.dumps({"choices": [{**choice, "stop_reason": 128009}]}).encode()).choices[0]
    assert (found.finish, found.stop_sequence) == (FinishReason.STOP, None)


def test_sound_in_pieces_is_one_sound() -> None:
    """Each piece is encoded alone; the transcript is joined too."""
    pieces = [
        {"id": "s", "data": base64.b64encode(b"a").decode(), "transcript": "He"},
        {"data": base64.b64encode(b"b").decode(), "transcript": "y"},
    ]
    (sound,) = reply_of(*(delta(audio=p) for p in pieces), delta("stop")).choices[0].parts
    assert sound == Audio(media=Media(data=base64.b64encode(b"ab").decode()), transcript="Hey")


def test_pictures_a_model_made_are_read() -> None:
    """OpenRouter puts them beside the content."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    part = Image(media=Media(media_type="image/png", data="iVBO"))
    assert whole({"content": "", "images": [image]}).choices[0].parts == (part,)
    assert reply_of(delta(images=[image]), delta("stop")).choices[0].parts == (part,)


def test_annotations_belong_to_the_text() -> None:
    """Whole, streamed, and written for a client again; another protocol's citations are not."""
    annotations = [{"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}]
    reply = whole({"content": "a", "annotations": annotations})
    (text,) = reply.choices[0].parts
    assert isinstance(text, Text)
    assert text.citations is not None
    assert json.loads(bytes(text.citations)) == annotations
    (again,) = reply_of(delta(content="a"), delta("stop", annotations=annotations)).choices[0].parts
    assert isinstance(again, Text)
    assert again.text == "a"
    assert again.citations == text.citations
    assert json.loads(PLUGIN.write_reply(reply, ASK).body)["choices"][0]["message"]["annotations"] == annotations
    foreign = msgspec.structs.replace(reply.choices[0], parts=(Text(text="a", citations=msgspec.Raw(b'[{"cited_text":"x"}]')),))
    assert "annotations" not in PLUGIN.write_reply(msgspec.structs.replace(reply, choices=(foreign,)), ASK).body.decode()


# Requests


def test_the_output_limit_goes_by_the_name_the_model_takes() -> None:
    """OpenAI's reasoning models refuse the old name, many other servers the new; a caller's old name is kept."""
    names = {m: next(k for k in body_of(but(model=m, max_output_tokens=5)) if k.startswith("max_")) for m in
             ("gpt-4o", "llama-3", "o3-mini", "gpt-5-nano", "openai/gpt-5.2", "gpt-10")}  # fmt: skip
    assert names == {"gpt-4o": "max_tokens", "llama-3": "max_tokens", "o3-mini": "max_completion_tokens",
                     "gpt-5-nano": "max_completion_tokens", "openai/gpt-5.2": "max_completion_tokens",
                     "gpt-10": "max_completion_tokens"}  # fmt: skip
    asked = request_of(model="gpt-5", max_tokens=7)
    assert body_of(asked)["max_tokens"] == 7
    assert "max_completion_tokens" not in body_of(asked)
    assert body_of(msgspec.structs.replace(asked, max_output_tokens=9))["max_tokens"] == 9


def test_both_names_of_the_limit_are_read() -> None:
    """The newer one wins."""
    assert request_of(max_tokens=5).max_output_tokens == 5
    assert request_of(max_tokens=5, max_completion_tokens=6).max_output_tokens == 6


def test_top_k_is_a_loss_unless_the_caller_said_it_on_the_wire() -> None:
    """The protocol has no such field, but vLLM and others read it."""
    assert "top_k" in lost(but(top_k=5))
    asked = request_of(top_k=5)
    assert asked.top_k == 5
    assert lost(asked) == set()
    assert body_of(asked)["top_k"] == 5


def test_what_the_protocol_cannot_say_is_named() -> None:
    """Budgets, marks, failed tools, more stop sequences than four."""
    spec = ReasoningSpec(effort="low", budget_tokens=100, show=True)
    assert lost(but(reasoning=spec)) == {"reasoning.budget_tokens", "reasoning.show"}
    assert body_of(but(reasoning=spec))["reasoning_effort"] == "low"
    marked = Message(role="user", parts=(Text(text="a", cache=CacheMark()),))
    assert lost(but(messages=(marked,))) == {"messages[0].parts[0].cache"}
    assert lost(but(tools=(msgspec.structs.replace(WEATHER, cache=CacheMark()),))) == {"tools[0].cache"}
    assert lost(but(stop=("a", "b", "c", "d", "e"))) == {"stop"}
    assert body_of(but(stop=("a", "b", "c", "d", "e")))["stop"] == ["a", "b", "c", "d"]


def test_a_choice_without_tools_is_left_out() -> None:
    """OpenAI refuses it, and `parallel_tool_calls` too."""
    request = but(tool_choice=ToolChoice("required"), parallel_tool_calls=False)
    assert set(body_of(request)) == {"model", "messages"}
    assert lost(request) == {"tool_choice", "parallel_tool_calls"}


@pytest.mark.parametrize(
    "wire, choice",
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "weather"}}, ToolChoice("named", ("weather",))),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": n}} for n in ("weather", "b")],
                },
            },
            ToolChoice("named", ("weather", "b")),
        ),
    ],
)
def test_every_choice_of_tools_is_read_and_written(wire: object, choice: ToolChoice) -> None:
    """Words and objects, both ways."""
    tool = {"type": "function", "function": {"name": "weather", "parameters": {}, "strict": True}}
    request = request_of(tools=[tool], tool_choice=wire)
    assert request.tool_choice == choice
    assert body_of(request)["tool_choice"] == wire
    assert request.tools[0].strict is True


def test_mistrals_word_for_required_is_understood() -> None:
    """`any` is not OpenAI's, so it is not written."""
    tool = {"type": "function", "function": {"name": "f"}}
    assert body_of(request_of(tools=[tool], tool_choice="any"))["tool_choice"] == "required"


def test_media_in_a_tool_result_follow_in_a_message_of_the_user() -> None:
    """After all results of the turn, because nothing may stand between them; the move is named."""
    results = [
        Message(role="tool", parts=(ToolResult(call_id=i, parts=(Text(text=i), Image(media=Media(url="https://e.com/p.png")))),))
        for i in ("a", "b")
    ]
    calls = Message(role="assistant", parts=tuple(ToolCall(id=i, name="f", arguments="{}") for i in ("a", "b")))
    request = but(messages=(user_says("x"), calls, *results, user_says("y")))
    messages = body_of(request)["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "tool", "tool", "user", "user", "user"]
    assert messages[2]["content"] == "a"
    assert messages[4]["content"][1]["image_url"]["url"] == "https://e.com/p.png"
    assert len(lost(request)) == 2


def test_fields_without_a_name_of_ours_are_kept() -> None:
    """Of the request, of a message, of a part, of a tool and of its function."""
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            {"role": "assistant", "content": "b", "prefix": True},
        ],
        "tools": [{"type": "function", "defer": 1, "function": {"name": "f", "eager": 2}}],
        "logit_bias": {"5": -100},
        "metadata": {"k": "v"},
    }
    request = PLUGIN.read_request(json.dumps(body).encode(), "")
    assert request.messages[0].parts[0].cache == CacheMark(ttl="1h")
    wire = PLUGIN.write_request(request)
    assert json.loads(wire.body) == body
    assert wire.losses == ()


@pytest.mark.parametrize(
    "fields, named",
    [
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content: expected"),
        ({"messages": [{"role": "alien", "content": "x"}]}, "messages[0].role: expected one of"),
        ({"messages": [{"content": "x"}]}, "messages[0].role: expected one of"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type: required"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id: required"),
        ({"messages": "hi"}, "messages: expected array, got str"),
        ({"temperature": "hot"}, "temperature: expected float | null, got str"),
        ({"tools": [{"type": "function"}]}, "tools[0].function: required"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name: required"),
        ({"tool_choice": "maybe"}, "tool_choice: expected auto"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: required"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage: expected bool"),
        ({"model": None}, "model: expected str, got null"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], named: str) -> None:
    """Where it is, what was expected, and what stood there; the error object names it as `param`."""
    with pytest.raises(ProviderError) as caught:
        request_of(**fields)
    assert caught.value.failure.message.startswith(named)
    param = json.loads(PLUGIN.write_failure(caught.value.failure).body)["error"]["param"]
    assert param == named.split(":", maxsplit=1)[0]


def test_a_server_of_its_own_kind_may_have_its_own_values() -> None:
    """An effort or format only some server knows is passed on untouched."""
    request = request_of(reasoning_effort="default", response_format={"type": "grammar", "value": "x"})
    assert (request.reasoning, request.output) == (None, None)
    body = body_of(request)
    assert (body["reasoning_effort"], body["response_format"]) == ("default", {"type": "grammar", "value": "x"})


def test_formats_of_the_answer_are_read_and_written() -> None:
    """JSON, and JSON to a schema with name and strictness."""
    schema = {"type": "json_schema", "json_schema": {"name": "p", "schema": {"type": "object"}, "strict": True}}
    assert body_of(request_of(response_format=schema))["response_format"] == schema
    assert request_of(response_format={"type": "json_object"}).output == OutputFormat(kind="json")


def test_functions_of_the_time_before_tools_are_read() -> None:
    """A call and its result, tied by name."""
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "done"},
        ],
    }
    messages = PLUGIN.read_request(json.dumps(body).encode(), "").messages
    (made,), (result,) = messages[1].parts, messages[2].parts
    assert isinstance(made, ToolCall)
    assert isinstance(result, ToolResult)
    assert result.call_id == made.id


def test_the_first_chunk_for_a_client_has_the_role() -> None:
    """And only the first; an Anthropic stream's first piece needs it as much as our own."""
    writer = PLUGIN.stream_writer(but(stream=True))
    first, second = writer.feed(TextDelta("a")), writer.feed(TextDelta("b"))
    assert b'"role":"assistant"' in first
    assert b'"role"' not in second


def test_an_error_in_a_stream_stands_alone() -> None:
    """As OpenAI sends it: beside `choices`, the Vercel AI SDK does not see it and takes the answer for whole."""
    writer = PLUGIN.stream_writer(but(stream=True))
    writer.feed(TextDelta("a"))
    told = writer.feed(Failed(Failure(kind=FailureClass.TRANSIENT, message="the model failed"))) + writer.close()
    assert list(json.loads(told.removeprefix(b"data: "))) == ["error"]


def test_sound_a_model_made_goes_back_by_its_id() -> None:
    """Its bytes cannot; then its words do, and that is named."""
    by_id = but(messages=(Message(role="assistant", parts=(Audio(media=Media(file_id="audio_1")),)),))
    assert body_of(by_id)["messages"][0]["audio"] == {"id": "audio_1"}
    by_value = but(messages=(Message(role="assistant", parts=(Audio(media=Media(data="AAAA"), transcript="Hey"),)),))
    assert body_of(by_value)["messages"][0]["content"] == "Hey"
    assert lost(by_value) == {"messages[0].parts[0]"}

"""Streams of Anthropic Messages, read and written: one test per thing that goes wrong in the field."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pointsman.core.chat import (
    ChatRequest,
    Delta,
    Failed,
    Finished,
    FinishReason,
    Opaque,
    PartDelta,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageSeen,
    user_says,
)
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.usage import Usage
from pointsman.providers.dialects.anthropic_messages import PLUGIN
from support.streams import deltas_in, streamed, written

ASKED = ChatRequest(model="m", messages=(user_says("hi"),), stream=True)
START = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}}
END: list[dict[str, Any]] = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}]
DONE = Finished(reason=FinishReason.STOP)


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {e.get('type', '')}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    start = {"type": "content_block_start", "index": index, "content_block": content}
    return [
        start,
        *({"type": "content_block_delta", "index": index, "delta": d} for d in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def events(wire: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in wire.splitlines() if line.startswith(b"data: ")]


def well_formed(found: list[dict[str, Any]]) -> None:
    """One start, contiguous blocks that are started, filled and stopped one after the other, one end."""
    kinds = [e["type"] for e in found]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("message_start") == kinds.count("message_delta") == kinds.count("message_stop") == 1
    index, is_open = -1, False
    for event in found[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert not is_open
                index, is_open = index + 1, True
            case "content_block_stop":
                assert is_open
                is_open = False
            case "content_block_delta":
                assert is_open
        assert event["index"] == index
    assert not is_open


def test_usage_is_replaced_field_by_field_and_never_added() -> None:
    """The start's counts, then running totals; an explicit 0 is 0, an absent field keeps what was known."""
    start = {
        "type": "message_start",
        "message": {"id": "a", "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}},
    }
    middle = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 20}}
    last = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 30, "cache_read_input_tokens": 0},
    }
    usage = streamed(PLUGIN, sse(start, middle, last)).usage
    assert usage == Usage(input_tokens=10, cache_read_tokens=0, output_tokens=30)


def test_a_cache_split_told_at_the_start_is_not_counted_twice_at_the_end() -> None:
    """The split by life comes first, the total alone comes last."""
    split = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 70}
    start = {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 1, "cache_creation_input_tokens": 100, "cache_creation": split}},
    }
    last = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"cache_creation_input_tokens": 100, "output_tokens": 2},
    }
    usage = streamed(PLUGIN, sse(start, last)).usage
    assert usage is not None
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens, usage.total_input_tokens) == (30, 70, 101)


def test_thinking_is_part_of_the_output_and_kept_apart() -> None:
    """`output_tokens` contains `thinking_tokens`."""
    last = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 40}},
    }
    usage = streamed(PLUGIN, sse(START, last)).usage
    assert usage is not None
    assert (usage.output_tokens, usage.reasoning_tokens, usage.total_output_tokens) == (10, 40, 50)


@pytest.mark.parametrize("pieces", [[], [{"type": "input_json_delta", "partial_json": ""}]])
def test_a_call_without_arguments_streams_an_empty_object(pieces: list[dict[str, Any]]) -> None:
    """Nothing, or one empty piece, becomes `{}` in the deltas themselves."""
    call = block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, *pieces)
    deltas = deltas_in(PLUGIN, [sse(START, *call, *END)])
    assert ToolCallDelta(index=0, arguments="{}") in deltas


def test_a_call_cut_by_the_token_limit_keeps_its_broken_arguments() -> None:
    """They are what the model wrote, and the finish reason says why they end."""
    call = block(
        0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, {"type": "input_json_delta", "partial_json": '{"a": "b'}
    )
    last = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 7}}
    reply = streamed(PLUGIN, sse(START, *call[:-1], last))
    assert (reply.tool_calls[0].arguments, reply.finish) == ('{"a": "b', FinishReason.LENGTH)


def test_pings_comments_and_unknown_events_are_passed_over() -> None:
    """Whatever an event of a later day looks like."""
    noise = b": comment\n\n" + sse({"type": "ping"}, {"type": "future", "message": "text", "delta": 5, "index": "x"})
    text = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "hi"}, {"type": "future_delta", "x": 1})
    assert streamed(PLUGIN, noise + sse(START) + noise + sse(*text, *END) + noise).text == "hi"


def test_thoughts_their_signature_and_redacted_ones_are_kept_apart() -> None:
    """Two thinking blocks do not flow together."""
    first = block(
        0,
        {"type": "thinking", "thinking": ""},
        {"type": "thinking_delta", "thinking": "a"},
        {"type": "signature_delta", "signature": "s1"},
    )
    second = block(
        1,
        {"type": "thinking", "thinking": ""},
        {"type": "thinking_delta", "thinking": "b"},
        {"type": "signature_delta", "signature": "s2"},
    )
    redacted = block(2, {"type": "redacted_thinking", "data": "xx"})
    parts: Any = streamed(PLUGIN, sse(START, *first, *second, *redacted, *END)).choices[0].parts
    assert [(p.text, p.signature, p.encrypted) for p in parts] == [("a", "s1", None), ("b", "s2", None), ("", None, "xx")]


def test_citations_follow_their_text_and_join_it_again() -> None:
    """Text is not held back for them, and a client of the same protocol gets them in its block."""
    cited = {"type": "page_location", "cited_text": "x", "document_index": 0}
    text = block(
        0,
        {"type": "text", "text": "", "citations": []},
        {"type": "text_delta", "text": "hi"},
        {"type": "citations_delta", "citation": cited},
    )
    deltas = deltas_in(PLUGIN, [sse(START, *text, *END)])
    assert TextDelta("hi") in deltas
    back = events(written(PLUGIN, deltas, ASKED))
    well_formed(back)
    assert {"type": "citations_delta", "citation": cited} in [e.get("delta") for e in back]
    whole = json.loads(PLUGIN.write_reply(streamed(PLUGIN, sse(START, *text, *END)), ASKED).body)
    assert whole["content"] == [{"type": "text", "text": "hi", "citations": [cited]}]


def test_a_hosted_tools_input_and_result_arrive_whole() -> None:
    """Their deltas are put together, also those of a kind we do not know."""
    search = block(
        0,
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"q":'},
        {"type": "input_json_delta", "partial_json": "1}"},
    )
    compaction = block(
        1,
        {"type": "compaction", "content": None},
        {"type": "compaction_delta", "content": "sum"},
        {"type": "compaction_delta", "content": "mary"},
    )
    parts: Any = streamed(PLUGIN, sse(START, *search, *compaction, *END)).choices[0].parts
    assert [msgspec.json.decode(p.raw) for p in parts] == [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
        {"type": "compaction", "content": "summary"},
    ]


def test_an_error_event_ends_the_stream() -> None:
    """Its class is the provider's, and nothing after it counts."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    text = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "hi"})
    deltas = deltas_in(PLUGIN, [sse(START, *text, error, *END)])
    assert isinstance(deltas[-1], Failed)
    assert (deltas[-1].failure.kind, deltas[-1].failure.phase) == (FailureClass.TRANSIENT, "body")
    assert not any(isinstance(d, Finished) for d in deltas)


@pytest.mark.parametrize(
    "data",
    [
        b"data: {broken\n\n",
        b'data: {"type":"content_block_delta","delta":5}\n\n',
        b"data: \xff\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
    ],
)
def test_a_chunk_that_is_not_the_protocol_is_malformed(data: bytes) -> None:
    """Never skipped, never another error."""
    with pytest.raises(ProviderError) as caught:
        PLUGIN.stream_reader().feed(data)
    assert caught.value.failure.kind is FailureClass.MALFORMED


def test_a_block_switch_keeps_the_delta_that_made_it() -> None:
    """Stop, start, and the text or arguments themselves."""
    deltas: list[Delta] = [
        Started(id="x", model="m"),
        TextDelta("a"),
        ToolCallStarted(index=0, id="t", name="f"),
        ToolCallDelta(index=0, arguments='{"k":1}'),
        TextDelta("b"),
        ReasoningDelta(text="c"),
        TextDelta("d"),
        DONE,
    ]
    found = events(written(PLUGIN, deltas, ASKED))
    well_formed(found)
    said = [e["delta"] for e in found if e["type"] == "content_block_delta"]
    assert [next(v for k, v in d.items() if k != "type") for d in said] == ["a", '{"k":1}', "b", "c", "d"]
    assert [e["content_block"]["type"] for e in found if e["type"] == "content_block_start"] == [
        "text",
        "tool_use",
        "text",
        "thinking",
        "text",
    ]


def test_calls_that_another_protocol_interleaves_come_one_after_the_other() -> None:
    """Each call's arguments stay with its call, and nothing is lost."""
    deltas: list[Delta] = [Started(), ToolCallStarted(index=0, id="a", name="f"), ToolCallStarted(index=1, id="b", name="g")]
    deltas += [ToolCallDelta(index=i % 2, arguments=t) for i, t in enumerate(['{"x"', '{"y"', ":1}", ":2}"])]
    wire = written(PLUGIN, [*deltas, Finished(reason=FinishReason.TOOL_CALLS)], ASKED)
    well_formed(events(wire))
    assert [(c.id, c.arguments) for c in streamed(PLUGIN, wire).tool_calls] == [("a", '{"x":1}'), ("b", '{"y":2}')]


def test_a_single_call_streams_as_it_comes() -> None:
    """Its pieces are not held back."""
    writer = PLUGIN.stream_writer(ASKED)
    writer.feed(Started())
    assert b"tool_use" in writer.feed(ToolCallStarted(index=0, id="a", name="f"))
    assert b"partial_json" in writer.feed(ToolCallDelta(index=0, arguments='{"x'))


def test_usage_that_comes_after_the_finish_is_in_the_last_delta() -> None:
    """OpenAI sends it in a trailing chunk."""
    usage = Usage(
        input_tokens=5, cache_read_tokens=2, cache_write_tokens=1, cache_write_1h_tokens=4, output_tokens=3, reasoning_tokens=6
    )
    found = events(written(PLUGIN, [Started(), TextDelta("a"), DONE, UsageSeen(usage)], ASKED))
    well_formed(found)
    assert found[-2]["usage"] == {
        "input_tokens": 5,
        "output_tokens": 9,
        "cache_read_input_tokens": 2,
        "cache_creation_input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 4},
        "output_tokens_details": {"thinking_tokens": 6},
    }


def test_tokens_read_are_in_message_start_where_they_are_known() -> None:
    """As with Anthropic itself, whose usage comes right after the start."""
    found = events(written(PLUGIN, [Started(), UsageSeen(Usage(input_tokens=5)), TextDelta("a"), DONE], ASKED))
    assert found[0]["message"]["usage"]["input_tokens"] == 5


def test_a_failure_is_an_error_event_and_the_end() -> None:
    """Also one that comes before anything else."""
    failed = Failed(Failure(kind=FailureClass.RATE_LIMIT, message="slow down"))
    for before in ([], [Started(), TextDelta("a")]):
        wire = written(PLUGIN, [*before, failed, TextDelta("b"), DONE], ASKED)
        assert events(wire)[-1] == {
            "type": "error",
            "error": {"type": "rate_limit_error", "message": "slow down"},
            "request_id": None,
        }
        assert wire.count(b"event: error\n") == 1
        assert b"message_stop" not in wire


def test_a_stream_without_finish_ends_in_an_error() -> None:
    """Nothing that looks like success."""
    found = events(written(PLUGIN, [Started(), TextDelta("a")], ASKED))
    assert found[-1]["type"] == "error"
    assert "message_stop" not in [e["type"] for e in found]


def test_a_refusals_words_stand_in_stop_details() -> None:
    """The place the protocol has for them."""
    found = events(
        written(PLUGIN, [Started(), RefusalDelta("I "), RefusalDelta("won't"), Finished(reason=FinishReason.REFUSAL)], ASKED)
    )
    assert found[-2]["delta"]["stop_reason"] == "refusal"
    assert found[-2]["delta"]["stop_details"]["explanation"] == "I won't"


@pytest.mark.parametrize("reason", [r for r in FinishReason if r is not FinishReason.ERROR])
@pytest.mark.parametrize("raw", [None, "STOP", "length", "end_turn", "model_context_window_exceeded"])
def test_only_words_of_the_closed_set_leave(reason: FinishReason, raw: str | None) -> None:
    """A foreign word never does; Anthropic's own does where it means the same."""
    found = events(written(PLUGIN, [Started(), Finished(reason=reason, raw=raw)], ASKED))
    word = found[-2]["delta"]["stop_reason"]
    assert word in {
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    }
    assert (word == raw) == (
        (reason is FinishReason.LENGTH and raw == "model_context_window_exceeded")
        or (reason in (FinishReason.STOP, FinishReason.UNKNOWN) and raw == "end_turn")
    )


def test_an_answer_that_ended_in_an_error_is_no_success() -> None:
    """No stop reason says so, therefore an error does, streamed and whole."""
    end = Finished(reason=FinishReason.ERROR, raw="MALFORMED_FUNCTION_CALL")
    assert events(written(PLUGIN, [Started(), end], ASKED))[-1]["type"] == "error"


def test_parts_without_a_block_here_are_left_out() -> None:
    """Another protocol's own parts, and text that carries a proof only Gemini understands."""
    foreign = Opaque(dialect="gemini", kind="executableCode", raw=msgspec.Raw(b"{}"))
    deltas: list[Delta] = [Started(), PartDelta(foreign), PartDelta(Text(text="a", signature="s")), DONE]
    found = events(written(PLUGIN, deltas, ASKED))
    well_formed(found)
    assert streamed(PLUGIN, written(PLUGIN, deltas, ASKED)).text == "a"
    assert len([e for e in found if e["type"] == "content_block_start"]) == 1

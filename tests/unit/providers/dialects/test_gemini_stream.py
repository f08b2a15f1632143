"""Replies and streams of generateContent, read and written: one test per thing that goes wrong in the field."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pointsman.core.chat import (
    ChatReply,
    ChatRequest,
    Choice,
    Delta,
    Failed,
    Finished,
    FinishReason,
    Image,
    Media,
    Opaque,
    Part,
    PartDelta,
    Reasoning,
    ReasoningDelta,
    Refusal,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UsageSeen,
    user_says,
)
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.usage import Usage
from pointsman.providers.assemble import deltas_of
from pointsman.providers.dialects.gemini import PLUGIN
from support.streams import deltas_in, streamed, written

ASKED = ChatRequest(model="m", messages=(user_says("hi"),), stream=True)


def response(*parts: dict[str, Any], finish: str | int | None = "STOP", **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, **({} if finish is None else {"finishReason": finish})}
    return {"candidates": [candidate], "responseId": "r", **more}


def read(document: dict[str, Any]) -> ChatReply:
    return PLUGIN.read_reply(json.dumps(document).encode())


def sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(f"data: {json.dumps(c)}\r\n\r\n".encode() for c in chunks)


def chunks(wire: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in wire.splitlines() if line.startswith(b"data: ")]


def usage(**counts: Any) -> Usage | None:
    return read(response({"text": "a"}, usageMetadata=counts)).usage


def test_cached_tokens_are_inside_the_prompt_and_thoughts_outside_the_candidates() -> None:
    """And results of hosted tools lie outside both."""
    found = usage(
        promptTokenCount=100,
        cachedContentTokenCount=60,
        candidatesTokenCount=5,
        thoughtsTokenCount=7,
        toolUsePromptTokenCount=11,
        totalTokenCount=123,
    )
    assert found == Usage(input_tokens=51, cache_read_tokens=60, output_tokens=5, reasoning_tokens=7)


def test_sound_and_pictures_are_counted_apart() -> None:
    """What of them came out of the cache is billed as cache."""
    details = [
        {"modality": "TEXT", "tokenCount": 40},
        {"modality": "AUDIO", "tokenCount": 30},
        {"modality": "IMAGE", "tokenCount": 30},
    ]
    cached = [{"modality": "AUDIO", "tokenCount": 10}, {"modality": "TEXT", "tokenCount": 5}]
    out = [{"modality": "IMAGE", "tokenCount": 4}]
    found = usage(
        promptTokenCount=100,
        cachedContentTokenCount=15,
        promptTokensDetails=details,
        cacheTokensDetails=cached,
        candidatesTokenCount=9,
        candidatesTokensDetails=out,
    )
    assert found == Usage(
        input_tokens=35,
        cache_read_tokens=15,
        input_audio_tokens=20,
        input_image_tokens=30,
        output_tokens=5,
        output_image_tokens=4,
    )
    assert (found.total_input_tokens, found.total_output_tokens) == (100, 9)


def test_enums_by_number_are_read() -> None:
    """Vertex sends them so when asked for `enum-encoding=int`."""
    reply = read(
        response(
            {"text": "a"},
            finish=2,
            usageMetadata={"promptTokenCount": 3, "promptTokensDetails": [{"modality": 4, "tokenCount": 3}]},
        )
    )
    assert (reply.finish, reply.choices[0].finish_raw) == (FinishReason.LENGTH, "MAX_TOKENS")
    assert reply.usage == Usage(input_tokens=0, input_audio_tokens=3)
    assert read(response(finish=99)).finish is FinishReason.UNKNOWN


def test_absent_counts_are_not_zero() -> None:
    """Traffic type alone is no usage; an absent field stays unknown."""
    assert usage(trafficType="ON_DEMAND") is None
    found = usage(promptTokenCount=0)
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.cache_read_tokens) == (0, None, None)


@pytest.mark.parametrize(
    "raw, ours",
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("RECITATION", FinishReason.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER),
        ("MALFORMED_FUNCTION_CALL", FinishReason.ERROR),
        ("SOMETHING_NEW", FinishReason.UNKNOWN),
    ],
)
def test_finish_reasons_are_a_closed_set(raw: str, ours: FinishReason) -> None:
    """Whole and streamed; Google's own word stays beside ours and goes back to Google's clients."""
    assert read(response({"text": "a"}, finish=raw)).finish is ours
    reply = streamed(PLUGIN, sse(response({"text": "a"}, finish=raw)))
    assert (reply.finish, reply.choices[0].finish_raw) == (ours, raw)
    again = json.loads(PLUGIN.write_reply(reply, ASKED).body)["candidates"][0]["finishReason"]
    assert again == ("OTHER" if ours is FinishReason.UNKNOWN else raw)


def test_stop_after_a_call_means_tool_calls() -> None:
    """Gemini has no finish reason for it; back on Google's wire it is STOP again."""
    document = response({"functionCall": {"name": "f", "args": {"a": 1}}})
    for reply in (read(document), streamed(PLUGIN, sse(document))):
        assert reply.finish is FinishReason.TOOL_CALLS
        assert json.loads(PLUGIN.write_reply(reply, ASKED).body)["candidates"][0]["finishReason"] == "STOP"


def test_a_refused_prompt_is_a_filtered_reply() -> None:
    """Whole and streamed, and a client of the same protocol gets Google's own words for it."""
    feedback = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "no"}
    document = {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 3}}
    reply = read(document)
    assert (reply.finish, reply.choices[0].finish_raw, reply.text) == (FinishReason.CONTENT_FILTER, "PROHIBITED_CONTENT", "")
    assert reply.usage == Usage(input_tokens=3)
    assert json.loads(PLUGIN.write_reply(reply, ASKED).body)["promptFeedback"] == feedback
    assert streamed(PLUGIN, sse(document)).finish is FinishReason.CONTENT_FILTER


def test_ids_are_derived_where_there_is_none_and_the_same_streamed_and_whole() -> None:
    """Two calls of one name in one reply differ."""
    parts = (
        {"functionCall": {"name": "f", "args": {}}},
        {"functionCall": {"name": "f", "args": {}}},
        {"functionCall": {"name": "g", "id": "own"}},
    )
    whole = [c.id for c in read(response(*parts)).tool_calls]
    assert whole == [c.id for c in streamed(PLUGIN, sse(response(*parts))).tool_calls]
    assert len(set(whole)) == 3
    assert whole[2] == "own"


def test_a_signature_on_text_is_kept_without_holding_the_text_back() -> None:
    """It follows its text, also where the text is empty, and goes back to Gemini."""
    wire = sse(response({"text": "a"}, finish=None), response({"text": "", "thoughtSignature": "c2ln"}))
    deltas = deltas_in(PLUGIN, [wire])
    assert deltas[1:3] == [TextDelta("a"), PartDelta(Text(text="", signature="c2ln"))]
    back = chunks(written(PLUGIN, deltas, ASKED))
    assert [p for c in back for p in c["candidates"][0]["content"]["parts"]][:2] == [
        {"text": "a"},
        {"text": "", "thoughtSignature": "c2ln"},
    ]


def test_code_and_grounding_stay_as_they_came() -> None:
    """As parts of Gemini's own, streamed and whole; grounding stands beside the content again."""
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"}
    document = response({"text": "a"}, code)
    document["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["q"]}
    for reply in (read(document), streamed(PLUGIN, sse(document))):
        candidate = json.loads(PLUGIN.write_reply(reply, ASKED).body)["candidates"][0]
        assert candidate["content"]["parts"] == [{"text": "a"}, code]
        assert candidate["groundingMetadata"] == {"webSearchQueries": ["q"]}


def test_a_json_list_is_read_like_events() -> None:
    """What Google sends without `alt=sse`, in pieces of one byte too; an error in it ends the stream."""
    documents = [response({"text": 'a"]}\\'}, finish=None), response({"text": "b"})]
    wire = b"[" + b"\n,\r\n".join(json.dumps(d, indent=1).encode() for d in documents) + b"]"
    assert (
        streamed(PLUGIN, wire)
        == streamed(PLUGIN, *(wire[i : i + 1] for i in range(len(wire))))
        == streamed(PLUGIN, sse(*documents))
    )
    failed = deltas_in(PLUGIN, [b'[{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}]'])
    assert [type(d) for d in failed] == [Failed]


def test_several_candidates_must_all_finish() -> None:
    """A stream cut after the first one's finish is cut."""
    first = {
        "candidates": [
            {"index": 0, "content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"},
            {"index": 1, "content": {"parts": [{"text": "b"}]}},
        ]
    }
    assert isinstance(deltas_in(PLUGIN, [sse(first)])[-1], Failed)
    reply = streamed(PLUGIN, sse(first, {"candidates": [{"index": 1, "finishReason": "MAX_TOKENS"}]}))
    assert [c.finish for c in reply.choices] == [FinishReason.STOP, FinishReason.LENGTH]


@pytest.mark.parametrize(
    "chunk",
    [
        {"candidates": 5},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "no"}]}}]}}]},
        {
            "candidates": [
                {
                    "content": {
                        "parts": [{"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.a[0]"}, {"jsonPath": "$.a.b"}]}}]
                    }
                }
            ]
        },
        {
            "candidates": [
                {"content": {"parts": [{"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.a[999999999]"}]}}]}}
            ]
        },
    ],
)
def test_a_chunk_that_is_not_the_protocol_is_malformed(chunk: dict[str, Any]) -> None:
    """Paths of streamed arguments included; none can make us fill memory."""
    with pytest.raises(ProviderError) as caught:
        PLUGIN.stream_reader().feed(sse(chunk))
    assert caught.value.failure.kind is FailureClass.MALFORMED


def test_an_error_chunk_ends_the_stream() -> None:
    """Its class is Google's, and nothing after it counts."""
    error = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x", "details": [{"retryDelay": "3s"}]}}
    deltas = deltas_in(PLUGIN, [sse(response({"text": "a"}, finish=None), error, response({"text": "b"}))])
    assert isinstance(deltas[-1], Failed)
    assert (deltas[-1].failure.kind, deltas[-1].failure.retry_after_s) == (FailureClass.RATE_LIMIT, 3.0)


def test_calls_are_written_whole() -> None:
    """Gemini's clients expect each in one chunk, before what follows it."""
    deltas: list[Delta] = [Started(id="r", model="m"), ReasoningDelta(text="hm")]
    deltas += [ToolCallStarted(index=0, id="a", name="f", signature="c2ln"), ToolCallStarted(index=1, id="b", name="g")]
    deltas += [ToolCallDelta(index=i % 2, arguments=t) for i, t in enumerate(['{"x"', "", ":1}"])]
    deltas += [
        TextDelta("then"),
        Finished(reason=FinishReason.TOOL_CALLS),
        UsageSeen(Usage(input_tokens=2, output_tokens=3, reasoning_tokens=4)),
    ]
    found = chunks(written(PLUGIN, deltas, ASKED))
    assert [c["candidates"][0]["content"]["parts"] for c in found] == [
        [{"text": "hm", "thought": True}],
        [
            {"functionCall": {"name": "f", "args": {"x": 1}, "id": "a"}, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "g", "args": {}, "id": "b"}},
        ],
        [{"text": "then"}],
        [{"text": ""}],
    ]
    assert found[-1]["candidates"][0]["finishReason"] == "STOP"
    assert found[-1]["usageMetadata"] == {
        "promptTokenCount": 2,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 4,
        "totalTokenCount": 9,
    }


def test_a_failure_is_an_error_chunk_and_the_end() -> None:
    """And a stream without a finish ends in one too."""
    failed = Failed(Failure(kind=FailureClass.RATE_LIMIT, message="slow down", retry_after_s=1.5))
    found = chunks(written(PLUGIN, [Started(), TextDelta("a"), failed, TextDelta("b")], ASKED))
    assert found[-1]["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert found[-1]["error"]["details"][1]["retryDelay"] == "1.5s"
    assert len(found) == 2
    assert "error" in chunks(written(PLUGIN, [Started(), TextDelta("a")], ASKED))[-1]


def test_several_choices_are_written_and_read() -> None:
    """Each under its index, whole and streamed."""
    choices = tuple(Choice(parts=(Text(text=t),), finish=f) for t, f in (("a", FinishReason.STOP), ("b", FinishReason.LENGTH)))
    reply = ChatReply(id="r", model="m", choices=choices)
    assert [c.parts for c in PLUGIN.read_reply(PLUGIN.write_reply(reply, ASKED).body).choices] == [c.parts for c in choices]
    back = streamed(PLUGIN, written(PLUGIN, deltas_of(reply), ASKED))
    assert [(c.parts, c.finish) for c in back.choices] == [(c.parts, c.finish) for c in choices]


def test_every_part_of_a_reply_that_gemini_has_is_written() -> None:
    """Pictures with their proof of thought; a refusal as text; other protocols' own parts are left out."""
    proof = {"gemini.thoughtSignature": msgspec.Raw(b'"c2ln"')}
    parts: tuple[Part, ...] = (
        Reasoning(text="t", signature="anthropic's"),
        Image(media=Media(media_type="image/png", data="aGk="), extra=proof),
        Refusal(text="no"),
        Opaque(dialect="x", kind="y", raw=msgspec.Raw(b"{}")),
        ToolCall(id="a", name="f", arguments="broken"),
    )
    body = PLUGIN.write_reply(ChatReply(choices=(Choice(parts=parts, finish=FinishReason.STOP),), created_s=1.5e9), ASKED).body
    document = json.loads(body)
    assert document["candidates"][0]["content"]["parts"] == [
        {"text": "t", "thought": True},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "c2ln"},
        {"text": "no"},
        {"functionCall": {"name": "f", "args": {"INVALID_JSON": "broken"}, "id": "a"}},
    ]
    assert (document["createTime"], document["modelVersion"]) == ("2017-07-14T02:40:00Z", "m")
    assert PLUGIN.read_reply(body).created_s == 1.5e9

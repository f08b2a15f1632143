"""A forwarded stream's end says what a reader of all of it would have said, or leaves it to that reader."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.chat import FinishReason
from pointsman.gateway.relay import read_passed
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.dialects.openai_chat.stream_end import read_end
from support.shared import needs_shared
from support.wire import interactions

DIALECT = DIALECTS.load("openai_chat")
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "prompt_tokens_details": {"cached_tokens": 4}}


def event(said):
    return b"data: " + (said if isinstance(said, bytes) else json.dumps(said, separators=(",", ":")).encode()) + b"\n\n"


def chunk(delta=None, finish=None, *, index=0, usage=None, **more):
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": finish, **more}]
    return event({"id": "r", "model": "m-1", "choices": choices, "usage": usage})


WORDS = chunk({"role": "assistant", "content": ""}) + b"".join(chunk({"content": f"w{n} "}) for n in range(5))
DONE = event(b"[DONE]")
PLAIN = WORDS + chunk({}, "length") + chunk(usage=USAGE) + DONE


def facts(reply):
    return reply.model, reply.finish, reply.usage


@pytest.mark.parametrize(
    "data",
    [PLAIN, WORDS + chunk({}, "stop", usage=USAGE) + DONE, WORDS + chunk({"content": "!"}, "content_filter", usage=USAGE) + DONE],
    ids=["usage in a chunk of its own", "usage beside the finish", "finish beside the last word"],
)
def test_the_usual_ends_are_read_and_say_what_the_reader_says(data):
    whole, failure, _ = read_passed(DIALECT, data)
    assert failure is None
    assert facts(read_end(data)) == facts(whole)
    assert read_end(data).usage.cache_read_tokens == 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DONE,
        WORDS + chunk({}, "stop") + DONE,
        WORDS + chunk({}, "stop") + chunk(usage=USAGE),
        WORDS + chunk(usage=USAGE) + DONE,
        WORDS + chunk({}, "stop", index=1) + chunk(usage=USAGE) + DONE,
        WORDS + chunk({}, "stop", stop_reason="###") + chunk(usage=USAGE) + DONE,
        WORDS + chunk({}, "stop", error={"code": 502}) + chunk(usage=USAGE) + DONE,
        WORDS + event({"error": {"message": "x"}}) + chunk({}, "stop") + chunk(usage=USAGE) + DONE,
        chunk({"refusal": "no"}) + chunk({}, "stop") + chunk(usage=USAGE) + DONE,
        chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}) + chunk({}, "stop") + chunk(usage=USAGE) + DONE,
        chunk({"content": "w"}, usage=USAGE) + WORDS + chunk({}, "stop", usage=USAGE) + DONE,
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b'"m-1"', b'""'),
        WORDS + chunk({}, "stop") + b'data: {"usage":{}\n\n' + DONE,
    ],
)
def test_anything_unusual_is_left_to_the_reader(data):
    assert read_end(data) is None


@given(st.integers(0, len(PLAIN) - 1))
def test_a_cut_stream_has_no_end(size):
    assert read_end(PLAIN[:size]) is None


@needs_shared("data/wire")
def test_recorded_streams_end_as_their_readers_say():
    """Every recorded stream of this protocol; where the end is read at all it agrees with the whole."""
    streams = [r.body for r in interactions() if r.dialect == "openai_chat" and r.ok and r.streamed]
    read = [(end, read_passed(DIALECT, body)) for body in streams if (end := read_end(body)) is not None]
    assert len(read) > 10
    for end, (whole, failure, _) in read:
        assert failure is None
        assert facts(end) == facts(whole)
        assert end.finish is not FinishReason.UNKNOWN

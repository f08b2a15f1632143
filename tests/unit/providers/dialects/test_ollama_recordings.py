"""Every recorded exchange with Ollama's own API: chat and generate, whole and in lines."""

from __future__ import annotations

import json

import pytest

from pointsman.core.chat import FinishReason
from pointsman.core.failure import FailureClass
from pointsman.providers.dialects.ollama import PLUGIN
from support.dialect_recordings import combs, read_stream, requests
from support.shared import needs_shared
from support.streams import plain
from support.wire import Recorded, interactions

pytestmark = needs_shared("data/wire")

RECORDED = [x for x in interactions() if x.dialect == "ollama"]


def name_of(value: Recorded) -> str:
    return value.name


@pytest.mark.parametrize("recorded", RECORDED, ids=name_of)
def test_a_recorded_reply_is_read_as_it_is(recorded: Recorded) -> None:
    """Text, finish reason and both counts are those a second reading finds; a missing count stays None."""
    lines = [json.loads(line) for line in recorded.body.splitlines()]
    reply = read_stream(PLUGIN, recorded.body)[0] if len(lines) > 1 else PLUGIN.read_reply(recorded.body)
    assert reply.text == "".join(line["message"]["content"] if "message" in line else line["response"] for line in lines)
    assert reply.finish is FinishReason.STOP
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (lines[-1].get("prompt_eval_count"), lines[-1]["eval_count"])
    assert reply.created_s is not None
    assert reply.created_s > 1.7e9


@pytest.mark.parametrize("recorded", [x for x in RECORDED if x.streamed], ids=name_of)
def test_a_recorded_stream_is_the_same_at_every_cut(recorded: Recorded) -> None:
    """Every byte boundary is cut at; and without its last line it is a failure."""
    whole = read_stream(PLUGIN, recorded.body)
    for parts in combs(recorded.body):
        assert read_stream(PLUGIN, *parts) == whole
    failure = read_stream(PLUGIN, b"\n".join(recorded.body.strip().split(b"\n")[:-1]) + b"\n")[1]
    assert failure is not None
    assert failure.kind is FailureClass.TRANSIENT


@pytest.mark.parametrize("recorded", requests("ollama"), ids=name_of)
def test_a_recorded_request_is_written_back_with_its_meaning(recorded: Recorded) -> None:
    """A chat comes back the same; a generate request becomes a chat of one message."""
    request = PLUGIN.read_request(recorded.request, recorded.path)
    wire = PLUGIN.write_request(request)
    assert wire.losses == ()
    again = PLUGIN.read_request(wire.body, wire.path)
    assert plain(again.messages) == plain(request.messages)
    assert (again.model, again.stream) == (request.model, request.stream)
    assert request.messages[-1].text == "Tell me a joke about OpenTelemetry"

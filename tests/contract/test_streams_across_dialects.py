"""Recorded streams of Anthropic and Gemini, written again in each protocol that is not their own."""

from __future__ import annotations

import json

import pytest

from pointsman.core.chat import ChatReply, ChatRequest, user_says
from pointsman.providers.dialect import DIALECTS
from support.shared import needs_shared
from support.streams import deltas_in, streamed, written
from support.wire import Recorded, interactions

pytestmark = needs_shared("data/wire")

STREAMS = [
    r
    for r in interactions()
    if r.ok and ((r.path == "/v1/messages" and r.streamed) or (r.dialect == "gemini" and ":stream" in r.path))
]
ASKED = ChatRequest(model="m", messages=(user_says("hi"),), stream=True, stream_usage=True)


def said(reply: ChatReply) -> dict[str, object]:
    usage = reply.usage
    return {
        "text": reply.text,
        "calls": [(c.name, json.loads(c.arguments)) for c in reply.tool_calls],
        "finish": reply.finish,
        "read": usage.total_input_tokens if usage else None,
        "written": usage.total_output_tokens if usage else None,
    }


@pytest.mark.parametrize("target", ["anthropic_messages", "gemini", "openai_chat"])
@pytest.mark.parametrize("recorded", STREAMS, ids=lambda r: r.name)
def test_a_recorded_stream_says_the_same_in_another_protocol(recorded: Recorded, target: str) -> None:
    """Text, calls with their arguments, finish reason and token totals; also in its own protocol."""
    source, other = DIALECTS.load(str(recorded.dialect)), DIALECTS.load(target)
    deltas = deltas_in(source, [recorded.body])
    assert said(streamed(other, written(other, deltas, ASKED))) == said(streamed(source, recorded.body))
